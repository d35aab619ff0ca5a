#include "stages/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/heads.h"
#include "stages/pipeline_work.h"
#include "stages/spool_sweep.h"
#include "stages/year.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define WATCH_MS   250
#define SETTLE_MS  3000 /* how long a stopped download may take to say how far it came */
#define YEARS_BACK 6

/* A year that is served stays so until something new of it comes. */
static void show_fetching(struct pipeline *pipeline, struct work *work)
{
	struct year_state *state = &work->progress->state;
	struct error ignored; /* the next stage tells it, if it stays */
	uint64_t done = atomic_load(&work->task.done);
	if (work->progress->serving && done == 0)
		return;
	snprintf(state->stage, sizeof(state->stage), "fetching");
	state->packed_done = done;
	state->packed_size = atomic_load(&work->task.size);
	if (pipeline->taken)
		ledger_year_note(pipeline->ledger, state, &ignored);
}

static void show(struct pipeline *pipeline, bool last)
{
	struct run_report *report = pipeline->report;
	report->elapsed_ms = clock_ms() - pipeline->started_ms;
	report->peak_memory = budget_resident_peak();
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		if (work->turn == TURN_FETCH && !work->imported && atomic_load(&work->task.begun))
			show_fetching(pipeline, work);
	}
	pipeline->watched_ms = clock_ms();
	sampling_take(&pipeline->sampling, pipeline->ledger, report,
		&pipeline->settings->plan->budget, last);
	if (pipeline->watch != NULL)
		pipeline->watch(pipeline->watch_context, report);
}

/* Inside a sink's wait there is nobody to give an error to: it is kept, and the run is asked to
 * stop. */
void pipeline_tick(void *context)
{
	struct pipeline *pipeline = context;
	struct error error;
	if (pipeline->pump_error.kind == ERROR_NONE && !work_pump(pipeline, 0, &error)) {
		pipeline->pump_error = error;
		stop_request();
	}
	if (pipeline->importing != NULL)
		year_note(pipeline->importing);
	if (clock_ms() - pipeline->watched_ms >= WATCH_MS)
		show(pipeline, false);
}

static bool begin_year(struct pipeline *pipeline, struct work *work, int year, struct error *error)
{
	work->progress->state.year = year;
	work->task.year = year;
	if (!work_look_back(pipeline, work, error))
		return false;
	if (!work->refresh)
		return work_ask(pipeline, work, error);
	work->turn = TURN_IMPORT;
	return work_stage(pipeline, work, "waiting", "", error);
}

static int this_year(void)
{
	time_t now = time(NULL);
	struct tm tm;
	return localtime_r(&now, &tm) != NULL ? tm.tm_year + 1900 : YEAR_FIRST + YEARS_BACK;
}

/* The years by name, or those that the source may have (*defaults of them); staging also has those
 * that live serves. */
static bool list_years(struct pipeline *pipeline, int years[static YEARS_MAX], unsigned *count,
	unsigned *defaults, struct error *error)
{
	const struct pipeline_settings *settings = pipeline->settings;
	int newest = this_year();
	*count = settings->year_count;
	memcpy(years, settings->years, settings->year_count * sizeof(*years));
	for (int i = 0; settings->year_count == 0 && i <= YEARS_BACK; i++)
		if (!staging_drops(pipeline, newest - i))
			years[(*count)++] = newest - i;
	*defaults = settings->year_count == 0 ? *count : 0;
	return pipeline->live == NULL || staging_years(pipeline, years, count, YEARS_MAX, error);
}

static bool begin_years(struct pipeline *pipeline, struct error *error)
{
	int years[YEARS_MAX];
	unsigned count = 0, defaults = 0;
	if (!list_years(pipeline, years, &count, &defaults, error))
		return false;
	pipeline->works = calloc(count, sizeof(*pipeline->works));
	if (pipeline->works == NULL)
		return error_memory(error, "the years");
	for (unsigned i = 0; i < count; i++) {
		struct work *work = &pipeline->works[i];
		work->progress = &pipeline->report->years[i];
		work->asked_for = i >= defaults;
		pipeline->count = pipeline->report->count = i + 1;
		if (!begin_year(pipeline, work, years[i], error))
			return false;
	}
	return true;
}

/* Lets a download that was told to stop say how far it came. */
static void settle(struct pipeline *pipeline)
{
	uint64_t until = clock_ms() + SETTLE_MS;
	struct error ignored;
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct ahead_task *task = &pipeline->works[i].task;
		while (pipeline->works[i].turn == TURN_FETCH && atomic_load(&task->begun) &&
			!task->ended && clock_ms() < until)
			if (!work_pump(pipeline, PUMP_MS, &ignored))
				return;
	}
}

/* What was asked and not answered, or had no consequence yet, when the run had to end. */
static void leave_unasked(struct pipeline *pipeline)
{
	struct error ignored; /* it would be shown as waiting */
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		if ((work->turn == TURN_FETCH || work->turn == TURN_ANSWERED) && !work->imported)
			(void)!work_rests(pipeline, work, "stopped", &ignored);
	}
}

/* Default years that the source does not have are no failures: nobody asked for them. */
static void forget_absent(struct pipeline *pipeline)
{
	unsigned kept = 0;
	struct error ignored; /* it would be shown as gone */
	for (unsigned i = 0; i < pipeline->count; i++) {
		const struct work *work = &pipeline->works[i];
		if (!work_is_absent(work))
			pipeline->report->years[kept++] = *work->progress;
		else if (pipeline->taken)
			(void)!ledger_year_drop(
				pipeline->ledger, work->progress->state.year, &ignored);
	}
	pipeline->report->count = kept;
}

