/* What is decided fits into every limit there may be, and follows the limit down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stages/csv.h"
#include "stages/plan.h"
#include "stages/sink.h"

#define MIB ((uint64_t)1 << 20)

static struct plan decide(uint64_t limit, bool postgres, unsigned loaders, uint32_t rows)
{
	struct plan plan = { .budget = { .asked = limit, .limit = limit },
		.postgres = postgres,
		.loaders_asked = loaders,
		.rows_asked = rows };
	plan_decide(&plan);
	return plan;
}

/* The worst file: every chunk nothing but the shortest rejects and ended by the longest record. */
static uint64_t worst(const struct plan *plan)
{
	uint64_t chunk = plan->chunk_bytes + RECORD_MAX;
	uint64_t rejects = plan->chunk_rows * sizeof(struct reject);
	return (plan->loaders * plan->together + plan->spare) * chunk +
	       plan->loaders * (plan->together * rejects + 3 * RECORD_MAX) +
	       (plan->postgres ? 0 : plan->cache_bytes * 3 / 2);
}

static void test_the_worst_file_fits(void **state)
{
	(void)state;
	static const uint32_t rows[] = { 1, 1000, 3000, 100000 };
	for (uint64_t limit = BUDGET_LEAST; limit <= 512 * MIB; limit += MIB)
		for (unsigned loaders = 1; loaders <= 16; loaders++)
			for (unsigned i = 0; i < 8; i++) {
				bool postgres = i >= 4;
				struct plan plan = decide(limit, postgres, loaders, rows[i % 4]);
				/* 5 MiB: ledger, connections, a download over TLS (measured: 3.9).
				 */
				assert_true(worst(&plan) + 5 * MIB <= limit);
				assert_in_range(plan.loaders, 1, postgres ? loaders : 1);
				assert_in_range(plan.together, 1, postgres ? TOGETHER_MOST : 1);
				assert_true(plan.spare >= 1 && plan.chunk_rows >= 1);
			}
}

static void test_the_default_is_what_was_asked(void **state)
{
	(void)state;
	struct plan plan = decide(BUDGET_DEFAULT, true, 4, 3000);
	assert_int_equal(plan.loaders, 4);
	assert_int_equal(plan.chunk_rows, 3000);
	assert_int_equal(plan.chunk_bytes, BUDGET_DEFAULT / 96);
	assert_int_equal(plan.together, 2);
	assert_int_equal(plan.spare, 2);
}

/* A COPY has 12,000 rows where memory allows; loaders come first, and large chunks stand alone. */
static void test_how_many_chunks_share_a_transaction(void **state)
{
	(void)state;
	assert_int_equal(decide(BUDGET_DEFAULT, true, 2, 3000).together, 4);
	assert_int_equal(decide(BUDGET_DEFAULT, true, 2, 3000).spare, 4);
	assert_int_equal(decide(BUDGET_DEFAULT, true, 2, 6000).together, 2);
	assert_int_equal(decide(BUDGET_DEFAULT, true, 2, 12000).together, 1);
	assert_int_equal(decide(BUDGET_DEFAULT, true, 1, 1).together, TOGETHER_MOST);
	assert_int_equal(decide(BUDGET_DEFAULT, false, 1, 3000).together, 1);
	assert_int_equal(decide(24 * MIB, true, 2, 3000).together, 1);
	assert_int_equal(decide(512 * MIB, true, 4, 3000).together, TOGETHER_MOST);
}

static void test_less_memory_is_a_smaller_plan(void **state)
{
	(void)state;
	struct plan before = decide(512 * MIB, true, 16, 100000);
	assert_int_equal(before.loaders, 16);
	for (uint64_t limit = 511 * MIB; limit > 0; limit -= MIB) {
		struct plan plan = decide(limit, true, 16, 100000);
		assert_true(
			plan.loaders <= before.loaders || plan.chunk_bytes < before.chunk_bytes);
		assert_true(plan.chunk_bytes <= before.chunk_bytes);
		assert_true(plan.cache_bytes <= before.cache_bytes);
		before = plan;
	}
	assert_int_equal(before.loaders, 1);
}

/* This process's own limit stands for one that has fallen or risen. */
static void test_it_follows_the_limit(void **state)
{
	(void)state;
	struct plan plan = decide(512 * MIB, true, 4, 3000);
	plan.budget.asked = 24 * MIB;
	assert_false(plan_grow(&plan));
	assert_true(plan_shrink(&plan));
	assert_int_equal(plan.budget.limit, 24 * MIB);
	assert_int_equal(plan.loaders, 1);
	assert_false(plan_shrink(&plan)); /* said once */
	plan.budget.asked = 23 * MIB;     /* wavers */
	assert_false(plan_shrink(&plan));
	plan.budget.asked = 48 * MIB;
	assert_false(plan_shrink(&plan));
	assert_true(plan_grow(&plan));
	assert_int_equal(plan.loaders, 4);
}

static void test_it_says_what_and_why(void **state)
{
	(void)state;
	char text[PLAN_TEXT];
	struct plan plan = decide(24 * MIB, true, 4, 3000);
	plan_text(&plan, text);
	assert_string_equal(text,
		"memory limit 24 MiB (MEMORY_LIMIT): 1 loader instead of 4, 3 chunks of 3000 rows or 256 KiB");
	plan = decide(64 * MIB, false, 4, 100000);
	plan_text(&plan, text);
	assert_string_equal(text,
		"memory limit 64 MiB (MEMORY_LIMIT): 1 loader, 3 chunks of 10922 rows or 682 KiB, "
		"a cache of 4.0 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_worst_file_fits),
		cmocka_unit_test(test_the_default_is_what_was_asked),
		cmocka_unit_test(test_how_many_chunks_share_a_transaction),
		cmocka_unit_test(test_less_memory_is_a_smaller_plan),
		cmocka_unit_test(test_it_follows_the_limit),
		cmocka_unit_test(test_it_says_what_and_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
