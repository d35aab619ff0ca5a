/*
 * How a ledger is opened. The file is made by us, so that its mode is ours; SQLite gives -wal and
 * -shm the same. A damaged one is renamed with them, and only after its handle was closed. Then the
 * schema is brought up to date, one statement a transaction, user_version telling how many were
 * done.
 */
#include "state/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"
#include "state/base/log.h"
#include "state/ledger_private.h"
#include "state_sql.h"

#define BALLAST_FILE "ballast"
#define BALLAST_SIZE ((off_t)1 << 20)
#define BROKEN_MOST  10000

/* Only ever add at the end, and tables or triggers only: check_made looks for each as it stands
 * here. */
static const char *const schema[] = {
	sql_schema_01_meta,
	sql_schema_02_chain,
	sql_schema_03_run,
	sql_schema_04_destination,
	sql_schema_05_part,
	sql_schema_06_spool,
	sql_schema_07_point,
	sql_schema_08_range,
	sql_schema_09_year,
	sql_schema_10_event,
	sql_schema_11_event_update,
	sql_schema_12_event_delete,
	sql_schema_13_event_replace,
	sql_schema_14_sample,
	sql_schema_15_reject_place,
};
#define SCHEMA_VERSION ((int)(sizeof(schema) / sizeof(schema[0])))

/* What was set aside, and why: the new ledger's first event. */
struct repair {
	bool done;
	char *file;
	struct error reason;
};

static struct ledger *ledger_new(const char *folder, struct error *error)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	if (ledger != NULL && asprintf(&ledger->path, "%s/" LEDGER_FILE, folder) == -1)
		ledger->path = NULL;
	if (ledger != NULL && asprintf(&ledger->ballast, "%s/" BALLAST_FILE, folder) == -1)
		ledger->ballast = NULL;
	if (ledger != NULL && ledger->path != NULL && ledger->ballast != NULL)
		return ledger;
	ledger_close(ledger);
	error_memory(error, "the ledger");
	return NULL;
}

void ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	db_close(ledger->db);
	free(ledger->path);
	free(ledger->ballast);
	free(ledger);
}

static void ballast_make(const struct ledger *ledger)
{
	struct stat st;
	int fd = open(ledger->ballast, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return;
	bool there = fstat(fd, &st) == 0 && st.st_size >= BALLAST_SIZE;
	if (!there && posix_fallocate(fd, 0, BALLAST_SIZE) != 0)
		unlink(ledger->ballast);
	file_close(&fd);
}

/* True: there is more room now. */
static bool ballast_drop(const struct ledger *ledger)
{
	return unlink(ledger->ballast) == 0;
}

bool ledger_transact_spare(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error)
{
	ledger->failing = true;
	if (!db_begin(ledger->db, error))
		return false;
	if (writing(ledger, what, error) && db_commit(ledger->db, error)) {
		ledger->failing = false;
		return true;
	}
	db_rollback(ledger->db);
	return false;
}

bool ledger_is_failing(const struct ledger *ledger)
{
	return ledger->failing;
}

bool ledger_transact(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error)
{
	return ledger_transact_spare(ledger, writing, what, error) ||
	       (error->kind == ERROR_FULL && ballast_drop(ledger) &&
		       ledger_transact_spare(ledger, writing, what, error));
}

bool ledger_transact_durable(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error)
{
	if (!db_durable(ledger->db, true, error))
		return false;
	bool done = ledger_transact(ledger, writing, what, error);
	struct error ignored;
	(void)db_durable(ledger->db, false, &ignored);
	return done;
}

bool ledger_needs_destination(const struct ledger *ledger, struct error *error)
{
	return ledger->destination != 0 ||
	       error_set(error, ERROR_SYSTEM, "%s: no destination was named yet", ledger->path);
}

static bool file_make(const char *path, struct error *error)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 && errno == EEXIST)
		return stat(path, &st) == -1 || S_ISREG(st.st_mode) ||
		       error_set(error, ERROR_DAMAGED, "%s is not a file", path);
	bool done = fd != -1 && fchmod(fd, 0600) == 0;
	if (!done)
		error_system(error,
			"cannot make %s, make its folder writable or choose another --state", path);
	file_close(&fd);
	return done && file_sync_folder_of(path, error);
}

