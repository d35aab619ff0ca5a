/*
 * promote.h: staging becomes live, live becomes previous; and back.
 *
 * Three slots: staging -> live -> previous. A promote says which UUID it means to make live; if
 * live has it already it is done, so that saying it again never swaps twice. revert makes the
 * previous one live again and puts what was live into staging, where it can be looked at; its
 * editions are held, so that the next unattended run does not bring them back.
 *
 * PostgreSQL: databases, renamed in one message. SQLite: files that keep their names, and a
 * symbolic link that is exchanged by rename(2).
 *
 * After a crash: the same call recognises what is there and finishes it.  Threads: main (it makes a
 * second connection of its own while it waits).
 */
#ifndef STAGES_PROMOTE_H
#define STAGES_PROMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/sink.h"
#include "state/ledger.h"

struct promote_settings {
	uint32_t drain_s;  /* how long sessions may go on before they are ended */
	bool carry;        /* foreign objects of live are dumped and restored into staging */
	bool drop_foreign; /* they are given up */
	bool dry_run;      /* only say what would be done */
};

/* What it did, or would do: lines for people, in order. */
typedef void promote_said(void *context, const char *line);

struct promote {
	const struct promote_settings *settings;
	const struct destination *live; /* slot is SLOT_LIVE */
	struct ledger *ledger;          /* NULL with dry_run */
	const int *dropped; /* years that live serves and staging need not (--drop-year) */
	unsigned dropped_count;
	promote_said *said;
	void *context;
	sink_tick *tick; /* may be NULL */
	void *tick_context;
	bool changed;     /* out: false: it was done already */
	double outage_ms; /* out: how long neither was there */
	uint32_t ended;   /* out: sessions that had to be ended */
	char uuid[37];    /* out: of what is live now */
};

/* True: done, or was done already. ERROR_REFUSED: a precondition does not hold; nothing was
 * changed, and each was told through `said` with its remedy. */
bool promote_do(struct promote *promote, struct error *error);
bool revert_do(struct promote *promote, struct error *error);

bool promote_postgres(struct promote *promote, struct error *error);
bool revert_postgres(struct promote *promote, struct error *error);
bool promote_sqlite(struct promote *promote, struct error *error);
bool revert_sqlite(struct promote *promote, struct error *error);

#endif
