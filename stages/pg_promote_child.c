#include "stages/pg_promote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/base/file.h"
#include "state/base/stop.h"

#define WAIT_MS       50
#define TAIL          600 /* bytes of what it said that are told */
#define VARIABLES     96  /* of libpq */
#define DESCRIPTORS   3
#define SERVICE_LEAST 10

extern char **environ;

bool child_file(int *fd, struct error *error)
{
	const char *folder = getenv("TMPDIR");
	char path[512];
	snprintf(path, sizeof(path), "%s/dvf-import-XXXXXX",
		folder != NULL && folder[0] != '\0' ? folder : "/tmp");
	*fd = mkostemp(path, O_CLOEXEC);
	if (*fd == -1)
		return error_system(error, "cannot make a temporary file %s", path);
	unlink(path);
	return true;
}

void child_reach_free(struct child_reach *reach)
{
	for (char **entry = reach->environment; entry != NULL && *entry != NULL; entry++)
		free(*entry);
	free(reach->environment);
	reach->environment = NULL;
	file_close(&reach->service);
}

static bool add_entry(char **environment, size_t *count, const char *name, const char *value)
{
	if (asprintf(&environment[*count], "%s=%s", name, value) == -1) {
		environment[*count] = NULL;
		return false;
	}
	(*count)++;
	return true;
}

/* What the connection uses. Of several hosts, and of the addresses of one, it is the one we are
 * connected to: another may be a server of its own, or a standby. */
static const char *value_of(PGconn *conn, const PQconninfoOption *option, const char *database)
{
	if (strcmp(option->keyword, "dbname") == 0)
		return database;
	if (strcmp(option->keyword, "host") == 0)
		return PQhost(conn);
	if (strcmp(option->keyword, "hostaddr") == 0)
		return PQhostaddr(conn);
	if (strcmp(option->keyword, "port") == 0)
		return PQport(conn);
	return option->val;
}

/* A start-up option, for pg_restore has no words for its BEGIN. */
static bool add_writing(char **environment, size_t *count, const PQconninfoOption *options)
{
	const char *given = NULL;
	char *words = NULL;
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "options") == 0)
			given = o->val;
	if (asprintf(&words, "%s -c default_transaction_read_only=off",
		    given != NULL ? given : "") == -1)
		return false;
	bool done = add_entry(environment, count, "PGOPTIONS", words);
	free(words);
	return done;
}

/* As the variables libpq reads. */
static bool add_options(PGconn *conn, struct child_reach *reach, size_t *count,
	const PQconninfoOption *options, const char *database)
{
	char **environment = reach->environment;
	if (reach->writes && !add_writing(environment, count, options))
		return false;
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		const char *value = value_of(conn, o, database);
		if (o->envvar == NULL || value == NULL || value[0] == '\0' ||
			strcmp(o->keyword, "service") == 0 ||
			(reach->writes && strcmp(o->keyword, "options") == 0) ||
			strcmp(o->envvar, "PGAPPNAME") == 0 ||
			strcmp(o->envvar, "PGCLIENTENCODING") == 0)
			continue;
		if (!add_entry(environment, count, o->envvar, value))
			return false;
	}
	return add_entry(environment, count, "PGAPPNAME", "dvf-import carry");
}

static bool copy_environment(char **environment, size_t *count)
{
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, "PG", 2) != 0 && strncmp(*entry, "LC_ALL=", 7) != 0) {
			environment[*count] = strdup(*entry);
			if (environment[*count] == NULL)
				return false;
			(*count)++;
		}
	return add_entry(environment, count, "LC_ALL", "C");
}

/* A file in memory, whose number is none that the child gives to anything else. */
static bool memory_file(const char *text, int *fd, struct error *error)
{
	int made = memfd_create("dvf-import", MFD_CLOEXEC);
	*fd = made != -1 ? fcntl(made, F_DUPFD_CLOEXEC, SERVICE_LEAST) : -1;
	bool done = *fd != -1 || error_system(error, "cannot make a file in memory");
	file_close(&made);
	return done && file_write_at(*fd, text, strlen(text), 0, error);
}

/* The pass phrase of a client key has no variable: it goes in a service file, which only the child
 * can read. */
