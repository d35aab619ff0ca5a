/*
 * The contract of sink.h, held by both destinations: rejects and mended records, read back.
 */

#include "tests/unit/sink_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG ((uint32_t)1 << 20)

static struct reject reject_of(unsigned record, int column, const char *raw, uint32_t size)
{
	struct reject reject = { .plain_first = plain_of(record),
		.plain_end = plain_of(record + 1),
		.record = record,
		.raw = raw,
		.raw_size = size };
	reject.reason.column = column;
	snprintf(reject.reason.text, sizeof(reject.reason.text), "reason %u", record);
	return reject;
}

static bool on_postgres(void)
{
	return strcmp(sink->ops->kind, "postgresql") == 0;
}

/* The edition, begun and with these rejects at its end. */
static void begin_with(
	const struct edition *edition, unsigned rows, const struct reject *rejects, unsigned count)
{
	must(sink->ops->begin(sink, edition, &error));
	must(load_with(edition, 1, rows, rejects, count));
}

static struct kept next_of(struct kept_reader *reader)
{
	struct kept kept;
	bool end = true;
	must(reader->ops->next(reader, &kept, &end, &error));
	assert_false(end);
	return kept;
}

static void ends(struct kept_reader *reader)
{
	struct kept kept;
	bool end = false;
	must(reader->ops->next(reader, &kept, &end, &error));
	assert_true(end);
	reader->ops->close(reader);
}

/* "2023 a 3,2023 a 4": year, first digit of the edition and record. */
static const char *all_of(int year)
{
	static char shown[200];
	struct kept_reader *reader = NULL;
	struct kept kept;
	bool end = false;
	size_t used = 0;
	shown[0] = '\0';
	must(sink->ops->kept_open(sink, year, &reader, &error));
	for (;;) {
		must(reader->ops->next(reader, &kept, &end, &error));
		if (end)
			break;
		used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%s%d %.1s %llu%s",
			used > 0 ? "," : "", kept.year, kept.edition,
			(unsigned long long)kept.record, kept.mended != NULL ? "m" : "");
	}
	reader->ops->close(reader);
	return shown;
}

/* As mend will write it. */
static void mend_by_hand(const struct edition *edition, unsigned record)
{
	if (on_postgres())
		ask("INSERT INTO dvf_import.mended SELECT edition, year, record, plain_first, "
		    "plain_end, column_name, reason, raw, '\\x00ff'::bytea FROM dvf_import.reject "
		    "WHERE edition = '%d-%s' AND record = %u",
			edition->year, edition->sha256, record);
	else
		ask("INSERT INTO dvf_import_mended SELECT r.source, record, plain_first, "
		    "plain_end, column_name, reason, raw, X'00ff', 'now' FROM dvf_import_reject r "
		    "JOIN dvf_import_source s ON s.id = r.source WHERE s.sha256 = '%s' AND record "
		    "= %u",
			edition->sha256, record);
	ask("DELETE FROM dvf_import%sreject WHERE record = %u", on_postgres() ? "." : "_", record);
}

static void test_what_is_kept_comes_back(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct kept_reader *reader = NULL;
	const char odd[] = "a\0b,\"c\r\n\xff\\d";
	struct reject rejects[3] = { reject_of(3, 1, odd, sizeof(odd) - 1),
		reject_of(4, -1, NULL, 0), reject_of(5, -1, "two\nlines", 9) };
	begin_with(&edition, 2, rejects, 3);
	must(sink->ops->kept_open(sink, 0, &reader, &error));
	struct kept kept = next_of(reader);
	assert_string_equal(kept.edition, edition.sha256);
	assert_int_equal(kept.year, 2023);
	assert_int_equal(kept.stage, EDITION_INCOMING);
	assert_int_equal(kept.record, 3);
	assert_int_equal(kept.plain_first, plain_of(3));
	assert_int_equal(kept.plain_end, plain_of(4));
	assert_string_equal(kept.column, columns[1].name);
	assert_string_equal(kept.reason, "reason 3");
	assert_int_equal(kept.raw_size, sizeof(odd) - 1);
	assert_memory_equal(kept.raw, odd, sizeof(odd) - 1);
	assert_null(kept.mended);
	kept = next_of(reader);
	assert_null(kept.column);
	assert_int_equal(kept.raw_size, 0);
	assert_non_null(kept.raw);
	assert_int_equal(next_of(reader).record, 5);
	ends(reader);
}

