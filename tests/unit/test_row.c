#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/csv.h"
#include "stages/row.h"

/* A row to begin with; the tests change single fields. */
static const char *const usual[COLUMNS] = {
	"2023-1",
	"2023-01-05",
	"000001",
	"Vente",
	"208000",
	"30",
	"B",
	"RUE THIERS",
	"6930",
	"01200",
	"2A004",
	"Ajaccio",
	"2A",
	"",
	"",
	"940520000E0085",
	"",
	"",
	"60B",
	"78.46",
	"",
	"",
	"",
	"",
	"",
	"",
	"",
	"",
	"2",
	"3",
	"D\xc3\xa9pendance",
	"18000.0",
	"4",
	"",
	"",
	"",
	"",
	"1158",
	"5.916976",
	"-43.131164",
};

static struct header header;
static struct row row;
static struct reason reason;
static char record[8192];
static const char *fields[FIELDS_MAX];

static int column_of(const char *name)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(columns[i].name, name) == 0)
			return i;
	fail_msg("no column %s", name);
	return -1;
}

static bool parse(const char *bytes, size_t size)
{
	char *copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	memset(&reason, 'x', sizeof(reason));
	bool done = row_parse(&row, &header, 2023, copy, (uint32_t)size, &reason);
	free(copy);
	return done;
}

static const char *join(unsigned count)
{
	size_t used = 0;
	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(
			record + used, sizeof(record) - used, "%s%s", i > 0 ? "," : "", fields[i]);
	return record;
}

/* The usual row with one other field. */
static const char *with(const char *name, const char *text)
{
	memcpy(fields, usual, sizeof(usual));
	fields[column_of(name)] = text;
	return join(COLUMNS);
}

static bool parse_with(const char *name, const char *text)
{
	with(name, text);
	return row_parse(&row, &header, 2023, record, (uint32_t)strlen(record), &reason);
}

static const struct value *value_of(const char *name, const char *text)
{
	if (!parse_with(name, text))
		fail_msg("%s '%s': %s", name, text, reason.text);
	return &row.values[column_of(name)];
}

static void assert_text(const struct value *value, const char *want)
{
	assert_false(value->null);
	assert_int_equal(value->size, strlen(want));
	assert_memory_equal(value->text, want, value->size);
}

static void assert_rejected(const char *name, const char *text, const char *why)
{
	if (parse_with(name, text))
		fail_msg("%s '%s' was taken", name, text);
	assert_int_equal(reason.column, column_of(name));
	assert_string_equal(reason.text, why);
}

static int setup(void **state)
{
	(void)state;
	struct error error;
	char names[2048] = "";
	for (int i = 0; i < COLUMNS; i++) {
		strcat(names, i > 0 ? "," : "");
		strcat(names, columns[i].name);
	}
	memcpy(fields, usual, sizeof(usual));
	return header_read(&header, names, strlen(names), &error) && row_new(&row, &error) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	row_free(&row);
	return 0;
}

static void test_usual_row(void **state)
{
	(void)state;
	join(COLUMNS);
	assert_true(row_parse(&row, &header, 2023, record, (uint32_t)strlen(record), &reason));
	const struct value *values = row.values;
	assert_int_equal(row.year, 2023);
	assert_text(&values[0], "2023-1");
	assert_int_equal(values[1].number, 19362);
	assert_text(&values[2], "000001");
	assert_text(&values[3], "Vente");
	assert_int_equal(values[4].number, 20800000);
	assert_int_equal(values[5].number, 30);
	assert_text(&values[10], "2A004");
	assert_true(values[13].null);
	assert_text(&values[15], "940520000E0085");
	assert_text(&values[18], "60B");
	assert_int_equal(values[19].number, 7846);
	assert_int_equal(values[28].number, 2);
	assert_int_equal(values[29].number, 3);
	assert_text(&values[30], "D\xc3\xa9pendance");
	assert_int_equal(values[31].number, 1800000);
	assert_int_equal(values[37].number, 115800);
	assert_true(values[38].degree == 5.916976);
	assert_true(values[39].degree == -43.131164);
}

static void test_line_ends_do_not_matter(void **state)
{
	(void)state;
	static const char *const ends[] = { "", "\n", "\r\n", "\r" };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		with("latitude", "1.5");
		strcat(record, ends[i]);
		assert_true(
			row_parse(&row, &header, 2023, record, (uint32_t)strlen(record), &reason));
		assert_true(row.values[39].degree == 1.5);
	}
}

static void test_empty_is_null(void **state)
{
	(void)state;
	for (int i = 0; i < COLUMNS; i++) {
		for (int quoted = 0; quoted < 2; quoted++) {
			const char *text = quoted ? "\"\"" : "";
			if (columns[i].required)
				assert_rejected(
					columns[i].name, text, "empty, but every row must have it");
			else
				assert_true(value_of(columns[i].name, text)->null);
		}
	}
}

