/*
 * html.h: HTML that is written piece by piece. After the first failure (no memory) nothing more is
 * written, and `failed` says so at the end: no piece has to be asked.
 *
 * Memory: the buf's, which the caller frees.
 */
#ifndef CMD_HTML_H
#define CMD_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/buf.h"

struct html {
	struct buf buf;
	bool french;
	bool failed;
	struct error error;
};

void html_raw(struct html *html, const char *markup);
void html_text(struct html *html, const char *text); /* escaped, also for an attribute */

/* Markup with numbers in it; what comes from outside goes through html_text. */
void html_print(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

void html_number(struct html *html, uint64_t number);              /* 1,234,567 or 1 234 567 */
void html_decimal(struct html *html, double number, int decimals); /* 12.3 or 12,3 */
void html_colon(struct html *html); /* ": ", with the space French has before it */
void html_megabytes(struct html *html, uint64_t bytes); /* 12.3 MB */

/* "2026-11-26T12:17:22.952Z" as 2026-11-26 12:17:22 UTC; "" as a dash. */
void html_time(struct html *html, const char *at);

#endif
