#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "stages/source.h"

static struct sources sources;

static int sources_empty(void **state)
{
	(void)state;
	memset(&sources, 0, sizeof(sources));
	return 0;
}

static void test_year_goes_everywhere(void **state)
{
	(void)state;
	struct error error;
	char url[URL_MAX];
	assert_true(
		source_set_pattern(&sources, "http://h/{year}/{year}/x{year}.gz?y={year}", &error));
	source_url(&sources, 2023, url);
	assert_string_equal(url, "http://h/2023/2023/x2023.gz?y=2023");
	assert_true(source_set_pattern(&sources, SOURCE_DEFAULT, &error));
	source_url(&sources, 2014, url);
	assert_string_equal(url, "https://files.data.gouv.fr/geo-dvf/latest/csv/2014/full.csv.gz");
}

static void test_default_without_a_pattern(void **state)
{
	(void)state;
	char url[URL_MAX];
	source_url(&sources, 2020, url);
	assert_string_equal(url, "https://files.data.gouv.fr/geo-dvf/latest/csv/2020/full.csv.gz");
}

static void test_own_url_of_a_year(void **state)
{
	(void)state;
	struct error error;
	char url[URL_MAX];
	assert_true(source_set_pattern(&sources, "http://h/{year}", &error));
	assert_true(source_set_year(&sources, 2021, "http://h/first", &error));
	assert_true(source_set_year(&sources, 2022, "file:///srv/2022.csv", &error));
	assert_true(source_set_year(&sources, 2021, "http://h/second", &error));
	assert_int_equal(sources.owns, 2);
	source_url(&sources, 2021, url);
	assert_string_equal(url, "http://h/second");
	source_url(&sources, 2022, url);
	assert_string_equal(url, "file:///srv/2022.csv");
	source_url(&sources, 2023, url);
	assert_string_equal(url, "http://h/2023");
	assert_false(source_set_year(&sources, 2013, "http://h/x", &error));
	assert_int_equal(error.kind, ERROR_USAGE);
	assert_non_null(strstr(error.text, "2013"));
}

static void test_too_many_years(void **state)
{
	(void)state;
	struct error error;
	for (int i = 0; i < YEARS_MAX; i++)
		assert_true(source_set_year(&sources, 2014 + i, "http://h/x", &error));
	assert_true(source_set_year(&sources, 2014, "http://h/y", &error));
	assert_false(source_set_year(&sources, 2014 + YEARS_MAX, "http://h/x", &error));
	assert_int_equal(sources.owns, YEARS_MAX);
}

static void test_what_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *word;
	} cases[] = {
		{ "", "empty" },
		{ "http://h/x", "{year}" },
		{ "ftp://me:secret@h/{year}", "\"ftp://\"" },
		{ "me:secret@h/{year}", "not a URL" },
		{ "h/{year}?u=http://x", "not a URL" },
		{ "://h/{year}", "not a URL" },
		{ "http:///{year}", "no host" },
		{ "http://me:secret@/{year}", "no host" },
		{ "http://:80/{year}", "no host" },
		{ "https://?{year}", "no host" },
		{ "http://me:sec/ret@h/{year}", "port" },
		{ "http://h:80a/{year}", "port" },
		{ "http://me:12/sec@h/{year}", "%40" },
		{ "http://me:12?sec@h/{year}", "%40" },
		{ "http://me:1@2/sec@h/{year}", "%40" },
		{ "http://[::1]:x/{year}", "port" },
		{ "http://h/{year} ", "space" },
		{ "http://h/\t{year}", "control" },
		{ "http://h/\x7f{year}", "%7F" },
		{ "http://h\\@x/{year}", "backslash" },
		{ "file://srv/{year}", "three slashes" },
		{ "file://{year}", "three slashes" },
		{ "file:///", "three slashes" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error = { .kind = ERROR_NONE };
		assert_false(source_set_pattern(&sources, cases[i].url, &error));
		assert_int_equal(error.kind, ERROR_USAGE);
		if (strstr(error.text, cases[i].word) == NULL)
			print_error("%s: %s\n", cases[i].url, error.text);
		assert_non_null(strstr(error.text, cases[i].word));
		assert_null(strstr(error.text, "sec"));
		assert_string_equal(sources.pattern, "");
	}
}

static void test_what_is_taken(void **state)
{
	(void)state;
	static const char *const urls[] = {
		"HTTPS://h/{year}",
		"http://h:8080/{year}",
		"http://[::1]:80/{year}",
		"http://u:p:q@h/{year}",
		"http://u:p@q@h:1/{year}",
		"file:///{year}",
		"file://localhost/srv/{year}.csv.gz",
		"http://{year}.h/x",
		"http://h?{year}",
		"http://h:/{year}",
	};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct error error;
		assert_true(source_set_pattern(&sources, urls[i], &error));
	}
}

/* The year is shorter than its mark, so what fits as a pattern fits as a URL. */
static void test_longest(void **state)
{
	(void)state;
	char pattern[URL_MAX + 8];
	for (int size = URL_MAX - 3; size <= URL_MAX + 1; size++) {
		struct error error;
		char url[URL_MAX];
		snprintf(pattern, sizeof(pattern), "http://h/{year}/%0*d", size - 16, 0);
		assert_int_equal(strlen(pattern), size);
		assert_int_equal(source_set_pattern(&sources, pattern, &error), size < URL_MAX);
		source_url(&sources, 2020, url);
		assert_int_equal(strlen(url), (size < URL_MAX ? size : URL_MAX - 1) - 2);
	}
}

static void test_shown_without_secrets(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "http://h/x", "http://h/x" },
		{ "http://u:p@h/x", "http://h/x" },
		{ "http://u:p@q@h:8/x@y?a=b@c", "http://h:8/x@y?~8d6c0af3" },
		{ "http://u:p@q@h:8/x@y?a=b@d", "http://h:8/x@y?~13089f50" },
		{ "http://u:p@h", "http://h" },
		{ "http://u:p@h?x", "http://h?~47d9c1cd" },
		{ "http://h/a://u:p@x", "http://h/a://u:p@x" },
		{ "file:///srv/a@b", "file:///srv/a@b" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char shown[URL_MAX];
		source_url_shown(cases[i][0], shown);
		assert_string_equal(shown, cases[i][1]);
	}
}

static void test_packing(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		enum packing packing;
	} cases[] = {
		{ "http://h/x.csv", PACKING_NONE },
		{ "http://h/x.csv?a=b.gz", PACKING_NONE },
		{ "http://h/x.CSV#top", PACKING_NONE },
		{ "http://h/x.csv.gz", PACKING_GZIP },
		{ "http://h/x?a=b.csv", PACKING_GZIP },
		{ "http://h/csv", PACKING_GZIP },
		{ "http://h.csv", PACKING_GZIP },
		{ "file:///a.csv", PACKING_NONE },
		{ "http://h/x.gz#a.csv", PACKING_GZIP },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(source_packing(cases[i].url), cases[i].packing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_year_goes_everywhere, sources_empty),
		cmocka_unit_test_setup(test_default_without_a_pattern, sources_empty),
		cmocka_unit_test_setup(test_own_url_of_a_year, sources_empty),
		cmocka_unit_test_setup(test_too_many_years, sources_empty),
		cmocka_unit_test_setup(test_what_is_refused, sources_empty),
		cmocka_unit_test_setup(test_what_is_taken, sources_empty),
		cmocka_unit_test_setup(test_longest, sources_empty),
		cmocka_unit_test(test_shown_without_secrets),
		cmocka_unit_test(test_packing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
