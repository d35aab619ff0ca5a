#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/lineage.h"
#include "stages/lineage_event.h"
#include "stages/lineage_left.h"
#include "stages/lineage_send.h"
#include "stages/sink_sqlite.h"

#define LINES_MAX 32
#define LINE_ROOM 16384

static char folder[32];
static char target[64];
static char left[64];
static struct lineage_settings settings;
static char lines[LINES_MAX][LINE_ROOM];

static void put_place(struct sink *sink, struct sink_place *place)
{
	(void)sink;
	*place =
		(struct sink_place){ .server = "[::1]:5433", .database = "d b", .schema = "s\"ch" };
}

static const struct sink_ops ops = { .kind = "fake", .place = put_place };
static struct sink sink = { .ops = &ops, .uuid = "taken" };

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lineage-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(target, sizeof(target), "%s/events", folder);
	snprintf(left, sizeof(left), "%s/openlineage.open", folder);
	settings = (struct lineage_settings){
		.target = target, .job_namespace = "a name space", .state_folder = folder
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(target);
	unlink(left);
	return rmdir(folder);
}

static unsigned lines_read(void)
{
	unsigned count = 0;
	FILE *file = fopen(target, "r");
	assert_non_null(file);
	while (count < LINES_MAX && fgets(lines[count], LINE_ROOM, file) != NULL) {
		assert_true(lines[count][0] == '{');
		assert_true(strcmp(lines[count] + strlen(lines[count]) - 2, "}\n") == 0);
		count++;
	}
	(void)fclose(file);
	return count;
}

static void assert_says(unsigned line, const char *piece)
{
	if (strstr(lines[line], piece) == NULL)
		fail_msg("%s is not in %s", piece, lines[line]);
}

static void assert_event(unsigned line, const char *type, const char *job)
{
	char piece[128];
	snprintf(piece, sizeof(piece), "{\"eventType\":\"%s\",", type);
	assert_int_equal(strncmp(lines[line], piece, strlen(piece)), 0);
	snprintf(piece, sizeof(piece), "\"job\":{\"namespace\":\"a name space\",\"name\":\"%s\"}",
		job);
	assert_says(line, piece);
}

static void assert_same_run(unsigned one, unsigned other, bool same)
{
	const char *name = "\"runId\":\"";
	const char *a = strstr(lines[one], name);
	const char *b = strstr(lines[other], name);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(strncmp(a, b, strlen(name) + LINEAGE_UUID - 1) == 0, same);
}

static struct edition edition_of(int year)
{
	struct edition edition = { .year = year, .packed_size = 77 };
	snprintf(edition.url, sizeof(edition.url),
		"https://host.example:8443/a/%d.csv.gz?signature=s3cr3t", year);
	memset(edition.sha256, 'a', SHA256_HEX - 1);
	return edition;
}

static void year_end(
	struct lineage *lineage, int year, enum year_outcome outcome, const char *message)
{
	struct edition edition = edition_of(year);
	struct year_progress progress = { .outcome = outcome,
		.state = { .rows = 9, .rejects = 2, .plain_done = 1234 } };
	snprintf(progress.state.message, sizeof(progress.state.message), "%s", message);
	lineage_year_end(lineage, &sink, &edition, &progress);
}

static void year_begin(struct lineage *lineage, int year)
{
	struct edition edition = edition_of(year);
	lineage_year_begin(lineage, &sink, &edition);
}

static void test_without_lineage_nothing_happens(void **state)
{
	(void)state;
	settings.target = NULL;
	assert_null(lineage_open(&settings));
	year_begin(NULL, 2021);
	year_end(NULL, 2021, YEAR_FAILED, "x");
	lineage_close(NULL, LINEAGE_END_FAILED, "x");
	assert_int_equal(access(target, F_OK), -1);
}

