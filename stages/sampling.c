#include "stages/sampling.h"

static uint64_t rows_of(const struct run_report *report)
{
	uint64_t rows = 0;
	for (unsigned i = 0; i < report->count; i++)
		rows += report->years[i].rows_now;
	return rows;
}

static void make_room(struct sampling *sampling, struct ledger *ledger)
{
	struct error ignored;
	sampling->every_ms *= 2;
	if (ledger_samples_thin(ledger, sampling->every_ms, &ignored))
		sampling->count = sampling->count / 2 + 1;
}

void sampling_take(struct sampling *sampling, struct ledger *ledger,
	const struct run_report *report, const struct budget *budget, bool last)
{
	struct error ignored;
	if (sampling->every_ms == 0) {
		sampling->every_ms = SAMPLING_MS;
		(void)!ledger_samples_forget(ledger, &ignored);
	}
	if (!last && report->elapsed_ms < sampling->next_ms)
		return;
	if (sampling->count + 1 >= LEDGER_SAMPLES_MOST)
		make_room(sampling, ledger);
	/* On the grid, so that thinning by it leaves them equally far apart. */
	uint64_t at_ms = last ? report->elapsed_ms
			      : report->elapsed_ms / sampling->every_ms * sampling->every_ms;
	const struct run_sample sample = { .at_ms = at_ms,
		.rows = rows_of(report),
		.memory = budget_resident(),
		.memory_limit = budget->limit };
	if (ledger_sample_put(ledger, &sample, &ignored))
		sampling->count++;
	sampling->next_ms = at_ms + sampling->every_ms;
}
