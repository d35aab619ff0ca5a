#include "stages/columns.h"

#include <stdio.h>
#include <string.h>

#include "stages/csv.h"
#include "stages/value.h"

#define WHAT_TO_DO                                                                                 \
	"give a geo-dvf file, as at https://files.data.gouv.fr/geo-dvf/latest/csv/, with --source"

const struct column columns[COLUMNS] = {
	{ .name = "id_mutation", .type = COLUMN_CODE, .required = true },
	{ .name = "date_mutation", .type = COLUMN_DATE, .required = true },
	{ .name = "numero_disposition", .type = COLUMN_CODE },
	{ .name = "nature_mutation", .type = COLUMN_TEXT },
	{ .name = "valeur_fonciere", .type = COLUMN_PRICE },
	{ .name = "adresse_numero", .type = COLUMN_INTEGER },
	{ .name = "adresse_suffixe", .type = COLUMN_CODE },
	{ .name = "adresse_nom_voie", .type = COLUMN_TEXT },
	{ .name = "adresse_code_voie", .type = COLUMN_CODE },
	{ .name = "code_postal", .type = COLUMN_CODE },
	{ .name = "code_commune", .type = COLUMN_CODE, .required = true },
	{ .name = "nom_commune", .type = COLUMN_TEXT, .required = true },
	{ .name = "code_departement", .type = COLUMN_CODE, .required = true },
	{ .name = "ancien_code_commune", .type = COLUMN_CODE },
	{ .name = "ancien_nom_commune", .type = COLUMN_TEXT },
	{ .name = "id_parcelle", .type = COLUMN_CODE, .required = true },
	{ .name = "ancien_id_parcelle", .type = COLUMN_CODE },
	{ .name = "numero_volume", .type = COLUMN_CODE },
	{ .name = "lot1_numero", .type = COLUMN_CODE },
	{ .name = "lot1_surface_carrez", .type = COLUMN_AREA },
	{ .name = "lot2_numero", .type = COLUMN_CODE },
	{ .name = "lot2_surface_carrez", .type = COLUMN_AREA },
	{ .name = "lot3_numero", .type = COLUMN_CODE },
	{ .name = "lot3_surface_carrez", .type = COLUMN_AREA },
	{ .name = "lot4_numero", .type = COLUMN_CODE },
	{ .name = "lot4_surface_carrez", .type = COLUMN_AREA },
	{ .name = "lot5_numero", .type = COLUMN_CODE },
	{ .name = "lot5_surface_carrez", .type = COLUMN_AREA },
	{ .name = "nombre_lots", .type = COLUMN_INTEGER, .required = true },
	{ .name = "code_type_local", .type = COLUMN_SMALLINT },
	{ .name = "type_local", .type = COLUMN_TEXT },
	{ .name = "surface_reelle_bati", .type = COLUMN_AREA },
	{ .name = "nombre_pieces_principales", .type = COLUMN_INTEGER },
	{ .name = "code_nature_culture", .type = COLUMN_CODE },
	{ .name = "nature_culture", .type = COLUMN_TEXT },
	{ .name = "code_nature_culture_speciale", .type = COLUMN_CODE },
	{ .name = "nature_culture_speciale", .type = COLUMN_TEXT },
	{ .name = "surface_terrain", .type = COLUMN_AREA },
	{ .name = "longitude", .type = COLUMN_DEGREE, .furthest = 180 },
	{ .name = "latitude", .type = COLUMN_DEGREE, .furthest = 90 },
};

/* What files that are no CSV begin with. */
static const struct {
	const char *bytes;
	const char *what;
} beginnings[] = {
	{ "<?xml", "XML, which is how object stores write their errors" },
	{ "<", "an HTML or XML page" },
	{ "{", "JSON" },
	{ "PK\x03\x04", "a zip archive or a spreadsheet" },
	{ "\x1f\x8b", "gzip inside gzip" },
	{ "\xff\xfe", "UTF-16 text" },
	{ "\xfe\xff", "UTF-16 text" },
};

static bool begins_with(const char *record, size_t size, const char *bytes)
{
	size_t length = strlen(bytes);
	return size >= length && memcmp(record, bytes, length) == 0;
}

static const char *what_it_begins_as(const char *record, size_t size)
{
	size_t spaces = 0;
	while (spaces < size && (record[spaces] == ' ' || record[spaces] == '\t'))
		spaces++;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (begins_with(record + spaces, size - spaces, beginnings[i].bytes))
			return beginnings[i].what;
	return NULL;
}

static unsigned count_byte(const char *record, size_t size, char byte)
{
	unsigned count = 0;
	for (size_t i = 0; i < size; i++)
		count += record[i] == byte;
	return count;
}

