/*
 * failing_sink.h: a real sink, one of whose calls fails.
 *
 * Every call goes through to the sink it wraps and is counted. The one that is chosen fails with
 * an error of the chosen kind, before the real call is made or after it was done: a COMMIT that
 * fails after it was done is one whose answer was lost.
 *
 * Threads: as a sink.
 */
#ifndef TESTS_UNIT_FAILING_SINK_H
#define TESTS_UNIT_FAILING_SINK_H

#include <stdatomic.h>

#include "stages/sink.h"

#define REFUSED_MOST 256

enum call {
	CALL_TAKE,
	CALL_PUBLISHED,
	CALL_RECALL,
	CALL_BEGIN,
	CALL_FORGET,
	CALL_CONFIRM,
	CALL_COMPLETED,
	CALL_INDEX,
	CALL_CHECK,
	CALL_PUBLISH,
	CALL_JUDGE,
	CALL_FINISH,
	CALL_LOADER_OPEN,
	CALL_LOADER_BEGIN,
	CALL_COPY,
	CALL_ROW, /* one that a copy asks for: the call is ours then */
	CALL_COPY_UNDO,
	CALL_WITNESS,
	CALL_COMMIT,
	CALL_HEAD_ADD,
	CALLS,
};

struct failing_sink {
	struct sink sink;
	struct sink_ops ops; /* max_loaders may be set */
	struct sink *real;

	unsigned fail_at; /* 1: the first call; 0: none */
	enum error_kind fail_kind;
	bool fail_after;            /* the real call was done */
	bool fail_on;               /* and every later one of the same sort, before it is made */
	atomic_uint calls;          /* since failing_sink_reset */
	atomic_uint made[CALLS];    /* by sort */
	atomic_int failed;          /* the sort of the call that failed; -1: none did */
	unsigned commits_to_a_stop; /* stop_request() after so many commits; 0: never */

	bool refused[REFUSED_MOST]; /* copies that hold these source_rows are refused as data */

	/* Called before each call; may be NULL. */
	void (*watch)(void *context, enum call call);
	void *context;
};

/* Takes the real sink over; sink_close(&failing->sink) closes both. */
struct failing_sink *failing_sink_new(struct sink *real);

/* Forgets what was to fail and what was counted. */
void failing_sink_reset(struct failing_sink *failing);

const char *call_word(enum call call);

#endif
