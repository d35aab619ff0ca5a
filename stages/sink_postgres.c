#include "stages/sink_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define FENCE_TRIES 12
#define FENCE_WAIT  "5s"

static const char *const column_types[] = {
	[COLUMN_CODE] = "text COLLATE \"C\"",
	[COLUMN_TEXT] = "text",
	[COLUMN_DATE] = "date",
	[COLUMN_SMALLINT] = "smallint",
	[COLUMN_INTEGER] = "integer",
	[COLUMN_PRICE] = "numeric(16,2)",
	[COLUMN_AREA] = "numeric(12,2)",
	[COLUMN_DEGREE] = "double precision",
};

const char *postgres_type_of(enum column_type type)
{
	return column_types[type == COLUMN_CODE ? COLUMN_TEXT : type];
}

void postgres_names(const struct postgres_sink *sink, const struct edition *edition,
	struct edition_names *names)
{
	snprintf(names->key, sizeof(names->key), "%d-%s", edition->year, edition->sha256);
	snprintf(names->year, sizeof(names->year), "%d", edition->year);
	sink_table_name(names->incoming, "dvf", edition);
	sink_table_name(names->chunk, "chunk", edition);
	const struct sql_value values[] = { { "edition", names->key }, { "year", names->year },
		{ "sha256", edition->sha256 }, { "incoming", names->incoming },
		{ "chunk", names->chunk }, { "dvf", sink->dvf }, { "schema", sink->schema },
		{ NULL, NULL } };
	memcpy(names->values, values, sizeof(values));
}

bool postgres_fence_holds(
	const struct postgres_sink *sink, const PGresult *result, struct error *error)
{
	if (PQntuples(result) == 1 && strcmp(pg_text(result, 0, 0), sink->token) == 0 &&
		strcmp(pg_text(result, 0, 2), sink->base.uuid) == 0)
		return true;
	return error_set(error, ERROR_FENCED, "another run has taken this destination over: %s",
		PQntuples(result) == 1 ? pg_text(result, 0, 1) : "its record is gone");
}

bool postgres_begin_on(
	struct postgres_sink *sink, struct pg *pg, const char *lock_timeout, struct error *error)
{
	const struct sql_value values[] = { { "lock_timeout", lock_timeout }, { NULL, NULL } };
	PGresult *result = NULL;
	bool done = pg_make(pg, sql_postgres_work_begin, values, &result, error) &&
		    postgres_fence_holds(sink, result, error);
	PQclear(result);
	if (!done)
		pg_rollback(pg);
	return done;
}

bool postgres_commit_on(struct pg *pg, struct error *error)
{
	PGresult *result = NULL;
	if (!pg_exec(pg, "COMMIT", &result, error))
		return false;
	bool done = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	return done ||
	       error_set(error, ERROR_DATABASE, "the server rolled a transaction back at its end");
}

bool postgres_begin(struct postgres_sink *sink, const char *lock_timeout, struct error *error)
{
	return postgres_begin_on(sink, &sink->pg, lock_timeout, error);
}

bool postgres_commit(struct postgres_sink *sink, struct error *error)
{
	return postgres_commit_on(&sink->pg, error);
}

/* CREATE TABLE dvf from the table of columns, so that the two cannot differ. */
static bool create_dvf(struct postgres_sink *sink, struct error *error)
{
	struct buf sql = { 0 };
	bool done = buf_print(&sql, error, "CREATE TABLE IF NOT EXISTS %s (", sink->dvf);
	for (unsigned i = 0; done && i < COLUMNS; i++)
		done = buf_print(&sql, error, "%s %s%s, ", columns[i].name,
			column_types[columns[i].type], columns[i].required ? " NOT NULL" : "");
	done = done &&
	       buf_add_text(&sql,
		       "source_year smallint NOT NULL, source_row integer NOT NULL) "
		       "PARTITION BY LIST (source_year)",
		       error) &&
	       pg_exec(&sink->pg, sql.bytes, NULL, error);
	buf_free(&sql);
	return done;
}

