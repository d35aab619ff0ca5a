#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/sink_sqlite.h"
#include "stages/value.h"
#include "stages_sql.h"

#define ODD_SHOWN  80
#define WHOLE_MOST INT64_C(9999999999999999) /* so that hundredths of it fit */

/* The table is read by its primary key, which is its own order: nothing is gathered or sorted. */
struct sqlite_rows {
	struct row_reader base;
	sqlite3 *db;
	sqlite3_stmt *statement;
	int columns; /* that are read before source_row: COLUMNS, or 0 for keys */
	char odd[COLUMNS][ODD_SHOWN];
};

struct sqlite_chunks {
	struct chunk_reader base;
	sqlite3 *db;
	sqlite3_stmt *statement;
};

/* A value may have any storage class, whatever its column is called. */
static void be_odd(
	sqlite3_stmt *row, int at, int storage, struct value *value, char odd[static ODD_SHOWN])
{
	static const char *const words[] = { [SQLITE_INTEGER] = "integer",
		[SQLITE_FLOAT] = "real",
		[SQLITE_TEXT] = "text",
		[SQLITE_BLOB] = "blob" };
	char shown[VALUE_SHOWN];
	const char *bytes = sqlite3_column_blob(row, at);
	value_show(shown, bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(row, at));
	snprintf(odd, ODD_SHOWN, "%s '%s'", words[storage], shown);
	value->odd = true;
	value->text = odd;
	value->size = (uint32_t)strlen(odd);
}

static bool text_value(sqlite3_stmt *row, int at, int storage, struct value *value)
{
	if (storage != SQLITE_TEXT)
		return false;
	const char *text = (const char *)sqlite3_column_text(row, at);
	value->text = text != NULL ? text : "";
	value->size = (uint32_t)sqlite3_column_bytes(row, at);
	return true;
}

/* The mirror of how a loader binds amounts; which hundredths a double stands for, it does not say.
 */
static bool amount_value(sqlite3_stmt *row, int at, int storage, struct value *value)
{
	if (storage == SQLITE_FLOAT) {
		value->rounded = true;
		value->degree = sqlite3_column_double(row, at);
		return true;
	}
	int64_t whole = sqlite3_column_int64(row, at);
	bool fits = whole >= -WHOLE_MOST && whole <= WHOLE_MOST;
	value->number = fits ? whole * 100 : 0;
	return fits && storage == SQLITE_INTEGER;
}

/* False: it is stored as what no value of this type is. */
static bool own_value(
	sqlite3_stmt *row, int at, int storage, enum column_type type, struct value *value)
{
	switch (type) {
	case COLUMN_DATE:
		return text_value(row, at, storage, value) &&
		       value_day(value->text, value->size, &value->number) == VALUE_FINE;
	case COLUMN_SMALLINT:
	case COLUMN_INTEGER:
		value->number = sqlite3_column_int64(row, at);
		return storage == SQLITE_INTEGER;
	case COLUMN_PRICE:
	case COLUMN_AREA:
		return amount_value(row, at, storage, value);
	case COLUMN_DEGREE:
		value->degree = sqlite3_column_double(row, at);
		return storage == SQLITE_FLOAT;
	case COLUMN_CODE:
	case COLUMN_TEXT:
		break;
	}
	return text_value(row, at, storage, value);
}

static int32_t row_number(sqlite3_stmt *row, int at)
{
	int64_t number = sqlite3_column_int64(row, at);
	if (sqlite3_column_type(row, at) != SQLITE_INTEGER || number > INT32_MAX ||
		number < INT32_MIN)
		return INT32_MAX;
	return (int32_t)number;
}

static bool next_row(struct row_reader *base, struct row *row, bool *end, struct error *error)
{
	struct sqlite_rows *rows = (struct sqlite_rows *)base;
	sqlite3_stmt *statement = rows->statement;
	bool there = false;
	*end = false;
	if (!sqlite_step(statement, &there, error))
		return false;
	*end = !there;
	if (*end)
		return true;
	row->source_row = row_number(statement, rows->columns);
	for (int i = 0; i < rows->columns; i++) {
		struct value *value = &row->values[i];
		int storage = sqlite3_column_type(statement, i);
		*value = (struct value){ .null = storage == SQLITE_NULL };
		if (!value->null && !own_value(statement, i, storage, columns[i].type, value))
			be_odd(statement, i, storage, value, rows->odd[i]);
	}
	return true;
}

static void close_rows(struct row_reader *base)
{
	struct sqlite_rows *rows = (struct sqlite_rows *)base;
	sqlite3_finalize(rows->statement);
	sqlite_rollback(rows->db);
	free(rows);
}

static const struct row_reader_ops row_ops = { .next = next_row, .close = close_rows };

static bool is_there(sqlite3 *db, const char *sql, const char *first, const char *second,
	bool *there, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, first);
	if (second != NULL)
		sqlite_bind_text(statement, 2, second);
	bool done = sqlite_step(statement, there, error);
	sqlite3_finalize(statement);
	return done;
}

static void note_altered(struct row_reader *reader, const char *name, const char *what)
{
	size_t used = strlen(reader->altered);
	snprintf(reader->altered + used, sizeof(reader->altered) - used, "%s%s %s",
		used > 0 ? ", " : "", name, what);
}

