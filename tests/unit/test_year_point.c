/*
 * A year that goes on from an access point, right or wrong: a point that is wrong costs time, never
 * a row.
 */
#include "tests/unit/year_fixture.h"

#include <string.h>
#include <zlib.h>

#include "state/base/stop.h"

#define RECORDS     40
#define WINDOW_SIZE 32768

/* The window of a point is the plain bytes of its member before it. */
static uint64_t window_size(const struct point *point)
{
	uint64_t size = point->plain - point->member_plain;
	return size < WINDOW_SIZE ? size : WINDOW_SIZE;
}

/* What is done to a point, and to the bytes of its window, before the ledger gets it. */
typedef void spoil_point(struct point *point, unsigned char *window, size_t size);

static void point_put(const struct point *like, spoil_point *spoil)
{
	static unsigned char window[WINDOW_SIZE], packed[2 * WINDOW_SIZE];
	struct point point = *like;
	uLongf size = sizeof(packed);
	memcpy(window, plain.bytes + like->plain - window_size(like), window_size(like));
	spoil(&point, window, window_size(like));
	assert_int_equal(compress2(packed, &size, window, window_size(&point), 6), Z_OK);
	point.window = point.window_size != 3 ? packed : (unsigned char *)"abc";
	if (point.window_size != 3)
		point.window_size = (uint32_t)size;
	must(ledger_points_drop(ledger, year.spool.sha256, &error));
	must(ledger_point_add(ledger, year.spool.sha256, &point, &error));
}

static void fine(struct point *point, unsigned char *window, size_t size)
{
	(void)point;
	(void)window;
	(void)size;
}

static void wrong_crc(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->crc ^= 1;
}

static void no_window(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->window_size = 3;
}

/* Letters become others: the records that are made of it are no dates and no numbers. */
static void wrong_window(struct point *point, unsigned char *window, size_t size)
{
	(void)point;
	for (size_t i = 0; i < size; i++)
		if (window[i] >= '0' && window[i] <= '9')
			window[i] = 'x';
}

static void wrong_place(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->packed += 5;
}

static void wrong_bit(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->bit = (uint8_t)((point->bit + 3) % 8);
}

static void wrong_plain(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->plain -= 4;
}

static void behind_the_end(struct point *point, unsigned char *window, size_t size)
{
	(void)window;
	(void)size;
	point->packed += 1 << 20;
}

static struct point kept;

static bool keep_last_before(void *context, struct point *point, struct error *ignored)
{
	const uint64_t *before = context;
	(void)ignored;
	if (point->plain <= *before && point->kind == POINT_BLOCK)
		kept = *point;
	point_free(point);
	kept.window = NULL;
	return true;
}

/* The last point before the records that are still to be loaded. */
static void point_find(uint64_t before)
{
	struct inflate *inflate = NULL;
	char bytes[512];
	size_t size = 1;
	kept = (struct point){ 0 };
	must(inflate_open(
		&inflate, spool_file, PACKING_GZIP, 64, keep_last_before, &before, &error));
	while (size > 0)
		must(inflate_read(inflate, bytes, sizeof(bytes), &size, &error));
	inflate_close(inflate);
	assert_true(kept.plain > header_end);
}

/* But for the start of the file, which such a small one always has. */
static void assert_no_point(void)
{
	struct point point = { 0 };
	bool found = false;
	must(ledger_point_nearest(ledger, year.spool.sha256, UINT64_MAX, &point, &found, &error));
	assert_true(!found || point.plain == 0);
	point_free(&point);
}

/* Stops after five chunks, then goes on from a point that was tampered with. */
static void resume_from(unsigned records, spoil_point *spoil, bool afresh)
{
	const struct sample sample = { .records = records };
	struct edition edition;
	struct ranges ranges = { 0 };
	year_begin(&sample);
	year_edition(&year.spool, &edition);
	failing->commits_to_a_stop = 5;
	must_fail(year_import(&year, &error), ERROR_STOPPED);
	stop_reset();
	must(sink->ops->completed(sink, &edition, &ranges, &error));
	assert_int_equal(ranges.items[0].rows, 5 * settings.chunk_rows);
	point_find(ranges.items[0].plain_end);
	ranges_free(&ranges);
	point_put(&kept, spoil);
	process_new();
	import_to(YEAR_PUBLISHED, "published");
	assert_published(records);
	assert_int_equal(failing->made[CALL_FORGET] > 0, afresh);
	if (afresh)
		assert_no_point();
	assert_true(year.spool.verified);
	assert_int_equal(year.spool.plain_size, plain.size);
}

static void test_resume_from_a_point(void **state)
{
	(void)state;
	resume_from(RECORDS, fine, false);
}

static void test_a_point_with_a_wrong_crc(void **state)
{
	(void)state;
	resume_from(RECORDS, wrong_crc, true);
}

static void test_a_point_whose_window_is_none(void **state)
{
	(void)state;
	resume_from(RECORDS, no_window, true);
}

static void test_a_point_at_another_place(void **state)
{
	(void)state;
	resume_from(RECORDS, wrong_place, true);
}

static void test_a_point_at_another_bit(void **state)
{
	(void)state;
	resume_from(RECORDS, wrong_bit, true);
}

static void test_a_point_of_other_plain_bytes(void **state)
{
	(void)state;
	resume_from(RECORDS, wrong_plain, true);
}

static void test_a_point_behind_the_end(void **state)
{
	(void)state;
	resume_from(RECORDS, behind_the_end, true);
}

/* So many rejects come of it that the edition would be refused: it is not the source's fault. */
static void test_a_point_with_the_window_of_another_file(void **state)
{
	(void)state;
	settings.chunk_rows = 100;
	resume_from(4000, wrong_window, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		YEAR_TEST(test_resume_from_a_point),
		YEAR_TEST(test_a_point_with_a_wrong_crc),
		YEAR_TEST(test_a_point_whose_window_is_none),
		YEAR_TEST(test_a_point_at_another_place),
		YEAR_TEST(test_a_point_at_another_bit),
		YEAR_TEST(test_a_point_of_other_plain_bytes),
		YEAR_TEST(test_a_point_behind_the_end),
		YEAR_TEST(test_a_point_with_the_window_of_another_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
