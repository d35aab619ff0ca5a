/*
 * What only the SQLite sink has: a file that can be missing, moved, copied, locked, foreign or no
 * database.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/sink_fixture.h"

static unsigned findings, fatal_findings;
static char found_what[512];

static void count_finding(void *context, bool fatal, const char *what, const char *remedy)
{
	(void)context;
	findings++;
	fatal_findings += fatal;
	if (fatal)
		snprintf(found_what, sizeof(found_what), "%s", what);
	assert_true(remedy[0] != '\0');
}

/* A sink that is opened and not taken. */
static struct sink *opened(const char *url)
{
	char copy[256];
	struct destination destination = { .url = copy, .wait_s = 0, .run_name = "another run" };
	struct sink *made = NULL;
	snprintf(copy, sizeof(copy), "%s", url);
	must(sink_open(&made, &destination, &error));
	return made;
}

static void take_fails(const char *url, enum error_kind kind, const char *says)
{
	struct sink *other = opened(url);
	must_fail(other->ops->take(other, &error), kind);
	if (strstr(error.text, says) == NULL)
		fail_msg("'%s' does not say '%s'", error.text, says);
	sink_close(other);
}

static void preflight_of(const char *url)
{
	struct sink *other = opened(url);
	findings = fatal_findings = 0;
	found_what[0] = '\0';
	must(other->ops->preflight(other, count_finding, NULL, &error));
	sink_close(other);
}

