/*
 * options.h: the command line and the environment, turned into settings (flag over environment over
 * default).
 *
 * Only what a command uses is read: a broken CSV_CHUNK_SIZE does not keep `status` from answering.
 * Memory: options_free gives everything back; texts that are not owned live as long as argv and the
 * environment.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>

#include "cmd/hosts.h"
#include "cmd/setting.h"
#include "stages/lineage.h"
#include "stages/pipeline.h"
#include "stages/promote.h"
#include "stages/sink.h"
#include "state/base/buf.h"
#include "state/base/log.h"

#define OPTIONS_NOTES 4

/* What is to be said once the log is there. */
struct options_note {
	enum log_level level;
	char text[160];
};

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_LOGFMT };

struct options {
	const char *command; /* "run", "status", ... */
	struct destination
		to; /* url is owned; NULL when the command needs none and --to was not given */
	char *state_folder;           /* owned; holds state.sqlite, spool/ and the lock */
	char *spool_folder;           /* owned; <state_folder>/spool */
	struct pipeline_settings run; /* all but its budget */
	uint64_t memory_limit;        /* 0: the default */
	enum log_format log_format;
	bool json;                       /* status, history */
	bool watch;                      /* status */
	bool verify;                     /* history */
	struct event_filter filter;      /* history: --year, --run, --limit */
	bool dry_run;                    /* clean, promote, revert */
	bool staging;                    /* to.slot is SLOT_STAGING */
	bool fast;                       /* verify */
	bool rejects, csv;               /* history */
	uint32_t within_s;               /* health */
	struct listen_at listen;         /* serve */
	struct hosts hosts;              /* serve: --host */
	const char *html;                /* report: the file to write */
	bool french;                     /* report */
	const char *file;                /* mend: the file of mended records */
	struct lineage_settings lineage; /* run: where its lineage events go */
	struct promote_settings promote; /* promote, revert, run --promote */
	struct options_note notes[OPTIONS_NOTES];
	unsigned note_count;
};

/* Fills *options from argv and the environment. Passwords in argv are overwritten after they were
 * copied. --help and --version print and set *done. Everything wrong: ERROR_USAGE, one sentence
 * that names the option or variable; *options is then valid enough for command_failed and
 * options_free. */
bool options_read(struct options *options, int argc, char **argv, bool *done, struct error *error);

/* Logs what was found while they were read: variables that were cut to their bounds. */
void options_tell(const struct options *options);

/* The settings as a JSON object without secrets, for the ledger's run (options_json.c). */
bool options_json(const struct options *options, struct buf *json, struct error *error);

void options_free(struct options *options);

#endif
