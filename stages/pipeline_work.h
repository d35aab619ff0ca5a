/*
 * pipeline_work.h: what the files of the pipeline share. Private to them.
 *
 *   pipeline.c        a run: its years, what is shown while it waits, the end
 *   pipeline_look.c   what is known of a year, and what its source is to be asked
 *   pipeline_fetch.c  what follows from the source's answer
 *   pipeline_import.c  the years in turn, and each one's way into the sink
 *   pipeline_staging.c  the years staging must have, what live serves of them, and what is copied
 *                     from there
 */
#ifndef STAGES_PIPELINE_WORK_H
#define STAGES_PIPELINE_WORK_H

#include "stages/ahead.h"
#include "stages/pipeline.h"
#include "stages/sampling.h"

#define PUMP_MS 100 /* how long a first word of the fetch thread is waited for */

enum turn {
	TURN_FETCH,    /* asked; its answer is awaited */
	TURN_ANSWERED, /* it gets no new spool; what follows may ask a destination */
	TURN_IMPORT,   /* its spool is whole */
	TURN_COPY,     /* staging: what live serves is what it is to have */
	TURN_ENDED,
};

/* A year in this run. */
struct work {
	struct year_progress *progress;
	struct ahead_task task;
	enum turn turn;
	bool refresh;  /* the spool at hand is imported first; then the source is asked */
	bool confirm;  /* it is imported if the source says that it has no newer one */
	bool imported; /* it has an outcome of this run, which a later answer of the source does not
			  change */
	bool asked_for; /* by name, not as one of the default years */
	unsigned refetched;
	bool has_spool;
	bool fetched; /* by this run */
	bool seen;    /* the history has its source's first answer to this run */
	struct spool spool;
	bool copy_if_same; /* what the source is asked about is live's, and staging lacks it */
	bool reverted;     /* staging: a revert holds the edition, */
	bool kept_live;    /* and it has what live serves instead */
	struct edition_memory served; /* what the sink serves, if progress->serving */
	bool in_live;                 /* staging: live serves the year, */
	struct edition_memory lives;  /* as this */
};

struct year;

struct pipeline {
	const struct pipeline_settings *settings;
	struct ledger *ledger;
	struct sink *sink;
	struct sink *live; /* NULL: the run is not a staging one */
	bool live_there;   /* there is a live destination */
	bool taken; /* the sink is; a staging one is not made before something is to go into it */
	pipeline_watch *watch;
	void *watch_context;
	struct run_report *report;
	struct ahead ahead;
	struct work *works;
	unsigned count;
	struct year *importing; /* the year that is inside year_import, or NULL */
	uint64_t started_ms, watched_ms;
	struct sampling sampling;
	struct error pump_error; /* the ledger failed inside a tick; told at the next chance */
	bool changed;
	bool retaken; /* the sink was lost and came back: years that were in may not be any more */
};

/* Looks back: what the witness and the ledger know of the year, before its source is asked. */
bool work_look_back(struct pipeline *pipeline, struct work *work, struct error *error);

/* Asks the source; the answer comes through work_pump. */
bool work_ask(struct pipeline *pipeline, struct work *work, struct error *error);

/* Takes what the fetch thread has to say, waiting up to wait_ms for a first word. It may be called
 * inside a call of a sink (pipeline_tick), so nothing in it asks one. */
bool work_pump(struct pipeline *pipeline, uint32_t wait_ms, struct error *error);

/* What follows from an answer that brought no new spool. */
bool work_answered(struct pipeline *pipeline, struct work *work, struct error *error);

/* The spool turned out spoiled: it is dropped, and fetched again. */
bool work_refetch(struct pipeline *pipeline, struct work *work, struct error *error);

/* Removes the spool at hand, file and record. */
bool work_drop_spool(struct pipeline *pipeline, struct work *work, struct error *error);

/* Years that had an outcome and are not served any more, because the server that came back was put
 * back to an older copy or is another that was behind: they are imported or fetched again. */
bool work_look_again(struct pipeline *pipeline, struct error *error);

void work_end(struct work *work, enum year_outcome outcome);

/* A default year that the source does not have, and that is not served either: no failure. */
bool work_is_absent(const struct work *work);

/* Records where a year stands, once the destination is known. */
bool work_stage(struct pipeline *pipeline, struct work *work, const char *stage,
	const char *message, struct error *error);

/* A year that nothing is done for at the moment: published if it is served, else at that stage. */
bool work_rests(
	struct pipeline *pipeline, struct work *work, const char *stage, struct error *error);

/* Takes the sink, unless it is taken. */
bool pipeline_take(struct pipeline *pipeline, struct error *error);

/* The tick of sinks and years; context is the pipeline. Hears the fetch thread and shows where the
 * run stands. */
void pipeline_tick(void *context);

/* Takes the years in turn until none is left. False: the run must end; pump_error, if it is set, is
 * the reason, else *error. */
bool pipeline_go_through(struct pipeline *pipeline, struct error *error);

/* --- staging (pipeline_staging.c) --- */

/* Looks at live, and takes staging if it is there already or is certain to be needed. */
bool staging_begin(struct pipeline *pipeline, struct error *error);

/* Given up by --drop-year. */
bool staging_drops(const struct pipeline *pipeline, int year);

/* Adds the years that live serves to those asked for. */
bool staging_years(
	struct pipeline *pipeline, int *years, unsigned *count, unsigned most, struct error *error);

/* Fills in_live and lives. */
bool staging_look_back(struct pipeline *pipeline, struct work *work, struct error *error);

/* True: that edition of the year is what live serves. */
bool staging_is_live(const struct work *work, const char *sha256);

/* *held: a revert holds the edition for live; the year has its outcome then. */
bool staging_held(struct pipeline *pipeline, struct work *work, const char *sha256, bool *held,
	struct error *error);

/* Remembers in staging beside what of live the year is what staging is to have, if that is known.
 */
bool staging_beside(struct pipeline *pipeline, const struct work *work, struct error *error);

/* True: live has got another edition since staging's was put beside what it served. */
bool staging_overtaken(const struct work *work);

/* A year whose turn is to be copied, when nothing else is left to do; NULL: none. */
struct work *staging_next_copy(struct pipeline *pipeline);

/* Asks the sources of the years that are in once more. */
bool staging_ask_again(struct pipeline *pipeline, struct error *error);

/* *may: every year is in, and what staging serves is not what live serves. */
bool staging_may_promote(struct pipeline *pipeline, bool *may, struct error *error);

#endif
