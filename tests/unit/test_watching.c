#include "tests/unit/scratch.h"

#include <stdio.h>
#include <string.h>

#include "cmd/watching.h"
#include "state/base/stop.h"

static char folder[SCRATCH_PATH];
static struct ledger *ledger;
static struct error error;
static struct watching watching;
static uint64_t now_ms;
static unsigned looks;

uint64_t __wrap_clock_ms(void);
bool __real_look_take(struct look **look, const char *state_folder, const struct look_wish *wish,
	struct error *why);
bool __wrap_look_take(struct look **look, const char *state_folder, const struct look_wish *wish,
	struct error *why);

uint64_t __wrap_clock_ms(void)
{
	return now_ms;
}

bool __wrap_look_take(struct look **look, const char *state_folder, const struct look_wish *wish,
	struct error *why)
{
	looks++;
	return __real_look_take(look, state_folder, wish, why);
}

static void put_year(int year)
{
	struct year_state state = { .year = year, .plain_size = 1000, .stage = "published" };
	memset(state.sha256, 'a', SHA256_HEX - 1);
	assert_done(ledger_year_put(ledger, &state, &error));
}

static int begin(void **state)
{
	(void)state;
	bool repaired, known;
	scratch_new(folder, "test_watching");
	assert_done(ledger_open(&ledger, folder, &repaired, &error));
	assert_done(ledger_run_begin(ledger, "0.1", "host", "{}", &error));
	assert_done(ledger_destination(ledger, "uuid-1", "sqlite", "dvf.sqlite", &known, &error));
	put_year(2021);
	put_year(2022);
	watching = (struct watching){ .state_folder = folder };
	now_ms = 1000000;
	looks = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	watching_end(&watching);
	for (unsigned i = 0; i < WATCHING_LOOKS; i++)
		assert_null(watching.kept[i].look);
	ledger_close(ledger);
	return scratch_remove(folder);
}

static void expect_map(int asked, int shown)
{
	watching_look(&watching, asked);
	assert_non_null(watching.look);
	assert_int_equal(watching.look->map.year, shown);
}

static unsigned kept(void)
{
	unsigned count = 0;
	for (unsigned i = 0; i < WATCHING_LOOKS; i++)
		count += watching.kept[i].look != NULL;
	return count;
}

static void test_each_year_is_looked_at_once(void **state)
{
	(void)state;
	expect_map(2021, 2021);
	expect_map(2022, 2022);
	expect_map(0, 2022);
	looks = 0;
	for (unsigned i = 0; i < 100; i++) {
		expect_map(2021, 2021);
		expect_map(2022, 2022);
		expect_map(0, 2022);
		expect_map(1990 + (int)i % 30, 2022);
	}
	assert_int_equal(looks, 0);
	now_ms += WATCHING_FRESH_MS;
	for (unsigned i = 0; i < 100; i++)
		expect_map(i % 2 ? 2021 : 2022, i % 2 ? 2021 : 2022);
	assert_int_equal(looks, 2);
	assert_int_equal(kept(), 3);
}

static void test_a_year_that_comes(void **state)
{
	(void)state;
	expect_map(2023, 2022);
	put_year(2023);
	expect_map(2023, 2022);
	now_ms += WATCHING_FRESH_MS;
	expect_map(2023, 2023);
}

static void test_what_nobody_asks_for_goes(void **state)
{
	(void)state;
	expect_map(2021, 2021);
	expect_map(2022, 2022);
	now_ms += WATCHING_KEPT_MS + 1;
	expect_map(2022, 2022);
	assert_int_equal(kept(), 1);
}

static void test_a_ledger_that_goes(void **state)
{
	(void)state;
	expect_map(2021, 2021);
	expect_map(2022, 2022);
	ledger_close(ledger);
	ledger = NULL;
	assert_int_equal(scratch_remove(folder), 0);
	now_ms += WATCHING_FRESH_MS;
	watching_look(&watching, 2021);
	assert_null(watching.look);
	assert_int_equal(kept(), 0);
	looks = 0;
	for (unsigned i = 0; i < 100; i++)
		watching_look(&watching, i % 2 ? 2021 : 2022);
	assert_in_range(looks, 0, 1);
	scratch_new(folder, "test_watching");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_year_is_looked_at_once),
		TEST(test_a_year_that_comes),
		TEST(test_what_nobody_asks_for_goes),
		TEST(test_a_ledger_that_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
