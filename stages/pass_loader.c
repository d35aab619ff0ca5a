/* A loader's thread: takes the chunks that are waiting, loads them together or, where that fails,
 * each one alone, and tells what became of each. */
#include "stages/chunk_load.h"
#include "stages/pass_work.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define CHUNK_TRIES   5   /* of one chunk, when the server says busy */
#define CHUNK_REST_MS 100 /* times the number of the try */
#define REJECTS_TOLD  20  /* rejects of a pass that are logged one by one */

/* Loads a chunk, again while the server is only busy. */
static bool load_patiently(struct chunk_load *load, struct chunk *chunk,
	struct chunk_record *record, struct error *error)
{
	for (uint32_t try = 1;; try++) {
		if (chunk_load(load, &chunk, 1, record, error))
			return true;
		if (error->kind != ERROR_BUSY || try == CHUNK_TRIES ||
			!stop_sleep((uint64_t)CHUNK_REST_MS * try))
			return false;
		log_note(LOG_INFO, load->edition->year, "%s; trying again", error->text);
	}
}

/* The first rejects are told as they come; all of them are in the destination. */
static void tell_rejects(struct work *work, const struct chunk_load *load)
{
	for (uint64_t i = 0; i < load->reject_count; i++) {
		const struct reject *reject = &load->rejects[i];
		unsigned told = atomic_fetch_add(&work->rejects_told, 1);
		if (told >= REJECTS_TOLD)
			return;
		log_note(LOG_WARNING, load->edition->year,
			"rejected record %llu at plain offset %llu%s%s: %s%s",
			(unsigned long long)reject->record, (unsigned long long)reject->plain_first,
			reject->reason.column >= 0 ? ", column " : "",
			reject->reason.column >= 0 ? columns[reject->reason.column].name : "",
			reject->reason.text,
			told + 1 == REJECTS_TOLD ? " (more are not told here; see the reject table)"
						 : "");
	}
}

bool pass_ends(enum error_kind kind)
{
	return kind == ERROR_LOST || kind == ERROR_FENCED || kind == ERROR_STOPPED ||
	       kind == ERROR_FULL || kind == ERROR_CHANGED;
}

static void tell_outcome(struct work *work, const struct event *event)
{
	if (event->failed && pass_ends(event->error.kind))
		atomic_store(&work->giving_up, true);
	while (!pass_tell(work, event))
		stop_sleep(EVENT_WAIT_MS);
}

/* Chunks that a loader has in hand. */
struct hand {
	struct chunk *chunks[TOGETHER_MOST];
	unsigned count;
};

/* Waits for a chunk, and takes what is waiting behind it. False: there are no more. */
static bool take_full(struct work *work, struct hand *hand)
{
	hand->chunks[0] = queue_take(&work->full, QUEUE_FOREVER);
	hand->count = hand->chunks[0] != NULL;
	while (hand->count > 0 && hand->count < work->pass->together &&
		(hand->chunks[hand->count] = queue_take(&work->full, 0)) != NULL)
		hand->count++;
	return hand->count > 0;
}

/* The rule, where there are several: a COPY costs the server as much as a thousand rows. What goes
 * wrong with them is looked for in each one alone. */
static bool load_together(struct work *work, struct chunk_load *load, const struct hand *hand)
{
	struct chunk_record records[TOGETHER_MOST];
	struct event event = { .kind = EVENT_PUT_BACK, .failed = true };
	if (!chunk_load(load, hand->chunks, hand->count, records, &event.error)) {
		if (pass_ends(event.error.kind))
			tell_outcome(work, &event);
		else
			log_note(LOG_DEBUG, load->edition->year, "each one alone: %s",
				event.error.text);
		return pass_ends(event.error.kind);
	}
	tell_rejects(work, load);
	for (unsigned i = 0; i < hand->count; i++)
		tell_outcome(work, &(struct event){ .kind = EVENT_LOADED,
					   .record = records[i],
					   .packed = hand->chunks[i]->packed });
	return true;
}

static void load_alone(struct work *work, struct chunk_load *load, struct chunk *chunk)
{
	struct event event = { .kind = EVENT_LOADED, .packed = chunk->packed };
	if (load_patiently(load, chunk, &event.record, &event.error)) {
		tell_rejects(work, load);
	} else {
		event.kind = EVENT_PUT_BACK;
		event.failed = true;
	}
	tell_outcome(work, &event);
}

static bool is_wanted(struct work *work)
{
	return !atomic_load(&work->giving_up) && !stop_requested();
}

/* False: this loader is done. What is left in the queue when a pass is given up goes back unread.
 */
static bool load_next(struct work *work, struct chunk_load *load)
{
	struct hand hand;
	if (!take_full(work, &hand))
		return false;
	bool together = hand.count > 1 && is_wanted(work) && load_together(work, load, &hand);
	for (unsigned i = 0; i < hand.count; i++) {
		if (!together && is_wanted(work))
			load_alone(work, load, hand.chunks[i]);
		queue_put(&work->empty, hand.chunks[i]);
	}
	return true;
}

void *pass_loader_thread(void *context)
{
	struct work *work = context;
	struct pass *pass = work->pass;
	struct chunk_load load = { .edition = pass->edition, .header = pass->header };
	struct event event = { .kind = EVENT_LOADER_ENDED };
	event.failed = !pass->sink->ops->loader_open(pass->sink, &load.loader, &event.error);
	if (!event.failed) {
		while (load_next(work, &load))
			continue;
		load.loader->ops->close(load.loader);
	}
	chunk_load_free(&load);
	while (!pass_tell(work, &event))
		stop_sleep(EVENT_WAIT_MS);
	return NULL;
}
