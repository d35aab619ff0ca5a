/*
 * A year from its spool to being served, by a real destination whose calls fail one after the
 * other. Linked with --wrap=stop_sleep.
 */
#include "tests/unit/year_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "state/base/stop.h"

#define RECORDS    20
#define TRIES_MOST 4

/* Waiting for a server to be less busy would take minutes in all. */
bool __real_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms)
{
	(void)ms;
	return __real_stop_sleep(0);
}

static void test_a_year(void **state)
{
	(void)state;
	import_fine(RECORDS);
	assert_int_equal(progress.rows_now, RECORDS);
	assert_int_equal(progress.state.plain_done, plain.size);
	assert_int_equal(progress.state.plain_size, plain.size);
	process_new();
	must(year_import(&year, &error));
	assert_int_equal(progress.outcome, YEAR_UNCHANGED);
	assert_published(RECORDS);
	assert_int_equal(failing->made[CALL_LOADER_OPEN], 0);
	assert_int_equal(failing->made[CALL_BEGIN], 0);
}

static void test_a_year_without_records(void **state)
{
	(void)state;
	const struct sample sample = { .records = 0 };
	year_begin(&sample);
	import_to(YEAR_HELD, "held");
	assert_non_null(strstr(progress.state.message, "no row"));
	assert_int_equal(served(), 0);
	process_new();
	settings.allow_shrink = true;
	import_to(YEAR_PUBLISHED, "published");
	assert_published(0);
}

static void test_a_new_edition_takes_the_place(void **state)
{
	(void)state;
	import_fine(RECORDS);
	import_fine(RECORDS + 5);
	import_fine(RECORDS + 4);
}

/* --- each call fails */

static void fail_and_recover(
	const struct sample *sample, unsigned n, enum error_kind kind, bool after)
{
	unsigned tries = 0;
	process_new();
	failing->fail_at = n;
	failing->fail_kind = kind;
	failing->fail_after = after;
	bool in = year_import(&year, &error) && year_is_in();
	enum call call = (enum call)failing->failed;
	assert_int_not_equal(failing->failed, -1);
	for (; !in && tries < TRIES_MOST; tries++) {
		process_new();
		must(sink->ops->take(sink, &error));
		in = year_import(&year, &error) && year_is_in();
	}
	if (!in || tries > 1)
		fail_msg("call %u (%s) with %s, %s it was done: %s after %u more tries: %s", n,
			call_word(call), error_word(kind), after ? "after" : "before",
			year_outcome_word(progress.outcome), tries, progress.state.message);
	assert_published(sample->records);
}

static unsigned calls_of_a_year(const struct sample *sample)
{
	year_begin(sample);
	must(year_import(&year, &error));
	return failing->calls;
}

static void fail_each_call(bool after)
{
	static const enum error_kind kinds[] = { ERROR_BUSY, ERROR_LOST, ERROR_MEMORY, ERROR_DATA,
		ERROR_DATABASE, ERROR_FULL };
	struct sample sample = { .records = 7 };
	unsigned calls = calls_of_a_year(&sample);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned n = 1; n <= calls; n++) {
			/* One more record or less makes another edition. */
			sample.records = sample.records == 7 ? 8 : 7;
			year_begin(&sample);
			fail_and_recover(&sample, n, kinds[i], after);
		}
}

static void test_each_call_fails_before_it_is_done(void **state)
{
	(void)state;
	fail_each_call(false);
}

static void test_each_call_fails_after_it_was_done(void **state)
{
	(void)state;
	fail_each_call(true);
}

static void test_lost_for_good(void **state)
{
	(void)state;
	static const enum call calls[] = { CALL_RECALL, CALL_BEGIN, CALL_COMPLETED, CALL_INDEX,
		CALL_PUBLISH };
	const struct sample sample = { .records = RECORDS };
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		year_begin(&sample);
		atomic_store(&failing->failed, (int)calls[i]);
		failing->fail_on = true;
		failing->fail_kind = ERROR_LOST;
		must_fail(year_import(&year, &error), ERROR_LOST);
		assert_int_equal(progress.outcome, YEAR_UNFINISHED);
		assert_in_range(failing->made[calls[i]], 2, 10);
		assert_int_equal(served(), 0);
	}
	process_new();
	must(year_import(&year, &error));
	assert_published(RECORDS);
}

