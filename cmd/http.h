/*
 * http.h: a small HTTP server: answers GET and HEAD, and keeps streams of events open.
 *
 * Who takes too long to ask or to read is sent away, sooner where many are there: nobody can keep
 * others out for longer than that. There is no limit an address, as behind a proxy all have one.
 *
 * The only file that knows the library (libmicrohttpd). One thread does everything, in http_turn:
 * what answers may use what belongs to that thread.
 *
 * Threads: one.
 * Memory: 32 KiB a connection, HTTP_CONNECTIONS at most, and each answer as long as it is sent.
 */
#ifndef CMD_HTTP_H
#define CMD_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/listen.h"
#include "state/base/buf.h"

#define HTTP_CONNECTIONS 64
#define HTTP_STREAMS     32 /* of them */
#define HTTP_SEEN        16

struct http;

/* Texts live until the call returns; NULL: not given. */
struct http_request {
	const char *path;
	const char *host;        /* header Host */
	const char *language;    /* header Accept-Language */
	const char *lang, *year; /* ?lang= and ?year= */
};

/* What a stream shows, and what it showed last; the handler's. */
struct http_view {
	bool french;
	int year;
	uint64_t seen[HTTP_SEEN];
	uint64_t spoke_ms;
};

struct http_answer {
	unsigned status;
	const char *type;   /* a constant */
	const char *policy; /* Content-Security-Policy; a constant */
	struct buf body;
	bool stream; /* body goes first, then what http_filling adds */
	struct http_view view;
};

/* Fills the answer; a body that cannot be made becomes 503. */
typedef void http_handling(
	void *context, const struct http_request *request, struct http_answer *answer);
/* Adds what is new for a stream, or nothing. */
typedef void http_filling(void *context, struct http_view *view, struct buf *out);

struct http_settings {
	struct listen_at listen;
	http_handling *handle;
	http_filling *fill;
	void *context;
};

/* Errors are listen_open's. */
bool http_open(struct http **http, const struct http_settings *settings, struct error *error);
/* Does what there is to do, waiting up to wait_ms for something; then streams are filled if
 * `fill`. */
bool http_turn(struct http *http, uint64_t wait_ms, bool fill, struct error *error);
/* Where it listens; it closes the fd itself. */
const struct listening *http_listening(const struct http *http);
unsigned http_streams(const struct http *http);
void http_close(struct http *http); /* NULL is accepted */

#endif
