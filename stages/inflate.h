/*
 * inflate.h: plain bytes out of a spool, from the start or from an access point.
 *
 * Any number of gzip members; every member's CRC-32 and length are verified, also after a resume,
 * because a point carries the running CRC. Zeros after the last member are allowed, other bytes are
 * not. A spool that is not gzip by its source's name (.csv) is read as it is.
 *
 * Based on what zlib's examples/zran.c shows; differs in that members follow each other, points
 * know their member, and windows are kept deflated.
 *
 * Threads: one reader, one thread.  Memory: about 220 KiB (the inflate window, the input buffer),
 * and 300 KiB more for the moment in which a point's window is deflated.
 */
#ifndef STAGES_INFLATE_H
#define STAGES_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"
#include "state/point.h"

/* A point at the first block boundary past each so many plain bytes. */
#define POINT_SPAN ((uint64_t)8 << 20)

enum packing { PACKING_GZIP, PACKING_NONE };

struct inflate;

/* Called with each new point while reading: at each member's start and at the first block boundary
 * past each `span` plain bytes since the last point. The point that was sought is not told again.
 * The point and its window belong to the callee, whatever it returns. False stops the read with the
 * error it set. */
typedef bool inflate_point(void *context, struct point *point, struct error *error);

/* Opens the file and stands at plain offset 0. `span` 0: POINT_SPAN. `on_point` may be NULL. */
bool inflate_open(struct inflate **opened, const char *path, enum packing packing, uint64_t span,
	inflate_point *on_point, void *context, struct error *error);

/* Stands at the point (NULL: at the start), also after an error. The point stays the caller's. A
 * window that cannot be unpacked, or a point that cannot be one of this file: ERROR_CHANGED. With
 * PACKING_NONE use inflate_skip instead. */
bool inflate_seek(struct inflate *reader, const struct point *point, struct error *error);

/* Reads and drops plain bytes until plain offset `plain`, which is not before inflate_plain.
 * ERROR_CHANGED if the file ends before. */
bool inflate_skip(struct inflate *reader, uint64_t plain, struct error *error);

/* Gives `size` (over 0) plain bytes, fewer only at the end; *got 0 with true: the end, and all that
 * was read is verified. Not gzip, cut short, wrong CRC or length, garbage behind the last member:
 * ERROR_INPUT whose text names the packed and plain offset, *got 0; reading again says the same,
 * until a seek. */
bool inflate_read(
	struct inflate *reader, void *bytes, size_t size, size_t *got, struct error *error);

uint64_t inflate_plain(const struct inflate *reader);  /* plain offset of the next byte */
uint64_t inflate_packed(const struct inflate *reader); /* packed bytes taken in so far */

/* CRC-32 of some bytes, as gzip takes it: for the witness's word on a chunk. */
uint32_t inflate_crc32(const void *bytes, size_t size);
/* The same over pieces: `crc` is that of the bytes before, 0 at first. */
uint32_t inflate_crc32_more(uint32_t crc, const void *bytes, size_t size);

/* Frees and closes; NULL is accepted. */
void inflate_close(struct inflate *reader);

#endif
