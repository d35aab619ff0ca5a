/*
 * sha256.h: a running SHA-256.
 *
 * Threads: a sum belongs to who made it.  Memory: some hundred bytes, freed by sha256_free.
 */
#ifndef STATE_BASE_SHA256_H
#define STATE_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "state/base/error.h"

#define SHA256_HEX 65 /* 64 hexadecimal digits and the NUL */

struct sha256;

/* Errors of all three: ERROR_MEMORY. */
bool sha256_new(struct sha256 **sum, struct error *error);
bool sha256_add(struct sha256 *sum, const void *bytes, size_t size, struct error *error);
/* Nothing can be added any more. */
bool sha256_end(struct sha256 *sum, char hex[static SHA256_HEX], struct error *error);
void sha256_free(struct sha256 *sum); /* NULL is accepted */

#endif
