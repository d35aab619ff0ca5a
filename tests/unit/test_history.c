#include "tests/unit/scratch.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/db.h"
#include "state/ledger.h"

#define EVENTS 9 /* "run started" and eight about years */

static char folder[SCRATCH_PATH];
static char path[128];
static struct ledger *ledger;
static struct error error;

static void reopen(void)
{
	bool repaired;
	ledger_close(ledger);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
}

/* Events 2 to 9: years 2020 to 2023, twice. */
static int begin(void **state)
{
	(void)state;
	bool repaired;
	scratch_new(folder, "test_history");
	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, folder);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{\"a\":[1,{\"b\":null}]}", &error));
	for (int i = 0; i < EVENTS - 1; i++) {
		struct field fields[] = { FIELD_T("word", "one"), FIELD_N("rows", 10 * i) };
		assert_done(
			ledger_event(ledger, "year published", 2020 + i % 4, fields, 2, &error));
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	ledger_close(ledger);
	ledger = NULL;
	return scratch_remove(folder);
}

static void change(const char *sql)
{
	struct db *db = NULL;
	ledger_close(ledger);
	ledger = NULL;
	assert_done(db_open(&db, path, DB_WRITE, &error));
	assert_done(db_execute(db, "PRAGMA foreign_keys = OFF", "test", &error));
	assert_done(db_execute(db,
		"DROP TRIGGER event_update; DROP TRIGGER event_delete; DROP TRIGGER event_replace",
		"test", &error));
	assert_done(db_execute(db, sql, "test", &error));
	db_close(db);
}

static void tamper(const char *sql)
{
	bool repaired;
	change(sql);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
}

static void assert_holds(int64_t wanted)
{
	int64_t count = -1;
	assert_done(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(count, wanted);
}

/* The walk stops at the event `number`; those before it are counted. */
static void assert_broken(const char *sql, int64_t number, const char *what)
{
	int64_t count = -1;
	char wanted[64];
	tamper(sql);
	assert_false(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_int_equal(count, number - 1);
	snprintf(wanted, sizeof(wanted), "event %lld ", (long long)number);
	if (strstr(error.text, wanted) == NULL || strstr(error.text, what) == NULL)
		fail_msg("%s: %s", sql, error.text);
}

static void test_whole_chain_holds(void **state)
{
	(void)state;
	struct ledger *reader = NULL;
	int64_t count = 0;
	assert_holds(EVENTS);
	reopen();
	assert_holds(EVENTS);
	assert_done(ledger_event(ledger, "later", 0, NULL, 0, &error));
	assert_holds(EVENTS + 1);
	assert_done(ledger_open_reader(&reader, folder, &error));
	assert_done(ledger_history_verify(reader, &count, &error));
	assert_int_equal(count, EVENTS + 1);
	ledger_close(reader);
}

static void test_empty_history_holds(void **state)
{
	(void)state;
	bool repaired;
	char empty[80];
	int64_t count = -1;
	struct ledger *fresh = NULL;
	struct buf json = { 0 };
	struct event_filter all = { 0 };
	snprintf(empty, sizeof(empty), "%s/fresh", folder);
	assert_done(ledger_open(&fresh, empty, &repaired, &error));
	assert_done(ledger_history_verify(fresh, &count, &error));
	assert_int_equal(count, 0);
	assert_done(ledger_history_json(fresh, &all, &json, &error));
	assert_string_equal(json.bytes, "{\"schema\":1,\"events\":[]}");
	buf_free(&json);
	ledger_close(fresh);
}

static void test_triggers_refuse_changes(void **state)
{
	(void)state;
	static const char *const changes[] = {
		"UPDATE event SET body = '{}' WHERE number = 3",
		"UPDATE event SET hash = hash",
		"DELETE FROM event WHERE number = 9",
		"DELETE FROM event",
		"INSERT OR REPLACE INTO event SELECT * FROM event WHERE number = 3",
	};
	struct db *db = NULL;
	ledger_close(ledger);
	ledger = NULL;
	assert_done(db_open(&db, path, DB_WRITE, &error));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		assert_false(db_execute(db, changes[i], "test", &error));
		assert_non_null(strstr(error.text, "append-only"));
	}
	db_close(db);
	bool repaired;
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_holds(EVENTS);
}

static void test_edited_event_is_found(void **state)
{
	(void)state;
	assert_broken("UPDATE event SET body = replace(body, 'one', 'two') WHERE number = 4", 4,
		"not what was written");
}

static void test_each_column_is_hashed(void **state)
{
	static const char *const edits[] = {
		"UPDATE event SET at = '1999' WHERE number = 5",
		"UPDATE event SET run = NULL WHERE number = 5",
		"UPDATE event SET run = 2 WHERE number = 5",
		"UPDATE event SET kind = 'year refused' WHERE number = 5",
		"UPDATE event SET year = year + 1 WHERE number = 5",
		"UPDATE event SET year = NULL WHERE number = 5",
		"UPDATE event SET year = year + 4294967296 WHERE number = 5",
		"UPDATE event SET body = body || ' ' WHERE number = 5",
		"UPDATE event SET body = body || char(0) || 'x' WHERE number = 5",
		"UPDATE event SET hash = upper(hash) WHERE number = 5",
		"UPDATE event SET kind = kind || char(0) || 'x' WHERE number = 5",
		/* the same bytes, cut elsewhere */
		"UPDATE event SET at = at || 'y', kind = substr(kind, 2) WHERE number = 5",
	};
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		assert_broken(edits[i], 5, "not what was written");
		assert_int_equal(end(state), 0);
		begin(state);
	}
}