static bool take(struct pipeline *pipeline, struct error *error)
{
	struct sink *sink = pipeline->sink;
	bool known = false;
	if (!sink->ops->take(sink, error) ||
		!ledger_destination(pipeline->ledger, sink->uuid, sink->ops->kind,
			sink->destination.name, &known, error))
		return false;
	memcpy(pipeline->report->uuid, sink->uuid, sizeof(sink->uuid));
	const struct field fields[] = { FIELD_T("uuid", sink->uuid),
		FIELD_T("kind", sink->ops->kind), FIELD_T("name", sink->destination.name) };
	return (known || ledger_event(pipeline->ledger, "destination first seen", 0, fields, 3,
				 error)) &&
	       heads_meet(sink, pipeline->ledger, error);
}

bool pipeline_take(struct pipeline *pipeline, struct error *error)
{
	if (pipeline->taken)
		return true;
	if (!take(pipeline, error))
		return false;
	pipeline->taken = true;
	for (unsigned i = 0; i < pipeline->count; i++)
		if (!ledger_year_put(pipeline->ledger, &pipeline->works[i].progress->state, error))
			return false;
	return true;
}

static void tick_from(struct pipeline *pipeline, struct sink *sink)
{
	sink->tick = pipeline_tick;
	sink->tick_context = pipeline;
	sink->cache_bytes = pipeline->settings->plan->cache_bytes;
	sink->connections = pipeline->settings->plan->loaders;
}

static bool begin(struct pipeline *pipeline, struct error *error)
{
	tick_from(pipeline, pipeline->sink);
	if (pipeline->live == NULL)
		return pipeline_take(pipeline, error);
	tick_from(pipeline, pipeline->live);
	return staging_begin(pipeline, error);
}

/* Before a promote the sources are asked once more, and what has changed meanwhile comes in. */
static bool end_staging(struct pipeline *pipeline, struct error *error)
{
	bool *may = &pipeline->report->may_promote;
	if (pipeline->live == NULL)
		return true;
	if (!staging_may_promote(pipeline, may, error))
		return false;
	if (!*may || !pipeline->settings->then_promote)
		return true;
	return staging_ask_again(pipeline, error) && pipeline_go_through(pipeline, error) &&
	       staging_may_promote(pipeline, may, error);
}

/* Its source is not asked yet, or what the source has is not imported. */
static bool is_open(const struct work *work)
{
	return work->turn == TURN_FETCH || (work->refresh && !work->imported) ||
	       (work->turn == TURN_IMPORT &&
		       strcmp(work->spool.sha256, work->progress->state.sha256) != 0);
}

/* The ledger may lag: when it fails after the last year came in, the next run adds what it lacks.
 */
static bool is_all_in(const struct pipeline *pipeline, const struct error *error)
{
	bool in = pipeline->live == NULL && !pipeline->retaken &&
		  ledger_is_failing(pipeline->ledger) && error->kind != ERROR_FENCED &&
		  (error->kind != ERROR_STOPPED || pipeline->pump_error.kind != ERROR_NONE);
	unsigned count = 0;
	for (unsigned i = 0; in && i < pipeline->count; i++) {
		const struct work *work = &pipeline->works[i];
		bool absent = work_is_absent(work);
		in = absent || (!is_open(work) && outcome_is_in(work->progress->outcome));
		count += absent ? 0 : 1;
	}
	return in && count > 0;
}

static void finish(struct pipeline *pipeline)
{
	struct error error;
	if (!pipeline->changed || !pipeline->taken || stop_requested())
		return;
	log_note(LOG_INFO, 0, "renewing the statistics of dvf");
	if (!pipeline->sink->ops->finish(pipeline->sink, &error))
		log_note(LOG_WARNING, 0, "statistics of dvf were not renewed: %s", error.text);
}

bool pipeline_run(const struct pipeline_settings *settings, struct ledger *ledger,
	struct sink *sink, struct sink *live, pipeline_watch *watch, void *context,
	struct run_report *report, struct error *error)
{
	struct pipeline pipeline = { .settings = settings,
		.ledger = ledger,
		.sink = sink,
		.live = live,
		.watch = watch,
		.watch_context = context,
		.report = report,
		.started_ms = clock_ms() };
	memset(report, 0, sizeof(*report));
	snprintf(report->destination, sizeof(report->destination), "%s", sink->destination.name);
	bool done = ahead_open(&pipeline.ahead, &settings->fetch, error) &&
		    spool_sweep(settings->fetch.spool_folder, ledger, error) &&
		    begin(&pipeline, error) && begin_years(&pipeline, error) &&
		    pipeline_go_through(&pipeline, error) && end_staging(&pipeline, error);
	if (pipeline.pump_error.kind != ERROR_NONE)
		*error = pipeline.pump_error;
	if (!done && is_all_in(&pipeline, error)) {
		log_note(LOG_WARNING, 0,
			"every year is in, but not all of it could be recorded; the next run does: %s",
			error->text);
		error_clear(error);
		done = true;
	}
	if (done)
		finish(&pipeline);
	else
		stop_request(); /* the download under way ends too */
	settle(&pipeline);
	ahead_close(&pipeline.ahead);
	sink->tick = NULL;
	if (live != NULL)
		live->tick = NULL;
	if (live != NULL && !pipeline.taken)
		snprintf(report->destination, sizeof(report->destination), "%s",
			live->destination.name);
	show(&pipeline, true);
	leave_unasked(&pipeline);
	forget_absent(&pipeline);
	free(pipeline.works);
	return done;
}
