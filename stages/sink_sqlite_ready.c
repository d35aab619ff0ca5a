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
static void tell_missing(struct swapping *swapping, int year, bool unfinished)
{
	char remedy[128];
	if (swapping->revert || is_dropped(swapping->promote, year)) {
		swap_say(swapping, "%d is served now and will not be any more", year);
		return;
	}
	if (unfinished) /* it is told as that, with what really helps */
		return;
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
	else if (strcmp(stage, "refused") == 0)
		swap_refuse(swapping,
			"history --rejects --staging shows what is wrong with it; wait for another "
			"edition, or leave the year out with --drop-year",
			"the edition of %d is refused in staging: %s", year, why);
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
		tell_missing(swapping, sqlite3_column_int(statement, 0),
			sqlite3_column_int(statement, 1) != 0);
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
	return sqlite_read_end(statement, error) && done;
}

/* A live file that an older version made has no such table: nothing was mended there. */
static bool attached_has_mended(sqlite3 *db, bool *has, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_prepare(db, &statement, sql_sqlite_copy_has_mended, NULL, error) &&
		    sqlite_step(statement, &row, error);
	*has = done && row && sqlite3_column_int(statement, 0) > 0;
	sqlite3_finalize(statement);
	return done;
}

/* What people mended in live after its year was copied: it would be a reject again. */
static void tell_unmended(struct swapping *swapping, int year, int count)
{
	const char *s = count == 1 ? "" : "s", *are = count == 1 ? "is" : "are";
	if (swapping->revert)
		swap_say(swapping, "%d record%s of %d, mended in live, %s rejected in %s", count, s,
			year, are, slot_word(swapping));
	else
		swap_refuse(swapping,
			"mend them there too with dvf-import mend FILE --staging, or remove staging and "
			"run --staging again, which copies them",
			"%d record%s of %d, mended in live, %s rejected in staging", count, s, year,
			are);
}

static bool unmended(struct swapping *swapping, struct error *error)
{
	sqlite3 *db = swapping->new->db;
	sqlite3_stmt *statement = NULL;
	bool row = false, has = false;
	if (!attached_has_mended(db, &has, error))
		return false;
	if (!has)
		return true;
	bool done = sqlite_prepare(db, &statement, sql_sqlite_ready_unmended, NULL, error);
	while (done && (done = sqlite_step(statement, &row, error)) && row)
		tell_unmended(swapping, sqlite3_column_int(statement, 0),
			sqlite3_column_int(statement, 1));
	sqlite3_finalize(statement);
	return done;
}

/* It would be put back to an older edition. */
static bool overtaken(struct swapping *swapping, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_prepare(
		swapping->new->db, &statement, sql_sqlite_ready_overtaken, NULL, error);
	while (done && (done = sqlite_step(statement, &row, error)) && row)
		swap_refuse(swapping, "dvf-import run --staging takes it in",
			"live serves a newer edition of %d, which came after staging was loaded",
			sqlite3_column_int(statement, 0));
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
	       (!swapping->has_old ||
		       (missing(swapping, error) &&
			       (swapping->revert || overtaken(swapping, error)) &&
			       unmended(swapping, error) && swap_rights_ready(swapping, error) &&
			       swap_foreign(swapping, error)));
}
