/*
 * Records that only the destination refuses, and every chunk's account of itself.
 */
#include "tests/unit/load_fixture.h"

#include <stdio.h>
#include <string.h>

#include "stages/chunk_load.h"

#define RECORDS 8

static const struct sample eight = { .records = RECORDS };

/* Every set of refused records, in chunks of every size up to the file. */
static void test_exactly_the_refused_become_rejects(void **state)
{
	(void)state;
	struct attempt attempt;
	attempt_begin(&attempt, &eight);
	for (uint32_t rows = 1; rows <= RECORDS; rows += rows == 1 ? 2 : 5)
		for (unsigned set = 0; set < 1U << RECORDS; set += rows == RECORDS ? 1 : 5) {
			attempt_renew(&attempt);
			attempt.chunk_rows = rows;
			failing_sink_reset(failing);
			for (unsigned i = 0; i < RECORDS; i++)
				failing->refused[i + 1] = (set >> i & 1) != 0;
			must(attempt_load(&attempt));
			assert_whole(&attempt, &eight);
			/* A chunk without one of them goes in at once. */
			if (set == 0)
				assert_int_equal(failing->made[CALL_ROW], RECORDS);
		}
}

static enum record_kind some_bad(unsigned number)
{
	return number % 4 == 1 ? RECORD_SHORT : number % 4 == 2 ? RECORD_QUOTED : RECORD_FINE;
}

static void test_refused_among_those_that_cannot_be_read(void **state)
{
	(void)state;
	static const struct sample sample = {
		.records = 16, .kind_of = some_bad, .blank = true, .crlf = true
	};
	struct attempt attempt;
	attempt_begin(&attempt, &sample);
	attempt.chunk_rows = 100;
	failing->refused[2] = failing->refused[8] = failing->refused[16] = true;
	must(attempt_load(&attempt));
	assert_whole(&attempt, &sample);
	assert_int_equal(ask_number(&attempt.edition,
				 "SELECT count(*) FROM dvf_import_reject WHERE record IN (2, 8, "
				 "16) AND reason LIKE 'refused, as told%' AND column_name IS NULL"),
		3);
	/* The message was cut in the middle of no character. */
	assert_int_equal(ask_number(&attempt.edition,
				 "SELECT count(*) FROM dvf_import_reject WHERE reason GLOB "
				 "'*[^ -~]'"),
		0);
}

static void test_finding_one_takes_few_copies(void **state)
{
	(void)state;
	static const struct sample sample = { .records = 128 };
	struct attempt attempt;
	attempt_begin(&attempt, &sample);
	attempt.chunk_rows = 128;
	for (unsigned at = 1; at <= 128; at += at == 1 ? 62 : 65) {
		attempt_renew(&attempt);
		failing_sink_reset(failing);
		failing->refused[at] = true;
		must(attempt_load(&attempt));
		assert_whole(&attempt, &sample);
		/* At once, then all, then two halves on each of seven levels. */
		assert_int_equal(failing->made[CALL_COPY], 2 + 2 * 7);
	}
}

/* Any call can fail while a record is looked for; the load can be said again. */
static void test_failures_while_halving(void **state)
{
	(void)state;
	static const enum error_kind kinds[] = { ERROR_BUSY, ERROR_LOST, ERROR_DATABASE };
	struct attempt attempt;
	attempt_begin(&attempt, &eight);
	for (unsigned kind = 0; kind < 3; kind++) {
		bool reached = true;
		for (unsigned n = 1; reached; n++) {
			attempt_renew(&attempt);
			failing_sink_reset(failing);
			attempt.chunk_rows = 100;
			failing->refused[3] = failing->refused[4] = true;
			failing->fail_at = n;
			failing->fail_kind = kinds[kind];
			bool done = attempt_load(&attempt);
			reached = failing->failed != -1;
			failing->fail_at = 0;
			if (!done) {
				must(sink->ops->take(sink, &error));
				must(attempt_load(&attempt));
			}
			assert_whole(&attempt, &eight);
		}
	}
}

/* --- one chunk, without the rest */

