/*
 * verify_parts.h: what the verify*.c files share. Private to them.
 *
 *   verify.c          one year, from the look to the verdict
 *   verify_bytes.c    where the packed file is
 *   verify_compare.c  records, rows and what was kept, side by side
 *   verify_witness.c  the chunks, beside the same bytes
 *   verify_fast.c     keys, what was kept, and chunks, without the file
 */
#ifndef STAGES_VERIFY_PARTS_H
#define STAGES_VERIFY_PARTS_H

#include <limits.h>

#include "stages/chunk.h"
#include "stages/reader.h"
#include "stages/verify.h"

/* Three connections to one destination, because each reader needs its own. */
struct verify_views {
	struct sink *rows, *kept, *chunks;
	struct edition_memory served; /* before any reader was opened */
	bool serving;
};

/* The packed file of an edition; zeroed it holds none. */
struct verify_bytes {
	char sha256[SHA256_HEX]; /* "": none */
	char path[PATH_MAX];
	enum packing packing;
	char folder[PATH_MAX]; /* of our own, when it was fetched */
	char file[NAME_MAX_SPOOL];
	int lock;
};

/* Looks in the spool folder, and hashes what is there. */
bool verify_bytes_look(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, enum verify_spool *spool, struct error *error);
/* The same, or else fetches it. ERROR_GONE: its source has another one now, or none. */
bool verify_bytes_get(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, struct error *error);
void verify_bytes_drop(struct verify_bytes *bytes);

/* The witness's chunks, read beside the bytes they stand for. */
struct witness {
	struct chunk_reader *reader;
	struct differences *differences;
	struct chunk_record chunk;
	bool open, ended;       /* `chunk` holds; there are no more */
	uint64_t next_plain;    /* where the next chunk must begin */
	uint64_t next_record;   /* the first record it must have */
	uint32_t crc;           /* of the bytes of `chunk` so far */
	uint64_t rows, rejects; /* of its records so far */
};

bool witness_open(struct witness *witness, const struct verify_views *views, uint64_t header_end,
	struct differences *differences, struct error *error);
/* A record that begins at the plain offset: before its bytes. */
bool witness_record(struct witness *witness, uint64_t plain, uint64_t record, bool refused,
	struct error *error);
/* Plain bytes in their order, without a gap. */
bool witness_bytes(struct witness *witness, uint64_t plain, const char *bytes, size_t size,
	struct error *error);
/* The file ended at `plain_size`. */
bool witness_end(struct witness *witness, uint64_t plain_size, struct error *error);
void witness_close(struct witness *witness);

/* What was kept of one edition, one at a time. */
struct kept_head {
	struct kept_reader *reader;
	const char *sha256;
	struct kept kept;
	bool ended;
};

bool kept_head_open(struct kept_head *head, const struct verify_views *views, struct error *error);
bool kept_head_next(struct kept_head *head, struct error *error);
void kept_head_close(struct kept_head *head);

/* Rows of the table, one at a time. */
struct row_head {
	struct row_reader *reader;
	struct row row;
	bool ended;
};

bool row_head_next(struct row_head *head, struct verify_result *result, struct error *error);
void row_head_close(struct row_head *head);
/* Whether a row with this source_row is at hand. */
bool row_head_is(const struct row_head *head, uint64_t record);
/* Takes in the rows before a record as rows nobody has. */
bool row_head_pass(
	struct row_head *head, uint64_t record, struct verify_result *result, struct error *error);
/* Takes in all that are left: they lie beyond the last record. */
bool row_head_end(
	struct row_head *head, uint64_t records, struct verify_result *result, struct error *error);
/* Takes in the row of this record, and says where it has more than one. */
bool row_head_take(
	struct row_head *head, uint64_t record, struct verify_result *result, struct error *error);

/* With `fast`: the three against each other. */
bool verify_tally(const struct verify_views *views, const struct verify_settings *settings,
	struct verify_progress *progress, struct verify_result *result, struct error *error);

/* Records of the file, beside rows, what was kept, and chunks. */
struct comparison {
	const struct header *header;
	int year;
	struct verify_result *result;
	struct witness witness;
	struct kept_head kept;
	struct row_head rows;
	struct row source, mended;
	uint64_t refused; /* records that have no row, by rights */
};

/* *comparison can be closed, whatever this returns. */
bool comparison_open(struct comparison *comparison, const struct verify_views *views,
	const struct header *header, uint64_t header_end, struct verify_result *result,
	struct error *error);
bool comparison_chunk(
	struct comparison *comparison, const struct chunk *chunk, struct error *error);
bool comparison_end(struct comparison *comparison, const struct edition_memory *served,
	const struct reader_end *end, struct error *error);
void comparison_close(struct comparison *comparison);

#endif
