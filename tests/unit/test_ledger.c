#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/db.h"
#include "state/ledger.h"
#include "state/ranges.h"
#include "state/stage.h"

#define URL "https://example.org/2021/full.csv.gz"

static const char sha_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char sha_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static char folder[SCRATCH_PATH];
static struct ledger *ledger;
static struct error error;
static unsigned syncs;

/* Stand before those of libc, so that what SQLite syncs is counted. */
int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

/* Everything asked after it must be there without the handle that wrote it. */
static void reopen(void)
{
	bool repaired = true;
	bool known = false;
	ledger_close(ledger);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_done(ledger_destination(ledger, "uuid-1", "sqlite", "dvf.sqlite", &known, &error));
	assert_true(known);
}

static int begin(void **state)
{
	(void)state;
	bool repaired = true;
	bool known = true;
	scratch_new(folder, "test_ledger");
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_done(ledger_run_begin(ledger, "0.1", "host", "{\"loaders\":4}", &error));
	assert_done(ledger_destination(ledger, "uuid-1", "sqlite", "dvf.sqlite", &known, &error));
	assert_false(known);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ledger_close(ledger);
	ledger = NULL;
	return scratch_remove(folder);
}

static void assert_status_has(const char *wanted)
{
	struct buf json = { 0 };
	assert_done(ledger_status_json(ledger, &json, &error));
	if (strstr(json.bytes, wanted) == NULL)
		fail_msg("no %s in %s", wanted, json.bytes);
	buf_free(&json);
}

static void assert_history_has(const char *wanted)
{
	struct buf json = { 0 };
	struct event_filter all = { 0 };
	assert_done(ledger_history_json(ledger, &all, &json, &error));
	if (strstr(json.bytes, wanted) == NULL)
		fail_msg("no %s in %s", wanted, json.bytes);
	buf_free(&json);
}

static void test_part_comes_back_whole(void **state)
{
	(void)state;
	struct part part = {
		.year = 2021,
		.url = URL,
		.file = "2021.part",
		.validators = { .etag = "W/\"x'y\"",
			.last_modified = "Mon",
			.packed_size = 7,
			.has_size = true },
		.durable = INT64_MAX,
	};
	struct part back;
	bool found = true;
	assert_done(ledger_part_get(ledger, 2021, URL, &back, &found, &error));
	assert_false(found);
	assert_done(ledger_part_put(ledger, &part, &error));
	reopen();
	assert_done(ledger_part_get(ledger, 2021, URL, &back, &found, &error));
	assert_true(found);
	assert_string_equal(back.url, URL);
	assert_string_equal(back.file, part.file);
	assert_string_equal(back.validators.etag, part.validators.etag);
	assert_string_equal(back.validators.last_modified, part.validators.last_modified);
	assert_true(back.validators.has_size && back.validators.packed_size == 7);
	assert_true(back.durable == INT64_MAX);
	part.durable = 12;
	part.validators.has_size = false;
	assert_done(ledger_part_put(ledger, &part, &error));
	reopen();
	assert_done(ledger_part_get(ledger, 2021, URL, &back, &found, &error));
	assert_int_equal(back.durable, 12);
	assert_false(back.validators.has_size);
	assert_done(ledger_part_get(ledger, 2022, URL, &back, &found, &error));
	assert_false(found);
	assert_done(ledger_part_get(ledger, 2021, URL "x", &back, &found, &error));
	assert_false(found);
	assert_done(ledger_part_drop(ledger, 2021, URL, &error));
	reopen();
	assert_done(ledger_part_get(ledger, 2021, URL, &back, &found, &error));
	assert_false(found);
}

static void test_offset_of_2_63_is_refused(void **state)
{
	(void)state;
	struct part part = { .year = 2021, .url = URL, .durable = (uint64_t)INT64_MAX + 1 };
	bool found = true;
	assert_false(ledger_part_put(ledger, &part, &error));
	assert_non_null(strstr(error.text, "recording a part"));
	assert_non_null(strstr(error.text, LEDGER_FILE));
	assert_done(ledger_part_get(ledger, 2021, URL, &part, &found, &error));
	assert_false(found);
}

