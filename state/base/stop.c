#include "state/base/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

static atomic_uint_fast64_t asked_ms; /* 0: nobody asked */

uint64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void stop_request(void)
{
	uint_fast64_t nobody = 0;
	atomic_compare_exchange_strong(&asked_ms, &nobody, clock_ms() + 1);
}

void stop_reset(void)
{
	atomic_store(&asked_ms, 0);
}

static void on_signal(int number)
{
	(void)number;
	stop_request();
}

void stop_install(void)
{
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

bool stop_requested(void)
{
	return atomic_load(&asked_ms) != 0;
}

bool stop_overdue(void)
{
	uint64_t asked = atomic_load(&asked_ms);
	return asked != 0 && clock_ms() + 1 >= asked + STOP_GRACE_MS;
}

bool stop_sleep(uint64_t ms)
{
	uint64_t until = clock_ms() + ms;
	while (!stop_requested()) {
		uint64_t now = clock_ms();
		if (now >= until)
			return true;
		uint64_t step = until - now < 50 ? until - now : 50;
		struct timespec nap = { .tv_sec = 0, .tv_nsec = (long)(step * 1000000) };
		nanosleep(&nap, NULL);
	}
	return false;
}