static void test_the_order_and_the_year(void **state)
{
	(void)state;
	struct edition old = edition_make(2023, 'b');
	struct edition new = edition_make(2023, 'a');
	struct edition other = edition_make(2022, 'c');
	struct reject rejects[2] = { reject_of(3, -1, "x", 1), reject_of(4, -1, "y", 1) };
	begin_with(&old, 2, rejects, 2);
	must(sink->ops->index(sink, &old, &error));
	must(check(&old, 4));
	must(publish(&old, 4));
	begin_with(&new, 2, rejects, 2);
	begin_with(&other, 3, &rejects[1], 1);
	assert_string_equal(all_of(0), "2022 c 4,2023 a 3,2023 a 4,2023 b 3,2023 b 4");
	assert_string_equal(all_of(2022), "2022 c 4");
	assert_string_equal(all_of(2021), "");
	must(sink->ops->judge(sink, &new, EDITION_REFUSED, "why", "under", &error));
	assert_string_equal(all_of(2023), "2023 a 3,2023 a 4,2023 b 3,2023 b 4");
}

static void test_mended_ones_are_told_and_leave_with_their_edition(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct kept_reader *reader = NULL;
	struct reject rejects[3] = { reject_of(3, -1, "x", 1), reject_of(4, 2, "y", 1),
		reject_of(5, -1, "z", 1) };
	begin_with(&edition, 2, rejects, 3);
	mend_by_hand(&edition, 4);
	assert_string_equal(all_of(0), "2023 a 3,2023 a 4m,2023 a 5");
	must(sink->ops->kept_open(sink, 2023, &reader, &error));
	next_of(reader);
	struct kept kept = next_of(reader);
	assert_int_equal(kept.mended_size, 2);
	assert_memory_equal(kept.mended, "\0\xff", 2);
	assert_memory_equal(kept.raw, "y", 1);
	next_of(reader);
	ends(reader);
	must(sink->ops->forget(sink, &edition, &error));
	assert_string_equal(all_of(0), "");
	assert_string_equal(
		ask("SELECT count(*) FROM dvf_import%smended", on_postgres() ? "." : "_"), "0");
}

static void test_a_new_edition_takes_the_old_ones_away(void **state)
{
	(void)state;
	struct edition old = edition_make(2023, 'b');
	struct edition new = edition_make(2023, 'a');
	struct reject rejects[2] = { reject_of(3, -1, "x", 1), reject_of(4, -1, "y", 1) };
	begin_with(&old, 2, rejects, 2);
	must(sink->ops->index(sink, &old, &error));
	must(check(&old, 4));
	must(publish(&old, 4));
	mend_by_hand(&old, 3);
	import(&new, 3);
	assert_string_equal(all_of(0), "");
	assert_string_equal(
		ask("SELECT count(*) FROM dvf_import%smended", on_postgres() ? "." : "_"), "0");
}

/* An older version made the destination. */
static void test_without_the_table_none_is_mended(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct reject reject = reject_of(3, -1, "x", 1);
	begin_with(&edition, 2, &reject, 1);
	ask("DROP TABLE dvf_import%smended", on_postgres() ? "." : "_");
	assert_string_equal(all_of(0), "2023 a 3");
	/* Closed before its end, it leaves the connection as it was. */
	struct kept_reader *reader = NULL;
	must(sink->ops->kept_open(sink, 0, &reader, &error));
	reader->ops->close(reader);
	must(sink->ops->take(sink, &error));
	assert_string_equal(all_of(0), "2023 a 3");
}

static void test_long_records_and_many(void **state)
{
	(void)state;
	struct edition edition = edition_make(2023, 'a');
	struct reject rejects[20];
	struct kept_reader *reader = NULL;
	char *big = malloc(BIG);
	assert_non_null(big);
	memset(big, 'x', BIG);
	for (unsigned i = 0; i < 20; i++)
		rejects[i] = reject_of(3 + i, -1, big, i == 11 ? BIG : 10);
	begin_with(&edition, 2, rejects, 20);
	must(sink->ops->kept_open(sink, 0, &reader, &error));
	for (unsigned i = 0; i < 20; i++) {
		struct kept kept = next_of(reader);
		assert_int_equal(kept.record, 3 + i);
		assert_int_equal(kept.raw_size, i == 11 ? BIG : 10);
		assert_memory_equal(kept.raw, big, kept.raw_size);
	}
	ends(reader);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_what_is_kept_comes_back),
		SINK_TEST(test_the_order_and_the_year),
		SINK_TEST(test_mended_ones_are_told_and_leave_with_their_edition),
		SINK_TEST(test_a_new_edition_takes_the_old_ones_away),
		SINK_TEST(test_without_the_table_none_is_mended),
		SINK_TEST(test_long_records_and_many),
	};
	return sink_tests_run("test_sink_kept", tests, sizeof(tests) / sizeof(tests[0]));
}
