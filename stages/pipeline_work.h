/*
 * pipeline_work.h: what the files of the pipeline share. Private to them.
 *
 *   pipeline.c        a run: years in turn, waits, the end
 *   pipeline_fetch.c  what is known of a year, what its source is asked, and what follows from the
 * answer
 */
#ifndef STAGES_PIPELINE_WORK_H
#define STAGES_PIPELINE_WORK_H

#include "stages/ahead.h"
#include "stages/pipeline.h"

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
	bool seen;    /* the history has its source's first answer to this run */
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

/* Looks back: what the witness and the ledger know of the year, before its source is asked. */
bool work_look_back(struct pipeline *pipeline, struct work *work, struct error *error);

/* Asks the source; the answer comes through work_pump. */
bool work_ask(struct pipeline *pipeline, struct work *work, struct error *error);

/* Takes what the fetch thread has to say, waiting up to wait_ms for a first word. */
bool work_pump(struct pipeline *pipeline, uint32_t wait_ms, struct error *error);

/* The spool turned out spoiled: it is dropped, and fetched again. */
bool work_refetch(struct pipeline *pipeline, struct work *work, struct error *error);

/* Removes the spool at hand, file and record. */
bool work_drop_spool(struct pipeline *pipeline, struct work *work, struct error *error);

void work_end(struct work *work, enum year_outcome outcome);

#endif
