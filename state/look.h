/*
 * look.h: the ledger as it is shown: what serve, report and health tell people and programs.
 *
 * One short read transaction, into fixed room: the newest of everything, and how much was left out
 * where that matters. Works beside a run, with no ledger yet, and in a folder that may only be
 * read.
 *
 * Threads: any; the ledger is opened and closed inside.
 * Memory: a struct look is about 1 MiB, whatever the ledger holds; look_free.
 */
#ifndef STATE_LOOK_H
#define STATE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/error.h"
#include "state/ledger.h"

#define LOOK_RUNS         10
#define LOOK_OUTCOMES     8
#define LOOK_DESTINATIONS 8
#define LOOK_YEARS        32
#define LOOK_EVENTS       12
#define LOOK_REJECTS      20
#define LOOK_PLACES       2048
#define LOOK_FACTS        320

struct run_seen {
	int64_t id;
	char command[16]; /* run, or promote (which may be a revert) */
	char version[32], host[64];
	char started_at[32], ended_at[32]; /* "" : not ended, or killed */
	char outcome[16]; /* "": it is at work, or was killed and nobody noticed yet; "killed" */
	int exit_code;
	uint64_t peak_memory;
};

struct outcome_seen {
	char outcome[16];
	uint64_t runs;
	int64_t last_good_s, last_end_s; /* Unix time; 0: none */
};

struct year_seen {
	struct year_state state;
	char updated_at[32];
};

struct destination_seen {
	char uuid[40], kind[16], name[256];
	struct year_seen years[LOOK_YEARS];
	unsigned year_count;
};

struct event_seen {
	int64_t number, run;
	char at[32], kind[32];
	int year; /* 0: about none */
	char facts[LOOK_FACTS];
};

struct reject_seen {
	int year;
	uint64_t record, of; /* its number in the file; rejects of the year */
	char column[64], reason[160];
};

struct place_seen {
	uint64_t plain_first, plain_end, rejects;
};

/* What is loaded of a year, and where its rejects are. */
struct map_seen {
	int year;            /* 0: of none */
	uint64_t plain_size; /* of the file; 0: it was not read to its end yet */
	struct ranges ranges;
	struct place_seen places[LOOK_PLACES];
	unsigned place_count;
};

struct look {
	struct run_seen runs[LOOK_RUNS]; /* newest first */
	unsigned run_count;
	struct outcome_seen outcomes[LOOK_OUTCOMES];
	unsigned outcome_count;
	struct destination_seen destinations[LOOK_DESTINATIONS]; /* the last used first */
	unsigned destination_count;
	struct event_seen swaps[LOOK_EVENTS];  /* promotes and reverts, newest first */
	struct event_seen events[LOOK_EVENTS]; /* everything, newest first */
	unsigned swap_count, event_count;
	struct reject_seen rejects[LOOK_REJECTS];
	unsigned reject_count;
	struct map_seen map;
	int64_t sampled_run; /* whose samples these are */
	struct run_sample samples[LEDGER_SAMPLES_MOST];
	unsigned sample_count;
	uint64_t part_bytes; /* of downloads under way, as far as they are on disk */
	int64_t head;        /* number of the newest event */
	char head_hash[SHA256_HEX];
	bool locked; /* a run, promote or revert is at work on this state folder */
};

/* What the chain of the history is found to be. */
struct chain_seen {
	bool known; /* it was walked */
	bool whole;
	int64_t events;
	char problem[512]; /* not whole: the first event that does not fit */
};

/* Which map is wanted: of a year of the last used destination; 0: of the one being loaded, else of
 * the newest. */
struct look_wish {
	int map_year;
};

/* ERROR_REFUSED: there is no ledger yet, or one of another version. ERROR_DAMAGED, ERROR_BUSY ...:
 * as the ledger's. *look is to be freed in any case. */
bool look_take(struct look **look, const char *state_folder, const struct look_wish *wish,
	struct error *error);
void look_free(struct look *look); /* NULL is accepted */

/* Walks the chain of the history, in a read transaction of its own. A chain that does not hold is
 * told in *chain; one that cannot be read is not known. */
void look_chain(struct chain_seen *chain, const char *state_folder);

#endif
