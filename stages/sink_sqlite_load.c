#include "stages/sink_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"

#define LOADER_SHARE 2 /* of the page cache */

struct sqlite_loader {
	struct loader loader;
	struct sqlite_wait wait;
	sqlite3 *db;
	struct sqlite_insert insert; /* into `source`'s table */
	struct sqlite_source source;
	uint64_t rows; /* of the copies that ended */
};

static struct sqlite_sink *sink_of(struct sqlite_loader *loader)
{
	return (struct sqlite_sink *)loader->loader.sink;
}

/* The insert is kept as long as the edition is the same. */
static bool insert_make(
	struct sqlite_loader *loader, const struct sqlite_source *source, struct error *error)
{
	if (loader->insert.statement != NULL && loader->source.id == source->id &&
		strcmp(loader->source.table, source->table) == 0)
		return true;
	loader->source = *source;
	return sqlite_insert_make(&loader->insert, loader->db, source->table, error);
}

static bool begin_locked(
	struct sqlite_loader *loader, const struct edition *edition, struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	if (!sqlite_source_find(loader->db, &source, edition->year, edition->sha256, &found, error))
		return false;
	if (!found || source.memory.stage != EDITION_INCOMING)
		return error_set(error, ERROR_DATABASE,
			"the edition %.12s of %d is not being loaded into %s: run again",
			edition->sha256, edition->year, sqlite3_db_filename(loader->db, "main"));
	return insert_make(loader, &source, error);
}

static bool begin(struct loader *base, const struct edition *edition, struct error *error)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	loader->rows = 0;
	if (!sqlite_begin(loader->db, sink_of(loader), error))
		return false;
	if (begin_locked(loader, edition, error))
		return true;
	sqlite_rollback(loader->db);
	return false;
}

static bool is_uncounted(
	struct sqlite_loader *loader, int64_t number, bool *uncounted, struct error *error)
{
	const struct sql_value values[] = { { "table", loader->source.table }, { NULL, NULL } };
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(loader->db, &statement, sql_sqlite_chunk_uncounted, values, error))
		return false;
	sqlite3_bind_int64(statement, 1, loader->source.id);
	sqlite3_bind_int64(statement, 2, number);
	bool done = sqlite_step(statement, &row, error);
	*uncounted = done && row && sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return done;
}

/* A record that is in already belongs to a chunk that the plan did not know, or to one whose row is
 * lost: then the witness, read again, would say the same again. */
static bool in_already(struct sqlite_loader *loader, int64_t number, struct error *error)
{
	struct error ignored; /* what was said first is what is wrong */
	bool uncounted = false;
	if (error->kind == ERROR_LOST && is_uncounted(loader, number, &uncounted, &ignored) &&
		uncounted)
		error_set(error, ERROR_CHANGED,
			"%s has record %lld of %d and no chunk counts it: what is in of this "
			"edition cannot be believed, it is begun afresh",
			sqlite3_db_filename(loader->db, "main"), (long long)number,
			loader->source.memory.edition.year);
	return false;
}

static bool put(
	struct sqlite_loader *loader, struct row_source *rows, uint64_t *taken, struct error *error)
{
	if (sqlite_insert_rows(&loader->insert, rows, taken, error))
		return true;
	const struct row *row = loader->insert.row;
	return row != NULL && in_already(loader, row->source_row, error);
}

static bool copy(struct loader *base, bool savepoint, struct row_source *rows, uint64_t *taken,
	struct error *error)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	if ((savepoint && !sqlite_run(loader->db, "SAVEPOINT piece", NULL, error)) ||
		!put(loader, rows, taken, error) ||
		(savepoint && !sqlite_run(loader->db, "RELEASE piece", NULL, error)))
		return false;
	loader->rows += *taken;
	return true;
}

static bool copy_undo(struct loader *base, struct error *error)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	return sqlite_run(loader->db, "ROLLBACK TO piece", NULL, error) &&
	       sqlite_run(loader->db, "RELEASE piece", NULL, error);
}

/* Of two chunks that hold some of the same bytes the second must not commit, whoever cut it. */
static bool no_overlap(
	struct sqlite_loader *loader, const struct chunk_record *record, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(loader->db, &statement, sql_sqlite_chunk_overlap, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, loader->source.id);
	sqlite3_bind_int64(statement, 2, (int64_t)record->plain_first);
	sqlite3_bind_int64(statement, 3, (int64_t)record->plain_end);
	bool done = sqlite_step(statement, &row, error);
	if (done && row && sqlite3_column_int(statement, 2) != 0)
		done = error_set(error, ERROR_LOST,
			"the chunk [%llu, %llu) overlaps [%lld, %lld), which is in already: what is "
			"in must be read again",
			(unsigned long long)record->plain_first,
			(unsigned long long)record->plain_end,
			(long long)sqlite3_column_int64(statement, 0),
			(long long)sqlite3_column_int64(statement, 1));
	sqlite3_finalize(statement);
	return done;
}

