#include "stages/fetch_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/base/file.h"
#include "state/base/stop.h"

#define READ_SIZE ((size_t)64 << 10)

void part_name(int year, const char *shown_url, char name[static NAME_MAX_SPOOL])
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	for (const char *at = shown_url; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619U;
	snprintf(name, NAME_MAX_SPOOL, "%d-%08" PRIx32 ".part", year, hash);
}

static void first_add(struct part_file *file, const void *bytes, size_t size)
{
	size_t room = sizeof(file->first) - file->first_size;
	size_t more = size < room ? size : room;
	memcpy(file->first + file->first_size, bytes, more);
	file->first_size += more;
}

static bool read_again(struct part_file *file, uint64_t keep, struct error *error)
{
	bool done = true;
	char *bytes = malloc(READ_SIZE);
	if (bytes == NULL)
		return error_memory(error, "reading a part again");
	while (done && file->size < keep) {
		size_t want =
			keep - file->size < READ_SIZE ? (size_t)(keep - file->size) : READ_SIZE;
		size_t got = 0;
		if (stop_requested())
			done = error_set(
				error, ERROR_STOPPED, "stopped before the download went on");
		else
			done = file_read_at(file->fd, bytes, want, file->size, &got, error) &&
			       sha256_add(file->sum, bytes, got, error);
		if (done && got < want)
			done = error_set(
				error, ERROR_SYSTEM, "%s shrank while it was read", file->path);
		if (done)
			first_add(file, bytes, got);
		file->size += got;
	}
	free(bytes);
	return done;
}

static bool in_the_way(const char *path, struct error *error)
{
	return error_set(error, ERROR_SYSTEM,
		"%s is not a file, and one must go there: remove it and run again", path);
}

static bool open_at(struct part_file *file, uint64_t durable, uint64_t keep, struct error *error)
{
	struct stat status;
	file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool odd = file->fd == -1 && (errno == ELOOP || errno == EISDIR);
	if (!odd && (file->fd == -1 || fstat(file->fd, &status) == -1))
		return error_system(error, "cannot open %s", file->path);
	if (odd || !S_ISREG(status.st_mode))
		return in_the_way(file->path, error);
	/* ftruncate would lengthen a short file with zeros and call them downloaded. */
	if (keep == 0 || (uint64_t)status.st_size < durable)
		return part_restart(file, error) && file_sync_folder_of(file->path, error);
	if (ftruncate(file->fd, (off_t)durable) == -1)
		return error_system(
			error, "cannot cut %s back to what is known to be good", file->path);
	return sha256_new(&file->sum, error) && read_again(file, keep, error);
}

bool part_open(struct part_file *file, const char *folder, const char *name, uint64_t durable,
	uint64_t keep, struct error *error)
{
	memset(file, 0, sizeof(*file));
	file->fd = -1;
	if (!file_make_folder(folder, error) ||
		!spool_path(folder, name, file->path, sizeof(file->path), error))
		return false;
	if (open_at(file, durable, keep, error))
		return true;
	part_close(file);
	return false;
}

bool part_restart(struct part_file *file, struct error *error)
{
	sha256_free(file->sum);
	file->sum = NULL;
	file->size = 0;
	file->first_size = 0;
	if (ftruncate(file->fd, 0) == -1)
		return error_system(error, "cannot empty %s", file->path);
	return sha256_new(&file->sum, error);
}

bool part_room(const struct part_file *file, uint64_t more, struct error *error)
{
	uint64_t left = 0;
	if (!file_free_bytes(file->path, &left, error))
		return false;
	if (more + PART_SPARE <= left)
		return true;
	return error_set(error, ERROR_FULL,
		"the download needs %" PRIu64 " bytes more and %" PRIu64
		" to spare, but only %" PRIu64
		" are free on the disk of %s: free some, or choose another --state folder",
		more, PART_SPARE, left, file->path);
}

bool part_append(struct part_file *file, const void *bytes, size_t size, struct error *error)
{
	if (!file_write_at(file->fd, bytes, size, file->size, error))
		return error_where(error, "writing %s", file->path);
	if (!sha256_add(file->sum, bytes, size, error))
		return false;
	first_add(file, bytes, size);
	file->size += size;
	return true;
}

/* The kernel may have dropped pages that it could not write, and would say yes the second time. */
bool part_sync(struct part_file *file, struct error *error)
{
	if (file_sync(file->fd, file->path, error))
		return true;
	part_remove(file);
	return false;
}

void part_remove(struct part_file *file)
{
	part_close(file);
	unlink(file->path);
}

bool part_finish(struct part_file *file, const char *folder, enum packing packing,
	struct spool *spool, struct error *error)
{
	char path[PATH_MAX];
	struct stat status;
	if (!sha256_end(file->sum, spool->sha256, error))
		return false;
	spool->packed_size = file->size;
	spool_name(spool->year, spool->sha256, packing == PACKING_NONE, spool->file);
	if (!spool_path(folder, spool->file, path, sizeof(path), error))
		return false;
	if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return in_the_way(path, error);
	if (!part_sync(file, error))
		return false;
	part_close(file);
	return file_rename(file->path, path, error);
}

void part_close(struct part_file *file)
{
	sha256_free(file->sum);
	file->sum = NULL;
	file_close(&file->fd);
}
