/*
 * verify.h: proves that the rows of a year are those of its file, or names what differs.
 *
 * The file that the destination says it serves (by SHA-256) is read again from end to end, beside
 * the table in the order of source_row, the records that were kept instead of rows, and the
 * witness's chunks. Every value is compared as the destination keeps it; every CRC, the SHA-256 of
 * the packed file and the CRC-32 of every chunk, too.
 *
 * Nothing is written to the destination, and no fence is taken: a run may go on beside it. A year
 * that was published anew or mended meanwhile is read again. The file is taken from the spool
 * folder; one that was cleaned is fetched again into a folder of verify's own, which is emptied
 * afterwards (and before the next fetch, after a kill).
 *
 * Threads: the caller's.  Memory: two chunks, three connections, one record; nothing grows with the
 * rows.
 */
#ifndef STAGES_VERIFY_H
#define STAGES_VERIFY_H

#include "stages/difference.h"
#include "stages/fetch.h"
#include "stages/sink.h"
#include "stages/source.h"
#include "state/base/budget.h"

/* How far it is. */
struct verify_progress {
	int year;
	const char *doing;    /* "hashing", "fetching", "comparing" */
	uint64_t done, whole; /* packed bytes; rows of the witness with `fast` */
	uint64_t rows;        /* of the table, seen so far */
	uint64_t differences;
};

struct verify_settings {
	const struct destination *to;
	const struct sources *sources;
	const struct fetch_settings *fetch; /* with the spool folder */
	const char *state_folder;
	struct budget budget;
	void *context;
	/* Called now and then, at most every 100 ms or so. */
	void (*watch)(void *context, const struct verify_progress *progress);
};

/* What the spool says with `fast`. */
enum verify_spool { SPOOL_NOT_THERE, SPOOL_SAME, SPOOL_SPOILED };

struct verify_result {
	char sha256[SHA256_HEX]; /* of the edition that is served, once known */
	uint64_t rows;           /* seen in the table */
	uint64_t rejects;        /* kept instead of rows */
	uint64_t mended;         /* rows that stand for mended records */
	struct differences differences;
	enum verify_spool spool; /* only with `fast` */
};

/* Compares one year. True: result->differences.count says whether it is equal. False: it cannot be
 * proved, and the error says why: ERROR_GONE (the edition is to be had no more), ERROR_REFUSED (the
 * year is not served), ERROR_STOPPED, or what kept it from being read. */
bool verify_year(const struct verify_settings *settings, int year, struct verify_result *result,
	struct error *error);

/* The same without the file and without values: each chunk has as many rows and rejects as the
 * witness says, each record is one row or one reject. */
bool verify_year_fast(const struct verify_settings *settings, int year,
	struct verify_result *result, struct error *error);

/* The years that are served, and those that are lost. *there: see sink->look. */
bool verify_years(const struct verify_settings *settings, struct served_years *served, bool *there,
	struct error *error);

#endif
