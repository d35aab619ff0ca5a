/*
 * pg.h: one connection to PostgreSQL, and every wait for it. pg_connect.c makes it, pg_remedy.c
 * says what to do when it is refused, pg.c uses it.
 *
 * All waiting is done here, in steps: the tick is called, a wish to stop is seen (statements in
 * flight are cancelled at once, or for loaders when the grace is over), a lost connection is told
 * as ERROR_LOST. SQLSTATEs become the kinds of error.h.
 *
 * Only SET LOCAL, no session state (but for pg_may_write), no start-up options: pgbouncer in
 * transaction mode stays correct.
 *
 * Threads: a pg belongs to one thread.  Memory: libpq's buffers; results are freed by who gets
 * them.
 */
#ifndef STAGES_PG_H
#define STAGES_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/sink.h"
#include "stages/statement.h"
#include "state/base/buf.h"
#include "state/base/error.h"

struct pg {
	PGconn *conn;
	bool patient;    /* a stop lets the statement in flight go on for STOP_GRACE_MS */
	bool interrupts; /* a stop interrupts at all; off for the few statements that record how it
			    ended */
	sink_tick *tick; /* may be NULL */
	void *tick_context;
	int step_ms;       /* between two ticks; 0: 200 */
	uint64_t until_ms; /* a statement is cancelled then: ERROR_BUSY; 0: never. The server sends
			      two signals, so that the next one may be cancelled, too */
	uint64_t cancelled_ms; /* when the cancel was sent; 0: not */
	struct buf statement;
};

/* Connects, trying again for up to wait_s while nobody answers or the server is starting, stopping
 * or full. What will not go away by waiting (a wrong password, no such database) fails at once. No
 * secret in the text. */
bool pg_connect(struct pg *pg, const char *conninfo, uint32_t wait_s, struct error *error);
/* The same, to another database of that server; NULL or "": the one it names. */
bool pg_connect_to(struct pg *pg, const char *conninfo, const char *database, uint32_t wait_s,
	struct error *error);
/* The database that a conninfo names: its own word, else PGDATABASE, a service file, the user's
 * name. ERROR_REFUSED when it is longer than PG_NAME_MAX bytes: the server would cut it. */
#define PG_NAME_MAX 63
bool pg_database_of(const char *conninfo, char name[static PG_NAME_MAX + 1], struct error *error);
void pg_close(struct pg *pg);

/* Puts ": what to do" behind the text of a connection that was refused for good (as libpq and the
 * SQLSTATE tell), or of one to a server that did not answer in time. Nothing where it is not known.
 */
void pg_refused_remedy(PGconn *conn, struct error *error);
void pg_silent_remedy(struct error *error);

/* Sends one or several statements; *result (may be NULL) is that of the last. Any error ends it. */
bool pg_exec(struct pg *pg, const char *sql, PGresult **result, struct error *error);
/* The same with names put in (statement.h). */
bool pg_make(struct pg *pg, const char *sql, const struct sql_value *values, PGresult **result,
	struct error *error);
/* One statement with text parameters $1..$n; NULL is NULL. */
bool pg_params(struct pg *pg, const char *sql, int count, const char *const *values,
	PGresult **result, struct error *error);
/* The same; values with a size other than 0 are binary. */
bool pg_params_binary(struct pg *pg, const char *sql, int count, const char *const *values,
	const int *sizes, PGresult **result, struct error *error);

/* What stands outside a transaction may write, though default_transaction_read_only is on: CREATE
 * and DROP DATABASE can stand nowhere else. Only where it is on, and only for a connection that is
 * closed soon: it is the one session state there is. */
bool pg_may_write(struct pg *pg, struct error *error);

bool pg_copy_begin(struct pg *pg, const char *sql, struct error *error);
bool pg_copy_put(struct pg *pg, const char *bytes, size_t size, struct error *error);
bool pg_copy_end(struct pg *pg, uint64_t *rows, struct error *error);

/* The other way. Each message is one row (the first with COPY's head before it), freed by who gets
 * it with PQfreemem; *end: there are no more, and the server said it was all. One that is left
 * before its end is left by pg_close. */
bool pg_copy_out_begin(struct pg *pg, const char *sql, struct error *error);
bool pg_copy_get(struct pg *pg, char **bytes, size_t *size, bool *end, struct error *error);

/* Leaves any transaction and any COPY; a broken connection stays broken. */
void pg_rollback(struct pg *pg);

/* Fills *error with what the server said, its kind by the SQLSTATE. False: it said nothing, as the
 * connection broke. */
bool pg_said(const PGresult *result, struct error *error);
/* Sets the error to `before` and the server's text as one line: newlines become spaces, LOCATION
 * lines go. */
void pg_one_line(struct error *error, enum error_kind kind, const char *before, const char *text);

/* A field of a result. NULL reads as "" and 0. */
const char *pg_text(const PGresult *result, int row, int column);
uint64_t pg_number(const PGresult *result, int row, int column);
bool pg_true(const PGresult *result, int row, int column);

#endif
