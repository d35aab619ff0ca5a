/*
 * Binary COPY as PostgreSQL's documentation of COPY gives it: a signature, then a row as a 16-bit
 * count of fields and each field as a 32-bit length (-1: NULL) with its bytes, everything in
 * network order; dates are days since 2000-01-01, numeric is as numeric_recv() in the server reads
 * it.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"

#define FLUSH_BYTES      ((size_t)64 << 10)
#define DAYS_1970_2000   10957
#define NUMERIC_NEGATIVE 0x4000

static const char copy_head[] =
	"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* its own NUL is the last byte */
static const char copy_end[] = { '\377', '\377' };

struct postgres_loader {
	struct loader base;
	struct pg pg;
	struct buf out;
	struct buf copy; /* the COPY statement of the edition */
	struct edition_names names;
};

static struct postgres_sink *sink_of(struct postgres_loader *loader)
{
	return (struct postgres_sink *)loader->base.sink;
}

static char *put16(char *at, int value)
{
	uint16_t big = htobe16((uint16_t)value);
	memcpy(at, &big, sizeof(big));
	return at + sizeof(big);
}

static char *put32(char *at, int32_t value)
{
	uint32_t big = htobe32((uint32_t)value);
	memcpy(at, &big, sizeof(big));
	return at + sizeof(big);
}

static char *put_double(char *at, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	bits = htobe64(bits);
	memcpy(put32(at, sizeof(bits)), &bits, sizeof(bits));
	return at + 4 + sizeof(bits);
}

/* Hundredths as numeric: digits in base 10000, the last of them holding the two decimals. */
static char *put_hundredths(char *at, int64_t hundredths)
{
	uint64_t size = hundredths < 0 ? (uint64_t)0 - (uint64_t)hundredths : (uint64_t)hundredths;
	uint64_t whole = size / 100;
	int digits[6];
	int count = 0;
	int places = 0;
	digits[5] = (int)(size % 100) * 100;
	for (; whole > 0; whole /= 10000)
		digits[4 - places++] = (int)(whole % 10000);
	count = places + 1;
	const int *first = &digits[5 - places];
	while (count > 0 && first[count - 1] == 0)
		count--;
	at = put32(at, 8 + 2 * count);
	at = put16(at, count);
	at = put16(at, count > 0 ? places - 1 : 0);
	at = put16(at, hundredths < 0 ? NUMERIC_NEGATIVE : 0);
	at = put16(at, 2);
	for (int i = 0; i < count; i++)
		at = put16(at, first[i]);
	return at;
}

static char *put_value(char *at, enum column_type type, const struct value *value)
{
	if (value->null)
		return put32(at, -1);
	switch (type) {
	case COLUMN_DATE:
		return put32(put32(at, 4), (int32_t)(value->number - DAYS_1970_2000));
	case COLUMN_SMALLINT:
		return put16(put32(at, 2), (int)value->number);
	case COLUMN_INTEGER:
		return put32(put32(at, 4), (int32_t)value->number);
	case COLUMN_PRICE:
	case COLUMN_AREA:
		return put_hundredths(at, value->number);
	case COLUMN_DEGREE:
		return put_double(at, value->degree);
	case COLUMN_CODE:
	case COLUMN_TEXT:
		at = put32(at, (int32_t)value->size);
		memcpy(at, value->text, value->size);
		return at + value->size;
	}
	return at;
}

/* At most: 4 bytes of length and 20 of value a field, and the texts. */
static size_t row_room(const struct row *row)
{
	size_t room = 2 + (COLUMNS + 2) * (size_t)24;
	for (unsigned i = 0; i < COLUMNS; i++)
		if (columns[i].type == COLUMN_CODE || columns[i].type == COLUMN_TEXT)
			room += row->values[i].null ? 0 : row->values[i].size;
	return room;
}

