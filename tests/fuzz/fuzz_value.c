/*
 * fuzz_value.c: single values: taken and refused as the reference does, and the same values out.
 */
#include <math.h>

#include "stages/value.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference.h"

#define PRICE_MOST INT64_C(9999999999999999)

static void try_integer(const char *text, size_t size, int64_t least, int64_t most)
{
	int64_t found = 0;
	int64_t expected = 0;
	bool fine = value_integer(text, (uint32_t)size, least, most, &found) == VALUE_FINE;
	must(fine == reference_fixed(text, size, 0, least, most, &expected));
	must(!fine || found == expected);
}

static void try_decimal(const char *text, size_t size, int64_t most)
{
	int64_t found = 0;
	int64_t expected = 0;
	bool fine = value_decimal(text, (uint32_t)size, most, &found) == VALUE_FINE;
	must(fine == reference_fixed(text, size, 2, -most, most, &expected));
	must(!fine || found == expected);
}

static void try_degree(const char *text, size_t size, double furthest)
{
	double found = 0;
	double expected = 0;
	bool fine = value_degree(text, (uint32_t)size, furthest, &found) == VALUE_FINE;
	must(fine == reference_degree(text, size, DEGREE_TEXT_MAX, furthest, &expected));
	must(!fine || memcmp(&found, &expected, sizeof(found)) == 0);
}

static void try_day(const char *text, size_t size)
{
	int year = 0;
	int64_t found = 0;
	int64_t expected = 0;
	char again[DAY_TEXT];
	bool is_day = reference_day(text, size, &year, &expected);
	must((value_day(text, (uint32_t)size, &found) == VALUE_FINE) == is_day);
	must((value_date(text, (uint32_t)size, 2023, &found) == VALUE_FINE) ==
		(is_day && year == 2023));
	if (!is_day)
		return;
	must(value_day(text, (uint32_t)size, &found) == VALUE_FINE && found == expected);
	value_day_put(again, found);
	must(strlen(again) == size && memcmp(again, text, size) == 0);
}

static void try_text(const char *text, size_t size)
{
	size_t bad = size;
	char shown[VALUE_SHOWN];
	bool fine = value_text_fine(text, size, &bad);
	must(fine == (reference_utf8(text, size) == size));
	must(fine || bad == reference_utf8(text, size));
	value_show(shown, text, size);
	must(memchr(shown, '\0', sizeof(shown)) != NULL);
	for (const char *c = shown; *c != '\0'; c++)
		must(*c >= ' ' && *c < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	unsigned what = take_byte(&input) % 8;
	char *text = exact_copy(input.at, input.left);
	switch (what) {
	case 0:
		try_integer(text, input.left, INT16_MIN, INT16_MAX);
		break;
	case 1:
		try_integer(text, input.left, INT32_MIN, INT32_MAX);
		break;
	case 2:
		try_decimal(text, input.left, PRICE_MOST);
		break;
	case 3:
		try_decimal(text, input.left, INT64_C(99999999999999999));
		break;
	case 4:
		try_degree(text, input.left, 180);
		break;
	case 5:
		try_degree(text, input.left, HUGE_VAL);
		break;
	case 6:
		try_day(text, input.left);
		break;
	default:
		try_text(text, input.left);
		break;
	}
	free(text);
	return 0;
}
