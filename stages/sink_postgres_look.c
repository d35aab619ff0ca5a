#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define NO_SUCH_DATABASE "3D000"
#define STANDBY_REST_MS  250

bool postgres_text(char *to, size_t size, const char *from, struct error *error)
{
	int put = snprintf(to, size, "%s", from);
	return (put >= 0 && (size_t)put < size) ||
	       error_set(error, ERROR_REFUSED, "the name %s is too long", from);
}

bool postgres_connect(struct postgres_sink *sink, struct error *error)
{
	const struct destination *to = &sink->base.destination;
	pg_close(&sink->pg);
	sink->pg = (struct pg){
		.interrupts = true, .tick = sink->base.tick, .tick_context = sink->base.tick_context
	};
	return postgres_slot_name(sink, error) &&
	       pg_connect_to(&sink->pg, to->url, sink->database, to->wait_s, error);
}

/* A name that a pooler gave another meaning would let a staging load fall into the live database.
 */
static bool is_meant(const struct postgres_sink *sink, const char *database, struct error *error)
{
	return sink->database[0] == '\0' || strcmp(sink->database, database) == 0 ||
	       error_set(error, ERROR_REFUSED,
		       "asked for database %s and got %s: give the server's own address, not a pooler's",
		       sink->database, database);
}

static bool take_identity(struct postgres_sink *sink, struct postgres_identity *identity,
	const PGresult *r, struct error *error)
{
	const char *schema = pg_text(r, 0, 7)[0] != '\0' ? pg_text(r, 0, 7) : pg_text(r, 0, 1);
	sink->server_version = (int)pg_number(r, 0, 4);
	identity->bookkeeping = pg_true(r, 0, 6);
	identity->begun = pg_true(r, 0, 9);
	identity->dvf = pg_text(r, 0, 7)[0] != '\0';
	identity->standby = pg_true(r, 0, 5);
	identity->schema = schema[0] != '\0';
	snprintf(identity->version, sizeof(identity->version), "%s", pg_text(r, 0, 8));
	snprintf(identity->encoding, sizeof(identity->encoding), "%s", pg_text(r, 0, 10));
	snprintf(identity->database, sizeof(identity->database), "%s", pg_text(r, 0, 0));
	bool done = is_meant(sink, pg_text(r, 0, 0), error) &&
		    postgres_text(sink->oid, sizeof(sink->oid), pg_text(r, 0, 2), error) &&
		    postgres_text(sink->system, sizeof(sink->system), pg_text(r, 0, 3), error) &&
		    postgres_text(sink->schema, sizeof(sink->schema), schema, error);
	snprintf(sink->dvf, sizeof(sink->dvf), "%s.dvf", sink->schema);
	if (done && sink->server_version < POSTGRES_LEAST)
		done = error_set(error, ERROR_REFUSED,
			"the server is PostgreSQL %s and 13 is the oldest that serves",
			identity->version);
	return done;
}

bool postgres_identity(
	struct postgres_sink *sink, struct postgres_identity *identity, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_identity, &r, error))
		return error_where(error, "cannot ask the server who it is");
	bool done = take_identity(sink, identity, r, error);
	PQclear(r);
	return done;
}

/* LATIN1 has no oe ligature, so that records would become rejects; SQL_ASCII takes every byte and
 * tells each reader that it is what he expects. */
bool postgres_encoding_serves(
	const char *encoding, const char *database, bool staging, struct error *error)
{
	return strcmp(encoding, "UTF8") == 0 ||
	       error_set(error, ERROR_REFUSED,
		       "%s: the database's encoding is %s and must be UTF8, or names would be refused or garbled: %s",
		       database, encoding,
		       staging ? "drop it, and run --staging makes it anew (where the role may not, check --staging says how)"
			       : "make one (CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8' LOCALE "
				 "'C.UTF-8') and give it to --to");
}

/* A staging database that is not there is made, once: one that goes away later is a change. */
static bool connect_or_make(struct postgres_sink *sink, struct error *error)
{
	bool done = postgres_connect(sink, error);
	bool missing = !done && strcmp(error->sqlstate, NO_SUCH_DATABASE) == 0;
	if (missing && sink->base.destination.slot == SLOT_STAGING && sink->base.uuid[0] == '\0')
		done = postgres_staging_create(sink, error) && postgres_connect(sink, error);
	return done;
}

