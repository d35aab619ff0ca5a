#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/value.h"

/* A copy of exactly its size, so that reading past it shows. */
static char *exactly(const char *text, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	assert_non_null(copy);
	memcpy(copy, text, size);
	return copy;
}

static void assert_integer(const char *text, enum value_fault want_fault, int64_t want)
{
	char *copy = exactly(text, strlen(text));
	int64_t number = -77;
	enum value_fault fault =
		value_integer(copy, (uint32_t)strlen(text), INT16_MIN, INT32_MAX, &number);
	free(copy);
	if (fault != want_fault || (fault == VALUE_FINE && number != want))
		fail_msg("'%s': fault %d, number %lld", text, (int)fault, (long long)number);
}

static void test_integers(void **state)
{
	(void)state;
	assert_integer("0", VALUE_FINE, 0);
	assert_integer("7", VALUE_FINE, 7);
	assert_integer("+5", VALUE_FINE, 5);
	assert_integer("-5", VALUE_FINE, -5);
	assert_integer("-0", VALUE_FINE, 0);
	assert_integer("0064", VALUE_FINE, 64);
	assert_integer("18000.0", VALUE_FINE, 18000);
	assert_integer("18000.", VALUE_FINE, 18000);
	assert_integer("18000.000000000000000000000000", VALUE_FINE, 18000);
	assert_integer("0000000000000000000000000000000000000012", VALUE_FINE, 12);
	assert_integer("2147483647", VALUE_FINE, INT32_MAX);
	assert_integer("2147483648", VALUE_OUT_OF_RANGE, 0);
	assert_integer("-32768", VALUE_FINE, INT16_MIN);
	assert_integer("-32769", VALUE_OUT_OF_RANGE, 0);
	assert_integer("18446744073709551617", VALUE_OUT_OF_RANGE, 0);
	assert_integer("-99999999999999999999999999999999", VALUE_OUT_OF_RANGE, 0);
}

static void test_what_is_no_integer(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", " ", "+", "-", ".", "-.", " 5", "5 ", "5\r", "--5",
		"+-5", "5-", "1e3", "1E3", "5.5", "5.0.", "5.01", "5.0000000000000000001", "5,0",
		"0x10", "NaN", "nan", "None", "inf", "-inf", "Infinity", "NULL", "1 000",
		"\xc2\xa0 5", "5'", "\"5\"", "/", ":", "99999999999999999999x" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_integer(wrong[i], VALUE_NOT_INTEGER, 0);
}

#define PRICE_MOST INT64_C(9999999999999999)

static void assert_decimal(const char *text, enum value_fault want_fault, int64_t want)
{
	char *copy = exactly(text, strlen(text));
	int64_t number = -77;
	enum value_fault fault = value_decimal(copy, (uint32_t)strlen(text), PRICE_MOST, &number);
	free(copy);
	if (fault != want_fault || (fault == VALUE_FINE && number != want))
		fail_msg("'%s': fault %d, number %lld", text, (int)fault, (long long)number);
}

static void test_decimals(void **state)
{
	(void)state;
	assert_decimal("0", VALUE_FINE, 0);
	assert_decimal("0.15", VALUE_FINE, 15);
	assert_decimal("0.1", VALUE_FINE, 10);
	assert_decimal("0.01", VALUE_FINE, 1);
	assert_decimal(".5", VALUE_FINE, 50);
	assert_decimal("5.", VALUE_FINE, 500);
	assert_decimal("50399360", VALUE_FINE, INT64_C(5039936000));
	assert_decimal("255000.00", VALUE_FINE, 25500000);
	assert_decimal("255000.120000000000000000000000000", VALUE_FINE, 25500012);
	assert_decimal("-12.34", VALUE_FINE, -1234);
	assert_decimal("+12.34", VALUE_FINE, 1234);
	assert_decimal("-0.00", VALUE_FINE, 0);
	assert_decimal("00000000000000000000001.5", VALUE_FINE, 150);
	assert_decimal("99999999999999.99", VALUE_FINE, PRICE_MOST);
	assert_decimal("-99999999999999.99", VALUE_FINE, -PRICE_MOST);
	assert_decimal("100000000000000", VALUE_OUT_OF_RANGE, 0);
	assert_decimal("100000000000000.00", VALUE_OUT_OF_RANGE, 0);
	assert_decimal("184467440737095516.17", VALUE_OUT_OF_RANGE, 0);
	assert_decimal("99999999999999999999999999", VALUE_OUT_OF_RANGE, 0);
	assert_decimal("12.345", VALUE_TOO_FINE, 0);
	assert_decimal("12.001", VALUE_TOO_FINE, 0);
	assert_decimal("12.3400000000000000000000001", VALUE_TOO_FINE, 0);
}

