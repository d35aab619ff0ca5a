#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/heads.h"
#include "state/db.h"
#include "tests/unit/must.h"
#include "tests/unit/scratch.h"

#define HEADS_MOST 32
#define OTHER      "0123456789abcdef0123456789abcdef"
#define THIRD      "fedcba9876543210fedcba9876543210"

/* A destination that only remembers heads. */
static struct told {
	struct sink sink;
	struct history_head heads[HEADS_MOST];
	unsigned count;
	bool fails;
} told;

static char folder[SCRATCH_PATH];
static struct ledger *ledger;

static bool head_add(struct sink *sink, const struct history_head *head, struct error *why)
{
	struct told *to = (struct told *)sink;
	if (to->fails)
		return error_set(why, ERROR_LOST, "gone, as told");
	assert_true(to->count < HEADS_MOST);
	to->heads[to->count++] = *head;
	return true;
}

static bool heads_of(struct sink *sink, sink_head_seen *seen, void *context, struct error *why)
{
	const struct told *to = (struct told *)sink;
	for (unsigned i = 0; i < to->count; i++)
		if (!seen(context, &to->heads[i], why))
			return false;
	return true;
}

static const struct sink_ops ops = { .kind = "told", .head_add = head_add, .heads = heads_of };

static int begin(void **state)
{
	(void)state;
	bool repaired;
	scratch_new(folder, "test_heads");
	told = (struct told){ .sink = { .ops = &ops, .uuid = "7e57" } };
	must(ledger_open(&ledger, folder, &repaired, &error));
	must(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	return 0;
}

static int end(void **state)
{
	(void)state;
	ledger_close(ledger);
	ledger = NULL;
	return scratch_remove(folder);
}

static void more_events(unsigned count)
{
	while (count-- > 0)
		must(ledger_event(ledger, "something", 0, NULL, 0, &error));
}

static void tell(const char *why)
{
	must(heads_tell(&told.sink, ledger, why, &error));
}

/* What another ledger told. */
static void told_by(const char *chain, int64_t number, char digit)
{
	struct history_head *head = &told.heads[told.count++];
	*head = (struct history_head){ .number = number, .why = "run ended", .at = "then" };
	snprintf(head->chain, sizeof(head->chain), "%s", chain);
	memset(head->hash, digit, sizeof(head->hash) - 1);
}

static unsigned verdicts[HEAD_UNKNOWN + 1];

static bool count_verdict(void *context, const struct head_compared *compared, struct error *why)
{
	(void)context;
	(void)why;
	verdicts[compared->verdict]++;
	return true;
}

static void compare(struct heads *heads)
{
	memset(verdicts, 0, sizeof(verdicts));
	must(heads_compare(&told.sink, ledger, heads, count_verdict, NULL, &error));
}

static void assert_verdict(enum head_verdict verdict, unsigned count)
{
	struct heads heads;
	compare(&heads);
	assert_int_equal(verdicts[verdict], count);
	heads_free(&heads);
}

struct wanted {
	const char *kind;
	unsigned count;
};

static bool count_kind(void *context, const struct event *event, struct error *why)
{
	struct wanted *wanted = context;
	(void)why;
	wanted->count += strcmp(event->kind, wanted->kind) == 0;
	return true;
}

static unsigned events_of(const char *kind)
{
	struct wanted wanted = { .kind = kind };
	struct event_filter all = { 0 };
	must(ledger_events(ledger, &all, count_kind, &wanted, &error));
	return wanted.count;
}

static void meet(void)
{
	must(heads_meet(&told.sink, ledger, &error));
}

static void test_head_is_the_newest_event(void **state)
{
	(void)state;
	struct history_head head;
	char hash[SHA256_HEX];
	bool found = false;
	more_events(4);
	must(ledger_head(ledger, &head, &error));
	assert_int_equal(head.number, 5);
	assert_int_equal(strlen(head.chain), 32);
	must(ledger_event_hash(ledger, 5, hash, &found, &error));
	assert_true(found);
	assert_string_equal(hash, head.hash);
	must(ledger_event_hash(ledger, 6, hash, &found, &error));
	assert_false(found);
}

static void test_no_event_is_no_head(void **state)
{
	(void)state;
	char empty[80];
	bool repaired;
	struct history_head head;
	struct ledger *fresh = NULL;
	snprintf(empty, sizeof(empty), "%s/fresh", folder);
	must(ledger_open(&fresh, empty, &repaired, &error));
	must(ledger_head(fresh, &head, &error));
	assert_int_equal(head.number, 0);
	must(heads_tell(&told.sink, fresh, "run ended", &error));
	assert_int_equal(told.count, 0);
	ledger_close(fresh);
}

static void test_sink_that_was_never_taken(void **state)
{
	(void)state;
	told.sink.uuid[0] = '\0';
	tell("run ended");
	must(heads_tell(NULL, ledger, "run ended", &error));
	assert_int_equal(told.count, 0);
}

static void test_failure_to_tell_is_only_warned_of(void **state)
{
	(void)state;
	told.fails = true;
	assert_false(heads_tell(&told.sink, ledger, "run ended", &error));
	assert_int_equal(error.kind, ERROR_LOST);
	heads_try_tell(&told.sink, ledger, "run ended");
	meet();
}

static void test_heads_agree(void **state)
{
	(void)state;
	struct heads heads;
	meet(); /* the destination hears of the chain */
	more_events(3);
	tell("run ended");
	meet(); /* and not again */
	compare(&heads);
	assert_int_equal(verdicts[HEAD_AGREES], 2);
	assert_int_equal(heads.told, 2);
	assert_int_equal(heads.ours, 2);
	assert_int_equal(heads.newest.number, 4);
	assert_string_equal(heads.newest.why, "run ended");
	assert_string_equal(told.heads[0].why, "destination taken");
	heads_free(&heads);
}

static void test_other_histories_are_named_once(void **state)
{
	(void)state;
	told_by(OTHER, 7, 'a');
	told_by(THIRD, 3, 'b');
	told_by(OTHER, 9, 'c');
	assert_verdict(HEAD_UNKNOWN, 3);
	meet();
	meet();
	assert_int_equal(events_of("history continues"), 1);
	assert_int_equal(events_of("other history seen"), 1);
	assert_verdict(HEAD_OTHER, 3);
	struct chain_known known;
	must(ledger_chain(ledger, OTHER, &known, &error));
	assert_int_equal(known.noted, 9);
	assert_false(known.ours);
	told_by(OTHER, 11, 'd');
	assert_verdict(HEAD_FURTHER, 1);
	meet();
	assert_int_equal(events_of("history continues"), 1);
	assert_int_equal(events_of("other history seen"), 2);
	assert_verdict(HEAD_OTHER, 4);
}

static void test_overlooked_is_what_came_before_our_head(void **state)
{
	(void)state;
	struct heads heads;
	meet();
	told_by(OTHER, 7, 'a');
	compare(&heads);
	assert_false(heads.chains[1].overlooked);
	heads_free(&heads);
	tell("run ended");
	compare(&heads);
	assert_true(heads.chains[1].overlooked);
	heads_free(&heads);
}

static void test_changed_note_of_another_history(void **state)
{
	(void)state;
	told_by(OTHER, 7, 'a');
	meet();
	memset(told.heads[0].hash, 'e', sizeof(told.heads[0].hash) - 1);
	assert_verdict(HEAD_DIFFERS, 1);
	meet();
	meet();
	assert_int_equal(events_of("history differs"), 1);
	assert_verdict(HEAD_DIFFERS, 1);
}

static void test_ledger_that_is_behind(void **state)
{
	(void)state;
	char old[33];
	struct chain_known known;
	meet();
	snprintf(old, sizeof(old), "%s", told.heads[0].chain);
	told_by(old, 12, 'a'); /* what a ledger that is lost told */
	told_by(old, 15, 'b');
	assert_verdict(HEAD_MISSING, 2);
	meet();
	meet();
	assert_int_equal(events_of("history is behind"), 1);
	assert_verdict(HEAD_MISSING, 0);
	assert_verdict(HEAD_LOST, 2);
	must(ledger_chain(ledger, old, &known, &error));
	assert_true(known.ours);
	assert_int_equal(known.last, 1);
	assert_int_equal(known.noted, 15);
	const struct history_head *newest = &told.heads[told.count - 1];
	assert_string_not_equal(newest->chain, old);
	assert_int_equal(newest->number, 2);
	assert_verdict(HEAD_AGREES, 2);
	/* Only what was named is forgiven, and nothing that lies before the end. */
	told_by(old, 16, 'c');
	assert_verdict(HEAD_MISSING, 1);
	int64_t events = 0;
	must(ledger_history_verify(ledger, &events, &error));
	assert_int_equal(events, 2);
}

static void test_ledger_that_differs(void **state)
{
	(void)state;
	char old[33];
	meet();
	more_events(3);
	snprintf(old, sizeof(old), "%s", told.heads[0].chain);
	told_by(old, 3, 'a');
	assert_verdict(HEAD_DIFFERS, 1);
	meet();
	meet();
	assert_int_equal(events_of("history differs"), 1);
	assert_verdict(HEAD_DIFFERS, 1);
	assert_string_not_equal(told.heads[told.count - 1].chain, old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_head_is_the_newest_event),
		TEST(test_no_event_is_no_head),
		TEST(test_sink_that_was_never_taken),
		TEST(test_failure_to_tell_is_only_warned_of),
		TEST(test_heads_agree),
		TEST(test_other_histories_are_named_once),
		TEST(test_overlooked_is_what_came_before_our_head),
		TEST(test_changed_note_of_another_history),
		TEST(test_ledger_that_is_behind),
		TEST(test_ledger_that_differs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