static void test_each_type(void **state)
{
	(void)state;
	assert_int_equal(value_of("adresse_numero", "18000.0")->number, 18000);
	assert_int_equal(value_of("adresse_numero", "\"9998\"")->number, 9998);
	assert_int_equal(value_of("adresse_numero", "2147483647")->number, INT32_MAX);
	assert_int_equal(value_of("adresse_numero", "-2147483648")->number, INT32_MIN);
	assert_int_equal(value_of("code_type_local", "32767")->number, INT16_MAX);
	assert_int_equal(value_of("code_type_local", "-32768")->number, INT16_MIN);
	assert_int_equal(value_of("valeur_fonciere", "99999999999999.99")->number,
		INT64_C(9999999999999999));
	assert_int_equal(value_of("valeur_fonciere", "-0.15")->number, -15);
	assert_int_equal(
		value_of("surface_terrain", "9999999999.99")->number, INT64_C(999999999999));
	assert_int_equal(value_of("surface_terrain", "1000000")->number, 100000000);
	assert_int_equal(value_of("lot5_surface_carrez", "0.000")->number, 0);
	assert_int_equal(value_of("date_mutation", "\"2023-12-31\"")->number, 19722);
	assert_true(value_of("longitude", "-180")->degree == -180);
	assert_true(value_of("latitude", "9e1")->degree == 90);
	assert_text(value_of("numero_disposition", "000001"), "000001");
	assert_text(value_of("code_postal", "01370"), "01370");
	assert_text(value_of("nom_commune", " a "), " a ");
	assert_text(
		value_of("adresse_nom_voie", "RUE RUE    DE LA POSTE"), "RUE RUE    DE LA POSTE");
}

static void test_each_type_rejects(void **state)
{
	(void)state;
	assert_rejected(
		"adresse_numero", "2147483648", "'2147483648' is out of the column's range");
	assert_rejected("code_type_local", "32768", "'32768' is out of the column's range");
	assert_rejected("nombre_lots", "1e3", "'1e3' is not a whole number");
	assert_rejected("nombre_pieces_principales", "None", "'None' is not a whole number");
	assert_rejected("valeur_fonciere", "100000000000000",
		"'100000000000000' is out of the column's range");
	assert_rejected("valeur_fonciere", "\"1,5\"", "'1,5' is not a number");
	assert_rejected("valeur_fonciere", "1.234", "'1.234' has more than two decimals");
	assert_rejected(
		"surface_terrain", "10000000000", "'10000000000' is out of the column's range");
	assert_rejected("lot1_surface_carrez", "NaN", "'NaN' is not a number");
	assert_rejected(
		"date_mutation", "31/01/2023", "'31/01/2023' is not a date like 2023-01-31");
	assert_rejected(
		"date_mutation", "2023-02-29", "'2023-02-29' is a day that no calendar has");
	assert_rejected("date_mutation", "2022-12-31", "'2022-12-31' is not in the file's year");
	assert_rejected("longitude", "180.5", "'180.5' is out of the column's range");
	assert_rejected("latitude", "90.5", "'90.5' is out of the column's range");
	assert_rejected("latitude", " 45", "' 45' is not a number");
	assert_rejected("surface_terrain", "\"1\"\"\"", "'1\"' is not a number");
	assert_rejected("surface_reelle_bati", "a\tb\\c\xc3\xa9",
		"'a\\x09b\\x5cc\\xc3\\xa9' is not a number");
}

static void test_long_codes(void **state)
{
	(void)state;
	char text[CODE_MAX + 2];
	memset(text, '7', sizeof(text));
	text[CODE_MAX + 1] = '\0';
	assert_rejected(
		"id_parcelle", text, "'777777777777777777777777...' is too long for its column");
	assert_text(value_of("nom_commune", text), text);
	text[CODE_MAX] = '\0';
	assert_text(value_of("id_parcelle", text), text);
}

static void test_long_texts(void **state)
{
	(void)state;
	char text[TEXT_MAX + 2];
	memset(text, 'A', sizeof(text));
	text[TEXT_MAX + 1] = '\0';
	assert_rejected(
		"type_local", text, "'AAAAAAAAAAAAAAAAAAAAAAAA...' is too long for its column");
	text[TEXT_MAX] = '\0';
	assert_text(value_of("type_local", text), text);
}

static void test_doubled_quotes(void **state)
{
	(void)state;
	assert_text(value_of("adresse_nom_voie", "\"RUE DE LA SOURCE\"\"LE CLION\"\"\""),
		"RUE DE LA SOURCE\"LE CLION\"");
	assert_text(value_of("nature_culture_speciale", "\"Pierraille, pierrier\""),
		"Pierraille, pierrier");
	assert_text(value_of("type_local", "\"\"\"\""), "\"");
	assert_text(value_of("type_local", "a\"\"b"), "a\"\"b");
	assert_text(value_of("type_local", "\"a\nb\r\""), "a\nb\r");
}

