#include "cmd/page.h"

#include <stdio.h>

#include "cmd/page_parts.h"
#include "page_files.h"

#define PLOTS " · dygraphs (MIT, © Dan Vanderkam et al.)"

const char page_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void page_cell(struct html *html, enum word label, const char *class)
{
	html_print(html, "<td class=\"%s\" data-label=\"", class);
	html_word(html, label);
	html_raw(html, "\">");
}

void page_head(struct html *html, enum word caption, const enum word *columns, unsigned count)
{
	html_raw(html, "<div class=\"scroll\"><table><caption class=\"hear\">");
	html_word(html, caption);
	html_raw(html, "</caption><thead><tr>");
	for (unsigned i = 0; i < count; i++) {
		html_raw(html, "<th scope=\"col\">");
		html_word(html, columns[i]);
		html_raw(html, "</th>");
	}
	html_raw(html, "</tr></thead><tbody>");
}

static void add_head(struct html *html, const struct page *page)
{
	const struct standing *standing = page->standing;
	const char *tone = standing->healthy                 ? "good"
			   : standing->state <= STANDING_NEW ? "wait"
							     : "bad";
	html_print(html, "<span class=\"head %s\">", tone);
	html_text(html, word_standing(html, standing->state));
	html_raw(html, "</span>");
}

static void add_reason(struct html *html, const struct page *page)
{
	word_reason(html, page->standing);
	html_raw(html, " <span class=\"as-of\">");
	html_word(html, W_AS_OF);
	html_raw(html, " ");
	html_time(html, page->at);
	html_raw(html, "</span>");
}

static const struct {
	const char *id;
	enum word title;
	page_part *part;
} sections[PAGE_SECTIONS] = {
	[PAGE_HEAD] = { "head", W_TITLE, add_head },
	[PAGE_REASON] = { "reason", W_TITLE, add_reason },
	[PAGE_YEARS] = { "years", W_YEARS, page_years },
	[PAGE_PLOTS] = { "plots", W_PLOTS, page_plots },
	[PAGE_MAP] = { "map", W_MAP, page_map },
	[PAGE_RUNS] = { "runs", W_RUNS, page_runs },
	[PAGE_SWAPS] = { "swaps", W_SWAPS, page_swaps },
	[PAGE_REJECTS] = { "rejects", W_REJECTS, page_rejects },
	[PAGE_HISTORY] = { "history", W_HISTORY, page_history },
};

void page_section(struct html *html, const struct page *page, enum page_section section)
{
	sections[section].part(html, page);
}

const char *page_section_id(enum page_section section)
{
	return sections[section].id;
}

/* Where the script draws; beside the section it is told by, which is replaced as it goes on. */
static void add_canvas(struct html *html, const char *id, enum word title, enum word other)
{
	html_print(html, "<figure><figcaption id=\"%s-title\"><span class=\"first\">", id);
	html_word(html, title);
	html_raw(html, "</span>");
	if (other != title)
		html_print(html, " · <span class=\"second\">%s</span>", word_of(html, other));
	html_print(html,
		"</figcaption><output id=\"%s-at\" aria-hidden=\"true\"></output><div id=\"%s\" "
		"class=\"plot\" role=\"img\" aria-labelledby=\"%s-title\"></div></figure>",
		id, id, id);
}

static void add_canvases(struct html *html)
{
	html_raw(html, "<div class=\"canvases\">");
	add_canvas(html, "speed", W_SPEED, W_SPEED);
	add_canvas(html, "memory", W_MEMORY, W_LIMIT);
	html_raw(html, "</div><noscript><p>");
	html_word(html, W_PLOT_OFF);
	html_raw(html, "</p></noscript>");
}

static void add_section(struct html *html, const struct page *page, enum page_section section)
{
	const char *id = sections[section].id;
	html_print(html, "<section aria-labelledby=\"%s-title\" class=\"%s\"><h2 id=\"%s-title\">",
		id, id, id);
	html_word(html, sections[section].title);
	html_raw(html, "</h2>");
	if (section == PAGE_PLOTS)
		add_canvases(html);
	html_print(html, "<div id=\"%s\" data-live>", id);
	page_section(html, page, section);
	html_raw(html, "</div></section>\n");
}

