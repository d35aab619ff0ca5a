#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/db.h"
#include "state/ledger.h"

#define HEADER_SIZE   100
#define VERSION_AT    60 /* where the header holds user_version, 4 bytes */
#define BIG_TEXT      20000
#define BALLAST_SIZE  (1 << 20)
#define SMALL_DISK    "size=3m"
#define NOBODY        65534
#define NEWER_VERSION "PRAGMA user_version = 4711"
#define NEWER_SENTENCE                                                                             \
	"state.sqlite was written by a newer dvf-import (schema 4711): "                           \
	"use that version, or another --state"

static char folder[SCRATCH_PATH];
static char path[128];
static struct error error;

static int begin(void **state)
{
	(void)state;
	scratch_new(folder, "test_ledger_open");
	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return scratch_remove(folder);
}

static const char *beside(const char *name)
{
	static char text[192];
	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static bool there(const char *name)
{
	return access(beside(name), F_OK) == 0;
}

/* A ledger with one ended run in it, closed again. */
static void make_one(void)
{
	struct ledger *ledger = NULL;
	bool repaired = true;
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	ledger_close(ledger);
}

static void write_file(const char *name, off_t offset, const void *bytes, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, bytes, size, offset), size);
	close(fd);
}

static void flip(off_t at)
{
	unsigned char byte;
	int fd = open(path, O_RDONLY);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	close(fd);
	byte ^= 0xff;
	write_file(path, at, &byte, 1);
}

/* Works: takes a run, and its history holds. */
static void assert_sound(struct ledger *ledger, int64_t events)
{
	int64_t count = 0;
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_run_end(ledger, "done", 0, 1, NULL, &error));
	assert_done(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(count, events);
}

static bool keep_first(void *context, const struct event *event, struct error *why)
{
	struct buf *text = context;
	return text->size > 0 || buf_print(text, why, "%s %s", event->kind, event->body);
}

static void assert_repaired(const char *set_aside)
{
	struct ledger *ledger = NULL;
	struct buf text = { 0 };
	struct event_filter all = { 0 };
	bool repaired = false;
	char wanted[128];
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_true(repaired);
	assert_done(ledger_events(ledger, &all, keep_first, &text, &error));
	snprintf(wanted, sizeof(wanted), "state repaired {\"set_aside\":\"%s\",\"reason\":\"/",
		set_aside);
	assert_memory_equal(text.bytes, wanted, strlen(wanted));
	assert_true(there(set_aside));
	assert_sound(ledger, 3);
	buf_free(&text);
	ledger_close(ledger);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	ledger_close(ledger);
}

static void test_files_are_the_owners_alone(void **state)
{
	(void)state;
	static const char *const names[] = { LEDGER_FILE, LEDGER_FILE "-wal", LEDGER_FILE "-shm",
		"ballast" };
	mode_t masks[] = { 0, 0777 };
	for (int i = 0; i < 2; i++) {
		struct ledger *ledger = NULL;
		struct stat st;
		bool repaired;
		mode_t old = umask(masks[i]);
		bool done = ledger_open(&ledger, folder, &repaired, &error);
		umask(old);
		assert_done(done);
		assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			assert_int_equal(stat(beside(names[n]), &st), 0);
			if (n < 3)
				assert_int_equal(st.st_mode & 0777, 0600);
			assert_int_equal(st.st_mode & 0177, 0);
		}
		assert_int_equal(st.st_size, BALLAST_SIZE);
		assert_true(st.st_blocks * 512 >= BALLAST_SIZE);
		ledger_close(ledger);
		assert_int_equal(scratch_remove(folder), 0);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
}

