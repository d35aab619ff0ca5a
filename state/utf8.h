/*
 * utf8.h: is a text UTF-8?
 *
 * Threads: any.  Memory: none.
 */
#ifndef STATE_UTF8_H
#define STATE_UTF8_H

#include <stddef.h>

/* How many bytes from the start of the text are well-formed UTF-8: its length if all are. */
size_t utf8_size(const char *text);

#endif
