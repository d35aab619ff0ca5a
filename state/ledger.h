/*
 * ledger.h: what we remember, in state.sqlite.
 *
 * The ledger may lag behind the destination's witness, never lead it; where they differ the witness
 * wins (ARCHITECTURE.md, I1). It can be deleted at any time: a run makes a new one and rebuilds
 * what it needs.
 *
 * After a crash: each call is one transaction, WAL, synchronous=NORMAL; "durable" ones are FULL.
 *
 * Threads: one writer; a `struct ledger` belongs to the thread that opened it. Readers in other
 * processes (status, history, serve) open their own with ledger_open_reader.
 *
 * Memory: fixed (page cache 2 MiB); nothing grows with the years or the rows.
 */
#ifndef STATE_LEDGER_H
#define STATE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/buf.h"
#include "state/base/error.h"
#include "state/edition.h"
#include "state/head.h"
#include "state/point.h"

#define LEDGER_FILE "state.sqlite"

struct ledger;

/* Opens or makes <folder>/state.sqlite (mode 0600) and brings its schema up to date. A file that is
 * not a database, fails `PRAGMA integrity_check` or has not the schema we made is set aside as
 * state.sqlite.broken-<n> and a new one begun; then *repaired is true and an event says so. A newer
 * schema version: ERROR_REFUSED, nothing changed. <folder>/ballast, 1 MiB, is made where there is
 * room and given up when the disk is full, so that the end of the run can still be recorded. */
bool ledger_open(struct ledger **ledger, const char *folder, bool *repaired, struct error *error);

/* For reading beside a running import. ERROR_REFUSED when there is none yet. */
bool ledger_open_reader(struct ledger **ledger, const char *folder, struct error *error);

/* Ends it; NULL is accepted. */
void ledger_close(struct ledger *ledger);

/* Runs and destinations (ledger_run.c). */

/* Records that a run has started; runs that never ended are closed as "killed" with an event.
 * `settings` is a JSON object without secrets. Everything recorded later belongs to this run. */
bool ledger_run_begin(struct ledger *ledger, const char *version, const char *host,
	const char *settings, struct error *error);

/* Durable. `outcome` is one word: done, partial, failed, refused, stopped. `why`: the error that
 * ended it, or NULL. */
bool ledger_run_end(struct ledger *ledger, const char *outcome, int exit_code, uint64_t peak_memory,
	const char *why, struct error *error);

/* Says which destination (its UUID) what follows is about. `name` is for people: no password in it.
 * *known tells whether the ledger had seen it before. */
bool ledger_destination(struct ledger *ledger, const char *uuid, const char *kind, const char *name,
	bool *known, struct error *error);

/* A destination has another name now, after a promote or revert. What had the name before made room
 * for it and is forgotten. What follows is not about it because of this. */
bool ledger_destination_moved(struct ledger *ledger, const char *uuid, const char *kind,
	const char *name, struct error *error);

/* Parts and spools (ledger_work.c), points and ranges (ledger_range.c). */

bool ledger_part_get(struct ledger *ledger, int year, const char *url, struct part *part,
	bool *found, struct error *error);
bool ledger_part_put(struct ledger *ledger, const struct part *part, struct error *error);
bool ledger_part_drop(struct ledger *ledger, int year, const char *url, struct error *error);

bool ledger_spool_get(struct ledger *ledger, int year, const char *url, struct spool *spool,
	bool *found, struct error *error);
/* Durable. In one transaction: the spool is known, the part of the same source is not any more,
 * points of other editions of this source are dropped. */
bool ledger_spool_put(struct ledger *ledger, const struct spool *spool, struct error *error);
bool ledger_spool_drop(struct ledger *ledger, int year, const char *url, struct error *error);
/* Whether a spool that is there is called so. */
bool ledger_spool_named(struct ledger *ledger, const char *file, bool *named, struct error *error);
bool ledger_spool_verified(
	struct ledger *ledger, const char *sha256, uint64_t plain_size, struct error *error);
