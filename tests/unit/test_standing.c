#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cmd/standing.h"
#include "state/stage.h"

static int begin(void **state)
{
	struct look *look = calloc(1, sizeof(*look));
	assert_non_null(look);
	look->run_count = 1;
	look->runs[0] = (struct run_seen){ .id = 7, .command = "run" };
	look->destination_count = 1;
	look->destinations[0].year_count = 1;
	look->destinations[0].years[0].state.year = 2023;
	strcpy(look->destinations[0].years[0].state.stage, "loading");
	*state = look;
	return 0;
}

static int end(void **state)
{
	look_free(*state);
	return 0;
}

static void expect(const struct look *look, bool moves, const char *word, bool healthy)
{
	struct standing standing;
	standing_judge(&standing, look, NULL, moves);
	assert_string_equal(standing_word(standing.state), word);
	assert_int_equal(standing.healthy, healthy);
	assert_true(standing.reason[0] != '\0' && strchr(standing.reason, '\n') == NULL);
}

static void test_nothing_to_look_at(void **state)
{
	struct look *look = *state;
	struct standing standing;
	struct error why;
	error_set(&why, ERROR_REFUSED, "there is no ledger");
	standing_judge(&standing, NULL, &why, true);
	assert_false(standing.healthy);
	assert_string_equal(standing.reason, "there is no ledger");
	look->run_count = 0;
	expect(look, true, "new", false);
	look->locked = true;
	expect(look, false, "beginning", true);
}

static void test_at_work(void **state)
{
	struct look *look = *state;
	look->locked = true;
	expect(look, true, "working", true);
	expect(look, false, "stalled", false);
	strcpy(look->runs[0].command, "promote");
	expect(look, false, "working", true);
}

/* A run that begins, ends or promotes waits, and nothing counts that. */
static void test_no_year_in_work(void **state)
{
	struct look *look = *state;
	struct year_seen *year = &look->destinations[0].years[0];
	look->locked = true;
	strcpy(year->state.stage, "published");
	expect(look, false, "working", true);
	strcpy(year->state.stage, "loading");
	expect(look, false, "stalled", false);
}

/* Each word is known to whoever judges: a year in work is found, and its time is progress where
 * nothing is counted. */
static void test_every_stage(void **state)
{
	struct look *before = *state;
	struct look *now = malloc(sizeof(*now));
	const char *word;
	assert_non_null(now);
	before->locked = true;
	for (size_t i = 0; (word = stage_word(i)) != NULL; i++) {
		bool works = stage_kind(word) != STAGE_RESTS;
		strcpy(before->destinations[0].years[0].state.stage, word);
		expect(before, false, works ? "stalled" : "working", !works);
		*now = *before;
		now->destinations[0].years[0].state.elapsed_ms = 5;
		assert_int_equal(standing_moved(before, now), stage_kind(word) == STAGE_LASTS);
	}
	assert_int_equal(stage_kind("of a newer program"), STAGE_RESTS);
	free(now);
}

static void test_ended(void **state)
{
	struct look *look = *state;
	strcpy(look->runs[0].outcome, "done");
	expect(look, false, "done", true);
	look->locked = true; /* somebody cleans */
	expect(look, false, "done", true);
	look->locked = false;
	look->runs[0].exit_code = 2;
	expect(look, true, "undone", false);
	look->locked = true; /* the next one begins */
	expect(look, true, "beginning", true);
}

static void test_killed(void **state)
{
	struct look *look = *state;
	expect(look, true, "killed", false);
	strcpy(look->runs[0].outcome, "killed");
	expect(look, true, "killed", false);
}

/* A promote that was refused says nothing of what is in. */
static void test_promote_is_no_import(void **state)
{
	struct look *look = *state;
	look->run_count = 2;
	look->runs[1] = look->runs[0];
	strcpy(look->runs[1].outcome, "done");
	strcpy(look->runs[0].outcome, "refused");
	strcpy(look->runs[0].command, "promote");
	look->runs[0].exit_code = 3;
	expect(look, false, "done", true);
}

static void test_what_moves(void **state)
{
	struct look *before = *state;
	struct look *now = malloc(sizeof(*now));
	assert_non_null(now);
	*now = *before;
	struct year_state *year = &now->destinations[0].years[0].state;
	year->elapsed_ms = 5;
	assert_false(standing_moved(before, now));
	year->plain_done = 1;
	assert_true(standing_moved(before, now));
	*now = *before;
	strcpy(year->stage, "indexing");
	assert_true(standing_moved(before, now));
	strcpy(before->destinations[0].years[0].state.stage, "indexing");
	assert_false(standing_moved(before, now));
	year->elapsed_ms = 5;
	assert_true(standing_moved(before, now));
	*now = *before;
	now->head = 1;
	assert_true(standing_moved(before, now));
	*now = *before;
	now->part_bytes = 1;
	assert_true(standing_moved(before, now));
	free(now);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_to_look_at),
		TEST(test_at_work),
		TEST(test_no_year_in_work),
		TEST(test_every_stage),
		TEST(test_ended),
		TEST(test_killed),
		TEST(test_promote_is_no_import),
		TEST(test_what_moves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
