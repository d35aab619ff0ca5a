#include "stages/sink_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"
#include "state/ranges.h"

#define PUBLISH_TRIES    60
#define PUBLISH_REST_MS  500
#define SNAPSHOT_REST_MS 100
#define SESSIONS_NAMED   3
#define WAITED_MAX       64 /* snapshots named one by one in the wait; more are waited for in rounds */

static bool differs(struct error *error, const struct edition *edition, const char *what,
	uint64_t is, uint64_t should)
{
	return error_set(error, ERROR_INPUT,
		"year %d is not whole: %s is %llu and should be %llu; it is loaded afresh by the next run",
		edition->year, what, (unsigned long long)is, (unsigned long long)should);
}

static bool check_tiling(const struct ranges *ranges, const struct edition *edition,
	struct year_total *total, struct error *error)
{
	uint64_t plain = 0;
	ranges_totals(ranges, &plain, &total->rows, &total->rejects);
	if (plain != total->plain_size - total->header_end)
		return differs(error, edition, "the number of bytes in its chunks", plain,
			total->plain_size - total->header_end);
	if (plain != 0 && (ranges->count != 1 || ranges->items[0].plain_first != total->header_end))
		return differs(
			error, edition, "the number of pieces its chunks tile", ranges->count, 1);
	if (total->rows + total->rejects != total->records)
		return differs(error, edition, "the number of its records",
			total->rows + total->rejects, total->records);
	return true;
}

static bool check_rows(const PGresult *r, const struct edition *edition,
	const struct year_total *total, struct error *error)
{
	if (pg_number(r, 0, 0) != total->rows)
		return differs(error, edition, "the number of rows in the table",
			pg_number(r, 0, 0), total->rows);
	if (pg_number(r, 0, 1) < 1 || pg_number(r, 0, 2) > total->records)
		return differs(error, edition, "the highest source_row", pg_number(r, 0, 2),
			total->records);
	if (pg_number(r, 0, 3) != total->rejects)
		return differs(error, edition, "the number of kept rejects", pg_number(r, 0, 3),
			total->rejects);
	return true;
}

bool postgres_check(struct sink *base, const struct edition *edition, struct year_total *total,
	struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	struct ranges ranges = { 0 };
	PGresult *r = NULL;
	char numbers[3][24];
	postgres_names(sink, edition, &names);
	bool done = postgres_begin(sink, "0", error) &&
		    postgres_completed(base, edition, &ranges, error) &&
		    check_tiling(&ranges, edition, total, error) &&
		    pg_make(&sink->pg, sql_postgres_check, names.values, &r, error) &&
		    check_rows(r, edition, total, error);
	if (done) {
		snprintf(numbers[0], sizeof(numbers[0]), "%llu",
			(unsigned long long)total->plain_size);
		snprintf(numbers[1], sizeof(numbers[1]), "%llu", (unsigned long long)total->rows);
		snprintf(
			numbers[2], sizeof(numbers[2]), "%llu", (unsigned long long)total->rejects);
		const char *const params[] = { names.key, numbers[0], numbers[1], numbers[2] };
		done = pg_params(&sink->pg, sql_postgres_source_ready, 4, params, NULL, error) &&
		       postgres_commit(sink, error);
	}
	if (!done)
		pg_rollback(&sink->pg);
	PQclear(r);
	ranges_free(&ranges);
	return done;
}

static bool list_transactions(const PGresult *r, struct buf *list, struct error *error)
{
	buf_clear(list);
	for (int i = 0; i < PQntuples(r) && i < WAITED_MAX; i++)
		if (!buf_print(list, error, "%s%s", i > 0 ? " " : "", pg_text(r, i, 0)))
			return false;
	return true;
}

/* "session 7 of alice (psql), ..." : the first few. */
static void list_sessions(const PGresult *r, char *list, size_t size)
{
	size_t used = 0;
	list[0] = '\0';
	for (int i = 0; i < PQntuples(r) && i < SESSIONS_NAMED && used < size; i++)
		used += (size_t)snprintf(list + used, size - used, "%ssession %s of %s (%s)",
			i > 0 ? ", " : "", pg_text(r, i, 0), pg_text(r, i, 1), pg_text(r, i, 2));
}

