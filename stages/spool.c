#include "stages/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"
#include "state/base/sha256.h"
#include "state/base/stop.h"

#define READ_SIZE ((size_t)64 << 10)

void spool_name(int year, const char *sha256, bool plain, char name[static NAME_MAX_SPOOL])
{
	snprintf(name, NAME_MAX_SPOOL, "%d-%.12s.csv%s", year, sha256, plain ? "" : ".gz");
}

bool spool_path(const char *folder, const char *file, char *path, size_t size, struct error *error)
{
	if (file[0] == '\0' || file[0] == '.' || strchr(file, '/') != NULL)
		return error_set(error, ERROR_SYSTEM,
			"\"%s\" cannot be a file of the spool folder %s: the ledger is damaged, "
			"move it away and run again",
			file, folder);
	int used = snprintf(path, size, "%s/%s", folder, file);
	if (used < 0 || (size_t)used >= size)
		return error_set(error, ERROR_SYSTEM,
			"the path of %s is too long: choose a shorter --state folder", file);
	return true;
}

static bool open_regular(const char *path, int *fd, uint64_t *size, struct error *error)
{
	struct stat status;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (*fd == -1 || fstat(*fd, &status) == -1)
		return error_system(error, "cannot open the spool %s", path);
	*size = (uint64_t)status.st_size;
	if (!S_ISREG(status.st_mode))
		file_close(fd);
	return true;
}

static bool file_sum(int fd, const char *path, char hex[static SHA256_HEX], struct error *error)
{
	bool done = false;
	struct sha256 *sum = NULL;
	uint64_t offset = 0;
	size_t got = 0;
	char *bytes = malloc(READ_SIZE);
	if (bytes == NULL) {
		error_memory(error, "reading a spool");
		goto out;
	}
	if (!sha256_new(&sum, error))
		goto out;
	do {
		if (stop_requested()) {
			error_set(error, ERROR_STOPPED, "stopped while reading the spool %s", path);
			goto out;
		}
		if (!file_read_at(fd, bytes, READ_SIZE, offset, &got, error) ||
			!sha256_add(sum, bytes, got, error)) {
			error_where(error, "the spool %s", path);
			goto out;
		}
		offset += got;
	} while (got > 0);
	done = sha256_end(sum, hex, error);
out:
	sha256_free(sum);
	free(bytes);
	return done;
}

bool spool_check(const char *folder, const struct spool *spool, bool *same, struct error *error)
{
	char path[PATH_MAX];
	int fd = -1;
	uint64_t size = 0;
	*same = false;
	if (!spool_path(folder, spool->file, path, sizeof(path), error))
		return false;
	bool done = open_regular(path, &fd, &size, error);
	if (done && fd != -1 && size == spool->packed_size) {
		char hex[SHA256_HEX];
		done = file_sum(fd, path, hex, error);
		*same = done && strcmp(hex, spool->sha256) == 0;
	}
	file_close(&fd);
	return done;
}

bool spool_there(const char *folder, const struct spool *spool)
{
	char path[PATH_MAX];
	struct error ignored;
	struct stat status;
	return spool_path(folder, spool->file, path, sizeof(path), &ignored) &&
	       stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       (uint64_t)status.st_size == spool->packed_size;
}

bool spool_remove(const char *folder, const char *file, uint64_t *freed, struct error *error)
{
	char path[PATH_MAX];
	struct stat status;
	if (freed != NULL)
		*freed = 0;
	if (!spool_path(folder, file, path, sizeof(path), error))
		return false;
	bool there = lstat(path, &status) == 0;
	if (unlink(path) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return true;
		return error_system(error, "cannot remove %s", path);
	}
	if (freed != NULL && there)
		*freed = (uint64_t)status.st_size;
	return true;
}
