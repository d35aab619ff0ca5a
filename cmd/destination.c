#include "cmd/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/setting.h"
#include "state/base/buf.h"

#define SQLITE_DEFAULT "dvf.sqlite"
#define ENV_MAX        (64 << 10)
#define SCHEME_BYTES   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
#define SCHEME_MOST    32

/* Whether every host of "h1:5432,[::1]:5433" has a port that is a number, or none. A colon that
 * begins no port is most often part of a password that was not percent-encoded. */
static bool ports_fine(const char *hosts, size_t size)
{
	bool in_port = false, in_brackets = false;
	for (size_t i = 0; i < size; i++) {
		char c = hosts[i];
		if (c == '[' || c == ']')
			in_brackets = c == '[';
		else if (c == ',')
			in_port = false;
		else if (in_port && (c < '0' || c > '9'))
			return false;
		else if (c == ':' && !in_brackets)
			in_port = true;
	}
	return true;
}

static bool url_take(struct destination *to, const char *text, struct error *error)
{
	const char *rest = strstr(text, "://") + 3;
	const char *at = memrchr(rest, '@', strcspn(rest, "/"));
	const char *host = at != NULL ? at + 1 : rest;
	size_t host_size = strcspn(host, "/?");
	const char *path = host + host_size;
	size_t path_size = strcspn(path, "?");
	if (!ports_fine(host, host_size) || strchr(path, '@') != NULL)
		return error_set(error, ERROR_USAGE,
			"the database URL cannot be read: the port must be a number, and : / ? # @ "
			"inside the user, password, database name or a parameter percent-encoded");
	snprintf(to->name, sizeof(to->name), "postgresql://%.*s%.*s", (int)host_size, host,
		(int)path_size, path);
	to->postgres = true;
	to->url = strdup(text);
	return to->url != NULL || error_memory(error, "the destination");
}

static bool file_take(struct destination *to, const char *path, struct error *error)
{
	if (strncmp(path, "//", 2) == 0) {
		if (path[2] != '/')
			return error_set(error, ERROR_USAGE,
				"an SQLite file has no host: write sqlite:FILE or sqlite:///FILE");
		path += 3;
	}
	if (path[0] == '\0')
		return error_set(error, ERROR_USAGE, "the file is missing: write sqlite:FILE");
	if (strcmp(path, ":memory:") == 0)
		return error_set(error, ERROR_USAGE,
			"a database in memory keeps nothing: write sqlite:FILE");
	snprintf(to->name, sizeof(to->name), "sqlite:%s", path);
	to->postgres = false;
	to->url = strdup(path);
	return to->url != NULL || error_memory(error, "the destination");
}

/* Left by docker --env-file and the like, which take quotes for a part of the value. */
static bool quotes_gone(const char *text, struct error *error)
{
	if (text[0] != '"' && text[0] != '\'')
		return true;
	return error_set(error, ERROR_USAGE,
		"it begins with %c: leave out the quotes, which docker --env-file keeps", text[0]);
}

/* SQLAlchemy's postgresql+psycopg2://. */
static bool driver_gone(const char *text, size_t scheme, struct error *error)
{
	size_t plain = strcspn(text, "+");
	bool postgres = (plain == 10 && strncmp(text, "postgresql", plain) == 0) ||
			(plain == 8 && strncmp(text, "postgres", plain) == 0);
	if (!postgres || plain >= scheme || scheme > SCHEME_MOST ||
		strncmp(text + scheme, "://", 3) != 0 || strspn(text, SCHEME_BYTES) != scheme)
		return true;
	return error_set(error, ERROR_USAGE, "%.*s:// names a driver: leave out %.*s", (int)scheme,
		text, (int)(scheme - plain), text + plain);
}

