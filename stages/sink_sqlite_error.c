/*
 * What SQLite says, and what the system said to it, as one of our errors with its remedy.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stages/sink_sqlite.h"
#include "state/base/stop.h"
#include "state/db.h"

static bool is_full(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* SQLite says FULL for ENOSPC only; a quota and a limit on a file's size are the same to us. What
 * errno was is asked of the file itself, because the rollback has set it anew meanwhile. */
static bool file_is_full(sqlite3 *db)
{
	return is_full(db_file_errno(db, false)) || is_full(db_file_errno(db, true));
}

/* SQLite calls a file malformed when a read of it has failed. */
static bool file_is_unreadable(sqlite3 *db)
{
	return db_file_errno(db, false) == EIO || db_file_errno(db, true) == EIO;
}

/* A rollback journal that could not be synced is closed and gone by now: then errno, cleared before
 * each statement is made and before it is run, is all that is left. */
static enum error_kind kind_of_io(sqlite3 *db, int extended)
{
	bool full = is_full(errno);
	if (extended == SQLITE_IOERR_NOMEM)
		return ERROR_MEMORY;
	if (full || is_full(sqlite3_system_errno(db)) || file_is_full(db))
		return ERROR_FULL;
	return ERROR_DATABASE;
}

/* What is no fault of the path that was given. */
static bool is_of_system(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM || number == EIO;
}

/* A source_row that is there already means that another chunk holds this record: the plan is out of
 * date, not the data wrong. */
static enum error_kind kind_of_constraint(int extended)
{
	if (extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_ROWID)
		return ERROR_LOST;
	return ERROR_DATA;
}

static enum error_kind kind_of(sqlite3 *db, int extended)
{
	switch (extended & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_SCHEMA:
		return stop_requested() ? ERROR_STOPPED : ERROR_BUSY;
	case SQLITE_INTERRUPT:
		return ERROR_STOPPED;
	case SQLITE_CONSTRAINT:
		return kind_of_constraint(extended);
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return ERROR_DATA;
	case SQLITE_FULL:
		return ERROR_FULL;
	case SQLITE_NOMEM:
		return ERROR_MEMORY;
	case SQLITE_IOERR:
		return kind_of_io(db, extended);
	case SQLITE_READONLY:
		return extended == SQLITE_READONLY_DBMOVED ? ERROR_LOST : ERROR_REFUSED;
	case SQLITE_CANTOPEN:
		return is_of_system(sqlite3_system_errno(db)) ? ERROR_SYSTEM : ERROR_REFUSED;
	case SQLITE_NOTADB:
		return ERROR_REFUSED;
	default:
		return ERROR_DATABASE;
	}
}

static const char *remedy_of(enum error_kind kind)
{
	switch (kind) {
	case ERROR_BUSY:
		return ": another program is writing to it, let it end or end it, then run again";
	case ERROR_FULL:
		return ": make room on its disk or on that of the temporary folder, then run again";
	case ERROR_MEMORY:
		return ": give the process more memory, or lower --chunk-rows";
	case ERROR_LOST:
		return ": what is in must be read again";
	case ERROR_REFUSED:
		return ": give the path of a file that can be written and is an SQLite database, or "
		       "is not there yet";
	case ERROR_SYSTEM:
		return ": the system is at fault, not the file; mend that, then run again";
	case ERROR_DATABASE:
		return ": look at the kernel's log for errors of the disk and at the file with PRAGMA "
		       "integrity_check, then run again, or give another file";
	default:
		return "";
	}
}

/* ": No such device", where the system told SQLite so. */
static const char *system_reason(sqlite3 *db, int code, char *text, size_t size)
{
	char room[128];
	int number = 0;
	if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN)
		number = sqlite3_system_errno(db);
	else if ((code & 0xff) == SQLITE_CORRUPT && file_is_unreadable(db))
		number = EIO;
	if (number == 0)
		return "";
	snprintf(text, size, ": %s", strerror_r(number, room, sizeof(room)));
	return text;
}

static bool may_be_written(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	return euidaccess(path, W_OK) == 0 && euidaccess(slash != NULL ? folder : ".", W_OK) == 0;
}

/* SQLite tries once more, to read only, and then has that try's reason or a file that cannot be
 * written. */
bool sqlite_no_descriptor(const char *path, struct error *error)
{
	return error_set(error, ERROR_SYSTEM,
		"%s cannot be opened for writing, although it and its folder may be written: let "
		"the process open more files (ulimit -n), then run again",
		path);
}

/* The log or the journal of a database that is open was not to be opened. */
static bool lacks_descriptor(sqlite3 *db, int extended)
{
	if ((extended & 0xff) == SQLITE_CANTOPEN)
		return sqlite3_system_errno(db) == ENOENT;
	return (extended & 0xff) == SQLITE_READONLY && extended != SQLITE_READONLY_DBMOVED &&
	       sqlite3_db_readonly(db, "main") == 0;
}

/* With its log, a database is written beside to be read, too. */
static bool lacks_right(sqlite3 *db, int extended)
{
	return (extended & 0xff) == SQLITE_READONLY && extended != SQLITE_READONLY_DBMOVED &&
	       sqlite3_db_readonly(db, "main") == 1;
}

bool sqlite_failed(sqlite3 *db, int code, struct error *error)
{
	int extended = sqlite3_extended_errcode(db);
	if ((extended & 0xff) != (code & 0xff))
		extended = code;
	enum error_kind kind = kind_of(db, extended);
	const char *file = sqlite3_db_filename(db, "main");
	char reason[160];
	if (file != NULL && file[0] != '\0' && lacks_descriptor(db, extended) &&
		may_be_written(file))
		return sqlite_no_descriptor(file, error);
	if (file != NULL && lacks_right(db, extended) && !may_be_written(file))
		return error_set(error, kind,
			"%s: %s, and SQLite writes beside it even to read it: let its owner do this, or "
			"give a file (to read, a copy) in a folder where this user may write",
			file, sqlite3_errmsg(db));
	return error_set(error, kind, "%s: %s%s%s",
		file != NULL && file[0] != '\0' ? file : "SQLite",
		kind == ERROR_STOPPED ? "stopped, as asked" : sqlite3_errmsg(db),
		system_reason(db, extended, reason, sizeof(reason)), remedy_of(kind));
}
