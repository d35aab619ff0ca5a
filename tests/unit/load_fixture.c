#include "tests/unit/load_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>
#include <zlib.h>

#include "stages/spool.h"
#include "state/base/stop.h"
#include "tests/unit/scratch.h"

#define CUTS_MOST 256

struct failing_sink *failing;
struct sink *sink;
struct ledger *ledger;
char folder[SCRATCH_PATH];
char spool_file[160];
struct buf plain;
uint64_t header_end;

static char destination_path[160];
static const char spool_base[] = "2023.csv.gz";

int fixture_setup(void **state)
{
	(void)state;
	struct destination destination = { .name = "test", .run_name = "the test's run" };
	struct sink *real = NULL;
	bool repaired = false;
	bool known = false;
	stop_reset();
	scratch_new(folder, "test_load");
	snprintf(destination_path, sizeof(destination_path), "%s/dvf.sqlite", folder);
	snprintf(spool_file, sizeof(spool_file), "%s/%s", folder, spool_base);
	destination.url = destination_path;
	must(sink_open_sqlite(&real, &destination, &error));
	failing = failing_sink_new(real);
	sink = &failing->sink;
	must(sink->ops->take(sink, &error));
	must(ledger_open(&ledger, folder, &repaired, &error));
	must(ledger_run_begin(ledger, "0", "test", "{}", &error));
	must(ledger_destination(ledger, sink->uuid, "sqlite", "test", &known, &error));
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	ledger_close(ledger);
	sink_close(sink);
	ledger = NULL;
	sink = NULL;
	buf_free(&plain);
	stop_reset();
	return scratch_remove(folder);
}

/* --- files */

static void header_add(const struct sample *sample)
{
	if (sample->bom)
		must(buf_add(&plain, "\xef\xbb\xbf", 3, &error));
	for (int i = 0; i < COLUMNS; i++)
		must(buf_print(&plain, &error, "%s%s", i > 0 ? "," : "", columns[i].name));
	must(buf_add_text(&plain, sample->crlf ? "\r\n" : "\n", &error));
	header_end = plain.size;
}

static void record_add(enum record_kind kind, unsigned number)
{
	static const char fields[] = ",75101,Paris 1er Arrondissement,75,,,75101000AB0012,,"
				     ",12,41.5,,,,,,,,,1,2,Appartement,41.0,2,,,,,";
	int year = kind == RECORD_OTHER_YEAR ? TEST_YEAR - 1 : TEST_YEAR;
	if (kind == RECORD_SHORT) {
		must(buf_print(&plain, &error, "%d-%u,short", TEST_YEAR, number));
		return;
	}
	must(buf_print(&plain, &error, "%d-%u,%d-%02u-%02u,000001,Vente,%u.5,%u,B,%s,0064,75001%s,",
		TEST_YEAR, number, year, number % 12 + 1, number % 28 + 1, 1000 + number * 7919,
		number % 400,
		kind == RECORD_QUOTED ? "\"RUE DE LA \"\"SOURCE\"\", BIS\nET TER\""
				      : "RUE DE LA PAIX",
		fields));
	must(buf_print(&plain, &error, "2.%03u,48.%03u", number % 1000, number * 7 % 1000));
}

static enum record_kind kind_of(const struct sample *sample, unsigned number)
{
	return sample->kind_of != NULL ? sample->kind_of(number) : RECORD_FINE;
}

void sample_make(const struct sample *sample)
{
	const char *line_end = sample->crlf ? "\r\n" : "\n";
	buf_clear(&plain);
	header_add(sample);
	for (unsigned number = 1; number <= sample->records; number++) {
		if (sample->blank && number % 3 == 0)
			must(buf_add_text(&plain, line_end, &error));
		record_add(kind_of(sample, number), number);
		if (number < sample->records || !sample->cut_last)
			must(buf_add_text(&plain, line_end, &error));
	}
	if (sample->blank && !sample->cut_last)
		must(buf_add_text(&plain, line_end, &error));
}

