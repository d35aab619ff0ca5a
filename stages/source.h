/*
 * source.h: which URL a year's file has.
 *
 * A template with {year} in it, and overrides for single years. http, https and file are allowed.
 */
#ifndef STAGES_SOURCE_H
#define STAGES_SOURCE_H

#include <stdbool.h>

#include "stages/inflate.h"
#include "state/base/error.h"
#include "state/edition.h"

#define SOURCE_DEFAULT "https://files.data.gouv.fr/geo-dvf/latest/csv/{year}/full.csv.gz"
#define YEARS_MAX      64
#define YEAR_FIRST     2014 /* DVF begins here */

struct sources {
	char pattern[URL_MAX];
	struct {
		int year;
		char url[URL_MAX];
	} own[YEARS_MAX];
	unsigned owns;
};

/* Checks scheme, length and, for the pattern, that {year} is in it. ERROR_USAGE says what is wrong;
 * a password in the URL never shows in the text. */
bool source_set_pattern(struct sources *sources, const char *pattern, struct error *error);
bool source_set_year(struct sources *sources, int year, const char *url, struct error *error);

/* The URL to ask, with user and password if the pattern has them. */
void source_url(const struct sources *sources, int year, char url[static URL_MAX]);

/* The same without user and password: for the ledger, the witness, logs and errors. A query may be
 * a signature or a token: in its place stands "?~" and a checksum, so that another one is another
 * address. */
void source_url_shown(const char *url, char shown[static URL_MAX]);

/* PACKING_NONE when the path ends in .csv, whatever its query. */
enum packing source_packing(const char *url);

#endif
