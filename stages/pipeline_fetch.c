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

bool work_is_absent(const struct work *work)
{
	return !work->asked_for && work->progress->outcome == YEAR_FAILED &&
	       strcmp(work->progress->state.stage, "gone") == 0;
}

bool work_stage(struct pipeline *pipeline, struct work *work, const char *stage,
	const char *message, struct error *error)
{
	struct year_state *state = &work->progress->state;
	if (pipeline->taken)
		return year_stage(pipeline->ledger, work->progress, stage, message, error);
	snprintf(state->stage, sizeof(state->stage), "%s", stage);
	snprintf(state->message, sizeof(state->message), "%.*s", (int)sizeof(state->message) - 1,
		message);
	return true;
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

static bool copy_later(struct pipeline *pipeline, struct work *work, struct error *error)
{
	work->turn = TURN_COPY;
	return work_stage(pipeline, work, "waiting", "to be copied from live", error);
}

/* The first answer of a source in a run. One that did not answer is told as "fetch failed". */
static bool tell_seen(struct pipeline *pipeline, struct work *work, struct error *error)
{
	const struct ahead_task *task = &work->task;
	bool gone = task->failed && task->error.kind == ERROR_GONE;
	if (work->seen || (task->failed && !gone))
		return true;
	bool unchanged = !task->failed && task->outcome == FETCH_UNCHANGED;
	const struct validators none = { .etag = "" };
	const struct validators *said = gone        ? &none
					: unchanged ? &task->have
						    : &task->spool.validators;
	const struct field fields[] = { FIELD_T("url", task->part.url),
		FIELD_T("answer", gone        ? "gone"
				  : unchanged ? "unchanged"
					      : "new"),
		FIELD_T("etag", said->etag), FIELD_T("last_modified", said->last_modified),
		said->has_size ? FIELD_N("size", said->packed_size) : FIELD_T("size", NULL) };
	work->seen = true;
	return ledger_event(
		pipeline->ledger, "source seen", work->progress->state.year, fields, 5, error);
}

/* Of what could not be fetched only the address is known. */
static void tell_lineage(struct pipeline *pipeline, struct work *work)
{
	struct edition edition = { .year = work->progress->state.year };
	memcpy(edition.url, work->task.part.url, sizeof(edition.url));
	lineage_year_end(pipeline->settings->lineage, pipeline->sink, &edition, work->progress);
}

/* In already: as it is served. */
static bool stays_in(
	struct pipeline *pipeline, struct work *work, const char *message, struct error *error)
{
	struct year_state *state = &work->progress->state;
	const struct edition_memory *served = &work->served;
	memcpy(state->sha256, served->edition.sha256, sizeof(state->sha256));
	state->packed_done = state->packed_size = served->edition.packed_size;
	state->plain_done = state->plain_size = served->plain_size;
	state->rows = served->rows;
	state->rejects = served->rejects;
	return work_stage(pipeline, work, "published", message, error);
}

bool work_rests(
	struct pipeline *pipeline, struct work *work, const char *stage, struct error *error)
{
	return work->progress->serving ? stays_in(pipeline, work, "", error)
				       : work_stage(pipeline, work, stage, "", error);
}

/* A year that is in, or that live serves, and that the source has no more. Staging may serve what a
 * revert took out of service, or what live has left behind: then it gets what live has. */
static bool on_gone(struct pipeline *pipeline, struct work *work, struct error *error)
{
	bool held = false;
	if (work->progress->serving &&
		!staging_held(pipeline, work, work->progress->state.sha256, &held, error))
		return false;
	if (work->progress->serving && !held && !staging_overtaken(work)) {
		work_end(work, YEAR_IN_BUT_GONE);
		return stays_in(pipeline, work, "the source has it no more", error);
	}
	if (!work->in_live)
		return true; /* held */
	work->reverted = false;
	return copy_later(pipeline, work, error);
}

/* The source could not be had, or has the year no more. */
static bool on_failed_fetch(struct pipeline *pipeline, struct work *work, struct error *error)
{
	const struct error *said = &work->task.error;
	if (said->kind == ERROR_STOPPED) {
		work->turn = TURN_ENDED;
		return work_rests(pipeline, work, "stopped", error);
	}
	if (said->kind == ERROR_GONE && (work->progress->serving || work->in_live))
		return on_gone(pipeline, work, error);
	work_end(work, YEAR_FAILED);
	if (said->kind == ERROR_GONE && !work->asked_for) {
		log_note(LOG_INFO, work->progress->state.year, "not published by the source");
		return work_stage(pipeline, work, "gone", "not published by the source", error);
	}
	log_note(LOG_WARNING, work->progress->state.year, "%s", said->text);
	bool done = tell(pipeline, work, "fetch failed", NULL, said->text, error) &&
		    work_stage(pipeline, work, said->kind == ERROR_GONE ? "gone" : "failed",
			    said->text, error);
	tell_lineage(pipeline, work);
	return done;
}

/* The source says that it has what is served. */
static bool confirm(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct edition edition = work->served.edition;
	if (work->has_spool)
		year_edition(&work->spool, &edition);
	while (work->progress->serving && !year_confirm(pipeline->sink, &edition, error))
		if (error->kind != ERROR_LOST || !year_take_again(pipeline->sink, error))
			return false;
	return true;
}

bool work_answered(struct pipeline *pipeline, struct work *work, struct error *error)
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
	if (work->confirm) {
		work->turn = TURN_IMPORT;
		return work_rests(pipeline, work, "waiting", error);
	}
	if (work->copy_if_same)
		return copy_later(pipeline, work, error);
	bool held = false;
	if (!staging_held(pipeline, work, work->progress->state.sha256, &held, error) || held)
		return held;
	work_end(work, YEAR_UNCHANGED);
	return confirm(pipeline, work, error) && stays_in(pipeline, work, "", error);
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
	if (!work->imported && staging_is_live(work, work->spool.sha256))
		return copy_later(pipeline, work, error);
	work->turn = TURN_IMPORT;
	return work->imported || work_stage(pipeline, work, "waiting", "", error);
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
	if (!tell_seen(pipeline, work, error))
		return false;
	if (!task->failed && task->outcome == FETCH_WHOLE)
		return on_whole(pipeline, work, error);
	work->turn = TURN_ANSWERED;
	return true;
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
	       (work->imported || work_rests(pipeline, work, "waiting", error));
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
	work->refresh = work->confirm = false;
	work->task.has_have = work->task.has_part = false;
	return work_drop_spool(pipeline, work, error) &&
	       tell(pipeline, work, "spool dropped", &work->spool, "its bytes changed on disk",
		       error) &&
	       work_ask(pipeline, work, error);
}

