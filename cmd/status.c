#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "state/base/stop.h"
#include "state/ledger.h"

#define WATCH_MS   1000
#define JSON_LIMIT ((size_t)16 << 20)

struct shown {
	const char *only; /* a destination's name; NULL: all */
	bool staging;     /* without a name: staging ones only */
	char destination[256];
	int year; /* of the last line: a smaller one begins another destination of the same name */
	unsigned years;
};

/* "12.3/98.1", "12.3" when the size is not known, "-" when there is nothing. */
static void amount_text(char *text, size_t size, uint64_t done, uint64_t whole)
{
	if (whole > 0)
		snprintf(text, size, "%.1f/%.1f", (double)done / 1e6, (double)whole / 1e6);
	else if (done > 0)
		snprintf(text, size, "%.1f", (double)done / 1e6);
	else
		snprintf(text, size, "-");
}

static void print_head(const char *destination, bool first)
{
	printf("%s%s\n", first ? "" : "\n", destination);
	printf("%4s  %-10s  %10s  %8s  %15s  %15s  %8s  %s\n", "year", "stage", "rows", "rejects",
		"packed MB", "plain MB", "seconds", "as of");
}

static bool print_year(void *context, const char *destination, const struct year_state *state,
	const char *updated_at, struct error *error)
{
	struct shown *shown = context;
	char fetched[40], loaded[40];
	(void)error;
	if (shown->only != NULL ? strcmp(destination, shown->only) != 0
				: shown->staging && strstr(destination, " (staging)") == NULL)
		return true;
	if (shown->years == 0 || strcmp(destination, shown->destination) != 0 ||
		state->year <= shown->year)
		print_head(destination, shown->years == 0);
	snprintf(shown->destination, sizeof(shown->destination), "%s", destination);
	shown->year = state->year;
	shown->years++;
	amount_text(fetched, sizeof(fetched), state->packed_done, state->packed_size);
	amount_text(loaded, sizeof(loaded), state->plain_done, state->plain_size);
	printf("%4d  %-10s  %10llu  %8llu  %15s  %15s  %8.1f  %s\n", state->year, state->stage,
		(unsigned long long)state->rows, (unsigned long long)state->rejects, fetched,
		loaded, (double)state->elapsed_ms / 1e3, updated_at);
	if (state->message[0] != '\0')
		printf("      %s\n", state->message);
	return true;
}

static bool show_table(const struct options *options, struct ledger *ledger, struct error *error)
{
	char name[256];
	struct shown shown = { .only = options->to.url != NULL ? name : NULL,
		.staging = options->staging };
	sink_shown_name(&options->to, name);
	if (!ledger_years(ledger, NULL, print_year, &shown, error))
		return false;
	if (shown.years == 0)
		printf("no year was imported yet%s%s\n", shown.only != NULL ? " into " : "",
			shown.only != NULL ? shown.only : "");
	return true;
}

static bool show_json(struct ledger *ledger, struct error *error)
{
	struct buf json = { .limit = JSON_LIMIT };
	bool done = ledger_status_json(ledger, &json, error);
	if (done)
		puts(json.bytes);
	buf_free(&json);
	return done;
}

/* Opened each time: a run may set a broken ledger aside and begin another. */
static bool show_once(const struct options *options, struct error *error)
{
	struct ledger *ledger = NULL;
	if (!ledger_open_reader(&ledger, options->state_folder, error))
		return false;
	bool done = options->json ? show_json(ledger, error) : show_table(options, ledger, error);
	ledger_close(ledger);
	return done;
}

static void watch_separate(const struct options *options)
{
	if (options->json)
		return;
	if (isatty(STDOUT_FILENO) == 1)
		fputs("\033[H\033[J", stdout);
	else
		putchar('\n');
}

int command_status(const struct options *options)
{
	struct error error;
	error_clear(&error);
	if (!options->watch)
		return show_once(options, &error) ? EXIT_ALL : command_failed(options, &error);
	stop_install();
	do {
		watch_separate(options);
		if (!show_once(options, &error))
			return command_failed(options, &error);
		/* A reader that went away is no failure, but there is nobody left to tell. */
		if (fflush(stdout) != 0)
			return EXIT_ALL;
	} while (stop_sleep(WATCH_MS));
	return EXIT_ALL;
}
