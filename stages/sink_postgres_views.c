/*
 * sink_postgres_views.c: what people ask dvf through, one row a sale, and words about every table.
 *
 * Views stand on dvf, never on the table of a year, so a publish does not meet them. They are made
 * once a destination is taken and they are not there, under its fence; whatever keeps them from
 * being made is told and keeps nothing else from going on.
 */
#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"

#define VIEWS_VERSION    "1"    /* as comments.sql says it; a higher one is a newer program's */
#define SECURITY_INVOKER 150000 /* a reader's own rights count, and dvf's policies for them */

static bool as_invoker(const struct postgres_sink *sink)
{
	return sink->server_version >= SECURITY_INVOKER;
}

/* Such a view shows every row to whoever may read it. */
static bool goes_round_policies(struct postgres_sink *sink, bool policies)
{
	if (as_invoker(sink) || !policies)
		return false;
	if (!sink->policies_told)
		log_note(LOG_WARNING, 0,
			"dvf has row level security, which views go round before PostgreSQL 15: dvf_sale and "
			"dvf_price_m2 are not made; drop them if they are there");
	sink->policies_told = true;
	return true;
}

static bool are_missing(struct postgres_sink *sink, bool *missing, struct error *error)
{
	const struct sql_value values[] = { { "dvf", sink->dvf }, { "version", VIEWS_VERSION },
		{ "invoker", as_invoker(sink) ? "1" : "0" }, { NULL, NULL } };
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_views_missing, values, &r, error);
	*missing = done && pg_true(r, 0, 0) && !goes_round_policies(sink, pg_true(r, 0, 1));
	PQclear(r);
	return done;
}

static bool say_words(
	struct postgres_sink *sink, const struct sql_value *values, struct error *error)
{
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_comments, values, &r, error) &&
		    pg_exec(&sink->pg, pg_text(r, 0, 0), NULL, error);
	PQclear(r);
	return done;
}

/* Without a search_path nothing but the server's own functions is meant. */
static bool make(struct postgres_sink *sink, struct error *error)
{
	const struct sql_value values[] = { { "dvf", sink->dvf }, { "schema", sink->schema },
		{ "options", as_invoker(sink) ? "WITH (security_invoker = true)"
					      : "WITH (security_barrier = false)" },
		{ NULL, NULL } };
	struct pg *pg = &sink->pg;
	bool done = postgres_begin(sink, LOCK_TIMEOUT, error) &&
		    pg_exec(pg, "SET LOCAL search_path = pg_catalog", NULL, error) &&
		    pg_exec(pg, sql_postgres_lock_schema, NULL, error) &&
		    pg_make(pg, sql_postgres_view_sale, values, NULL, error) &&
		    pg_make(pg, sql_postgres_view_price_m2, values, NULL, error) &&
		    say_words(sink, values, error) && postgres_commit(sink, error);
	if (!done)
		pg_rollback(pg);
	return done;
}

bool postgres_views(struct postgres_sink *sink, struct error *error)
{
	bool missing = false;
	if (are_missing(sink, &missing, error) && (!missing || make(sink, error)))
		return true;
	if (error->kind == ERROR_LOST || error->kind == ERROR_STOPPED ||
		error->kind == ERROR_FENCED)
		return false;
	log_note(LOG_WARNING, 0,
		"the views dvf_sale and dvf_price_m2 could not be made, the next run tries again: %s",
		error->text);
	error_clear(error);
	return true;
}
