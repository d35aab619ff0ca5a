/*
 * What people made in the live file: tables, indexes, views, triggers. Each is made again from the
 * statement that made it; tables first, with their rows, triggers last, so that none fires.
 *
 * A table that both have is compared row by row: what was carried over once may be out of date.
 */
#include "stages/sink_sqlite_swap.h"

#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"

#define TOLD_MAX 20 /* lines; those after it are counted */

/* One of them; texts are owned. */
struct foreign {
	char *type, *name, *owner, *sql;
};

static void foreign_free(struct foreign *foreign)
{
	free(foreign->type);
	free(foreign->name);
	free(foreign->owner);
	free(foreign->sql);
	*foreign = (struct foreign){ 0 };
}

static char *text_copy(sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	return text != NULL ? strdup(text) : NULL;
}

static bool foreign_read(struct foreign *foreign, sqlite3_stmt *row, struct error *error)
{
	foreign->type = text_copy(row, 0);
	foreign->name = text_copy(row, 1);
	foreign->owner = text_copy(row, 2);
	foreign->sql = text_copy(row, 3);
	return (foreign->type != NULL && foreign->name != NULL && foreign->owner != NULL &&
		       foreign->sql != NULL) ||
	       error_memory(error, "a statement of the live database");
}

/* By its place in their order, which stays while live is locked. *found false: no more. */
static bool foreign_at(
	sqlite3 *db, unsigned at, struct foreign *foreign, bool *found, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	foreign_free(foreign);
	if (!sqlite_prepare(db, &statement, sql_sqlite_foreign_at, NULL, error))
		return false;
	sqlite3_bind_int64(statement, 1, at);
	bool done = sqlite_step(statement, found, error);
	if (done && *found)
		done = foreign_read(foreign, statement, error);
	return sqlite_read_end(statement, error) && done;
}

/* *number: the first column of the first row, 0 without one. */
static bool ask(sqlite3 *db, const char *sql, const struct sql_value *values,
	const char *const *texts, int64_t *number, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql, values, error))
		return false;
	for (int i = 0; texts != NULL && texts[i] != NULL; i++)
		sqlite_bind_text(statement, i + 1, texts[i]);
	bool done = sqlite_step(statement, &row, error);
	*number = done && row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return done;
}

static bool is_virtual(const struct foreign *foreign)
{
	return sqlite3_strnicmp(foreign->sql, "CREATE VIRTUAL", 14) == 0;
}

/* A statement about the table and its columns, as this file has them. */
static bool ask_columns(sqlite3 *db, const struct foreign *foreign, const char *sql,
	int64_t *number, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	if (!sqlite_prepare(db, &statement, sql_sqlite_foreign_columns, NULL, error))
		return false;
	sqlite_bind_text(statement, 1, foreign->name);
	bool done = sqlite_step(statement, &row, error);
	if (done && row) {
		const struct sql_value values[] = { { "table", foreign->name },
			{ "columns", (const char *)sqlite3_column_text(statement, 0) },
			{ NULL, NULL } };
		done = ask(db, sql, values, NULL, number, error);
	}
	return sqlite_read_end(statement, error) && done;
}

static bool is_lacking(
	sqlite3 *db, const struct foreign *foreign, bool *lacking, struct error *error)
{
	const char *const texts[] = { foreign->type, foreign->name, foreign->sql, NULL };
	int64_t same = 0;
	if (!ask(db, sql_sqlite_foreign_there, NULL, texts, &same, error))
		return false;
	if (same != 0 && strcmp(foreign->type, "table") == 0 && !is_virtual(foreign) &&
		!ask_columns(db, foreign, sql_sqlite_foreign_same, &same, error))
		return false;
	*lacking = same == 0;
	return true;
}

/* What stands on a year's table goes with that table at every new edition. */
static bool can_carry(sqlite3 *db, const struct foreign *foreign, bool *can, struct error *error)
{
	const char *const owner[] = { foreign->owner, NULL };
	int64_t there = 1;
	bool stands = strcmp(foreign->type, "index") == 0 || strcmp(foreign->type, "trigger") == 0;
	if (stands && strncmp(foreign->owner, "dvf_", 4) == 0 &&
		!ask(db, sql_sqlite_foreign_owner, NULL, owner, &there, error))
		return false;
	*can = there != 0 && !is_virtual(foreign) && sqlite3_stricmp(foreign->name, "dvf") != 0;
	return true;
}

