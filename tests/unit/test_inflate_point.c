#include "tests/unit/inflate_samples.h"

/* A file of three members with points in it, and what a straight read of it gave. */
struct fixture {
	struct buf packed;
	struct buf plain;
	struct points points;
};

static void fixture_read(struct fixture *fixture)
{
	struct buf got = { 0 };
	struct error error;
	sample_write(fixture->packed.bytes, fixture->packed.size);
	assert_true(sample_read(5000, &fixture->points, &got, &error));
	assert_same_bytes(&got, fixture->plain.bytes, fixture->plain.size);
	buf_free(&got);
}

static int fixture_make(void **state)
{
	static const struct member members[] = {
		{ .level = 6, .memory = 1, .fields = true },
		{ .level = 0 },
		{ .level = 6, .strategy = Z_FIXED, .memory = 1 },
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	for (unsigned i = 0; i < 3; i++) {
		size_t first = fixture->plain.size;
		sample_rows(&fixture->plain, first + 80000, i);
		sample_member(&fixture->packed, &members[i], fixture->plain.bytes + first, 80000);
	}
	fixture_read(fixture);
	*state = fixture;
	return 0;
}

static int fixture_free(void **state)
{
	struct fixture *fixture = *state;
	points_free(&fixture->points);
	buf_free(&fixture->packed);
	buf_free(&fixture->plain);
	free(fixture);
	return sample_remove(state);
}

/* The last point but `back`; those are in blocks of the last member. */
static struct point *block_point(struct fixture *fixture, unsigned back)
{
	struct point *point = &fixture->points.items[fixture->points.count - 1 - back];
	assert_int_equal(point->kind, POINT_BLOCK);
	return point;
}

static bool resume(const struct point *point, size_t step, struct points *points, struct buf *got,
	struct error *error)
{
	struct inflate *reader = sample_open(points);
	bool done = inflate_seek(reader, point, error) && sample_drain(reader, step, got, error);
	inflate_close(reader);
	return done;
}

static void resume_must_fail(const struct point *point, enum error_kind kind)
{
	struct buf got = { 0 };
	struct error error = { 0 };
	assert_false(resume(point, 1000, NULL, &got, &error));
	assert_int_equal(error.kind, kind);
	buf_free(&got);
}

static void test_points_are_of_every_sort(void **state)
{
	struct fixture *fixture = *state;
	unsigned members = 0, bits = 0, short_windows = 0;
	for (unsigned i = 0; i < fixture->points.count; i++) {
		const struct point *point = &fixture->points.items[i];
		members += point->kind == POINT_MEMBER;
		bits |= 1u << point->bit;
		short_windows +=
			point->window != NULL && point->plain - point->member_plain < 32768;
		if (point->kind == POINT_MEMBER)
			assert_null(point->window);
		else
			assert_true(
				point->plain - fixture->points.items[i - 1].plain >= SAMPLE_SPAN);
	}
	assert_int_equal(members, 3);
	assert_int_equal(bits, 0xff);
	assert_in_range(short_windows, 3, 30);
	assert_in_range(fixture->points.count, 30, 62);
}

static void test_points_carry_the_running_crc(void **state)
{
	struct fixture *fixture = *state;
	for (unsigned i = 0; i < fixture->points.count; i++) {
		const struct point *point = &fixture->points.items[i];
		const char *first = fixture->plain.bytes + point->member_plain;
		assert_int_equal(
			point->crc, inflate_crc32(first, point->plain - point->member_plain));
		assert_int_equal(point->member_plain, point->plain / 80000 * 80000);
	}
}

static void assert_same_point(const struct point *a, const struct point *b)
{
	assert_int_equal(a->packed, b->packed);
	assert_int_equal(a->plain, b->plain);
	assert_int_equal(a->member_plain, b->member_plain);
	assert_int_equal(a->crc, b->crc);
	assert_int_equal(a->bit, b->bit);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->window_size, b->window_size);
	if (a->window_size > 0)
		assert_memory_equal(a->window, b->window, a->window_size);
}

static void test_points_do_not_depend_on_the_read_size(void **state)
{
	struct fixture *fixture = *state;
	static const size_t steps[] = { 1, 7, 1000000 };
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct points points = { 0 };
		struct buf got = { 0 };
		struct error error;
		assert_true(sample_read(steps[i], &points, &got, &error));
		assert_int_equal(points.count, fixture->points.count);
		for (unsigned j = 0; j < points.count; j++)
			assert_same_point(&points.items[j], &fixture->points.items[j]);
		points_free(&points);
		buf_free(&got);
	}
}

static void test_resume_from_every_point(void **state)
{
	struct fixture *fixture = *state;
	for (unsigned i = 0; i < fixture->points.count; i++) {
		const struct point *point = &fixture->points.items[i];
		struct points points = { 0 };
		struct buf got = { 0 };
		struct error error;
		assert_true(resume(point, 997, &points, &got, &error));
		assert_same_bytes(&got, fixture->plain.bytes + point->plain,
			fixture->plain.size - point->plain);
		assert_int_equal(points.count, fixture->points.count - 1 - i);
		for (unsigned j = 0; j < points.count; j++)
			assert_same_point(&points.items[j], &fixture->points.items[i + 1 + j]);
		points_free(&points);
		buf_free(&got);
	}
}

