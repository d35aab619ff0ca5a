/*
 * row.h: a record turned into forty typed values, or the reason why it cannot be.
 *
 * Empty is NULL, quoted or not. `18000.0` in an integer column is 18000. Decimals are kept exactly,
 * as hundredths; a third decimal that is not zero cannot be kept and makes a reject. A date outside
 * the file's year, a NUL byte, invalid UTF-8, a value out of its type's range, a code too long for
 * an index, an empty required column, another number of fields than the header has: rejects, each
 * with its column where there is one. NUL and UTF-8 are looked for in the whole record, also in
 * fields that are no column of ours.
 *
 * Threads: a row belongs to one.
 * Memory: texts point into the record, or into `scratch` when quotes had to be undone; they hold
 * until the next row_parse. scratch grows to RECORD_MAX at most.
 */
#ifndef STAGES_ROW_H
#define STAGES_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/columns.h"
#include "state/base/buf.h"

/* One value; which member holds follows from the column's type. `odd` and `rounded` are only set on
 * what was read back from a destination, where people may have put anything. */
struct value {
	bool null;
	bool odd;      /* no value of the column's type; text says in ASCII what is there */
	bool rounded;  /* PRICE, AREA: kept as the double nearest to the hundredths, in degree */
	uint32_t size; /* COLUMN_CODE, COLUMN_TEXT: bytes of text */
	const char
		*text;  /* COLUMN_CODE, COLUMN_TEXT: valid UTF-8 without NUL, not NUL-terminated */
	int64_t number; /* SMALLINT, INTEGER: the value; PRICE, AREA: hundredths; DATE: days since
			   1970-01-01 */
	double degree;  /* COLUMN_DEGREE: the double nearest to the text, finite */
};

struct row {
	int year;           /* source_year */
	int32_t source_row; /* number of the record in its file, from 1 */
	struct value values[COLUMNS];
	struct buf scratch; /* private */
};

#define REASON_MAX 120
#define CODE_MAX                                                                                   \
	255 /* bytes of a COLUMN_CODE value: one longer is a reject, because indexes refuse */
#define TEXT_MAX                                                                                   \
	2000 /* bytes of a COLUMN_TEXT value: entries of some 2700 bytes, for the whole year */

/* Why a record could not become a row. */
struct reason {
	int column;            /* index into columns, -1: the record as a whole */
	char text[REASON_MAX]; /* a sentence in ASCII; quotes at most a short piece of the value.
				  The column's name is not in it */
};

/* Makes an empty row and reserves the whole of its scratch (address space; pages are used as quotes
 * are undone), so that row_parse cannot run out of memory. ERROR_MEMORY. */
bool row_new(struct row *row, struct error *error);

/* Parses one record (its line end may be there). `year` is the file's. True: *row is filled except
 * source_row. False: *reason says why. A zeroed row will do too, but then running out of memory is
 * a reason; after row_new it cannot happen up to RECORD_MAX. */
bool row_parse(struct row *row, const struct header *header, int year, const char *record,
	uint32_t size, struct reason *reason);

/* Gives scratch back; a zeroed row is accepted. */
void row_free(struct row *row);

#endif
