#include "stages/pipeline.h"

const char *year_outcome_word(enum year_outcome outcome)
{
	static const char *const words[] = {
		[YEAR_UNFINISHED] = "unfinished",
		[YEAR_PUBLISHED] = "published",
		[YEAR_UNCHANGED] = "unchanged",
		[YEAR_IN_BUT_GONE] = "in, gone from source",
		[YEAR_COPIED] = "copied",
		[YEAR_READY] = "ready, not published",
		[YEAR_HELD] = "held",
		[YEAR_REFUSED] = "refused",
		[YEAR_FAILED] = "failed",
	};
	return words[outcome];
}

bool outcome_is_in(enum year_outcome outcome)
{
	return outcome == YEAR_PUBLISHED || outcome == YEAR_UNCHANGED ||
	       outcome == YEAR_IN_BUT_GONE || outcome == YEAR_COPIED;
}

int pipeline_exit_code(const struct run_report *report, const struct error *error)
{
	unsigned in = 0;
	unsigned held = 0;
	unsigned published = 0;
	if (error->kind == ERROR_STOPPED)
		return 75;
	if (error->kind == ERROR_USAGE)
		return 64;
	for (unsigned i = 0; i < report->count; i++) {
		in += outcome_is_in(report->years[i].outcome);
		held += report->years[i].outcome == YEAR_HELD;
		published += report->years[i].outcome == YEAR_PUBLISHED ||
			     report->years[i].outcome == YEAR_COPIED;
	}
	if (error->kind == ERROR_REFUSED)
		return 3;
	if (error->kind == ERROR_NONE && in == report->count && in > 0)
		return 0;
	/* Held and nothing else amiss: a precondition refused it, and nothing changed. */
	if (error->kind == ERROR_NONE && held > 0 && in + held == report->count && published == 0)
		return 3;
	return in > 0 ? 2 : 1;
}
