#include "stages/year.h"

#include <stdio.h>
#include <string.h>

#include "stages/heads.h"
#include "stages/lineage.h"
#include "stages/load.h"
#include "stages/spool.h"
#include "stages/year_tell.h"
#include "stages/year_try.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define UNDER_BYTES "bytes" /* a verdict that no setting changes */
#define NOTE_MS     250     /* how often the ledger is told where a year stands */

bool year_note_stage(struct year *year, const char *stage, const char *message, struct error *error)
{
	year->progress->state.elapsed_ms = clock_ms() - year->started_ms;
	return year_stage(year->ledger, year->progress, stage, message, error);
}

bool try_event(struct try *try, const char *kind, const char *why, struct error *error)
{
	return year_tell(&(struct year_tell){ try->year, &try->edition }, kind, why, error);
}

/* The settings a verdict depends on: with others it is not remembered. */
static void settings_under(const struct pipeline_settings *settings, char under[static 256])
{
	snprintf(under, 256, "max_rejects=%g allow_shrink=%d layout=%d parser=%d",
		settings->max_rejects_share, settings->allow_shrink, LAYOUT_VERSION,
		PARSER_VERSION);
}

void year_note(struct year *year)
{
	uint64_t resident = budget_resident();
	if (resident > year->progress->peak_memory)
		year->progress->peak_memory = resident;
	if (clock_ms() - year->noted_ms >= NOTE_MS) {
		struct error ignored; /* the next stage tells it, if it stays */
		year->noted_ms = clock_ms();
		year->progress->state.elapsed_ms = year->noted_ms - year->started_ms;
		ledger_year_note(year->ledger, &year->progress->state, &ignored);
	}
}

static void tick(void *context)
{
	struct year *year = context;
	year_note(year);
	year->tick(year->context);
}

static bool stage(struct try *try, const char *name, struct error *error)
{
	log_note(LOG_INFO, try->edition.year, "%s", name);
	bool done = year_note_stage(try->year, name, "", error);
	tick(try->year);
	return done;
}

static bool judge(struct try *try, enum edition_stage verdict, const char *why, const char *under,
	struct error *error)
{
	struct year *year = try->year;
	bool held = verdict == EDITION_HELD;
	year->progress->outcome = held ? YEAR_HELD : YEAR_REFUSED;
	return year->sink->ops->judge(year->sink, &try->edition, verdict, why, under, error) &&
	       try_event(try, held ? "edition held" : "edition refused", why, error) &&
	       year_note_stage(year, held ? "held" : "refused", why, error);
}

/* A verdict on the bytes depends on no setting. Their spool goes, so that the next run asks for
 * them afresh: they may have been damaged on their way. If they are the same again, the verdict is
 * remembered. */
bool try_refuse(struct try *try, const char *why, struct error *error)
{
	try->year->spool_bad = !try->refused;
	return judge(try, EDITION_REFUSED, why, try->refused ? try->under : UNDER_BYTES, error);
}

static bool load(struct try *try, struct error *error)
{
	struct year *year = try->year;
	struct load load = { .sink = year->sink,
		.ledger = year->ledger,
		.plan = year->settings->plan,
		.edition = &try->edition,
		.spool = &year->spool,
		.path = try->path,
		.packing = source_packing(year->spool.url),
		.chunk_rows = year->settings->chunk_rows,
		.max_rejects_share = year->settings->max_rejects_share,
		.state = &year->progress->state,
		.rows_now = &year->progress->rows_now,
		.context = year,
		.tick = tick };
	uint64_t started_ms = clock_ms();
	bool done = load_edition(&load, &try->total, error);
	year->progress->load_ms += clock_ms() - started_ms;
	try->from_point = load.from_point;
	try->refused = load.refused;
	return year_tell_loaded(&(struct year_tell){ year, &try->edition }, &load, done, error);
}

/* I3: what was read is still what was fetched. */
bool try_spool_is_same(struct try *try, bool *same, struct error *error)
{
	struct year *year = try->year;
	if (!spool_check(year->settings->fetch.spool_folder, &year->spool, same, error))
		return false;
	year->spool_spoiled = !*same;
	return true;
}

