#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cmd/hosts.h"

static void expect(const struct hosts *hosts, bool taken, const char *const *asked)
{
	for (; *asked != NULL; asked++)
		if (hosts_take(hosts, *asked) != taken)
			fail_msg("'%s' is %s", *asked, taken ? "refused" : "taken");
}

static void test_addresses_and_localhost(void **state)
{
	static const char *const ours[] = { "127.0.0.1", "127.0.0.1:8080", "192.0.2.7:80",
		"localhost", "LocalHost:8080", "[::1]", "[::1]:8080", "[2001:db8::7]:1", NULL };
	static const char *const others[] = { "", ":", ":80", "evil.example",
		"127.0.0.1.evil.example", "localhost.evil.example", "localhost:80.evil.example",
		"127.0.0.1:80:80", "[::1", "[::1].evil.example", "[::1]80", "[localhost]", "[]",
		"::1", "127.0.0.1 ", "127.1", "127.0.0.1@evil.example", NULL };
	const struct hosts none = { 0 };
	(void)state;
	expect(&none, true, ours);
	expect(&none, false, others);
	assert_true(hosts_take(&none, NULL));
}

static void test_names(void **state)
{
	static const char *const ours[] = { "page", "page:8080", "DVF.example.org:443", "b_c", "d",
		"127.0.0.1", NULL };
	static const char *const others[] = { "dvf.example", "a.dvf.example.org", "pages", "pag",
		"[page]", "page:x", "", ":80", NULL };
	struct hosts hosts = { 0 };
	struct error error;
	(void)state;
	assert_true(hosts_add(&hosts, "dvf.example.org", &error));
	assert_true(hosts_add(&hosts, ", page,b_c d ", &error));
	assert_int_equal(hosts.count, 4);
	expect(&hosts, true, ours);
	expect(&hosts, false, others);
}

static void test_what_is_no_name(void **state)
{
	static const char *const wrong[] = { "http://dvf.example.org", "dvf.example.org:8080",
		"a/b", "[::1]", "*", "a,b c:1", NULL };
	char longest[HOST_SIZE + 1] = "";
	struct hosts hosts = { 0 };
	struct error error;
	(void)state;
	for (unsigned i = 0; wrong[i] != NULL; i++) {
		assert_false(hosts_add(&hosts, wrong[i], &error));
		assert_int_equal(error.kind, ERROR_USAGE);
		assert_non_null(strstr(error.text, wrong[i]));
	}
	memset(longest, 'a', HOST_SIZE);
	assert_false(hosts_add(&hosts, longest, &error));
	longest[HOST_SIZE - 1] = '\0';
	hosts.count = 0;
	for (unsigned i = 0; i < HOSTS_MOST; i++)
		assert_true(hosts_add(&hosts, longest, &error));
	assert_false(hosts_add(&hosts, "b", &error));
	assert_true(hosts_take(&hosts, longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_and_localhost),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_is_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
