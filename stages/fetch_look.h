/*
 * fetch_look.h: what the first bytes of a download look like.
 *
 * An error page sent with status 200 must not become a spool, and whoever reads the message should
 * see at once what came instead.
 *
 * Threads: no state.  Memory: none is allocated.
 */
#ifndef STAGES_FETCH_LOOK_H
#define STAGES_FETCH_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/inflate.h"

#define LOOK_FIRST 16 /* as many bytes from the start of a file as look_begins wants to see */

/* False as soon as these first bytes cannot begin such a file: gzip by its magic; a .csv must begin
 * neither like HTML or XML nor like gzip. */
bool look_begins(const unsigned char *first, size_t size, enum packing packing);

/* "an HTML page that begins with \"<!DOCTYPE html>\"" and the like, printable, for messages. */
void look_describe(const char *piece, size_t size, char *text, size_t room);

/* "NoSuchKey: The specified key does not exist." from an object store's XML error. False: it is
 * none. */
bool look_store_error(const char *piece, size_t size, char *text, size_t room);

#endif
