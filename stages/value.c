#include "stages/value.h"

#include <endian.h>
#include <float.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Past any range we allow: larger numbers stop here instead of wrapping. */
#define DIGITS_END UINT64_C(1000000000000000000)

static inline bool take_sign(const char **at, const char *end)
{
	if (*at == end || (**at != '-' && **at != '+'))
		return false;
	return *(*at)++ == '-';
}

/* 0 to 9, or more where it is no digit. */
static inline unsigned digit_of(char byte)
{
	return (unsigned)(unsigned char)byte - '0';
}

/* Goes on from `number` and stops at DIGITS_END. */
static const char *take_many_digits(const char *at, const char *end, uint64_t *number)
{
	unsigned digit = 0;
	for (; at < end && (digit = digit_of(*at)) < 10; at++)
		*number = *number < DIGITS_END / 10 ? *number * 10 + digit : DIGITS_END;
	return at;
}

/* Gives where the digits end; appends them to *number, which becomes DIGITS_END where it would pass
 * it. Nine digits behind nine others cannot. */
static inline const char *take_digits(const char *at, const char *end, uint64_t *number)
{
	if (end - at > 9 || *number > 999999999)
		return take_many_digits(at, end, number);
	uint64_t now = *number;
	unsigned digit = 0;
	for (; at < end && (digit = digit_of(*at)) < 10; at++)
		now = now * 10 + digit;
	*number = now;
	return at;
}

enum value_fault value_integer(
	const char *text, uint32_t size, int64_t least, int64_t most, int64_t *number)
{
	const char *at = text;
	const char *end = text + size;
	bool negative = take_sign(&at, end);
	uint64_t whole = 0;
	uint64_t decimals = 0;
	const char *first = at;
	at = take_digits(at, end, &whole);
	bool any = at > first;
	if (at < end && *at == '.') {
		first = at + 1;
		at = take_digits(first, end, &decimals);
		any = any || at > first;
	}
	if (at != end || !any || decimals != 0)
		return VALUE_NOT_INTEGER;
	*number = negative ? -(int64_t)whole : (int64_t)whole;
	return *number < least || *number > most ? VALUE_OUT_OF_RANGE : VALUE_FINE;
}

enum value_fault value_decimal(const char *text, uint32_t size, int64_t most, int64_t *hundredths)
{
	const char *at = text;
	const char *end = text + size;
	bool negative = take_sign(&at, end);
	uint64_t whole = 0;
	uint64_t cents = 0;
	uint64_t finer = 0;
	const char *first = at;
	at = take_digits(at, end, &whole);
	bool any = at > first;
	if (at < end && *at == '.') {
		first = ++at;
		for (unsigned weight = 10; weight > 0; weight /= 10) {
			if (at == end || digit_of(*at) > 9)
				break;
			cents += (uint64_t)weight * digit_of(*at++);
		}
		at = take_digits(at, end, &finer);
		any = any || at > first;
	}
	if (at != end || !any)
		return VALUE_NOT_DECIMAL;
	if (finer != 0)
		return VALUE_TOO_FINE;
	if (whole > (uint64_t)most / 100 || whole * 100 + cents > (uint64_t)most)
		return VALUE_OUT_OF_RANGE;
	*hundredths = (int64_t)(whole * 100 + cents);
	if (negative)
		*hundredths = -*hundredths;
	return VALUE_FINE;
}

/* The exponent's size stops where every double has long become 0 or infinite. */
static bool take_exponent(const char **at, const char *end, int *power)
{
	*power = 0;
	if (*at == end || (**at != 'e' && **at != 'E'))
		return true;
	(*at)++;
	bool negative = take_sign(at, end);
	const char *first = *at;
	uint64_t digits = 0;
	*at = take_digits(first, end, &digits);
	*power = digits < 9999 ? (int)digits : 9999;
	if (negative)
		*power = -*power;
	return *at != first;
}

/* `text` has the shape of a number already. In glibc and musl the "C" locale is a constant, so that
 * newlocale allocates nothing. */
static bool slow_degree(const char *text, uint32_t size, double *degree)
{
	char copy[DEGREE_TEXT_MAX + 1];
	memcpy(copy, text, size);
	copy[size] = '\0';
	locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (locale == (locale_t)0)
		return false;
	*degree = strtod_l(copy, NULL, locale);
	freelocale(locale);
	return true;
}

