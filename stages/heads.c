#include "stages/heads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/base/log.h"

/* More histories than anybody has: who can write to the destination must not fill our memory. */
#define CHAINS_MOST 4096

struct comparison {
	struct ledger *ledger;
	struct heads *heads;
	heads_seen *seen;
	void *context;
};

static struct heads_chain *find_chain(struct heads *heads, const char *chain)
{
	for (unsigned i = 0; i < heads->count; i++)
		if (strcmp(heads->chains[i].chain, chain) == 0)
			return &heads->chains[i];
	return NULL;
}

static bool make_room(struct heads *heads, struct error *error)
{
	unsigned room = heads->room != 0 ? heads->room * 2 : 4;
	if (heads->count < heads->room)
		return true;
	if (room > CHAINS_MOST)
		return error_set(error, ERROR_DATABASE,
			"the destination was told of over %d histories, which nobody has: look at "
			"dvf_import.history (SQLite: dvf_import_history)",
			CHAINS_MOST);
	struct heads_chain *chains = realloc(heads->chains, room * sizeof(*chains));
	if (chains == NULL)
		return error_memory(error, "the histories a destination was told of");
	heads->chains = chains;
	heads->room = room;
	return true;
}

static bool take_chain(struct comparison *comparison, const char *chain, struct heads_chain **taken,
	struct error *error)
{
	struct heads *heads = comparison->heads;
	*taken = find_chain(heads, chain);
	if (*taken != NULL)
		return true;
	if (!make_room(heads, error))
		return false;
	*taken = &heads->chains[heads->count];
	memset(*taken, 0, sizeof(**taken));
	snprintf((*taken)->chain, sizeof((*taken)->chain), "%s", chain);
	if (!ledger_chain(comparison->ledger, chain, &(*taken)->known, error))
		return false;
	heads->count++;
	return true;
}

/* Beyond the end of a chain of ours that has ended, a loss may be named; within it an event cannot
 * be missing. */
static bool judge_ours(struct comparison *comparison, const struct chain_known *known,
	struct head_compared *compared, struct error *error)
{
	const struct history_head *head = compared->head;
	bool found = false;
	bool within = head->number >= known->first && head->number <= known->last;
	if (within &&
		!ledger_event_hash(comparison->ledger, head->number, compared->ours, &found, error))
		return false;
	if (found)
		compared->verdict =
			strcmp(compared->ours, head->hash) == 0 ? HEAD_AGREES : HEAD_DIFFERS;
	else if (head->number > known->last && head->number <= known->noted)
		compared->verdict = HEAD_LOST;
	else
		compared->verdict = HEAD_MISSING;
	return true;
}

static void judge_other(const struct chain_known *known, struct head_compared *compared)
{
	if (known->noted_by == 0)
		compared->verdict = HEAD_UNKNOWN;
	else if (compared->head->number > known->noted)
		compared->verdict = HEAD_FURTHER;
	else
		compared->verdict = HEAD_OTHER;
}

/* What one of our events says of the very head must be what the destination has. */
static void judge_noted(const struct chain_known *known, struct head_compared *compared)
{
	if (known->noted_by == 0 || compared->head->number != known->noted ||
		strcmp(compared->head->hash, known->noted_hash) == 0)
		return;
	compared->verdict = HEAD_DIFFERS;
	memcpy(compared->ours, known->noted_hash, sizeof(compared->ours));
}

static void count(struct heads *heads, struct heads_chain *chain, const struct head_compared *head)
{
	enum head_verdict verdict = head->verdict;
	heads->told++;
	heads->ours += chain->known.ours;
	chain->heads++;
	chain->heard = heads->told;
	if (chain->heads == 1 || head->head->number > chain->newest.number)
		chain->newest = *head->head;
	if (verdict == HEAD_AGREES && head->head->number > heads->newest.number)
		heads->newest = *head->head;
	if (verdict == HEAD_DIFFERS && chain->differ++ == 0)
		chain->first_different = *head->head;
	if (verdict == HEAD_MISSING &&
		(chain->missing++ == 0 || head->head->number > chain->last_missing.number))
		chain->last_missing = *head->head;
	chain->lost += verdict == HEAD_LOST;
	chain->beyond += verdict == HEAD_FURTHER || verdict == HEAD_UNKNOWN;
	for (unsigned i = 0; chain->known.ours && i < heads->count; i++)
		heads->chains[i].overlooked |= heads->chains[i].beyond > 0;
}

static bool compare_one(void *context, const struct history_head *head, struct error *error)
{
	struct comparison *comparison = context;
	struct head_compared compared = { .head = head };
	struct heads_chain *chain = NULL;
	if (!take_chain(comparison, head->chain, &chain, error))
		return false;
	if (!chain->known.ours)
		judge_other(&chain->known, &compared);
	else if (!judge_ours(comparison, &chain->known, &compared, error))
		return false;
	judge_noted(&chain->known, &compared);
	count(comparison->heads, chain, &compared);
	return comparison->seen == NULL || comparison->seen(comparison->context, &compared, error);
}

bool heads_compare(struct sink *sink, struct ledger *ledger, struct heads *heads, heads_seen *seen,
	void *context, struct error *error)
{
	struct comparison comparison = {
		.ledger = ledger, .heads = heads, .seen = seen, .context = context
	};
	*heads = (struct heads){ 0 };
	return sink->ops->heads(sink, compare_one, &comparison, error) ||
	       error_where(error, "cannot compare what the destination was told of the history");
}

void heads_free(struct heads *heads)
{
	free(heads->chains);
	*heads = (struct heads){ 0 };
}

bool heads_tell(struct sink *sink, struct ledger *ledger, const char *why, struct error *error)
{
	struct history_head head = { 0 };
	if (sink == NULL || sink->uuid[0] == '\0')
		return true;
	if (!ledger_head(ledger, &head, error))
		return false;
	snprintf(head.why, sizeof(head.why), "%s", why);
	return head.number == 0 || sink->ops->head_add(sink, &head, error);
}

void heads_try_tell(struct sink *sink, struct ledger *ledger, const char *why)
{
	struct error error;
	error_clear(&error);
	if (!heads_tell(sink, ledger, why, &error))
		log_note(LOG_WARNING, 0,
			"the destination was not told how far the history goes (%s); the next run "
			"tells it: %s",
			why, error.text);
}
