/*
 * fetch_answer.h: what a server said, and what may be believed of it.
 *
 * The rules of a download apart from the network that carries it: headers come in line by line, and
 * a verdict comes out. Nothing here knows curl, so every odd answer can be told in a test.
 *
 *   fetch_answer.c   reads the headers
 *   fetch_verdict.c  answer_judge and validators_strong
 *
 * Threads: no state but what the caller holds.  Memory: none is allocated.
 */
#ifndef STAGES_FETCH_ANSWER_H
#define STAGES_FETCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"
#include "state/edition.h"

#define RETRY_AFTER_MAX_MS ((uint64_t)600000) /* no server makes us wait longer than this */

/* The headers of one response. */
struct answer {
	int status;      /* 0: none came */
	char reason[48]; /* printable */
	bool local;      /* a file:// URL: no status, no validators */
	bool complete;   /* the headers have ended; lines that follow are trailers */
	char etag[256];  /* well formed, or "" */
	char last_modified[64];
	uint64_t length; /* Content-Length */
	bool has_length;
	bool length_bad; /* not a number, or two that differ */
	bool chunked;
	bool encoded;         /* a Content-Encoding other than identity */
	bool has_range;       /* a Content-Range that can be read: [range_first, range_last] */
	uint64_t range_first; /* inclusive, as HTTP has it */
	uint64_t range_last;
	uint64_t range_total;
	bool has_total;
	char retry_after[64];
	char date[64];
};

/* What was asked for. */
struct question {
	const struct validators
		*have; /* sent as If-None-Match or If-Modified-Since; NULL: nothing */
	const struct validators
		*part; /* sent as If-Range with Range: bytes=<offset>-; NULL: no Range */
	uint64_t offset;
};

enum verdict {
	VERDICT_TAKE,          /* the body is the whole file */
	VERDICT_CONTINUE,      /* the body goes on at question.offset */
	VERDICT_UNCHANGED,     /* what we have is what there is; no body is wanted */
	VERDICT_WITHOUT_RANGE, /* ask again at once, for the whole file */
	VERDICT_WITHOUT_HAVE,  /* ask again at once, without a condition */
	VERDICT_RETRY,         /* may go away: wait and ask again */
	VERDICT_RETRY_ONCE,    /* hardly goes away: ask once more */
	VERDICT_FAIL,
};

/* Takes in one header line. A status line forgets what came before, so that after redirects only
 * the final response is left. Values too long for their field count as not given. */
void answer_header(struct answer *answer, const char *line, size_t size);

/* Every verdict from WITHOUT_RANGE on sets *error. */
enum verdict answer_judge(
	const struct answer *answer, const struct question *question, struct error *error);

/* The validators of the whole file, also when the answer is a 206. */
void answer_validators(const struct answer *answer, struct validators *validators);

/* How long Retry-After (seconds or an HTTP date) asks us to wait, at most RETRY_AFTER_MAX_MS; 0: it
 * does not say. */
uint64_t answer_retry_ms(const struct answer *answer);

/* Whether a part of a file with these validators can be continued: by a strong ETag, or by
 * Last-Modified with the length. */
bool validators_strong(const struct validators *validators);

#endif