static void tell(struct swapping *swapping, const struct foreign *foreign, bool can)
{
	const struct promote_settings *settings = swapping->promote->settings;
	const char *type = foreign->type, *name = foreign->name;
	if (settings->drop_foreign)
		swap_say(swapping, "the %s %s of live is given up, as asked", type, name);
	else if (settings->carry && can)
		swap_say(swapping, "the %s %s of live is carried over", type, name);
	else if (settings->carry)
		swap_refuse(swapping,
			"drop it, or give everything up with --drop-foreign, and make it anew "
			"after the promote",
			"the %s %s of live cannot be carried over", type, name);
	else
		swap_refuse(swapping, "--carry takes it over, --drop-foreign gives it up",
			"live has a %s %s that the other file has not, or not the same", type,
			name);
}

/* The first ones by name, the others by their number. */
static void tell_some(
	struct swapping *swapping, const struct foreign *foreign, bool can, unsigned told)
{
	const struct promote_settings *settings = swapping->promote->settings;
	if (told < TOLD_MAX)
		tell(swapping, foreign, can);
	else if (!settings->drop_foreign && !(settings->carry && can))
		swapping->stands++;
}

bool swap_foreign(struct swapping *swapping, struct error *error)
{
	sqlite3 *db = swapping->new->db;
	struct foreign foreign = { 0 };
	bool found = true, done = true;
	unsigned told = 0;
	for (unsigned at = 0; done && found; at++) {
		bool lacking = false, can = false;
		done = foreign_at(db, at, &foreign, &found, error);
		if (done && found)
			done = is_lacking(db, &foreign, &lacking, error) &&
			       can_carry(db, &foreign, &can, error);
		if (done && found && lacking)
			tell_some(swapping, &foreign, can, told++);
	}
	if (done && told > TOLD_MAX)
		swap_say(swapping, "and %u more like these", told - TOLD_MAX);
	foreign_free(&foreign);
	return done;
}

static bool run_named(sqlite3 *db, const char *sql, const char *name, struct error *error)
{
	const char *const texts[] = { name, NULL };
	int64_t number = 0;
	return ask(db, sql, NULL, texts, &number, error);
}

static bool table_fill(sqlite3 *db, const struct foreign *foreign, struct error *error)
{
	int64_t none = 0;
	return ask_columns(db, foreign, sql_sqlite_foreign_rows, &none, error) &&
	       run_named(db, sql_sqlite_foreign_sequence_drop, foreign->name, error) &&
	       run_named(db, sql_sqlite_foreign_sequence, foreign->name, error);
}

static bool carry_one(sqlite3 *db, const struct foreign *foreign, struct error *error)
{
	const struct sql_value values[] = { { "type", foreign->type }, { "name", foreign->name },
		{ NULL, NULL } };
	bool lacking = false;
	if (!is_lacking(db, foreign, &lacking, error))
		return false;
	if (!lacking)
		return true;
	bool done = sqlite_run(db, sql_sqlite_foreign_drop, values, error) &&
		    sqlite_run(db, foreign->sql, NULL, error) &&
		    (strcmp(foreign->type, "table") != 0 || table_fill(db, foreign, error));
	return done || error_where(error, "carrying the %s %s over", foreign->type, foreign->name);
}

/* A table that is made anew loses its indexes and triggers; they come later in the order and are
 * found lacking then. */
bool swap_carry(struct swapping *swapping, struct error *error)
{
	sqlite3 *db = swapping->new->db;
	struct foreign foreign = { 0 };
	bool found = true;
	bool done = true;
	if (!swapping->has_old || !swapping->promote->settings->carry)
		return true;
	done = sqlite_views_yield(db, error);
	for (unsigned at = 0; done && found; at++) {
		done = foreign_at(db, at, &foreign, &found, error);
		if (done && found)
			done = carry_one(db, &foreign, error);
	}
	foreign_free(&foreign);
	return done;
}
