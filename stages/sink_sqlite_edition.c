#include "stages/sink_sqlite.h"

#include <stdio.h>
#include <string.h>

#include "stages_sql.h"
#include "state/ranges.h"

static sqlite3 *db_of(struct sink *sink)
{
	return ((struct sqlite_sink *)sink)->db;
}

bool sqlite_published(struct sink *sink, int year, struct edition_memory *memory, bool *found,
	struct error *error)
{
	struct sqlite_source source;
	if (!sqlite_source_find(db_of(sink), &source, year, NULL, found, error))
		return false;
	if (*found)
		*memory = source.memory;
	return true;
}

bool sqlite_recall(struct sink *sink, const struct edition *edition, struct edition_memory *memory,
	bool *found, struct error *error)
{
	struct sqlite_source source;
	if (!sqlite_source_find(db_of(sink), &source, edition->year, edition->sha256, found, error))
		return false;
	if (*found)
		*memory = source.memory;
	return true;
}

/* *id 0: there is none left. */
static bool other_next(sqlite3 *db, const struct edition *edition, struct sqlite_source *other,
	struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	*other = (struct sqlite_source){ 0 };
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_others, NULL, error))
		return false;
	sqlite3_bind_int(statement, 1, edition->year);
	sqlite_bind_text(statement, 2, edition->sha256);
	bool done = sqlite_step(statement, &row, error);
	if (done && row) {
		other->id = sqlite3_column_int64(statement, 0);
		snprintf(other->table, sizeof(other->table), "%s",
			(const char *)sqlite3_column_text(statement, 1));
	}
	/* Before the table is dropped: a statement under way would lock it. */
	return sqlite_read_end(statement, error) && done;
}

bool sqlite_edition_others_drop(sqlite3 *db, const struct edition *edition, struct error *error)
{
	struct sqlite_source other;
	while (other_next(db, edition, &other, error)) {
		if (other.id == 0)
			return true;
		if (!sqlite_source_drop(db, other.id, other.table, error))
			return false;
	}
	return false;
}

/* The same edition may be published under an older layout: what serves keeps its table. */
bool sqlite_edition_afresh(sqlite3 *db, const struct edition *edition,
	const struct sqlite_source *known, char table[static SQLITE_TABLE_MAX], struct error *error)
{
	struct sqlite_source served;
	bool serving = false;
	char name[56], year[16];
	if (known != NULL && known->memory.stage != EDITION_PUBLISHED &&
		!sqlite_source_drop(db, known->id, known->table, error))
		return false;
	/* Not `known`: what is incoming hides it. */
	if (!sqlite_source_lost_drop(db, edition->year, error) ||
		!sqlite_source_find(db, &served, edition->year, NULL, &serving, error))
		return false;
	sink_table_name(name, "dvf", edition);
	snprintf(table, SQLITE_TABLE_MAX, "%s%s", name,
		serving && strcmp(name, served.table) == 0 ? "_2" : "");
	snprintf(year, sizeof(year), "%d", edition->year);
	const struct sql_value values[] = { { "table", table }, { "year", year }, { NULL, NULL } };
	return sqlite_run(db, sql_sqlite_edition_drop, values, error) &&
	       sqlite_run(db, sql_sqlite_edition_table, values, error);
}

static bool goes_on(sqlite3 *db, const struct sqlite_source *source, bool *on, struct error *error)
{
	const struct edition_memory *memory = &source->memory;
	*on = false;
	if (memory->stage == EDITION_REFUSED || memory->layout_version != LAYOUT_VERSION ||
		memory->parser_version != PARSER_VERSION)
		return true;
	return sqlite_table_there(db, source->table, on, error);
}

static bool begin_locked(sqlite3 *db, const struct edition *edition, struct error *error)
{
	struct sqlite_source source;
	bool found = false, on = false;
	if (!sqlite_view_free(db, error) || !sqlite_edition_others_drop(db, edition, error) ||
		!sqlite_source_find(db, &source, edition->year, edition->sha256, &found, error))
		return false;
	if (found && !goes_on(db, &source, &on, error))
		return false;
	if (on && source.memory.stage == EDITION_HELD &&
		!sqlite_source_stage(db, source.id, "ready", NULL, NULL, error))
		return false;
	if (on)
		return sqlite_source_renew(db, source.id, edition, error);
	char table[SQLITE_TABLE_MAX];
	return sqlite_edition_afresh(db, edition, found ? &source : NULL, table, error) &&
	       sqlite_source_add(db, edition, table, "incoming", error);
}

bool sqlite_edition_begin(struct sink *base, const struct edition *edition, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	bool done = sqlite_begin(sink->db, sink, error) && begin_locked(sink->db, edition, error);
	return sqlite_end(sink->db, done, error);
}

