/*
 * statement.h: SQL from stages/sql/ with names and literals put in.
 *
 * The .sql files use psql's own notation, so each can be run by hand with `psql -v`: :"name"
 * becomes a quoted identifier, :'name' a quoted literal, and :name the value as it is. A cast
 * (::text) is left alone, and so is everything inside '...' and "...". An unknown name is an error,
 * and so is an empty one.
 */
#ifndef STAGES_STATEMENT_H
#define STAGES_STATEMENT_H

#include "state/base/buf.h"

struct sql_value {
	const char *name; /* NULL ends the list */
	const char *value;
};

/* Replaces what is in `statement`. Quotes double what must be doubled; literals with a backslash
 * are an error, because how they read depends on the server's settings. */
bool statement_make(struct buf *statement, const char *sql, const struct sql_value *values,
	struct error *error);

#endif
