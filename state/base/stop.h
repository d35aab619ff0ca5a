/*
 * stop.h: the wish to stop, told by SIGINT or SIGTERM and read by every thread.
 *
 * A first signal asks: finish the chunk in hand, checkpoint, exit 75. Everything that waits does so
 * in steps and asks stop_requested() between them; stop_overdue() tells the same once the grace is
 * over, when statements in flight are cancelled instead of waited for.
 *
 * Threads: any may ask.  After a crash: nothing is kept.
 */
#ifndef STATE_BASE_STOP_H
#define STATE_BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

#define STOP_GRACE_MS 2000

/* Installs the handlers; ignores SIGPIPE and SIGXFSZ so that write(2) says what happened. */
void stop_install(void);

bool stop_requested(void);
bool stop_overdue(void); /* asked for at least STOP_GRACE_MS ago */
void stop_request(void); /* as a signal would; for tests and for a run that gives up */
void stop_reset(void);   /* for tests */

/* Sleeps, at most `ms`; returns early with false when a stop was requested. */
bool stop_sleep(uint64_t ms);

/* CLOCK_MONOTONIC in milliseconds: for waiting and for rates, never for correctness. */
uint64_t clock_ms(void);

#endif
