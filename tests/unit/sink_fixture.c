#include "tests/unit/sink_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <sqlite3.h>

#include "state/ranges.h"
#include "tests/unit/scratch.h"

#define CHUNK_MOST 400

const char *postgres_url;
char path[96];
struct sink *sink;
struct loader *loader;
static char folder[SCRATCH_PATH];
static char answer[4096];

/* --- looking at results without the sink
 * ----------------------------------------------------------- */

static void append(const char *separator, const char *text)
{
	size_t used = strlen(answer);
	snprintf(
		answer + used, sizeof(answer) - used, "%s%s", separator, text != NULL ? text : "~");
}

static void ask_sqlite(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	int code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(statement); i++)
			append(answer[0] != '\0' ? "|" : "",
				(const char *)sqlite3_column_text(statement, i));
	if (code != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void ask_postgres(const char *sql)
{
	PGconn *connection = PQconnectdb(postgres_url);
	if (PQstatus(connection) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(connection));
	PQclear(PQexec(connection, "SET client_min_messages = error"));
	PGresult *result = PQexec(connection, sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(connection));
	for (int i = 0; i < PQntuples(result); i++)
		for (int j = 0; j < PQnfields(result); j++)
			append(answer[0] != '\0' ? "|" : "",
				PQgetisnull(result, i, j) ? NULL : PQgetvalue(result, i, j));
	PQclear(result);
	PQfinish(connection);
}

/* Every value of the result, joined by |, NULL as ~. */
const char *ask_at(int line, const char *format, ...)
{
	char sql[4096];
	va_list args;
	va_start(args, format);
	int size = vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(sql))
		fail_msg("line %d: a question too long", line);
	answer[0] = '\0';
	if (postgres_url != NULL)
		ask_postgres(sql);
	else
		ask_sqlite(sql);
	return answer;
}

const char *edition_table(const struct edition *edition)
{
	static char name[80];
	char bare[56];
	sink_table_name(bare, "dvf", edition);
	snprintf(name, sizeof(name), postgres_url != NULL ? "dvf_import.\"%s\"" : "\"%s\"", bare);
	return name;
}

/* --- a destination a test
 * -------------------------------------------------------------------------- */

void sink_new(struct sink **made)
{
	struct destination destination = { .url = path,
		.name = "test",
		.postgres = postgres_url != NULL,
		.wait_s = 2,
		.snapshot_wait_s = 2,
		.run_name = "the test's run" };
	char url[1024];
	if (postgres_url != NULL) {
		snprintf(url, sizeof(url), "%s", postgres_url);
		destination.url = url;
	}
	must(sink_open(made, &destination, &error));
	memset(url, 'x', sizeof(url)); /* the sink has a copy */
	must((*made)->ops->take(*made, &error));
}

int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_sink.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/dvf.sqlite", folder);
	if (postgres_url != NULL) {
		ask("DROP TABLE IF EXISTS dvf CASCADE");
		ask("DROP SCHEMA IF EXISTS dvf_import CASCADE");
	}
	error_clear(&error);
	sink_new(&sink);
	must(sink->ops->loader_open(sink, &loader, &error));
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	if (loader != NULL)
		loader->ops->close(loader);
	sink_close(sink);
	loader = NULL;
	sink = NULL;
	return scratch_remove(folder);
}

struct edition edition_make(int year, char digit)
{
	struct edition edition = { .year = year, .packed_size = 12345 };
	memset(edition.sha256, digit, sizeof(edition.sha256) - 1);
	snprintf(edition.url, sizeof(edition.url), "https://example.org/%d/full.csv.gz", year);
	snprintf(edition.validators.etag, sizeof(edition.validators.etag), "\"%c\"", digit);
	snprintf(edition.validators.last_modified, sizeof(edition.validators.last_modified),
		"Mon, 06 Oct 2025 08:00:00 GMT");
	edition.validators.packed_size = 12345;
	edition.validators.has_size = true;
	return edition;
}

struct value text(const char *bytes)
{
	return (struct value){ .text = bytes, .size = (uint32_t)strlen(bytes) };
}

/* Every column filled by its type. */
void row_fill(struct row *row, int year, int32_t number)
{
	row->year = year;
	row->source_row = number;
	for (int i = 0; i < COLUMNS; i++) {
		struct value *value = &row->values[i];
		switch (columns[i].type) {
		case COLUMN_CODE:
		case COLUMN_TEXT:
			*value = text(columns[i].name);
			break;
		case COLUMN_DATE:
			*value = (struct value){ .number = year == 2024 ? DAY_2024 : DAY_2023 };
			break;
		case COLUMN_DEGREE:
			*value = (struct value){ .degree = 48.5 };
			break;
		default:
			*value = (struct value){ .number = i };
		}
	}
}

uint64_t plain_of(unsigned record)
{
	return HEADER + (uint64_t)(record - 1) * RECORD;
}

struct chunk_record chunk_of(unsigned first, unsigned rows, unsigned rejects)
{
	return (struct chunk_record){ .plain_first = plain_of(first),
		.plain_end = plain_of(first + rows + rejects),
		.first_record = first,
		.rows = rows,
		.rejects = rejects,
		.crc = 0xfedcba98 };
}

