/*
 * libcrypto.h: whether libcrypto could start.
 *
 * It starts once in a process, at its first use by whatever library needs it. Where it found no
 * memory then it never works again, and tells nobody: its first hash crashes (EVP_sha256 reads what
 * was never made), and its random numbers, which libpq needs for a password, fail every time.
 *
 * Threads: any.  Errors: ERROR_MEMORY.
 */
#ifndef STATE_BASE_LIBCRYPTO_H
#define STATE_BASE_LIBCRYPTO_H

#include <stdbool.h>

#include "state/base/error.h"

bool libcrypto_can_hash(struct error *error);
bool libcrypto_can_draw(struct error *error); /* random numbers */

#endif
