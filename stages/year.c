#include "stages/year.h"

#include <stdio.h>
#include <string.h>

#include "stages/heads.h"
#include "stages/lineage.h"
#include "stages/load.h"
#include "stages/spool.h"
#include "stages/year_tell.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define UNDER_BYTES  "bytes" /* a verdict that no setting changes */
#define TRIES_AFRESH 2       /* of an edition whose table turned out wrong */
#define TRIES_IDLE   6   /* without a new row before a year that loses its connection is given up */
#define NOTE_MS      250 /* how often the ledger is told where a year stands */
#define BUSY_REST_MS 1000

/* One try at a year: what it holds while it goes through its stages. */
struct
try {
	struct year *year;
	struct edition edition;
	char path[1024];
	char under[256];
	struct edition_memory served;
	bool serving;
	bool known; /* the sink has heard of this edition */
	struct year_total total;
	bool from_point;
	bool refused;
};

/* year_stage, with the time this year took so far. */
static bool note_stage(
	struct year *year, const char *stage, const char *message, struct error *error)
{
	year->progress->state.elapsed_ms = clock_ms() - year->started_ms;
	return year_stage(year->ledger, year->progress, stage, message, error);
}

static bool event(struct try *try, const char *kind, const char *why, struct error *error)
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
	bool done = note_stage(try->year, name, "", error);
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
	       event(try, held ? "edition held" : "edition refused", why, error) &&
	       note_stage(year, held ? "held" : "refused", why, error);
}

/* A verdict on the bytes depends on no setting. Their spool goes, so that the next run asks for
 * them afresh: they may have been damaged on their way. If they are the same again, the verdict is
 * remembered. */
static bool refuse(struct try *try, const char *why, struct error *error)
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
static bool spool_is_same(struct try *try, bool *same, struct error *error)
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
	if (!stage(try, "checking", error) || (!same && !spool_is_same(try, &same, error)))
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
	if (!event(try, "year published", NULL, error))
		return false;
	heads_try_tell(year->sink, year->ledger, "year published");
	return note_stage(year, "published", "", error);
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
	if (*ended) {
		in_already(try, &memory);
		/* By us, if we asked and only the answer was lost. */
		return year->asked ? published(try, error)
				   : note_stage(year, "published", "", error);
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
	return note_stage(year, held ? "held" : "refused", memory.why, error);
}

/* An edition that nobody but the ledger names: were its hash wrong by a digit, its tables would get
 * the names of another one's. */
static bool is_proven(struct try *try, struct error *error)
{
	bool same = try->known || try->year->fetched;
	if (!same && !spool_is_same(try, &same, error))
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
	return event(try, "year copied", NULL, error) && index_rows(try, error) &&
	       check(try, error) && publish(try, error);
}

/* Chunks of wrong bytes may be in: the edition is forgotten, and begun again from its start. */
static bool begin_afresh(struct try *try, const char *why, struct error *error)
{
	struct year *year = try->year;
	year->spool.verified = false;
	return event(try, "edition begun afresh", why, error) &&
	       ledger_points_drop(year->ledger, try->edition.sha256, error) &&
	       year->sink->ops->forget(year->sink, &try->edition, error);
}

/* The bytes were wrong: is it the spool on our disk, an access point, or the source itself? */
static bool on_bad_bytes(struct try *try, bool *again, struct error *error)
{
	struct year *year = try->year;
	struct error said = *error;
	bool same = true;
	*again = false;
	if (!year->spool_spoiled && !spool_is_same(try, &same, error))
		return false;
	bool of_another = said.kind == ERROR_CHANGED;
	if (!year->spool_spoiled && !try->from_point && !of_another) {
		if (!year->may_refetch) {
			error_where(&said, "%.300s", try->edition.url);
			return refuse(try, said.text, error);
		}
		/* A part may have rotted before its hash was taken: two downloads must agree on a
		 * verdict. */
		year->spool_spoiled = true;
	}
	log_note(LOG_WARNING, try->edition.year, "%s", said.text);
	*again = !year->spool_spoiled;
	return begin_afresh(try, said.text, error);
}

static bool fail(struct try *try, const struct error *said, struct error *error)
{
	struct year_progress *progress = try->year->progress;
	bool ready = strcmp(progress->state.stage, "publishing") == 0;
	progress->outcome = ready ? YEAR_READY : YEAR_FAILED;
	return event(try, ready ? "year not published" : "year failed", said->text, error) &&
	       note_stage(try->year, ready ? "ready" : "failed", said->text, error);
}

static bool ends_run(enum error_kind kind)
{
	return kind == ERROR_STOPPED || kind == ERROR_FENCED || kind == ERROR_DAMAGED;
}

/* A publish has its own patience: what is still in the way after it is left for the next run. */
static bool may_pass(const struct try *try, enum error_kind kind)
{
	return kind == ERROR_LOST ||
	       (kind == ERROR_BUSY && strcmp(try->year->progress->state.stage, "publishing") != 0);
}

struct patience {
	unsigned idle;   /* tries that brought no row */
	unsigned afresh; /* times the edition was begun afresh */
};

bool year_take_again(struct sink *sink, struct error *error)
{
	for (unsigned i = 1; !sink->ops->take(sink, error); i++) {
		if (error->kind == ERROR_LOST && i < TRIES_IDLE)
			continue;
		/* We had it: what refuses it now is no precondition of the run. */
		if (error->kind == ERROR_REFUSED)
			error->kind = ERROR_DATABASE;
		return false;
	}
	return true;
}

/* After a failed try: true with *again says try once more; true without: the year has its outcome.
 */
static bool after_failure(
	struct try *try, struct patience *patience, bool *again, struct error *error)
{
	struct year *year = try->year;
	struct error said = *error;
	*again = false;
	/* It is in; what failed is to say so, and the next run finds it published. */
	if (ends_run(said.kind) || outcome_is_in(year->progress->outcome))
		return false;
	if (may_pass(try, said.kind) && ++patience->idle <= TRIES_IDLE) {
		log_note(LOG_WARNING, try->edition.year, "%s", said.text);
		*again = true;
		if (said.kind == ERROR_BUSY)
			return stop_sleep(BUSY_REST_MS) ||
			       error_set(error, ERROR_STOPPED, "interrupted");
		year->retaken = true;
		return year_take_again(year->sink, error);
	}
	if (said.kind == ERROR_LOST)
		return false;
	bool of_spool = year->copy_from == NULL;
	if (of_spool && (said.kind == ERROR_INPUT || said.kind == ERROR_CHANGED)) {
		if (!on_bad_bytes(try, again, error))
			return false;
		*again = *again && ++patience->afresh <= TRIES_AFRESH;
		if (*again || year->progress->outcome != YEAR_UNFINISHED)
			return true;
	}
	return fail(try, &said, error);
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
			done = after_failure(&try, &patience, &again, error);
		again = again && done;
		year->progress->state.elapsed_ms = clock_ms() - year->started_ms;
	}
	return done;
}