static void test_every_flipped_header_byte_is_survived(void **state)
{
	(void)state;
	unsigned repairs = 0;
	for (off_t at = 0; at < HEADER_SIZE; at++) {
		struct ledger *ledger = NULL;
		bool repaired = false;
		make_one();
		flip(at);
		bool done = ledger_open(&ledger, folder, &repaired, &error);
		if (!done) {
			assert_int_equal(error.kind, ERROR_REFUSED);
			assert_in_range(at, VERSION_AT, VERSION_AT + 3);
		} else {
			assert_int_equal(there(LEDGER_FILE ".broken-1"), repaired);
			assert_sound(ledger, repaired ? 3 : 4);
			ledger_close(ledger);
		}
		repairs += repaired;
		if (at < 16)
			assert_true(repaired);
		assert_int_equal(scratch_remove(folder), 0);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
	assert_in_range(repairs, 30, HEADER_SIZE);
}

static void test_garbage_is_set_aside(void **state)
{
	(void)state;
	static const size_t sizes[] = { 2, 50, 100, 511, 512, 4096, 100000 };
	char name[64];
	unsigned seed = 7;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *bytes = malloc(sizes[i]);
		assert_non_null(bytes);
		for (size_t at = 0; at < sizes[i]; at++)
			bytes[at] = (char)(seed = seed * 1103515245 + 12345) >> 3;
		unlink(path);
		write_file(path, 0, bytes, sizes[i]);
		free(bytes);
		snprintf(name, sizeof(name), LEDGER_FILE ".broken-%zu", i + 1);
		assert_repaired(name);
		struct stat st;
		assert_int_equal(stat(beside(name), &st), 0);
		assert_int_equal(st.st_size, sizes[i]);
	}
}

/* The numbers that are taken, by any of the three files, are left alone. */
static void test_first_free_number_is_used(void **state)
{
	(void)state;
	static const char junk[] = "this is not a database, however long one looks at it";
	write_file(beside(LEDGER_FILE ".broken-1"), 0, "old", 3);
	write_file(beside(LEDGER_FILE ".broken-2-wal"), 0, "old", 3);
	write_file(path, 0, junk, sizeof(junk));
	write_file(beside(LEDGER_FILE "-wal"), 0, junk, sizeof(junk));
	assert_repaired(LEDGER_FILE ".broken-3");
	assert_true(there(LEDGER_FILE ".broken-1"));
	assert_true(there(LEDGER_FILE ".broken-2-wal"));
	assert_false(there(LEDGER_FILE ".broken-2"));
	assert_true(there(LEDGER_FILE ".broken-3-wal"));
}

static void test_damaged_inner_page_is_found(void **state)
{
	(void)state;
	static const char junk[1000] = "junk";
	make_one();
	write_file(path, 4096, junk, sizeof(junk));
	assert_repaired(LEDGER_FILE ".broken-1");
}

static void test_foreign_database_is_set_aside(void **state)
{
	(void)state;
	struct db *db = NULL;
	write_file(path, 0, "", 0);
	assert_done(db_open(&db, path, DB_WRITE, &error));
	assert_done(db_execute(db, "CREATE TABLE other (a)", "test", &error));
	db_close(db);
	assert_repaired(LEDGER_FILE ".broken-1");
}

static int64_t version(void)
{
	struct db *db = NULL;
	struct db_query *query = NULL;
	assert_done(db_open(&db, path, DB_READ, &error));
	assert_done(db_prepare(db, "PRAGMA user_version", "test", &query, &error));
	assert_done(db_one(query, &error));
	int64_t number = db_number(query, 0);
	db_end(query);
	db_close(db);
	return number;
}

static void set_version(const char *sql)
{
	struct db *db = NULL;
	assert_done(db_open(&db, path, DB_WRITE, &error));
	assert_done(db_execute(db, sql, "test", &error));
	db_close(db);
}

static void test_newer_schema_is_refused(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	bool repaired = true;
	make_one();
	set_version(NEWER_VERSION);
	for (int i = 0; i < 2; i++) {
		assert_false(i == 0 ? ledger_open(&ledger, folder, &repaired, &error)
				    : ledger_open_reader(&ledger, folder, &error));
		assert_null(ledger);
		assert_int_equal(error.kind, ERROR_REFUSED);
		assert_string_equal(error.text, NEWER_SENTENCE);
	}
	assert_false(repaired);
	assert_false(there(LEDGER_FILE ".broken-1"));
}

