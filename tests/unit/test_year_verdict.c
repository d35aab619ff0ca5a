/*
 * What becomes of an edition that is not as it should be: fewer rows, too many rejects, wrong bytes
 * in the file or on our disk, a ledger that knows better.
 */
#include "tests/unit/year_fixture.h"

#include <stdio.h>
#include <string.h>

#include "state/base/stop.h"

#define RECORDS 40

static enum record_kind all_bad(unsigned number)
{
	(void)number;
	return RECORD_OTHER_YEAR;
}

static void assert_nothing_done(void)
{
	assert_int_equal(failing->made[CALL_BEGIN], 0);
	assert_int_equal(failing->made[CALL_LOADER_OPEN], 0);
	assert_int_equal(failing->made[CALL_JUDGE], 0);
	assert_int_equal(progress.rows_now, 0);
}

/* --- the shrink guard */

static void test_how_much_it_may_shrink(void **state)
{
	(void)state;
	struct sample sample = { .records = 32 };
	import_fine(RECORDS);
	year_begin(&sample);
	import_to(YEAR_PUBLISHED, "published");
	assert_published(32);
}

static void test_held_and_remembered(void **state)
{
	(void)state;
	struct sample sample = { .records = 31 };
	import_fine(RECORDS);
	year_begin(&sample);
	import_to(YEAR_HELD, "held");
	assert_true(progress.serving);
	assert_non_null(strstr(progress.state.message, "--allow-shrink"));
	assert_non_null(strstr(progress.state.message, "31 rows"));
	assert_int_equal(served(), RECORDS);

	process_new();
	import_to(YEAR_HELD, "held");
	assert_non_null(strstr(progress.state.message, "--allow-shrink"));
	assert_nothing_done();
	assert_int_equal(served(), RECORDS);

	/* Another setting: it is judged again, and not loaded again. */
	process_new();
	settings.max_rejects_share = 0.01;
	import_to(YEAR_HELD, "held");
	assert_int_equal(failing->made[CALL_ROW], 0);

	process_new();
	settings.allow_shrink = true;
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(failing->made[CALL_ROW], 0);
	assert_int_equal(progress.rows_now, 0);
	assert_published(31);
}

/* A held edition whose server was asked when the ledger had been lost. */
static void test_held_without_a_word_on_the_spool(void **state)
{
	(void)state;
	struct sample sample = { .records = 31 };
	import_fine(RECORDS);
	year_begin(&sample);
	import_to(YEAR_HELD, "held");
	process_new();
	year.spool.verified = false;
	year.spool.plain_size = 0;
	settings.allow_shrink = true;
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(failing->made[CALL_ROW], 0);
	assert_published(31);
}

/* --- refused */

static void test_too_many_rejects_are_remembered(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS, .kind_of = all_bad };
	import_fine(RECORDS);
	year_begin(&sample);
	import_to(YEAR_REFUSED, "refused");
	assert_non_null(strstr(progress.state.message, "--max-rejects"));
	assert_true(progress.serving);
	process_new();
	import_to(YEAR_REFUSED, "refused");
	assert_nothing_done();
	assert_int_equal(served(), RECORDS);
	process_new();
	settings.max_rejects_share = 1;
	settings.allow_shrink = true;
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(served(), 0);
	assert_int_equal(progress.state.rejects, RECORDS);
}

/* What was fetched is wrong itself: fetching it again would give the same. */
static void test_wrong_bytes_in_the_source(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS, .member_records = 15 };
	import_fine(RECORDS + 1);
	struct spool spool;
	sample_write(&sample, &spool);
	const uint64_t places[] = { 0, 40, spool.packed_size / 2, spool.packed_size - 6,
		spool.packed_size - 2 };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		sample_write(&sample, &spool);
		spool_flip(places[i]);
		spool_sum(&spool);
		must(ledger_spool_put(ledger, &spool, &error));
		process_new();
		import_to(YEAR_REFUSED, "refused");
		assert_false(year.spool_spoiled);
		assert_int_equal(served(), RECORDS + 1);
		process_new();
		import_to(YEAR_REFUSED, "refused");
		assert_nothing_done();
	}
}

