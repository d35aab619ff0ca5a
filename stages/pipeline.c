#include "stages/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/ahead.h"
#include "stages/spool.h"
#include "stages/year.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define WATCH_MS     250
#define PUMP_MS      100
#define SETTLE_MS    3000 /* how long a stopped download may take to say how far it came */
#define YEARS_BACK   6
#define REFETCH_MOST 1

enum turn {
	TURN_FETCH,  /* asked; its answer is awaited */
	TURN_IMPORT, /* its spool is whole */
	TURN_ENDED,
};

/* A year in this run. */
struct work {
	struct year_progress *progress;
	struct ahead_task task;
	enum turn turn;
	bool refresh;  /* the spool at hand is imported first; then the source is asked */
	bool imported; /* it has an outcome of this run, which a later answer of the source does not
			  change */
	bool asked_for; /* by name, not as one of the default years */
	unsigned refetched;
	bool has_spool;
	bool fetched; /* by this run */
	struct spool spool;
};

struct pipeline {
	const struct pipeline_settings *settings;
	struct ledger *ledger;
	struct sink *sink;
	pipeline_watch *watch;
	void *watch_context;
	struct run_report *report;
	struct ahead ahead;
	struct work *works;
	unsigned count;
	uint64_t started_ms, watched_ms;
	struct error pump_error; /* the ledger failed inside a tick; told at the next chance */
	bool changed;
};

static void show(struct pipeline *pipeline)
{
	struct run_report *report = pipeline->report;
	report->elapsed_ms = clock_ms() - pipeline->started_ms;
	report->peak_memory = budget_resident_peak();
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		if (work->turn == TURN_FETCH && atomic_load(&work->task.begun)) {
			work->progress->state.packed_done = atomic_load(&work->task.done);
			work->progress->state.packed_size = atomic_load(&work->task.size);
		}
	}
	pipeline->watched_ms = clock_ms();
	if (pipeline->watch != NULL)
		pipeline->watch(pipeline->watch_context, report);
}

static void end_year(struct work *work, enum year_outcome outcome)
{
	work->turn = TURN_ENDED;
	work->progress->outcome = outcome;
}

static bool tell(struct pipeline *pipeline, struct work *work, const char *kind,
	const struct spool *spool, const char *why, struct error *error)
{
	const struct field fields[] = { FIELD_T("url", work->task.part.url), FIELD_T("why", why),
		FIELD_T("edition", spool != NULL ? spool->sha256 : NULL),
		FIELD_T("etag", spool != NULL ? spool->validators.etag : NULL),
		FIELD_N("packed_size", spool != NULL ? spool->packed_size : 0) };
	unsigned count = spool != NULL ? 5 : 2;
	return ledger_event(
		pipeline->ledger, kind, work->progress->state.year, fields, count, error);
}

/* The source could not be had, or has the year no more. */
static bool on_failed_fetch(struct pipeline *pipeline, struct work *work, struct error *error)
{
	const struct error *said = &work->task.error;
	if (said->kind == ERROR_STOPPED) {
		work->turn = TURN_ENDED;
		return year_stage(pipeline->ledger, work->progress, "stopped", "", error);
	}
	if (said->kind == ERROR_GONE && work->progress->serving) {
		end_year(work, YEAR_IN_BUT_GONE);
		return year_stage(pipeline->ledger, work->progress, "published",
			"the source has it no more", error);
	}
	log_note(LOG_WARNING, work->progress->state.year, "%s", said->text);
	end_year(work, YEAR_FAILED);
	return tell(pipeline, work, "fetch failed", NULL, said->text, error) &&
	       year_stage(pipeline->ledger, work->progress,
		       said->kind == ERROR_GONE ? "gone" : "failed", said->text, error);
}

/* A year that gets no new spool. */
static bool on_no_spool(struct pipeline *pipeline, struct work *work, struct error *error)
{
	if (work->imported) {
		if (work->task.failed)
			log_note(LOG_WARNING, work->progress->state.year, "not refreshed: %s",
				work->task.error.text);
		end_year(work, work->progress->outcome);
		return true;
	}
	if (work->task.failed)
		return on_failed_fetch(pipeline, work, error);
	end_year(work, YEAR_UNCHANGED);
	return year_stage(pipeline->ledger, work->progress, "published", "", error);
}

