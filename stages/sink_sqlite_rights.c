/*
 * Who may open what becomes live.
 *
 * A staging file was made under the umask of the run that loaded it, and live may have been given
 * to the group of those who read it. What takes live's place gets its owner, group and mode, and so
 * does what SQLite keeps beside it already; what it makes later has those of the file itself.
 *
 * By O_PATH, which opens no file: closing another descriptor of one would drop SQLite's locks.
 */
#include "stages/sink_sqlite_swap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"

#define MODE_BITS 07777u
#define WHAT                                                                                       \
	"%s has owner %u:%u and mode %o, live has %u:%u and %o: whoever reads live could not open it"
#define REMEDY "chown %u:%u %s && chmod %o %s, as root"

static const char *path_of(const struct sqlite_sink *sink)
{
	return sqlite3_db_filename(sink->db, "main");
}

static bool status_of(const struct sqlite_sink *sink, struct stat *status, struct error *error)
{
	return stat(path_of(sink), status) == 0 ||
	       error_system(error, "cannot look at %s", path_of(sink));
}

static bool same(const struct stat *one, const struct stat *other)
{
	return one->st_uid == other->st_uid && one->st_gid == other->st_gid &&
	       ((one->st_mode ^ other->st_mode) & MODE_BITS) == 0;
}

/* As far as can be known without trying. */
static bool may_give(const struct stat *live, const struct stat *file)
{
	if (geteuid() == 0)
		return true;
	return file->st_uid == geteuid() && live->st_uid == file->st_uid &&
	       (live->st_gid == file->st_gid || group_member(live->st_gid) != 0);
}

bool swap_rights_ready(struct swapping *swapping, struct error *error)
{
	struct stat live, file;
	char remedy[512];
	if (!status_of(swapping->old, &live, error) || !status_of(swapping->new, &file, error))
		return false;
	if (same(&live, &file) || may_give(&live, &file))
		return true;
	const char *path = path_of(swapping->new);
	unsigned mode = live.st_mode & MODE_BITS;
	snprintf(remedy, sizeof(remedy), REMEDY, live.st_uid, live.st_gid, path, mode, path);
	swap_refuse(swapping, remedy, WHAT, path, file.st_uid, file.st_gid,
		file.st_mode & MODE_BITS, live.st_uid, live.st_gid, mode);
	return true;
}

/* Owner first: the new mode is not for the old group. */
static bool put(int fd, const struct stat *live, bool must)
{
	char itself[32];
	snprintf(itself, sizeof(itself), "/proc/self/fd/%d", fd);
	bool owner = fchownat(fd, "", live->st_uid, live->st_gid, AT_EMPTY_PATH) == 0;
	return (owner || !must) && chmod(itself, live->st_mode & MODE_BITS) == 0 && owner;
}

/* `must` false: as far as it can be done. */
static bool give(const char *path, const struct stat *live, bool must, struct error *error)
{
	struct stat file;
	unsigned mode = live->st_mode & MODE_BITS;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return !must || error_system(error, "cannot look at %s", path);
	bool done = fstat(fd, &file) == 0 || error_system(error, "cannot look at %s", path);
	if (done && !same(live, &file) && !put(fd, live, must) && must)
		done = error_set(error, ERROR_REFUSED,
			WHAT ", and that could not be changed (%s): " REMEDY, path, file.st_uid,
			file.st_gid, file.st_mode & MODE_BITS, live->st_uid, live->st_gid, mode,
			strerror(errno), live->st_uid, live->st_gid, path, mode, path);
	file_close(&fd);
	return done;
}

/* What stands beside it SQLite itself gives to another group only where it is root: so it stands
 * beside live, too. */
bool swap_rights(struct swapping *swapping, struct error *error)
{
	static const char *const endings[] = { "-wal", "-shm" };
	struct stat live;
	char path[PATH_MAX];
	bool done = status_of(swapping->old, &live, error) &&
		    give(path_of(swapping->new), &live, true, error);
	for (size_t i = 0; done && i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", path_of(swapping->new), endings[i]);
		done = give(path, &live, false, error);
	}
	return done;
}
