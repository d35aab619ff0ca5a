#include "state/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SECRET_MAX 65536

bool file_read_at(
	int fd, void *bytes, size_t size, uint64_t offset, size_t *got, struct error *error)
{
	*got = 0;
	while (*got < size) {
		ssize_t done = pread(fd, (char *)bytes + *got, size - *got, (off_t)(offset + *got));
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return error_system(
				error, "cannot read at byte %llu", (unsigned long long)offset);
		if (done == 0)
			return true;
		*got += (size_t)done;
	}
	return true;
}

bool file_write_at(int fd, const void *bytes, size_t size, uint64_t offset, struct error *error)
{
	size_t put = 0;
	while (put < size) {
		ssize_t done =
			pwrite(fd, (const char *)bytes + put, size - put, (off_t)(offset + put));
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return error_system(
				error, "cannot write at byte %llu", (unsigned long long)offset);
		put += (size_t)done;
	}
	return true;
}

bool file_sync(int fd, const char *path, struct error *error)
{
	if (fsync(fd) == -1)
		return error_system(error, "cannot make %s durable", path);
	return true;
}

bool file_sync_folder_of(const char *path, struct error *error)
{
	char *folder = strdup(path);
	if (folder == NULL)
		return error_memory(error, "a path");
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd != -1 && fsync(fd) == 0;
	if (!done)
		error_system(error, "cannot make the folder of %s durable", path);
	file_close(&fd);
	free(folder);
	return done;
}

bool file_rename(const char *from, const char *to, struct error *error)
{
	if (rename(from, to) == -1)
		return error_system(error, "cannot rename %s to %s", from, to);
	return file_sync_folder_of(to, error);
}

/* All folders that are made are the state folder or below it. */
static const char *folder_remedy(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return ": make it yourself and give it to this user (chown), or choose another --state";
	case EROFS:
	case ENOTDIR:
		return ": choose another --state";
	default:
		return "";
	}
}

static bool append(struct error *error, const char *remedy)
{
	size_t used = strlen(error->text);
	snprintf(error->text + used, sizeof(error->text) - used, "%s", remedy);
	return false;
}

static bool folder_not_made(const char *path, struct error *error)
{
	error_system(error, "cannot make the folder %s", path);
	return append(error, folder_remedy(errno));
}

bool file_make_folder(const char *path, struct error *error)
{
	char *copy = strdup(path);
	if (copy == NULL)
		return error_memory(error, "a path");
	bool done = true;
	for (char *slash = copy; done && slash != NULL;) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		done = mkdir(copy, 0700) == 0 || errno == EEXIST ||
		       (errno == EROFS && slash != NULL);
		if (!done)
			folder_not_made(copy, error);
		if (slash != NULL)
			*slash = '/';
	}
	free(copy);
	return done;
}

bool file_free_bytes(const char *path, uint64_t *bytes, struct error *error)
{
	struct statvfs fs;
	if (statvfs(path, &fs) == -1)
		return error_system(error, "cannot ask how much room is left for %s", path);
	*bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

static bool lock_not_opened(const char *path, const char *right, struct error *error)
{
	char remedy[128];
	error_system(error, "cannot open the lock file %s", path);
	if (errno != EACCES && errno != EPERM)
		return false;
	snprintf(remedy, sizeof(remedy),
		": make it and its folder %s for this user, or choose another --state", right);
	return append(error, remedy);
}

/* flock(2) cannot be looked at without being taken. So beside it there is one of the other kind,
 * that can; it excludes nobody. */
void file_lock_show(int fd)
{
	struct flock seen = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	(void)!fcntl(fd, F_OFD_SETLK, &seen);
}

bool file_is_locked(const char *path, bool *locked, struct error *error)
{
	struct flock seen = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	*locked = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || lock_not_opened(path, "readable", error);
	bool done = fcntl(fd, F_OFD_GETLK, &seen) == 0 ||
		    error_system(error, "cannot look at the lock of %s", path);
	*locked = done && seen.l_type != F_UNLCK;
	file_close(&fd);
	return done;
}

bool file_lock(const char *path, const char *mine, int *fd, char *holder, size_t holder_size,
	struct error *error)
{
	holder[0] = '\0';
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd == -1)
		return lock_not_opened(path, "writable", error);
	if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		bool taken = errno == EWOULDBLOCK;
		if (!taken)
			error_system(error, "cannot lock %s", path);
		size_t got = 0;
		struct error ignored;
		if (taken && file_read_at(*fd, holder, holder_size - 1, 0, &got, &ignored))
			holder[got] = '\0';
		file_close(fd);
		return taken;
	}
	/* Who holds it is for people only; a full disk must not keep a run from starting. */
	struct error ignored;
	if (ftruncate(*fd, 0) == 0)
		(void)!file_write_at(*fd, mine, strlen(mine), 0, &ignored);
	return true;
}

void file_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

bool file_read_secret(const char *path, char **secret, struct error *error)
{
	*secret = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return error_system(error, "cannot open the secret file %s", path);
	char *text = calloc(1, SECRET_MAX + 1);
	size_t got = 0;
	bool done = true;
	if (text == NULL) {
		file_close(&fd);
		return error_memory(error, "a secret");
	}
	while (done && got < SECRET_MAX) {
		ssize_t size = read(fd, text + got, SECRET_MAX - got);
		if (size == 0)
			break;
		if (size == -1 && errno != EINTR)
			done = error_system(error, "cannot read the secret file %s", path);
		if (size > 0)
			got += (size_t)size;
	}
	file_close(&fd);
	if (done && got == SECRET_MAX)
		done = error_set(error, ERROR_USAGE, "the secret file %s is too long", path);
	if (!done) {
		free(text);
		return false;
	}
	if (got > 0 && text[got - 1] == '\n')
		text[--got] = '\0';
	if (got > 0 && text[got - 1] == '\r')
		text[--got] = '\0';
	*secret = text;
	return true;
}
