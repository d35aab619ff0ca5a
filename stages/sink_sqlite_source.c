#include "stages/sink_sqlite.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "stages_sql.h"
#include "state/ranges.h"

#define EMPTY_TABLE "dvf_import_empty"

static void text_of(char *to, size_t room, sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	snprintf(to, room, "%s", text != NULL ? text : "");
}

static void source_read(struct sqlite_source *source, sqlite3_stmt *row)
{
	struct edition_memory *memory = &source->memory;
	struct edition *edition = &memory->edition;
	char stage[16];
	*source = (struct sqlite_source){ .id = sqlite3_column_int64(row, 0) };
	text_of(source->table, sizeof(source->table), row, 1);
	text_of(stage, sizeof(stage), row, 2);
	memory->stage = sink_stage_of(stage);
	edition->year = sqlite3_column_int(row, 3);
	text_of(edition->sha256, sizeof(edition->sha256), row, 4);
	text_of(edition->url, sizeof(edition->url), row, 5);
	text_of(edition->validators.etag, sizeof(edition->validators.etag), row, 6);
	text_of(edition->validators.last_modified, sizeof(edition->validators.last_modified), row,
		7);
	edition->validators.has_size = sqlite3_column_type(row, 8) != SQLITE_NULL;
	edition->validators.packed_size = (uint64_t)sqlite3_column_int64(row, 8);
	edition->packed_size = (uint64_t)sqlite3_column_int64(row, 9);
	memory->plain_size = (uint64_t)sqlite3_column_int64(row, 10);
	memory->rows = (uint64_t)sqlite3_column_int64(row, 11);
	memory->rejects = (uint64_t)sqlite3_column_int64(row, 12);
	memory->layout_version = sqlite3_column_int(row, 13);
	memory->parser_version = sqlite3_column_int(row, 14);
	text_of(memory->why, sizeof(memory->why), row, 15);
	text_of(memory->under, sizeof(memory->under), row, 16);
}

static bool column_add(sqlite3 *db, const char *column, const char *sql, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_column, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, column);
	bool done = sqlite_step(statement, &row, error);
	bool there = done && row && sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return done && (there || sqlite_run(db, sql, NULL, error));
}

bool sqlite_source_upgrade(sqlite3 *db, struct error *error)
{
	return column_add(db, "run", sql_sqlite_source_add_run, error) &&
	       column_add(db, "ready_at", sql_sqlite_source_add_ready, error);
}

static bool find(sqlite3 *db, const char *sql, struct sqlite_source *source, int year,
	const char *sha256, bool *found, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	sqlite3_bind_int(statement, 1, year);
	sqlite_bind_text(statement, 2, sha256);
	bool done = sqlite_step(statement, found, error);
	if (done && *found)
		source_read(source, statement);
	return sqlite_read_end(statement, error) && done;
}

bool sqlite_source_find(sqlite3 *db, struct sqlite_source *source, int year, const char *sha256,
	bool *found, struct error *error)
{
	return find(db, sql_sqlite_source_find, source, year, sha256, found, error);
}

bool sqlite_source_find_live(
	sqlite3 *db, struct sqlite_source *source, int year, bool *found, struct error *error)
{
	return find(db, sql_sqlite_copy_find, source, year, NULL, found, error);
}

bool sqlite_source_drop(sqlite3 *db, int64_t id, const char *table, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	if (table[0] != '\0' && !sqlite_run(db, sql_sqlite_edition_drop, values, error))
		return false;
	return sqlite_run_for(db, sql_sqlite_chunk_drop, id, error) &&
	       sqlite_run_for(db, sql_sqlite_reject_drop, id, error) &&
	       sqlite_run_for(db, sql_sqlite_mended_drop, id, error) &&
	       sqlite_run_for(db, sql_sqlite_source_drop, id, error);
}

bool sqlite_source_lost_drop(sqlite3 *db, int year, struct error *error)
{
	struct sqlite_source lost;
	bool found = false;
	return find(db, sql_sqlite_source_lost, &lost, year, NULL, &found, error) &&
	       (!found ||
		       (sqlite_view_free(db, error) && sqlite_source_drop(db, lost.id, "", error) &&
			       sqlite_view_make(db, error)));
}

static void bind_edition(sqlite3_stmt *statement, const struct edition *edition)
{
	const struct validators *validators = &edition->validators;
	sqlite3_bind_int(statement, 1, edition->year);
	sqlite_bind_text(statement, 2, edition->sha256);
	sqlite_bind_text(statement, 3, edition->url);
	sqlite_bind_text(statement, 4, validators->etag);
	sqlite_bind_text(statement, 5, validators->last_modified);
	if (validators->has_size)
		sqlite3_bind_int64(statement, 6, (int64_t)validators->packed_size);
	sqlite3_bind_int64(statement, 7, (int64_t)edition->packed_size);
}

bool sqlite_source_add(sqlite3 *db, const struct edition *edition, const char *table,
	const char *stage, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_add, NULL, error))
		return false;
	bind_edition(statement, edition);
	sqlite_bind_text(statement, 8, table);
	sqlite_bind_text(statement, 9, stage);
	sqlite3_bind_int(statement, 10, LAYOUT_VERSION);
	sqlite3_bind_int(statement, 11, PARSER_VERSION);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_source_renew(
	sqlite3 *db, int64_t id, const struct edition *edition, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_renew, NULL, error))
		return false;
	bind_edition(statement, edition);
	sqlite3_bind_int64(statement, 8, id);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_source_stage(sqlite3 *db, int64_t id, const char *stage, const char *why,
	const char *under, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_stage, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, id);
	sqlite_bind_text(statement, 2, stage);
	sqlite_bind_text(statement, 3, why);
	sqlite_bind_text(statement, 4, under);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

