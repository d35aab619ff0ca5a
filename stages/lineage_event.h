/*
 * lineage_event.h: one OpenLineage run event as JSON.
 *
 * Every event says all that is known by then: which run and job, from which source to which table.
 * Names follow OpenLineage's conventions (a namespace and a name make a URI); they never hold a
 * user, a password or a query.
 *
 * Threads: any.  Memory: an event is some kilobytes.
 */
#ifndef STAGES_LINEAGE_EVENT_H
#define STAGES_LINEAGE_EVENT_H

#include <stdint.h>

#include "stages/lineage_left.h"
#include "stages/sink.h"
#include "state/base/buf.h"

#define LINEAGE_SPEC "https://openlineage.io/spec/"
#define LINEAGE_JOB  "dvf-import" /* a year's job has its number behind it: dvf-import.2021 */

enum lineage_type { LINEAGE_START, LINEAGE_COMPLETE, LINEAGE_FAIL, LINEAGE_ABORT };

/* What became of a year. */
struct lineage_figures {
	uint64_t rows, rejects;
	uint64_t plain_size; /* bytes of its records and header; 0: not known */
};

struct lineage_event {
	enum lineage_type type;
	const struct lineage_run *run;
	const char *message;                   /* how it failed; NULL: it did not */
	const struct edition *edition;         /* its source; NULL: no datasets */
	const struct sink_place *place;        /* its table; NULL: not known yet */
	const struct sink_place *from;         /* the table it is copied from; NULL: it is loaded */
	const struct lineage_figures *figures; /* NULL: not known */
};

/* One line without a newline. */
bool lineage_event_make(struct buf *json, const struct lineage_event *event, struct error *error);

/* The same event's datasets, as members "inputs" and "outputs" (lineage_dataset.c). */
bool lineage_datasets_add(struct buf *json, const struct lineage_event *event, struct error *error);

/* `"<name>":{"_producer":...,"_schemaURL":...`, to be closed by the caller. `schema` is the name of
 * the facet's schema, `version` that of its file. */
bool lineage_facet_begin(struct buf *json, const char *name, const char *version,
	const char *schema, struct error *error);
bool lineage_text_add(struct buf *json, const char *name, const char *text, struct error *error);
bool lineage_number_add(struct buf *json, const char *name, uint64_t number, struct error *error);
bool lineage_object_begin(struct buf *json, const char *name, struct error *error);

/* A new UUID, version 7: ordered by time. False: there is no randomness to be had. */
bool lineage_uuid(char id[static LINEAGE_UUID]);

#endif
