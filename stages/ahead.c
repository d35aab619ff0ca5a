#include "stages/ahead.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/source.h"
#include "state/base/stop.h"

#define ASKED_MOST  (2 * YEARS_MAX + 8)
#define EVENTS_MOST 64

struct asking {
	struct ahead *ahead;
	struct ahead_task *task;
};

static void tell(struct ahead *ahead, const struct ahead_event *event)
{
	struct ahead_event *copy = malloc(sizeof(*copy));
	while (copy == NULL && stop_sleep(100))
		copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return;
	*copy = *event;
	if (!queue_put(&ahead->events, copy))
		free(copy);
}

static void on_durable(void *context, const struct part *part)
{
	const struct asking *asking = context;
	const struct ahead_event event = { .kind = AHEAD_DURABLE, .part = *part };
	tell(asking->ahead, &event);
}

static void on_progress(void *context, uint64_t done, uint64_t size)
{
	const struct asking *asking = context;
	atomic_store(&asking->task->done, done);
	atomic_store(&asking->task->size, size);
}

/* "https://host:port" of the URL. */
static int host_size(const char *url)
{
	const char *host = strstr(url, "://");
	host = host != NULL ? host + 3 : url;
	return (int)(host - url + (ptrdiff_t)strcspn(host, "/"));
}

static bool is_silent(const struct ahead *ahead, const char *url)
{
	size_t size = (size_t)host_size(url);
	return ahead->silent[0] != '\0' && strlen(ahead->silent) == size &&
	       strncmp(ahead->silent, url, size) == 0;
}

static void learn(struct ahead *ahead, const struct ahead_task *task)
{
	if (task->failed && task->outcome == FETCH_UNREACHED)
		snprintf(ahead->silent, sizeof(ahead->silent), "%.*s", host_size(task->url),
			task->url);
	else if (is_silent(ahead, task->url))
		ahead->silent[0] = '\0';
}

static void fetch_task(struct ahead *ahead, struct ahead_task *task)
{
	struct asking asking = { .ahead = ahead, .task = task };
	const struct fetch_request request = { .year = task->year,
		.url = task->url,
		.packing = source_packing(task->url),
		.have = task->has_have ? &task->have : NULL,
		.part = task->has_part ? &task->part : NULL,
		.once = is_silent(ahead, task->url),
		.context = &asking,
		.durable = on_durable,
		.progress = on_progress };
	const struct ahead_event event = { .kind = AHEAD_ENDED, .task = task };
	uint64_t started_ms = clock_ms();
	atomic_store(&task->begun, true);
	task->failed =
		!fetch_file(&ahead->settings, &request, &task->outcome, &task->spool, &task->error);
	learn(ahead, task);
	task->took_ms = clock_ms() - started_ms;
	tell(ahead, &event);
}

static void *fetch_thread(void *context)
{
	struct ahead *ahead = context;
	struct ahead_task *task;
	while ((task = queue_take(&ahead->asked, QUEUE_FOREVER)) != NULL)
		if (!stop_requested())
			fetch_task(ahead, task);
	return NULL;
}

bool ahead_open(struct ahead *ahead, const struct fetch_settings *settings, struct error *error)
{
	*ahead = (struct ahead){ .settings = *settings };
	if (!queue_open(&ahead->asked, ASKED_MOST, error) ||
		!queue_open(&ahead->events, EVENTS_MOST, error))
		return false;
	int failed = pthread_create(&ahead->thread, NULL, fetch_thread, ahead);
	ahead->started = failed == 0;
	return ahead->started || error_thread(error, failed);
}

bool ahead_ask(struct ahead *ahead, struct ahead_task *task, struct error *error)
{
	task->ended = false;
	return queue_put(&ahead->asked, task) ||
	       error_set(error, ERROR_SYSTEM, "the fetch thread has ended");
}

bool ahead_event(struct ahead *ahead, uint32_t wait_ms, struct ahead_event *event)
{
	struct ahead_event *came = queue_take(&ahead->events, wait_ms);
	if (came == NULL)
		return false;
	*event = *came;
	free(came);
	if (event->kind == AHEAD_ENDED)
		event->task->ended = true;
	return true;
}

void ahead_close(struct ahead *ahead)
{
	struct ahead_event event;
	if (ahead->started) {
		queue_close(&ahead->asked);
		queue_close(&ahead->events);
		pthread_join(ahead->thread, NULL);
		while (ahead_event(ahead, 0, &event))
			continue;
	}
	queue_free(&ahead->asked);
	queue_free(&ahead->events);
}
