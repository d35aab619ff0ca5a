/*
 * cgroup.h: what memory the cgroups above this process leave to it, v1 and v2.
 *
 * Every level up the tree may have a limit and other processes that use some of it; the level that
 * leaves least counts. In use is what the kernel cannot take back by itself, anonymous and shared
 * memory: the page cache (inactive_file and the rest) is charged too, but goes as soon as it is in
 * the way, so a cgroup that is full of it is not full.
 *
 * Threads: any.  Memory: none is kept.
 */
#ifndef STATE_BASE_CGROUP_H
#define STATE_BASE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
	bool limited;   /* false: no level has a limit, and the rest is 0 */
	uint64_t limit; /* bytes; of v2's memory.max and memory.high the lower */
	uint64_t used;  /* bytes in use by all processes below that level, us among them */
};

/* `root` is put before /proc/self/cgroup and /sys/fs/cgroup: "" for the system itself. What is not
 * there or cannot be read is no limit. */
void cgroup_read(const char *root, struct cgroup *cgroup);

#endif
