/* Going on with a part: every way in which a server can get it wrong, and none may splice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/base/stop.h"
#include "tests/unit/fetch_fixture.h"

#define SIZE 100000
#define CUT  40000

static unsigned char *old_body;
static unsigned char *new_body;

static int bodies_make(void **state)
{
	struct error error;
	(void)state;
	old_body = body_make(SIZE, 1);
	new_body = body_make(SIZE, 2);
	return fetch_start(&error) ? 0 : -1;
}

static int bodies_free(void **state)
{
	(void)state;
	free(old_body);
	free(new_body);
	fetch_end();
	return 0;
}

static void reply_rest(struct fetch_fixture *fixture, const unsigned char *body, unsigned from)
{
	site_reply(&fixture->site, body + from, SIZE - from,
		"HTTP/1.1 206 Partial Content\nETag: \"a\"\nContent-Range: bytes %u-%u/%u\n"
		"Content-Length: %u\n",
		from, SIZE - 1, SIZE, SIZE - from);
}

static void reply_whole(
	struct fetch_fixture *fixture, const unsigned char *body, const char *etag, size_t sent)
{
	site_reply(&fixture->site, body, sent, "HTTP/1.1 200 OK\nETag: %s\nContent-Length: %u\n",
		etag, SIZE);
}

static void test_goes_on(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 777);
	reply_rest(fixture, old_body, CUT);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 0, "Range: bytes=40000-"));
	assert_true(site_was_sent(&fixture->site, 0, "If-Range: \"a\""));
	assert_int_equal(fixture->site.asked, 1);
	assert_string_equal(fixture->spool.validators.etag, "\"a\"");
}

static void test_goes_on_after_a_cut_of_its_own(void **state)
{
	struct fetch_fixture *fixture = *state;
	reply_whole(fixture, old_body, "\"a\"", CUT);
	reply_rest(fixture, old_body, CUT);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 1, "Range: bytes=40000-"));
	assert_int_equal(fixture->told[0].durable, 0);
	assert_int_equal(fixture->told[1].durable, CUT);
}

static void test_progress_renews_the_tries(void **state)
{
	struct fetch_fixture *fixture = *state;
	fixture->settings.retries = 1;
	reply_whole(fixture, old_body, "\"a\"", 10000);
	for (unsigned from = 10000; from < SIZE; from += 10000) {
		reply_rest(fixture, old_body, from);
		fixture->site.replies[fixture->site.count - 1].size = 10000;
	}
	fixture_expect(fixture, old_body, SIZE);
	assert_int_equal(fixture->site.asked, 10);
}

static void test_gives_up_without_progress(void **state)
{
	struct fetch_fixture *fixture = *state;
	reply_whole(fixture, old_body, "\"a\"", CUT);
	for (int i = 0; i < 5; i++) {
		reply_rest(fixture, old_body, CUT);
		fixture->site.replies[fixture->site.count - 1].size = 0;
	}
	fixture_refuse(fixture, ERROR_NETWORK, "tried 3 times");
	assert_int_equal(fixture->site.asked, 3);
	assert_int_equal(fixture->told[fixture->told_count - 1].durable, CUT);
	assert_int_equal(fixture_files(fixture), 1);
}

/* The server gives less than asked and says so. */
static void test_takes_ranges_in_pieces(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, old_body + CUT, 20000,
		"HTTP/1.1 206 Partial Content\nETag: \"a\"\nContent-Range: bytes 40000-59999/100000\n"
		"Content-Length: 20000\n");
	reply_rest(fixture, old_body, 60000);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 1, "Range: bytes=60000-"));
}

static void test_changed_file_of_the_same_length(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_string_equal(fixture->spool.validators.etag, "\"b\"");
	assert_string_equal(fixture->told[0].validators.etag, "\"b\"");
	assert_int_equal(fixture->told[0].durable, 0);
}