static struct spool spool_of(int year, const char *url, const char *sha256)
{
	struct spool spool = {
		.year = year,
		.file = "2021.csv.gz",
		.validators = { .etag = "\"e\"" },
		.packed_size = 1000,
	};
	snprintf(spool.url, sizeof(spool.url), "%s", url);
	snprintf(spool.sha256, sizeof(spool.sha256), "%s", sha256);
	return spool;
}

static void assert_point(const char *sha256, uint64_t plain, bool wanted)
{
	struct point point = { 0 };
	bool found = false;
	assert_done(ledger_point_nearest(ledger, sha256, plain, &point, &found, &error));
	assert_int_equal(found, wanted);
	point_free(&point);
}

static void test_spool_takes_the_place_of_its_part(void **state)
{
	(void)state;
	struct part part = { .year = 2021, .url = URL, .file = "p" };
	struct part other = { .year = 2022, .url = URL, .file = "q" };
	struct spool spool = spool_of(2021, URL, sha_a);
	struct spool back;
	bool found = false;
	assert_done(ledger_part_put(ledger, &part, &error));
	assert_done(ledger_part_put(ledger, &other, &error));
	assert_done(ledger_spool_put(ledger, &spool, &error));
	reopen();
	assert_done(ledger_part_get(ledger, 2021, URL, &part, &found, &error));
	assert_false(found);
	assert_done(ledger_part_get(ledger, 2022, URL, &part, &found, &error));
	assert_true(found);
	assert_done(ledger_spool_get(ledger, 2021, URL, &back, &found, &error));
	assert_true(found);
	assert_string_equal(back.sha256, sha_a);
	assert_string_equal(back.file, spool.file);
	assert_string_equal(back.url, URL);
	assert_int_equal(back.packed_size, 1000);
	assert_false(back.verified);
	assert_done(ledger_spool_verified(ledger, sha_a, 5000, &error));
	reopen();
	assert_done(ledger_spool_get(ledger, 2021, URL, &back, &found, &error));
	assert_true(back.verified);
	assert_int_equal(back.plain_size, 5000);
	assert_done(ledger_spool_drop(ledger, 2021, URL, &error));
	assert_done(ledger_spool_get(ledger, 2021, URL, &back, &found, &error));
	assert_false(found);
	assert_done(ledger_spool_put(ledger, &spool, &error));
	reopen();
	assert_done(ledger_spool_get(ledger, 2021, URL, &back, &found, &error));
	assert_true(found);
}

static void test_new_edition_drops_the_points_of_the_old(void **state)
{
	(void)state;
	struct point point = { .packed = 10, .plain = 0, .kind = POINT_MEMBER };
	struct spool first = spool_of(2021, URL, sha_a);
	struct spool shared = spool_of(2020, URL, sha_a);
	struct spool second = spool_of(2021, URL, sha_b);
	assert_done(ledger_spool_put(ledger, &first, &error));
	assert_done(ledger_point_add(ledger, sha_a, &point, &error));
	assert_done(ledger_point_add(ledger, sha_b, &point, &error));
	assert_done(ledger_spool_put(ledger, &first, &error));
	assert_point(sha_a, 0, true);
	assert_done(ledger_spool_put(ledger, &shared, &error));
	assert_done(ledger_spool_put(ledger, &second, &error));
	assert_point(sha_a, 0, true);
	shared = spool_of(2020, URL, sha_b);
	assert_done(ledger_spool_drop(ledger, 2020, URL, &error));
	assert_point(sha_a, 0, true);
	assert_done(ledger_spool_put(ledger, &shared, &error));
	assert_point(sha_a, 0, false);
	assert_point(sha_b, 0, true);
	assert_done(ledger_points_drop(ledger, sha_b, &error));
	assert_point(sha_b, 0, false);
}

static bool drop_each(void *context, const struct spool *spool, struct error *why)
{
	++*(unsigned *)context;
	return ledger_spool_drop(ledger, spool->year, spool->url, why);
}

