/*
 * mend.h: records that a person mended, back into the editions their rejects belong to.
 *
 * The sheet is read twice: first alone, so that what is wrong with it is told before anybody else's
 * work is disturbed; then in the sink's one transaction, all or nothing (sink.h, mend).
 *
 * A record is read under the header of its edition's file where that is still in the spool;
 * otherwise it must have the forty columns of geo-dvf in their own order, because the destination
 * does not keep the header.
 *
 * After a crash: all of it is in, or nothing. Only the history may not tell of it: it is written
 * afterwards. The same again then says that the records are mended already.
 * Threads: main.  Memory: one line of the sheet; one small entry a year.
 */
#ifndef STAGES_MEND_H
#define STAGES_MEND_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/sheet.h"
#include "stages/sink.h"
#include "state/ledger.h"

#define MEND_RECORDS_SHOWN 400 /* bytes */

/* The mended records of one edition. */
struct mend_year {
	int year;
	char edition[SHA256_HEX];
	struct header header; /* of its file */
	uint64_t count;
	char records[MEND_RECORDS_SHOWN]; /* their numbers, "3,17,18", cut with "..." */
};

struct mend {
	int fd; /* the sheet, a file that can be read again; stays the caller's */
	uint64_t offset;
	const char *name;         /* of the sheet, for errors */
	const char *spool_folder; /* where files of editions are looked for */
	const char *by;           /* who does it, for the history */
	struct ledger *ledger;
	struct sink *sink;
	uint64_t count;                     /* of all years */
	struct mend_year years[SERVED_MAX]; /* by appearance in the sheet */
	unsigned year_count;
};

/* Reads the sheet; fills count and years. Changes nothing. ERROR_INPUT names line, record, column
 * and reason. */
bool mend_read(struct mend *mend, struct error *error);

/* After mend_read. Takes the destination, loads the records and tells the history. ERROR_INPUT: a
 * line is wrong. ERROR_REFUSED: the destination is not one of ours, an edition is not served, a
 * record is no reject any more. ERROR_LOST: only the destination knows whether it was done. */
bool mend_load(struct mend *mend, struct error *error);

#endif
