/*
 * The contract of sink.h, held by both destinations: what is completed, checked, published, judged,
 * forgotten.
 */

#include "tests/unit/sink_fixture.h"

#include "state/ranges.h"

static void test_completed_merges_and_leaves_gaps(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct ranges ranges = { 0 };
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 201, 50));
	must(load(&edition, 1, 60));
	must(load(&edition, 251, 50));
	must(load(&edition, 61, 40));
	must(sink->ops->completed(sink, &edition, &ranges, &error));
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.items[0].plain_first, HEADER);
	assert_int_equal(ranges.items[0].plain_end, plain_of(101));
	assert_int_equal(ranges.items[0].first_record, 1);
	assert_int_equal(ranges.items[0].rows, 100);
	assert_int_equal(ranges.items[1].plain_first, plain_of(201));
	assert_int_equal(ranges.items[1].plain_end, plain_of(301));
	assert_int_equal(ranges.items[1].first_record, 201);
	assert_int_equal(ranges.items[1].rows, 100);
	must(load(&edition, 101, 100));
	/* Asked again, the answer replaces what was there. */
	must(sink->ops->completed(sink, &edition, &ranges, &error));
	assert_int_equal(ranges.count, 1);
	assert_int_equal(ranges.items[0].rows, 300);
	ranges_free(&ranges);
}

/* --- check
 * ----------------------------------------------------------------------------------------- */

static void test_check_wants_every_byte(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must_fail(check(&edition, 30), ERROR_INPUT);
	must(load(&edition, 1, 10));
	must(load(&edition, 21, 10));
	must(sink->ops->index(sink, &edition, &error));
	must_fail(check(&edition, 30), ERROR_INPUT); /* a gap */
	must(load(&edition, 11, 10));
	must_fail(check(&edition, 31), ERROR_INPUT); /* the end is missing */
	must_fail(check(&edition, 29), ERROR_INPUT); /* there is too much */
	struct year_total total = total_of(30);
	total.header_end -= 1;
	must_fail(sink->ops->check(sink, &edition, &total, &error), ERROR_INPUT);
	total = total_of(30);
	total.records = 31;
	must_fail(sink->ops->check(sink, &edition, &total, &error), ERROR_INPUT);
	assert_int_equal(stage_of(&edition), EDITION_INCOMING);
	must_fail(publish(&edition, 30), ERROR_REFUSED);
	must(check(&edition, 30));
	assert_int_equal(stage_of(&edition), EDITION_READY);
}

/* The records are all there, and still some bytes belong to none of them. */
static void test_check_sees_bytes_that_nobody_loaded(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct chunk_record record = chunk_of(11, 10, 0);
	struct year_total total = total_of(20);
	record.plain_first++;
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 11, 10));
	must(loader->ops->commit(loader, &record, NULL, 0, &error));
	must(sink->ops->index(sink, &edition, &error));
	must_fail(sink->ops->check(sink, &edition, &total, &error), ERROR_INPUT);
}

static void test_check_sees_a_row_that_was_deleted(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 30));
	must(sink->ops->index(sink, &edition, &error));
	ask("DELETE FROM %s WHERE source_row = 7", edition_table(&edition));
	must_fail(check(&edition, 30), ERROR_INPUT);
	assert_int_equal(stage_of(&edition), EDITION_INCOMING);
}

static void test_check_sees_a_row_that_was_renumbered(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 30));
	must(sink->ops->index(sink, &edition, &error));
	ask("UPDATE %s SET source_row = 31 WHERE source_row = 7", edition_table(&edition));
	must_fail(check(&edition, 30), ERROR_INPUT);
}

static void test_a_year_without_records(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(sink->ops->index(sink, &edition, &error));
	must(check(&edition, 0));
	must(publish(&edition, 0));
	assert_int_equal(stage_of(&edition), EDITION_PUBLISHED);
}

static void test_index_twice(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 30));
	must(sink->ops->index(sink, &edition, &error));
	must(sink->ops->index(sink, &edition, &error));
	must(check(&edition, 30));
	must(check(&edition, 30));
	assert_int_equal(stage_of(&edition), EDITION_READY);
}

/* --- publish
 * --------------------------------------------------------------------------------------- */

