/*
 * lineage_left.h: lineage runs that were told to have started and not yet to have ended.
 *
 * They stand in a small file of the state folder, openlineage.open. Whoever holds that folder's
 * lock and finds some there took over from a process that was killed, and says ABORT for them.
 *
 * After a crash: the file is replaced by rename, never written in place. It is not synced: after a
 * power cut it may be older, so that an ABORT is missing or follows another end. A file that cannot
 * be written costs an ABORT and nothing else.
 * Threads: main.  Memory: LINEAGE_OPEN_MAX runs.
 */
#ifndef STAGES_LINEAGE_LEFT_H
#define STAGES_LINEAGE_LEFT_H

#include <stdbool.h>

#define LINEAGE_OPEN_MAX  80 /* more than a run has years */
#define LINEAGE_UUID      37
#define LINEAGE_JOB_MAX   32
#define LINEAGE_SPACE_MAX 256

/* A run in the sense of OpenLineage: our run as a whole, or one year of it. */
struct lineage_run {
	char id[LINEAGE_UUID];
	char parent[LINEAGE_UUID]; /* "": none */
	char job[LINEAGE_JOB_MAX];
	char job_namespace[LINEAGE_SPACE_MAX];
	int year;    /* 0: the run as a whole, or not known */
	bool copied; /* from another table of ours, not loaded from its source */
};

struct lineage_runs {
	struct lineage_run items[LINEAGE_OPEN_MAX];
	unsigned count;
};

/* What an earlier process left; none if the file cannot be read. */
void lineage_left_read(const char *state_folder, struct lineage_runs *runs);

/* Replaces the file; with no run it goes. */
void lineage_left_write(const char *state_folder, const struct lineage_runs *runs);

#endif