static void test_names_figures_and_odd_texts(void **state)
{
	(void)state;
	struct lineage *lineage = lineage_open(&settings);
	year_begin(lineage, 2021);
	year_end(lineage, 2021, YEAR_PUBLISHED, "");
	year_end(lineage, 2022, YEAR_FAILED, "it \"said\"\n\xff\\ no");
	lineage_close(lineage, LINEAGE_END_DONE, NULL);
	assert_int_equal(lines_read(), 6);
	assert_event(2, "COMPLETE", "dvf-import.2021");
	assert_says(2, "{\"namespace\":\"https://host.example:8443\",\"name\":\"/a/2021.csv.gz\"");
	assert_says(2, "\"uri\":\"https://host.example:8443/a/2021.csv.gz\"");
	assert_says(2, "{\"namespace\":\"postgres://[::1]:5433\",\"name\":\"d b.s\\\"ch.dvf\"");
	assert_says(2, "\"uri\":\"postgres://[::1]:5433/d%20b\"");
	assert_says(2, "\"rowCount\":11,\"bytes\":77,\"fileCount\":1,\"columnMetrics\":{}");
	assert_says(2, "\"rowCount\":9,\"size\":1234}");
	assert_event(4, "FAIL", "dvf-import.2022");
	assert_says(4, "\"message\":\"it \\\"said\\\"\\n\\ufffd\\\\ no\"");
	for (unsigned i = 0; i < 6; i++)
		assert_null(strstr(lines[i], "s3cr3t"));
}

/* Begun is begun: a year that is fetched again goes on, one that is imported again begins anew. */
static void test_a_year_begins_and_ends_once(void **state)
{
	(void)state;
	struct lineage *lineage = lineage_open(&settings);
	year_begin(lineage, 2021);
	year_end(lineage, 2021, YEAR_UNFINISHED, "");
	year_begin(lineage, 2022);
	year_end(lineage, 2022, YEAR_PUBLISHED, "");
	year_begin(lineage, 2021);
	year_end(lineage, 2021, YEAR_UNCHANGED, "");
	year_end(lineage, 2021, YEAR_UNCHANGED, "");
	year_begin(lineage, 2022);
	year_end(lineage, 2022, YEAR_PUBLISHED, "");
	lineage_close(lineage, LINEAGE_END_DONE, NULL);
	assert_int_equal(lines_read(), 8);
	assert_event(1, "START", "dvf-import.2021");
	assert_event(2, "START", "dvf-import.2022");
	assert_event(3, "COMPLETE", "dvf-import.2022");
	assert_event(4, "COMPLETE", "dvf-import.2021");
	assert_event(5, "START", "dvf-import.2022");
	assert_same_run(1, 4, true);
	assert_same_run(2, 3, true);
	assert_same_run(2, 5, false);
	assert_event(7, "COMPLETE", "dvf-import");
	assert_int_equal(access(left, F_OK), -1);
}

static void test_the_end_of_a_run_ends_its_years(void **state)
{
	(void)state;
	struct lineage *lineage = lineage_open(&settings);
	year_begin(lineage, 2021);
	lineage_close(lineage, LINEAGE_END_FAILED, "another run has taken over");
	assert_int_equal(lines_read(), 4);
	assert_event(2, "FAIL", "dvf-import.2021");
	assert_event(3, "FAIL", "dvf-import");
	for (unsigned i = 2; i < 4; i++)
		assert_says(i, "\"message\":\"another run has taken over\"");
}

