/*
 * main.c: chooses the command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"

static int command(const struct options *options)
{
	static const struct {
		const char *name;
		int (*go)(const struct options *options);
	} commands[] = {
		{ "run", command_run },
		{ "status", command_status },
		{ "history", command_history },
		{ "check", command_check },
		{ "clean", command_clean },
		{ "verify", command_verify },
		{ "promote", command_promote },
		{ "revert", command_revert },
		{ "mend", command_mend },
		{ "health", command_health },
		{ "serve", command_serve },
		{ "report", command_report },
	};
	command_log(options);
	options_tell(options);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(options->command, commands[i].name) == 0)
			return commands[i].go(options);
	return EXIT_USAGE_BAD;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct error error;
	bool done = false;
	int code = EXIT_ALL;
	error_clear(&error);
	if (!options_read(&options, argc, argv, &done, &error))
		code = command_failed(&options, &error);
	else if (!done)
		code = command(&options);
	/* What was printed may be the answer: a full disk behind stdout is not a success. */
	if (fflush(stdout) != 0 && errno != EPIPE && code == EXIT_ALL) {
		error_system(&error, "cannot write to stdout");
		code = command_failed(&options, &error);
	}
	options_free(&options);
	return code;
}
