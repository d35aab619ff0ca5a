/*
 * sheet.h: rejects as a CSV file that a person mends in a text editor or a spreadsheet.
 *
 * RFC 4180 in UTF-8, a header, CRLF. Written: edition, year, record, plain_first, plain_end,
 * column, reason, raw, raw_encoding, stage. Read: edition, year, record and raw are needed,
 * raw_encoding is `text` where it is missing or empty, other columns are passed over; any order, LF
 * or CRLF, with or without a BOM; lines that are empty in every column are none.
 *
 * raw is the record without its line end, raw_encoding how its bytes are written. `text`: as they
 * are. `escaped`: a backslash as two, and \xNN for the byte with the hexadecimal number NN. Escaped
 * are records that a text file or a spreadsheet would not give back: bytes that are not UTF-8,
 * control characters but the line feed, and a first character that a spreadsheet takes for a
 * formula (= + - @). In a mended record an escape may stand for any byte, or be gone.
 *
 * Threads: a sheet belongs to one.  Memory: one line, SHEET_LINE_MAX at most.
 */
#ifndef STAGES_SHEET_H
#define STAGES_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/columns.h"
#include "stages/csv.h"
#include "stages/sink.h"
#include "state/base/buf.h"
#include "state/base/error.h"

/* A record whose every byte is escaped takes four times its size. */
#define SHEET_LINE_MAX (5 * RECORD_MAX)

/* Writing. Both add to `out`, whose limit the caller sets to SHEET_LINE_MAX or more. */
bool sheet_add_header(struct buf *out, struct error *error);
/* `text` is for the encoded record, with the same limit. */
bool sheet_add(struct buf *out, struct buf *text, const struct kept *kept, struct error *error);

/* The word for raw_encoding. */
const char *sheet_encoding(bool escaped);
/* Replaces what is in `text` with the bytes as text without NUL. */
bool sheet_encode(
	struct buf *text, const char *raw, uint32_t size, bool *escaped, struct error *error);

enum sheet_column {
	SHEET_EDITION,
	SHEET_YEAR,
	SHEET_RECORD,
	SHEET_RAW,
	SHEET_ENCODING,
	SHEET_COLUMNS,
};

/* Zero-initialised is empty and valid. */
struct sheet {
	int fd;
	uint64_t offset;             /* where in the file the next bytes are read */
	struct buf bytes;            /* private, as what follows */
	size_t first, seen;          /* of bytes: the line being looked at, and how far it was */
	uint64_t line, next_line;    /* numbers, from 1 */
	struct csv_scan scan;        /* of that line */
	bool ended;                  /* the file has no more */
	unsigned fields;             /* that the header has */
	int field_of[SHEET_COLUMNS]; /* -1: it lacks the column */
	struct csv_field in[FIELDS_MAX]; /* the line's */
	struct buf raw;                  /* decoded */
};

/* A mended record. Texts hold until the next line. */
struct sheet_line {
	uint64_t line; /* where it begins in the file */
	char edition[SHA256_HEX];
	int year;
	int32_t record;
	const char *raw; /* its bytes, without a line end */
	uint32_t raw_size;
};

/* Reads the header at `offset` of fd, which stays the caller's, as does its own offset. ERROR_INPUT
 * names the line and column of what is wrong, here and in sheet_next. sheet_close also after
 * false. */
bool sheet_open(struct sheet *sheet, int fd, uint64_t offset, struct error *error);
bool sheet_next(struct sheet *sheet, struct sheet_line *line, bool *end, struct error *error);
void sheet_close(struct sheet *sheet);

#endif
