/*
 * year.h: the way of one year from a whole spool to being served: load, index, check, publish.
 *
 * Every step can be said again: the sink remembers how far an edition is, and what was done is
 * found done.
 *
 * After a crash: the same call.  Threads: main.
 */
#ifndef STAGES_YEAR_H
#define STAGES_YEAR_H

#include <stdbool.h>

#include "stages/pipeline.h"

struct year {
	const struct pipeline_settings *settings;
	struct ledger *ledger;
	struct sink *sink;
	struct spool spool;     /* not used with copy_from */
	struct sink *copy_from; /* the year is copied from what this one serves; NULL: loaded from
				   the spool */
	const struct edition_memory *compare; /* the shrink guard compares with this; NULL: with
						 what the sink serves */
	bool fetched;                         /* by this run: its hash was taken a moment ago */
	bool may_refetch; /* the spool was put together by several runs: a verdict on it wants a
			     second look */
	struct year_progress *progress;
	void *context;
	void (*tick)(void *context);
	uint64_t started_ms, noted_ms; /* private */
	bool asked;                    /* private: to publish, and no answer came */
	bool retaken; /* out: the sink was lost and taken again; it may have come back without what
			 it had */
	bool spool_bad; /* out: refused for its bytes; kept, it would answer for the source for ever
			 */
	bool spool_spoiled; /* out: the spool's bytes are not those that were fetched; it must be
			       fetched again */
};

/* True: progress->outcome says how it ended, and state.message why if it is not in. False: the run
 * must end (ERROR_STOPPED, ERROR_FENCED, ERROR_LOST for good, the ledger's disk); the year is
 * unfinished. */
bool year_import(struct year *year, struct error *error);

/* To be called while year_import waits inside a sink: tells the ledger, four times a second at
 * most, how far the year is and that its time goes on. */
void year_note(struct year *year);

/* After ERROR_LOST. A server that comes and goes may be lost again while it is taken. */
bool year_take_again(struct sink *sink, struct error *error);

/* Sets the stage and message, in the progress and in the ledger. */
bool year_stage(struct ledger *ledger, struct year_progress *progress, const char *stage,
	const char *message, struct error *error);

/* The edition that a spool is. */
void year_edition(const struct spool *spool, struct edition *edition);

/* The source has what is served: sink->ops->confirm. Nothing hangs on it, so what only keeps it
 * from being done is told, and it is true then; false: ERROR_LOST, or the run must end. */
bool year_confirm(struct sink *sink, const struct edition *edition, struct error *error);

#endif
