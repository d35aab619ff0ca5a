/* Downloads from a real server on the loopback that is right, wrong, or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/base/stop.h"
#include "tests/unit/fetch_fixture.h"

#define SIZE  50000
#define LARGE (((size_t)20 << 20) + 5)

static unsigned char *body;
static unsigned char *large;

static int body_begin(void **state)
{
	struct error error;
	(void)state;
	body = body_make(SIZE, 7);
	large = body_make(LARGE, 3);
	return fetch_start(&error) ? 0 : -1;
}

static int body_end(void **state)
{
	(void)state;
	free(body);
	free(large);
	fetch_end();
	return 0;
}

static void reply_text(struct site *site, const char *status, const char *text)
{
	site_reply(site, text, strlen(text), "HTTP/1.1 %s\nContent-Length: %zu\n", status,
		strlen(text));
}

static void reply_good(struct site *site)
{
	site_reply(site, body, SIZE,
		"HTTP/1.1 200 OK\nETag: \"a\"\nLast-Modified: Mon, 18 May 2026 10:00:00 GMT\n"
		"Content-Length: %d\n",
		SIZE);
}

static void test_whole(void **state)
{
	struct fetch_fixture *fixture = *state;
	reply_good(&fixture->site);
	fixture->site.replies[0].piece = 2000;
	fixture_expect(fixture, body, SIZE);
	assert_true(site_was_sent(&fixture->site, 0, "Accept-Encoding: identity"));
	assert_true(site_was_sent(&fixture->site, 0, "Authorization: Basic bWU6c2VjcmV0"));
	assert_null(strstr(fixture->site.requests[0], "Range"));
	assert_null(strstr(fixture->site.requests[0], "If-"));
	const struct spool *spool = &fixture->spool;
	assert_int_equal(spool->year, 2023);
	assert_string_equal(spool->validators.etag, "\"a\"");
	assert_string_equal(spool->validators.last_modified, "Mon, 18 May 2026 10:00:00 GMT");
	assert_true(spool->validators.has_size && !spool->verified);
	assert_int_equal(spool->validators.packed_size, SIZE);
	char name[64];
	snprintf(name, sizeof(name), "2023-%.12s.csv.gz", spool->sha256);
	assert_string_equal(spool->file, name);
	assert_int_equal(fixture->told[0].durable, 0);
	assert_string_equal(fixture->told[0].validators.etag, "\"a\"");
	assert_true(fixture->progressed > 0);
}

static void test_one_byte_at_a_time(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, body, 40, "HTTP/1.1 200 OK\nContent-Length: 40\n")->piece = 1;
	fixture_expect(fixture, body, 40);
}

/* What the 302 says of itself must not stick to the file. */
static void test_redirect_to_another_host(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, "moved", 5,
		"HTTP/1.1 302 Found\nLocation: http://127.0.0.1:%d/store/x.gz?signature=hidden\n"
		"ETag: \"redirect\"\nContent-Length: 5\n",
		fixture->other.port);
	reply_good(&fixture->other);
	fixture_expect(fixture, body, SIZE);
	assert_string_equal(fixture->spool.validators.etag, "\"a\"");
	assert_null(strstr(fixture->other.requests[0], "Authorization"));
	assert_null(strstr(fixture->spool.url, "store"));
}

static void test_error_behind_a_redirect(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, NULL, 0,
		"HTTP/1.1 302 Found\nLocation: http://127.0.0.1:%d/store/x.gz?signature=hidden\n"
		"Content-Length: 0\n",
		fixture->other.port);
	reply_text(&fixture->other, "400 Bad", "");
	fixture_refuse(fixture, ERROR_NETWORK, "/store/x.gz: the server answered 400 Bad");
	assert_null(strstr(fixture->error.text, "hidden"));
}

static void test_redirects_in_a_circle(void **state)
{
	struct fetch_fixture *fixture = *state;
	for (int i = 0; i < SITE_REPLIES; i++)
		site_reply(&fixture->site, NULL, 0,
			"HTTP/1.1 302 Found\nLocation: /again?signature=hidden\nContent-Length: 0\n");
	fixture_refuse(fixture, ERROR_NETWORK, "redirects");
	assert_int_equal(fixture->site.asked, 9);
	assert_null(strstr(fixture->error.text, "hidden"));
}

