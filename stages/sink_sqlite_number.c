/*
 * A live file that has no number is the file dvf.sqlite itself. It gets a number once, before its
 * name becomes a link.
 *
 * SQLite names the log after the name a file was opened by, so nobody may have it open while it is
 * named anew: two who keep two logs of one file destroy it. A log that is there is folded in first
 * (which fails when somebody uses it), and a lease says whether anybody has it open at all; while
 * we have the lease the kernel keeps others from opening it and tells us.
 */
#include "stages/sink_sqlite_swap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stages_sql.h"
#include "state/base/file.h"

/* *held false: the file system, or whose the file is, does not allow a lease. */
static bool lease_take(const char *path, int *fd, bool *held, struct error *error)
{
	*held = false;
	*fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*fd == -1)
		return error_system(error, "cannot open %s", path);
	/* Else the signal that somebody waits for the lease would end us. */
	if (fcntl(*fd, F_SETSIG, SIGURG) == 0 && fcntl(*fd, F_SETLEASE, F_WRLCK) == 0) {
		*held = true;
		return true;
	}
	if (errno != EAGAIN)
		return true;
	file_close(fd);
	return error_set(error, ERROR_REFUSED,
		"%s is open in another program, and its name is about to become a link: end those "
		"that have it open (fuser %s names them), then run again; it is needed only this "
		"once",
		path, path);
}

bool swap_number_check(const char *path, struct error *error)
{
	int fd = -1;
	bool held = false;
	bool done = lease_take(path, &fd, &held, error);
	file_close(&fd);
	return done;
}

/* Folds the log in and takes it away; fails when anybody is connected. */
static bool log_end(struct swapping *swapping, const char *path, struct error *error)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_open_at(&db, &swapping->old->wait, path, SQLITE_OPEN_READWRITE, error) &&
		    sqlite_prepare(db, &statement, "PRAGMA journal_mode = DELETE", NULL, error) &&
		    sqlite_step(statement, &row, error);
	if (done && (!row || sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0),
				     "delete") != 0))
		done = error_set(error, ERROR_BUSY, "%s is in use", path);
	sqlite3_finalize(statement);
	done = done && sqlite_run(db, sql_sqlite_number_touch, NULL, error);
	sqlite3_close(db);
	if (!done && error->kind == ERROR_BUSY)
		return error_set(error, ERROR_REFUSED,
			"%s is in use by another program, and its name is about to become a link: "
			"end those that have it open, then run again; it is needed only this once",
			path);
	return done;
}

/* `ending`: what SQLite keeps beside a file. */
static bool beside(const char *path, const char *ending, char **name, struct error *error)
{
	if (asprintf(name, "%s%s", path, ending) != -1)
		return true;
	*name = NULL;
	error_memory(error, "a path");
	return false;
}

/* A log that is there is of somebody who came and went between folding it in and the lease. What
 * shared memory was for nobody uses. */
static bool log_gone(const char *path, struct error *error)
{
	char *wal = NULL, *journal = NULL, *shared = NULL;
	bool done = beside(path, "-wal", &wal, error) &&
		    beside(path, "-journal", &journal, error) &&
		    beside(path, "-shm", &shared, error);
	if (done && (access(wal, F_OK) == 0 || access(journal, F_OK) == 0))
		done = error_set(error, ERROR_BUSY,
			"%s was used by another program meanwhile: run again", path);
	if (done && unlink(shared) == -1 && errno != ENOENT)
		done = error_system(error, "cannot remove %s", shared);
	free(wal);
	free(journal);
	free(shared);
	return done;
}

/* Whoever waits for the lease has found the file by its old name: it keeps that name. */
static bool lease_kept(const char *path, const char *number, int fd, struct error *error)
{
	if (fcntl(fd, F_GETLEASE) == F_WRLCK)
		return true;
	(void)!rename(number, path);
	return error_set(error, ERROR_BUSY,
		"%s was opened by another program while it was named anew: run again", path);
}

static bool name_exchange(
	struct swapping *swapping, const char *path, const char *name, struct error *error)
{
	char *number = NULL;
	int fd = -1;
	bool held = false;
	bool done = slot_file_path(&swapping->slots, name, &number, error) &&
		    lease_take(path, &fd, &held, error) && log_gone(path, error);
	if (done && link(path, number) == -1 && errno != EEXIST)
		done = error_system(error, "cannot give %s the name %s too", path, number);
	done = done && file_sync_folder_of(path, error) &&
	       slot_point(&swapping->slots, SLOT_LIVE, name, error) &&
	       (!held || lease_kept(path, number, fd, error));
	file_close(&fd);
	free(number);
	return done;
}

bool swap_number(struct swapping *swapping, struct error *error)
{
	char name[SLOT_NAME_MAX];
	char *path = NULL;
	bool done = slot_for_live(&swapping->slots, name, error) &&
		    slot_path(&swapping->slots, SLOT_LIVE, &path, error) &&
		    log_end(swapping, path, error) && name_exchange(swapping, path, name, error);
	if (done)
		swap_say(swapping, "%s is %s now, and a link leads to it", path, name);
	free(path);
	return done;
}