static bool forget_locked(sqlite3 *db, const struct edition *edition, struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	if (!sqlite_source_find(db, &source, edition->year, edition->sha256, &found, error))
		return false;
	return !found || source.memory.stage == EDITION_PUBLISHED ||
	       sqlite_source_drop(db, source.id, source.table, error);
}

bool sqlite_forget(struct sink *base, const struct edition *edition, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	bool done = sqlite_begin(sink->db, sink, error) && forget_locked(sink->db, edition, error);
	return sqlite_end(sink->db, done, error);
}

static bool is_known_so(const struct edition *known, const struct edition *edition)
{
	const struct validators *one = &known->validators, *other = &edition->validators;
	return strcmp(known->url, edition->url) == 0 && strcmp(one->etag, other->etag) == 0 &&
	       strcmp(one->last_modified, other->last_modified) == 0;
}

static bool confirm_locked(
	sqlite3 *db, int64_t id, const struct edition *edition, struct error *error)
{
	return sqlite_edition_others_drop(db, edition, error) &&
	       sqlite_source_renew(db, id, edition, error);
}

bool sqlite_confirm(struct sink *base, const struct edition *edition, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	struct sqlite_source served, other;
	bool found = false;
	if (!sqlite_source_find(sink->db, &served, edition->year, NULL, &found, error) ||
		!other_next(sink->db, edition, &other, error))
		return false;
	if (!found || strcmp(served.memory.edition.sha256, edition->sha256) != 0 ||
		(other.id == 0 && is_known_so(&served.memory.edition, edition)))
		return true;
	bool done = sqlite_begin(sink->db, sink, error) &&
		    confirm_locked(sink->db, served.id, edition, error);
	return sqlite_end(sink->db, done, error);
}

bool sqlite_completed(struct sink *sink, const struct edition *edition, struct ranges *ranges,
	struct error *error)
{
	struct sqlite_source source;
	bool found = false;
	ranges_clear(ranges);
	return sqlite_source_find(
		       db_of(sink), &source, edition->year, edition->sha256, &found, error) &&
	       (!found || sqlite_source_chunks(db_of(sink), source.id, ranges, error));
}

/* The rows go, the rejects stay: they are what the verdict is about. */
static bool rows_drop(sqlite3 *db, const struct sqlite_source *source, struct error *error)
{
	const struct sql_value values[] = { { "table", source->table }, { NULL, NULL } };
	return (source->table[0] == '\0' ||
		       sqlite_run(db, sql_sqlite_edition_drop, values, error)) &&
	       sqlite_run_for(db, sql_sqlite_chunk_drop, source->id, error);
}

static bool judge_held(sqlite3 *db, const struct sqlite_source *source, const char *why,
	const char *under, struct error *error)
{
	enum edition_stage stage = source->memory.stage;
	if (stage != EDITION_READY && stage != EDITION_HELD)
		return error_set(error, ERROR_REFUSED,
			"only an edition that is loaded and checked can be held: run again");
	return sqlite_source_stage(db, source->id, "held", why, under, error);
}

static bool judge_locked(sqlite3 *db, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error)
{
	struct sqlite_source source = { 0 };
	bool found = false;
	if (!sqlite_source_find(db, &source, edition->year, edition->sha256, &found, error))
		return false;
	if (stage == EDITION_HELD)
		return judge_held(db, &source, why, under, error);
	/* A verdict can be on bytes that never became an incoming table. */
	if (!found || source.memory.stage == EDITION_PUBLISHED) {
		if (!sqlite_source_add(db, edition, "", "refused", error))
			return false;
		source = (struct sqlite_source){ .id = sqlite3_last_insert_rowid(db) };
	}
	return rows_drop(db, &source, error) &&
	       sqlite_source_stage(db, source.id, "refused", why, under, error);
}

bool sqlite_judge(struct sink *base, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	bool done = sqlite_begin(sink->db, sink, error) &&
		    judge_locked(sink->db, edition, stage, why, under, error);
	return sqlite_end(sink->db, done, error);
}

static bool beside_locked(sqlite3 *db, int year, const char *under, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_source_beside, NULL, error))
		return false;
	sqlite3_bind_int(statement, 1, year);
	sqlite_bind_text(statement, 2, under);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool sqlite_beside(struct sink *base, int year, const char *lives, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	char under[sizeof(UNDER_BESIDE) + SHA256_HEX];
	snprintf(under, sizeof(under), UNDER_BESIDE "%s", lives);
	bool done =
		sqlite_begin(sink->db, sink, error) && beside_locked(sink->db, year, under, error);
	return sqlite_end(sink->db, done, error);
}
