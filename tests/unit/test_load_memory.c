/*
 * Memory runs out once, at each allocation of a load in turn. Linked with --wrap=malloc,
 * --wrap=calloc, --wrap=realloc and --wrap=stop_sleep; the wrap reaches our own objects only.
 */
#include "tests/unit/load_fixture.h"

#include <stdatomic.h>
#include <string.h>

#include "state/base/stop.h"

static atomic_bool counting;
static atomic_uint calls;     /* while counting */
static atomic_uint fail_call; /* this one of them fails; 0: none */

static bool is_out_of_memory(void)
{
	return atomic_load(&counting) && atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_call);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return is_out_of_memory() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *bytes, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
void *__wrap_realloc(void *bytes, size_t size)
{
	return is_out_of_memory() ? NULL : __real_realloc(bytes, size);
}

bool __real_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms);
bool __wrap_stop_sleep(uint64_t ms)
{
	(void)ms;
	return __real_stop_sleep(0);
}

static enum record_kind quoted(unsigned number)
{
	return number % 2 == 0 ? RECORD_QUOTED : RECORD_FINE;
}

static enum record_kind some_bad(unsigned number)
{
	return number % 4 == 1 ? RECORD_OTHER_YEAR : RECORD_FINE;
}

/* True: the load came to the allocation that was to fail. */
static bool fail_at(struct attempt *attempt, unsigned n, bool *done)
{
	atomic_store(&calls, 0);
	atomic_store(&fail_call, n);
	atomic_store(&counting, true);
	*done = attempt_load(attempt);
	atomic_store(&counting, false);
	return atomic_load(&calls) >= n;
}

static void fail_each(const struct sample *sample, bool refuse)
{
	struct attempt attempt;
	bool reached = true;
	attempt_begin(&attempt, sample);
	for (unsigned n = 1; reached; n++) {
		bool done = false;
		failing_sink_reset(failing);
		failing->refused[7] = refuse;
		attempt_renew(&attempt);
		reached = fail_at(&attempt, n, &done);
		assert_true(reached || done);
		if (!done && error.kind != ERROR_MEMORY)
			fail_msg("allocation %u: %s: %s", n, error_word(error.kind), error.text);
		if (!done)
			must(attempt_load(&attempt));
		/* Short memory must never look like a record that is wrong. */
		if (ask_number(&attempt.edition, "SELECT count(*) FROM t") !=
			(int64_t)attempt.state.rows)
			fail_msg("allocation %u: rows", n);
		assert_whole(&attempt, sample);
	}
}

static void test_each_allocation_fails_once(void **state)
{
	(void)state;
	static const struct sample sample = { .records = 8, .kind_of = quoted };
	fail_each(&sample, false);
}

static void test_each_allocation_fails_once_with_rejects(void **state)
{
	(void)state;
	static const struct sample sample = { .records = 8, .kind_of = some_bad };
	fail_each(&sample, true);
}

/* So that there is more than one chunk to be put back. */
static void test_each_allocation_of_a_resume_fails_once(void **state)
{
	(void)state;
	static const struct sample sample = {
		.records = 8, .kind_of = quoted, .member_records = 2
	};
	struct attempt attempt;
	bool reached = true;
	attempt_begin(&attempt, &sample);
	for (unsigned n = 1; reached; n++) {
		bool done = false;
		failing_sink_reset(failing);
		attempt_renew(&attempt);
		attempt.chunk_rows = 1;
		failing->commits_to_a_stop = 4;
		must_fail(attempt_load(&attempt), ERROR_STOPPED);
		stop_reset();
		reached = fail_at(&attempt, n, &done);
		assert_true(reached || done);
		if (!done && error.kind != ERROR_MEMORY)
			fail_msg("allocation %u: %s: %s", n, error_word(error.kind), error.text);
		if (!done)
			must(attempt_load(&attempt));
		assert_whole(&attempt, &sample);
	}
}

#define LOAD_TEST(function)                                                                        \
	cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOAD_TEST(test_each_allocation_fails_once),
		LOAD_TEST(test_each_allocation_fails_once_with_rejects),
		LOAD_TEST(test_each_allocation_of_a_resume_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
