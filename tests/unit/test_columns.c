#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/columns.h"

static struct header header;
static struct error error;

static bool read_text(const char *text)
{
	error_clear(&error);
	return header_read(&header, text, strlen(text), &error);
}

/* The forty names, `first` of them first, then round; with `before` and `behind` each. */
static char *names(unsigned first, const char *before, const char *behind, char separator)
{
	static char text[4096];
	size_t used = 0;
	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *name = columns[(first + i) % COLUMNS].name;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s%c", before, name,
			behind, separator);
	}
	text[used - 1] = '\0';
	return text;
}

static void assert_refused(const char *text, const char *why)
{
	assert_false(read_text(text));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (strstr(error.text, why) == NULL)
		fail_msg("'%s' is not in '%s'", why, error.text);
	assert_non_null(strstr(error.text, "--source"));
}

static void test_the_published_order(void **state)
{
	(void)state;
	assert_true(read_text(
		"id_mutation,date_mutation,numero_disposition,nature_mutation,valeur_fonciere,"
		"adresse_numero,adresse_suffixe,adresse_nom_voie,adresse_code_voie,code_postal,"
		"code_commune,nom_commune,code_departement,ancien_code_commune,"
		"ancien_nom_commune,id_parcelle,ancien_id_parcelle,numero_volume,lot1_numero,"
		"lot1_surface_carrez,lot2_numero,lot2_surface_carrez,lot3_numero,"
		"lot3_surface_carrez,lot4_numero,lot4_surface_carrez,lot5_numero,"
		"lot5_surface_carrez,nombre_lots,code_type_local,type_local,"
		"surface_reelle_bati,nombre_pieces_principales,code_nature_culture,"
		"nature_culture,code_nature_culture_speciale,nature_culture_speciale,"
		"surface_terrain,longitude,latitude"));
	assert_int_equal(header.fields, COLUMNS);
	assert_string_equal(header.extra, "");
	for (unsigned i = 0; i < COLUMNS; i++) {
		assert_int_equal(header.field_of[i], i);
		assert_int_equal(header.column_of[i], i);
	}
}

static void test_types(void **state)
{
	(void)state;
	unsigned counts[COLUMN_DEGREE + 1] = { 0 };
	unsigned required = 0;
	for (unsigned i = 0; i < COLUMNS; i++) {
		counts[columns[i].type]++;
		required += columns[i].required;
		assert_int_equal(columns[i].furthest != 0, columns[i].type == COLUMN_DEGREE);
	}
	assert_int_equal(counts[COLUMN_CODE], 18);
	assert_int_equal(counts[COLUMN_TEXT], 7);
	assert_int_equal(counts[COLUMN_DATE], 1);
	assert_int_equal(counts[COLUMN_SMALLINT], 1);
	assert_int_equal(counts[COLUMN_INTEGER], 3);
	assert_int_equal(counts[COLUMN_PRICE], 1);
	assert_int_equal(counts[COLUMN_AREA], 7);
	assert_int_equal(counts[COLUMN_DEGREE], 2);
	assert_int_equal(required, 7);
}

static void test_any_order(void **state)
{
	(void)state;
	for (unsigned first = 0; first < COLUMNS; first++) {
		assert_true(read_text(names(first, "", "", ',')));
		for (unsigned j = 0; j < COLUMNS; j++) {
			unsigned column = (first + j) % COLUMNS;
			assert_int_equal(header.column_of[j], column);
			assert_int_equal(header.field_of[column], j);
		}
	}
}

static void test_quoted_names_bom_and_line_end(void **state)
{
	(void)state;
	char text[4200];
	snprintf(text, sizeof(text), "\xef\xbb\xbf%s\r\n", names(0, "\"", "\"", ','));
	assert_true(read_text(text));
	assert_int_equal(header.field_of[0], 0);
	assert_int_equal(header.field_of[39], 39);
	snprintf(text, sizeof(text), "%s\r", names(0, "", "", ','));
	assert_true(read_text(text));
	snprintf(text, sizeof(text), "%s\n", names(0, "", "", ','));
	assert_true(read_text(text));
}

static void test_extra_columns(void **state)
{
	(void)state;
	char text[4200];
	snprintf(
		text, sizeof(text), ",%s,section_prefixe,\xc3\xa9t\xc3\xa9", names(0, "", "", ','));
	assert_true(read_text(text));
	assert_int_equal(header.fields, 43);
	assert_string_equal(header.extra, "'', section_prefixe, \\xc3\\xa9t\\xc3\\xa9");
	assert_int_equal(header.column_of[0], -1);
	assert_int_equal(header.column_of[41], -1);
	assert_int_equal(header.column_of[42], -1);
	assert_int_equal(header.field_of[0], 1);
	assert_int_equal(header.field_of[39], 40);
}

