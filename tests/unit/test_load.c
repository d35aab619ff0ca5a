/*
 * Loads of small editions into a real destination, whose calls fail one after the other: whatever
 * happens, calling again ends with every record in once. Linked with --wrap=stop_sleep.
 */
#include "tests/unit/load_fixture.h"

#include <stdio.h>
#include <string.h>

#include "state/base/stop.h"

#define TRIES_MOST 4 /* after a call that failed */

/* Waiting for a server to be less busy would take minutes in all. */
bool __real_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms)
{
	(void)ms;
	return __real_stop_sleep(0);
}

static enum record_kind mixed(unsigned number)
{
	if (number % 9 == 4)
		return RECORD_OTHER_YEAR;
	if (number == 23)
		return RECORD_SHORT;
	return number % 7 == 0 ? RECORD_QUOTED : RECORD_FINE;
}

static enum record_kind all_bad(unsigned number)
{
	(void)number;
	return RECORD_OTHER_YEAR;
}

static const struct sample forty = { .records = 40, .kind_of = mixed, .blank = true };

static void test_samples_of_every_sort(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{ .records = 0 },
		{ .records = 0, .blank = true },
		{ .records = 1 },
		{ .records = 1, .cut_last = true },
		{ .records = 3 },
		{ .records = 9, .cut_last = true },
		{ .records = 40, .kind_of = mixed, .blank = true },
		{ .records = 40, .kind_of = mixed, .crlf = true, .bom = true },
		{ .records = 41, .kind_of = mixed, .cut_last = true, .member_records = 5 },
		{ .records = 300, .member_records = 2 },
	};
	struct attempt attempt;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		attempt_begin(&attempt, &samples[i]);
		must(attempt_load(&attempt));
		assert_whole(&attempt, &samples[i]);
		assert_true(attempt.spool.verified);
		assert_false(attempt.from_point);
		assert_int_equal(attempt.rows_now, attempt.state.rows);
		/* Said again, it is found done. */
		atomic_store(&failing->made[CALL_ROW], 0);
		must(attempt_load(&attempt));
		assert_whole(&attempt, &samples[i]);
		assert_int_equal(failing->made[CALL_ROW], 0);
	}
}

/* The ledger is lost or knows the spool no more, and the witness has it all. */
static void test_a_whole_witness_and_no_word_on_the_spool(void **state)
{
	(void)state;
	struct attempt attempt;
	attempt_begin(&attempt, &forty);
	must(attempt_load(&attempt));
	attempt.spool.verified = false;
	attempt.spool.plain_size = 0;
	atomic_store(&failing->made[CALL_ROW], 0);
	must(attempt_load(&attempt));
	assert_whole(&attempt, &forty);
	assert_int_equal(failing->made[CALL_ROW], 0);
}

/* --- one call fails */

static const enum error_kind kinds[] = { ERROR_BUSY, ERROR_LOST, ERROR_MEMORY, ERROR_DATA,
	ERROR_DATABASE, ERROR_FULL };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static unsigned calls_of_a_load(struct attempt *attempt)
{
	attempt_begin(attempt, &forty);
	failing_sink_reset(failing);
	must(attempt_load(attempt));
	return failing->calls;
}

/* The n-th call fails; the destination is taken and loaded again until it is done. */
static void fail_and_recover(struct attempt *attempt, unsigned n, enum error_kind kind, bool after)
{
	char what[128];
	unsigned tries = 0;
	attempt_renew(attempt);
	failing_sink_reset(failing);
	failing->fail_at = n;
	failing->fail_kind = kind;
	failing->fail_after = after;
	bool done = attempt_load(attempt);
	assert_int_not_equal(failing->failed, -1);
	snprintf(what, sizeof(what), "call %u (%s) with %s, %s it was done", n,
		call_word((enum call)failing->failed), error_word(kind),
		after ? "after" : "before");
	/* Nobody knows what is in then: no loader goes on before the destination was taken. */
	if (done && kind == ERROR_LOST && failing->failed != CALL_LOADER_OPEN)
		fail_msg("%s: nobody was told", what);
	if (!done && kind == ERROR_LOST)
		assert_int_equal(error.kind, ERROR_LOST);
	for (; !done && tries < TRIES_MOST; tries++) {
		must(sink->ops->take(sink, &error));
		done = attempt_load(attempt);
	}
	if (!done)
		fail_msg("%s: not done after %u tries: %s: %s", what, tries, error_word(error.kind),
			error.text);
	if (tries > 1)
		fail_msg("%s: took %u more tries", what, tries);
	if (strcmp(rejects_in(&attempt->edition), "4,13,22,23,31,40") != 0)
		fail_msg("%s: rejects %s", what, rejects_in(&attempt->edition));
	assert_whole(attempt, &forty);
}

