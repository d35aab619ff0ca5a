#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/pipeline.h"

#define MOST 3

/* The years of a run, and how it ended: what the shell is told. */
struct line {
	int code;
	unsigned count;
	enum year_outcome outcomes[MOST];
	enum error_kind kind;
};

static const struct line table[] = {
	/* every year is in */
	{ 0, 1, { YEAR_PUBLISHED }, ERROR_NONE },
	{ 0, 1, { YEAR_UNCHANGED }, ERROR_NONE },
	{ 0, 1, { YEAR_IN_BUT_GONE }, ERROR_NONE },
	{ 0, 3, { YEAR_PUBLISHED, YEAR_UNCHANGED, YEAR_IN_BUT_GONE }, ERROR_NONE },
	/* some are */
	{ 2, 2, { YEAR_PUBLISHED, YEAR_FAILED }, ERROR_NONE },
	{ 2, 2, { YEAR_UNCHANGED, YEAR_REFUSED }, ERROR_NONE },
	{ 2, 2, { YEAR_UNCHANGED, YEAR_READY }, ERROR_NONE },
	{ 2, 2, { YEAR_IN_BUT_GONE, YEAR_UNFINISHED }, ERROR_NONE },
	{ 2, 2, { YEAR_PUBLISHED, YEAR_HELD }, ERROR_NONE },
	{ 2, 2, { YEAR_COPIED, YEAR_HELD }, ERROR_NONE },
	{ 2, 3, { YEAR_UNCHANGED, YEAR_HELD, YEAR_FAILED }, ERROR_NONE },
	{ 2, 2, { YEAR_PUBLISHED, YEAR_UNFINISHED }, ERROR_LOST },
	{ 2, 1, { YEAR_PUBLISHED }, ERROR_SYSTEM },
	{ 2, 2, { YEAR_UNCHANGED, YEAR_UNFINISHED }, ERROR_FENCED },
	/* none is */
	{ 1, 1, { YEAR_FAILED }, ERROR_NONE },
	{ 1, 1, { YEAR_REFUSED }, ERROR_NONE },
	{ 1, 1, { YEAR_READY }, ERROR_NONE },
	{ 1, 1, { YEAR_UNFINISHED }, ERROR_NONE },
	{ 1, 2, { YEAR_HELD, YEAR_FAILED }, ERROR_NONE },
	{ 1, 0, { YEAR_UNFINISHED }, ERROR_NONE },
	{ 1, 0, { YEAR_UNFINISHED }, ERROR_NETWORK },
	{ 1, 1, { YEAR_UNFINISHED }, ERROR_LOST },
	{ 1, 1, { YEAR_HELD }, ERROR_FULL },
	/* held, and nothing changed */
	{ 3, 1, { YEAR_HELD }, ERROR_NONE },
	{ 3, 3, { YEAR_HELD, YEAR_UNCHANGED, YEAR_IN_BUT_GONE }, ERROR_NONE },
	/* a precondition */
	{ 3, 0, { YEAR_UNFINISHED }, ERROR_REFUSED },
	{ 3, 1, { YEAR_UNFINISHED }, ERROR_REFUSED },
	/* usage, and an interruption whatever is in by then */
	{ 64, 0, { YEAR_UNFINISHED }, ERROR_USAGE },
	{ 75, 0, { YEAR_UNFINISHED }, ERROR_STOPPED },
	{ 75, 2, { YEAR_PUBLISHED, YEAR_UNFINISHED }, ERROR_STOPPED },
	{ 75, 2, { YEAR_PUBLISHED, YEAR_HELD }, ERROR_STOPPED },
};

static void test_exit_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		static struct run_report report;
		const struct error error = { .kind = table[i].kind };
		report = (struct run_report){ .count = table[i].count };
		for (unsigned j = 0; j < MOST; j++)
			report.years[j].outcome = table[i].outcomes[j];
		int code = pipeline_exit_code(&report, &error);
		if (code != table[i].code)
			fail_msg("line %zu: %d instead of %d", i, code, table[i].code);
	}
}

static void test_every_outcome_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int i = YEAR_UNFINISHED; i <= YEAR_FAILED; i++) {
		assert_non_null(year_outcome_word((enum year_outcome)i));
		for (int j = YEAR_UNFINISHED; j < i; j++)
			assert_string_not_equal(year_outcome_word((enum year_outcome)i),
				year_outcome_word((enum year_outcome)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_every_outcome_has_a_word_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