/* --- the spool on our disk */

static void flip_at_index(void *context, enum call call)
{
	(void)context;
	if (call == CALL_INDEX)
		spool_flip(year.spool.packed_size / 2);
}

static void test_spoiled_between_load_and_check(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	failing->watch = flip_at_index;
	must(year_import(&year, &error));
	assert_true(year.spool_spoiled);
	assert_int_equal(progress.outcome, YEAR_FAILED);
	assert_int_equal(served(), 0);
	/* Fetched again: nothing of what was in is believed. */
	spool_flip(year.spool.packed_size / 2);
	process_new();
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(progress.rows_now, RECORDS);
	assert_false(year.spool_spoiled);
	assert_published(RECORDS);
}

static void test_spoiled_before_the_load(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	struct spool spool;
	sample_write(&sample, &spool);
	for (uint64_t at = 0; at < spool.packed_size; at += 97) {
		year_begin(&sample);
		spool_flip(at);
		must(year_import(&year, &error));
		/* A bit of the gzip header that says nothing goes unseen until the check. */
		assert_true(year.spool_spoiled);
		assert_int_equal(progress.outcome, YEAR_FAILED);
		assert_int_equal(served(), 0);
	}
	year_begin(&sample);
	import_to(YEAR_PUBLISHED, "published");
	assert_published(RECORDS);
}

static void cut_at_index(void *context, enum call call)
{
	(void)context;
	if (call == CALL_INDEX)
		remove(spool_file);
}

static void test_gone_between_load_and_check(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	failing->watch = cut_at_index;
	must(year_import(&year, &error));
	assert_true(year.spool_spoiled);
	assert_int_equal(served(), 0);
}

/* --- the table */

static void lose_a_row(void *context, enum call call)
{
	struct edition edition;
	char sql[160];
	char table[56];
	unsigned *times = context;
	if (call != CALL_INDEX || *times == 0)
		return;
	(*times)--;
	year_edition(&year.spool, &edition);
	sink_table_name(table, "dvf", &edition);
	snprintf(sql, sizeof(sql), "DELETE FROM \"%s\" WHERE source_row = 7 RETURNING 1", table);
	assert_int_equal(ask_number(&edition, sql), 1);
}

/* It is not the source's fault, so the edition is not refused. */
static void test_a_table_that_is_not_what_the_witness_says(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	unsigned times = 1;
	year_begin(&sample);
	failing->watch = lose_a_row;
	failing->context = &times;
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(failing->made[CALL_FORGET], 1);
	assert_published(RECORDS);
}

/* Not for ever. */
static void test_a_table_that_never_is(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	unsigned times = 100;
	year_begin(&sample);
	failing->watch = lose_a_row;
	failing->context = &times;
	import_to(YEAR_FAILED, "failed");
	assert_in_range(failing->made[CALL_FORGET], 1, 10);
	assert_int_equal(served(), 0);
	process_new();
	import_to(YEAR_PUBLISHED, "published");
	assert_published(RECORDS);
}

/* Every record again, and no more: what is in of a lost chunk is met at once, and ends the pass. */
static void heals_without_the_chunk(unsigned first_record, unsigned rejects)
{
	struct edition edition;
	char sql[96];
	year_edition(&year.spool, &edition);
	snprintf(sql, sizeof(sql),
		"DELETE FROM dvf_import_chunk WHERE first_record = %u RETURNING 1", first_record);
	failing->commits_to_a_stop = 5;
	must_fail(year_import(&year, &error), ERROR_STOPPED);
	stop_reset();
	process_new();
	assert_int_equal(ask_number(&edition, sql), 1);
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(failing->made[CALL_FORGET], 1);
	assert_int_equal(failing->made[CALL_TAKE], 0);
	/* Rejects are met in the chunk's own commit. */
	assert_int_equal(failing->made[CALL_COMMIT], (RECORDS + 2) / 3 + (rejects > 0));
	assert_int_equal(served(), RECORDS - rejects);
	assert_int_equal(progress.state.rejects, rejects);
}

