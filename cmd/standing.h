/*
 * standing.h: whether all is well: work is done, or goes on. For health, /healthz, /metrics and the
 * page.
 *
 * Whether a run is at work is told by the kernel's lock; whether it gets on by two looks, of which
 * the later one shows more. No clock is read: how far apart the looks are is the caller's.
 *
 * Threads: any.  Memory: none.
 */
#ifndef CMD_STANDING_H
#define CMD_STANDING_H

#include <stdbool.h>

#include "state/look.h"

enum standing_state {
	STANDING_UNKNOWN, /* no ledger that could be read */
	STANDING_NEW,     /* no run yet */
	STANDING_BEGINS,  /* something is at work, and has not said what */
	STANDING_WORKS,   /* a run, promote or revert is at work */
	STANDING_STALLED, /* it is, and does not get on */
	STANDING_DONE,    /* the last run ended with 0 */
	STANDING_UNDONE,  /* with another code */
	STANDING_KILLED,  /* it never ended */
};

struct standing {
	enum standing_state state;
	bool healthy;
	char reason[1200]; /* one line, English; made of: */
	int64_t run;       /* 0: none */
	int exit_code;
	char outcome[16], at[32]; /* how and when it ended */
	int year;                 /* that is in work; 0: none is */
	char stage[16];
	uint64_t rows;
};

/* `look` NULL: there was none, for `why`. `moves`: since an earlier look something got on, or it is
 * too early to tell. */
void standing_judge(
	struct standing *standing, const struct look *look, const struct error *why, bool moves);

/* A run (promote, revert) is at work. */
bool standing_at_work(const struct look *look);

/* Whether something got on between two looks. A stage that counts nothing (indexing, checking) gets
 * on as long as its time does. */
bool standing_moved(const struct look *before, const struct look *now);

/* "done", "working" ...: one word, for programs. */
const char *standing_word(enum standing_state state);

#endif
