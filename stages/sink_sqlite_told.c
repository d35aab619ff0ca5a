#include "stages/sink_sqlite_swap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The years that are served now, as JSON. */
static bool years_json(struct swapping *swapping, struct buf *json, struct error *error)
{
	struct sqlite_sink *live = swapping->new->db != NULL ? swapping->new : swapping->old;
	struct served_years served;
	if (!sqlite_years(&live->sink, &served, error) || !buf_add_text(json, "[", error))
		return false;
	for (unsigned i = 0; i < served.count; i++)
		if (!buf_print(json, error, "%s%d", i > 0 ? "," : "", served.years[i]))
			return false;
	return buf_add_text(json, "]", error);
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static bool event_add(struct swapping *swapping, const char *kind, struct error *error)
{
	const struct sqlite_swap *swap = &swapping->swap;
	struct buf years = { 0 };
	bool done = years_json(swapping, &years, error);
	if (done) {
		const struct field fields[] = {
			FIELD_T("swap", swap->id),
			FIELD_T("live", swap->live),
			FIELD_T("instead_of", or_null(swap->instead_of)),
			FIELD_T("file", swap->live_file),
			FIELD_T("instead_file", or_null(swap->instead_file)),
			FIELD_T("removed_file", or_null(swap->gone_file)),
			FIELD_T("run", swap->run),
			FIELD_T("meant_at", swap->meant_at),
			FIELD_J("years", years.bytes),
		};
		done = ledger_event(swapping->promote->ledger, kind, 0, fields,
			sizeof(fields) / sizeof(fields[0]), error);
	}
	buf_free(&years);
	return done;
}

/* In the ledger each goes by the name it has now; what follows there is about what is live. */
static bool destinations_name(struct swapping *swapping, struct error *error)
{
	const struct sqlite_swap *swap = &swapping->swap;
	struct ledger *ledger = swapping->promote->ledger;
	struct destination was = *swapping->promote->live;
	char name[sizeof(was.name)];
	bool known = false;
	was.slot = swapping->to;
	sink_shown_name(&was, name);
	return (swap->instead_of[0] == '\0' ||
		       ledger_destination_moved(ledger, swap->instead_of, "sqlite", name, error)) &&
	       ledger_destination_moved(
		       ledger, swap->live, "sqlite", swapping->promote->live->name, error) &&
	       ledger_destination(
		       ledger, swap->live, "sqlite", swapping->promote->live->name, &known, error);
}

struct seen {
	const struct sqlite_swap *swap;
	bool found;
};

static bool is_it(void *context, const struct event *event, struct error *error)
{
	struct seen *seen = context;
	(void)error;
	seen->found = seen->found || ((strncmp(event->kind, "promote", 7) == 0 ||
					      strncmp(event->kind, "revert", 6) == 0) &&
					     strstr(event->body, seen->swap->id) != NULL);
	return true;
}

static bool is_told(struct swapping *swapping, bool *told, struct error *error)
{
	const struct event_filter all = { 0 };
	struct seen seen = { .swap = &swapping->swap };
	bool done = ledger_events(swapping->promote->ledger, &all, is_it, &seen, error);
	*told = seen.found;
	return done;
}

bool swap_tell(struct swapping *swapping, bool found_done, struct error *error)
{
	bool told = false;
	if (swapping->promote->ledger == NULL)
		return true;
	if (found_done && !is_told(swapping, &told, error))
		return false;
	if (told)
		return true;
	const char *kind = swapping->revert ? (found_done ? "revert found done" : "reverted")
					    : (found_done ? "promote found done" : "promoted");
	return destinations_name(swapping, error) && event_add(swapping, kind, error);
}
