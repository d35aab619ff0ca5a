/* Each year's way: fetched, loaded, indexed, published. */
#include <string.h>

#include "cmd/page_parts.h"
#include "state/stage.h"

enum step { STEP_FETCHED, STEP_LOADED, STEP_INDEXED, STEP_PUBLISHED, STEPS };

/* The step a year is at; those before it are done. STEPS: all are. */
static enum step step_of(const struct year_state *year)
{
	static const struct {
		const char *stage;
		enum step step;
	} at[] = {
		{ "fetching", STEP_FETCHED },
		{ "loading", STEP_LOADED },
		{ "copying", STEP_LOADED },
		{ "indexing", STEP_INDEXED },
		{ "checking", STEP_PUBLISHED },
		{ "publishing", STEP_PUBLISHED },
		{ "ready", STEP_PUBLISHED },
		{ "held", STEP_PUBLISHED },
		{ "published", STEPS },
	};
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (strcmp(year->stage, at[i].stage) == 0)
			return at[i].step;
	/* It waits, or ended badly somewhere: the figures tell where. */
	if (year->plain_size > 0 && year->plain_done >= year->plain_size)
		return STEP_INDEXED;
	return year->packed_size > 0 && year->packed_done >= year->packed_size ? STEP_LOADED
									       : STEP_FETCHED;
}

static bool moves(const char *stage)
{
	enum stage_kind kind = stage_kind(stage);
	return kind == STAGE_COUNTS || kind == STAGE_LASTS;
}

static void add_progress(struct html *html, uint64_t done, uint64_t whole, bool guessed)
{
	if (whole == 0 || done > whole) {
		html_megabytes(html, done);
		return;
	}
	html_print(html, "<progress max=\"%llu\" value=\"%llu\">", (unsigned long long)whole,
		(unsigned long long)done);
	html_print(html, "%d %%</progress> ", (int)(100 * (double)done / (double)whole));
	html_decimal(html, (double)done / 1e6, 1);
	html_raw(html, guessed ? " / ~" : " / ");
	html_megabytes(html, whole);
}

static void add_step(struct html *html, const struct year_state *year, enum step step, enum step at)
{
	static const enum word labels[] = { W_FETCHED, W_LOADED, W_INDEXED, W_PUBLISHED };
	const uint64_t bytes[STEPS] = { year->packed_done, year->plain_done, 0, 0 };
	bool guessed = year->plain_size == 0;
	uint64_t plain_size = guessed ? year->packed_size * PAGE_RATIO_USUAL : year->plain_size;
	const uint64_t sizes[STEPS] = { year->packed_size, plain_size, 0, 0 };
	bool done = step < at;
	page_cell(html, labels[step], done ? "step did" : step > at ? "step todo" : "step now");
	if (done) {
		html_raw(html, "<span aria-hidden=\"true\">✓ </span><span class=\"hear\">");
		html_word(html, W_DONE);
		html_raw(html, "</span> ");
		if (bytes[step] > 0)
			html_megabytes(html, bytes[step]);
	} else if (step == at && moves(year->stage) && bytes[step] > 0) {
		add_progress(html, bytes[step], sizes[step], step == STEP_LOADED && guessed);
	} else if (step == at && moves(year->stage)) {
		html_raw(html, "<span class=\"dots\" aria-hidden=\"true\">…</span>");
	} else {
		html_raw(html, "<span class=\"none\" aria-hidden=\"true\">–</span>");
	}
	html_raw(html, "</td>");
}

static const char *tone_of(const char *stage)
{
	if (strcmp(stage, "published") == 0)
		return "tag good";
	if (moves(stage) || strcmp(stage, "waiting") == 0)
		return "tag busy";
	return strcmp(stage, "held") == 0 || strcmp(stage, "ready") == 0 ||
			       strcmp(stage, "stopped") == 0
		       ? "tag wait"
		       : "tag bad";
}

static void add_year(struct html *html, const struct year_state *year)
{
	enum step at = step_of(year);
	html_print(html, "<tr><th scope=\"row\">%d</th>", year->year);
	page_cell(html, W_STANDS, "");
	html_print(html, "<span class=\"%s\">", tone_of(year->stage));
	html_text(html, word_said(html, year->stage));
	html_raw(html, "</span></td>");
	for (enum step step = STEP_FETCHED; step < STEPS; step++)
		add_step(html, year, step, at);
	page_cell(html, W_ROWS, "n");
	html_number(html, year->rows);
	html_raw(html, "</td>");
	page_cell(html, W_REJECTS, year->rejects > 0 ? "n warn" : "n");
	html_number(html, year->rejects);
	html_raw(html, "</td>");
	page_cell(html, W_TOOK, "n");
	html_decimal(html, (double)year->elapsed_ms / 1e3, 1);
	html_raw(html, " s</td></tr>");
	if (year->message[0] != '\0') {
		html_raw(html, "<tr class=\"say\"><td colspan=\"9\">");
		html_text(html, year->message);
		html_raw(html, "</td></tr>");
	}
}

void page_years(struct html *html, const struct page *page)
{
	static const enum word columns[] = { W_YEAR, W_STANDS, W_FETCHED, W_LOADED, W_INDEXED,
		W_PUBLISHED, W_ROWS, W_REJECTS, W_TOOK };
	const struct look *look = page->look;
	for (unsigned i = 0; look != NULL && i < look->destination_count; i++) {
		const struct destination_seen *to = &look->destinations[i];
		html_raw(html, "<p class=\"to\">");
		html_word(html, W_INTO);
		html_raw(html, " <strong>");
		html_text(html, to->name);
		html_raw(html, "</strong></p>");
		page_head(html, W_YEARS, columns, sizeof(columns) / sizeof(columns[0]));
		for (unsigned k = 0; k < to->year_count; k++)
			add_year(html, &to->years[k].state);
		html_raw(html, "</tbody></table></div>");
	}
	if (look == NULL || look->destination_count == 0) {
		html_raw(html, "<p>");
		html_word(html, W_NOTHING);
		html_raw(html, "</p>");
	}
}
