/* What comes after a failed try: another one, an edition begun afresh, or an outcome. */
#include <stdio.h>
#include <string.h>

#include "stages/year_try.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define TRIES_AFRESH 2 /* of an edition whose table turned out wrong */
#define TRIES_IDLE   6 /* without a new row before a year that loses its connection is given up */
#define BUSY_REST_MS 1000

/* Chunks of wrong bytes may be in: the edition is forgotten, and begun again from its start. */
static bool begin_afresh(struct try *try, const char *why, struct error *error)
{
	struct year *year = try->year;
	year->spool.verified = false;
	return try_event(try, "edition begun afresh", why, error) &&
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
	if (!year->spool_spoiled && !try_spool_is_same(try, &same, error))
		return false;
	bool of_another = said.kind == ERROR_CHANGED;
	if (!year->spool_spoiled && !try->from_point && !of_another) {
		if (!year->may_refetch) {
			error_where(&said, "%.300s", try->edition.url);
			return try_refuse(try, said.text, error);
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
	return try_event(try, ready ? "year not published" : "year failed", said->text, error) &&
	       year_note_stage(try->year, ready ? "ready" : "failed", said->text, error);
}

static bool ends_run(enum error_kind kind)
{
	return kind == ERROR_STOPPED || kind == ERROR_FENCED || kind == ERROR_DAMAGED;
}

bool year_confirm(struct sink *sink, const struct edition *edition, struct error *error)
{
	if (sink->ops->confirm(sink, edition, error))
		return true;
	if (error->kind == ERROR_LOST || ends_run(error->kind))
		return false;
	log_note(LOG_WARNING, edition->year, "its bookkeeping is left as it was: %s", error->text);
	return true;
}

/* A publish has its own patience: what is still in the way after it is left for the next run. */
static bool may_pass(const struct try *try, enum error_kind kind)
{
	return kind == ERROR_LOST ||
	       (kind == ERROR_BUSY && strcmp(try->year->progress->state.stage, "publishing") != 0);
}

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

bool try_after_failure(struct try *try, struct patience *patience, bool *again, struct error *error)
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
