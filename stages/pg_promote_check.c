#include "stages/pg_promote.h"

#include <stdio.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/stop.h"

#define MOMENT_MS 1500
#define STEP_MS   50

void promotion_find(struct promotion *p, const char *what, const char *remedy)
{
	p->findings++;
	promotion_say(p, "%s: %s", what, remedy);
}

void promotion_find_rows(struct promotion *p, const PGresult *rows)
{
	for (int i = 0; i < PQntuples(rows); i++)
		promotion_find(p, pg_text(rows, i, 0), pg_text(rows, i, 1));
}

static bool serves(const struct place_found *place, int year)
{
	for (unsigned i = 0; i < place->served.count; i++)
		if (place->served.years[i] == year)
			return true;
	return false;
}

static bool is_dropped(const struct promotion *p, int year)
{
	for (unsigned i = 0; i < p->promote->dropped_count; i++)
		if (p->promote->dropped[i] == year)
			return true;
	return false;
}

static bool is_listed(const PGresult *r, int year)
{
	for (int i = 0; i < PQntuples(r); i++)
		if ((int)pg_number(r, i, 0) == year)
			return true;
	return false;
}

/* One that is unfinished is told as that, with what really helps. */
static void find_missing_years(struct promotion *p, const PGresult *unfinished)
{
	const struct place_found *live = &p->places[PLACE_LIVE], *from = &p->places[p->from];
	char what[200], remedy[200];
	for (unsigned i = 0; i < live->served.count; i++) {
		int year = live->served.years[i];
		if (serves(from, year) || is_dropped(p, year) || is_listed(unfinished, year))
			continue;
		snprintf(what, sizeof(what), "year %d is served by %s and not by %s", year,
			live->name, from->name);
		snprintf(remedy, sizeof(remedy),
			"dvf-import run --staging brings it in, --drop-year %d gives it up", year);
		promotion_find(p, what, remedy);
	}
	if (from->served.count == 0) {
		snprintf(what, sizeof(what), "%s serves no year", from->name);
		promotion_find(p, what, "dvf-import run --staging loads it");
	}
}

static void find_unfinished(struct promotion *p, const PGresult *r)
{
	char what[700];
	for (int i = 0; i < PQntuples(r); i++) {
		const char *year = pg_text(r, i, 0), *stage = pg_text(r, i, 1);
		bool held = strcmp(stage, "held") == 0, refused = strcmp(stage, "refused") == 0;
		if (is_dropped(p, (int)pg_number(r, i, 0)))
			continue;
		snprintf(what, sizeof(what), "year %s of %s is %s%s%s", year,
			p->places[p->from].name,
			held || refused ? stage : "loaded in part or not published",
			held || refused ? ": " : "", held || refused ? pg_text(r, i, 2) : "");
		promotion_find(p, what,
			held ? "dvf-import run --staging --allow-shrink publishes it"
			: refused
				? "history --rejects --staging shows what is wrong with it; wait for "
				  "another edition, or leave the year out with --drop-year"
				: "dvf-import run --staging finishes it");
	}
}

/* These would be put back to an older edition. */
static void find_overtaken(struct promotion *p, const PGresult *r)
{
	const struct place_found *live = &p->places[PLACE_LIVE], *from = &p->places[p->from];
	char what[256];
	for (int i = 0; i < PQntuples(r); i++) {
		int year = (int)pg_number(r, i, 0);
		if (!serves(live, year) || !serves(from, year))
			continue;
		snprintf(what, sizeof(what),
			"%s serves a newer edition of year %d, which came after %s was loaded",
			live->name, year, from->name);
		promotion_find(p, what, "dvf-import run --staging takes it in");
	}
}

static bool check_overtaken(struct promotion *p, struct pg *from, struct error *error)
{
	struct pg live = { 0 };
	PGresult *served = NULL, *r = NULL;
	if (!p->places[PLACE_LIVE].ours)
		return true;
	bool done = promotion_connect(p, p->places[PLACE_LIVE].name, &live, error) &&
		    pg_exec(&live, sql_postgres_promote_served, &served, error);
	pg_close(&live);
	if (done) {
		const char *const params[] = { pg_text(served, 0, 0) };
		done = pg_params(from, sql_postgres_promote_overtaken, 1, params, &r, error);
	}
	if (done)
		find_overtaken(p, r);
	PQclear(served);
	PQclear(r);
	return done;
}

bool promotion_check_years(struct promotion *p, struct error *error)
{
	struct pg pg = { 0 };
	PGresult *r = NULL;
	if (p->revert)
		return true; /* what served before may serve again */
	bool done = promotion_connect(p, p->places[p->from].name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_promote_unfinished, &r, error);
	if (done) {
		find_missing_years(p, r);
		find_unfinished(p, r);
		done = check_overtaken(p, &pg, error);
	}
	PQclear(r);
	pg_close(&pg);
	return done;
}

static void find_rights(struct promotion *p)
{
	char what[256], remedy[300];
	for (int i = 0; i < PLACE_OUTGOING; i++) {
		const struct place_found *place = &p->places[i];
		if (!place->there || place->may_own)
			continue;
		snprintf(what, sizeof(what),
			"database %s belongs to %s, and %s is no member of that role", place->name,
			place->owner, p->role);
		snprintf(remedy, sizeof(remedy), "ALTER DATABASE \"%s\" OWNER TO \"%s\"",
			place->name, p->role);
		promotion_find(p, what, remedy);
	}
	if (!p->superuser && !p->createdb) {
		snprintf(what, sizeof(what), "%s may not rename databases", p->role);
		snprintf(remedy, sizeof(remedy), "ALTER ROLE \"%s\" CREATEDB", p->role);
		promotion_find(p, what, remedy);
	}
}

