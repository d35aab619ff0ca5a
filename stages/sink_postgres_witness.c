#include "stages/sink_postgres.h"

#include <stdio.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/log.h"
#include "state/ranges.h"

static void read_memory(struct edition_memory *memory, const PGresult *r)
{
	struct edition *edition = &memory->edition;
	*memory = (struct edition_memory){ 0 };
	edition->year = (int)pg_number(r, 0, 0);
	snprintf(edition->sha256, sizeof(edition->sha256), "%s", pg_text(r, 0, 1));
	snprintf(edition->url, sizeof(edition->url), "%s", pg_text(r, 0, 2));
	snprintf(
		edition->validators.etag, sizeof(edition->validators.etag), "%s", pg_text(r, 0, 3));
	snprintf(edition->validators.last_modified, sizeof(edition->validators.last_modified), "%s",
		pg_text(r, 0, 4));
	edition->packed_size = pg_number(r, 0, 5);
	edition->validators.packed_size = edition->packed_size;
	edition->validators.has_size = true;
	memory->plain_size = pg_number(r, 0, 6);
	memory->rows = pg_number(r, 0, 7);
	memory->rejects = pg_number(r, 0, 8);
	memory->stage = sink_stage_of(pg_text(r, 0, 9));
	memory->layout_version = (int)pg_number(r, 0, 10);
	memory->parser_version = (int)pg_number(r, 0, 11);
	snprintf(memory->why, sizeof(memory->why), "%s", pg_text(r, 0, 12));
	snprintf(memory->under, sizeof(memory->under), "%s", pg_text(r, 0, 13));
}

static bool get_source(struct postgres_sink *sink, int year, const char *sha256,
	struct edition_memory *memory, bool *found, struct error *error)
{
	char text[16];
	PGresult *r = NULL;
	snprintf(text, sizeof(text), "%d", year);
	const struct sql_value values[] = { { "year", text }, { "sha256", sha256 },
		{ "dvf", sink->dvf }, { NULL, NULL } };
	*found = false;
	if (!pg_make(&sink->pg, sql_postgres_source_get, values, &r, error))
		return error_where(error, "cannot read what is known of year %d", year);
	*found = PQntuples(r) == 1;
	if (*found)
		read_memory(memory, r);
	PQclear(r);
	return true;
}

bool postgres_published(struct sink *base, int year, struct edition_memory *memory, bool *found,
	struct error *error)
{
	return get_source((struct postgres_sink *)base, year, "", memory, found, error);
}

bool postgres_recall(struct sink *base, const struct edition *edition,
	struct edition_memory *memory, bool *found, struct error *error)
{
	return get_source(
		(struct postgres_sink *)base, edition->year, edition->sha256, memory, found, error);
}

bool postgres_drop_edition(struct postgres_sink *sink, int year, const char *sha256,
	bool with_table, struct error *error)
{
	struct edition edition = { .year = year };
	struct edition_names names;
	snprintf(edition.sha256, sizeof(edition.sha256), "%s", sha256);
	postgres_names(sink, &edition, &names);
	return (!with_table ||
		       pg_make(&sink->pg, sql_postgres_drop_incoming, names.values, NULL, error)) &&
	       pg_make(&sink->pg, sql_postgres_drop_chunk, names.values, NULL, error) &&
	       pg_make(&sink->pg, sql_postgres_drop_rejects, names.values, NULL, error) &&
	       pg_make(&sink->pg, sql_postgres_drop_mended, names.values, NULL, error) &&
	       pg_make(&sink->pg, sql_postgres_drop_source, names.values, NULL, error);
}

bool postgres_drop_others(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_source_others, names->values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++)
		done = postgres_drop_edition(sink, edition->year, pg_text(r, i, 0), true, error);
	PQclear(r);
	return done;
}

static bool insert_source(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	char size[24];
	char layout[16];
	char parser[16];
	snprintf(size, sizeof(size), "%llu", (unsigned long long)edition->packed_size);
	snprintf(layout, sizeof(layout), "%d", LAYOUT_VERSION);
	snprintf(parser, sizeof(parser), "%d", PARSER_VERSION);
	const char *const params[] = { names->key, names->year, edition->sha256, edition->url,
		edition->validators.etag, edition->validators.last_modified, size, layout, parser,
		sink->base.destination.run_name };
	return pg_params(&sink->pg, sql_postgres_source_insert, 10, params, NULL, error);
}

bool postgres_make_room(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	return postgres_drop_others(sink, edition, names, error) &&
	       postgres_drop_edition(sink, edition->year, edition->sha256, true, error) &&
	       pg_make(&sink->pg, sql_postgres_create_incoming, names->values, NULL, error) &&
	       /* LIKE has locked dvf: until the end of this nobody alters it. */
	       postgres_columns_fit(sink, error) &&
	       pg_make(&sink->pg, sql_postgres_create_chunk_table, names->values, NULL, error);
}

static bool make_edition(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    postgres_make_room(sink, edition, names, error) &&
		    insert_source(sink, edition, names, error) && postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done || error_where(error, "cannot make the incoming table of %d", edition->year);
}