/* Several in one record: none may overwrite another's text. */
static void test_doubled_quotes_in_every_text(void **state)
{
	(void)state;
	memcpy(fields, usual, sizeof(usual));
	for (int i = 0; i < COLUMNS; i++)
		if (columns[i].type == COLUMN_TEXT)
			fields[i] = i % 2 == 0 ? "\"\"\"e\"\"\"\"\"" : "\"o\"\"dd\"";
	join(COLUMNS);
	assert_true(row_parse(&row, &header, 2023, record, (uint32_t)strlen(record), &reason));
	for (int i = 0; i < COLUMNS; i++)
		if (columns[i].type == COLUMN_TEXT)
			assert_text(&row.values[i], i % 2 == 0 ? "\"e\"\"" : "o\"dd");
}

static void test_number_of_fields(void **state)
{
	(void)state;
	memcpy(fields, usual, sizeof(usual));
	join(COLUMNS - 1);
	assert_false(parse(record, strlen(record)));
	assert_int_equal(reason.column, -1);
	assert_string_equal(reason.text, "39 fields, the header has 40");
	with("latitude", "1,2");
	assert_false(parse(record, strlen(record)));
	assert_int_equal(reason.column, -1);
	assert_string_equal(reason.text, "41 fields, the header has 40");
	memset(record, ',', FIELDS_MAX);
	assert_false(parse(record, FIELDS_MAX));
	assert_int_equal(reason.column, -1);
	assert_string_equal(reason.text, "more than 256 fields, the header has 40");
	assert_false(parse("x", 1));
	assert_string_equal(reason.text, "1 field, the header has 40");
}

static void test_broken_quotes(void **state)
{
	(void)state;
	assert_rejected("nom_commune", "\"a\"b", "text follows the closing quote");
	assert_rejected("latitude", "\"1.5", "the quote is not closed before the file ends");
}

/* In any field, at its ends and inside it; the record has its exact size in memory. */
static void test_nul_names_the_column(void **state)
{
	(void)state;
	for (int i = 0; i < COLUMNS; i++) {
		with(columns[i].name, "aZb");
		char *at = strstr(record, "aZb");
		assert_non_null(at);
		for (int j = 0; j < 3; j++) {
			memcpy(at, "aZb", 3);
			at[j] = '\0';
			size_t size = strlen(record) + 1 + strlen(record + strlen(record) + 1);
			assert_false(parse(record, size));
			assert_int_equal(reason.column, i);
			assert_string_equal(reason.text, "a NUL byte, which no text may hold");
		}
	}
}

static void test_bad_utf8_names_the_column(void **state)
{
	(void)state;
	assert_rejected("nom_commune", "M\xe9rignac", "not UTF-8 at '\\xe9rig'");
	assert_rejected("nom_commune", "Ren\xc3", "not UTF-8 at '\\xc3,2A'");
	assert_rejected("latitude", "\xed\xa0\x80", "not UTF-8 at '\\xed\\xa0\\x80'");
	assert_rejected("id_mutation", "\"\xff\"", "not UTF-8 at '\\xff\",2'");
}

/* A file with a field of its own first and last. */
static void read_wide_header(struct header *wide)
{
	struct error error;
	char names[2048] = "index";
	for (int i = COLUMNS - 1; i >= 0; i--) {
		strcat(names, ",");
		strcat(names, columns[i].name);
	}
	strcat(names, ",section_prefixe");
	assert_true(header_read(wide, names, strlen(names), &error));
}

static void test_other_order_and_extra_fields(void **state)
{
	(void)state;
	struct header wide;
	read_wide_header(&wide);
	fields[0] = "17";
	for (int i = 0; i < COLUMNS; i++)
		fields[COLUMNS - i] = usual[i];
	fields[COLUMNS + 1] = "\"any\"\"thing\"";
	join(COLUMNS + 2);
	assert_true(row_parse(&row, &wide, 2023, record, (uint32_t)strlen(record), &reason));
	assert_text(&row.values[0], "2023-1");
	assert_true(row.values[39].degree == -43.131164);

	fields[COLUMNS + 1] = "\xff";
	join(COLUMNS + 2);
	assert_false(row_parse(&row, &wide, 2023, record, (uint32_t)strlen(record), &reason));
	assert_int_equal(reason.column, -1);
	assert_string_equal(reason.text, "field 42: not UTF-8 at '\\xff'");

	fields[0] = "\"1\"7";
	join(COLUMNS + 2);
	assert_false(row_parse(&row, &wide, 2023, record, (uint32_t)strlen(record), &reason));
	assert_int_equal(reason.column, -1);
	assert_string_equal(reason.text, "field 1: text follows the closing quote");
}