static void test_a_year_shows_wholly_or_not_at_all(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct edition_memory memory;
	bool found = true;
	load_and_check(&edition, 1000);
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "0");
	must(sink->ops->published(sink, 2023, &memory, &found, &error));
	assert_false(found);
	must(publish(&edition, 1000));
	assert_string_equal(ask("SELECT count(*), min(source_row), max(source_row), "
				"count(DISTINCT source_row), max(source_year) FROM dvf"),
		"1000|1|1000|1000|2023");
	assert_string_equal(ask("SELECT count(*) FROM dvf WHERE source_year = 2022"), "0");
	must(sink->ops->finish(sink, &error));
}

static void test_published_tells_what_serves(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct edition_memory memory;
	bool found = false;
	import(&edition, 30);
	must(sink->ops->published(sink, 2023, &memory, &found, &error));
	assert_true(found);
	assert_int_equal(memory.stage, EDITION_PUBLISHED);
	assert_int_equal(memory.edition.year, 2023);
	assert_string_equal(memory.edition.sha256, edition.sha256);
	assert_string_equal(memory.edition.url, edition.url);
	assert_string_equal(memory.edition.validators.etag, "\"a\"");
	assert_string_equal(
		memory.edition.validators.last_modified, edition.validators.last_modified);
	assert_int_equal(memory.edition.packed_size, 12345);
	assert_true(memory.edition.validators.has_size);
	assert_int_equal(memory.edition.validators.packed_size, 12345);
	assert_int_equal(memory.rows, 30);
	assert_int_equal(memory.rejects, 0);
	assert_int_equal(memory.plain_size, plain_of(31));
	assert_int_equal(memory.layout_version, LAYOUT_VERSION);
	assert_int_equal(memory.parser_version, PARSER_VERSION);
	must(sink->ops->published(sink, 2022, &memory, &found, &error));
	assert_false(found);
}

static void test_publish_twice_is_harmless(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	import(&edition, 30);
	must(publish(&edition, 30));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
	assert_int_equal(stage_of(&edition), EDITION_PUBLISHED);
}

static void test_a_new_edition_replaces_the_old_one(void **state)
{
	(void)state;
	struct edition older = edition_make(2023, 'a');
	struct edition newer = edition_make(2023, 'b');
	struct edition other = edition_make(2024, 'c');
	struct edition_memory memory;
	bool found = false;
	import(&other, 5);
	import(&older, 30);
	load_and_check(&newer, 20);
	assert_string_equal(ask("SELECT count(*) FROM dvf WHERE source_year = 2023"), "30");
	must(sink->ops->published(sink, 2023, &memory, &found, &error));
	assert_string_equal(memory.edition.sha256, older.sha256);
	must(publish(&newer, 20));
	assert_string_equal(ask("SELECT source_year, count(*), max(source_row) FROM dvf "
				"GROUP BY source_year ORDER BY source_year"),
		"2023|20|20|2024|5|5");
	must(sink->ops->published(sink, 2023, &memory, &found, &error));
	assert_true(found);
	assert_string_equal(memory.edition.sha256, newer.sha256);
	assert_int_equal(memory.rows, 20);
	must(sink->ops->published(sink, 2024, &memory, &found, &error));
	assert_string_equal(memory.edition.sha256, other.sha256);
}

/* What took part in no publish may not be lost to one: a new process sees the same. */
static void test_what_is_in_outlives_the_process(void **state)
{
	(void)state;
	struct edition done = edition_make(2022, 'a');
	struct edition half = edition_make(2023, 'b');
	import(&done, 30);
	must(sink->ops->begin(sink, &half, &error));
	must(load(&half, 1, 10));
	loader->ops->close(loader);
	sink_close(sink);
	sink_new(&sink);
	must(sink->ops->loader_open(sink, &loader, &error));
	assert_int_equal(stage_of(&done), EDITION_PUBLISHED);
	must(sink->ops->begin(sink, &half, &error));
	assert_int_equal(ranges_known(&half), 1);
	must(load(&half, 11, 10));
	must(sink->ops->index(sink, &half, &error));
	must(check(&half, 20));
	must(publish(&half, 20));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "50");
}

/* --- beginning, forgetting, judging
 * ---------------------------------------------------------------- */

