/* Runs, promotions, rejects and the history. */
#include <string.h>

#include "cmd/page_parts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void say(struct html *html, enum word word)
{
	html_raw(html, "<p>");
	html_word(html, word);
	html_raw(html, "</p>");
}

static void add_command(struct html *html, enum word word, const char *command)
{
	html_raw(html, "<p>");
	html_word(html, word);
	html_print(html, " <code>dvf-import %s</code></p>", command);
}

static void end_table(struct html *html)
{
	html_raw(html, "</tbody></table></div>");
}

static void add_outcome(struct html *html, const struct page *page, unsigned i)
{
	const struct run_seen *run = &page->look->runs[i];
	bool works = i == 0 && standing_at_work(page->look);
	const char *outcome = run->outcome[0] != '\0' ? run->outcome : works ? "" : "killed";
	const char *tone = works ? "busy" : strcmp(outcome, "done") == 0 ? "good" : "bad";
	html_print(html, "<span class=\"tag %s\">", tone);
	html_text(html, works ? word_of(html, W_AT_WORK) : word_said(html, outcome));
	html_raw(html, "</span></td>");
}

static void add_run(struct html *html, const struct page *page, unsigned i)
{
	const struct run_seen *run = &page->look->runs[i];
	html_print(html, "<tr><th scope=\"row\">%lld</th>", (long long)run->id);
	page_cell(html, W_COMMAND, "");
	html_text(html, run->command);
	html_raw(html, "</td>");
	page_cell(html, W_OUTCOME, "");
	add_outcome(html, page, i);
	page_cell(html, W_CODE, "n");
	html_print(html, run->ended_at[0] != '\0' ? "%d</td>" : "–</td>", run->exit_code);
	page_cell(html, W_BEGAN, "");
	html_time(html, run->started_at);
	html_raw(html, "</td>");
	page_cell(html, W_ENDED, "");
	html_time(html, run->ended_at);
	html_raw(html, "</td>");
	page_cell(html, W_PEAK, "n");
	if (run->peak_memory > 0) {
		html_decimal(html, (double)run->peak_memory / (1 << 20), 1);
		html_print(html, " %s</td>", word_of(html, W_MIB));
	} else {
		html_raw(html, "–</td>");
	}
	page_cell(html, W_HOST, "");
	html_text(html, run->host);
	html_raw(html, "</td></tr>");
}

void page_runs(struct html *html, const struct page *page)
{
	static const enum word columns[] = { W_RUN, W_COMMAND, W_OUTCOME, W_CODE, W_BEGAN, W_ENDED,
		W_PEAK, W_HOST };
	if (page->look == NULL || page->look->run_count == 0) {
		say(html, W_NOTHING);
		return;
	}
	page_head(html, W_RUNS, columns, COUNT(columns));
	for (unsigned i = 0; i < page->look->run_count; i++)
		add_run(html, page, i);
	end_table(html);
}

static void add_event(struct html *html, const struct event_seen *event)
{
	html_print(html, "<tr><th scope=\"row\">%lld</th>", (long long)event->number);
	page_cell(html, W_AT, "");
	html_time(html, event->at);
	html_raw(html, "</td>");
	page_cell(html, W_WHAT, "");
	html_text(html, word_said(html, event->kind));
	if (event->year != 0)
		html_print(html, " <strong>%d</strong>", event->year);
	html_raw(html, "</td>");
	page_cell(html, W_FACTS, "facts");
	html_text(html, event->facts);
	html_raw(html, "</td></tr>");
}

static void add_events(
	struct html *html, const struct event_seen *events, unsigned count, enum word caption)
{
	static const enum word columns[] = { W_EVENT, W_AT, W_WHAT, W_FACTS };
	page_head(html, caption, columns, COUNT(columns));
	for (unsigned i = 0; i < count; i++)
		add_event(html, &events[i]);
	end_table(html);
}

void page_swaps(struct html *html, const struct page *page)
{
	if (page->look == NULL || page->look->swap_count == 0)
		say(html, W_NO_SWAPS);
	else
		add_events(html, page->look->swaps, page->look->swap_count, W_SWAPS);
}

static void add_reject(struct html *html, const struct reject_seen *reject)
{
	html_print(html, "<tr><th scope=\"row\">%d</th>", reject->year);
	page_cell(html, W_RECORD, "n");
	html_number(html, reject->record);
	html_raw(html, "</td>");
	page_cell(html, W_COLUMN, "");
	html_text(html, reject->column[0] != '\0' ? reject->column : "–");
	html_raw(html, "</td>");
	page_cell(html, W_REASON, "facts");
	html_text(html, reject->reason);
	html_raw(html, "</td></tr>");
}

static bool has_rejects(const struct look *look)
{
	for (unsigned i = 0; i < look->destination_count; i++)
		for (unsigned k = 0; k < look->destinations[i].year_count; k++)
			if (look->destinations[i].years[k].state.rejects > 0)
				return true;
	return false;
}

void page_rejects(struct html *html, const struct page *page)
{
	static const enum word columns[] = { W_YEAR, W_RECORD, W_COLUMN, W_REASON };
	if (page->look == NULL || (page->look->reject_count == 0 && !has_rejects(page->look))) {
		say(html, page->look == NULL ? W_NOTHING : W_NO_REJECTS);
		return;
	}
	if (page->look->reject_count == 0) {
		add_command(html, W_REJECTS_LATER, "history --rejects");
		return;
	}
	page_head(html, W_REJECTS, columns, COUNT(columns));
	for (unsigned i = 0; i < page->look->reject_count; i++)
		add_reject(html, &page->look->rejects[i]);
	end_table(html);
	add_command(html, W_FIRST_ONLY, "history --rejects");
}

static void add_chain(struct html *html, const struct chain_seen *chain)
{
	html_print(html, "<p class=\"chain\"><span class=\"tag %s\">",
		!chain->known  ? "wait"
		: chain->whole ? "good"
			       : "bad");
	html_raw(html, !chain->known ? "?" : chain->whole ? "✓" : "✗");
	html_raw(html, "</span> ");
	if (!chain->known) {
		html_word(html, W_NOT_WALKED);
	} else if (chain->whole) {
		html_word(html, W_WHOLE);
		html_raw(html, " ");
		html_number(html, (uint64_t)chain->events);
		html_raw(html, ".");
	} else {
		html_word(html, W_BROKEN);
		html_raw(html, " ");
		html_text(html, chain->problem);
	}
	html_raw(html, "</p>");
	add_command(html, W_NOT_COMPARED, "history --verify");
}

void page_history(struct html *html, const struct page *page)
{
	if (page->look == NULL || page->look->event_count == 0) {
		say(html, W_NOTHING);
		return;
	}
	add_chain(html, page->chain);
	add_events(html, page->look->events, page->look->event_count, W_EVENTS);
}