static void test_removed_event_is_found(void **state)
{
	static const struct {
		const char *sql;
		int64_t first;
	} cuts[] = {
		{ "DELETE FROM event WHERE number = 1", 1 },
		{ "DELETE FROM event WHERE number = 4", 4 },
		{ "DELETE FROM event WHERE number IN (4, 5)", 4 },
		{ "DELETE FROM event WHERE number = 9", 9 },
		{ "DELETE FROM event", 1 },
	};
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		assert_broken(cuts[i].sql, cuts[i].first, "was removed");
		assert_done(ledger_event(ledger, "later", 0, NULL, 0, &error));
		int64_t count = -1;
		assert_false(ledger_history_verify(ledger, &count, &error));
		assert_int_equal(count, cuts[i].first - 1);
		assert_int_equal(end(state), 0);
		begin(state);
	}
}

/* NULL and 0 give the same hash. */
static void test_null_made_zero_is_found(void **state)
{
	(void)state;
	assert_done(ledger_event(ledger, "said", 0, NULL, 0, &error));
	assert_broken("UPDATE event SET year = 0 WHERE number = 10", 10, "not what was written");
}

static void test_closed_up_gap_is_found(void **state)
{
	(void)state;
	assert_broken("DELETE FROM event WHERE number = 4;"
		      "UPDATE event SET number = number - 1 WHERE number > 4",
		4, "not what was written");
}

static void test_reordered_events_are_found(void **state)
{
	(void)state;
	assert_broken("UPDATE event SET number = 100 WHERE number = 6;"
		      "UPDATE event SET number = 6 WHERE number = 7;"
		      "UPDATE event SET number = 7 WHERE number = 100;",
		6, "not what was written");
}

static void test_event_before_the_first_is_found(void **state)
{
	(void)state;
	int64_t count = -1;
	tamper("INSERT INTO event SELECT 0, at, run, kind, year, body, hash FROM event LIMIT 1");
	assert_false(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_int_equal(count, 0);
}

static void test_other_chain_id_is_found(void **state)
{
	(void)state;
	int64_t count = -1;
	assert_broken(
		"UPDATE meta SET value = 'ab' WHERE name = 'chain'", 1, "not what was written");
	assert_int_equal(end(state), 0);
	begin(state);
	change("DELETE FROM meta");
	assert_done(ledger_open_reader(&ledger, folder, &error));
	assert_false(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "chain id is gone"));
}

