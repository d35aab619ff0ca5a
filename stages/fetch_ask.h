/*
 * fetch_ask.h: one request and its answer, carried by libcurl.
 *
 * Redirects are followed (at most 8, never from https to http); the answer holds the headers of the
 * final response only. What to make of it is for the caller to judge.
 *
 * Threads: ask_send runs in one thread; its callbacks are called there.
 * Memory: curl's buffers; nothing is kept afterwards.
 */
#ifndef STAGES_FETCH_ASK_H
#define STAGES_FETCH_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/fetch.h"
#include "stages/fetch_answer.h"

enum ask_end {
	ASK_WHOLE,      /* the answer and its body came as announced */
	ASK_UNWANTED,   /* `take` wanted no more */
	ASK_CUT,        /* the network failed: worth another try */
	ASK_CUT_FIRM,   /* it failed in a way that hardly goes away */
	ASK_IMPOSSIBLE, /* no use trying again: TLS, redirects, the URL, a stop */
};

struct ask {
	const struct fetch_settings *settings;
	const char *url; /* may hold user and password */
	bool head_only;
	struct question question;
	void *context;
	/* A piece of the final response's body; answer is complete. False: no more is wanted. */
	bool (*take)(void *context, const void *bytes, size_t size);
	void (*tick)(void *context); /* about once a second and as bytes come; may be NULL */

	struct answer answer;
	char led_to[200]; /* where redirects ended, without secrets; "" if there were none */
};

/* Fills answer and led_to. All but ASK_WHOLE and ASK_UNWANTED set *error; stop_requested gives
 * ERROR_STOPPED, a missing file:// ERROR_GONE. */
enum ask_end ask_send(struct ask *ask, struct error *error);

/* What an end that was no answer means: RETRY, RETRY_ONCE or FAIL. */
enum verdict ask_verdict(enum ask_end end);

bool ask_start(struct error *error);
void ask_finish(void);

/* For messages: without user, password and query, cut to `room`. */
void ask_url_short(const char *url, char *text, size_t room);

/* The path of a file:// URL, percent signs decoded. False: the URL is another, or too long. */
bool ask_local_path(const char *url, char *path, size_t room);

#endif