/* What a header in which our columns were not found looks like; NULL: nothing we know. */
static const char *what_it_is(const char *record, size_t size)
{
	unsigned commas = count_byte(record, size, ',');
	if (count_byte(record, size, '|') > commas &&
		(memmem(record, size, "Code service CH", 15) != NULL ||
			memmem(record, size, "Identifiant de document", 23) != NULL))
		return "the raw DGFiP layout (43 columns, '|'), which geo-dvf is made from";
	if (count_byte(record, size, '|') > commas)
		return "separated by '|', not by commas";
	if (count_byte(record, size, ';') > commas)
		return "separated by semicolons, as spreadsheets save it; geo-dvf has commas";
	if (count_byte(record, size, '\t') > commas)
		return "separated by tabs, not by commas";
	return NULL;
}

static bool refuse(struct error *error, const char *what)
{
	return error_set(error, ERROR_INPUT, "the header cannot be used, the file is %s: %s", what,
		WHAT_TO_DO);
}

static int column_named(const char *name, size_t size)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strlen(columns[i].name) == size && memcmp(columns[i].name, name, size) == 0)
			return i;
	return -1;
}

/* Adds to a list that is cut with "..." where it would not fit. */
static void list_add(char *list, size_t room, const char *name)
{
	size_t used = strlen(list);
	size_t need = strlen(name) + 2;
	if (used + need + sizeof(", ...") <= room)
		snprintf(list + used, room - used, "%s%s", used > 0 ? ", " : "", name);
	else if (used < 3 || strcmp(list + used - 3, "...") != 0)
		snprintf(list + used, room - used, ", ...");
}

/* Fills column_of and extra. `found` gets the field of each column, -1: not there. */
static bool match_names(struct header *header, const char *record, const struct csv_field *fields,
	int found[static COLUMNS], struct error *error)
{
	for (unsigned j = 0; j < header->fields; j++) {
		const char *name = record + fields[j].first;
		int column = column_named(name, fields[j].size);
		header->column_of[j] = (int16_t)column;
		if (column == -1) {
			char shown[VALUE_SHOWN];
			value_show(shown, name, fields[j].size);
			list_add(header->extra, sizeof(header->extra),
				shown[0] != '\0' ? shown : "''");
			continue;
		}
		if (found[column] != -1)
			return error_set(error, ERROR_INPUT,
				"the header has the column %s twice, as fields %d and %u: %s",
				columns[column].name, found[column] + 1, j + 1, WHAT_TO_DO);
		found[column] = (int)j;
		header->field_of[column] = (uint16_t)j;
	}
	return true;
}

static bool none_missing(const struct header *header, const char *record, size_t size,
	const int found[static COLUMNS], struct error *error)
{
	char names[300] = "";
	unsigned missing = 0;
	for (int i = 0; i < COLUMNS; i++) {
		if (found[i] != -1)
			continue;
		list_add(names, sizeof(names), columns[i].name);
		missing++;
	}
	if (missing == 0)
		return true;
	const char *what = what_it_is(record, size);
	if (what != NULL)
		return refuse(error, what);
	return error_set(error, ERROR_INPUT, "the header lacks %u of %d columns: %s%s%s: %s",
		missing, COLUMNS, names, header->extra[0] != '\0' ? "; it has unknown ones: " : "",
		header->extra, WHAT_TO_DO);
}

static bool split_names(struct header *header, const char *record, size_t size,
	struct csv_field *fields, struct error *error)
{
	switch (csv_split(record, size, fields, FIELDS_MAX, &header->fields)) {
	case CSV_FINE:
		return true;
	case CSV_TOO_MANY_FIELDS:
		return error_set(error, ERROR_INPUT, "the header has more than %d fields: %s",
			FIELDS_MAX, WHAT_TO_DO);
	case CSV_TEXT_AFTER_QUOTE:
	case CSV_QUOTE_NOT_CLOSED:
		break;
	}
	const char *what = what_it_is(record, size);
	if (what != NULL)
		return refuse(error, what);
	return error_set(error, ERROR_INPUT, "the header has a broken quote in field %u: %s",
		header->fields + 1, WHAT_TO_DO);
}

bool header_read(struct header *header, const char *record, uint64_t size, struct error *error)
{
	struct csv_field fields[FIELDS_MAX];
	int found[COLUMNS];
	*header = (struct header){ 0 };
	if (begins_with(record, size, "\xef\xbb\xbf")) {
		record += 3;
		size -= 3;
	}
	size = csv_trim(record, size);
	if (size == 0)
		return refuse(error, "empty in its first line");
	const char *what = what_it_begins_as(record, size);
	if (what != NULL)
		return refuse(error, what);
	for (int i = 0; i < COLUMNS; i++)
		found[i] = -1;
	return split_names(header, record, size, fields, error) &&
	       match_names(header, record, fields, found, error) &&
	       none_missing(header, record, size, found, error);
}
