/*
 * The indexes of a loaded edition, several at once: each on a connection of its own, and its
 * thread.
 *
 * One after another they would leave all but one processor idle; the server's own parallel workers
 * sort for each other and then wait while one of them writes. So with more than one connection
 * there are none of those, and an equal share of memory for each sort, whatever the server's is.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "stages/queue.h"
#include "stages/sink_postgres.h"
#include "stages_sql.h"
#include "state/base/log.h"

#define SORT_MIB      256 /* of the server's memory, for all builders together */
#define SORT_LEAST    64  /* MiB of one: what the server itself has by default */
#define BUILDERS_MOST (SORT_MIB / SORT_LEAST)
#define TICK_MS       100

/* What the builders of an edition share. */
struct building {
	struct postgres_sink *sink;
	const PGresult *statements; /* the largest first, as far as one can tell */
	unsigned builders;
	atomic_int next;
	atomic_bool failed;
	struct queue ended; /* builders whose thread is about to end */
};

struct builder {
	struct building *building;
	pthread_t thread;
	struct error error;
	bool started, done;
};

/* In a transaction of its own, under the fence: one that was made before a kill is not made again.
 * Only the proof that nothing is doubled can tell that the rows are not the file's. */
static bool build_one(struct building *building, struct pg *pg, int at, struct error *error)
{
	char mib[16];
	snprintf(mib, sizeof(mib), "%u", SORT_MIB / building->builders);
	const struct sql_value values[] = { { "mib", mib },
		{ "alone", building->builders > 1 ? "f" : "t" }, { NULL, NULL } };
	bool done = postgres_begin_on(building->sink, pg, "0", error) &&
		    pg_make(pg, sql_postgres_index_memory, values, NULL, error) &&
		    pg_exec(pg, pg_text(building->statements, at, 0), NULL, error) &&
		    postgres_commit_on(pg, error);
	if (done)
		return true;
	pg_rollback(pg);
	if (error->kind == ERROR_DATA && strcmp(error->sqlstate, "23505") == 0 &&
		pg_true(building->statements, at, 1))
		error->kind = ERROR_INPUT;
	return false;
}

/* Takes one statement after the other until there are no more, or one failed. */
static bool build(struct building *building, struct pg *pg, struct error *error)
{
	int count = PQntuples(building->statements);
	int at;
	while (!atomic_load(&building->failed) &&
		(at = atomic_fetch_add(&building->next, 1)) < count) {
		if (build_one(building, pg, at, error))
			continue;
		atomic_store(&building->failed, true);
		return false;
	}
	return true;
}

/* A pooler takes every connection, and tells at the first statement that it has none to give. */
static bool builder_connect(struct postgres_sink *sink, struct pg *pg, struct error *error)
{
	bool done = pg_connect_to(pg, sink->base.destination.url, sink->database, 0, error) &&
		    postgres_begin_on(sink, pg, "0", error);
	pg_rollback(pg);
	return done;
}

/* A connection that cannot be had is no failure: the main one builds what is left. */
static void *builder_thread(void *context)
{
	struct builder *builder = context;
	struct postgres_sink *sink = builder->building->sink;
	struct pg pg = { .interrupts = true };
	struct error error;
	builder->done = true;
	if (builder_connect(sink, &pg, &error))
		builder->done = build(builder->building, &pg, &builder->error);
	else
		log_note(LOG_INFO, 0, "one connection less to index: %s", error.text);
	pg_close(&pg);
	queue_put(&builder->building->ended, builder);
	return NULL;
}

/* Waits for a builder, and ticks meanwhile. */
static struct builder *next_ended(struct building *building)
{
	const struct sink *base = &building->sink->base;
	struct builder *ended;
	while ((ended = queue_take(&building->ended, TICK_MS)) == NULL)
		if (base->tick != NULL)
			base->tick(base->tick_context);
	return ended;
}

static void join(struct builder *ended, bool *done, struct error *error)
{
	pthread_join(ended->thread, NULL);
	if (*done && !ended->done)
		*error = ended->error;
	*done = *done && ended->done;
}

/* The main connection is one of the builders. */
static bool build_all(struct building *building, struct error *error)
{
	struct builder builders[BUILDERS_MOST] = { 0 };
	unsigned started = 0;
	if (!queue_open(&building->ended, BUILDERS_MOST, error))
		return false;
	for (unsigned i = 1; i < building->builders; i++) {
		builders[i].building = building;
		started += pthread_create(
				   &builders[i].thread, NULL, builder_thread, &builders[i]) == 0;
	}
	bool done = build(building, &building->sink->pg, error);
	for (; started > 0; started--)
		join(next_ended(building), &done, error);
	queue_free(&building->ended);
	return done;
}

static unsigned builders_for(const struct postgres_sink *sink, int statements)
{
	unsigned most = sink->base.connections > 0 ? sink->base.connections : 1;
	if (most > BUILDERS_MOST)
		most = BUILDERS_MOST;
	return statements < (int)most ? (unsigned)statements : most;
}

static bool build_missing(
	struct postgres_sink *sink, const struct edition_names *names, struct error *error)
{
	PGresult *missing = NULL;
	if (!pg_make(&sink->pg, sql_postgres_indexes_missing, names->values, &missing, error))
		return false;
	struct building building = { .sink = sink,
		.statements = missing,
		.builders = builders_for(sink, PQntuples(missing)) };
	bool done = build_all(&building, error);
	PQclear(missing);
	return done;
}

bool postgres_index(struct sink *base, const struct edition *edition, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	postgres_names(sink, edition, &names);
	return build_missing(sink, &names, error) ||
	       error_where(error, "cannot index year %d", edition->year);
}
