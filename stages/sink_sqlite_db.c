#include "stages/sink_sqlite.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stages_sql.h"
#include "state/base/stop.h"

#define TICK_MS      200
#define CACHE_BYTES  ((uint64_t)4 << 20) /* where nobody says how much */
#define WAIT_STEP_MS 20
#define PROGRESS_OPS 50000 /* a few milliseconds of SQLite's virtual machine */

static void tick(struct sqlite_wait *wait)
{
	uint64_t now = clock_ms();
	if (!wait->ticks || wait->sink->tick == NULL || now < wait->ticked_ms + TICK_MS)
		return;
	wait->ticked_ms = now;
	wait->sink->tick(wait->sink->tick_context);
}

static int on_busy(void *context, int times)
{
	struct sqlite_wait *wait = context;
	if (times == 0)
		wait->began_ms = clock_ms();
	tick(wait);
	if (clock_ms() - wait->began_ms >= (uint64_t)wait->sink->destination.wait_s * 1000)
		return 0;
	return stop_sleep(WAIT_STEP_MS);
}

static int on_progress(void *context)
{
	tick(context);
	return stop_requested();
}

static bool folder_is_there(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		return true;
	slash[slash == folder] = '\0';
	return euidaccess(folder, W_OK) == 0;
}

static bool open_failed(sqlite3 *db, const char *path, int code, struct error *error)
{
	if (db == NULL)
		return error_memory(error, "an SQLite connection");
	if ((code & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(db) == ENOENT &&
		folder_is_there(path))
		return sqlite_no_descriptor(path, error);
	sqlite_failed(db, code, error);
	return error_where(error, "cannot open %s", path);
}

bool sqlite_open(sqlite3 **db, struct sqlite_wait *wait, int flags, struct error *error)
{
	return sqlite_open_at(db, wait, wait->sink->destination.url, flags, error);
}

bool sqlite_open_at(
	sqlite3 **db, struct sqlite_wait *wait, const char *path, int flags, struct error *error)
{
	int code = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	bool only_read = code == SQLITE_OK && (flags & SQLITE_OPEN_READWRITE) != 0 &&
			 sqlite3_db_readonly(*db, "main") == 1 && euidaccess(path, W_OK) == 0;
	if (code != SQLITE_OK || only_read) {
		if (only_read)
			sqlite_no_descriptor(path, error);
		else
			open_failed(*db, path, code, error);
		sqlite3_close(*db);
		*db = NULL;
		return false;
	}
	sqlite3_extended_result_codes(*db, 1);
	sqlite3_busy_handler(*db, on_busy, wait);
	if (wait->ticks)
		sqlite3_progress_handler(*db, PROGRESS_OPS, on_progress, wait);
	return true;
}

bool sqlite_prepare(sqlite3 *db, sqlite3_stmt **statement, const char *sql,
	const struct sql_value *values, struct error *error)
{
	struct buf made = { 0 };
	*statement = NULL;
	if (db == NULL)
		return error_set(error, ERROR_LOST, "the SQLite file is not open");
	if (values != NULL && !statement_make(&made, sql, values, error)) {
		buf_free(&made);
		return false;
	}
	errno = 0;
	int code = sqlite3_prepare_v3(db, values != NULL ? made.bytes : sql, -1,
		SQLITE_PREPARE_PERSISTENT, statement, NULL);
	buf_free(&made);
	return code == SQLITE_OK || sqlite_failed(db, code, error);
}

bool sqlite_step(sqlite3_stmt *statement, bool *row, struct error *error)
{
	errno = 0;
	int code = sqlite3_step(statement);
	while (code == SQLITE_ROW && row == NULL)
		code = sqlite3_step(statement);
	if (row != NULL)
		*row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE ||
	       sqlite_failed(sqlite3_db_handle(statement), code, error);
}

bool sqlite_read_end(sqlite3_stmt *statement, struct error *error)
{
	return (sqlite3_finalize(statement) & 0xff) != SQLITE_NOMEM ||
	       error_memory(error, "SQLite");
}

bool sqlite_run(sqlite3 *db, const char *sql, const struct sql_value *values, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool done = sqlite_prepare(db, &statement, sql, values, error) &&
		    sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_run_for(sqlite3 *db, const char *sql, int64_t id, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, id);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

void sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static bool fence_holds(sqlite3 *db, sqlite3_stmt *statement, struct error *error)
{
	bool row = false;
	if (!sqlite_step(statement, &row, error))
		return false;
	if (!row || sqlite3_column_int(statement, 0) == 0)
		return error_set(error, ERROR_LOST,
			"%s is another database than the one this run began with",
			sqlite3_db_filename(db, "main"));
	if (sqlite3_column_int(statement, 1) == 0)
		return error_set(error, ERROR_FENCED,
			"another run (%s) has taken %s over: let it end, this one stops",
			(const char *)sqlite3_column_text(statement, 2),
			sqlite3_db_filename(db, "main"));
	return true;
}

static bool fence_read(sqlite3 *db, const struct sqlite_sink *sink, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_fence, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, sink->sink.uuid);
	sqlite_bind_text(statement, 2, sink->token);
	bool done = fence_holds(db, statement, error);
	return sqlite_read_end(statement, error) && done;
}

/* A file that was removed or replaced goes on taking commits nobody will ever see. */
static bool still_there(sqlite3 *db, struct error *error)
{
	int moved = 0;
	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved)
		return error_set(error, ERROR_LOST, "%s was removed or replaced while it was open",
			sqlite3_db_filename(db, "main"));
	return true;
}