static bool flush_out(struct postgres_loader *loader, struct error *error)
{
	bool done = pg_copy_put(&loader->pg, loader->out.bytes, loader->out.size, error);
	buf_clear(&loader->out);
	return done;
}

static bool add_row(struct buf *out, const struct row *row, struct error *error)
{
	if (!buf_reserve(out, row_room(row), error))
		return false;
	char *start = out->bytes + out->size;
	char *at = put16(start, COLUMNS + 2);
	for (unsigned i = 0; i < COLUMNS; i++)
		at = put_value(at, columns[i].type, &row->values[i]);
	at = put16(put32(at, 2), row->year);
	at = put32(put32(at, 4), row->source_row);
	out->size += (size_t)(at - start);
	return true;
}

static bool postgres_put(struct loader *base, const struct row *row, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	return add_row(&loader->out, row, error) &&
	       (loader->out.size < FLUSH_BYTES || flush_out(loader, error));
}

bool postgres_copy_statement(struct buf *sql, const char *table, struct error *error)
{
	buf_clear(sql);
	if (!buf_print(sql, error, "COPY %s (", table))
		return false;
	for (unsigned i = 0; i < COLUMNS; i++)
		if (!buf_print(sql, error, "%s, ", columns[i].name))
			return false;
	return buf_add_text(
		sql, "source_year, source_row) FROM STDIN (FORMAT binary, ENCODING 'UTF8')", error);
}

bool postgres_copy_one(struct buf *out, const struct row *row, struct error *error)
{
	buf_clear(out);
	return buf_add(out, copy_head, sizeof(copy_head), error) && add_row(out, row, error) &&
	       buf_add(out, copy_end, sizeof(copy_end), error);
}

static bool copy_statement(struct postgres_loader *loader, struct error *error)
{
	char table[80];
	snprintf(table, sizeof(table), "dvf_import.\"%s\"", loader->names.incoming);
	return postgres_copy_statement(&loader->copy, table, error);
}

static bool postgres_loader_begin(
	struct loader *base, const struct edition *edition, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	PGresult *r = NULL;
	postgres_names(sink_of(loader), edition, &loader->names);
	bool done = copy_statement(loader, error) &&
		    pg_exec(&loader->pg, sql_postgres_chunk_begin, &r, error) &&
		    postgres_fence_holds(sink_of(loader), r, error);
	PQclear(r);
	return done;
}

static bool postgres_copy_begin(struct loader *base, bool savepoint, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	buf_clear(&loader->out);
	return (!savepoint || pg_exec(&loader->pg, "SAVEPOINT piece", NULL, error)) &&
	       pg_copy_begin(&loader->pg, loader->copy.bytes, error) &&
	       buf_add(&loader->out, copy_head, sizeof(copy_head), error);
}

static bool postgres_copy_end(struct loader *base, uint64_t *rows, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	return buf_add(&loader->out, copy_end, sizeof(copy_end), error) &&
	       flush_out(loader, error) && pg_copy_end(&loader->pg, rows, error);
}

static bool postgres_copy(struct loader *base, bool savepoint, struct row_source *rows,
	uint64_t *taken, struct error *error)
{
	const struct row *row = NULL;
	if (!postgres_copy_begin(base, savepoint, error) || !rows->next(rows, &row, error))
		return false;
	while (row != NULL)
		if (!postgres_put(base, row, error) || !rows->next(rows, &row, error))
			return false;
	return postgres_copy_end(base, taken, error);
}

static bool postgres_copy_undo(struct loader *base, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	/* A COPY that failed half way through its data still waits for its end. */
	if (PQtransactionStatus(loader->pg.conn) == PQTRANS_ACTIVE) {
		uint64_t rows = 0;
		struct error ignored;
		pg_copy_end(&loader->pg, &rows, &ignored);
	}
	return pg_exec(&loader->pg, "ROLLBACK TO SAVEPOINT piece", NULL, error);
}

