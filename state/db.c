#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/db_at_rest.h"
#include "state/db_private.h"

#define BUSY_WAIT_MS 5000
#define SORT_PAGE    16384 /* of the files we sort in; SQLite counts this memory in pages */

int db_file_errno(struct sqlite3 *handle, bool log)
{
	sqlite3_file *file = NULL;
	int which = log ? SQLITE_FCNTL_JOURNAL_POINTER : SQLITE_FCNTL_FILE_POINTER;
	int number = 0;
	bool asked =
		handle != NULL && sqlite3_file_control(handle, "main", which, &file) == SQLITE_OK &&
		file != NULL && file->pMethods != NULL &&
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK;
	return asked ? number : 0;
}

/* SQLite calls a file malformed when a read of it has failed. */
static bool is_unreadable(sqlite3 *handle)
{
	return db_file_errno(handle, false) == EIO || db_file_errno(handle, true) == EIO;
}

/* What the operating system said to SQLite. A failed commit does not set sqlite3_system_errno;
 * errno itself was cleared before. */
static int system_errno(sqlite3 *handle, int code)
{
	if ((code & 0xff) == SQLITE_CORRUPT && is_unreadable(handle))
		return EIO;
	if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN)
		return 0;
	int said = handle != NULL ? sqlite3_system_errno(handle) : 0;
	/* SQLite tries once more, to read only, and then has that try's reason. */
	if (said == ENOENT)
		return 0;
	return said != 0 ? said : errno;
}

/* `code` is an extended one, `system` an errno. */
static enum error_kind kind_of(int code, int system)
{
	if (code == SQLITE_IOERR_NOMEM)
		return ERROR_MEMORY;
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ERROR_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return system == ENOSPC || system == EDQUOT || system == EFBIG ? ERROR_FULL
									       : ERROR_SYSTEM;
	case SQLITE_NOMEM:
		return ERROR_MEMORY;
	case SQLITE_CORRUPT: /* SQLite says so too when a read fails, and that is no damage */
		return system == EIO ? ERROR_SYSTEM : ERROR_DAMAGED;
	case SQLITE_NOTADB:
		return ERROR_DAMAGED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERROR_BUSY;
	default:
		return ERROR_SYSTEM;
	}
}

const char *db_remedy(enum error_kind kind, int code)
{
	switch (kind) {
	case ERROR_FULL:
		return "; make room on that disk and run again";
	case ERROR_MEMORY:
		return "; give the process more memory";
	case ERROR_DAMAGED:
		return "; the next run sets the file aside and begins a new one";
	case ERROR_BUSY:
		return "; another process has it: try again";
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_CANTOPEN:
		return "; make the file and its folder writable for this user, let the process open more "
		       "files (ulimit -n), or choose another --state";
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return "; make the file and its folder writable for this user, or choose another --state";
	default:
		return "";
	}
}

bool db_failed(struct db *db, int code, const char *doing, struct error *error)
{
	int system = system_errno(db->handle, code);
	bool latest = db->handle != NULL && (sqlite3_errcode(db->handle) & 0xff) == (code & 0xff);
	int extended = latest ? sqlite3_extended_errcode(db->handle) : code;
	enum error_kind kind = kind_of(extended, system);
	char reason[128] = "";
	return error_set(error, kind, "%s: %s: %s%s%s%s", db->path, doing,
		latest ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code), system != 0 ? ": " : "",
		system != 0 ? strerror_r(system, reason, sizeof(reason)) : "",
		db_remedy(kind, code));
}

static bool damaged(struct db *db, const char *reason, struct error *error)
{
	return error_set(error, ERROR_DAMAGED, "%s is damaged: %s%s", db->path, reason,
		db_remedy(ERROR_DAMAGED, SQLITE_CORRUPT));
}

bool db_refused(struct db *db, int code, const char *doing, struct error *error)
{
	return (code & 0xff) == SQLITE_ERROR ? damaged(db, sqlite3_errmsg(db->handle), error)
					     : db_failed(db, code, doing, error);
}

bool db_execute(struct db *db, const char *sql, const char *doing, struct error *error)
{
	errno = 0;
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || db_refused(db, code, doing, error);
}

