/* The fence: the token in dvf_import.destination says whose the destination is. A run takes it once
 * the transactions under the token before have ended; those that follow read it first. */
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define FENCE_TRIES 12
#define FENCE_WAIT  "5s"

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

bool postgres_take_fence(struct postgres_sink *sink, struct error *error)
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
