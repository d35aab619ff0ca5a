/*
 * load_fixture.h: what the tests of loading share: small spools, a ledger, an SQLite destination
 * whose calls can fail, and what must hold once an edition is in.
 *
 * Record n has id_mutation "2023-n", so every row tells where it came from. Results are looked at
 * without the sink.
 */
#ifndef TESTS_UNIT_LOAD_FIXTURE_H
#define TESTS_UNIT_LOAD_FIXTURE_H

#include "stages/load.h"
#include "tests/unit/failing_sink.h"
#include "tests/unit/must.h"

#define TEST_YEAR 2023

/* What a record is like. */
enum record_kind {
	RECORD_FINE,
	RECORD_OTHER_YEAR, /* a reject: its date is not of TEST_YEAR */
	RECORD_SHORT,      /* a reject: it has two fields */
	RECORD_QUOTED,     /* a field with a comma, doubled quotes and a line end */
};
typedef enum record_kind record_kind_of(unsigned number);

/* What a file is like. Zero: fine records, LF, one member. */
struct sample {
	unsigned records;
	record_kind_of *kind_of; /* NULL: all are fine */
	bool crlf, bom, blank;   /* blank: an empty line before every third record and at the end */
	bool cut_last;           /* no line end after the last record */
	unsigned member_records; /* a gzip member each so many records; 0: one member */
};

extern struct failing_sink *failing; /* taken */
extern struct sink *sink;            /* the same */
extern struct ledger *ledger;
extern char folder[64]; /* of the spool, the ledger and the destination */
extern char spool_file[160];

/* A spool as plain text, made by sample_write. */
extern struct buf plain;
extern uint64_t header_end;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Fills plain and header_end. */
void sample_make(const struct sample *sample);
/* The bytes as gzip: a member each time `cut` is reached; blocks of some 127 symbols. */
void gzip_write(const char *path, const struct buf *bytes, const uint64_t *cuts, unsigned count);
/* Makes it and writes it to spool_file; *spool says what it is, as fetch would. */
void sample_write(const struct sample *sample, struct spool *spool);
/* Length and SHA-256 of spool_file as it is now. */
void spool_sum(struct spool *spool);
/* Turns one bit of spool_file. */
void spool_flip(uint64_t packed);

/* One load, as year.c would do it. */
struct attempt {
	struct spool spool;
	struct edition edition;
	struct year_state state;
	struct year_total total;
	uint64_t rows_now;
	uint32_t chunk_rows;
	unsigned loaders;
	unsigned together; /* chunks in a transaction; 0: one */
	double max_rejects_share;
	bool refused, from_point;
};
/* A file, its edition begun in the sink, ready to be loaded. */
void attempt_begin(struct attempt *attempt, const struct sample *sample);
/* The same file as an edition of its own, begun. */
void attempt_renew(struct attempt *attempt);
bool attempt_load(struct attempt *attempt);

/* The one number a query answers; the edition's table is `t`. */
int64_t ask_number(const struct edition *edition, const char *sql);
/* Every record once, as a row or as the reject it should be; the witness tiles the file. */
void assert_whole(const struct attempt *attempt, const struct sample *sample);
/* Rejects in the destination, by number and ascending: "3,7". Good until the next call. */
const char *rejects_in(const struct edition *edition);

#endif
