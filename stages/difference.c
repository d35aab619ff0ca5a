#include "stages/difference.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/value.h"

#define SHOWN        100
#define BEFORE_IT    6 /* bytes shown before the first that differs */
#define DAY_YEAR_0   (-719528)
#define DAY_YEAR_END 2932897 /* 10000-01-01 */

static int put_place(struct difference *one)
{
	if (one->record == 0)
		return 0;
	return snprintf(one->text, sizeof(one->text),
		"record %llu%s%s: ", (unsigned long long)one->record, one->column >= 0 ? ", " : "",
		one->column >= 0 ? columns[one->column].name : "");
}

void difference_add(struct differences *all, uint64_t record, int column, const char *format, ...)
{
	va_list arguments;
	all->count++;
	if (all->named_count >= DIFFERENCES_NAMED)
		return;
	struct difference *one = &all->named[all->named_count++];
	*one = (struct difference){ .record = record, .column = column };
	int used = put_place(one);
	va_start(arguments, format);
	vsnprintf(one->text + used, sizeof(one->text) - (size_t)used, format, arguments);
	va_end(arguments);
}

void difference_count(struct differences *all)
{
	all->count++;
}

static bool is_text(enum column_type type)
{
	return type == COLUMN_CODE || type == COLUMN_TEXT;
}

/* Where two texts begin to differ, a little before it; 0 for a difference that shows anyway. */
static size_t shown_from(const struct value *one, const struct value *other)
{
	size_t at = 0;
	while (at < one->size && at < other->size && one->text[at] == other->text[at])
		at++;
	return at <= 2 * BEFORE_IT ? 0 : at - BEFORE_IT;
}

static void show_amount(char shown[static SHOWN], const struct value *value)
{
	if (value->rounded) {
		snprintf(shown, SHOWN, "%.15g", value->degree);
		return;
	}
	uint64_t size =
		value->number < 0 ? (uint64_t)0 - (uint64_t)value->number : (uint64_t)value->number;
	snprintf(shown, SHOWN, "%s%llu.%02llu", value->number < 0 ? "-" : "",
		(unsigned long long)(size / 100), (unsigned long long)(size % 100));
}

static void show_day(char shown[static SHOWN], int64_t day)
{
	char text[DAY_TEXT];
	if (day < DAY_YEAR_0 || day >= DAY_YEAR_END) {
		snprintf(shown, SHOWN, "day %lld of 1970", (long long)day);
		return;
	}
	value_day_put(text, day);
	snprintf(shown, SHOWN, "%s", text);
}

/* The shortest decimal that is this double and no other. */
static void show_degree(char shown[static SHOWN], double degree)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(shown, SHOWN, "%.*g", digits, degree);
		if (strtod(shown, NULL) == degree)
			return;
	}
}

static void show(
	char shown[static SHOWN], enum column_type type, const struct value *value, size_t from)
{
	char piece[VALUE_SHOWN];
	if (value->null) {
		snprintf(shown, SHOWN, "NULL");
	} else if (value->odd) {
		snprintf(shown, SHOWN, "%.*s", (int)value->size, value->text);
	} else if (is_text(type)) {
		value_show(piece, value->text + from, value->size - from);
		snprintf(shown, SHOWN, "%s'%s'", from > 0 ? "..." : "", piece);
	} else if (type == COLUMN_DATE) {
		show_day(shown, value->number);
	} else if (type == COLUMN_DEGREE) {
		show_degree(shown, value->degree);
	} else if (type == COLUMN_PRICE || type == COLUMN_AREA) {
		show_amount(shown, value);
	} else {
		snprintf(shown, SHOWN, "%lld", (long long)value->number);
	}
}

void difference_add_values(struct differences *all, uint64_t record, int column, const char *what,
	const struct value *expected, const struct value *found)
{
	enum column_type type = columns[column].type;
	char left[SHOWN];
	char right[SHOWN];
	if (all->named_count >= DIFFERENCES_NAMED) {
		difference_count(all);
		return;
	}
	bool texts = is_text(type) && !expected->null && !found->null && !found->odd;
	size_t from = texts ? shown_from(expected, found) : 0;
	show(left, type, expected, from);
	show(right, type, found, from);
	difference_add(all, record, column, "%s has %s, dvf has %s", what, left, right);
}

/* NaN is equal to nothing. */
bool value_equal(enum column_type type, const struct value *parsed, const struct value *found)
{
	if (parsed->null || found->null)
		return parsed->null == found->null;
	if (found->odd)
		return false;
	switch (type) {
	case COLUMN_CODE:
	case COLUMN_TEXT:
		return parsed->size == found->size &&
		       memcmp(parsed->text, found->text, parsed->size) == 0;
	case COLUMN_PRICE:
	case COLUMN_AREA:
		if (found->rounded)
			return (double)parsed->number / 100.0 == found->degree;
		break;
	case COLUMN_DEGREE:
		return parsed->degree == found->degree;
	case COLUMN_DATE:
	case COLUMN_SMALLINT:
	case COLUMN_INTEGER:
		break;
	}
	return parsed->number == found->number;
}
