/*
 * heads.h: how far our history goes is told to destinations, and what they were told is compared
 * with it.
 *
 * A head is the number and the hash of the newest event. It is told only after that event is on
 * disk, so a destination never knows more than the ledger does, unless somebody shortened or
 * replaced the ledger. What is told is never changed: rewriting an event means contradicting a
 * head.
 *
 * After a crash: a head that was not told is told by the next run; one that was told twice is there
 * once.
 * Threads: main.  Memory: one struct heads_chain for each history a destination was told of.
 */
#ifndef STAGES_HEADS_H
#define STAGES_HEADS_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/sink.h"
#include "state/ledger.h"

enum head_verdict {
	HEAD_AGREES,  /* our event of that number has that hash */
	HEAD_DIFFERS, /* ours, or what we noted of the other history, has another hash */
	HEAD_MISSING, /* of our chain, and we have no such event */
	HEAD_LOST,    /* the same, and our history itself says that it is lost */
	HEAD_OTHER,   /* of another history, not further than our events name */
	HEAD_FURTHER, /* of another history that our events name, and further */
	HEAD_UNKNOWN, /* of a history that none of our events names */
};

/* One head that was compared; `ours` is "" where we have nothing to set against it. */
struct head_compared {
	const struct history_head *head;
	enum head_verdict verdict;
	char ours[SHA256_HEX];
};
typedef bool heads_seen(void *context, const struct head_compared *compared, struct error *error);

/* What a destination was told of one history. */
struct heads_chain {
	char chain[33];
	struct chain_known known;
	uint64_t heads, differ, missing, lost;
	uint64_t beyond; /* HEAD_FURTHER and HEAD_UNKNOWN */
	bool overlooked; /* of those some were told before a head of ours was: the run that
			    told ours looked, and should have named them */
	uint64_t heard;  /* the place of its last head among all of them */
	struct history_head newest; /* with the largest number */
	struct history_head first_different, last_missing;
};

struct heads {
	struct heads_chain *chains; /* in the order in which the destination heard of them */
	unsigned count, room;
	uint64_t told;              /* heads in all */
	uint64_t ours;              /* of chains that are our history's */
	struct history_head newest; /* of those that agree, the furthest; number 0: none does */
};

/* Reads the heads of a destination that was taken or looked at and compares each with the ledger;
 * `seen` may be NULL. The caller frees *heads, also after false. */
bool heads_compare(struct sink *sink, struct ledger *ledger, struct heads *heads, heads_seen *seen,
	void *context, struct error *error);
void heads_free(struct heads *heads);

/* To be called after a destination was taken at the start of a command that will tell it heads:
 * histories it knows and ours does not name yet are named in an event ("history continues", "other
 * history seen"); heads of ours that we do not have, or have otherwise, too ("history is behind",
 * "history differs"), and then our history goes on under a new chain id. Each is named once. A
 * destination that does not know our chain is told its head. */
bool heads_meet(struct sink *sink, struct ledger *ledger, struct error *error);

/* Tells the destination, which must be taken, how far the history goes now. `why`: "year
 * published", "promote", "revert", "run ended". A sink that is NULL or was never taken: nothing is
 * done. */
bool heads_tell(struct sink *sink, struct ledger *ledger, const char *why, struct error *error);

/* The same; a failure is a warning. What was not told is told the next time. */
void heads_try_tell(struct sink *sink, struct ledger *ledger, const char *why);

#endif
