/*
 * From a spool to chunks: where records and chunks are cut.
 */
#include "tests/unit/reader_fixture.h"

#include <stdio.h>
#include <string.h>

#include "stages/csv.h"

static void test_cut_by_rows(void **state)
{
	(void)state;
	for (unsigned records = 0; records <= 7; records++) {
		const struct sample sample = { .records = records };
		sample_set(&sample);
		for (uint32_t rows = 1; rows <= 8; rows++) {
			read_all(rows, UINT64_MAX, records);
			assert_int_equal(got.chunks, (records + rows - 1) / rows);
			for (unsigned i = 0; i + 1 < got.chunks; i++)
				assert_int_equal(got.counts[i], rows);
		}
	}
}

static void test_cut_by_bytes(void **state)
{
	(void)state;
	const struct sample sample = { .records = 7 };
	sample_set(&sample);
	read_all(1, UINT64_MAX, 7);
	uint64_t first = got.sizes[0];
	uint64_t second = got.sizes[1];
	for (uint64_t bytes = 1; bytes < plain.size; bytes += 7) {
		read_all(1000, bytes, 7);
		for (unsigned i = 0; i + 1 < got.chunks; i++)
			assert_true(got.sizes[i] >= bytes);
	}
	read_all(1000, first, 7);
	assert_int_equal(got.sizes[0], first);
	read_all(1000, first + 1, 7);
	assert_int_equal(got.sizes[0], first + second);
}

static void test_lines_of_every_sort(void **state)
{
	(void)state;
	for (unsigned set = 0; set < 16; set++) {
		const struct sample sample = { .records = 7,
			.kind_of = every_third_quoted,
			.blank = (set & 1) != 0,
			.crlf = (set & 2) != 0,
			.cut_last = (set & 4) != 0,
			.bom = (set & 8) != 0 };
		struct reader reader = reader_of(1, 1);
		struct header header;
		uint64_t end = 0;
		sample_set(&sample);
		must(reader_header(&reader, &header, &end, &error));
		assert_int_equal(end, header_end);
		assert_int_equal(header.fields, COLUMNS);
		for (uint32_t rows = 1; rows <= 8; rows++)
			read_all(rows, UINT64_MAX, 7);
	}
}

static void plain_write(const char *bytes)
{
	buf_clear(&plain);
	must(buf_add_text(&plain, bytes, &error));
	gzip_write(spool_file, &plain, &header_end, 0);
}

static void test_headers_that_are_none(void **state)
{
	(void)state;
	struct reader reader = reader_of(1, 1);
	struct header header;
	uint64_t end;
	static const char *const bad[] = { "", "\n", "<html>", "a,b,c\n1,2,3\n" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		plain_write(bad[i]);
		must_fail(reader_header(&reader, &header, &end, &error), ERROR_INPUT);
	}
	/* A header without a line end is one. */
	const struct sample sample = { .records = 0 };
	sample_make(&sample);
	plain.size--;
	header_end--;
	gzip_write(spool_file, &plain, &header_end, 0);
	must(reader_header(&reader, &header, &end, &error));
	assert_int_equal(end, header_end);
	read_all(1, 1, 0);
}

static void long_record(size_t size, const struct sample *sample)
{
	plain.limit = (size_t)4 << 20;
	sample_make(sample);
	while (size-- > 1)
		must(buf_add(&plain, "x", 1, &error));
	must(buf_add_text(&plain, "\n2023-0,after\n", &error));
	gzip_write(spool_file, &plain, &header_end, 0);
}

static void test_the_longest_record(void **state)
{
	(void)state;
	const struct sample sample = { .records = 4 };
	struct reader reader = reader_of(2, UINT64_MAX);
	struct reader_gap gap = whole();
	struct reader_end end;
	char offset[64];
	memset(starts, 0, sizeof(starts));
	long_record(RECORD_MAX, &sample);
	read_all(2, UINT64_MAX, 6);
	read_all(5, UINT64_MAX, 6);
	long_record(RECORD_MAX + 1, &sample);
	sample_make(&sample);
	snprintf(offset, sizeof(offset), "record 5 at plain offset %zu ", plain.size);
	for (uint32_t rows = 1; rows <= 5; rows++) {
		got_clear();
		reader.chunk_rows = rows;
		must_fail(read_gaps(&reader, &gap, 1, &end), ERROR_INPUT);
		assert_non_null(strstr(error.text, offset));
		assert_false(end.reached);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(test_cut_by_rows),
		READER_TEST(test_cut_by_bytes),
		READER_TEST(test_lines_of_every_sort),
		READER_TEST(test_headers_that_are_none),
		READER_TEST(test_the_longest_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
