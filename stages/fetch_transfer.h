/*
 * fetch_transfer.h: one request while libcurl carries it. Private to fetch_ask.c, which sets it up
 * and watches it, and fetch_failure.c, which says why it ended without an answer.
 *
 * Threads: belongs to the ask_send that made it.  Memory: curl and headers are freed by ask_send.
 */
#ifndef STAGES_FETCH_TRANSFER_H
#define STAGES_FETCH_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/fetch_ask.h"

#define REDIRECTS_MAX 8L
#define HEADERS_MAX   ((size_t)256 << 10) /* bytes of all headers of all hops */

struct transfer {
	struct ask *ask;
	CURL *curl;
	struct curl_slist *headers;
	char said[CURL_ERROR_SIZE];
	bool secure;    /* some hop was https */
	bool fell;      /* and the next was to be http */
	bool connected; /* the stall clock runs */
	bool stalled;
	bool unwanted;
	bool flooded;  /* by headers */
	int no_socket; /* errno, where the system gave none */
	size_t header_bytes;
	curl_off_t marked; /* body bytes when the stall window began */
	uint64_t marked_ms;
};

/* Those of the response itself; 103 and the like come before it. */
bool transfer_headers_there(const struct answer *answer);

/* What libcurl's code means, beside what was noted in *transfer meanwhile; sets *error. */
enum ask_end transfer_end_failed(
	const struct transfer *transfer, CURLcode code, struct error *error);

/* For libcurl an answer may end wherever the connection does, even in its headers. */
enum ask_end transfer_end_in_headers(struct error *error);

#endif
