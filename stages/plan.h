/*
 * plan.h: how a load is cut to the memory that there is: loaders, chunks, caches.
 *
 * What people ask for is the most; the budget says how much of it there will be. A plan holds for
 * the worst file too: every chunk full of records that are rejects, and in each a record of
 * RECORD_MAX. It follows the budget: when the limit falls while we load, it shrinks.
 *
 * Threads: main.  Memory: none is kept.
 */
#ifndef STAGES_PLAN_H
#define STAGES_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/budget.h"

struct plan {
	struct budget budget;
	bool postgres;          /* the destination's kind */
	unsigned loaders_asked; /* at most so many */
	uint32_t rows_asked;
	/* What was decided: */
	unsigned loaders;
	unsigned together;    /* chunks that a loader may take into one transaction */
	unsigned spare;       /* chunk buffers beyond those of the loaders */
	uint32_t chunk_rows;  /* a chunk ends with so many records */
	uint64_t chunk_bytes; /* or once it holds so many bytes */
	uint64_t cache_bytes; /* SQLite's page cache, and its memory to sort; a loader has half */
};

/* From plan->budget and what was asked. */
void plan_decide(struct plan *plan);

/* Looks at the budget again. True: it has fallen (by more than figures waver), and what was decided
 * is now smaller. */
bool plan_shrink(struct plan *plan);

/* Takes back what shrinking took, when the limit is up again: between years. True: it did. */
bool plan_grow(struct plan *plan);

/* Room for a chunk of a process with this limit. */
uint64_t plan_chunk_bytes(uint64_t limit);

/* The limit, where it comes from, and what follows from it. */
#define PLAN_TEXT 320
void plan_text(const struct plan *plan, char text[static PLAN_TEXT]);

#endif
