#include "stages/sink_sqlite.h"

#include "stages_sql.h"

/* A question with one number for an answer. */
static bool number_of(sqlite3 *db, const char *sql, int64_t one, int64_t two, int64_t *number,
	struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, one);
	sqlite3_bind_int64(statement, 2, two);
	bool done = sqlite_step(statement, &row, error);
	*number = done && row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return done;
}

static bool run_with(sqlite3 *db, const char *sql, int64_t one, int64_t two, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, one);
	sqlite3_bind_int64(statement, 2, two);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

static bool source_copy(sqlite3 *db, const struct sqlite_source *from, const char *table,
	int64_t *id, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_copy_source, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, from->id);
	sqlite_bind_text(statement, 2, table);
	bool done = sqlite_step(statement, NULL, error);
	*id = sqlite3_last_insert_rowid(db);
	sqlite3_finalize(statement);
	return done;
}

static bool witness_copy(sqlite3 *db, int64_t id, int64_t from, struct error *error)
{
	int64_t has_mended = 0;
	return run_with(db, sql_sqlite_copy_chunks, id, from, error) &&
	       run_with(db, sql_sqlite_copy_rejects, id, from, error) &&
	       number_of(db, sql_sqlite_copy_has_mended, 0, 0, &has_mended, error) &&
	       (has_mended == 0 || run_with(db, sql_sqlite_copy_mended, id, from, error));
}

static bool rows_copy(sqlite3 *db, const char *table, const char *from, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { "from", from }, { NULL, NULL } };
	return sqlite_run(db, sql_sqlite_copy_rows, values, error);
}

static bool copy_afresh(sqlite3 *db, const struct sqlite_source *from,
	const struct sqlite_source *known, struct error *error)
{
	const struct edition *edition = &from->memory.edition;
	char table[SQLITE_TABLE_MAX];
	int64_t id = 0;
	return sqlite_edition_afresh(db, edition, known, table, error) &&
	       source_copy(db, from, table, &id, error) &&
	       rows_copy(db, table, from->table, error) && witness_copy(db, id, from->id, error);
}

/* Whether all of the edition is in already: copied before, or loaded from its file. */
static bool is_in(sqlite3 *db, const struct sqlite_source *from, const struct sqlite_source *known,
	bool *in, struct error *error)
{
	bool there = false;
	int64_t whole = 0;
	if (!sqlite_table_there(db, known->table, &there, error) ||
		!number_of(db, sql_sqlite_copy_whole, known->id, from->id, &whole, error))
		return false;
	*in = there && whole != 0 && known->memory.layout_version == LAYOUT_VERSION;
	return true;
}

static bool copy_locked(sqlite3 *db, const struct sqlite_source *from, struct error *error)
{
	const struct edition *edition = &from->memory.edition;
	struct sqlite_source known;
	bool found = false, in = false;
	if (!sqlite_view_free(db, error) || !sqlite_edition_others_drop(db, edition, error) ||
		!sqlite_source_find(db, &known, edition->year, edition->sha256, &found, error))
		return false;
	if (found && !is_in(db, from, &known, &in, error))
		return false;
	return in || copy_afresh(db, from, found ? &known : NULL, error);
}

/* Under the write lock, so that what is found in live is what is copied. */
static bool from_find(sqlite3 *db, int year, struct sqlite_source *from, struct error *error)
{
	bool found = false;
	if (!sqlite_source_find_live(db, from, year, &found, error))
		return false;
	if (!found)
		return error_set(
			error, ERROR_CHANGED, "live does not serve %d any more: run again", year);
	return from->memory.layout_version == LAYOUT_VERSION ||
	       error_set(error, ERROR_REFUSED,
		       "%d was loaded into live by a version of dvf-import with another layout "
		       "and cannot be copied: leave it out with --drop-year %d",
		       year, year);
}

/* A year whose file has a header only has no chunk. */
static bool total_fill(sqlite3 *db, const struct sqlite_source *from, struct year_total *total,
	struct error *error)
{
	const struct edition_memory *memory = &from->memory;
	int64_t header_end = 0;
	if (!number_of(db, sql_sqlite_copy_header, from->id, 0, &header_end, error))
		return false;
	uint64_t records = memory->rows + memory->rejects;
	*total = (struct year_total){
		.header_end = records > 0 ? (uint64_t)header_end : memory->plain_size,
		.plain_size = memory->plain_size,
		.records = records,
		.rows = memory->rows,
		.rejects = memory->rejects,
	};
	return true;
}

bool sqlite_copy_year(struct sink *base, struct sink *live, int year, struct edition *edition,
	struct year_total *total, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	struct sqlite_source from = { 0 };
	if (!sqlite_attach(sink->db, ((struct sqlite_sink *)live)->db, error))
		return error_where(error, "copying %d from live", year);
	bool done =
		sqlite_begin(sink->db, sink, error) && from_find(sink->db, year, &from, error) &&
		copy_locked(sink->db, &from, error) && total_fill(sink->db, &from, total, error);
	done = sqlite_end(sink->db, done, error);
	sqlite_detach(sink->db);
	sqlite3_db_release_memory(sink->db);
	*edition = from.memory.edition;
	return done || error_where(error, "copying %d from live", year);
}
