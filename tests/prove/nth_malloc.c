// nth-malloc: let one allocation of a program fail, each time another one. Preloaded (LD_PRELOAD),
// so the allocations of its libraries are among them.
//
//   NTH_MALLOC_TRIED=FILE  stacks whose allocation has failed already, a hash a line. The first
//                          allocation with another stack fails, and is added to the file: run it
//                          again until nothing is added
//   NTH_MALLOC_SKIP=N      the first N allocations with new stacks succeed, and are not added
//   NTH_MALLOC_COUNT=FILE  none fails; "allocations stacks" is written to the file at the end
//
// A stack is its innermost frames' addresses: run it with `setarch -R`, so that they are the same
// every time. Only what comes after the program's own start-up counts: a loader that finds no
// memory is no fault of the program's.

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES     10
#define TABLE_SIZE 65536 // a power of two; far more than there are stacks

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static uint64_t known[TABLE_SIZE];
static uint64_t allocations, stacks, skip;
static const char *tried_file, *count_file;
static bool is_on, has_failed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool is_inside; // backtrace allocates, too

// True when it was not there.
static bool add(uint64_t hash)
{
	size_t at = hash & (TABLE_SIZE - 1);
	while (known[at] != 0 && known[at] != hash)
		at = (at + 1) & (TABLE_SIZE - 1);
	if (known[at] == hash)
		return false;
	known[at] = hash;
	return true;
}

static uint64_t stack_hash(void)
{
	void *frames[FRAMES + 3];
	uint64_t hash = 14695981039346656037u;
	int count = backtrace(frames, FRAMES + 3);
	for (int i = 3; i < count; i++) // without those of this file
		hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
	return hash != 0 ? hash : 1;
}

static void note_tried(uint64_t hash)
{
	char line[32];
	int size = snprintf(line, sizeof line, "%016llx\n", (unsigned long long)hash);
	int fd = open(tried_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1 || write(fd, line, (size_t)size) != size)
		abort();
	close(fd);
}

// Whether this allocation is the one to fail.
static bool must_fail(void)
{
	bool fails = false;
	if (!is_on || is_inside)
		return false;
	is_inside = true;
	int saved = errno;
	pthread_mutex_lock(&lock);
	allocations++;
	if (!has_failed) {
		uint64_t hash = stack_hash();
		if (add(hash)) {
			stacks++;
			fails = tried_file != NULL && skip == 0;
			skip -= skip > 0;
			if (fails)
				note_tried(hash);
			has_failed = fails;
		}
	}
	pthread_mutex_unlock(&lock);
	errno = fails ? ENOMEM : saved;
	is_inside = false;
	return fails;
}

void *malloc(size_t size)
{
	return must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return must_fail() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return must_fail() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *made = must_fail() ? NULL : __libc_memalign(alignment, size);
	if (made == NULL)
		return ENOMEM;
	*out = made;
	return 0;
}

static void read_tried(void)
{
	char line[32];
	FILE *file = fopen(tried_file, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		add(strtoull(line, NULL, 16));
	if (file != NULL)
		fclose(file);
}

__attribute__((constructor)) static void begin(void)
{
	void *frames[1];
	tried_file = getenv("NTH_MALLOC_TRIED");
	count_file = getenv("NTH_MALLOC_COUNT");
	skip = getenv("NTH_MALLOC_SKIP") != NULL ? strtoull(getenv("NTH_MALLOC_SKIP"), NULL, 10)
						 : 0;
	if (tried_file != NULL)
		read_tried();
	backtrace(frames, 1); // loads what it needs before anything can fail
	is_on = tried_file != NULL || count_file != NULL;
}

__attribute__((destructor)) static void end(void)
{
	is_on = false;
	FILE *file = count_file != NULL ? fopen(count_file, "we") : NULL;
	if (file == NULL)
		return;
	fprintf(file, "%llu %llu\n", (unsigned long long)allocations, (unsigned long long)stacks);
	fclose(file);
}
