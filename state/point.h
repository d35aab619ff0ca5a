/*
 * point.h: an access point, a place from which inflate can start (after zlib's examples/zran.c,
 * with the running CRC added so that a resumed read is verified too).
 *
 * Memory: `window` is malloc'd and belongs to whoever holds the point; point_free.
 */
#ifndef STATE_POINT_H
#define STATE_POINT_H

#include <stdint.h>
#include <stdlib.h>

enum point_kind {
	POINT_MEMBER, /* a gzip header starts at `packed`; no window */
	POINT_BLOCK,  /* a deflate block starts at bit `bit` before `packed` */
};

struct point {
	uint64_t packed;       /* packed offset of the first byte to feed */
	uint64_t plain;        /* plain offset of the first byte that comes out */
	uint64_t member_plain; /* plain offset at which its member started */
	uint32_t crc;          /* running CRC-32 of the member over [member_plain, plain) */
	uint8_t bit; /* 0..7: bits of byte packed-1 that belong to the block; 0 for members */
	enum point_kind kind;
	unsigned char
		*window; /* the 32 KiB before it, in zlib format (adler32 guards it); NULL: none */
	uint32_t window_size; /* bytes of that */
};

static inline void point_free(struct point *point)
{
	free(point->window);
	point->window = NULL;
	point->window_size = 0;
}

#endif
