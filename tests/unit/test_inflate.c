#include "tests/unit/inflate_samples.h"

/* Members of every kind, some empty; about 150 KB plain. */
static void make_mixture(struct buf *packed, struct buf *plain)
{
	static const struct {
		struct member member;
		size_t size;
	} parts[] = {
		{ { .level = 6 }, 40000 },
		{ { .level = 9, .fields = true, .name_size = 12 }, 0 },
		{ { .level = 0 }, 70000 },
		{ { .level = 6, .fields = true }, 1 },
		{ { .level = 1, .memory = 1 }, 20000 },
		{ { .level = 6, .strategy = Z_FIXED, .memory = 1 }, 9000 },
		{ { .level = 9, .strategy = Z_HUFFMAN_ONLY, .name_size = 300 }, 5000 },
		{ { .level = 0 }, 0 },
		{ { .level = 6 }, 0 },
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t first = plain->size;
		sample_rows(plain, first + parts[i].size, (uint32_t)i);
		sample_member(packed, &parts[i].member, plain->bytes + first, parts[i].size);
	}
}

static void test_every_read_size_gives_the_same(void **state)
{
	(void)state;
	static const size_t steps[] = { 1, 2, 3, 7, 257, 4095, 4096, 65536, 1000000 };
	struct buf packed = { 0 }, plain = { 0 };
	make_mixture(&packed, &plain);
	sample_write(packed.bytes, packed.size);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (int with_points = 0; with_points < 2; with_points++) {
			struct buf got = { 0 };
			struct error error;
			struct points points = { 0 };
			assert_true(sample_read(
				steps[i], with_points != 0 ? &points : NULL, &got, &error));
			assert_same_bytes(&got, plain.bytes, plain.size);
			points_free(&points);
			buf_free(&got);
		}
	buf_free(&packed);
	buf_free(&plain);
}

static void test_each_level_alone(void **state)
{
	(void)state;
	struct buf plain = { 0 };
	sample_rows(&plain, 300000, 5);
	for (int level = 0; level <= 9; level++) {
		struct buf packed = { 0 }, got = { 0 };
		struct error error;
		sample_member(&packed, &(struct member){ .level = level }, plain.bytes, plain.size);
		sample_write(packed.bytes, packed.size);
		assert_true(sample_read(10000, NULL, &got, &error));
		assert_same_bytes(&got, plain.bytes, plain.size);
		buf_free(&packed);
		buf_free(&got);
	}
	buf_free(&plain);
}

/* The name of the first member moves what follows over the end of the 64 KiB input buffer byte by
 * byte. */
static void test_a_member_split_at_every_byte_by_the_input_buffer(void **state)
{
	(void)state;
	struct member first = { .level = 6, .name_size = 65300 };
	struct member second = { .level = 6, .fields = true, .name_size = 5 };
	for (; first.name_size < 65560; first.name_size++) {
		struct buf packed = { 0 }, got = { 0 };
		struct error error;
		struct points points = { 0 };
		sample_member(&packed, &first, "one", 3);
		sample_member(&packed, &second, "two, and two, and two", 21);
		sample_member(&packed, &second, "three", 5);
		sample_write(packed.bytes, packed.size);
		assert_true(sample_read(1000, &points, &got, &error));
		assert_same_bytes(&got, "onetwo, and two, and twothree", 29);
		assert_int_equal(points.count, 3);
		points_free(&points);
		buf_free(&packed);
		buf_free(&got);
	}
}

static void test_empty_members_only(void **state)
{
	(void)state;
	struct buf packed = { 0 }, got = { 0 };
	struct error error;
	for (int i = 0; i < 3; i++)
		sample_member(&packed, &(struct member){ .level = 6 }, NULL, 0);
	sample_write(packed.bytes, packed.size);
	assert_true(sample_read(100, NULL, &got, &error));
	assert_int_equal(got.size, 0);
	buf_free(&packed);
	buf_free(&got);
}