struct seen {
	char text[8192];
	unsigned count;
	unsigned stop_after;
};

static bool see(void *context, const struct event *event, struct error *why)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);
	snprintf(seen->text + used, sizeof(seen->text) - used, "%lld/%lld/%d/%s/%s\n",
		(long long)event->number, (long long)event->run, event->year, event->kind,
		event->body);
	assert_int_equal(strlen(event->at), 24);
	assert_int_equal(strlen(event->hash), 64);
	if (++seen->count == seen->stop_after)
		return error_set(why, ERROR_STOPPED, "enough");
	return true;
}

static void assert_seen(struct event_filter filter, const char *wanted)
{
	struct seen seen = { 0 };
	assert_done(ledger_events(ledger, &filter, see, &seen, &error));
	assert_string_equal(seen.text, wanted);
}

#define BODY(rows) "{\"word\":\"one\",\"rows\":" #rows "}\n"

static void test_filters(void **state)
{
	(void)state;
	assert_seen((struct event_filter){ .year = 2021 },
		"3/1/2021/year published/" BODY(10) "7/1/2021/year published/" BODY(50));
	assert_seen((struct event_filter){ .year = 2021, .limit = 1 },
		"7/1/2021/year published/" BODY(50));
	assert_seen((struct event_filter){ .limit = 2 },
		"8/1/2022/year published/" BODY(60) "9/1/2023/year published/" BODY(70));
	assert_seen((struct event_filter){ .year = 2019, .limit = 2 }, "");
	assert_seen((struct event_filter){ .run = 2 }, "");
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_event(ledger, "said", 2021, NULL, 0, &error));
	assert_seen((struct event_filter){ .run = 2, .year = 2021 }, "12/2/2021/said/{}\n");
	struct seen seen = { .stop_after = 3 };
	struct event_filter all = { 0 };
	assert_false(ledger_events(ledger, &all, see, &seen, &error));
	assert_int_equal(error.kind, ERROR_STOPPED);
	assert_int_equal(seen.count, 3);
}

static void test_body_takes_any_value(void **state)
{
	(void)state;
	struct field fields[] = {
		FIELD_T("text", "q\"b\\n\nt\tu\x01 \xc3\xa9 \xe9 {\"not\":1}"),
		FIELD_T("nothing", NULL),
		FIELD_N("least", INT64_MIN),
		FIELD_N("most", INT64_MAX),
		FIELD_J("object", "{ \"a\" : [1, 2.50] }"),
		FIELD_J("null", NULL),
		FIELD_T("with.dot [0]", "kept"),
	};
	assert_done(ledger_event(ledger, "said", 0, fields, 7, &error));
	assert_seen((struct event_filter){ .limit = 1 },
		"10/1/0/said/{\"text\":\"q\\\"b\\\\n\\nt\\tu\\u0001 \xc3\xa9 ? {\\\"not\\\":1}\","
		"\"nothing\":null,\"least\":-9223372036854775808,"
		"\"most\":9223372036854775807,\"object\":{\"a\":[1,2.50]},\"null\":null,"
		"\"with.dot [0]\":\"kept\"}\n");
	assert_holds(EVENTS + 1);
	fields[0] = FIELD_J("bad", "{");
	assert_false(ledger_event(ledger, "said", 0, fields, 1, &error));
	assert_holds(EVENTS + 1);
}

