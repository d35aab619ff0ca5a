#include "stages/pg_promote.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define HOLD_TRIES    12 /* of 5 s each */
#define RENAME_TRIES  3
#define SWEEP_MS      20
#define DRAIN_STEP_MS 50
#define NAMED         5 /* sessions in a message */

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void promotion_oids(const struct promotion *p, char list[static 96])
{
	size_t used = 0;
	list[0] = '\0';
	for (int i = 0; i < PLACE_OUTGOING; i++)
		if (p->places[i].there)
			used += (size_t)snprintf(list + used, 96 - used, "%c%s",
				used == 0 ? '{' : ',', p->places[i].oid);
	snprintf(list + used, 96 - used, "%s", used == 0 ? "{}" : "}");
}

unsigned promotion_list_sessions(const PGresult *rows, bool may, char *list, size_t size)
{
	size_t used = 0;
	unsigned count = 0;
	list[0] = '\0';
	for (int i = 0; i < PQntuples(rows); i++) {
		if (pg_true(rows, i, 5) != may)
			continue;
		if (count++ < NAMED && used < size)
			used += (size_t)snprintf(list + used, size - used,
				"%ssession %s of %s%s (%s) in %s", count > 1 ? ", " : "",
				pg_text(rows, i, 0), pg_text(rows, i, 1),
				pg_true(rows, i, 4) ? ", a superuser" : "", pg_text(rows, i, 2),
				pg_text(rows, i, 3));
	}
	if (count > NAMED && used < size)
		snprintf(list + used, size - used, ", and %u more", count - NAMED);
	return count;
}

/* Who holds a database as we want to; with `end`, those that a killed call of ours left are ended.
 */
static bool name_holders(struct promotion *p, bool end, struct error *busy)
{
	const char *const params[] = { p->places[0].name, p->places[1].name, p->places[2].name,
		end ? "true" : "false" };
	PGresult *r = NULL;
	struct error error;
	if (!pg_params(&p->b, sql_postgres_promote_holders, 4, params, &r, &error)) {
		*busy = error;
		return false;
	}
	for (int i = 0; i < PQntuples(r); i++) {
		if (pg_true(r, i, 3))
			log_note(LOG_WARNING, 0,
				"ended session %s of %s, left by an earlier promote or revert",
				pg_text(r, i, 0), pg_text(r, i, 1));
		error_set(busy, ERROR_BUSY,
			"session %s of %s (%s) is about to rename, copy or comment on one of the databases: "
			"run again once it has ended",
			pg_text(r, i, 0), pg_text(r, i, 1), pg_text(r, i, 2));
	}
	PQclear(r);
	return true;
}

static bool hold_once(struct promotion *p, struct error *error)
{
	const char *const params[] = { p->places[0].name, p->places[1].name, p->places[2].name };
	PGresult *r = NULL;
	bool done = pg_exec(&p->a, sql_postgres_promote_begin, NULL, error) &&
		    pg_params(&p->a, sql_postgres_promote_hold, 3, params, &r, error);
	for (int i = 0; done && !p->promote->settings->dry_run && i < PQntuples(r); i++)
		done = pg_exec(&p->a, pg_text(r, i, 0), NULL, error);
	PQclear(r);
	if (!done)
		pg_rollback(&p->a);
	return done;
}

bool promotion_hold(struct promotion *p, struct error *error)
{
	bool mine = true;
	for (int i = 0; i < PLACE_OUTGOING; i++)
		mine = mine && (!p->places[i].there || p->places[i].may_own);
	if (!mine) /* it will be refused; nobody is to be hindered meanwhile */
		return pg_exec(&p->a, sql_postgres_promote_begin, NULL, error);
	for (int i = 0; i < HOLD_TRIES; i++) {
		if (hold_once(p, error))
			return true;
		if (error->kind != ERROR_BUSY || stop_requested() ||
			!name_holders(p, !p->sent, error))
			return false;
	}
	return false;
}

static bool count_sessions(struct promotion *p, uint64_t *count, struct error *error)
{
	char oid[24];
	PGresult *r = NULL;
	snprintf(oid, sizeof(oid), "{%s}", p->places[PLACE_LIVE].oid);
	const char *const params[] = { oid };
	if (!pg_params(&p->b, sql_postgres_promote_sessions, 1, params, &r, error))
		return false;
	*count = (uint64_t)PQntuples(r);
	PQclear(r);
	return true;
}

