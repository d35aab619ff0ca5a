#include "stages/sink_sqlite_slot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"
#include "state/base/stop.h"

#define LINKS_MAX    40 /* as many as the kernel follows */
#define NUMBER_MAX   9  /* digits */
#define WAIT_STEP_MS 20

static const char *const slot_words[] = {
	[SLOT_LIVE] = "",
	[SLOT_STAGING] = ".staging",
	[SLOT_PREVIOUS] = ".previous",
};

/* What SQLite keeps beside a file. */
static const char *const companions[] = { "-wal", "-shm", "-journal" };

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* "dvf.12.sqlite" is 12, whatever SQLite keeps beside it too; 0: it is none of ours. */
static long number_of(const struct slots *slots, const char *name, bool companion)
{
	size_t stem = strlen(slots->stem), ending = strlen(slots->ending);
	if (strncmp(name, slots->stem, stem) != 0 || name[stem] != '.')
		return 0;
	const char *digits = name + stem + 1;
	size_t count = strspn(digits, "0123456789");
	if (count == 0 || count > NUMBER_MAX || digits[0] == '0' ||
		strncmp(digits + count, slots->ending, ending) != 0)
		return 0;
	const char *rest = digits + count + ending;
	bool fits = rest[0] == '\0';
	for (size_t i = 0; companion && !fits && i < sizeof(companions) / sizeof(companions[0]);
		i++)
		fits = strcmp(rest, companions[i]) == 0;
	return fits ? strtol(digits, NULL, 10) : 0;
}

/* *to "": it is no link, or cannot be looked at; then whoever opens it says why. */
static void link_read(const char *path, char to[static PATH_MAX])
{
	ssize_t size = readlink(path, to, PATH_MAX - 1);
	to[size > 0 ? size : 0] = '\0';
}

static bool slots_take(struct slots *slots, const char *path, struct error *error)
{
	const char *name = name_in(path);
	const char *dot = strrchr(name, '.');
	size_t stem = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
	slots_free(slots);
	slots->folder = strndup(path, (size_t)(name - path));
	slots->stem = strndup(name, stem);
	slots->ending = strdup(name + stem);
	return (slots->folder != NULL && slots->stem != NULL && slots->ending != NULL) ||
	       error_memory(error, "a path");
}

/* *path becomes what somebody else's link leads to. */
static bool link_follow(char **path, const char *to, struct error *error)
{
	int folder = to[0] == '/' ? 0 : (int)(name_in(*path) - *path);
	char *next = NULL;
	if (asprintf(&next, "%.*s%s", folder, *path, to) == -1)
		return error_memory(error, "a path");
	free(*path);
	*path = next;
	return true;
}