typedef bool ledger_spool_seen(void *context, const struct spool *spool, struct error *error);
bool ledger_spools(
	struct ledger *ledger, ledger_spool_seen *seen, void *context, struct error *error);

/* Points of an edition; adding one that is there changes nothing. */
bool ledger_point_add(
	struct ledger *ledger, const char *sha256, const struct point *point, struct error *error);
/* The last one with point.plain <= plain. The caller frees it with point_free. */
bool ledger_point_nearest(struct ledger *ledger, const char *sha256, uint64_t plain,
	struct point *point, bool *found, struct error *error);
bool ledger_points_drop(struct ledger *ledger, const char *sha256, struct error *error);

/* Completed ranges of an edition in the current destination. `add` merges with those it touches;
 * where it overlaps or its record number does not fit: ERROR_INPUT, nothing changed (then read the
 * witness). `replace` takes the witness's word. `get` gives *ranges anew; ERROR_INPUT there, too,
 * means: take the witness's word. */
bool ledger_range_add(
	struct ledger *ledger, const char *sha256, const struct range *range, struct error *error);
bool ledger_ranges_replace(struct ledger *ledger, const char *sha256, const struct ranges *ranges,
	struct error *error);
bool ledger_ranges_get(
	struct ledger *ledger, const char *sha256, struct ranges *ranges, struct error *error);

/* Where the years stand (ledger_year.c). */

struct year_state {
	int year;
	char stage[16];                    /* a word of stage.h */
	char sha256[SHA256_HEX];           /* the edition in work or in, "" before it is known */
	uint64_t packed_done, packed_size; /* bytes fetched, of how many (0: not known) */
	uint64_t plain_done, plain_size;   /* bytes loaded, of how many (0: not known yet) */
	uint64_t rows, rejects;
	uint64_t elapsed_ms; /* in this run */
	char message[512];   /* the error or verdict, "" otherwise */
};

/* Records where a year stands in the current destination. */
bool ledger_year_put(struct ledger *ledger, const struct year_state *state, struct error *error);
/* The same, where it can be missed: the ballast is not given up for it. */
bool ledger_year_note(struct ledger *ledger, const struct year_state *state, struct error *error);
/* The year was never in, and nothing is to be told of it any more. */
bool ledger_year_drop(struct ledger *ledger, int year, struct error *error);
typedef bool ledger_year_seen(void *context, const char *destination_name,
	const struct year_state *state, const char *updated_at, struct error *error);
/* Every year of every destination, or of the one named by `uuid` (NULL: all), newest destination
 * first. */
bool ledger_years(struct ledger *ledger, const char *uuid, ledger_year_seen *seen, void *context,
	struct error *error);
/* The same and the last run as one JSON object: "schema": 1; "run": null or an object of id,
 * version, host, settings, started_at, ended_at, outcome, exit_code, peak_memory; "destinations": a
 * list of uuid, kind, name and "years", a list of the fields of year_state and updated_at. A run
 * whose outcome is null is running, or was killed and nobody noticed yet; of a "killed" one
 * ended_at and what goes with it are null. */
bool ledger_status_json(struct ledger *ledger, struct buf *json, struct error *error);

/* The last writing failed, whatever it was. */
bool ledger_is_failing(const struct ledger *ledger);

/* Samples (ledger_sample.c): how a run goes over its time, to be shown. They can be missed: the
 * ballast is not given up for one. */

#define LEDGER_SAMPLES_MOST 480 /* of a run */

struct run_sample {
	uint64_t at_ms;        /* since the run began */
	uint64_t rows;         /* loaded by this run so far */
	uint64_t memory;       /* resident, bytes */
	uint64_t memory_limit; /* bytes */
};

bool ledger_sample_put(struct ledger *ledger, const struct run_sample *sample, struct error *error);
/* Of this run only those stay whose at_ms is a multiple. */
bool ledger_samples_thin(struct ledger *ledger, uint64_t every_ms, struct error *error);
/* Those of runs before the last few go. */
bool ledger_samples_forget(struct ledger *ledger, struct error *error);

/* History (ledger_history.c). */

