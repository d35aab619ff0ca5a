#include "stages/pg.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "state/base/log.h"
#include "state/base/stop.h"

#define STEP_MS   200
#define CANCEL_MS 1500 /* how long a cancelled statement may take to say so */

static bool lost(struct pg *pg, struct error *error)
{
	const char *said = pg->conn != NULL ? PQerrorMessage(pg->conn) : "";
	pg_one_line(error, ERROR_LOST,
		"the connection to the server is lost: ", said[0] != '\0' ? said : "it was closed");
	return false;
}

static bool stopped(struct error *error)
{
	return error_set(error, ERROR_STOPPED, "interrupted");
}

static bool is_late(const struct pg *pg)
{
	return pg->until_ms != 0 && clock_ms() > pg->until_ms;
}

static bool failed(struct pg *pg, const PGresult *result, struct error *error)
{
	if (!pg_said(result, error))
		return lost(pg, error);
	if (strcmp(error->sqlstate, "57014") == 0 && pg->cancelled_ms != 0 && !is_late(pg))
		return stopped(error);
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		error->kind = ERROR_LOST;
	return false;
}

/* PQcancel waits for the postmaster, which may be as stuck as the session is: nobody waits for this
 * thread. */
static void *cancel_thread(void *context)
{
	char said[256];
	PGcancel *handle = context;
	if (PQcancel(handle, said, sizeof(said)) == 0)
		log_note(LOG_DEBUG, 0, "a statement could not be cancelled: %s", said);
	PQfreeCancel(handle);
	return NULL;
}

static void cancel(struct pg *pg)
{
	pthread_t thread;
	PGcancel *handle = PQgetCancel(pg->conn);
	if (handle != NULL && pthread_create(&thread, NULL, cancel_thread, handle) == 0)
		pthread_detach(thread);
	else
		PQfreeCancel(handle);
	pg->cancelled_ms = clock_ms();
}

/* Waits for the socket one step. False: the wait is over because of a stop that the server did not
 * heed. */
static bool step(struct pg *pg, short events, struct error *error)
{
	struct pollfd fd = { .fd = PQsocket(pg->conn), .events = events };
	if (fd.fd == -1)
		return lost(pg, error);
	int ready = poll(&fd, 1, pg->step_ms != 0 ? pg->step_ms : STEP_MS);
	if (ready == 0 && pg->tick != NULL)
		pg->tick(pg->tick_context);
	bool stops = pg->interrupts && (pg->patient ? stop_overdue() : stop_requested());
	if (!stops && !is_late(pg))
		return true;
	if (pg->cancelled_ms == 0)
		cancel(pg);
	else if (stops && clock_ms() > pg->cancelled_ms + CANCEL_MS)
		return stopped(error);
	return true;
}

static bool flush(struct pg *pg, struct error *error)
{
	int left;
	while ((left = PQflush(pg->conn)) == 1) {
		if (!step(pg, POLLIN | POLLOUT, error))
			return false;
		if (PQconsumeInput(pg->conn) == 0)
			return lost(pg, error);
	}
	return left == 0 || lost(pg, error);
}

/* The next result, or NULL with true when there are no more. */
static bool next_result(struct pg *pg, PGresult **result, struct error *error)
{
	while (PQisBusy(pg->conn)) {
		if (!step(pg, POLLIN, error))
			return false;
		if (PQconsumeInput(pg->conn) == 0)
			return lost(pg, error);
	}
	*result = PQgetResult(pg->conn);
	return true;
}

static bool is_fine(const PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
		return true;
	default:
		return false;
	}
}

/* Takes results until there are no more (or COPY begins); keeps the last; the first error stays. */
static bool drain(struct pg *pg, PGresult **kept, struct error *error)
{
	bool done = true;
	PGresult *last = NULL;
	struct error later;
	for (;;) {
		PGresult *result = NULL;
		if (!next_result(pg, &result, done ? error : &later)) {
			done = false;
			break;
		}
		if (result == NULL)
			break;
		if (done && !is_fine(result))
			done = failed(pg, result, error);
		PQclear(last);
		last = result;
		if (PQresultStatus(last) == PGRES_COPY_IN ||
			PQresultStatus(last) == PGRES_COPY_OUT ||
			PQstatus(pg->conn) == CONNECTION_BAD)
			break;
	}
	if (done && (last == NULL || PQstatus(pg->conn) == CONNECTION_BAD))
		done = lost(pg, error);
	if (done && kept != NULL)
		*kept = last;
	else
		PQclear(last);
	return done;
}

static bool sent(struct pg *pg, int accepted, PGresult **result, struct error *error)
{
	if (accepted == 0)
		return lost(pg, error);
	return flush(pg, error) && drain(pg, result, error);
}

