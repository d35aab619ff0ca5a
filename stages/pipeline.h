/*
 * pipeline.h: a run. Wires the stages: fetch thread, and for each year in turn load, index, check,
 * publish.
 *
 * The only file that knows every stage. The main thread owns the ledger, the plan and the sink;
 * what the other threads have to say comes through one queue of events.
 *
 * After a crash: run it again (I6).  Threads: pipeline_run is called in the main thread.
 * Memory: as the plan says (plan.h); nothing grows with the year.
 */
#ifndef STAGES_PIPELINE_H
#define STAGES_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/fetch.h"
#include "stages/plan.h"
#include "stages/sink.h"
#include "stages/source.h"
#include "state/ledger.h"

struct lineage;

struct pipeline_settings {
	int years[YEARS_MAX];
	unsigned year_count; /* 0: those the source has, from the current year down to six before */
	struct sources sources;
	struct fetch_settings fetch;
	struct plan *plan; /* shrinks while the years are loaded */
	uint32_t chunk_rows;
	unsigned loaders;
	double max_rejects_share; /* of the records of a year; at least MAX_REJECTS_LEAST are
				     allowed */
	bool allow_shrink;
	bool release;      /* editions that a revert holds may be loaded again */
	bool then_promote; /* staging: promote at the end if all years are in and something changed
			    */
	int dropped[YEARS_MAX]; /* staging: years live serves that the next one shall not */
	unsigned dropped_count;
	struct lineage *lineage; /* NULL: none is wanted */
};

#define MAX_REJECTS_LEAST 10
#define SHRINK_SHARE      0.20

enum year_outcome {
	YEAR_UNFINISHED,  /* stopped, or not begun */
	YEAR_PUBLISHED,   /* by this run */
	YEAR_UNCHANGED,   /* was in already */
	YEAR_IN_BUT_GONE, /* is in; the source has it no more */
	YEAR_COPIED,      /* staging: by this run, from live */
	YEAR_READY,       /* loaded and checked, but something stood in the way of publishing it */
	YEAR_HELD,        /* the shrink guard */
	YEAR_REFUSED,     /* a verdict: too many rejects, corrupt */
	YEAR_FAILED,
};

/* A year as it moves; what `status` shows and the live line prints. */
struct year_progress {
	struct year_state state;
	enum year_outcome outcome;
	bool serving;         /* some edition of it is in dvf */
	uint64_t rows_now;    /* loaded by this run, for rows/s */
	uint64_t chunks_now;  /* the same */
	uint64_t load_ms;     /* time spent loading in this run */
	uint64_t peak_memory; /* highest resident set while it was loaded */
};

struct run_report {
	struct year_progress years[YEARS_MAX];
	unsigned count;
	char destination[256];
	char uuid[37];
	bool may_promote; /* staging: every year is in, and not all of it is what live serves */
	uint64_t elapsed_ms;
	uint64_t peak_memory;
};

/* Called in the main thread about four times a second and when a year changes its stage. */
typedef void pipeline_watch(void *context, const struct run_report *report);

/* Runs it. `live` is NULL, or what staging will replace: it is read, never written. True: every
 * year has an outcome in *report (they may have failed). False: the work could not start, or had to
 * end (stopped, fenced, the destination lost for good, the ledger's disk full); *report says how
 * far it came. */
bool pipeline_run(const struct pipeline_settings *settings, struct ledger *ledger,
	struct sink *sink, struct sink *live, pipeline_watch *watch, void *context,
	struct run_report *report, struct error *error);

/* Whether the year is in, by whatever way. */
bool outcome_is_in(enum year_outcome outcome);

/* The contract's exit code for a report (DESIGN section 7). */
int pipeline_exit_code(const struct run_report *report, const struct error *error);

const char *year_outcome_word(enum year_outcome outcome);

#endif
