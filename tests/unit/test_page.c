#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cmd/metrics.h"
#include "cmd/page.h"
#include "cmd/page_words.h"

struct shown {
	struct look *look;
	struct standing standing;
	struct chain_seen chain;
	struct page page;
	struct html html;
};

static int begin(void **state)
{
	struct shown *shown = calloc(1, sizeof(*shown));
	struct look *look = calloc(1, sizeof(*look));
	assert_true(shown != NULL && look != NULL);
	shown->look = look;
	look->run_count = 1;
	look->runs[0] = (struct run_seen){ .id = 7, .command = "run", .outcome = "done" };
	look->destination_count = 1;
	strcpy(look->destinations[0].name, "a<b>&\"'");
	look->destinations[0].year_count = 1;
	struct year_state *year = &look->destinations[0].years[0].state;
	*year = (struct year_state){ .year = 2021,
		.stage = "loading",
		.packed_done = 1000000,
		.packed_size = 1000000,
		.plain_done = 1200000,
		.plain_size = 2400000,
		.rows = 1234567,
		.rejects = 4 };
	look->map.year = 2021;
	standing_judge(&shown->standing, look, NULL, true);
	shown->page =
		(struct page){ .look = look, .standing = &shown->standing, .chain = &shown->chain };
	*state = shown;
	return 0;
}

static int end(void **state)
{
	struct shown *shown = *state;
	buf_free(&shown->html.buf);
	look_free(shown->look);
	free(shown);
	return 0;
}

static const char *section(struct shown *shown, enum page_section which)
{
	buf_clear(&shown->html.buf);
	page_section(&shown->html, &shown->page, which);
	assert_false(shown->html.failed);
	return shown->html.buf.bytes;
}

