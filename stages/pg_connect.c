#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "stages/pg.h"
#include "state/base/libcrypto.h"
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

/* What libpq itself found wrong with a setting, a file of the user's or the server's certificate,
 * which has no SQLSTATE. (A TLS connection that just ends is an "SSL SYSCALL error".) Of several
 * hosts another may be on its way. */
static bool is_setting(PGconn *conn)
{
	static const char *const signs[] = { "certificate", "private key",
		"SSL error:", "does not support SSL", "definition of service", "service file",
		"invalid ", "could not match", "authentication method" };
	const char *said = PQerrorMessage(conn);
	if (PQconnectionNeedsPassword(conn))
		return true;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(said, signs[i]) != NULL)
			return strstr(said, "Is the server running") == NULL;
	return false;
}

/* True when waiting may help: nobody answers, or the server says not now, or the database was being
 * renamed just then: a promote puts another one under that name (one that is not there at all has
 * no DETAIL). */
static bool may_come(PGconn *conn, const char *state)
{
	if (state[0] == '\0')
		return !is_setting(conn);
	if (strcmp(state, "3D000") == 0)
		return strstr(PQerrorMessage(conn), "DETAIL:") != NULL;
	return strncmp(state, "57P0", 4) == 0 || strncmp(state, "53", 2) == 0;
}

/* Ours come first: what the user's own string says of the same wins. Not so behind it: a second
 * dbname is taken as it is, in place of the string's, and texts go to and fro as UTF-8, which
 * binary COPY knows only by the client's encoding. */
static PGconn *start(const char *conninfo, const char *database)
{
	static const char *const names[] = { "fallback_application_name", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { "dvf-import", "30", "10", "3", "60000", conninfo, database,
		"UTF8", NULL };
	return PQconnectStartParams(names, values, 1);
}

/* pgbouncer says that a database is not there under a code of its own, and for some seconds after
 * such an answer (server_login_retry) does not ask the server again. */
static void sqlstate_of_pooler(const char *said, char state[static 6])
{
	if (strcmp(state, "08P01") != 0)
		return;
	if (strstr(said, "server_login_retry") != NULL)
		snprintf(state, 6, "57P03"); /* cannot connect now */
	else if (strstr(said, "database \"") != NULL && strstr(said, "\" does not exist") != NULL)
		snprintf(state, 6, "3D000");
}

/* One try. False: *again says whether another may do better. */
static bool try_connect(
	struct pg *pg, const char *conninfo, const char *database, bool *again, struct error *error)
{
	uint64_t until = clock_ms() + ATTEMPT_MS;
	*again = true;
	pg->conn = start(conninfo, database);
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
	sqlstate_of_pooler(said, state);
	*again = may_come(pg->conn, state);
	/* "could not generate nonce" is all that libpq says of it. */
	if (state[0] == '\0' && !libcrypto_can_draw(error)) {
		*again = false;
		return false;
	}
	pg_one_line(error, *again ? ERROR_BUSY : ERROR_DATABASE, "",
		said[0] != '\0' ? said : "no answer in time");
	memcpy(error->sqlstate, state, sizeof(state));
	/* A database beside the one that was given is the caller's to make, or to do without. */
	if (!*again && (database == NULL || database[0] == '\0' || strcmp(state, "3D000") != 0))
		pg_refused_remedy(pg->conn, error);
	return false;
}

static bool readable(const char *conninfo, struct error *error)
{
	char *said = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &said);
	bool done = options != NULL;
	bool memory = !done && (said == NULL || strstr(said, "out of memory") != NULL);
	PQfreemem(said);
	PQconninfoFree(options);
	if (memory)
		return error_memory(error, "the destination's name");
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

bool pg_database_of(const char *conninfo, char name[static PG_NAME_MAX + 1], struct error *error)
{
	if (!readable(conninfo, error))
		return false;
	/* Only a connection that was begun has everything put together. */
	PGconn *conn = start(conninfo, NULL);
	const char *said = conn != NULL ? PQdb(conn) : NULL;
	bool known = said != NULL && said[0] != '\0';
	bool fits = known && strlen(said) <= PG_NAME_MAX;
	if (fits)
		memcpy(name, said, strlen(said) + 1);
	PQfinish(conn);
	if (!known)
		return error_set(error, ERROR_USAGE,
			"the destination does not say which database: put its name into --to");
	return fits || error_set(error, ERROR_REFUSED,
			       "the database's name has over %d bytes, which the server would cut",
			       PG_NAME_MAX);
}

bool pg_connect(struct pg *pg, const char *conninfo, uint32_t wait_s, struct error *error)
{
	return pg_connect_to(pg, conninfo, NULL, wait_s, error);
}

bool pg_connect_to(struct pg *pg, const char *conninfo, const char *database, uint32_t wait_s,
	struct error *error)
{
	uint64_t until = clock_ms() + (uint64_t)wait_s * 1000;
	bool again = true;
	bool told = false;
	if (!readable(conninfo, error))
		return false;
	while (again) {
		error_clear(error);
		if (try_connect(pg, conninfo, database, &again, error))
			return true;
		pg_close(pg);
		if (error->kind == ERROR_STOPPED || !again)
			break;
		if (clock_ms() >= until) {
			pg_silent_remedy(error);
			return error_where(error,
				"the server cannot be reached (waited %u s; --wait changes that)",
				wait_s);
		}
		if (!told)
			log_note(LOG_WARNING, 0, "waiting for the server up to %u s: %s", wait_s,
				error->text);
		told = true;
		if (!rest(pg))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	return error->kind == ERROR_STOPPED ? false : error_where(error, "cannot connect");
}
