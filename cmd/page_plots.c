/*
 * The series that the script draws, and the same as a table. A rate is over a few samples: from one
 * to the next it is all noise, for chunks are committed in bursts.
 */
#include "cmd/page_parts.h"

#define RATE_OVER     4
#define FIGURES_SHOWN 12

static double rate_at(const struct look *look, unsigned i)
{
	unsigned from = i > RATE_OVER ? i - RATE_OVER : 0;
	const struct run_sample *a = &look->samples[from], *b = &look->samples[i];
	if (b->at_ms <= a->at_ms || b->rows < a->rows)
		return 0;
	return (double)(b->rows - a->rows) * 1000 / (double)(b->at_ms - a->at_ms);
}

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* [[seconds, rows/s, MiB, limit in MiB], ...], in an attribute: no script stands in the page. */
static void add_series(struct html *html, const struct look *look)
{
	html_print(html, "<div id=\"series\" data-run=\"%lld\" data-series=\"[",
		(long long)look->sampled_run);
	for (unsigned i = 0; i < look->sample_count; i++) {
		const struct run_sample *sample = &look->samples[i];
		html_print(html, "%s[%.2f,%.0f,%.2f,%.2f]", i > 0 ? "," : "",
			(double)sample->at_ms / 1e3, rate_at(look, i), mebibytes(sample->memory),
			mebibytes(sample->memory_limit));
	}
	html_raw(html, "]\"></div>");
}

static void add_figure(struct html *html, const struct look *look, unsigned i)
{
	const struct run_sample *sample = &look->samples[i];
	html_raw(html, "<tr><th scope=\"row\">");
	html_decimal(html, (double)sample->at_ms / 1e3, 2);
	html_raw(html, "</th>");
	page_cell(html, W_ROWS, "n");
	html_number(html, sample->rows);
	html_raw(html, "</td>");
	page_cell(html, W_ROWS_S, "n");
	html_number(html, (uint64_t)rate_at(look, i));
	html_raw(html, "</td>");
	page_cell(html, W_MEMORY, "n");
	html_decimal(html, mebibytes(sample->memory), 1);
	html_raw(html, "</td>");
	page_cell(html, W_LIMIT, "n");
	html_decimal(html, mebibytes(sample->memory_limit), 1);
	html_raw(html, "</td></tr>");
}

static void add_figures(struct html *html, const struct look *look)
{
	static const enum word columns[] = { W_SECONDS, W_ROWS, W_ROWS_S, W_MEMORY, W_LIMIT };
	unsigned every = look->sample_count / FIGURES_SHOWN + 1;
	html_raw(html, "<details id=\"figures\"><summary>");
	html_word(html, W_FIGURES);
	html_raw(html, "</summary>");
	page_head(html, W_PLOTS, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < look->sample_count; i++)
		if (i % every == 0 || i + 1 == look->sample_count)
			add_figure(html, look, i);
	html_raw(html, "</tbody></table></div></details>");
}

void page_plots(struct html *html, const struct page *page)
{
	const struct look *look = page->look;
	if (look == NULL || look->sample_count == 0) {
		html_raw(html, "<p>");
		html_word(html, W_NOTHING);
		html_raw(html, "</p>");
		return;
	}
	const struct run_sample *last = &look->samples[look->sample_count - 1];
	html_raw(html, "<p>");
	html_word(html, W_RUN);
	html_print(html, " %lld", (long long)look->sampled_run);
	html_colon(html);
	html_number(html, (uint64_t)rate_at(look, look->sample_count - 1));
	html_print(html, " %s, ", word_of(html, W_ROWS_S));
	html_decimal(html, mebibytes(last->memory), 1);
	html_raw(html, " / ");
	html_decimal(html, mebibytes(last->memory_limit), 0);
	html_print(html, " %s</p>", word_of(html, W_MIB));
	add_series(html, look);
	add_figures(html, look);
}
