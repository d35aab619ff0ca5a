/*
 * json.h: texts and objects of JSON, added to a buf.
 *
 * Threads: any.  Memory: the buf's.
 */
#ifndef STATE_JSON_H
#define STATE_JSON_H

#include <stdbool.h>

#include "state/base/buf.h"

/* Adds the text with its quotes. Bytes that are not UTF-8 become U+FFFD, so the result is always
 * valid. */
bool json_add_text(struct buf *json, const char *text, struct error *error);

/* Adds `"name":` with a comma before it unless it is the first after an opening brace. */
bool json_add_name(struct buf *json, const char *name, struct error *error);

#endif