static void remove_spool_file(struct pipeline *pipeline, const char *file)
{
	struct error error;
	if (!spool_remove(pipeline->settings->fetch.spool_folder, file, NULL, &error))
		log_note(LOG_WARNING, 0, "%s", error.text);
}

/* A new edition is whole on disk: the old spool goes. */
static bool on_whole(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct spool old = work->spool;
	bool had = work->has_spool && strcmp(old.file, work->task.spool.file) != 0;
	work->spool = work->task.spool;
	work->has_spool = work->fetched = true;
	if (!ledger_spool_put(pipeline->ledger, &work->spool, error) ||
		!tell(pipeline, work, "edition fetched", &work->spool, NULL, error))
		return false;
	if (had)
		remove_spool_file(pipeline, old.file);
	work->progress->state.packed_done = work->progress->state.packed_size =
		work->spool.packed_size;
	work->turn = TURN_IMPORT;
	return true;
}

static bool on_fetch_ended(struct pipeline *pipeline, struct ahead_task *task, struct error *error)
{
	struct work *work = NULL;
	for (unsigned i = 0; i < pipeline->count; i++)
		if (&pipeline->works[i].task == task)
			work = &pipeline->works[i];
	if (work == NULL)
		return true;
	work->progress->state.elapsed_ms += task->took_ms;
	if (task->failed)
		return on_no_spool(pipeline, work, error);
	if (task->outcome == FETCH_WHOLE)
		return on_whole(pipeline, work, error);
	return on_no_spool(pipeline, work, error);
}

/* Takes what the fetch thread has to say. */
static bool pump(struct pipeline *pipeline, uint32_t wait_ms, struct error *error)
{
	struct ahead_event event;
	bool done = true;
	while (done && ahead_event(&pipeline->ahead, wait_ms, &event)) {
		wait_ms = 0;
		if (event.kind == AHEAD_DURABLE)
			done = ledger_part_put(pipeline->ledger, &event.part, error);
		else
			done = on_fetch_ended(pipeline, event.task, error);
	}
	return done;
}

/* Inside a sink's wait there is nobody to give an error to: it is kept, and the run is asked to
 * stop. */
static void tick(void *context)
{
	struct pipeline *pipeline = context;
	struct error error;
	if (pipeline->pump_error.kind == ERROR_NONE && !pump(pipeline, 0, &error)) {
		pipeline->pump_error = error;
		stop_request();
	}
	if (clock_ms() - pipeline->watched_ms >= WATCH_MS)
		show(pipeline);
}

static bool ask(struct pipeline *pipeline, struct work *work, struct error *error)
{
	work->turn = TURN_FETCH;
	return ahead_ask(&pipeline->ahead, &work->task, error) &&
	       (work->imported ||
		       year_stage(pipeline->ledger, work->progress, "fetching", "", error));
}

struct known {
	int year;
	const char *sha256;
	bool told;
};

static bool see_year(void *context, const char *name, const struct year_state *state,
	const char *updated_at, struct error *error)
{
	struct known *known = context;
	(void)name;
	(void)updated_at;
	(void)error;
	if (state->year == known->year && strcmp(state->sha256, known->sha256) == 0 &&
		strcmp(state->stage, "publishing") != 0)
		known->told = true;
	return true;
}

/* A publish whose record was lost (a kill between the two, a new ledger) is told now. */
static bool tell_if_found(
	struct pipeline *pipeline, const struct edition_memory *served, struct error *error)
{
	struct known known = { .year = served->edition.year, .sha256 = served->edition.sha256 };
	if (!ledger_years(pipeline->ledger, pipeline->sink->uuid, see_year, &known, error))
		return false;
	if (known.told)
		return true;
	pipeline->changed = true;
	const struct field fields[] = { FIELD_T("edition", served->edition.sha256),
		FIELD_T("url", served->edition.url), FIELD_N("rows", served->rows),
		FIELD_N("rejects", served->rejects) };
	return ledger_event(pipeline->ledger, "year found published", known.year, fields, 4, error);
}

