#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cmd/log_lines.h"
#include "cmd/progress.h"

#define AT "2026-04-02T10:11:12Z"

static void expect_line(enum log_format format, enum log_level level, int year, const char *text,
	const char *wanted)
{
	struct buf line = { 0 };
	struct error error;
	assert_true(log_line_make(&line, format, AT, level, year, text, &error));
	assert_string_equal(line.bytes, wanted);
	buf_free(&line);
}

static void test_text(void **state)
{
	(void)state;
	expect_line(LOG_FORMAT_TEXT, LOG_INFO, 2023, "a \"b\" é", AT " info 2023: a \"b\" é\n");
	expect_line(LOG_FORMAT_TEXT, LOG_WARNING, 0, "none", AT " warning none\n");
	expect_line(LOG_FORMAT_TEXT, LOG_ERROR, 0, "two\nlines\033[2J\x7f",
		AT " error two lines [2J \n");
}

static void test_logfmt(void **state)
{
	(void)state;
	expect_line(LOG_FORMAT_LOGFMT, LOG_INFO, 2023, "a \"b\"\n\\",
		"ts=" AT " level=info year=2023 msg=\"a \\\"b\\\"\\n\\\\\"\n");
	expect_line(LOG_FORMAT_LOGFMT, LOG_ERROR, 0, "", "ts=" AT " level=error msg=\"\"\n");
}

static void test_json(void **state)
{
	(void)state;
	expect_line(LOG_FORMAT_JSON, LOG_INFO, 2023, "a \"b\"\n\\\t\x7f é",
		"{\"ts\":\"" AT "\",\"level\":\"info\",\"year\":2023,"
		"\"msg\":\"a \\\"b\\\"\\n\\\\\\u0009\\u007f é\"}\n");
	expect_line(LOG_FORMAT_JSON, LOG_ERROR, 0, "a\xff\xc3",
		"{\"ts\":\"" AT "\",\"level\":\"error\",\"msg\":\"a\\ufffd\\ufffd\"}\n");
}

static void expect_progress(
	const struct year_progress *year, uint64_t done, uint64_t since_ms, const char *wanted)
{
	struct progress progress;
	struct pace pace = { .done = done, .since_ms = since_ms };
	char text[256];
	progress_begin(&progress, false, (uint64_t)64 << 20);
	progress_text(text, sizeof(text), &progress, year, &pace, 20000, (uint64_t)41 << 20);
	assert_string_equal(text, wanted);
}

static void test_progress_of_a_load(void **state)
{
	struct year_progress year = {
		.state = { .stage = "loading",
			.packed_size = 100000000,
			.plain_size = 800000000,
			.plain_done = 300000000,
			.rows = 1500000 },
		.rows_now = 500000,
		.load_ms = 10000,
	};
	(void)state;
	expect_progress(&year, 200000000, 10000,
		"loading 300.0/800.0 MB 1500000 rows 50000 rows/s eta 50s mem 41/64 MiB");
	year.state.plain_size = 0;
	expect_progress(&year, 200000000, 10000,
		"loading 300.0/~700.0 MB 1500000 rows 50000 rows/s eta ~40s mem 41/64 MiB");
	year.load_ms = 0;
	expect_progress(
		&year, 300000000, 20000, "loading 300.0/~700.0 MB 1500000 rows mem 41/64 MiB");
	year.state.packed_size = 0;
	expect_progress(&year, 300000000, 20000, "loading 300.0 MB 1500000 rows mem 41/64 MiB");
}

static void test_progress_of_a_download(void **state)
{
	struct year_progress year = {
		.state = { .stage = "fetching", .packed_size = 100000000, .packed_done = 40000000 },
	};
	(void)state;
	expect_progress(
		&year, 39000000, 10000, "fetching 40.0/100.0 MB 0.1 MB/s eta 10m00s mem 41/64 MiB");
	expect_progress(
		&year, 39900000, 10000, "fetching 40.0/100.0 MB 0.0 MB/s eta 1h40m mem 41/64 MiB");
	year.state.packed_size = 0;
	expect_progress(&year, 40000000, 10000, "fetching 40.0 MB mem 41/64 MiB");
}

static void test_progress_of_other_stages(void **state)
{
	struct year_progress year = { .state = { .stage = "indexing", .rows = 12 } };
	(void)state;
	expect_progress(&year, 0, 0, "indexing 12 rows mem 41/64 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_progress_of_a_load),
		cmocka_unit_test(test_progress_of_a_download),
		cmocka_unit_test(test_progress_of_other_stages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
