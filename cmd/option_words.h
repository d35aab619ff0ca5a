/*
 * option_words.h: the command line as words: which command, which options, and whether they go
 * together. Private to options.c, which knows what they mean.
 *
 * Only secrets, which must not stay in argv, and lists are put into their place at once. What is
 * wrong is ERROR_USAGE; a word is shown only up to where a password may begin.
 * Memory: none is allocated here; texts live as long as argv.
 */
#ifndef CMD_OPTION_WORDS_H
#define CMD_OPTION_WORDS_H

#include <stdbool.h>

#include "cmd/option_table.h"

#define SEE_HELP "; see dvf-import --help"

/* The command line, taken apart but not yet understood. */
struct words {
	/* NULL: not given; "" for flags, and for secrets and lists: those are taken already */
	const char *given[OPTIONS_KNOWN];
	bool seen[OPTIONS_KNOWN];
	const char *command; /* NULL: none */
	unsigned command_bit;
	const char *file; /* what follows mend */
	bool help, version;
};

/* Takes argv apart; *words must be zeroed. Secrets in argv are overwritten after they were copied.
 */
bool words_read(
	struct words *words, struct options *options, int argc, char **argv, struct error *error);

/* Prints what --help or --version asked for; false: neither did. */
bool words_answer(const struct words *words);

/* A command is there, has what it needs, and every option goes with it. */
bool words_fit(const struct words *words, struct error *error);

/* Whether a flag or an option of this name, known to option_table, was on the command line. */
bool words_seen(const struct words *words, const char *option);

/* Whether a destination is connected to even if none was named. */
bool words_connect(const struct words *words);

#endif
