/*
 * commands.h: one function a command: words in, exit code out. And what they share.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/options.h"

enum exit_code {
	EXIT_ALL = 0,     /* every year asked for is in */
	EXIT_NONE = 1,    /* none is, or the work could not start */
	EXIT_SOME = 2,    /* some are */
	EXIT_REFUSED = 3, /* a precondition; nothing changed */
	EXIT_USAGE_BAD = 64,
	EXIT_INTERRUPTED = 75, /* run again to go on */
};

int command_run(const struct options *options);
int command_status(const struct options *options);
int command_history(const struct options *options);
int command_check(const struct options *options);
int command_clean(const struct options *options);
int command_verify(const struct options *options);
int command_promote(const struct options *options);
int command_revert(const struct options *options);
/* What run --staging --promote does at its end: no sink is open, the ledger is the run's. */
bool command_promote_staged(
	const struct options *options, struct ledger *ledger, struct error *error);
int command_mend(const struct options *options);
int command_health(const struct options *options);
int command_serve(const struct options *options);
int command_report(const struct options *options);

/* history --rejects: of the destination, not of the ledger. */
int history_rejects(const struct options *options);

/* Prints "dvf-import: <text>" once on stderr (or as a log line when json or logfmt was asked for)
 * and gives the exit code that goes with the error's kind. */
int command_failed(const struct options *options, const struct error *error);

/* Sets the log writer that goes with the format and the terminal. */
void command_log(const struct options *options);

/* Takes the state folder's kernel lock, which a run holds as long as it lasts; *lock is its fd.
 * Somebody else has it: ERROR_BUSY that names them. The folder must be there. */
bool command_lock(const struct options *options, int *lock, struct error *error);

/* The same, and shows it to serve and health: of what has a run in the ledger. */
bool command_lock_shown(const struct options *options, int *lock, struct error *error);

/* Records in the ledger that a run (a promote and a revert are runs, too) has begun. */
bool command_record(const struct options *options, struct ledger *ledger, struct error *error);

/* The word for an exit code, as ledger_run_end takes it. */
const char *command_outcome(int code);

#endif
