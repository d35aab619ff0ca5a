/*
 * page_parts.h: the sections of the page, a function each. Private to page*.c.
 */
#ifndef CMD_PAGE_PARTS_H
#define CMD_PAGE_PARTS_H

#include "cmd/page.h"
#include "cmd/page_words.h"

#define PAGE_RATIO_USUAL 7 /* what geo-dvf files unpack to */

typedef void page_part(struct html *html, const struct page *page);

page_part page_years, page_plots, page_map, page_runs, page_swaps, page_rejects, page_history;

/* A cell of a table, and what it is called where the table is narrow. */
void page_cell(struct html *html, enum word label, const char *class);

/* The head of a table: as many words as `count`. */
void page_head(struct html *html, enum word caption, const enum word *columns, unsigned count);

#endif
