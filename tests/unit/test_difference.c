#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stages/difference.h"
#include "stages/value.h"

static struct value text(const char *bytes)
{
	return (struct value){ .text = bytes, .size = (uint32_t)strlen(bytes) };
}

static int column_of(enum column_type type)
{
	int i = 0;
	while (columns[i].type != type)
		i++;
	return i;
}

/* What is said of two values of a column of this type. */
static const char *said(enum column_type type, struct value expected, struct value found)
{
	static struct differences all;
	all = (struct differences){ 0 };
	difference_add_values(&all, 7, column_of(type), "the file", &expected, &found);
	assert_int_equal(all.count, 1);
	assert_int_equal(all.named[0].record, 7);
	const char *shown = strstr(all.named[0].text, ": ");
	assert_non_null(shown);
	return shown + 2;
}

static void test_equal(void **state)
{
	(void)state;
	const struct value null = { .null = true }, one = { .number = 1, .degree = 1 },
			   two = { .number = 2, .degree = 2 }, odd = { .odd = true, .number = 1 },
			   nan_value = { .degree = (double)NAN };
	const struct value a = text("a"), ab = text("ab"), empty = text("");
	assert_true(value_equal(COLUMN_INTEGER, &null, &null));
	assert_false(value_equal(COLUMN_INTEGER, &null, &one));
	assert_false(value_equal(COLUMN_INTEGER, &one, &null));
	assert_false(value_equal(COLUMN_INTEGER, &one, &odd));
	for (int type = COLUMN_DATE; type <= COLUMN_DEGREE; type++) {
		assert_true(value_equal((enum column_type)type, &one, &one));
		assert_false(value_equal((enum column_type)type, &one, &two));
	}
	assert_false(value_equal(COLUMN_DEGREE, &nan_value, &nan_value));
	assert_true(value_equal(COLUMN_TEXT, &a, &a));
	assert_false(value_equal(COLUMN_TEXT, &a, &ab));
	assert_false(value_equal(COLUMN_CODE, &empty, &null));
}

/* Every amount that is put as a double is equal to it, and to no other near it. */
static void test_rounded_amounts(void **state)
{
	(void)state;
	const int64_t some[] = { 1, 99, 101, 123456789, INT64_C(299999999999999),
		-INT64_C(299999999999999), INT64_C(399999999999999) };
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct value found = { .rounded = true, .degree = (double)some[i] / 100.0 };
		for (int64_t near = -2; near <= 2; near++) {
			const struct value parsed = { .number = some[i] + near };
			assert_int_equal(value_equal(COLUMN_PRICE, &parsed, &found), near == 0);
		}
		found.degree = nextafter(found.degree, DBL_MAX);
		const struct value parsed = { .number = some[i] };
		assert_false(value_equal(COLUMN_PRICE, &parsed, &found));
	}
}

static void test_words(void **state)
{
	(void)state;
	const struct value null = { .null = true };
	assert_string_equal(said(COLUMN_PRICE, (struct value){ .number = -5 }, null),
		"the file has -0.05, dvf has NULL");
	assert_string_equal(said(COLUMN_PRICE, (struct value){ .number = INT64_MIN },
				    (struct value){ .rounded = true, .degree = 0.005 }),
		"the file has -92233720368547758.08, dvf has 0.005");
	assert_string_equal(said(COLUMN_DATE, (struct value){ .number = 0 },
				    (struct value){ .number = INT32_MIN }),
		"the file has 1970-01-01, dvf has day -2147483648 of 1970");
	assert_string_equal(said(COLUMN_DEGREE, (struct value){ .degree = 0.1 },
				    (struct value){ .degree = 0.1 + DBL_EPSILON }),
		"the file has 0.1, dvf has 0.10000000000000023");
	assert_string_equal(said(COLUMN_SMALLINT, (struct value){ .number = 3 },
				    (struct value){ .odd = true, .text = "text 'x'", .size = 8 }),
		"the file has 3, dvf has text 'x'");
	assert_string_equal(said(COLUMN_TEXT, text("a\"b\n\303\251"), text("")),
		"the file has 'a\"b\\x0a\\xc3\\xa9', dvf has ''");
	assert_string_equal(said(COLUMN_TEXT, text("the same for very long, one"),
				    text("the same for very long, two and more of it, a lot")),
		"the file has ...'long, one', dvf has ...'long, two and more of it...'");
}

static void test_first_ones_are_named(void **state)
{
	(void)state;
	struct differences all = { 0 };
	char longer[2 * DIFFERENCE_TEXT];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	difference_count(&all);
	for (int i = 1; i <= 25; i++)
		difference_add(&all, (uint64_t)i, -1, "%s", longer);
	assert_int_equal(all.count, 26);
	assert_int_equal(all.named_count, DIFFERENCES_NAMED);
	assert_int_equal(all.named[9].record, 10);
	assert_int_equal(strlen(all.named[9].text), DIFFERENCE_TEXT - 1);
}

static void test_days(void **state)
{
	(void)state;
	char day_text[DAY_TEXT];
	int64_t back = 0;
	for (int64_t day = -719162; day < 2932897; day += 97) {
		value_day_put(day_text, day);
		assert_int_equal(value_day(day_text, 10, &back), VALUE_FINE);
		assert_int_equal(back, day);
	}
	value_day_put(day_text, 2932896);
	assert_string_equal(day_text, "9999-12-31");
	assert_int_equal(value_day("2023-02-29", 10, &back), VALUE_NO_SUCH_DAY);
	assert_int_equal(value_day("2023-02-2", 9, &back), VALUE_NOT_DATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_rounded_amounts),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_first_ones_are_named),
		cmocka_unit_test(test_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
