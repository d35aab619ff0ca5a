/*
 * year_fixture.h: what the tests of a whole year share, on top of load_fixture.h: the year itself,
 * as a process finds it, and what must hold once it is served.
 */
#ifndef TESTS_UNIT_YEAR_FIXTURE_H
#define TESTS_UNIT_YEAR_FIXTURE_H

#include "stages/year.h"
#include "tests/unit/load_fixture.h"

extern struct pipeline_settings settings;
extern struct year_progress progress;
extern struct year year;

/* With fixture_teardown. */
int year_setup(void **state);

#define YEAR_TEST(function) cmocka_unit_test_setup_teardown(function, year_setup, fixture_teardown)

/* Writes the spool and tells the ledger, as fetch would; then process_new. */
void year_begin(const struct sample *sample);

/* As a new process finds it: what the last try left in memory is gone. The spool is what the ledger
 * says; nothing is to fail. */
void process_new(void);

/* PUBLISHED or UNCHANGED. */
bool year_is_in(void);

/* Imports it; that must be how it ends. */
void import_to(enum year_outcome outcome, const char *stage);

/* Rows in dvf. */
int64_t served(void);

/* Records 1 to `rows` are served, once each, and nothing else is kept. */
void assert_published(uint64_t rows);

/* A file of that many fine records, imported. */
void import_fine(unsigned records);

#endif
