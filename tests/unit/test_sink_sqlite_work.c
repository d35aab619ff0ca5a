/*
 * The SQLite sink at work: waiting for a lock, stopping, a disk that is full, and what it does not
 * believe.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/sink_fixture.h"

#include "stages/sink_sqlite.h"
#include "state/base/stop.h"

#define MANY 20000 /* rows enough for an index to take a while */

static unsigned ticks;

static void count_tick(void *context)
{
	(void)context;
	ticks++;
}

/* The chunk of a run that still lives is waited for, not cut into. */
static void test_take_waits_for_a_chunk_in_flight(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct chunk_record record = chunk_of(1, 10, 0);
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 1, 10));
	struct sink *other = NULL;
	struct destination destination = { .url = path, .run_name = "another run" };
	must(sink_open(&other, &destination, &error));
	must_fail(other->ops->take(other, &error), ERROR_BUSY);
	sink_close(other);
	ticks = 0;
	sink->tick = count_tick;
	sink->destination.wait_s = 1;
	uint64_t began = clock_ms();
	must_fail(sink->ops->forget(sink, &edition, &error), ERROR_BUSY);
	assert_true(clock_ms() - began >= 1000);
	assert_true(ticks >= 4);
	stop_request();
	must_fail(sink->ops->forget(sink, &edition, &error), ERROR_STOPPED);
	stop_reset();
	must(loader->ops->commit(loader, &record, NULL, 0, &error));
	must(sink->ops->forget(sink, &edition, &error));
}

static void test_long_work_ticks_and_stops(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	for (unsigned first = 1; first <= MANY; first += MANY / 4)
		must(load(&edition, first, MANY / 4));
	ticks = 0;
	sink->tick = count_tick;
	stop_request();
	must_fail(sink->ops->index(sink, &edition, &error), ERROR_STOPPED);
	stop_reset();
	assert_true(ticks > 0);
	must(sink->ops->index(sink, &edition, &error));
	must(check(&edition, MANY));
	assert_string_equal(ask("SELECT count(*) FROM sqlite_master WHERE type = 'index' "
				"AND tbl_name = %s AND sql IS NOT NULL",
				    "'dvf_2023_aaaaaaaaaaaa'"),
		"5");
}

static void test_counts_that_do_not_agree_are_not_committed(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct chunk_record record = chunk_of(1, 11, 0);
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must(put_rows(&edition, 1, 10));
	must_fail(loader->ops->commit(loader, &record, NULL, 0, &error), ERROR_DATABASE);
	loader->ops->rollback(loader);
	assert_int_equal(ranges_known(&edition), 0);
}

static void test_a_row_of_another_year_is_refused(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct made_rows rows = { { next_made }, 2022, 1, 2, .bad = -1 };
	uint64_t taken = 0;
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must_fail(loader->ops->copy(loader, false, &rows.source, &taken, &error), ERROR_DATA);
	loader->ops->rollback(loader);
}

/* A row that SQLite refuses takes the rows before it along, and is named. */
static void test_a_copy_is_all_or_nothing(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct made_rows rows = { { next_made }, 2023, 1, 11, .bad = 7 };
	uint64_t taken = 99;
	must(sink->ops->begin(sink, &edition, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must_fail(loader->ops->copy(loader, false, &rows.source, &taken, &error), ERROR_DATA);
	assert_non_null(strstr(error.text, "record 7 of 2023"));
	assert_int_equal(taken, 0);
	struct chunk_record record = chunk_of(1, 3, 0);
	must(put_rows(&edition, 1, 3));
	must(loader->ops->commit(loader, &record, NULL, 0, &error));
	must(loader->ops->begin(loader, &edition, &error));
	must_fail(put_rows(&edition, 3, 10), ERROR_LOST);
	assert_non_null(strstr(error.text, "record 3 of 2023"));
	must(put_rows(&edition, 4, 10));
	record = chunk_of(4, 10, 0);
	must(loader->ops->commit(loader, &record, NULL, 0, &error));
	assert_string_equal(
		ask("SELECT count(*), max(source_row) FROM %s", edition_table(&edition)), "13|13");
}

/* To read the witness again helps where a chunk counts the record, and only there. */
static void test_a_record_that_is_in_already(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 3));
	must(load(&edition, 4, 3));
	must_fail(load(&edition, 6, 3), ERROR_LOST);
	ask("DELETE FROM dvf_import_chunk WHERE first_record = 4");
	must_fail(load(&edition, 3, 3), ERROR_LOST);
	for (unsigned first = 4; first <= 6; first++) {
		must_fail(load(&edition, first, 3), ERROR_CHANGED);
		assert_non_null(strstr(error.text, "no chunk counts it"));
	}
	must(load(&edition, 7, 3));
}

