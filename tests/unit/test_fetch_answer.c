/* What may be believed of an answer, without any network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "stages/fetch_answer.h"
#include "stages/fetch_look.h"

/* Lines are ended by \n here. */
static void feed(struct answer *answer, const char *lines)
{
	char line[1024];
	while (*lines != '\0') {
		size_t size = strcspn(lines, "\n");
		int used = snprintf(line, sizeof(line), "%.*s\r\n", (int)size, lines);
		answer_header(answer, line, (size_t)used);
		lines += size + 1;
	}
}

static struct answer answer_of(const char *lines)
{
	struct answer answer;
	memset(&answer, 0, sizeof(answer));
	feed(&answer, lines);
	return answer;
}

static enum verdict judged(const char *lines, const struct question *question)
{
	struct error error = { .kind = ERROR_NONE };
	struct answer answer = answer_of(lines);
	enum verdict verdict = answer_judge(&answer, question, &error);
	if (verdict >= VERDICT_WITHOUT_RANGE)
		assert_int_not_equal(error.kind, ERROR_NONE);
	return verdict;
}

static void test_final_response_only(void **state)
{
	(void)state;
	struct answer answer =
		answer_of("HTTP/1.1 302 Found\nETag: \"r\"\nContent-Length: 5\n"
			  "Content-Encoding: gzip\nRetry-After: 9\n\n"
			  "HTTP/2 200\nlast-modified:  yesterday \n\nETag: \"trailer\"\n");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.reason, "");
	assert_string_equal(answer.etag, "");
	assert_string_equal(answer.retry_after, "");
	assert_string_equal(answer.last_modified, "yesterday");
	assert_false(answer.has_length || answer.encoded);
	assert_true(answer.complete);
}

