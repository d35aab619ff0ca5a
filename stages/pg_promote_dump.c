#include "stages/pg_promote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages_sql.h"
#include "state/base/file.h"
#include "state/base/log.h"

#define NEWEST       30 /* of the server, looked for */
#define WORD_SIZE    (2 * DATABASE_NAME + 16)
#define WORDS        160     /* of pg_dump's command line */
#define ENTRIES      1000000 /* of an archive: FOREIGN_MAX objects have a few each */
#define CLASS_CLASS  1259    /* oids of catalogues, as the archive's list has them */
#define CLASS_LARGE  2613
#define CLASS_MAPPED 1418

static bool executable(const char *folder, const char *name)
{
	char path[320];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, X_OK) == 0;
}

/* The major version that `<folder>/pg_dump --version` tells; 0 when it does not. */
static bool version_of(struct promotion *p, const char *folder, int *version, struct error *error)
{
	char path[320], text[128] = "";
	const char *const words[] = { path, "--version", NULL };
	struct child_reach reach = { NULL, -1, false };
	int out = -1;
	size_t got = 0;
	snprintf(path, sizeof(path), "%s/pg_dump", folder);
	*version = 0;
	bool done = child_reach(p, p->maintenance, &reach, error) && child_file(&out, error);
	struct child child = { words, &reach, -1, out, -1 };
	struct error ignored;
	if (done && child_run(p, &child, &ignored) &&
		file_read_at(out, text, sizeof(text) - 1, 0, &got, &ignored)) {
		const char *digits = text + strcspn(text, "0123456789");
		*version = (int)strtol(digits, NULL, 10);
	}
	file_close(&out);
	child_reach_free(&reach);
	return done;
}

/* The first folder of PATH that has both; as good as any if its version is not too old. */
static bool find_in_path(
	struct promotion *p, char folder[static 256], bool *found, struct error *error)
{
	const char *path = getenv("PATH");
	for (const char *at = path; at != NULL && *at != '\0'; at += strspn(at, ":")) {
		size_t size = strcspn(at, ":");
		int version = 0;
		snprintf(folder, 256, "%.*s", (int)size, at);
		at += size;
		if (!executable(folder, "pg_dump") || !executable(folder, "pg_restore"))
			continue;
		if (!version_of(p, folder, &version, error))
			return false;
		*found = version >= p->server_version / 10000;
		if (*found)
			return true;
	}
	return true;
}

bool promotion_dump_find(
	struct promotion *p, char folder[static 256], bool *found, struct error *error)
{
	int server = p->server_version / 10000;
	*found = false;
	/* The server's own version first: what a newer one writes, an older server may not read. */
	for (int version = server; version <= NEWEST; version++) {
		snprintf(folder, 256, "/usr/lib/postgresql/%d/bin", version);
		*found = executable(folder, "pg_dump") && executable(folder, "pg_restore");
		if (*found)
			return true;
		if (version == server && (!find_in_path(p, folder, found, error) || *found))
			return *found;
	}
	return true;
}

/* What belongs to another entry and comes with it. */
static bool is_part(const char *description)
{
	static const char *const parts[] = { "INDEX ", "CONSTRAINT ", "CHECK CONSTRAINT ",
		"FK CONSTRAINT ", "DEFAULT ", "TRIGGER ", "RULE ", "POLICY ", "ROW SECURITY ",
		"ACL ", "COMMENT ", "SECURITY LABEL ", "SEQUENCE SET ", "SEQUENCE OWNED BY ",
		"STATISTICS DATA ", "TABLE ATTACH ", "TABLE DATA ", "MATERIALIZED VIEW DATA " };
	if (strncmp(description, "DEFAULT ACL", 11) == 0)
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strncmp(description, parts[i], strlen(parts[i])) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct foreign_list *list, uint32_t classid, uint32_t objid)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i].objid == objid && list->items[i].classid == classid)
			return foreign_is_dumped(&list->items[i]);
	return false;
}

static bool any_wanted(const struct foreign_list *list, uint32_t classid)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i].classid == classid && foreign_is_dumped(&list->items[i]))
			return true;
	return false;
}

