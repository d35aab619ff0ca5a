/*
 * Rows into an edition's table: for a loader, and for records that were mended.
 *
 * They are the rows of a virtual table, which the connection alone knows, and one INSERT ... SELECT
 * takes a chunk of them: SQLite asks for row after row and column after column. To bind 42
 * parameters a row and run the statement anew costs a fifth more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stages/sink_sqlite.h"
#include "stages/value.h"
#include "stages_sql.h"

#define ROWS_TABLE  "dvf_import_rows" /* in edition_insert.sql */
#define DAY_UNKNOWN INT64_MIN
#define YEAR_AT     COLUMNS /* the columns after the file's */

/* The virtual table with the one cursor it needs. It is SQLite's: one whose module is gone lives on
 * until the connection does something else. */
struct rows_table {
	sqlite3_vtab base;
	sqlite3_vtab_cursor cursor;
	struct sqlite_insert *insert;
};

static struct sqlite_insert *insert_of(sqlite3_vtab_cursor *cursor)
{
	return ((struct rows_table *)cursor->pVtab)->insert;
}

/* --- values, as SQLite is given them */

/* Dates repeat for rows on end, so the last one is kept. */
static void give_date(struct sqlite_insert *insert, sqlite3_context *to, int64_t day)
{
	if (day != insert->day)
		value_day_put(insert->date, day);
	insert->day = day;
	sqlite3_result_text(to, insert->date, SQLITE_DATE_SIZE, SQLITE_STATIC);
}

/* Whole amounts are kept as integers, which is what SQLite would make of them, only cheaper; others
 * as the double that is nearest, which gives the hundredths back for all amounts under 40 trillion.
 */
static void give_hundredths(sqlite3_context *to, int64_t hundredths)
{
	if (hundredths % 100 == 0)
		sqlite3_result_int64(to, hundredths / 100);
	else
		sqlite3_result_double(to, (double)hundredths / 100.0);
}

static void give_value(struct sqlite_insert *insert, sqlite3_context *to, enum column_type type,
	const struct value *value)
{
	switch (type) {
	case COLUMN_DATE:
		give_date(insert, to, value->number);
		return;
	case COLUMN_SMALLINT:
	case COLUMN_INTEGER:
		sqlite3_result_int64(to, value->number);
		return;
	case COLUMN_PRICE:
	case COLUMN_AREA:
		give_hundredths(to, value->number);
		return;
	case COLUMN_DEGREE:
		sqlite3_result_double(to, value->degree);
		return;
	case COLUMN_CODE:
	case COLUMN_TEXT:
		break;
	}
	/* The row holds until the next one is asked for, and by then SQLite has made its record. */
	sqlite3_result_text(to, value->text, (int)value->size, SQLITE_STATIC);
}

/* --- the virtual table */

/* Nothing that stands in the file's schema, a view or a trigger, may read it. */
static int rows_connect(sqlite3 *db, void *context, int count, const char *const *words,
	sqlite3_vtab **table, char **text)
{
	(void)count;
	(void)words;
	(void)text;
	int code = sqlite3_declare_vtab(db, sql_sqlite_edition_insert_rows);
	if (code == SQLITE_OK)
		code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	if (code != SQLITE_OK)
		return code;
	struct rows_table *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return SQLITE_NOMEM;
	made->insert = context;
	*table = &made->base;
	return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *index)
{
	(void)table;
	(void)index; /* there is one way to read them */
	return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
	*cursor = &((struct rows_table *)table)->cursor;
	return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
	(void)cursor;
	return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *cursor)
{
	struct sqlite_insert *insert = insert_of(cursor);
	if (insert->source->next(insert->source, &insert->row, insert->error))
		return SQLITE_OK;
	insert->row = NULL;
	insert->source_failed = true;
	return SQLITE_ABORT;
}

static int rows_filter(sqlite3_vtab_cursor *cursor, int number, const char *name, int count,
	sqlite3_value **values)
{
	(void)number;
	(void)name;
	(void)count;
	(void)values;
	return rows_next(cursor);
}

static int rows_eof(sqlite3_vtab_cursor *cursor)
{
	return insert_of(cursor)->row == NULL;
}

static int rows_column(sqlite3_vtab_cursor *cursor, sqlite3_context *to, int at)
{
	struct sqlite_insert *insert = insert_of(cursor);
	const struct row *row = insert->row;
	if (at >= COLUMNS)
		sqlite3_result_int(to, at == YEAR_AT ? row->year : row->source_row);
	else if (!row->values[at].null) /* what is given nothing is NULL */
		give_value(insert, to, columns[at].type, &row->values[at]);
	return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *number)
{
	*number = insert_of(cursor)->row->source_row;
	return SQLITE_OK;
}

/* Without xCreate the table is there by its name alone, and nothing is written to the schema. */
static const sqlite3_module rows_module = {
	.xConnect = rows_connect,
	.xBestIndex = rows_best_index,
	.xDisconnect = rows_disconnect,
	.xOpen = rows_open,
	.xClose = rows_close,
	.xFilter = rows_filter,
	.xNext = rows_next,
	.xEof = rows_eof,
	.xColumn = rows_column,
	.xRowid = rows_rowid,
};

/* --- the insert */

static bool rows_make(struct sqlite_insert *insert, sqlite3 *db, struct error *error)
{
	if (insert->db != NULL || db == NULL)
		return true;
	int code = sqlite3_create_module(db, ROWS_TABLE, &rows_module, insert);
	if (code != SQLITE_OK)
		return sqlite_failed(db, code, error);
	insert->db = db;
	return true;
}

bool sqlite_insert_make(
	struct sqlite_insert *insert, sqlite3 *db, const char *table, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	sqlite3_finalize(insert->statement);
	insert->statement = NULL;
	insert->day = DAY_UNKNOWN;
	memcpy(insert->date, "0000-00-00", sizeof(insert->date));
	return rows_make(insert, db, error) &&
	       sqlite_prepare(db, &insert->statement, sql_sqlite_edition_insert, values, error);
}

bool sqlite_insert_rows(struct sqlite_insert *insert, struct row_source *source, uint64_t *taken,
	struct error *error)
{
	insert->source = source;
	insert->row = NULL;
	insert->source_failed = false;
	insert->error = error;
	errno = 0;
	int code = sqlite3_step(insert->statement);
	bool done = code == SQLITE_DONE;
	if (!done && !insert->source_failed) {
		sqlite_failed(insert->db, code, error);
		if (insert->row != NULL)
			error_where(error, "record %d of %d", insert->row->source_row,
				insert->row->year);
	}
	*taken = done ? (uint64_t)sqlite3_changes(insert->db) : 0;
	sqlite3_reset(insert->statement);
	return done;
}

/* One row as the rows of an insert. */
struct single {
	struct row_source source;
	const struct row *row;
};

static bool next_single(struct row_source *source, const struct row **row, struct error *error)
{
	struct single *single = (struct single *)source;
	(void)error;
	*row = single->row;
	single->row = NULL;
	return true;
}

bool sqlite_insert_row(struct sqlite_insert *insert, const struct row *row, struct error *error)
{
	struct single single = { { next_single }, row };
	uint64_t taken = 0;
	return sqlite_insert_rows(insert, &single.source, &taken, error);
}

void sqlite_insert_free(struct sqlite_insert *insert)
{
	sqlite3_finalize(insert->statement);
	if (insert->db != NULL)
		sqlite3_create_module(insert->db, ROWS_TABLE, NULL, NULL);
	*insert = (struct sqlite_insert){ 0 };
}