static bool incoming_fits(struct postgres_sink *sink, const struct edition_names *names, bool *fits,
	struct error *error)
{
	PGresult *r = NULL;
	if (!pg_make(&sink->pg, sql_postgres_incoming_fits, names->values, &r, error))
		return false;
	*fits = pg_true(r, 0, 0);
	PQclear(r);
	return true;
}

static bool no_stray_table(
	struct postgres_sink *sink, const struct edition_names *names, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_make(&sink->pg, sql_postgres_stray_table, names->values, &r, error))
		return false;
	bool none = PQntuples(r) == 0;
	if (!none)
		error_set(error, ERROR_REFUSED,
			"%s is in the way: it has the name year %s would get, and is no part of dvf. DROP TABLE %s, or "
			"move it with ALTER TABLE ... SET SCHEMA (renaming leaves its indexes in the way)",
			pg_text(r, 0, 0), names->year, pg_text(r, 0, 0));
	PQclear(r);
	return none;
}

bool postgres_begin_edition(struct sink *base, const struct edition *edition, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	struct edition_memory memory;
	bool found = false;
	postgres_names(sink, edition, &names);
	if (!postgres_no_obstacles(sink, names.year, error) ||
		!get_source(sink, edition->year, edition->sha256, &memory, &found, error))
		return false;
	bool fits = false;
	if (!incoming_fits(sink, &names, &fits, error) || !no_stray_table(sink, &names, error))
		return false;
	bool usable = found && fits && memory.layout_version == LAYOUT_VERSION &&
		      memory.parser_version == PARSER_VERSION && memory.stage != EDITION_REFUSED;
	if (usable && (memory.stage == EDITION_INCOMING || memory.stage == EDITION_READY))
		return true;
	if (usable && memory.stage == EDITION_HELD)
		return postgres_judge(base, edition, EDITION_READY, "", "", error);
	if (found && memory.stage == EDITION_PUBLISHED)
		return error_set(error, ERROR_SYSTEM, "year %d: this edition is published already",
			edition->year);
	return make_edition(sink, edition, &names, error);
}

bool postgres_forget(struct sink *base, const struct edition *edition, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_memory memory;
	bool found = false;
	if (!postgres_recall(base, edition, &memory, &found, error))
		return false;
	/* Tables are named by twelve digits of the hash: they may be another edition's. */
	if (!found || memory.stage == EDITION_PUBLISHED)
		return true;
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    postgres_drop_edition(sink, edition->year, edition->sha256, true, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

bool postgres_confirm(struct sink *base, const struct edition *edition, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	PGresult *r = NULL;
	postgres_names(sink, edition, &names);
	const char *const params[] = { names.year, edition->sha256, edition->url,
		edition->validators.etag, edition->validators.last_modified };
	if (!pg_params(&sink->pg, sql_postgres_confirm_needed, 5, params, &r, error))
		return false;
	bool needed = pg_true(r, 0, 0);
	PQclear(r);
	if (!needed)
		return true;
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    postgres_drop_others(sink, edition, &names, error) &&
		    pg_params(&sink->pg, sql_postgres_source_renew, 5, params, NULL, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

bool postgres_completed(struct sink *base, const struct edition *edition, struct ranges *ranges,
	struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	PGresult *r = NULL;
	postgres_names(sink, edition, &names);
	ranges_clear(ranges);
	bool done = pg_make(&sink->pg, sql_postgres_completed, names.values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++) {
		const struct range range = { .plain_first = pg_number(r, i, 0),
			.plain_end = pg_number(r, i, 1),
			.first_record = pg_number(r, i, 2),
			.rows = pg_number(r, i, 3),
			.rejects = pg_number(r, i, 4) };
		done = ranges_add(ranges, &range, error);
	}
	PQclear(r);
	return done || error_where(error, "cannot read the witness of %d", edition->year);
}

/* What a refused edition keeps is its row and its rejects, for people to look at. */
static bool drop_refused(
	struct postgres_sink *sink, const struct edition_names *names, struct error *error)
{
	return pg_make(&sink->pg, sql_postgres_drop_incoming, names->values, NULL, error) &&
	       pg_make(&sink->pg, sql_postgres_drop_chunk, names->values, NULL, error);
}

bool postgres_judge(struct sink *base, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	postgres_names(sink, edition, &names);
	const char *word = stage == EDITION_REFUSED ? "refused"
			   : stage == EDITION_HELD  ? "held"
						    : "ready";
	const char *const params[] = { names.key, word, why, under };
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    (stage != EDITION_REFUSED || drop_refused(sink, &names, error)) &&
		    pg_params(&sink->pg, sql_postgres_source_judge, 4, params, NULL, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

bool postgres_beside(struct sink *base, int year, const char *lives, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	char number[16], under[sizeof(UNDER_BESIDE) + SHA256_HEX];
	snprintf(number, sizeof(number), "%d", year);
	snprintf(under, sizeof(under), UNDER_BESIDE "%s", lives);
	const char *const params[] = { number, under };
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    pg_params(&sink->pg, sql_postgres_source_beside, 2, params, NULL, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}
