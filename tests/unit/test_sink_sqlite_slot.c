/*
 * Live, staging, previous: which file has which slot, looking at one, and bringing a year over.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/sink_fixture.h"

#include "stages/sink_sqlite_slot.h"
#include "state/base/stop.h"

#define MANY 20000 /* rows enough for copying to take a while */

static char kept[96]; /* what the fixture's path is outside of a test that asks elsewhere */

/* Files of other slots are not known to the fixture. */
static int end(void **state)
{
	char folder[96], name[512];
	snprintf(path, sizeof(path), "%s", kept);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	DIR *list = opendir(folder);
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		if (strstr(entry->d_name, ".staging.") != NULL ||
			strstr(entry->d_name, ".previous.") != NULL ||
			strpbrk(entry->d_name, "123456789") != NULL) {
			snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
			unlink(name);
		}
	closedir(list);
	return tear_down(state);
}

static int begin(void **state)
{
	int done = set_up(state);
	snprintf(kept, sizeof(kept), "%s", path);
	return done;
}

static struct sink *opened(enum slot slot)
{
	char copy[96];
	struct destination destination = { .url = copy, .slot = slot, .run_name = "another run" };
	struct sink *made = NULL;
	snprintf(copy, sizeof(copy), "%s", kept);
	must(sink_open(&made, &destination, &error));
	return made;
}

static struct sink *taken(enum slot slot)
{
	struct sink *made = opened(slot);
	must(made->ops->take(made, &error));
	return made;
}

static bool is_there(struct sink *other)
{
	bool there = false;
	must(other->ops->look(other, &there, &error));
	return there;
}

/* What a link beside the live file says; "" where there is none. */
static const char *link_of(const char *slot)
{
	static char to[256];
	char name[256];
	snprintf(name, sizeof(name), "%.*s%s.sqlite", (int)(strlen(kept) - 7), kept, slot);
	ssize_t size = readlink(name, to, sizeof(to) - 1);
	to[size > 0 ? size : 0] = '\0';
	return to;
}

static struct slots slots_here(void)
{
	struct slots slots;
	must(slots_make(&slots, kept, &error));
	return slots;
}

static void test_looking_makes_nothing(void **state)
{
	(void)state;
	struct stat status;
	struct sink *staging = opened(SLOT_STAGING);
	assert_false(is_there(staging));
	assert_string_equal(staging->uuid, "");
	assert_string_equal(link_of(".staging"), "");
	sink_close(staging);
	loader->ops->close(loader);
	sink_close(sink);
	loader = NULL;
	sink = NULL;
	unlink(path);
	struct sink *live = opened(SLOT_LIVE);
	assert_false(is_there(live));
	assert_int_equal(stat(path, &status), -1);
	sink_close(live);
}

static void test_looking_takes_no_fence(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a'), newer = edition_make(2021, 'b');
	struct served_years served = { 0 };
	struct sink *live = opened(SLOT_LIVE);
	import(&edition, 30);
	assert_true(is_there(live));
	assert_string_equal(live->uuid, sink->uuid);
	import(&newer, 20); /* the run goes on */
	must(live->ops->years(live, &served, &error));
	assert_int_equal(served.count, 2);
	assert_int_equal(served.years[0], 2021);
	assert_int_equal(served.years[1], 2023);
	must_fail(live->ops->begin(live, &newer, &error), ERROR_FENCED);
	sink_close(live);
}

/* What is in a copy is known; it is only nobody we know. */
static void test_looking_at_a_copy(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct edition_memory memory;
	bool found = false;
	import(&edition, 30);
	ask("UPDATE dvf_import_destination SET inode = inode + 1");
	struct sink *live = opened(SLOT_LIVE);
	assert_true(is_there(live));
	assert_string_equal(live->uuid, "");
	must(live->ops->published(live, 2023, &memory, &found, &error));
	assert_true(found);
	sink_close(live);
}

