/*
 * fetch_fixture.h: what the tests of fetch share: two sites, a spool folder, a body, and what the
 * ledger was told.
 */
#ifndef TESTS_UNIT_FETCH_FIXTURE_H
#define TESTS_UNIT_FETCH_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/fetch.h"
#include "tests/unit/site.h"

#define TOLD_MAX 64

struct fetch_fixture {
	struct site site;
	struct site other;
	char folder[64];
	char url[128];
	struct fetch_settings settings;
	struct fetch_request request;
	enum fetch_outcome outcome;
	struct spool spool;
	struct error error;

	struct part told[TOLD_MAX]; /* every call of durable */
	unsigned told_count;
	unsigned unsynced; /* calls of durable with new bytes and no fsync since the last */
	uint64_t stop_at;  /* progress: stop once so many bytes came */
	unsigned progressed;
};

extern unsigned fsyncs;      /* fsync calls of this process */
extern unsigned fsync_fails; /* the n-th call from now fails with EIO; 0: none */

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* `size` bytes that begin like gzip, the same every time for the same seed. Free them. */
unsigned char *body_make(size_t size, unsigned seed);

/* Asks for request; checks that no password shows. */
bool fixture_fetch(struct fetch_fixture *fixture);

/* As fixture_fetch, and the spool must be whole and hold exactly these bytes. */
void fixture_expect(struct fetch_fixture *fixture, const void *body, size_t size);

/* As fixture_fetch, and it must fail so, with `word` in the text. */
void fixture_refuse(struct fetch_fixture *fixture, enum error_kind kind, const char *word);

/* How many files the spool folder holds. */
unsigned fixture_files(const struct fetch_fixture *fixture);

/* Lays down a part with the first `durable` bytes of body and `junk` bytes behind them. */
void part_lay(struct fetch_fixture *fixture, struct part *part, const char *etag, const void *body,
	uint64_t durable, uint64_t packed_size, size_t junk);

#endif
