/*
 * What is particular to a staging run. It must end with a destination that can take live's place:
 * it serves the years asked for and those live serves, and each of them as the source has it now,
 * or, where the source has it no more or a revert holds what it has, as live has it.
 *
 * A year of which live serves the very edition that the source has is copied, not loaded: the
 * records that people mended there come along. And as long as nothing is new, nothing is made:
 * staging is taken when the first year is to go into it.
 */
#include <stdio.h>
#include <string.h>

#include "stages/pipeline_work.h"
#include "stages/year.h"
#include "state/base/log.h"

bool staging_drops(const struct pipeline *pipeline, int year)
{
	const struct pipeline_settings *settings = pipeline->settings;
	for (unsigned i = 0; i < settings->dropped_count; i++)
		if (settings->dropped[i] == year)
			return true;
	return false;
}

static bool has_year(const int *years, unsigned count, int year)
{
	for (unsigned i = 0; i < count; i++)
		if (years[i] == year)
			return true;
	return false;
}

/* A connection that was lost meanwhile is made again: only what is read from it counts. */
static bool look_at_live(struct pipeline *pipeline, struct error *error)
{
	return pipeline->live->ops->look(pipeline->live, &pipeline->live_there, error) ||
	       error_where(error, "cannot look at the live destination");
}

static bool live_years(struct pipeline *pipeline, struct served_years *served, struct error *error)
{
	struct sink *live = pipeline->live;
	served->count = 0;
	if (!pipeline->live_there || live->ops->years(live, served, error))
		return true;
	return error->kind == ERROR_LOST && look_at_live(pipeline, error) &&
	       (!pipeline->live_there || live->ops->years(live, served, error));
}

static bool drops_some(struct pipeline *pipeline, bool *drops, struct error *error)
{
	struct served_years served;
	if (!live_years(pipeline, &served, error))
		return false;
	*drops = false;
	for (unsigned i = 0; i < served.count; i++)
		*drops |= staging_drops(pipeline, served.years[i]);
	return true;
}

/* An earlier run may have brought them into staging. */
static bool drop_staged(struct pipeline *pipeline, struct error *error)
{
	const struct pipeline_settings *settings = pipeline->settings;
	struct sink *sink = pipeline->sink;
	for (unsigned i = 0; i < settings->dropped_count; i++) {
		int year = settings->dropped[i];
		struct edition_memory memory;
		bool found = false;
		if (!sink->ops->published(sink, year, &memory, &found, error) ||
			!sink->ops->drop_year(sink, year, error))
			return false;
		const struct field fields[] = { FIELD_T("destination", sink->uuid),
			FIELD_T("edition", memory.edition.sha256) };
		if (!ledger_year_drop(pipeline->ledger, year, error) ||
			(found && !ledger_event(pipeline->ledger, "year given up", year, fields, 2,
					  error)))
			return false;
	}
	return true;
}

bool staging_begin(struct pipeline *pipeline, struct error *error)
{
	bool there = false, drops = false;
	struct sink *sink = pipeline->sink;
	if (!look_at_live(pipeline, error) || !sink->ops->look(sink, &there, error) ||
		!drops_some(pipeline, &drops, error))
		return false;
	if (pipeline->live_there && !there && !drops)
		return true;
	return pipeline_take(pipeline, error) && drop_staged(pipeline, error);
}

bool staging_years(
	struct pipeline *pipeline, int *years, unsigned *count, unsigned most, struct error *error)
{
	struct served_years served;
	if (!live_years(pipeline, &served, error))
		return false;
	for (unsigned i = 0; i < served.count && *count < most; i++)
		if (!has_year(years, *count, served.years[i]) &&
			!staging_drops(pipeline, served.years[i]))
			years[(*count)++] = served.years[i];
	return true;
}

static bool live_published(struct pipeline *pipeline, int year, struct edition_memory *memory,
	bool *found, struct error *error)
{
	struct sink *live = pipeline->live;
	*found = false;
	if (live == NULL || !pipeline->live_there ||
		live->ops->published(live, year, memory, found, error))
		return true;
	return error->kind == ERROR_LOST && look_at_live(pipeline, error) &&
	       live->ops->published(live, year, memory, found, error);
}

bool staging_look_back(struct pipeline *pipeline, struct work *work, struct error *error)
{
	return live_published(
		pipeline, work->progress->state.year, &work->lives, &work->in_live, error);
}

bool staging_is_live(const struct work *work, const char *sha256)
{
	return work->in_live && strcmp(work->lives.edition.sha256, sha256) == 0;
}

static bool live_recall(struct pipeline *pipeline, const struct edition *edition,
	struct edition_memory *memory, bool *found, struct error *error)
{
	struct sink *live = pipeline->live;
	if (live->ops->recall(live, edition, memory, found, error))
		return true;
	return error->kind == ERROR_LOST && look_at_live(pipeline, error) &&
	       live->ops->recall(live, edition, memory, found, error);
}

bool staging_held(struct pipeline *pipeline, struct work *work, const char *sha256, bool *held,
	struct error *error)
{
	struct edition edition = { .year = work->progress->state.year };
	struct edition_memory memory;
	bool found = false;
	*held = false;
	if (pipeline->live == NULL || !pipeline->live_there || pipeline->settings->release)
		return true;
	snprintf(edition.sha256, sizeof(edition.sha256), "%s", sha256);
	if (!live_recall(pipeline, &edition, &memory, &found, error))
		return false;
	*held = found && memory.stage == EDITION_HELD && strcmp(memory.under, UNDER_REVERT) == 0;
	if (!*held)
		return true;
	work->reverted = true;
	work_end(work, YEAR_HELD);
	return work_stage(pipeline, work, "held", memory.why, error);
}

