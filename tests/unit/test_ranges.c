#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/ranges.h"

#define HEADER_END   100
#define CHUNK_SIZE   10
#define CHUNKS       6
#define PLAIN_SIZE   (HEADER_END + CHUNKS * CHUNK_SIZE)
#define ROWS_A_CHUNK 3

/* Chunk i of a year of CHUNKS equal ones; each has one reject. */
static struct range chunk(unsigned i)
{
	return (struct range){
		.plain_first = HEADER_END + i * CHUNK_SIZE,
		.plain_end = HEADER_END + (i + 1) * CHUNK_SIZE,
		.first_record = 1 + i * (ROWS_A_CHUNK + 1),
		.rows = ROWS_A_CHUNK,
		.rejects = 1,
	};
}

static void assert_chunks(const struct range *range, unsigned first, unsigned end)
{
	assert_int_equal(range->plain_first, chunk(first).plain_first);
	assert_int_equal(range->plain_end, chunk(end - 1).plain_end);
	assert_int_equal(range->first_record, chunk(first).first_record);
	assert_int_equal(range->rows, (end - first) * ROWS_A_CHUNK);
	assert_int_equal(range->rejects, end - first);
}

/* The ranges and the gaps are the runs of ones and of zeros in `done`. */
static void assert_tiles(const struct ranges *ranges, const unsigned char *done)
{
	unsigned range = 0;
	unsigned gaps = 0;
	struct gap gap;
	for (unsigned first = 0, end; first < CHUNKS; first = end) {
		for (end = first; end < CHUNKS && done[end] == done[first];)
			end++;
		if (done[first]) {
			assert_true(range < ranges->count);
			assert_chunks(&ranges->items[range++], first, end);
			continue;
		}
		assert_true(ranges_gap(ranges, HEADER_END, PLAIN_SIZE, gaps++, &gap));
		assert_int_equal(gap.plain_first, chunk(first).plain_first);
		assert_int_equal(gap.plain_end, chunk(end - 1).plain_end);
		assert_int_equal(gap.first_record, chunk(first).first_record);
		assert_int_equal(gap.next_record, end < CHUNKS ? chunk(end).first_record : 0);
	}
	assert_int_equal(range, ranges->count);
	assert_false(ranges_gap(ranges, HEADER_END, PLAIN_SIZE, gaps, &gap));
}

