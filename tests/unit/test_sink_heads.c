/*
 * The contract of sink.h, held by both destinations: heads of histories.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/sink_fixture.h"

#define MANY 300 /* more than are read at once */

static struct history_head head_of(const char *chain, int64_t number, char digit)
{
	struct history_head head = { .number = number, .why = "it's told" };
	snprintf(head.chain, sizeof(head.chain), "%s", chain);
	memset(head.hash, digit, sizeof(head.hash) - 1);
	return head;
}

static void add(const char *chain, int64_t number, char digit)
{
	const struct history_head head = head_of(chain, number, digit);
	must(sink->ops->head_add(sink, &head, &error));
}

static struct {
	unsigned count;
	struct history_head first, last;
} told;

static bool keep(void *context, const struct history_head *head, struct error *why)
{
	(void)context;
	(void)why;
	if (told.count++ == 0)
		told.first = *head;
	told.last = *head;
	return true;
}

static void read_heads(struct sink *from)
{
	memset(&told, 0, sizeof(told));
	must(from->ops->heads(from, keep, NULL, &error));
}

static void test_heads_come_back_in_their_order(void **state)
{
	(void)state;
	read_heads(sink);
	assert_int_equal(told.count, 0);
	add("bb", 2, '1');
	add("aa", 1, '2');
	add("bb", 9, '3');
	add("bb", 5, '4');
	read_heads(sink);
	assert_int_equal(told.count, 4);
	assert_string_equal(told.first.chain, "bb");
	assert_int_equal(told.first.number, 2);
	assert_string_equal(told.first.why, "it's told");
	assert_int_equal(strlen(told.first.at), strlen("2026-01-01T00:00:00Z"));
	assert_int_equal(told.last.number, 5);
	assert_int_equal(strspn(told.last.hash, "4"), 64);
}

static void test_many_heads(void **state)
{
	(void)state;
	for (int64_t i = 1; i <= MANY; i++)
		add("aa", i, 'a');
	read_heads(sink);
	assert_int_equal(told.count, MANY);
	assert_int_equal(told.last.number, MANY);
}

static void test_a_head_is_told_once(void **state)
{
	(void)state;
	add("aa", 1, '2');
	add("aa", 1, '2');
	const struct history_head other = head_of("aa", 1, '3');
	must_fail(sink->ops->head_add(sink, &other, &error), ERROR_REFUSED);
	assert_non_null(strstr(error.text, "rewritten"));
	read_heads(sink);
	assert_int_equal(told.count, 1);
	assert_int_equal(strspn(told.last.hash, "2"), 64);
	add("aa", 2, '3');
}

static void test_only_who_holds_the_fence_may_tell(void **state)
{
	(void)state;
	struct sink *other = NULL;
	const struct history_head head = head_of("aa", 1, '2');
	sink_new(&other);
	must_fail(sink->ops->head_add(sink, &head, &error), ERROR_FENCED);
	must(other->ops->head_add(other, &head, &error));
	sink_close(other);
}

static void test_heads_are_seen_by_who_only_looks(void **state)
{
	(void)state;
	struct sink *looking = NULL;
	bool there = false;
	add("aa", 1, '2');
	must(sink_open(&looking, &sink->destination, &error));
	must(looking->ops->look(looking, &there, &error));
	assert_true(there);
	read_heads(looking);
	assert_int_equal(told.count, 1);
	sink_close(looking);
}

static bool refuse(void *context, const struct history_head *head, struct error *why)
{
	(void)context;
	(void)head;
	return error_set(why, ERROR_INPUT, "seen enough");
}

static void test_who_reads_may_end_it(void **state)
{
	(void)state;
	add("aa", 1, '2');
	add("aa", 2, '2');
	must_fail(sink->ops->heads(sink, refuse, NULL, &error), ERROR_INPUT);
	add("aa", 3, '2');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_heads_come_back_in_their_order),
		SINK_TEST(test_many_heads),
		SINK_TEST(test_a_head_is_told_once),
		SINK_TEST(test_only_who_holds_the_fence_may_tell),
		SINK_TEST(test_heads_are_seen_by_who_only_looks),
		SINK_TEST(test_who_reads_may_end_it),
	};
	return sink_tests_run("test_sink_heads", tests, sizeof(tests) / sizeof(tests[0]));
}
