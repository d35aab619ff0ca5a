#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/base/file.h"
#include "state/look.h"

static const char sha[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char key[] = "2021-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static char folder[SCRATCH_PATH];
static struct ledger *ledger;
static struct look *look;
static struct error error;

static int begin(void **state)
{
	(void)state;
	bool repaired, known;
	scratch_new(folder, "test_look");
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(ledger_run_begin(ledger, "0.1", "host", "{\"loaders\":4}", &error));
	assert_done(ledger_destination(ledger, "uuid-1", "sqlite", "dvf.sqlite", &known, &error));
	return 0;
}

static int end(void **state)
{
	(void)state;
	look_free(look);
	look = NULL;
	ledger_close(ledger);
	ledger = NULL;
	return scratch_remove(folder);
}

static void take(int map_year)
{
	const struct look_wish wish = { .map_year = map_year };
	look_free(look);
	assert_done(look_take(&look, folder, &wish, &error));
}

static void put_year(int year, const char *stage)
{
	struct year_state state = { .year = year, .plain_size = 1000 };
	snprintf(state.stage, sizeof(state.stage), "%s", stage);
	memcpy(state.sha256, sha, sizeof(sha));
	assert_done(ledger_year_put(ledger, &state, &error));
}

static void add_chunk(uint64_t first, uint64_t end_, uint64_t record, uint64_t rejects)
{
	struct range range = { .plain_first = first,
		.plain_end = end_,
		.first_record = record,
		.rows = 10 - rejects,
		.rejects = rejects };
	assert_done(ledger_range_add(ledger, key, &range, &error));
}

static void test_no_ledger_is_refused(void **state)
{
	(void)state;
	const struct look_wish wish = { 0 };
	assert_false(look_take(&look, "/nonexistent/folder", &wish, &error));
	assert_int_equal(error.kind, ERROR_REFUSED);
}

static void test_runs_newest_first(void **state)
{
	(void)state;
	for (int i = 0; i < LOOK_RUNS + 2; i++) {
		assert_done(ledger_run_end(ledger, "partial", 2, 77, NULL, &error));
		assert_done(ledger_run_begin(
			ledger, "0.2", "host", i % 2 ? "{}" : "{\"drain_s\":10}", &error));
	}
	take(0);
	assert_int_equal(look->run_count, LOOK_RUNS);
	assert_int_equal(look->runs[0].id, LOOK_RUNS + 3);
	assert_string_equal(look->runs[0].outcome, "");
	assert_string_equal(look->runs[0].command, "run");
	assert_string_equal(look->runs[1].command, "promote");
	assert_int_equal(look->runs[1].exit_code, 2);
	assert_int_equal(look->runs[1].peak_memory, 77);
	assert_int_equal(look->outcome_count, 1);
	assert_int_equal(look->outcomes[0].runs, LOOK_RUNS + 2);
	assert_int_equal(look->outcomes[0].last_good_s, 0);
	assert_true(look->outcomes[0].last_end_s > 1700000000);
}

/* They are counted, but say nothing of what is in. */
static void test_promotes_are_no_imports(void **state)
{
	(void)state;
	assert_done(ledger_run_end(ledger, "killed", 0, 0, NULL, &error));
	assert_done(ledger_run_begin(ledger, "0.2", "host", "{\"drain_s\":10}", &error));
	assert_done(ledger_run_end(ledger, "done", 0, 0, NULL, &error));
	take(0);
	assert_string_equal(look->outcomes[0].outcome, "done");
	assert_int_equal(look->outcomes[0].runs, 1);
	assert_int_equal(look->outcomes[0].last_good_s, 0);
	assert_int_equal(look->outcomes[0].last_end_s, 0);
	assert_done(ledger_run_begin(
		ledger, "0.2", "host", "{\"drain_s\":10,\"promote\":true}", &error));
	assert_done(ledger_run_end(ledger, "done", 0, 0, NULL, &error));
	take(0);
	assert_int_equal(look->outcomes[0].runs, 2);
	assert_true(look->outcomes[0].last_good_s > 1700000000);
}

static void test_map_is_of_the_year_in_work(void **state)
{
	(void)state;
	put_year(2021, "loading");
	put_year(2022, "published");
	add_chunk(50, 100, 1, 0);
	add_chunk(200, 300, 21, 3);
	add_chunk(100, 200, 11, 1);
	take(0);
	assert_int_equal(look->map.year, 2021);
	assert_int_equal(look->map.ranges.count, 1);
	assert_int_equal(look->map.ranges.items[0].plain_end, 300);
	assert_int_equal(look->map.place_count, 2);
	assert_int_equal(look->map.places[0].plain_first, 100);
	assert_int_equal(look->map.places[1].rejects, 3);
	take(2022);
	assert_int_equal(look->map.year, 2022);
	assert_int_equal(look->map.ranges.count, 0);
}

/* A server's crash undid a chunk: its rejects are not there either. */
static void test_places_follow_the_witness(void **state)
{
	(void)state;
	struct range kept = { .plain_first = 50, .plain_end = 150, .first_record = 1, .rows = 10 };
	struct ranges ranges = { .items = &kept, .count = 1 };
	put_year(2021, "loading");
	add_chunk(50, 150, 1, 1);
	add_chunk(150, 300, 11, 3);
	assert_done(ledger_ranges_replace(ledger, key, &ranges, &error));
	take(0);
	assert_int_equal(look->map.place_count, 1);
	assert_int_equal(look->map.places[0].plain_end, 150);
}

static void test_samples_are_thinned(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		struct run_sample sample = {
			.at_ms = 250 * i, .rows = i, .memory = 5, .memory_limit = 6
		};
		assert_done(ledger_sample_put(ledger, &sample, &error));
	}
	assert_done(ledger_samples_thin(ledger, 500, &error));
	take(0);
	assert_int_equal(look->sampled_run, 1);
	assert_int_equal(look->sample_count, 5);
	assert_int_equal(look->samples[4].at_ms, 2000);
	assert_int_equal(look->samples[4].rows, 8);
	assert_int_equal(look->samples[4].memory_limit, 6);
}

