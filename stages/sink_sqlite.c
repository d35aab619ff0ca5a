#include "stages/sink_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "stages_sql.h"

#define TRIES 3

static bool random_bytes(unsigned char *bytes, size_t size, struct error *error)
{
	ssize_t got = getrandom(bytes, size, 0);
	return got == (ssize_t)size || error_system(error, "cannot get random bytes");
}

static bool token_make(char token[static 33], struct error *error)
{
	unsigned char bytes[16];
	if (!random_bytes(bytes, sizeof(bytes), error))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

/* RFC 9562, version 4. */
static bool uuid_make(char uuid[static 37], struct error *error)
{
	char hex[33];
	if (!token_make(hex, error))
		return false;
	hex[12] = '4';
	hex[16] = "89ab"[(unsigned char)hex[16] % 4];
	snprintf(uuid, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return true;
}

static bool folder_there(const char *path, struct error *error)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	int size = slash == NULL ? 1 : (int)(slash - path) + 1;
	char *folder = NULL;
	if (asprintf(&folder, "%.*s", size, slash == NULL ? "." : path) == -1)
		return error_memory(error, "a path");
	bool there = stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
	if (!there)
		error_set(error, ERROR_REFUSED,
			"the folder %s of the SQLite file does not exist: make it, or give another "
			"path",
			folder);
	free(folder);
	return there;
}

/* The staging slot is made when it is empty, but not while a run works on what was in it. */
static bool slot_take(struct sqlite_sink *sink, struct error *error)
{
	enum slot slot = sink->sink.destination.slot;
	bool usable = slot == SLOT_LIVE;
	if (slot == SLOT_STAGING && sink->sink.uuid[0] == '\0')
		return slot_staging_make(&sink->slots, &sink->sink, error);
	if (!usable && !slot_is_usable(&sink->slots, slot, &usable, error))
		return false;
	return usable ||
	       error_set(error, sink->sink.uuid[0] != '\0' ? ERROR_CHANGED : ERROR_REFUSED,
		       "%s is not there any more: run again", sink->sink.destination.url);
}

/* A run that had a file and finds none must not go on with a new one as if nothing had happened. */
static bool path_usable(struct sqlite_sink *sink, struct error *error)
{
	const char *path = sink->sink.destination.url;
	int64_t inode = 0;
	bool there = false;
	if (!folder_there(path, error) || !slot_take(sink, error) ||
		!sqlite_inode(path, &inode, &there, error))
		return false;
	if (!there && sink->sink.uuid[0] != '\0')
		return error_set(error, ERROR_CHANGED,
			"%s was removed while this run worked on it: run again", path);
	return true;
}

/* The page size holds only for a file that is new, and only before it is in WAL mode. */
static bool settings_put(sqlite3 *db, struct error *error)
{
	static const char *const settings[] = {
		"PRAGMA page_size = 16384",
		"PRAGMA foreign_keys = OFF",
		"PRAGMA secure_delete = OFF",
		"PRAGMA temp_store = FILE",
		"PRAGMA threads = 0",
		"PRAGMA synchronous = FULL",
		"PRAGMA analysis_limit = 1000",
		"PRAGMA journal_mode = WAL",
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!sqlite_run(db, settings[i], NULL, error))
			return false;
	return true;
}

/* Where shared memory does not work (some network file systems) the mode stays what it was. */
static bool wal_is_on(sqlite3 *db, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, "PRAGMA journal_mode", NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	const char *mode = done && row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (done && (mode == NULL || strcmp(mode, "wal") != 0))
		done = error_set(error, ERROR_REFUSED,
			"%s cannot be put into WAL mode: put it on a local disk",
			sqlite3_db_filename(db, "main"));
	return sqlite_read_end(statement, error) && done;
}

static bool tables_make(sqlite3 *db, struct error *error)
{
	const char *const statements[] = {
		sql_sqlite_destination_table,
		sql_sqlite_source_table,
		sql_sqlite_source_published_index,
		sql_sqlite_source_incoming_index,
		sql_sqlite_chunk_table,
		sql_sqlite_reject_table,
		sql_sqlite_history_table,
		sql_sqlite_history_update,
		sql_sqlite_history_delete,
		sql_sqlite_history_replace,
		sql_sqlite_mended_table,
		sql_sqlite_swap_table,
	};
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (!sqlite_run(db, statements[i], NULL, error))
			return false;
	return sqlite_source_upgrade(db, error);
}

static bool identity_put(
	struct sqlite_sink *sink, const char *uuid, int64_t inode, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(sink->db, &statement, sql_sqlite_destination_put, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, uuid);
	sqlite_bind_text(statement, 2, sink->token);
	sqlite_bind_text(statement, 3, sink->sink.destination.run_name);
	sqlite3_bind_int64(statement, 4, inode);
	sqlite3_bind_int(statement, 5, SQLITE_SCHEMA_VERSION);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

/* Whether the name leads to the file that is open: a promote may have exchanged it meanwhile. */
static bool is_named(struct sqlite_sink *sink, int64_t *inode, struct error *error)
{
	const char *path = sink->sink.destination.url;
	int64_t named = 0;
	bool there = false;
	if (!sqlite_inode(path, &named, &there, error))
		return false;
	if (there && !sqlite_inode(sqlite3_db_filename(sink->db, "main"), inode, &there, error))
		return false;
	return (there && named == *inode) ||
	       error_set(error, ERROR_LOST, "%s was removed or exchanged while it was being opened",
		       path);
}

/* A copy or a restored file has another inode: it is a destination of its own. */
static bool identity_settle(
	struct sqlite_sink *sink, char uuid[static 37], int64_t *inode, struct error *error)
{
	struct sqlite_identity identity;
	if (!sqlite_identity_get(sink->db, &identity, error) || !is_named(sink, inode, error))
		return false;
	bool same = identity.uuid[0] != '\0' && identity.inode == *inode;
	if (same)
		memcpy(uuid, identity.uuid, sizeof(identity.uuid));
	else if (!uuid_make(uuid, error))
		return false;
	if (sink->sink.uuid[0] != '\0' && strcmp(sink->sink.uuid, uuid) != 0)
		return error_set(error, ERROR_CHANGED,
			"%s was replaced while this run worked on it: run again",
			sink->sink.destination.url);
	return true;
}

/* Made anew where it names a table that somebody dropped: no year could be read through it. */
static bool view_there(sqlite3 *db, struct error *error)
{
	enum sqlite_view view = SQLITE_VIEW_NONE;
	char kind[8];
	if (!sqlite_view_look(db, &view, kind, error))
		return false;
	return view == SQLITE_VIEW_FOREIGN ||
	       (sqlite_view_make(db, error) && sqlite_views(db, error));
}

/* The write lock is ours: chunk transactions of earlier runs have ended, and later ones see our
 * token. */
static bool take_locked(struct sqlite_sink *sink, char uuid[static 37], struct error *error)
{
	int64_t inode = 0;
	return tables_make(sink->db, error) && identity_settle(sink, uuid, &inode, error) &&
	       token_make(sink->token, error) && identity_put(sink, uuid, inode, error) &&
	       view_there(sink->db, error);
}

static bool take_once(struct sqlite_sink *sink, char uuid[static 37], struct error *error)
{
	if (!path_usable(sink, error))
		return false;
	sqlite3_close(sink->db);
	if (!sqlite_open(&sink->db, &sink->wait, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error))
		return false;
	bool done = settings_put(sink->db, error) &&
		    sqlite_cache(sink->db, &sink->sink, 1, error) && wal_is_on(sink->db, error) &&
		    sqlite_run(sink->db, "BEGIN IMMEDIATE", NULL, error) &&
		    take_locked(sink, uuid, error);
	return sqlite_end(sink->db, done, error);
}

/* A promote that comes between opening the file and locking it is over when we have the lock. */
static bool take(struct sink *base, struct error *error)
{
	char uuid[37] = "";
	unsigned tries = 0;
	while (!take_once((struct sqlite_sink *)base, uuid, error))
		if (error->kind != ERROR_LOST || ++tries == TRIES)
			return false;
	memcpy(base->uuid, uuid, sizeof(uuid));
	return true;
}

/* Each year's table was analyzed when it got its indexes; what is left is the write-ahead log. */
static bool finish(struct sink *base, struct error *error)
{
	return sqlite_run(
		((struct sqlite_sink *)base)->db, "PRAGMA wal_checkpoint(PASSIVE)", NULL, error);
}

static void close_sink(struct sink *base)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	sqlite3_close(sink->db);
	slots_free(&sink->slots);
	free(sink->sink.destination.url);
	free(sink);
}

static const struct sink_ops ops = {
	.kind = "sqlite",
	.max_loaders = 1,
	.take = take,
	.place = sqlite_place,
	.published = sqlite_published,
	.recall = sqlite_recall,
	.begin = sqlite_edition_begin,
	.forget = sqlite_forget,
	.confirm = sqlite_confirm,
	.completed = sqlite_completed,
	.index = sqlite_index,
	.check = sqlite_check,
	.publish = sqlite_publish,
	.judge = sqlite_judge,
	.beside = sqlite_beside,
	.drop_year = sqlite_drop_year,
	.finish = finish,
	.preflight = sqlite_preflight,
	.look = sqlite_look,
	.years = sqlite_years,
	.copy_year = sqlite_copy_year,
	.head_add = sqlite_head_add,
	.heads = sqlite_heads,
	.rows_open = sqlite_rows_open,
	.keys_open = sqlite_keys_open,
	.kept_open = sqlite_kept_open,
	.chunks_open = sqlite_chunks_open,
	.mend = sqlite_mend,
	.loader_open = sqlite_loader_open,
	.close = close_sink,
};

/* The live one is opened by the name the user gave. One that begins with "file:" would be taken for
 * a URI. */
static bool name_set(struct sqlite_sink *sink, const char *path, struct error *error)
{
	struct destination *destination = &sink->sink.destination;
	if (destination->slot != SLOT_LIVE)
		return slot_path(&sink->slots, destination->slot, &destination->url, error);
	if (asprintf(&destination->url, "%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path) !=
		-1)
		return true;
	destination->url = NULL;
	return error_memory(error, "a path");
}

bool sink_open_sqlite(
	struct sink **sink, const struct destination *destination, struct error *error)
{
	const char *path = destination->url != NULL ? destination->url : "";
	*sink = NULL;
	/* SQLite would take these for a database without a file. */
	if (path[0] == '\0' || path[0] == ':')
		return error_set(error, ERROR_USAGE, "'%s' is no SQLite file: %s", path,
			SQLITE_WHAT_IT_NEEDS);
	struct sqlite_sink *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return error_memory(error, "a destination");
	made->sink.ops = &ops;
	made->sink.destination = *destination;
	made->sink.destination.url = NULL;
	made->wait = (struct sqlite_wait){ .sink = &made->sink, .ticks = true };
	if (!slots_make(&made->slots, path, error) || !name_set(made, path, error)) {
		close_sink(&made->sink);
		return false;
	}
	*sink = &made->sink;
	return true;
}
