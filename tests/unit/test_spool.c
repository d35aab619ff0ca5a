#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/spool.h"
#include "state/base/stop.h"

#define FILE_NAME "2023-0.csv.gz"

static char folder[32];
static char path[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/spool-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/" FILE_NAME, folder);
	stop_reset();
	return 0;
}

static int folder_drop(void **state)
{
	(void)state;
	unlink(path);
	rmdir(path);
	return rmdir(folder);
}

static void file_put(const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* A file as it is now, as a spool. */
static struct spool spool_of(const char *bytes, size_t size)
{
	struct error error;
	struct sha256 *sum = NULL;
	struct spool spool;
	memset(&spool, 0, sizeof(spool));
	strcpy(spool.file, FILE_NAME);
	spool.packed_size = size;
	assert_true(sha256_new(&sum, &error));
	assert_true(sha256_add(sum, bytes, size, &error));
	assert_true(sha256_end(sum, spool.sha256, &error));
	sha256_free(sum);
	return spool;
}

static void expect_same(const struct spool *spool, bool expected)
{
	struct error error;
	bool same = !expected;
	assert_true(spool_check(folder, spool, &same, &error));
	assert_int_equal(same, expected);
}

static void test_sha256(void **state)
{
	(void)state;
	assert_string_equal(spool_of("", 0).sha256,
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(spool_of("abc", 3).sha256,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_free(NULL);
}

static void test_sha256_in_pieces(void **state)
{
	(void)state;
	char bytes[200];
	memset(bytes, 'z', sizeof(bytes));
	struct spool whole = spool_of(bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		struct error error;
		struct sha256 *sum = NULL;
		char hex[SHA256_HEX];
		assert_true(sha256_new(&sum, &error));
		assert_true(sha256_add(sum, bytes, cut, &error));
		assert_true(sha256_add(sum, bytes + cut, sizeof(bytes) - cut, &error));
		assert_true(sha256_end(sum, hex, &error));
		assert_string_equal(hex, whole.sha256);
		sha256_free(sum);
	}
}

/* Every byte counts, also those round the reading buffer's end. */
static void test_check(void **state)
{
	(void)state;
	size_t size = ((size_t)64 << 10) + 1;
	char *bytes = calloc(1, size);
	assert_non_null(bytes);
	struct spool spool = spool_of(bytes, size);
	file_put(bytes, size);
	expect_same(&spool, true);
	const size_t places[] = { 0, 1, size / 2, size - 3, size - 2, size - 1 };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bytes[places[i]] ^= 1;
		file_put(bytes, size);
		expect_same(&spool, false);
		assert_true(spool_there(folder, &spool));
		bytes[places[i]] ^= 1;
	}
	file_put(bytes, size - 1);
	expect_same(&spool, false);
	assert_false(spool_there(folder, &spool));
	free(bytes);
}

static void test_check_of_nothing(void **state)
{
	(void)state;
	struct spool spool = spool_of("", 0);
	expect_same(&spool, false);
	assert_false(spool_there(folder, &spool));
	file_put("", 0);
	expect_same(&spool, true);
	assert_true(spool_there(folder, &spool));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_same(&spool, false);
	assert_false(spool_there(folder, &spool));
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_same(&spool, false);
}

static void test_check_stops(void **state)
{
	(void)state;
	struct error error;
	bool same = true;
	struct spool spool = spool_of("abc", 3);
	file_put("abc", 3);
	stop_request();
	assert_false(spool_check(folder, &spool, &same, &error));
	assert_int_equal(error.kind, ERROR_STOPPED);
	assert_false(same);
	stop_reset();
}

static void test_remove(void **state)
{
	(void)state;
	struct error error;
	uint64_t freed = 99;
	assert_true(spool_remove(folder, FILE_NAME, &freed, &error));
	assert_int_equal(freed, 0);
	file_put("abc", 3);
	assert_true(spool_remove(folder, FILE_NAME, &freed, &error));
	assert_int_equal(freed, 3);
	assert_int_equal(access(path, F_OK), -1);
	file_put("abc", 3);
	assert_true(spool_remove(folder, FILE_NAME, NULL, &error));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(spool_remove(folder, FILE_NAME, &freed, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
}

/* A ledger that was tampered with must not reach out of the folder. */
static void test_path(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", ".", "..", "../x", "/x", "a/b", ".x" };
	struct error error;
	char got[PATH_MAX];
	assert_true(spool_path("/f", "x", got, sizeof(got), &error));
	assert_string_equal(got, "/f/x");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(spool_path("/f", wrong[i], got, sizeof(got), &error));
	assert_true(spool_path("/f", "x", got, 5, &error));
	assert_false(spool_path("/f", "x", got, 4, &error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_sha256_in_pieces),
		TEST(test_check),
		TEST(test_check_of_nothing),
		TEST(test_check_stops),
		TEST(test_remove),
		cmocka_unit_test(test_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
