/*
 * What people mended in live after its year was copied into staging: a promote would take it out of
 * service without a word.
 */
#include <stdio.h>
#include <string.h>

#include "stages/pg_promote.h"
#include "stages_sql.h"

/* A database that an older version made has no such table: nothing was mended there. */
static bool read_mended(
	struct promotion *p, const struct place_found *live, PGresult **r, struct error *error)
{
	struct pg pg = { 0 };
	bool done = promotion_connect(p, live->name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_promote_mended, r, error);
	pg_close(&pg);
	return done || strcmp(error->sqlstate, "42P01") == 0;
}

static void tell(struct promotion *p, const PGresult *r)
{
	char what[200];
	for (int i = 0; i < PQntuples(r); i++) {
		snprintf(what, sizeof(what),
			"%s record%s of %s, mended in %s, %s still rejected in %s",
			pg_text(r, i, 1), pg_number(r, i, 1) == 1 ? "" : "s", pg_text(r, i, 0),
			p->places[PLACE_LIVE].name, pg_number(r, i, 1) == 1 ? "is" : "are",
			p->places[p->from].name);
		if (p->revert)
			promotion_say(p, "%s", what);
		else
			promotion_find(p, what,
				"mend them there too with dvf-import mend FILE --staging, or drop staging "
				"and run --staging again, which copies them");
	}
}

bool promotion_check_mended(struct promotion *p, struct error *error)
{
	PGresult *mended = NULL, *r = NULL;
	struct pg pg = { 0 };
	if (!p->places[PLACE_LIVE].ours)
		return true;
	bool done = read_mended(p, &p->places[PLACE_LIVE], &mended, error);
	if (done && mended != NULL && strcmp(pg_text(mended, 0, 0), "[]") != 0) {
		const char *const params[] = { pg_text(mended, 0, 0) };
		done = promotion_connect(p, p->places[p->from].name, &pg, error) &&
		       pg_params(&pg, sql_postgres_promote_unmended, 1, params, &r, error);
		if (done)
			tell(p, r);
	}
	pg_close(&pg);
	PQclear(mended);
	PQclear(r);
	return done;
}
