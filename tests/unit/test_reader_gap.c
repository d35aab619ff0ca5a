/*
 * Whatever gaps are read, from whatever point, the bytes and record numbers are those of the
 * straight read; and wherever the reader is told to stop, it gives everything back.
 */
#include "tests/unit/reader_fixture.h"

#include "state/base/stop.h"

#define POINTS_MOST 256
#define SPAN        64 /* plain bytes between points */

static struct points {
	struct point items[POINTS_MOST];
	unsigned count;
} points;

static bool keep_point(void *context, struct point *point, struct error *ignored)
{
	(void)context;
	(void)ignored;
	assert_in_range(points.count, 0, POINTS_MOST - 1);
	points.items[points.count++] = *point;
	return true;
}

static void points_find(void)
{
	struct inflate *inflate = NULL;
	char bytes[512];
	size_t size = 1;
	must(inflate_open(&inflate, spool_file, PACKING_GZIP, SPAN, keep_point, NULL, &error));
	while (size > 0)
		must(inflate_read(inflate, bytes, sizeof(bytes), &size, &error));
	inflate_close(inflate);
	assert_in_range(points.count, 4, POINTS_MOST);
}

static void points_drop(void)
{
	for (unsigned i = 0; i < points.count; i++)
		point_free(&points.items[i]);
	points.count = 0;
}

/* Where each record starts, by a straight read. */
static void starts_find(void)
{
	read_all(1, UINT64_MAX, RECORDS);
	uint64_t at = header_end;
	for (unsigned n = 1; n <= RECORDS; n++) {
		starts[n] = at;
		at += got.sizes[n - 1];
	}
	starts[RECORDS + 1] = plain.size;
}

/* The gaps that are left when the records in `done` are loaded. */
static unsigned gaps_of(unsigned done, struct reader_gap *gaps, bool with_points)
{
	unsigned count = 0;
	for (unsigned n = 1; n <= RECORDS; n++) {
		unsigned first = n;
		while (n <= RECORDS && (done >> (n - 1) & 1) == 0)
			n++;
		if (n == first)
			continue;
		struct reader_gap *gap = &gaps[count++];
		*gap = (struct reader_gap){ .gap = { .plain_first = starts[first],
						    .plain_end = starts[n],
						    .first_record = first,
						    .next_record = n } };
		if (n > RECORDS)
			gap->gap.plain_end = UINT64_MAX;
		if (n > RECORDS)
			gap->gap.next_record = 0;
		for (unsigned i = 0; with_points && i < points.count; i++)
			if (points.items[i].plain <= starts[first]) {
				gap->point = points.items[i];
				gap->has_point = true;
			}
	}
	return count;
}

static void assert_gaps_read(unsigned done, uint32_t rows, bool with_points)
{
	struct reader reader = reader_of(rows, UINT64_MAX);
	struct reader_gap gaps[RECORDS];
	struct reader_end end;
	uint64_t at = 0;
	unsigned records = 0;
	unsigned count = gaps_of(done, gaps, with_points);
	got_clear();
	got.apart = true;
	if (!read_gaps(&reader, gaps, count, &end))
		fail_msg("done %x, chunks of %u: %s", done, rows, error.text);
	for (unsigned n = 1; n <= RECORDS; n++) {
		if ((done >> (n - 1) & 1) != 0)
			continue;
		uint64_t size = starts[n + 1] - starts[n];
		assert_true(at + size <= got.bytes.size);
		assert_memory_equal(got.bytes.bytes + at, plain.bytes + starts[n], size);
		at += size;
		records++;
	}
	assert_int_equal(got.bytes.size, at);
	assert_int_equal(got.records, records);
	assert_int_equal(end.reached, (done >> (RECORDS - 1) & 1) == 0);
	if (end.reached) {
		assert_int_equal(end.plain_size, plain.size);
		assert_int_equal(end.records, RECORDS);
	}
}

static const struct sample nine[] = {
	{ .records = RECORDS, .kind_of = every_third_quoted, .member_records = 4 },
	{ .records = RECORDS, .kind_of = every_third_quoted, .blank = true, .cut_last = true },
};

static void gap_sample(unsigned i)
{
	sample_set(&nine[i]);
	starts_find();
	points_find();
}

