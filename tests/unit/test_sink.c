/*
 * The contract of sink.h, held by both destinations: who holds it, its rows and its chunks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sink_fixture.h"

#include "state/ranges.h"

/* --- identity and fence
 * ---------------------------------------------------------------------------- */

static void test_the_uuid_stays(void **state)
{
	(void)state;
	char uuid[37];
	struct sink *other = NULL;
	memcpy(uuid, sink->uuid, sizeof(uuid));
	assert_int_equal(strlen(uuid), 36);
	must(sink->ops->take(sink, &error));
	assert_string_equal(sink->uuid, uuid);
	sink_new(&other);
	assert_string_equal(other->uuid, uuid);
	sink_close(other);
}

static void test_dvf_is_there_and_empty_from_the_start(void **state)
{
	(void)state;
	assert_string_equal(
		ask("SELECT count(*), count(id_mutation), count(source_row) FROM dvf"), "0|0|0");
}

static void test_an_overtaken_run_is_fenced(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct sink *other = NULL;
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	sink_new(&other);
	must_fail(loader->ops->begin(loader, &edition, &error), ERROR_FENCED);
	loader->ops->rollback(loader);
	must_fail(sink->ops->forget(sink, &edition, &error), ERROR_FENCED);
	must_fail(check(&edition, 10), ERROR_FENCED);
	struct ranges ranges = { 0 };
	must(other->ops->completed(other, &edition, &ranges, &error));
	assert_int_equal(ranges.count, 1);
	ranges_free(&ranges);
	sink_close(other);
}

/* --- rows
 * ------------------------------------------------------------------------------------------ */

/* Each column has a value of its own, so that two that changed places are seen. */
static void test_every_column_keeps_its_value(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct row row;
	char expected[COLUMNS][32];
	row_fill(&row, 2023, 1);
	for (int i = 0; i < COLUMNS; i++) {
		struct value *value = &row.values[i];
		snprintf(expected[i], sizeof(expected[i]), "%d", 1000 + i);
		value->number = 1000 + i;
		if (columns[i].type == COLUMN_DATE) {
			value->number = DAY_2023 + 58;
			snprintf(expected[i], sizeof(expected[i]), "2023-02-28");
		} else if (columns[i].type == COLUMN_DEGREE) {
			snprintf(expected[i], sizeof(expected[i]), "-%d.971253", i);
			value->degree = strtod(expected[i], NULL);
		} else if (columns[i].type == COLUMN_CODE || columns[i].type == COLUMN_TEXT) {
			*value = text(expected[i]);
		}
	}
	commit_one_by_one(&edition, &row, 1);
	for (int i = 0; i < COLUMNS; i++)
		assert_column(&edition, i, 1, expected[i]);
	assert_string_equal(ask("SELECT source_year FROM %s", edition_table(&edition)), "2023");
}

/* A value must not stay behind in the next row, whichever of them is NULL. */
static void test_null_comes_and_goes(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct row rows[6];
	for (int32_t r = 0; r < 6; r++) {
		row_fill(&rows[r], 2023, r + 1);
		for (int i = 0; i < COLUMNS; i++)
			rows[r].values[i].null =
				!columns[i].required && (r == 1 || r == 2 || r == 4);
	}
	commit_one_by_one(&edition, rows, 6);
	for (int i = 0; i < COLUMNS; i++) {
		const char *count =
			ask("SELECT count(*), count(%s) FROM %s WHERE source_row IN (2, 3, 5)",
				columns[i].name, edition_table(&edition));
		assert_string_equal(count, columns[i].required ? "3|3" : "3|0");
		count = ask("SELECT count(%s) FROM %s WHERE source_row IN (1, 4, 6)",
			columns[i].name, edition_table(&edition));
		assert_string_equal(count, "3");
	}
}

