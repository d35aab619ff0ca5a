/*
 * sink_postgres.h: what the PostgreSQL sink's files share. Private to them.
 *
 *   sink_postgres.c            take: what is missing is made
 *   sink_postgres_fence.c      the fence: taking it, transactions under it
 *   sink_postgres_look.c       connecting, who it is, what it serves
 *   sink_postgres_slot.c       live, staging and previous; how staging is made
 *   sink_postgres_views.c      dvf_sale and dvf_price_m2, comments
 *   sink_postgres_preflight.c  what is in the way: rights, what people made of dvf
 *   sink_postgres_witness.c    editions and what is remembered of them
 *   sink_postgres_index.c      indexes, several at once
 *   sink_postgres_publish.c    check, publish
 *   sink_postgres_vacuum.c     what makes a published year quick to read
 *   sink_postgres_load.c       a loader: chunks in, by binary COPY
 */
#ifndef STAGES_SINK_POSTGRES_H
#define STAGES_SINK_POSTGRES_H

#include "stages/pg.h"
#include "stages/sink.h"

#define POSTGRES_LEAST   130000 /* gen_random_uuid() in core */
#define SCHEMA_VERSION   1
#define EDITION_KEY      80     /* "2023-<sha256>" */
#define OWN_LOCK_TIMEOUT "5min" /* for our bookkeeping, where a waiting lock hinders nobody */
/* For dvf, where readers queue behind a lock that waits. Shorter than the server's deadlock_timeout
 * (1 s): pg_dump locks a year's table before dvf, and would be told of a deadlock, and end, where
 * we can give way. */
#define LOCK_TIMEOUT "700ms"

struct postgres_sink {
	struct sink base;
	struct pg pg;
	char oid[16];
	char system[24];
	char token[24]; /* ours */
	char asked[24]; /* the one asked for last: ours too if only the answer was lost; "": none */
	char replaced[24]; /* the one that was there before: who has it again is an older copy of
			      what we took, not a newer run's; "": none */
	char dvf[256];     /* schema.dvf, quoted */
	char schema[160];  /* of dvf, quoted */
	char database[PG_NAME_MAX + 1]; /* "": the one the conninfo names */
	int server_version;
	bool policies_told;             /* that no views are made because of them */
	struct postgres_vacuum *vacuum; /* under way; NULL: none */
};

/* What a connection found. */
struct postgres_identity {
	bool bookkeeping; /* every table of ours is there */
	bool begun;       /* at least those an older version made */
	bool dvf, schema, standby;
	char version[64];
	char encoding[32];
	char database[PG_NAME_MAX + 1];
};

/* Connects to the slot's database. */
bool postgres_connect(struct postgres_sink *sink, struct error *error);
/* Fills oid, system, schema and dvf. A database that is not the one asked for: ERROR_REFUSED. */
bool postgres_identity(
	struct postgres_sink *sink, struct postgres_identity *identity, struct error *error);
/* Once taken: a database that has its name now and is another is left as it is, ERROR_CHANGED. */
bool postgres_same_as_before(
	struct postgres_sink *sink, const struct postgres_identity *identity, struct error *error);
/* Connects and asks who it is; a staging database that is not there yet is made. Once taken, a
 * standby is waited for until it is the primary. */
bool postgres_connect_to_primary(
	struct postgres_sink *sink, struct postgres_identity *identity, struct error *error);
/* Makes the views over dvf that are missing, under the fence. Only a lost connection, a signal or
 * another run is an error. */
bool postgres_views(struct postgres_sink *sink, struct error *error);
bool postgres_may_write(const struct postgres_sink *sink, const struct postgres_identity *identity,
	struct error *error);
/* Whether text of every file fits into that database of that encoding; ERROR_REFUSED if not. */
bool postgres_encoding_serves(
	const char *encoding, const char *database, bool staging, struct error *error);
/* Copies a name; ERROR_REFUSED where it does not fit. */
bool postgres_text(char *to, size_t size, const char *from, struct error *error);

#define DATABASE_NAME_MOST 54 /* bytes of a database's name that has a staging one */
/* The database of a slot; for live the one the conninfo names. */
bool postgres_slot_database(const struct destination *destination, enum slot slot,
	char name[static PG_NAME_MAX + 1], struct error *error);
bool postgres_slot_name(struct postgres_sink *sink, struct error *error);
/* Makes the staging database like live; there already: fine. */
bool postgres_staging_create(struct postgres_sink *sink, struct error *error);
/* Before anything of ours is in it; connects again, as its settings may be new. */
bool postgres_staging_prepare(struct postgres_sink *sink, struct error *error);
bool postgres_staging_preflight(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error);

/* Names of one edition's things, ready for statement_make. */
struct edition_names {
	char key[EDITION_KEY];
	char year[8];
	char incoming[56];
	char chunk[56];
	struct sql_value values[10];
};

/* As format_type() in the server writes it: without the collation. */
const char *postgres_type_of(enum column_type type);
/* As CREATE TABLE dvf has it: with the collation. */
const char *postgres_made_as(enum column_type type);