static void add_in_order(unsigned *order)
{
	struct ranges ranges = { 0 };
	unsigned char done[CHUNKS] = { 0 };
	struct error error;
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct range next = chunk(order[i]);
		assert_true(ranges_add(&ranges, &next, &error));
		done[order[i]] = 1;
		assert_tiles(&ranges, done);
		assert_false(ranges_add(&ranges, &next, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_tiles(&ranges, done);
	}
	assert_int_equal(ranges.count, 1);
	ranges_free(&ranges);
}

static void swap(unsigned *a, unsigned *b)
{
	unsigned old = *a;
	*a = *b;
	*b = old;
}

static unsigned add_in_every_order(unsigned *order, unsigned fixed)
{
	unsigned tried = 0;
	if (fixed == CHUNKS) {
		add_in_order(order);
		return 1;
	}
	for (unsigned i = fixed; i < CHUNKS; i++) {
		swap(&order[fixed], &order[i]);
		tried += add_in_every_order(order, fixed + 1);
		swap(&order[fixed], &order[i]);
	}
	return tried;
}

static void test_every_order_tiles(void **state)
{
	(void)state;
	unsigned order[CHUNKS] = { 0, 1, 2, 3, 4, 5 };
	assert_int_equal(add_in_every_order(order, 0), 720);
}

static void assert_refused(struct ranges *ranges, struct range bad)
{
	struct error error = { 0 };
	unsigned count = ranges->count;
	assert_false(ranges_add(ranges, &bad, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_int_equal(ranges->count, count);
}

static bool overlap(const struct range *a, const struct range *b)
{
	return a->plain_first < b->plain_end && b->plain_first < a->plain_end;
}

static void test_every_overlap_is_refused(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	struct range there[] = { chunk(1), chunk(3) };
	assert_true(ranges_add(&ranges, &there[0], &error));
	assert_true(ranges_add(&ranges, &there[1], &error));
	for (uint64_t first = HEADER_END; first < PLAIN_SIZE; first++)
		for (uint64_t end = first; end <= PLAIN_SIZE; end++) {
			struct range bad = {
				.plain_first = first, .plain_end = end, .first_record = 5, .rows = 1
			};
			if (first == end || overlap(&bad, &there[0]) || overlap(&bad, &there[1]))
				assert_refused(&ranges, bad);
		}
	assert_chunks(&ranges.items[0], 1, 2);
	assert_chunks(&ranges.items[1], 3, 4);
	ranges_free(&ranges);
}

static void test_record_numbers_must_go_on(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	struct range there = chunk(2);
	assert_true(ranges_add(&ranges, &there, &error));
	for (int off = -1; off <= 1; off += 2) {
		struct range before = chunk(1);
		struct range after = chunk(3);
		before.first_record += (uint64_t)off;
		after.first_record += (uint64_t)off;
		assert_refused(&ranges, before);
		assert_refused(&ranges, after);
	}
	struct range far_before = chunk(0);
	far_before.first_record += 5;
	assert_refused(&ranges, far_before);
	struct range far_after = chunk(4);
	far_after.first_record = there.first_record;
	assert_refused(&ranges, far_after);
	ranges_free(&ranges);
}

static void test_blank_lines_have_no_records(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	struct range blank = { .plain_first = 110, .plain_end = 112, .first_record = 5 };
	struct range behind = {
		.plain_first = 112, .plain_end = 120, .first_record = 5, .rows = 1
	};
	struct range before = chunk(0);
	assert_true(ranges_add(&ranges, &blank, &error));
	assert_true(ranges_add(&ranges, &behind, &error));
	assert_true(ranges_add(&ranges, &before, &error));
	assert_int_equal(ranges.count, 1);
	assert_int_equal(ranges.items[0].rows, 4);
	ranges_free(&ranges);
}

static void test_unknown_size_leaves_a_last_gap(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	struct gap gap;
	assert_true(ranges_gap(&ranges, HEADER_END, UINT64_MAX, 0, &gap));
	assert_int_equal(gap.plain_first, HEADER_END);
	assert_true(gap.plain_end == UINT64_MAX);
	assert_int_equal(gap.first_record, 1);
	assert_int_equal(gap.next_record, 0);
	struct range first = chunk(0);
	assert_true(ranges_add(&ranges, &first, &error));
	assert_true(ranges_gap(&ranges, HEADER_END, UINT64_MAX, 0, &gap));
	assert_int_equal(gap.plain_first, first.plain_end);
	assert_int_equal(gap.first_record, ROWS_A_CHUNK + 2);
	assert_false(ranges_gap(&ranges, HEADER_END, UINT64_MAX, 1, &gap));
	ranges_free(&ranges);
}

static void test_an_empty_year_has_no_gap(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct gap gap;
	assert_false(ranges_gap(&ranges, HEADER_END, HEADER_END, 0, &gap));
}

static void test_totals_and_clear(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	uint64_t plain, rows, rejects;
	for (unsigned i = 0; i < CHUNKS; i += 2) {
		struct range next = chunk(i);
		assert_true(ranges_add(&ranges, &next, &error));
	}
	ranges_totals(&ranges, &plain, &rows, &rejects);
	assert_int_equal(plain, 3 * CHUNK_SIZE);
	assert_int_equal(rows, 3 * ROWS_A_CHUNK);
	assert_int_equal(rejects, 3);
	ranges_clear(&ranges);
	ranges_totals(&ranges, &plain, &rows, &rejects);
	assert_int_equal(plain + rows + rejects, 0);
	ranges_free(&ranges);
	assert_null(ranges.items);
}

/* More than the first allocation holds, back to front, none touching. */
static void test_many_ranges_stay_in_order(void **state)
{
	(void)state;
	struct ranges ranges = { 0 };
	struct error error;
	for (unsigned i = 100; i-- > 0;) {
		struct range next = { .plain_first = i * 10,
			.plain_end = i * 10 + 5,
			.first_record = 1 + i,
			.rows = 1 };
		assert_true(ranges_add(&ranges, &next, &error));
	}
	assert_int_equal(ranges.count, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(ranges.items[i].plain_first, i * 10);
	ranges_free(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_order_tiles),
		cmocka_unit_test(test_every_overlap_is_refused),
		cmocka_unit_test(test_record_numbers_must_go_on),
		cmocka_unit_test(test_blank_lines_have_no_records),
		cmocka_unit_test(test_unknown_size_leaves_a_last_gap),
		cmocka_unit_test(test_an_empty_year_has_no_gap),
		cmocka_unit_test(test_totals_and_clear),
		cmocka_unit_test(test_many_ranges_stay_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
