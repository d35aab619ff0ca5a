/*
 * sink_sqlite.h: what the files of the SQLite sink share; nobody else includes it.
 *
 * Every edition has a table of its own, `dvf_<year>_<sha256, 12 digits>`, which is loaded, indexed,
 * checked and then named in the view `dvf`: publishing changes the view, never the table. The
 * bookkeeping (dvf_import_destination, _source, _chunk, _reject) lives in the same file and changes
 * in the same transactions. A kernel lock of SQLite's is the only lock: BEGIN IMMEDIATE, then the
 * fence is read.
 *
 * After a crash: SQLite rolls back what was open when the file is next opened.
 * Threads: the sink's connection belongs to the main thread, each loader's to its own. The file is
 * never opened but through SQLite: closing another descriptor of it would drop the locks of all of
 * them. Memory: the page cache, sink.cache_bytes for the sink and half of it for a loader. Sorting
 * for an index goes to SQLite's temporary folder (SQLITE_TMPDIR, TMPDIR, /var/tmp, /tmp).
 */
#ifndef STAGES_SINK_SQLITE_H
#define STAGES_SINK_SQLITE_H

#include <sqlite3.h>

#include "stages/sink.h"
#include "stages/sink_sqlite_slot.h"
#include "stages/statement.h"

#define SQLITE_SCHEMA_VERSION 1
#define SQLITE_TABLE_MAX      64
#define SQLITE_WHAT_IT_NEEDS  "it needs the path of a file, such as dvf.sqlite"

/* Who waits when the file is locked; it must outlive the connection. */
struct sqlite_wait {
	struct sink *sink;
	bool ticks; /* in the main thread: sink->tick may be called */
	uint64_t began_ms;
	uint64_t ticked_ms;
};

struct sqlite_sink {
	struct sink sink; /* its destination's url is the name of its slot */
	struct slots slots;
	sqlite3 *db;
	struct sqlite_wait wait;
	char token[33];
};

/* What dvf_import_destination says of a file; uuid "" when it has no row yet. */
struct sqlite_identity {
	char uuid[37];
	int64_t inode;
	int schema_version;
};

/* One row of dvf_import_source. */
struct sqlite_source {
	int64_t id;
	char table[SQLITE_TABLE_MAX];
	struct edition_memory memory;
};

/* --- the connection and its statements (sink_sqlite_db.c)
 * ------------------------------------------ */

/* `flags` as for sqlite3_open_v2. *db is NULL after false. */
bool sqlite_open(sqlite3 **db, struct sqlite_wait *wait, int flags, struct error *error);
/* The same for a file that is not the sink's. */
bool sqlite_open_at(
	sqlite3 **db, struct sqlite_wait *wait, const char *path, int flags, struct error *error);

/* Turns what SQLite said last on this connection into an error. Returns false. */
bool sqlite_failed(sqlite3 *db, int code, struct error *error);
/* ERROR_SYSTEM for a file, or the log beside it, that could not be opened for want of a descriptor.
 */
bool sqlite_no_descriptor(const char *path, struct error *error);

/* `values` NULL: nothing is to be put in. *statement is NULL after false. */
bool sqlite_prepare(sqlite3 *db, sqlite3_stmt **statement, const char *sql,
	const struct sql_value *values, struct error *error);

/* *row says whether a row came; with `row` NULL the statement is run to its end. */
bool sqlite_step(sqlite3_stmt *statement, bool *row, struct error *error);
/* Finalizes a statement whose texts were read. False, with ERROR_MEMORY: one of them read as NULL
 * because SQLite found no memory for it; what came of it is void. */
bool sqlite_read_end(sqlite3_stmt *statement, struct error *error);

/* Prepares, runs to the end, finalizes. */
bool sqlite_run(sqlite3 *db, const char *sql, const struct sql_value *values, struct error *error);

/* The same with ?1 bound to `id`. */
bool sqlite_run_for(sqlite3 *db, const char *sql, int64_t id, struct error *error);

/* Binds text that stays where it is until the statement was stepped; NULL and "" as they are. */
void sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text);

/* BEGIN IMMEDIATE, then the fence: ERROR_FENCED when another run has taken the destination,
 * ERROR_LOST when the file is another than the one that was taken. After false no transaction is
 * open. */
