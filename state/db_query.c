#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/db_private.h"
#include "state/utf8.h"

/* The place of a query: one that is kept, a free place to keep it, or a place of its own. */
static struct db_query *place_for(struct db *db, const char *sql)
{
	for (unsigned i = 0; i < db->kept_count; i++)
		if (db->kept[i].sql == sql && !db->kept[i].in_use)
			return &db->kept[i];
	if (db->kept_count == DB_QUERIES_KEPT)
		return calloc(1, sizeof(struct db_query));
	struct db_query *query = &db->kept[db->kept_count];
	*query = (struct db_query){ .kept = true };
	return query;
}

bool db_prepare(struct db *db, const char *sql, const char *doing, struct db_query **out,
	struct error *error)
{
	*out = NULL;
	struct db_query *query = place_for(db, sql);
	if (query == NULL) {
		error_memory(error, "a statement");
		return false;
	}
	if (query->statement == NULL) {
		int code = sqlite3_prepare_v3(db->handle, sql, -1,
			query->kept ? SQLITE_PREPARE_PERSISTENT : 0, &query->statement, NULL);
		if (code != SQLITE_OK) {
			db_refused(db, code, doing, error);
			if (!query->kept)
				free(query);
			return false;
		}
		query->db = db;
		query->sql = sql;
		db->kept_count += query->kept;
	}
	query->doing = doing;
	query->bound = SQLITE_OK;
	query->in_use = true;
	*out = query;
	return true;
}

static void note_bind(struct db_query *query, int code)
{
	if (query->bound == SQLITE_OK)
		query->bound = code;
}

void db_bind_number(struct db_query *query, int at, int64_t number)
{
	note_bind(query, sqlite3_bind_int64(query->statement, at, number));
}

void db_bind_size(struct db_query *query, int at, uint64_t size)
{
	if (size > INT64_MAX)
		note_bind(query, SQLITE_TOOBIG);
	else
		db_bind_number(query, at, (int64_t)size);
}

/* A message cut in the middle of a character, or a server's Latin-1, must not make the JSON
 * invalid. */
void db_bind_text(struct db_query *query, int at, const char *text)
{
	if (text == NULL || text[utf8_size(text)] == '\0') {
		note_bind(query, sqlite3_bind_text(query->statement, at, text, -1, SQLITE_STATIC));
		return;
	}
	char *copy = strdup(text);
	if (copy == NULL) {
		note_bind(query, SQLITE_NOMEM);
		return;
	}
	for (size_t bad = utf8_size(copy); copy[bad] != '\0'; bad += utf8_size(copy + bad))
		copy[bad] = '?';
	note_bind(query, sqlite3_bind_text(query->statement, at, copy, -1, free));
}

void db_bind_blob(struct db_query *query, int at, const void *bytes, size_t size)
{
	note_bind(query, sqlite3_bind_blob64(query->statement, at, bytes, size, SQLITE_STATIC));
}

bool db_step(struct db_query *query, bool *row, struct error *error)
{
	*row = false;
	if (query->bound != SQLITE_OK)
		return db_failed(query->db, query->bound, query->doing, error);
	errno = 0;
	int code = sqlite3_step(query->statement);
	*row = code == SQLITE_ROW;
	return *row || code == SQLITE_DONE || db_failed(query->db, code, query->doing, error);
}

bool db_run(struct db_query *query, struct error *error)
{
	bool row;
	bool done;
	do {
		done = db_step(query, &row, error);
	} while (done && row);
	db_end(query);
	return done;
}

bool db_one(struct db_query *query, struct error *error)
{
	bool row;
	if (!db_step(query, &row, error))
		return false;
	return row ||
	       error_set(error, ERROR_DAMAGED, "%s: %s: a row that must be there is missing%s",
		       query->db->path, query->doing, db_remedy(ERROR_DAMAGED, SQLITE_CORRUPT));
}

void db_end(struct db_query *query)
{
	if (query == NULL)
		return;
	sqlite3_reset(query->statement);
	sqlite3_clear_bindings(query->statement);
	query->in_use = false;
	if (!query->kept) {
		sqlite3_finalize(query->statement);
		free(query);
	}
}

bool db_is_null(struct db_query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int64_t db_number(struct db_query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

uint64_t db_size(struct db_query *query, int column)
{
	int64_t number = db_number(query, column);
	return number > 0 ? (uint64_t)number : 0;
}

const char *db_text(struct db_query *query, int column)
{
	return (const char *)sqlite3_column_text(query->statement, column);
}

size_t db_bytes(struct db_query *query, int column)
{
	return (size_t)sqlite3_column_bytes(query->statement, column);
}

const void *db_blob(struct db_query *query, int column)
{
	return sqlite3_column_blob(query->statement, column);
}

void db_copy(struct db_query *query, int column, char *to, size_t room)
{
	const char *text = db_text(query, column);
	snprintf(to, room, "%s", text != NULL ? text : "");
}
