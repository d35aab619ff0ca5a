#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages/sink_postgres_decode.h"
#include "stages_sql.h"

#define FIELDS (COLUMNS + 1) /* source_row is the last */

/* Reads through dvf, as its readers do, and in the order of the unique index where the server
 * thinks that is best: nothing is gathered here. */
struct postgres_rows {
	struct row_reader base;
	struct postgres_sink *sink;
	struct copy_rows copy;
	unsigned columns;      /* that are read before source_row: COLUMNS, or 0 for keys */
	bool as_text[COLUMNS]; /* of another type than we made it */
	char odd[COLUMNS][ODD_SHOWN];
};

struct postgres_chunks {
	struct chunk_reader base;
	struct postgres_sink *sink;
	struct copy_rows copy;
};

/* Ends the reading transaction; a COPY that has not ended takes the connection with it, because all
 * its rows would have to come first. */
static void end_reading(struct postgres_sink *sink, struct copy_rows *copy)
{
	copy_rows_free(copy);
	if (sink->pg.conn != NULL && PQtransactionStatus(sink->pg.conn) == PQTRANS_ACTIVE)
		pg_close(&sink->pg);
	else
		pg_rollback(&sink->pg);
}

static int32_t row_number(const struct copy_field *field)
{
	int64_t number = copy_number(field);
	if (field->size != 8 || number > INT32_MAX || number < INT32_MIN)
		return INT32_MAX;
	return (int32_t)number;
}

static bool next_row(struct row_reader *base, struct row *row, bool *end, struct error *error)
{
	struct postgres_rows *rows = (struct postgres_rows *)base;
	struct copy_field fields[FIELDS];
	if (!copy_rows_next(&rows->copy, fields, rows->columns + 1, end, error) || *end)
		return *end;
	row->source_row = row_number(&fields[rows->columns]);
	for (unsigned i = 0; i < rows->columns; i++)
		if (!copy_value(columns[i].type, rows->as_text[i], &fields[i], &row->values[i],
			    rows->odd[i]))
			return error_set(error, ERROR_DATABASE,
				"source_row %d: the server sent %d bytes for %s, which is not its type",
				row->source_row, fields[i].size, columns[i].name);
	return true;
}

static void close_rows(struct row_reader *base)
{
	struct postgres_rows *rows = (struct postgres_rows *)base;
	end_reading(rows->sink, &rows->copy);
	free(rows);
}

static const struct row_reader_ops row_ops = { .next = next_row, .close = close_rows };

/* `is` NULL: the column is gone. */
static void note_altered(
	struct row_reader *reader, const char *name, const char *is, const char *was)
{
	size_t used = strlen(reader->altered);
	char *to = reader->altered + used;
	size_t room = sizeof(reader->altered) - used;
	const char *before = used > 0 ? ", " : "";
	if (is == NULL)
		snprintf(to, room, "%s%s is gone", before, name);
	else
		snprintf(to, room, "%s%s is %s and was %s", before, name, is, was);
}

/* The type a column has now, or NULL. */
static const char *type_of(const PGresult *r, const char *name)
{
	for (int i = 0; i < PQntuples(r); i++)
		if (strcmp(pg_text(r, i, 0), name) == 0)
			return pg_text(r, i, 1);
	return NULL;
}

static bool keys_usable(const PGresult *r, struct error *error)
{
	const char *type = type_of(r, "source_row");
	if (type != NULL && (strcmp(type, "integer") == 0 || strcmp(type, "bigint") == 0))
		return true;
	return error_set(error, ERROR_REFUSED,
		"source_row of dvf is %s, where it was integer: rows cannot be told apart",
		type != NULL ? type : "gone");
}

/* What people have altered is said, and read as text. */
static bool compare_types(struct postgres_rows *rows, struct error *error)
{
	const struct sql_value values[] = { { "dvf", rows->sink->dvf }, { NULL, NULL } };
	PGresult *r = NULL;
	if (!pg_make(&rows->sink->pg, sql_postgres_rows_columns, values, &r, error))
		return false;
	bool done = keys_usable(r, error);
	for (unsigned i = 0; done && i < rows->columns; i++) {
		const char *was = postgres_type_of(columns[i].type);
		const char *is = type_of(r, columns[i].name);
		rows->base.missing[i] = is == NULL;
		rows->as_text[i] = is != NULL && strcmp(is, was) != 0;
		if (is == NULL || rows->as_text[i])
			note_altered(&rows->base, columns[i].name, is, was);
	}
	PQclear(r);
	return done;
}

