#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"

/* A socket's folder is a path on a machine of which only "this one" is known. */
static const char *host_of(const char *host)
{
	return host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == '@' ? "localhost"
										   : host;
}

/* quote_ident undone. */
static void unquote(char *to, size_t room, const char *from)
{
	size_t put = 0;
	bool quoted = from[0] == '"';
	for (const char *c = from + quoted; *c != '\0' && put + 1 < room; c++) {
		if (quoted && *c == '"' && *++c == '\0')
			break;
		to[put++] = *c;
	}
	to[put] = '\0';
}

void postgres_place(struct sink *base, struct sink_place *place)
{
	const struct postgres_sink *sink = (const struct postgres_sink *)base;
	const char *host = host_of(PQhost(sink->pg.conn));
	const char *port = PQport(sink->pg.conn);
	const char *database = PQdb(sink->pg.conn);
	bool six = strchr(host, ':') != NULL;
	memset(place, 0, sizeof(*place));
	snprintf(place->server, sizeof(place->server), "%s%s%s:%s", six ? "[" : "", host,
		six ? "]" : "", port != NULL && port[0] != '\0' ? port : "5432");
	snprintf(place->database, sizeof(place->database), "%s", database != NULL ? database : "");
	unquote(place->schema, sizeof(place->schema), sink->schema);
}
