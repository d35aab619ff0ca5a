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
			attempt.together = 1 + set % 3;
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
	struct chunk *only = &chunk;
	chunk_of_plain(&chunk);
	failing->refused[5] = true;
	must(chunk_load(&load, &only, 1, &record, &error));
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
	struct chunk *only = &chunk;
	chunk_of_plain(&chunk);
	must(chunk_load(&load, &only, 1, &record, &error));
	must_fail(chunk_load(&load, &only, 1, &record, &error), ERROR_LOST);
	assert_non_null(strstr(error.text, "from record 1"));
	assert_int_equal(ask_number(&attempt.edition, "SELECT count(*) FROM t"), RECORDS);
	chunk_load_free(&load);
	load.loader->ops->close(load.loader);
}

/* --- several chunks in one transaction */

#define TOGETHER 4

/* Two records each. */
static void chunks_of_plain(
	struct chunk chunks[static TOGETHER], struct chunk *hand[static TOGETHER])
{
	size_t at = header_end;
	for (unsigned i = 0; i < TOGETHER; i++) {
		chunks[i] = (struct chunk){ .bytes = plain.bytes + at,
			.plain_first = at,
			.first_record = 1 + 2 * i,
			.records = 2 };
		for (unsigned lines = 0; lines < 2; at++)
			lines += plain.bytes[at] == '\n';
		chunks[i].size = at - chunks[i].plain_first;
		hand[i] = &chunks[i];
	}
	assert_int_equal(at, plain.size);
}

static enum record_kind some_short(unsigned number)
{
	return number == 1 || number == 5 || number == 8 ? RECORD_SHORT : RECORD_FINE;
}

static void test_each_of_several_has_its_own_witness(void **state)
{
	(void)state;
	static const struct sample sample = { .records = RECORDS, .kind_of = some_short };
	struct attempt attempt;
	struct header header;
	struct chunk chunks[TOGETHER];
	struct chunk *hand[TOGETHER];
	struct chunk_record records[TOGETHER];
	struct chunk_load load = { .edition = &attempt.edition, .header = &header };
	attempt_begin(&attempt, &sample);
	must(header_read(&header, plain.bytes, header_end - 1, &error));
	must(sink->ops->loader_open(sink, &load.loader, &error));
	chunks_of_plain(chunks, hand);
	failing->refused[3] = true;
	must_fail(chunk_load(&load, hand, TOGETHER, records, &error), ERROR_DATA);
	assert_int_equal(ask_number(&attempt.edition, "SELECT count(*) FROM t"), 0);
	failing->refused[3] = false;
	chunks[1].records = 3;
	must_fail(chunk_load(&load, hand, TOGETHER, records, &error), ERROR_SYSTEM);
	assert_int_equal(ask_number(&attempt.edition, "SELECT count(*) FROM t"), 0);
	chunks[1].records = 2;
	failing_sink_reset(failing);
	must(chunk_load(&load, hand, TOGETHER, records, &error));
	assert_int_equal(failing->made[CALL_COPY], 1);
	assert_int_equal(failing->made[CALL_WITNESS], TOGETHER - 1);
	assert_int_equal(failing->made[CALL_COMMIT], 1);
	for (unsigned i = 0; i < TOGETHER; i++) {
		assert_int_equal(records[i].plain_first, chunks[i].plain_first);
		assert_int_equal(records[i].plain_end, chunks[i].plain_first + chunks[i].size);
		assert_int_equal(records[i].first_record, 1 + 2 * i);
		assert_int_equal(records[i].rejects, i != 1);
		assert_int_equal(records[i].rows + records[i].rejects, 2);
		assert_int_equal(records[i].crc, inflate_crc32(chunks[i].bytes, chunks[i].size));
	}
	assert_int_equal(load.reject_count, 3);
	chunk_load_free(&load);
	load.loader->ops->close(load.loader);
	must(attempt_load(&attempt));
	assert_whole(&attempt, &sample);
}

/* Any call can fail, before it was made or after; what was asked of several is then asked of each
 * one, or of the witness. */
static void test_failures_of_several(void **state)
{
	(void)state;
	static const enum error_kind kinds[] = { ERROR_BUSY, ERROR_LOST, ERROR_DATABASE };
	static const struct sample sample = { .records = 24, .kind_of = some_short };
	struct attempt attempt;
	attempt_begin(&attempt, &sample);
	for (unsigned kind = 0; kind < 6; kind++) {
		bool reached = true;
		for (unsigned n = 1; reached; n++) {
			attempt_renew(&attempt);
			failing_sink_reset(failing);
			attempt.chunk_rows = 2;
			attempt.together = TOGETHER;
			failing->refused[9] = true;
			failing->fail_at = n;
			failing->fail_kind = kinds[kind / 2];
			failing->fail_after = kind % 2 == 1;
			bool done = attempt_load(&attempt);
			reached = failing->failed != -1;
			failing->fail_at = 0;
			if (!done) {
				must(sink->ops->take(sink, &error));
				must(attempt_load(&attempt));
			}
			assert_whole(&attempt, &sample);
		}
	}
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
		struct chunk *only = &chunk;
		chunk_of_plain(&chunk);
		chunk.records = (uint64_t)(RECORDS + off);
		must_fail(chunk_load(&load, &only, 1, &record, &error), ERROR_SYSTEM);
		failing->refused[2] = true;
		must_fail(chunk_load(&load, &only, 1, &record, &error), ERROR_SYSTEM);
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
		LOAD_TEST(test_each_of_several_has_its_own_witness),
		LOAD_TEST(test_failures_of_several),
		LOAD_TEST(test_a_count_that_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
