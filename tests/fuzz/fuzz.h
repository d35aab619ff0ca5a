/*
 * fuzz.h: what the libFuzzer targets share: their input taken apart, files in memory, and `must`.
 *
 * A target is one file, fuzz_<name>.c, with LLVMFuzzerTestOneInput in it. Its input is a text, or a
 * script whose first bytes say what is to be done with the rest; an input that is too short goes on
 * as zeros, so that every input means something.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Freed memory is kept back for a while, but no more than what costs little. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16";
}

/* What has to hold for every input; libFuzzer keeps the one for which it does not. */
#define must(holds) must_hold((holds), #holds, __FILE__, __LINE__)

static inline void must_hold(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take_byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

/* `bytes` of them, the lowest first. */
static inline uint64_t take_number(struct input *input, unsigned bytes)
{
	uint64_t number = 0;
	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)take_byte(input) << 8 * i;
	return number;
}

/* At most `size` bytes, as an input of their own. */
static inline struct input take_piece(struct input *input, size_t size)
{
	struct input piece = { input->at, size < input->left ? size : input->left };
	if (piece.left > 0)
		input->at += piece.left;
	input->left -= piece.left;
	return piece;
}

/* Memory of just this size, so that reading one byte past it is found. */
static inline char *exact_copy(const void *bytes, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	must(copy != NULL);
	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

/* A file in memory that has a path as long as the process lives. */
struct memory_file {
	int fd;
	char path[32];
};

static inline void memory_file_put(struct memory_file *file, const void *bytes, size_t size)
{
	if (file->path[0] == '\0') {
		file->fd = memfd_create("fuzz", MFD_CLOEXEC);
		must(file->fd != -1);
		snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
	}
	must(ftruncate(file->fd, 0) == 0);
	must(size == 0 || pwrite(file->fd, bytes, size, 0) == (ssize_t)size);
}

/* An error as everybody may expect it: of a kind, with words, on one line. */
static inline void must_be_told(const struct error *error)
{
	must(error->kind != ERROR_NONE);
	must(memchr(error->text, '\0', sizeof(error->text)) != NULL);
	must(error->text[0] != '\0');
}

#endif
