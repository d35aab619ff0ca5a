/*
 * What a sheet does with bytes of every sort, with the longest records, and where the buffer ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stages/sheet.h"
#include "state/base/stop.h"

#define BIG ((uint32_t)RECORD_MAX)
/* strict_string_checks looks at the whole rest of a text at each call: its time goes with the
 * square. */
#ifdef __SANITIZE_ADDRESS__
#define LONGEST (BIG / 16)
#else
#define LONGEST BIG
#endif
#define WAIT_MS                                                                                    \
	60000 /* far less, also sanitized; far more where bytes are looked at again and again */

static struct error error;
static struct buf text = { .limit = SHEET_LINE_MAX };
static struct buf out = { .limit = (size_t)64 << 20 };

static int set_up(void **state)
{
	(void)state;
	error_clear(&error);
	buf_clear(&text);
	buf_clear(&out);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&text);
	buf_free(&out);
	return 0;
}

static void must(bool done)
{
	if (!done)
		fail_msg("%s", error.text);
}

static void add(uint64_t record, const char *raw, uint32_t size)
{
	struct kept kept = { .year = 2021, .stage = EDITION_PUBLISHED, .record = record };
	kept.reason = "why, \"so\"";
	kept.raw = raw;
	kept.raw_size = size;
	memset(kept.edition, 'a', SHA256_HEX - 1);
	must(sheet_add(&out, &text, &kept, &error));
}

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("sheet", MFD_CLOEXEC);
	assert_true(fd != -1);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static void assert_next(struct sheet *sheet, int32_t record, const char *raw, uint32_t size)
{
	struct sheet_line line;
	bool end = true;
	must(sheet_next(sheet, &line, &end, &error));
	assert_false(end);
	assert_int_equal(line.record, record);
	assert_int_equal(line.year, 2021);
	assert_int_equal(line.raw_size, size);
	assert_memory_equal(line.raw, raw, size);
}

static void assert_end(struct sheet *sheet, int fd)
{
	struct sheet_line line;
	bool end = false;
	must(sheet_next(sheet, &line, &end, &error));
	assert_true(end);
	sheet_close(sheet);
	close(fd);
}

static void open_out(struct sheet *sheet, int *fd)
{
	*fd = file_of(out.bytes, out.size);
	must(sheet_open(sheet, *fd, 0, &error));
}

/* Every pair of bytes, so that each stands before and after each. */
static void test_every_byte_comes_back(void **state)
{
	(void)state;
	struct sheet sheet;
	char raw[256][513];
	int fd = -1;
	must(sheet_add_header(&out, &error));
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned at = 0; at < 256; at++) {
			raw[first][2 * at] = (char)first;
			raw[first][2 * at + 1] = (char)at;
		}
		raw[first][512] = '.'; /* a line feed at its end would be no part of it */
		add(first + 1, raw[first], 513);
	}
	open_out(&sheet, &fd);
	for (int first = 0; first < 256; first++)
		assert_next(&sheet, first + 1, raw[first], 513);
	assert_end(&sheet, fd);
}

static void test_only_what_needs_it_is_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *as;
	} cases[] = {
		{ "a,b\n\"c\" \\x41 \xc3\xa9", NULL },
		{ "a\r", "a\\x0d" },
		{ "=1", "\\x3d1" },
		{ "-", "\\x2d" },
		{ "1-", NULL },
		{ "\\\xff\\", "\\\\\\xff\\\\" },
		{ "\xc3", "\\xc3" },
		{ "\xc3\xa9\x7f", "\xc3\xa9\\x7f" },
		{ "", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *as = cases[i].as != NULL ? cases[i].as : cases[i].raw;
		bool escaped = false;
		must(sheet_encode(
			&text, cases[i].raw, (uint32_t)strlen(cases[i].raw), &escaped, &error));
		assert_int_equal(escaped, cases[i].as != NULL);
		assert_string_equal(text.bytes, as);
	}
}

/* The longest records there are, made of what grows most; in a time that grows with their size. */
static void test_the_longest_records(void **state)
{
	(void)state;
	static const char fillings[] = { 'x', '"', '\r', '\\', '\0', '\xff', '\n' };
	struct sheet sheet;
	int fd = -1;
	char *raw = malloc(LONGEST);
	uint64_t began_ms = clock_ms();
	assert_non_null(raw);
	must(sheet_add_header(&out, &error));
	for (size_t i = 0; i < sizeof(fillings); i++) {
		memset(raw, fillings[i], LONGEST);
		raw[LONGEST - 1] = '.';
		add(i + 1, raw, LONGEST);
	}
	open_out(&sheet, &fd);
	for (size_t i = 0; i < sizeof(fillings); i++) {
		memset(raw, fillings[i], LONGEST);
		raw[LONGEST - 1] = '.';
		assert_next(&sheet, (int32_t)i + 1, raw, LONGEST);
	}
	assert_end(&sheet, fd);
	assert_in_range(clock_ms() - began_ms, 0, WAIT_MS);
	free(raw);
}

static void expect_wrong(const char *what)
{
	struct sheet sheet;
	struct sheet_line line;
	bool end = false;
	int fd = file_of(out.bytes, out.size);
	bool done = sheet_open(&sheet, fd, 0, &error);
	while (done && !end)
		done = sheet_next(&sheet, &line, &end, &error);
	sheet_close(&sheet);
	close(fd);
	assert_false(done);
	assert_int_equal(error.kind, ERROR_INPUT);
	if (strstr(error.text, what) == NULL)
		fail_msg("'%s' does not say '%s'", error.text, what);
}

/* Memory stays bounded when the rest of a long file is inside a quote. */
static void test_a_quote_that_is_never_closed(void **state)
{
	(void)state;
	must(sheet_add_header(&out, &error));
	add(1, "one\ntwo", 7);
	must(buf_add_text(&out, "\"", &error));
	for (int i = 0; i < 9; i++)
		must(buf_reserve(&out, BIG, &error) &&
			memset(out.bytes + out.size, 'x', BIG) != NULL && (out.size += BIG) > 0);
	expect_wrong("line 4: longer than");
}

static void test_a_record_that_is_too_long(void **state)
{
	(void)state;
	must(buf_add_text(&out, "edition,year,record,raw\n", &error));
	for (int i = 0; i < 64; i++)
		must(buf_add_text(&out, "a", &error));
	must(buf_add_text(&out, ",2021,1,", &error));
	must(buf_reserve(&out, BIG + 1, &error));
	memset(out.bytes + out.size, 'x', BIG + 1);
	out.size += BIG + 1;
	expect_wrong("line 2, column raw: is longer");
}

/* The end of a line falls on every place around the pieces in which the file is read. */
static void test_lines_over_the_ends_of_pieces(void **state)
{
	(void)state;
	struct sheet sheet;
	char raw[4096];
	int fd = -1;
	memset(raw, 'r', sizeof(raw));
	must(sheet_add_header(&out, &error));
	for (uint32_t i = 1; i <= 600; i++)
		add(i, raw, 200 + i);
	open_out(&sheet, &fd);
	for (uint32_t i = 1; i <= 600; i++)
		assert_next(&sheet, (int32_t)i, raw, 200 + i);
	assert_end(&sheet, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_byte_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_only_what_needs_it_is_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_longest_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_quote_that_is_never_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_record_that_is_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_lines_over_the_ends_of_pieces, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("sheet", tests, NULL, NULL);
}