bool sqlite_begin(sqlite3 *db, const struct sqlite_sink *sink, struct error *error)
{
	if (!sqlite_run(db, "BEGIN IMMEDIATE", NULL, error))
		return false;
	if (still_there(db, error) && fence_read(db, sink, error))
		return true;
	sqlite_rollback(db);
	return false;
}

bool sqlite_end(sqlite3 *db, bool done, struct error *error)
{
	done = done && sqlite_run(db, "COMMIT", NULL, error);
	if (!done)
		sqlite_rollback(db);
	return done;
}

void sqlite_rollback(sqlite3 *db)
{
	/* Some errors have rolled back already; a ROLLBACK that fails leaves it to the next open.
	 */
	if (db != NULL && sqlite3_get_autocommit(db) == 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

bool sqlite_cache(sqlite3 *db, const struct sink *sink, unsigned share, struct error *error)
{
	char sql[64];
	uint64_t bytes = sink->cache_bytes != 0 ? sink->cache_bytes : CACHE_BYTES;
	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%llu",
		(unsigned long long)(bytes / share / 1024));
	return sqlite_run(db, sql, NULL, error);
}

/* SQLite takes % ? and # in a URI for its own. */
static bool uri_make(struct buf *uri, const char *path, struct error *error)
{
	bool done = buf_add_text(uri, "file:", error);
	for (const char *c = path; done && *c != '\0'; c++)
		done = strchr("%?#", *c) != NULL ? buf_print(uri, error, "%%%02X", (unsigned)*c)
						 : buf_add(uri, c, 1, error);
	return done && buf_add_text(uri, "?mode=ro", error);
}

bool sqlite_attach(sqlite3 *db, sqlite3 *other, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	struct buf uri = { 0 };
	bool done = (db != NULL && other != NULL) ||
		    error_set(error, ERROR_LOST, "the SQLite file is not open");
	done = done && uri_make(&uri, sqlite3_db_filename(other, "main"), error) &&
	       sqlite_prepare(db, &statement, "ATTACH ?1 AS live", NULL, error);
	if (done) {
		sqlite_bind_text(statement, 1, uri.bytes);
		done = sqlite_step(statement, NULL, error);
	}
	sqlite3_finalize(statement);
	buf_free(&uri);
	return done;
}

void sqlite_detach(sqlite3 *db)
{
	sqlite3_exec(db, "DETACH live", NULL, NULL, NULL);
}
