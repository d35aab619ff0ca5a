#include "stages/sink_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/stop.h"

#define PATIENCE "10s" /* for the row of the fence, which only another run that takes it locks */

static void copy(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from);
}

static bool told_another(const struct history_head *head, const char *told, struct error *error)
{
	return error_set(error, ERROR_REFUSED,
		"the destination was told another hash for event %" PRId64 " of this history (%s, "
		"ours is %s): the ledger was rewritten, or an older copy of it was put back. "
		"dvf-import history --verify says more",
		head->number, told, head->hash);
}

static bool add_locked(
	struct postgres_sink *sink, const struct history_head *head, struct error *error)
{
	char number[24];
	PGresult *r = NULL;
	snprintf(number, sizeof(number), "%" PRId64, head->number);
	const char *const params[] = { head->chain, number, head->hash, head->why };
	if (!pg_exec(&sink->pg, "SET LOCAL statement_timeout = '" PATIENCE "'", NULL, error) ||
		!pg_params(&sink->pg, sql_postgres_head_add, 4, params, &r, error))
		return false;
	bool same = PQntuples(r) >= 1 && strcmp(pg_text(r, 0, 0), head->hash) == 0;
	if (!same)
		told_another(head, PQntuples(r) >= 1 ? pg_text(r, 0, 0) : "none", error);
	PQclear(r);
	return same;
}

/* A run that was asked to stop tells how far it came, too, so it is as patient as a loader; but not
 * when the time for that is over. */
bool postgres_head_add(struct sink *base, const struct history_head *head, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	bool patient = sink->pg.patient;
	if (stop_overdue())
		return error_set(error, ERROR_STOPPED, "interrupted");
	sink->pg.patient = true;
	bool done = postgres_begin(sink, PATIENCE, error) && add_locked(sink, head, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	sink->pg.patient = patient;
	return done;
}

/* A database that an older version made, and no run of this one has taken since, has no such table.
 */
static bool table_there(struct postgres_sink *sink, bool *there, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, "SELECT to_regclass('dvf_import.history') IS NOT NULL", &r, error))
		return false;
	*there = pg_true(r, 0, 0);
	PQclear(r);
	return true;
}

static void read_head(struct history_head *head, const PGresult *r, int row)
{
	*head = (struct history_head){ .number = (int64_t)pg_number(r, row, 2) };
	copy(head->chain, sizeof(head->chain), pg_text(r, row, 1));
	copy(head->hash, sizeof(head->hash), pg_text(r, row, 3));
	copy(head->why, sizeof(head->why), pg_text(r, row, 4));
	copy(head->at, sizeof(head->at), pg_text(r, row, 5));
}

/* Those after *position, some at a time; *left: there may be more. */
static bool some_heads(struct postgres_sink *sink, char position[static 24], bool *left,
	sink_head_seen *seen, void *context, struct error *error)
{
	PGresult *r = NULL;
	const char *const params[] = { position };
	bool done = pg_params(&sink->pg, sql_postgres_heads, 1, params, &r, error);
	*left = done && PQntuples(r) > 0;
	for (int i = 0; done && i < PQntuples(r); i++) {
		struct history_head head;
		read_head(&head, r, i);
		copy(position, 24, pg_text(r, i, 0));
		done = seen(context, &head, error);
	}
	PQclear(r);
	return done;
}

bool postgres_heads(struct sink *base, sink_head_seen *seen, void *context, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	char position[24] = "0";
	bool left = false;
	bool done = table_there(sink, &left, error);
	while (done && left)
		done = some_heads(sink, position, &left, seen, context, error);
	return done;
}