/* Gives five rows, and then an error of its own. */
static bool next_failing(struct row_source *source, const struct row **row, struct error *at)
{
	struct made_rows *rows = (struct made_rows *)source;
	return rows->next == 6 ? error_set(at, ERROR_MEMORY, "no memory for rejects")
			       : next_made(source, row, at);
}

static void test_a_source_that_fails_is_heard(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct made_rows rows = { { next_failing }, 2023, 1, 11, .bad = -1 };
	uint64_t taken = 0;
	must(sink->ops->begin(sink, &edition, &error));
	for (int32_t first = 6; first > 0; first -= 5) {
		must(loader->ops->begin(loader, &edition, &error));
		rows.next = first; /* at once, and after five rows */
		must_fail(loader->ops->copy(loader, true, &rows.source, &taken, &error),
			ERROR_MEMORY);
		assert_string_equal(error.text, "no memory for rejects");
		must(loader->ops->copy_undo(loader, &error));
		loader->ops->rollback(loader);
	}
	must(load(&edition, 1, 10));
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "10");
}

/* Somebody's trigger must not take rows out of the copy under way. */
static void test_the_rows_of_a_copy_are_for_it_alone(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must(sink->ops->begin(sink, &edition, &error));
	ask("CREATE TRIGGER curious AFTER INSERT ON %s BEGIN SELECT count(*) FROM dvf_import_rows; "
	    "END",
		edition_table(&edition));
	must_fail(load(&edition, 1, 10), ERROR_DATABASE);
	ask("DROP TRIGGER curious");
	must(load(&edition, 1, 10));
}

/* The chunk after it says nothing of a table that is not there. */
static void test_an_insert_that_memory_was_short_for(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct sqlite_insert insert = { 0 };
	sqlite3 *db = NULL;
	must(sink->ops->begin(sink, &edition, &error));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_hard_heap_limit64(1);
	bool made = sqlite_insert_make(&insert, db, "dvf_2023_aaaaaaaaaaaa", &error);
	sqlite3_hard_heap_limit64(0);
	must_fail(made, ERROR_MEMORY);
	must(sqlite_insert_make(&insert, db, "dvf_2023_aaaaaaaaaaaa", &error));
	sqlite_insert_free(&insert);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Held for days, and somebody was at the table meanwhile. */
static void test_publish_counts_again(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	load_and_check(&edition, 30);
	must(sink->ops->judge(sink, &edition, EDITION_HELD, "why", "under", &error));
	ask("DELETE FROM %s WHERE source_row = 7", edition_table(&edition));
	must_fail(publish(&edition, 30), ERROR_INPUT);
	assert_string_equal(ask("SELECT count(*) FROM dvf"), "0");
}

static void test_judging_what_never_began(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	must_fail(sink->ops->judge(sink, &edition, EDITION_HELD, "why", "under", &error),
		ERROR_REFUSED);
	must(sink->ops->judge(sink, &edition, EDITION_REFUSED, "corrupt", "", &error));
	assert_int_equal(stage_of(&edition), EDITION_REFUSED);
	must(sink->ops->judge(sink, &edition, EDITION_REFUSED, "corrupt", "again", &error));
	import(&edition, 30);
}

/* No file of this process may grow past `bytes`, as if the disk were full. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_loses_only_the_chunk_in_hand(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	unsigned loaded = 0;
	signal(SIGXFSZ, SIG_IGN);
	must(sink->ops->begin(sink, &edition, &error));
	limit_files(1 << 20);
	while (loaded < MANY && load(&edition, loaded + 1, 500))
		loaded += 500;
	limit_files(RLIM_INFINITY);
	assert_int_equal(error.kind, ERROR_FULL);
	assert_true(loaded > 0 && loaded < MANY);
	assert_int_equal(ranges_known(&edition), 1);
	char expected[16];
	snprintf(expected, sizeof(expected), "%u", loaded);
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), expected);
	must(load(&edition, loaded + 1, 500));
	must(sink->ops->index(sink, &edition, &error));
	must(check(&edition, loaded + 500));
	assert_string_equal(ask("PRAGMA integrity_check"), "ok");
}

/* --- reads that fail, and the system says nothing of it */

static sqlite3_vfs silent;
static int (*open_really)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*read_really)(sqlite3_file *, void *, int, sqlite3_int64);
static bool reads_fail;

