#include "cmd/progress.h"

#include <stdio.h>
#include <string.h>

#include "cmd/log_lines.h"
#include "state/base/budget.h"
#include "state/base/log.h"
#include "state/base/stop.h"
#include "state/stage.h"

/* What geo-dvf files unpack to, before a year of this run has told. */
#define RATIO_USUAL 7.0

void progress_begin(struct progress *progress, bool live, uint64_t memory_limit)
{
	memset(progress, 0, sizeof(*progress));
	progress->live = live;
	progress->memory_limit = memory_limit;
	progress->ratio = RATIO_USUAL;
}

static bool is_active(const struct year_progress *year)
{
	enum stage_kind kind = stage_kind(year->state.stage);
	return year->outcome == YEAR_UNFINISHED && (kind == STAGE_COUNTS || kind == STAGE_LASTS);
}

static bool is_stage(const struct year_progress *year, const char *stage)
{
	return strcmp(year->state.stage, stage) == 0;
}

static uint64_t bytes_done(const struct year_progress *year)
{
	return is_stage(year, "fetching") ? year->state.packed_done : year->state.plain_done;
}

/* Where the plain size is not known yet it is guessed from the packed one; *guessed tells. */
static uint64_t bytes_size(
	const struct progress *progress, const struct year_progress *year, bool *guessed)
{
	*guessed = false;
	if (is_stage(year, "fetching"))
		return year->state.packed_size;
	if (year->state.plain_size > 0)
		return year->state.plain_size;
	*guessed = true;
	return (uint64_t)((double)year->state.packed_size * progress->ratio);
}

static void eta_text(char *text, size_t size, uint64_t left_s)
{
	unsigned long long s = left_s;
	if (s < 60)
		snprintf(text, size, "%llus", s);
	else if (s < 3600)
		snprintf(text, size, "%llum%02llus", s / 60, s % 60);
	else
		snprintf(text, size, "%lluh%02llum", s / 3600, s / 60 % 60);
}

/* " eta 1m05s", " eta ~1m" when the size is a guess, "" when nothing can be said. */
static void add_eta(char *text, size_t size, uint64_t left, double rate, bool guessed)
{
	char eta[32];
	if (rate < 1 || left == 0)
		return;
	size_t used = strlen(text);
	eta_text(eta, sizeof(eta), (uint64_t)((double)left / rate));
	snprintf(text + used, size - used, " eta %s%s", guessed ? "~" : "", eta);
}

static void add_bytes(char *text, size_t size, uint64_t done, uint64_t whole, bool guessed)
{
	size_t used = strlen(text);
	if (whole > 0 && done <= whole)
		snprintf(text + used, size - used, " %.1f/%s%.1f MB", (double)done / 1e6,
			guessed ? "~" : "", (double)whole / 1e6);
	else
		snprintf(text + used, size - used, " %.1f MB", (double)done / 1e6);
}

static void add_rows(char *text, size_t size, const struct year_progress *year)
{
	size_t used = strlen(text);
	snprintf(text + used, size - used, " %llu rows", (unsigned long long)year->state.rows);
	if (!is_stage(year, "loading") || year->load_ms == 0)
		return;
	used = strlen(text);
	snprintf(text + used, size - used, " %llu rows/s",
		(unsigned long long)(year->rows_now * 1000 / year->load_ms));
}

void progress_text(char *text, size_t size, const struct progress *progress,
	const struct year_progress *year, const struct pace *pace, uint64_t now_ms, uint64_t memory)
{
	bool guessed;
	uint64_t done = bytes_done(year);
	uint64_t whole = bytes_size(progress, year, &guessed);
	uint64_t took_ms = now_ms > pace->since_ms ? now_ms - pace->since_ms : 1;
	uint64_t moved = done > pace->done ? done - pace->done : 0;
	double rate = (double)moved * 1000 / (double)took_ms;
	bool fetching = is_stage(year, "fetching");
	snprintf(text, size, "%s", year->state.stage);
	if (fetching || is_stage(year, "loading"))
		add_bytes(text, size, done, whole, guessed);
	if (!fetching)
		add_rows(text, size, year);
	if (fetching && moved > 0) {
		size_t used = strlen(text);
		snprintf(text + used, size - used, " %.1f MB/s", rate / 1e6);
	}
	if (fetching || is_stage(year, "loading"))
		add_eta(text, size, whole > done ? whole - done : 0, rate, guessed);
	size_t used = strlen(text);
	snprintf(text + used, size - used, " mem %llu/%llu MiB", (unsigned long long)(memory >> 20),
		(unsigned long long)(progress->memory_limit >> 20));
}

static void pace_follow(struct pace *pace, const struct year_progress *year, uint64_t now_ms)
{
	if (pace->year == year->state.year && strcmp(pace->stage, year->state.stage) == 0)
		return;
	pace->year = year->state.year;
	memcpy(pace->stage, year->state.stage, sizeof(pace->stage));
	pace->done = bytes_done(year);
	pace->since_ms = now_ms;
	pace->said_ms = now_ms;
}

static void ratio_learn(struct progress *progress, const struct year_state *state)
{
	if (state->plain_size > 0 && state->packed_size > 0)
		progress->ratio = (double)state->plain_size / (double)state->packed_size;
}

static void live_add(struct progress *progress, int year, const char *text, unsigned width)
{
	char line[512];
	struct error ignored;
	int size = snprintf(line, sizeof(line), "%d %s", year, text);
	/* One column stays free: some terminals wrap as soon as the last one is written. */
	size_t most = width < sizeof(line) ? width - 1 : sizeof(line) - 1;
	size_t used = size > 0 && (size_t)size < most ? (size_t)size : most;
	if (buf_add(&progress->lines, line, used, &ignored))
		(void)!buf_add(&progress->lines, "\n", 1, &ignored);
}

static void year_show(struct progress *progress, const struct year_progress *year,
	struct pace *pace, uint64_t now_ms, unsigned width)
{
	char text[256];
	if (!progress->live && now_ms - pace->said_ms < PROGRESS_LINE_MS)
		return;
	progress_text(text, sizeof(text), progress, year, pace, now_ms, budget_resident());
	if (progress->live) {
		live_add(progress, year->state.year, text, width);
		return;
	}
	pace->said_ms = now_ms;
	log_note(LOG_INFO, year->state.year, "%s", text);
}

void progress_watch(void *context, const struct run_report *report)
{
	struct progress *progress = context;
	uint64_t now_ms = clock_ms();
	unsigned width, height, shown = 0;
	log_lines_size(&width, &height);
	buf_clear(&progress->lines);
	for (unsigned i = 0; i < report->count; i++) {
		const struct year_progress *year = &report->years[i];
		pace_follow(&progress->paces[i], year, now_ms);
		ratio_learn(progress, &year->state);
		if (is_active(year) && ++shown < height)
			year_show(progress, year, &progress->paces[i], now_ms, width);
	}
	if (progress->live)
		log_lines_live(progress->lines.size > 0 ? progress->lines.bytes : "");
}

void progress_end(struct progress *progress)
{
	if (progress->live)
		log_lines_live("");
	buf_free(&progress->lines);
}
