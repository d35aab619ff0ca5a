#include "stages/pg_promote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/heads.h"
#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define DROP_TRIES   5
#define DROP_REST_MS 500

static enum slot slot_of(enum place place)
{
	return place == PLACE_STAGING ? SLOT_STAGING
	       : place == PLACE_LIVE  ? SLOT_LIVE
				      : SLOT_PREVIOUS;
}

static void destination_shown(const struct promotion *p, enum place place, char name[static 256])
{
	struct destination destination = *p->promote->live;
	destination.slot = slot_of(place);
	sink_shown_name(&destination, name);
}

/* Takes a database's fence: transactions of runs that load into it have ended, and their next one
 * stops. */
static bool fence(struct promotion *p, enum place place, struct sink **sink, struct error *error)
{
	const struct place_found *found = &p->places[place];
	struct destination destination = *p->promote->live;
	destination.slot = slot_of(place);
	if (!sink_open_postgres(sink, &destination, error))
		return false;
	(*sink)->tick = p->promote->tick;
	(*sink)->tick_context = p->promote->tick_context;
	bool done = (*sink)->ops->take(*sink, error);
	if (done && (strcmp(((struct postgres_sink *)*sink)->oid, found->oid) != 0 ||
			    (found->genuine && strcmp((*sink)->uuid, found->uuid) != 0)))
		done = error_set(error, ERROR_CHANGED,
			"database %s became another while we looked: run again", found->name);
	return done || error_where(error, "%s", found->name);
}

static bool write_intent(struct promotion *p, struct postgres_sink *sink, struct error *error)
{
	const struct place_found *to = &p->places[p->to];
	const char *const params[] = { p->kind, p->meant, p->instead_of, p->promote->live->run_name,
		to->there ? to->oid : NULL };
	return pg_params(&sink->pg, sql_postgres_promote_intent, 5, params, NULL, error);
}

/* In one transaction of the database that becomes live: what is held (a revert: what only live
 * serves; a promote: what an earlier revert held there), and what is meant. */
static bool mark_from(struct promotion *p, struct postgres_sink *from, struct postgres_sink *live,
	struct error *error)
{
	PGresult *held = NULL;
	const char *read = p->revert ? sql_postgres_promote_holds : sql_postgres_promote_holds_kept;
	const char *write =
		p->revert ? sql_postgres_promote_hold_editions : sql_postgres_promote_hold_kept;
	bool done = pg_exec(&live->pg, read, &held, error) &&
		    postgres_begin(from, OWN_LOCK_TIMEOUT, error);
	if (done) {
		const char *const params[] = { pg_text(held, 0, 0) };
		done = pg_params(&from->pg, write, 1, params, NULL, error);
	}
	done = done && write_intent(p, from, error) && postgres_commit(from, error);
	if (!done)
		pg_rollback(&from->pg);
	PQclear(held);
	return done;
}

static bool mark_live(struct promotion *p, struct postgres_sink *live, struct error *error)
{
	bool done = postgres_begin(live, OWN_LOCK_TIMEOUT, error) && write_intent(p, live, error) &&
		    postgres_commit(live, error);
	if (!done)
		pg_rollback(&live->pg);
	return done;
}

static bool mean(
	struct promotion *p, const struct sink *from, const struct sink *live, struct error *error)
{
	if (p->meant[0] != '\0' && strcmp(p->meant, from->uuid) != 0)
		return error_set(error, ERROR_CHANGED,
			"%s became another database while the connection was lost: run again",
			p->places[p->from].name);
	memcpy(p->meant, from->uuid, sizeof(p->meant));
	memcpy(p->instead_of, live->uuid, sizeof(p->instead_of));
	return true;
}

bool promotion_mark(struct promotion *p, struct error *error)
{
	struct sink *from = NULL, *live = NULL;
	struct ledger *ledger = p->promote->ledger;
	bool done =
		fence(p, p->from, &from, error) && fence(p, PLACE_LIVE, &live, error) &&
		(ledger == NULL ||
			(heads_meet(from, ledger, error) && heads_meet(live, ledger, error))) &&
		mean(p, from, live, error) &&
		mark_from(p, (struct postgres_sink *)from, (struct postgres_sink *)live, error) &&
		mark_live(p, (struct postgres_sink *)live, error);
	sink_close(from);
	sink_close(live);
	return done;
}