static bool insert_chunk(
	struct postgres_loader *loader, const struct chunk_record *record, struct error *error)
{
	const uint64_t numbers[6] = { record->plain_first, record->plain_end, record->first_record,
		record->rows, record->rejects, record->crc };
	char texts[6][24];
	const char *params[7] = { loader->names.key };
	for (unsigned i = 0; i < 6; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%llu", (unsigned long long)numbers[i]);
		params[i + 1] = texts[i];
	}
	return pg_params(&loader->pg, sql_postgres_chunk_insert, 7, params, NULL, error);
}

static bool insert_reject(
	struct postgres_loader *loader, const struct reject *reject, struct error *error)
{
	char record[24];
	char first[24];
	char end[24];
	snprintf(record, sizeof(record), "%llu", (unsigned long long)reject->record);
	snprintf(first, sizeof(first), "%llu", (unsigned long long)reject->plain_first);
	snprintf(end, sizeof(end), "%llu", (unsigned long long)reject->plain_end);
	const char *column =
		reject->reason.column >= 0 ? columns[reject->reason.column].name : NULL;
	/* An empty raw record goes as text, where '' is the same: a size of 0 means text here. */
	const char *raw = reject->raw_size > 0 ? reject->raw : "";
	const char *const params[] = { loader->names.key, loader->names.year, record, first, end,
		column, reject->reason.text, raw };
	const int sizes[] = { 0, 0, 0, 0, 0, 0, 0, (int)reject->raw_size };
	return pg_params_binary(
		&loader->pg, sql_postgres_reject_insert, 8, params, sizes, NULL, error);
}

static bool commit(struct postgres_loader *loader, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&loader->pg, "COMMIT", &r, error))
		return false;
	bool done = strcmp(PQcmdStatus(r), "COMMIT") == 0;
	PQclear(r);
	return done ||
	       error_set(error, ERROR_LOST, "the server rolled the chunk back at its COMMIT");
}

static bool postgres_loader_witness(struct loader *base, const struct chunk_record *record,
	const struct reject *rejects, uint64_t count, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	if (!insert_chunk(loader, record, error))
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (!insert_reject(loader, &rejects[i], error))
			return false;
	return true;
}

static bool postgres_loader_commit(struct loader *base, const struct chunk_record *record,
	const struct reject *rejects, uint64_t count, struct error *error)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	if (!postgres_loader_witness(base, record, rejects, count, error))
		return false;
	if (commit(loader, error))
		return true;
	/* Cancelled or cut off while it committed: only the witness knows. */
	if (error->kind != ERROR_STOPPED)
		error->kind = ERROR_LOST;
	return false;
}

static void postgres_loader_rollback(struct loader *base)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	pg_rollback(&loader->pg);
	buf_clear(&loader->out);
}

static void postgres_loader_close(struct loader *base)
{
	struct postgres_loader *loader = (struct postgres_loader *)base;
	pg_close(&loader->pg);
	buf_free(&loader->out);
	buf_free(&loader->copy);
	free(loader);
}

static const struct loader_ops ops = {
	.begin = postgres_loader_begin,
	.copy = postgres_copy,
	.copy_undo = postgres_copy_undo,
	.witness = postgres_loader_witness,
	.commit = postgres_loader_commit,
	.rollback = postgres_loader_rollback,
	.close = postgres_loader_close,
};

bool postgres_loader_open(struct sink *sink, struct loader **loader, struct error *error)
{
	struct postgres_loader *made = calloc(1, sizeof(*made));
	*loader = NULL;
	if (made == NULL)
		return error_memory(error, "a loader");
	made->base.ops = &ops;
	made->base.sink = sink;
	made->pg.patient = true;
	made->pg.interrupts = true;
	/* A loader that finds no connection free is not worth a wait: the others go on. */
	const char *database = ((struct postgres_sink *)sink)->database;
	if (!pg_connect_to(&made->pg, sink->destination.url, database, 0, error)) {
		postgres_loader_close(&made->base);
		return false;
	}
	*loader = &made->base;
	return true;
}
