/*
 * reference.h: records, fields and values once more, the slow and plain way, to compare with
 * stages/csv.c, value.c and row.c. Nothing of those is used here.
 */
#ifndef TESTS_FUZZ_REFERENCE_H
#define TESTS_FUZZ_REFERENCE_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where the record that begins at `at` ends: behind its line feed, or where the text does. */
static inline size_t reference_end(const char *text, size_t size, size_t at)
{
	bool quoted = false;
	bool start = true;
	for (; at < size; at++) {
		char c = text[at];
		if (quoted && c == '"' && at + 1 < size && text[at + 1] == '"')
			at++;
		else if (quoted)
			quoted = c != '"';
		else if (start && c == '"')
			quoted = true;
		else if (c == '\n')
			return at + 1;
		start = !quoted && c == ',';
	}
	return size;
}

static inline size_t reference_trim(const char *record, size_t size)
{
	if (size > 0 && record[size - 1] == '\n')
		size--;
	return size > 0 && record[size - 1] == '\r' ? size - 1 : size;
}

struct reference_field {
	char *text; /* quotes undone; in the memory of the record */
	size_t size;
};

/* Splits a trimmed record; `memory` has room for all its bytes. False: a quote is wrong. *count may
 * pass `most`; then only `most` fields are there. */
static inline bool reference_split(const char *record, size_t size, char *memory,
	struct reference_field *fields, unsigned most, unsigned *count)
{
	size_t at = 0;
	*count = 0;
	for (;;) {
		struct reference_field field = { memory, 0 };
		if (at < size && record[at] == '"') {
			for (at++;; at++) {
				if (at == size)
					return false;
				if (record[at] == '"' && (at + 1 == size || record[at + 1] != '"'))
					break;
				field.text[field.size++] = record[at];
				at += record[at] == '"';
			}
			if (++at < size && record[at] != ',')
				return false;
		} else {
			for (; at < size && record[at] != ','; at++)
				field.text[field.size++] = record[at];
		}
		memory += field.size;
		if (*count < most)
			fields[*count] = field;
		if (++*count > most || at == size)
			return true;
		at++;
	}
}

/* A number apart: digits before and behind the point, and what is behind those. */
struct reference_number {
	bool negative, point;
	const char *whole, *decimals, *rest;
	size_t wholes, decimal_count;
};

static inline void reference_number(
	struct reference_number *number, const char *text, const char *end)
{
	*number = (struct reference_number){ .negative = text < end && *text == '-' };
	text += text < end && (*text == '-' || *text == '+');
	number->whole = text;
	while (text < end && *text >= '0' && *text <= '9')
		text++;
	number->wholes = (size_t)(text - number->whole);
	number->point = text < end && *text == '.';
	text += number->point;
	number->decimals = text;
	while (number->point && text < end && *text >= '0' && *text <= '9')
		text++;
	number->decimal_count = (size_t)(text - number->decimals);
	number->rest = text;
}

/* In units of ten to the minus `places`; false: it is none, or not in [least, most]. */
static inline bool reference_fixed(
	const char *text, size_t size, unsigned places, int64_t least, int64_t most, int64_t *found)
{
	struct reference_number number;
	__int128 sum = 0;
	const __int128 large = (__int128)1 << 100;
	reference_number(&number, text, text + size);
	if (number.rest != text + size || number.wholes + number.decimal_count == 0)
		return false;
	for (size_t i = 0; i < number.wholes; i++)
		sum = sum < large ? sum * 10 + (number.whole[i] - '0') : large;
	for (size_t i = 0; i < places; i++)
		sum = sum * 10 + (i < number.decimal_count ? number.decimals[i] - '0' : 0);
	for (size_t i = places; i < number.decimal_count; i++)
		if (number.decimals[i] != '0')
			return false;
	sum = number.negative ? -sum : sum;
	if (sum < least || sum > most)
		return false;
	*found = (int64_t)sum;
	return true;
}

static inline bool reference_degree(
	const char *text, size_t size, size_t size_most, double furthest, double *found)
{
	static locale_t c_locale;
	struct reference_number number;
	reference_number(&number, text, text + size);
	const char *at = number.rest;
	const char *end = text + size;
	if (size > size_most || number.wholes + number.decimal_count == 0)
		return false;
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		at += at < end && (*at == '-' || *at == '+');
		if (at == end)
			return false;
		while (at < end && *at >= '0' && *at <= '9')
			at++;
	}
	if (at != end)
		return false;
	if (c_locale == (locale_t)0)
		c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	char *copy = strndup(text, size);
	*found = copy != NULL ? strtod_l(copy, NULL, c_locale) : 0;
	free(copy);
	*found += 0.0; /* minus zero is kept as zero */
	return *found >= -furthest && *found <= furthest;
}

/* A day is one that the C library does not have to put right. */
static inline bool reference_day(const char *text, size_t size, int *year, int64_t *days)
{
	struct tm tm = { 0 };
	struct tm again;
	if (size != 10 || text[4] != '-' || text[7] != '-')
		return false;
	for (size_t i = 0; i < size; i++)
		if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
			return false;
	*year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] -
		'0';
	tm.tm_year = *year - 1900;
	tm.tm_mon = (text[5] - '0') * 10 + text[6] - '0' - 1;
	tm.tm_mday = (text[8] - '0') * 10 + text[9] - '0';
	again = tm;
	*days = (int64_t)timegm(&again) / 86400;
	return again.tm_year == tm.tm_year && again.tm_mon == tm.tm_mon &&
	       again.tm_mday == tm.tm_mday;
}

/* The number of bytes from the start that are UTF-8 without NUL (RFC 3629): each sequence is
 * decoded, and has to be the shortest for a code point that is no surrogate. */
static inline size_t reference_utf8(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	static const uint32_t least[] = { 1, 0x80, 0x800, 0x10000 };
	size_t at = 0;
	while (at < size) {
		unsigned char lead = bytes[at];
		size_t more = lead < 0x80   ? 0
			      : lead < 0xc0 ? 9
			      : lead < 0xe0 ? 1
			      : lead < 0xf0 ? 2
					    : 3;
		uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
		if (more == 9 || lead >= 0xf8 || size - at <= more)
			return at;
		for (size_t i = 1; i <= more; i++) {
			if ((bytes[at + i] & 0xc0) != 0x80)
				return at;
			code = code << 6 | (bytes[at + i] & 0x3f);
		}
		if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return at;
		at += more + 1;
	}
	return at;
}

#endif