/* Sessions that nobody of us may end. Some are gone in a moment: a monitor's, one that just ended.
 */
static bool list_unendable(struct promotion *p, char *list, size_t size, struct error *error)
{
	uint64_t until_ms = clock_ms() + MOMENT_MS;
	char oids[96];
	unsigned count = 1;
	promotion_oids(p, oids);
	const char *const params[] = { oids };
	while (count > 0) {
		PGresult *r = NULL;
		if (!pg_params(&p->b, sql_postgres_promote_sessions, 1, params, &r, error))
			return false;
		count = promotion_list_sessions(r, false, list, size);
		PQclear(r);
		if (count > 0 && clock_ms() >= until_ms)
			break;
		if (count > 0 && !stop_sleep(STEP_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	return true;
}

static bool find_sessions(struct promotion *p, struct error *error)
{
	char list[600], what[700], remedy[300];
	if (!list_unendable(p, list, sizeof(list), error))
		return false;
	if (list[0] == '\0')
		return true;
	snprintf(what, sizeof(what), "%s may not end %s", p->role, list);
	snprintf(remedy, sizeof(remedy), "%s%s%s",
		p->signals ? "" : "GRANT pg_signal_backend TO \"", p->signals ? "" : p->role,
		p->signals ? "have them end; only a superuser ends a superuser's"
			   : "\"; those of a superuser must end by themselves");
	promotion_find(p, what, remedy);
	return true;
}

static bool find_obstacles(struct promotion *p, struct error *error)
{
	const char *const params[] = { p->places[0].name, p->places[1].name, p->places[2].name };
	PGresult *r = NULL;
	bool done = pg_params(&p->b, sql_postgres_promote_obstacles, 3, params, &r, error);
	if (done)
		promotion_find_rows(p, r);
	PQclear(r);
	return done;
}

static bool find_publications(
	struct promotion *p, const struct place_found *place, struct error *error)
{
	struct pg pg = { 0 };
	PGresult *r = NULL;
	bool done = promotion_connect(p, place->name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_promote_publications, &r, error);
	if (done)
		promotion_find_rows(p, r);
	PQclear(r);
	pg_close(&pg);
	return done;
}

/* What makes room is dropped in the end: so it has to be one that this importer put there. */
static void find_strangers(struct promotion *p)
{
	const struct place_found *to = &p->places[p->to], *outgoing = &p->places[PLACE_OUTGOING],
				 *live = &p->places[PLACE_LIVE];
	char what[200], remedy[200];
	if (to->there && !to->genuine) {
		snprintf(what, sizeof(what),
			"database %s would be dropped, but is none that this importer put there",
			to->name);
		snprintf(remedy, sizeof(remedy), "rename it or drop it: DROP DATABASE \"%s\"",
			to->name);
		promotion_find(p, what, remedy);
	}
	if (to->there && to->is_template) {
		snprintf(what, sizeof(what), "database %s is a template, which cannot be dropped",
			to->name);
		snprintf(remedy, sizeof(remedy), "ALTER DATABASE \"%s\" IS_TEMPLATE false",
			to->name);
		promotion_find(p, what, remedy);
	}
	/* What an earlier swap left has been dropped by now, if it could be. */
	bool goes = p->promote->settings->dry_run && strcmp(live->outgoing, outgoing->oid) == 0;
	if (to->there && outgoing->there && !goes) {
		snprintf(what, sizeof(what), "the name %s is taken", outgoing->name);
		snprintf(remedy, sizeof(remedy), "rename it or drop it: DROP DATABASE \"%s\"",
			outgoing->name);
		promotion_find(p, what, remedy);
	}
}

bool promotion_comparable(const struct promotion *p)
{
	const char *live = p->places[PLACE_LIVE].dvf;
	return live[0] == '\0' || strcmp(live, p->places[p->from].dvf) == 0;
}

static void find_differences(struct promotion *p)
{
	const struct place_found *live = &p->places[PLACE_LIVE], *from = &p->places[p->from];
	char what[500];
	for (int i = 0; i < PLACE_OUTGOING; i++)
		if (p->places[i].version > SCHEMA_VERSION) {
			snprintf(what, sizeof(what),
				"the bookkeeping of %s was made by a newer dvf-import",
				p->places[i].name);
			promotion_find(p, what, "use that one");
		}
	if (!promotion_comparable(p)) {
		snprintf(what, sizeof(what), "the table is %s in %s and %s in %s", live->dvf,
			live->name, from->dvf[0] != '\0' ? from->dvf : "not to be found",
			from->name);
		promotion_find(p, what,
			"give both the same search_path (ALTER DATABASE ... SET search_path), and load the "
			"staging one afresh");
	}
	if (strcmp(live->tablespace, from->tablespace) != 0)
		promotion_say(p,
			"note: %s is in tablespace %s and %s in %s; each stays where it is",
			live->name, live->tablespace, from->name, from->tablespace);
	if (strcmp(live->locale, from->locale) != 0)
		promotion_say(p, "note: %s has encoding and collation %s, %s has %s", live->name,
			live->locale, from->name, from->locale);
}

bool promotion_check(struct promotion *p, struct error *error)
{
	find_rights(p);
	find_strangers(p);
	find_differences(p);
	return promotion_check_years(p, error) && find_sessions(p, error) &&
	       find_obstacles(p, error) && find_publications(p, &p->places[PLACE_LIVE], error) &&
	       find_publications(p, &p->places[p->from], error);
}
