/*
 * pass_work.h: what the threads of a pass share. Private to pass.c, which starts and watches them
 * and has the reader's, and pass_loader.c, which has the loaders'.
 *
 * Threads: one struct work for all of them; its queues and atomics are made for that.
 * Memory: events are told as copies, which main frees; the point in one is main's, too.
 */
#ifndef STAGES_PASS_WORK_H
#define STAGES_PASS_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/pass.h"
#include "stages/queue.h"

#define EVENT_WAIT_MS 100

enum event_kind {
	EVENT_LOADED,
	EVENT_PUT_BACK,
	EVENT_POINT,
	EVENT_READER_ENDED,
	EVENT_LOADER_ENDED
};

struct event {
	enum event_kind kind;
	struct chunk_record record;
	uint64_t packed;
	struct point point;
	struct reader_end end;
	bool failed;
	struct error error;
};

/* What the threads of a pass share. */
struct work {
	struct pass *pass;
	struct queue empty; /* chunks to fill */
	struct queue full;  /* chunks to load */
	struct queue events;
	atomic_bool giving_up;
	atomic_uint rejects_told;
};

/* Puts a copy of the event into the events' queue. False: there was no memory for it, or that queue
 * is closed. */
bool pass_tell(struct work *work, const struct event *event);

/* Whether an error of that kind ends the whole pass, not only what it befell. */
bool pass_ends(enum error_kind kind);

/* The body of a loader's thread; context is the struct work. Loads what is in `full` until that is
 * closed and empty. Its last word is EVENT_LOADER_ENDED, failed when it could not connect. */
void *pass_loader_thread(void *context);

#endif