/* Tables in a file without a version: not ours, or its header was damaged. */
static bool check_empty(struct ledger *ledger, struct error *error)
{
	struct db_query *query = NULL;
	bool done =
		db_prepare(ledger->db, sql_schema_objects, "looking for tables", &query, error) &&
		db_one(query, error);
	if (done && db_number(query, 0) != 0)
		done = error_set(error, ERROR_DAMAGED, "%s holds tables but no schema version",
			ledger->path);
	db_end(query);
	return done;
}

static bool read_version(struct ledger *ledger, int *version, struct error *error)
{
	struct db_query *query = NULL;
	bool done =
		db_prepare(ledger->db, sql_schema_version, "reading its version", &query, error) &&
		db_one(query, error);
	if (done)
		*version = (int)db_number(query, 0);
	db_end(query);
	return done;
}

static bool check_version(struct ledger *ledger, int *version, struct error *error)
{
	if (!read_version(ledger, version, error))
		return false;
	if (*version > SCHEMA_VERSION)
		return error_set(error, ERROR_REFUSED,
			LEDGER_FILE
			" was written by a newer dvf-import (schema %d): use that version, "
			"or another --state",
			*version);
	if (*version < 0)
		return error_set(error, ERROR_DAMAGED, "%s has the schema version %d", ledger->path,
			*version);
	return *version > 0 || check_empty(ledger, error);
}

static bool migrate_one(struct ledger *ledger, const void *what, struct error *error)
{
	const int *version = what;
	char done[64];
	snprintf(done, sizeof(done), "PRAGMA user_version = %d", *version + 1);
	return db_execute(ledger->db, schema[*version], "bringing its schema up to date", error) &&
	       db_execute(ledger->db, done, "bringing its schema up to date", error);
}

/* Somebody who changes events takes the triggers away first. That is no reason to set the history
 * aside, for then nobody would see what was changed: the hashes tell. */
static bool guard_again(struct ledger *ledger, const char *made, struct error *error)
{
	struct error said;
	if (!db_execute(ledger->db, made, "guarding the history again", &said))
		return error_set(error, ERROR_DAMAGED,
			"%s is damaged: a guard of its history is not the one that was made",
			ledger->path);
	log_note(LOG_WARNING, 0,
		"%s: a guard against changes of the history was gone and is made again; "
		"history --verify tells whether something was changed",
		ledger->path);
	return true;
}

/* integrity_check does not read the schema's statements: a damaged one may still be parsed. */
static bool check_made(struct ledger *ledger, const char *statement, struct error *error)
{
	struct db_query *query = NULL;
	static const char trigger[] = "CREATE TRIGGER ";
	const char *made = strstr(statement, "CREATE ");
	if (made == NULL)
		return true;
	if (!db_prepare(ledger->db, sql_schema_holds, "checking its schema", &query, error))
		return false;
	db_bind_text(query, 1, made);
	bool done = db_one(query, error);
	bool there = done && db_number(query, 0) != 0;
	db_end(query);
	if (!done || there)
		return done;
	return strncmp(made, trigger, strlen(trigger)) == 0
		       ? guard_again(ledger, made, error)
		       : error_set(error, ERROR_DAMAGED,
				 "%s is damaged: its schema is not the one that was made",
				 ledger->path);
}

static bool check_counts(struct ledger *ledger, struct error *error)
{
	struct db_query *query = NULL;
	bool done =
		db_prepare(ledger->db, sql_schema_counts, "checking its numbers", &query, error) &&
		db_one(query, error);
	if (done && db_number(query, 0) == 0)
		done = error_set(error, ERROR_DAMAGED,
			"%s is damaged: the numbers of its events or runs cannot go on",
			ledger->path);
	db_end(query);
	return done;
}

static bool check_schema(struct ledger *ledger, struct error *error)
{
	bool done = true;
	for (int i = 0; done && i < SCHEMA_VERSION; i++)
		done = check_made(ledger, schema[i], error);
	return done && check_counts(ledger, error);
}

static bool open_sound(struct ledger *ledger, struct error *error)
{
	int version = 0;
	bool done = file_make(ledger->path, error) &&
		    db_open(&ledger->db, ledger->path, DB_WRITE, error) &&
		    check_version(ledger, &version, error);
	for (; done && version < SCHEMA_VERSION; version++)
		done = ledger_transact(ledger, migrate_one, &version, error);
	done = done && check_schema(ledger, error);
	if (!done) {
		db_close(ledger->db);
		ledger->db = NULL;
	}
	return done;
}