/* The archive's table of contents, filtered: which entries, by their numbers, are kept. */
struct contents {
	const struct foreign_list *list;
	bool *kept;
	size_t room;
};

static bool depends_on_kept(const struct contents *contents, const char *text)
{
	for (char *end; isdigit((unsigned char)*text); text = end + strspn(end, " ")) {
		unsigned long number = strtoul(text, &end, 10);
		if (number < contents->room && contents->kept[number])
			return true;
	}
	return false;
}

/* One entry, "217; 1259 16395 TABLE public notes owner", and behind it "depends on: 848". */
static bool keep_entry(const struct contents *contents, const char *line, const char *depends)
{
	unsigned long number;
	unsigned int classid, objid;
	int at = 0;
	if (sscanf(line, "%lu; %u %u %n", &number, &classid, &objid, &at) != 3 || at == 0)
		return false;
	const char *description = line + at;
	if (is_wanted(contents->list, classid != 0 ? classid : CLASS_CLASS, objid))
		return true;
	if (strncmp(description, "BLOB", 4) == 0)
		return any_wanted(contents->list, CLASS_LARGE);
	if (strncmp(description, "USER MAPPING", 12) == 0)
		return any_wanted(contents->list, CLASS_MAPPED);
	return is_part(description) && depends_on_kept(contents, depends);
}

static bool filter_line(struct contents *contents, const char *line, const char *depends, FILE *to,
	struct error *error)
{
	unsigned long number = strtoul(line, NULL, 10);
	if (!keep_entry(contents, line, depends))
		return true;
	if (number < contents->room)
		contents->kept[number] = true;
	return fputs(line, to) != EOF || error_system(error, "cannot write a list");
}

/* pg_restore's verbose list in, its -L list out. */
static bool filter(struct contents *contents, FILE *from, FILE *to, struct error *error)
{
	char *line = NULL, *entry = NULL;
	size_t room = 0;
	static const char depends[] = ";\tdepends on: ";
	bool done = true;
	while (done && getline(&line, &room, from) != -1) {
		bool starts = isdigit((unsigned char)line[0]);
		bool follows = entry != NULL && strncmp(line, depends, sizeof(depends) - 1) == 0;
		if ((starts || follows) && entry != NULL) {
			done = filter_line(contents, entry,
				follows ? line + sizeof(depends) - 1 : "", to, error);
			free(entry);
			entry = NULL;
		}
		if (done && starts && (entry = strdup(line)) == NULL)
			done = error_memory(error, "a list");
	}
	if (done && entry != NULL)
		done = filter_line(contents, entry, "", to, error);
	free(entry);
	free(line);
	if (done && fflush(to) != 0)
		done = error_system(error, "cannot write a list");
	return done;
}

static FILE *stream(int fd, const char *mode)
{
	int twin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *made = twin != -1 ? fdopen(twin, mode) : NULL;
	if (made == NULL && twin != -1)
		close(twin);
	return made;
}

static bool make_list(const struct foreign_list *list, int verbose, int chosen, struct error *error)
{
	struct contents contents = { .list = list, .room = ENTRIES };
	FILE *from = stream(verbose, "r"), *to = stream(chosen, "w");
	bool done = false;
	contents.kept = calloc(contents.room, sizeof(*contents.kept));
	if (from == NULL || to == NULL || contents.kept == NULL) {
		error_memory(error, "a list");
	} else {
		rewind(from);
		done = filter(&contents, from, to, error);
	}
	free(contents.kept);
	if (from != NULL)
		fclose(from);
	if (to != NULL)
		fclose(to);
	return done;
}

