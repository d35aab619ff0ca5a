/*
 * watching.h: the newest look at the ledger, and whether what is at work gets on, for serve.
 *
 * Looks anew when asked and the last look is older than WATCHING_FRESH_MS: who asks often does not
 * make it read more often. The ledger is opened for each look: a run may set a broken one aside and
 * begin another.
 *
 * Threads: one.  Memory: two looks.
 */
#ifndef CMD_WATCHING_H
#define CMD_WATCHING_H

#include "cmd/standing.h"
#include "state/look.h"

#define WATCHING_FRESH_MS 400
#define WATCHING_STALL_MS 30000 /* no look showed more for so long: it is called stalled */

struct watching {
	const char *state_folder;
	struct look *look; /* NULL: there was none */
	struct standing standing;
	struct chain_seen chain;
	char at[32]; /* when the look was taken */
	/* Private: */
	int year;
	uint64_t looked_ms, moved_ms, walked_ms;
	int64_t walked_head;
	char walked_hash[SHA256_HEX];
};

/* Brings look, standing, chain and at up to date; `year`: whose map is wanted, 0: any. */
void watching_look(struct watching *watching, int year);
void watching_end(struct watching *watching);

#endif
