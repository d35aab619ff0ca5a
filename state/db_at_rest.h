/*
 * db_at_rest.h: an SQLite file in a folder where we may not write, and that nobody has open.
 *
 * In WAL mode SQLite makes a log even to read. Where it may not and none is there, nobody writes,
 * and it must be told so. A writer that begins now changes the file itself only once its log is
 * long, and a look has read by then.
 *
 * Threads: any.  Memory: none is kept.
 */
#ifndef STATE_DB_AT_REST_H
#define STATE_DB_AT_REST_H

#include <stdbool.h>

bool db_is_at_rest(const char *path);

/* The name under which SQLite opens it without a log. The caller frees; NULL: no memory. */
char *db_uri_at_rest(const char *path);

#endif
