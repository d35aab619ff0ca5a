/*
 * chunk.h: whole records as they stand in the file, the unit of the witness.
 *
 * Memory: the bytes are malloc'd and kept from one use to the next; a chunk is cut
 * before it holds more than plan.chunk_bytes, RECORD_MAX and one read.
 */
#ifndef STAGES_CHUNK_H
#define STAGES_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"

struct chunk {
	char *bytes; /* [0, size): the plain bytes [plain_first, plain_first + size) */
	size_t size;
	size_t room;
	uint64_t plain_first;
	uint64_t first_record; /* number of its first record */
	uint64_t records;      /* those in it; blank lines are none */
	uint64_t packed;       /* how far in the spool the reader was: for progress */
};

/* After true there is room for `more` bytes behind `size`. */
bool chunk_reserve(struct chunk *chunk, size_t more, struct error *error);

/* Gives the memory back. */
void chunk_free(struct chunk *chunk);

#endif
