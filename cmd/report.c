#include "cmd/report.h"

#include <string.h>

static bool is_in(const struct year_progress *year)
{
	return outcome_is_in(year->outcome);
}

static void print_year(FILE *out, const struct year_progress *year)
{
	const struct year_state *state = &year->state;
	fprintf(out, "%4d  %-12s  %10llu  %8llu  %10.1f  %8.1f  ", state->year,
		year_outcome_word(year->outcome), (unsigned long long)state->rows,
		(unsigned long long)state->rejects, (double)state->packed_done / 1e6,
		(double)state->elapsed_ms / 1e3);
	if (year->load_ms > 0 && year->rows_now > 0)
		fprintf(out, "%8llu  ",
			(unsigned long long)(year->rows_now * 1000 / year->load_ms));
	else
		fprintf(out, "%8s  ", "-");
	if (year->peak_memory > 0)
		fprintf(out, "%8.1f\n", (double)year->peak_memory / (1 << 20));
	else
		fprintf(out, "%8s\n", "-");
}

static void print_message(FILE *out, const struct year_progress *year)
{
	const char *message = year->state.message;
	if (message[0] == '\0')
		message = year->outcome == YEAR_UNFINISHED ? "not finished; run again to go on"
							   : year_outcome_word(year->outcome);
	fprintf(out, "%d: %s\n", year->state.year, message);
}

void report_print(FILE *out, const struct run_report *report)
{
	unsigned in = 0;
	unsigned older = 0;
	if (report->count == 0)
		return;
	fprintf(out, "%4s  %-12s  %10s  %8s  %10s  %8s  %8s  %8s\n", "year", "status", "rows",
		"rejects", "packed MB", "seconds", "rows/s", "peak MiB");
	for (unsigned i = 0; i < report->count; i++) {
		print_year(out, &report->years[i]);
		in += is_in(&report->years[i]) ? 1 : 0;
		older += !is_in(&report->years[i]) && report->years[i].serving ? 1 : 0;
	}
	for (unsigned i = 0; i < report->count; i++)
		if (!is_in(&report->years[i]))
			print_message(out, &report->years[i]);
	fprintf(out, "%u of %u %s in, in %s", in, report->count,
		report->count == 1 ? "year is" : "years are", report->destination);
	if (older > 0)
		fprintf(out, " (%u of the others still %s an older edition)", older,
			older == 1 ? "serves" : "serve");
	fprintf(out, "; %.1f s, peak %.1f MiB\n", (double)report->elapsed_ms / 1e3,
		(double)report->peak_memory / (1 << 20));
}
