/*
 * sink_sqlite_views.c: what people ask dvf through, one row a sale.
 *
 * They name dvf, not the tables of years, so they stay when a publish makes dvf anew.
 */
#include "stages/sink_sqlite.h"
#include "stages_sql.h"

#define VERSION_OF_WINDOWS 3025000 /* with row_number() OVER */

static bool are_missing(sqlite3 *db, bool *missing, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_views_missing, NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	*missing = done && row && sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_views(sqlite3 *db, struct error *error)
{
	const struct sql_value sale[] = { { "name", "dvf_sale" }, { NULL, NULL } };
	const struct sql_value price[] = { { "name", "dvf_price_m2" }, { NULL, NULL } };
	bool missing = false;
	if (sqlite3_libversion_number() < VERSION_OF_WINDOWS)
		return true;
	return are_missing(db, &missing, error) &&
	       (!missing || (sqlite_run(db, sql_sqlite_views_drop, price, error) &&
				    sqlite_run(db, sql_sqlite_views_drop, sale, error) &&
				    sqlite_run(db, sql_sqlite_view_sale, NULL, error) &&
				    sqlite_run(db, sql_sqlite_view_price_m2, NULL, error)));
}
