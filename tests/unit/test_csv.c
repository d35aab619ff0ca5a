#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/csv.h"

#define ENDS_MAX 64

/* Texts and where their records end, written down by hand. */
static const struct {
	const char *text;
	size_t ends[8]; /* 0 ends the list */
} texts[] = {
	{ "", { 0 } },
	{ "\n", { 1 } },
	{ "\r\n", { 2 } },
	{ "a", { 0 } },
	{ "a\n", { 2 } },
	{ "a\nb\n", { 2, 4 } },
	{ "a,b\r\nc,d\r\n", { 5, 10 } },
	{ ",\n,,\n", { 2, 5 } },
	{ "\"\"\n", { 3 } },
	{ "\"\n\"\n", { 4 } },
	{ "\"a\nb\",c\nd\n", { 8, 10 } },
	{ "\"a\"\"\nb\"\nc\n", { 8, 10 } },
	{ "\"a\"\"\"\nb\n", { 6, 8 } },
	{ "\"\"\"\"\n\"\"\"\n\"\n", { 5, 11 } },
	{ "a\"b\nc\n", { 4, 6 } }, /* a quote inside an unquoted field is text */
	{ "a,b\"\",\"\n\"\nc\n", { 10, 12 } },
	{ "\"a\"b\nc\n", { 5, 7 } },   /* text after a closing quote ... */
	{ "\"a\"b\"\nc\n", { 6, 8 } }, /* ... is unquoted up to the comma */
	{ "\"a\"b\",\"\n\"\nc\n", { 10, 12 } },
	{ "\"a\"\r\nb\n", { 5, 7 } },
	{ "\"a\r\n\"\r\nb\n", { 7, 9 } },
	{ "\"never\nclosed\n", { 0 } },
	{ "x,\"never\n", { 0 } },
	{ "ab\n\n\ncd\n", { 3, 4, 5, 8 } },
	{ "\",\n\",\"\n,\"\n1\n", { 10, 12 } },
	{ "\xc3\xa9,\"\xc3\xa9\n\"\n\xff\n", { 9, 11 } },
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* Feeds one piece; notes the ends found in it, counted from the whole text's start. */
static void feed(struct csv_scan *scan, const char *text, size_t first, size_t end, size_t *ends,
	unsigned *count)
{
	while (first < end) {
		size_t used = 0;
		bool found = csv_scan(scan, text + first, end - first, &used);
		assert_in_range(used, 1, end - first);
		first += used;
		if (!found) {
			assert_int_equal(first, end);
			return;
		}
		assert_in_range(*count, 0, ENDS_MAX - 1);
		ends[(*count)++] = first;
		assert_int_equal(scan->state, 0);
	}
}

static void assert_ends(const char *text, const size_t *want, const size_t *ends, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (ends[i] != want[i])
			fail_msg("'%s': end %u is %zu, not %zu", text, i, ends[i], want[i]);
	if (want[count] != 0)
		fail_msg("'%s': the end at %zu was not found", text, want[count]);
}

static void test_scan_any_two_cuts(void **state)
{
	(void)state;
	for (size_t t = 0; t < TEXTS; t++) {
		const char *text = texts[t].text;
		size_t size = strlen(text);
		for (size_t one = 0; one <= size; one++) {
			for (size_t two = one; two <= size; two++) {
				struct csv_scan scan = { 0 };
				size_t ends[ENDS_MAX] = { 0 };
				unsigned count = 0;
				feed(&scan, text, 0, one, ends, &count);
				feed(&scan, text, one, two, ends, &count);
				feed(&scan, text, two, size, ends, &count);
				assert_ends(text, texts[t].ends, ends, count);
			}
		}
	}
}

static void test_scan_byte_by_byte(void **state)
{
	(void)state;
	for (size_t t = 0; t < TEXTS; t++) {
		struct csv_scan scan = { 0 };
		size_t ends[ENDS_MAX] = { 0 };
		unsigned count = 0;
		for (size_t at = 0; at < strlen(texts[t].text); at++)
			feed(&scan, texts[t].text, at, at + 1, ends, &count);
		assert_ends(texts[t].text, texts[t].ends, ends, count);
	}
}

/* All texts one after the other, as far as they are whole: what stands behind a record does not
 * matter. */
static void test_scan_texts_in_a_row(void **state)
{
	(void)state;
	char all[1024] = "";
	size_t want[ENDS_MAX] = { 0 };
	unsigned records = 0;
	for (size_t t = 0; t < TEXTS; t++) {
		size_t before = strlen(all);
		if (texts[t].ends[0] == 0)
			continue;
		strcat(all, texts[t].text);
		for (unsigned i = 0; texts[t].ends[i] != 0; i++)
			want[records++] = before + texts[t].ends[i];
		assert_int_equal(want[records - 1], strlen(all));
	}
	for (size_t piece = 1; piece <= strlen(all); piece++) {
		struct csv_scan scan = { 0 };
		size_t ends[ENDS_MAX] = { 0 };
		unsigned count = 0;
		for (size_t at = 0; at < strlen(all); at += piece) {
			size_t left = strlen(all) - at;
			feed(&scan, all, at, at + (left < piece ? left : piece), ends, &count);
		}
		assert_ends(all, want, ends, count);
	}
}

static void test_scan_nothing(void **state)
{
	(void)state;
	for (unsigned char i = 0; i < 4; i++) {
		struct csv_scan scan = { .state = i };
		size_t used = 7;
		assert_false(csv_scan(&scan, "x", 0, &used));
		assert_int_equal(used, 0);
		assert_int_equal(scan.state, i);
	}
}

static void test_scan_nul_is_a_byte_like_others(void **state)
{
	(void)state;
	struct csv_scan scan = { 0 };
	size_t used = 0;
	assert_true(csv_scan(&scan, "a\0\"\n\"", 5, &used));
	assert_int_equal(used, 4);
}

static void test_trim_and_blank(void **state)
{
	(void)state;
	assert_int_equal(csv_trim("", 0), 0);
	assert_int_equal(csv_trim("\n", 1), 0);
	assert_int_equal(csv_trim("\r\n", 2), 0);
	assert_int_equal(csv_trim("\r", 1), 0);
	assert_int_equal(csv_trim("a\n\n", 3), 2);
	assert_int_equal(csv_trim("a\r\r\n", 4), 2);
	assert_int_equal(csv_trim("a\n\r", 3), 2);
	assert_true(csv_is_blank("", 0));
	assert_true(csv_is_blank("\n", 1));
	assert_true(csv_is_blank("\r\n", 2));
	assert_false(csv_is_blank("\n\n", 2));
	assert_false(csv_is_blank(" \n", 2));
	assert_false(csv_is_blank(",\n", 2));
	assert_false(csv_is_blank("\"\"\n", 3));
}

static void assert_field(const char *record, const struct csv_field *field, const char *want,
	bool quoted, bool doubled)
{
	assert_int_equal(field->size, strlen(want));
	assert_memory_equal(record + field->first, want, field->size);
	assert_int_equal(field->quoted, quoted);
	assert_int_equal(field->doubled, doubled);
}

static void test_split_plain(void **state)
{
	(void)state;
	const char *record = "ab,,\xc3\xa9 ,c\n";
	struct csv_field fields[4];
	unsigned count = 0;
	assert_int_equal(csv_split(record, strlen(record) - 1, fields, 4, &count), CSV_FINE);
	assert_int_equal(count, 4);
	assert_field(record, &fields[0], "ab", false, false);
	assert_field(record, &fields[1], "", false, false);
	assert_field(record, &fields[2], "\xc3\xa9 ", false, false);
	assert_field(record, &fields[3], "c", false, false);
}

static void test_split_quotes(void **state)
{
	(void)state;
	const char *record = "\"a,b\",\"\",\"\"\"\",x\"y,\"l\n\"\"m\"\"\",";
	struct csv_field fields[8];
	unsigned count = 0;
	assert_int_equal(csv_split(record, strlen(record), fields, 8, &count), CSV_FINE);
	assert_int_equal(count, 6);
	assert_field(record, &fields[0], "a,b", true, false);
	assert_field(record, &fields[1], "", true, false);
	assert_field(record, &fields[2], "\"\"", true, true);
	assert_field(record, &fields[3], "x\"y", false, false);
	assert_field(record, &fields[4], "l\n\"\"m\"\"", true, true);
	assert_field(record, &fields[5], "", false, false);
}

static void test_split_empty_record(void **state)
{
	(void)state;
	struct csv_field fields[1];
	unsigned count = 9;
	assert_int_equal(csv_split("", 0, fields, 1, &count), CSV_FINE);
	assert_int_equal(count, 1);
	assert_int_equal(fields[0].size, 0);
}

static void test_split_faults(void **state)
{
	(void)state;
	static const struct {
		const char *record;
		enum csv_fault fault;
		unsigned count;
	} cases[] = {
		{ "\"abc\"d", CSV_TEXT_AFTER_QUOTE, 0 },
		{ "a,\"b\" ,c", CSV_TEXT_AFTER_QUOTE, 1 },
		{ "a,\"b\"\r", CSV_TEXT_AFTER_QUOTE, 1 },
		{ "a,b,\"", CSV_QUOTE_NOT_CLOSED, 2 },
		{ "a,b,\"c\"\"", CSV_QUOTE_NOT_CLOSED, 2 },
		{ "a,\"b\n,c", CSV_QUOTE_NOT_CLOSED, 1 },
		{ "a,b,c,d", CSV_TOO_MANY_FIELDS, 3 },
		{ "a,b,c,", CSV_TOO_MANY_FIELDS, 3 },
		{ "a,b,c,\"d\"", CSV_TOO_MANY_FIELDS, 3 },
		{ "\"a\",b,c,", CSV_TOO_MANY_FIELDS, 3 },
		{ "a,b,c", CSV_FINE, 3 },
		{ "a,b,\"c\"", CSV_FINE, 3 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv_field fields[3];
		unsigned count = 0;
		const char *record = cases[i].record;
		assert_int_equal(
			csv_split(record, strlen(record), fields, 3, &count), cases[i].fault);
		assert_int_equal(count, cases[i].count);
	}
}

/* What csv_split does in blocks of bytes, done one at a time. */
static unsigned split_slowly(const char *record, size_t size, struct csv_field *fields)
{
	unsigned count = 0;
	uint32_t first = 0;
	for (uint32_t at = 0; at <= size; at++) {
		if (at < size && record[at] != ',')
			continue;
		fields[count++] = (struct csv_field){ .first = first, .size = at - first };
		first = at + 1;
	}
	return count;
}

/* Commas beside bytes that differ from one by a bit, at every place of every length. The record is
 * malloc'd to its size, so that reading past it shows. */
static void test_split_every_length(void **state)
{
	(void)state;
	const char around[] = { ',', ',' ^ 1, ',' ^ (char)0x80, 0x01, ',', (char)0xff, 0x00, '-' };
	struct csv_field want[256];
	struct csv_field got[256];
	for (size_t size = 1; size <= 200; size++) {
		for (size_t step = 1; step < 8; step++) {
			char *record = malloc(size);
			assert_non_null(record);
			for (size_t at = 0; at < size; at++)
				record[at] = around[(at * step + size) % sizeof(around)];
			unsigned wanted = split_slowly(record, size, want);
			unsigned count = 0;
			assert_int_equal(csv_split(record, size, got, 256, &count), CSV_FINE);
			assert_int_equal(count, wanted);
			for (unsigned i = 0; i < count; i++) {
				assert_int_equal(got[i].first, want[i].first);
				assert_int_equal(got[i].size, want[i].size);
			}
			assert_int_equal(csv_split(record, size, got, wanted, &count), CSV_FINE);
			if (wanted > 1)
				assert_int_equal(csv_split(record, size, got, wanted - 1, &count),
					CSV_TOO_MANY_FIELDS);
			free(record);
		}
	}
}

static void test_big_fields(void **state)
{
	(void)state;
	size_t size = RECORD_MAX;
	char *record = malloc(size);
	assert_non_null(record);
	struct csv_field fields[2];
	unsigned count = 0;
	struct csv_scan scan = { 0 };
	size_t used = 0;

	memset(record, '\n', size);
	record[0] = '"';
	record[size - 2] = '"';
	assert_true(csv_scan(&scan, record, size, &used));
	assert_int_equal(used, size);
	assert_int_equal(csv_split(record, size - 1, fields, 2, &count), CSV_FINE);
	assert_int_equal(count, 1);
	assert_int_equal(fields[0].size, size - 3);

	memset(record, '"', size);
	record[size - 1] = '\n';
	record[size - 2] = ',';
	assert_true(csv_scan(&scan, record, size, &used));
	assert_int_equal(used, size);
	assert_int_equal(csv_split(record, size - 1, fields, 2, &count), CSV_FINE);
	assert_int_equal(count, 2);
	assert_int_equal(fields[0].size, size - 4);
	assert_true(fields[0].doubled);
	free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_any_two_cuts),
		cmocka_unit_test(test_scan_byte_by_byte),
		cmocka_unit_test(test_scan_texts_in_a_row),
		cmocka_unit_test(test_scan_nothing),
		cmocka_unit_test(test_scan_nul_is_a_byte_like_others),
		cmocka_unit_test(test_trim_and_blank),
		cmocka_unit_test(test_split_plain),
		cmocka_unit_test(test_split_quotes),
		cmocka_unit_test(test_split_empty_record),
		cmocka_unit_test(test_split_faults),
		cmocka_unit_test(test_split_every_length),
		cmocka_unit_test(test_big_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