static void test_the_end_stays_the_end(void **state)
{
	(void)state;
	struct buf packed = { 0 };
	struct error error;
	char bytes[8];
	size_t got = 9;
	sample_member(&packed, &(struct member){ .level = 6 }, "abc", 3);
	sample_write(packed.bytes, packed.size);
	struct inflate *reader = sample_open(NULL);
	assert_true(inflate_read(reader, bytes, 3, &got, &error));
	assert_int_equal(got, 3);
	for (int i = 0; i < 3; i++) {
		assert_true(inflate_read(reader, bytes, sizeof(bytes), &got, &error));
		assert_int_equal(got, 0);
	}
	assert_int_equal(inflate_plain(reader), 3);
	assert_int_equal(inflate_packed(reader), packed.size);
	inflate_close(reader);
	buf_free(&packed);
}

/* Flips each bit of a small file in turn. What still reads must read the same; *passed counts
 * those. */
static void flip_every_bit(const struct member *member, size_t *passed)
{
	struct buf packed = { 0 }, plain = { 0 };
	sample_rows(&plain, 500, 3);
	sample_member(&packed, member, plain.bytes, plain.size);
	*passed = 0;
	for (size_t bit = 0; bit < packed.size * 8; bit++) {
		struct buf got = { 0 };
		struct error error;
		packed.bytes[bit / 8] = (char)(packed.bytes[bit / 8] ^ 1 << bit % 8);
		sample_write(packed.bytes, packed.size);
		bool done = sample_read(100, NULL, &got, &error);
		if (done)
			assert_same_bytes(&got, plain.bytes, plain.size);
		else
			assert_int_equal(error.kind, ERROR_INPUT);
		*passed += done;
		packed.bytes[bit / 8] = (char)(packed.bytes[bit / 8] ^ 1 << bit % 8);
		buf_free(&got);
	}
	buf_free(&packed);
	buf_free(&plain);
}

static void test_a_flipped_bit_is_never_taken_for_verified(void **state)
{
	(void)state;
	size_t passed = 0;
	/* Nothing guards the bits that fill up the last byte of the deflate data. */
	flip_every_bit(&(struct member){ .level = 6, .fields = true, .name_size = 3 }, &passed);
	assert_in_range(passed, 0, 7);
	/* Without FHCRC also MTIME, XFL, OS and FTEXT may be anything. */
	flip_every_bit(&(struct member){ .level = 6 }, &passed);
	assert_in_range(passed, 6 * 8 + 1, 6 * 8 + 1 + 7);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	struct buf packed = { 0 };
	size_t ends[3];
	for (int i = 0; i < 3; i++) {
		struct member member = {
			.level = 6, .fields = i == 1, .name_size = i == 1 ? 4 : 0
		};
		sample_member(&packed, &member, "abcabcabcabcabcabcabcdefgh", i == 2 ? 0 : 26);
		ends[i] = packed.size;
	}
	for (size_t size = 0; size <= packed.size; size++) {
		struct buf got = { 0 };
		struct error error;
		bool whole = size == ends[0] || size == ends[1] || size == ends[2];
		sample_write(packed.bytes, size);
		assert_int_equal(sample_read(7, NULL, &got, &error), whole);
		if (!whole)
			assert_int_equal(error.kind, ERROR_INPUT);
		if (!whole && size > 0)
			assert_non_null(strstr(error.text, "ends in the middle of a gzip member"));
		buf_free(&got);
	}
	buf_free(&packed);
}

static void test_cut_names_both_offsets(void **state)
{
	(void)state;
	struct buf packed = { 0 };
	sample_member(&packed, &(struct member){ .level = 0 }, "0123456789", 10);
	sample_write(packed.bytes, 20);
	sample_must_fail(ERROR_INPUT, "20 packed bytes, at plain offset 5: fetch it again");
	buf_free(&packed);
}

/* One member, then `count` bytes of `fill`, then `last` if it is not 0. */
static void write_with_tail(size_t count, char fill, char last, size_t *member_size)
{
	struct buf packed = { 0 };
	struct error error;
	sample_member(&packed, &(struct member){ .level = 6 }, "abc", 3);
	*member_size = packed.size;
	assert_true(buf_reserve(&packed, count + 1, &error));
	memset(packed.bytes + packed.size, fill, count);
	packed.size += count;
	if (last != 0)
		packed.bytes[packed.size++] = last;
	sample_write(packed.bytes, packed.size);
	buf_free(&packed);
}