static void test_staging_is_a_file_beside_live(void **state)
{
	(void)state;
	struct slots slots = slots_here();
	struct sink *staging = taken(SLOT_STAGING);
	assert_string_not_equal(staging->uuid, sink->uuid);
	assert_string_equal(link_of(".staging"), "dvf.2.sqlite"); /* 1 is kept for live */
	assert_string_equal(link_of(""), "");
	sink_close(staging);
	staging = taken(SLOT_STAGING);
	assert_string_equal(link_of(".staging"), "dvf.2.sqlite");
	/* A link to what is live is one that a promote left behind. */
	must(slot_point(&slots, SLOT_LIVE, "dvf.2.sqlite", &error));
	assert_false(is_there(staging));
	sink_close(staging);
	staging = taken(SLOT_STAGING);
	assert_string_equal(link_of(".staging"), "dvf.3.sqlite");
	sink_close(staging);
	slots_free(&slots);
}

/* Killed between making the link and making the file. */
static void test_a_staging_link_that_leads_nowhere(void **state)
{
	(void)state;
	struct slots slots = slots_here();
	must(slot_point(&slots, SLOT_STAGING, "dvf.7.sqlite", &error));
	struct sink *staging = opened(SLOT_STAGING);
	assert_false(is_there(staging));
	must(staging->ops->take(staging, &error));
	assert_string_equal(link_of(".staging"), "dvf.7.sqlite");
	assert_true(is_there(staging));
	sink_close(staging);
	slots_free(&slots);
}

/* It was promoted, or removed, under the run. */
static void test_staging_that_went_is_not_made_anew(void **state)
{
	(void)state;
	struct slots slots = slots_here();
	struct sink *staging = taken(SLOT_STAGING);
	must(slot_drop(&slots, SLOT_STAGING, &error));
	must_fail(staging->ops->take(staging, &error), ERROR_CHANGED);
	assert_string_equal(link_of(".staging"), "");
	sink_close(staging);
	slots_free(&slots);
}

