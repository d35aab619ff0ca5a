/*
 * Mended records: each becomes a row of dvf by a COPY of its own, encoded as a loader does it, so
 * that a mended row cannot be told from one that was loaded at once.
 */
#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"

struct mending {
	struct postgres_sink *sink;
	struct edition edition; /* of the last record; year 0: none yet */
	char key[EDITION_KEY];
	uint64_t in_edition; /* records of it whose source has not been told */
	struct buf copy;     /* the COPY statement */
	struct buf out;      /* its data */
};

/* Once for all the records of an edition. */
static bool source_counts(struct mending *mending, struct error *error)
{
	char count[24];
	PGresult *r = NULL;
	if (mending->in_edition == 0)
		return true;
	snprintf(count, sizeof(count), "%llu", (unsigned long long)mending->in_edition);
	const char *const params[] = { mending->key, count };
	if (!pg_params(&mending->sink->pg, sql_postgres_mend_source, 2, params, &r, error))
		return false;
	bool done = strcmp(PQcmdTuples(r), "1") == 0;
	PQclear(r);
	mending->in_edition = 0;
	return done || error_set(error, ERROR_DATABASE,
			       "dvf_import.source has no row of the edition %.12s of %d",
			       mending->edition.sha256, mending->edition.year);
}

/* Another edition begins: it must be the one that dvf serves. */
static bool turn_to(struct mending *mending, const struct mended *mended, struct error *error)
{
	struct edition_memory memory;
	struct edition_names names;
	bool found = false;
	if (!source_counts(mending, error) || !postgres_published(&mending->sink->base,
						      mended->row->year, &memory, &found, error))
		return false;
	if (!found || strcmp(memory.edition.sha256, mended->edition) != 0)
		return sink_mend_fault(MEND_NOT_SERVED, mended, NULL, error);
	mending->edition = memory.edition;
	postgres_names(mending->sink, &mending->edition, &names);
	snprintf(mending->key, sizeof(mending->key), "%s", names.key);
	return true;
}

/* The record is no reject: was it one? */
static bool no_reject(struct mending *mending, const struct mended *mended, const char *record,
	struct error *error)
{
	PGresult *r = NULL;
	const char *const params[] = { mending->key, record };
	if (!pg_params(&mending->sink->pg, sql_postgres_mend_before, 2, params, &r, error))
		return false;
	if (PQntuples(r) == 0)
		sink_mend_fault(MEND_NO_REJECT, mended, NULL, error);
	else
		sink_mend_fault(pg_true(r, 0, 1) ? MEND_TWICE : MEND_BEFORE, mended,
			pg_text(r, 0, 0), error);
	PQclear(r);
	return false;
}

static bool move_reject(struct mending *mending, const struct mended *mended, struct error *error)
{
	char record[24];
	PGresult *r = NULL;
	snprintf(record, sizeof(record), "%d", mended->row->source_row);
	const char *const params[] = { mending->key, record, mended->raw };
	const int sizes[] = { 0, 0, (int)mended->raw_size };
	if (!pg_params_binary(
		    &mending->sink->pg, sql_postgres_mend_record, 3, params, sizes, &r, error))
		return false;
	uint64_t kept = pg_number(r, 0, 0);
	uint64_t counted = pg_number(r, 0, 1);
	PQclear(r);
	if (kept != 1)
		return no_reject(mending, mended, record, error);
	return counted == 1 || sink_mend_fault(MEND_NO_CHUNK, mended, NULL, error);
}

static bool put_row(struct mending *mending, const struct row *row, struct error *error)
{
	struct pg *pg = &mending->sink->pg;
	uint64_t rows = 0;
	bool done = postgres_copy_one(&mending->out, row, error) &&
		    pg_copy_begin(pg, mending->copy.bytes, error) &&
		    pg_copy_put(pg, mending->out.bytes, mending->out.size, error) &&
		    pg_copy_end(pg, &rows, error);
	if (done && rows != 1)
		return error_set(error, ERROR_DATABASE,
			"dvf took %llu rows for record %d of %d: a trigger is in the way",
			(unsigned long long)rows, row->source_row, row->year);
	return done || error_where(error, "record %d of %d", row->source_row, row->year);
}

static bool mend_one(struct mending *mending, const struct mended *mended, struct error *error)
{
	bool same = mending->edition.year == mended->row->year &&
		    strcmp(mending->edition.sha256, mended->edition) == 0;
	if ((!same && !turn_to(mending, mended, error)) || !move_reject(mending, mended, error) ||
		!put_row(mending, mended->row, error))
		return false;
	mending->in_edition++;
	return true;
}

static bool mend_all(struct mending *mending, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error)
{
	for (;;) {
		struct mended mended;
		bool end = false;
		if (!next(context, &mended, &end, error))
			return false;
		if (end)
			return source_counts(mending, error);
		if (!mend_one(mending, &mended, error))
			return false;
		(*count)++;
	}
}

/* Only a COMMIT that was sent leaves it open what became of it. */
static bool end(struct mending *mending, bool done, struct error *error)
{
	bool sent = done;
	done = done && postgres_commit(mending->sink, error);
	if (!done && !sent && error->kind == ERROR_LOST)
		error->kind = ERROR_DATABASE;
	if (!done && sent && error->kind == ERROR_STOPPED)
		error->kind = ERROR_LOST;
	if (!done)
		pg_rollback(&mending->sink->pg);
	return done;
}

bool postgres_mend(struct sink *base, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error)
{
	struct mending mending = { .sink = (struct postgres_sink *)base };
	*count = 0;
	bool done = postgres_copy_statement(&mending.copy, mending.sink->dvf, error) &&
		    postgres_begin(mending.sink, OWN_LOCK_TIMEOUT, error) &&
		    postgres_columns_fit(mending.sink, error) &&
		    mend_all(&mending, next, context, count, error);
	done = end(&mending, done, error);
	buf_free(&mending.copy);
	buf_free(&mending.out);
	return done;
}
