#include "stages/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/log_lines.h"
#include "cmd/progress.h"
#include "state/base/file.h"
#include "state/base/log.h"
#include "state/base/stop.h"
#include "state/ledger.h"

/* What this command says of a year, the worst of which is its exit code: 0, 1 and 3. */
enum verdict { VERDICT_EQUAL, VERDICT_UNPROVED, VERDICT_DIFFERENT };

struct told {
	bool live;
	uint64_t limit;
	uint64_t begun_ms;
	uint64_t said_ms;
};

/* A live line on a terminal, else a log line now and then. */
static void watch(void *context, const struct verify_progress *progress)
{
	struct told *told = context;
	uint64_t now = clock_ms();
	char text[200];
	if (now < told->said_ms + (told->live ? 200 : PROGRESS_LINE_MS))
		return;
	told->said_ms = now;
	uint64_t took = now > told->begun_ms ? now - told->begun_ms : 1;
	unsigned long long percent =
		progress->whole > 0 ? (unsigned long long)(progress->done * 100 / progress->whole)
				    : 0;
	snprintf(text, sizeof(text),
		"%s %llu %% %llu rows %llu rows/s %llu difference%s mem %llu/%llu MiB",
		progress->doing, percent, (unsigned long long)progress->rows,
		(unsigned long long)(progress->rows * 1000 / took),
		(unsigned long long)progress->differences, progress->differences == 1 ? "" : "s",
		(unsigned long long)(budget_resident() >> 20),
		(unsigned long long)(told->limit >> 20));
	if (told->live) {
		char line[220];
		snprintf(line, sizeof(line), "%d %s\n", progress->year, text);
		log_lines_live(line);
	} else {
		log_note(LOG_INFO, progress->year, "%s", text);
	}
}

/* What people called their types and tables may hold anything. */
static void print_text(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
	putchar('\n');
}

static void print_differences(int year, const struct differences *all)
{
	printf("%d  different  %llu difference%s\n", year, (unsigned long long)all->count,
		all->count == 1 ? "" : "s");
	for (unsigned i = 0; i < all->named_count; i++) {
		printf("%d    ", year);
		print_text(all->named[i].text);
	}
	if (all->count > all->named_count)
		printf("%d    and %llu more\n", year,
			(unsigned long long)(all->count - all->named_count));
}

static void print_equal(
	int year, const struct verify_result *result, bool fast, uint64_t elapsed_ms)
{
	printf("%d  equal%s  %llu rows, %llu reject%s", year, fast ? " (fast)" : "",
		(unsigned long long)result->rows, (unsigned long long)result->rejects,
		result->rejects == 1 ? "" : "s");
	if (result->mended > 0)
		printf(", %llu mended", (unsigned long long)result->mended);
	printf(", %.1f s, %llu rows/s\n", (double)elapsed_ms / 1e3,
		(unsigned long long)(result->rows * 1000 / (elapsed_ms > 0 ? elapsed_ms : 1)));
}

static void print_claim(int year, const struct verify_result *result)
{
	printf("%d    claimed: rows and rejects of every chunk, unbroken source_row, %s; "
	       "not claimed: that any value is right\n",
		year,
		result->spool == SPOOL_NOT_THERE
			? "not the file's SHA-256 (its spool is not here)"
			: (result->spool == SPOOL_SAME ? "the spool's SHA-256"
						       : "not the spool's SHA-256"));
}

/* Only where no run is going on and a ledger is there; the history is no part of the proof. */
static void record(const struct options *options, int year, const struct verify_result *result,
	const char *outcome)
{
	struct ledger *ledger = NULL;
	struct error ignored;
	struct stat status;
	char name[256];
	char *path = NULL;
	bool repaired = false;
	int lock = -1;
	sink_shown_name(&options->to, name);
	const struct field fields[] = { FIELD_T("edition", result->sha256),
		FIELD_T("destination", name), FIELD_N("rows", result->rows),
		FIELD_N("rejects", result->rejects),
		FIELD_N("differences", result->differences.count), FIELD_T("outcome", outcome) };
	if (asprintf(&path, "%s/" LEDGER_FILE, options->state_folder) == -1)
		return;
	if (stat(path, &status) == 0 && command_lock(options, &lock, &ignored) &&
		ledger_open(&ledger, options->state_folder, &repaired, &ignored))
		(void)!ledger_event(ledger, "year verified", year, fields,
			sizeof(fields) / sizeof(fields[0]), &ignored);
	ledger_close(ledger);
	file_close(&lock);
	free(path);
}

