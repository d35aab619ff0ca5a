/*
 * inflate_samples.h: gzip files made for the tests of inflate.c.
 *
 * A file is a struct buf of packed bytes, built member by member, and written to a temporary path
 * to be opened. Plain bytes look like a CSV, so that matches and block boundaries come as they do
 * in real ones.
 */
#ifndef TESTS_UNIT_INFLATE_SAMPLES_H
#define TESTS_UNIT_INFLATE_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "stages/inflate.h"
#include "state/base/buf.h"

#define SAMPLE_SPAN 4096

struct member {
	int level;
	int strategy;
	int memory;  /* deflate's memLevel; 1 makes blocks of 127 symbols */
	bool fields; /* FEXTRA, FNAME, FCOMMENT and FHCRC */
	size_t name_size;
};

struct points {
	struct point items[512];
	unsigned count;
	unsigned fail_at; /* 1: the first call fails; 0: none does */
};

static char sample_path[64];

static inline void sample_rows(struct buf *plain, size_t size, uint32_t seed)
{
	struct error error;
	while (plain->size < size) {
		seed = seed * 1664525u + 1013904223u;
		assert_true(buf_print(plain, &error,
			"2023-%u,2023-%02u-%02u,Vente,%u.00,RUE %u,750%02u\n", seed >> 12,
			1 + (seed >> 8) % 12, 1 + (seed >> 16) % 28, (seed >> 7) % 900000,
			(seed >> 20) % 40, 1 + (seed >> 24) % 20));
	}
	plain->size = size;
}

static inline void sample_header(gz_header *header, const struct member *member, Bytef *name)
{
	static Bytef extra[] = "AP\x05\x00 five";
	static Bytef comment[] = "a comment";
	memset(name, 'n', member->name_size);
	name[member->name_size] = '\0';
	*header = (gz_header){ .name = name, .os = 3 };
	if (!member->fields)
		return;
	header->text = 1;
	header->time = 1700000000;
	header->extra = extra;
	header->extra_len = sizeof(extra) - 1;
	header->comment = comment;
	header->hcrc = 1;
}

static inline void sample_member(
	struct buf *packed, const struct member *member, const void *plain, size_t size)
{
	struct error error;
	gz_header header;
	z_stream zlib = { 0 };
	Bytef *name = malloc(member->name_size + 1);
	assert_non_null(name);
	int memory = member->memory != 0 ? member->memory : 8;
	assert_int_equal(deflateInit2(&zlib, member->level, Z_DEFLATED, MAX_WBITS + 16, memory,
				 member->strategy),
		Z_OK);
	sample_header(&header, member, name);
	if (member->fields || member->name_size > 0)
		assert_int_equal(deflateSetHeader(&zlib, &header), Z_OK);
	size_t most = deflateBound(&zlib, size) + member->name_size + 64;
	assert_true(buf_reserve(packed, most, &error));
	zlib.next_in = plain != NULL ? (Bytef *)(uintptr_t)plain : name;
	zlib.avail_in = (uInt)size;
	zlib.next_out = (Bytef *)packed->bytes + packed->size;
	zlib.avail_out = (uInt)most;
	assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
	packed->size += zlib.total_out;
	deflateEnd(&zlib);
	free(name);
}

static inline void sample_write(const void *bytes, size_t size)
{
	if (sample_path[0] == '\0') {
		snprintf(sample_path, sizeof(sample_path), P_tmpdir "/inflate-XXXXXX");
		int fd = mkstemp(sample_path);
		assert_int_not_equal(fd, -1);
		close(fd);
	}
	FILE *file = fopen(sample_path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline int sample_remove(void **state)
{
	(void)state;
	if (sample_path[0] != '\0')
		unlink(sample_path);
	sample_path[0] = '\0';
	return 0;
}

static inline bool points_keep(void *context, struct point *point, struct error *error)
{
	struct points *points = context;
	assert_in_range(points->count, 0, 511);
	points->items[points->count++] = *point;
	point->window = NULL;
	if (points->count == points->fail_at)
		return error_set(error, ERROR_FULL, "no room for a point");
	return true;
}

static inline void points_free(struct points *points)
{
	while (points->count > 0)
		point_free(&points->items[--points->count]);
}

/* Reads to the verified end in reads of `step` bytes, into `plain` behind what is there. */
static inline bool sample_drain(
	struct inflate *reader, size_t step, struct buf *plain, struct error *error)
{
	size_t got = 0;
	bool ended = false;
	do {
		assert_true(buf_reserve(plain, step, error));
		if (!inflate_read(reader, plain->bytes + plain->size, step, &got, error))
			return false;
		assert_false(ended && got > 0);
		plain->size += got;
		ended = got < step;
	} while (got > 0);
	return true;
}

static inline struct inflate *sample_open(struct points *points)
{
	struct inflate *reader = NULL;
	struct error error;
	assert_true(inflate_open(&reader, sample_path, PACKING_GZIP, SAMPLE_SPAN,
		points != NULL ? points_keep : NULL, points, &error));
	return reader;
}

/* Opens what sample_write wrote, reads it all. */
static inline bool sample_read(
	size_t step, struct points *points, struct buf *plain, struct error *error)
{
	struct inflate *reader = sample_open(points);
	bool done = sample_drain(reader, step, plain, error);
	inflate_close(reader);
	return done;
}

static inline void sample_must_fail(enum error_kind kind, const char *words)
{
	struct error error = { 0 };
	struct buf plain = { 0 };
	assert_false(sample_read(4096, NULL, &plain, &error));
	assert_int_equal(error.kind, kind);
	if (strstr(error.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, error.text);
	buf_free(&plain);
}

static inline void assert_same_bytes(const struct buf *got, const char *want, size_t size)
{
	assert_int_equal(got->size, size);
	if (size > 0)
		assert_memory_equal(got->bytes, want, size);
}

#endif
