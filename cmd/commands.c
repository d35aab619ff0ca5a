#include "cmd/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/log_lines.h"
#include "state/base/file.h"

#ifndef DVF_IMPORT_VERSION
#error "DVF_IMPORT_VERSION comes from the build"
#endif

static int exit_code_of(enum error_kind kind)
{
	switch (kind) {
	case ERROR_USAGE:
		return EXIT_USAGE_BAD;
	case ERROR_REFUSED:
		return EXIT_REFUSED;
	case ERROR_STOPPED:
		return EXIT_INTERRUPTED;
	default:
		return EXIT_NONE;
	}
}

/* One line, without what could move a terminal's cursor. */
static void one_line(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
}

int command_failed(const struct options *options, const struct error *error)
{
	char text[sizeof(error->text)];
	memcpy(text, error->text, sizeof(text));
	one_line(text);
	if (options->log_format == LOG_FORMAT_JSON || options->log_format == LOG_FORMAT_LOGFMT)
		log_lines_write(options->log_format, LOG_ERROR, 0, text);
	else
		fprintf(stderr, "dvf-import: %s\n", text);
	return exit_code_of(error->kind);
}

void command_log(const struct options *options)
{
	log_lines_start(options->log_format);
}

bool command_lock(const struct options *options, int *lock, struct error *error)
{
	char *path;
	char holder[256];
	*lock = -1;
	if (asprintf(&path, "%s/lock", options->state_folder) == -1)
		return error_memory(error, "a path");
	bool done = file_lock(path, options->to.run_name, lock, holder, sizeof(holder), error);
	free(path);
	if (!done || *lock != -1)
		return done;
	one_line(holder);
	/* What is done with a folder's downloads or history cannot be done with another one's. */
	bool may_move = strcmp(options->command, "run") == 0;
	return error_set(error, ERROR_BUSY, "another run is going on in %s (%s): let it end%s",
		options->state_folder, holder[0] != '\0' ? holder : "it left no name",
		may_move ? ", or give this one its own --state" : "");
}

bool command_lock_shown(const struct options *options, int *lock, struct error *error)
{
	if (!command_lock(options, lock, error))
		return false;
	file_lock_show(*lock);
	return true;
}

bool command_record(const struct options *options, struct ledger *ledger, struct error *error)
{
	char host[256] = "";
	struct buf json = { 0 };
	if (gethostname(host, sizeof(host) - 1) == -1)
		host[0] = '\0';
	bool done = options_json(options, &json, error) &&
		    ledger_run_begin(ledger, DVF_IMPORT_VERSION, host, json.bytes, error);
	buf_free(&json);
	return done;
}

const char *command_outcome(int code)
{
	switch (code) {
	case EXIT_ALL:
		return "done";
	case EXIT_SOME:
		return "partial";
	case EXIT_REFUSED:
		return "refused";
	case EXIT_INTERRUPTED:
		return "stopped";
	default:
		return "failed";
	}
}