bool slots_make(struct slots *slots, const char *path, struct error *error)
{
	char to[PATH_MAX];
	char *at = NULL;
	*slots = (struct slots){ 0 };
	/* A path that begins with "file:" would be taken for a URI. */
	bool done = asprintf(&at, "%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path) != -1;
	if (!done) {
		at = NULL;
		error_memory(error, "a path");
	}
	for (int links = 0; done; links++) {
		done = slots_take(slots, at, error);
		link_read(at, to);
		if (!done || to[0] == '\0' || number_of(slots, to, false) != 0)
			break;
		done = links < LINKS_MAX ? link_follow(&at, to, error)
					 : error_set(error, ERROR_REFUSED,
						   "%s leads round in links: give the path of a "
						   "file",
						   path);
	}
	free(at);
	return done;
}

void slots_free(struct slots *slots)
{
	free(slots->folder);
	free(slots->stem);
	free(slots->ending);
	*slots = (struct slots){ 0 };
}

bool slot_path(const struct slots *slots, enum slot slot, char **path, struct error *error)
{
	if (asprintf(path, "%s%s%s%s", slots->folder, slots->stem, slot_words[slot],
		    slots->ending) != -1)
		return true;
	*path = NULL;
	error_memory(error, "a path");
	return false;
}

bool slot_file_path(const struct slots *slots, const char *name, char **path, struct error *error)
{
	if (asprintf(path, "%s%s", slots->folder, name) != -1)
		return true;
	*path = NULL;
	error_memory(error, "a path");
	return false;
}

static bool look_at(
	const struct slots *slots, const char *path, struct slot_look *look, struct error *error)
{
	struct stat status;
	char to[PATH_MAX];
	if (lstat(path, &status) == -1)
		return errno == ENOENT || error_system(error, "cannot look at %s", path);
	link_read(path, to);
	look->kind = S_ISREG(status.st_mode)            ? SLOT_FILE
		     : number_of(slots, to, false) != 0 ? SLOT_LINK
							: SLOT_FOREIGN;
	look->there = look->kind == SLOT_FILE || stat(path, &status) == 0;
	if (look->kind == SLOT_LINK)
		snprintf(look->name, sizeof(look->name), "%.255s", to);
	return true;
}

bool slot_look(
	const struct slots *slots, enum slot slot, struct slot_look *look, struct error *error)
{
	char *path = NULL;
	*look = (struct slot_look){ .kind = SLOT_EMPTY };
	bool done = slot_path(slots, slot, &path, error) && look_at(slots, path, look, error);
	free(path);
	return done;
}

/* What numbers are in use, and which the file itself has whose inode is asked for. */
struct numbers {
	long highest, twin;
	bool first;  /* 1 is in use */
	ino_t inode; /* 0: none is asked for */
};

static void number_add(struct numbers *numbers, long number)
{
	numbers->highest = number > numbers->highest ? number : numbers->highest;
	numbers->first = numbers->first || number == 1;
}

static bool numbers_of_files(
	const struct slots *slots, struct numbers *numbers, struct error *error)
{
	const char *name = slots->folder[0] != '\0' ? slots->folder : ".";
	DIR *folder = opendir(name);
	if (folder == NULL)
		return error_system(error, "cannot list %s", name);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		struct stat status;
		number_add(numbers, number_of(slots, entry->d_name, true));
		long number = number_of(slots, entry->d_name, false);
		if (number != 0 && numbers->inode != 0 &&
			fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			status.st_ino == numbers->inode)
			numbers->twin = number;
	}
	closedir(folder);
	return true;
}

/* A link may lead to a file that is not there yet. A live file without a number will get 1. */
static bool numbers_of_links(
	const struct slots *slots, struct numbers *numbers, struct error *error)
{
	for (enum slot slot = SLOT_LIVE; slot <= SLOT_PREVIOUS; slot++) {
		struct slot_look look;
		if (!slot_look(slots, slot, &look, error))
			return false;
		number_add(numbers, number_of(slots, look.name, false));
		if (slot == SLOT_LIVE && look.kind == SLOT_FILE && numbers->highest == 0)
			numbers->highest = 1;
	}
	return true;
}

static bool number_name(const struct slots *slots, long number, char name[static SLOT_NAME_MAX],
	struct error *error)
{
	int size = snprintf(name, SLOT_NAME_MAX, "%s.%ld%s", slots->stem, number, slots->ending);
	return size < SLOT_NAME_MAX || error_set(error, ERROR_REFUSED, "the name %s%s is too long",
					       slots->stem, slots->ending);
}

bool slot_next(const struct slots *slots, char name[static SLOT_NAME_MAX], struct error *error)
{
	struct numbers numbers = { 0 };
	return numbers_of_files(slots, &numbers, error) &&
	       numbers_of_links(slots, &numbers, error) &&
	       number_name(slots, numbers.highest + 1, name, error);
}

bool slot_for_live(const struct slots *slots, char name[static SLOT_NAME_MAX], struct error *error)
{
	struct numbers numbers = { 0 };
	struct stat status = { 0 };
	char *path = NULL;
	bool done = slot_path(slots, SLOT_LIVE, &path, error) &&
		    (stat(path, &status) == 0 || error_system(error, "cannot look at %s", path));
	free(path);
	numbers.inode = status.st_ino;
	if (!done || !numbers_of_files(slots, &numbers, error) ||
		!numbers_of_links(slots, &numbers, error))
		return false;
	long number = numbers.twin != 0 ? numbers.twin : numbers.first ? numbers.highest + 1 : 1;
	return number_name(slots, number, name, error);
}

