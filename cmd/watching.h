/*
 * watching.h: the newest look at the ledger, and whether what is at work gets on, for serve.
 *
 * Looks anew when asked and the last look is older than WATCHING_FRESH_MS: who asks often does not
 * make it read more often. That counts for each year whose map is asked for, as a look holds one
 * map; years the ledger does not have are none. The ledger is opened for each look: a run may set a
 * broken one aside and begin another.
 *
 * Threads: one.
 * Memory: a look for each year that was asked for in the last WATCHING_KEPT_MS, and one more.
 */
#ifndef CMD_WATCHING_H
#define CMD_WATCHING_H

#include "cmd/standing.h"
#include "state/look.h"

#define WATCHING_FRESH_MS 400
#define WATCHING_KEPT_MS  3000
#define WATCHING_LOOKS    (LOOK_YEARS + 1) /* of no year, too */
#define WATCHING_STALL_MS 30000 /* no look showed more for so long: it is called stalled */

struct watching_kept {
	int year; /* that was asked for; 0: none */
	struct look *look;
	uint64_t looked_ms; /* 0: never */
};

struct watching {
	const char *state_folder;
	const struct look *look; /* with the map asked for last; NULL: there was none */
	struct standing standing;
	struct chain_seen chain;
	char at[32]; /* when the newest look was taken, which they tell of */
	/* Private: */
	struct watching_kept kept[WATCHING_LOOKS];
	const struct look *newest; /* one of them */
	uint64_t moved_ms, walked_ms;
	int64_t walked_head;
	char walked_hash[SHA256_HEX];
};

/* Brings look, standing, chain and at up to date; `year`: whose map is wanted, 0: any. */
void watching_look(struct watching *watching, int year);
void watching_end(struct watching *watching);

#endif
