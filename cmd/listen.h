/*
 * listen.h: the socket that serve is asked at.
 *
 * Threads: any.  Memory: none is kept.
 */
#ifndef CMD_LISTEN_H
#define CMD_LISTEN_H

#include <stdbool.h>

#include "cmd/setting.h"

struct listening {
	int fd;
	bool loopback; /* only this machine can reach it */
	char url[128]; /* where, with the port it got: "http://127.0.0.1:8080/" */
};

/* The caller closes the fd; it is -1 after a failure. ERROR_USAGE: the address is not one of this
 * machine's; ERROR_REFUSED: it is in use or not allowed. */
bool listen_open(struct listening *listening, const struct listen_at *at, struct error *error);

#endif
