/*
 * lineage.h: tells a lineage server, or a file, what a run does: OpenLineage run events.
 *
 * The run as a whole is a job, dvf-import; each year that it loads is a job of its own under it,
 * dvf-import.2021, from its source to the table. START when a year begins to be loaded, COMPLETE
 * once it is published, FAIL when it failed, was refused or is held, ABORT when the run was
 * interrupted. A year that is in already and costs one request makes no events. What a killed run
 * could not say any more the next run says for it: ABORT.
 *
 * Nothing here can stop or change an import: what goes wrong is one warning. Everything accepts
 * NULL for "no lineage is wanted" and then does nothing.
 *
 * After a crash: see lineage_left.h.  Threads: main; lineage_send.h has one of its own.
 * Memory: fixed, and the events that a server has not taken yet.
 */
#ifndef STAGES_LINEAGE_H
#define STAGES_LINEAGE_H

#include <stdbool.h>

#include "stages/pipeline.h"

#define LINEAGE_NAMESPACE "dvf-import" /* of our jobs, unless another is set */

struct lineage;

struct lineage_settings {
	char *target; /* owned: a path or an http(s) URL, which may hold a secret; NULL: none */
	char *token;  /* owned: for the server; NULL: none */
	const char *job_namespace;
	const char *ca_file;
	const char *state_folder;
};

/* Takes FILE, file:///FILE or an http(s) URL; one without a path gets /api/v1/lineage, as with
 * OpenLineage's own clients. *target is malloc'd; what was there is freed. ERROR_USAGE says what is
 * wrong and shows no secret. */
bool lineage_target_take(char **target, const char *text, struct error *error);

/* Says ABORT for the runs that a killed process left, and START for this one. NULL: no target, or
 * (after a warning) no lineage. The settings must outlive it. */
struct lineage *lineage_open(const struct lineage_settings *settings);

/* START, unless it was said. After sink->ops->take. */
void lineage_year_begin(struct lineage *lineage, struct sink *sink, const struct edition *edition);

/* The same for a year that is copied from what `from`, looked at, serves. */
void lineage_copy_begin(struct lineage *lineage, struct sink *sink, struct sink *from,
	const struct edition *edition);

/* COMPLETE or FAIL, by the outcome. A year that had no START gets one if it failed. Without an
 * outcome it goes on. `edition` may have a URL only. */
void lineage_year_end(struct lineage *lineage, struct sink *sink, const struct edition *edition,
	const struct year_progress *progress);

enum lineage_end { LINEAGE_END_DONE, LINEAGE_END_FAILED, LINEAGE_END_STOPPED };

/* Ends the years that are open and the run, then waits a moment for the server. */
void lineage_close(struct lineage *lineage, enum lineage_end end, const char *why);

#endif