static void left_put(const char *text)
{
	FILE *file = fopen(left, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	(void)fclose(file);
}

static void test_what_was_left_is_told_once(void **state)
{
	static const char *const run = "01a2162b-5d39-72f6-95b8-712b485805cc";
	struct lineage_runs runs = { .count = 1 };
	(void)state;
	struct lineage_run *item = &runs.items[0];
	*item = (struct lineage_run){ .job = "dvf-import.2021", .job_namespace = "a name space" };
	memcpy(item->id, run, sizeof(item->id));
	lineage_left_write(folder, &runs);
	struct stat status;
	assert_int_equal(stat(left, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	lineage_close(lineage_open(&settings), LINEAGE_END_DONE, NULL);
	lineage_close(lineage_open(&settings), LINEAGE_END_DONE, NULL);
	assert_int_equal(lines_read(), 5);
	assert_event(0, "ABORT", "dvf-import.2021");
	assert_says(0, run);
}

/* Whatever stands in the file: no more than it says is believed, and nothing breaks. */
static void test_broken_file_of_what_was_left(void **state)
{
	static const char *const broken[] = { "", "\n\n", "x", "- - - -\n", "\xff\xfe\n",
		"01a2162b-5d39-72f6-95b8-712b485805cc - dvf-import\n",
		"01a2162b-5d39-72f6-95b8-712b485805cX - dvf-import space\n",
		"01a2162b-5d39-72f6-95b8-712b485805cc parent dvf-import space\n",
		"01a2162b-5d39-72f6-95b8-712b485805cc - "
		"a-job-name-that-is-longer-than-any-of-ours space\n" };
	struct lineage_runs runs;
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		left_put(broken[i]);
		lineage_left_read(folder, &runs);
		assert_int_equal(runs.count, 0);
	}
	left_put("rubbish\n01a2162b-5d39-72f6-95b8-712b485805cc - dvf-import my own space");
	lineage_left_read(folder, &runs);
	assert_int_equal(runs.count, 1);
	assert_string_equal(runs.items[0].job_namespace, "my own space");
	assert_string_equal(runs.items[0].parent, "");
}

static void test_targets(void **state)
{
	static const struct {
		const char *given, *taken;
	} table[] = {
		{ "events.jsonl", "events.jsonl" },
		{ "/a/http:b", "/a/http:b" },
		{ "file:///a/b%20c", "/a/b c" },
		{ "http://host", "http://host/api/v1/lineage" },
		{ "HTTPS://me:pw@host:5000/", "HTTPS://me:pw@host:5000/api/v1/lineage" },
		{ "https://host/own", "https://host/own" },
		{ "https://host/own/?key=x", "https://host/own/?key=x" },
		{ "http://", NULL },
		{ "http://host name/", NULL },
		{ "http://me:s3/cr3t@host", NULL },
		{ "file://elsewhere/a", NULL },
		{ "kafka://s3cr3t@host", NULL },
		{ "http://me:12/s3cr3t@host", NULL },
		{ "me:s3cr3t@host/own", NULL },
		{ "./a:b@c", "./a:b@c" },
	};
	struct error error;
	char *taken = NULL;
	char shown[64];
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool done = lineage_target_take(&taken, table[i].given, &error);
		assert_int_equal(done, table[i].taken != NULL);
		if (done)
			assert_string_equal(taken, table[i].taken);
		else
			assert_null(strstr(error.text, "cr3t"));
	}
	free(taken);
	lineage_target_shown("https://me:pw@host:1/own?key=pw#x", shown, sizeof(shown));
	assert_string_equal(shown, "https://host:1/own");
	lineage_target_shown("events?1", shown, sizeof(shown));
	assert_string_equal(shown, "events?1");
}

static void test_run_ids(void **state)
{
	char one[LINEAGE_UUID];
	char two[LINEAGE_UUID];
	(void)state;
	assert_true(lineage_uuid(one) && lineage_uuid(two));
	assert_string_not_equal(one, two);
	assert_true(strncmp(one, two, 13) <= 0);
	assert_int_equal(strlen(one), 36);
	assert_true(one[14] == '7' && strchr("89ab", one[19]) != NULL);
}

static void test_place_of_a_file(void **state)
{
	char linked[64];
	char url[96];
	struct sink_place place;
	(void)state;
	snprintf(linked, sizeof(linked), "%s/dvf.sqlite", folder);
	assert_int_equal(symlink("dvf.1.sqlite", linked), 0);
	snprintf(url, sizeof(url), "%s/../%s/dvf.sqlite", folder, strrchr(folder, '/') + 1);
	struct sink file = { .destination = { .url = url } };
	sqlite_place(&file, &place);
	assert_string_equal(place.server, "");
	assert_string_equal(place.database, linked);
	unlink(linked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_without_lineage_nothing_happens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_names_figures_and_odd_texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_year_begins_and_ends_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_the_end_of_a_run_ends_its_years, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_left_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_broken_file_of_what_was_left, set_up, tear_down),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_run_ids),
		cmocka_unit_test_setup_teardown(test_place_of_a_file, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
