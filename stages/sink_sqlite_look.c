#include "stages/sink_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "stages_sql.h"

bool sqlite_inode(const char *path, int64_t *inode, bool *there, struct error *error)
{
	struct stat status;
	*there = stat(path, &status) == 0;
	if (!*there)
		return errno == ENOENT || error_system(error, "cannot look at %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(
			error, ERROR_REFUSED, "%s is not a file: %s", path, SQLITE_WHAT_IT_NEEDS);
	*inode = (int64_t)status.st_ino;
	return true;
}

bool sqlite_identity_get(sqlite3 *db, struct sqlite_identity *identity, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	*identity = (struct sqlite_identity){ 0 };
	if (!sqlite_prepare(db, &statement, sql_sqlite_destination_get, NULL, error))
		return false;
	bool done = sqlite_step(statement, &row, error);
	if (done && row) {
		snprintf(identity->uuid, sizeof(identity->uuid), "%s",
			(const char *)sqlite3_column_text(statement, 0));
		identity->inode = sqlite3_column_int64(statement, 1);
		identity->schema_version = sqlite3_column_int(statement, 2);
	}
	done = sqlite_read_end(statement, error) && done;
	if (done && identity->schema_version > SQLITE_SCHEMA_VERSION)
		return error_set(error, ERROR_REFUSED,
			"%s was made by a newer dvf-import: use that, or give another file",
			sqlite3_db_filename(db, "main"));
	return done;
}

/* The inode is asked of the file that is open, not of the name, which may lead elsewhere by now. */
static bool look_inside(struct sqlite_sink *sink, bool *there, struct error *error)
{
	struct sqlite_identity identity;
	int64_t inode = 0;
	bool found = false;
	if (!sqlite_run(sink->db, "PRAGMA temp_store = FILE", NULL, error) ||
		!sqlite_table_there(sink->db, "dvf_import_destination", there, error))
		return false;
	if (!*there)
		return true;
	if (!sqlite_identity_get(sink->db, &identity, error) ||
		!sqlite_inode(sqlite3_db_filename(sink->db, "main"), &inode, &found, error))
		return false;
	if (found && identity.inode == inode)
		memcpy(sink->sink.uuid, identity.uuid, sizeof(identity.uuid));
	return true;
}

bool sqlite_look(struct sink *base, bool *there, struct error *error)
{
	struct sqlite_sink *sink = (struct sqlite_sink *)base;
	int64_t inode = 0;
	*there = false;
	base->uuid[0] = '\0';
	sqlite3_close(sink->db);
	sink->db = NULL;
	bool found = base->destination.slot == SLOT_LIVE;
	if (!found && !slot_is_usable(&sink->slots, base->destination.slot, &found, error))
		return false;
	if (found && !sqlite_inode(base->destination.url, &inode, &found, error))
		return false;
	if (!found)
		return true;
	bool done = sqlite_open(&sink->db, &sink->wait, SQLITE_OPEN_READONLY, error) &&
		    look_inside(sink, there, error);
	if (done && *there)
		return true;
	sqlite3_close(sink->db);
	sink->db = NULL;
	return done;
}

static bool years_add(sqlite3_stmt *statement, struct served_years *served, struct error *error)
{
	bool row = false;
	while (sqlite_step(statement, &row, error)) {
		if (!row)
			return true;
		if (served->count + served->lost_count == SERVED_MAX)
			return error_set(
				error, ERROR_DATABASE, "dvf serves more than %d years", SERVED_MAX);
		if (sqlite3_column_int(statement, 2) != 0)
			served->years[served->count++] = sqlite3_column_int(statement, 1);
		else
			served->lost[served->lost_count++] = sqlite3_column_int(statement, 1);
	}
	return false;
}

bool sqlite_years(struct sink *base, struct served_years *served, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	served->count = served->lost_count = 0;
	if (!sqlite_prepare(((struct sqlite_sink *)base)->db, &statement, sql_sqlite_view_years,
		    NULL, error))
		return false;
	bool done = years_add(statement, served, error);
	sqlite3_finalize(statement);
	return done;
}
