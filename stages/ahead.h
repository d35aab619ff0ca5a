/*
 * ahead.h: the fetch thread: downloads the next years while one is loading.
 *
 * Main asks; what the thread has to say comes back as events, because only main touches the ledger.
 * A host that did not answer one year, in all of its tries, is asked once for each of the others: a
 * machine without a network is told so in minutes, not in a quarter of an hour.
 *
 * After a crash: the ledger knows the durable length of each part.  Threads: one, besides the
 * caller's. Memory: one download at a time.
 */
#ifndef STAGES_AHEAD_H
#define STAGES_AHEAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "stages/fetch.h"
#include "stages/queue.h"

/* One question to a source. Main fills the first part and keeps it until its end came back. */
struct ahead_task {
	int year;
	char url[URL_MAX];
	bool has_have, has_part;
	struct validators have;
	struct part part;
	atomic_uint_fast64_t done, size; /* packed bytes: for progress, any thread may read */
	atomic_bool begun;
	bool ended; /* set by ahead_event */
	bool failed;
	uint64_t took_ms;
	enum fetch_outcome outcome;
	struct spool spool;
	struct error error;
};

enum ahead_kind { AHEAD_DURABLE, AHEAD_ENDED };

struct ahead_event {
	enum ahead_kind kind;
	struct part part;        /* AHEAD_DURABLE */
	struct ahead_task *task; /* AHEAD_ENDED */
};

struct ahead {
	struct fetch_settings settings;
	pthread_t thread;
	bool started;
	struct queue asked;
	struct queue events;
	char silent[URL_MAX]; /* private: scheme and host that did not answer, "": none */
};

bool ahead_open(struct ahead *ahead, const struct fetch_settings *settings, struct error *error);
bool ahead_ask(struct ahead *ahead, struct ahead_task *task, struct error *error);

/* Waits up to wait_ms for an event; false: none. */
bool ahead_event(struct ahead *ahead, uint32_t wait_ms, struct ahead_event *event);

/* Ends the thread; a download under way is given up only if stop_requested, else waited for. Events
 * that were not taken are lost. A zeroed struct is accepted. */
void ahead_close(struct ahead *ahead);

#endif