bool next_made(struct row_source *source, const struct row **row, struct error *ignored)
{
	struct made_rows *rows = (struct made_rows *)source;
	(void)ignored;
	*row = NULL;
	if (rows->next == rows->end)
		return true;
	row_fill(&rows->row, rows->year, rows->next);
	rows->row.values[0].null = rows->next == rows->bad;
	rows->next++;
	*row = &rows->row;
	return true;
}

bool put_rows(const struct edition *edition, unsigned first, unsigned rows)
{
	struct made_rows made = { { next_made }, edition->year, (int32_t)first,
		(int32_t)(first + rows), .bad = -1 };
	uint64_t taken = 0;
	bool done = loader->ops->copy(loader, false, &made.source, &taken, &error);
	if (done)
		assert_int_equal(taken, rows);
	return done;
}

bool load_with(const struct edition *edition, unsigned first, unsigned rows,
	const struct reject *rejects, unsigned count)
{
	struct chunk_record record = chunk_of(first, rows, count);
	bool done = loader->ops->begin(loader, edition, &error) && put_rows(edition, first, rows) &&
		    loader->ops->commit(loader, &record, rejects, count, &error);
	if (!done)
		loader->ops->rollback(loader);
	return done;
}

bool load(const struct edition *edition, unsigned first, unsigned rows)
{
	return load_with(edition, first, rows, NULL, 0);
}

struct year_total total_of(unsigned records)
{
	return (struct year_total){
		.header_end = HEADER, .plain_size = plain_of(records + 1), .records = records
	};
}

bool check(const struct edition *edition, unsigned records)
{
	struct year_total total = total_of(records);
	return sink->ops->check(sink, edition, &total, &error);
}

void load_and_check(const struct edition *edition, unsigned records)
{
	must(sink->ops->begin(sink, edition, &error));
	for (unsigned first = 1; first <= records; first += CHUNK_MOST)
		must(load(edition, first,
			records - first + 1 < CHUNK_MOST ? records - first + 1 : CHUNK_MOST));
	must(sink->ops->index(sink, edition, &error));
	must(check(edition, records));
}

bool publish(const struct edition *edition, unsigned records)
{
	struct year_total total = total_of(records);
	total.rows = records;
	return sink->ops->publish(sink, edition, &total, &error);
}

void import(const struct edition *edition, unsigned records)
{
	load_and_check(edition, records);
	must(publish(edition, records));
}

enum edition_stage stage_of(const struct edition *edition)
{
	struct edition_memory memory;
	bool found = false;
	must(sink->ops->recall(sink, edition, &memory, &found, &error));
	assert_true(found);
	return memory.stage;
}

bool known(const struct edition *edition)
{
	struct edition_memory memory;
	bool found = true;
	must(sink->ops->recall(sink, edition, &memory, &found, &error));
	return found;
}

unsigned ranges_known(const struct edition *edition)
{
	struct ranges ranges = { 0 };
	must(sink->ops->completed(sink, edition, &ranges, &error));
	unsigned count = ranges.count;
	ranges_free(&ranges);
	return count;
}

/* Amounts are compared in hundredths, which read the same in either database. */
void assert_column(const struct edition *edition, int column, int record, const char *expected)
{
	const struct column *of = &columns[column];
	bool hundredths = of->type == COLUMN_PRICE || of->type == COLUMN_AREA;
	const char *shown = ask("SELECT CAST(%s%s%s AS text) FROM %s WHERE source_row = %d",
		hundredths ? "CAST(round(" : "", of->name, hundredths ? " * 100) AS bigint)" : "",
		edition_table(edition), record);
	if (strcmp(shown, expected) != 0)
		fail_msg(
			"%s of record %d: '%s' instead of '%s'", of->name, record, shown, expected);
}

/* Rows that are there. */
struct given_rows {
	struct row_source source;
	const struct row *rows;
	unsigned count;
};

static bool next_given(struct row_source *source, const struct row **row, struct error *ignored)
{
	struct given_rows *given = (struct given_rows *)source;
	(void)ignored;
	*row = given->count > 0 ? given->rows++ : NULL;
	given->count -= *row != NULL;
	return true;
}

void commit_one_by_one(const struct edition *edition, struct row *rows, unsigned count)
{
	struct chunk_record record = chunk_of(1, count, 0);
	struct given_rows given = { { next_given }, rows, count };
	uint64_t taken = 0;
	must(sink->ops->begin(sink, edition, &error));
	must(loader->ops->begin(loader, edition, &error));
	must(loader->ops->copy(loader, false, &given.source, &taken, &error));
	assert_int_equal(taken, count);
	must(loader->ops->commit(loader, &record, NULL, 0, &error));
}

int column_of(enum column_type type, int from)
{
	while (columns[from].type != type)
		from++;
	return from;
}

int sink_tests_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
	int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	postgres_url = getenv("TEST_POSTGRES_URL");
	if (postgres_url != NULL)
		failed += _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	return failed;
}