static void test_begin_of_another_edition_drops_the_older_incoming(void **state)
{
	(void)state;
	struct edition older = edition_make(2023, 'a');
	struct edition newer = edition_make(2023, 'b');
	struct edition other = edition_make(2022, 'c');
	must(sink->ops->begin(sink, &other, &error));
	must(load(&other, 1, 10));
	must(sink->ops->begin(sink, &older, &error));
	must(load(&older, 1, 10));
	must(sink->ops->begin(sink, &newer, &error));
	assert_false(known(&older));
	assert_int_equal(ranges_known(&older), 0);
	assert_int_equal(ranges_known(&newer), 0);
	assert_int_equal(ranges_known(&other), 1);
	assert_false(load(&older, 11, 10));
	must(load(&newer, 1, 10));
}

static void test_begin_again_keeps_what_is_loaded(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	must(sink->ops->begin(sink, &edition, &error));
	assert_int_equal(ranges_known(&edition), 1);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "10");
}

static void test_forget_begins_afresh(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->forget(sink, &edition, &error)); /* nothing is there */
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	must(sink->ops->forget(sink, &edition, &error));
	assert_false(known(&edition));
	assert_int_equal(ranges_known(&edition), 0);
	import(&edition, 30);
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
}

static void test_a_held_edition_waits_and_can_be_published(void **state)
{
	(void)state;
	struct edition older = edition_make(2023, 'a');
	struct edition edition = edition_make(2023, 'b');
	struct edition_memory memory;
	bool found = false;
	import(&older, 40);
	load_and_check(&edition, 30);
	must(sink->ops->judge(
		sink, &edition, EDITION_HELD, "25 % fewer rows", "shrink 20 %", &error));
	must(sink->ops->recall(sink, &edition, &memory, &found, &error));
	assert_true(found);
	assert_int_equal(memory.stage, EDITION_HELD);
	assert_string_equal(memory.why, "25 % fewer rows");
	assert_string_equal(memory.under, "shrink 20 %");
	assert_int_equal(memory.rows, 30);
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "40");
	must(publish(&edition, 30));
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "30");
	assert_int_equal(stage_of(&edition), EDITION_PUBLISHED);
}

static void test_begin_forgets_a_verdict(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	load_and_check(&edition, 30);
	must(sink->ops->judge(sink, &edition, EDITION_HELD, "why", "under", &error));
	must(sink->ops->begin(sink, &edition, &error));
	assert_true(stage_of(&edition) != EDITION_HELD);
	assert_int_equal(ranges_known(&edition), 1);
}

static void test_a_refused_edition_is_remembered_without_its_rows(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct edition_memory memory;
	bool found = false;
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	must(sink->ops->judge(
		sink, &edition, EDITION_REFUSED, "too many rejects", "0.1 %", &error));
	must(sink->ops->recall(sink, &edition, &memory, &found, &error));
	assert_true(found);
	assert_int_equal(memory.stage, EDITION_REFUSED);
	assert_string_equal(memory.why, "too many rejects");
	assert_string_equal(memory.under, "0.1 %");
	assert_false(publish(&edition, 10));
	must(sink->ops->begin(sink, &edition, &error));
	assert_int_equal(stage_of(&edition), EDITION_INCOMING);
	assert_int_equal(ranges_known(&edition), 0);
	must(load(&edition, 1, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_completed_merges_and_leaves_gaps),
		SINK_TEST(test_check_wants_every_byte),
		SINK_TEST(test_check_sees_bytes_that_nobody_loaded),
		SINK_TEST(test_check_sees_a_row_that_was_deleted),
		SINK_TEST(test_check_sees_a_row_that_was_renumbered),
		SINK_TEST(test_a_year_without_records),
		SINK_TEST(test_index_twice),
		SINK_TEST(test_a_year_shows_wholly_or_not_at_all),
		SINK_TEST(test_published_tells_what_serves),
		SINK_TEST(test_publish_twice_is_harmless),
		SINK_TEST(test_a_new_edition_replaces_the_old_one),
		SINK_TEST(test_what_is_in_outlives_the_process),
		SINK_TEST(test_begin_of_another_edition_drops_the_older_incoming),
		SINK_TEST(test_begin_again_keeps_what_is_loaded),
		SINK_TEST(test_forget_begins_afresh),
		SINK_TEST(test_a_held_edition_waits_and_can_be_published),
		SINK_TEST(test_begin_forgets_a_verdict),
		SINK_TEST(test_a_refused_edition_is_remembered_without_its_rows),
	};
	return sink_tests_run("sink_publish", tests, sizeof(tests) / sizeof(tests[0]));
}
