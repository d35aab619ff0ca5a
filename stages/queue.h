/*
 * queue.h: a bounded queue of pointers between threads; its bound is a memory bound.
 *
 * Threads: any number on both sides.  Memory: `room` pointers; what they point to is the callers'.
 */
#ifndef STAGES_QUEUE_H
#define STAGES_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/base/error.h"

#define QUEUE_FOREVER UINT32_MAX

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void **items;
	unsigned room, count, first;
	bool closed;
};

bool queue_open(struct queue *queue, unsigned room, struct error *error);

/* Waits for room. False: closed, and the item is still the caller's. */
bool queue_put(struct queue *queue, void *item);

/* Waits up to wait_ms (QUEUE_FOREVER: until there is one or the queue is closed). NULL: nothing
 * came. Items that were put before the queue was closed still come out. */
void *queue_take(struct queue *queue, uint32_t wait_ms);

/* Nobody waits any more; puts are refused from now on. */
void queue_close(struct queue *queue);

/* Frees the queue itself; it must be empty and nobody in it. A zeroed queue is accepted. */
void queue_free(struct queue *queue);

#endif