static bool begin_writing(struct pg *pg, struct error *error)
{
	return pg_exec(pg, sql_postgres_make_begin, NULL, error) &&
	       pg_exec(pg, "SET LOCAL synchronous_commit = on", NULL, error);
}

static bool mark_done(struct promotion *p, const struct place_found *place, struct error *error)
{
	const char *const params[] = { p->kind, p->meant };
	struct pg pg = { 0 };
	if (!place->there || !place->ours || place->kind[0] == '\0')
		return true;
	bool done = promotion_connect(p, place->name, &pg, error) && begin_writing(&pg, error) &&
		    pg_params(&pg, sql_postgres_promote_done, 2, params, NULL, error) &&
		    pg_exec(&pg, "COMMIT", NULL, error);
	pg_close(&pg);
	return done;
}

static bool withdraw(struct promotion *p, const struct place_found *place, const char *meant,
	struct error *error)
{
	const char *const params[] = { meant };
	struct pg pg = { 0 };
	if (place->kind[0] == '\0')
		return true;
	bool done = promotion_connect(p, place->name, &pg, error) && begin_writing(&pg, error) &&
		    pg_params(&pg, sql_postgres_promote_withdraw, 1, params, NULL, error) &&
		    pg_exec(&pg, "COMMIT", NULL, error);
	pg_close(&pg);
	return done;
}

bool promotion_give_up(struct promotion *p, struct error *error)
{
	const struct place_found *live = &p->places[PLACE_LIVE],
				 *staging = &p->places[PLACE_STAGING];
	char what[256];
	if (!p->revert || !staging->there || !staging->genuine || staging->done ||
		strcmp(staging->kind, "promote") != 0 ||
		strcmp(staging->meant, staging->uuid) != 0 ||
		strcmp(staging->instead_of, live->uuid) != 0)
		return true;
	snprintf(what, sizeof(what),
		"the last promote ended before it changed anything, and is given up: %s is what it was",
		live->name);
	promotion_find(p, what, "to go back one more, say revert again");
	return p->promote->settings->dry_run || (withdraw(p, staging, staging->meant, error) &&
							withdraw(p, live, staging->meant, error));
}

static bool drop_once(struct promotion *p, const char *oid, struct error *error)
{
	const char *name = p->places[PLACE_OUTGOING].name;
	const char *const params[] = { name, oid };
	const struct sql_value values[] = { { "outgoing", name }, { NULL, NULL } };
	PGresult *r = NULL;
	if (!pg_params(&p->b, sql_postgres_promote_outgoing, 2, params, &r, error))
		return false;
	bool there = PQntuples(r) == 1;
	PQclear(r);
	if (!there)
		return true;
	if (!pg_may_write(&p->b, error))
		return false;
	if (pg_make(&p->b, "DROP DATABASE IF EXISTS :\"outgoing\" WITH (FORCE)", values, NULL,
		    error))
		return true;
	/* FORCE is refused where we may not end who is in it, and counts autovacuum among them,
	 * which a DROP without it ends for everybody. */
	return strcmp(error->sqlstate, "42501") == 0 &&
	       pg_make(&p->b, "DROP DATABASE IF EXISTS :\"outgoing\"", values, NULL, error);
}

/* Somebody may be in it for a moment still: a session that is about to end, the server's process of
 * a call that was killed while it dropped it. */