/* The table is not what the witness says: not the source's fault, so it is loaded afresh, not
 * refused. */
static bool not_whole(struct error *error)
{
	if (error->kind == ERROR_INPUT)
		error->kind = ERROR_CHANGED;
	return false;
}

static bool index_rows(struct try *try, struct error *error)
{
	return stage(try, "indexing", error) &&
	       (try->year->sink->ops->index(try->year->sink, &try->edition, error) ||
		       not_whole(error));
}

static bool check(struct try *try, struct error *error)
{
	struct year *year = try->year;
	bool same = year->copy_from != NULL;
	if (!stage(try, "checking", error) || (!same && !try_spool_is_same(try, &same, error)))
		return false;
	if (!same)
		return error_set(error, ERROR_CHANGED,
			"the spool of %d is not what was fetched any more", try->edition.year);
	return year->sink->ops->check(year->sink, &try->edition, &try->total, error) ||
	       not_whole(error);
}

/* The shrink guard. */
static bool shrinks(const struct try *try, char *why, size_t size)
{
	const struct edition_memory *compare = try->year->compare;
	uint64_t before = compare != NULL ? compare->rows : try->served.rows;
	uint64_t after = try->total.rows;
	bool guarded = compare != NULL || try->serving;
	bool smaller = guarded && (double)after < (1.0 - SHRINK_SHARE) * (double)before;
	if (try->year->copy_from != NULL || try->year->settings->allow_shrink ||
		(after > 0 && !smaller))
		return false;
	if (after == 0)
		snprintf(why, size,
			"the edition has no row, which no year has: look whether its source is whole; it is "
			"held, --allow-shrink publishes it at once");
	else
		snprintf(why, size,
			"the new edition has %llu rows and the one that is served has %llu (in October the oldest year loses "
			"half its months): it is held; --allow-shrink publishes it at once",
			(unsigned long long)after, (unsigned long long)before);
	return true;
}

static bool published(struct try *try, struct error *error)
{
	struct year *year = try->year;
	year->asked = false;
	year->progress->outcome = YEAR_PUBLISHED;
	year->progress->serving = true;
	if (!try_event(try, "year published", NULL, error))
		return false;
	heads_try_tell(year->sink, year->ledger, "year published");
	return year_note_stage(year, "published", "", error);
}

static bool publish(struct try *try, struct error *error)
{
	struct year *year = try->year;
	char why[512];
	if (shrinks(try, why, sizeof(why)))
		return judge(try, EDITION_HELD, why, try->under, error);
	if (!stage(try, "publishing", error))
		return false;
	year->asked = true;
	if (!year->sink->ops->publish(year->sink, &try->edition, &try->total, error))
		return false;
	year->progress->state.plain_done = try->total.plain_size; /* the header, too */
	return published(try, error);
}

static void in_already(struct try *try, const struct edition_memory *memory)
{
	struct year_progress *progress = try->year->progress;
	if (progress->outcome != YEAR_PUBLISHED)
		progress->outcome = YEAR_UNCHANGED;
	progress->serving = true;
	progress->state.rows = memory->rows;
	progress->state.rejects = memory->rejects;
	progress->state.plain_done = progress->state.plain_size = memory->plain_size;
}

/* What the witness remembers may be all there is to do. */
static bool remembered(struct try *try, bool *ended, struct error *error)
{
	struct year *year = try->year;
	struct edition_memory memory;
	bool found = false;
	if (!year->sink->ops->recall(year->sink, &try->edition, &memory, &found, error))
		return false;
	try->known = found;
	*ended = found && memory.stage == EDITION_PUBLISHED;
	if (*ended && !year_confirm(year->sink, &try->edition, error))
		return false;
	if (*ended) {
		in_already(try, &memory);
		/* By us, if we asked and only the answer was lost. */
		return year->asked ? published(try, error)
				   : year_note_stage(year, "published", "", error);
	}
	bool judged = found && (memory.stage == EDITION_HELD || memory.stage == EDITION_REFUSED);
	bool of_bytes = judged && strcmp(memory.under, UNDER_BYTES) == 0;
	bool of_revert = judged && strcmp(memory.under, UNDER_REVERT) == 0;
	*ended = of_bytes || (of_revert && !year->settings->release) ||
		 (judged && strcmp(memory.under, try->under) == 0);
	year->spool_bad = of_bytes;
	if (!*ended)
		return true;
	bool held = memory.stage == EDITION_HELD;
	year->progress->outcome = held ? YEAR_HELD : YEAR_REFUSED;
	return year_note_stage(year, held ? "held" : "refused", memory.why, error);
}

