/*
 * sink_sqlite_swap.h: what the files of promote and revert share on the SQLite side.
 *
 * Two files: `old` is live until now (it may not be there), `new` is to be live. Whoever reads
 * opens the link dvf.sqlite, so the one moment that matters is the rename(2) that exchanges it:
 *
 *     1  finish what an earlier promote or revert left, look, refuse
 *     2  a live file without a number gets one (sink_sqlite_number.c)
 *     3  take the fence of both; hold the write lock of both from here on, so that nobody commits
 *        into a file that is about to go
 *     4  `new` gets the owner, group and mode of `old`; into it, one durable transaction: what
 * people made in live, what a revert holds, and what is meant: which file is to be live, which was,
 *        which is to be removed
 *     5  exchange the link dvf.sqlite, fsync the folder
 *     6  the other two links, remove the file that has no link any more, note in both files that it
 *        is done
 *
 * After a crash before 5: live is what it was, and the same command begins again. After 5: what is
 * left of 6 stands in the live file, and the next promote or revert does it first.
 *
 * Threads: main.  Memory: the statements people made, one at a time.
 */
#ifndef STAGES_SINK_SQLITE_SWAP_H
#define STAGES_SINK_SQLITE_SWAP_H

#include "stages/promote.h"
#include "stages/sink_sqlite.h"

/* One row of dvf_import_swap. */
struct sqlite_swap {
	int64_t number;
	char id[33]; /* the same in both files */
	bool revert, done;
	char live[37], instead_of[37]; /* UUIDs; instead_of "": nothing was live */
	char run[128], meant_at[32];
	char live_file[SLOT_NAME_MAX];
	char instead_file[SLOT_NAME_MAX]; /* "": there was none */
	char gone_file[SLOT_NAME_MAX];    /* "": none is to be removed */
};

struct swapping {
	struct promote *promote;
	bool revert;
	enum slot from, to; /* `new` is in the slot `from` now, `old` will be in `to` */
	struct slots slots;
	struct slot_look live; /* the slots as they were found */
	struct slot_look next; /* that of `new` */
	struct sqlite_sink *old, *new;
	bool has_old;    /* something is live */
	unsigned stands; /* things that stand in the way, told already */
	struct sqlite_swap swap;
};

/* --- telling (sink_sqlite_promote.c) */

/* A line through promote->said. */
void swap_say(struct swapping *swapping, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same for something that stands in the way: "what: remedy". */
void swap_refuse(struct swapping *swapping, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- looking (sink_sqlite_next.c) */

/* What is live, if anything; no connection of ours is open on it yet. */
bool swap_live_look(struct swapping *swapping, struct error *error);
/* What is to be; *there false: the slot that it comes from is empty. */
bool swap_next_look(struct swapping *swapping, bool *there, struct error *error);
/* With that slot empty: it was done already, or there never was anything. */
bool swap_none(struct swapping *swapping, struct error *error);
/* A promote that was cut off before it changed anything: a revert after it means what live is
 * still, not one more back. It stands in the way once, and is forgotten. */
bool swap_give_up(struct swapping *swapping, struct error *error);
/* ERROR_REFUSED when anything stands in the way. */
bool swap_refused(const struct swapping *swapping, struct error *error);

/* --- dvf_import_swap and the links (sink_sqlite_swap.c) */

/* *found false: none, or a file that has no such table yet. */
bool swap_last(sqlite3 *db, struct sqlite_swap *swap, bool *found, struct error *error);
/* Adds what is meant (or, `done`, what was), unless it is there. */
bool swap_add(sqlite3 *db, const struct sqlite_swap *swap, struct error *error);
/* Forgets what was meant and never done. */
bool swap_withdraw(sqlite3 *db, struct error *error);
/* Step 6 but for the notes. */
bool swap_links(const struct slots *slots, const struct sqlite_swap *swap, struct error *error);
/* All of step 6 where an earlier one left it; *left: there was something, and dry_run only tells.
 */
bool swap_finish(struct swapping *swapping, bool *left, struct error *error);

/* --- a live file that has no number (sink_sqlite_number.c) */

/* Nobody has it open, and it can be given a number; ERROR_REFUSED that says what to do where not.
 * No connection of ours may be open on it. */
bool swap_number_check(const char *path, struct error *error);
/* The link dvf.sqlite stands where the file stood, which is dvf.1.sqlite now. */
bool swap_number(struct swapping *swapping, struct error *error);

/* --- preconditions; `new` has `old` attached (sink_sqlite_ready.c) */

/* Counts and tells what stands in the way. */
bool swap_ready(struct swapping *swapping, struct error *error);

/* --- who may open it (sink_sqlite_rights.c) */

/* Tells where `new` cannot get the owner, group and mode of `old`: that stands in the way. */
bool swap_rights_ready(struct swapping *swapping, struct error *error);
/* `new` and what SQLite keeps beside it have them. ERROR_REFUSED, with what to do, where not. */
bool swap_rights(struct swapping *swapping, struct error *error);

/* --- what people made in live (sink_sqlite_carry.c) */

/* Tells what `new` lacks; without --carry or --drop-foreign, or where it cannot be carried, it
 * stands in the way. */
bool swap_foreign(struct swapping *swapping, struct error *error);
/* In a transaction of `new`: makes what it lacks. */
bool swap_carry(struct swapping *swapping, struct error *error);

/* --- what a revert holds (sink_sqlite_hold.c) */

/* In a transaction of `new`. Promote: what a revert holds in live stays held, unless `new` serves
 * it. Revert: what live serves and `new` does not is held from now on. */
bool swap_hold(struct swapping *swapping, struct error *error);

/* --- the ledger (sink_sqlite_told.c) */

/* After step 6, or when it was done already: the event, unless the ledger has it. */
bool swap_tell(struct swapping *swapping, bool found_done, struct error *error);

#endif
