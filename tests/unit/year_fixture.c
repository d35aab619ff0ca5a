#include "tests/unit/year_fixture.h"

#include <string.h>

struct pipeline_settings settings;
static struct plan plan;
struct year_progress progress;
struct year year;

static void no_tick(void *context)
{
	(void)context;
}

int year_setup(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	plan = (struct plan){ .budget = { .asked = BUDGET_LEAST, .limit = BUDGET_LEAST },
		.chunk_bytes = 1 << 20,
		.together = 1,
		.spare = 2,
		.chunk_rows = UINT32_MAX,
		.loaders = 1 };
	settings = (struct pipeline_settings){ .fetch = { .spool_folder = folder },
		.plan = &plan,
		.chunk_rows = 3,
		.loaders = 1,
		.max_rejects_share = 0.001 };
	return 0;
}

/* As a new process would find it: what the last try left in memory is gone. */
void process_new(void)
{
	struct spool spool = year.spool;
	bool found = false;
	must(ledger_spool_get(ledger, spool.year, spool.url, &spool, &found, &error));
	assert_true(found);
	progress = (struct year_progress){ .state = { .year = TEST_YEAR } };
	year = (struct year){ .settings = &settings,
		.ledger = ledger,
		.sink = sink,
		.spool = spool,
		.progress = &progress,
		.tick = no_tick };
	failing_sink_reset(failing);
}

void year_begin(const struct sample *sample)
{
	struct spool spool;
	sample_write(sample, &spool);
	must(ledger_spool_put(ledger, &spool, &error));
	year.spool = spool;
	process_new();
}

int64_t served(void)
{
	struct edition_memory memory = { 0 };
	bool found = false;
	must(failing->real->ops->published(failing->real, TEST_YEAR, &memory, &found, &error));
	if (!found)
		return 0;
	int64_t rows = ask_number(&memory.edition, "SELECT count(*) FROM dvf");
	assert_int_equal(rows, memory.rows);
	return rows;
}

void assert_published(uint64_t rows)
{
	struct edition edition;
	year_edition(&year.spool, &edition);
	assert_int_equal(served(), rows);
	assert_int_equal(progress.state.rows, rows);
	assert_string_equal(progress.state.stage, "published");
	assert_string_equal(progress.state.sha256, edition.sha256);
	assert_true(progress.serving);
	assert_int_equal(
		ask_number(&edition, "SELECT total(source_row) FROM dvf"), rows * (rows + 1) / 2);
	assert_int_equal(ask_number(&edition, "SELECT count(*) FROM dvf_import_source"), 1);
}

void import_fine(unsigned records)
{
	const struct sample sample = { .records = records };
	year_begin(&sample);
	must(year_import(&year, &error));
	assert_int_equal(progress.outcome, YEAR_PUBLISHED);
	assert_published(records);
}

bool year_is_in(void)
{
	return progress.outcome == YEAR_PUBLISHED || progress.outcome == YEAR_UNCHANGED;
}

void import_to(enum year_outcome outcome, const char *stage)
{
	must(year_import(&year, &error));
	if (progress.outcome != outcome)
		fail_msg("%s instead of %s: %s", year_outcome_word(progress.outcome),
			year_outcome_word(outcome), progress.state.message);
	assert_string_equal(progress.state.stage, stage);
}