static void test_seek_about_in_one_reader(void **state)
{
	struct fixture *fixture = *state;
	struct inflate *reader = sample_open(NULL);
	struct error error;
	char bytes[3000];
	size_t got = 0;
	for (unsigned i = 0; i < 200; i++) {
		const struct point *point = &fixture->points.items[i * 37 % fixture->points.count];
		uint64_t plain = point->plain + i * 11 % 3000;
		uint64_t end = fixture->plain.size;
		plain = plain < end ? plain : end;
		assert_true(inflate_seek(reader, point, &error));
		assert_int_equal(inflate_plain(reader), point->plain);
		assert_int_equal(inflate_packed(reader), point->packed);
		assert_true(inflate_skip(reader, plain, &error));
		assert_true(inflate_read(reader, bytes, sizeof(bytes), &got, &error));
		assert_int_equal(got, end - plain < sizeof(bytes) ? end - plain : sizeof(bytes));
		if (got > 0)
			assert_memory_equal(bytes, fixture->plain.bytes + plain, got);
	}
	inflate_close(reader);
}

/* The trailer is the last eight bytes: every bit of CRC and length. */
static void test_a_flipped_trailer_is_found_after_a_resume(void **state)
{
	struct fixture *fixture = *state;
	struct buf got = { 0 };
	struct error error;
	for (size_t bit = 0; bit < 64; bit++) {
		char *byte = &fixture->packed.bytes[fixture->packed.size - 8 + bit / 8];
		*byte = (char)(*byte ^ 1 << bit % 8);
		sample_write(fixture->packed.bytes, fixture->packed.size);
		buf_clear(&got);
		bool done = resume(block_point(fixture, 0), 997, NULL, &got, &error);
		*byte = (char)(*byte ^ 1 << bit % 8);
		assert_false(done);
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, bit < 32 ? "CRC-32" : "length"));
		assert_non_null(strstr(error.text, "read from an access point"));
	}
	fixture->packed.bytes[fixture->packed.size - 1] ^= 1;
	sample_write(fixture->packed.bytes, fixture->packed.size);
	fixture->packed.bytes[fixture->packed.size - 1] ^= 1;
	assert_false(resume(&fixture->points.items[1], 997, NULL, &got, &error));
	assert_null(strstr(error.text, "read from an access point"));
	buf_free(&got);
	sample_write(fixture->packed.bytes, fixture->packed.size);
}

static void test_a_wrong_crc_in_a_point_fails_at_the_members_end(void **state)
{
	struct fixture *fixture = *state;
	struct point point = *block_point(fixture, 3);
	struct inflate *reader = sample_open(NULL);
	struct error error;
	char byte;
	size_t got = 0;
	point.crc ^= 1;
	assert_true(inflate_seek(reader, &point, &error));
	assert_true(inflate_skip(reader, fixture->plain.size, &error));
	assert_false(inflate_read(reader, &byte, 1, &got, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	inflate_close(reader);
	point = *block_point(fixture, 0);
	point.member_plain--;
	resume_must_fail(&point, ERROR_INPUT);
	point = *block_point(fixture, 0);
	point.bit = (uint8_t)(point.bit == 7 ? 1 : point.bit + 1);
	resume_must_fail(&point, ERROR_INPUT);
}

/* Moved by 2^32 the member seems to be over 4 GiB long, and its trailer tells the length modulo
 * that. */
static void test_a_length_is_compared_modulo_4_gib(void **state)
{
	struct fixture *fixture = *state;
	struct point point = *block_point(fixture, 0);
	struct buf got = { 0 };
	struct error error;
	point.plain += (uint64_t)1 << 32;
	assert_true(resume(&point, 997, NULL, &got, &error));
	buf_free(&got);
}

static void test_a_damaged_window_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct point point = *block_point(fixture, 5);
	struct inflate *reader = sample_open(NULL);
	struct error error;
	for (uint32_t byte = 0; byte < point.window_size; byte++) {
		unsigned char flip = (unsigned char)(1 << byte % 8);
		point.window[byte] ^= flip;
		bool done = inflate_seek(reader, &point, &error);
		point.window[byte] ^= flip;
		assert_false(done);
		assert_int_equal(error.kind, ERROR_CHANGED);
	}
	while (point.window_size > 0) {
		point.window_size--;
		assert_false(inflate_seek(reader, &point, &error));
		assert_int_equal(error.kind, ERROR_CHANGED);
	}
	assert_true(inflate_seek(reader, block_point(fixture, 5), &error));
	inflate_close(reader);
}

static void refuse_window(const struct point *point, const void *plain, size_t size, size_t extra)
{
	struct point other = *point;
	uLongf packed_size = compressBound(size);
	other.window = calloc(1, packed_size + extra);
	assert_non_null(other.window);
	assert_int_equal(compress(other.window, &packed_size, plain, size), Z_OK);
	other.window_size = (uint32_t)(packed_size + extra);
	resume_must_fail(&other, ERROR_CHANGED);
	point_free(&other);
}

static void test_a_window_of_another_length_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct point *last = block_point(fixture, 0);
	const struct point *early = &fixture->points.items[1];
	refuse_window(last, fixture->plain.bytes, 32767, 0);
	refuse_window(last, fixture->plain.bytes, 32769, 0);
	refuse_window(last, fixture->plain.bytes, 32768, 1);
	refuse_window(early, fixture->plain.bytes, early->plain - 1, 0);
	refuse_window(early, fixture->plain.bytes, early->plain + 1, 0);
	refuse_window(early, fixture->plain.bytes, 0, 0);
}