/* -wal and -shm go with the file, and before it: a new file must never meet an old -wal. */
static const char *const companions[] = { "-wal", "-shm", "" };
#define COMPANIONS (sizeof(companions) / sizeof(companions[0]))

static bool name_free(const char *name)
{
	char path[4096];
	for (size_t i = 0; i < COMPANIONS; i++) {
		snprintf(path, sizeof(path), "%s%s", name, companions[i]);
		if (access(path, F_OK) == 0)
			return false;
	}
	return true;
}

static bool move_with_companions(const char *from, const char *to, struct error *error)
{
	char source[4096];
	char target[4096];
	for (size_t i = 0; i < COMPANIONS; i++) {
		snprintf(source, sizeof(source), "%s%s", from, companions[i]);
		snprintf(target, sizeof(target), "%s%s", to, companions[i]);
		if (access(source, F_OK) == 0 && !file_rename(source, target, error))
			return false;
	}
	return true;
}

static bool set_aside(const struct ledger *ledger, struct repair *repair, struct error *error)
{
	for (unsigned n = 1; n < BROKEN_MOST; n++) {
		char *name = NULL;
		if (asprintf(&name, "%s.broken-%u", ledger->path, n) == -1)
			return error_memory(error, "a path");
		if (name_free(name)) {
			free(repair->file);
			repair->file = name;
			return move_with_companions(ledger->path, name, error);
		}
		free(name);
	}
	return error_set(error, ERROR_SYSTEM,
		"%s is damaged and %d others were set aside: remove those", ledger->path,
		BROKEN_MOST);
}

static bool open_or_repair(struct ledger *ledger, struct repair *repair, struct error *error)
{
	if (open_sound(ledger, error))
		return true;
	if (error->kind != ERROR_DAMAGED)
		return false;
	repair->reason = *error;
	if (!set_aside(ledger, repair, error))
		return false;
	repair->done = true;
	return open_sound(ledger, error);
}

static bool note_repair(struct ledger *ledger, const struct repair *repair, struct error *error)
{
	if (!repair->done || repair->file == NULL)
		return true;
	const char *slash = strrchr(repair->file, '/');
	struct field fields[] = {
		FIELD_T("set_aside", slash != NULL ? slash + 1 : repair->file),
		FIELD_T("reason", repair->reason.text),
	};
	return ledger_event(ledger, "state repaired", 0, fields, 2, error);
}

bool ledger_open(struct ledger **out, const char *folder, bool *repaired, struct error *error)
{
	*out = NULL;
	*repaired = false;
	struct repair repair = { 0 };
	struct ledger *ledger = ledger_new(folder, error);
	if (ledger == NULL)
		return false;
	bool done = file_make_folder(folder, error) && open_or_repair(ledger, &repair, error);
	if (!done && error->kind == ERROR_FULL && ballast_drop(ledger))
		done = open_or_repair(ledger, &repair, error);
	done = done && note_repair(ledger, &repair, error);
	if (done) {
		ballast_make(ledger);
		*out = ledger;
		*repaired = repair.done;
	} else {
		ledger_close(ledger);
	}
	free(repair.file);
	return done;
}

bool ledger_open_reader(struct ledger **out, const char *folder, struct error *error)
{
	*out = NULL;
	struct ledger *ledger = ledger_new(folder, error);
	if (ledger == NULL)
		return false;
	int version = 0;
	bool done = access(ledger->path, F_OK) == 0 || errno != ENOENT;
	if (!done)
		error_set(error, ERROR_REFUSED,
			"there is no %s: nothing was imported with this --state yet", ledger->path);
	done = done && db_open(&ledger->db, ledger->path, DB_READ, error) &&
	       check_version(ledger, &version, error);
	if (done && version < SCHEMA_VERSION)
		done = error_set(error, ERROR_REFUSED,
			"%s has an older schema (%d): dvf-import run brings it up to date",
			ledger->path, version);
	if (done)
		*out = ledger;
	else
		ledger_close(ledger);
	return done;
}