static int read_silent(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
	return reads_fail ? SQLITE_IOERR_READ : read_really(file, bytes, size, at);
}

/* The file itself and its log have methods of their own. */
static int open_silent(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *opened)
{
	static sqlite3_io_methods methods[2];
	int code = open_really(vfs, name, file, flags, opened);
	if (code == SQLITE_OK) {
		sqlite3_io_methods *own = &methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
		*own = *file->pMethods;
		read_really = own->xRead;
		own->xRead = read_silent;
		file->pMethods = own;
	}
	return code;
}

static void silent_begin(void)
{
	silent = *sqlite3_vfs_find(NULL);
	open_really = silent.xOpen;
	silent.xOpen = open_silent;
	silent.zName = "silent";
	assert_int_equal(sqlite3_vfs_register(&silent, 1), SQLITE_OK);
	loader->ops->close(loader);
	must(sink->ops->loader_open(sink, &loader, &error));
}

static void silent_end(void)
{
	loader->ops->close(loader);
	assert_int_equal(sqlite3_vfs_unregister(&silent), SQLITE_OK);
	must(sink->ops->loader_open(sink, &loader, &error));
}

/* A disk that was full once, whatever met that, is not the reason. */
static void test_an_old_errno_is_not_the_reason(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	must(sink->ops->begin(sink, &edition, &error));
	must(load(&edition, 1, 10));
	silent_begin();
	/* That opens the file, which sets errno; what is in it is to be read afterwards. */
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ask("CREATE TABLE of_somebody (mine)");
	must(loader->ops->begin(loader, &edition, &error));

	reads_fail = true;
	errno = ENOSPC;
	bool put = put_rows(&edition, 11, 10);
	struct error said = error;
	errno = ENOSPC;
	bool prepared = sqlite_prepare(db, &statement, "SELECT * FROM dvf", NULL, &error);
	reads_fail = false;

	must_fail(prepared, ERROR_DATABASE);
	error = said;
	must_fail(put, ERROR_DATABASE);
	loader->ops->rollback(loader);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	must(load(&edition, 11, 10));
	silent_end();
	assert_string_equal(ask("SELECT count(*) FROM %s", edition_table(&edition)), "20");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_take_waits_for_a_chunk_in_flight),
		SINK_TEST(test_long_work_ticks_and_stops),
		SINK_TEST(test_counts_that_do_not_agree_are_not_committed),
		SINK_TEST(test_a_row_of_another_year_is_refused),
		SINK_TEST(test_a_copy_is_all_or_nothing),
		SINK_TEST(test_a_record_that_is_in_already),
		SINK_TEST(test_a_source_that_fails_is_heard),
		SINK_TEST(test_the_rows_of_a_copy_are_for_it_alone),
		SINK_TEST(test_an_insert_that_memory_was_short_for),
		SINK_TEST(test_publish_counts_again),
		SINK_TEST(test_judging_what_never_began),
		SINK_TEST(test_an_old_errno_is_not_the_reason),
		SINK_TEST(test_a_full_disk_loses_only_the_chunk_in_hand),
	};
	return cmocka_run_group_tests_name("sink_sqlite_work", tests, NULL, NULL);
}