static void test_redirect_to_a_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, NULL, 0,
		"HTTP/1.1 302 Found\nLocation: file:///etc/hostname\nContent-Length: 0\n");
	fixture_refuse(fixture, ERROR_NETWORK, "file");
	assert_int_equal(fixture->site.asked, 1);
}

static void test_gone(void **state)
{
	struct fetch_fixture *fixture = *state;
	reply_text(&fixture->site, "404 Not Found",
		"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>None\nhere.</Message></Error>");
	fixture_refuse(fixture, ERROR_GONE, "(NoSuchKey: None here.)");
	reply_text(&fixture->site, "410 Gone", "");
	fixture_refuse(fixture, ERROR_GONE, "410");
	assert_int_equal(fixture->site.asked, 2);
}

static void test_forbidden_is_asked_twice(void **state)
{
	struct fetch_fixture *fixture = *state;
	fixture->settings.retries = 8;
	for (int i = 0; i < 4; i++)
		reply_text(&fixture->site, "403 Forbidden",
			"<?xml?><Error><Code>AccessDenied</Code><Message>no</Message></Error>");
	fixture_refuse(fixture, ERROR_NETWORK, "403 Forbidden");
	assert_non_null(strstr(fixture->error.text, "AccessDenied: no"));
	assert_int_equal(fixture->site.asked, 2);
}

static void refuse_body(struct fetch_fixture *fixture, const char *text, const char *word)
{
	unsigned before = fixture->site.asked;
	reply_text(&fixture->site, "200 OK", text);
	fixture_refuse(fixture, ERROR_INPUT, word);
	assert_int_equal(fixture->site.asked, before + 1);
	assert_int_equal(fixture_files(fixture), 0);
	assert_int_equal(fixture->told[fixture->told_count - 1].durable, 0);
}

static void test_not_the_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	refuse_body(fixture, "<!DOCTYPE html>\n<html>hi</html>", "an HTML page that begins with");
	refuse_body(fixture, "<?xml?><Error><Code>SlowDown</Code></Error>", "XML error (SlowDown)");
	refuse_body(fixture, "", "nothing (the body is empty)");
	refuse_body(fixture, "\x1f", "that begins with");
	refuse_body(fixture, "\x1f\x8c", "that begins with \"..\"");
	refuse_body(fixture, "PK\3\4....", "zip");
	refuse_body(fixture, "id_mutation,date_mutation\n", "plain CSV");
	fixture->request.packing = PACKING_NONE;
	refuse_body(fixture, "\n <html>", "an HTML page");
	refuse_body(fixture, "\x1f\x8b\x08", "a gzip file");
}

static void test_plain_csv(void **state)
{
	struct fetch_fixture *fixture = *state;
	fixture->request.packing = PACKING_NONE;
	reply_text(&fixture->site, "200 OK", "id_mutation\n2023-1\n");
	fixture_expect(fixture, "id_mutation\n2023-1\n", 19);
	assert_non_null(strstr(fixture->spool.file, ".csv"));
	assert_null(strstr(fixture->spool.file, ".gz"));
}

static void test_chunked(void **state)
{
	struct fetch_fixture *fixture = *state;
	static const char whole[] = "2\r\n\x1f\x8b\r\n3\r\nabc\r\n0\r\nETag: \"late\"\r\n\r\n";
	const char *head = "HTTP/1.1 200 OK\nETag: \"a\"\nTransfer-Encoding: chunked\n";
	site_reply(&fixture->site, whole, 12, "%s", head);
	site_reply(&fixture->site, whole, sizeof(whole) - 1, "%s", head);
	fixture_expect(fixture,
		"\x1f\x8b"
		"abc",
		5);
	assert_int_equal(fixture->site.asked, 2);
	assert_string_equal(fixture->spool.validators.etag, "\"a\"");
	assert_false(fixture->spool.validators.has_size);
}

static void test_end_that_nobody_can_tell(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, body, SIZE, "HTTP/1.1 200 OK\nETag: \"a\"\n");
	fixture_refuse(fixture, ERROR_NETWORK, "Content-Length");
	assert_int_equal(fixture->site.asked, 1);
	assert_int_equal(fixture_files(fixture), 0);
}

static void test_encoded_once_more(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, body, SIZE,
		"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: %d\n", SIZE);
	fixture_refuse(fixture, ERROR_NETWORK, "Content-Encoding");
}

