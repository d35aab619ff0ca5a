/*
 * A year as live serves it, brought into a staging database: its rows, its witness, its rejects and
 * what was mended, in one transaction, so that it is there wholly or not at all. Binary COPY out of
 * one connection goes into the other as it comes.
 */
#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/ranges.h"

#define FLUSH_BYTES ((size_t)64 << 10)

static bool columns_add(struct buf *list, struct error *error)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (!buf_print(list, error, "%s, ", columns[i].name))
			return false;
	return buf_add_text(list, "source_year, source_row", error);
}

/* What `out` says goes into what `in` takes; both are binary. */
static bool pour(struct pg *from, const char *out, struct pg *to, const char *in, uint64_t *rows,
	struct error *error)
{
	struct buf bytes = { 0 };
	bool end = false;
	bool done = pg_copy_out_begin(from, out, error) && pg_copy_begin(to, in, error);
	while (done && !end) {
		char *piece = NULL;
		size_t size = 0;
		done = pg_copy_get(from, &piece, &size, &end, error) &&
		       (end || buf_add(&bytes, piece, size, error));
		if (done && (end || bytes.size >= FLUSH_BYTES)) {
			done = bytes.size == 0 || pg_copy_put(to, bytes.bytes, bytes.size, error);
			buf_clear(&bytes);
		}
		PQfreemem(piece);
	}
	buf_free(&bytes);
	return done && pg_copy_end(to, rows, error);
}

/* A live database that an older version made has no mended records. */
static bool has_mended(struct postgres_sink *live, bool *has, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&live->pg, sql_postgres_copy_mended_there, &r, error))
		return false;
	*has = pg_true(r, 0, 0);
	PQclear(r);
	return true;
}

/* The bookkeeping of the edition: the same rows of the same table, the source's but for its stage.
 */
static bool pour_books(struct postgres_sink *sink, struct postgres_sink *live,
	const struct edition_names *names, struct error *error)
{
	const struct {
		const char *out, *in;
	} tables[] = {
		{ sql_postgres_copy_source_out, sql_postgres_copy_source_in },
		{ sql_postgres_copy_chunk_out, sql_postgres_copy_chunk_in },
		{ sql_postgres_copy_reject_out, sql_postgres_copy_reject_in },
		{ sql_postgres_copy_mended_out, sql_postgres_copy_mended_in },
	};
	uint64_t rows = 0;
	struct buf out = { 0 };
	bool mended = false;
	bool done = has_mended(live, &mended, error);
	size_t count = sizeof(tables) / sizeof(tables[0]) - (mended ? 0 : 1);
	for (size_t i = 0; done && i < count; i++) {
		done = statement_make(&out, tables[i].out, names->values, error) &&
		       pour(&live->pg, out.bytes, &sink->pg, tables[i].in, &rows, error);
		if (done && i == 0 && rows != 1)
			done = error_set(error, ERROR_CHANGED,
				"it went away while it was copied: run again");
	}
	buf_free(&out);
	return done;
}

static bool pour_rows(struct postgres_sink *sink, struct postgres_sink *live,
	const struct edition_names *names, uint64_t *rows, struct error *error)
{
	struct buf list = { 0 }, out = { 0 }, in = { 0 };
	bool done = columns_add(&list, error);
	const struct sql_value values[] = { { "columns", list.bytes }, { "dvf", live->dvf },
		{ "year", names->year }, { "incoming", names->incoming }, { NULL, NULL } };
	done = done && statement_make(&out, sql_postgres_copy_rows_out, values, error) &&
	       statement_make(&in, sql_postgres_copy_rows_in, values, error) &&
	       pour(&live->pg, out.bytes, &sink->pg, in.bytes, rows, error);
	buf_free(&list);
	buf_free(&out);
	buf_free(&in);
	return done;
}

/* In the transaction that is open on staging; live is read as of one moment. */
static bool copy_edition(struct postgres_sink *sink, struct postgres_sink *live,
	const struct edition *edition, const struct edition_names *names, uint64_t *rows,
	struct error *error)
{
	return postgres_make_room(sink, edition, names, error) &&
	       pour_books(sink, live, names, error) && pour_rows(sink, live, names, rows, error);
}

/* What the witness that came along says of the whole. */
static bool read_total(struct postgres_sink *sink, const struct edition *edition,
	struct year_total *total, struct error *error)
{
	struct ranges ranges = { 0 };
	struct edition_memory memory;
	uint64_t plain = 0;
	bool found = false;
	bool done = postgres_completed(&sink->base, edition, &ranges, error) &&
		    postgres_recall(&sink->base, edition, &memory, &found, error);
	if (done && found) {
		ranges_totals(&ranges, &plain, &total->rows, &total->rejects);
		total->plain_size = memory.plain_size;
		total->header_end = memory.plain_size - plain;
		total->records = total->rows + total->rejects;
	}
	ranges_free(&ranges);
	return done && (found || error_set(error, ERROR_CHANGED,
					 "year %d went away while it was copied", edition->year));
}

static bool is_whole(
	struct postgres_sink *sink, const struct edition *edition, bool *whole, struct error *error)
{
	struct edition_memory memory;
	bool found = false;
	*whole = false;
	if (!postgres_recall(&sink->base, edition, &memory, &found, error))
		return false;
	*whole = found && memory.stage == EDITION_READY;
	return true;
}

bool postgres_copy_year(struct sink *base, struct sink *from, int year, struct edition *edition,
	struct year_total *total, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_sink *live = (struct postgres_sink *)from;
	struct edition_names names;
	uint64_t rows = 0;
	bool whole = false;
	postgres_names(sink, edition, &names);
	if (!is_whole(sink, edition, &whole, error))
		return false;
	bool done = whole || (postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
				     pg_exec(&live->pg, sql_postgres_copy_begin, NULL, error) &&
				     postgres_columns_fit(live, error) &&
				     copy_edition(sink, live, edition, &names, &rows, error) &&
				     postgres_commit(sink, error));
	if (!done)
		pg_rollback(&sink->pg);
	/* A COPY that was left in its middle would send the rest of its rows first. */
	if (done)
		pg_rollback(&live->pg);
	else
		pg_close(&live->pg);
	return (done && read_total(sink, edition, total, error)) ||
	       error_where(error, "cannot copy year %d from %s", year, from->destination.name);
}