static void test_zeros_behind_the_last_member(void **state)
{
	(void)state;
	static const size_t counts[] = { 1, 2, 7, 8, 512, 65536 - 23, 65536, 200000 };
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct buf got = { 0 };
		struct error error;
		size_t member_size = 0;
		char where[64];
		write_with_tail(counts[i], 0, 0, &member_size);
		assert_true(sample_read(10, NULL, &got, &error));
		assert_same_bytes(&got, "abc", 3);
		buf_free(&got);
		write_with_tail(counts[i], 0, 'x', &member_size);
		snprintf(where, sizeof(where), "at packed offset %zu,", member_size + counts[i]);
		sample_must_fail(ERROR_INPUT, where);
		write_with_tail(counts[i], 0, 0x1f, &member_size);
		sample_must_fail(ERROR_INPUT, where);
	}
}

static void test_garbage_behind_the_last_member(void **state)
{
	(void)state;
	size_t member_size = 0;
	char where[64];
	for (size_t count = 1; count < 20; count++) {
		write_with_tail(count, 'g', 0, &member_size);
		snprintf(where, sizeof(where), "at packed offset %zu, plain offset 3", member_size);
		sample_must_fail(ERROR_INPUT, where);
	}
	write_with_tail(2, 0x1f, 0, &member_size);
	sample_must_fail(ERROR_INPUT, where);
	write_with_tail(1, 0x1f, 0, &member_size);
	sample_must_fail(ERROR_INPUT, "ends in the middle of a gzip member");
}