bool promotion_drop_outgoing(struct promotion *p, const char *oid, struct error *error)
{
	const char *name = p->places[PLACE_OUTGOING].name;
	for (int i = 0; i < DROP_TRIES; i++) {
		if (drop_once(p, oid, error))
			return true;
		if (error->kind == ERROR_LOST || error->kind == ERROR_STOPPED)
			return false;
		if (strcmp(error->sqlstate, "55006") == 0)
			break; /* the server itself has waited 5 s for whoever is in it */
		if (!stop_sleep(DROP_REST_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	promotion_say(p, "database %s is still there (%s): the next promote or revert drops it",
		name, error->text);
	error_clear(error);
	return true;
}

struct search {
	char uuid[64], swap[48];
	bool found;
};

static bool event_seen(void *context, const struct event *event, struct error *error)
{
	struct search *search = context;
	(void)error;
	search->found = search->found || (strstr(event->body, search->uuid) != NULL &&
						 strstr(event->body, search->swap) != NULL);
	return true;
}

static bool list_years(const struct place_found *live, struct buf *list, struct error *error)
{
	for (unsigned i = 0; i < live->served.count; i++)
		if (!buf_print(list, error, "%c%d", i == 0 ? '[' : ',', live->served.years[i]))
			return false;
	return buf_add_text(list, live->served.count == 0 ? "[]" : "]", error);
}

static bool add_event(struct promotion *p, bool found, const char *years, struct error *error)
{
	const struct place_found *live = &p->places[PLACE_LIVE];
	struct field fields[10];
	unsigned count = 0;
	fields[count++] = FIELD_T("uuid", live->uuid);
	fields[count++] = FIELD_N("swap", strtoll(live->number, NULL, 10));
	fields[count++] = FIELD_T("instead_of", live->instead_of);
	fields[count++] = FIELD_T("live", live->name);
	fields[count++] = FIELD_T(p->revert ? "staging" : "previous", p->places[p->to].name);
	fields[count++] = FIELD_J("years", years);
	if (!found) {
		fields[count++] = FIELD_N("outage_ms", p->promote->outage_ms + 0.5);
		fields[count++] = FIELD_N("sessions_ended", p->promote->ended);
	}
	const char *kind = p->revert ? (found ? "revert found done" : "reverted")
				     : (found ? "promote found done" : "promoted");
	return ledger_event(p->promote->ledger, kind, 0, fields, count, error);
}

/* In the ledger each goes by the name it has now. */
static bool name_places(struct promotion *p, struct error *error)
{
	const enum place places[] = { p->to, PLACE_LIVE };
	bool done = true;
	for (int i = 0; done && i < 2; i++) {
		const struct place_found *place = &p->places[places[i]];
		char name[256];
		destination_shown(p, places[i], name);
		done = !place->ours || ledger_destination_moved(p->promote->ledger, place->uuid,
					       "postgresql", name, error);
	}
	return done;
}

/* The event, unless this ledger has it: a swap whose call was killed is found by the next one. */
static bool tell_ledger(struct promotion *p, struct error *error)
{
	const struct place_found *live = &p->places[PLACE_LIVE];
	struct search search = { .found = false };
	struct event_filter every = { 0 };
	struct buf years = { 0 };
	if (p->promote->ledger == NULL)
		return true;
	snprintf(search.uuid, sizeof(search.uuid), "\"uuid\":\"%s\"", live->uuid);
	snprintf(search.swap, sizeof(search.swap), "\"swap\":%s,", live->number);
	bool done = name_places(p, error) &&
		    ledger_events(p->promote->ledger, &every, event_seen, &search, error) &&
		    (search.found || (list_years(live, &years, error) &&
					     add_event(p, !p->sent, years.bytes, error)));
	buf_free(&years);
	return done;
}

/* The history's head, to live and to what was live before. */
static bool tell_heads(struct promotion *p, struct error *error)
{
	const enum place places[] = { PLACE_LIVE, p->to };
	for (int i = 0; i < 2; i++) {
		struct sink *sink = NULL;
		if (p->promote->ledger == NULL || !p->places[places[i]].ours)
			continue;
		bool done = fence(p, places[i], &sink, error) &&
			    heads_tell(sink, p->promote->ledger, p->kind, error);
		sink_close(sink);
		if (!done)
			return false;
	}
	return true;
}

bool promotion_finish(struct promotion *p, struct error *error)
{
	struct place_found *live = &p->places[PLACE_LIVE];
	if (!promotion_look(p, error))
		return false;
	if (!live->there || strcmp(live->uuid, p->meant) != 0 || strcmp(live->meant, p->meant) != 0)
		return error_set(error, ERROR_CHANGED,
			"%s became another database while we worked: run again", live->name);
	memcpy(p->promote->uuid, live->uuid, sizeof(p->promote->uuid));
	return mark_done(p, &p->places[p->to], error) &&
	       promotion_drop_outgoing(p, live->outgoing, error) && tell_ledger(p, error) &&
	       (live->done || (tell_heads(p, error) && mark_done(p, live, error)));
}
