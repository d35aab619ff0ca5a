#include <stdio.h>
#include <string.h>

#include "stages/sink_sqlite.h"
#include "stages_sql.h"

struct mending {
	sqlite3 *db;
	struct sqlite_source source; /* of the last record; id 0: none yet */
	struct sqlite_insert insert; /* into its table */
	int64_t last;                /* the last mended record before this transaction */
};

/* Runs a statement about one record; it must change one row exactly, or *one is false. `mended` may
 * be NULL. */
static bool change(struct mending *mending, const char *sql, const struct mended *record,
	const struct mended *mended, bool *one, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(mending->db, &statement, sql, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, mending->source.id);
	if (sqlite3_bind_parameter_count(statement) >= 2)
		sqlite3_bind_int64(statement, 2, record->row->source_row);
	if (mended != NULL)
		sqlite3_bind_blob64(statement, 3, mended->raw, mended->raw_size, SQLITE_STATIC);
	bool done = sqlite_step(statement, NULL, error);
	*one = done && sqlite3_changes(mending->db) == 1;
	sqlite3_finalize(statement);
	return done;
}

static bool last_before(struct mending *mending, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(mending->db, &statement, sql_sqlite_mend_last, NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	if (done && row)
		mending->last = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return done;
}

/* Another edition begins: it must be the one that dvf serves. */
static bool turn_to(struct mending *mending, const struct mended *mended, struct error *error)
{
	bool found = false;
	if (!sqlite_source_find(
		    mending->db, &mending->source, mended->row->year, NULL, &found, error))
		return false;
	if (!found || strcmp(mending->source.memory.edition.sha256, mended->edition) != 0)
		return sink_mend_fault(MEND_NOT_SERVED, mended, NULL, error);
	return sqlite_insert_make(&mending->insert, mending->db, mending->source.table, error);
}

/* The record is no reject: was it one? */
static bool no_reject(struct mending *mending, const struct mended *mended, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(mending->db, &statement, sql_sqlite_mend_before, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, mending->source.id);
	sqlite3_bind_int64(statement, 2, mended->row->source_row);
	bool done = sqlite_step(statement, &row, error);
	if (done && !row)
		sink_mend_fault(MEND_NO_REJECT, mended, NULL, error);
	else if (done)
		sink_mend_fault(sqlite3_column_int64(statement, 1) > mending->last ? MEND_TWICE
										   : MEND_BEFORE,
			mended, (const char *)sqlite3_column_text(statement, 0), error);
	sqlite3_finalize(statement);
	return false;
}

static bool put_row(struct mending *mending, const struct row *row, struct error *error)
{
	if (sqlite_insert_row(&mending->insert, row, error))
		return true;
	/* To a loader a record that is there already says that its plan is out of date. */
	if (error->kind == ERROR_LOST)
		error_set(error, ERROR_DATABASE,
			"record %d of %d is a reject and is in the table as well: run again "
			"(dvf-import verify names what differs)",
			row->source_row, row->year);
	return false;
}

static bool mend_one(struct mending *mending, const struct mended *mended, struct error *error)
{
	const struct edition *edition = &mending->source.memory.edition;
	bool one = false;
	bool same = mending->source.id != 0 && edition->year == mended->row->year &&
		    strcmp(edition->sha256, mended->edition) == 0;
	if (!same && !turn_to(mending, mended, error))
		return false;
	if (!change(mending, sql_sqlite_mend_keep, mended, mended, &one, error))
		return false;
	if (!one)
		return no_reject(mending, mended, error);
	if (!change(mending, sql_sqlite_mend_count, mended, NULL, &one, error))
		return false;
	if (!one)
		return sink_mend_fault(MEND_NO_CHUNK, mended, NULL, error);
	return change(mending, sql_sqlite_mend_drop, mended, NULL, &one, error) &&
	       change(mending, sql_sqlite_mend_source, mended, NULL, &one, error) &&
	       put_row(mending, mended->row, error);
}

static bool mend_all(struct mending *mending, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error)
{
	if (!last_before(mending, error))
		return false;
	for (;;) {
		struct mended mended;
		bool end = false;
		if (!next(context, &mended, &end, error))
			return false;
		if (end)
			return true;
		if (!mend_one(mending, &mended, error))
			return false;
		(*count)++;
	}
}

bool sqlite_mend(struct sink *base, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	struct mending mending = { .db = sink->db };
	*count = 0;
	if (!sqlite_begin(sink->db, sink, error))
		return false;
	bool done = mend_all(&mending, next, context, count, error);
	/* Before the end: a statement under way would keep it from coming. */
	sqlite_insert_free(&mending.insert);
	return sqlite_end(sink->db, done, error);
}