static void file_write(const char *name, const char *bytes, size_t size)
{
	FILE *file = fopen(name, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* Puts a copy in the file's place, as a restore does. */
static void file_restore(void)
{
	static char bytes[4 << 20];
	char copy[128];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	assert_true(size > 0 && size < sizeof(bytes));
	assert_int_equal(fclose(file), 0);
	snprintf(copy, sizeof(copy), "%s-journal", path); /* a name that tear_down removes */
	file_write(copy, bytes, size);
	assert_int_equal(rename(copy, path), 0);
}

static void sink_gone(void)
{
	loader->ops->close(loader);
	sink_close(sink);
	loader = NULL;
	sink = NULL;
}

static void test_a_path_that_is_none(void **state)
{
	(void)state;
	struct destination destination = { .url = (char[]){ "" } };
	struct sink *other = NULL;
	must_fail(sink_open(&other, &destination, &error), ERROR_USAGE);
	assert_null(other);
	destination.url = (char[]){ ":memory:" };
	must_fail(sink_open(&other, &destination, &error), ERROR_USAGE);
	sink_close(NULL);
}

static void test_a_folder_that_is_not_there(void **state)
{
	(void)state;
	char url[128];
	snprintf(url, sizeof(url), "%s.d/dvf.sqlite", path);
	take_fails(url, ERROR_REFUSED, ".d/");
	preflight_of(url);
	assert_int_equal(fatal_findings, 1);
	assert_non_null(strstr(found_what, "does not exist"));
}

static void test_a_file_that_is_no_database(void **state)
{
	(void)state;
	char url[128], bytes[4096];
	memset(bytes, 'x', sizeof(bytes));
	snprintf(url, sizeof(url), "%s-journal", path); /* a name that tear_down removes */
	sink_gone();
	file_write(url, bytes, sizeof(bytes));
	take_fails(url, ERROR_REFUSED, "not a database");
	preflight_of(url);
	assert_int_equal(fatal_findings, 1);
	take_fails("/dev/null", ERROR_REFUSED, "not a file");
	preflight_of("/dev/null");
	assert_true(fatal_findings > 0);
}

static void test_preflight_changes_nothing(void **state)
{
	(void)state;
	struct stat status;
	sink_gone();
	unlink(path);
	preflight_of(path);
	assert_int_equal(fatal_findings, 0);
	assert_int_equal(stat(path, &status), -1);
	struct sink *other = opened(path);
	must(other->ops->take(other, &error));
	sink_close(other);
	preflight_of(path);
	assert_int_equal(fatal_findings, 0);
}

static void dvf_is_foreign(const char *made)
{
	struct edition edition = edition_make(2023, 'a');
	ask("DROP VIEW IF EXISTS dvf");
	ask("%s", made);
	must(sink->ops->take(sink, &error));
	must_fail(sink->ops->begin(sink, &edition, &error), ERROR_REFUSED);
	assert_false(known(&edition));
	preflight_of(path);
	assert_int_equal(fatal_findings, 1);
	assert_non_null(strstr(found_what, "dvf"));
}

static void test_a_table_dvf_that_is_not_ours(void **state)
{
	(void)state;
	dvf_is_foreign("CREATE TABLE DVF (mine)");
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "0");
}

static void test_a_view_dvf_that_is_not_ours(void **state)
{
	(void)state;
	dvf_is_foreign("CREATE VIEW dvf AS SELECT 7");
	assert_string_equal(ask("SELECT * FROM dvf"), "7");
}

static void test_a_foreign_dvf_made_meanwhile_stops_a_publish(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	load_and_check(&edition, 30);
	ask("DROP VIEW dvf");
	ask("CREATE TABLE dvf (mine)");
	must_fail(publish(&edition, 30), ERROR_REFUSED);
	assert_int_equal(stage_of(&edition), EDITION_READY);
	ask("DROP TABLE dvf");
	must(publish(&edition, 30));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
}

static void test_a_view_that_was_dropped_comes_back(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	import(&edition, 30);
	ask("DROP VIEW dvf");
	must(sink->ops->take(sink, &error));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
}

static void columns_are_right(void)
{
	for (int i = 0; i < COLUMNS; i++)
		assert_string_equal(
			ask("SELECT name FROM pragma_table_info('dvf') WHERE cid = %d", i),
			columns[i].name);
	assert_string_equal(ask("SELECT name, type FROM pragma_table_info('dvf') "
				"WHERE cid >= %d ORDER BY cid",
				    COLUMNS),
		"source_year|INTEGER|source_row|INTEGER");
}

/* Stands in for what a later SQLite, or a file that somebody has made a mess of, may refuse. */
static int refuse_price(void *context, int action, const char *name, const char *second,
	const char *database, const char *inner)
{
	(void)context;
	(void)second;
	(void)database;
	(void)inner;
	return action == SQLITE_CREATE_VIEW && strcmp(name, "dvf_price_m2") == 0 ? SQLITE_DENY
										 : SQLITE_OK;
}

static int refusing(sqlite3 *db, const char **text, const struct sqlite3_api_routines *routines)
{
	(void)text;
	(void)routines;
	return sqlite3_set_authorizer(db, refuse_price, NULL);
}

static void test_views_that_cannot_be_made_keep_nothing_from_going_on(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	ask("DROP VIEW dvf_price_m2");
	ask("DROP VIEW dvf_sale");
	ask("CREATE VIEW dvf_sale AS SELECT 7 /* made by dvf-import, version 0 */");
	sqlite3_auto_extension((void (*)(void))refusing);
	bool taken = sink->ops->take(sink, &error);
	sqlite3_cancel_auto_extension((void (*)(void))refusing);
	must(taken);
	assert_string_equal(ask("SELECT * FROM dvf_sale"), "7");
	import(&edition, 30);
	must(sink->ops->take(sink, &error));
	assert_string_equal(ask("SELECT sum(nombre_lignes) FROM dvf_sale"), "30");
	assert_string_equal(ask("SELECT count(*) FROM dvf_price_m2"), "0");
}

static void test_the_columns_of_dvf(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	columns_are_right(); /* of the empty view */
	import(&edition, 30);
	columns_are_right();
}

/* Else 20 million rows are read for a question about one year. */
static void test_a_question_for_one_year_reads_one_year(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	import(&edition, 30);
	edition = edition_make(2024, 'b');
	import(&edition, 40);
	assert_string_equal(
		ask("SELECT source_year, count(*) FROM dvf WHERE source_year = 2024"), "2024|40");
	assert_string_equal(ask("SELECT count(*) FROM dvf WHERE source_year = '2024'"), "40");
}

static void test_old_tables_go(void **state)
{
	(void)state;
	struct edition older = edition_make(2023, 'a');
	struct edition newer = edition_make(2023, 'b');
	import(&older, 30);
	import(&newer, 20);
	assert_string_equal(ask("SELECT name FROM sqlite_master WHERE type = 'table' "
				"AND name GLOB 'dvf_2*'"),
		"dvf_2023_bbbbbbbbbbbb");
	assert_string_equal(ask("SELECT count(*) FROM dvf_import_source"), "1");
	assert_string_equal(ask("SELECT sum(rows) FROM dvf_import_chunk"), "20");
	assert_string_equal(ask("PRAGMA integrity_check"), "ok");
	assert_string_equal(ask("PRAGMA page_size"), "16384");
	assert_string_equal(ask("PRAGMA journal_mode"), "wal");
}

/* Each of these begins it afresh beside what serves. */
static void incoming_goes(const struct edition *edition, const char *table)
{
	ask("DROP TABLE %s", table);
	must(sink->ops->begin(sink, edition, &error));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
	must(sink->ops->judge(sink, edition, EDITION_REFUSED, "why", "under", &error));
	must(sink->ops->begin(sink, edition, &error));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
	must(sink->ops->forget(sink, edition, &error));
	must(sink->ops->begin(sink, edition, &error));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
}

/* The same bytes under a layout of an older program: what serves is not touched until the new table
 * is in. */
static void test_the_same_edition_under_another_layout(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	for (int round = 0; round < 2; round++) {
		import(&edition, 30);
		ask("UPDATE dvf_import_source SET layout_version = 0");
		must(sink->ops->begin(sink, &edition, &error));
		assert_int_equal(stage_of(&edition), EDITION_INCOMING);
		assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
		incoming_goes(&edition, "dvf_2023_aaaaaaaaaaaa_2");
		must(load(&edition, 1, 20));
		assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
		must(sink->ops->index(sink, &edition, &error));
		must(check(&edition, 20));
		must(publish(&edition, 20));
		assert_string_equal(ask("SELECT count(*) FROM dvf"), "20");
		assert_string_equal(ask("SELECT count(*) FROM dvf_import_source"), "1");
		ask("UPDATE dvf_import_source SET layout_version = 0");
	}
}

static void test_an_incoming_table_of_another_layout_begins_afresh(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 20));
	ask("UPDATE dvf_import_source SET parser_version = 0");
	must(sink->ops->begin(sink, &edition, &error));
	assert_int_equal(ranges_known(&edition), 0);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "0");
}