static bool refuse(void *context, const struct spool *spool, struct error *why)
{
	(void)spool;
	++*(unsigned *)context;
	return error_set(why, ERROR_STOPPED, "enough");
}

static void test_spools_can_be_dropped_while_listed(void **state)
{
	(void)state;
	unsigned seen = 0;
	for (int year = 2019; year < 2024; year++) {
		struct spool spool = spool_of(year, URL, sha_a);
		assert_done(ledger_spool_put(ledger, &spool, &error));
	}
	assert_false(ledger_spools(ledger, refuse, &seen, &error));
	assert_int_equal(error.kind, ERROR_STOPPED);
	assert_int_equal(seen, 1);
	assert_done(ledger_spools(ledger, drop_each, &seen, &error));
	assert_int_equal(seen, 6);
	reopen();
	assert_done(ledger_spools(ledger, drop_each, &seen, &error));
	assert_int_equal(seen, 6);
}

static void test_points_come_back_with_their_window(void **state)
{
	(void)state;
	unsigned char window[40000];
	for (size_t i = 0; i < sizeof(window); i++)
		window[i] = (unsigned char)(i * 31);
	struct point start = { .packed = 18, .plain = 0, .kind = POINT_MEMBER };
	struct point block = { .packed = 900,
		.plain = 8 << 20,
		.member_plain = 5,
		.crc = 0xfffffffe,
		.bit = 7,
		.kind = POINT_BLOCK,
		.window = window,
		.window_size = sizeof(window) };
	struct point back;
	bool found = false;
	assert_done(ledger_point_add(ledger, sha_a, &block, &error));
	assert_done(ledger_point_add(ledger, sha_a, &start, &error));
	block.packed = 1;
	assert_done(ledger_point_add(ledger, sha_a, &block, &error));
	reopen();
	for (int last = 0; last < 2; last++) {
		uint64_t plain = last ? UINT64_MAX : block.plain;
		assert_done(ledger_point_nearest(ledger, sha_a, plain, &back, &found, &error));
		assert_true(found);
		assert_int_equal(back.packed, 900);
		assert_int_equal(back.plain, 8 << 20);
		assert_int_equal(back.member_plain, 5);
		assert_true(back.crc == 0xfffffffe && back.bit == 7 && back.kind == POINT_BLOCK);
		assert_int_equal(back.window_size, sizeof(window));
		assert_memory_equal(back.window, window, sizeof(window));
		point_free(&back);
	}
	assert_done(ledger_point_nearest(ledger, sha_a, block.plain - 1, &back, &found, &error));
	assert_true(found && back.kind == POINT_MEMBER && back.packed == 18);
	assert_null(back.window);
	assert_point(sha_b, UINT64_MAX, false);
}

static struct range chunk(unsigned i)
{
	return (struct range){ .plain_first = 100 + i * 10,
		.plain_end = 110 + i * 10,
		.first_record = 1 + i * 4,
		.rows = 3,
		.rejects = 1 };
}

static void assert_same_ranges(const char *sha256, const struct ranges *wanted)
{
	struct ranges back = { 0 };
	assert_done(ledger_ranges_get(ledger, sha256, &back, &error));
	assert_int_equal(back.count, wanted->count);
	for (unsigned i = 0; i < back.count; i++)
		assert_memory_equal(&back.items[i], &wanted->items[i], sizeof(back.items[i]));
	ranges_free(&back);
}

