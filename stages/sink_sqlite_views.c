/*
 * sink_sqlite_views.c: what people ask dvf through, one row a sale.
 *
 * They name dvf, not the tables of years, so they stay when a publish makes dvf anew.
 * Whatever keeps them from being made is told and keeps nothing else from going on.
 */
#include "stages/sink_sqlite.h"
#include "stages_sql.h"
#include "state/base/log.h"

static const char sale[] = "dvf_sale", price_m2[] = "dvf_price_m2";

#define VERSION_OF_WINDOWS 3025000 /* with row_number() OVER */

static bool is_so(sqlite3 *db, const char *sql, const char *name, bool *so, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	if (name != NULL)
		sqlite_bind_text(statement, 1, name);
	bool done = sqlite_step(statement, &row, error);
	*so = done && row && sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return done;
}

static bool drop(sqlite3 *db, const char *name, struct error *error)
{
	const struct sql_value values[] = { { "name", name }, { NULL, NULL } };
	return sqlite_run(db, sql_sqlite_views_drop, values, error);
}

static bool make(sqlite3 *db, struct error *error)
{
	return sqlite_run(db, "SAVEPOINT views", NULL, error) && drop(db, price_m2, error) &&
	       drop(db, sale, error) && sqlite_run(db, sql_sqlite_view_sale, NULL, error) &&
	       sqlite_run(db, sql_sqlite_view_price_m2, NULL, error) &&
	       sqlite_run(db, "RELEASE views", NULL, error);
}

/* Those that were there stay. False: SQLite has rolled back more than the views. */
static bool make_undo(sqlite3 *db)
{
	struct error ignored; /* what was said first is told */
	return sqlite3_get_autocommit(db) == 0 &&
	       sqlite_run(db, "ROLLBACK TO views", NULL, &ignored) &&
	       sqlite_run(db, "RELEASE views", NULL, &ignored);
}

/* What is no matter of the views will be met by all else, too. */
static bool ends_take(enum error_kind kind)
{
	return kind == ERROR_LOST || kind == ERROR_STOPPED || kind == ERROR_FULL ||
	       kind == ERROR_MEMORY;
}

bool sqlite_views(sqlite3 *db, struct error *error)
{
	bool missing = false;
	if (sqlite3_libversion_number() < VERSION_OF_WINDOWS)
		return true;
	if (!is_so(db, sql_sqlite_views_missing, NULL, &missing, error))
		return false;
	if (!missing || make(db, error))
		return true;
	if (ends_take(error->kind) || !make_undo(db))
		return false;
	log_note(LOG_WARNING, 0,
		"the views dvf_sale and dvf_price_m2 could not be made, the next run tries again: "
		"%s",
		error->text);
	error_clear(error);
	return true;
}

bool sqlite_views_yield(sqlite3 *db, struct error *error)
{
	bool price_goes = false, sale_goes = false;
	return is_so(db, sql_sqlite_views_yield, price_m2, &price_goes, error) &&
	       is_so(db, sql_sqlite_views_yield, sale, &sale_goes, error) &&
	       (!price_goes || drop(db, price_m2, error)) && (!sale_goes || drop(db, sale, error));
}