static void test_most_fields(void **state)
{
	(void)state;
	struct header widest = header;
	widest.fields = FIELDS_MAX;
	for (unsigned i = COLUMNS; i < FIELDS_MAX; i++)
		widest.column_of[i] = -1;
	memcpy(fields, usual, sizeof(usual));
	for (unsigned i = COLUMNS; i < FIELDS_MAX; i++)
		fields[i] = "";
	join(FIELDS_MAX);
	assert_true(row_parse(&row, &widest, 2023, record, (uint32_t)strlen(record), &reason));
	strcat(record, ",");
	assert_false(row_parse(&row, &widest, 2023, record, (uint32_t)strlen(record), &reason));
	assert_string_equal(reason.text, "more than 256 fields, the header has 256");
}

/* The longest record there can be: one text of nothing but doubled quotes. */
static void test_record_of_the_most_bytes(void **state)
{
	(void)state;
	const char *before = with("adresse_nom_voie", "@");
	size_t first = (size_t)(strchr(before, '@') - before);
	size_t behind = strlen(before + first + 1);
	char *big = malloc(RECORD_MAX);
	assert_non_null(big);
	size_t quotes = (RECORD_MAX - first - behind) & ~(size_t)1;
	memcpy(big, before, first);
	memset(big + first, '"', quotes);
	memcpy(big + first + quotes, before + first + 1, behind);
	uint32_t size = (uint32_t)(first + quotes + behind);
	char *scratch = row.scratch.bytes;
	assert_false(row_parse(&row, &header, 2023, big, size, &reason));
	assert_int_equal(reason.column, column_of("adresse_nom_voie"));
	assert_non_null(strstr(reason.text, "is too long for its column"));
	assert_ptr_equal(row.scratch.bytes, scratch); /* row_new had reserved it all */
	free(big);
}

static void test_no_memory_for_scratch(void **state)
{
	(void)state;
	struct row small = { .scratch.limit = 16 };
	with("adresse_nom_voie", "\"a\"\"b\"");
	assert_false(row_parse(&small, &header, 2023, record, (uint32_t)strlen(record), &reason));
	assert_int_equal(reason.column, column_of("adresse_nom_voie"));
	assert_string_equal(reason.text, "no memory to undo its doubled quotes");
	with("adresse_nom_voie", "\"a,b\"");
	assert_true(row_parse(&small, &header, 2023, record, (uint32_t)strlen(record), &reason));
	row_free(&small);
}

static void test_zeroed_row_will_do(void **state)
{
	(void)state;
	struct row zero = { 0 };
	with("adresse_nom_voie", "\"a\"\"b\"");
	assert_true(row_parse(&zero, &header, 2023, record, (uint32_t)strlen(record), &reason));
	assert_text(&zero.values[column_of("adresse_nom_voie")], "a\"b");
	for (int i = 0; i < 1000; i++)
		assert_true(
			row_parse(&zero, &header, 2023, record, (uint32_t)strlen(record), &reason));
	assert_int_equal(zero.scratch.size, 3); /* each row begins it anew */
	row_free(&zero);
	row_free(&zero);
}

/* Cut anywhere, a record is taken or refused, but never read past its end. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	with("adresse_nom_voie", "\"a\"\"\xc3\xa9\nb\"");
	size_t size = strlen(record);
	for (size_t cut = 1; cut < size; cut++) {
		bool done = parse(record, cut);
		bool in_latitude = cut > (size_t)(strrchr(record, ',') - record);
		if (done && !in_latitude)
			fail_msg("taken when cut to %zu bytes", cut);
	}
	assert_true(parse(record, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_row),
		cmocka_unit_test(test_line_ends_do_not_matter),
		cmocka_unit_test(test_empty_is_null),
		cmocka_unit_test(test_each_type),
		cmocka_unit_test(test_each_type_rejects),
		cmocka_unit_test(test_long_codes),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_doubled_quotes),
		cmocka_unit_test(test_doubled_quotes_in_every_text),
		cmocka_unit_test(test_number_of_fields),
		cmocka_unit_test(test_broken_quotes),
		cmocka_unit_test(test_nul_names_the_column),
		cmocka_unit_test(test_bad_utf8_names_the_column),
		cmocka_unit_test(test_other_order_and_extra_fields),
		cmocka_unit_test(test_most_fields),
		cmocka_unit_test(test_record_of_the_most_bytes),
		cmocka_unit_test(test_no_memory_for_scratch),
		cmocka_unit_test(test_zeroed_row_will_do),
		cmocka_unit_test(test_cut_anywhere),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