static void test_numbers_at_their_ends(void **state)
{
	(void)state;
	static const struct {
		enum column_type type;
		int64_t number;
		const char *shown;
	} ends[] = {
		{ COLUMN_SMALLINT, INT16_MIN, "-32768" },
		{ COLUMN_SMALLINT, INT16_MAX, "32767" },
		{ COLUMN_INTEGER, INT32_MIN, "-2147483648" },
		{ COLUMN_INTEGER, INT32_MAX, "2147483647" },
		{ COLUMN_INTEGER, 0, "0" },
		{ COLUMN_PRICE, 0, "0" },
		{ COLUMN_PRICE, 1, "1" },
		{ COLUMN_PRICE, 29, "29" },
		{ COLUMN_PRICE, -1, "-1" },
		{ COLUMN_PRICE, -150, "-150" },
		{ COLUMN_PRICE, 100, "100" },
		{ COLUMN_PRICE, 1000000, "1000000" },
		{ COLUMN_PRICE, 5039936001, "5039936001" },
		{ COLUMN_PRICE, 999999999999999, "999999999999999" },
		{ COLUMN_AREA, 999999999999, "999999999999" },
		{ COLUMN_AREA, 64817000, "64817000" },
		{ COLUMN_DATE, DAY_2024, "2024-01-01" },
		{ COLUMN_DATE, DAY_2024 + 59, "2024-02-29" },
		{ COLUMN_DATE, DAY_2024 + 60, "2024-03-01" },
		{ COLUMN_DATE, DAY_2024 + 365, "2024-12-31" },
	};
	enum { COUNT = sizeof(ends) / sizeof(ends[0]) };
	struct edition edition = edition_make(2024, 'a');
	struct row rows[COUNT];
	for (int32_t r = 0; r < COUNT; r++) {
		row_fill(&rows[r], 2024, r + 1);
		rows[r].values[column_of(ends[r].type, 0)].number = ends[r].number;
	}
	commit_one_by_one(&edition, rows, COUNT);
	for (int r = 0; r < COUNT; r++)
		assert_column(&edition, column_of(ends[r].type, 0), r + 1, ends[r].shown);
}

static void test_text_is_taken_as_it_is(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"Vente en l'état futur d'achèvement",
		"RUE DE LA SOURCE\"LE CLION\"",
		"a\\b\tc\nd\r,;|",
		"Œuvre €𝄞",
		"NULL",
		"\\N",
		"940520000E0085",
		"000001",
		" 1 ",
		"0x10",
	};
	enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
	struct edition edition = edition_make(2023, 'a');
	struct row rows[COUNT];
	char longer[COUNT][80];
	for (int32_t r = 0; r < COUNT; r++) {
		row_fill(&rows[r], 2023, r + 1);
		/* Not NUL-terminated: what follows must not come along. */
		snprintf(longer[r], sizeof(longer[r]), "%sBEHIND", texts[r]);
		struct value value = { .text = longer[r], .size = (uint32_t)strlen(texts[r]) };
		rows[r].values[column_of(COLUMN_TEXT, 0)] = value;
		rows[r].values[column_of(COLUMN_CODE, 0)] = value;
	}
	commit_one_by_one(&edition, rows, COUNT);
	for (int r = 0; r < COUNT; r++) {
		assert_column(&edition, column_of(COLUMN_TEXT, 0), r + 1, texts[r]);
		assert_column(&edition, column_of(COLUMN_CODE, 0), r + 1, texts[r]);
	}
}

/* --- chunks
 * ---------------------------------------------------------------------------------------- */

static void test_rejects_are_kept_raw(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct reject rejects[2] = {
		{ .plain_first = plain_of(4),
			.plain_end = plain_of(5),
			.record = 4,
			.reason = { .column = 1, .text = "the date is in another year" },
			.raw = "a\0b\xff\"',",
			.raw_size = 7 },
		{ .plain_first = plain_of(5),
			.plain_end = plain_of(6),
			.record = 5,
			.reason = { .column = -1, .text = "39 fields, the header has 40" },
			.raw = "",
			.raw_size = 0 },
	};
	const char *const sql =
		postgres_url != NULL
			? "SELECT record, plain_first, plain_end, column_name, reason, "
			  "upper(encode(raw, 'hex')) FROM dvf_import.reject ORDER BY record"
			: "SELECT record, plain_first, plain_end, column_name, reason, hex(raw) "
			  "FROM dvf_import_reject ORDER BY record";
	must(sink->ops->begin(sink, &edition, &error));
	must(load_with(&edition, 1, 3, rejects, 2));
	assert_string_equal(ask("%s", sql),
		"4|948|1048|date_mutation|the date is in another year|610062FF22272C|"
		"5|1048|1148|~|39 fields, the header has 40|");
	struct year_total total = total_of(5);
	must(sink->ops->index(sink, &edition, &error));
	must(sink->ops->check(sink, &edition, &total, &error));
	assert_int_equal(total.rows, 3);
	assert_int_equal(total.rejects, 2);
}

static void test_a_chunk_of_rejects_only(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct reject reject = { .plain_first = plain_of(1),
		.plain_end = plain_of(2),
		.record = 1,
		.reason = { .column = 0, .text = "empty" },
		.raw = "x",
		.raw_size = 1 };
	must(sink->ops->begin(sink, &edition, &error));
	must(load_with(&edition, 1, 0, &reject, 1));
	must(load(&edition, 2, 5));
	must(sink->ops->index(sink, &edition, &error));
	must(check(&edition, 6));
}