/* One name and value of an event. */
struct field {
	const char *name;
	enum { FIELD_TEXT, FIELD_NUMBER, FIELD_JSON } type;
	const char *text; /* FIELD_TEXT, or FIELD_JSON: a JSON value as it is; NULL: null */
	int64_t number;   /* FIELD_NUMBER */
};
#define FIELD_T(n, t) ((struct field){ .name = (n), .type = FIELD_TEXT, .text = (t) })
#define FIELD_J(n, t) ((struct field){ .name = (n), .type = FIELD_JSON, .text = (t) })
#define FIELD_N(n, v) ((struct field){ .name = (n), .type = FIELD_NUMBER, .number = (int64_t)(v) })

/* Appends an event: its body is a JSON object made of the fields, its hash the SHA-256 over the
 * stored bytes (number, time, run, kind, year, body) and the hash of the one before. UPDATE and
 * DELETE of events are refused by triggers. `year` 0: about no year. The ledger itself adds "run
 * started" (version, host, settings), "run ended" (outcome, exit_code, peak_memory), "run killed"
 * (started_at; of the killed run) and "state repaired" (set_aside, reason). */
bool ledger_event(struct ledger *ledger, const char *kind, int year, const struct field *fields,
	unsigned count, struct error *error);

struct event_filter {
	int year;      /* 0: any */
	int64_t run;   /* 0: any */
	int64_t limit; /* 0: all; the newest that many */
};
struct event {
	int64_t number, run;
	int year;
	const char *at, *kind, *body, *hash;
};
typedef bool ledger_event_seen(void *context, const struct event *event, struct error *error);
/* Oldest first. */
bool ledger_events(struct ledger *ledger, const struct event_filter *filter,
	ledger_event_seen *seen, void *context, struct error *error);
/* {"schema":1,"events":[{"number","at","run" or null,"kind","year" or null,"body":{},"hash"}]},
 * oldest first. The caller sets the limit of *json: an event is some hundred bytes. */
bool ledger_history_json(struct ledger *ledger, const struct event_filter *filter, struct buf *json,
	struct error *error);

/* Walks the chain. True: whole, *count events. False with ERROR_INPUT: the text names the first
 * event that does not fit. */
bool ledger_history_verify(struct ledger *ledger, int64_t *count, struct error *error);

/* Heads (ledger_head.c): how far the history goes, and what it says of heads that destinations were
 * told. All but ledger_head work with a reader's ledger, too. */

/* The newest event and its chain, once everything up to it is on disk; number 0: no event yet. `at`
 * and `why` are the caller's. */
bool ledger_head(struct ledger *ledger, struct history_head *head, struct error *error);

/* The stored hash of an event. */
bool ledger_event_hash(struct ledger *ledger, int64_t number, char hash[static SHA256_HEX],
	bool *found, struct error *error);

/* A new chain id, for an event "history is behind" or "history differs" to put into its field
 * `begins`: heads from that event on are told under it. */
bool ledger_chain_new(struct ledger *ledger, char chain[static 33], struct error *error);

/* What our history has to do with a chain. */
struct chain_known {
	bool ours;
	int64_t first, last; /* ours: the events that stand in it; last INT64_MAX: to the end */
	int64_t noted_by;    /* the event that names a head of it as known; 0: none */
	int64_t noted;       /* the furthest such head: its number and hash */
	char noted_hash[SHA256_HEX];
};
bool ledger_chain(
	struct ledger *ledger, const char *chain, struct chain_known *known, struct error *error);

/* Whether an event "history differs" names this head. */
bool ledger_difference_noted(
	struct ledger *ledger, const struct history_head *head, bool *noted, struct error *error);

/* Whether the newest event about what this destination serves of a year is about this edition. */
bool ledger_published_last(struct ledger *ledger, const char *uuid, int year, const char *sha256,
	bool *told, struct error *error);

/* Whether an event says that a year was published to this destination. */
bool ledger_published_to(
	struct ledger *ledger, const char *uuid, bool *published, struct error *error);

#endif
