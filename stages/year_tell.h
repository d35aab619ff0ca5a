/*
 * year_tell.h: what the history is told of a year: which edition, into which destination, how far.
 *
 * Threads: main.  Memory: a few KiB while an event is made.
 */
#ifndef STAGES_YEAR_TELL_H
#define STAGES_YEAR_TELL_H

#include "stages/load.h"
#include "stages/sink.h"
#include "stages/year.h"
#include "state/ledger.h"

#define TELL_RANGES_MOST  64 /* ranges that one event names */
#define TELL_REJECTS_MOST 5  /* rejects that one event shows */

struct year_tell {
	struct year *year;
	const struct edition *edition;
};

/* An event of this kind: destination, edition, url, sizes, rows, rejects; `why` may be NULL. */
bool year_tell(
	const struct year_tell *tell, const char *kind, const char *why, struct error *error);

/* What a load brought: "year loaded" if it is `whole`, else "chunks loaded" with the error as the
 * reason, if there are any. Besides the facts of year_tell: how many rows and chunks this run
 * brought, and the merged ranges, each as [plain_first, plain_end, first_record, rows, rejects].
 * Then "rejects kept", if there are some and the year is whole or refused for them: how many, and
 * of the first few record, column and reason. False, with the error left as it is, unless it is
 * whole. */
bool year_tell_loaded(
	const struct year_tell *tell, const struct load *load, bool whole, struct error *error);

#endif