static void test_every_list_of_gaps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		gap_sample(i);
		for (unsigned done = 0; done < 1U << RECORDS; done++)
			for (uint32_t rows = 1; rows <= 4; rows += 2) {
				assert_gaps_read(done, rows, false);
				assert_gaps_read(done, rows, true);
			}
		points_drop();
	}
}

/* A gap that ends inside a record, or whose records are not as many as it says, is of other bytes.
 */
static void test_gaps_that_do_not_fit(void **state)
{
	(void)state;
	struct reader reader = reader_of(2, UINT64_MAX);
	struct reader_end end;
	gap_sample(0);
	for (uint64_t at = starts[2] + 1; at < starts[4]; at++) {
		struct reader_gap gap = { .gap = { starts[2], at, 2, at < starts[3] ? 3 : 4 } };
		got_clear();
		if (at == starts[3])
			gap.gap.next_record = 3;
		if (at == starts[3])
			must(read_gaps(&reader, &gap, 1, &end));
		else
			must_fail(read_gaps(&reader, &gap, 1, &end), ERROR_CHANGED);
		assert_false(end.reached);
	}
	for (uint64_t next = 1; next < 8; next++) {
		struct reader_gap gap = { .gap = { starts[2], starts[5], 2, next } };
		got_clear();
		if (next == 5)
			must(read_gaps(&reader, &gap, 1, &end));
		else
			must_fail(read_gaps(&reader, &gap, 1, &end), ERROR_CHANGED);
	}
	points_drop();
}

static void test_gaps_behind_the_end(void **state)
{
	(void)state;
	struct reader reader = reader_of(2, UINT64_MAX);
	struct reader_end end;
	gap_sample(0);
	struct reader_gap gap = { .gap = { starts[8], plain.size + 10, 8, 11 } };
	got_clear();
	must_fail(read_gaps(&reader, &gap, 1, &end), ERROR_CHANGED);
	gap.gap = (struct gap){ plain.size + 10, UINT64_MAX, 12, 0 };
	got_clear();
	must_fail(read_gaps(&reader, &gap, 1, &end), ERROR_CHANGED);
	points_drop();
}

/* The end of the file is where all CRCs have been compared. */
static void test_bytes_that_are_wrong(void **state)
{
	(void)state;
	struct reader reader = reader_of(2, UINT64_MAX);
	struct reader_end end;
	struct reader_gap gaps[RECORDS];
	gap_sample(0);
	unsigned count = gaps_of(0x0f, gaps, true);
	struct spool spool;
	spool_sum(&spool);
	spool_flip(spool.packed_size - 6); /* the CRC-32 of the last member */
	got_clear();
	must_fail(read_gaps(&reader, gaps, count, &end), ERROR_INPUT);
	assert_false(end.reached);
	points_drop();
}

/* --- stopping */

/* Takes or gives fail at the n-th call, until there are no more of them. */
static void stop_everywhere(bool at_take, uint32_t rows)
{
	struct reader reader = reader_of(rows, UINT64_MAX);
	struct reader_gap gaps[RECORDS];
	unsigned count = gaps_of(0x24, gaps, true); /* three gaps */
	bool stopped = true;
	for (unsigned n = 1; stopped; n++) {
		struct reader_end end;
		got_clear();
		got.apart = true;
		got.take_fails = at_take ? n : 0;
		got.give_fails = at_take ? 0 : n;
		must(read_gaps(&reader, gaps, count, &end));
		stopped = (at_take ? got.takes : got.gives) >= n;
		assert_int_equal(end.reached, !stopped);
	}
}

static void test_told_to_stop(void **state)
{
	(void)state;
	gap_sample(0);
	for (uint32_t rows = 1; rows <= 3; rows++) {
		stop_everywhere(true, rows);
		stop_everywhere(false, rows);
	}
	points_drop();
}

static void test_a_stop_is_seen(void **state)
{
	(void)state;
	struct reader reader = reader_of(2, UINT64_MAX);
	struct reader_gap gap = whole();
	struct reader_end end;
	gap_sample(0);
	stop_request();
	got_clear();
	must(read_gaps(&reader, &gap, 1, &end));
	assert_false(end.reached);
	assert_int_equal(got.chunks, 0);
	stop_reset();
	points_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(test_every_list_of_gaps),
		READER_TEST(test_gaps_that_do_not_fit),
		READER_TEST(test_gaps_behind_the_end),
		READER_TEST(test_bytes_that_are_wrong),
		READER_TEST(test_told_to_stop),
		READER_TEST(test_a_stop_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