/* One that ignores If-Range, as many do. */
static void test_206_of_a_changed_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, new_body + CUT, SIZE - CUT,
		"HTTP/1.1 206 Partial Content\nETag: \"b\"\nContent-Range: bytes 40000-99999/100000\n"
		"Content-Length: 60000\n");
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[1], "Range"));
}

static void refuse_206(struct fetch_fixture *fixture, const char *lines)
{
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, old_body, SIZE - CUT,
		"HTTP/1.1 206 Partial Content\nContent-Length: 60000\n%s", lines);
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_int_equal(fixture->site.asked, 2);
	assert_null(strstr(fixture->site.requests[1], "Range"));
}

static void test_206_that_starts_early(void **state)
{
	refuse_206(*state, "ETag: \"a\"\nContent-Range: bytes 39999-99998/100000\n");
}

static void test_206_that_starts_late(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	reply_rest(fixture, old_body, CUT + 1);
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[1], "Range"));
}

static void test_206_of_another_total(void **state)
{
	refuse_206(*state, "ETag: \"a\"\nContent-Range: bytes 40000-99999/100001\n");
}

static void test_206_without_a_total(void **state)
{
	refuse_206(*state, "ETag: \"a\"\nContent-Range: bytes 40000-99999/*\n");
}

static void test_206_without_a_range(void **state)
{
	refuse_206(*state, "ETag: \"a\"\n");
}

static void test_206_without_a_validator(void **state)
{
	refuse_206(*state, "Content-Range: bytes 40000-99999/100000\n");
}

static void test_200_to_a_range(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	reply_whole(fixture, old_body, "\"a\"", SIZE);
	fixture_expect(fixture, old_body, SIZE);
	assert_int_equal(fixture->site.asked, 1);
}

static void test_416_starts_over_once(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, "gone", 4,
		"HTTP/1.1 416 Range Not Satisfiable\nContent-Range: bytes */30000\nContent-Length: 4\n");
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[1], "Range"));
}

static void test_304_never_finishes_a_part(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\nETag: \"a\"\n");
	reply_whole(fixture, old_body, "\"a\"", SIZE);
	fixture_expect(fixture, old_body, SIZE);
	assert_int_equal(fixture->site.asked, 2);
}

static void test_more_than_the_range(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	site_reply(&fixture->site, "5\r\nabcde\r\n2\r\nfg\r\n0\r\n\r\n", 22,
		"HTTP/1.1 206 Partial Content\nETag: \"a\"\nContent-Range: bytes 40000-40004/100000\n"
		"Transfer-Encoding: chunked\n");
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[1], "Range"));
}

static void test_weak_etag_continues_nothing(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "W/\"a\"", old_body, CUT, SIZE, 0);
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[0], "Range"));
}

static void test_last_modified_continues(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	const char *date = "Mon, 18 May 2026 10:00:00 GMT";
	part_lay(fixture, &part, "W/\"a\"", old_body, CUT, SIZE, 0);
	snprintf(part.validators.last_modified, sizeof(part.validators.last_modified), "%s", date);
	site_reply(&fixture->site, old_body + CUT, SIZE - CUT,
		"HTTP/1.1 206 Partial Content\nLast-Modified: %s\nContent-Length: 60000\n"
		"Content-Range: bytes 40000-99999/100000\n",
		date);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 0, "If-Range: Mon, 18 May 2026 10:00:00 GMT"));
}

static void test_part_of_another_url(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	strcat(part.url, "x");
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[0], "Range"));
}

/* After a power cut the file may be shorter than the ledger says. */
static void test_part_shorter_than_recorded(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	part.durable = CUT + 1;
	reply_whole(fixture, old_body, "\"a\"", SIZE);
	fixture_expect(fixture, old_body, SIZE);
	assert_null(strstr(fixture->site.requests[0], "Range"));
}

static void test_part_longer_than_its_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, SIZE, SIZE - 1, 0);
	reply_whole(fixture, new_body, "\"b\"", SIZE);
	fixture_expect(fixture, new_body, SIZE);
	assert_null(strstr(fixture->site.requests[0], "Range"));
}

/* Killed before the rename: the server is asked for the last byte, and so says that it is its file.
 */