/* Two exact doubles and one operation round once, so the result is the nearest one. */
static bool fast_degree(uint64_t digits, int power, double *degree)
{
	static const double ten_to[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	if (FLT_EVAL_METHOD != 0 || digits > UINT64_C(1) << DBL_MANT_DIG || power < -22 ||
		power > 22)
		return false;
	*degree = power < 0 ? (double)digits / ten_to[-power] : (double)digits * ten_to[power];
	return true;
}

/* The digits as one number and how many of them are decimals. False: there is no digit. */
static inline bool take_mantissa(const char **at, const char *end, uint64_t *digits, int *decimals)
{
	const char *first = *at;
	*digits = 0;
	*decimals = 0;
	*at = take_digits(first, end, digits);
	bool any = *at > first;
	if (*at < end && **at == '.') {
		first = *at + 1;
		*at = take_digits(first, end, digits);
		*decimals = (int)(*at - first);
	}
	return any || *decimals > 0;
}

enum value_fault value_degree(const char *text, uint32_t size, double furthest, double *degree)
{
	if (size > DEGREE_TEXT_MAX)
		return VALUE_TOO_LONG;
	const char *at = text;
	const char *end = text + size;
	uint64_t digits = 0;
	int decimals = 0;
	int power = 0;
	double found = 0;
	bool negative = take_sign(&at, end);
	if (!take_mantissa(&at, end, &digits, &decimals) || !take_exponent(&at, end, &power) ||
		at != end)
		return VALUE_NOT_DEGREE;
	if (fast_degree(digits, power - decimals, &found))
		found = negative ? -found : found;
	else if (!slow_degree(text, size, &found))
		return VALUE_NOT_DEGREE;
	if (!(found >= -furthest && found <= furthest))
		return VALUE_OUT_OF_RANGE;
	*degree = found == 0 ? 0 : found;
	return VALUE_FINE;
}

static bool take_fixed(const char *text, int count, int *number)
{
	*number = 0;
	for (int i = 0; i < count; i++) {
		if (digit_of(text[i]) > 9)
			return false;
		*number = *number * 10 + (int)digit_of(text[i]);
	}
	return true;
}

static void put_fixed(char *to, int64_t number, int count)
{
	for (int i = count - 1; i >= 0; i--, number /= 10)
		to[i] = (char)('0' + number % 10);
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* More by a constant: 400 years later, so that no division rounds up in the year 0. */
static int leaps_before(int year)
{
	int before = year + 399;
	return before / 4 - before / 100 + before / 400;
}

enum value_fault value_date(const char *text, uint32_t size, int year, int64_t *days)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int y = 0;
	int month = 0;
	int day = 0;
	if (size != 10 || !take_fixed(text, 4, &y) || text[4] != '-' ||
		!take_fixed(text + 5, 2, &month) || text[7] != '-' ||
		!take_fixed(text + 8, 2, &day))
		return VALUE_NOT_DATE;
	if (month < 1 || month > 12 || day < 1)
		return VALUE_NO_SUCH_DAY;
	bool leap = is_leap(y);
	if (day > before[month] - before[month - 1] + (leap && month == 2))
		return VALUE_NO_SUCH_DAY;
	if (y != year)
		return VALUE_OTHER_YEAR;
	*days = (y - 1970) * 365 + leaps_before(y) - leaps_before(1970);
	*days += before[month - 1] + (leap && month > 2) + day - 1;
	return VALUE_FINE;
}

enum value_fault value_day(const char *text, uint32_t size, int64_t *days)
{
	int year = 0;
	if (size != 10 || !take_fixed(text, 4, &year))
		return VALUE_NOT_DATE;
	return value_date(text, size, year, days);
}

/* Eras of 400 years that begin in March, so that the leap day comes last. */
void value_day_put(char text[static DAY_TEXT], int64_t days)
{
	int64_t since = days + 719468;
	int64_t era = (since >= 0 ? since : since - 146096) / 146097;
	int64_t of_era = since - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
	year += era * 400 + (month >= 10);
	month += month < 10 ? 3 : -9;
	memcpy(text, "0000-00-00", DAY_TEXT);
	put_fixed(text, year, 4);
	put_fixed(text + 5, month, 2);
	put_fixed(text + 8, of_month, 2);
}

/* Bytes of the sequence that begins here; 0: it is none, or a NUL. Overlong forms, surrogates and
 * what lies past U+10FFFF differ from good ones in the second byte's range. */
static size_t sequence_size(const unsigned char *at, size_t left)
{
	unsigned char lead = at[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	if (lead < 0x80)
		return lead != 0;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (left < size || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

/* A high bit in the first byte of eight that is NUL or no ASCII; what is above that bit means
 * nothing, because a zero byte borrows from those behind it. */
static inline uint64_t not_plain(const char *eight)
{
	uint64_t word;
	memcpy(&word, eight, sizeof(word));
	word = le64toh(word);
	return ((word - UINT64_C(0x0101010101010101)) | word) & UINT64_C(0x8080808080808080);
}

bool value_text_fine(const char *text, size_t size, size_t *bad)
{
	size_t at = 0;
	while (at < size) {
		uint64_t marks = 0;
		while (size - at >= 8 && (marks = not_plain(text + at)) == 0)
			at += 8;
		if (marks != 0)
			at += (size_t)__builtin_ctzll(marks) / 8;
		else if (at == size)
			break;
		size_t step = sequence_size((const unsigned char *)text + at, size - at);
		if (step == 0) {
			*bad = at;
			return false;
		}
		at += step;
	}
	return true;
}

void value_show(char shown[static VALUE_SHOWN], const char *text, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const size_t most = VALUE_SHOWN - sizeof("...");
	size_t used = 0;
	size_t at = 0;
	for (; at < size && at < 24; at++) {
		unsigned char byte = (unsigned char)text[at];
		bool as_it_is = byte >= ' ' && byte < 0x7f && byte != '\\';
		if (used + (as_it_is ? 1 : 4) > most)
			break;
		if (as_it_is) {
			shown[used++] = (char)byte;
			continue;
		}
		shown[used++] = '\\';
		shown[used++] = 'x';
		shown[used++] = hex[byte >> 4];
		shown[used++] = hex[byte & 15];
	}
	memcpy(shown + used, at < size ? "..." : "", at < size ? sizeof("...") : 1);
}