static void fail_each_call(bool after)
{
	struct attempt attempt;
	unsigned calls = calls_of_a_load(&attempt);
	for (size_t i = 0; i < KINDS; i++)
		for (unsigned n = 1; n <= calls; n++)
			fail_and_recover(&attempt, n, kinds[i], after);
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

/* With loaders side by side chunks get in out of order, and what failed is a gap between others. */
static void test_each_call_fails_with_three_loaders(void **state)
{
	(void)state;
	struct attempt attempt;
	unsigned calls = calls_of_a_load(&attempt);
	failing->ops.max_loaders = 3;
	attempt.loaders = 3;
	for (size_t i = 0; i < KINDS; i++)
		for (unsigned n = 1; n <= calls; n += 5)
			fail_and_recover(&attempt, n, kinds[i], i % 2 == 0);
}

/* A sort of call that fails for good ends the load with its own error, and soon. */
static void test_calls_that_go_on_failing(void **state)
{
	(void)state;
	struct attempt attempt;
	unsigned calls = calls_of_a_load(&attempt);
	for (size_t i = 0; i < KINDS; i++)
		/* Data that is refused makes rejects; test_chunk_load.c is about those. */
		for (unsigned n = 1; kinds[i] != ERROR_DATA && n <= calls; n += 13) {
			attempt_renew(&attempt);
			failing_sink_reset(failing);
			failing->fail_at = n;
			failing->fail_on = true;
			failing->fail_kind = kinds[i];
			must_fail(attempt_load(&attempt), kinds[i]);
			assert_in_range(failing->calls, n, 40 * calls);
			failing_sink_reset(failing);
			must(sink->ops->take(sink, &error));
			must(attempt_load(&attempt));
			assert_whole(&attempt, &forty);
		}
}

/* What is left is the end of a file whose plain size is known by now. */
static void test_the_last_chunk_is_put_back(void **state)
{
	(void)state;
	static const struct sample samples[] = { { .records = 9 },
		{ .records = 9, .cut_last = true }, { .records = 9, .blank = true } };
	struct attempt attempt;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		attempt_begin(&attempt, &samples[i]);
		failing_sink_reset(failing);
		must(attempt_load(&attempt));
		unsigned calls = failing->calls - 2; /* the witness is read at the end */
		for (unsigned n = calls - 4; n <= calls; n++) {
			attempt_renew(&attempt);
			failing_sink_reset(failing);
			failing->fail_at = n;
			failing->fail_kind = ERROR_DATABASE;
			must(attempt_load(&attempt));
			assert_whole(&attempt, &samples[i]);
		}
	}
}

/* --- stopping */

static void test_a_stop_after_each_chunk(void **state)
{
	(void)state;
	struct attempt attempt;
	attempt_begin(&attempt, &forty);
	for (unsigned chunks = 1; chunks <= 14; chunks++) {
		attempt_renew(&attempt);
		failing_sink_reset(failing);
		failing->commits_to_a_stop = chunks;
		bool done = attempt_load(&attempt);
		assert_int_equal(failing->made[CALL_COMMIT], chunks);
		if (!done)
			assert_int_equal(error.kind, ERROR_STOPPED);
		assert_true(!done || chunks == 14);
		stop_reset();
		failing_sink_reset(failing);
		must(attempt_load(&attempt));
		assert_whole(&attempt, &forty);
		assert_int_equal(attempt.rows_now, attempt.state.rows);
		assert_in_range(failing->made[CALL_COMMIT], 0, 14 - chunks);
	}
}