static unsigned count(const char *text, const char *word)
{
	unsigned found = 0;
	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

static void assert_has(const char *text, const char *word)
{
	if (strstr(text, word) == NULL)
		fail_msg("no %s in %s", word, text);
}

static void test_every_word_is_there_twice(void **state)
{
	(void)state;
	struct html english = { 0 }, french = { .french = true };
	for (enum word word = 0; word < W_WORDS; word++) {
		assert_non_null(word_of(&english, word));
		assert_non_null(word_of(&french, word));
		assert_true(
			word_of(&english, word)[0] != '\0' && word_of(&french, word)[0] != '\0');
	}
	assert_string_equal(word_said(&english, "held"), "held");
	assert_string_equal(word_said(&french, "held"), "retenue");
	assert_string_equal(word_said(&french, "what nobody knows"), "what nobody knows");
}

static void test_numbers_and_times(void **state)
{
	struct shown *shown = *state;
	struct html *html = &shown->html;
	html_number(html, 0);
	html_raw(html, " ");
	html_number(html, 1234567);
	html_raw(html, " ");
	html_decimal(html, 2.5, 1);
	html_raw(html, " ");
	html_time(html, "2026-11-26T12:17:22.952Z");
	assert_string_equal(html->buf.bytes,
		"0 1,234,567 2.5 <time datetime=\"2026-11-26T12:17:22.952Z\">2026-11-26 12:17:22 "
		"UTC</time>");
	buf_clear(&html->buf);
	html->french = true;
	html_decimal(html, 2.5, 1);
	html_time(html, "");
	assert_string_equal(html->buf.bytes, "2,5–");
	buf_clear(&html->buf);
	html_time(html, "<b>\"'&><b>\"'&><b>\"'&>");
	assert_null(strstr(html->buf.bytes, "<b>"));
	assert_has(html->buf.bytes, "<time datetime=\"&lt;b&gt;&quot;");
	assert_has(html->buf.bytes, "\">&lt;b&gt;&quot;");
}

static void test_texts_are_escaped(void **state)
{
	struct shown *shown = *state;
	const char *years = section(shown, PAGE_YEARS);
	assert_has(years, "a&lt;b&gt;&amp;&quot;&#39;");
	assert_null(strstr(years, "a<b>"));
}

static void test_a_year_on_its_way(void **state)
{
	struct shown *shown = *state;
	const char *years = section(shown, PAGE_YEARS);
	assert_int_equal(count(years, "step did"), 1);
	assert_int_equal(count(years, "step now"), 1);
	assert_int_equal(count(years, "step todo"), 2);
	assert_has(years, "<progress max=\"2400000\" value=\"1200000\">50 %</progress>");
	assert_has(years, "1,234,567");
	strcpy(shown->look->destinations[0].years[0].state.stage, "published");
	years = section(shown, PAGE_YEARS);
	assert_int_equal(count(years, "step did"), 4);
}

/* Half of it is loaded: 120 cells of 240, then the one in flight if a run is at work. */
static void test_map_tells_what_is_loaded(void **state)
{
	struct shown *shown = *state;
	struct range half = { .plain_first = 100, .plain_end = 1200000, .rows = 10, .rejects = 4 };
	shown->look->map.ranges.items = malloc(sizeof(half));
	assert_non_null(shown->look->map.ranges.items);
	shown->look->map.ranges.items[0] = half;
	shown->look->map.ranges.count = 1;
	shown->look->map.places[0] = (struct place_seen){ 600000, 600100, 3 };
	shown->look->map.place_count = 1;
	const char *map = section(shown, PAGE_MAP);
	assert_int_equal(count(map, "<i class=\"d\"></i>"), 119);
	assert_int_equal(count(map, "<i class=\"d r\" title=\"0–0 MB: 3 rejects\"></i>"), 1);
	assert_int_equal(count(map, "<i class=\"m\"></i>"), 120);
	assert_has(map, "50 %");
	assert_has(map, "(1 rejects whose place is not known)");
	shown->look->locked = true;
	shown->look->runs[0].outcome[0] = '\0';
	map = section(shown, PAGE_MAP);
	assert_int_equal(count(map, "<i class=\"f\"></i>"), 1);
	assert_int_equal(count(map, "<i class=\"m\"></i>"), 119);
}

static void test_rates_are_over_a_few_samples(void **state)
{
	struct shown *shown = *state;
	for (unsigned i = 0; i < 6; i++)
		shown->look->samples[i] = (struct run_sample){ .at_ms = 250 * i,
			.rows = 100 * i,
			.memory = 1 << 20,
			.memory_limit = 2 << 20 };
	shown->look->sample_count = 6;
	const char *plots = section(shown, PAGE_PLOTS);
	assert_has(plots, "data-series=\"[[0.00,0,1.00,2.00],[0.25,400,1.00,2.00],");
	assert_has(plots, "[1.25,400,1.00,2.00]]\"");
}

/* Whatever is missing, there is a page. */
static void test_without_a_look(void **state)
{
	struct shown *shown = *state;
	struct error why;
	error_set(&why, ERROR_REFUSED, "there is <none>");
	shown->page.look = NULL;
	standing_judge(&shown->standing, NULL, &why, false);
	page_whole(&shown->html, &shown->page);
	assert_false(shown->html.failed);
	assert_has(shown->html.buf.bytes, "there is &lt;none&gt;");
	assert_null(strstr(shown->html.buf.bytes, "style="));
}

static void test_metrics_escape_labels(void **state)
{
	struct shown *shown = *state;
	struct buf text = { 0 };
	struct error error;
	strcpy(shown->look->destinations[0].name, "a\"b\\c\nd");
	assert_true(metrics_write(&text, shown->look, &shown->standing, &shown->chain, &error));
	assert_has(text.bytes, "{destination=\"a\\\"b\\\\c d\",uuid=\"\",year=\"2021\"} 1234567\n");
	buf_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_word_is_there_twice),
		TEST(test_numbers_and_times),
		TEST(test_texts_are_escaped),
		TEST(test_a_year_on_its_way),
		TEST(test_map_tells_what_is_loaded),
		TEST(test_rates_are_over_a_few_samples),
		TEST(test_without_a_look),
		TEST(test_metrics_escape_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
