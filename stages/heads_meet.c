/*
 * What a destination was told, met at the start of a run: a ledger that was lost goes on from
 * there, one that was put back or changed is found out.
 *
 * Why a new chain id: the next events of a ledger that is behind would get numbers for which the
 * destination holds the hashes of the events that are lost. Keeping the chain would make every
 * later head contradict an older one, and hide any real contradiction among them. The old chain
 * ends where the ledger ends; what was told beyond it stays told, and our event says that it is
 * lost. An event that was changed is not forgiven that way: its head contradicts it for ever, and
 * `history --verify` says so.
 */
#include <string.h>

#include "stages/heads.h"
#include "state/base/log.h"

struct meeting {
	struct sink *sink;
	struct ledger *ledger;
	struct heads heads;
	bool begun;   /* a new chain id */
	bool changed; /* an event was added */
};

static bool add_event(struct meeting *meeting, const char *kind, const struct history_head *head,
	const struct field *more, unsigned more_count, struct error *error)
{
	struct field fields[12] = { FIELD_T("destination", meeting->sink->uuid),
		FIELD_T("chain", head->chain), FIELD_N("number", head->number),
		FIELD_T("hash", head->hash), FIELD_T("told_at", head->at),
		FIELD_T("told", head->why) };
	memcpy(&fields[6], more, more_count * sizeof(*more));
	meeting->changed = true;
	return ledger_event(meeting->ledger, kind, 0, fields, 6 + more_count, error);
}

/* Our history is not what this destination was told: it goes on under a new chain id, unless it
 * does already. */
static bool add_break(struct meeting *meeting, const char *kind, const struct heads_chain *chain,
	const struct history_head *head, const struct field *fact, struct error *error)
{
	char begins[33] = "";
	bool current = chain->known.ours && chain->known.last == INT64_MAX && !meeting->begun;
	if (current && !ledger_chain_new(meeting->ledger, begins, error))
		return false;
	const struct field more[] = { *fact, FIELD_T("begins", current ? begins : NULL) };
	meeting->begun |= current;
	return add_event(meeting, kind, head, more, 2, error);
}

static bool note_missing(
	struct meeting *meeting, const struct heads_chain *chain, struct error *error)
{
	const struct history_head *head = &chain->last_missing;
	struct history_head ours = { 0 };
	if (chain->missing == 0 || head->number <= chain->known.noted)
		return true;
	if (!ledger_head(meeting->ledger, &ours, error))
		return false;
	log_note(LOG_WARNING, 0,
		"this destination was told of event %lld of our history (at %s, %s), and the ledger "
		"does not have it: an older copy of the ledger was put back, or it was shortened. "
		"What is missing is lost; the history goes on and says so",
		(long long)head->number, head->at, head->why);
	return add_break(meeting, "history is behind", chain, head,
		&FIELD_N("ours_ends", ours.number), error);
}

static bool note_different(
	struct meeting *meeting, const struct heads_chain *chain, struct error *error)
{
	const struct history_head *head = &chain->first_different;
	char hash[SHA256_HEX] = "";
	bool noted = false, found = false;
	if (chain->differ == 0)
		return true;
	if (!ledger_difference_noted(meeting->ledger, head, &noted, error) || noted)
		return noted;
	if (chain->known.ours &&
		!ledger_event_hash(meeting->ledger, head->number, hash, &found, error))
		return false;
	log_note(LOG_WARNING, 0,
		"this destination was told another hash of event %lld of %s history (at %s, %s) "
		"than the ledger has: one of them was changed, or an older copy of the ledger was "
		"put back and used elsewhere. dvf-import history --verify says more",
		(long long)head->number, chain->known.ours ? "our" : "another", head->at,
		head->why);
	return add_break(meeting, "history differs", chain, head,
		&FIELD_T("ours", found ? hash : chain->known.noted_hash), error);
}

static bool note_other(struct meeting *meeting, const struct heads_chain *chain, bool continues,
	struct error *error)
{
	const struct history_head *head = &chain->newest;
	if (chain->beyond == 0)
		return true;
	if (continues)
		log_note(LOG_WARNING, 0,
			"this destination knows an earlier history, up to event %lld (at %s, %s), "
			"which is not in the ledger: ours goes on from there",
			(long long)head->number, head->at, head->why);
	const struct field more[] = { FIELD_N("heads", chain->heads) };
	return add_event(meeting, continues ? "history continues" : "other history seen", head,
		more, 1, error);
}

/* Which of the other histories ours goes on from, if this destination has not heard of ours: the
 * one it heard of last. */
static const struct heads_chain *continued(const struct heads *heads)
{
	const struct heads_chain *last = NULL;
	for (unsigned i = 0; heads->ours == 0 && i < heads->count; i++)
		if (heads->chains[i].beyond > 0 &&
			(last == NULL || heads->chains[i].heard > last->heard))
			last = &heads->chains[i];
	return last;
}

static bool note_all(struct meeting *meeting, struct error *error)
{
	const struct heads_chain *from = continued(&meeting->heads);
	for (unsigned i = 0; i < meeting->heads.count; i++) {
		const struct heads_chain *chain = &meeting->heads.chains[i];
		if (!note_missing(meeting, chain, error) ||
			!note_different(meeting, chain, error) ||
			(!chain->known.ours && !note_other(meeting, chain, chain == from, error)))
			return false;
	}
	return true;
}

/* Whether the destination has heard of the chain our next events belong to. */
static bool knows_current(const struct meeting *meeting)
{
	for (unsigned i = 0; i < meeting->heads.count && !meeting->begun; i++)
		if (meeting->heads.chains[i].known.ours &&
			meeting->heads.chains[i].known.last == INT64_MAX)
			return true;
	return false;
}

bool heads_meet(struct sink *sink, struct ledger *ledger, struct error *error)
{
	struct meeting meeting = { .sink = sink, .ledger = ledger };
	bool done = heads_compare(sink, ledger, &meeting.heads, NULL, NULL, error) &&
		    note_all(&meeting, error);
	if (done && (meeting.changed || !knows_current(&meeting)))
		heads_try_tell(sink, ledger, "destination taken");
	heads_free(&meeting.heads);
	return done;
}
