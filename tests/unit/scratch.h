/*
 * scratch.h: a folder of a test's own below /tmp, and a call that must be done.
 *
 * Threads: the test's.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SCRATCH_PATH 64

/* Of a call that fills `error`. */
#define assert_done(call)                                                                          \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %s", #call, error.text);                                     \
	} while (0)

/* Makes it, empty; `folder` gets its path. */
void scratch_new(char folder[static SCRATCH_PATH], const char *test);
/* 0: it is gone with all that was in it, as a teardown wants it. */
int scratch_remove(const char *folder);

#endif