static bool check(struct db *db, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool sound = false;
	errno = 0;
	int code =
		sqlite3_prepare_v2(db->handle, "PRAGMA integrity_check(1)", -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(statement, 0);
		sound = said != NULL && strcmp(said, "ok") == 0;
		if (!sound && is_unreadable(db->handle))
			db_failed(db, SQLITE_IOERR, "checking it", error);
		else if (!sound)
			damaged(db, said != NULL ? said : "integrity_check fails", error);
	} else {
		db_refused(db, code, "checking it", error);
	}
	sqlite3_finalize(statement);
	return sound;
}

/* A flipped byte in the header can make SQLite take a file for one of a future format, read only.
 */
static bool check_writable(struct db *db, struct error *error)
{
	if (sqlite3_db_readonly(db->handle, "main") == 0)
		return true;
	if (euidaccess(db->path, W_OK) == 0)
		return damaged(db, "its format is not known", error);
	return error_system(
		error, "cannot write %s, make it writable or choose another --state", db->path);
}

static bool settle(struct db *db, enum db_mode mode, struct error *error)
{
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_WAIT_MS);
	bool writes = mode == DB_WRITE;
	/* What is set aside goes as it was found, with its -wal. */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, writes, NULL);
	if (writes && !(check(db, error) && check_writable(db, error)))
		return false;
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if (!db_execute(db,
		    "PRAGMA cache_size = -512;"
		    "PRAGMA temp_store = MEMORY;",
		    "opening", error))
		return false;
	return !writes || db_execute(db,
				  "PRAGMA journal_mode = WAL;"
				  "PRAGMA synchronous = NORMAL;"
				  "PRAGMA journal_size_limit = 4194304;"
				  "PRAGMA foreign_keys = ON;",
				  "opening", error);
}

/* Nothing was read yet: what SQLite has open to read only is what the system would not open for
 * more. */
static bool is_open_for(struct db *db, enum db_mode mode, struct error *error)
{
	return mode == DB_READ || sqlite3_db_readonly(db->handle, "main") == 0 ||
	       euidaccess(db->path, W_OK) != 0 ||
	       error_set(error, ERROR_SYSTEM,
		       "%s may be written and can be opened for reading only: let the process open "
		       "more files (ulimit -n), then run again",
		       db->path);
}

void db_sort_memory(uint64_t bytes)
{
	sqlite3_config(SQLITE_CONFIG_PMASZ, (unsigned)(bytes / SORT_PAGE));
}

static int open_handle(struct db *db, enum db_mode mode)
{
	int flags = mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (mode == DB_WRITE || !db_is_at_rest(db->path))
		return sqlite3_open_v2(db->path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
	char *uri = db_uri_at_rest(db->path);
	if (uri == NULL)
		return SQLITE_NOMEM;
	int code = sqlite3_open_v2(
		uri, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	free(uri);
	return code;
}

bool db_open(struct db **out, const char *path, enum db_mode mode, struct error *error)
{
	*out = NULL;
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL || (db->path = strdup(path)) == NULL) {
		free(db);
		return error_memory(error, "the ledger");
	}
	int code = open_handle(db, mode);
	bool done = code == SQLITE_OK ? is_open_for(db, mode, error) && settle(db, mode, error)
				      : db_failed(db, code, "opening", error);
	if (done)
		*out = db;
	else
		db_close(db);
	return done;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (unsigned i = 0; i < db->kept_count; i++)
		sqlite3_finalize(db->kept[i].statement);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

bool db_durable(struct db *db, bool durable, struct error *error)
{
	return db_execute(db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
		"choosing how durable a commit is", error);
}

static bool run(struct db *db, const char *sql, const char *doing, struct error *error)
{
	struct db_query *query;
	return db_prepare(db, sql, doing, &query, error) && db_run(query, error);
}

bool db_begin(struct db *db, struct error *error)
{
	return run(db, "BEGIN IMMEDIATE", "beginning a transaction", error);
}

bool db_commit(struct db *db, struct error *error)
{
	return run(db, "COMMIT", "committing", error);
}

void db_rollback(struct db *db)
{
	/* A full disk or short memory may have rolled it back already. */
	if (sqlite3_get_autocommit(db->handle) == 0)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}
