#include "stages/pg_promote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/stop.h"

static const char *const endings[PLACES] = { "", "_staging", "_previous", "_outgoing" };

bool promotion_names(struct promotion *p, struct error *error)
{
	char live[PG_NAME_MAX + 1];
	if (!pg_database_of(p->promote->live->url, live, error))
		return false;
	if (strlen(live) > DATABASE_NAME_MOST)
		return error_set(error, ERROR_REFUSED,
			"the name of database %s has over %d bytes, and the server would cut what is put "
			"behind it: ALTER DATABASE ... RENAME TO a shorter one",
			live, DATABASE_NAME_MOST);
	for (int i = 0; i < PLACES; i++)
		snprintf(p->places[i].name, sizeof(p->places[i].name), "%s%s", live, endings[i]);
	return true;
}

bool promotion_connect(
	const struct promotion *p, const char *database, struct pg *pg, struct error *error)
{
	PGresult *r = NULL;
	*pg = (struct pg){ .interrupts = true,
		.tick = p->promote->tick,
		.tick_context = p->promote->tick_context };
	bool done = pg_connect_to(
			    pg, p->promote->live->url, database, p->promote->live->wait_s, error) &&
		    pg_exec(pg, "SELECT current_database()", &r, error);
	if (done && strcmp(pg_text(r, 0, 0), database) != 0)
		done = error_set(error, ERROR_REFUSED,
			"asked for database %s, the server gave %s: a pooler between us must know its name",
			database, pg_text(r, 0, 0));
	PQclear(r);
	if (!done)
		pg_close(pg);
	return done || error_where(error, "database %s", database);
}

static bool names_params(struct pg *pg, const struct promotion *p, const char *sql, PGresult **r,
	struct error *error)
{
	const char *const params[] = { p->places[0].name, p->places[1].name, p->places[2].name,
		p->places[3].name };
	return pg_params(pg, sql, PLACES, params, r, error);
}

/* A database that is none of the slots: postgres or template1 as a rule, else whatever live's
 * server lets us into. */
static bool choose_maintenance(struct promotion *p, struct error *error)
{
	static const char *const usual[] = { "postgres", "template1" };
	struct pg pg = { 0 };
	PGresult *r = NULL;
	bool found = false;
	for (size_t i = 0; !found && i < 2; i++) {
		if (strcmp(usual[i], p->places[PLACE_LIVE].name) == 0)
			continue;
		snprintf(p->maintenance, sizeof(p->maintenance), "%s", usual[i]);
		found = promotion_connect(p, usual[i], &p->a, error);
		if (!found && (error->kind == ERROR_STOPPED || error->kind == ERROR_BUSY))
			return false;
	}
	if (found)
		return true;
	if (!promotion_connect(p, p->places[PLACE_LIVE].name, &pg, error))
		return false;
	bool done = names_params(&pg, p, sql_postgres_promote_maintenance, &r, error);
	pg_close(&pg);
	for (int i = 0; done && !found && i < PQntuples(r); i++) {
		snprintf(p->maintenance, sizeof(p->maintenance), "%.63s", pg_text(r, i, 0));
		found = promotion_connect(p, p->maintenance, &p->a, error);
	}
	PQclear(r);
	if (done && !found)
		error_set(error, ERROR_REFUSED,
			"databases are renamed from another one, and there is none we may connect to: "
			"GRANT CONNECT ON DATABASE postgres, and let pg_hba.conf allow it");
	return found;
}

static bool read_rights(struct promotion *p, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&p->b, sql_postgres_promote_rights, &r, error))
		return false;
	bool done = PQntuples(r) == 1 || error_set(error, ERROR_DATABASE, "the role is gone");
	if (done) {
		snprintf(p->role, sizeof(p->role), "%.63s", pg_text(r, 0, 0));
		p->superuser = pg_true(r, 0, 1);
		p->createdb = pg_true(r, 0, 2);
		p->signals = pg_true(r, 0, 3);
		snprintf(p->system, sizeof(p->system), "%.23s", pg_text(r, 0, 4));
		p->server_version = (int)pg_number(r, 0, 5);
	}
	if (done && p->server_version < POSTGRES_LEAST)
		done = error_set(error, ERROR_REFUSED,
			"the server is PostgreSQL %s and 13 is the oldest that serves",
			pg_text(r, 0, 7));
	if (done && pg_true(r, 0, 6))
		done = error_set(error, ERROR_REFUSED,
			"the server is a standby, which is read-only: give the primary's address");
	PQclear(r);
	return done;
}

bool promotion_open(struct promotion *p, struct error *error)
{
	return choose_maintenance(p, error) && promotion_connect(p, p->maintenance, &p->b, error) &&
	       read_rights(p, error);
}