static enum verdict verify_one(const struct options *options,
	const struct verify_settings *settings, int year, struct error *error)
{
	static struct verify_result result;
	struct told *told = settings->context;
	told->begun_ms = told->said_ms = clock_ms();
	error_clear(error);
	bool done = options->fast ? verify_year_fast(settings, year, &result, error)
				  : verify_year(settings, year, &result, error);
	uint64_t elapsed_ms = clock_ms() - told->begun_ms;
	bool equal = done && result.differences.count == 0;
	if (told->live)
		log_lines_live("");
	if (!done && error->kind == ERROR_STOPPED)
		return VERDICT_UNPROVED;
	if (!done) {
		printf("%d  not proved  ", year);
		print_text(error->text);
	} else if (equal) {
		print_equal(year, &result, options->fast, elapsed_ms);
	} else {
		print_differences(year, &result.differences);
	}
	if (done && options->fast)
		print_claim(year, &result);
	fflush(stdout);
	record(options, year, &result,
		!done ? "not proved"
		      : (equal ? (options->fast ? "equal (fast)" : "equal") : "different"));
	return !done ? VERDICT_UNPROVED : (equal ? VERDICT_EQUAL : VERDICT_DIFFERENT);
}

static int verify_all(const struct options *options, const struct verify_settings *settings,
	const struct served_years *years)
{
	static const int codes[] = { [VERDICT_EQUAL] = EXIT_ALL,
		[VERDICT_UNPROVED] = EXIT_REFUSED,
		[VERDICT_DIFFERENT] = EXIT_NONE };
	enum verdict worst = VERDICT_EQUAL;
	struct error error;
	for (unsigned i = 0; i < years->count; i++) {
		enum verdict verdict = verify_one(options, settings, years->years[i], &error);
		if (error.kind == ERROR_STOPPED || stop_requested()) {
			error_set(&error, ERROR_STOPPED, "interrupted");
			return command_failed(options, &error);
		}
		if (verdict > worst)
			worst = verdict;
	}
	return codes[worst];
}

/* Lost ones last: each is told with what brings it back. */
static void add_lost(struct served_years *years)
{
	for (unsigned i = 0; i < years->lost_count && years->count < SERVED_MAX; i++)
		years->years[years->count++] = years->lost[i];
}

/* Those asked for, else those that are served or should be. */
static bool choose_years(const struct options *options, const struct verify_settings *settings,
	struct served_years *years, struct error *error)
{
	char name[256];
	bool there = false;
	years->count = 0;
	for (unsigned i = 0; i < options->run.year_count && i < SERVED_MAX; i++)
		years->years[years->count++] = options->run.years[i];
	if (years->count > 0)
		return true;
	if (!verify_years(settings, years, &there, error))
		return false;
	add_lost(years);
	if (years->count > 0)
		return true;
	sink_shown_name(&options->to, name);
	return error_set(error, ERROR_REFUSED, "%s %s: there is nothing to verify", name,
		there ? "serves no year" : "holds nothing of dvf-import");
}

int command_verify(const struct options *options)
{
	struct told told = { .live = log_lines_can_live() };
	struct verify_settings settings = {
		.to = &options->to,
		.sources = &options->run.sources,
		.fetch = &options->run.fetch,
		.state_folder = options->state_folder,
		.context = &told,
		.watch = watch,
	};
	struct served_years years;
	struct error error;
	bool fetching = false;
	int code = EXIT_REFUSED;
	error_clear(&error);
	stop_install();
	bool done = budget_make(&settings.budget, options->memory_limit, &error) &&
		    (fetching = fetch_start(&error)) &&
		    choose_years(options, &settings, &years, &error);
	told.limit = settings.budget.limit;
	if (done)
		code = verify_all(options, &settings, &years);
	else if (command_failed(options, &error) == EXIT_INTERRUPTED)
		code = EXIT_INTERRUPTED;
	if (fetching)
		fetch_end();
	return code;
}
