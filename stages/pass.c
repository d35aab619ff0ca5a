#include "stages/pass.h"

#include <pthread.h>
#include <stdlib.h>

#include "stages/pass_work.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define PUT_BACK_MOST 8 /* chunks that fail before a pass without success is given up */
#define EVENTS_MOST   64
#define THREAD_STACK  ((size_t)1 << 20)

bool pass_tell(struct work *work, const struct event *event)
{
	struct event *copy = malloc(sizeof(*copy));
	if (copy != NULL) {
		*copy = *event;
		if (queue_put(&work->events, copy))
			return true;
		free(copy);
	}
	return false;
}

static struct chunk *take_empty(void *context)
{
	struct work *work = context;
	struct chunk *chunk = queue_take(&work->empty, QUEUE_FOREVER);
	if (chunk != NULL && (atomic_load(&work->giving_up) || stop_requested())) {
		queue_put(&work->empty, chunk);
		return NULL;
	}
	return chunk;
}

static bool give_full(void *context, struct chunk *chunk)
{
	struct work *work = context;
	bool wanted = chunk->size > 0 && !atomic_load(&work->giving_up);
	if (wanted && queue_put(&work->full, chunk))
		return true;
	queue_put(&work->empty, chunk);
	return !wanted && chunk->size == 0;
}

static bool give_point(void *context, struct point *point, struct error *error)
{
	struct work *work = context;
	const struct event event = { .kind = EVENT_POINT, .point = *point };
	if (pass_tell(work, &event))
		return true;
	point_free(point);
	return error_memory(error, "an access point");
}

static void *reader_thread(void *context)
{
	struct work *work = context;
	struct event event = { .kind = EVENT_READER_ENDED };
	event.failed = !reader_run(&work->pass->reader, work->pass->gaps, work->pass->gap_count,
		&event.end, &event.error);
	queue_close(&work->full);
	/* Without this the pass would wait for ever; the events' queue is closed by main only. */
	while (!pass_tell(work, &event))
		stop_sleep(EVENT_WAIT_MS);
	return NULL;
}

/* The main thread's view of a pass. */
struct watch {
	struct work *work;
	struct pass_result *result;
	struct error *error;
	bool done;        /* no error so far */
	unsigned loaders; /* that run */
	unsigned opened;  /* that could connect */
	bool reading;
};

static void give_up(struct watch *watch)
{
	atomic_store(&watch->work->giving_up, true);
	queue_close(&watch->work->full);
}

static void fail(struct watch *watch, const struct error *error)
{
	if (watch->done)
		*watch->error = *error;
	watch->done = false;
	give_up(watch);
}

static void on_put_back(struct watch *watch, const struct event *event)
{
	struct pass_result *result = watch->result;
	if (pass_ends(event->error.kind)) {
		fail(watch, &event->error);
		return;
	}
	log_note(LOG_WARNING, watch->work->pass->edition->year, "put back: %s", event->error.text);
	result->put_back++;
	result->put_back_error = event->error;
	if (result->chunks == 0 && result->put_back >= PUT_BACK_MOST)
		give_up(watch);
}

static void on_loader_ended(struct watch *watch, const struct event *event)
{
	watch->loaders--;
	watch->opened += !event->failed;
	if (event->failed && watch->loaders == 0 && watch->opened == 0)
		fail(watch, &event->error);
	else if (event->failed)
		log_note(LOG_WARNING, watch->work->pass->edition->year, "one loader less: %s",
			event->error.text);
}

static void on_event(struct watch *watch, struct event *event)
{
	struct pass *pass = watch->work->pass;
	struct error error;
	switch (event->kind) {
	case EVENT_LOADED:
		watch->result->chunks++;
		if (!pass->loaded(pass->context, &event->record, event->packed, &error))
			fail(watch, &error);
		break;
	case EVENT_PUT_BACK:
		on_put_back(watch, event);
		break;
	case EVENT_POINT:
		if (pass->point != NULL && !pass->point(pass->context, &event->point, &error))
			fail(watch, &error);
		point_free(&event->point);
		break;
	case EVENT_READER_ENDED:
		watch->reading = false;
		watch->result->end = event->end;
		if (event->failed)
			fail(watch, &event->error);
		break;
	case EVENT_LOADER_ENDED:
		on_loader_ended(watch, event);
		break;
	}
}

static void watch_events(struct watch *watch)
{
	struct pass *pass = watch->work->pass;
	uint64_t ticked_ms = 0;
	while (watch->loaders > 0 || watch->reading) {
		struct event *event = queue_take(&watch->work->events, EVENT_WAIT_MS);
		if (event != NULL)
			on_event(watch, event);
		free(event);
		/* With no loader left the reader would wait for ever for an empty chunk. */
		if (watch->loaders == 0 && watch->reading)
			queue_close(&watch->work->empty);
		if (event == NULL || clock_ms() - ticked_ms >= EVENT_WAIT_MS) {
			ticked_ms = clock_ms();
			if (!pass->tick(pass->context))
				give_up(watch);
		}
	}
}

static bool make_chunks(
	struct work *work, struct chunk *chunks, unsigned count, struct error *error)
{
	if (!queue_open(&work->empty, count, error) || !queue_open(&work->full, count, error) ||
		!queue_open(&work->events, EVENTS_MOST, error))
		return false;
	for (unsigned i = 0; i < count; i++)
		queue_put(&work->empty, &chunks[i]);
	return true;
}

static bool start(pthread_t *thread, void *(*body)(void *), struct work *work, struct error *error)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	int failed = pthread_create(thread, &attributes, body, work);
	pthread_attr_destroy(&attributes);
	return failed == 0 || error_thread(error, failed);
}

static bool run_threads(
	struct work *work, pthread_t *threads, struct pass_result *result, struct error *error)
{
	struct watch watch = { .work = work, .result = result, .error = error, .done = true };
	struct error failed;
	unsigned started = 0;
	watch.reading = start(&threads[started], reader_thread, work, &failed);
	started += watch.reading;
	if (!watch.reading)
		fail(&watch, &failed);
	while (watch.done && watch.loaders < work->pass->loaders) {
		if (!start(&threads[started], pass_loader_thread, work, &failed)) {
			if (watch.loaders == 0)
				fail(&watch, &failed);
			break;
		}
		started++;
		watch.loaders++;
	}
	watch_events(&watch);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return watch.done;
}

bool pass_run(struct pass *pass, struct pass_result *result, struct error *error)
{
	struct work work = { .pass = pass };
	unsigned count = pass->loaders * pass->together + pass->spare;
	struct chunk *chunks = calloc(count, sizeof(*chunks));
	pthread_t *threads = calloc(pass->loaders + 1, sizeof(*threads));
	*result = (struct pass_result){ 0 };
	error_clear(error);
	pass->reader.context = &work;
	pass->reader.take = take_empty;
	pass->reader.give = give_full;
	pass->reader.point = pass->point != NULL ? give_point : NULL;
	bool done = chunks != NULL && threads != NULL;
	if (!done)
		error_memory(error, "a pass");
	done = done && make_chunks(&work, chunks, count, error) &&
	       run_threads(&work, threads, result, error);
	for (unsigned i = 0; chunks != NULL && i < count; i++)
		chunk_free(&chunks[i]);
	queue_free(&work.empty);
	queue_free(&work.full);
	queue_free(&work.events);
	free(chunks);
	free(threads);
	if (done && stop_requested() && !result->end.reached)
		done = error_set(error, ERROR_STOPPED, "interrupted");
	return done;
}