static bool create_dvf_indexes(struct postgres_sink *sink, struct error *error)
{
	static const struct {
		const char *method, *columns;
	} indexes[] = {
		{ "btree", "code_commune, date_mutation" },
		{ "btree", "id_parcelle" },
		{ "btree", "id_mutation" },
		{ "btree", "code_postal, type_local" },
		{ "brin", "date_mutation" },
	};
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		const struct sql_value values[] = { { "dvf", sink->dvf },
			{ "method", indexes[i].method }, { "columns", indexes[i].columns },
			{ NULL, NULL } };
		if (!pg_make(&sink->pg, sql_postgres_create_dvf_index, values, NULL, error))
			return false;
	}
	return true;
}

static bool create_tables(struct postgres_sink *sink, struct error *error)
{
	static const char *const statements[] = { sql_postgres_create_destination,
		sql_postgres_create_source, sql_postgres_create_source_index,
		sql_postgres_create_chunk, sql_postgres_create_reject, sql_postgres_create_history,
		sql_postgres_create_history_kept, sql_postgres_create_history_trigger,
		sql_postgres_create_mended, sql_postgres_create_swap };
	char version[16];
	snprintf(version, sizeof(version), "%d", SCHEMA_VERSION);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (!pg_exec(&sink->pg, statements[i], NULL, error))
			return false;
	const struct sql_value values[] = { { "oid", sink->oid }, { "system", sink->system },
		{ "holder", sink->base.destination.run_name }, { "version", version },
		{ NULL, NULL } };
	return pg_make(&sink->pg, sql_postgres_insert_destination, values, NULL, error);
}

/* Makes what is missing, in one transaction that two runs cannot be in at once. */
static bool create_missing(
	struct postgres_sink *sink, bool bookkeeping, bool dvf, struct error *error)
{
	struct pg *pg = &sink->pg;
	PGresult *schema = NULL;
	bool done = pg_exec(pg, sql_postgres_make_begin, NULL, error) &&
		    pg_exec(pg, sql_postgres_lock_schema, NULL, error);
	if (done && bookkeeping) {
		done = pg_exec(pg, "SELECT to_regnamespace('dvf_import') IS NOT NULL", &schema,
			       error) &&
		       (pg_true(schema, 0, 0) ||
			       pg_exec(pg, sql_postgres_create_schema, NULL, error)) &&
		       create_tables(sink, error);
	}
	if (done && dvf) {
		PGresult *there = NULL;
		done = pg_exec(pg, "SELECT to_regclass('dvf') IS NOT NULL", &there, error) &&
		       (pg_true(there, 0, 0) ||
			       (create_dvf(sink, error) && create_dvf_indexes(sink, error)));
		PQclear(there);
	}
	done = done && postgres_commit(sink, error);
	PQclear(schema);
	if (!done)
		pg_rollback(pg);
	return done || error_where(error, "cannot make the tables that are missing");
}

/* Ends the sessions that keep the fence from being taken, and names them. */
static bool end_holders(struct postgres_sink *sink, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_fence_holders, &r, error))
		return false;
	for (int i = 0; i < PQntuples(r); i++)
		log_note(LOG_WARNING, 0,
			"ended session %s of %s (%s, %s), left by an earlier run that held the destination",
			pg_text(r, i, 0), pg_text(r, i, 1), pg_text(r, i, 2), pg_text(r, i, 3));
	PQclear(r);
	return true;
}

/* Before the COMMIT: if its answer is lost, only the row itself tells whether we have it. */
static bool note_asked(struct postgres_sink *sink, const PGresult *result, struct error *error)
{
	return PQntuples(result) != 1 ||
	       postgres_text(sink->asked, sizeof(sink->asked), pg_text(result, 0, 1), error);
}

/* Ours is not what we replaced: a copy that is older than all of that would be, if it comes. */
static bool note_replaced(struct postgres_sink *sink, const PGresult *before, struct error *error)
{
	return PQntuples(before) != 1 || sink->token[0] != '\0' ||
	       postgres_text(sink->replaced, sizeof(sink->replaced), pg_text(before, 0, 0), error);
}