static void test_decimal_bounds(void **state)
{
	(void)state;
	int64_t number = 0;
	assert_int_equal(value_decimal("1.50", 4, 150, &number), VALUE_FINE);
	assert_int_equal(value_decimal("1.51", 4, 150, &number), VALUE_OUT_OF_RANGE);
	assert_int_equal(value_decimal("-1.51", 5, 150, &number), VALUE_OUT_OF_RANGE);
	assert_int_equal(value_decimal("2", 1, 150, &number), VALUE_OUT_OF_RANGE);
}

static void test_what_is_no_decimal(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", ".", "+", "-.", " 1", "1 ", "1,5", "1.5.2", "1e2",
		"1.5e2", "NaN", "None", "inf", "1.-5", "1.2x", "1.23x", "1.234x", "1..2", "12\n",
		"$5", "5 000.00" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_decimal(wrong[i], VALUE_NOT_DECIMAL, 0);
}

static enum value_fault degree_of(const char *text, double furthest, double *degree)
{
	char *copy = exactly(text, strlen(text));
	enum value_fault fault = value_degree(copy, (uint32_t)strlen(text), furthest, degree);
	free(copy);
	return fault;
}

static void assert_degree(const char *text, double want)
{
	double degree = 7;
	enum value_fault fault = degree_of(text, 180, &degree);
	if (fault != VALUE_FINE || degree != want || signbit(degree) != signbit(want))
		fail_msg("'%s': fault %d, %.17g instead of %.17g", text, (int)fault, degree, want);
}

static void test_degrees(void **state)
{
	(void)state;
	assert_degree("0", 0.0);
	assert_degree("-0.0", 0.0);
	assert_degree("-0.000000000000000000000000000000", 0.0);
	assert_degree("5.916976", 5.916976);
	assert_degree("-0.077718", -0.077718);
	assert_degree("-0.6411050", -0.641105);
	assert_degree("+180", 180.0);
	assert_degree("-180.000000", -180.0);
	assert_degree(".5", 0.5);
	assert_degree("45.", 45.0);
	assert_degree("4.85e1", 48.5);
	assert_degree("485E-1", 48.5);
	assert_degree("0.485e+2", 48.5);
	assert_degree("1e-400", 0.0);
	assert_degree("-1e-400", 0.0);
	assert_degree("5e-324", 5e-324);
	assert_degree("0e99999999999999999999", 0.0);
	assert_degree("1e-99999999999999999999", 0.0);
	assert_degree("9007199254740993e-15", 9.007199254740993);
	assert_degree("9007199254740992e-15", 9.007199254740992);
	assert_degree("48.85661400000000000000000000001", 48.856614);
	assert_degree("0.1000000000000000055511151231257827021181583404541015625", 0.1);
}