static bool link_make(const char *path, const char *name, struct error *error)
{
	char *made = NULL;
	if (asprintf(&made, "%s.new", path) == -1)
		return error_memory(error, "a path");
	bool done = (unlink(made) == 0 || errno == ENOENT) && symlink(name, made) == 0;
	if (!done)
		error_system(error, "cannot make the link %s", made);
	done = done && file_rename(made, path, error);
	free(made);
	return done;
}

bool slot_point(const struct slots *slots, enum slot slot, const char *name, struct error *error)
{
	char *path = NULL;
	bool done = slot_path(slots, slot, &path, error) && link_make(path, name, error);
	free(path);
	return done;
}

static bool gone(const char *path, struct error *error)
{
	return unlink(path) == 0 || errno == ENOENT ||
	       error_system(error, "cannot remove %s", path);
}

bool slot_drop(const struct slots *slots, enum slot slot, struct error *error)
{
	char *path = NULL;
	bool done = slot_path(slots, slot, &path, error) && gone(path, error) &&
		    file_sync_folder_of(path, error);
	free(path);
	return done;
}

/* The file before its log: without the log it would be an older state of itself. */
bool slot_remove(const struct slots *slots, const char *name, struct error *error)
{
	char *path = NULL, *beside = NULL;
	bool done = slot_file_path(slots, name, &path, error) && gone(path, error);
	for (size_t i = 0; done && i < sizeof(companions) / sizeof(companions[0]); i++) {
		if (asprintf(&beside, "%s%s", path, companions[i]) == -1) {
			done = error_memory(error, "a path");
			break;
		}
		done = gone(beside, error);
		free(beside);
	}
	free(path);
	return done;
}

bool slot_is_usable(const struct slots *slots, enum slot slot, bool *usable, struct error *error)
{
	struct slot_look live, look;
	*usable = false;
	if (!slot_look(slots, SLOT_LIVE, &live, error) || !slot_look(slots, slot, &look, error))
		return false;
	if (look.kind != SLOT_EMPTY && look.kind != SLOT_LINK)
		return error_set(error, ERROR_REFUSED,
			"%s%s%s%s is no link that dvf-import made: move it away, then run again",
			slots->folder, slots->stem, slot_words[slot], slots->ending);
	*usable = look.kind == SLOT_LINK && strcmp(look.name, live.name) != 0;
	return true;
}

static bool staging_make(const struct slots *slots, struct error *error)
{
	char name[SLOT_NAME_MAX];
	bool usable = false;
	return slot_is_usable(slots, SLOT_STAGING, &usable, error) &&
	       (usable || (slot_next(slots, name, error) &&
				  slot_point(slots, SLOT_STAGING, name, error)));
}

bool slot_staging_make(const struct slots *slots, struct sink *waiting, struct error *error)
{
	int lock = -1;
	bool done = slot_lock(slots, waiting, &lock, error) && staging_make(slots, error);
	file_close(&lock);
	return done;
}

/* Network file systems that know no such lock say so in several ways; SQLite's own locks are there
 * in any case. */
bool slot_lock(const struct slots *slots, struct sink *waiting, int *fd, struct error *error)
{
	const char *name = slots->folder[0] != '\0' ? slots->folder : ".";
	uint64_t until = clock_ms() + (uint64_t)waiting->destination.wait_s * 1000;
	*fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd == -1)
		return error_system(error, "cannot open the folder %s", name);
	while (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			file_close(fd);
			return true;
		}
		if (waiting->tick != NULL)
			waiting->tick(waiting->tick_context);
		bool stopped = !stop_sleep(WAIT_STEP_MS);
		if (!stopped && clock_ms() < until)
			continue;
		file_close(fd);
		return error_set(error, stopped ? ERROR_STOPPED : ERROR_BUSY,
			"another dvf-import is exchanging the files in %s: let it end, then run "
			"again",
			name);
	}
	return true;
}
