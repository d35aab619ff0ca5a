#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stages/statement.h"

static struct error error;

static const struct sql_value values[] = { { "table", "dvf_2023" }, { "odd", "a\"b'c:d" },
	{ "year", "2023" }, { "empty", "" }, { "back", "a\\b" }, { "quote", "l'eau" },
	{ "tab", "other" }, { NULL, NULL } };

static void assert_made(const char *sql, const char *expected)
{
	struct buf made = { 0 };
	if (!statement_make(&made, sql, values, &error))
		fail_msg("%s: %s", sql, error.text);
	assert_string_equal(made.size > 0 ? made.bytes : "", expected);
	buf_free(&made);
}

static void assert_refused(const char *sql, const char *word)
{
	struct buf made = { 0 };
	if (statement_make(&made, sql, values, &error))
		fail_msg("%s: taken as %s", sql, made.bytes);
	if (strstr(error.text, word) == NULL)
		fail_msg("%s: %s", sql, error.text);
	buf_free(&made);
}

static void test_names_and_literals(void **state)
{
	(void)state;
	assert_made("", "");
	assert_made("SELECT 1", "SELECT 1");
	assert_made("SELECT * FROM :\"table\"", "SELECT * FROM \"dvf_2023\"");
	assert_made(":\"table\"", "\"dvf_2023\"");
	assert_made("x = :'year'", "x = '2023'");
	assert_made("x = :year", "x = 2023");
	assert_made(":year:year:'year':\"year\"", "20232023'2023'\"2023\"");
	assert_made("(:year),:year;", "(2023),2023;");
}

/* A name that begins with another's is not that one. */
static void test_the_whole_name_counts(void **state)
{
	(void)state;
	assert_made(":tab :table", "other dvf_2023");
	assert_refused(":tabl", "tabl");
	assert_refused(":tables", "tables");
	assert_refused(":Table", "Table");
}

static void test_quotes_are_doubled(void **state)
{
	(void)state;
	assert_made(":\"odd\"", "\"a\"\"b'c:d\"");
	assert_made(":'odd'", "'a\"b''c:d'");
	assert_made(":'quote'", "'l''eau'");
}

static void test_what_is_no_variable_stays(void **state)
{
	(void)state;
	assert_made("x::text", "x::text");
	assert_made("'a'::text, :'year'::text", "'a'::text, '2023'::text");
	assert_made("x::table", "x::table");
	assert_made(":::year", "::2023");
	assert_made("a[1:2]", "a[1:2]");
	assert_made("a : b", "a : b");
	assert_made("12:30", "12:30");
	assert_made(":", ":");
	assert_made(":'", ":'");
	assert_made(":\"", ":\"");
	assert_made(":'year", ":'year");
	assert_made(":'year\"", ":'year\"");
	assert_made("a :', :year", "a :', :year");
	assert_made("x := 1", "x := 1");
}

static void test_inside_quotes_nothing_is_put_in(void **state)
{
	(void)state;
	assert_made("':year' \":table\"", "':year' \":table\"");
	assert_made("'it''s :year' :year", "'it''s :year' 2023");
	assert_made("\"a\"\":year\" :year", "\"a\"\":year\" 2023");
	assert_made("'\":year' :year '\"'", "'\":year' 2023 '\"'");
	assert_made("'12:30' :\"table\"", "'12:30' \"dvf_2023\"");
	assert_made("'not closed :year", "'not closed :year");
	assert_made("'' :year ''", "'' 2023 ''");
}

static void test_values_are_not_read_again(void **state)
{
	(void)state;
	static const struct sql_value sly[] = { { "one", ":two" }, { "two", "2" }, { NULL, NULL } };
	struct buf made = { 0 };
	assert_true(statement_make(&made, ":one :'one' :\"one\"", sly, &error));
	assert_string_equal(made.bytes, ":two ':two' \":two\"");
	buf_free(&made);
}

static void test_refusals(void **state)
{
	(void)state;
	assert_refused("SELECT :unknown", "unknown");
	assert_refused("SELECT :'unknown'", "unknown");
	assert_refused("SELECT :\"unknown\"", "unknown");
	assert_refused("SELECT :\"empty\"", "empty");
	assert_refused("SELECT :empty", "empty");
	assert_refused("SELECT :'back'", "backslash");
	assert_made("SELECT :'empty'", "SELECT ''");
}

static void test_no_values_at_all(void **state)
{
	(void)state;
	struct buf made = { 0 };
	assert_true(statement_make(&made, "SELECT 'a'::text", NULL, &error));
	assert_string_equal(made.bytes, "SELECT 'a'::text");
	assert_false(statement_make(&made, "SELECT :a", NULL, &error));
	buf_free(&made);
}

/* What was there goes, and a statement that does not fit is no statement. */
static void test_the_buffer(void **state)
{
	(void)state;
	struct buf made = { 0 };
	assert_true(statement_make(&made, "a much longer statement", NULL, &error));
	assert_true(statement_make(&made, "short :year", values, &error));
	assert_string_equal(made.bytes, "short 2023");
	buf_free(&made);
	for (size_t limit = 1; limit < 26; limit++) {
		struct buf small = { .limit = limit };
		bool done = statement_make(&small, "a :\"odd\", :'odd' :year", values, &error);
		assert_true(small.room <= limit);
		if (!done)
			assert_int_equal(error.kind, ERROR_MEMORY);
		else
			assert_true(small.size < limit);
		buf_free(&small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_literals),
		cmocka_unit_test(test_the_whole_name_counts),
		cmocka_unit_test(test_quotes_are_doubled),
		cmocka_unit_test(test_what_is_no_variable_stays),
		cmocka_unit_test(test_inside_quotes_nothing_is_put_in),
		cmocka_unit_test(test_values_are_not_read_again),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_values_at_all),
		cmocka_unit_test(test_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