/* The ledger does what ranges_add does, in an order where each of the four ways to merge comes. */
static void test_ranges_merge_as_in_memory(void **state)
{
	(void)state;
	static const unsigned order[] = { 7, 3, 0, 5, 4, 1, 9, 2, 8, 6 };
	struct ranges wanted = { 0 };
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct range next = chunk(order[i]);
		assert_true(ranges_add(&wanted, &next, &error));
		assert_done(ledger_range_add(ledger, sha_a, &next, &error));
		assert_same_ranges(sha_a, &wanted);
		assert_false(ledger_range_add(ledger, sha_a, &next, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		reopen();
		assert_same_ranges(sha_a, &wanted);
	}
	assert_int_equal(wanted.count, 1);
	ranges_free(&wanted);
	assert_same_ranges(sha_b, &wanted);
}

static void test_overlap_changes_nothing(void **state)
{
	(void)state;
	struct ranges wanted = { 0 };
	struct range there = chunk(1);
	struct range over = chunk(1);
	struct range renumbered = chunk(2);
	assert_true(ranges_add(&wanted, &there, &error));
	assert_done(ledger_range_add(ledger, sha_a, &there, &error));
	over.plain_first -= 1;
	renumbered.first_record++;
	assert_false(ledger_range_add(ledger, sha_a, &over, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_false(ledger_range_add(ledger, sha_a, &renumbered, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_same_ranges(sha_a, &wanted);
	ranges_free(&wanted);
}

static void test_witness_replaces_ranges(void **state)
{
	(void)state;
	struct ranges witness = { 0 };
	struct ranges none = { 0 };
	bool known;
	for (unsigned i = 0; i < 6; i++) {
		struct range next = chunk(i);
		assert_done(ledger_range_add(ledger, sha_a, &next, &error));
		if (i % 2 == 0)
			assert_true(ranges_add(&witness, &next, &error));
	}
	assert_done(ledger_ranges_replace(ledger, sha_a, &witness, &error));
	reopen();
	assert_same_ranges(sha_a, &witness);
	assert_done(ledger_destination(ledger, "uuid-2", "sqlite", "other", &known, &error));
	assert_same_ranges(sha_a, &none);
	assert_done(ledger_ranges_replace(ledger, sha_a, &none, &error));
	reopen();
	assert_same_ranges(sha_a, &witness);
	ranges_free(&witness);
}

static void test_ranges_need_a_destination(void **state)
{
	(void)state;
	bool repaired;
	struct ranges none = { 0 };
	struct range range = chunk(0);
	struct year_state year = { .year = 2021, .stage = "loading" };
	ledger_close(ledger);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(ledger_range_add(ledger, sha_a, &range, &error));
	assert_false(ledger_ranges_get(ledger, sha_a, &none, &error));
	assert_false(ledger_ranges_replace(ledger, sha_a, &none, &error));
	assert_false(ledger_year_put(ledger, &year, &error));
	assert_non_null(strstr(error.text, "no destination"));
}

struct years_seen {
	char names[256];
	struct year_state last;
};

static bool see_year(void *context, const char *name, const struct year_state *state,
	const char *updated_at, struct error *why)
{
	struct years_seen *seen = context;
	size_t used = strlen(seen->names);
	(void)why;
	assert_int_equal(strlen(updated_at), strlen("2024-01-02T03:04:05.678Z"));
	assert_int_equal(updated_at[23], 'Z');
	snprintf(seen->names + used, sizeof(seen->names) - used, "%s:%d ", name, state->year);
	seen->last = *state;
	return true;
}

static void test_years_newest_destination_first(void **state)
{
	(void)state;
	bool known;
	struct years_seen seen = { 0 };
	struct year_state year = { .year = 2021,
		.stage = "loading",
		.packed_done = 1,
		.packed_size = 2,
		.plain_done = 3,
		.plain_size = 4,
		.rows = 5,
		.rejects = 6,
		.elapsed_ms = 7,
		.message = "a \"word\"\n\xc3" };
	memcpy(year.sha256, sha_a, sizeof(year.sha256));
	assert_done(ledger_year_put(ledger, &year, &error));
	assert_done(ledger_destination(ledger, "uuid-2", "pg", "second", &known, &error));
	assert_done(ledger_year_put(ledger, &year, &error));
	year.year = 2020;
	assert_done(ledger_year_put(ledger, &year, &error));
	assert_done(ledger_years(ledger, NULL, see_year, &seen, &error));
	assert_string_equal(seen.names, "second:2020 second:2021 dvf.sqlite:2021 ");
	reopen();
	memset(&seen, 0, sizeof(seen));
	assert_done(ledger_years(ledger, NULL, see_year, &seen, &error));
	assert_string_equal(seen.names, "dvf.sqlite:2021 second:2020 second:2021 ");
	memset(&seen, 0, sizeof(seen));
	assert_done(ledger_years(ledger, "uuid-1", see_year, &seen, &error));
	assert_string_equal(seen.names, "dvf.sqlite:2021 ");
	assert_string_equal(seen.last.stage, "loading");
	assert_string_equal(seen.last.sha256, sha_a);
	assert_true(seen.last.packed_done == 1 && seen.last.packed_size == 2 &&
		    seen.last.plain_done == 3 && seen.last.plain_size == 4 && seen.last.rows == 5 &&
		    seen.last.rejects == 6 && seen.last.elapsed_ms == 7);
	assert_string_equal(seen.last.message, "a \"word\"\n?");
}

static void test_status_is_json(void **state)
{
	(void)state;
	struct year_state year = { .year = 2021,
		.stage = "failed",
		.rows = 5,
		.message = "a \"word\"\n\xe2\x82 \xe2\x82\xac" };
	assert_status_has("\"destinations\":[{\"uuid\":\"uuid-1\",\"kind\":\"sqlite\","
			  "\"name\":\"dvf.sqlite\",\"years\":[]}]}");
	assert_done(ledger_year_put(ledger, &year, &error));
	year.year = 2020;
	assert_done(ledger_year_put(ledger, &year, &error));
	assert_status_has("{\"schema\":1,\"run\":{\"id\":1,\"version\":\"0.1\",\"host\":\"host\","
			  "\"settings\":{\"loaders\":4},\"started_at\":\"");
	assert_status_has("\"outcome\":null,\"exit_code\":null,\"peak_memory\":null},");
	assert_status_has("\"years\":[{\"year\":2020,\"stage\":\"failed\",\"sha256\":\"\","
			  "\"packed_done\":0,\"packed_size\":0,\"plain_done\":0,\"plain_size\":0,"
			  "\"rows\":5,\"rejects\":0,\"elapsed_ms\":0,"
			  "\"message\":\"a \\\"word\\\"\\n?? \xe2\x82\xac\",\"updated_at\":\"");
	assert_status_has("},{\"year\":2021,");
	assert_done(ledger_run_end(ledger, "partial", 2, 12345, NULL, &error));
	reopen();
	assert_status_has("\"outcome\":\"partial\",\"exit_code\":2,\"peak_memory\":12345},");
}

static void test_status_of_a_new_ledger(void **state)
{
	(void)state;
	char empty[80];
	bool repaired;
	struct ledger *fresh = NULL;
	struct buf json = { 0 };
	snprintf(empty, sizeof(empty), "%s/new/deep", folder);
	assert_done(ledger_open(&fresh, empty, &repaired, &error));
	assert_done(ledger_status_json(fresh, &json, &error));
	assert_string_equal(json.bytes, "{\"schema\":1,\"run\":null,\"destinations\":[]}");
	buf_free(&json);
	ledger_close(fresh);
}

static void test_run_ends_once(void **state)
{
	(void)state;
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_false(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_non_null(strstr(error.text, "no run is open"));
	reopen();
	assert_false(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_history_has("\"run\":1,\"kind\":\"run ended\",\"year\":null,"
			   "\"body\":{\"outcome\":\"done\",\"exit_code\":0,\"peak_memory\":1}");
}

/* What a process wrote before it was killed is there, and its run is closed as killed. */
static void test_killed_runs_are_closed(void **state)
{
	(void)state;
	ledger_close(ledger);
	ledger = NULL;
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0) {
			bool repaired;
			bool known;
			struct part part = { .year = 2000 + i, .url = URL };
			bool done =
				ledger_open(&ledger, folder, &repaired, &error) &&
				ledger_run_begin(ledger, "0.1", "h", "{}", &error) &&
				ledger_destination(ledger, "uuid-1", "k", "n", &known, &error) &&
				ledger_part_put(ledger, &part, &error);
			_exit(done ? 0 : 1);
		}
		int status = -1;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	struct part part;
	bool found = false;
	reopen();
	assert_done(ledger_part_get(ledger, 2001, URL, &part, &found, &error));
	assert_true(found);
	assert_status_has("\"id\":3,");
	assert_status_has("\"outcome\":null");
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_history_has("\"run\":2,\"kind\":\"run killed\"");
	assert_history_has("\"run\":3,\"kind\":\"run killed\",\"year\":null,"
			   "\"body\":{\"started_at\":\"20");
	int64_t count = 0;
	assert_done(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(count, 7);
}

static void test_every_open_run_is_closed(void **state)
{
	(void)state;
	struct db *db = NULL;
	char path[128];
	for (int i = 0; i < 3; i++)
		assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, folder);
	ledger_close(ledger);
	ledger = NULL;
	assert_done(db_open(&db, path, DB_WRITE, &error));
	assert_done(db_execute(db, "UPDATE run SET outcome = NULL WHERE id > 1", "test", &error));
	db_close(db);
	reopen();
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_history_has("\"number\":8,");
	assert_history_has("\"run\":3,\"kind\":\"run killed\"");
	assert_history_has("\"run\":4,\"kind\":\"run killed\"");
}

static void test_settings_must_be_an_object(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "nonsense", "[1]", "3", NULL };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ledger_run_begin(ledger, "0.1", "h", bad[i], &error));
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
}

static void test_durable_calls_reach_the_disk(void **state)
{
	(void)state;
	struct part part = { .year = 2021, .url = URL };
	struct spool spool = spool_of(2021, URL, sha_a);
	assert_done(ledger_part_put(ledger, &part, &error));
	syncs = 0;
	assert_done(ledger_part_put(ledger, &part, &error));
	assert_int_equal(syncs, 0);
	assert_done(ledger_spool_put(ledger, &spool, &error));
	assert_int_not_equal(syncs, 0);
	syncs = 0;
	assert_done(ledger_part_put(ledger, &part, &error));
	assert_int_equal(syncs, 0);
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_int_not_equal(syncs, 0);
	syncs = 0;
	assert_done(ledger_part_drop(ledger, 2021, URL, &error));
	assert_int_equal(syncs, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static bool rests(void *context, const char *name, const struct year_state *year,
	const char *updated_at, struct error *ignored)
{
	const char *word = stage_word((size_t)(year->year - 2000));
	(void)context;
	(void)name;
	(void)updated_at;
	(void)ignored;
	assert_string_equal(year->stage, stage_kind(word) == STAGE_RESTS ? word : "stopped");
	return true;
}

/* Each word that is no rest, wherever it stands in the code. */
static void test_years_of_a_killed_run_are_stopped(void **state)
{
	(void)state;
	bool known;
	const char *word;
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_destination(ledger, "uuid", "sqlite", "to", &known, &error));
	for (size_t i = 0; (word = stage_word(i)) != NULL; i++) {
		struct year_state year = { .year = 2000 + (int)i };
		snprintf(year.stage, sizeof(year.stage), "%s", word);
		assert_done(ledger_year_put(ledger, &year, &error));
	}
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_years(ledger, "uuid", rests, NULL, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_part_comes_back_whole),
		TEST(test_offset_of_2_63_is_refused),
		TEST(test_spool_takes_the_place_of_its_part),
		TEST(test_new_edition_drops_the_points_of_the_old),
		TEST(test_spools_can_be_dropped_while_listed),
		TEST(test_points_come_back_with_their_window),
		TEST(test_ranges_merge_as_in_memory),
		TEST(test_overlap_changes_nothing),
		TEST(test_witness_replaces_ranges),
		TEST(test_ranges_need_a_destination),
		TEST(test_years_newest_destination_first),
		TEST(test_status_is_json),
		TEST(test_status_of_a_new_ledger),
		TEST(test_run_ends_once),
		TEST(test_killed_runs_are_closed),
		TEST(test_every_open_run_is_closed),
		TEST(test_years_of_a_killed_run_are_stopped),
		TEST(test_settings_must_be_an_object),
		TEST(test_durable_calls_reach_the_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
