/*
 * Promote and revert in PostgreSQL.
 *
 *        staging ──▶ live ──▶ previous            promote
 *        staging ◀── live ◀── previous            revert
 *
 * What has to make room (the old previous, the old staging) is renamed to <db>_outgoing in the same
 * message and dropped afterwards. The order of things:
 *
 *   1 hold     A, connected to another database, opens a transaction and holds the three (a lock
 *              that only renaming, dropping and another promote wait for). What a killed call left
 *              behind is ended here, so that nothing of it comes late.
 *   2 look     which are there, their uuids, the last swap each was told of. Done already? Then 8.
 *   3 check    every precondition; each failure is told with its remedy. Owner, rights, settings,
 *              limit and comment go over in A's transaction, dvf's owners and grants are tried and
 *              taken back. Here a dry run ends, and so does a refusal: nothing was changed.
 *   4 carry    what is not ours, with --carry: functions that are there with another body; one
 *              transaction of pg_restore; then what was made on dvf; then owners, grants and
 *              comments.
 *   5 mark     the fence of both (runs that load into them stop); then, in both, the uuid that is
 *              meant to be live; for a revert also what is held from now on.
 *   6 drain    sessions of live may end by themselves.
 *   7 rename   all renames and A's COMMIT are one message; B ends sessions until it is answered.
 *   8 finish   done_at there, drop what made room, event, done_at in live.
 *
 * Killed in ..., and what is left of it; the same call again ...
 *
 *   1 to 3     A's transaction is undone, nothing is left; begins.
 *   4          carried wholly or not at all, perhaps an index or a body more; carries what live
 *              has now.
 *   5          runs that loaded have stopped, the intent is in one or both, live has another uuid;
 *              begins, and does not write an intent twice.
 *   6          the same.
 *   7          all of the message was done or none of it; looks whether live has the uuid that was
 *              meant (then 8), or begins.
 *   8          live has the uuid and something is missing; does what is missing.
 *   DROP       <db>_outgoing is whole, marked invalid or gone; drops it by the oid written in 5.
 *
 * A revert after a promote that was killed before 7 says so once and takes what was meant back,
 * instead of going one more back.
 *
 * A lost connection is a kill of which we know: look again, up to ROUNDS times. No step is decided
 * by a database's name alone: live is what has the uuid written in 5, to be dropped what has the
 * oid. Nobody is ever kept from connecting but by the rename itself, so that no kill locks anybody
 * out.
 */
#include "stages/pg_promote.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "state/base/log.h"
#include "state/base/stop.h"

#define ROUNDS        5
#define ROUND_REST_MS 200

void promotion_say(struct promotion *p, const char *format, ...)
{
	char line[1600];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (p->promote->said != NULL)
		p->promote->said(p->promote->context, line);
}

/* Live is what a call of this kind meant to make live, and there is nothing left to do it with. */
static bool is_done(const struct promotion *p)
{
	const struct place_found *live = &p->places[PLACE_LIVE];
	if (!live->there || !live->genuine)
		return false;
	if (p->sent)
		return strcmp(live->uuid, p->meant) == 0;
	return !p->places[p->from].there && strcmp(live->kind, p->kind) == 0 &&
	       strcmp(live->meant, live->uuid) == 0;
}

static void find_absent(struct promotion *p, const struct place_found *place)
{
	char what[128];
	const char *remedy = "run dvf-import run --staging first, which loads it";
	snprintf(what, sizeof(what), "there is no database %s", place->name);
	if (place == &p->places[PLACE_LIVE])
		remedy = "create it, or give the name of the one that serves";
	else if (p->revert)
		remedy = "only a promote leaves one, and one revert takes it back";
	promotion_find(p, what, remedy);
}

static void find_closed(struct promotion *p, const struct place_found *place)
{
	char what[128], remedy[128];
	snprintf(what, sizeof(what), "database %s %s", place->name,
		place->broken ? "was dropped in part" : "allows no connections");
	snprintf(remedy, sizeof(remedy),
		place->broken ? "DROP DATABASE \"%s\""
			      : "ALTER DATABASE \"%s\" ALLOW_CONNECTIONS true",
		place->name);
	promotion_find(p, what, remedy);
}

/* Without these nothing else can be looked at. */
static bool places_fine(struct promotion *p, struct error *error)
{
	const struct place_found *from = &p->places[p->from];
	char what[128];
	for (int i = 0; i < PLACE_OUTGOING; i++) {
		const struct place_found *place = &p->places[i];
		if (!place->there && (place == from || i == PLACE_LIVE))
			find_absent(p, place);
		else if (place->there && (!place->connects || place->broken))
			find_closed(p, place);
	}
	if (p->findings == 0 && !from->ours) {
		snprintf(what, sizeof(what), "database %s holds no import", from->name);
		promotion_find(p, what,
			p->revert ? "ALTER DATABASE ... RENAME by hand"
				  : "drop it, and run dvf-import run --staging");
	}
	return p->findings == 0 ||
	       error_set(error, ERROR_REFUSED,
		       "refused, and nothing was changed: what stands in the way is said above");
}