bool sqlite_begin(sqlite3 *db, const struct sqlite_sink *sink, struct error *error);

/* COMMIT if `done`, else (or when that fails) ROLLBACK. Returns whether it is committed. */
bool sqlite_end(sqlite3 *db, bool done, struct error *error);

void sqlite_rollback(sqlite3 *db);

/* The page cache is sink->cache_bytes from now on, divided by `share`. */
bool sqlite_cache(sqlite3 *db, const struct sink *sink, unsigned share, struct error *error);

/* The file that `other` has open is attached to `db` as "live", to be read only. Not in a
 * transaction; sqlite_detach after it. */
bool sqlite_attach(sqlite3 *db, sqlite3 *other, struct error *error);
void sqlite_detach(sqlite3 *db);

/* --- the bookkeeping and the view (sink_sqlite_source.c)
 * ------------------------------------------- */

/* Adds the columns that a file made by an older version lacks. */
bool sqlite_source_upgrade(sqlite3 *db, struct error *error);

/* `sha256` NULL: the one that is published. One that is said to be and whose table is gone is not
 * found. */
bool sqlite_source_find(sqlite3 *db, struct sqlite_source *source, int year, const char *sha256,
	bool *found, struct error *error);

/* What the attached file serves for a year. */
bool sqlite_source_find_live(
	sqlite3 *db, struct sqlite_source *source, int year, bool *found, struct error *error);

/* Its table, chunks, rejects and its own row. */
bool sqlite_source_drop(sqlite3 *db, int64_t id, const char *table, struct error *error);

/* Forgets what the year is said to serve if its table is gone, and the view shows it no more:
 * before another table may get that name, or another edition its place. */
bool sqlite_source_lost_drop(sqlite3 *db, int year, struct error *error);

/* Adds a row at `stage` with the table's name ("" for none). */
bool sqlite_source_add(sqlite3 *db, const struct edition *edition, const char *table,
	const char *stage, struct error *error);

/* Puts the edition's URL and validators into the row. */
bool sqlite_source_renew(
	sqlite3 *db, int64_t id, const struct edition *edition, struct error *error);

bool sqlite_source_stage(sqlite3 *db, int64_t id, const char *stage, const char *why,
	const char *under, struct error *error);

/* The witness of one source, merged. */
bool sqlite_source_chunks(sqlite3 *db, int64_t id, struct ranges *ranges, struct error *error);

bool sqlite_table_there(sqlite3 *db, const char *table, bool *there, struct error *error);

/* What stands under the name dvf: nothing, our view, or something else ("table", "view"). */
enum sqlite_view { SQLITE_VIEW_NONE, SQLITE_VIEW_OURS, SQLITE_VIEW_FOREIGN };
bool sqlite_view_look(
	sqlite3 *db, enum sqlite_view *view, char kind[static 8], struct error *error);

/* ERROR_REFUSED when `dvf` is not ours. */
bool sqlite_view_free(sqlite3 *db, struct error *error);

/* The view shows the years that are published and whose table is there; one that does stays as it
 * is. */
bool sqlite_view_make(sqlite3 *db, struct error *error);

/* Makes dvf_sale and dvf_price_m2 where they are missing and nobody has a thing of these names, in
 * the transaction that is open (sink_sqlite_views.c). What keeps only them from being made is a
 * warning. */
bool sqlite_views(sqlite3 *db, struct error *error);

/* Before things of people come over from the file that is attached as live: where one of them has
 * the name of a view of ours, ours go. */
bool sqlite_views_yield(sqlite3 *db, struct error *error);

/* --- rows into an edition's table (sink_sqlite_insert.c)
 * ------------------------------------------- */

#define SQLITE_DATE_SIZE 10 /* 2023-12-31 */

/* Zero-initialised is empty and valid; what is in it is private. It stays where it is from make to
 * free, and a connection has one at a time. */
struct sqlite_insert {
	sqlite3 *db; /* that knows the virtual table the rows are selected from */
	sqlite3_stmt *statement;
	struct row_source *source; /* of the insert under way, and its row that stands */
	const struct row *row;
	bool source_failed;
	struct error *error; /* for the source */
	int64_t day;         /* the date that `date` holds */
	char date[SQLITE_DATE_SIZE + 1];
};

