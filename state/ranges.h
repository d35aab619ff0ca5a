/*
 * ranges.h: the arithmetic of tiling (I2): what is done, and which gaps are left.
 *
 * Memory: at most one item a gap; runs that touch are merged as they are added.
 */
#ifndef STATE_RANGES_H
#define STATE_RANGES_H

#include "state/base/error.h"
#include "state/edition.h"

/* Puts a range in its place and merges it with neighbours it touches. Overlap, a record
 * number that is not its neighbour's next where they touch, or goes back across a gap: ERROR_INPUT,
 * nothing changed. */
bool ranges_add(struct ranges *ranges, const struct range *range, struct error *error);

/* A part of the plain bytes that is still to be loaded. */
struct gap {
	uint64_t plain_first;
	uint64_t plain_end;    /* UINT64_MAX: to the end of the file, wherever that is */
	uint64_t first_record; /* number its first record must get */
	uint64_t next_record;  /* number the record at plain_end has; 0: not known (the last gap) */
};

/* The i-th gap in [header_end, plain_size), or false. `plain_size` UINT64_MAX: not known, so the
 * last gap always exists, even if it will turn out to be empty. */
bool ranges_gap(const struct ranges *ranges, uint64_t header_end, uint64_t plain_size, unsigned i,
	struct gap *gap);

void ranges_totals(const struct ranges *ranges, uint64_t *plain, uint64_t *rows, uint64_t *rejects);
void ranges_clear(struct ranges *ranges);
void ranges_free(struct ranges *ranges);

#endif
