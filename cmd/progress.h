/*
 * progress.h: how far the years are, while a run goes on: live lines on a terminal, else a log line
 * now and then.
 *
 * Threads: the main thread only.  Memory: fixed.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/pipeline.h"
#include "state/base/buf.h"

#define PROGRESS_LINE_MS 5000

/* Since when a year has been in its stage, and with how much of it done. */
struct pace {
	int year;
	char stage[16];
	uint64_t done; /* bytes: packed ones while fetching, else plain ones */
	uint64_t since_ms;
	uint64_t said_ms; /* when the last log line was made */
};

struct progress {
	bool live;
	uint64_t memory_limit;
	double ratio; /* plain bytes a packed byte, from the last year that knows both */
	struct pace paces[YEARS_MAX];
	struct buf lines;
};

void progress_begin(struct progress *progress, bool live, uint64_t memory_limit);

/* A pipeline_watch; the context is a struct progress. */
void progress_watch(void *context, const struct run_report *report);

/* Takes the live lines away. */
void progress_end(struct progress *progress);

/* What is said of one year, without its number: ASCII, one line. */
void progress_text(char *text, size_t size, const struct progress *progress,
	const struct year_progress *year, const struct pace *pace, uint64_t now_ms,
	uint64_t memory);

#endif