static void test_retry_after(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(
		&fixture->site, NULL, 0, "HTTP/1.1 503 Busy\nRetry-After: 1\nContent-Length: 0\n");
	reply_good(&fixture->site);
	uint64_t began = clock_ms();
	fixture_expect(fixture, body, SIZE);
	assert_in_range(clock_ms() - began, 990, 5000);
}

static void test_tries_end(void **state)
{
	struct fetch_fixture *fixture = *state;
	for (int i = 0; i < 3; i++)
		reply_text(&fixture->site,
			i == 0   ? "429 Slow"
			: i == 1 ? "408 Late"
				 : "502 Bad",
			"");
	reply_good(&fixture->site);
	fixture_refuse(fixture, ERROR_NETWORK, "502 Bad (tried 3 times");
	assert_int_equal(fixture->site.asked, 3);
}

/* libcurl takes what came for an answer: one without a length, and so of no use for ever. */
static void test_cut_in_the_headers(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct site_reply *cut =
		site_reply(&fixture->site, NULL, 0, "HTTP/1.1 200 OK\nETag: \"a\"\n");
	*strstr(cut->head, "\r\nConnection") = '\0';
	reply_good(&fixture->site);
	fixture_expect(fixture, body, SIZE);
	assert_int_equal(fixture->site.asked, 2);
}

static void test_stop_ends_a_wait(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, NULL, 0,
		"HTTP/1.1 503 Busy\nRetry-After: 600\nContent-Length: 0\n");
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0) {
		usleep(300000);
		kill(parent, SIGTERM);
		_exit(0);
	}
	fixture_refuse(fixture, ERROR_STOPPED, "stopped");
	waitpid(child, NULL, 0);
}

static void test_nobody_there(void **state)
{
	struct fetch_fixture *fixture = *state;
	fixture->settings.retries = 1;
	fixture->request.url = "http://me:secret@127.0.0.1:1/x.csv.gz";
	fixture_refuse(fixture, ERROR_NETWORK, "tried 2 times");
}

/* `once` is for a host that nobody heard of: one that answered and failed is asked again. */
static void test_once_is_for_who_does_not_answer(void **state)
{
	struct fetch_fixture *fixture = *state;
	char url[sizeof(fixture->url)];
	fixture->request.once = true;
	reply_text(&fixture->site, "502 Bad", "");
	reply_good(&fixture->site);
	fixture_expect(fixture, body, SIZE);
	assert_int_equal(fixture->site.asked, 2);
	snprintf(url, sizeof(url), "http://127.0.0.1:1/x.csv.gz");
	fixture->request.url = url;
	fixture_refuse(fixture, ERROR_NETWORK, "tried 1 times");
}

static void test_unchanged_costs_one_request(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct validators have = { .etag = "W/\"a\"", .last_modified = "never sent" };
	fixture->request.have = &have;
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\n");
	assert_true(fixture_fetch(fixture));
	assert_int_equal(fixture->outcome, FETCH_UNCHANGED);
	assert_true(site_was_sent(&fixture->site, 0, "If-None-Match: W/\"a\""));
	assert_null(strstr(fixture->site.requests[0], "If-Modified-Since"));
	assert_int_equal(fixture->site.asked, 1);
	assert_int_equal(fixture->told_count, 0);
	assert_int_equal(fixture_files(fixture), 0);
}

static void test_unchanged_by_date(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct validators have = { .last_modified = "Mon, 18 May 2026 10:00:00 GMT" };
	fixture->request.have = &have;
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\n");
	assert_true(fixture_fetch(fixture));
	assert_int_equal(fixture->outcome, FETCH_UNCHANGED);
	assert_true(site_was_sent(
		&fixture->site, 0, "If-Modified-Since: Mon, 18 May 2026 10:00:00 GMT"));
}

/* Nothing to compare with was sent, so no 304 can be about us. */
static void test_304_without_a_condition(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct validators have = { .packed_size = SIZE, .has_size = true };
	fixture->request.have = &have;
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\n");
	fixture_refuse(fixture, ERROR_NETWORK, "304");
}

static void test_unchanged_with_200(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct validators have = { .etag = "\"a\"", .packed_size = SIZE, .has_size = true };
	fixture->request.have = &have;
	reply_good(&fixture->site);
	assert_true(fixture_fetch(fixture));
	assert_int_equal(fixture->outcome, FETCH_UNCHANGED);
	assert_int_equal(fixture_files(fixture), 0);

	have.packed_size = SIZE + 1;
	reply_good(&fixture->site);
	fixture_expect(fixture, body, SIZE);
}

