#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/log_lines.h"
#include "cmd/promote_ask.h"
#include "stages/promote.h"
#include "state/base/budget.h"
#include "state/base/file.h"
#include "state/base/log.h"
#include "state/base/stop.h"

typedef bool swap(struct promote *promote, struct error *error);

/* What a promote or revert holds; with --dry-run nothing, so that nothing is changed. */
struct held {
	int lock;
	struct ledger *ledger;
	bool begun; /* the ledger knows of the run */
};

static void print_line(void *context, const char *line)
{
	(void)context;
	puts(line);
}

/* SQLite sorts in files beside the ledger, as it does in a run. */
static bool swap_take(const struct options *options, struct held *held, struct error *error)
{
	bool repaired = false;
	if (options->dry_run)
		return true;
	if (!file_make_folder(options->state_folder, error) ||
		!command_lock_shown(options, &held->lock, error) ||
		!ledger_open(&held->ledger, options->state_folder, &repaired, error))
		return false;
	if (repaired)
		log_note(LOG_WARNING, 0, "the ledger in %s was broken: set aside, and begun anew",
			options->state_folder);
	(void)!setenv("SQLITE_TMPDIR", options->state_folder, 0);
	held->begun = command_record(options, held->ledger, error);
	return held->begun;
}

/* The ledger may lag: that the end could not be written down changes nothing of what is live. */
static void swap_close(struct held *held, int code, const struct error *said)
{
	const char *why = code != EXIT_ALL ? said->text : NULL;
	struct error error;
	if (held->begun && !ledger_run_end(held->ledger, command_outcome(code), code,
				   budget_resident_peak(), why, &error))
		log_note(
			LOG_WARNING, 0, "the end of the run could not be recorded: %s", error.text);
	ledger_close(held->ledger);
	file_close(&held->lock);
}

static void print_sum(const struct options *options, const struct promote *promote)
{
	if (options->dry_run)
		puts(promote->changed ? "nothing was changed: this was --dry-run"
				      : "nothing would be changed");
	else if (!promote->changed)
		puts("nothing was changed");
	else
		printf("out of service for %.0f ms; %u session%s ended\n", promote->outage_ms,
			promote->ended, promote->ended == 1 ? "" : "s");
}

static bool swap_go(
	const struct options *options, struct ledger *ledger, swap *do_swap, struct error *error)
{
	struct promote_settings settings = options->promote;
	struct destination live = options->to;
	struct promote promote = {
		.settings = &settings,
		.live = &live,
		.ledger = ledger,
		.dropped = options->run.dropped,
		.dropped_count = options->run.dropped_count,
		.said = print_line,
	};
	settings.dry_run = options->dry_run;
	live.slot = SLOT_LIVE;
	bool done = do_swap(&promote, error);
	if (done)
		print_sum(options, &promote);
	fflush(stdout); /* what was found before the verdict on it */
	return done;
}

bool command_promote_staged(
	const struct options *options, struct ledger *ledger, struct error *error)
{
	return swap_go(options, ledger, promote_do, error);
}

static int command_swap(const struct options *options, swap *do_swap)
{
	struct held held = { .lock = -1 };
	struct error error;
	error_clear(&error);
	stop_install();
	bool taken = swap_take(options, &held, &error);
	if (taken && do_swap == promote_do)
		promote_ask(options);
	bool done = taken && swap_go(options, held.ledger, do_swap, &error);
	int code = done ? EXIT_ALL : command_failed(options, &error);
	swap_close(&held, code, &error);
	return code;
}

int command_promote(const struct options *options)
{
	return command_swap(options, promote_do);
}

int command_revert(const struct options *options)
{
	return command_swap(options, revert_do);
}
