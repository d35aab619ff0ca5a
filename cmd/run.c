#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/log_lines.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/run_lineage.h"
#include "stages/heads.h"
#include "state/base/file.h"
#include "state/base/log.h"
#include "state/base/stop.h"
#include "state/db.h"

/* What a run holds, in the order in which it is taken. */
struct held {
	struct plan plan;
	int lock;
	struct ledger *ledger;
	bool begun; /* the ledger knows of the run */
	bool fetching;
	struct lineage *lineage;
	struct sink *sink;
	struct sink *live; /* staging: what it will take the place of; else NULL */
};

/* SQLite sorts in files beside the ledger: /tmp may be small, or memory. Before any thread is
 * there. */
static bool sort_in(const char *folder, struct error *error)
{
	return setenv("SQLITE_TMPDIR", folder, 0) == 0 ||
	       error_system(error, "cannot say where SQLite's temporary files go");
}

/* How much memory there is and how it will be used. Before SQLite is first used. */
static bool plan_take(const struct options *options, struct plan *plan, struct error *error)
{
	*plan = (struct plan){ .postgres = options->to.postgres,
		.loaders_asked = options->run.loaders,
		.rows_asked = options->run.chunk_rows };
	if (!budget_make(&plan->budget, options->memory_limit, error))
		return false;
	plan_decide(plan);
	db_sort_memory(plan->cache_bytes);
	return true;
}

static void tell_begin(const struct options *options, const struct plan *plan)
{
	char name[256];
	char text[PLAN_TEXT];
	sink_shown_name(&options->to, name);
	plan_text(plan, text);
	log_note(LOG_INFO, 0, "importing into %s, state in %s, %s", name, options->state_folder,
		text);
}

static bool run_take(const struct options *options, struct held *held, struct error *error)
{
	bool repaired = false;
	if (!file_make_folder(options->spool_folder, error) ||
		!sort_in(options->state_folder, error) || !plan_take(options, &held->plan, error) ||
		!command_lock_shown(options, &held->lock, error) ||
		!ledger_open(&held->ledger, options->state_folder, &repaired, error))
		return false;
	if (repaired)
		log_note(LOG_WARNING, 0,
			"the ledger in %s was broken: set aside, and rebuilt from the destination",
			options->state_folder);
	if (!command_record(options, held->ledger, error))
		return false;
	held->begun = true;
	tell_begin(options, &held->plan);
	held->fetching = fetch_start(error);
	if (held->fetching)
		held->lineage = lineage_open(&options->lineage);
	struct destination live = options->to;
	live.slot = SLOT_LIVE;
	return held->fetching && sink_open(&held->sink, &options->to, error) &&
	       (!options->staging || sink_open(&held->live, &live, error));
}

static bool run_years(const struct options *options, struct held *held, struct run_report *report,
	struct error *error)
{
	struct progress progress;
	struct pipeline_settings settings = options->run;
	settings.plan = &held->plan;
	if (settings.fetch.chunk > held->plan.chunk_bytes)
		settings.fetch.chunk = (uint32_t)held->plan.chunk_bytes;
	settings.lineage = held->lineage;
	progress_begin(&progress, log_lines_can_live(), held->plan.budget.limit);
	bool done = pipeline_run(&settings, held->ledger, held->sink, held->live, progress_watch,
		&progress, report, error);
	progress_end(&progress);
	return done;
}

static void print_not_promoted(const struct run_report *report)
{
	unsigned in = 0, held = 0;
	for (unsigned i = 0; i < report->count; i++) {
		in += outcome_is_in(report->years[i].outcome) ? 1 : 0;
		held += report->years[i].outcome == YEAR_HELD ? 1 : 0;
	}
	if (in == report->count)
		puts("not promoted: live serves all of it already");
	else if (in + held == report->count)
		puts("not promoted: a year is held, for the reason given above");
	else
		puts("not promoted: not every year is in");
}

/* After a staging run whose every year is in. The sinks are closed: their sessions would be in the
 * way. */
static bool run_promote(const struct options *options, struct held *held,
	const struct run_report *report, struct error *error)
{
	if (!options->run.then_promote)
		return true;
	if (!report->may_promote) {
		print_not_promoted(report);
		return true;
	}
	sink_close(held->live);
	sink_close(held->sink);
	held->live = held->sink = NULL;
	return command_promote_staged(options, held->ledger, error);
}

/* The ledger may lag: that a run's end could not be written down changes nothing of what is in. */
static void run_close(
	struct held *held, const struct run_report *report, int code, const struct error *said)
{
	const char *why = said->kind != ERROR_NONE ? said->text : NULL;
	struct error error;
	uint64_t peak = budget_resident_peak();
	if (report->peak_memory > peak)
		peak = report->peak_memory;
	sink_close(held->live);
	if (held->fetching)
		fetch_end();
	if (held->begun &&
		!ledger_run_end(held->ledger, command_outcome(code), code, peak, why, &error))
		log_note(
			LOG_WARNING, 0, "the end of the run could not be recorded: %s", error.text);
	else if (held->begun && report->uuid[0] != '\0')
		heads_try_tell(held->sink, held->ledger, "run ended");
	sink_close(held->sink);
	ledger_close(held->ledger);
	file_close(&held->lock);
}

int command_run(const struct options *options)
{
	struct held held = { .lock = -1 };
	struct error error;
	error_clear(&error);
	struct run_report *report = calloc(1, sizeof(*report));
	if (report == NULL) {
		error_memory(&error, "the report");
		return command_failed(options, &error);
	}
	stop_install();
	bool taken = run_take(options, &held, &error);
	bool done = taken && run_years(options, &held, report, &error);
	int code = EXIT_NONE;
	report_print(stdout, report);
	done = done && run_promote(options, &held, report, &error);
	if (!done)
		code = command_failed(options, &error);
	else
		error_clear(&error);
	if (taken)
		code = pipeline_exit_code(report, &error);
	run_lineage_close(held.lineage, code, report, &error);
	run_close(&held, report, code, &error);
	free(report);
	return code;
}
