/*
 * load.h: one edition from its spool into the sink, by passes, until the witness has no gap.
 *
 * The witness is read before each pass and its word replaces the ledger's (I1); then the gaps are
 * planned. A pass that made progress is followed by another; one that made none ends the load with
 * its reason. When the memory limit falls, the pass ends and the next one has a smaller plan.
 *
 * After a crash: the same call goes on where the witness says.  Threads: main.
 */
#ifndef STAGES_LOAD_H
#define STAGES_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/plan.h"
#include "stages/reader.h"
#include "stages/sink.h"
#include "state/ledger.h"

struct load {
	struct sink *sink;
	struct ledger *ledger;
	struct plan *plan;
	const struct edition *edition;
	struct spool *spool; /* verified and plain_size are set when a pass finds them */
	const char *path;    /* of the spool */
	enum packing packing;
	uint32_t chunk_rows; /* at most; fewer when the plan or short memory says so */
	double max_rejects_share;
	struct year_state *state; /* plain_done, rows, rejects are kept true */
	uint64_t *rows_now;       /* rows loaded by this run, added to */
	uint64_t chunks;          /* out: chunks loaded by this call */
	void *context;
	void (*tick)(void *context);
	bool from_point;       /* out: a pass began at an access point */
	bool refused;          /* out: too many rejects; the error says how many */
	uint64_t records_read; /* number of the last record, once a pass read to the end; 0: not
				  known */
	uint64_t looked_ms;    /* private: when memory was looked at */
	bool ended;            /* private: a pass read to the end */
	struct ranges ranges;  /* private */
};

/* True: every record is loaded or rejected, every CRC was right, and *total (but for rows, rejects:
 * check sets them) is known. ERROR_INPUT: the spool's bytes, or too many rejects (load->refused).
 * ERROR_CHANGED: the destination holds chunks of other bytes. ERROR_LOST: take the sink again, then
 * call this again. */
bool load_edition(struct load *load, struct year_total *total, struct error *error);

/* Under which name the ledger keeps an edition's completed ranges. */
#define LOAD_KEY 80
void load_key(const struct edition *edition, char key[static LOAD_KEY]);

/* How many of `records` may be rejects: the share, at least MAX_REJECTS_LEAST. */
uint64_t load_rejects_allowed(double share, uint64_t records);

#endif
