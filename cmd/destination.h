/*
 * destination.h: which destination is meant, from --to or the environment.
 *
 * Names for people carry host, port and database only: no user, no password, no query.
 */
#ifndef CMD_DESTINATION_H
#define CMD_DESTINATION_H

#include <stdbool.h>

#include "stages/sink.h"
#include "state/base/error.h"

/* Sets url (malloc'd; one that was there is freed), name and postgres. postgresql://...,
 * postgres://..., sqlite:FILE and sqlite:///FILE are taken; anything else is ERROR_USAGE that names
 * the scheme and nothing that may be secret. */
bool destination_take(struct destination *to, const char *text, struct error *error);

/* The first of DATABASE_URL, POSTGRES_HOST with the other POSTGRES_*, sqlite:dvf.sqlite. */
bool destination_from_environment(struct destination *to, struct error *error);

/* Whether a file (a .env) says which destination is meant, with DATABASE_URL or POSTGRES_HOST.
 * It is only looked at: whose it is we do not know. */
bool destination_in_file(const char *path);

#endif