static bool update_fence(struct postgres_sink *sink, PGresult **result, struct error *error)
{
	const char *const params[] = { sink->base.destination.run_name, sink->oid, sink->system,
		sink->token[0] != '\0' ? sink->token : NULL,
		sink->asked[0] != '\0' ? sink->asked : NULL,
		sink->replaced[0] != '\0' ? sink->replaced : NULL };
	PGresult *before = NULL;
	PQclear(*result);
	*result = NULL;
	bool done = pg_exec(&sink->pg,
			    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
			    "SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = 0;"
			    "SET LOCAL idle_in_transaction_session_timeout = 0;"
			    "SET LOCAL lock_timeout = '" FENCE_WAIT "';"
			    "SELECT token FROM dvf_import.destination FOR UPDATE",
			    &before, error) &&
		    pg_params(&sink->pg, sql_postgres_fence, 6, params, result, error) &&
		    note_asked(sink, *result, error) && note_replaced(sink, before, error) &&
		    postgres_commit(sink, error);
	PQclear(before);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

/* No row was ours to update: somebody else's token is there, or none. */
static bool taken_over(struct postgres_sink *sink, struct error *error)
{
	PGresult *r = NULL;
	bool asked = pg_exec(&sink->pg, sql_postgres_holder, &r, error);
	if (asked && PQntuples(r) == 1)
		error_set(error, ERROR_FENCED, "another run has taken this destination over: %s",
			pg_text(r, 0, 1));
	else if (asked)
		error_set(error, ERROR_DATABASE,
			"dvf_import.destination is empty: DROP TABLE dvf_import.destination and run again");
	PQclear(r);
	return false;
}

/* Takes the fence: chunk transactions of others have ended when this is true. */
static bool take_fence(struct postgres_sink *sink, struct error *error)
{
	PGresult *r = NULL;
	bool done = false;
	for (int i = 0; !done && i < FENCE_TRIES; i++) {
		done = update_fence(sink, &r, error);
		if (!done && (error->kind != ERROR_BUSY || stop_requested()))
			break;
		if (!done && !end_holders(sink, error))
			break;
	}
	if (!done) {
		PQclear(r);
		return error_where(error, "cannot take the destination over from an earlier run");
	}
	if (PQntuples(r) != 1)
		done = taken_over(sink, error);
	else if (pg_number(r, 0, 2) > SCHEMA_VERSION)
		done = error_set(error, ERROR_REFUSED,
			"schema dvf_import was made by a newer dvf-import (%s): use that one",
			pg_text(r, 0, 2));
	else if (sink->base.uuid[0] != '\0' && strcmp(sink->base.uuid, pg_text(r, 0, 0)) != 0)
		done = error_set(error, ERROR_CHANGED,
			"the destination was dropped, made again or restored while we worked: run again");
	if (done)
		done = postgres_text(
			       sink->base.uuid, sizeof(sink->base.uuid), pg_text(r, 0, 0), error) &&
		       postgres_text(sink->token, sizeof(sink->token), pg_text(r, 0, 1), error);
	PQclear(r);
	return done;
}

static bool postgres_take(struct sink *base, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_identity identity = { 0 };
	bool done = postgres_connect_to_primary(sink, &identity, error) &&
		    postgres_same_as_before(sink, &identity, error);
	if (done && base->destination.slot == SLOT_STAGING && !identity.begun)
		done = postgres_staging_prepare(sink, error) &&
		       postgres_identity(sink, &identity, error);
	done = done && postgres_may_write(sink, &identity, error);
	if (done && (!identity.bookkeeping || !identity.dvf))
		done = create_missing(sink, !identity.bookkeeping, !identity.dvf, error);
	return done && take_fence(sink, error) && postgres_views(sink, error);
}

static bool column_list(struct buf *list, struct error *error)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (!buf_print(list, error, "%s ", columns[i].name))
			return false;
	return buf_add_text(list, "source_year source_row", error);
}