static void test_previous_is_never_made(void **state)
{
	(void)state;
	struct sink *previous = opened(SLOT_PREVIOUS);
	assert_false(is_there(previous));
	must_fail(previous->ops->take(previous, &error), ERROR_REFUSED);
	sink_close(previous);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const names[][4] = {
		{ "/d/dvf.sqlite", "/d/", "dvf", ".sqlite" },
		{ "dvf", "", "dvf", "" },
		{ "a.b/.hidden", "a.b/", ".hidden", "" },
		{ "./x.y.db", "./", "x.y", ".db" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slots slots;
		must(slots_make(&slots, names[i][0], &error));
		assert_string_equal(slots.folder, names[i][1]);
		assert_string_equal(slots.stem, names[i][2]);
		assert_string_equal(slots.ending, names[i][3]);
		slots_free(&slots);
	}
}

/* The live file becomes dvf.1.sqlite, and a link leads to it. */
static void number_live(const struct slots *slots)
{
	char name[128];
	loader->ops->close(loader);
	sink_close(sink);
	snprintf(name, sizeof(name), "%.*s.1.sqlite", (int)(strlen(kept) - 7), kept);
	assert_int_equal(rename(kept, name), 0);
	must(slot_point(slots, SLOT_LIVE, "dvf.1.sqlite", &error));
	sink_new(&sink);
	must(sink->ops->loader_open(sink, &loader, &error));
}

/* What a promote does while somebody waits for the file that was live. */
static void exchange(void *context)
{
	struct slots *slots = context;
	must(slot_point(slots, SLOT_LIVE, "dvf.2.sqlite", &error));
	loader->ops->rollback(loader);
}

/* Else the old file would be given the new one's inode, and with that another identity. */
static void test_an_exchange_between_opening_and_locking(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct slots slots = slots_here();
	char live_uuid[37], staging_uuid[37];
	struct sink *staging = taken(SLOT_STAGING);
	memcpy(staging_uuid, staging->uuid, sizeof(staging_uuid));
	sink_close(staging);
	number_live(&slots);
	memcpy(live_uuid, sink->uuid, sizeof(live_uuid));
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	struct sink *other = opened(SLOT_LIVE);
	other->destination.wait_s = 5;
	other->tick = exchange;
	other->tick_context = &slots;
	must(other->ops->take(other, &error));
	assert_string_equal(other->uuid, staging_uuid);
	sink_close(other);
	must(slot_point(&slots, SLOT_LIVE, "dvf.1.sqlite", &error));
	other = taken(SLOT_LIVE);
	assert_string_equal(other->uuid, live_uuid);
	sink_close(other);
	slots_free(&slots);
}

/* --- copy_year */

static struct edition live_edition;

/* 40 records of 2023, of which 3 are rejects; *staging is taken, *live looked at. */
static void live_and_staging(struct sink **staging, struct sink **live)
{
	live_edition = edition_make(2023, 'a');
	const struct reject rejects[] = {
		{ .plain_first = plain_of(31),
			.plain_end = plain_of(32),
			.record = 31,
			.reason = { .column = 1, .text = "no date" },
			.raw = "x\0y",
			.raw_size = 3 },
		{ .plain_first = plain_of(32),
			.plain_end = plain_of(33),
			.record = 32,
			.reason = { .column = -1, .text = "too short" },
			.raw = "",
			.raw_size = 0 },
	};
	must(sink->ops->begin(sink, &live_edition, &error));
	must(load(&live_edition, 1, 20));
	must(load_with(&live_edition, 21, 10, rejects, 2));
	must(load(&live_edition, 33, 8));
	must(sink->ops->index(sink, &live_edition, &error));
	must(check(&live_edition, 40));
	must(publish(&live_edition, 40));
	*staging = taken(SLOT_STAGING);
	*live = opened(SLOT_LIVE);
	assert_true(is_there(*live));
}

static void publish_copy(struct sink *staging, struct edition *edition, struct year_total *total)
{
	must(staging->ops->index(staging, edition, &error));
	must(staging->ops->check(staging, edition, total, &error));
	must(staging->ops->publish(staging, edition, total, &error));
}

/* From now on `ask` is about staging. */
static void ask_staging(void)
{
	snprintf(path, sizeof(path), "%.*s.staging.sqlite", (int)(strlen(kept) - 7), kept);
}

static void test_a_year_is_copied_with_its_witness(void **state)
{
	(void)state;
	struct sink *staging, *live;
	struct edition edition;
	struct year_total total;
	char rows[4096];
	live_and_staging(&staging, &live);
	ask("UPDATE dvf_import_source SET parser_version = parser_version + 7");
	snprintf(rows, sizeof(rows), "%s", ask("SELECT * FROM dvf WHERE source_row IN (1, 40)"));
	must(staging->ops->copy_year(staging, live, 2023, &edition, &total, &error));
	assert_memory_equal(&edition, &live_edition, sizeof(edition));
	assert_int_equal(total.header_end, HEADER);
	assert_int_equal(total.plain_size, plain_of(41));
	assert_int_equal(total.records, 40);
	publish_copy(staging, &edition, &total);
	ask_staging();
	assert_string_equal(ask("SELECT * FROM dvf WHERE source_row IN (1, 40)"), rows);
	assert_string_equal(
		ask("SELECT count(*), min(source_row), max(source_row) FROM dvf"), "38|1|40");
	assert_string_equal(
		ask("SELECT record, column_name, reason, hex(raw) FROM dvf_import_reject"),
		"31|date_mutation|no date|780079|32|~|too short|");
	assert_string_equal(ask("SELECT count(*), sum(rows), sum(rejects), min(crc32) "
				"FROM dvf_import_chunk"),
		"3|38|2|4275878552");
	assert_string_equal(ask("SELECT stage, etag, parser_version > 7, packed_size, plain_size "
				"FROM dvf_import_source"),
		"published|\"a\"|1|12345|4648");
	sink_close(live);
	sink_close(staging);
}

static void test_copying_again_does_nothing_again(void **state)
{
	(void)state;
	struct sink *staging, *live;
	struct edition edition;
	struct year_total total;
	live_and_staging(&staging, &live);
	must(staging->ops->copy_year(staging, live, 2023, &edition, &total, &error));
	ask_staging();
	ask("UPDATE dvf_2023_aaaaaaaaaaaa SET nom_commune = 'seen' WHERE source_row = 1");
	for (int round = 0; round < 3; round++) {
		struct year_total again;
		must(staging->ops->copy_year(staging, live, 2023, &edition, &again, &error));
		assert_int_equal(again.header_end, HEADER);
		assert_int_equal(again.records, 40);
		assert_string_equal(
			ask("SELECT nom_commune FROM dvf_2023_aaaaaaaaaaaa WHERE source_row = 1"),
			"seen");
		if (round == 1)
			publish_copy(staging, &edition, &total);
	}
	assert_string_equal(ask("SELECT count(*) FROM dvf_import_source"), "1");
	sink_close(live);
	sink_close(staging);
}

/* What a killed run left of the edition, or of another, gives way. */
static void test_a_copy_replaces_what_was_being_loaded(void **state)
{
	(void)state;
	struct sink *staging, *live;
	struct edition edition, other = edition_make(2023, 'b');
	struct year_total total;
	live_and_staging(&staging, &live);
	must(staging->ops->begin(staging, &other, &error));
	must(staging->ops->copy_year(staging, live, 2023, &edition, &total, &error));
	ask_staging();
	assert_string_equal(ask("SELECT sha256 GLOB 'a*', count(*) FROM dvf_import_source"), "1|1");
	ask("DELETE FROM dvf_import_chunk WHERE first_record = 33");
	must(staging->ops->copy_year(staging, live, 2023, &edition, &total, &error));
	publish_copy(staging, &edition, &total);
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "38");
	sink_close(live);
	sink_close(staging);
}

