/*
 * Which database a slot is, and how the staging one is made: from template0, so that nothing comes
 * along, with live's encoding and collation, and with dvf in the schema that live has it in.
 *
 * After a crash: a database that was made and not prepared is prepared by the next take; all of it
 * can be said again.
 */
#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"

static const char *const suffixes[] = {
	[SLOT_LIVE] = "",
	[SLOT_STAGING] = "_staging",
	[SLOT_PREVIOUS] = "_previous",
};

bool postgres_slot_database(const struct destination *destination, enum slot slot,
	char name[static PG_NAME_MAX + 1], struct error *error)
{
	char live[PG_NAME_MAX + 1];
	if (!pg_database_of(destination->url, live, error))
		return false;
	if (slot != SLOT_LIVE && strlen(live) > DATABASE_NAME_MOST)
		return error_set(error, ERROR_REFUSED,
			"the name of database %s has over %d bytes: with %s behind it the server would cut it, and "
			"it could be taken for another. Give the database a shorter name",
			live, DATABASE_NAME_MOST, suffixes[slot]);
	snprintf(name, PG_NAME_MAX + 1, "%s%s", live, suffixes[slot]);
	return true;
}

bool postgres_slot_name(struct postgres_sink *sink, struct error *error)
{
	const struct destination *to = &sink->base.destination;
	return to->slot == SLOT_LIVE || sink->database[0] != '\0' ||
	       postgres_slot_database(to, to->slot, sink->database, error);
}

/* To live, or where that is not there yet to a database that every server has. */
static bool connect_beside(
	struct postgres_sink *sink, struct pg *pg, bool *live, struct error *error)
{
	static const char *const others[] = { "postgres", "template1" };
	const struct destination *to = &sink->base.destination;
	*live = pg_connect(pg, to->url, to->wait_s, error);
	bool done = *live;
	bool missing = !done && strcmp(error->sqlstate, "3D000") == 0;
	for (size_t i = 0; missing && !done && i < sizeof(others) / sizeof(others[0]); i++)
		done = pg_connect_to(pg, to->url, others[i], 0, error);
	return done || error_where(error,
			       missing ? "live is not there yet, and no other database lets us in "
					 "(CREATE DATABASE for live, or GRANT CONNECT ON DATABASE "
					 "postgres)"
				       : "cannot connect to make the staging database");
}

static bool make_statement(
	struct postgres_sink *sink, struct pg *pg, struct buf *statement, struct error *error)
{
	char live[PG_NAME_MAX + 1];
	PGresult *r = NULL;
	if (!postgres_slot_database(&sink->base.destination, SLOT_LIVE, live, error))
		return false;
	const char *const params[] = { live, sink->database };
	const struct sql_value values[] = { { "name", sink->database }, { NULL, NULL } };
	bool done = pg_params(pg, sql_postgres_staging_statement, 2, params, &r, error) &&
		    (PQntuples(r) == 0 ||
			    postgres_encoding_serves(pg_text(r, 0, 1), live, false, error)) &&
		    (PQntuples(r) == 1 ? buf_add_text(statement, pg_text(r, 0, 0), error)
				       : statement_make(statement, sql_postgres_staging_create,
						 values, error));
	PQclear(r);
	return done;
}

/* 23505 is what the server says when it saw the other one's name only while it waited for it. */
static bool made_meanwhile(const struct error *error)
{
	return strcmp(error->sqlstate, "42P04") == 0 || strcmp(error->sqlstate, "23505") == 0;
}

bool postgres_staging_create(struct postgres_sink *sink, struct error *error)
{
	struct pg pg = { .interrupts = true };
	struct buf statement = { 0 };
	bool live = false;
	bool connected = connect_beside(sink, &pg, &live, error);
	bool done = connected && make_statement(sink, &pg, &statement, error) &&
		    pg_may_write(&pg, error) && pg_exec(&pg, statement.bytes, NULL, error);
	pg_close(&pg);
	buf_free(&statement);
	if (done)
		log_note(LOG_INFO, 0, "made the staging database %s", sink->database);
	/* Somebody else may have made it a moment ago, or a run that was killed still did. */
	if (done || (connected && made_meanwhile(error)))
		return true;
	bool denied = strcmp(error->sqlstate, "42501") == 0;
	if (denied)
		error->kind = ERROR_REFUSED;
	return error_where(error, "cannot make the staging database %s%s", sink->database,
		denied && connected ? " (the role needs CREATEDB: ALTER ROLE ... CREATEDB)" : "");
}

static bool no_strangers(struct postgres_sink *sink, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_staging_strangers, &r, error))
		return false;
	bool none = PQntuples(r) == 0;
	if (!none)
		error_set(error, ERROR_REFUSED,
			"database %s is there already and holds %s, which is not this importer's: rename or drop it",
			sink->database, pg_text(r, 0, 0));
	PQclear(r);
	return none;
}

/* In a transaction that may write whatever the role's or the database's settings are. */
static bool make_alone(struct pg *pg, const char *statement, struct error *error)
{
	bool done = pg_exec(pg, sql_postgres_make_begin, NULL, error) &&
		    pg_exec(pg, statement, NULL, error) && pg_exec(pg, "COMMIT", NULL, error);
	if (!done)
		pg_rollback(pg);
	return done;
}

/* What live says of its search_path, said of staging too; *schema is where dvf shall lie. */
static bool set_path(struct postgres_sink *sink, struct buf *schema, struct error *error)
{
	struct pg pg = { .interrupts = true };
	PGresult *r = NULL;
	bool live = false;
	const char *const params[] = { sink->database };
	bool done = connect_beside(sink, &pg, &live, error) &&
		    (!live || pg_params(&pg, sql_postgres_staging_path, 1, params, &r, error));
	if (done && live)
		done = buf_add_text(schema, pg_text(r, 0, 0), error) &&
		       (pg_text(r, 0, 1)[0] == '\0' || make_alone(&pg, pg_text(r, 0, 1), error));
	PQclear(r);
	pg_close(&pg);
	return done;
}

bool postgres_staging_prepare(struct postgres_sink *sink, struct error *error)
{
	struct buf schema = { 0 }, statement = { 0 };
	bool done = no_strangers(sink, error) && set_path(sink, &schema, error);
	if (done && schema.size > 0) {
		const struct sql_value values[] = { { "schema", schema.bytes }, { NULL, NULL } };
		done = statement_make(&statement, sql_postgres_staging_schema, values, error) &&
		       make_alone(&sink->pg, statement.bytes, error);
	}
	buf_free(&schema);
	buf_free(&statement);
	return done && postgres_connect(sink, error);
}

/* A staging database that is not there yet is no obstacle if it can be made. */
bool postgres_staging_preflight(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error)
{
	struct pg pg = { .interrupts = true };
	struct buf statement = { 0 };
	PGresult *r = NULL;
	bool live = false;
	bool done = connect_beside(sink, &pg, &live, error) &&
		    make_statement(sink, &pg, &statement, error);
	const char *const params[] = { statement.bytes };
	done = done && pg_params(&pg, sql_postgres_staging_rights, 1, params, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++)
		finding(context, true, pg_text(r, i, 0), pg_text(r, i, 1));
	PQclear(r);
	buf_free(&statement);
	pg_close(&pg);
	return done;
}
