/*
 * run_lineage.h: what the environment says of lineage, and how a run ended in lineage's words.
 *
 * The variables are those of OpenLineage's own clients: OPENLINEAGE_URL, _API_KEY, _NAMESPACE,
 * _DISABLED.
 */
#ifndef CMD_RUN_LINEAGE_H
#define CMD_RUN_LINEAGE_H

#include "cmd/options.h"

/* Fills in what belongs to options->lineage.target. A key that no header can carry: ERROR_USAGE,
 * without the key. */
bool run_lineage_settings(struct options *options, struct error *error);

/* Adds "openlineage":"<target without secrets>" if there is one. */
bool run_lineage_json(const struct options *options, struct buf *json, struct error *error);

/* `code` is the exit code. NULL is accepted. */
void run_lineage_close(struct lineage *lineage, int code, const struct run_report *report,
	const struct error *error);

#endif
