#include "stages/sink_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"

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

const char *postgres_made_as(enum column_type type)
{
	return column_types[type];
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
	return done && postgres_take_fence(sink, error) && postgres_views(sink, error);
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
	.beside = postgres_beside,
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
