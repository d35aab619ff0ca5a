/*
 * What makes a published year quick to read: every page known to be visible and frozen, and
 * statistics.
 *
 * Nothing of it changes what readers see, so it is done behind them, on a connection and in a
 * thread of its own, while the next year loads; and a table that somebody else has locked is passed
 * over, for they may keep it for ever and the next publish waits for this. A year that was
 * published and whose run was killed before this is found by the next run that changes something;
 * until then the server's autovacuum may have done it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/queue.h"
#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define TICK_MS 100
#define MOST_MS ((uint64_t)15 * 60 * 1000) /* for a VACUUM; then statistics must do */

struct postgres_vacuum {
	struct postgres_sink *sink;
	pthread_t thread;
	struct queue ended; /* gets the vacuum itself, once its thread is about to end */
	char year[8];
	char table[240]; /* schema.table, quoted */
};

/* False with ERROR_BUSY: it cannot be done within the role's time limits or ours. One on statements
 * ends the statement, one on transactions the session. Without any, FREEZE would wait for as long
 * as a reader's cursor stands on a page. */
static bool vacuum(struct pg *pg, const char *table, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	PGresult *r = NULL;
	bool done = pg_exec(pg, sql_postgres_vacuum_allowed, &r, error);
	bool allowed = done && pg_true(r, 0, 0);
	PQclear(r);
	if (done && !allowed)
		return error_set(error, ERROR_BUSY, "transactions of this role have a time limit");
	pg->until_ms = clock_ms() + MOST_MS;
	done = done && pg_make(pg, sql_postgres_vacuum_year, values, NULL, error);
	pg->until_ms = 0;
	return done;
}

/* What it cannot do is left to postgres_finish: the fence that a transaction would read is main's,
 * who may be taking it anew meanwhile. */
static void *vacuum_thread(void *context)
{
	struct postgres_vacuum *work = context;
	struct postgres_sink *sink = work->sink;
	struct pg pg = { .interrupts = true, .patient = true };
	struct error error;
	if (!pg_connect_to(&pg, sink->base.destination.url, sink->database, 0, &error) ||
		!vacuum(&pg, work->table, &error))
		log_note(
			LOG_INFO, atoi(work->year), "not vacuumed beside the load: %s", error.text);
	pg_close(&pg);
	queue_put(&work->ended, work);
	return NULL;
}

/* VACUUM stands outside transactions, so a time limit of the role's counts there: then statistics
 * must do. */
static bool vacuum_or_analyze(struct postgres_sink *sink, const char *table, struct error *error)
{
	const struct sql_value values[] = { { "table", table }, { NULL, NULL } };
	if (vacuum(&sink->pg, table, error))
		return true;
	if (error->kind != ERROR_BUSY)
		return false;
	bool done = postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    pg_make(&sink->pg, sql_postgres_analyze_year, values, NULL, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

void postgres_vacuum_begin(struct postgres_sink *sink, const struct edition_names *names)
{
	struct error error;
	struct postgres_vacuum *work = calloc(1, sizeof(*work));
	if (work == NULL)
		return;
	work->sink = sink;
	memcpy(work->year, names->year, sizeof(work->year));
	snprintf(work->table, sizeof(work->table), "%s.\"%s\"", sink->schema, names->incoming);
	if (queue_open(&work->ended, 1, &error) &&
		pthread_create(&work->thread, NULL, vacuum_thread, work) == 0) {
		sink->vacuum = work;
		return;
	}
	queue_free(&work->ended);
	free(work);
}

void postgres_vacuum_wait(struct postgres_sink *sink)
{
	struct postgres_vacuum *work = sink->vacuum;
	if (work == NULL)
		return;
	while (queue_take(&work->ended, TICK_MS) == NULL)
		if (sink->base.tick != NULL)
			sink->base.tick(sink->base.tick_context);
	pthread_join(work->thread, NULL);
	queue_free(&work->ended);
	free(work);
	sink->vacuum = NULL;
}

/* The server does not say what it passed over, so those that are left are asked for again. */
static bool tell_left(
	struct postgres_sink *sink, const struct sql_value *values, struct error *error)
{
	PGresult *left = NULL;
	if (!pg_make(&sink->pg, sql_postgres_vacuum_left, values, &left, error))
		return false;
	for (int i = 0; i < PQntuples(left); i++)
		log_note(LOG_INFO, 0,
			"%s is not vacuumed: a session has it locked, an older snapshot or an open cursor in it, or "
			"this role has a time limit; the next run that changes something tries again",
			pg_text(left, i, 0));
	PQclear(left);
	return true;
}

/* What keeps one from it keeps no other. */
static bool vacuum_or_go_on(struct postgres_sink *sink, const char *table, struct error *error)
{
	if (vacuum_or_analyze(sink, table, error))
		return true;
	if (error->kind == ERROR_LOST || error->kind == ERROR_STOPPED ||
		error->kind == ERROR_FENCED)
		return false;
	log_note(LOG_WARNING, 0, "%s cannot be vacuumed: %s", table, error->text);
	return true;
}

/* Those of this run whose thread could not, and those of a run that was killed. */
static bool vacuum_left(struct postgres_sink *sink, struct error *error)
{
	const struct sql_value values[] = { { "dvf", sink->dvf }, { NULL, NULL } };
	PGresult *left = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_vacuum_left, values, &left, error);
	bool any = done && PQntuples(left) > 0;
	for (int i = 0; done && i < PQntuples(left); i++)
		done = vacuum_or_go_on(sink, pg_text(left, i, 0), error);
	PQclear(left);
	return done && (!any || tell_left(sink, values, error));
}

/* The years have statistics of their own by now; these are of dvf as a whole, for joins and groups.
 */
bool postgres_finish(struct sink *base, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	const struct sql_value values[] = { { "dvf", sink->dvf }, { NULL, NULL } };
	postgres_vacuum_wait(sink);
	bool done = vacuum_left(sink, error) && postgres_begin(sink, OWN_LOCK_TIMEOUT, error) &&
		    pg_make(&sink->pg, sql_postgres_analyze_dvf, values, NULL, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}
