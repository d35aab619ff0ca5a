/*
 * year_try.h: one try at a year, and what comes after one that failed. Private to year.c, which
 * takes it through its stages, and year_failure.c.
 *
 * Threads: main.  Memory: a try owns nothing that has to be freed.
 */
#ifndef STAGES_YEAR_TRY_H
#define STAGES_YEAR_TRY_H

#include <stdbool.h>

#include "stages/sink.h"
#include "stages/year.h"

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

struct patience {
	unsigned idle;   /* tries that brought no row */
	unsigned afresh; /* times the edition was begun afresh */
};

/* After a failed try: true with *again says try once more; true without: the year has its outcome.
 * False: the run must end. *error comes in with what failed. */
bool try_after_failure(
	struct try *try, struct patience *patience, bool *again, struct error *error);

/* Refuses the edition for its bytes or its rejects: the sink, the history and the ledger are told
 * `why`. */
bool try_refuse(struct try *try, const char *why, struct error *error);

/* Whether the spool's bytes are those that were fetched; year->spool_spoiled if not. */
bool try_spool_is_same(struct try *try, bool *same, struct error *error);

/* year_tell, of this try's edition. */
bool try_event(struct try *try, const char *kind, const char *why, struct error *error);

/* year_stage, with the time this year took so far. */
bool year_note_stage(
	struct year *year, const char *stage, const char *message, struct error *error);

#endif
