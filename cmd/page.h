/*
 * page.h: the page of serve and report: what a look shows, as HTML, in English or French.
 *
 * Made of sections; each can be made alone, so that a live page replaces what changed. Everything
 * is in the HTML: the script draws the plots and follows, and may be missing.
 *
 * Threads: any.  Memory: a page is some 100 KiB (a file with its script 250 KiB), in the html's
 * buf.
 */
#ifndef CMD_PAGE_H
#define CMD_PAGE_H

#include "cmd/html.h"
#include "cmd/standing.h"
#include "state/look.h"

enum page_section {
	PAGE_HEAD,
	PAGE_REASON,
	PAGE_YEARS,
	PAGE_PLOTS,
	PAGE_MAP,
	PAGE_RUNS,
	PAGE_SWAPS,
	PAGE_REJECTS,
	PAGE_HISTORY,
	PAGE_SECTIONS,
};

struct page {
	const struct look *look; /* NULL: there is none, as standing->reason tells */
	const struct standing *standing;
	const struct chain_seen *chain;
	int year;     /* whose map was asked for; 0: none was */
	bool in_file; /* report: one file; no links to other views, no stream */
	char at[32];  /* when it was made */
};

/* The inner HTML of a section. */
void page_section(struct html *html, const struct page *page, enum page_section section);
/* Its id. */
const char *page_section_id(enum page_section section);

void page_whole(struct html *html, const struct page *page);

/* The Content-Security-Policy it is served with; in a file it is in the page itself. */
extern const char page_policy[];

#endif
