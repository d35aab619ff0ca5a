/*
 * csv.h: where records end, and where their fields are (RFC 4180).
 *
 * A field that starts with a quote ends with the quote that is not doubled; commas and line ends
 * inside belong to it. A quote inside an unquoted field is a character like others. LF or CRLF end
 * a record. Cutting and splitting follow the same automaton, so they can never disagree about a
 * record.
 *
 * Threads: no state but what the caller holds.  Memory: none is allocated.
 */
#ifndef STAGES_CSV_H
#define STAGES_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/columns.h"

#define RECORD_MAX ((size_t)1 << 20) /* bytes of one record, its line end included */

/* Where the search for the end of a record stands, between two pieces of input. Zero: at a record's
 * start. Any split of the input gives the same ends. */
struct csv_scan {
	unsigned char state; /* private to csv.c */
};

/* Looks for the end of the record in bytes[0, size). Found: true, *used is the number of bytes up
 * to and including the line feed, and the scan is at a record's start again. Not found: false, all
 * size bytes were taken in. */
bool csv_scan(struct csv_scan *scan, const char *bytes, size_t size, size_t *used);

/* True when nothing but a line end (LF, CRLF, or nothing) is in it: a blank line is no record. */
bool csv_is_blank(const char *record, size_t size);

/* The bytes without the line end. */
size_t csv_trim(const char *record, size_t size);

struct csv_field {
	uint32_t first; /* offset in the record of its first byte; of the opening quote's next when
			   quoted */
	uint32_t size;  /* bytes, without the outer quotes, doubled quotes still doubled */
	bool quoted;
	bool doubled; /* it holds doubled quotes */
};

enum csv_fault {
	CSV_FINE,
	CSV_TEXT_AFTER_QUOTE, /* "abc"d */
	CSV_QUOTE_NOT_CLOSED, /* the record ended inside quotes: only the file's last one can */
	CSV_TOO_MANY_FIELDS,  /* more than `most` */
};

/* Splits a trimmed record. *count is the number of fields put into `fields`, at most `most`; after
 * a fault they are those before the field that is at fault. `size` is below 4 GiB. */
enum csv_fault csv_split(
	const char *record, size_t size, struct csv_field *fields, unsigned most, unsigned *count);

#endif
