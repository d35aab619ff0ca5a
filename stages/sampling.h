/*
 * sampling.h: how a run goes over its time, a few hundred samples however long it takes: rows so
 * far and memory, for the plots of serve and report.
 *
 * Begins with one every SAMPLING_MS; when there are LEDGER_SAMPLES_MOST, every other one goes and
 * the next come half as often. Nothing depends on them: what cannot be recorded is left out.
 *
 * Threads: main.  Memory: none; in the ledger some 10 KiB a run, of the last few runs.
 */
#ifndef STAGES_SAMPLING_H
#define STAGES_SAMPLING_H

#include "stages/pipeline.h"

#define SAMPLING_MS 250

struct sampling {
	uint64_t every_ms; /* 0: not begun */
	uint64_t next_ms;
	unsigned count;
};

/* Records a sample if it is time for one; `last`: whether or not it is. */
void sampling_take(struct sampling *sampling, struct ledger *ledger,
	const struct run_report *report, const struct budget *budget, bool last);

#endif
