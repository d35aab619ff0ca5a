#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "stages/queue.h"
#include "state/base/stop.h"

#define THREADS 3
#define ITEMS   2000

static struct error error;
static int items[ITEMS];

static void test_first_in_first_out(void **state)
{
	(void)state;
	struct queue queue;
	/* Every room, and every place in the ring to begin at. */
	for (unsigned room = 1; room <= 5; room++)
		for (unsigned start = 0; start < room; start++) {
			assert_true(queue_open(&queue, room, &error));
			for (unsigned i = 0; i < start; i++) {
				assert_true(queue_put(&queue, &items[0]));
				assert_ptr_equal(queue_take(&queue, QUEUE_FOREVER), &items[0]);
			}
			for (unsigned i = 0; i < room; i++)
				assert_true(queue_put(&queue, &items[i]));
			for (unsigned i = 0; i < room; i++)
				assert_ptr_equal(queue_take(&queue, 0), &items[i]);
			assert_null(queue_take(&queue, 0));
			queue_close(&queue);
			queue_free(&queue);
		}
}

static void test_waits_as_long_as_told(void **state)
{
	(void)state;
	struct queue queue;
	static const uint32_t waits_ms[] = { 0, 1, 30, 1010 };
	assert_true(queue_open(&queue, 1, &error));
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		uint64_t began_ms = clock_ms();
		assert_null(queue_take(&queue, waits_ms[i]));
		assert_true(clock_ms() + 1 - began_ms >= waits_ms[i]);
	}
	queue_free(&queue);
}

static void test_closed(void **state)
{
	(void)state;
	struct queue queue;
	assert_true(queue_open(&queue, 3, &error));
	assert_true(queue_put(&queue, &items[0]));
	assert_true(queue_put(&queue, &items[1]));
	queue_close(&queue);
	queue_close(&queue);
	assert_false(queue_put(&queue, &items[2]));
	assert_ptr_equal(queue_take(&queue, QUEUE_FOREVER), &items[0]);
	assert_ptr_equal(queue_take(&queue, 5), &items[1]);
	assert_null(queue_take(&queue, QUEUE_FOREVER));
	assert_null(queue_take(&queue, 100000));
	queue_free(&queue);
}

static void test_a_zeroed_queue_can_be_freed(void **state)
{
	(void)state;
	struct queue queue;
	memset(&queue, 0, sizeof(queue));
	queue_free(&queue);
	assert_true(queue_open(&queue, 1, &error));
	queue_free(&queue);
	queue_free(&queue);
}

/* What the threads of a test share. */
struct shared {
	struct queue queue;
	atomic_uint next;        /* item to put */
	atomic_uint seen[ITEMS]; /* how often each came out */
	atomic_uint put_refused, taken_none;
};

static void *putter(void *context)
{
	struct shared *shared = context;
	unsigned i;
	while ((i = atomic_fetch_add(&shared->next, 1)) < ITEMS)
		if (!queue_put(&shared->queue, &items[i]))
			atomic_fetch_add(&shared->put_refused, 1);
	return NULL;
}

static void *taker(void *context)
{
	struct shared *shared = context;
	int *item;
	while ((item = queue_take(&shared->queue, QUEUE_FOREVER)) != NULL)
		atomic_fetch_add(&shared->seen[item - items], 1);
	atomic_fetch_add(&shared->taken_none, 1);
	return NULL;
}

static void test_many_threads(void **state)
{
	(void)state;
	static struct shared shared;
	pthread_t putters[THREADS], takers[THREADS];
	assert_true(queue_open(&shared.queue, 2, &error));
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&putters[i], NULL, putter, &shared), 0);
		assert_int_equal(pthread_create(&takers[i], NULL, taker, &shared), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(putters[i], NULL);
	queue_close(&shared.queue);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(takers[i], NULL);
	for (unsigned i = 0; i < ITEMS; i++)
		assert_int_equal(shared.seen[i], 1);
	assert_int_equal(shared.put_refused, 0);
	queue_free(&shared.queue);
}

static void *put_one(void *context)
{
	struct shared *shared = context;
	if (!queue_put(&shared->queue, &items[1]))
		atomic_fetch_add(&shared->put_refused, 1);
	return NULL;
}

static void nap(void)
{
	struct timespec time = { .tv_nsec = 20000000 };
	nanosleep(&time, NULL);
}

static void test_close_wakes_those_who_wait(void **state)
{
	(void)state;
	static struct shared shared;
	pthread_t full, empty[2];
	assert_true(queue_open(&shared.queue, 1, &error));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&empty[i], NULL, taker, &shared), 0);
	nap();
	queue_close(&shared.queue);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(empty[i], NULL);
	assert_int_equal(shared.taken_none, 2);
	queue_free(&shared.queue);

	assert_true(queue_open(&shared.queue, 1, &error));
	assert_true(queue_put(&shared.queue, &items[0]));
	assert_int_equal(pthread_create(&full, NULL, put_one, &shared), 0);
	nap();
	assert_int_equal(shared.put_refused, 0);
	queue_close(&shared.queue);
	pthread_join(full, NULL);
	assert_int_equal(shared.put_refused, 1);
	assert_ptr_equal(queue_take(&shared.queue, 0), &items[0]);
	queue_free(&shared.queue);
}

static void test_a_take_makes_room(void **state)
{
	(void)state;
	static struct shared shared;
	pthread_t full;
	assert_true(queue_open(&shared.queue, 1, &error));
	assert_true(queue_put(&shared.queue, &items[0]));
	assert_int_equal(pthread_create(&full, NULL, put_one, &shared), 0);
	nap();
	assert_ptr_equal(queue_take(&shared.queue, QUEUE_FOREVER), &items[0]);
	assert_ptr_equal(queue_take(&shared.queue, QUEUE_FOREVER), &items[1]);
	pthread_join(full, NULL);
	assert_int_equal(shared.put_refused, 0);
	queue_free(&shared.queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_first_out),
		cmocka_unit_test(test_waits_as_long_as_told),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_a_zeroed_queue_can_be_freed),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_close_wakes_those_who_wait),
		cmocka_unit_test(test_a_take_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