static void test_a_stop_before_anything(void **state)
{
	(void)state;
	struct attempt attempt;
	attempt_begin(&attempt, &forty);
	failing_sink_reset(failing);
	stop_request();
	must_fail(attempt_load(&attempt), ERROR_STOPPED);
	assert_int_equal(failing->calls, 0);
}

/* --- too many rejects */

static unsigned bad_first, bad_end; /* [bad_first, bad_end) are rejects */

static enum record_kind some_bad(unsigned number)
{
	return number >= bad_first && number < bad_end ? RECORD_OTHER_YEAR : RECORD_FINE;
}

static void assert_verdict(const struct sample *sample, double share, bool refused)
{
	struct attempt attempt;
	attempt_begin(&attempt, sample);
	attempt.max_rejects_share = share;
	bool done = attempt_load(&attempt);
	if (done == refused)
		fail_msg("%u rejects from record %u of %u at %g: %s %s", bad_end - bad_first,
			bad_first, sample->records, share, done ? "taken" : "refused",
			done ? "" : error.text);
	assert_true(attempt.refused == refused);
	if (!done) {
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, "--max-rejects"));
		assert_non_null(strstr(error.text, "were rejected"));
	}
}

/* Where in the file the rejects are must not matter. */
static void assert_edge(unsigned records, double share, unsigned allowed)
{
	struct sample sample = { .records = records, .kind_of = some_bad };
	for (unsigned more = 0; more <= 1; more++) {
		unsigned bad = allowed + more;
		const unsigned firsts[] = { 1, (records - bad) / 2 + 1, records - bad + 1 };
		for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
			bad_first = firsts[i];
			bad_end = bad_first + bad;
			assert_verdict(&sample, share, more == 1);
		}
	}
}

static void test_ten_rejects_are_always_allowed(void **state)
{
	(void)state;
	assert_edge(40, 0.001, 10);
	assert_edge(11, 0.001, 10);
	assert_edge(40, 0, 10);
}

static void test_a_share_of_rejects_is_allowed(void **state)
{
	(void)state;
	assert_edge(60, 0.5, 30);
	assert_edge(200, 0.1, 20);
}

static void test_how_many_are_allowed(void **state)
{
	(void)state;
	assert_int_equal(load_rejects_allowed(0.001, 0), 10);
	assert_int_equal(load_rejects_allowed(0.001, 10000), 10);
	assert_int_equal(load_rejects_allowed(0.001, 11000), 11);
	assert_int_equal(load_rejects_allowed(0.001, 10999), 10);
	assert_int_equal(load_rejects_allowed(1, 4700000), 4700000);
	assert_int_equal(load_rejects_allowed(0, 4700000), 10);
}

/* A file of another layout must not be read to its end. */
static void test_refused_early(void **state)
{
	(void)state;
	const struct sample sample = { .records = 20000, .kind_of = all_bad };
	struct attempt attempt;
	attempt_begin(&attempt, &sample);
	attempt.chunk_rows = 100;
	failing_sink_reset(failing);
	must_fail(attempt_load(&attempt), ERROR_INPUT);
	assert_true(attempt.refused);
	assert_in_range(failing->made[CALL_COMMIT], 1, 150);
	assert_false(attempt.spool.verified);
}

#define LOAD_TEST(function)                                                                        \
	cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOAD_TEST(test_samples_of_every_sort),
		LOAD_TEST(test_a_whole_witness_and_no_word_on_the_spool),
		LOAD_TEST(test_each_call_fails_before_it_is_done),
		LOAD_TEST(test_each_call_fails_after_it_was_done),
		LOAD_TEST(test_each_call_fails_with_three_loaders),
		LOAD_TEST(test_calls_that_go_on_failing),
		LOAD_TEST(test_the_last_chunk_is_put_back),
		LOAD_TEST(test_a_stop_after_each_chunk),
		LOAD_TEST(test_a_stop_before_anything),
		LOAD_TEST(test_ten_rejects_are_always_allowed),
		LOAD_TEST(test_a_share_of_rejects_is_allowed),
		cmocka_unit_test(test_how_many_are_allowed),
		LOAD_TEST(test_refused_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