static void test_samples_of_old_runs_go(void **state)
{
	(void)state;
	struct run_sample sample = { .at_ms = 0 };
	for (int i = 0; i < 7; i++) {
		assert_done(ledger_samples_forget(ledger, &error));
		assert_done(ledger_sample_put(ledger, &sample, &error));
		assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
		assert_done(ledger_run_begin(ledger, "0.1", "host", "{}", &error));
	}
	take(0);
	assert_int_equal(look->sampled_run, 7);
	assert_int_equal(look->sample_count, 1);
}

static void test_events_are_told(void **state)
{
	(void)state;
	struct field fields[] = { FIELD_N("rows", 12), FIELD_T("edition", sha),
		FIELD_T("destination", "uuid-1"),
		FIELD_J("first",
			"[{\"record\":7,\"column\":\"code_postal\",\"reason\":\"too long\"}]"),
		FIELD_N("count", 3) };
	assert_done(ledger_event(ledger, "rejects kept", 2021, fields, 5, &error));
	assert_done(ledger_event(ledger, "promoted", 0, fields, 1, &error));
	take(0);
	assert_int_equal(look->swap_count, 1);
	assert_string_equal(look->swaps[0].facts, "rows=12");
	assert_string_equal(look->events[0].kind, "promoted");
	assert_string_equal(look->events[1].facts, "rows=12  edition=aaaaaaaaaaaa  count=3");
	assert_int_equal(look->reject_count, 1);
	assert_int_equal(look->rejects[0].record, 7);
	assert_int_equal(look->rejects[0].of, 3);
	assert_string_equal(look->rejects[0].reason, "too long");
	assert_int_equal(look->head, 3);
}

static void test_lock_is_seen_and_not_taken(void **state)
{
	(void)state;
	char path[128], holder[64];
	int fd = -1, other = -1;
	take(0);
	assert_false(look->locked);
	snprintf(path, sizeof(path), "%s/lock", folder);
	assert_done(file_lock(path, "me", &fd, holder, sizeof(holder), &error));
	take(0);
	assert_false(look->locked);
	file_lock_show(fd);
	take(0);
	assert_true(look->locked);
	file_close(&fd);
	take(0);
	assert_false(look->locked);
	assert_done(file_lock(path, "you", &other, holder, sizeof(holder), &error));
	assert_int_not_equal(other, -1);
	file_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_ledger_is_refused),
		TEST(test_runs_newest_first),
		TEST(test_promotes_are_no_imports),
		TEST(test_map_is_of_the_year_in_work),
		TEST(test_places_follow_the_witness),
		TEST(test_samples_are_thinned),
		TEST(test_samples_of_old_runs_go),
		TEST(test_events_are_told),
		TEST(test_lock_is_seen_and_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
