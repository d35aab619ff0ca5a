/*
 * site.h: a web server for tests that says exactly what it is told, however wrong.
 *
 * Replies are laid down beforehand; the n-th request gets the n-th, those after the last get 500.
 * What was asked is kept. One connection a request.
 */
#ifndef TESTS_UNIT_SITE_H
#define TESTS_UNIT_SITE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SITE_REPLIES 16

struct site_reply {
	char head[1024]; /* status line and headers, ended by the empty line */
	const void *body;
	size_t size;
	unsigned hold_ms; /* the connection stays open this long after the body */
	size_t piece;     /* bytes a write; 0: all at once */
};

struct site {
	int fd;
	int port;
	pthread_t thread;
	struct site_reply replies[SITE_REPLIES];
	unsigned count;
	char requests[SITE_REPLIES + 1][2048];
	atomic_uint asked;
	atomic_bool ending;
};

void site_start(struct site *site);

/* Lines of `head` are ended by \n here and by CRLF on the wire; "Connection: close" is added. */
struct site_reply *site_reply(struct site *site, const void *body, size_t size, const char *head,
	...) __attribute__((format(printf, 4, 5)));

/* Whether request `i` (from 0) has this header line, exactly. */
bool site_was_sent(const struct site *site, unsigned i, const char *line);

void site_end(struct site *site);

#endif
