/*
 * must.h: calls that have to be done, or have to fail in a certain way, told with their line.
 *
 * Threads: the test's.
 */
#ifndef TESTS_UNIT_MUST_H
#define TESTS_UNIT_MUST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/base/error.h"

/* The call fills `error`. */
#define must(done)            must_at((done), #done, __LINE__)
#define must_fail(done, kind) must_fail_at((done), (kind), #done, __LINE__)

extern struct error error;

void must_at(bool done, const char *what, int line);
void must_fail_at(bool done, enum error_kind kind, const char *what, int line);

#endif