static void test_a_chunk_rolled_back_leaves_nothing(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 1, 20));
	loader->ops->rollback(loader);
	loader->ops->rollback(loader);
	assert_int_equal(ranges_known(&edition), 0);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "0");
	must(load(&edition, 1, 20));
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "20");
}

static void test_a_loader_that_goes_away_leaves_nothing(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 1, 20));
	loader->ops->close(loader);
	must(sink->ops->take(sink, &error));
	must(sink->ops->loader_open(sink, &loader, &error));
	assert_int_equal(ranges_known(&edition), 0);
	must(load(&edition, 1, 20));
	assert_int_equal(ranges_known(&edition), 1);
}

/* A copy of `count` records; the one that is `bad` lacks a column that must be there. */
static bool copy_piece(int32_t first, int32_t count, int32_t bad)
{
	struct made_rows rows = { { next_made }, 2023, first, first + count, .bad = bad };
	uint64_t taken = 0;
	bool done = loader->ops->copy(loader, true, &rows.source, &taken, &error);
	assert_int_equal(taken, done ? count : 0);
	return done;
}

/* How the record is found that only the destination refuses: by halves, each undone when it fails.
 */
static void test_a_refused_piece_is_undone_alone(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct chunk_record record = chunk_of(1, 4, 1);
	struct reject reject = { .plain_first = plain_of(4),
		.plain_end = plain_of(5),
		.record = 4,
		.reason = { .column = 0, .text = "refused" },
		.raw = "x",
		.raw_size = 1 };
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must(copy_piece(1, 2, 4));
	must_fail(copy_piece(3, 3, 4), ERROR_DATA);
	must(loader->ops->copy_undo(loader, &error));
	must(copy_piece(3, 1, 4));
	must_fail(copy_piece(4, 1, 4), ERROR_DATA);
	must(loader->ops->copy_undo(loader, &error));
	must(copy_piece(5, 1, 4));
	must(loader->ops->commit(loader, &record, &reject, 1, &error));
	assert_string_equal(
		ask("SELECT source_row FROM %s ORDER BY 1", edition_table(&edition)), "1|2|3|5");
}

static void test_overlapping_chunks_cannot_both_commit(void **state)
{
	(void)state;
	static const struct {
		unsigned first, rows;
	} others[] = { { 11, 10 }, { 5, 7 }, { 20, 5 }, { 12, 3 }, { 1, 40 }, { 11, 1 },
		{ 20, 1 } };
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 11, 10));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		must_fail(load(&edition, others[i].first, others[i].rows), ERROR_LOST);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "10");
	must(load(&edition, 1, 10));
	must(load(&edition, 21, 1));
	assert_int_equal(ranges_known(&edition), 1);
}

/* The same bytes cut and numbered in another way must not slip through. */
static void test_overlapping_bytes_with_other_record_numbers(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct chunk_record record = chunk_of(15, 10, 0);
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 11, 10));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 101, 10));
	record.first_record = 101;
	must_fail(loader->ops->commit(loader, &record, NULL, 0, &error), ERROR_LOST);
	loader->ops->rollback(loader);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "10");
}

static void test_table_names(void **state)
{
	(void)state;
	struct edition edition = { .year = 2023,
		.sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	char name[56];
	sink_table_name(name, "incoming", &edition);
	assert_string_equal(name, "incoming_2023_0123456789ab");
	sink_table_name(name, "chunk", &edition);
	assert_string_equal(name, "chunk_2023_0123456789ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_the_uuid_stays),
		SINK_TEST(test_dvf_is_there_and_empty_from_the_start),
		SINK_TEST(test_an_overtaken_run_is_fenced),
		SINK_TEST(test_every_column_keeps_its_value),
		SINK_TEST(test_null_comes_and_goes),
		SINK_TEST(test_numbers_at_their_ends),
		SINK_TEST(test_text_is_taken_as_it_is),
		SINK_TEST(test_rejects_are_kept_raw),
		SINK_TEST(test_a_chunk_of_rejects_only),
		SINK_TEST(test_a_chunk_rolled_back_leaves_nothing),
		SINK_TEST(test_a_loader_that_goes_away_leaves_nothing),
		SINK_TEST(test_a_refused_piece_is_undone_alone),
		SINK_TEST(test_overlapping_chunks_cannot_both_commit),
		SINK_TEST(test_overlapping_bytes_with_other_record_numbers),
		cmocka_unit_test(test_table_names),
	};
	return sink_tests_run("sink", tests, sizeof(tests) / sizeof(tests[0]));
}
