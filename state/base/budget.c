#include "state/base/budget.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENAS_MOST    2           /* one a thread would keep each its own free memory */
#define MMAP_THRESHOLD (256 << 10) /* chunks and caches go back to the system when freed */

static bool read_number(const char *path, uint64_t *number)
{
	char text[64];
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	char *line = fgets(text, sizeof(text), file);
	fclose(file);
	if (line == NULL || strncmp(line, "max", 3) == 0)
		return false;
	char *end;
	*number = strtoull(line, &end, 10);
	return end != line;
}

/* Follows one cgroup path to the root of its tree and keeps the lowest limit seen. */
static void lowest_up(const char *root, char *path, const char *file, uint64_t *lowest)
{
	for (;;) {
		char name[1024];
		uint64_t limit;
		int size = snprintf(name, sizeof(name), "%s%s/%s", root, path, file);
		if (size > 0 && (size_t)size < sizeof(name) && read_number(name, &limit) &&
			limit > 0 && limit < (uint64_t)1 << 60 && (*lowest == 0 || limit < *lowest))
			*lowest = limit;
		char *slash = strrchr(path, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

static uint64_t cgroup_limit(void)
{
	uint64_t lowest = 0;
	char line[1024];
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *controllers = strchr(line, ':');
		char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
		if (path == NULL)
			continue;
		*path++ = '\0';
		if (strcmp(path, "/") == 0)
			path[0] = '\0';
		if (controllers[1] == '\0')
			lowest_up("/sys/fs/cgroup", path, "memory.max", &lowest);
		else if (strstr(controllers + 1, "memory") != NULL)
			lowest_up("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", &lowest);
	}
	fclose(file);
	return lowest;
}

bool budget_make(struct budget *budget, uint64_t asked, struct error *error)
{
	budget->cgroup_limit = cgroup_limit();
	budget->limit = asked != 0 ? asked : BUDGET_DEFAULT;
	if (budget->cgroup_limit != 0 && budget->cgroup_limit < budget->limit)
		budget->limit = budget->cgroup_limit;
	if (budget->limit < BUDGET_LEAST)
		return error_set(error, ERROR_REFUSED,
			"the memory limit is %llu MiB and at least %llu MiB are needed: raise MEMORY_LIMIT "
			"or the container's limit",
			(unsigned long long)(budget->limit >> 20),
			(unsigned long long)(BUDGET_LEAST >> 20));
	budget->chunk_bytes = budget->limit / 64;
	if (budget->chunk_bytes < (uint64_t)1 << 19)
		budget->chunk_bytes = (uint64_t)1 << 19;
	if (budget->chunk_bytes > (uint64_t)4 << 20)
		budget->chunk_bytes = (uint64_t)4 << 20;
	budget->chunks_spare = 2;
	mallopt(M_ARENA_MAX, ARENAS_MOST);
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	return true;
}

void budget_trim(void)
{
	malloc_trim(0);
}

/* The value of one "Name:   123 kB" line of /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *name)
{
	char line[256];
	uint64_t bytes = 0;
	size_t size = strlen(name);
	FILE *file = fopen("/proc/self/status", "re");
	if (file == NULL)
		return 0;
	while (bytes == 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, size) == 0)
			bytes = strtoull(line + size, NULL, 10) * 1024;
	fclose(file);
	return bytes;
}

uint64_t budget_resident(void)
{
	return status_bytes("VmRSS:");
}

uint64_t budget_resident_peak(void)
{
	return status_bytes("VmHWM:");
}
