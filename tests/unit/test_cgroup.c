/* Made trees of /proc and /sys/fs/cgroup, as v1, v2 and containers show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state/base/budget.h"
#include "state/base/cgroup.h"

#define MIB  ((uint64_t)1 << 20)
#define V1   "/sys/fs/cgroup/memory"
#define V2   "/sys/fs/cgroup"
#define SELF "/proc/self/cgroup"

static char root[64];

static int setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/dvf-cgroup-XXXXXX");
	return mkdtemp(root) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

/* Writes a file below the root, and the folders it needs. */
static void put(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
	for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_self(const char *text)
{
	put("/proc/self", "cgroup", text);
}

static void expect(bool limited, uint64_t limit, uint64_t used)
{
	struct cgroup cgroup;
	cgroup_read(root, &cgroup);
	assert_int_equal(cgroup.limited, limited);
	assert_int_equal(cgroup.limit, limit);
	assert_int_equal(cgroup.used, used);
}

static void test_nothing_is_there(void **state)
{
	(void)state;
	expect(false, 0, 0);
	put_self("");
	expect(false, 0, 0);
	put_self("0::/here\nnonsense\n4:memory\n");
	expect(false, 0, 0);
}

static void test_v1(void **state)
{
	(void)state;
	put_self("9:name=systemd:/x\n4:cpu,memory:/docker/one\n0::/\n");
	put(V1 "/docker/one", "memory.limit_in_bytes", "33554432\n");
	put(V1 "/docker/one", "memory.stat",
		"cache 20000000\nrss 1\nrss_huge 5\ntotal_cache 20000000\ntotal_rss 4096\n"
		"total_rss_huge 999\ntotal_shmem 1024\ntotal_inactive_file 20000000\n");
	put(V1 "/docker", "memory.limit_in_bytes", "9223372036854771712\n");
	put(V1, "memory.limit_in_bytes", "9223372036854771712\n");
	expect(true, 32 * MIB, 5120);
}

static void test_v1_controller_must_be_memory(void **state)
{
	(void)state;
	put_self("4:memory_not,cpuset:/a\n");
	put(V1 "/a", "memory.limit_in_bytes", "33554432\n");
	expect(false, 0, 0);
}

/* /proc/self/cgroup has the host's path; the container's own cgroup is the root of what it sees. */
static void test_v1_in_a_container(void **state)
{
	(void)state;
	put_self("4:memory:/docker/0123456789abcdef\n");
	put(V1, "memory.limit_in_bytes", "67108864\n");
	put(V1, "memory.stat", "total_rss 100\ntotal_shmem 0\n");
	expect(true, 64 * MIB, 100);
}

static void test_v2(void **state)
{
	(void)state;
	put_self("0::/a/b\n");
	put(V2 "/a/b", "memory.max", "max\n");
	put(V2 "/a", "memory.max", "50331648\n");
	put(V2 "/a", "memory.stat",
		"anon 8192\nfile 40000000\nkernel 77\nshmem 4096\ninactive_anon 5\nanon_thp 9\n"
		"active_file 9000000\ninactive_file 31000000\n");
	expect(true, 48 * MIB, 12288);
}

static void test_v2_in_a_container(void **state)
{
	(void)state;
	put_self("0::/\n");
	put(V2, "memory.max", "16777216\n");
	expect(true, 16 * MIB, 0);
}

/* Above memory.high a process is held up so much that it is a limit. */
static void test_v2_high_counts(void **state)
{
	(void)state;
	put_self("0::/a\n");
	put(V2 "/a", "memory.max", "67108864\n");
	put(V2 "/a", "memory.high", "33554432\n");
	expect(true, 32 * MIB, 0);
	put(V2 "/a", "memory.high", "max\n");
	expect(true, 64 * MIB, 0);
	put(V2 "/a", "memory.max", "0\n");
	expect(true, 0, 0);
}

static void test_v2_beside_v1(void **state)
{
	(void)state;
	put_self("1:cpu:/x\n0::/a\n");
	put(V2 "/unified/a", "memory.max", "33554432\n");
	expect(true, 32 * MIB, 0);
}

/* The lowest limit is not what leaves least: a higher level is nearly full with others. */
static void test_level_that_leaves_least(void **state)
{
	(void)state;
	put_self("0::/a/b\n");
	put(V2 "/a/b", "memory.max", "50331648\n");
	put(V2 "/a/b", "memory.stat", "anon 1048576\n");
	put(V2 "/a", "memory.max", "104857600\n");
	put(V2 "/a", "memory.stat", "anon 83886080\nfile 20000000\n");
	expect(true, 100 * MIB, 80 * MIB);
	put(V2 "/a", "memory.stat", "anon 1048576\nfile 20000000\n");
	expect(true, 48 * MIB, 1 * MIB);
	put(V2 "/a/b", "memory.max", "max\n");
	expect(true, 100 * MIB, 1 * MIB);
}

static void expect_budget(const struct budget *budget, uint64_t limit, const char *why)
{
	char said[BUDGET_WHY];
	budget_why(budget, said);
	assert_int_equal(budget->limit, limit);
	assert_string_equal(said, why);
}

static void test_budget(void **state)
{
	struct cgroup none = { 0 };
	struct cgroup small = { .limited = true, .limit = 32 * MIB, .used = 10 * MIB };
	struct cgroup large = { .limited = true, .limit = 512 * MIB, .used = 10 * MIB };
	struct budget budget = { 0 };
	(void)state;
	budget_fit(&budget, &none, 0);
	expect_budget(&budget, BUDGET_DEFAULT, "the default");
	budget_fit(&budget, &large, 10 * MIB);
	expect_budget(&budget, BUDGET_DEFAULT, "the default");
	budget_fit(&budget, &small, 10 * MIB);
	expect_budget(&budget, 32 * MIB, "the cgroup's");
	budget.asked = 24 * MIB;
	budget_fit(&budget, &small, 12 * MIB);
	expect_budget(&budget, 24 * MIB, "MEMORY_LIMIT");
	budget_fit(&budget, &small, 0);
	expect_budget(&budget, 22 * MIB, "what others leave of the cgroup's 32 MiB");
	small.used = 40 * MIB;
	budget_fit(&budget, &small, 0);
	assert_int_equal(budget.limit, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v1_controller_must_be_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v1_in_a_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2_in_a_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2_high_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2_beside_v1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_level_that_leaves_least, setup, teardown),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
