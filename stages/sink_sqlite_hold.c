#include "stages/sink_sqlite_swap.h"

#include <stdio.h>

#include "stages_sql.h"

/* *id 0: there is none left. */
static bool hold_next(
	sqlite3 *db, const char *sql, int64_t *id, struct edition *edition, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	*id = 0;
	*edition = (struct edition){ 0 };
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	if (done && row) {
		*id = sqlite3_column_int64(statement, 0);
		edition->year = sqlite3_column_int(statement, 1);
		snprintf(edition->sha256, sizeof(edition->sha256), "%s",
			(const char *)sqlite3_column_text(statement, 2));
	}
	return sqlite_read_end(statement, error) && done;
}

/* What was begun of it here, or judged, gives way: there is one row an edition that is not served.
 */
static bool hold_one(sqlite3 *db, int64_t id, const struct edition *edition, struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	return sqlite_source_find(db, &source, edition->year, edition->sha256, &found, error) &&
	       (!found || sqlite_source_drop(db, source.id, source.table, error)) &&
	       sqlite_run_for(db, sql_sqlite_hold_add, id, error);
}

static bool hold_all(sqlite3 *db, const char *sql, struct error *error)
{
	struct edition edition;
	int64_t id = 0;
	while (hold_next(db, sql, &id, &edition, error)) {
		if (id == 0)
			return true;
		if (!hold_one(db, id, &edition, error))
			return false;
	}
	return false;
}

bool swap_hold(struct swapping *swapping, struct error *error)
{
	if (!swapping->has_old)
		return true;
	sqlite3 *db = swapping->new->db;
	return hold_all(db, sql_sqlite_hold_kept, error) &&
	       (!swapping->revert || hold_all(db, sql_sqlite_hold_reverted, error));
}