static void test_304_about_another_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct validators have = { .etag = "\"old\"" };
	fixture->request.have = &have;
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\nETag: \"other\"\n");
	reply_good(&fixture->site);
	fixture_expect(fixture, body, SIZE);
	assert_null(strstr(fixture->site.requests[1], "If-None-Match"));
}

static void test_no_room(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, body, SIZE,
		"HTTP/1.1 200 OK\nETag: \"a\"\nContent-Length: 1152921504606846976\n");
	fixture_refuse(fixture, ERROR_FULL, "needs 1152921504606846976 bytes more");
	assert_int_equal(fixture->site.asked, 1);
	assert_int_equal(fixture_files(fixture), 0);
}

static void test_durable_every_8_mib(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, large, LARGE, "HTTP/1.1 200 OK\nContent-Length: %zu\n", LARGE);
	fixture_expect(fixture, large, LARGE);
	assert_int_equal(fixture->told_count, 3);
	for (unsigned i = 1; i < fixture->told_count; i++)
		assert_in_range(fixture->told[i].durable - fixture->told[i - 1].durable, 8 << 20,
			(8 << 20) + 8192);
}

static void test_failed_fsync_is_not_repeated(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_reply(&fixture->site, large, LARGE, "HTTP/1.1 200 OK\nContent-Length: %zu\n", LARGE);
	unsigned before = fsyncs;
	fsync_fails = 2; /* the first is the folder's */
	fixture_refuse(fixture, ERROR_SYSTEM, "durable");
	assert_int_equal(fsyncs, before + 2);
	assert_int_equal(fixture->told[fixture->told_count - 1].durable, 0);
	assert_int_equal(fixture_files(fixture), 0);
}

static void test_probe(void **state)
{
	struct fetch_fixture *fixture = *state;
	static const char *const missing[] = { "404 No", "403 No", "410 No" };
	bool there = false;
	struct validators validators;
	for (int i = 0; i < 3; i++) {
		reply_text(&fixture->site, missing[i], "");
		there = true;
		assert_true(fetch_probe(
			&fixture->settings, fixture->url, &there, &validators, &fixture->error));
		assert_false(there);
	}
	reply_text(&fixture->site, "503 Busy", "");
	site_reply(
		&fixture->site, NULL, 0, "HTTP/1.1 200 OK\nETag: \"a\"\nContent-Length: 12345\n");
	assert_true(fetch_probe(
		&fixture->settings, fixture->url, &there, &validators, &fixture->error));
	assert_true(there);
	assert_string_equal(validators.etag, "\"a\"");
	assert_int_equal(validators.packed_size, 12345);
	assert_memory_equal(fixture->site.requests[4], "HEAD ", 5);
	for (int i = 0; i < 3; i++)
		reply_text(&fixture->site, "500 Broken", "");
	assert_false(fetch_probe(
		&fixture->settings, fixture->url, &there, &validators, &fixture->error));
	assert_int_equal(fixture->error.kind, ERROR_NETWORK);
	assert_null(strstr(fixture->error.text, "secret"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_one_byte_at_a_time),
		TEST(test_redirect_to_another_host),
		TEST(test_error_behind_a_redirect),
		TEST(test_redirects_in_a_circle),
		TEST(test_redirect_to_a_file),
		TEST(test_gone),
		TEST(test_forbidden_is_asked_twice),
		TEST(test_not_the_file),
		TEST(test_plain_csv),
		TEST(test_chunked),
		TEST(test_end_that_nobody_can_tell),
		TEST(test_encoded_once_more),
		TEST(test_retry_after),
		TEST(test_tries_end),
		TEST(test_cut_in_the_headers),
		TEST(test_stop_ends_a_wait),
		TEST(test_nobody_there),
		TEST(test_once_is_for_who_does_not_answer),
		TEST(test_unchanged_costs_one_request),
		TEST(test_unchanged_by_date),
		TEST(test_304_without_a_condition),
		TEST(test_unchanged_with_200),
		TEST(test_304_about_another_file),
		TEST(test_no_room),
		TEST(test_durable_every_8_mib),
		TEST(test_failed_fsync_is_not_repeated),
		TEST(test_probe),
	};
	setenv("no_proxy", "*", 1);
	stop_install();
	return cmocka_run_group_tests(tests, body_begin, body_end);
}