static void test_part_that_is_all_there(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	part_lay(fixture, &part, "\"a\"", old_body, SIZE, SIZE, 5);
	reply_rest(fixture, old_body, SIZE - 1);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 0, "Range: bytes=99999-"));
	assert_int_equal(fixture->site.asked, 1);
}

static void test_have_and_part_cost_one_request(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	struct validators have = { .etag = "W/\"old\"" };
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	fixture->request.have = &have;
	reply_rest(fixture, old_body, CUT);
	fixture_expect(fixture, old_body, SIZE);
	assert_true(site_was_sent(&fixture->site, 0, "If-None-Match: W/\"old\""));
	assert_true(site_was_sent(&fixture->site, 0, "If-Range: \"a\""));
	assert_int_equal(fixture->site.asked, 1);
}

/* The source went back to what we have: the part stays where it is, unfinished. */
static void test_have_and_part_unchanged(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct part part;
	struct validators have = { .etag = "\"old\"" };
	part_lay(fixture, &part, "\"a\"", old_body, CUT, SIZE, 0);
	fixture->request.have = &have;
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 304 Not Modified\nETag: W/\"old\"\n");
	assert_true(fixture_fetch(fixture));
	assert_int_equal(fixture->outcome, FETCH_UNCHANGED);
	assert_int_equal(fixture->told_count, 0);
	assert_int_equal(fixture_files(fixture), 1);
}

static void test_stall_then_goes_on(void **state)
{
	struct fetch_fixture *fixture = *state;
	fixture->settings.stall_s = 1;
	reply_whole(fixture, old_body, "\"a\"", CUT);
	fixture->site.replies[0].hold_ms = 10000;
	reply_rest(fixture, old_body, CUT);
	uint64_t began = clock_ms();
	fixture_expect(fixture, old_body, SIZE);
	assert_in_range(clock_ms() - began, 900, 6000);
	assert_int_equal(fixture->site.asked, 2);
}

static void test_stop_keeps_what_came(void **state)
{
	struct fetch_fixture *fixture = *state;
	reply_whole(fixture, old_body, "\"a\"", CUT);
	fixture->site.replies[0].hold_ms = 10000;
	fixture->stop_at = CUT;
	uint64_t began = clock_ms();
	fixture_refuse(fixture, ERROR_STOPPED, "stopped");
	assert_in_range(clock_ms() - began, 0, 3000);
	struct part last = fixture->told[fixture->told_count - 1];
	assert_int_equal(last.durable, CUT);

	stop_reset();
	fixture->stop_at = 0;
	fixture->request.part = &last;
	reply_rest(fixture, old_body, CUT);
	fixture_expect(fixture, old_body, SIZE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_goes_on),
		TEST(test_goes_on_after_a_cut_of_its_own),
		TEST(test_progress_renews_the_tries),
		TEST(test_gives_up_without_progress),
		TEST(test_takes_ranges_in_pieces),
		TEST(test_changed_file_of_the_same_length),
		TEST(test_206_of_a_changed_file),
		TEST(test_206_that_starts_early),
		TEST(test_206_that_starts_late),
		TEST(test_206_of_another_total),
		TEST(test_206_without_a_total),
		TEST(test_206_without_a_range),
		TEST(test_206_without_a_validator),
		TEST(test_200_to_a_range),
		TEST(test_416_starts_over_once),
		TEST(test_304_never_finishes_a_part),
		TEST(test_more_than_the_range),
		TEST(test_weak_etag_continues_nothing),
		TEST(test_last_modified_continues),
		TEST(test_part_of_another_url),
		TEST(test_part_shorter_than_recorded),
		TEST(test_part_longer_than_its_file),
		TEST(test_part_that_is_all_there),
		TEST(test_have_and_part_cost_one_request),
		TEST(test_have_and_part_unchanged),
		TEST(test_stall_then_goes_on),
		TEST(test_stop_keeps_what_came),
	};
	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, bodies_make, bodies_free);
}