/* An edition that nobody but the ledger names: were its hash wrong by a digit, its tables would get
 * the names of another one's. */
static bool is_proven(struct try *try, struct error *error)
{
	bool same = try->known || try->year->fetched;
	if (!same && !try_spool_is_same(try, &same, error))
		return false;
	return same || error_set(error, ERROR_CHANGED,
			       "the spool of %d is not what the ledger says was fetched",
			       try->edition.year);
}

static bool go(struct try *try, struct error *error)
{
	struct year *year = try->year;
	struct sink *sink = year->sink;
	bool ended = false;
	settings_under(year->settings, try->under);
	year_edition(&year->spool, &try->edition);
	memcpy(year->progress->state.sha256, try->edition.sha256, sizeof(try->edition.sha256));
	if (!spool_path(year->settings->fetch.spool_folder, year->spool.file, try->path,
		    sizeof(try->path), error) ||
		!remembered(try, &ended, error))
		return false;
	if (ended)
		return true;
	if (!is_proven(try, error) ||
		!sink->ops->published(sink, try->edition.year, &try->served, &try->serving, error))
		return false;
	year->progress->serving = try->serving;
	lineage_year_begin(year->settings->lineage, sink, &try->edition);
	return stage(try, "loading", error) && sink->ops->begin(sink, &try->edition, error) &&
	       load(try, error) && index_rows(try, error) && check(try, error) &&
	       publish(try, error);
}

/* Live's year, as it is: its witness, rejects and mended records come along. */
static bool copy(struct try *try, struct error *error)
{
	struct year *year = try->year;
	struct year_state *state = &year->progress->state;
	struct sink *from = year->copy_from;
	struct edition_memory served;
	bool found = false, ended = false, there = false;
	if (!from->ops->look(from, &there, error) ||
		(there && !from->ops->published(from, state->year, &served, &found, error)))
		return false;
	if (!found)
		return error_set(error, ERROR_CHANGED, "%d is not served by %s any more: run again",
			state->year, from->destination.name);
	try->edition = served.edition;
	memcpy(state->sha256, served.edition.sha256, sizeof(state->sha256));
	state->packed_done = state->packed_size = served.edition.packed_size;
	if (!remembered(try, &ended, error) || ended)
		return ended;
	lineage_copy_begin(year->settings->lineage, year->sink, from, &try->edition);
	if (!stage(try, "copying", error) ||
		!year->sink->ops->copy_year(
			year->sink, from, state->year, &try->edition, &try->total, error))
		return false;
	state->rows = try->total.rows;
	state->rejects = try->total.rejects;
	state->plain_size = try->total.plain_size;
	return try_event(try, "year copied", NULL, error) && index_rows(try, error) &&
	       check(try, error) && publish(try, error);
}

bool year_import(struct year *year, struct error *error)
{
	uint64_t rows = year->progress->rows_now;
	year->started_ms = clock_ms() - year->progress->state.elapsed_ms;
	bool again = true;
	struct patience patience = { 0 };
	bool done = false;
	year->spool_spoiled = year->spool_bad = year->retaken = year->asked = false;
	year->progress->outcome = YEAR_UNFINISHED;
	while (again) {
		struct try try = { .year = year };
		done = year->copy_from != NULL ? copy(&try, error) : go(&try, error);
		again = false;
		if (year->progress->rows_now > rows)
			patience.idle = 0;
		rows = year->progress->rows_now;
		if (!done)
			done = try_after_failure(&try, &patience, &again, error);
		again = again && done;
		year->progress->state.elapsed_ms = clock_ms() - year->started_ms;
	}
	return done;
}
