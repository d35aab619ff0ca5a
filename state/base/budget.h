/*
 * budget.h: how much memory this process may use, and how much it uses.
 *
 * The limit is the smaller of what the user asked for and what the cgroups above us leave beside
 * the other processes in them. It may fall while we run: budget_look tells.
 *
 * Threads: any.  Memory: none is kept.
 */
#ifndef STATE_BASE_BUDGET_H
#define STATE_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/cgroup.h"
#include "state/base/error.h"

#define BUDGET_DEFAULT ((uint64_t)64 << 20)
#define BUDGET_LEAST   ((uint64_t)16 << 20) /* below this the importer does not start */

struct budget {
	uint64_t asked;        /* bytes the user set; 0: the default */
	uint64_t limit;        /* bytes we keep below */
	uint64_t cgroup_limit; /* of the level that leaves least; 0: none has one */
	uint64_t others;       /* bytes other processes use at that level */
};

/* `asked` 0: the default. Also keeps the allocator from holding on to what was freed. Fails with
 * ERROR_REFUSED when there is less than BUDGET_LEAST. */
bool budget_make(struct budget *budget, uint64_t asked, struct error *error);

/* The same figures anew; budget->asked stays. */
void budget_look(struct budget *budget);

/* What budget_look does, with what it reads: `own` is what we use ourselves, bytes. */
void budget_fit(struct budget *budget, const struct cgroup *cgroup, uint64_t own);

/* Where the limit comes from: "MEMORY_LIMIT", "the default", "the cgroup's", "what others leave of
 * the cgroup's 32 MiB". */
#define BUDGET_WHY 80
void budget_why(const struct budget *budget, char why[static BUDGET_WHY]);

/* Gives back what the allocator keeps for later: between years. */
void budget_trim(void);

uint64_t budget_resident(void);      /* our resident set now, bytes; 0 if /proc is not there */
uint64_t budget_resident_peak(void); /* its highest so far */

#endif
