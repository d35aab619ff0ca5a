/*
 * Rows into an edition's table: for a loader, and for records that were mended.
 */
#include <string.h>

#include "stages/sink_sqlite.h"
#include "stages/value.h"
#include "stages_sql.h"

#define DAY_UNKNOWN INT64_MIN
#define YEAR_AT     (COLUMNS + 1) /* the parameters after the columns' */
#define ROW_AT      (COLUMNS + 2)

/* Dates repeat for rows on end, so the last one is kept. */
static int bind_date(struct sqlite_insert *insert, int at, int64_t day)
{
	if (day != insert->day)
		value_day_put(insert->date, day);
	insert->day = day;
	return sqlite3_bind_text(
		insert->statement, at, insert->date, SQLITE_DATE_SIZE, SQLITE_STATIC);
}

/* Whole amounts are kept as integers, which is what SQLite would make of them, only cheaper; others
 * as the double that is nearest, which gives the hundredths back for all amounts under 40 trillion.
 */
static int bind_hundredths(sqlite3_stmt *insert, int at, int64_t hundredths)
{
	if (hundredths % 100 == 0)
		return sqlite3_bind_int64(insert, at, hundredths / 100);
	return sqlite3_bind_double(insert, at, (double)hundredths / 100.0);
}

static int bind_value(
	struct sqlite_insert *insert, int at, enum column_type type, const struct value *value)
{
	switch (type) {
	case COLUMN_DATE:
		return bind_date(insert, at, value->number);
	case COLUMN_SMALLINT:
	case COLUMN_INTEGER:
		return sqlite3_bind_int64(insert->statement, at, value->number);
	case COLUMN_PRICE:
	case COLUMN_AREA:
		return bind_hundredths(insert->statement, at, value->number);
	case COLUMN_DEGREE:
		return sqlite3_bind_double(insert->statement, at, value->degree);
	case COLUMN_CODE:
	case COLUMN_TEXT:
		break;
	}
	return sqlite3_bind_text(
		insert->statement, at, value->text, (int)value->size, SQLITE_STATIC);
}

static int bind_row(struct sqlite_insert *insert, const struct row *row)
{
	int code = SQLITE_OK;
	for (int i = 0; code == SQLITE_OK && i < COLUMNS; i++) {
		const struct value *value = &row->values[i];
		if (!value->null)
			code = bind_value(insert, i + 1, columns[i].type, value);
		else if (!insert->null[i])
			code = sqlite3_bind_null(insert->statement, i + 1);
		insert->null[i] = value->null;
	}
	if (code == SQLITE_OK)
		code = sqlite3_bind_int(insert->statement, YEAR_AT, row->year);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int(insert->statement, ROW_AT, row->source_row);
	return code;
}

bool sqlite_insert_row(struct sqlite_insert *insert, const struct row *row, struct error *error)
{
	int code = bind_row(insert, row);
	if (code == SQLITE_OK)
		code = sqlite3_step(insert->statement);
	if (code == SQLITE_DONE)
		code = sqlite3_reset(insert->statement);
	if (code == SQLITE_OK)
		return true;
	sqlite_failed(sqlite3_db_handle(insert->statement), code, error);
	sqlite3_reset(insert->statement);
	return error_where(error, "record %d of %d", row->source_row, row->year);
}

bool sqlite_insert_make(
	struct sqlite_insert *insert, sqlite3 *db, const char *table, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	sqlite_insert_free(insert);
	insert->day = DAY_UNKNOWN;
	memcpy(insert->date, "0000-00-00", sizeof(insert->date));
	return sqlite_prepare(db, &insert->statement, sql_sqlite_edition_insert, values, error);
}

void sqlite_insert_free(struct sqlite_insert *insert)
{
	sqlite3_finalize(insert->statement);
	*insert = (struct sqlite_insert){ 0 };
}