bool promotion_drain(struct promotion *p, struct error *error)
{
	uint64_t until_ms = clock_ms() + (uint64_t)p->promote->settings->drain_s * 1000;
	for (bool told = false;; told = true) {
		uint64_t count = 0;
		if (!count_sessions(p, &count, error))
			return false;
		if (count == 0 || clock_ms() >= until_ms)
			return true;
		if (!told)
			log_note(LOG_INFO, 0,
				"waiting up to %u s for %llu sessions of %s to end by themselves",
				p->promote->settings->drain_s, (unsigned long long)count,
				p->places[PLACE_LIVE].name);
		if (p->promote->tick != NULL)
			p->promote->tick(p->promote->tick_context);
		if (!stop_sleep(DRAIN_STEP_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
}

/* Counts a session once, though it may be told to end several times before it has. */
static void count_ended(struct promotion *p, uint64_t pid)
{
	unsigned room = sizeof(p->seen) / sizeof(p->seen[0]);
	unsigned kept = p->seen_count < room ? p->seen_count : room;
	for (unsigned i = 0; i < kept; i++)
		if (p->seen[i] == pid)
			return;
	p->seen[p->seen_count++ % room] = pid;
	p->promote->ended++;
}

/* A sink_tick while the rename waits. What goes wrong here shows in the rename's own answer. */
static void end_sessions(void *context)
{
	struct promotion *p = context;
	char oids[96];
	PGresult *r = NULL;
	struct error ignored;
	promotion_oids(p, oids);
	const char *const params[] = { oids };
	if (!pg_params(&p->b, sql_postgres_promote_end_sessions, 1, params, &r, &ignored))
		return;
	for (int i = 0; i < PQntuples(r); i++)
		if (pg_true(r, i, 1))
			count_ended(p, pg_number(r, i, 0));
	PQclear(r);
}

/* Both renames and the COMMIT in one message: the server does all of it or nothing, whatever
 * becomes of us. */
static bool rename_message(struct promotion *p, struct buf *sql, struct error *error)
{
	const struct place_found *to = &p->places[p->to];
	const struct sql_value values[] = { { "live", p->places[PLACE_LIVE].name },
		{ "from", p->places[p->from].name }, { "to", to->name },
		{ "outgoing", p->places[PLACE_OUTGOING].name }, { NULL, NULL } };
	return statement_make(sql,
		to->there ? "ALTER DATABASE :\"to\" RENAME TO :\"outgoing\";"
			    "ALTER DATABASE :\"live\" RENAME TO :\"to\";"
			    "ALTER DATABASE :\"from\" RENAME TO :\"live\";"
			    "COMMIT"
			  : "ALTER DATABASE :\"live\" RENAME TO :\"to\";"
			    "ALTER DATABASE :\"from\" RENAME TO :\"live\";"
			    "COMMIT",
		values, error);
}

static bool rename_once(struct promotion *p, const char *sql, struct error *error)
{
	PGresult *r = NULL;
	struct pg kept = p->a;
	bool done = pg_exec(&p->a, "SAVEPOINT before_rename", NULL, error);
	if (!done)
		return false;
	double begun = now_ms();
	end_sessions(p);
	p->a.tick = end_sessions;
	p->a.tick_context = p;
	p->a.step_ms = SWEEP_MS;
	p->a.patient = true;
	p->sent = true;
	done = pg_exec(&p->a, sql, &r, error);
	p->promote->outage_ms += now_ms() - begun;
	p->a.tick = kept.tick;
	p->a.tick_context = kept.tick_context;
	p->a.step_ms = kept.step_ms;
	p->a.patient = kept.patient;
	if (done && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		done = error_set(error, ERROR_DATABASE, "the server took the renames back");
	PQclear(r);
	return done;
}

/* Who is in the databases; `all`: those too that are being ended. True: nobody. */
static bool name_users(struct promotion *p, bool all, struct error *error)
{
	char oids[96], list[600];
	PGresult *r = NULL;
	struct error ignored;
	promotion_oids(p, oids);
	const char *const params[] = { oids };
	if (!pg_params(&p->b, sql_postgres_promote_sessions, 1, params, &r, &ignored))
		return true;
	bool none = promotion_list_sessions(r, false, list, sizeof(list)) == 0 &&
		    (!all || promotion_list_sessions(r, true, list, sizeof(list)) == 0);
	if (!none)
		error_set(error, ERROR_BUSY,
			"the databases keep their names, because sessions stay in them: %s. Have them end, and "
			"run again",
			list);
	PQclear(r);
	return none;
}

bool promotion_rename(struct promotion *p, struct error *error)
{
	struct buf sql = { 0 };
	/* Whoever may not be ended would let the rename wait in vain, and new sessions with it. */
	bool done = rename_message(p, &sql, error) && name_users(p, false, error), again = done;
	for (int i = 0; again && i < RENAME_TRIES; i++) {
		done = rename_once(p, sql.bytes, error);
		again = !done && error->kind != ERROR_LOST &&
			(strcmp(error->sqlstate, "55006") == 0 ||
				strcmp(error->sqlstate, "55P03") == 0) &&
			!stop_requested();
		if (again)
			name_users(p, true, error);
		struct error other;
		again = again && pg_exec(&p->a, "ROLLBACK TO before_rename", NULL, &other);
	}
	buf_free(&sql);
	return done;
}
