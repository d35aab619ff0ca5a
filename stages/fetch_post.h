/*
 * fetch_post.h: one POST of a JSON text, carried by libcurl; for lineage, which must never hold an
 * import up.
 *
 * Redirects are not followed: the body and the token go to the address that was given and nowhere
 * else. What the server answers besides its status is thrown away.
 *
 * After a crash: nothing is kept.  Threads: any, after fetch_start.  Memory: curl's buffers.
 */
#ifndef STAGES_FETCH_POST_H
#define STAGES_FETCH_POST_H

#include <stdatomic.h>
#include <stddef.h>

#include "state/base/error.h"

struct post {
	const char *url;     /* http or https; may hold user and password */
	const char *token;   /* goes as "Authorization: Bearer"; NULL: none */
	const char *ca_file; /* NULL: the system's */
	const char *body;
	size_t size;
	long connect_ms, total_ms;  /* most it may take */
	const atomic_bool *give_up; /* set: it ends within a second; a wish to stop does not end it
				     */
};

enum post_end {
	POST_TAKEN,   /* 2xx */
	POST_AGAIN,   /* it may go better another time: no answer in time, 408, 425, 429, 5xx */
	POST_REFUSED, /* the same again will end the same */
};

/* All but POST_TAKEN set *error: ERROR_NETWORK, without URL and secrets. */
enum post_end post_send(const struct post *post, struct error *error);

#endif
