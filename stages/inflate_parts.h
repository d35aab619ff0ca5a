/*
 * inflate_parts.h: what the inflate*.c files share. Private to them.
 *
 *   inflate.c        a file read from its first byte to its last: members, trailers, their faults
 *   inflate_point.c  access points, made while reading and entered later; seek and skip
 *
 * Errors: zlib's codes become ours in inflate_zlib_fine, but that a point's window is damaged is
 * ERROR_CHANGED. What inflate_fail was given stays in the reader until the next seek.
 *
 * Threads: one reader, one thread; nothing is shared between readers.
 * Memory: the buffers are in struct inflate. The window of a point that is told is allocated, and
 * belongs with the point to whom it is told.
 */
#ifndef STAGES_INFLATE_PARTS_H
#define STAGES_INFLATE_PARTS_H

#include <zlib.h>

#include "stages/inflate.h"

#define WINDOW_SIZE  32768
#define INPUT_SIZE   65536
#define SCRATCH_SIZE 65536
#define TRAILER_SIZE 8

#define WINDOW_BITS_GZIP (MAX_WBITS + 16)
#define WINDOW_BITS_RAW  (-MAX_WBITS)

/* Bits of z_stream.data_type after a call with Z_BLOCK. */
#define TYPE_BITS_LEFT      7
#define TYPE_LAST_BLOCK     64
#define TYPE_BETWEEN_BLOCKS 128

/*
 * A gzip header is left to zlib, which checks its flags and its CRC however the input is split.
 * Then the stream is switched to raw deflate, so that a member read from its start and one entered
 * at a point go the same way, and both are verified by us.
 */
enum place {
	AT_HEADER,
	AT_BODY,
	AT_TRAILER,
	AT_NEXT, /* behind a trailer: another member, zeros or the end */
	AT_ZEROS,
	AT_END,
};

struct inflate {
	int fd;
	enum packing packing;
	enum place place;
	uint64_t size;   /* of the file */
	uint64_t filled; /* packed offset of the first byte not yet in `input` */
	uint64_t plain;
	uint64_t member_packed;
	uint64_t member_plain;
	uint64_t last_point; /* plain offset */
	uint64_t span;
	inflate_point *on_point;
	void *context;
	z_stream zlib;
	uint32_t crc; /* of [member_plain, plain) */
	uint32_t trailer_got;
	unsigned char trailer[TRAILER_SIZE];
	bool told;       /* the caller knows the point at this member's start */
	bool from_point; /* this member was entered at a point inside */
	bool failed;
	struct error failure; /* what every further read says */
	unsigned char window[WINDOW_SIZE];
	unsigned char input[INPUT_SIZE];
	unsigned char scratch[SCRATCH_SIZE];
	char path[];
};

/* True for the codes with which zlib says that it went well. */
bool inflate_zlib_fine(const struct inflate *reader, int code, struct error *error);

/* Every further read says the same, until a seek. Returns false. */
bool inflate_fail(struct inflate *reader, const struct error *error);

/* A member begins where the reader stands: its header comes next. */
bool inflate_begin_member(struct inflate *reader, struct error *error);

/* A point can be where the reader stands: makes it and gives it to on_point, if there is one. False
 * also when that returns it. */
bool inflate_tell_point(struct inflate *reader, enum point_kind kind, struct error *error);

#endif
