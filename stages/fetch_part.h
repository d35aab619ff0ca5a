/*
 * fetch_part.h: the file a download is written into, until it is whole.
 *
 * After a crash: only what part_sync said true to counts; part_open is told how much that is.
 * Threads: belongs to the one that opened it.  Memory: a 64 KiB buffer while a part is read again.
 */
#ifndef STAGES_FETCH_PART_H
#define STAGES_FETCH_PART_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/fetch_look.h"
#include "stages/spool.h"
#include "state/base/error.h"

#define PART_SYNC  ((uint64_t)8 << 20)  /* fsync at least this often, in bytes */
#define SYNC_MS    5000                 /* and in time: a slow download is not lost, and is seen */
#define PART_SPARE ((uint64_t)16 << 20) /* left free on the disk beside the file */

struct part_file {
	int fd; /* -1: not open */
	char path[PATH_MAX];
	struct sha256 *sum; /* over [0, size) */
	uint64_t size;
	unsigned char first[LOOK_FIRST]; /* of the file */
	size_t first_size;
};

/* "2023-1a2b3c4d.part": the same for the same source, so that it is found again. */
void part_name(int year, const char *shown_url, char name[static NAME_MAX_SPOOL]);

/* Opens or makes <folder>/<name>. Bytes behind `durable` are cut off; the first `keep` (at most
 * `durable`) are read again for the checksum, and file->size is `keep`. If fewer than `durable`
 * bytes are there none are kept, and file->size is 0. */
bool part_open(struct part_file *file, const char *folder, const char *name, uint64_t durable,
	uint64_t keep, struct error *error);

/* Empties it. */
bool part_restart(struct part_file *file, struct error *error);

/* ERROR_FULL if `more` bytes and PART_SPARE do not fit on the disk. */
bool part_room(const struct part_file *file, uint64_t more, struct error *error);

bool part_append(struct part_file *file, const void *bytes, size_t size, struct error *error);

/* After false the file is closed and gone: a failed fsync is not repeated. */
bool part_sync(struct part_file *file, struct error *error);

/* Makes it <folder>/<year>-<12 digits of its SHA-256>.csv.gz (or .csv), durable; fills file, sha256
 * and packed_size of *spool (year must be set) and closes. */
bool part_finish(struct part_file *file, const char *folder, enum packing packing,
	struct spool *spool, struct error *error);

/* Closes it and removes it from the disk. */
void part_remove(struct part_file *file);

void part_close(struct part_file *file);

#endif
