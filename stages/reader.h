/*
 * reader.h: from a spool to chunks: inflates, and cuts at record ends.
 *
 * Reads the gaps it is given, each from the access point that lies before it, and the last one to
 * the end of the file, where every CRC and length has been compared.
 *
 * Threads: reader_run is called in the reader's own; its callbacks are called there.
 * Memory: one chunk at a time is the reader's; the rest of a record goes over into the next.
 */
#ifndef STAGES_READER_H
#define STAGES_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/chunk.h"
#include "stages/columns.h"
#include "stages/inflate.h"
#include "state/base/error.h"
#include "state/ranges.h"

struct reader {
	const char *path;
	enum packing packing;
	uint32_t chunk_rows;  /* a chunk ends with so many records */
	uint64_t chunk_bytes; /* or once it holds so many bytes */
	void *context;
	/* An empty chunk to fill; NULL: stop, quietly. */
	struct chunk *(*take)(void *context);
	/* A full one; false: stop, quietly. */
	bool (*give)(void *context, struct chunk *chunk);
	/* See inflate.h; may be NULL. */
	inflate_point *point;
};

/* A gap and the point to start from. */
struct reader_gap {
	struct gap gap;
	struct point point;
	bool has_point;
};

/* What reading to the end told. */
struct reader_end {
	bool reached; /* the last gap was read to the end of the file, and all was verified */
	uint64_t plain_size; /* if reached */
	uint64_t records;    /* number of the last record, if reached */
};

/* Reads the header record of the spool; *header_end is the plain offset behind it. */
bool reader_header(const struct reader *reader, struct header *header, uint64_t *header_end,
	struct error *error);

/* Reads the gaps in order. ERROR_INPUT: the bytes are wrong (offsets named); ERROR_CHANGED: gap and
 * file do not fit each other, so what is in the destination is of other bytes. True with
 * end->reached false: told to stop. */
bool reader_run(const struct reader *reader, const struct reader_gap *gaps, unsigned count,
	struct reader_end *end, struct error *error);

#endif
