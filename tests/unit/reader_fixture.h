/*
 * reader_fixture.h: what the tests of the reader share, on top of load_fixture.h: the other end of
 * its queues, which looks at every chunk and takes its bytes.
 */
#ifndef TESTS_UNIT_READER_FIXTURE_H
#define TESTS_UNIT_READER_FIXTURE_H

#include "tests/unit/load_fixture.h"

#define RECORDS 9 /* of the tests about gaps */

#define READER_TEST(function)                                                                      \
	cmocka_unit_test_setup_teardown(function, fixture_setup, reader_teardown)

/* What came out of a reading. */
struct got {
	struct buf bytes; /* of the chunks, one after the other */
	uint64_t records, next_plain, next_record;
	unsigned chunks, out, takes, gives; /* out: chunks that are the reader's */
	uint64_t sizes[512], counts[512];
	unsigned take_fails, give_fails, stop_at; /* at the n-th call; 0: never */
	bool apart;                               /* chunks of different gaps */
};

extern struct got got;
extern uint64_t
	starts[RECORDS + 2]; /* starts[n]: plain offset of record n; of the end; 0: unknown */

int reader_teardown(void **state);

void got_clear(void);
struct reader reader_of(uint32_t rows, uint64_t bytes);
struct reader_gap whole(void);

/* Writes the spool; where its records start is not known. */
void sample_set(const struct sample *sample);
enum record_kind every_third_quoted(unsigned number);

/* reader_run; every chunk must have come back. */
bool read_gaps(const struct reader *reader, const struct reader_gap *gaps, unsigned count,
	struct reader_end *end);

/* Reads the whole file; what comes must be all of it. */
void read_all(uint32_t rows, uint64_t bytes, uint64_t records);

#endif
