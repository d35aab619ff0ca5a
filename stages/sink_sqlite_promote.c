#include "stages/sink_sqlite_swap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/heads.h"
#include "stages_sql.h"
#include "state/base/file.h"

static const char *kind_word(const struct swapping *swapping)
{
	return swapping->revert ? "revert" : "promote";
}

static void line_say(struct swapping *swapping, const char *line)
{
	if (swapping->promote->said != NULL)
		swapping->promote->said(swapping->promote->context, line);
}

void swap_say(struct swapping *swapping, const char *format, ...)
{
	char line[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	line_say(swapping, line);
}

void swap_refuse(struct swapping *swapping, const char *remedy, const char *format, ...)
{
	char line[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	size_t used = strlen(line);
	snprintf(line + used, sizeof(line) - used, ": %s", remedy);
	swapping->stands++;
	line_say(swapping, line);
}

/* --- doing */

static void at_now(char at[static 32])
{
	time_t now = time(NULL);
	struct tm utc;
	at[0] = '\0';
	if (gmtime_r(&now, &utc) != NULL)
		strftime(at, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static bool gone_name(struct swapping *swapping, struct error *error)
{
	struct slot_look look;
	bool usable = false;
	if (!slot_is_usable(&swapping->slots, swapping->to, &usable, error) ||
		!slot_look(&swapping->slots, swapping->to, &look, error))
		return false;
	if (usable && swapping->has_old)
		memcpy(swapping->swap.gone_file, look.name, sizeof(look.name));
	return true;
}

/* What is meant, as it will stand in both files. */
static bool meant_make(struct swapping *swapping, struct error *error)
{
	struct sqlite_swap *swap = &swapping->swap;
	*swap = (struct sqlite_swap){ .revert = swapping->revert };
	memcpy(swap->id, swapping->new->token, sizeof(swap->id));
	memcpy(swap->live, swapping->new->sink.uuid, sizeof(swap->live));
	memcpy(swap->live_file, swapping->next.name, sizeof(swap->live_file));
	snprintf(swap->run, sizeof(swap->run), "%s", swapping->promote->live->run_name);
	at_now(swap->meant_at);
	if (swapping->has_old) {
		memcpy(swap->instead_of, swapping->old->sink.uuid, sizeof(swap->instead_of));
		memcpy(swap->instead_file, swapping->live.name, sizeof(swap->instead_file));
	}
	return gone_name(swapping, error);
}

/* With both fences taken; `old` goes by its number from now on. */
static bool both_take(struct swapping *swapping, struct error *error)
{
	struct sink *old = &swapping->old->sink, *new = &swapping->new->sink;
	struct ledger *ledger = swapping->promote->ledger;
	if ((swapping->has_old && !old->ops->take(old, error)) || !new->ops->take(new, error))
		return false;
	if (ledger != NULL && ((swapping->has_old && !heads_meet(old, ledger, error)) ||
				      !heads_meet(new, ledger, error)))
		return false;
	return slot_look(&swapping->slots, SLOT_LIVE, &swapping->live, error) &&
	       (!swapping->has_old || sqlite_attach(swapping->new->db, swapping->old->db, error)) &&
	       meant_make(swapping, error);
}

/* Step 4: checked again, for it was looked at without a lock before. */
static bool prepare_locked(struct swapping *swapping, struct error *error)
{
	struct sqlite_swap *swap = &swapping->swap;
	sqlite3 *db = swapping->new->db;
	promote_said *said = swapping->promote->said;
	struct sqlite_swap last = { 0 };
	bool found = false;
	swapping->promote->said = NULL;
	bool done = swap_ready(swapping, error);
	swapping->promote->said = said;
	if (done && swapping->stands > 0) {
		swapping->stands = 0;
		done = swap_ready(swapping, error);
	}
	done = done && swap_refused(swapping, error) &&
	       (!swapping->has_old || swap_rights(swapping, error)) &&
	       swap_carry(swapping, error) && swap_hold(swapping, error) &&
	       swap_withdraw(db, error) && swap_add(db, swap, error) &&
	       swap_last(db, &last, &found, error);
	swap->number = last.number;
	return done;
}

static bool prepare(struct swapping *swapping, struct error *error)
{
	struct sqlite_sink *new = swapping->new;
	bool done = sqlite_begin(new->db, new, error) && prepare_locked(swapping, error);
	return sqlite_end(new->db, done, error);
}

/* Steps 5 and 6, with the write lock of both. */
static bool exchange_locked(struct swapping *swapping, struct error *error)
{
	struct sqlite_swap *swap = &swapping->swap;
	if (!slot_point(&swapping->slots, SLOT_LIVE, swap->live_file, error))
		return false;
	swap->done = true;
	if (!swap_links(&swapping->slots, swap, error))
		return false;
	if (swapping->has_old) {
		bool noted = swap_add(swapping->old->db, swap, error);
		if (!sqlite_end(swapping->old->db, noted, error))
			return false;
	}
	return sqlite_run_for(swapping->new->db, sql_sqlite_swap_done, swap->number, error);
}

static bool exchange(struct swapping *swapping, struct error *error)
{
	struct sqlite_sink *new = swapping->new;
	bool done = sqlite_begin(new->db, new, error) && exchange_locked(swapping, error);
	return sqlite_end(new->db, done, error);
}

static void tell_done(struct swapping *swapping)
{
	const struct sqlite_swap *swap = &swapping->swap;
	const char *name = swapping->promote->live->name;
	swap_say(swapping, "%s is %s now, exchanged at once", name, swap->live_file);
	if (swap->instead_file[0] != '\0')
		swap_say(swapping, "%s, which was live, is %s now", swap->instead_file,
			swapping->revert ? "staging" : "the previous one");
	if (swap->gone_file[0] != '\0')
		swap_say(swapping, "%s, which was %s, is removed", swap->gone_file,
			swapping->revert ? "staging" : "the previous one");
}

/* The history's head, to both files. */
static bool heads_both(struct swapping *swapping, struct error *error)
{
	struct ledger *ledger = swapping->promote->ledger;
	const char *why = kind_word(swapping);
	if (ledger == NULL)
		return true;
	return heads_tell(&swapping->new->sink, ledger, why, error) &&
	       (!swapping->has_old || heads_tell(&swapping->old->sink, ledger, why, error));
}

/* The write lock of live is held over all of it, so that nobody commits into what is about to go.
 */
static bool swap_do(struct swapping *swapping, struct error *error)
{
	struct sqlite_sink *old = swapping->old;
	bool done = both_take(swapping, error) &&
		    (!swapping->has_old || sqlite_begin(old->db, old, error)) &&
		    prepare(swapping, error) && exchange(swapping, error);
	sqlite_rollback(old->db);
	if (!done)
		return error_where(error, "%s", kind_word(swapping));
	memcpy(swapping->promote->uuid, swapping->swap.live, sizeof(swapping->swap.live));
	swapping->promote->changed = true;
	tell_done(swapping);
	return swap_tell(swapping, false, error) && heads_both(swapping, error);
}

/* --- promote and revert */

static bool dry_say(struct swapping *swapping, struct error *error)
{
	if (!meant_make(swapping, error))
		return false;
	const struct sqlite_swap *swap = &swapping->swap;
	const char *to = swapping->revert ? "staging" : "the previous one";
	if (swapping->live.kind == SLOT_FILE)
		swap_say(swapping, "would give the live file a number and put a link in its place");
	swap_say(swapping, "would make %s live", swap->live_file);
	if (swapping->has_old)
		swap_say(swapping, "would keep what is live as %s", to);
	if (swap->gone_file[0] != '\0')
		swap_say(swapping, "would remove %s, which is %s now", swap->gone_file, to);
	memcpy(swapping->promote->uuid, swap->live, sizeof(swap->live));
	swapping->promote->changed = true;
	return true;
}

static void unlook(struct sqlite_sink *sink)
{
	sqlite3_close(sink->db);
	sink->db = NULL;
}

/* Looked at without a lock and without a change. */
static bool look_inside(struct swapping *swapping, struct error *error)
{
	if (swapping->stands == 0 && swapping->has_old &&
		!sqlite_attach(swapping->new->db, swapping->old->db, error))
		return false;
	if (swapping->stands == 0 && !swap_ready(swapping, error))
		return false;
	return swap_refused(swapping, error);
}

static bool swap_next(struct swapping *swapping, struct error *error)
{
	bool there = false;
	if (!swap_live_look(swapping, error) || !swap_next_look(swapping, &there, error))
		return false;
	if (!there)
		return swap_none(swapping, error);
	if (!swap_give_up(swapping, error) || !look_inside(swapping, error))
		return false;
	if (swapping->promote->settings->dry_run)
		return dry_say(swapping, error);
	unlook(swapping->new);
	unlook(swapping->old);
	return (swapping->live.kind != SLOT_FILE || swap_number(swapping, error)) &&
	       swap_do(swapping, error);
}

static bool both_open(struct swapping *swapping, struct error *error)
{
	struct promote *promote = swapping->promote;
	struct destination destination = *promote->live;
	struct sink *old = NULL, *new = NULL;
	bool done = slots_make(&swapping->slots, promote->live->url, error) &&
		    slot_path(&swapping->slots, SLOT_LIVE, &destination.url, error) &&
		    sink_open_sqlite(&old, &destination, error);
	destination.slot = swapping->from;
	done = done && sink_open_sqlite(&new, &destination, error);
	if (destination.url != promote->live->url)
		free(destination.url);
	swapping->old = (struct sqlite_sink *)old;
	swapping->new = (struct sqlite_sink *)new;
	if (!done)
		return false;
	old->tick = new->tick = promote->tick;
	old->tick_context = new->tick_context = promote->tick_context;
	return true;
}

static bool swap_run(struct promote *promote, bool revert, struct error *error)
{
	struct swapping swapping = { .promote = promote,
		.revert = revert,
		.from = revert ? SLOT_PREVIOUS : SLOT_STAGING,
		.to = revert ? SLOT_STAGING : SLOT_PREVIOUS };
	bool left = false;
	int lock = -1;
	promote->changed = false;
	promote->outage_ms = 0;
	promote->ended = 0;
	bool done = both_open(&swapping, error) &&
		    slot_lock(&swapping.slots, &swapping.old->sink, &lock, error) &&
		    swap_finish(&swapping, &left, error);
	if (done && !(left && promote->settings->dry_run))
		done = swap_next(&swapping, error);
	sink_close((struct sink *)swapping.new);
	sink_close((struct sink *)swapping.old);
	file_close(&lock);
	slots_free(&swapping.slots);
	return done;
}

bool promote_sqlite(struct promote *promote, struct error *error)
{
	return swap_run(promote, false, error);
}

bool revert_sqlite(struct promote *promote, struct error *error)
{
	return swap_run(promote, true, error);
}