/* What people have altered is said, and the rest is read. */
static bool look_at_table(struct sqlite_rows *rows, const char *table, struct error *error)
{
	struct row_reader *base = &rows->base;
	bool there = false;
	if (!is_there(rows->db, sql_sqlite_view_names, table, NULL, &there, error))
		return false;
	if (!there)
		note_altered(base, "the view dvf", "does not show it");
	for (int i = 0; i < rows->columns; i++) {
		if (!is_there(rows->db, sql_sqlite_table_columns, table, columns[i].name, &there,
			    error))
			return false;
		base->missing[i] = !there;
		if (!there)
			note_altered(base, columns[i].name, "is gone");
	}
	return true;
}

static bool select_rows(struct sqlite_rows *rows, const char *table, int year, struct error *error)
{
	struct buf sql = { 0 };
	bool done = buf_add_text(&sql, "SELECT ", error);
	for (int i = 0; done && i < rows->columns; i++)
		done = buf_print(
			&sql, error, "%s, ", rows->base.missing[i] ? "NULL" : columns[i].name);
	done = done && buf_print(&sql, error,
			       "source_row FROM \"%s\" WHERE source_year = %d ORDER BY source_row",
			       table, year);
	done = done && sqlite_prepare(rows->db, &rows->statement, sql.bytes, NULL, error);
	buf_free(&sql);
	return done;
}

static bool begin_rows(struct sqlite_rows *rows, int year, struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	bool done = sqlite_run(rows->db, "BEGIN", NULL, error) &&
		    sqlite_source_find(rows->db, &source, year, NULL, &found, error);
	if (done && !found)
		done = error_set(error, ERROR_CHANGED, "%d is not served any more", year);
	return done && look_at_table(rows, source.table, error) &&
	       select_rows(rows, source.table, year, error);
}

static bool open_rows(
	struct sink *sink, int year, int count, struct row_reader **reader, struct error *error)
{
	struct sqlite_rows *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading rows back");
	made->base.ops = &row_ops;
	made->db = ((struct sqlite_sink *)sink)->db;
	made->columns = count;
	if (!begin_rows(made, year, error)) {
		close_rows(&made->base);
		return error_where(error, "reading %d back", year);
	}
	*reader = &made->base;
	return true;
}

bool sqlite_rows_open(struct sink *sink, int year, struct row_reader **reader, struct error *error)
{
	return open_rows(sink, year, COLUMNS, reader, error);
}

bool sqlite_keys_open(struct sink *sink, int year, struct row_reader **reader, struct error *error)
{
	return open_rows(sink, year, 0, reader, error);
}

static bool next_chunk(
	struct chunk_reader *base, struct chunk_record *record, bool *end, struct error *error)
{
	sqlite3_stmt *statement = ((struct sqlite_chunks *)base)->statement;
	bool there = false;
	*end = false;
	if (!sqlite_step(statement, &there, error))
		return false;
	*end = !there;
	if (*end)
		return true;
	*record = (struct chunk_record){
		.plain_first = (uint64_t)sqlite3_column_int64(statement, 0),
		.plain_end = (uint64_t)sqlite3_column_int64(statement, 1),
		.first_record = (uint64_t)sqlite3_column_int64(statement, 2),
		.rows = (uint64_t)sqlite3_column_int64(statement, 3),
		.rejects = (uint64_t)sqlite3_column_int64(statement, 4),
		.crc = (uint32_t)sqlite3_column_int64(statement, 5),
	};
	return true;
}

static void close_chunks(struct chunk_reader *base)
{
	struct sqlite_chunks *chunks = (struct sqlite_chunks *)base;
	sqlite3_finalize(chunks->statement);
	sqlite_rollback(chunks->db);
	free(chunks);
}

static const struct chunk_reader_ops chunk_ops = { .next = next_chunk, .close = close_chunks };

/* The served one is meant where the same edition is being loaded again. */
static bool find_edition(sqlite3 *db, const struct edition *edition, struct sqlite_source *source,
	bool *found, struct error *error)
{
	if (!sqlite_source_find(db, source, edition->year, NULL, found, error))
		return false;
	return (*found && strcmp(source->memory.edition.sha256, edition->sha256) == 0) ||
	       sqlite_source_find(db, source, edition->year, edition->sha256, found, error);
}

static bool begin_chunks(
	struct sqlite_chunks *chunks, const struct edition *edition, struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	if (!sqlite_run(chunks->db, "BEGIN", NULL, error) ||
		!find_edition(chunks->db, edition, &source, &found, error) ||
		!sqlite_prepare(chunks->db, &chunks->statement, sql_sqlite_chunks, NULL, error))
		return false;
	/* Without its source an edition has no chunks: id 0 is nobody's. */
	sqlite3_bind_int64(chunks->statement, 1, found ? source.id : 0);
	return true;
}

bool sqlite_chunks_open(struct sink *sink, const struct edition *edition,
	struct chunk_reader **reader, struct error *error)
{
	struct sqlite_chunks *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading chunks back");
	made->base.ops = &chunk_ops;
	made->db = ((struct sqlite_sink *)sink)->db;
	if (!begin_chunks(made, edition, error)) {
		close_chunks(&made->base);
		return error_where(error, "reading the chunks of %d", edition->year);
	}
	*reader = &made->base;
	return true;
}