static void member_write(FILE *file, const char *bytes, size_t size)
{
	static unsigned char packed[1 << 16];
	z_stream zlib = { 0 };
	/* memLevel 1 makes short blocks, so that small files have points in them. */
	assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 1, Z_DEFAULT_STRATEGY), Z_OK);
	zlib.next_in = (unsigned char *)bytes;
	zlib.avail_in = (uInt)size;
	do {
		zlib.next_out = packed;
		zlib.avail_out = sizeof(packed);
		assert_int_not_equal(deflate(&zlib, Z_FINISH), Z_STREAM_ERROR);
		size_t made = sizeof(packed) - zlib.avail_out;
		assert_int_equal(fwrite(packed, 1, made, file), made);
	} while (zlib.avail_out == 0);
	deflateEnd(&zlib);
}

void gzip_write(const char *path, const struct buf *bytes, const uint64_t *cuts, unsigned count)
{
	FILE *file = fopen(path, "wbe");
	uint64_t first = 0;
	assert_non_null(file);
	for (unsigned i = 0; i < count; first = cuts[i++])
		member_write(file, bytes->bytes + first, cuts[i] - first);
	member_write(file, bytes->bytes + first, bytes->size - first);
	assert_int_equal(fclose(file), 0);
}

void spool_sum(struct spool *spool)
{
	unsigned char bytes[4096];
	struct sha256 *sum = NULL;
	size_t got;
	FILE *file = fopen(spool_file, "rbe");
	assert_non_null(file);
	must(sha256_new(&sum, &error));
	spool->packed_size = 0;
	while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		must(sha256_add(sum, bytes, got, &error));
		spool->packed_size += got;
	}
	must(sha256_end(sum, spool->sha256, &error));
	sha256_free(sum);
	fclose(file);
}

void sample_write(const struct sample *sample, struct spool *spool)
{
	uint64_t cuts[CUTS_MOST];
	unsigned count = 0;
	sample_make(sample);
	uint64_t at = header_end;
	for (unsigned i = 1; sample->member_records != 0 && at < plain.size; i++) {
		const char *end = memchr(plain.bytes + at, '\n', plain.size - at);
		at = end != NULL ? (uint64_t)(end - plain.bytes) + 1 : plain.size;
		if (i % sample->member_records == 0 && count < CUTS_MOST && at < plain.size)
			cuts[count++] = at;
	}
	gzip_write(spool_file, &plain, cuts, count);
	*spool = (struct spool){ .year = TEST_YEAR };
	snprintf(spool->url, sizeof(spool->url), "https://example.org/2023/full.csv.gz");
	snprintf(spool->file, sizeof(spool->file), "%s", spool_base);
	spool_sum(spool);
}

void spool_flip(uint64_t packed)
{
	unsigned char byte;
	int fd = open(spool_file, O_RDWR | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, &byte, 1, (off_t)packed), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)packed), 1);
	close(fd);
}

/* --- loads */

void attempt_renew(struct attempt *attempt)
{
	static unsigned number;
	attempt->edition =
		(struct edition){ .year = TEST_YEAR, .packed_size = attempt->spool.packed_size };
	snprintf(attempt->edition.url, sizeof(attempt->edition.url), "%s", attempt->spool.url);
	/* The load believes it; so the same file can be loaded many times. */
	snprintf(attempt->edition.sha256, sizeof(attempt->edition.sha256), "%012x%052x", ++number,
		0U);
	attempt->spool.verified = false;
	attempt->spool.plain_size = 0;
	attempt->rows_now = 0;
	attempt->state = (struct year_state){ .year = TEST_YEAR };
	must(failing->real->ops->begin(failing->real, &attempt->edition, &error));
}

void attempt_begin(struct attempt *attempt, const struct sample *sample)
{
	*attempt = (struct attempt){ .chunk_rows = 3, .loaders = 2, .max_rejects_share = 0.001 };
	sample_write(sample, &attempt->spool);
	attempt_renew(attempt);
}

static void no_tick(void *context)
{
	(void)context;
}