void postgres_names(const struct postgres_sink *sink, const struct edition *edition,
	struct edition_names *names);

/* Takes the fence: chunk transactions of others have ended when this is true. */
bool postgres_take_fence(struct postgres_sink *sink, struct error *error);

/* Compares the token that a *_begin statement read with ours. ERROR_FENCED names who holds it. */
bool postgres_fence_holds(
	const struct postgres_sink *sink, const PGresult *result, struct error *error);

/* A transaction of the main connection, under the fence; `lock_timeout` "0": wait. */
bool postgres_begin(struct postgres_sink *sink, const char *lock_timeout, struct error *error);
bool postgres_commit(struct postgres_sink *sink, struct error *error);
/* The same on another connection to it; its thread is any. */
bool postgres_begin_on(
	struct postgres_sink *sink, struct pg *pg, const char *lock_timeout, struct error *error);
bool postgres_commit_on(struct pg *pg, struct error *error);

bool postgres_preflight(
	struct sink *sink, sink_finding *finding, void *context, struct error *error);
/* Finds obstacles to a publish; year "0": any. *count says how many were told. */
bool postgres_obstacles(struct postgres_sink *sink, const char *year, sink_finding *finding,
	void *context, unsigned *count, struct error *error);
/* ERROR_REFUSED names the first one. */
bool postgres_no_obstacles(struct postgres_sink *sink, const char *year, struct error *error);
/* Whether the columns of dvf still take what is sent in binary, or send what is taken so;
 * ERROR_REFUSED names the first that does not. */
bool postgres_columns_fit(struct postgres_sink *sink, struct error *error);

bool postgres_published(struct sink *sink, int year, struct edition_memory *memory, bool *found,
	struct error *error);
bool postgres_recall(struct sink *sink, const struct edition *edition,
	struct edition_memory *memory, bool *found, struct error *error);
bool postgres_begin_edition(struct sink *sink, const struct edition *edition, struct error *error);
bool postgres_forget(struct sink *sink, const struct edition *edition, struct error *error);
bool postgres_confirm(struct sink *sink, const struct edition *edition, struct error *error);
bool postgres_completed(struct sink *sink, const struct edition *edition, struct ranges *ranges,
	struct error *error);
bool postgres_beside(struct sink *sink, int year, const char *lives, struct error *error);
bool postgres_judge(struct sink *sink, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error);
/* In the transaction that is open: an edition's tables, empty; what was incoming of the year goes.
 */
bool postgres_make_room(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error);
/* Drops what an edition of a year has, in the transaction that is open. */
bool postgres_drop_edition(struct postgres_sink *sink, int year, const char *sha256,
	bool with_table, struct error *error);
/* The same for other editions of the year, unless they are served or a revert holds them. */
bool postgres_drop_others(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error);

bool postgres_index(struct sink *sink, const struct edition *edition, struct error *error);
bool postgres_check(struct sink *sink, const struct edition *edition, struct year_total *total,
	struct error *error);
bool postgres_publish(struct sink *sink, const struct edition *edition,
	const struct year_total *total, struct error *error);
bool postgres_drop_year(struct sink *sink, int year, struct error *error);
bool postgres_finish(struct sink *sink, struct error *error);

/* VACUUM (FREEZE, ANALYZE) of a year that was just published, beside whatever comes next; one that
 * cannot be done is told in the log and done by postgres_finish. */
void postgres_vacuum_begin(struct postgres_sink *sink, const struct edition_names *names);
/* Afterwards none is under way. */
void postgres_vacuum_wait(struct postgres_sink *sink);

/* sink_postgres_look.c, _copy.c, _heads.c, _rows.c, _kept.c, _mend.c */
bool postgres_look(struct sink *sink, bool *there, struct error *error);
bool postgres_years(struct sink *sink, struct served_years *served, struct error *error);
bool postgres_copy_year(struct sink *sink, struct sink *live, int year, struct edition *edition,
	struct year_total *total, struct error *error);
bool postgres_head_add(struct sink *sink, const struct history_head *head, struct error *error);
bool postgres_heads(struct sink *sink, sink_head_seen *seen, void *context, struct error *error);
bool postgres_rows_open(
	struct sink *sink, int year, struct row_reader **reader, struct error *error);
bool postgres_keys_open(
	struct sink *sink, int year, struct row_reader **reader, struct error *error);
bool postgres_chunks_open(struct sink *sink, const struct edition *edition,
	struct chunk_reader **reader, struct error *error);
bool postgres_kept_open(
	struct sink *sink, int year, struct kept_reader **reader, struct error *error);
bool postgres_mend(struct sink *sink, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error);

void postgres_place(struct sink *sink, struct sink_place *place); /* sink_postgres_place.c */
/* The binary COPY of rows into a table, and the whole of what goes with one row
 * (sink_postgres_load.c).
 */
bool postgres_copy_statement(struct buf *sql, const char *table, struct error *error);
bool postgres_copy_one(struct buf *out, const struct row *row, struct error *error);

bool postgres_loader_open(struct sink *sink, struct loader **loader, struct error *error);

#endif
