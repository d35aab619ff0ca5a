#include "stages/sink_sqlite.h"

#include <stdio.h>

#include "stages_sql.h"
#include "state/ranges.h"

#define INDEX_MAX 80

/* What the table itself says, to be compared with the witness. */
struct counted {
	uint64_t rows, rejects;
	int64_t row_first, row_last;
};

/* The edition's row; ERROR_REFUSED when nothing of it is there. */
static bool source_of(sqlite3 *db, const struct edition *edition, struct sqlite_source *source,
	struct error *error)
{
	bool found = false;
	if (!sqlite_source_find(db, source, edition->year, edition->sha256, &found, error))
		return false;
	return found ||
	       error_set(error, ERROR_REFUSED, "the edition %.12s of %d is not in %s: run again",
		       edition->sha256, edition->year, sqlite3_db_filename(db, "main"));
}

static bool index_make(struct sqlite_sink *sink, const struct edition *edition, const char *sql,
	const char *suffix, struct error *error)
{
	struct sqlite_source source;
	bool done =
		sqlite_begin(sink->db, sink, error) && source_of(sink->db, edition, &source, error);
	if (done) {
		char name[INDEX_MAX];
		snprintf(name, sizeof(name), "%s_%s", source.table, suffix);
		const struct sql_value values[] = { { "table", source.table }, { "index", name },
			{ NULL, NULL } };
		done = sqlite_run(sink->db, sql, values, error);
	}
	return sqlite_end(sink->db, done, error);
}

/* An index a transaction, so that one that is made stays made. */
bool sqlite_index(struct sink *base, const struct edition *edition, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	const struct {
		const char *sql, *suffix;
	} indexes[] = {
		{ sql_sqlite_index_commune, "commune" },
		{ sql_sqlite_index_parcelle, "parcelle" },
		{ sql_sqlite_index_mutation, "mutation" },
		{ sql_sqlite_index_postal, "postal" },
		{ sql_sqlite_index_date, "date" },
		{ sql_sqlite_index_analyze, "" },
	};
	/* It may be smaller than when the file was opened. */
	bool done = sqlite_cache(sink->db, base, 1, error);
	for (size_t i = 0; done && i < sizeof(indexes) / sizeof(indexes[0]); i++)
		done = index_make(sink, edition, indexes[i].sql, indexes[i].suffix, error);
	if (sink->db != NULL)
		sqlite3_db_release_memory(sink->db);
	return done || error_where(error, "indexing %d", edition->year);
}

static bool count_rejects(sqlite3 *db, int64_t id, struct counted *counted, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_reject_count, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, id);
	bool done = sqlite_step(statement, &row, error);
	if (done)
		counted->rejects = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return done;
}

static bool count_rows(sqlite3 *db, const char *table, struct counted *counted, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_edition_count, values, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	if (done) {
		counted->rows = (uint64_t)sqlite3_column_int64(statement, 0);
		counted->row_first = sqlite3_column_int64(statement, 1);
		counted->row_last = sqlite3_column_int64(statement, 2);
	}
	sqlite3_finalize(statement);
	return done;
}

static bool not_whole(int year, const char *what, uint64_t is, uint64_t should, struct error *error)
{
	return error_set(error, ERROR_INPUT,
		"%d is not whole and is not published: %s %llu, expected %llu; run again to load it "
		"afresh",
		year, what, (unsigned long long)is, (unsigned long long)should);
}

static bool has_gap(int year, const struct gap *gap, struct error *error)
{
	return error_set(error, ERROR_INPUT,
		"%d is not whole and is not published: plain bytes [%llu, %llu), from record %llu, "
		"are not loaded; run again to load them",
		year, (unsigned long long)gap->plain_first, (unsigned long long)gap->plain_end,
		(unsigned long long)gap->first_record);
}

/* I2: without a gap from the header's end to the last byte. Ranges that touch were merged, and only
 * if their record numbers follow, so the numbers are one chain when it begins with 1. */
static bool tiles(
	int year, const struct ranges *ranges, const struct year_total *total, struct error *error)
{
	struct gap gap;
	if (ranges_gap(ranges, total->header_end, total->plain_size, 0, &gap))
		return has_gap(year, &gap, error);
	if (ranges->count == 0)
		return true;
	const struct range *first = &ranges->items[0];
	const struct range *last = &ranges->items[ranges->count - 1];
	if (first->plain_first != total->header_end)
		return not_whole(year, "the first chunk begins at plain offset", first->plain_first,
			total->header_end, error);
	if (last->plain_end != total->plain_size)
		return not_whole(year, "the last chunk ends at plain offset", last->plain_end,
			total->plain_size, error);
	return first->first_record == 1 ||
	       not_whole(year, "the first record has number", first->first_record, 1, error);
}

