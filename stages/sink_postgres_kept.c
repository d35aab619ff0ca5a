#include <stdio.h>
#include <stdlib.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"

/* A raw record can be 1 MiB, and so can what it was mended to. */
#define FETCH_SOME "FETCH FORWARD 8 FROM kept"

struct postgres_kept_reader {
	struct kept_reader base;
	struct postgres_sink *sink;
	PGresult *page;
	int at; /* the next row of the page */
};

static bool next_page(struct postgres_kept_reader *reader, struct error *error)
{
	PQclear(reader->page);
	reader->page = NULL;
	reader->at = 0;
	return pg_exec(&reader->sink->pg, FETCH_SOME, &reader->page, error) ||
	       error_where(error, "cannot read the rejects");
}

/* Of a binary field; NULL stays NULL. */
static const char *bytes_of(const PGresult *page, int row, int column, uint32_t *size)
{
	*size = (uint32_t)PQgetlength(page, row, column);
	return PQgetisnull(page, row, column) ? NULL : PQgetvalue(page, row, column);
}

static void read_kept(struct kept *kept, const PGresult *page, int row)
{
	uint32_t ignored;
	*kept = (struct kept){
		.year = (int)pg_number(page, row, 1),
		.stage = sink_stage_of(pg_text(page, row, 2)),
		.record = pg_number(page, row, 3),
		.plain_first = pg_number(page, row, 4),
		.plain_end = pg_number(page, row, 5),
		.column = bytes_of(page, row, 6, &ignored),
		.reason = pg_text(page, row, 7),
	};
	snprintf(kept->edition, sizeof(kept->edition), "%s", pg_text(page, row, 0));
	kept->raw = bytes_of(page, row, 8, &kept->raw_size);
	kept->mended = bytes_of(page, row, 9, &kept->mended_size);
}

static bool kept_next(struct kept_reader *base, struct kept *kept, bool *end, struct error *error)
{
	struct postgres_kept_reader *reader = (struct postgres_kept_reader *)base;
	if ((reader->page == NULL || reader->at == PQntuples(reader->page)) &&
		!next_page(reader, error))
		return false;
	*end = reader->at == PQntuples(reader->page);
	if (!*end)
		read_kept(kept, reader->page, reader->at++);
	return true;
}

static void kept_close(struct kept_reader *base)
{
	struct postgres_kept_reader *reader = (struct postgres_kept_reader *)base;
	if (reader == NULL)
		return;
	PQclear(reader->page);
	pg_rollback(&reader->sink->pg);
	free(reader);
}

static const struct kept_reader_ops reader_ops = {
	.next = kept_next,
	.close = kept_close,
};

/* The cursor is one statement, and so one snapshot. */
static bool declare(struct postgres_sink *sink, int year, struct error *error)
{
	char text[16];
	PGresult *there = NULL;
	snprintf(text, sizeof(text), "%d", year);
	bool done = pg_exec(&sink->pg, sql_postgres_kept_begin, NULL, error) &&
		    pg_exec(&sink->pg, sql_postgres_kept_there, &there, error);
	const char *mended = done && pg_true(there, 0, 0) ? sql_postgres_kept_mended : " ";
	const struct sql_value values[] = { { "year", text }, { "mended", mended },
		{ NULL, NULL } };
	PQclear(there);
	return done && pg_make(&sink->pg, sql_postgres_kept, values, NULL, error);
}

bool postgres_kept_open(
	struct sink *base, int year, struct kept_reader **reader, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_kept_reader *made = calloc(1, sizeof(*made));
	*reader = NULL;
	if (made == NULL)
		return error_memory(error, "reading rejects");
	made->base.ops = &reader_ops;
	made->sink = sink;
	if (!declare(sink, year, error)) {
		kept_close(&made->base);
		return error_where(error, "cannot read the rejects");
	}
	*reader = &made->base;
	return true;
}
