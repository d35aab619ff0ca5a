/*
 * The wrapper round libpq, most of it on the server that TEST_POSTGRES_URL names
 * (tests/e2e/test_sink_contract.py gives one); without it those tests are skipped.
 */
#include "tests/unit/must.h"

#include <stdlib.h>
#include <string.h>

#include "stages/pg.h"
#include "state/base/stop.h"

#define SHORT_MS 300

static struct pg pg;

static int set_up(void **state)
{
	(void)state;
	const char *url = getenv("TEST_POSTGRES_URL");
	pg = (struct pg){ .interrupts = true };
	return url == NULL || pg_connect(&pg, url, 10, &error) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pg_close(&pg);
	return 0;
}

static void test_without_a_connection(void **state)
{
	(void)state;
	struct pg none = { 0 };
	struct error refused;
	PGresult *result = NULL;
	must_fail(pg_exec(&none, "SELECT 1", &result, &error), ERROR_LOST);
	assert_null(result);
	pg_rollback(&none);
	bool connected = pg_connect(&none, "postgresql:///?no_such_word=1", 0, &refused);
	assert_false(connected);
	assert_int_equal(refused.kind, ERROR_USAGE);
	pg_close(&none);
}

static void test_a_statement_that_takes_too_long(void **state)
{
	(void)state;
	if (pg.conn == NULL)
		skip();
	uint64_t began = clock_ms();
	pg.until_ms = began + SHORT_MS;
	must_fail(pg_exec(&pg, "SELECT pg_sleep(30)", NULL, &error), ERROR_BUSY);
	assert_string_equal(error.sqlstate, "57014");
	assert_in_range(clock_ms() - began, SHORT_MS, 10000);
	/* The server signals the session and its process group: the second may come late. */
	stop_sleep(SHORT_MS);
	pg.until_ms = 0;
	must(pg_exec(&pg, "SELECT pg_sleep(0.5)", NULL, &error));
	pg.until_ms = clock_ms() + 30000;
	must(pg_exec(&pg, "SELECT 1", NULL, &error));
}

static void test_a_stop_is_no_delay(void **state)
{
	(void)state;
	if (pg.conn == NULL)
		skip();
	pg.until_ms = clock_ms() + 30000;
	stop_request();
	must_fail(pg_exec(&pg, "SELECT pg_sleep(30)", NULL, &error), ERROR_STOPPED);
	stop_reset();
	must(pg_exec(&pg, "SELECT 1", NULL, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_connection),
		cmocka_unit_test_setup_teardown(
			test_a_statement_that_takes_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_stop_is_no_delay, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