static bool counts_agree(int year, const struct counted *counted, const struct year_total *total,
	struct error *error)
{
	if (total->rows + total->rejects != total->records)
		return not_whole(year, "records in the chunks are", total->rows + total->rejects,
			total->records, error);
	if (counted->rows != total->rows)
		return not_whole(year, "rows in the table are", counted->rows, total->rows, error);
	if (counted->rejects != total->rejects)
		return not_whole(
			year, "rejects that are kept are", counted->rejects, total->rejects, error);
	if (counted->rows > 0 && counted->row_first < 1)
		return not_whole(
			year, "source_row begins with", (uint64_t)counted->row_first, 1, error);
	return counted->rows == 0 || (uint64_t)counted->row_last <= total->records ||
	       not_whole(year, "source_row ends with", (uint64_t)counted->row_last, total->records,
		       error);
}

/* source_row is the table's primary key: nothing can be in it twice. */
static bool check_source(sqlite3 *db, const struct sqlite_source *source, struct year_total *total,
	struct error *error)
{
	int year = source->memory.edition.year;
	struct ranges ranges = { 0 };
	struct counted counted = { 0 };
	uint64_t plain = 0;
	bool done = sqlite_source_chunks(db, source->id, &ranges, error) &&
		    tiles(year, &ranges, total, error);
	ranges_totals(&ranges, &plain, &total->rows, &total->rejects);
	ranges_free(&ranges);
	return done && count_rows(db, source->table, &counted, error) &&
	       count_rejects(db, source->id, &counted, error) &&
	       counts_agree(year, &counted, total, error);
}

static bool mark_checked(
	sqlite3 *db, int64_t id, const struct year_total *total, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_checked, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, (int64_t)total->rows);
	sqlite3_bind_int64(statement, 3, (int64_t)total->rejects);
	sqlite3_bind_int64(statement, 4, (int64_t)total->plain_size);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_check(struct sink *base, const struct edition *edition, struct year_total *total,
	struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	struct sqlite_source source;
	bool done = sqlite_begin(sink->db, sink, error) &&
		    source_of(sink->db, edition, &source, error) &&
		    check_source(sink->db, &source, total, error) &&
		    mark_checked(sink->db, source.id, total, error);
	return sqlite_end(sink->db, done, error);
}

static bool old_drop(sqlite3 *db, int year, struct error *error)
{
	struct sqlite_source old;
	bool found = false;
	if (!sqlite_source_lost_drop(db, year, error) ||
		!sqlite_source_find(db, &old, year, NULL, &found, error))
		return false;
	return !found || sqlite_source_drop(db, old.id, old.table, error);
}

static bool publish_locked(
	sqlite3 *db, const struct edition *edition, struct year_total *total, struct error *error)
{
	struct sqlite_source source;
	if (!sqlite_view_free(db, error) || !source_of(db, edition, &source, error))
		return false;
	if (source.memory.stage == EDITION_PUBLISHED)
		return sqlite_source_renew(db, source.id, edition, error);
	if (source.memory.stage != EDITION_READY && source.memory.stage != EDITION_HELD)
		return error_set(error, ERROR_REFUSED,
			"the edition %.12s of %d is not checked and cannot be published: run again",
			edition->sha256, edition->year);
	/* A held edition may have waited for days. */
	return check_source(db, &source, total, error) && old_drop(db, edition->year, error) &&
	       sqlite_source_renew(db, source.id, edition, error) &&
	       sqlite_run_for(db, sql_sqlite_source_publish, source.id, error) &&
	       sqlite_view_make(db, error);
}

static bool drop_year_locked(sqlite3 *db, int year, struct error *error)
{
	const struct edition every = { .year = year };
	struct sqlite_source served;
	bool found = false;
	return sqlite_edition_others_drop(db, &every, error) &&
	       sqlite_source_lost_drop(db, year, error) &&
	       sqlite_source_find(db, &served, year, NULL, &found, error) &&
	       (!found || (sqlite_view_free(db, error) && old_drop(db, year, error) &&
				  sqlite_view_make(db, error)));
}

bool sqlite_drop_year(struct sink *base, int year, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	bool done = sqlite_begin(sink->db, sink, error) && drop_year_locked(sink->db, year, error);
	done = sqlite_end(sink->db, done, error);
	return done || error_where(error, "year %d is not given up", year);
}

bool sqlite_publish(struct sink *base, const struct edition *edition,
	const struct year_total *total, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	struct year_total now = *total;
	bool done = sqlite_begin(sink->db, sink, error) &&
		    publish_locked(sink->db, edition, &now, error);
	done = sqlite_end(sink->db, done, error);
	if (sink->db != NULL)
		sqlite3_db_release_memory(sink->db);
	return done || error_where(error, "publishing %d", edition->year);
}