static void chunk_of_plain(struct chunk *chunk)
{
	*chunk = (struct chunk){ .bytes = plain.bytes + header_end,
		.size = plain.size - header_end,
		.plain_first = header_end,
		.first_record = 1,
		.records = RECORDS };
}

static void test_what_a_chunk_says_of_itself(void **state)
{
	(void)state;
	struct attempt attempt;
	struct header header;
	struct chunk chunk;
	struct chunk_record record;
	struct chunk_load load = { .edition = &attempt.edition, .header = &header };
	attempt_begin(&attempt, &eight);
	must(header_read(&header, plain.bytes, header_end - 1, &error));
	must(sink->ops->loader_open(sink, &load.loader, &error));
	chunk_of_plain(&chunk);
	failing->refused[5] = true;
	must(chunk_load(&load, &chunk, &record, &error));
	assert_int_equal(record.plain_first, header_end);
	assert_int_equal(record.plain_end, plain.size);
	assert_int_equal(record.first_record, 1);
	assert_int_equal(record.rows, RECORDS - 1);
	assert_int_equal(record.rejects, 1);
	assert_int_equal(record.crc, inflate_crc32(chunk.bytes, chunk.size));
	assert_int_equal(load.reject_count, 1);
	assert_int_equal(load.rejects[0].record, 5);
	assert_memory_equal(load.rejects[0].raw, plain.bytes + load.rejects[0].plain_first,
		load.rejects[0].raw_size);
	assert_memory_equal(load.rejects[0].raw, "2023-5,", 7);
	assert_int_equal(plain.bytes[load.rejects[0].plain_end - 1], '\n');
	chunk_load_free(&load);
	load.loader->ops->close(load.loader);
}

/* The same chunk again is an overlap, and nothing of it goes in. */
static void test_the_same_chunk_twice(void **state)
{
	(void)state;
	struct attempt attempt;
	struct header header;
	struct chunk chunk;
	struct chunk_record record;
	struct chunk_load load = { .edition = &attempt.edition, .header = &header };
	attempt_begin(&attempt, &eight);
	must(header_read(&header, plain.bytes, header_end - 1, &error));
	must(sink->ops->loader_open(sink, &load.loader, &error));
	chunk_of_plain(&chunk);
	must(chunk_load(&load, &chunk, &record, &error));
	must_fail(chunk_load(&load, &chunk, &record, &error), ERROR_LOST);
	assert_non_null(strstr(error.text, "from record 1"));
	assert_int_equal(ask_number(&attempt.edition, "SELECT count(*) FROM t"), RECORDS);
	chunk_load_free(&load);
	load.loader->ops->close(load.loader);
}

/* A chunk whose count is wrong must not get in as if it were right. */
static void test_a_count_that_is_wrong(void **state)
{
	(void)state;
	struct attempt attempt;
	struct header header;
	struct chunk chunk;
	struct chunk_record record;
	struct chunk_load load = { .edition = &attempt.edition, .header = &header };
	attempt_begin(&attempt, &eight);
	must(header_read(&header, plain.bytes, header_end - 1, &error));
	must(sink->ops->loader_open(sink, &load.loader, &error));
	for (int off = -1; off <= 1; off += 2) {
		chunk_of_plain(&chunk);
		chunk.records = (uint64_t)(RECORDS + off);
		must_fail(chunk_load(&load, &chunk, &record, &error), ERROR_SYSTEM);
		failing->refused[2] = true;
		must_fail(chunk_load(&load, &chunk, &record, &error), ERROR_SYSTEM);
		failing->refused[2] = false;
	}
	assert_int_equal(ask_number(&attempt.edition, "SELECT count(*) FROM t"), 0);
	chunk_load_free(&load);
	load.loader->ops->close(load.loader);
}

#define LOAD_TEST(function)                                                                        \
	cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOAD_TEST(test_exactly_the_refused_become_rejects),
		LOAD_TEST(test_refused_among_those_that_cannot_be_read),
		LOAD_TEST(test_finding_one_takes_few_copies),
		LOAD_TEST(test_failures_while_halving),
		LOAD_TEST(test_what_a_chunk_says_of_itself),
		LOAD_TEST(test_the_same_chunk_twice),
		LOAD_TEST(test_a_count_that_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
