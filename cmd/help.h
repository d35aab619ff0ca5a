/*
 * help.h: what --help and --version say, on stdout.
 */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdbool.h>

/* A bit a command: which options go with it, and which its help shows. */
enum command_bit {
	COMMAND_RUN = 1,
	COMMAND_STATUS = 2,
	COMMAND_HISTORY = 4,
	COMMAND_CHECK = 8,
	COMMAND_CLEAN = 16,
	COMMAND_VERIFY = 32,
	COMMAND_PROMOTE = 64,
	COMMAND_REVERT = 128,
	COMMAND_MEND = 256,
	COMMAND_HEALTH = 512,
	COMMAND_SERVE = 1024,
	COMMAND_REPORT = 2048,
	COMMAND_EVERY = 4095,
};

/* COMMAND_EVERY: the whole program. */
void help_print(unsigned command);
void help_version(void);

#endif
