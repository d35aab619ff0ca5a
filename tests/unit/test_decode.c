#include <endian.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/sink_postgres_decode.h"

/* A field of exactly its size, so that reading past it shows. */
static struct value decode(enum column_type type, bool as_text, const void *bytes, int32_t size,
	bool fits, char odd[static ODD_SHOWN])
{
	struct value value;
	char *copy = malloc(size > 0 ? (size_t)size : 1);
	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, bytes, (size_t)size);
	const struct copy_field field = { .bytes = copy, .size = size };
	odd[0] = '\0';
	assert_int_equal(copy_value(type, as_text, &field, &value, odd), fits);
	free(copy);
	return value;
}

/* As numeric_send() writes it. */
static struct value numeric(const int *digits, unsigned count, int weight, unsigned sign,
	unsigned scale, char odd[static ODD_SHOWN])
{
	uint16_t bytes[4 + 40];
	bytes[0] = htobe16((uint16_t)count);
	bytes[1] = htobe16((uint16_t)weight);
	bytes[2] = htobe16((uint16_t)sign);
	bytes[3] = htobe16((uint16_t)scale);
	for (unsigned i = 0; i < count; i++)
		bytes[4 + i] = htobe16((uint16_t)digits[i]);
	return decode(COLUMN_PRICE, false, bytes, (int32_t)(8 + 2 * count), true, odd);
}

static void assert_amount(
	const int *digits, unsigned count, int weight, unsigned sign, int64_t want)
{
	char odd[ODD_SHOWN];
	struct value value = numeric(digits, count, weight, sign, 2, odd);
	assert_false(value.odd);
	assert_int_equal(value.number, want);
}

static void assert_odd(const int *digits, unsigned count, int weight, unsigned sign, unsigned scale,
	const char *want)
{
	char odd[ODD_SHOWN];
	struct value value = numeric(digits, count, weight, sign, scale, odd);
	assert_true(value.odd);
	assert_int_equal(value.size, strlen(want));
	assert_memory_equal(odd, want, value.size);
}

static void test_amounts(void **state)
{
	(void)state;
	assert_amount(NULL, 0, 0, 0, 0);
	assert_amount((const int[]){ 1 }, 1, 0, 0, 100);
	assert_amount((const int[]){ 12, 3456, 7800 }, 3, 1, 0, 12345678);
	assert_amount((const int[]){ 500 }, 1, -1, 0, 5);
	assert_amount((const int[]){ 500 }, 1, -1, 0x4000, -5);
	assert_amount(
		(const int[]){ 3 }, 1, 2, 0, INT64_C(30000000000)); /* 300000000: zeros left out */
	assert_amount(
		(const int[]){ 99, 9999, 9999, 9999, 9900 }, 5, 3, 0, INT64_C(9999999999999999));
	assert_amount((const int[]){ 1, 2300, 0, 0 }, 4, 0, 0, 123);
}

static void test_what_no_amount_is(void **state)
{
	(void)state;
	assert_odd((const int[]){ 1, 50 }, 2, 0, 0, 3, "1.0050");
	assert_odd((const int[]){ 1, 0, 1 }, 3, 0, 0x4000, 8, "-1.00000001");
	assert_odd((const int[]){ 1 }, 1, -2, 0, 8, "0.00000001");
	assert_odd((const int[]){ 100 }, 1, 4, 0, 0, "1000000000000000000");
	assert_odd(NULL, 0, 0, 0xc000, 0, "NaN");
	assert_odd(NULL, 0, 0, 0xd000, 0, "Infinity");
	assert_odd(NULL, 0, 0, 0xf000, 0, "-Infinity");
	char odd[ODD_SHOWN];
	struct value value = numeric((const int[]){ 1 }, 1, INT16_MAX, 0, 16383, odd);
	assert_true(value.odd);
	assert_memory_equal(odd, "10000000", 8);
	assert_non_null(strstr(odd, "..."));
	value = numeric((const int[]){ 1 }, 1, -4096, 0, 16383, odd);
	assert_true(value.odd && strncmp(odd, "0.0000", 6) == 0);
}

static void test_sizes_that_are_not_the_type_s(void **state)
{
	(void)state;
	static const char bytes[16] = { 0 };
	char odd[ODD_SHOWN];
	decode(COLUMN_PRICE, false, bytes, 7, false, odd);
	decode(COLUMN_PRICE, false, "\0\2\0\0\0\0\0\2\0\1", 10, false, odd);
	decode(COLUMN_DATE, false, bytes, 8, false, odd);
	decode(COLUMN_SMALLINT, false, bytes, 4, false, odd);
	decode(COLUMN_INTEGER, false, bytes, 8, false, odd);
	decode(COLUMN_DEGREE, false, bytes, 4, false, odd);
	assert_true(decode(COLUMN_PRICE, false, bytes, -1, true, odd).null);
}

static void test_other_types(void **state)
{
	(void)state;
	char odd[ODD_SHOWN];
	assert_int_equal(decode(COLUMN_DATE, false, "\0\0\0\1", 4, true, odd).number, 10958);
	assert_int_equal(decode(COLUMN_SMALLINT, false, "\377\376", 2, true, odd).number, -2);
	assert_int_equal(
		decode(COLUMN_INTEGER, false, "\377\377\377\375", 4, true, odd).number, -3);
	assert_true(decode(COLUMN_DATE, false, "\177\377\377\377", 4, true, odd).odd);
	assert_true(
		isnan(decode(COLUMN_DEGREE, false, "\177\370\0\0\0\0\0\0", 8, true, odd).degree));
	assert_int_equal(decode(COLUMN_TEXT, false, "\377\0\1", 3, true, odd).size, 3);
	assert_int_equal(decode(COLUMN_PRICE, true, "12.50", 5, true, odd).number, 1250);
	assert_int_equal(decode(COLUMN_INTEGER, true, "12", 2, true, odd).number, 12);
	assert_int_equal(decode(COLUMN_DATE, true, "1970-01-02", 10, true, odd).number, 1);
	assert_true(decode(COLUMN_DATE, true, "1970-01-02 00:00:00", 19, true, odd).odd);
	assert_string_equal(odd, "'1970-01-02 00:00:00'");
	assert_true(decode(COLUMN_PRICE, true, "\377", 1, true, odd).odd);
	assert_string_equal(odd, "'\\xff'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_what_no_amount_is),
		cmocka_unit_test(test_sizes_that_are_not_the_type_s),
		cmocka_unit_test(test_other_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
