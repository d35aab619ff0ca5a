/*
 * value.h: one value out of its text.
 *
 * Written by hand and without the process's locale, because strtol and strtod accept too much
 * (spaces, hex, "nan", a decimal comma in some locales) and are slow. A number is an optional sign,
 * digits, and perhaps a point with more digits; at least one digit in all. Everything else is a
 * fault, never a guess.
 *
 * Threads: any, no state is kept.  Memory: none is allocated.
 */
#ifndef STAGES_VALUE_H
#define STAGES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEGREE_TEXT_MAX                                                                            \
	64 /* bytes; the longest exact decimal of a double below 180 has under 60                  \
	    */

enum value_fault {
	VALUE_FINE,
	VALUE_NOT_INTEGER,
	VALUE_NOT_DECIMAL,
	VALUE_NOT_DEGREE,
	VALUE_OUT_OF_RANGE,
	VALUE_TOO_FINE, /* more decimals than can be kept */
	VALUE_TOO_LONG,
	VALUE_NOT_DATE,
	VALUE_NO_SUCH_DAY,
	VALUE_OTHER_YEAR,
};

/* Decimals are allowed where all are zero. The result lies in [least, most]. */
enum value_fault value_integer(
	const char *text, uint32_t size, int64_t least, int64_t most, int64_t *number);

/* Exact, in hundredths; zeros past the second decimal are dropped. |*hundredths| <= most, which is
 * below 10^17. */
enum value_fault value_decimal(const char *text, uint32_t size, int64_t most, int64_t *hundredths);

/* The nearest double, in [-furthest, furthest]; an exponent is allowed. Minus zero comes out as
 * zero, which is what every destination keeps. */
enum value_fault value_degree(const char *text, uint32_t size, double furthest, double *degree);

/* YYYY-MM-DD in `year`, as days since 1970-01-01. */
enum value_fault value_date(const char *text, uint32_t size, int year, int64_t *days);

/* The same in whatever year it is. */
enum value_fault value_day(const char *text, uint32_t size, int64_t *days);

/* Days since 1970-01-01 as YYYY-MM-DD, from year 0 to 9999; NUL-terminated. */
#define DAY_TEXT 11
void value_day_put(char text[static DAY_TEXT], int64_t days);

/* True: strictly valid UTF-8 without NUL. False: *bad is the offset of the first sequence that is
 * not. */
bool value_text_fine(const char *text, size_t size, size_t *bad);

/* Puts at most 24 bytes of a text into shown as ASCII, other bytes and the backslash as \xNN, and
 * "..." where it was cut. NUL-terminated. */
#define VALUE_SHOWN 52
void value_show(char shown[static VALUE_SHOWN], const char *text, size_t size);

#endif