/* A run killed between two steps of the schema: the next goes on, a reader waits for it. */
static void test_schema_goes_on_from_every_step(void **state)
{
	(void)state;
	make_one();
	int64_t last = version();
	assert_in_range(last, 15, 100);
	set_version("DROP TRIGGER event_replace; DROP TABLE sample; DROP TABLE reject_place; "
		    "PRAGMA user_version = 12");
	struct ledger *ledger = NULL;
	bool repaired = true;
	assert_false(ledger_open_reader(&ledger, folder, &error));
	assert_int_equal(error.kind, ERROR_REFUSED);
	assert_non_null(strstr(error.text, "older schema (12)"));
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_sound(ledger, 4);
	ledger_close(ledger);
	assert_int_equal(version(), last);
}

/* As nobody, who may not write there. Without root the test itself is such a user. */
static void test_read_only_folder_is_said(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	bool repaired;
	bool root = geteuid() == 0;
	assert_int_equal(chmod(folder, 0555), 0);
	assert_false(root && seteuid(NOBODY) == -1);
	bool made = ledger_open(&ledger, folder, &repaired, &error);
	assert_false(root && seteuid(0) == -1);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_false(made);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, path));
	assert_non_null(strstr(error.text, "--state"));
	assert_non_null(strstr(error.text, "Permission denied"));
	make_one();
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(folder, 0555), 0);
	assert_false(root && seteuid(NOBODY) == -1);
	made = ledger_open(&ledger, folder, &repaired, &error);
	assert_false(root && seteuid(0) == -1);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_false(made);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "--state"));
	assert_false(there(LEDGER_FILE ".broken-1"));
}

static void test_reader_needs_a_ledger(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	assert_false(ledger_open_reader(&ledger, folder, &error));
	assert_int_equal(error.kind, ERROR_REFUSED);
	assert_non_null(strstr(error.text, "nothing was imported"));
	write_file(path, 0, "", 0);
	assert_false(ledger_open_reader(&ledger, folder, &error));
	assert_int_equal(error.kind, ERROR_REFUSED);
	write_file(path, 0, "certainly not a database, is it", 31);
	assert_false(ledger_open_reader(&ledger, folder, &error));
	assert_int_equal(error.kind, ERROR_DAMAGED);
	assert_null(ledger);
}

static void test_reader_sees_a_writer_at_work(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	struct ledger *reader = NULL;
	struct event_filter all = { 0 };
	bool repaired;
	int64_t count = 0;
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(ledger_open_reader(&reader, folder, &error));
	for (int64_t i = 1; i <= 3; i++) {
		struct buf json = { 0 };
		assert_done(ledger_event(ledger, "noted", 2021, NULL, 0, &error));
		assert_done(ledger_history_verify(reader, &count, &error));
		assert_int_equal(count, i);
		assert_done(ledger_status_json(reader, &json, &error));
		assert_done(ledger_history_json(reader, &all, &json, &error));
		buf_free(&json);
	}
	assert_false(ledger_event(reader, "noted", 2021, NULL, 0, &error));
	ledger_close(reader);
	assert_done(ledger_event(ledger, "noted", 2021, NULL, 0, &error));
	ledger_close(ledger);
}

