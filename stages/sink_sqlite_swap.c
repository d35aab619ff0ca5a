#include "stages/sink_sqlite_swap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"

static void text_of(char *to, size_t room, sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	snprintf(to, room, "%s", text != NULL ? text : "");
}

static void swap_read(struct sqlite_swap *swap, sqlite3_stmt *row)
{
	char kind[16];
	swap->number = sqlite3_column_int64(row, 0);
	text_of(kind, sizeof(kind), row, 1);
	swap->revert = strcmp(kind, "revert") == 0;
	text_of(swap->live, sizeof(swap->live), row, 2);
	text_of(swap->instead_of, sizeof(swap->instead_of), row, 3);
	text_of(swap->run, sizeof(swap->run), row, 4);
	text_of(swap->meant_at, sizeof(swap->meant_at), row, 5);
	swap->done = sqlite3_column_int(row, 6) != 0;
	text_of(swap->live_file, sizeof(swap->live_file), row, 7);
	text_of(swap->instead_file, sizeof(swap->instead_file), row, 8);
	text_of(swap->gone_file, sizeof(swap->gone_file), row, 9);
	text_of(swap->id, sizeof(swap->id), row, 10);
}

bool swap_last(sqlite3 *db, struct sqlite_swap *swap, bool *found, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	*swap = (struct sqlite_swap){ 0 };
	*found = false;
	bool there = false;
	if (!sqlite_table_there(db, "dvf_import_swap", &there, error))
		return false;
	if (!there)
		return true;
	if (!sqlite_prepare(db, &statement, sql_sqlite_swap_last, NULL, error))
		return false;
	bool done = sqlite_step(statement, found, error);
	if (done && *found)
		swap_read(swap, statement);
	return sqlite_read_end(statement, error) && done;
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

bool swap_add(sqlite3 *db, const struct sqlite_swap *swap, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	if (!sqlite_prepare(db, &statement, sql_sqlite_swap_add, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, swap->revert ? "revert" : "promote");
	sqlite_bind_text(statement, 2, swap->live);
	sqlite_bind_text(statement, 3, or_null(swap->instead_of));
	sqlite_bind_text(statement, 4, swap->run);
	sqlite_bind_text(statement, 5, swap->meant_at);
	sqlite_bind_text(statement, 6, swap->live_file);
	sqlite_bind_text(statement, 7, or_null(swap->instead_file));
	sqlite_bind_text(statement, 8, or_null(swap->gone_file));
	sqlite3_bind_int(statement, 9, swap->done);
	sqlite_bind_text(statement, 10, swap->id);
	bool done = sqlite_step(statement, NULL, error);
	sqlite3_finalize(statement);
	return done;
}

bool swap_withdraw(sqlite3 *db, struct error *error)
{
	return sqlite_run(db, sql_sqlite_swap_withdraw, NULL, error);
}

/* Whether a link leads to the file; a slot that holds something else does not. */
static bool leads_to(const struct slots *slots, enum slot slot, const char *name, bool *leads,
	struct error *error)
{
	struct slot_look look;
	if (!slot_look(slots, slot, &look, error))
		return false;
	*leads = look.kind == SLOT_LINK && strcmp(look.name, name) == 0;
	return true;
}

static bool point_once(
	const struct slots *slots, enum slot slot, const char *name, struct error *error)
{
	bool leads = false;
	return leads_to(slots, slot, name, &leads, error) &&
	       (leads || slot_point(slots, slot, name, error));
}

static bool drop_if(
	const struct slots *slots, enum slot slot, const char *name, struct error *error)
{
	bool leads = false;
	return leads_to(slots, slot, name, &leads, error) &&
	       (!leads || slot_drop(slots, slot, error));
}

static bool remove_unlinked(const struct slots *slots, const char *name, struct error *error)
{
	for (enum slot slot = SLOT_LIVE; slot <= SLOT_PREVIOUS; slot++) {
		bool leads = false;
		if (!leads_to(slots, slot, name, &leads, error))
			return false;
		if (leads)
			return true;
	}
	return slot_remove(slots, name, error);
}

bool swap_links(const struct slots *slots, const struct sqlite_swap *swap, struct error *error)
{
	enum slot from = swap->revert ? SLOT_PREVIOUS : SLOT_STAGING;
	enum slot to = swap->revert ? SLOT_STAGING : SLOT_PREVIOUS;
	return (swap->instead_file[0] == '\0' ||
		       point_once(slots, to, swap->instead_file, error)) &&
	       drop_if(slots, from, swap->live_file, error) &&
	       (swap->gone_file[0] == '\0' || remove_unlinked(slots, swap->gone_file, error));
}

/* The file that had been live, opened by its own name; *db NULL: it is not there any more. */
static bool instead_open(struct swapping *swapping, sqlite3 **db, struct error *error)
{
	char *path = NULL;
	int64_t inode = 0;
	bool there = false;
	*db = NULL;
	bool done = swapping->swap.instead_file[0] == '\0' ||
		    (slot_file_path(&swapping->slots, swapping->swap.instead_file, &path, error) &&
			    sqlite_inode(path, &inode, &there, error) &&
			    (!there || sqlite_open_at(db, &swapping->old->wait, path,
					       SQLITE_OPEN_READWRITE, error)));
	free(path);
	return done;
}

static bool note(sqlite3 *db, struct sqlite_swap *swap, struct error *error)
{
	if (db == NULL)
		return true;
	swap->done = true;
	bool done = sqlite_run(db, "BEGIN IMMEDIATE", NULL, error) && swap_add(db, swap, error);
	return sqlite_end(db, done, error);
}

/* Under the write lock of what is live, and only if nobody has done it meanwhile. */
static bool finish_locked(struct swapping *swapping, sqlite3 *live, struct error *error)
{
	struct sqlite_swap *swap = &swapping->swap;
	sqlite3 *instead = NULL;
	bool found = false;
	bool done = swap_last(live, swap, &found, error);
	if (!done || !found || swap->done)
		return done;
	done = swap_links(&swapping->slots, swap, error) &&
	       instead_open(swapping, &instead, error) && note(instead, swap, error) &&
	       sqlite_run_for(live, sql_sqlite_swap_done, swap->number, error);
	sqlite3_close(instead);
	return done;
}

static bool finish(struct swapping *swapping, struct error *error)
{
	struct sqlite_sink *live = swapping->old;
	sqlite3_close(live->db);
	if (!sqlite_open(&live->db, &live->wait, SQLITE_OPEN_READWRITE, error) ||
		!sqlite_run(live->db, "BEGIN IMMEDIATE", NULL, error))
		return false;
	bool done = finish_locked(swapping, live->db, error);
	return sqlite_end(live->db, done, error);
}

/* The live file says that it was to be live, and it is, but not that this is done. */
static bool is_left(struct swapping *swapping, bool *left, struct error *error)
{
	bool there = false;
	*left = false;
	if (!slot_look(&swapping->slots, SLOT_LIVE, &swapping->live, error))
		return false;
	if (swapping->live.kind != SLOT_LINK || !swapping->live.there)
		return true;
	if (!sqlite_look(&swapping->old->sink, &there, error))
		return false;
	if (!there)
		return true;
	if (!swap_last(swapping->old->db, &swapping->swap, left, error))
		return false;
	*left = *left && !swapping->swap.done &&
		strcmp(swapping->swap.live_file, swapping->live.name) == 0 &&
		strcmp(swapping->swap.live, swapping->old->sink.uuid) == 0;
	return true;
}

bool swap_finish(struct swapping *swapping, bool *left, struct error *error)
{
	if (!is_left(swapping, left, error))
		return false;
	if (!*left)
		return true;
	const char *kind = swapping->swap.revert ? "revert" : "promote";
	if (swapping->promote->settings->dry_run) {
		swap_say(swapping, "would finish the %s of %s: %s is live already", kind,
			swapping->swap.meant_at, swapping->swap.live_file);
		return true;
	}
	if (!finish(swapping, error))
		return error_where(error, "finishing the %s of %s", kind, swapping->swap.meant_at);
	swap_say(swapping, "finished the %s of %s, which was cut off: %s is live", kind,
		swapping->swap.meant_at, swapping->swap.live_file);
	return true;
}
