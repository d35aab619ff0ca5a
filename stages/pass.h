/*
 * pass.h: one pass over the gaps of an edition: a reader and K loaders side by side.
 *
 * The main thread takes their events; what a pass could not load stays a gap for the next one.
 *
 * Threads: pass_run is called in the main thread, which alone calls back.
 * Memory: loaders * together + spare chunks, freed at the end of the pass.
 */
#ifndef STAGES_PASS_H
#define STAGES_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/reader.h"
#include "stages/sink.h"

struct pass {
	struct sink *sink;
	const struct edition *edition;
	const struct header *header;
	struct reader reader; /* its context and callbacks are set here */
	const struct reader_gap *gaps;
	unsigned gap_count;
	unsigned loaders;
	unsigned together; /* chunks a loader takes at once, at most TOGETHER_MOST */
	unsigned spare;
	void *context;
	/* A chunk is in. False ends the pass with the error set. */
	bool (*loaded)(void *context, const struct chunk_record *record, uint64_t packed,
		struct error *error);
	/* A new access point; false as above. The point stays the pass's. */
	bool (*point)(void *context, const struct point *point, struct error *error);
	/* Called at least every 100 ms. False ends the pass early: what is not in stays a gap. */
	bool (*tick)(void *context);
};

struct pass_result {
	struct reader_end end;
	unsigned chunks;             /* that are in */
	unsigned put_back;           /* that failed and stay gaps */
	struct error put_back_error; /* the last reason for that */
};

/* True: everything was tried (see put_back). ERROR_LOST: fence and read the witness before going
 * on; nothing else is sure. ERROR_CHANGED: the destination has records that no chunk counts; the
 * edition is to be begun afresh. Other errors end its import for this run. */
bool pass_run(struct pass *pass, struct pass_result *result, struct error *error);

#endif