static void test_etags(void **state)
{
	(void)state;
	static const struct {
		const char *given;
		bool taken;
	} cases[] = {
		{ "\"a\"", true },
		{ "W/\"a\"", true },
		{ "\"\"", true },
		{ "a", false },
		{ "\"a", false },
		{ "a\"", false },
		{ "\"a\"b\"", false },
		{ "\"", false },
		{ "w/\"a\"", false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[64];
		snprintf(line, sizeof(line), "HTTP/1.1 200 OK\nETag: %s\n", cases[i].given);
		assert_string_equal(answer_of(line).etag, cases[i].taken ? cases[i].given : "");
	}
}

/* At every length round the size of the field: whole or not at all. */
static void test_long_validators_are_not_given(void **state)
{
	(void)state;
	for (int size = 250; size < 700; size++) {
		char line[800];
		snprintf(line, sizeof(line), "HTTP/1.1 200 OK\nETag: \"%0*d\"\n", size - 2, 0);
		assert_int_equal(strlen(answer_of(line).etag), size < 256 ? size : 0);
	}
	for (int size = 60; size < 70; size++) {
		char line[128];
		snprintf(line, sizeof(line), "HTTP/1.1 200 OK\nLast-Modified: %0*d\n", size, 0);
		assert_int_equal(strlen(answer_of(line).last_modified), size < 64 ? size : 0);
	}
}

static void test_whole_files(void **state)
{
	(void)state;
	const struct question plain = { 0 };
	assert_int_equal(judged("HTTP/1.1 200 OK\nContent-Length: 9\n", &plain), VERDICT_TAKE);
	assert_int_equal(judged("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked\n", &plain),
		VERDICT_TAKE);
	assert_int_equal(judged("HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n", &plain),
		VERDICT_FAIL);
	assert_int_equal(judged("HTTP/1.1 200 OK\n", &plain), VERDICT_FAIL);
	assert_int_equal(judged("HTTP/1.1 200 OK\nContent-Length: 9x\n", &plain), VERDICT_FAIL);
	assert_int_equal(judged("HTTP/1.1 200 OK\nContent-Length: 9\nContent-Length: 8\n", &plain),
		VERDICT_FAIL);
	assert_int_equal(judged("HTTP/1.1 200 OK\nContent-Length: 9223372036854775808\n", &plain),
		VERDICT_FAIL);
	assert_int_equal(
		judged("HTTP/1.1 200 OK\nContent-Length: 9\nContent-Encoding: br\n", &plain),
		VERDICT_FAIL);
	assert_int_equal(
		judged("HTTP/1.1 200 OK\nContent-Length: 9\nContent-Encoding: identity\n", &plain),
		VERDICT_TAKE);
	assert_int_equal(judged("HTTP/1.1 203 Changed\nContent-Length: 9\n", &plain), VERDICT_FAIL);
	assert_int_equal(judged("HTTP/1.1 204 None\n", &plain), VERDICT_FAIL);
	assert_int_equal(
		judged("HTTP/1.1 206 P\nContent-Range: bytes 0-8/9\nContent-Length: 9\n", &plain),
		VERDICT_RETRY);
}

static void test_have(void **state)
{
	(void)state;
	struct validators have = { .etag = "\"a\"", .has_size = true, .packed_size = 9 };
	const struct question question = { .have = &have };
	assert_int_equal(judged("HTTP/1.1 200 OK\nETag: \"a\"\nContent-Length: 9\n", &question),
		VERDICT_UNCHANGED);
	assert_int_equal(judged("HTTP/1.1 200 OK\nETag: \"a\"\nContent-Length: 8\n", &question),
		VERDICT_TAKE);
	assert_int_equal(judged("HTTP/1.1 200 OK\nETag: W/\"a\"\nContent-Length: 9\n", &question),
		VERDICT_TAKE);
	assert_int_equal(
		judged("HTTP/1.1 200 OK\nETag: \"a\"\nTransfer-Encoding: chunked\n", &question),
		VERDICT_TAKE);
	assert_int_equal(judged("HTTP/1.1 304 No\n", &question), VERDICT_UNCHANGED);
	assert_int_equal(judged("HTTP/1.1 304 No\nETag: W/\"a\"\n", &question), VERDICT_UNCHANGED);
	assert_int_equal(judged("HTTP/1.1 304 No\nETag: \"b\"\n", &question), VERDICT_WITHOUT_HAVE);
	strcpy(have.etag, "W/\"a\"");
	assert_int_equal(judged("HTTP/1.1 200 OK\nETag: W/\"a\"\nContent-Length: 9\n", &question),
		VERDICT_TAKE);
	have.etag[0] = '\0';
	strcpy(have.last_modified, "monday");
	assert_int_equal(judged("HTTP/1.1 304 No\nLast-Modified: sunday\n", &question),
		VERDICT_WITHOUT_HAVE);
	assert_int_equal(
		judged("HTTP/1.1 304 No\nLast-Modified: monday\n", &question), VERDICT_UNCHANGED);
	const struct question nothing = { 0 };
	assert_int_equal(judged("HTTP/1.1 304 No\n", &nothing), VERDICT_FAIL);
}

static enum verdict judged_rest(
	const char *range, const char *more, const struct question *question)
{
	char lines[256];
	snprintf(lines, sizeof(lines), "HTTP/1.1 206 P\nETag: \"a\"\nContent-Range: %s\n%s", range,
		more);
	return judged(lines, question);
}

static void test_ranges(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"bytes 3-9/10",
		"bytes 5-9/10",
		"bytes 4-9/11",
		"bytes 4-9/*",
		"bytes 4-10/10",
		"bytes 4-3/10",
		"bytes 4-/10",
		"bytes 4-9",
		"items 4-9/10",
		"bytes */10",
		"bytes -4-9/10",
		"bytes 4-9/10x",
		"bytes 18446744073709551620-9/10",
		"",
	};
	struct validators part = { .etag = "\"a\"", .has_size = true, .packed_size = 10 };
	struct question question = { .part = &part, .offset = 4 };
	assert_int_equal(judged_rest("bytes 4-9/10", "", &question), VERDICT_CONTINUE);
	assert_int_equal(
		judged_rest("Bytes 4-8/10", "Content-Length: 5\n", &question), VERDICT_CONTINUE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(judged_rest(wrong[i], "", &question), VERDICT_WITHOUT_RANGE);
	assert_int_equal(judged_rest("bytes 4-9/10", "Content-Length: 7\n", &question),
		VERDICT_WITHOUT_RANGE);
	assert_int_equal(
		judged_rest("bytes 4-9/10", "Content-Encoding: gzip\n", &question), VERDICT_FAIL);
	assert_int_equal(
		judged_rest("bytes 4-9/10", "ETag: \"b\"\n", &question), VERDICT_WITHOUT_RANGE);
	assert_int_equal(
		judged_rest("bytes 4-9/10", "ETag: W/\"a\"\n", &question), VERDICT_WITHOUT_RANGE);
	assert_int_equal(judged("HTTP/1.1 416 No\n", &question), VERDICT_WITHOUT_RANGE);
	assert_int_equal(judged("HTTP/1.1 304 No\n", &question), VERDICT_WITHOUT_RANGE);
	assert_int_equal(judged("HTTP/1.1 200 OK\nContent-Length: 10\n", &question), VERDICT_TAKE);
	part.has_size = false;
	assert_int_equal(judged_rest("bytes 4-9/11", "", &question), VERDICT_CONTINUE);
	assert_int_equal(judged_rest("bytes 4-9/*", "", &question), VERDICT_WITHOUT_RANGE);
	question.part = NULL;
	assert_int_equal(judged("HTTP/1.1 416 No\n", &question), VERDICT_FAIL);
}

static void test_refusals(void **state)
{
	(void)state;
	const struct question plain = { 0 };
	static const struct {
		int status;
		enum verdict verdict;
		enum error_kind kind;
	} cases[] = {
		{ 400, VERDICT_FAIL, ERROR_NETWORK },
		{ 401, VERDICT_FAIL, ERROR_NETWORK },
		{ 403, VERDICT_RETRY_ONCE, ERROR_NETWORK },
		{ 404, VERDICT_FAIL, ERROR_GONE },
		{ 408, VERDICT_RETRY, ERROR_NETWORK },
		{ 410, VERDICT_FAIL, ERROR_GONE },
		{ 425, VERDICT_RETRY, ERROR_NETWORK },
		{ 429, VERDICT_RETRY, ERROR_NETWORK },
		{ 500, VERDICT_RETRY, ERROR_NETWORK },
		{ 503, VERDICT_RETRY, ERROR_NETWORK },
		{ 302, VERDICT_FAIL, ERROR_NETWORK },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error;
		struct answer answer = { .status = cases[i].status };
		assert_int_equal(answer_judge(&answer, &plain, &error), cases[i].verdict);
		assert_int_equal(error.kind, cases[i].kind);
	}
	struct error error;
	struct answer answer = answer_of("HTTP/1.1 400 \x1b[31mred\n");
	assert_int_equal(answer_judge(&answer, &plain, &error), VERDICT_FAIL);
	assert_null(strchr(error.text, '\x1b'));
}

static void test_retry_after(void **state)
{
	(void)state;
	static const struct {
		const char *retry;
		const char *date;
		uint64_t ms;
	} cases[] = {
		{ "", "", 0 },
		{ "0", "", 0 },
		{ "7", "", 7000 },
		{ "600", "", 600000 },
		{ "601", "", 600000 },
		{ "99999999999999999999999", "", 600000 },
		{ "7 days", "", 0 },
		{ "-7", "", 0 },
		{ "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 30000 },
		{ "Mon, 29 Feb 2016 00:00:00 GMT", "Sun, 28 Feb 2016 23:59:59 GMT", 1000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", "", 0 },
		{ "Fri, 01 Jan 9999 00:00:00 GMT", "", 600000 },
		{ "Sun, 06 Nov 1994", "", 0 },
		{ "Sun, 06 Foo 2094 08:49:37 GMT", "", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char lines[256];
		snprintf(lines, sizeof(lines), "HTTP/1.1 503 Busy\nRetry-After: %s\nDate: %s\n",
			cases[i].retry, cases[i].date);
		struct answer answer = answer_of(lines);
		assert_int_equal(answer_retry_ms(&answer), cases[i].ms);
	}
}

static void test_validators_strong(void **state)
{
	(void)state;
	struct validators validators = { .last_modified = "monday" };
	assert_false(validators_strong(&validators));
	validators.has_size = true;
	assert_true(validators_strong(&validators));
	validators.last_modified[0] = '\0';
	strcpy(validators.etag, "W/\"a\"");
	assert_false(validators_strong(&validators));
	strcpy(validators.etag, "\"a\"");
	validators.has_size = false;
	assert_true(validators_strong(&validators));
}

static void test_validators_of_a_206(void **state)
{
	(void)state;
	struct validators validators;
	struct answer answer = answer_of(
		"HTTP/1.1 206 P\nContent-Range: bytes 4-9/10\nContent-Length: 6\nETag: \"a\"\n");
	answer_validators(&answer, &validators);
	assert_true(validators.has_size);
	assert_int_equal(validators.packed_size, 10);
	answer = answer_of("HTTP/1.1 200 O\nContent-Length: 6\nTransfer-Encoding: chunked\n");
	answer_validators(&answer, &validators);
	assert_false(validators.has_size);
}

static void test_first_bytes(void **state)
{
	(void)state;
	static const unsigned char gzip[] = { 0x1f, 0x8b, 0x08 };
	for (size_t size = 0; size <= sizeof(gzip); size++)
		assert_true(look_begins(gzip, size, PACKING_GZIP));
	assert_false(look_begins((const unsigned char *)"<", 1, PACKING_GZIP));
	assert_false(look_begins((const unsigned char *)"\x1f<", 2, PACKING_GZIP));
	assert_true(look_begins((const unsigned char *)"id,<", 4, PACKING_NONE));
	assert_true(look_begins(gzip, 1, PACKING_NONE));
	assert_false(look_begins(gzip, 2, PACKING_NONE));
	assert_false(look_begins((const unsigned char *)"\xef\xbb\xbf <x", 6, PACKING_NONE));
}

static void test_pieces_are_printable(void **state)
{
	(void)state;
	char piece[256];
	char text[400];
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (char)(255 - i);
	for (size_t size = 0; size <= sizeof(piece); size++) {
		look_describe(piece, size, text, sizeof(text));
		assert_true(strlen(text) > 10 && strlen(text) < 120);
		for (const char *at = text; *at != '\0'; at++)
			assert_in_range(*at, 0x20, 0x7e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_final_response_only),
		cmocka_unit_test(test_etags),
		cmocka_unit_test(test_long_validators_are_not_given),
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_have),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_validators_strong),
		cmocka_unit_test(test_validators_of_a_206),
		cmocka_unit_test(test_first_bytes),
		cmocka_unit_test(test_pieces_are_printable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