static void test_history_json(void **state)
{
	(void)state;
	struct buf json = { 0 };
	struct event_filter filter = { .limit = 2 };
	assert_done(ledger_event(ledger, "said", 0, NULL, 0, &error));
	assert_done(ledger_history_json(ledger, &filter, &json, &error));
	assert_memory_equal(json.bytes, "{\"schema\":1,\"events\":[{\"number\":9,\"at\":\"20", 39);
	assert_non_null(strstr(json.bytes, "\"run\":1,\"kind\":\"year published\",\"year\":2023,"
					   "\"body\":{\"word\":\"one\",\"rows\":70},\"hash\":\""));
	assert_non_null(strstr(json.bytes, "},\n{\"number\":10,"));
	assert_non_null(strstr(json.bytes, "\"kind\":\"said\",\"year\":null,\"body\":{},"));
	assert_string_equal(json.bytes + json.size - 4, "\"}]}");
	buf_free(&json);
	filter.limit = 1;
	tamper("UPDATE event SET body = '{broken' WHERE number = 10");
	assert_done(ledger_history_json(ledger, &filter, &json, &error));
	assert_non_null(strstr(json.bytes, "\"body\":\"{broken\""));
	buf_free(&json);
	filter.limit = 0;
	json.limit = 512;
	assert_false(ledger_history_json(ledger, &filter, &json, &error));
	assert_int_equal(error.kind, ERROR_MEMORY);
	buf_free(&json);
}

static void add_netstring(struct buf *bytes, const char *text)
{
	assert_done(buf_print(bytes, &error, "%zu:%s,", strlen(text), text));
}

struct recomputed {
	char previous[128];
	unsigned count;
};

/* The encoding as ledger_history.c describes it, written a second time. */
static bool recompute(void *context, const struct event *event, struct error *why)
{
	struct recomputed *chain = context;
	struct buf bytes = { 0 };
	unsigned char hash[32];
	char number[24];
	(void)why;
	snprintf(number, sizeof(number), "%lld", (long long)event->number);
	add_netstring(&bytes, number);
	add_netstring(&bytes, event->at);
	snprintf(number, sizeof(number), "%lld", (long long)event->run);
	add_netstring(&bytes, number);
	add_netstring(&bytes, event->kind);
	snprintf(number, sizeof(number), "%d", event->year);
	add_netstring(&bytes, number);
	add_netstring(&bytes, event->body);
	add_netstring(&bytes, chain->previous);
	assert_int_equal(EVP_Digest(bytes.bytes, bytes.size, hash, NULL, EVP_sha256(), NULL), 1);
	for (int i = 0; i < 32; i++)
		snprintf(chain->previous + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(chain->previous, event->hash);
	chain->count++;
	buf_free(&bytes);
	return true;
}

static void test_hashes_are_as_described(void **state)
{
	(void)state;
	static const char chain_id[] = "SELECT value FROM meta WHERE name = 'chain'";
	struct recomputed chain = { 0 };
	struct event_filter all = { 0 };
	struct db *db = NULL;
	struct db_query *query = NULL;
	memset(chain.previous, '0', 64);
	assert_done(db_open(&db, path, DB_READ, &error));
	assert_done(db_prepare(db, chain_id, "test", &query, &error));
	assert_done(db_one(query, &error));
	db_copy(query, 0, chain.previous + 64, 40);
	db_end(query);
	db_close(db);
	assert_int_equal(strlen(chain.previous), 96);
	assert_done(ledger_events(ledger, &all, recompute, &chain, &error));
	assert_int_equal(chain.count, EVENTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_chain_holds),
		TEST(test_empty_history_holds),
		TEST(test_triggers_refuse_changes),
		TEST(test_edited_event_is_found),
		TEST(test_each_column_is_hashed),
		TEST(test_removed_event_is_found),
		TEST(test_null_made_zero_is_found),
		TEST(test_closed_up_gap_is_found),
		TEST(test_reordered_events_are_found),
		TEST(test_event_before_the_first_is_found),
		TEST(test_other_chain_id_is_found),
		TEST(test_filters),
		TEST(test_body_takes_any_value),
		TEST(test_history_json),
		TEST(test_hashes_are_as_described),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
