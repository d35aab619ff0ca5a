/*
 * fetch_download.h: one file on its way from an answer into a part, and from a part into a spool.
 *
 * A try is one request: download_try judges the answer, writes what may be believed, and says what
 * comes next. How often and after what wait is for fetch.c.
 *
 * After a crash: what `durable` was told counts, and only for the validators told with it.
 * Threads: belongs to the one that made it.  Memory: itself (about 12 KiB) and fetch_part.h's
 * buffer.
 */
#ifndef STAGES_FETCH_DOWNLOAD_H
#define STAGES_FETCH_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/fetch.h"
#include "stages/fetch_ask.h"
#include "stages/fetch_part.h"

#define PIECE_SIZE 2048 /* of an unwanted body, for the message */

enum phase {
	PHASE_HEAD,  /* the answer is not judged yet */
	PHASE_BODY,  /* the body goes into the part */
	PHASE_PIECE, /* the beginning of an error's body is kept for the message */
	PHASE_OVER,  /* no more of the body is wanted */
};

struct download {
	const struct fetch_settings *settings;
	const struct fetch_request *request;
	struct ask ask;
	struct part part; /* as the ledger knows it */
	struct part_file file;
	uint64_t limit;     /* this answer's body ends here at the latest */
	uint64_t size_most; /* furthest the part ever was: more than that is progress */
	unsigned failed;    /* tries since then that failed */
	bool heard;         /* a server has answered */
	bool range_useless;
	bool have_useless;
	enum phase phase;
	enum verdict verdict;
	bool strange; /* the body is not what was asked for */
	char piece[PIECE_SIZE];
	size_t piece_size;
	uint64_t told_ms, synced_ms;
	struct error error;
};

/* NULL: out of memory. */
struct download *download_new(
	const struct fetch_settings *settings, const struct fetch_request *request);

/* Takes up request->part where that is possible. */
bool download_open(struct download *download, struct error *error);

/* VERDICT_TAKE: the part is whole. Any but that and VERDICT_UNCHANGED: download->error is set, and
 * what came is durable. */
enum verdict download_try(struct download *download);

/* The whole part becomes *spool. */
bool download_finish(struct download *download, struct spool *spool, struct error *error);

/* Frees it; a part of which nothing is durable goes too. */
void download_close(struct download *download);

#endif
