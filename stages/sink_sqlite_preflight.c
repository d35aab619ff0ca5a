#include "stages/sink_sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"

#define VERSION_LEAST 3024000 /* INSERT ... ON CONFLICT DO UPDATE */
#define ROOM_A_YEAR   ((uint64_t)2 << 30)

struct look {
	const char *path;
	char *folder; /* owned */
	bool there;   /* the file is */
	sink_finding *finding;
	void *context;
};

static void __attribute__((format(printf, 4, 5)))
tell(const struct look *look, bool fatal, const char *remedy, const char *format, ...)
{
	char what[512];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	look->finding(look->context, fatal, what, remedy);
}

static void look_at_version(const struct look *look)
{
	if (sqlite3_libversion_number() < VERSION_LEAST)
		tell(look, true, "install SQLite 3.24 or newer", "SQLite is %s, which is too old",
			sqlite3_libversion());
}

static bool look_at_folder(const struct look *look)
{
	struct stat status;
	if (stat(look->folder, &status) == -1 || !S_ISDIR(status.st_mode)) {
		tell(look, true, "make it, or give another path", "the folder %s does not exist",
			look->folder);
		return false;
	}
	return true;
}

static bool look_at_file(struct look *look)
{
	struct stat status;
	look->there = stat(look->path, &status) == 0;
	if (!look->there) {
		if (errno == ENOENT)
			return true;
		tell(look, true, "give the path of a file", "%s cannot be looked at: %s",
			look->path, strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		tell(look, true, "give the path of a file", "%s is not a file", look->path);
		return false;
	}
	return true;
}

/* WAL keeps two files beside the database, so the folder must be writable even when the file is.
 * False: one line tells of it, and what is inside is not to be had either. */
static bool look_at_rights(const struct look *look)
{
	bool file = !look->there || access(look->path, R_OK | W_OK) == 0;
	bool folder = access(look->folder, W_OK | X_OK) == 0;
	if (file && folder)
		return true;
	if (file)
		tell(look, true, "give the user that runs this the right to write there",
			"the folder %s is not writable", look->folder);
	else
		tell(look, true,
			"give the user that runs this the right to write, or give another file",
			"%s %s not writable", look->path, folder ? "is" : "and its folder are");
	return false;
}

static bool look_at_disk(const struct look *look, struct error *error)
{
	uint64_t bytes = 0;
	if (!file_free_bytes(look->folder, &bytes, error))
		return false;
	if (bytes < ROOM_A_YEAR)
		tell(look, false, "make room, or give a path on another disk",
			"%s has %llu MiB free; a year needs about %llu while it is loaded",
			look->folder, (unsigned long long)(bytes >> 20),
			(unsigned long long)(ROOM_A_YEAR >> 20));
	return true;
}

static bool look_inside(const struct look *look, struct sqlite_wait *wait, struct error *error)
{
	enum sqlite_view view = SQLITE_VIEW_NONE;
	char kind[8];
	sqlite3 *db = NULL;
	bool done = sqlite_open(&db, wait, SQLITE_OPEN_READONLY, error) &&
		    sqlite_view_look(db, &view, kind, error);
	sqlite3_close(db);
	if (!done && error->kind == ERROR_REFUSED) {
		tell(look, true, "give another file", "%s", error->text);
		error_clear(error);
		return true;
	}
	if (done && view == SQLITE_VIEW_FOREIGN)
		tell(look, true, "rename or drop it, or give another file",
			"%s has a %s named dvf that dvf-import did not make", look->path, kind);
	return done;
}

static bool folder_of(const char *path, char **folder, struct error *error)
{
	const char *slash = strrchr(path, '/');
	*folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	return *folder != NULL || error_memory(error, "a path");
}

bool sqlite_preflight(struct sink *sink, sink_finding *finding, void *context, struct error *error)
{
	struct look look = {
		.path = sink->destination.url, .finding = finding, .context = context
	};
	struct sqlite_wait wait = { .sink = sink, .ticks = true };
	if (!folder_of(look.path, &look.folder, error))
		return false;
	bool done = true;
	snprintf(sink->about, sizeof(sink->about), "SQLite %s", sqlite3_libversion());
	look_at_version(&look);
	if (look_at_folder(&look) && look_at_file(&look))
		done = look_at_disk(&look, error) &&
		       (!look_at_rights(&look) || !look.there || look_inside(&look, &wait, error));
	free(look.folder);
	return done;
}
