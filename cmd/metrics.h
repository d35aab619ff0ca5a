/*
 * metrics.h: what a look shows, as Prometheus reads it (text format 0.0.4).
 *
 * Threads: any.  Memory: the buf's, some KiB.
 */
#ifndef CMD_METRICS_H
#define CMD_METRICS_H

#include "cmd/html.h"
#include "cmd/standing.h"

/* `look` NULL: there is none. */
bool metrics_write(struct buf *text, const struct look *look, const struct standing *standing,
	const struct chain_seen *chain, struct error *error);

#endif
