/*
 * stage.h: the stages of a year, and what each says of it.
 *
 * The words stand in the ledger (struct year_state), where serve, status and health read them; what
 * a word means is said here and nowhere else.
 */
#ifndef STATE_STAGE_H
#define STATE_STAGE_H

#include <stddef.h>

enum stage_kind {
	STAGE_RESTS,  /* nothing goes on: in, given up, or to be gone on with by another run */
	STAGE_WAITS,  /* its turn comes */
	STAGE_COUNTS, /* bytes and rows go up */
	STAGE_LASTS,  /* work that counts nothing: only its time goes up */
};

/* A word nobody knows rests: a newer program may have written it. */
enum stage_kind stage_kind(const char *stage);

/* The words one after another, those of a year in work first in the order in which one is looked
 * for; NULL after the last. */
const char *stage_word(size_t i);

#endif