/* What staging serves of a year, "" for nothing. */
static bool staged(
	struct pipeline *pipeline, int year, char sha256[static SHA256_HEX], struct error *error)
{
	struct edition_memory memory;
	bool found = false;
	if (!pipeline->sink->ops->published(pipeline->sink, year, &memory, &found, error))
		return false;
	snprintf(sha256, SHA256_HEX, "%s", found ? memory.edition.sha256 : "");
	return true;
}

/* What came from live is beside itself. A year that failed, or that a revert holds, is none that
 * staging is to have as it is. */
bool staging_beside(struct pipeline *pipeline, const struct work *work, struct error *error)
{
	struct sink *sink = pipeline->sink;
	int year = work->progress->state.year;
	char sha256[SHA256_HEX];
	if (pipeline->live == NULL || !pipeline->taken)
		return true;
	do {
		if (!staged(pipeline, year, sha256, error))
			continue;
		if (sha256[0] == '\0' ||
			(!outcome_is_in(work->progress->outcome) && !staging_is_live(work, sha256)))
			return true;
		if (sink->ops->beside(
			    sink, year, work->in_live ? work->lives.edition.sha256 : "", error))
			return true;
	} while (error->kind == ERROR_LOST && year_take_again(sink, error));
	return false;
}

bool staging_overtaken(const struct work *work)
{
	static const char beside[] = UNDER_BESIDE;
	const struct edition_memory *staged = &work->served, *lives = &work->lives;
	return work->in_live && strcmp(staged->edition.sha256, lives->edition.sha256) != 0 &&
	       strncmp(staged->under, beside, sizeof(beside) - 1) == 0 &&
	       strcmp(staged->under + sizeof(beside) - 1, lives->edition.sha256) != 0;
}

/* Whether staging serves what live does not, be it from a run that was killed, or lacks by wish
 * what live serves. */
static bool has_new(struct pipeline *pipeline)
{
	char sha256[SHA256_HEX];
	struct error ignored; /* what is wrong with the sink is told by the next who needs it */
	bool found = pipeline->changed, drops = false;
	for (unsigned i = 0; !found && i < pipeline->count; i++) {
		const struct work *work = &pipeline->works[i];
		found = outcome_is_in(work->progress->outcome) &&
			staged(pipeline, work->progress->state.year, sha256, &ignored) &&
			!staging_is_live(work, sha256);
	}
	return found || (drops_some(pipeline, &drops, &ignored) && drops);
}

/* Once something new is in, staging gets live's edition of a year that a revert holds. One that the
 * shrink guard holds waits as it is, loaded, for a person's word. */
static bool wants_live(struct pipeline *pipeline, struct work *work)
{
	char sha256[SHA256_HEX];
	struct error ignored; /* what is wrong with the sink is told by the copy */
	return work->reverted && work->progress->outcome == YEAR_HELD && work->turn == TURN_ENDED &&
	       work->in_live && !work->kept_live &&
	       (!staged(pipeline, work->progress->state.year, sha256, &ignored) ||
		       strcmp(sha256, work->lives.edition.sha256) != 0) &&
	       has_new(pipeline);
}

static void take_lives(struct work *work)
{
	struct year_progress *progress = work->progress;
	progress->serving = true;
	progress->state.rows = work->lives.rows;
	progress->state.rejects = work->lives.rejects;
	progress->state.packed_done = work->lives.edition.packed_size;
	progress->state.message[0] = '\0';
}

struct work *staging_next_copy(struct pipeline *pipeline)
{
	if (pipeline->live == NULL)
		return NULL;
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		if (work->turn == TURN_COPY && !pipeline->taken) {
			take_lives(work);
			work_end(work, YEAR_UNCHANGED); /* live has it, and nothing is new */
		} else if (pipeline->taken && wants_live(pipeline, work)) {
			work->kept_live = true;
			work->turn = TURN_COPY;
		}
		if (work->turn == TURN_COPY)
			return work;
	}
	return NULL;
}

/* Looks at one year: *ready, it may go live; *differs, from what live serves. */
static bool weigh(struct pipeline *pipeline, struct work *work, bool *ready, bool *differs,
	struct error *error)
{
	struct year_progress *progress = work->progress;
	char sha256[SHA256_HEX];
	if (!staging_beside(pipeline, work, error) ||
		!staged(pipeline, progress->state.year, sha256, error))
		return false;
	*ready &= outcome_is_in(progress->outcome);
	*differs |= !staging_is_live(work, sha256);
	return true;
}

bool staging_may_promote(struct pipeline *pipeline, bool *may, struct error *error)
{
	bool ready = pipeline->count > 0, differs = false;
	*may = false;
	if (!pipeline->taken)
		return true;
	if (!drops_some(pipeline, &differs, error))
		return false;
	for (unsigned i = 0; i < pipeline->count; i++)
		if (!work_is_absent(&pipeline->works[i]) &&
			!weigh(pipeline, &pipeline->works[i], &ready, &differs, error))
			return false;
	*may = ready && differs;
	return true;
}

bool staging_ask_again(struct pipeline *pipeline, struct error *error)
{
	for (unsigned i = 0; i < pipeline->count; i++) {
		struct work *work = &pipeline->works[i];
		struct ahead_task *task = &work->task;
		struct edition_memory served;
		bool found = false;
		if (!outcome_is_in(work->progress->outcome) || task->failed)
			continue;
		if (!pipeline->sink->ops->published(
			    pipeline->sink, work->progress->state.year, &served, &found, error))
			return false;
		task->has_have = found;
		task->has_part = false;
		if (found)
			task->have = served.edition.validators;
		work->imported = true;
		if (!work_ask(pipeline, work, error))
			return false;
	}
	return true;
}
