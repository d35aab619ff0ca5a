#include <poll.h>
#include <string.h>

#include "stages/pg.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define STEP_MS         200
#define ATTEMPT_MS      10000 /* one try to connect */
#define CONNECT_REST_MS 250

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

/* The SQLSTATE of a refused connection stands in its verbose message: "FATAL:  28P01: ...". Those
 * that are told of here begin with a digit, which FATAL (a word of five capitals, too) does not. */
static void sqlstate_in(const char *text, char state[static 6])
{
	state[0] = '\0';
	for (const char *at = strchr(text, ':'); at != NULL; at = strchr(at + 1, ':')) {
		const char *word = at + 1 + strspn(at + 1, " ");
		if (word[0] >= '0' && word[0] <= '9' &&
			strspn(word, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
			word[5] == ':') {
			memcpy(state, word, 5);
			state[5] = '\0';
			return;
		}
	}
}

/* True when waiting may help: nobody answers, or the server says not now. */
static bool may_come(PGconn *conn, const char *state)
{
	if (state[0] == '\0')
		return !PQconnectionNeedsPassword(conn);
	return strncmp(state, "57P0", 4) == 0 || strncmp(state, "53", 2) == 0;
}

/* One try. False: *again says whether another may do better. */
static bool try_connect(struct pg *pg, const char *conninfo, bool *again, struct error *error)
{
	/* Ours come first: what the user's own string says of the same wins. */
	static const char *const names[] = { "fallback_application_name", "client_encoding",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"dbname", NULL };
	const char *const values[] = { "dvf-import", "UTF8", "30", "10", "3", "60000", conninfo,
		NULL };
	uint64_t until = clock_ms() + ATTEMPT_MS;
	*again = true;
	pg->conn = PQconnectStartParams(names, values, 1);
	if (pg->conn == NULL)
		return error_memory(error, "a connection");
	PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	while (PQstatus(pg->conn) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
		status != PGRES_POLLING_FAILED && clock_ms() < until) {
		struct pollfd fd = { .fd = PQsocket(pg->conn),
			.events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		if (poll(&fd, 1, STEP_MS) == 0 && pg->tick != NULL)
			pg->tick(pg->tick_context);
		if (pg->interrupts && stop_requested())
			return error_set(error, ERROR_STOPPED, "interrupted");
		if (fd.revents != 0)
			status = PQconnectPoll(pg->conn);
	}
	if (PQstatus(pg->conn) == CONNECTION_OK && PQsetnonblocking(pg->conn, 1) == 0)
		return true;
	char state[6];
	const char *said = PQerrorMessage(pg->conn);
	sqlstate_in(said, state);
	*again = may_come(pg->conn, state);
	pg_one_line(error, *again ? ERROR_BUSY : ERROR_DATABASE, "",
		said[0] != '\0' ? said : "no answer in time");
	memcpy(error->sqlstate, state, sizeof(state));
	return false;
}

static bool readable(const char *conninfo, struct error *error)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	bool done = options != NULL;
	PQconninfoFree(options);
	/* libpq's own text quotes pieces of the string, and with them perhaps the password. */
	return done ||
	       error_set(error, ERROR_USAGE,
		       "the destination cannot be read as a PostgreSQL URL or connection string: "
		       "characters like @ : / %% in a password must be percent-encoded");
}

/* A while between two tries; false: a stop. */
static bool rest(struct pg *pg)
{
	bool slept = stop_sleep(CONNECT_REST_MS) || !pg->interrupts;
	if (pg->tick != NULL)
		pg->tick(pg->tick_context);
	return slept;
}

bool pg_connect(struct pg *pg, const char *conninfo, uint32_t wait_s, struct error *error)
{
	uint64_t until = clock_ms() + (uint64_t)wait_s * 1000;
	bool again = true;
	bool told = false;
	if (!readable(conninfo, error))
		return false;
	while (again) {
		error_clear(error);
		if (try_connect(pg, conninfo, &again, error))
			return true;
		pg_close(pg);
		if (error->kind == ERROR_STOPPED || !again)
			break;
		if (clock_ms() >= until)
			return error_where(error,
				"the server cannot be reached (waited %u s; --wait changes that)",
				wait_s);
		if (!told)
			log_note(LOG_WARNING, 0, "waiting for the server up to %u s: %s", wait_s,
				error->text);
		told = true;
		if (!rest(pg))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	return error->kind == ERROR_STOPPED ? false : error_where(error, "cannot connect");
}