static void test_a_copy_is_fenced_and_stops(void **state)
{
	(void)state;
	struct sink *staging, *live;
	struct edition edition, big = edition_make(2024, 'c');
	struct year_total total;
	live_and_staging(&staging, &live);
	must(sink->ops->begin(sink, &big, &error));
	for (unsigned first = 1; first <= MANY; first += MANY / 4)
		must(load(&big, first, MANY / 4));
	must(check(&big, MANY));
	must(publish(&big, MANY));
	stop_request();
	must_fail(staging->ops->copy_year(staging, live, 2024, &edition, &total, &error),
		ERROR_STOPPED);
	stop_reset();
	ask_staging();
	assert_string_equal(ask("SELECT count(*) FROM dvf_import_source"), "0");
	must_fail(staging->ops->copy_year(staging, live, 2020, &edition, &total, &error),
		ERROR_CHANGED);
	struct sink *other = taken(SLOT_STAGING);
	must_fail(staging->ops->copy_year(staging, live, 2023, &edition, &total, &error),
		ERROR_FENCED);
	must(other->ops->copy_year(other, live, 2024, &edition, &total, &error));
	sink_close(other);
	sink_close(live);
	sink_close(staging);
}

#define SLOT_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOT_TEST(test_looking_makes_nothing),
		SLOT_TEST(test_looking_takes_no_fence),
		SLOT_TEST(test_looking_at_a_copy),
		SLOT_TEST(test_staging_is_a_file_beside_live),
		SLOT_TEST(test_a_staging_link_that_leads_nowhere),
		SLOT_TEST(test_staging_that_went_is_not_made_anew),
		SLOT_TEST(test_previous_is_never_made),
		SLOT_TEST(test_names),
		SLOT_TEST(test_an_exchange_between_opening_and_locking),
		SLOT_TEST(test_a_year_is_copied_with_its_witness),
		SLOT_TEST(test_copying_again_does_nothing_again),
		SLOT_TEST(test_a_copy_replaces_what_was_being_loaded),
		SLOT_TEST(test_a_copy_is_fenced_and_stops),
	};
	return sink_tests_run("sink_sqlite_slot", tests, sizeof(tests) / sizeof(tests[0]));
}