bool postgres_obstacles(struct postgres_sink *sink, const char *year, sink_finding *finding,
	void *context, unsigned *count, struct error *error)
{
	struct buf names = { 0 };
	PGresult *r = NULL;
	*count = 0;
	bool done = column_list(&names, error);
	const struct sql_value values[] = { { "dvf", sink->dvf }, { "columns", names.bytes },
		{ "year", year }, { NULL, NULL } };
	done = done && pg_make(&sink->pg, sql_postgres_obstacles, values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++, (*count)++)
		finding(context, true, pg_text(r, i, 0), pg_text(r, i, 1));
	PQclear(r);
	buf_free(&names);
	return done;
}

static bool tell_rights(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_rights, &r, error))
		return false;
	for (int i = 0; i < PQntuples(r); i++)
		if (!pg_true(r, i, 0))
			finding(context, true, pg_text(r, i, 1), pg_text(r, i, 2));
	PQclear(r);
	return true;
}

/* Who may not look into our schema cannot even be asked what else he lacks. */
static bool tell_owner(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error)
{
	struct error later;
	PGresult *r = NULL;
	if (strcmp(error->sqlstate, "42501") != 0 ||
		!pg_exec(&sink->pg, sql_postgres_schema_owner, &r, &later))
		return false;
	bool told = PQntuples(r) == 1;
	if (told)
		finding(context, true, pg_text(r, 0, 0), pg_text(r, 0, 1));
	PQclear(r);
	return told;
}

static bool postgres_preflight(
	struct sink *base, sink_finding *finding, void *context, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_identity identity = { 0 };
	unsigned count = 0;
	bool connected = postgres_connect(sink, error);
	if (!connected && base->destination.slot == SLOT_STAGING &&
		strcmp(error->sqlstate, "3D000") == 0)
		return postgres_staging_preflight(sink, finding, context, error);
	bool done = connected && postgres_identity(sink, &identity, error);
	if (connected && !done)
		return tell_owner(sink, finding, context, error);
	if (done)
		snprintf(base->about, sizeof(base->about),
			"PostgreSQL %.40s, %s, no extension needed", identity.version,
			identity.encoding);
	done = done && postgres_may_write(sink, &identity, error) &&
	       tell_rights(sink, finding, context, error);
	if (done && identity.dvf)
		done = postgres_obstacles(sink, "0", finding, context, &count, error);
	return done;
}

static void postgres_close(struct sink *base)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	postgres_vacuum_wait(sink);
	pg_close(&sink->pg);
	free(sink->base.destination.url);
	free(sink);
}

static const struct sink_ops ops = {
	.kind = "postgresql",
	.max_loaders = 16,
	.take = postgres_take,
	.place = postgres_place,
	.published = postgres_published,
	.recall = postgres_recall,
	.begin = postgres_begin_edition,
	.forget = postgres_forget,
	.confirm = postgres_confirm,
	.completed = postgres_completed,
	.index = postgres_index,
	.check = postgres_check,
	.publish = postgres_publish,
	.judge = postgres_judge,
	.drop_year = postgres_drop_year,
	.finish = postgres_finish,
	.preflight = postgres_preflight,
	.look = postgres_look,
	.years = postgres_years,
	.copy_year = postgres_copy_year,
	.head_add = postgres_head_add,
	.heads = postgres_heads,
	.rows_open = postgres_rows_open,
	.keys_open = postgres_keys_open,
	.kept_open = postgres_kept_open,
	.chunks_open = postgres_chunks_open,
	.mend = postgres_mend,
	.loader_open = postgres_loader_open,
	.close = postgres_close,
};

bool sink_open_postgres(
	struct sink **sink, const struct destination *destination, struct error *error)
{
	struct postgres_sink *made = calloc(1, sizeof(*made));
	*sink = NULL;
	if (made == NULL)
		return error_memory(error, "a destination");
	made->base.ops = &ops;
	made->base.destination = *destination;
	made->base.destination.url = strdup(destination->url);
	if (made->base.destination.url == NULL) {
		free(made);
		return error_memory(error, "a destination");
	}
	*sink = &made->base;
	return true;
}
