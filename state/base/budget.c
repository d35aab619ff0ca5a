#include "state/base/budget.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENAS_MOST    2           /* one a thread would keep each its own free memory */
#define MMAP_THRESHOLD (256 << 10) /* chunks and caches go back to the system when freed */
#define OTHERS_LEAST   (1 << 20)   /* less than this is a shell, or the figures' own fuzz */

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

void budget_fit(struct budget *budget, const struct cgroup *cgroup, uint64_t own)
{
	uint64_t others = cgroup->used > own ? cgroup->used - own : 0;
	uint64_t left;
	budget->limit = budget->asked != 0 ? budget->asked : BUDGET_DEFAULT;
	budget->cgroup_limit = cgroup->limited ? cgroup->limit : 0;
	budget->others = cgroup->limited && others >= OTHERS_LEAST ? others : 0;
	if (!cgroup->limited)
		return;
	left = budget->others < cgroup->limit ? cgroup->limit - budget->others : 0;
	if (left < budget->limit)
		budget->limit = left;
}

void budget_look(struct budget *budget)
{
	struct cgroup cgroup;
	cgroup_read("", &cgroup);
	budget_fit(budget, &cgroup, status_bytes("RssAnon:") + status_bytes("RssShmem:"));
}

void budget_why(const struct budget *budget, char why[static BUDGET_WHY])
{
	uint64_t wanted = budget->asked != 0 ? budget->asked : BUDGET_DEFAULT;
	if (budget->limit == wanted)
		snprintf(
			why, BUDGET_WHY, "%s", budget->asked != 0 ? "MEMORY_LIMIT" : "the default");
	else if (budget->others == 0)
		snprintf(why, BUDGET_WHY, "the cgroup's");
	else
		snprintf(why, BUDGET_WHY, "what others leave of the cgroup's %llu MiB",
			(unsigned long long)(budget->cgroup_limit >> 20));
}

bool budget_make(struct budget *budget, uint64_t asked, struct error *error)
{
	char why[BUDGET_WHY];
	*budget = (struct budget){ .asked = asked };
	budget_look(budget);
	budget_why(budget, why);
	mallopt(M_ARENA_MAX, ARENAS_MOST);
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	return budget->limit >= BUDGET_LEAST ||
	       error_set(error, ERROR_REFUSED,
		       "the memory limit is %.1f MiB (%s) and at least %llu MiB are needed: raise "
		       "MEMORY_LIMIT or the container's limit",
		       (double)budget->limit / (1 << 20), why,
		       (unsigned long long)(BUDGET_LEAST >> 20));
}

void budget_trim(void)
{
	malloc_trim(0);
}

uint64_t budget_resident(void)
{
	return status_bytes("VmRSS:");
}

uint64_t budget_resident_peak(void)
{
	return status_bytes("VmHWM:");
}
