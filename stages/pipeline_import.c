/* The years in turn: each one's way into the sink, from its spool or, in a staging run, from live;
 * between them the fetch thread is heard. */
#include <string.h>

#include "stages/lineage.h"
#include "stages/pipeline_work.h"
#include "stages/year.h"
#include "state/base/stop.h"

#define REFETCH_MOST 1

/* The year's way into the sink, once; whatever its outcome. */
static bool import_year(
	struct pipeline *pipeline, struct work *work, struct year *year, struct error *error)
{
	enum year_outcome before = work->progress->outcome;
	bool done = pipeline_take(pipeline, error);
	pipeline->importing = year;
	done = done && year_import(year, error);
	pipeline->importing = NULL;
	enum year_outcome *now = &work->progress->outcome;
	budget_trim();
	work->spool = year->spool;
	if (before == YEAR_PUBLISHED && *now == YEAR_UNCHANGED)
		*now = YEAR_PUBLISHED; /* by this run, a moment ago */
	pipeline->changed |= *now == YEAR_PUBLISHED;
	pipeline->retaken |= year->retaken;
	return done;
}

static bool copy(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct year_progress *progress = work->progress;
	struct year year = { .settings = pipeline->settings,
		.ledger = pipeline->ledger,
		.sink = pipeline->sink,
		.copy_from = pipeline->live,
		.spool = work->spool,
		.progress = progress,
		.context = pipeline,
		.tick = pipeline_tick };
	char why[sizeof(progress->state.message)];
	memcpy(why, progress->state.message, sizeof(why));
	work->imported = true;
	if (!import_year(pipeline, work, &year, error))
		return false;
	if (progress->outcome == YEAR_PUBLISHED)
		progress->outcome = YEAR_COPIED;
	lineage_year_end(
		pipeline->settings->lineage, pipeline->sink, &work->lives.edition, progress);
	/* What live has instead is no answer to what was asked for. */
	bool held = work->reverted && outcome_is_in(progress->outcome);
	work_end(work, held ? YEAR_HELD : progress->outcome);
	return !held || work_stage(pipeline, work, "held", why, error);
}

static bool import(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct year year = { .settings = pipeline->settings,
		.ledger = pipeline->ledger,
		.sink = pipeline->sink,
		.spool = work->spool,
		.compare = work->in_live ? &work->lives : NULL,
		.progress = work->progress,
		.fetched = work->fetched,
		.may_refetch =
			work->refetched < REFETCH_MOST && (work->task.has_part || !work->fetched),
		.context = pipeline,
		.tick = pipeline_tick };
	bool held = false;
	work->progress->state.packed_done = work->progress->state.packed_size =
		work->spool.packed_size;
	if (!staging_held(pipeline, work, work->spool.sha256, &held, error) ||
		(!held && !import_year(pipeline, work, &year, error)))
		return false;
	if (year.spool_spoiled && work->refetched < REFETCH_MOST)
		return work_refetch(pipeline, work, error);
	struct edition edition;
	year_edition(&work->spool, &edition);
	lineage_year_end(pipeline->settings->lineage, pipeline->sink, &edition, work->progress);
	bool ask_now = work->refresh && !work->imported && !year.spool_bad;
	work->imported = true;
	if (year.spool_bad && !work_drop_spool(pipeline, work, error))
		return false;
	if (!ask_now) {
		work_end(work, work->progress->outcome);
		return true;
	}
	work->task.has_have = true;
	work->task.have = work->spool.validators;
	return work_ask(pipeline, work, error);
}

static struct work *next_of(struct pipeline *pipeline, enum turn turn)
{
	for (unsigned i = 0; i < pipeline->count; i++)
		if (pipeline->works[i].turn == turn)
			return &pipeline->works[i];
	return NULL;
}

/* What is quick comes first. *left: some source has not answered yet. */
static struct work *next_work(struct pipeline *pipeline, bool *left)
{
	struct work *work = next_of(pipeline, TURN_ANSWERED);
	*left = next_of(pipeline, TURN_FETCH) != NULL;
	return work != NULL ? work : next_of(pipeline, TURN_IMPORT);
}

static bool go_on(struct pipeline *pipeline, struct work *work, struct error *error)
{
	if (work == NULL)
		return work_pump(pipeline, PUMP_MS, error);
	if (work->turn == TURN_ANSWERED)
		return work_answered(pipeline, work, error);
	return (work->turn == TURN_COPY ? copy(pipeline, work, error)
					: import(pipeline, work, error)) &&
	       staging_beside(pipeline, work, error);
}

bool pipeline_go_through(struct pipeline *pipeline, struct error *error)
{
	bool left = true;
	while (!stop_requested()) {
		struct work *work = next_work(pipeline, &left);
		if (work == NULL && !left)
			work = staging_next_copy(pipeline);
		if (work == NULL && !left && !pipeline->retaken)
			return true;
		if (work == NULL && !left ? !work_look_again(pipeline, error)
					  : !go_on(pipeline, work, error))
			return false;
		pipeline_tick(pipeline);
	}
	return pipeline->pump_error.kind == ERROR_NONE
		       ? error_set(error, ERROR_STOPPED, "interrupted")
		       : false;
}
