/*
 * fetch.h: from a URL to a whole spool file, or to the word that nothing changed.
 *
 * A download goes into a .part file; every 8 MiB or 5 seconds it is fsynced and `durable` is told.
 * It becomes a spool by rename, after its length was compared with what the server announced and
 * its SHA-256 taken. A part is continued only by Range with If-Range on a strong ETag (or
 * Last-Modified with the length), and only if the answer is 206, starts at our offset and states
 * our total; anything else starts over. What cannot be a gzip file (HTML, XML, another magic) is
 * refused. https never falls to http.
 *
 * After a crash: bytes of the part behind the recorded durable length are not trusted.
 * Threads: fetch_file runs in one thread; its callbacks are called there.
 * Memory: curl's buffers and `chunk` bytes.
 */
#ifndef STAGES_FETCH_H
#define STAGES_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/inflate.h"
#include "state/base/error.h"
#include "state/edition.h"

struct fetch_settings {
	const char *spool_folder;
	uint32_t chunk; /* DOWNLOAD_CHUNK_SIZE: libcurl hands over so many bytes (1 KiB..512 KiB) */
	uint32_t connect_s;  /* most seconds to connect; 30 */
	uint32_t stall_s;    /* this long under 1 byte/s is a stall; 60 */
	uint32_t retries;    /* tries after the first, for what may go away; 8 */
	uint32_t backoff_ms; /* first wait; doubles up to 64-fold, with jitter; 1000 */
	const char *ca_file; /* NULL: the system's */
};

struct fetch_request {
	int year;
	const char *url; /* to ask; may hold user and password */
	enum packing packing;
	const struct validators *have; /* what we hold already (spool whole or year published):
					  asked with If-None-Match; NULL: ask for the bytes */
	const struct part *part;       /* to continue; NULL: start a new one */
	bool once;                     /* one try, as long as nobody answers */
	void *context;
	/* part->durable bytes are on disk now; called after each fsync, and first with durable 0.
	 */
	void (*durable)(void *context, const struct part *part);
	/* packed bytes so far, of how many (0: not known). At most every 100 ms. */
	void (*progress)(void *context, uint64_t done, uint64_t size);
};

enum fetch_outcome {
	FETCH_WHOLE,     /* *spool is filled, its file is in the spool folder and durable */
	FETCH_UNCHANGED, /* 304, or the same strong validators: what we have is what there is */
	FETCH_UNREACHED, /* with an error: at the last try no server said a word */
};

/* Once per process, before threads. */
bool fetch_start(struct error *error);
void fetch_end(void);

/* One request asks for both: what we have (If-None-Match) and the rest of the part (Range). A part
 * that is all there has its last byte asked for, so that the server says it is still its file. A
 * Retry-After wins over our own wait, up to ten minutes; progress begins the count of tries anew.
 * Retries by itself what may go away (network, 408, 425, 429, 5xx), until stop_requested. 404 and
 * 410: ERROR_GONE. ERROR_FULL when the announced size does not fit on the disk, before the first
 * byte. The spool's file is named by year and edition: an older spool of the year is left alone. */
bool fetch_file(const struct fetch_settings *settings, const struct fetch_request *request,
	enum fetch_outcome *outcome, struct spool *spool, struct error *error);

/* Asks with HEAD whether a year is there, for the default years. 200: true. 404, 403, 410: *there
 * false. Others are errors, retried as above. */
bool fetch_probe(const struct fetch_settings *settings, const char *url, bool *there,
	struct validators *validators, struct error *error);

#endif