void promotion_close(struct promotion *p)
{
	pg_close(&p->a);
	pg_close(&p->b);
}

static void fill_place(struct place_found *place, const PGresult *r, int i)
{
	place->there = true;
	snprintf(place->oid, sizeof(place->oid), "%.15s", pg_text(r, i, 1));
	snprintf(place->owner, sizeof(place->owner), "%.63s", pg_text(r, i, 2));
	place->may_own = pg_true(r, i, 3);
	place->connects = pg_true(r, i, 4);
	place->broken = pg_true(r, i, 5);
	snprintf(place->tablespace, sizeof(place->tablespace), "%.63s", pg_text(r, i, 6));
	snprintf(place->locale, sizeof(place->locale), "%.199s", pg_text(r, i, 7));
	place->is_template = pg_true(r, i, 8);
}

bool promotion_list(struct promotion *p, struct error *error)
{
	PGresult *r = NULL;
	if (!names_params(&p->b, p, sql_postgres_promote_databases, &r, error))
		return false;
	for (int place = 0; place < PLACES; place++) {
		struct place_found *found = &p->places[place];
		char name[DATABASE_NAME];
		memcpy(name, found->name, sizeof(name));
		*found = (struct place_found){ 0 };
		memcpy(found->name, name, sizeof(name));
		for (int i = 0; i < PQntuples(r); i++)
			if (strcmp(pg_text(r, i, 0), name) == 0)
				fill_place(found, r, i);
	}
	PQclear(r);
	return true;
}

static bool read_identity(
	const struct promotion *p, struct pg *pg, struct place_found *place, struct error *error)
{
	const char *const params[] = { place->oid, p->system };
	PGresult *r = NULL;
	if (!pg_params(pg, sql_postgres_promote_identity, 2, params, &r, error))
		return false;
	place->ours = PQntuples(r) == 1;
	if (place->ours) {
		snprintf(place->uuid, sizeof(place->uuid), "%.36s", pg_text(r, 0, 0));
		place->genuine = pg_true(r, 0, 1);
		place->version = (int)pg_number(r, 0, 2);
	}
	PQclear(r);
	return true;
}

static bool read_last(struct pg *pg, struct place_found *place, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(pg, sql_postgres_promote_last, &r, error))
		return false;
	if (PQntuples(r) == 1) {
		snprintf(place->number, sizeof(place->number), "%.23s", pg_text(r, 0, 0));
		snprintf(place->kind, sizeof(place->kind), "%.7s", pg_text(r, 0, 1));
		snprintf(place->meant, sizeof(place->meant), "%.36s", pg_text(r, 0, 2));
		snprintf(place->instead_of, sizeof(place->instead_of), "%.36s", pg_text(r, 0, 3));
		place->done = pg_true(r, 0, 4);
		snprintf(place->outgoing, sizeof(place->outgoing), "%.15s", pg_text(r, 0, 5));
	}
	PQclear(r);
	return true;
}

static bool read_years(struct pg *pg, struct place_found *place, struct error *error)
{
	const char *const params[] = { place->dvf };
	PGresult *r = NULL;
	if (place->dvf[0] == '\0')
		return true;
	if (!pg_params(pg, sql_postgres_promote_years, 1, params, &r, error))
		return false;
	for (int i = 0; i < PQntuples(r) && place->served.count < SERVED_MAX; i++)
		place->served.years[place->served.count++] = (int)pg_number(r, i, 0);
	PQclear(r);
	return true;
}

static bool look_into(const struct promotion *p, struct place_found *place, struct error *error)
{
	struct pg pg = { 0 };
	PGresult *r = NULL;
	bool done = promotion_connect(p, place->name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_promote_slot, &r, error);
	if (done && strcmp(pg_text(r, 0, 1), place->oid) != 0)
		done = error_set(error, ERROR_CHANGED,
			"database %s became another while we looked: run again", place->name);
	bool bookkeeping = done && pg_true(r, 0, 2), swaps = done && pg_true(r, 0, 3);
	if (done)
		snprintf(place->dvf, sizeof(place->dvf), "%.159s", pg_text(r, 0, 4));
	done = done && (!bookkeeping || (read_identity(p, &pg, place, error) &&
						read_years(&pg, place, error)));
	done = done && (!bookkeeping || !swaps || read_last(&pg, place, error));
	if (done && !place->ours)
		place->dvf[0] = '\0';
	PQclear(r);
	pg_close(&pg);
	return done;
}

bool promotion_look(struct promotion *p, struct error *error)
{
	if (!promotion_list(p, error))
		return false;
	for (int i = 0; i < PLACE_OUTGOING; i++) {
		struct place_found *place = &p->places[i];
		if (place->there && place->connects && !place->broken &&
			!look_into(p, place, error))
			return error_where(error, "cannot look into %s", place->name);
	}
	return true;
}