static bool begin_statement(struct pg *pg, PGresult **result, struct error *error)
{
	if (result != NULL)
		*result = NULL;
	error_clear(error);
	pg->cancelled_ms = 0;
	return pg->conn != NULL ||
	       error_set(error, ERROR_LOST, "there is no connection to the server");
}

bool pg_exec(struct pg *pg, const char *sql, PGresult **result, struct error *error)
{
	return begin_statement(pg, result, error) &&
	       sent(pg, PQsendQuery(pg->conn, sql), result, error);
}

bool pg_make(struct pg *pg, const char *sql, const struct sql_value *values, PGresult **result,
	struct error *error)
{
	return statement_make(&pg->statement, sql, values, error) &&
	       pg_exec(pg, pg->statement.bytes, result, error);
}

bool pg_params(struct pg *pg, const char *sql, int count, const char *const *values,
	PGresult **result, struct error *error)
{
	return begin_statement(pg, result, error) &&
	       sent(pg, PQsendQueryParams(pg->conn, sql, count, NULL, values, NULL, NULL, 0),
		       result, error);
}

bool pg_params_binary(struct pg *pg, const char *sql, int count, const char *const *values,
	const int *sizes, PGresult **result, struct error *error)
{
	int formats[16];
	for (int i = 0; i < count && i < 16; i++)
		formats[i] = sizes[i] != 0;
	return begin_statement(pg, result, error) &&
	       sent(pg, PQsendQueryParams(pg->conn, sql, count, NULL, values, sizes, formats, 0),
		       result, error);
}

bool pg_may_write(struct pg *pg, struct error *error)
{
	return pg_exec(pg,
		"SELECT set_config('default_transaction_read_only', 'off', false)"
		" WHERE current_setting('default_transaction_read_only') <> 'off'",
		NULL, error);
}

static bool begin_copy(struct pg *pg, const char *sql, ExecStatusType way, struct error *error)
{
	PGresult *result = NULL;
	if (!pg_exec(pg, sql, &result, error))
		return false;
	bool copying = PQresultStatus(result) == way;
	PQclear(result);
	return copying || error_set(error, ERROR_DATABASE, "the server did not begin the COPY");
}

bool pg_copy_begin(struct pg *pg, const char *sql, struct error *error)
{
	return begin_copy(pg, sql, PGRES_COPY_IN, error);
}

bool pg_copy_out_begin(struct pg *pg, const char *sql, struct error *error)
{
	return begin_copy(pg, sql, PGRES_COPY_OUT, error);
}

bool pg_copy_get(struct pg *pg, char **bytes, size_t *size, bool *end, struct error *error)
{
	int got;
	*end = false;
	while ((got = PQgetCopyData(pg->conn, bytes, 1)) == 0) {
		if (!step(pg, POLLIN, error))
			return false;
		if (PQconsumeInput(pg->conn) == 0)
			return lost(pg, error);
	}
	*size = got > 0 ? (size_t)got : 0;
	*end = got == -1;
	if (got > 0)
		return true;
	return *end ? drain(pg, NULL, error) : lost(pg, error);
}

bool pg_copy_put(struct pg *pg, const char *bytes, size_t size, struct error *error)
{
	int put;
	while ((put = PQputCopyData(pg->conn, bytes, (int)size)) == 0)
		if (!step(pg, POLLOUT, error))
			return false;
	/* Flushed each time, so that libpq's own buffer does not grow with the chunk. */
	return put == 1 ? flush(pg, error) : lost(pg, error);
}

bool pg_copy_end(struct pg *pg, uint64_t *rows, struct error *error)
{
	PGresult *result = NULL;
	int put;
	error_clear(error);
	while ((put = PQputCopyEnd(pg->conn, NULL)) == 0)
		if (!step(pg, POLLOUT, error))
			return false;
	if (put == -1)
		return lost(pg, error);
	if (!flush(pg, error) || !drain(pg, &result, error))
		return false;
	*rows = strtoull(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return true;
}

void pg_rollback(struct pg *pg)
{
	struct error ignored;
	PGresult *result = NULL;
	if (pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD)
		return;
	if (PQtransactionStatus(pg->conn) == PQTRANS_ACTIVE) {
		PQputCopyEnd(pg->conn, "the chunk is given up");
		error_clear(&ignored);
		if (flush(pg, &ignored))
			drain(pg, NULL, &ignored);
	}
	if (PQtransactionStatus(pg->conn) == PQTRANS_ACTIVE) {
		pg_close(pg); /* it does not answer; the server will find out */
		return;
	}
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE &&
		pg_exec(pg, "ROLLBACK", &result, &ignored))
		PQclear(result);
}

void pg_close(struct pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	buf_free(&pg->statement);
}

const char *pg_text(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column);
}

uint64_t pg_number(const PGresult *result, int row, int column)
{
	return strtoull(PQgetvalue(result, row, column), NULL, 10);
}

bool pg_true(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column)[0] == 't';
}