static void test_degrees_out_of_range(void **state)
{
	(void)state;
	double degree = 7;
	assert_int_equal(degree_of("90", 90, &degree), VALUE_FINE);
	assert_int_equal(degree_of("90.000001", 90, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("-90.000001", 90, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("180.0000000000001", 180, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("1e4294967297", 180, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("1e400", 180, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("-1e99999999999999999999", 180, &degree), VALUE_OUT_OF_RANGE);
	assert_int_equal(degree_of("99999999999999999999999", 180, &degree), VALUE_OUT_OF_RANGE);
}

static void test_what_is_no_degree(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", ".", "-", "-.", "e5", ".e5", "5e", "5e+", "5e1.0",
		" 5", "5 ", "5,9", "1.2.3", "nan", "NaN", "inf", "-Infinity", "0x1p3", "1p3", "5f",
		"None" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		double degree = 7;
		if (degree_of(wrong[i], 180, &degree) != VALUE_NOT_DEGREE)
			fail_msg("'%s' was taken for a degree", wrong[i]);
	}
}

static void test_long_degrees(void **state)
{
	(void)state;
	char text[DEGREE_TEXT_MAX + 2];
	double degree = 7;
	memset(text, '0', sizeof(text));
	memcpy(text, "1.", 2);
	assert_int_equal(value_degree(text, DEGREE_TEXT_MAX, 180, &degree), VALUE_FINE);
	assert_true(degree == 1);
	assert_int_equal(value_degree(text, DEGREE_TEXT_MAX + 1, 180, &degree), VALUE_TOO_LONG);
}

/* Many texts against strtod, which is right in the C locale; 17 digits cross from the fast way to
 * the slow one. */
static void test_degrees_are_nearest(void **state)
{
	(void)state;
	uint64_t seed = 42;
	for (int i = 0; i < 20000; i++) {
		char text[40];
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		int decimals = (int)(seed >> 60) + 2;
		snprintf(text, sizeof(text), "%s%u.%0*llu", i % 2 == 0 ? "-" : "",
			(unsigned)(seed >> 40) % 180, decimals,
			(unsigned long long)((seed >> 8) % 100000000000000000));
		text[4 + decimals] = '\0';
		assert_degree(text, strtod(text, NULL));
	}
}

static void test_degrees_in_any_locale(void **state)
{
	(void)state;
	const char *before = setlocale(LC_NUMERIC, NULL);
	char *saved = strdup(before);
	if (setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL &&
		setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL) {
		free(saved);
		skip(); /* this machine has no locale with a decimal comma */
		return;
	}
	double degree = 7;
	assert_int_equal(degree_of("48.856614000000000000001", 180, &degree), VALUE_FINE);
	setlocale(LC_NUMERIC, saved);
	free(saved);
	assert_true(degree == 48.856614);
}

static void assert_date(const char *text, int year, enum value_fault want_fault, int64_t want)
{
	char *copy = exactly(text, strlen(text));
	int64_t days = -77;
	enum value_fault fault = value_date(copy, (uint32_t)strlen(text), year, &days);
	free(copy);
	if (fault != want_fault || (fault == VALUE_FINE && days != want))
		fail_msg("'%s': fault %d, day %lld", text, (int)fault, (long long)days);
}

static void test_dates(void **state)
{
	(void)state;
	assert_date("1970-01-01", 1970, VALUE_FINE, 0);
	assert_date("2000-02-29", 2000, VALUE_FINE, 11016);
	assert_date("2000-03-01", 2000, VALUE_FINE, 11017);
	assert_date("2023-12-31", 2023, VALUE_FINE, 19722);
	assert_date("2024-01-01", 2024, VALUE_FINE, 19723);
	assert_date("2024-02-29", 2024, VALUE_FINE, 19782);
	assert_date("2024-12-31", 2024, VALUE_FINE, 20088);
	assert_date("2100-03-01", 2100, VALUE_FINE, 47541);
	assert_date("2400-02-29", 2400, VALUE_FINE, 157113);
	assert_date("2401-01-01", 2401, VALUE_FINE, 157420);
	assert_date("2023-02-29", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2100-02-29", 2100, VALUE_NO_SUCH_DAY, 0);
	assert_date("2023-04-31", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2023-01-32", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2023-01-00", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2023-00-01", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2023-13-01", 2023, VALUE_NO_SUCH_DAY, 0);
	assert_date("2022-12-31", 2023, VALUE_OTHER_YEAR, 0);
	assert_date("2024-01-01", 2023, VALUE_OTHER_YEAR, 0);
	assert_date("0000-01-01", 2023, VALUE_OTHER_YEAR, 0);
}

static void test_what_is_no_date(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "2023", "2023-1-1", "20230101", "31/01/2023",
		"2023/01/31", "2023-01-3", "2023-01-311", "2023-01-31 ", " 2023-01-3",
		"2023-01-31T00:00:00", "-023-01-31", "2023-0x-31", "2023-01-a1", "202x-01-31" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_date(wrong[i], 2023, VALUE_NOT_DATE, 0);
}

/* The days of some years, one after the other; gives the day after the last. */
static int64_t days_of(int first, int end, int64_t want)
{
	for (int year = first; year < end; year++) {
		for (int number = 101; number <= 1231; number++) {
			char text[40];
			int64_t days = 0;
			snprintf(text, sizeof(text), "%04d-%02d-%02d", year, number / 100,
				number % 100);
			if (value_date(text, 10, year, &days) == VALUE_FINE)
				assert_int_equal(days, want++);
		}
	}
	return want;
}

static void test_days_follow_each_other(void **state)
{
	(void)state;
	assert_int_equal(days_of(2014, 2030, 16071), 21915);
	/* value_day has any year: the first is a leap year, and so is every fourth of these. */
	assert_int_equal(days_of(0, 9, -719528), -719528 + 9 * 365 + 3);
}

static const struct {
	const char *text;
	size_t size;
	bool fine;
} sequences[] = {
	{ "\x00", 1, false },
	{ "\x01", 1, true },
	{ "\x7f", 1, true },
	{ "\x80", 1, false },
	{ "\xbf", 1, false },
	{ "\xc0\x80", 2, false },
	{ "\xc1\xbf", 2, false },
	{ "\xc2\x80", 2, true },
	{ "\xc3\xa9", 2, true },
	{ "\xdf\xbf", 2, true },
	{ "\xc3", 1, false },
	{ "\xc3,", 2, false },
	{ "\xc3\xc3", 2, false },
	{ "\xe0\x9f\xbf", 3, false },
	{ "\xe0\xa0\x80", 3, true },
	{ "\xe2\x82\xac", 3, true },
	{ "\xe2\x82", 2, false },
	{ "\xe2\x82\x41", 3, false },
	{ "\xed\x9f\xbf", 3, true },
	{ "\xed\xa0\x80", 3, false },
	{ "\xed\xbf\xbf", 3, false },
	{ "\xee\x80\x80", 3, true },
	{ "\xef\xbf\xbf", 3, true },
	{ "\xf0\x8f\xbf\xbf", 4, false },
	{ "\xf0\x90\x80\x80", 4, true },
	{ "\xf0\x9f\x8f\xa0", 4, true },
	{ "\xf0\x9f\x8f", 3, false },
	{ "\xf0\x9f\x8f\xc0", 4, false },
	{ "\xf4\x8f\xbf\xbf", 4, true },
	{ "\xf4\x90\x80\x80", 4, false },
	{ "\xf5\x80\x80\x80", 4, false },
	{ "\xfe", 1, false },
	{ "\xff", 1, false },
};

/* Each sequence at every place in ASCII of every length: it must be seen wherever the words of
 * eight bytes cut. */
static void test_text_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		size_t length = sequences[i].size;
		for (size_t before = 0; before <= 17; before++) {
			for (size_t behind = 0; behind <= 17; behind++) {
				char text[64];
				size_t size = before + length + behind;
				size_t bad = 99;
				memset(text, 'a', sizeof(text));
				memcpy(text + before, sequences[i].text, length);
				char *copy = exactly(text, size);
				assert_int_equal(
					value_text_fine(copy, size, &bad), sequences[i].fine);
				assert_int_equal(bad, sequences[i].fine ? 99 : before);
				free(copy);
			}
		}
	}
}

static void assert_shown(const char *text, size_t size, const char *want)
{
	char shown[VALUE_SHOWN];
	memset(shown, 'x', sizeof(shown));
	value_show(shown, text, size);
	assert_string_equal(shown, want);
}

static void test_show(void **state)
{
	(void)state;
	assert_shown("", 0, "");
	assert_shown("abc", 3, "abc");
	assert_shown("a\0b", 3, "a\\x00b");
	assert_shown("\xc3\xa9\n\\\x7f", 5, "\\xc3\\xa9\\x0a\\x5c\\x7f");
	assert_shown("123456789012345678901234", 24, "123456789012345678901234");
	assert_shown("1234567890123456789012345", 25, "123456789012345678901234...");
	assert_shown("\n\n\n\n\n\n\n\n\n\n\n\n", 12,
		"\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a");
	assert_shown("\n\n\n\n\n\n\n\n\n\n\n\nx", 13,
		"\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_what_is_no_integer),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_decimal_bounds),
		cmocka_unit_test(test_what_is_no_decimal),
		cmocka_unit_test(test_degrees),
		cmocka_unit_test(test_degrees_out_of_range),
		cmocka_unit_test(test_what_is_no_degree),
		cmocka_unit_test(test_long_degrees),
		cmocka_unit_test(test_degrees_are_nearest),
		cmocka_unit_test(test_degrees_in_any_locale),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_what_is_no_date),
		cmocka_unit_test(test_days_follow_each_other),
		cmocka_unit_test(test_text_everywhere),
		cmocka_unit_test(test_show),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
