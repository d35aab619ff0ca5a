/*
 * difference.h: what a verification found: how many differences, and the first of them in words.
 *
 * Memory: fixed; only the first DIFFERENCES_NAMED are kept.
 */
#ifndef STAGES_DIFFERENCE_H
#define STAGES_DIFFERENCE_H

#include <stdint.h>

#include "stages/columns.h"
#include "stages/row.h"

#define DIFFERENCES_NAMED 10
#define DIFFERENCE_TEXT   400

struct difference {
	uint64_t record;            /* number of the record; 0: about the year as a whole */
	int column;                 /* index into columns; -1: none */
	char text[DIFFERENCE_TEXT]; /* a sentence in ASCII that names both */
};

struct differences {
	uint64_t count;
	unsigned named_count;
	struct difference named[DIFFERENCES_NAMED]; /* the first ones; of one row, a few */
};

/* Adds one; the record's number and the column's name are put before the words. */
void difference_add(struct differences *all, uint64_t record, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds "the file has ..., dvf has ..."; `what` is "the file" or whose value the first is. */
void difference_add_values(struct differences *all, uint64_t record, int column, const char *what,
	const struct value *expected, const struct value *found);

/* Adds one that is not worth a name: the row has others. */
void difference_count(struct differences *all);

/* Whether a value that was read back is the one that was parsed, as destinations keep it. */
bool value_equal(enum column_type type, const struct value *parsed, const struct value *found);

#endif