/* Where a standby is about to take the primary's place, it answers before it lets anybody write: a
 * run that has begun waits for that as it waits for a server. */
bool postgres_connect_to_primary(
	struct postgres_sink *sink, struct postgres_identity *identity, struct error *error)
{
	const struct sink *base = &sink->base;
	uint64_t until_ms = clock_ms() + (uint64_t)base->destination.wait_s * 1000;
	for (bool told = false;; told = true) {
		if (!connect_or_make(sink, error) || !postgres_identity(sink, identity, error))
			return false;
		if (!identity->standby || base->uuid[0] == '\0')
			return true;
		if (clock_ms() >= until_ms)
			return error_set(error, ERROR_BUSY,
				"the server is a standby now, which is read-only (waited %u s; --wait changes that)",
				base->destination.wait_s);
		if (!told)
			log_note(LOG_WARNING, 0,
				"the server is a standby now: waiting up to %u s for it to become the primary",
				base->destination.wait_s);
		if (base->tick != NULL)
			base->tick(base->tick_context);
		if (!stop_sleep(STANDBY_REST_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
}

bool postgres_may_write(const struct postgres_sink *sink, const struct postgres_identity *identity,
	struct error *error)
{
	if (identity->standby)
		return error_set(error, ERROR_REFUSED,
			"the server is a standby, which is read-only: give the primary's address");
	if (!identity->schema)
		return error_set(error, ERROR_REFUSED,
			"no schema of the search_path exists: CREATE SCHEMA public, or set the role's search_path");
	return postgres_encoding_serves(identity->encoding, identity->database,
		sink->base.destination.slot == SLOT_STAGING, error);
}

/* Who it is, without making it anybody: a copy that was never taken has no identity of its own yet,
 * "". */
static bool read_uuid(struct postgres_sink *sink, char uuid[static 37], struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_look, &r, error))
		return false;
	bool ours = PQntuples(r) == 1 && strcmp(pg_text(r, 0, 1), sink->oid) == 0 &&
		    strcmp(pg_text(r, 0, 2), sink->system) == 0;
	snprintf(uuid, 37, "%s", ours ? pg_text(r, 0, 0) : "");
	PQclear(r);
	return true;
}

bool postgres_same_as_before(
	struct postgres_sink *sink, const struct postgres_identity *identity, struct error *error)
{
	char uuid[37] = "";
	if (sink->base.uuid[0] == '\0')
		return true;
	if (identity->begun && !read_uuid(sink, uuid, error))
		return false;
	return strcmp(uuid, sink->base.uuid) == 0 ||
	       error_set(error, ERROR_CHANGED,
		       "the destination is another than the one this run began with: it was renamed, promoted, dropped "
		       "or restored while we worked. Nothing was written to the one that is there now: run again");
}

bool postgres_look(struct sink *base, bool *there, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_identity identity = { 0 };
	*there = false;
	if (!postgres_connect(sink, error))
		return strcmp(error->sqlstate, NO_SUCH_DATABASE) == 0;
	if (!postgres_identity(sink, &identity, error))
		return false;
	*there = identity.begun && identity.dvf;
	return !*there || read_uuid(sink, sink->base.uuid, error);
}

bool postgres_years(struct sink *base, struct served_years *served, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	const struct sql_value values[] = { { "dvf", sink->dvf }, { NULL, NULL } };
	PGresult *r = NULL;
	served->count = served->lost_count = 0;
	if (!pg_make(&sink->pg, sql_postgres_years, values, &r, error))
		return error_where(error, "cannot read which years are served");
	for (int i = 0; i < PQntuples(r) && i < SERVED_MAX; i++)
		if (pg_true(r, i, 1))
			served->years[served->count++] = (int)pg_number(r, i, 0);
		else
			served->lost[served->lost_count++] = (int)pg_number(r, i, 0);
	PQclear(r);
	return true;
}
