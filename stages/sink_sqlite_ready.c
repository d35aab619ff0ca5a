#include "stages/sink_sqlite_swap.h"

#include <stdio.h>
#include <string.h>

#include "stages_sql.h"

static const char *slot_word(const struct swapping *swapping)
{
	return swapping->revert ? "the previous file" : "staging";
}

static bool is_dropped(const struct promote *promote, int year)
{
	for (unsigned i = 0; i < promote->dropped_count; i++)
		if (promote->dropped[i] == year)
			return true;
	return false;
}

/* Going back to fewer years is what a revert may be for; a promote must not lose one unasked. */
static void tell_missing(struct swapping *swapping, int year)
{
	char remedy[128];
	if (swapping->revert || is_dropped(swapping->promote, year)) {
		swap_say(swapping, "%d is served now and will not be any more", year);
		return;
	}
	snprintf(remedy, sizeof(remedy),
		"let dvf-import run --staging bring it there, or give it up with --drop-year %d",
		year);
	swap_refuse(swapping, remedy, "live serves %d, staging does not", year);
}

static void tell_unfinished(struct swapping *swapping, int year, const char *stage, const char *why)
{
	if (is_dropped(swapping->promote, year))
		return;
	if (strcmp(stage, "held") == 0)
		swap_refuse(swapping,
			"look at it, then dvf-import run --staging --allow-shrink, or wait for "
			"another edition",
			"an edition of %d is held in staging: %s", year, why);
	else
		swap_refuse(swapping, "let dvf-import run --staging end",
			"an edition of %d is %s in staging, not published", year, stage);
}

static bool missing(struct swapping *swapping, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_prepare(
		swapping->new->db, &statement, sql_sqlite_ready_missing, NULL, error);
	while (done && (done = sqlite_step(statement, &row, error)) && row)
		tell_missing(swapping, sqlite3_column_int(statement, 0));
	sqlite3_finalize(statement);
	return done;
}

static bool unfinished(struct swapping *swapping, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_prepare(
		swapping->new->db, &statement, sql_sqlite_ready_unfinished, NULL, error);
	while (done && (done = sqlite_step(statement, &row, error)) && row)
		tell_unfinished(swapping, sqlite3_column_int(statement, 0),
			(const char *)sqlite3_column_text(statement, 1),
			(const char *)sqlite3_column_text(statement, 2));
	sqlite3_finalize(statement);
	return done;
}

static bool serves_something(struct swapping *swapping, struct error *error)
{
	struct served_years served;
	enum sqlite_view view = SQLITE_VIEW_NONE;
	char kind[8];
	if (!sqlite_years(&swapping->new->sink, &served, error) ||
		!sqlite_view_look(swapping->new->db, &view, kind, error))
		return false;
	if (served.count == 0)
		swap_refuse(swapping, "let dvf-import run --staging load one", "%s serves no year",
			slot_word(swapping));
	if (view != SQLITE_VIEW_OURS)
		swap_refuse(swapping,
			"drop what has the name there, then let dvf-import run --staging make it",
			"dvf in %s is not what dvf-import made", slot_word(swapping));
	return true;
}

bool swap_ready(struct swapping *swapping, struct error *error)
{
	return serves_something(swapping, error) &&
	       (swapping->revert || unfinished(swapping, error)) &&
	       (!swapping->has_old || (missing(swapping, error) && swap_foreign(swapping, error)));
}
