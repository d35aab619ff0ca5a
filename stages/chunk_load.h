/*
 * chunk_load.h: chunks into a destination: parse, put, commit, in one transaction of the
 * destination and one copy. Each has a witness of its own.
 *
 * A record that cannot become a row is a reject. A record that only the destination refuses is
 * found by halving a chunk, each half in a savepoint of the same transaction, and becomes a reject
 * with the destination's words.
 *
 * Threads: one chunk_load a thread.  Memory: the row's scratch; an array of the chunk's rejects,
 * and one of its records while halving.
 */
#ifndef STAGES_CHUNK_LOAD_H
#define STAGES_CHUNK_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/chunk.h"
#include "stages/sink.h"

struct chunk_load {
	struct loader *loader;
	const struct edition *edition;
	const struct header *header;
	struct row row;
	struct reject *rejects; /* private, as what follows */
	uint64_t reject_count, reject_room;
};

/* True: the chunks are in, as records[] says: rows + rejects = each one's records. False: nothing
 * of them is, except with ERROR_LOST, when only the witness knows. A record that the destination
 * refuses is looked for in a chunk alone (count 1); of several it is ERROR_DATA: give them one by
 * one. */
bool chunk_load(struct chunk_load *load, struct chunk *const *chunks, unsigned count,
	struct chunk_record *records, struct error *error);

/* Gives the memory back; the loader stays the caller's. */
void chunk_load_free(struct chunk_load *load);

#endif