/* An earlier swap was killed before it had dropped what made room for it. */
static bool clear_outgoing(struct promotion *p, struct error *error)
{
	const struct place_found *live = &p->places[PLACE_LIVE];
	const struct place_found *outgoing = &p->places[PLACE_OUTGOING];
	if (!outgoing->there || !live->genuine || strcmp(live->meant, live->uuid) != 0 ||
		strcmp(live->outgoing, outgoing->oid) != 0)
		return true;
	promotion_say(p, "%s, which an earlier swap left, %s dropped", outgoing->name,
		p->promote->settings->dry_run ? "would be" : "is to be");
	return p->promote->settings->dry_run ||
	       (promotion_drop_outgoing(p, outgoing->oid, error) && promotion_list(p, error) &&
		       promotion_look(p, error));
}

static bool check(struct promotion *p, struct error *error)
{
	bool done = promotion_give_up(p, error) && promotion_check(p, error) &&
		    promotion_check_mended(p, error) &&
		    (!promotion_comparable(p) || promotion_check_foreign(p, error));
	if (done && p->findings == 0)
		done = promotion_carry_database(p, error) &&
		       promotion_carry_rights(p, false, error);
	if (done && p->findings > 0)
		done = error_set(error, ERROR_REFUSED,
			"refused, and nothing was changed: %u precondition%s do%s not hold, said above with "
			"the remedy",
			p->findings, p->findings == 1 ? "" : "s", p->findings == 1 ? "es" : "");
	return done;
}

static void say_plan(struct promotion *p)
{
	const struct place_found *live = &p->places[PLACE_LIVE], *from = &p->places[p->from],
				 *to = &p->places[p->to];
	promotion_say(p, "would stop runs that load into %s or %s", live->name, from->name);
	promotion_say(p,
		"would wait up to %u s for sessions of %s to end, then end those that are left",
		p->promote->settings->drain_s, live->name);
	if (to->there)
		promotion_say(p, "would rename %s to %s", to->name, p->places[PLACE_OUTGOING].name);
	promotion_say(p, "would rename %s to %s", live->name, to->name);
	promotion_say(p, "would rename %s to %s", from->name, live->name);
	if (to->there)
		promotion_say(p, "would drop %s", p->places[PLACE_OUTGOING].name);
	if (p->revert)
		promotion_say(p,
			"would hold what only %s serves now, so that no run brings it back",
			live->name);
}

static void say_done(struct promotion *p)
{
	const char *live = p->places[PLACE_LIVE].name;
	if (!p->promote->changed)
		promotion_say(p, "%s was done already: %s is %s", p->kind, live, p->promote->uuid);
	else
		promotion_say(p, "%s is what was %s, and what was live is %s", live,
			p->places[p->from].name, p->places[p->to].name);
}

static bool finish(struct promotion *p, struct error *error)
{
	pg_rollback(&p->a);
	if (p->promote->settings->dry_run) {
		memcpy(p->promote->uuid, p->places[PLACE_LIVE].uuid, sizeof(p->promote->uuid));
		say_done(p);
		return true;
	}
	p->promote->changed = p->sent;
	if (!promotion_finish(p, error))
		return false;
	say_done(p);
	return true;
}

static bool swap(struct promotion *p, struct error *error)
{
	return promotion_carry_foreign(p, error) && promotion_carry_rights(p, true, error) &&
	       promotion_mark(p, error) && promotion_drain(p, error) &&
	       promotion_rename(p, error) && finish(p, error);
}

static bool go_round(struct promotion *p, struct error *error)
{
	p->findings = 0;
	if (!promotion_open(p, error) || !promotion_list(p, error) || !promotion_hold(p, error) ||
		!promotion_look(p, error))
		return false;
	if (is_done(p)) {
		memcpy(p->meant, p->places[PLACE_LIVE].uuid, sizeof(p->meant));
		return finish(p, error);
	}
	if (!places_fine(p, error) || !clear_outgoing(p, error))
		return false;
	bool checked = check(p, error);
	if (p->promote->settings->dry_run) {
		say_plan(p);
		p->promote->changed = true;
	}
	return checked && (p->promote->settings->dry_run || swap(p, error));
}

static bool postgres_swap(struct promotion *p, struct error *error)
{
	bool done = false;
	if (!promotion_names(p, error))
		return false;
	for (int i = 0; i < ROUNDS; i++) {
		error_clear(error);
		done = go_round(p, error);
		if (!done)
			pg_rollback(&p->a);
		promotion_close(p);
		if (done || error->kind != ERROR_LOST)
			break;
		log_note(LOG_WARNING, 0, "%s: %s; looking again", p->kind, error->text);
		if (!stop_sleep(ROUND_REST_MS))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	return done || error_where(error, "%s", p->kind);
}

bool promote_postgres(struct promote *promote, struct error *error)
{
	struct promotion p = {
		.promote = promote, .kind = "promote", .from = PLACE_STAGING, .to = PLACE_PREVIOUS
	};
	return postgres_swap(&p, error);
}

bool revert_postgres(struct promote *promote, struct error *error)
{
	struct promotion p = { .promote = promote,
		.revert = true,
		.kind = "revert",
		.from = PLACE_PREVIOUS,
		.to = PLACE_STAGING };
	return postgres_swap(&p, error);
}
