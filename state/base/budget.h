/*
 * budget.h: how much memory this process may use, and how much it uses.
 *
 * The limit is the smallest of what the user asked for and what the cgroups above us allow (v1 and
 * v2, every level up the tree). Sizes of queues and buffers are derived from it once, at start.
 *
 * Threads: any.  Memory: none is kept.
 */
#ifndef STATE_BASE_BUDGET_H
#define STATE_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/error.h"

#define BUDGET_DEFAULT ((uint64_t)64 << 20)
#define BUDGET_LEAST   ((uint64_t)24 << 20) /* below this the importer does not start */

struct budget {
	uint64_t limit;        /* bytes we keep below */
	uint64_t cgroup_limit; /* the lowest found up the tree; 0: none */
	uint64_t chunk_bytes;  /* a chunk is ended once it holds this much plain text */
	unsigned chunks_spare; /* chunk buffers beyond one a loader */
};

/* `asked` 0: the default. Also keeps the allocator from holding on to what was freed. Fails with
 * ERROR_REFUSED when there is less than BUDGET_LEAST. */
bool budget_make(struct budget *budget, uint64_t asked, struct error *error);

/* Gives back what the allocator keeps for later: between years. */
void budget_trim(void);

uint64_t budget_resident(void);      /* our resident set now, bytes; 0 if /proc is not there */
uint64_t budget_resident_peak(void); /* its highest so far */

#endif