/* What is known of a year before the source is asked. */
static bool look_back(struct pipeline *pipeline, struct work *work, struct error *error)
{
	int year = work->progress->state.year;
	const char *folder = pipeline->settings->fetch.spool_folder;
	struct ahead_task *task = &work->task;
	struct edition_memory served;
	char shown[URL_MAX];
	source_url(&pipeline->settings->sources, year, task->url);
	source_url_shown(task->url, shown);
	if (!pipeline->sink->ops->published(
		    pipeline->sink, year, &served, &work->progress->serving, error) ||
		!ledger_spool_get(
			pipeline->ledger, year, shown, &work->spool, &work->has_spool, error) ||
		!ledger_part_get(
			pipeline->ledger, year, shown, &task->part, &task->has_part, error))
		return false;
	if (work->has_spool && !spool_there(folder, &work->spool)) {
		log_note(LOG_WARNING, year,
			"the spool %s is gone; it is fetched again if it is needed",
			work->spool.file);
		work->has_spool = false;
		if (!ledger_spool_drop(pipeline->ledger, year, shown, error))
			return false;
	}
	if (!task->has_part)
		snprintf(task->part.url, sizeof(task->part.url), "%s", shown);
	bool serving = work->progress->serving;
	bool served_from_here = serving && strcmp(served.edition.url, shown) == 0;
	task->has_have = work->has_spool || served_from_here;
	if (task->has_have)
		task->have = work->has_spool ? work->spool.validators : served.edition.validators;
	if (serving) {
		if (!tell_if_found(pipeline, &served, error))
			return false;
		work->progress->state.rows = served.rows;
		work->progress->state.rejects = served.rejects;
		memcpy(work->progress->state.sha256, served.edition.sha256,
			sizeof(served.edition.sha256));
	}
	work->refresh = work->has_spool &&
			!(serving && strcmp(served.edition.sha256, work->spool.sha256) == 0);
	return true;
}

static bool begin_year(struct pipeline *pipeline, struct work *work, int year, struct error *error)
{
	work->progress->state.year = year;
	work->task.year = year;
	if (!look_back(pipeline, work, error))
		return false;
	if (!work->refresh)
		return ask(pipeline, work, error);
	work->turn = TURN_IMPORT;
	return year_stage(pipeline->ledger, work->progress, "waiting", "", error);
}

static int this_year(void)
{
	time_t now = time(NULL);
	struct tm tm;
	return localtime_r(&now, &tm) != NULL ? tm.tm_year + 1900 : YEAR_FIRST + YEARS_BACK;
}

static bool begin_years(struct pipeline *pipeline, struct error *error)
{
	const struct pipeline_settings *settings = pipeline->settings;
	bool asked = settings->year_count > 0;
	unsigned count = asked ? settings->year_count : YEARS_BACK + 1;
	int newest = this_year();
	pipeline->works = calloc(count, sizeof(*pipeline->works));
	if (pipeline->works == NULL)
		return error_memory(error, "the years");
	for (unsigned i = 0; i < count; i++) {
		struct work *work = &pipeline->works[i];
		work->progress = &pipeline->report->years[i];
		work->asked_for = asked;
		pipeline->count = pipeline->report->count = i + 1;
		if (!begin_year(
			    pipeline, work, asked ? settings->years[i] : newest - (int)i, error))
			return false;
	}
	return true;
}

/* The spool turned out spoiled: it is dropped, and fetched again once. */
static bool refetch(struct pipeline *pipeline, struct work *work, struct error *error)
{
	work->refetched++;
	work->has_spool = work->refresh = false;
	work->task.has_have = work->task.has_part = false;
	remove_spool_file(pipeline, work->spool.file);
	return ledger_spool_drop(pipeline->ledger, work->spool.year, work->spool.url, error) &&
	       tell(pipeline, work, "spool dropped", &work->spool, "its bytes changed on disk",
		       error) &&
	       ask(pipeline, work, error);
}

static bool import(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct year year = { .settings = pipeline->settings,
		.ledger = pipeline->ledger,
		.sink = pipeline->sink,
		.spool = work->spool,
		.progress = work->progress,
		.may_refetch =
			work->refetched < REFETCH_MOST && (work->task.has_part || !work->fetched),
		.context = pipeline,
		.tick = tick };
	work->progress->state.packed_done = work->progress->state.packed_size =
		work->spool.packed_size;
	bool published = work->progress->outcome == YEAR_PUBLISHED;
	bool done = year_import(&year, error);
	budget_trim();
	work->spool = year.spool;
	if (published && work->progress->outcome == YEAR_UNCHANGED)
		work->progress->outcome = YEAR_PUBLISHED; /* by this run, a moment ago */
	pipeline->changed |= work->progress->outcome == YEAR_PUBLISHED;
	if (!done)
		return false;
	if (year.spool_spoiled && work->refetched < REFETCH_MOST)
		return refetch(pipeline, work, error);
	bool ask_now = work->refresh && !work->imported;
	work->imported = true;
	if (!ask_now) {
		end_year(work, work->progress->outcome);
		return true;
	}
	work->task.has_have = true;
	work->task.have = work->spool.validators;
	return ask(pipeline, work, error);
}

