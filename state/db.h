/*
 * db.h: one SQLite file, thinly wrapped: prepared statements, values in, values out, transactions.
 *
 * Every error says the file and what was being done. Kinds: the disk is full ERROR_FULL, memory
 * ERROR_MEMORY, somebody else has it ERROR_BUSY (after 5 s of waiting), the file is damaged or not
 * a database ERROR_DAMAGED, the rest ERROR_SYSTEM.
 *
 * After a crash: what was committed is there (WAL); with db_durable also after a power cut.
 * Threads: a db belongs to one thread at a time.
 * Memory: a page cache of 2 MiB and at most DB_QUERIES_KEPT prepared statements.
 *
 * The file is never opened beside its handle: closing any descriptor of it would drop SQLite's
 * locks.
 */
#ifndef STATE_DB_H
#define STATE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"

#define DB_QUERIES_KEPT 48

struct db;
struct db_query;

enum db_mode {
	DB_WRITE, /* the file is there; it is checked (integrity_check) and set to WAL */
	DB_READ,  /* read only, beside a writer */
};

/* How many bytes a sort may keep in memory before it goes on in a file, for every SQLite file of
 * the process. Before the first of them is opened; later it has no effect. */
void db_sort_memory(uint64_t bytes);

/* errno of the last read or write that failed, of the file or of its log (WAL or journal), by
 * SQLite's own handle; 0: none has. SQLite's result codes do not always tell. */
struct sqlite3;
int db_file_errno(struct sqlite3 *handle, bool log);

bool db_open(struct db **db, const char *path, enum db_mode mode, struct error *error);
void db_close(struct db *db); /* NULL is accepted */

/* Whether a commit waits until it is on disk. Not inside a transaction. */
bool db_durable(struct db *db, bool durable, struct error *error);

bool db_begin(struct db *db, struct error *error); /* takes the write lock */
bool db_commit(struct db *db, struct error *error);
void db_rollback(struct db *db); /* nothing to roll back is fine */

/* Statements without values and without answers, as many as the text holds. `doing` is for the
 * error: "opening", "recording a point". */
bool db_execute(struct db *db, const char *sql, const char *doing, struct error *error);

/* A query of one statement. `sql` is a constant: its address is the key under which the prepared
 * statement is kept for the next time. End it with db_run or db_end. */
bool db_prepare(struct db *db, const char *sql, const char *doing, struct db_query **query,
	struct error *error);

/* Values for ?1, ?2, ... They must stay until the query ends. What goes wrong is said by db_step or
 * db_run. */
void db_bind_number(struct db_query *query, int at, int64_t number);
void db_bind_size(struct db_query *query, int at, uint64_t size);    /* below 2^63 */
void db_bind_text(struct db_query *query, int at, const char *text); /* NULL: null; bytes that are
									not UTF-8 become '?' */
void db_bind_blob(struct db_query *query, int at, const void *bytes, size_t size); /* NULL: null */

/* *row: a row is there to be read, until the next step. */
bool db_step(struct db_query *query, bool *row, struct error *error);
/* Steps to the end, whatever it answers, and ends the query. */
bool db_run(struct db_query *query, struct error *error);
/* Steps once for the one row wanted; no row is ERROR_DAMAGED. The query must still be ended. */
bool db_one(struct db_query *query, struct error *error);
void db_end(struct db_query *query); /* NULL is accepted */

/* Columns of the row, from 0. */
bool db_is_null(struct db_query *query, int column);
int64_t db_number(struct db_query *query, int column);
uint64_t db_size(struct db_query *query, int column);
const char *db_text(
	struct db_query *query, int column); /* until the next step; NULL: null, or no memory */
size_t db_bytes(struct db_query *query, int column); /* length of the text or blob */
const void *db_blob(struct db_query *query, int column);
void db_copy(struct db_query *query, int column, char *to, size_t room); /* as text, "" for null */

#endif