/* pg_dump's words: everything but our schema, dvf and its years. */
static bool run_dump(struct promotion *p, const char *folder, int archive, struct error *error)
{
	char path[320];
	const char *words[WORDS] = { path, "--format=custom", "--no-password", "--no-publications",
		"--no-subscriptions", "--exclude-schema=dvf_import" };
	const char *const params[] = { p->places[PLACE_LIVE].dvf };
	struct pg pg = { 0 };
	PGresult *r = NULL;
	struct child_reach reach = { NULL, -1, false };
	int count = 6;
	snprintf(path, sizeof(path), "%s/pg_dump", folder);
	bool done = promotion_connect(p, p->places[PLACE_LIVE].name, &pg, error) &&
		    pg_params(&pg, sql_postgres_promote_tables, 1, params, &r, error) &&
		    child_reach(p, p->places[PLACE_LIVE].name, &reach, error);
	pg_close(&pg);
	for (int i = 0; done && i < PQntuples(r); i++)
		if (count < WORDS - 1)
			words[count++] = pg_text(r, i, 0);
		else
			done = error_set(
				error, ERROR_REFUSED, "dvf has too many partitions to carry");
	struct child child = { words, &reach, -1, archive, -1 };
	done = done && child_run(p, &child, error);
	PQclear(r);
	child_reach_free(&reach);
	return done;
}

/* pg_restore takes a name that has a = or a :// in it for a connection string: so it gets one,
 * quoted. */
static void database_word(const char *name, char word[static WORD_SIZE])
{
	char *to = word + snprintf(word, WORD_SIZE, "dbname='");
	for (const char *c = name; *c != '\0'; c++) {
		if (*c == '\'' || *c == '\\')
			*to++ = '\\';
		*to++ = *c;
	}
	memcpy(to, "'", 2);
}

static bool any_both(const struct foreign_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i].both && foreign_is_dumped(&list->items[i]))
			return true;
	return false;
}

/* Whether a BEGIN in the database that is restored into would not let pg_restore write. */
static bool read_only_there(struct promotion *p, bool *read_only, struct error *error)
{
	struct pg pg = { 0 };
	PGresult *r = NULL;
	bool done = promotion_connect(p, p->places[p->from].name, &pg, error) &&
		    pg_exec(&pg, "SELECT current_setting('default_transaction_read_only') = 'on'",
			    &r, error);
	*read_only = done && pg_true(r, 0, 0);
	PQclear(r);
	pg_close(&pg);
	return done;
}

static bool run_restore(struct promotion *p, const char *folder, const struct foreign_list *list,
	int archive, struct error *error)
{
	char path[320], database[WORD_SIZE];
	int verbose = -1, chosen = -1;
	struct child_reach reach = { NULL, -1, false };
	snprintf(path, sizeof(path), "%s/pg_restore", folder);
	database_word(p->places[p->from].name, database);
	const char *const show[] = { path, "--list", "--verbose", NULL };
	/* In both: dropped first, in the same transaction. */
	const char *const restore[] = { path, "--no-password", "--single-transaction",
		"--exit-on-error", "--dbname", database, "--use-list=/dev/fd/3",
		any_both(list) ? "--clean" : NULL, "--if-exists", NULL };
	bool done = child_file(&verbose, error) && child_file(&chosen, error) &&
		    read_only_there(p, &reach.writes, error) &&
		    child_reach(p, p->places[p->from].name, &reach, error);
	struct child lister = { show, &reach, archive, verbose, -1 };
	struct child restorer = { restore, &reach, archive, -1, chosen };
	done = done && lseek(archive, 0, SEEK_SET) == 0 && child_run(p, &lister, error) &&
	       make_list(list, verbose, chosen, error) && lseek(archive, 0, SEEK_SET) == 0 &&
	       lseek(chosen, 0, SEEK_SET) == 0 && child_run(p, &restorer, error);
	child_reach_free(&reach);
	file_close(&verbose);
	file_close(&chosen);
	return done;
}

bool promotion_dump(struct promotion *p, const struct foreign_list *list, struct error *error)
{
	char folder[256];
	bool found = false;
	int archive = -1;
	bool done = promotion_dump_find(p, folder, &found, error) &&
		    (found || error_set(error, ERROR_REFUSED, "there is no pg_dump any more")) &&
		    child_file(&archive, error) && run_dump(p, folder, archive, error) &&
		    run_restore(p, folder, list, archive, error);
	file_close(&archive);
	return done || error_where(error, "cannot carry over what is not ours");
}