static bool chunks_add(sqlite3_stmt *statement, struct ranges *ranges, struct error *error)
{
	bool row = false;
	while (sqlite_step(statement, &row, error)) {
		if (!row)
			return true;
		struct range range = {
			.plain_first = (uint64_t)sqlite3_column_int64(statement, 0),
			.plain_end = (uint64_t)sqlite3_column_int64(statement, 1),
			.first_record = (uint64_t)sqlite3_column_int64(statement, 2),
			.rows = (uint64_t)sqlite3_column_int64(statement, 3),
			.rejects = (uint64_t)sqlite3_column_int64(statement, 4),
		};
		if (!ranges_add(ranges, &range, error))
			return error_where(error, "the chunks in dvf_import_chunk");
	}
	return false;
}

bool sqlite_source_chunks(sqlite3 *db, int64_t id, struct ranges *ranges, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_chunk_list, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, id);
	bool done = chunks_add(statement, ranges, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_table_there(sqlite3 *db, const char *table, bool *there, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_table_there, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, table);
	bool done = sqlite_step(statement, there, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_view_look(sqlite3 *db, enum sqlite_view *view, char kind[static 8], struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_view_look, NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	*view = SQLITE_VIEW_NONE;
	kind[0] = '\0';
	if (done && row) {
		*view = sqlite3_column_int(statement, 1) != 0 ? SQLITE_VIEW_OURS
							      : SQLITE_VIEW_FOREIGN;
		text_of(kind, 8, statement, 0);
	}
	return sqlite_read_end(statement, error) && done;
}

bool sqlite_view_free(sqlite3 *db, struct error *error)
{
	enum sqlite_view view = SQLITE_VIEW_NONE;
	char kind[8];
	if (!sqlite_view_look(db, &view, kind, error))
		return false;
	if (view != SQLITE_VIEW_FOREIGN)
		return true;
	return error_set(error, ERROR_REFUSED,
		"%s has a %s named dvf that dvf-import did not make: rename or drop it, or give "
		"another file",
		sqlite3_db_filename(db, "main"), kind);
}

static bool view_part(struct buf *parts, const char *table, const char *year, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { "year", year }, { NULL, NULL } };
	struct buf part = { 0 };
	bool done = statement_make(&part, sql_sqlite_view_part, values, error) &&
		    (parts->size == 0 || buf_add_text(parts, "UNION ALL\n", error)) &&
		    buf_add(parts, part.bytes, part.size, error);
	buf_free(&part);
	return done;
}

static bool view_parts(sqlite3 *db, struct buf *parts, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool done = sqlite_prepare(db, &statement, sql_sqlite_view_years, NULL, error);
	while (done && (done = sqlite_step(statement, &row, error)) && row)
		done = sqlite3_column_int(statement, 2) == 0 ||
		       view_part(parts, (const char *)sqlite3_column_text(statement, 0),
			       (const char *)sqlite3_column_text(statement, 1), error);
	return sqlite_read_end(statement, error) && done;
}

/* Without a year the view stands on an empty table, so that its columns have their types from the
 * start. */
static bool view_empty(sqlite3 *db, struct buf *parts, struct error *error)
{
	const struct sql_value values[] = { { "table", EMPTY_TABLE }, { "year", "0" },
		{ NULL, NULL } };
	bool there = false;
	if (parts->size > 0)
		return true;
	if (!sqlite_table_there(db, EMPTY_TABLE, &there, error))
		return false;
	return (there || sqlite_run(db, sql_sqlite_edition_table, values, error)) &&
	       view_part(parts, EMPTY_TABLE, "0", error);
}

static bool view_text(sqlite3 *db, struct buf *text, struct error *error)
{
	struct buf parts = { 0 };
	bool done = view_parts(db, &parts, error) && view_empty(db, &parts, error);
	if (done) {
		const struct sql_value values[] = { { "parts", parts.bytes }, { NULL, NULL } };
		done = statement_make(text, sql_sqlite_view_make, values, error);
	}
	buf_free(&parts);
	return done;
}

/* SQLite keeps the text of a view as it was given, without the white space at its end. */
static bool view_same(sqlite3 *db, const struct buf *text, bool *same, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	size_t size = text->size;
	while (size > 0 && isspace((unsigned char)text->bytes[size - 1]))
		size--;
	if (!sqlite_prepare(db, &statement, sql_sqlite_view_same, NULL, error))
		return false;
	sqlite3_bind_text64(statement, 1, text->bytes, size, SQLITE_STATIC, SQLITE_UTF8);
	bool done = sqlite_step(statement, same, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_view_make(sqlite3 *db, struct error *error)
{
	struct buf text = { 0 };
	bool same = false;
	bool done = view_text(db, &text, error) && view_same(db, &text, &same, error);
	if (done && !same)
		done = sqlite_run(db, sql_sqlite_view_drop, NULL, error) &&
		       sqlite_run(db, text.bytes, NULL, error);
	buf_free(&text);
	return done;
}
