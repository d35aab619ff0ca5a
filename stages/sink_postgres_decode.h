/*
 * sink_postgres_decode.h: binary COPY out of the server, turned into values: the mirror of what
 * sink_postgres_load.c writes.
 *
 * Nothing the server sends is trusted to be what we put there: people may have changed values and
 * types since. What is no value of our column's type becomes an `odd` one (row.h), never a fault.
 *
 * Threads: one reader, one thread.  Memory: one row, as libpq hands it over.
 */
#ifndef STAGES_SINK_POSTGRES_DECODE_H
#define STAGES_SINK_POSTGRES_DECODE_H

#include "stages/pg.h"
#include "stages/row.h"

#define ODD_SHOWN 80

/* A COPY TO STDOUT (FORMAT binary) under way. Zeroed but for pg it is ready. */
struct copy_rows {
	struct pg *pg;
	char *message; /* libpq's */
	const char *at, *end;
	bool begun; /* the head was read */
	bool ended; /* the server said it was all */
};

/* One field of a row; size -1: NULL. */
struct copy_field {
	const char *bytes;
	int32_t size;
};

/* The next row's fields, `count` of them; they hold until the next call. *end: there are no more.
 */
bool copy_rows_next(struct copy_rows *rows, struct copy_field *fields, unsigned count, bool *end,
	struct error *error);
void copy_rows_free(struct copy_rows *rows);

/* A field of 8 bytes as bigint; others read as 0. */
int64_t copy_number(const struct copy_field *field);

/* `as_text`: the field is the text of a value of another type than the column's own. `odd` is where
 * the words of an odd value are put; it must live as long as the value. False: the field's size is
 * not its type's. */
bool copy_value(enum column_type type, bool as_text, const struct copy_field *field,
	struct value *value, char odd[static ODD_SHOWN]);

#endif
