#include "state/base/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_HERE 2048
#define NO_LIMIT      ((uint64_t)1 << 60) /* v1 writes a number near 2^63 */

/* Where one version keeps its figures. */
struct version {
	const char *mount;
	const char *limits[2];
	const char *used[2]; /* fields of memory.stat, summed */
};

static const struct version v1 = { .mount = "/sys/fs/cgroup/memory",
	.limits = { "memory.limit_in_bytes" },
	.used = { "total_rss", "total_shmem" } };
/* "anon" has no shared memory in it. */
static const struct version v2 = { .mount = "/sys/fs/cgroup",
	.limits = { "memory.max", "memory.high" },
	.used = { "anon", "shmem" } };
/* Where v1 is mounted beside it. */
static const struct version v2_unified = { .mount = "/sys/fs/cgroup/unified",
	.limits = { "memory.max", "memory.high" },
	.used = { "anon", "shmem" } };

static FILE *open_in(const char *folder, const char *name)
{
	char path[PATH_MAX_HERE];
	int size = snprintf(path, sizeof(path), "%s/%s", folder, name);
	return size > 0 && (size_t)size < sizeof(path) ? fopen(path, "re") : NULL;
}

/* "max" and what is no number are no limit. */
static bool read_limit(const char *folder, const char *name, uint64_t *limit)
{
	char text[64];
	FILE *file = open_in(folder, name);
	if (file == NULL)
		return false;
	char *line = fgets(text, sizeof(text), file);
	fclose(file);
	if (line == NULL || line[0] < '0' || line[0] > '9')
		return false;
	*limit = strtoull(line, NULL, 10);
	return *limit < NO_LIMIT;
}

static bool lowest_limit(const struct version *version, const char *folder, uint64_t *lowest)
{
	bool limited = false;
	for (unsigned i = 0; i < 2 && version->limits[i] != NULL; i++) {
		uint64_t limit = 0;
		if (read_limit(folder, version->limits[i], &limit) &&
			(!limited || limit < *lowest)) {
			*lowest = limit;
			limited = true;
		}
	}
	return limited;
}

static uint64_t in_use(const struct version *version, const char *folder)
{
	char line[256];
	uint64_t used = 0;
	FILE *file = open_in(folder, "memory.stat");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		size_t size = strcspn(line, " ");
		for (unsigned i = 0; i < 2; i++)
			if (strlen(version->used[i]) == size &&
				strncmp(line, version->used[i], size) == 0)
				used += strtoull(line + size, NULL, 10);
	}
	fclose(file);
	return used;
}

static uint64_t left_by(const struct cgroup *cgroup)
{
	return cgroup->used < cgroup->limit ? cgroup->limit - cgroup->used : 0;
}

/* From one cgroup to the root of its tree. In a container the path may be that of the host, and
 * only the root be there. */
static void look_up(
	const char *root, const struct version *version, const char *path, struct cgroup *least)
{
	char folder[PATH_MAX_HERE];
	int size = snprintf(folder, sizeof(folder), "%s%s%s", root, version->mount, path);
	size_t mount = strlen(root) + strlen(version->mount);
	if (size < 0 || (size_t)size >= sizeof(folder))
		return;
	for (;;) {
		struct cgroup here = { .limited = true };
		if (lowest_limit(version, folder, &here.limit)) {
			here.used = in_use(version, folder);
			if (!least->limited || left_by(&here) < left_by(least))
				*least = here;
		}
		char *slash = strrchr(folder, '/');
		if (slash == NULL || (size_t)(slash - folder) < mount)
			return;
		*slash = '\0';
	}
}

/* Whether `name` is one of the comma separated ones. */
static bool has_word(const char *words, const char *name)
{
	size_t size = strlen(name);
	for (const char *at = words; *at != '\0'; at += *at == ',') {
		size_t word = strcspn(at, ",");
		if (word == size && strncmp(at, name, size) == 0)
			return true;
		at += word;
	}
	return false;
}

/* One line of /proc/self/cgroup: number, controllers, path; v2's has no controllers. */
static void look_at(const char *root, char *line, struct cgroup *least)
{
	line[strcspn(line, "\n")] = '\0';
	char *controllers = strchr(line, ':');
	char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
	if (path == NULL)
		return;
	controllers++;
	*path++ = '\0';
	if (strcmp(path, "/") == 0)
		path++;
	if (has_word(controllers, "memory"))
		look_up(root, &v1, path, least);
	if (controllers[0] != '\0')
		return;
	look_up(root, &v2, path, least);
	look_up(root, &v2_unified, path, least);
}

void cgroup_read(const char *root, struct cgroup *cgroup)
{
	char folder[PATH_MAX_HERE];
	char line[PATH_MAX_HERE];
	*cgroup = (struct cgroup){ 0 };
	int size = snprintf(folder, sizeof(folder), "%s/proc/self", root);
	if (size < 0 || (size_t)size >= sizeof(folder))
		return;
	FILE *file = open_in(folder, "cgroup");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		look_at(root, line, cgroup);
	fclose(file);
}
