/*
 * What a verify can prove, and what not. The chain proves that nothing was changed, dropped or put
 * in between by somebody who did not compute all later hashes anew. A head in the destination
 * proves that the event it names, and all before it, are those that were there when it was told.
 * Behind the newest head only the chain speaks. Nothing speaks against somebody who writes both.
 */
#include "cmd/history_verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stages/heads.h"
#include "state/json.h"

#define HEADS_SHOWN 20 /* contradictions that are printed one by one */

struct verifying {
	bool json;
	struct ledger *ledger;
	int64_t events;
	struct buf problems, notes; /* json: the items of a list */
	uint64_t found;             /* problems */
	uint64_t heads_wrong;
	char compared[64]; /* uuid of the destination that was compared */
	const char *name;
	struct heads heads;
	struct error *error; /* of the printing itself */
	bool failed;
};

/* One sentence: printed for people, kept for JSON. */
static void say(struct verifying *verifying, struct buf *list, const char *text)
{
	if (!verifying->json) {
		printf("%s%s\n", list == &verifying->problems ? "NOT WHOLE: " : "", text);
		return;
	}
	verifying->failed |= (list->size > 0 && !buf_add(list, ",", 1, verifying->error)) ||
			     !json_add_text(list, text, verifying->error);
}

static void problem(struct verifying *verifying, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void note(struct verifying *verifying, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void problem(struct verifying *verifying, const char *format, ...)
{
	char text[1024];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	verifying->found++;
	say(verifying, &verifying->problems, text);
}

static void note(struct verifying *verifying, const char *format, ...)
{
	char text[1024];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	say(verifying, &verifying->notes, text);
}

/* True also when the chain is broken: that is a problem, not a failure. */
static bool walk(struct verifying *verifying, struct error *error)
{
	if (ledger_history_verify(verifying->ledger, &verifying->events, error)) {
		note(verifying,
			"the chain is whole: %" PRId64 " events, each follows from the one before",
			verifying->events);
		return true;
	}
	if (error->kind != ERROR_INPUT)
		return false;
	problem(verifying, "%s", error->text);
	return true;
}

static void tell_different(struct verifying *verifying, const struct head_compared *compared)
{
	const struct history_head *head = compared->head;
	struct chain_known known;
	struct error ignored;
	bool asked = ledger_chain(verifying->ledger, head->chain, &known, &ignored);
	if (asked && known.ours && head->number <= known.last)
		problem(verifying,
			"event %" PRId64 ": the destination was told hash %s (at %s, %s) and the "
			"ledger has %s: this event or one before it was changed, or another ledger "
			"stands in its place",
			head->number, head->hash, head->at, head->why, compared->ours);
	else
		problem(verifying,
			"event %" PRId64 " of history %s: the destination has hash %s (told at %s, "
			"%s) and our event %" PRId64 " named %s: one of the two was changed",
			head->number, head->chain, head->hash, head->at, head->why,
			asked ? known.noted_by : 0, compared->ours);
}

static bool on_compared(void *context, const struct head_compared *compared, struct error *error)
{
	struct verifying *verifying = context;
	const struct history_head *head = compared->head;
	(void)error;
	if (compared->verdict != HEAD_DIFFERS && compared->verdict != HEAD_MISSING)
		return true;
	if (++verifying->heads_wrong > HEADS_SHOWN)
		verifying->found++;
	else if (compared->verdict == HEAD_DIFFERS)
		tell_different(verifying, compared);
	else
		problem(verifying,
			"event %" PRId64
			" is missing: the destination was told its hash %s (at %s, "
			"%s) and the ledger has no such event: it was cut, or an older copy of it "
			"was put back",
			head->number, head->hash, head->at, head->why);
	return true;
}

static void tell_unknown(struct verifying *verifying, const struct heads_chain *chain)
{
	const struct history_head *head = &chain->newest;
	if (chain->overlooked || verifying->heads.ours == 0)
		problem(verifying,
			"unknown history %s: the destination was told of it up to event %" PRId64
			" (hash %s, at %s, %s), and no event of this ledger names it: this ledger "
			"was put in the place of the true one, or it never worked here",
			chain->chain, head->number, head->hash, head->at, head->why);
	else
		note(verifying,
			"another history %s began here after ours was last told, up to event "
			"%" PRId64
			" (at %s, %s): another state folder works here too, and the next "
			"run from this one names it",
			chain->chain, head->number, head->at, head->why);
}

static void tell_other(struct verifying *verifying, const struct heads_chain *chain)
{
	const struct chain_known *known = &chain->known;
	const struct history_head *head = &chain->newest;
	if (known->noted_by == 0) {
		tell_unknown(verifying, chain);
		return;
	}
	note(verifying,
		"history %s was here before or beside ours: our event %" PRId64
		" names it up to event %" PRId64 ". Its events are not in this ledger",
		chain->chain, known->noted_by, known->noted);
	if (chain->beyond > 0 && chain->overlooked)
		problem(verifying,
			"history %s goes on to event %" PRId64 " (told at %s, %s), which was told "
			"before our newest head, and no event of this ledger names it: this ledger "
			"is not the one that told our newest head",
			chain->chain, head->number, head->at, head->why);
	else if (chain->beyond > 0)
		note(verifying, "history %s has gone on since, to event %" PRId64 " (told at %s)",
			chain->chain, head->number, head->at);
}

static void tell_ours(struct verifying *verifying)
{
	const struct history_head *newest = &verifying->heads.newest;
	for (unsigned i = 0; i < verifying->heads.count; i++) {
		const struct heads_chain *chain = &verifying->heads.chains[i];
		if (chain->lost > 0)
			note(verifying,
				"events %" PRId64 " to %" PRId64 " of chain %s are lost: event "
				"%" PRId64 " says so, an older copy of the ledger was put back",
				chain->known.last + 1, chain->known.noted, chain->chain,
				chain->known.noted_by);
	}
	if (newest->number == 0)
		return;
	note(verifying,
		"up to event %" PRId64 " the history is the one the destination was told (newest "
		"head: at %s, %s)",
		newest->number, newest->at, newest->why);
	if (newest->number < verifying->events)
		note(verifying,
			"events %" PRId64 " to %" PRId64 " come after that head: they agree with "
			"each other, and nothing else vouches for them",
			newest->number + 1, verifying->events);
}

/* A destination that heard nothing of us has nothing to say; that must not be what a published year
 * finds. */
static bool tell_silence(struct verifying *verifying, struct error *error)
{
	bool published = false;
	if (!ledger_published_to(verifying->ledger, verifying->compared, &published, error))
		return false;
	if (published)
		problem(verifying,
			"this ledger says that it published to this destination, which was told "
			"nothing of this history: one of the two is not the true one");
	else
		note(verifying,
			"the destination was told nothing of this history: nothing but the chain "
			"vouches for it, and a ledger made anew as a whole would look the same");
	return true;
}

static bool compare_with(struct verifying *verifying, struct sink *sink, struct error *error)
{
	snprintf(verifying->compared, sizeof(verifying->compared), "%s",
		sink->uuid[0] != '\0' ? sink->uuid : "not taken yet");
	if (!heads_compare(
		    sink, verifying->ledger, &verifying->heads, on_compared, verifying, error))
		return false;
	note(verifying,
		"compared with %s (%s): it was told %" PRIu64 " heads, %" PRIu64 " of them ours",
		sink->destination.name, verifying->compared, verifying->heads.told,
		verifying->heads.ours);
	if (verifying->heads_wrong > HEADS_SHOWN)
		note(verifying, "and %" PRIu64 " more heads that do not agree",
			verifying->heads_wrong - HEADS_SHOWN);
	for (unsigned i = 0; i < verifying->heads.count; i++)
		if (!verifying->heads.chains[i].known.ours)
			tell_other(verifying, &verifying->heads.chains[i]);
	tell_ours(verifying);
	if (verifying->heads.ours == 0 && !tell_silence(verifying, error))
		return false;
	note(verifying,
		"not to be known from here: who can write both the ledger and the destination can "
		"forge both");
	return true;
}

static void tell_not_compared(struct verifying *verifying, const char *name, const char *why)
{
	verifying->compared[0] = '\0';
	note(verifying,
		"no destination was compared (%s: %s): nothing but the chain vouches for the "
		"history, and a ledger that was cut short or made anew as a whole would look the "
		"same. Name the destination with --to",
		name, why);
}

static bool compare(struct verifying *verifying, const struct destination *to, struct error *error)
{
	struct sink *sink = NULL;
	bool there = false;
	char name[256];
	sink_shown_name(to, name);
	bool done = sink_open(&sink, to, error) && sink->ops->look(sink, &there, error);
	if (done && there)
		done = compare_with(verifying, sink, error);
	else if (done)
		tell_not_compared(verifying, name, "it is not there, or no destination of ours");
	else
		tell_not_compared(verifying, name, error->text);
	sink_close(sink);
	return done || !there;
}

static bool add_list(
	struct buf *json, const char *name, const struct buf *items, struct error *error)
{
	return json_add_name(json, name, error) && buf_add(json, "[", 1, error) &&
	       (items->size == 0 || buf_add(json, items->bytes, items->size, error)) &&
	       buf_add(json, "]", 1, error);
}

static bool add_text(struct buf *json, const char *name, const char *text, struct error *error)
{
	return json_add_name(json, name, error) && json_add_text(json, text, error);
}

static bool add_destination(
	struct buf *json, const struct verifying *verifying, struct error *error)
{
	if (verifying->compared[0] == '\0')
		return buf_add_text(json, ",\"destination\":null", error);
	return buf_add_text(json, ",\"destination\":{", error) &&
	       add_text(json, "uuid", verifying->compared, error) &&
	       add_text(json, "name", verifying->name, error) && buf_add(json, "}", 1, error);
}

static bool add_newest(struct buf *json, const struct history_head *head, struct error *error)
{
	if (head->number == 0)
		return buf_add_text(json, ",\"newest_head\":null", error);
	return buf_print(json, error, ",\"newest_head\":{\"number\":%" PRId64, head->number) &&
	       add_text(json, "chain", head->chain, error) &&
	       add_text(json, "hash", head->hash, error) &&
	       add_text(json, "told_at", head->at, error) &&
	       add_text(json, "why", head->why, error) && buf_add(json, "}", 1, error);
}

static bool print_json(const struct verifying *verifying, struct error *error)
{
	struct buf json = { 0 };
	bool done = buf_print(&json, error, "{\"schema\":1,\"whole\":%s,\"events\":%" PRId64,
			    verifying->found == 0 ? "true" : "false", verifying->events) &&
		    add_destination(&json, verifying, error) &&
		    buf_print(&json, error, ",\"heads\":%" PRIu64, verifying->heads.told) &&
		    add_newest(&json, &verifying->heads.newest, error) &&
		    add_list(&json, "problems", &verifying->problems, error) &&
		    add_list(&json, "notes", &verifying->notes, error) &&
		    buf_add(&json, "}", 1, error);
	if (done)
		puts(json.bytes);
	buf_free(&json);
	return done;
}

bool history_verify(const struct options *options, struct ledger *ledger, struct error *error)
{
	char name[256];
	sink_shown_name(&options->to, name);
	struct verifying verifying = {
		.json = options->json, .ledger = ledger, .name = name, .error = error
	};
	bool done = walk(&verifying, error) && compare(&verifying, &options->to, error) &&
		    !verifying.failed && (!options->json || print_json(&verifying, error));
	if (done && verifying.found > 0)
		done = error_set(error, ERROR_INPUT,
			"the history does not hold: %" PRIu64 " contradiction%s, named above",
			verifying.found, verifying.found == 1 ? "" : "s");
	heads_free(&verifying.heads);
	buf_free(&verifying.problems);
	buf_free(&verifying.notes);
	return done;
}