static void refuse_from_the_second(void *context, enum call call)
{
	(void)context;
	if (call == CALL_TAKE && failing->made[CALL_TAKE] > 0)
		failing->fail_kind = ERROR_REFUSED;
}

/* Lost, then not what we had: that is no precondition of the run, which began well. */
static void test_what_we_had_refuses_us(void **state)
{
	(void)state;
	failing_sink_reset(failing);
	failing->fail_at = 1;
	failing->fail_on = true;
	failing->fail_kind = ERROR_LOST;
	failing->watch = refuse_from_the_second;
	must_fail(year_take_again(sink, &error), ERROR_DATABASE);
	assert_int_equal(failing->made[CALL_TAKE], 2);
}

/* A year that is served stays so in the report when its ledger fails. */
static void fail_ledger_at_recall(void *context, enum call call)
{
	(void)context;
	sqlite3 *db = NULL;
	char path[128];
	if (call != CALL_RECALL)
		return;
	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "CREATE TRIGGER refuse BEFORE INSERT ON year "
				 "BEGIN SELECT raise(ABORT, 'as told'); END",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

static void test_a_ledger_that_fails_does_not_fail_the_year(void **state)
{
	(void)state;
	import_fine(RECORDS);
	process_new();
	failing->watch = fail_ledger_at_recall;
	must_fail(year_import(&year, &error), ERROR_SYSTEM);
	assert_int_equal(progress.outcome, YEAR_UNCHANGED);
	assert_true(progress.serving);
}

static void test_fenced_and_stopped_end_the_run(void **state)
{
	(void)state;
	static const enum error_kind kinds[] = { ERROR_FENCED, ERROR_STOPPED };
	const struct sample sample = { .records = 8 };
	for (unsigned kind = 0; kind < 2; kind++) {
		bool reached = true;
		year_begin(&sample);
		for (unsigned n = 1; reached && served() == 0; n++) {
			process_new();
			failing->fail_at = n;
			failing->fail_kind = kinds[kind];
			bool done = year_import(&year, &error);
			reached = failing->failed != -1;
			assert_true(done == !reached);
			if (reached)
				assert_int_equal(error.kind, kinds[kind]);
			if (reached)
				assert_int_equal(progress.outcome, YEAR_UNFINISHED);
		}
	}
	process_new();
	must(year_import(&year, &error));
	assert_published(8);
}

/* --- publishing is in the way */

static void test_ready_and_published_by_the_next_run(void **state)
{
	(void)state;
	const struct sample sample = { .records = RECORDS };
	year_begin(&sample);
	atomic_store(&failing->failed, CALL_PUBLISH);
	failing->fail_on = true;
	failing->fail_kind = ERROR_BUSY;
	must(year_import(&year, &error));
	assert_int_equal(progress.outcome, YEAR_READY);
	assert_string_equal(progress.state.stage, "ready");
	assert_false(progress.serving);
	assert_int_equal(failing->made[CALL_PUBLISH], 1);
	process_new();
	must(year_import(&year, &error));
	assert_int_equal(progress.outcome, YEAR_PUBLISHED);
	assert_int_equal(failing->made[CALL_ROW], 0);
	assert_published(RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		YEAR_TEST(test_a_year),
		YEAR_TEST(test_a_year_without_records),
		YEAR_TEST(test_a_new_edition_takes_the_place),
		YEAR_TEST(test_each_call_fails_before_it_is_done),
		YEAR_TEST(test_each_call_fails_after_it_was_done),
		YEAR_TEST(test_lost_for_good),
		YEAR_TEST(test_what_we_had_refuses_us),
		YEAR_TEST(test_a_ledger_that_fails_does_not_fail_the_year),
		YEAR_TEST(test_fenced_and_stopped_end_the_run),
		YEAR_TEST(test_ready_and_published_by_the_next_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
