/*
 * lineage_send.h: where lineage events go: a file, or a server's URL.
 *
 * A file gets each event as one line, appended by one write(2) in the caller's thread; what a full
 * disk cut off is taken back. A server gets them by POST from a thread of its own, in their order,
 * each tried a few times. Whatever goes wrong is one warning and no more: an import never waits
 * for lineage, fails for it or ends differently because of it.
 *
 * After a crash: what the file has is whole lines, but perhaps for the last one, behind which the
 * next run begins a new line. What a server had not taken yet is lost.
 *
 * Threads: one caller, and one thread for a server.  Memory: at most LINEAGE_WAITING events.
 */
#ifndef STAGES_LINEAGE_SEND_H
#define STAGES_LINEAGE_SEND_H

#include <stdbool.h>

#include "state/base/buf.h"
#include "state/base/error.h"

#define LINEAGE_WAITING 32 /* events for a server; more are dropped */

struct lineage_send;

/* `target`: an http or https URL, or a path. `token`, `ca_file`: for a server; may be NULL. Texts
 * are borrowed. NULL with *error: there is no memory or no thread. */
struct lineage_send *lineage_send_open(
	const char *target, const char *token, const char *ca_file, struct error *error);

/* Never waits for a server. The event is one line without its newline. */
void lineage_send(struct lineage_send *send, const struct buf *event);

/* Waits a moment for what a server has not taken yet, at most LINEAGE_PATIENCE_MS and a second. */
#define LINEAGE_PATIENCE_MS 2000
void lineage_send_close(struct lineage_send *send); /* NULL is accepted */

/* A server, not a file. */
bool lineage_is_server(const char *target);

/* The target without user, password and query: for people. */
void lineage_target_shown(const char *target, char *shown, size_t room);

#endif
