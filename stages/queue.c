#include "stages/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool queue_open(struct queue *queue, unsigned room, struct error *error)
{
	pthread_condattr_t attributes;
	memset(queue, 0, sizeof(*queue));
	queue->items = calloc(room, sizeof(*queue->items));
	if (queue->items == NULL)
		return error_memory(error, "a queue");
	queue->room = room;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return true;
}

bool queue_put(struct queue *queue, void *item)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->count == queue->room && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->lock);
	bool put = !queue->closed;
	if (put) {
		queue->items[(queue->first + queue->count) % queue->room] = item;
		queue->count++;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
	return put;
}

static struct timespec after_ms(uint32_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

void *queue_take(struct queue *queue, uint32_t wait_ms)
{
	struct timespec until = after_ms(wait_ms == QUEUE_FOREVER ? 0 : wait_ms);
	void *item = NULL;
	int waited = 0;
	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->closed && waited != ETIMEDOUT) {
		if (wait_ms == QUEUE_FOREVER)
			pthread_cond_wait(&queue->changed, &queue->lock);
		else
			waited = pthread_cond_timedwait(&queue->changed, &queue->lock, &until);
	}
	if (queue->count > 0) {
		item = queue->items[queue->first];
		queue->first = (queue->first + 1) % queue->room;
		queue->count--;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
	return item;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

void queue_free(struct queue *queue)
{
	if (queue->items == NULL)
		return;
	free(queue->items);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	memset(queue, 0, sizeof(*queue));
}