static void test_an_incoming_table_that_was_dropped_begins_afresh(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 20));
	ask("DROP TABLE %s", edition_table(&edition));
	must(sink->ops->begin(sink, &edition, &error));
	assert_int_equal(ranges_known(&edition), 0);
	must(load(&edition, 1, 20));
}

/* A copy is a destination of its own, and what is in it is still known. */
static void test_a_copy_has_another_uuid(void **state)
{
	(void)state;
	char uuid[37];
	struct edition edition = edition_make(2023, 'a');
	import(&edition, 30);
	memcpy(uuid, sink->uuid, sizeof(uuid));
	sink_gone();
	file_restore();
	sink_new(&sink);
	must(sink->ops->loader_open(sink, &loader, &error));
	assert_string_not_equal(sink->uuid, uuid);
	assert_int_equal(stage_of(&edition), EDITION_PUBLISHED);
}

static void test_a_file_removed_under_the_run(void **state)
{
	(void)state;
	struct stat status;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	unlink(path);
	must_fail(loader->ops->begin(loader, &edition, &error), ERROR_LOST);
	must_fail(sink->ops->begin(sink, &edition, &error), ERROR_LOST);
	must_fail(sink->ops->take(sink, &error), ERROR_CHANGED);
	assert_int_equal(stat(path, &status), -1);
}

static void test_a_newer_schema_is_refused(void **state)
{
	(void)state;
	ask("UPDATE dvf_import_destination SET schema_version = 2");
	take_fails(path, ERROR_REFUSED, "newer");
	assert_string_equal(ask("SELECT schema_version, holder FROM dvf_import_destination"),
		"2|the test's run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_a_path_that_is_none),
		SINK_TEST(test_a_folder_that_is_not_there),
		SINK_TEST(test_a_file_that_is_no_database),
		SINK_TEST(test_preflight_changes_nothing),
		SINK_TEST(test_a_table_dvf_that_is_not_ours),
		SINK_TEST(test_a_view_dvf_that_is_not_ours),
		SINK_TEST(test_a_foreign_dvf_made_meanwhile_stops_a_publish),
		SINK_TEST(test_a_view_that_was_dropped_comes_back),
		SINK_TEST(test_views_that_cannot_be_made_keep_nothing_from_going_on),
		SINK_TEST(test_the_columns_of_dvf),
		SINK_TEST(test_a_question_for_one_year_reads_one_year),
		SINK_TEST(test_old_tables_go),
		SINK_TEST(test_the_same_edition_under_another_layout),
		SINK_TEST(test_an_incoming_table_of_another_layout_begins_afresh),
		SINK_TEST(test_an_incoming_table_that_was_dropped_begins_afresh),
		SINK_TEST(test_a_copy_has_another_uuid),
		SINK_TEST(test_a_file_removed_under_the_run),
		SINK_TEST(test_a_newer_schema_is_refused),
	};
	return cmocka_run_group_tests_name("sink_sqlite", tests, NULL, NULL);
}