static void test_a_point_that_cannot_be_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct point good = *block_point(fixture, 0);
	struct point point = good;
	point.window = NULL;
	resume_must_fail(&point, ERROR_CHANGED);
	point = good;
	point.bit = 8;
	resume_must_fail(&point, ERROR_CHANGED);
	point = good;
	point.packed = fixture->packed.size + 1;
	resume_must_fail(&point, ERROR_CHANGED);
	point = good;
	point.packed = 0;
	resume_must_fail(&point, ERROR_CHANGED);
	point = good;
	point.member_plain = point.plain;
	resume_must_fail(&point, ERROR_CHANGED);
	point.member_plain = point.plain + 1;
	resume_must_fail(&point, ERROR_CHANGED);
	point = good;
	point.kind = POINT_MEMBER;
	resume_must_fail(&point, ERROR_INPUT);
}

static void test_a_failed_seek_stays_failed(void **state)
{
	struct fixture *fixture = *state;
	struct point point = *block_point(fixture, 0);
	struct inflate *reader = sample_open(NULL);
	struct error error;
	char byte;
	size_t got = 0;
	point.window = NULL;
	assert_false(inflate_seek(reader, &point, &error));
	assert_false(inflate_read(reader, &byte, 1, &got, &error));
	assert_int_equal(error.kind, ERROR_CHANGED);
	assert_true(inflate_seek(reader, NULL, &error));
	assert_true(inflate_read(reader, &byte, 1, &got, &error));
	assert_int_equal(byte, fixture->plain.bytes[0]);
	inflate_close(reader);
}

static void test_each_point_can_stop_the_read(void **state)
{
	struct fixture *fixture = *state;
	for (unsigned i = 1; i <= fixture->points.count; i++) {
		struct points points = { .fail_at = i };
		struct inflate *reader = sample_open(&points);
		struct buf got = { 0 };
		struct error error = { 0 };
		char byte;
		size_t size = 0;
		assert_false(sample_drain(reader, 3000, &got, &error));
		assert_int_equal(error.kind, ERROR_FULL);
		assert_string_equal(error.text, "no room for a point");
		assert_int_equal(points.count, i);
		assert_false(inflate_read(reader, &byte, 1, &size, &error));
		assert_int_equal(error.kind, ERROR_FULL);
		assert_int_equal(points.count, i);
		inflate_close(reader);
		points_free(&points);
		buf_free(&got);
	}
}

static void test_a_skip_tells_points_too(void **state)
{
	struct fixture *fixture = *state;
	struct points points = { 0 };
	struct inflate *reader = sample_open(&points);
	struct error error;
	assert_true(inflate_skip(reader, fixture->plain.size, &error));
	assert_int_equal(points.count, fixture->points.count);
	for (unsigned i = 0; i < points.count; i++)
		assert_same_point(&points.items[i], &fixture->points.items[i]);
	inflate_close(reader);
	points_free(&points);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_are_of_every_sort),
		cmocka_unit_test(test_points_carry_the_running_crc),
		cmocka_unit_test(test_points_do_not_depend_on_the_read_size),
		cmocka_unit_test(test_resume_from_every_point),
		cmocka_unit_test(test_seek_about_in_one_reader),
		cmocka_unit_test(test_a_flipped_trailer_is_found_after_a_resume),
		cmocka_unit_test(test_a_wrong_crc_in_a_point_fails_at_the_members_end),
		cmocka_unit_test(test_a_length_is_compared_modulo_4_gib),
		cmocka_unit_test(test_a_damaged_window_is_refused),
		cmocka_unit_test(test_a_window_of_another_length_is_refused),
		cmocka_unit_test(test_a_point_that_cannot_be_is_refused),
		cmocka_unit_test(test_a_failed_seek_stays_failed),
		cmocka_unit_test(test_each_point_can_stop_the_read),
		cmocka_unit_test(test_a_skip_tells_points_too),
	};
	return cmocka_run_group_tests(tests, fixture_make, fixture_free);
}