static void test_names_are_case_sensitive(void **state)
{
	(void)state;
	char text[4200];
	snprintf(text, sizeof(text), "%s", names(0, "", "", ','));
	memcpy(text, "ID_MUTATION", 11);
	assert_refused(
		text, "lacks 1 of 40 columns: id_mutation; it has unknown ones: ID_MUTATION:");
}

/* Cuts the column `name` out of the header. */
static void drop(char *text, const char *name)
{
	char *at = strstr(text, name);
	assert_non_null(at);
	size_t size = strlen(name) + 1;
	memmove(at, at + size, strlen(at + size) + 1);
}

static void test_missing_columns(void **state)
{
	(void)state;
	char text[4200];
	snprintf(text, sizeof(text), "%s", names(0, "", "", ','));
	drop(text, "valeur_fonciere");
	assert_refused(text, "lacks 1 of 40 columns: valeur_fonciere: give");
	drop(text, "id_parcelle");
	drop(text, "longitude");
	assert_refused(
		text, "lacks 3 of 40 columns: valeur_fonciere, id_parcelle, longitude: give");
	assert_refused("a,b,c", "lacks 40 of 40 columns: id_mutation, date_mutation, ");
	assert_non_null(strstr(error.text, ", ...; it has unknown ones: a, b, c: give"));
}

static void test_column_twice(void **state)
{
	(void)state;
	char text[4200];
	snprintf(text, sizeof(text), "%s,id_parcelle", names(0, "", "", ','));
	assert_refused(text, "the column id_parcelle twice, as fields 16 and 41");
}

/* `count` fields in all, the last ones without a known name. */
static char *wide(unsigned count)
{
	static char text[8192];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", names(0, "", "", ','));
	for (unsigned i = COLUMNS; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",x%u", i);
	return text;
}

static void test_most_fields(void **state)
{
	(void)state;
	assert_true(read_text(wide(FIELDS_MAX)));
	assert_int_equal(header.fields, FIELDS_MAX);
	assert_int_equal(header.column_of[FIELDS_MAX - 1], -1);
	size_t length = strlen(header.extra);
	assert_in_range(length, 200, sizeof(header.extra) - 1);
	assert_string_equal(header.extra + length - 5, ", ...");
	assert_refused(wide(FIELDS_MAX + 1), "more than 256 fields");
}

static void test_broken_quotes(void **state)
{
	(void)state;
	assert_refused("id_mutation,\"date_mutation,", "broken quote in field 2");
	assert_refused("\"id_mutation\"x,date_mutation", "broken quote in field 1");
}

static void test_other_files(void **state)
{
	(void)state;
	assert_refused("", "empty");
	assert_refused("\r\n", "empty");
	assert_refused("\xef\xbb\xbf\n", "empty");
	assert_refused(names(0, "", "", ';'), "semicolons");
	assert_refused(names(0, "\"", "\"", ';'), "semicolons");
	assert_refused(names(0, "", "", '\t'), "tabs");
	assert_refused(names(0, "", "", '|'), "separated by '|'");
	assert_refused(
		"Code service CH|Reference document|1 Articles CGI|No disposition", "raw DGFiP");
	assert_refused("Identifiant de document|Reference document|1 Articles CGI", "raw DGFiP");
	assert_refused("<!DOCTYPE html>", "HTML");
	assert_refused("  <html><head>", "HTML");
	assert_refused("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code>", "XML");
	assert_refused("{\"error\": 404}", "JSON");
	assert_refused("PK\x03\x04zip", "zip");
	assert_refused("\x1f\x8b\x08gzip", "gzip");
	assert_refused("\xff\xfei", "UTF-16");
}

/* A header of nothing but hostile names must still make a whole error. */
static void test_error_is_whole(void **state)
{
	(void)state;
	static char text[200 * 70];
	size_t used = 0;
	for (int i = 0; i < 200; i++) {
		memset(text + used, i % 2 == 0 ? '%' : '\xff', 69);
		text[used + 69] = ',';
		used += 70;
	}
	assert_false(header_read(&header, text, used, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_in_range(strlen(error.text), 400, sizeof(error.text) - 1);
	assert_non_null(strstr(error.text, "--source"));
	for (const char *at = error.text; *at != '\0'; at++)
		assert_in_range((unsigned char)*at, ' ', '~');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_published_order),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_quoted_names_bom_and_line_end),
		cmocka_unit_test(test_extra_columns),
		cmocka_unit_test(test_names_are_case_sensitive),
		cmocka_unit_test(test_missing_columns),
		cmocka_unit_test(test_column_twice),
		cmocka_unit_test(test_most_fields),
		cmocka_unit_test(test_broken_quotes),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_error_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
