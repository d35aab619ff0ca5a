/*
 * db_private.h: what the files of the wrapper round SQLite share with each other, and nobody else.
 *
 *   db.c        the file: opened, checked, closed; its transactions; what SQLite's errors mean
 *   db_query.c  prepared queries: kept for the next time, values in, values out
 *
 * Errors: what SQLite answers becomes a kind and a text in db.c only; db.h names the kinds.
 *
 * Threads: a db belongs to one thread at a time, and its queries with it.
 * Memory: a kept query lives in its db until db_close; one for which there was no place is
 * allocated by db_prepare and freed by db_end.
 */
#ifndef STATE_DB_PRIVATE_H
#define STATE_DB_PRIVATE_H

#include <sqlite3.h>

#include "state/db.h"

struct db_query {
	struct db *db;
	sqlite3_stmt *statement;
	const char *sql;
	const char *doing;
	int bound; /* the first bind that failed, or SQLITE_OK */
	bool kept;
	bool in_use;
};

struct db {
	sqlite3 *handle;
	char *path;
	struct db_query kept[DB_QUERIES_KEPT];
	unsigned kept_count;
};

/* What SQLite answered to a call on this db, as an error. Where a read or a write failed and SQLite
 * kept no reason, errno is taken for it. Returns false. */
bool db_failed(struct db *db, int code, const char *doing, struct error *error);

/* The same for a statement that was not taken. Our statements are right, so SQLITE_ERROR means a
 * schema that cannot be understood: ERROR_DAMAGED. */
bool db_refused(struct db *db, int code, const char *doing, struct error *error);

/* How the text of such an error ends: "; " and what to do about it, or "". Constant. */
const char *db_remedy(enum error_kind kind, int code);

#endif
