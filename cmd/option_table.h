/*
 * option_table.h: every option but --help and --version: its name, variable, commands, and how it
 * is read.
 */
#ifndef CMD_OPTION_TABLE_H
#define CMD_OPTION_TABLE_H

#include <stddef.h>

#include "cmd/options.h"

struct option_known {
	const char *name;
	unsigned commands;    /* bits of enum command_bit */
	const char *variable; /* NULL: none */
	bool secret;          /* may hold a password: crossed out in argv once it was taken */
	/* Exactly one of: a flag, a uint32_t within bounds, one whose variable had other bounds in
	 * the importer before (cut to ours), something that may be given several times, something
	 * else. */
	enum { OPTION_FLAG, OPTION_NUMBER, OPTION_NUMBER_OLD, OPTION_LIST, OPTION_OTHER } kind;
	size_t place; /* offset in struct options of the bool or uint32_t */
	uint32_t least, most;
	bool (*take)(struct options *options, const char *value, struct error *error);
};

#define OPTIONS_KNOWN 39

extern const struct option_known option_table[OPTIONS_KNOWN];

/* Puts a value into its place. The caller names the option or variable before the error. */
bool option_take(const struct option_known *option, struct options *options, const char *value,
	struct error *error);

#endif
