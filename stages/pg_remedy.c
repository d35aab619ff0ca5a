/*
 * What people can do about a connection that was refused. The user and the database are named, as
 * the server names them too; a password never is.
 */
#include <stdio.h>
#include <string.h>

#include "stages/pg.h"

#define PLACES "DATABASE_URL_FILE, POSTGRES_PASSWORD_FILE, PGPASSWORD or ~/.pgpass"

static const struct {
	const char *sqlstate, *remedy;
} remedies[] = {
	{ "3D000",
		"correct the name, or have it made: CREATE DATABASE :\"database\" OWNER :\"user\" "
		"TEMPLATE template0 ENCODING 'UTF8'" },
	{ "42501", "GRANT CONNECT ON DATABASE :\"database\" TO :\"user\"" },
	{ "28P01", "correct the user, or the password in " PLACES },
	{ "28000",
		"see that the user is right and may log in (ALTER ROLE :\"user\" LOGIN), and that "
		"a line of pg_hba.conf on the server lets it in from here" },
};

static void append(struct error *error, const char *remedy)
{
	size_t used = strlen(error->text);
	snprintf(error->text + used, sizeof(error->text) - used, ": %s", remedy);
}

static void append_for(struct error *error, PGconn *conn, const char *remedy)
{
	struct buf text = { 0 };
	struct error ignored;
	const struct sql_value values[] = { { "database", PQdb(conn) }, { "user", PQuser(conn) },
		{ NULL, NULL } };
	if (statement_make(&text, remedy, values, &ignored))
		append(error, text.bytes);
	buf_free(&text);
}

void pg_refused_remedy(PGconn *conn, struct error *error)
{
	if (PQconnectionNeedsPassword(conn)) {
		append(error, "give it in " PLACES);
		return;
	}
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (strcmp(error->sqlstate, remedies[i].sqlstate) == 0)
			append_for(error, conn, remedies[i].remedy);
}

void pg_silent_remedy(struct error *error)
{
	if (error->sqlstate[0] == '\0')
		append(error, "see that the server is up, and that host and port are its own");
}
