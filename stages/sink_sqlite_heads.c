#include "stages/sink_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stages_sql.h"

static void copy(char *to, size_t room, sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	snprintf(to, room, "%s", text != NULL ? text : "");
}

/* *told "": there is no such head. */
static bool find(sqlite3 *db, const struct history_head *head, char told[static SHA256_HEX],
	struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	told[0] = '\0';
	if (!sqlite_prepare(db, &statement, sql_sqlite_head_find, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, head->chain);
	sqlite3_bind_int64(statement, 2, head->number);
	bool done = sqlite_step(statement, &row, error);
	if (done && row)
		copy(told, SHA256_HEX, statement, 0);
	return sqlite_read_end(statement, error) && done;
}

static bool insert(sqlite3 *db, const struct history_head *head, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_head_add, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, head->chain);
	sqlite3_bind_int64(statement, 2, head->number);
	sqlite_bind_text(statement, 3, head->hash);
	sqlite_bind_text(statement, 4, head->why);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

static bool add_locked(sqlite3 *db, const struct history_head *head, struct error *error)
{
	char told[SHA256_HEX];
	if (!find(db, head, told, error))
		return false;
	if (told[0] == '\0')
		return insert(db, head, error);
	return strcmp(told, head->hash) == 0 ||
	       error_set(error, ERROR_REFUSED,
		       "%s was told another hash for event %" PRId64 " of this history (%s, ours "
		       "is %s): the ledger was rewritten, or an older copy of it was put back. "
		       "dvf-import history --verify says more",
		       sqlite3_db_filename(db, "main"), head->number, told, head->hash);
}

bool sqlite_head_add(struct sink *base, const struct history_head *head, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	bool done = sqlite_begin(sink->db, sink, error) && add_locked(sink->db, head, error);
	return sqlite_end(sink->db, done, error);
}

static bool read_heads(
	sqlite3_stmt *statement, sink_head_seen *seen, void *context, struct error *error)
{
	bool row = false;
	while (sqlite_step(statement, &row, error)) {
		struct history_head head = { .number = 0 };
		if (!row)
			return true;
		copy(head.chain, sizeof(head.chain), statement, 0);
		head.number = sqlite3_column_int64(statement, 1);
		copy(head.hash, sizeof(head.hash), statement, 2);
		copy(head.why, sizeof(head.why), statement, 3);
		copy(head.at, sizeof(head.at), statement, 4);
		if (!seen(context, &head, error))
			return false;
	}
	return false;
}

/* A file that an older version made, and no run of this one has taken since, has no such table. */
bool sqlite_heads(struct sink *base, sink_head_seen *seen, void *context, struct error *error)
{
	sqlite3 *db = ((struct sqlite_sink *)base)->db;
	sqlite3_stmt *statement = NULL;
	bool there = false;
	if (!sqlite_table_there(db, "dvf_import_history", &there, error))
		return false;
	if (!there)
		return true;
	bool done = sqlite_prepare(db, &statement, sql_sqlite_heads, NULL, error) &&
		    read_heads(statement, seen, context, error);
	sqlite3_finalize(statement);
	return done;
}
