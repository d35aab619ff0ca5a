#include <stddef.h>

#include "state/ledger_private.h"
#include "state_sql.h"

struct run_beginning {
	const char *version;
	const char *host;
	const char *settings;
	int64_t *id;
};

struct run_ending {
	const char *outcome;
	int exit_code;
	uint64_t peak_memory;
	const char *why;
};

struct destination_named {
	const char *uuid;
	const char *kind;
	const char *name;
	int64_t *id;
	bool *known;
};

/* *found: a run that has not ended was closed; there may be more. */
static bool close_one_killed(struct ledger *ledger, bool *found, struct error *error)
{
	struct db_query *query = NULL;
	char started_at[32];
	int64_t run = 0;
	bool done =
		db_prepare(ledger->db, sql_run_open, "looking for killed runs", &query, error) &&
		db_step(query, found, error);
	if (done && *found) {
		run = db_number(query, 0);
		db_copy(query, 1, started_at, sizeof(started_at));
	}
	db_end(query);
	if (!done || !*found)
		return done;
	if (!db_prepare(ledger->db, sql_run_killed, "closing a killed run", &query, error))
		return false;
	db_bind_number(query, 1, run);
	struct field fields[] = { FIELD_T("started_at", started_at) };
	struct new_event event = { .run = run, .kind = "run killed", .fields = fields, .count = 1 };
	return db_run(query, error) && ledger_append(ledger, &event, error);
}

static bool insert_run(struct ledger *ledger, const struct run_beginning *run, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_run_begin, "recording a run", &query, error))
		return false;
	db_bind_text(query, 1, run->version);
	db_bind_text(query, 2, run->host);
	db_bind_text(query, 3, run->settings);
	if (!db_one(query, error)) {
		db_end(query);
		return false;
	}
	*run->id = db_number(query, 0);
	return db_run(query, error);
}

static bool stop_years(struct ledger *ledger, struct error *error)
{
	struct db_query *query = NULL;
	return db_prepare(ledger->db, sql_years_left, "stopping years of killed runs", &query,
		       error) &&
	       db_run(query, error);
}

static bool begin_run(struct ledger *ledger, const void *what, struct error *error)
{
	const struct run_beginning *run = what;
	bool found = true;
	while (found)
		if (!close_one_killed(ledger, &found, error))
			return false;
	if (!stop_years(ledger, error) || !insert_run(ledger, run, error))
		return false;
	struct field fields[] = {
		FIELD_T("version", run->version),
		FIELD_T("host", run->host),
		FIELD_J("settings", run->settings),
	};
	struct new_event event = {
		.run = *run->id, .kind = "run started", .fields = fields, .count = 3
	};
	return ledger_append(ledger, &event, error);
}

bool ledger_run_begin(struct ledger *ledger, const char *version, const char *host,
	const char *settings, struct error *error)
{
	int64_t id = 0;
	struct run_beginning run = { version, host, settings, &id };
	if (!ledger_transact(ledger, begin_run, &run, error))
		return false;
	ledger->run = id;
	return true;
}

static bool end_run(struct ledger *ledger, const void *what, struct error *error)
{
	const struct run_ending *ending = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_run_end, "recording the end of the run", &query, error))
		return false;
	db_bind_number(query, 1, ledger->run);
	db_bind_text(query, 2, ending->outcome);
	db_bind_number(query, 3, ending->exit_code);
	db_bind_size(query, 4, ending->peak_memory);
	bool open = false;
	bool done = db_step(query, &open, error);
	if (done && !open)
		done = error_set(error, ERROR_SYSTEM, "%s: no run is open that could be ended",
			ledger->path);
	if (!done) {
		db_end(query);
		return false;
	}
	struct field fields[] = {
		FIELD_T("outcome", ending->outcome),
		FIELD_N("exit_code", ending->exit_code),
		FIELD_N("peak_memory", ending->peak_memory),
		FIELD_T("why", ending->why),
	};
	struct new_event event = { .run = ledger->run,
		.kind = "run ended",
		.fields = fields,
		.count = ending->why != NULL ? 4 : 3 };
	return db_run(query, error) && ledger_append(ledger, &event, error);
}

bool ledger_run_end(struct ledger *ledger, const char *outcome, int exit_code, uint64_t peak_memory,
	const char *why, struct error *error)
{
	struct run_ending ending = { outcome, exit_code, peak_memory, why };
	return ledger_transact_durable(ledger, end_run, &ending, error);
}

static bool find_destination(
	struct ledger *ledger, const struct destination_named *named, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(
		    ledger->db, sql_destination_find, "looking for a destination", &query, error))
		return false;
	db_bind_text(query, 1, named->uuid);
	bool done = db_step(query, named->known, error);
	db_end(query);
	return done;
}

static bool put_destination(struct ledger *ledger, const void *what, struct error *error)
{
	const struct destination_named *named = what;
	struct db_query *query = NULL;
	if (!find_destination(ledger, named, error) ||
		!db_prepare(
			ledger->db, sql_destination_put, "recording a destination", &query, error))
		return false;
	db_bind_text(query, 1, named->uuid);
	db_bind_text(query, 2, named->kind);
	db_bind_text(query, 3, named->name);
	if (!db_one(query, error)) {
		db_end(query);
		return false;
	}
	*named->id = db_number(query, 0);
	return db_run(query, error);
}

bool ledger_destination(struct ledger *ledger, const char *uuid, const char *kind, const char *name,
	bool *known, struct error *error)
{
	int64_t id = 0;
	struct destination_named named = { uuid, kind, name, &id, known };
	if (!ledger_transact(ledger, put_destination, &named, error))
		return false;
	ledger->destination = id;
	return true;
}

static bool forget_others(struct ledger *ledger, const char *sql,
	const struct destination_named *named, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql, "forgetting a destination", &query, error))
		return false;
	db_bind_text(query, 1, named->name);
	db_bind_text(query, 2, named->uuid);
	return db_run(query, error);
}

static bool move_destination(struct ledger *ledger, const void *what, struct error *error)
{
	return put_destination(ledger, what, error) &&
	       forget_others(ledger, sql_destination_others_ranges, what, error) &&
	       forget_others(ledger, sql_destination_others_rejects, what, error) &&
	       forget_others(ledger, sql_destination_others_years, what, error) &&
	       forget_others(ledger, sql_destination_others, what, error);
}

bool ledger_destination_moved(struct ledger *ledger, const char *uuid, const char *kind,
	const char *name, struct error *error)
{
	int64_t id = 0;
	bool known = false;
	struct destination_named named = { uuid, kind, name, &id, &known };
	return ledger_transact(ledger, move_destination, &named, error);
}