bool destination_take(struct destination *to, const char *text, struct error *error)
{
	size_t scheme = strcspn(text, ":");
	free(to->url);
	to->url = NULL;
	if (!quotes_gone(text, error) || !driver_gone(text, scheme, error))
		return false;
	if (strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0)
		return url_take(to, text, error);
	if (strncmp(text, "sqlite:", 7) == 0)
		return file_take(to, text + 7, error);
	/* Without a plain scheme it may be "user=me password=...", or user:password@host; then
	 * nothing of it is shown. */
	bool plain = strspn(text, SCHEME_BYTES) == scheme &&
		     (strncmp(text + scheme, "://", 3) == 0 || strchr(text, '@') == NULL);
	if (plain && text[scheme] == ':' && scheme > 0 && scheme <= SCHEME_MOST)
		return error_set(error, ERROR_USAGE,
			"%.*s: is no destination: write postgresql://HOST/DATABASE or sqlite:FILE",
			(int)scheme, text);
	return error_set(error, ERROR_USAGE,
		"a scheme is missing: write postgresql://HOST/DATABASE or sqlite:FILE");
}

/* libpq's rule: values stand in single quotes; a backslash goes before ' and \. */
static bool conninfo_add(
	struct buf *conninfo, const char *name, const char *value, struct error *error)
{
	if (value == NULL)
		return true;
	if (!buf_print(conninfo, error, "%s%s='", conninfo->size > 0 ? " " : "", name))
		return false;
	for (const char *c = value; *c != '\0'; c++)
		if (((*c == '\'' || *c == '\\') && !buf_add(conninfo, "\\", 1, error)) ||
			!buf_add(conninfo, c, 1, error))
			return false;
	return buf_add(conninfo, "'", 1, error);
}

static bool port_check(const char *ports, struct error *error)
{
	uint64_t number;
	if (ports == NULL || strchr(ports, ',') != NULL)
		return true; /* a list goes with a list of hosts; libpq reads both */
	if (setting_number(ports, 1, 65535, &number, error))
		return true;
	return error_where(error, "POSTGRES_PORT");
}

static bool parts_take(struct destination *to, const char *host, struct error *error)
{
	const char *port = setting_variable("POSTGRES_PORT");
	const char *database = setting_variable("POSTGRES_DB");
	char *password = NULL;
	struct buf conninfo = { 0 };
	bool done = port_check(port, error) &&
		    setting_secret("POSTGRES_PASSWORD", &password, error) &&
		    conninfo_add(&conninfo, "host", host, error) &&
		    conninfo_add(&conninfo, "port", port, error) &&
		    conninfo_add(&conninfo, "user", setting_variable("POSTGRES_USER"), error) &&
		    conninfo_add(&conninfo, "password", password, error) &&
		    conninfo_add(&conninfo, "dbname", database, error);
	free(password);
	if (!done) {
		buf_free(&conninfo);
		return false;
	}
	snprintf(to->name, sizeof(to->name), "postgresql://%s%s%s%s%s", host,
		port != NULL ? ":" : "", port != NULL ? port : "", database != NULL ? "/" : "",
		database != NULL ? database : "");
	to->postgres = true;
	to->url = conninfo.bytes;
	return true;
}

bool destination_from_environment(struct destination *to, struct error *error)
{
	char *url = NULL;
	if (!setting_secret("DATABASE_URL", &url, error))
		return false;
	if (url != NULL) {
		bool done = destination_take(to, url, error) || error_where(error, "DATABASE_URL");
		free(url);
		return done;
	}
	const char *host = setting_variable("POSTGRES_HOST");
	return host != NULL ? parts_take(to, host, error) : file_take(to, SQLITE_DEFAULT, error);
}

/* A value behind the name, as in `export POSTGRES_HOST=db`. */
static bool line_sets(const char *line, const char *name)
{
	line += strspn(line, " \t");
	if (strncmp(line, "export ", 7) == 0)
		line += 7;
	size_t size = strlen(name);
	return strncmp(line, name, size) == 0 && line[size] == '=' &&
	       line[size + 1 + strspn(line + size + 1, " \t\r\n")] != '\0';
}

bool destination_in_file(const char *path)
{
	struct stat status;
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	if (stat(path, &status) == -1 || !S_ISREG(status.st_mode) || status.st_size > ENV_MAX)
		return false;
	FILE *file = fopen(path, "re");
	while (file != NULL && !found && getline(&line, &room, file) != -1)
		found = line_sets(line, "DATABASE_URL") || line_sets(line, "POSTGRES_HOST");
	free(line);
	if (file != NULL)
		fclose(file);
	return found;
}
