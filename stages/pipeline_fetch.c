#include <stdio.h>
#include <string.h>

#include "stages/lineage.h"
#include "stages/pipeline_work.h"
#include "stages/spool.h"
#include "stages/year.h"
#include "state/base/log.h"

void work_end(struct work *work, enum year_outcome outcome)
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

/* Of what could not be fetched only the address is known. */
static void tell_lineage(struct pipeline *pipeline, struct work *work)
{
	struct edition edition = { .year = work->progress->state.year };
	memcpy(edition.url, work->task.part.url, sizeof(edition.url));
	lineage_year_end(pipeline->settings->lineage, pipeline->sink, &edition, work->progress);
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
		work_end(work, YEAR_IN_BUT_GONE);
		return year_stage(pipeline->ledger, work->progress, "published",
			"the source has it no more", error);
	}
	work_end(work, YEAR_FAILED);
	if (said->kind == ERROR_GONE && !work->asked_for) {
		log_note(LOG_INFO, work->progress->state.year, "not published by the source");
		return year_stage(pipeline->ledger, work->progress, "gone",
			"not published by the source", error);
	}
	log_note(LOG_WARNING, work->progress->state.year, "%s", said->text);
	bool done = tell(pipeline, work, "fetch failed", NULL, said->text, error) &&
		    year_stage(pipeline->ledger, work->progress,
			    said->kind == ERROR_GONE ? "gone" : "failed", said->text, error);
	tell_lineage(pipeline, work);
	return done;
}

/* A year that gets no new spool. */
static bool on_no_spool(struct pipeline *pipeline, struct work *work, struct error *error)
{
	if (work->imported) {
		if (work->task.failed)
			log_note(LOG_WARNING, work->progress->state.year, "not refreshed: %s",
				work->task.error.text);
		work_end(work, work->progress->outcome);
		return true;
	}
	if (work->task.failed)
		return on_failed_fetch(pipeline, work, error);
	work_end(work, YEAR_UNCHANGED);
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
	return work->imported || year_stage(pipeline->ledger, work->progress, "waiting", "", error);
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
bool work_pump(struct pipeline *pipeline, uint32_t wait_ms, struct error *error)
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

bool work_ask(struct pipeline *pipeline, struct work *work, struct error *error)
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
	const struct field fields[] = { FIELD_T("edition", served->edition.sha256),
		FIELD_T("url", served->edition.url), FIELD_N("rows", served->rows),
		FIELD_N("rejects", served->rejects) };
	return ledger_event(pipeline->ledger, "year found published", known.year, fields, 4, error);
}

/* What is known of a year before the source is asked. */
bool work_look_back(struct pipeline *pipeline, struct work *work, struct error *error)
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

bool work_drop_spool(struct pipeline *pipeline, struct work *work, struct error *error)
{
	work->has_spool = false;
	remove_spool_file(pipeline, work->spool.file);
	return ledger_spool_drop(pipeline->ledger, work->spool.year, work->spool.url, error);
}

/* The spool turned out spoiled: it is dropped, and fetched again once. */
bool work_refetch(struct pipeline *pipeline, struct work *work, struct error *error)
{
	work->refetched++;
	work->refresh = false;
	work->task.has_have = work->task.has_part = false;
	return work_drop_spool(pipeline, work, error) &&
	       tell(pipeline, work, "spool dropped", &work->spool, "its bytes changed on disk",
		       error) &&
	       work_ask(pipeline, work, error);
}
