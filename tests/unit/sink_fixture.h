/*
 * sink_fixture.h: a destination a test, and what the tests of both kinds of sink share.
 *
 * SQLite always, in a folder of its own; PostgreSQL as well when TEST_POSTGRES_URL names an empty
 * database, whose table dvf and schema dvf_import are dropped before each test. Results are looked
 * at without the sink.
 */
#ifndef TESTS_UNIT_SINK_FIXTURE_H
#define TESTS_UNIT_SINK_FIXTURE_H

#include "stages/sink.h"
#include "tests/unit/must.h"

#define HEADER   648 /* plain bytes of the header; every record of these tests has 100 */
#define RECORD   100
#define DAY_2023 19358 /* 2023-01-01, in days since 1970-01-01 */
#define DAY_2024 19723

#define ask(...)            ask_at(__LINE__, __VA_ARGS__)
#define SINK_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

extern const char *postgres_url; /* NULL: the tests run on SQLite */
extern char path[96];            /* of the SQLite file */
extern struct sink *sink;        /* taken */
extern struct loader *loader;

int set_up(void **state);
int tear_down(void **state);
int sink_tests_run(const char *name, const struct CMUnitTest *tests, size_t count);

/* Every value of the result, joined by |, NULL as ~; good until the next question. */
const char *ask_at(int line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The edition's table before it is published, as it stands in SQL; good until the next call. */
const char *edition_table(const struct edition *edition);

/* Another sink on the same destination, taken. */
void sink_new(struct sink **made);

/* `digit` 64 times is the SHA-256. */
struct edition edition_make(int year, char digit);

struct value text(const char *bytes);
int column_of(enum column_type type, int from);           /* the next column of that type */
void row_fill(struct row *row, int year, int32_t number); /* every column, by its type */
void assert_column(const struct edition *edition, int column, int record, const char *expected);
/* Begins the edition and loads the rows as one chunk. */
void commit_one_by_one(const struct edition *edition, struct row *rows, unsigned count);

uint64_t plain_of(unsigned record);
struct chunk_record chunk_of(unsigned first, unsigned rows, unsigned rejects);

/* Records [next, end) made by row_fill as the rows of a copy; `source` is { next_made }. */
struct made_rows {
	struct row_source source;
	int year;
	int32_t next, end;
	int32_t bad; /* lacks a column that must be there */
	struct row row;
};
bool next_made(struct row_source *source, const struct row **row, struct error *ignored);
bool put_rows(const struct edition *edition, unsigned first, unsigned rows);
bool load_with(const struct edition *edition, unsigned first, unsigned rows,
	const struct reject *rejects, unsigned count);
bool load(const struct edition *edition, unsigned first, unsigned rows);

struct year_total total_of(unsigned records);
bool check(const struct edition *edition, unsigned records);
bool publish(const struct edition *edition, unsigned records);
void load_and_check(const struct edition *edition, unsigned records);
void import(const struct edition *edition, unsigned records); /* and publish */

/* What the sink remembers. */
enum edition_stage stage_of(const struct edition *edition);
bool known(const struct edition *edition);
unsigned ranges_known(const struct edition *edition);

#endif