bool attempt_load(struct attempt *attempt)
{
	struct plan plan = { .budget = { .asked = BUDGET_LEAST, .limit = BUDGET_LEAST },
		.chunk_bytes = 1 << 20,
		.together = attempt->together > 0 ? attempt->together : 1,
		.spare = 2,
		.chunk_rows = attempt->chunk_rows,
		.loaders = attempt->loaders };
	struct load load = { .sink = sink,
		.ledger = ledger,
		.plan = &plan,
		.edition = &attempt->edition,
		.spool = &attempt->spool,
		.path = spool_file,
		.packing = PACKING_GZIP,
		.chunk_rows = attempt->chunk_rows,
		.max_rejects_share = attempt->max_rejects_share,
		.state = &attempt->state,
		.rows_now = &attempt->rows_now,
		.tick = no_tick };
	bool done = load_edition(&load, &attempt->total, &error);
	attempt->refused = load.refused;
	attempt->from_point = load.from_point;
	return done;
}

/* --- results */

static void ask(const struct edition *edition, const char *sql, char *answer, size_t room)
{
	char table[56];
	char whole[1024];
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	sink_table_name(table, "dvf", edition);
	snprintf(whole, sizeof(whole), "WITH t AS (SELECT * FROM \"%s\") %s", table, sql);
	assert_int_equal(sqlite3_open(destination_path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	if (sqlite3_prepare_v2(db, whole, -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		fail_msg("%s: %s", whole, sqlite3_errmsg(db));
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	snprintf(answer, room, "%s", text != NULL ? text : "");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

int64_t ask_number(const struct edition *edition, const char *sql)
{
	char answer[64];
	ask(edition, sql, answer, sizeof(answer));
	return strtoll(answer, NULL, 10);
}

const char *rejects_in(const struct edition *edition)
{
	static char answer[4096];
	char sql[512];
	snprintf(sql, sizeof(sql),
		"SELECT group_concat(record) FROM (SELECT record FROM dvf_import_reject JOIN "
		"dvf_import_source AS s ON s.id = source WHERE s.sha256 = '%s' ORDER BY record)",
		edition->sha256);
	ask(edition, sql, answer, sizeof(answer));
	return answer;
}

static void assert_tiled(const struct attempt *attempt, uint64_t rows, uint64_t rejects)
{
	struct ranges ranges = { 0 };
	must(failing->real->ops->completed(failing->real, &attempt->edition, &ranges, &error));
	assert_int_equal(ranges.count, plain.size > header_end);
	if (ranges.count > 0) {
		assert_int_equal(ranges.items[0].plain_first, header_end);
		assert_int_equal(ranges.items[0].plain_end, plain.size);
		assert_int_equal(ranges.items[0].first_record, 1);
		assert_int_equal(ranges.items[0].rows, rows);
		assert_int_equal(ranges.items[0].rejects, rejects);
	}
	ranges_free(&ranges);
}

void assert_whole(const struct attempt *attempt, const struct sample *sample)
{
	char expected[4096] = "";
	uint64_t rejects = 0;
	uint64_t sum = 0;
	for (unsigned number = 1; number <= sample->records; number++) {
		enum record_kind kind = kind_of(sample, number);
		size_t used = strlen(expected);
		sum += number;
		if (kind != RECORD_OTHER_YEAR && kind != RECORD_SHORT &&
			(number >= REFUSED_MOST || !failing->refused[number]))
			continue;
		snprintf(expected + used, sizeof(expected) - used, "%s%u", rejects > 0 ? "," : "",
			number);
		rejects++;
		sum -= number;
	}
	const struct edition *edition = &attempt->edition;
	assert_string_equal(rejects_in(edition), expected);
	assert_int_equal(ask_number(edition, "SELECT count(*) FROM t"), sample->records - rejects);
	assert_int_equal(ask_number(edition, "SELECT total(source_row) FROM t"), sum);
	assert_int_equal(ask_number(edition, "SELECT count(*) FROM t WHERE id_mutation <> '2023-' "
					     "|| source_row OR source_year <> 2023"),
		0);
	assert_tiled(attempt, sample->records - rejects, rejects);
	assert_int_equal(attempt->total.header_end, header_end);
	assert_int_equal(attempt->total.plain_size, plain.size);
	assert_int_equal(attempt->total.records, sample->records);
}
