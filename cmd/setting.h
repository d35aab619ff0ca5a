/*
 * setting.h: one setting, from the text of an option or a variable to its value.
 *
 * Texts are read strictly: what is not wholly understood is ERROR_USAGE, and the message quotes it.
 * The caller puts the name of the option or variable before it.
 */
#ifndef CMD_SETTING_H
#define CMD_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/source.h"
#include "state/base/error.h"

#define YEAR_LAST 2100

/* An environment variable; NULL when it is not set or empty. */
const char *setting_variable(const char *name);

/* A secret: the variable, or the content of the file that <name>_FILE names. *value NULL: neither
 * is set. Both: ERROR_USAGE. The caller frees. */
bool setting_secret(const char *name, char **value, struct error *error);

/* Fails when both <name> and <name>_FILE are set. */
bool setting_secret_once(const char *name, struct error *error);

/* Digits only, least <= *number <= most. */
bool setting_number(
	const char *text, uint64_t least, uint64_t most, uint64_t *number, struct error *error);

/* Digits only that are out of these bounds: *bound is the nearer one. */
bool setting_outside(const char *text, uint64_t least, uint64_t most, uint64_t *bound);

/* "65536", "512K", "64M", "1G", "64MiB"; powers of 1024, letters of either case. */
bool setting_size(const char *text, uint64_t *bytes, struct error *error);

/* "0.1%" or "0.001"; 0 <= *share <= 1. */
bool setting_share(const char *text, double *share, struct error *error);

/* "2021,2023-2025", commas or blanks between; in the order given, each once. */
bool setting_years(
	const char *text, int years[static YEARS_MAX], unsigned *count, struct error *error);

/* An address to listen at: "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (every address
 * of the machine), "8080" (of the default host). Port 0: any that is free. */
struct listen_at {
	char host[64]; /* without brackets; "": every address */
	uint16_t port;
};
bool setting_listen(const char *text, struct listen_at *at, struct error *error);

/* Writes x over the user, the password and the query of a URL, so that `ps` does not show them;
 * over a text that is no URL wholly. */
void setting_scrub(char *url);

#endif
