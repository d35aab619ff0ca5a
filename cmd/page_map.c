/*
 * What is loaded of a year, as cells of equal size in the order of its file. The ledger has merged
 * ranges: a cell that is loaded in part while its year loads is in flight, and so is the first that
 * is missing.
 */
#include <string.h>

#include "cmd/page_parts.h"

#define CELLS       240
#define HEADER_MOST 65536  /* before the first record there is the header, and nothing to load */
#define CELL_FULL   0.9999 /* of a cell; blank lines belong to no chunk */

struct cells {
	uint64_t size; /* plain bytes */
	bool guessed;
	double share[CELLS]; /* that is loaded */
	uint64_t rejects[CELLS];
	uint64_t placed; /* rejects that have a cell */
	bool whole;      /* the year is in */
	bool loading;
};

static const struct year_state *state_of(const struct look *look)
{
	const struct destination_seen *to = &look->destinations[0];
	for (unsigned i = 0; look->destination_count > 0 && i < to->year_count; i++)
		if (to->years[i].state.year == look->map.year)
			return &to->years[i].state;
	return NULL;
}

static void fill_range(struct cells *cells, const struct range *range, bool first)
{
	double width = (double)cells->size / CELLS;
	double from = first && range->plain_first < HEADER_MOST ? 0 : (double)range->plain_first;
	double to = (double)range->plain_end;
	for (unsigned i = 0; i < CELLS; i++) {
		double begin = from > width * i ? from : width * i;
		double end = to < width * (i + 1) ? to : width * (i + 1);
		if (end > begin)
			cells->share[i] += (end - begin) / width;
	}
}

static void fill(struct cells *cells, const struct look *look, const struct year_state *year)
{
	const struct map_seen *map = &look->map;
	const struct ranges *ranges = &map->ranges;
	uint64_t last = ranges->count > 0 ? ranges->items[ranges->count - 1].plain_end : 0;
	uint64_t guess = year->packed_size * PAGE_RATIO_USUAL;
	*cells =
		(struct cells){ .size = year->plain_size > 0 ? year->plain_size : map->plain_size };
	cells->whole = strcmp(year->stage, "published") == 0;
	cells->loading = strcmp(year->stage, "loading") == 0 && standing_at_work(look);
	cells->guessed = cells->size == 0;
	if (cells->size < last || cells->size == 0)
		cells->size = last > guess ? last : guess;
	if (cells->size == 0)
		cells->size = 1;
	for (unsigned i = 0; i < ranges->count; i++)
		fill_range(cells, &ranges->items[i], i == 0);
	for (unsigned i = 0; i < map->place_count; i++) {
		double at = (double)map->places[i].plain_first / (double)cells->size * CELLS;
		cells->rejects[at < CELLS ? (unsigned)at : CELLS - 1] += map->places[i].rejects;
		cells->placed += map->places[i].rejects;
	}
}

static void add_cell(struct html *html, const struct cells *cells, unsigned i, bool *flown)
{
	bool done = cells->whole || cells->share[i] >= CELL_FULL;
	bool flight = !done && cells->loading && (cells->share[i] > 0 || !*flown);
	*flown |= flight;
	const char *class = done ? "d" : flight ? "f" : cells->share[i] > 0 ? "p" : "m";
	if (cells->rejects[i] == 0) {
		html_print(html, "<i class=\"%s\"></i>", class);
		return;
	}
	html_print(html, "<i class=\"%s r\" title=\"%llu–%llu MB: %llu %s\"></i>", class,
		(unsigned long long)(cells->size / CELLS * i / 1000000),
		(unsigned long long)(cells->size / CELLS * (i + 1) / 1000000),
		(unsigned long long)cells->rejects[i], word_of(html, W_REJECTS_LOW));
}

static void add_key(struct html *html, const char *class, enum word word)
{
	html_print(html, "<li><i class=\"%s\" aria-hidden=\"true\"></i> ", class);
	html_word(html, word);
	html_raw(html, "</li>");
}

/* What a picture says, in words. */
static void add_words(struct html *html, const struct cells *cells, const struct year_state *year)
{
	double share = 0;
	for (unsigned i = 0; i < CELLS; i++)
		share += cells->whole || cells->share[i] > 1 ? 1 : cells->share[i];
	html_raw(html, "<p>");
	html_word(html, W_MAP_OF);
	html_print(html, " <strong>%d</strong>", year->year);
	html_colon(html);
	html_decimal(html, 100 * share / CELLS, share < CELLS && share > 0.99 * CELLS ? 1 : 0);
	html_raw(html, " %, ");
	html_number(html, year->rows);
	html_print(html, " %s, ", word_of(html, W_ROWS_LOW));
	html_number(html, year->rejects);
	html_print(html, " %s", word_of(html, W_REJECTS_LOW));
	if (year->rejects > cells->placed) {
		html_raw(html, " (");
		html_number(html, year->rejects - cells->placed);
		html_print(html, " %s)", word_of(html, W_PLACE_UNKNOWN));
	}
	if (cells->guessed && !cells->whole)
		html_print(html, "; %s", word_of(html, W_SIZE_GUESSED));
	html_raw(html, "</p>");
}

static void add_links(struct html *html, const struct page *page)
{
	const struct destination_seen *to = &page->look->destinations[0];
	if (page->in_file || to->year_count < 2)
		return;
	html_raw(html, "<nav aria-label=\"");
	html_word(html, W_OTHER_YEARS);
	html_raw(html, "\"><ul class=\"links\">");
	for (unsigned i = 0; i < to->year_count; i++) {
		int year = to->years[i].state.year;
		html_print(html,
			"<li><a id=\"map-%d\" href=\"/?lang=%s&amp;year=%d#map\"%s>%d</a></li>",
			year, html->french ? "fr" : "en", year,
			year == page->look->map.year ? " aria-current=\"true\"" : "", year);
	}
	html_raw(html, "</ul></nav>");
}

void page_map(struct html *html, const struct page *page)
{
	struct cells cells;
	bool flown = false;
	const struct year_state *year = page->look != NULL ? state_of(page->look) : NULL;
	if (year == NULL) {
		html_raw(html, "<p>");
		html_word(html, W_NOTHING);
		html_raw(html, "</p>");
		return;
	}
	fill(&cells, page->look, year);
	add_links(html, page);
	add_words(html, &cells, year);
	html_raw(html, "<div class=\"cells\" aria-hidden=\"true\">");
	for (unsigned i = 0; i < CELLS; i++)
		add_cell(html, &cells, i, &flown);
	html_raw(html, "</div><ul class=\"key\">");
	add_key(html, "d", W_DONE);
	add_key(html, "f", W_FLIGHT);
	add_key(html, "m", W_MISSING);
	add_key(html, "d r", W_WITH_REJECTS);
	html_raw(html, "</ul>");
}