/* The writer was killed: its -wal is all there is of what it said. */
static void test_reader_after_a_killed_writer(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	int64_t count = 0;
	pid_t child = fork();
	if (child == 0) {
		bool repaired;
		bool done = ledger_open(&ledger, folder, &repaired, &error) &&
			    ledger_event(ledger, "noted", 2021, NULL, 0, &error);
		_exit(done ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(there(LEDGER_FILE "-wal"));
	assert_done(ledger_open_reader(&ledger, folder, &error));
	assert_done(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(count, 1);
	ledger_close(ledger);
}

static bool add_big_event(struct ledger *ledger)
{
	static char text[BIG_TEXT];
	memset(text, 'x', sizeof(text) - 1);
	struct field field = FIELD_T("text", text);
	return ledger_event(ledger, "big", 0, &field, 1, &error);
}

static void assert_full(struct ledger *ledger, int64_t events)
{
	int64_t count = 0;
	assert_false(add_big_event(ledger));
	if (error.kind != ERROR_FULL)
		fail_msg("not full: %s", error.text);
	assert_non_null(strstr(error.text, path));
	assert_non_null(strstr(error.text, "make room"));
	assert_done(ledger_history_verify(ledger, &count, &error));
	assert_int_equal(count, events);
}

static void test_file_size_limit_is_a_full_disk(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	struct rlimit before;
	bool repaired;
	assert_int_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(add_big_event(ledger));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	struct stat st;
	assert_int_equal(stat(beside(LEDGER_FILE "-wal"), &st), 0);
	struct rlimit tight = { .rlim_cur = (rlim_t)st.st_size, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_full(ledger, 1);
	assert_false(there("ballast"));
	assert_full(ledger, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_done(add_big_event(ledger));
	assert_sound(ledger, 4);
	ledger_close(ledger);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_sound(ledger, 6);
	ledger_close(ledger);
	assert_true(there("ballast"));
}

static bool mount_small_disk(void)
{
	if (unshare(CLONE_NEWNS) == -1)
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", folder, "tmpfs", 0, SMALL_DISK) == 0;
}

static void fill_disk(const char *name)
{
	static const char zeros[4096];
	int fd = open(beside(name), O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_int_not_equal(fd, -1);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
}

static void test_ballast_is_given_up_for_the_last_words(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	bool repaired;
	if (!mount_small_disk())
		skip();
	bool known;
	const struct year_state where = { .year = 2023, .stage = "loading" };
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(ledger_run_begin(ledger, "0.1", "h", "{}", &error));
	assert_done(ledger_destination(ledger, "uuid", "sqlite", "to", &known, &error));
	fill_disk("filler");
	/* Not for what is told four times a second. */
	while (ledger_year_note(ledger, &where, &error))
		assert_false(ledger_is_failing(ledger));
	assert_int_equal(error.kind, ERROR_FULL);
	assert_true(ledger_is_failing(ledger));
	assert_true(there("ballast"));
	for (int i = 0; i < 10; i++)
		assert_done(add_big_event(ledger));
	assert_false(there("ballast"));
	fill_disk("filler");
	assert_full(ledger, 11);
	ledger_close(ledger);
	assert_int_equal(unlink(beside("filler")), 0);
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_sound(ledger, 14);
	ledger_close(ledger);
	assert_true(there("ballast"));
	assert_int_equal(umount(folder), 0);
}

/* The disk was full when the last run ended: the next can still begin, and say why it ends. */
static void test_open_on_a_full_disk(void **state)
{
	(void)state;
	struct ledger *ledger = NULL;
	bool repaired;
	if (!mount_small_disk())
		skip();
	make_one();
	fill_disk("filler");
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_false(repaired);
	assert_sound(ledger, 4);
	ledger_close(ledger);
	unlink(beside("ballast"));
	fill_disk("filler");
	ledger = NULL;
	assert_false(ledger_open(&ledger, folder, &repaired, &error) &&
		     ledger_run_begin(ledger, "0.1", "h", "{}", &error) && add_big_event(ledger));
	if (error.kind != ERROR_FULL)
		fail_msg("not full: %s", error.text);
	ledger_close(ledger);
	assert_int_equal(unlink(beside("filler")), 0);
	make_one();
	assert_int_equal(umount(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_files_are_the_owners_alone),
		TEST(test_every_flipped_header_byte_is_survived),
		TEST(test_garbage_is_set_aside),
		TEST(test_first_free_number_is_used),
		TEST(test_damaged_inner_page_is_found),
		TEST(test_foreign_database_is_set_aside),
		TEST(test_newer_schema_is_refused),
		TEST(test_schema_goes_on_from_every_step),
		TEST(test_read_only_folder_is_said),
		TEST(test_reader_needs_a_ledger),
		TEST(test_reader_sees_a_writer_at_work),
		TEST(test_reader_after_a_killed_writer),
		TEST(test_file_size_limit_is_a_full_disk),
		TEST(test_ballast_is_given_up_for_the_last_words),
		TEST(test_open_on_a_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