/* In a file everything stands in the page, named by its hash: nothing else may run or be loaded. */
static void add_inline(struct html *html)
{
	html_print(html,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"script-src 'sha256-%s' 'sha256-%s'; style-src 'sha256-%s' 'sha256-%s'; "
		"img-src data:; base-uri 'none'; form-action 'none'\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<style>",
		dygraph_min_js_sha256, page_js_sha256, dygraph_min_css_sha256, page_css_sha256);
	html_raw(html, dygraph_min_css);
	html_raw(html, "</style>\n<style>");
	html_raw(html, page_css);
	html_raw(html, "</style>\n");
}

static void add_links(struct html *html)
{
	html_raw(html, "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
		       "<link rel=\"stylesheet\" href=\"/dygraph.css\">\n"
		       "<link rel=\"stylesheet\" href=\"/page.css\">\n"
		       "<script src=\"/dygraph.js\" defer></script>\n"
		       "<script src=\"/page.js\" defer></script>\n");
}

static void add_top(struct html *html, const struct page *page)
{
	html_raw(html, "<a class=\"skip\" href=\"#years-title\">");
	html_word(html, W_SKIP);
	html_raw(html, "</a>\n<header><h1>");
	html_word(html, W_TITLE);
	html_raw(html, "</h1><p id=\"link\" data-live-word=\"");
	html_word(html, W_LIVE);
	html_raw(html, "\" data-lost-word=\"");
	html_word(html, W_LOST);
	html_raw(html, "\">");
	html_word(html, W_SNAPSHOT);
	if (!page->in_file) {
		html_raw(html, "; ");
		html_word(html, W_RELOAD);
	}
	html_raw(html, "</p>");
	if (!page->in_file) {
		html_print(html, "<a lang=\"%s\" hreflang=\"%s\" href=\"/?lang=%s",
			word_of(html, W_OTHER_CODE), word_of(html, W_OTHER_CODE),
			word_of(html, W_OTHER_CODE));
		if (page->year != 0)
			html_print(html, "&amp;year=%d", page->year);
		html_raw(html, "\">");
		html_word(html, W_OTHER);
		html_raw(html, "</a>");
	}
	html_raw(html, "</header>\n");
}

static void add_end(struct html *html, const struct page *page)
{
	if (page->in_file) {
		html_raw(
			html, "<footer>dvf-import " DVF_IMPORT_VERSION PLOTS "</footer>\n<script>");
		html_raw(html, dygraph_min_js);
		html_raw(html, "</script>\n<script>");
		html_raw(html, page_js);
		html_raw(html, "</script>\n");
		return;
	}
	html_raw(html, "<footer>dvf-import " DVF_IMPORT_VERSION " · ");
	html_word(html, W_HELP);
	html_raw(html, " <a href=\"/healthz\">/healthz</a> <a href=\"/metrics\">/metrics</a>" PLOTS
		       "</footer>\n");
}

void page_whole(struct html *html, const struct page *page)
{
	html_print(html, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n",
		html->french ? "fr" : "en");
	html_raw(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		       "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	html_word(html, W_TITLE);
	html_raw(html, "</title>\n");
	if (page->in_file)
		add_inline(html);
	else
		add_links(html);
	html_print(html, "</head><body data-year=\"%d\"%s>\n", page->year,
		page->in_file ? " data-file" : "");
	add_top(html, page);
	/* A screen reader hears when the headline changes, not each row that comes in. */
	html_raw(html, "<main>\n<div id=\"standing\"><p id=\"head\" role=\"status\" data-live>");
	page_section(html, page, PAGE_HEAD);
	html_raw(html, "</p><p id=\"reason\" data-live>");
	page_section(html, page, PAGE_REASON);
	html_raw(html, "</p></div>\n");
	for (enum page_section i = PAGE_YEARS; i < PAGE_SECTIONS; i++)
		add_section(html, page, i);
	html_raw(html, "</main>\n");
	add_end(html, page);
	html_raw(html, "</body></html>\n");
}
