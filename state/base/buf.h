/*
 * buf.h: bytes that grow, up to a limit that its owner sets.
 *
 * Memory: zero-initialised is empty and valid; buf_free leaves it so. No buf grows past `limit`
 * (0: BUF_LIMIT_DEFAULT), which is what keeps memory flat when the input is hostile.
 */
#ifndef STATE_BASE_BUF_H
#define STATE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"

#define BUF_LIMIT_DEFAULT ((size_t)4 << 20)

struct buf {
	char *bytes;  /* always followed by a NUL that does not count, once anything was added */
	size_t size;  /* bytes in use */
	size_t room;  /* bytes allocated */
	size_t limit; /* most bytes it may allocate; 0: BUF_LIMIT_DEFAULT */
};

/* After true there is room for `more` bytes behind `size`. */
bool buf_reserve(struct buf *buf, size_t more, struct error *error);
bool buf_add(struct buf *buf, const void *bytes, size_t size, struct error *error);
bool buf_add_text(struct buf *buf, const char *text, struct error *error);
bool buf_print(struct buf *buf, struct error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void buf_clear(struct buf *buf); /* size 0, memory kept */
void buf_free(struct buf *buf);

#endif
