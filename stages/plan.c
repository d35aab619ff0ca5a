#include "stages/plan.h"

#include <stdio.h>

#include "stages/csv.h"
#include "stages/sink.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

/* Measured (docs/OPERATIONS.md, "Tuning"): the program with its ledger, a download over TLS and the
 * pages of its libraries that are in use all the time. */
#define FIXED (11 * MIB)

/* A connection and its thread. */
#define LOADER_OWN (512 * KIB)
/* A record of RECORD_MAX, beside its chunk: quotes undone, and sent as a reject. */
#define LONGEST (3 * RECORD_MAX)
/* A record has 40 fields: one that is shorter is a reject, and what is kept of a reject is
 * more than its bytes. So no chunk has more records than bytes / RECORD_LEAST. */
#define RECORD_LEAST 64
/* Memory of a chunk that is nothing but the shortest rejects, as multiples of its bytes. */
#define REJECTS_COST 3

#define CHUNK_SHARE 96 /* of the limit */
#define CHUNK_LEAST (256 * KIB)
#define CHUNK_MOST  (4 * MIB)
#define SPARE       2
#define TOGETHER                                                                                   \
	12000 /* rows: more in one transaction cost the server no less (docs/PERFORMANCE.md) */
#define CACHE_SHARE 5 /* of what is left beside FIXED */
#define CACHE_LEAST (768 * KIB)
#define CACHE_MOST  (4 * MIB)

#define WAVER 8 /* the limit has changed when it did by more than this part */

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
	if (value < least)
		return least;
	return value < most ? value : most;
}

uint64_t plan_chunk_bytes(uint64_t limit)
{
	return within(limit / CHUNK_SHARE, CHUNK_LEAST, CHUNK_MOST);
}

static unsigned together_wanted(const struct plan *plan)
{
	uint32_t rows = plan->rows_asked > 0 ? plan->rows_asked : 1;
	return plan->postgres ? (unsigned)within(TOGETHER / rows, 1, TOGETHER_MOST) : 1;
}

/* How many loaders there can be that take so many chunks at once. */
static uint64_t loaders_fit(uint64_t left, uint64_t bytes, unsigned together, unsigned spare)
{
	uint64_t chunk = bytes + RECORD_MAX; /* the record that ends it may be that long */
	uint64_t loader = together * (chunk + REJECTS_COST * bytes) + LONGEST + LOADER_OWN;
	return left > spare * chunk ? (left - spare * chunk) / loader : 0;
}

/* Loaders come first, then chunks in one transaction, with as many waiting for the next one. */
void plan_decide(struct plan *plan)
{
	uint64_t limit = plan->budget.limit;
	uint64_t left = limit > FIXED ? limit - FIXED : 0;
	uint64_t bytes = plan_chunk_bytes(limit);
	unsigned asked = plan->postgres ? plan->loaders_asked : 1;
	unsigned together = together_wanted(plan);
	while (together > 1 && loaders_fit(left, bytes, together, together) < asked)
		together--;
	plan->together = together;
	plan->spare = together > SPARE ? together : SPARE;
	uint64_t fit = loaders_fit(left, bytes, together, plan->spare);
	plan->chunk_bytes = bytes;
	if (fit == 0)
		plan->spare = 1;
	plan->loaders = (unsigned)within(fit, 1, asked);
	plan->chunk_rows = (uint32_t)within(plan->rows_asked, 1, bytes / RECORD_LEAST);
	plan->cache_bytes = within(left / CACHE_SHARE, CACHE_LEAST, CACHE_MOST);
}

/* Whether the budget has changed that much, down or up; then it is taken over. */
static bool follow(struct plan *plan, bool down)
{
	struct budget now = plan->budget;
	uint64_t before = plan->budget.limit;
	budget_look(&now);
	bool changed =
		down ? now.limit + before / WAVER < before : now.limit > before + before / WAVER;
	if (changed) {
		plan->budget = now;
		plan_decide(plan);
	}
	return changed;
}

bool plan_shrink(struct plan *plan)
{
	return follow(plan, true);
}

bool plan_grow(struct plan *plan)
{
	return follow(plan, false);
}

void plan_text(const struct plan *plan, char text[static PLAN_TEXT])
{
	char why[BUDGET_WHY];
	char asked[40] = "";
	char cache[60] = "";
	budget_why(&plan->budget, why);
	if (plan->postgres && plan->loaders < plan->loaders_asked)
		snprintf(asked, sizeof(asked), " instead of %u", plan->loaders_asked);
	if (!plan->postgres)
		snprintf(cache, sizeof(cache), ", a cache of %.1f MiB",
			(double)plan->cache_bytes / (double)MIB);
	snprintf(text, PLAN_TEXT,
		"memory limit %.0f MiB (%s): %u loader%s%s, %u chunks of %u rows or %llu KiB%s",
		(double)plan->budget.limit / (double)MIB, why, plan->loaders,
		plan->loaders == 1 ? "" : "s", asked, plan->loaders * plan->together + plan->spare,
		plan->chunk_rows, (unsigned long long)(plan->chunk_bytes / KIB), cache);
}
