/*
 * hosts.h: the names under which serve lets itself be asked.
 *
 * A page of elsewhere whose name was made to point at this machine could read what is served here,
 * if it were not asked for under that page's name. So only addresses, which nobody can give a name
 * of theirs to, localhost and what --host names are taken; whatever it listens on, as a container
 * that is published on loopback listens on every address.
 *
 * Threads: any.  Memory: none is allocated.
 */
#ifndef CMD_HOSTS_H
#define CMD_HOSTS_H

#include <stdbool.h>

#include "state/base/error.h"

#define HOSTS_MOST 16
#define HOST_SIZE  254

struct hosts {
	char names[HOSTS_MOST][HOST_SIZE];
	unsigned count;
};

/* Adds names, with commas or blanks between them; without scheme, port or brackets. */
bool hosts_add(struct hosts *hosts, const char *text, struct error *error);

/* `asked`: the header Host, with or without a port. NULL is taken: no browser leaves it out. */
bool hosts_take(const struct hosts *hosts, const char *asked);

#endif