static void test_what_is_not_gzip(void **state)
{
	(void)state;
	sample_write("", 0);
	sample_must_fail(ERROR_INPUT, "the file is empty");
	sample_write("<html>", 6);
	sample_must_fail(ERROR_INPUT, "at packed offset 0, plain offset 0: fetch it again");
	sample_write("\0\0\0\0", 4);
	sample_must_fail(ERROR_INPUT, "at packed offset 0");
	sample_write("\x1f\x9d\x08", 3);
	sample_must_fail(ERROR_INPUT, "at packed offset 0");
	sample_write("\x1f\x8b\x07\0\0\0\0\0\0\0", 10);
	sample_must_fail(ERROR_INPUT, "unknown compression method");
	for (int flag = 0x20; flag <= 0x80; flag *= 2) {
		char header[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";
		header[3] = (char)flag;
		sample_write(header, 10);
		sample_must_fail(ERROR_INPUT, "unknown header flags set");
	}
}

static void test_an_error_stays_until_a_seek(void **state)
{
	(void)state;
	struct buf packed = { 0 };
	struct error first, again;
	char bytes[64];
	size_t got;
	sample_member(&packed, &(struct member){ .level = 6 }, "abc", 3);
	sample_write(packed.bytes, packed.size - 1);
	struct inflate *reader = sample_open(NULL);
	for (int i = 0; i < 2; i++) {
		got = 9;
		assert_false(inflate_read(reader, bytes, sizeof(bytes), &got, &first));
		assert_int_equal(got, 0);
		for (int j = 0; j < 3; j++) {
			assert_false(inflate_read(reader, bytes, 1, &got, &again));
			assert_int_equal(again.kind, ERROR_INPUT);
			assert_string_equal(again.text, first.text);
			assert_false(inflate_skip(reader, 3, &again));
			assert_string_equal(again.text, first.text);
		}
		assert_true(inflate_seek(reader, NULL, &again));
		assert_true(inflate_read(reader, bytes, 3, &got, &again));
		assert_int_equal(got, 3);
	}
	inflate_close(reader);
	buf_free(&packed);
}

static void test_skip(void **state)
{
	(void)state;
	struct buf packed = { 0 }, plain = { 0 };
	struct error error;
	char byte = 0;
	size_t got = 0;
	make_mixture(&packed, &plain);
	sample_write(packed.bytes, packed.size);
	struct inflate *reader = sample_open(NULL);
	for (size_t to = 0; to < plain.size; to += 9973) {
		assert_true(inflate_skip(reader, to, &error));
		assert_true(inflate_skip(reader, to, &error));
		assert_int_equal(inflate_plain(reader), to);
		assert_true(inflate_read(reader, &byte, 1, &got, &error));
		assert_int_equal(byte, plain.bytes[to]);
	}
	assert_false(inflate_skip(reader, 0, &error));
	assert_true(inflate_skip(reader, plain.size, &error));
	assert_true(inflate_read(reader, &byte, 1, &got, &error));
	assert_int_equal(got, 0);
	assert_false(inflate_skip(reader, plain.size + 1, &error));
	assert_int_equal(error.kind, ERROR_CHANGED);
	assert_false(inflate_read(reader, &byte, 1, &got, &error));
	inflate_close(reader);
	buf_free(&packed);
	buf_free(&plain);
}

static void test_without_packing(void **state)
{
	(void)state;
	struct inflate *reader = NULL;
	struct error error;
	char bytes[16];
	size_t got = 0;
	sample_write("\x1f\x8b,b\n1,2\n", 9);
	assert_true(inflate_open(&reader, sample_path, PACKING_NONE, 0, NULL, NULL, &error));
	assert_true(inflate_read(reader, bytes, 4, &got, &error));
	assert_int_equal(got, 4);
	assert_true(inflate_read(reader, bytes + 4, 12, &got, &error));
	assert_int_equal(got, 5);
	assert_memory_equal(bytes, "\x1f\x8b,b\n1,2\n", 9);
	assert_true(inflate_read(reader, bytes, 12, &got, &error));
	assert_int_equal(got, 0);
	assert_int_equal(inflate_packed(reader), 9);
	assert_true(inflate_seek(reader, NULL, &error));
	assert_true(inflate_skip(reader, 5, &error));
	assert_true(inflate_read(reader, bytes, 1, &got, &error));
	assert_int_equal(bytes[0], '1');
	assert_true(inflate_skip(reader, 9, &error));
	assert_false(inflate_skip(reader, 10, &error));
	assert_int_equal(error.kind, ERROR_CHANGED);
	inflate_close(reader);
}

static void test_a_file_that_is_not_there_or_not_a_file(void **state)
{
	(void)state;
	struct inflate *reader = NULL;
	struct error error;
	char byte;
	size_t got = 0;
	assert_false(
		inflate_open(&reader, "/nowhere/at/all.gz", PACKING_GZIP, 0, NULL, NULL, &error));
	assert_null(reader);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "/nowhere/at/all.gz"));
	assert_true(inflate_open(&reader, "/", PACKING_GZIP, 0, NULL, NULL, &error));
	assert_false(inflate_read(reader, &byte, 1, &got, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "at byte 0"));
	inflate_close(reader);
	inflate_close(NULL);
}

static void test_crc32(void **state)
{
	(void)state;
	assert_int_equal(inflate_crc32("123456789", 9), 0xcbf43926u);
	assert_int_equal(inflate_crc32("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_read_size_gives_the_same),
		cmocka_unit_test(test_each_level_alone),
		cmocka_unit_test(test_a_member_split_at_every_byte_by_the_input_buffer),
		cmocka_unit_test(test_empty_members_only),
		cmocka_unit_test(test_the_end_stays_the_end),
		cmocka_unit_test(test_a_flipped_bit_is_never_taken_for_verified),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_cut_names_both_offsets),
		cmocka_unit_test(test_zeros_behind_the_last_member),
		cmocka_unit_test(test_garbage_behind_the_last_member),
		cmocka_unit_test(test_what_is_not_gzip),
		cmocka_unit_test(test_an_error_stays_until_a_seek),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_without_packing),
		cmocka_unit_test(test_a_file_that_is_not_there_or_not_a_file),
		cmocka_unit_test(test_crc32),
	};
	return cmocka_run_group_tests(tests, NULL, sample_remove);
}
