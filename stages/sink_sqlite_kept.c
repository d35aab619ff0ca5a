#include <stdio.h>
#include <stdlib.h>

#include "stages/sink_sqlite.h"
#include "stages_sql.h"

struct sqlite_kept_reader {
	struct kept_reader base;
	sqlite3 *db;
	sqlite3_stmt *sources; /* the edition that is read; while it is open, the snapshot holds */
	sqlite3_stmt *records; /* of that edition */
	bool inside;           /* an edition is being read */
};

static const char *text_at(sqlite3_stmt *row, int at)
{
	return (const char *)sqlite3_column_text(row, at);
}

/* An empty blob has no address of its own. */
static const char *bytes_at(sqlite3_stmt *row, int at, uint32_t *size)
{
	const char *bytes = sqlite3_column_blob(row, at);
	*size = (uint32_t)sqlite3_column_bytes(row, at);
	if (sqlite3_column_type(row, at) == SQLITE_NULL)
		return NULL;
	return bytes != NULL ? bytes : "";
}

static void read_kept(struct kept *kept, sqlite3_stmt *source, sqlite3_stmt *record)
{
	*kept = (struct kept){
		.year = sqlite3_column_int(source, 2),
		.stage = sink_stage_of(text_at(source, 3)),
		.record = (uint64_t)sqlite3_column_int64(record, 0),
		.plain_first = (uint64_t)sqlite3_column_int64(record, 1),
		.plain_end = (uint64_t)sqlite3_column_int64(record, 2),
		.column = text_at(record, 3),
		.reason = text_at(record, 4),
	};
	snprintf(kept->edition, sizeof(kept->edition), "%s", text_at(source, 1));
	kept->raw = bytes_at(record, 5, &kept->raw_size);
	kept->mended = bytes_at(record, 6, &kept->mended_size);
}

/* The next edition; *there false: that was the last. */
static bool next_source(struct sqlite_kept_reader *reader, bool *there, struct error *error)
{
	if (!sqlite_step(reader->sources, there, error))
		return false;
	sqlite3_reset(reader->records);
	reader->inside = *there;
	if (*there)
		sqlite3_bind_int64(reader->records, 1, sqlite3_column_int64(reader->sources, 0));
	return true;
}

static bool kept_next(struct kept_reader *base, struct kept *kept, bool *end, struct error *error)
{
	struct sqlite_kept_reader *reader = (struct sqlite_kept_reader *)base;
	bool row = false;
	*end = false;
	while (!row) {
		bool there = true;
		if (!reader->inside && !next_source(reader, &there, error))
			return false;
		*end = !there;
		if (*end)
			return true;
		if (!sqlite_step(reader->records, &row, error))
			return error_where(error, "cannot read the rejects");
		reader->inside = row;
	}
	read_kept(kept, reader->sources, reader->records);
	return true;
}

static void kept_close(struct kept_reader *base)
{
	struct sqlite_kept_reader *reader = (struct sqlite_kept_reader *)base;
	if (reader == NULL)
		return;
	sqlite3_finalize(reader->records);
	sqlite3_finalize(reader->sources);
	free(reader);
}

static const struct kept_reader_ops reader_ops = {
	.next = kept_next,
	.close = kept_close,
};

static bool prepare(struct sqlite_kept_reader *reader, int year, struct error *error)
{
	bool there = false;
	if (!sqlite_table_there(reader->db, "dvf_import_mended", &there, error))
		return false;
	const struct sql_value values[] = { { "mended", there ? sql_sqlite_kept_mended : " " },
		{ NULL, NULL } };
	if (!sqlite_prepare(reader->db, &reader->sources, sql_sqlite_kept_sources, NULL, error) ||
		!sqlite_prepare(reader->db, &reader->records, sql_sqlite_kept, values, error))
		return false;
	sqlite3_bind_int(reader->sources, 1, year);
	return true;
}

bool sqlite_kept_open(struct sink *sink, int year, struct kept_reader **reader, struct error *error)
{
	struct sqlite_kept_reader *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading rejects");
	made->base.ops = &reader_ops;
	made->db = ((struct sqlite_sink *)sink)->db;
	if (!prepare(made, year, error)) {
		kept_close(&made->base);
		return error_where(error, "cannot read the rejects");
	}
	*reader = &made->base;
	return true;
}