static bool copy_statement(
	const struct postgres_rows *rows, int year, struct buf *sql, struct error *error)
{
	if (!buf_add_text(sql, "COPY (SELECT ", error))
		return false;
	for (unsigned i = 0; i < rows->columns; i++)
		if (!buf_print(sql, error, "%s%s, ",
			    rows->base.missing[i] ? "NULL" : columns[i].name,
			    rows->as_text[i] ? "::text" : ""))
			return false;
	return buf_print(sql, error,
		"source_row::bigint FROM %s WHERE source_year = %d ORDER BY source_row) "
		"TO STDOUT (FORMAT binary)",
		rows->sink->dvf, year);
}

static bool begin_rows(struct postgres_rows *rows, int year, struct error *error)
{
	struct pg *pg = &rows->sink->pg;
	struct buf sql = { 0 };
	bool done = pg_exec(pg, sql_postgres_read_begin, NULL, error) &&
		    compare_types(rows, error) && copy_statement(rows, year, &sql, error) &&
		    pg_copy_out_begin(pg, sql.bytes, error);
	buf_free(&sql);
	return done || error_where(error, "reading %d back", year);
}

static bool open_rows(struct sink *sink, int year, unsigned count, struct row_reader **reader,
	struct error *error)
{
	struct postgres_rows *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading rows back");
	made->base.ops = &row_ops;
	made->sink = (struct postgres_sink *)sink;
	made->copy.pg = &made->sink->pg;
	made->columns = count;
	if (!begin_rows(made, year, error)) {
		close_rows(&made->base);
		return false;
	}
	*reader = &made->base;
	return true;
}

bool postgres_rows_open(
	struct sink *sink, int year, struct row_reader **reader, struct error *error)
{
	return open_rows(sink, year, COLUMNS, reader, error);
}

bool postgres_keys_open(
	struct sink *sink, int year, struct row_reader **reader, struct error *error)
{
	return open_rows(sink, year, 0, reader, error);
}

static bool next_chunk(
	struct chunk_reader *base, struct chunk_record *record, bool *end, struct error *error)
{
	struct postgres_chunks *chunks = (struct postgres_chunks *)base;
	struct copy_field fields[6];
	if (!copy_rows_next(&chunks->copy, fields, 6, end, error) || *end)
		return *end;
	*record = (struct chunk_record){
		.plain_first = (uint64_t)copy_number(&fields[0]),
		.plain_end = (uint64_t)copy_number(&fields[1]),
		.first_record = (uint64_t)copy_number(&fields[2]),
		.rows = (uint64_t)copy_number(&fields[3]),
		.rejects = (uint64_t)copy_number(&fields[4]),
		.crc = (uint32_t)copy_number(&fields[5]),
	};
	return true;
}

static void close_chunks(struct chunk_reader *base)
{
	struct postgres_chunks *chunks = (struct postgres_chunks *)base;
	end_reading(chunks->sink, &chunks->copy);
	free(chunks);
}

static const struct chunk_reader_ops chunk_ops = { .next = next_chunk, .close = close_chunks };

static bool begin_chunks(
	struct postgres_chunks *chunks, const struct edition *edition, struct error *error)
{
	struct pg *pg = &chunks->sink->pg;
	struct edition_names names;
	struct buf sql = { 0 };
	postgres_names(chunks->sink, edition, &names);
	bool done = statement_make(&sql, sql_postgres_chunks, names.values, error) &&
		    pg_exec(pg, sql_postgres_read_begin, NULL, error) &&
		    pg_copy_out_begin(pg, sql.bytes, error);
	buf_free(&sql);
	return done || error_where(error, "reading the chunks of %d", edition->year);
}

bool postgres_chunks_open(struct sink *sink, const struct edition *edition,
	struct chunk_reader **reader, struct error *error)
{
	struct postgres_chunks *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading chunks back");
	made->base.ops = &chunk_ops;
	made->sink = (struct postgres_sink *)sink;
	made->copy.pg = &made->sink->pg;
	if (!begin_chunks(made, edition, error)) {
		close_chunks(&made->base);
		return false;
	}
	*reader = &made->base;
	return true;
}