static bool still_served(
	struct pipeline *pipeline, const struct work *work, bool *still, struct error *error)
{
	struct sink *sink = pipeline->sink;
	const struct year_state *state = &work->progress->state;
	struct edition_memory served;
	bool found = false;
	while (!sink->ops->published(sink, state->year, &served, &found, error))
		if (error->kind != ERROR_LOST || !year_take_again(sink, error))
			return false;
	*still = found && strcmp(served.edition.sha256, state->sha256) == 0;
	return true;
}

static bool bring_again(struct pipeline *pipeline, struct work *work, struct error *error)
{
	static const char *const why =
		"the server came back without it: it was put back to an older copy, or is another that was behind";
	struct year_progress *progress = work->progress;
	const struct field fields[] = { FIELD_T("destination", pipeline->sink->uuid),
		FIELD_T("edition", progress->state.sha256), FIELD_T("why", why) };
	log_note(LOG_WARNING, progress->state.year, "not served any more: %s", why);
	if (!ledger_event(pipeline->ledger, "year lost", progress->state.year, fields, 3, error))
		return false;
	bool copied = staging_is_live(work, progress->state.sha256);
	progress->outcome = YEAR_UNFINISHED;
	progress->serving = false;
	if (copied)
		return copy_later(pipeline, work, error);
	work->turn = TURN_IMPORT;
	if (work->has_spool && strcmp(work->spool.sha256, progress->state.sha256) == 0)
		return work_stage(pipeline, work, "waiting", "", error);
	work->imported = work->task.has_have = work->task.has_part = false;
	return work_ask(pipeline, work, error);
}

bool work_look_again(struct pipeline *pipeline, struct error *error)
{
	pipeline->retaken = false;
	for (unsigned i = 0; pipeline->taken && i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		bool still = true;
		if (outcome_is_in(work->progress->outcome) &&
			!still_served(pipeline, work, &still, error))
			return false;
		if (!still && !bring_again(pipeline, work, error))
			return false;
	}
	return true;
}