static struct work *next_import(struct pipeline *pipeline, bool *left)
{
	*left = false;
	for (unsigned i = 0; i < pipeline->count; i++) {
		if (pipeline->works[i].turn == TURN_IMPORT)
			return &pipeline->works[i];
		*left |= pipeline->works[i].turn == TURN_FETCH;
	}
	return NULL;
}

static bool go_through(struct pipeline *pipeline, struct error *error)
{
	bool left = true;
	while (!stop_requested()) {
		struct work *work = next_import(pipeline, &left);
		if (work == NULL && !left)
			return true;
		if (work != NULL ? !import(pipeline, work, error) : !pump(pipeline, PUMP_MS, error))
			return false;
		tick(pipeline);
	}
	return pipeline->pump_error.kind == ERROR_NONE
		       ? error_set(error, ERROR_STOPPED, "interrupted")
		       : false;
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
			if (!pump(pipeline, PUMP_MS, &ignored))
				return;
	}
}

/* Default years that the source does not have are no failures: nobody asked for them. */
static void forget_absent(struct pipeline *pipeline)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < pipeline->count; i++) {
		const struct work *work = &pipeline->works[i];
		const struct year_progress *progress = work->progress;
		bool absent = !work->asked_for && progress->outcome == YEAR_FAILED &&
			      strcmp(progress->state.stage, "gone") == 0;
		if (!absent)
			pipeline->report->years[kept++] = *progress;
	}
	pipeline->report->count = kept;
}

static bool take(struct pipeline *pipeline, struct error *error)
{
	struct sink *sink = pipeline->sink;
	bool known = false;
	sink->tick = tick;
	sink->tick_context = pipeline;
	if (!sink->ops->take(sink, error) ||
		!ledger_destination(pipeline->ledger, sink->uuid, sink->ops->kind,
			sink->destination.name, &known, error))
		return false;
	memcpy(pipeline->report->uuid, sink->uuid, sizeof(sink->uuid));
	const struct field fields[] = { FIELD_T("uuid", sink->uuid),
		FIELD_T("kind", sink->ops->kind), FIELD_T("name", sink->destination.name) };
	return known ||
	       ledger_event(pipeline->ledger, "destination first seen", 0, fields, 3, error);
}

static void finish(struct pipeline *pipeline)
{
	struct error error;
	if (pipeline->changed && !stop_requested() &&
		!pipeline->sink->ops->finish(pipeline->sink, &error))
		log_note(LOG_WARNING, 0, "statistics of dvf were not renewed: %s", error.text);
}

bool pipeline_run(const struct pipeline_settings *settings, struct ledger *ledger,
	struct sink *sink, pipeline_watch *watch, void *context, struct run_report *report,
	struct error *error)
{
	struct pipeline pipeline = { .settings = settings,
		.ledger = ledger,
		.sink = sink,
		.watch = watch,
		.watch_context = context,
		.report = report,
		.started_ms = clock_ms() };
	memset(report, 0, sizeof(*report));
	snprintf(report->destination, sizeof(report->destination), "%s", sink->destination.name);
	bool done = ahead_open(&pipeline.ahead, &settings->fetch, error) &&
		    take(&pipeline, error) && begin_years(&pipeline, error) &&
		    go_through(&pipeline, error);
	if (pipeline.pump_error.kind != ERROR_NONE)
		*error = pipeline.pump_error;
	if (done)
		finish(&pipeline);
	else
		stop_request(); /* the download under way ends too */
	settle(&pipeline);
	ahead_close(&pipeline.ahead);
	sink->tick = NULL;
	show(&pipeline);
	forget_absent(&pipeline);
	free(pipeline.works);
	return done;
}