static bool chunk_add(
	struct sqlite_loader *loader, const struct chunk_record *record, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(loader->db, &statement, sql_sqlite_chunk_add, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, loader->source.id);
	sqlite3_bind_int64(statement, 2, (int64_t)record->plain_first);
	sqlite3_bind_int64(statement, 3, (int64_t)record->plain_end);
	sqlite3_bind_int64(statement, 4, (int64_t)record->first_record);
	sqlite3_bind_int64(statement, 5, (int64_t)record->rows);
	sqlite3_bind_int64(statement, 6, (int64_t)record->rejects);
	sqlite3_bind_int64(statement, 7, record->crc);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

static bool reject_add(sqlite3_stmt *statement, const struct reject *reject, struct error *error)
{
	int column = reject->reason.column;
	sqlite3_bind_int64(statement, 2, (int64_t)reject->record);
	sqlite3_bind_int64(statement, 3, (int64_t)reject->plain_first);
	sqlite3_bind_int64(statement, 4, (int64_t)reject->plain_end);
	sqlite_bind_text(statement, 5, column >= 0 ? columns[column].name : NULL);
	sqlite_bind_text(statement, 6, reject->reason.text);
	if (reject->raw_size > 0)
		sqlite3_bind_blob64(statement, 7, reject->raw, reject->raw_size, SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(statement, 7, 0);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_reset(statement);
	return done;
}

static bool rejects_add(struct sqlite_loader *loader, const struct reject *rejects, uint64_t count,
	struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (count == 0)
		return true;
	if (!sqlite_prepare(loader->db, &statement, sql_sqlite_reject_add, NULL, error))
		return false;
	bool done = true;
	sqlite3_bind_int64(statement, 1, loader->source.id);
	for (uint64_t i = 0; done && i < count; i++)
		done = reject_add(statement, &rejects[i], error) ||
		       in_already(loader, (int64_t)rejects[i].record, error);
	sqlite3_finalize(statement);
	return done;
}

/* What the chunk says and what was put must be the same, or the witness would lie. */
static bool counts_agree(const struct sqlite_loader *loader, const struct chunk_record *record,
	uint64_t rejects, struct error *error)
{
	if (record->rows == loader->rows && record->rejects == rejects)
		return true;
	return error_set(error, ERROR_DATABASE,
		"the chunk at plain offset %llu says %llu rows and %llu rejects, it has %llu and %llu",
		(unsigned long long)record->plain_first, (unsigned long long)record->rows,
		(unsigned long long)record->rejects, (unsigned long long)loader->rows,
		(unsigned long long)rejects);
}

/* The rejects first: the chunk counts them. */
static bool tell(struct sqlite_loader *loader, const struct chunk_record *record,
	const struct reject *rejects, uint64_t count, struct error *error)
{
	return no_overlap(loader, record, error) && rejects_add(loader, rejects, count, error) &&
	       chunk_add(loader, record, error);
}

/* What is left of the rows is the next chunk's. */
static bool witness(struct loader *base, const struct chunk_record *record,
	const struct reject *rejects, uint64_t count, struct error *error)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	uint64_t left = loader->rows - record->rows;
	loader->rows = record->rows;
	bool done = counts_agree(loader, record, count, error) &&
		    tell(loader, record, rejects, count, error);
	loader->rows = left;
	return done;
}

static bool commit(struct loader *base, const struct chunk_record *record,
	const struct reject *rejects, uint64_t count, struct error *error)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	return counts_agree(loader, record, count, error) &&
	       tell(loader, record, rejects, count, error) &&
	       sqlite_run(loader->db, "COMMIT", NULL, error);
}

static void rollback(struct loader *base)
{
	sqlite_rollback(((struct sqlite_loader *)base)->db);
}

static void close_loader(struct loader *base)
{
	struct sqlite_loader *loader = (struct sqlite_loader *)base;
	if (loader == NULL)
		return;
	sqlite_rollback(loader->db);
	sqlite_insert_free(&loader->insert);
	sqlite3_close(loader->db);
	free(loader);
}

static const struct loader_ops ops = {
	.begin = begin,
	.copy = copy,
	.copy_undo = copy_undo,
	.witness = witness,
	.commit = commit,
	.rollback = rollback,
	.close = close_loader,
};

/* NORMAL: a commit that a power cut undoes takes its witness with it (I1). */
bool sqlite_loader_open(struct sink *sink, struct loader **loader, struct error *error)
{
	static const char *const settings[] = { "PRAGMA foreign_keys = OFF",
		"PRAGMA secure_delete = OFF", "PRAGMA temp_store = FILE",
		"PRAGMA synchronous = NORMAL" };
	*loader = NULL;
	struct sqlite_loader *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return error_memory(error, "a loader");
	made->loader = (struct loader){ .ops = &ops, .sink = sink };
	made->wait = (struct sqlite_wait){ .sink = sink };
	bool done = sqlite_open(&made->db, &made->wait, SQLITE_OPEN_READWRITE, error) &&
		    sqlite_cache(made->db, sink, LOADER_SHARE, error);
	for (size_t i = 0; done && i < sizeof(settings) / sizeof(settings[0]); i++)
		done = sqlite_run(made->db, settings[i], NULL, error);
	if (!done) {
		close_loader(&made->loader);
		return false;
	}
	*loader = &made->loader;
	return true;
}