/* Into this table from now on. */
bool sqlite_insert_make(
	struct sqlite_insert *insert, sqlite3 *db, const char *table, struct error *error);
/* All of them or none; *taken: how many. ERROR_LOST: a source_row is there already. */
bool sqlite_insert_rows(struct sqlite_insert *insert, struct row_source *source, uint64_t *taken,
	struct error *error);
bool sqlite_insert_row(struct sqlite_insert *insert, const struct row *row, struct error *error);
/* Before the connection is closed. */
void sqlite_insert_free(struct sqlite_insert *insert);

/* --- the operations, by file
 * ----------------------------------------------------------------------- */

/* sink_sqlite_edition.c */
bool sqlite_published(struct sink *sink, int year, struct edition_memory *memory, bool *found,
	struct error *error);
bool sqlite_recall(struct sink *sink, const struct edition *edition, struct edition_memory *memory,
	bool *found, struct error *error);
bool sqlite_edition_begin(struct sink *sink, const struct edition *edition, struct error *error);
bool sqlite_forget(struct sink *sink, const struct edition *edition, struct error *error);
bool sqlite_confirm(struct sink *sink, const struct edition *edition, struct error *error);
bool sqlite_completed(struct sink *sink, const struct edition *edition, struct ranges *ranges,
	struct error *error);
bool sqlite_beside(struct sink *sink, int year, const char *lives, struct error *error);
bool sqlite_judge(struct sink *sink, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error);

/* Puts editions of the year that are being loaded out of the way, but for this one. */
bool sqlite_edition_others_drop(sqlite3 *db, const struct edition *edition, struct error *error);
/* Makes the edition's table, empty; `known`: the row it has (NULL: none), which goes unless it is
 * what serves. */
bool sqlite_edition_afresh(sqlite3 *db, const struct edition *edition,
	const struct sqlite_source *known, char table[static SQLITE_TABLE_MAX],
	struct error *error);

/* sink_sqlite_publish.c */
bool sqlite_index(struct sink *sink, const struct edition *edition, struct error *error);
bool sqlite_check(struct sink *sink, const struct edition *edition, struct year_total *total,
	struct error *error);
bool sqlite_publish(struct sink *sink, const struct edition *edition,
	const struct year_total *total, struct error *error);
bool sqlite_drop_year(struct sink *sink, int year, struct error *error);

/* sink_sqlite_preflight.c */
bool sqlite_preflight(struct sink *sink, sink_finding *finding, void *context, struct error *error);

/* sink_sqlite_look.c: the number of the file behind the name (which is only ever opened by SQLite),
 * and what the file itself says it is; a newer one than we know is ERROR_REFUSED. */
bool sqlite_inode(const char *path, int64_t *inode, bool *there, struct error *error);
bool sqlite_identity_get(sqlite3 *db, struct sqlite_identity *identity, struct error *error);

/* sink_sqlite_look.c, _copy.c, _heads.c, _rows.c, _kept.c, _mend.c */
bool sqlite_look(struct sink *sink, bool *there, struct error *error);
bool sqlite_years(struct sink *sink, struct served_years *served, struct error *error);
bool sqlite_copy_year(struct sink *sink, struct sink *live, int year, struct edition *edition,
	struct year_total *total, struct error *error);
bool sqlite_head_add(struct sink *sink, const struct history_head *head, struct error *error);
bool sqlite_heads(struct sink *sink, sink_head_seen *seen, void *context, struct error *error);
bool sqlite_rows_open(struct sink *sink, int year, struct row_reader **reader, struct error *error);
bool sqlite_keys_open(struct sink *sink, int year, struct row_reader **reader, struct error *error);
bool sqlite_chunks_open(struct sink *sink, const struct edition *edition,
	struct chunk_reader **reader, struct error *error);
bool sqlite_kept_open(
	struct sink *sink, int year, struct kept_reader **reader, struct error *error);
bool sqlite_mend(struct sink *sink, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error);

/* sink_sqlite_place.c */
void sqlite_place(struct sink *sink, struct sink_place *place);

/* sink_sqlite_load.c */
bool sqlite_loader_open(struct sink *sink, struct loader **loader, struct error *error);

#endif