static void name_snapshots(const PGresult *r, struct error *error)
{
	char list[400];
	list_sessions(r, list, sizeof(list));
	error_set(error, ERROR_BUSY,
		"%d transactions hold snapshots older than the last chunk and would see part of the year: %s. "
		"It stays ready: run again once they have ended, or raise --snapshot-wait",
		PQntuples(r), list);
}

static void name_lock_holders(
	struct postgres_sink *sink, const struct edition_names *names, struct error *error)
{
	char list[400];
	PGresult *r = NULL;
	struct error ignored;
	if (!pg_make(&sink->pg, sql_postgres_lock_holders, names->values, &r, &ignored))
		return;
	list_sessions(r, list, sizeof(list));
	error_set(error, ERROR_BUSY, "dvf is locked by %s; run again once that has ended",
		list[0] != '\0' ? list : "a session that has ended meanwhile");
	PQclear(r);
}

/* Waits until none of the listed transactions runs any more. */
static bool wait_for(
	struct postgres_sink *sink, const char *list, uint64_t until_ms, struct error *error)
{
	const struct sql_value values[] = { { "transactions", list }, { NULL, NULL } };
	for (bool told = false;; told = true) {
		PGresult *r = NULL;
		if (!pg_make(&sink->pg, sql_postgres_snapshots_left, values, &r, error))
			return false;
		bool none = PQntuples(r) == 0;
		bool late = !none && clock_ms() >= until_ms;
		if (late)
			name_snapshots(r, error);
		else if (!none && !told)
			log_note(LOG_INFO, 0, "waiting for %d older snapshots before publishing",
				PQntuples(r));
		PQclear(r);
		if (none || late)
			return none;
		if (sink->base.tick != NULL)
			sink->base.tick(sink->base.tick_context);
		if (!stop_sleep(SNAPSHOT_REST_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
}

/* A REPEATABLE READ snapshot taken while we loaded would see part of an attached year, because
 * attaching a partition obeys no snapshot. Every chunk is committed by now: who comes later sees
 * them all. */
static bool wait_for_snapshots(struct postgres_sink *sink, struct error *error)
{
	uint64_t until_ms = clock_ms() + (uint64_t)sink->base.destination.snapshot_wait_s * 1000;
	struct buf list = { 0 };
	bool done = true;
	for (int round = WAITED_MAX; done && round >= WAITED_MAX;) {
		PGresult *r = NULL;
		done = pg_exec(&sink->pg, sql_postgres_older_snapshots, &r, error) &&
		       list_transactions(r, &list, error);
		round = done ? PQntuples(r) : 0;
		PQclear(r);
		if (done && round > 0)
			done = wait_for(sink, list.bytes, until_ms, error);
	}
	buf_free(&list);
	return done;
}

static bool carry_grants(struct postgres_sink *sink, const struct edition_names *names,
	const char *old, struct error *error)
{
	char to[256];
	PGresult *r = NULL;
	snprintf(to, sizeof(to), "dvf_import.%s", names->incoming);
	const struct sql_value values[] = { { "from", old }, { "to", to }, { NULL, NULL } };
	bool done = pg_make(&sink->pg, sql_postgres_grants_of, values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++)
		done = pg_exec(&sink->pg, pg_text(r, i, 0), NULL, error);
	PQclear(r);
	return done;
}

/* Looked at again under the lock: people may attach a table of theirs while we load. */
static bool is_ours(const struct postgres_sink *sink, const struct edition_names *names,
	const char *old, bool ours, struct error *error)
{
	return ours ||
	       error_set(error, ERROR_REFUSED,
		       "%s holds year %s but was not made by this importer, and is left as it is. "
		       "Remedy: ALTER TABLE %s DETACH PARTITION %s, and run again",
		       old, names->year, sink->dvf, old);
}

/* What dvf has of the year leaves it; with `carry` its grants go to the edition that comes. */
static bool drop_served(struct postgres_sink *sink, const struct edition_names *names, bool carry,
	struct error *error)
{
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_partition_of_year, names->values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++) {
		const char *old = pg_text(r, i, 0);
		const struct sql_value values[] = { { "dvf", sink->dvf }, { "old", old },
			{ NULL, NULL } };
		done = is_ours(sink, names, old, pg_true(r, i, 1), error) &&
		       (!carry || carry_grants(sink, names, old, error)) &&
		       pg_make(&sink->pg, sql_postgres_detach, values, NULL, error) &&
		       pg_make(&sink->pg, sql_postgres_drop_old, values, NULL, error);
	}
	PQclear(r);
	return done;
}

static bool forget_served(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_source_served, names->values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++)
		done = postgres_drop_edition(sink, edition->year, pg_text(r, i, 0), false, error);
	PQclear(r);
	return done;
}

/* Under the fence: only what was checked is published, and what is published is left alone. */
static bool may_publish(struct postgres_sink *sink, const struct edition *edition, bool *published,
	struct error *error)
{
	struct edition_memory memory;
	bool found = false;
	if (!postgres_recall(&sink->base, edition, &memory, &found, error))
		return false;
	*published = found && memory.stage == EDITION_PUBLISHED;
	if (*published ||
		(found && (memory.stage == EDITION_READY || memory.stage == EDITION_HELD)))
		return true;
	return error_set(
		error, ERROR_REFUSED, "this edition of year %d was not checked", edition->year);
}

/* Everything that will be altered or dropped, before any of it is. */
static bool lock_year(
	struct postgres_sink *sink, const struct edition_names *names, struct error *error)
{
	PGresult *r = NULL;
	bool done = pg_make(&sink->pg, sql_postgres_year_locks, names->values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++)
		done = pg_exec(&sink->pg, pg_text(r, i, 0), NULL, error);
	PQclear(r);
	return done && pg_make(&sink->pg, sql_postgres_lock_dvf, names->values, NULL, error);
}

static bool swap_locked(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	struct pg *pg = &sink->pg;
	const char *const params[] = { names->key };
	return lock_year(sink, names, error) && drop_served(sink, names, true, error) &&
	       pg_make(pg, sql_postgres_move, names->values, NULL, error) &&
	       pg_make(pg, sql_postgres_attach, names->values, NULL, error) &&
	       pg_make(pg, sql_postgres_reset_autovacuum, names->values, NULL, error) &&
	       forget_served(sink, edition, names, error) &&
	       pg_params(pg, sql_postgres_source_published, 1, params, NULL, error);
}

static bool swap(struct postgres_sink *sink, const struct edition *edition,
	const struct edition_names *names, struct error *error)
{
	bool published = false;
	bool done = postgres_begin(sink, LOCK_TIMEOUT, error) &&
		    may_publish(sink, edition, &published, error) &&
		    (published || swap_locked(sink, edition, names, error)) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	return done;
}

bool postgres_publish(struct sink *base, const struct edition *edition,
	const struct year_total *total, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct edition_names names;
	bool done = false;
	(void)total;
	postgres_names(sink, edition, &names);
	postgres_vacuum_wait(sink); /* it holds a snapshot, too */
	if (!wait_for_snapshots(sink, error))
		return error_where(error, "year %d is not published", edition->year);
	for (int i = 0; !done && i < PUBLISH_TRIES; i++) {
		done = swap(sink, edition, &names, error);
		if (!done && (error->kind != ERROR_BUSY || !stop_sleep(PUBLISH_REST_MS)))
			break;
	}
	if (!done && strcmp(error->sqlstate, "55P03") == 0)
		name_lock_holders(sink, &names, error);
	if (done)
		postgres_vacuum_begin(sink, &names);
	return done || error_where(error, "year %d is ready but not published", edition->year);
}

bool postgres_drop_year(struct sink *base, int year, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	const struct edition every = { .year = year };
	struct edition_names names;
	postgres_names(sink, &every, &names);
	postgres_vacuum_wait(sink);
	bool done = postgres_begin(sink, LOCK_TIMEOUT, error) && lock_year(sink, &names, error) &&
		    drop_served(sink, &names, false, error) &&
		    forget_served(sink, &every, &names, error) &&
		    postgres_drop_others(sink, &every, &names, error) &&
		    postgres_commit(sink, error);
	if (!done)
		pg_rollback(&sink->pg);
	if (!done && strcmp(error->sqlstate, "55P03") == 0)
		name_lock_holders(sink, &names, error);
	return done || error_where(error, "year %d is not given up", year);
}