static void test_rows_that_no_chunk_counts(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	heals_without_the_chunk(7, 0);
	assert_published(RECORDS);
}

static enum record_kind bad_from_7_to_9(unsigned number)
{
	return number >= 7 && number <= 9 ? RECORD_OTHER_YEAR : RECORD_FINE;
}

static void test_rejects_that_no_chunk_counts(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS, .kind_of = bad_from_7_to_9 };
	struct edition edition;
	year_begin(&sample);
	heals_without_the_chunk(7, 3);
	year_edition(&year.spool, &edition);
	assert_string_equal(rejects_in(&edition), "7,8,9");
}

/* --- the ledger */

static void ranges_put(uint64_t first, uint64_t end, uint64_t record, uint64_t rows)
{
	char key[80];
	const struct range range = { first, end, record, rows, 0 };
	snprintf(key, sizeof(key), "%d-%s", TEST_YEAR, year.spool.sha256);
	must(ledger_range_add(ledger, key, &range, &error));
}

static void test_a_ledger_ahead_of_the_witness(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	ranges_put(header_end, plain.size, 1, RECORDS);
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(progress.rows_now, RECORDS);
	assert_published(RECORDS);
}

/* A whole witness, ranges that fit nothing: the witness wins, and nothing is loaded. */
static void test_a_ledger_that_says_other_things(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	failing->commits_to_a_stop = 5;
	must_fail(year_import(&year, &error), ERROR_STOPPED);
	stop_reset();
	ranges_put(plain.size - 100, plain.size + 1000, 39, 12);
	process_new();
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(progress.rows_now, RECORDS - 15);
	assert_published(RECORDS);
}

/* Its size is taken for the file's end by nobody who has read nothing of it. */
static void test_a_ledger_that_takes_the_file_for_empty(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	const uint64_t sizes[] = { 0, 1, header_end };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct sample other = { .records = RECORDS + 1 + (unsigned)i };
		year_begin(i == 0 ? &sample : &other);
		year.spool.verified = true;
		year.spool.plain_size = sizes[i];
		import_to(YEAR_PUBLISHED, "published");
		assert_published(i == 0 ? RECORDS : other.records);
	}
}

/* --- the witness */

/* Chunks that cannot stand beside each other: what the source has is not known to be wrong, so it
 * is loaded afresh and nothing is judged. */
static void test_a_witness_that_contradicts_itself(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	struct edition edition;
	year_begin(&sample);
	year_edition(&year.spool, &edition);
	failing->commits_to_a_stop = 5;
	must_fail(year_import(&year, &error), ERROR_STOPPED);
	stop_reset();
	assert_int_equal(
		ask_number(&edition, "UPDATE dvf_import_chunk SET first_record = first_record + 1 "
				     "WHERE first_record = 7 RETURNING 1"),
		1);
	process_new();
	year.fetched = true;
	import_to(YEAR_PUBLISHED, "published");
	assert_int_equal(failing->made[CALL_FORGET], 1);
	assert_int_equal(failing->made[CALL_JUDGE], 0);
	assert_false(year.spool_bad);
	assert_published(RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		YEAR_TEST(test_how_much_it_may_shrink),
		YEAR_TEST(test_held_and_remembered),
		YEAR_TEST(test_held_without_a_word_on_the_spool),
		YEAR_TEST(test_too_many_rejects_are_remembered),
		YEAR_TEST(test_wrong_bytes_in_the_source),
		YEAR_TEST(test_spoiled_between_load_and_check),
		YEAR_TEST(test_spoiled_before_the_load),
		YEAR_TEST(test_gone_between_load_and_check),
		YEAR_TEST(test_a_table_that_is_not_what_the_witness_says),
		YEAR_TEST(test_a_table_that_never_is),
		YEAR_TEST(test_rows_that_no_chunk_counts),
		YEAR_TEST(test_rejects_that_no_chunk_counts),
		YEAR_TEST(test_a_ledger_ahead_of_the_witness),
		YEAR_TEST(test_a_ledger_that_says_other_things),
		YEAR_TEST(test_a_ledger_that_takes_the_file_for_empty),
		YEAR_TEST(test_a_witness_that_contradicts_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