static bool add_service(struct child_reach *reach, size_t *count, const PQconninfoOption *options,
	struct error *error)
{
	char path[32], *text = NULL;
	const char *phrase = NULL;
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "sslpassword") == 0)
			phrase = o->val;
	if (phrase == NULL || phrase[0] == '\0')
		return true;
	if (asprintf(&text, "[carry]\nsslpassword=%s\n", phrase) == -1)
		return error_memory(error, "a service file");
	bool done = memory_file(text, &reach->service, error);
	free(text);
	if (!done)
		return false;
	snprintf(path, sizeof(path), "/dev/fd/%d", reach->service);
	return (add_entry(reach->environment, count, "PGSERVICE", "carry") &&
		       add_entry(reach->environment, count, "PGSERVICEFILE", path)) ||
	       error_memory(error, "an environment");
}

bool child_reach(const struct promotion *p, const char *database, struct child_reach *reach,
	struct error *error)
{
	PQconninfoOption *options = PQconninfo(p->b.conn);
	size_t count = 0, room = VARIABLES;
	for (char **entry = environ; *entry != NULL; entry++)
		room++;
	*reach = (struct child_reach){ calloc(room, sizeof(*reach->environment)), -1,
		reach->writes };
	bool done = options != NULL && reach->environment != NULL &&
		    copy_environment(reach->environment, &count) &&
		    add_options(p->b.conn, reach, &count, options, database);
	if (!done)
		error_memory(error, "an environment");
	done = done && add_service(reach, &count, options, error);
	PQconninfoFree(options);
	if (!done)
		child_reach_free(reach);
	return done;
}

static bool spawn(const struct child *child, int said, pid_t *pid, struct error *error)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	const int wanted[DESCRIPTORS] = { child->in, child->out, said };
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	for (int i = 0; i < DESCRIPTORS; i++)
		if (wanted[i] != -1)
			posix_spawn_file_actions_adddup2(&actions, wanted[i], i);
		else
			posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
	if (child->list != -1)
		posix_spawn_file_actions_adddup2(&actions, child->list, DESCRIPTORS);
	if (child->reach->service != -1)
		posix_spawn_file_actions_adddup2(
			&actions, child->reach->service, child->reach->service);
	errno = posix_spawn(pid, child->words[0], &actions, &attributes,
		(char *const *)child->words, child->reach->environment);
	bool done = errno == 0 || error_system(error, "cannot start %s", child->words[0]);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return done;
}

/* Waits for it; a stop ends it. */
static bool wait_for(struct promotion *p, pid_t pid, int *status, struct error *error)
{
	pid_t ended;
	bool told = false;
	while ((ended = waitpid(pid, status, WNOHANG)) == 0 || (ended == -1 && errno == EINTR)) {
		if (stop_requested() && !told) {
			kill(pid, SIGTERM);
			told = true;
		}
		if (p->promote->tick != NULL)
			p->promote->tick(p->promote->tick_context);
		usleep(WAIT_MS * 1000);
	}
	if (told)
		return error_set(error, ERROR_STOPPED, "interrupted");
	return ended == pid || error_system(error, "cannot wait for a child");
}

/* The end of what it said, as one line. */
static void tell(const struct child *child, int said, struct error *error)
{
	char text[TAIL + 1] = "";
	size_t got = 0;
	off_t size = lseek(said, 0, SEEK_END);
	uint64_t first = size > TAIL ? (uint64_t)(size - TAIL) : 0;
	struct error ignored;
	if (size > 0 && file_read_at(said, text, TAIL, first, &got, &ignored))
		text[got] = '\0';
	const char *name = strrchr(child->words[0], '/');
	char before[64];
	snprintf(before, sizeof(before),
		"%.40s failed: ", name != NULL ? name + 1 : child->words[0]);
	pg_one_line(error, ERROR_DATABASE, before, text);
}

bool child_run(struct promotion *p, const struct child *child, struct error *error)
{
	int said = -1, status = 0;
	pid_t pid = -1;
	bool done = child_file(&said, error) && spawn(child, said, &pid, error) &&
		    wait_for(p, pid, &status, error);
	if (done && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		tell(child, said, error);
		done = false;
	}
	file_close(&said);
	return done;
}
