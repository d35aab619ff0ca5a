#include <stddef.h>

#include "state/ledger_private.h"
#include "state_sql.h"

static bool put_year(struct ledger *ledger, const void *what, struct error *error)
{
	const struct year_state *state = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_year_put, "recording where a year stands", &query, error))
		return false;
	db_bind_number(query, 1, ledger->destination);
	db_bind_number(query, 2, state->year);
	db_bind_text(query, 3, state->stage);
	db_bind_text(query, 4, state->sha256);
	db_bind_size(query, 5, state->packed_done);
	db_bind_size(query, 6, state->packed_size);
	db_bind_size(query, 7, state->plain_done);
	db_bind_size(query, 8, state->plain_size);
	db_bind_size(query, 9, state->rows);
	db_bind_size(query, 10, state->rejects);
	db_bind_size(query, 11, state->elapsed_ms);
	db_bind_text(query, 12, state->message);
	return db_run(query, error);
}

bool ledger_year_put(struct ledger *ledger, const struct year_state *state, struct error *error)
{
	return ledger_needs_destination(ledger, error) &&
	       ledger_transact(ledger, put_year, state, error);
}

bool ledger_year_note(struct ledger *ledger, const struct year_state *state, struct error *error)
{
	return ledger_needs_destination(ledger, error) &&
	       ledger_transact_spare(ledger, put_year, state, error);
}

static bool drop_year(struct ledger *ledger, const void *what, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_year_drop, "forgetting a year", &query, error))
		return false;
	db_bind_number(query, 1, ledger->destination);
	db_bind_number(query, 2, *(const int *)what);
	return db_run(query, error);
}

bool ledger_year_drop(struct ledger *ledger, int year, struct error *error)
{
	return ledger_needs_destination(ledger, error) &&
	       ledger_transact(ledger, drop_year, &year, error);
}

static void read_year(struct db_query *query, struct year_state *state)
{
	*state = (struct year_state){ .year = (int)db_number(query, 1) };
	db_copy(query, 2, state->stage, sizeof(state->stage));
	db_copy(query, 3, state->sha256, sizeof(state->sha256));
	state->packed_done = db_size(query, 4);
	state->packed_size = db_size(query, 5);
	state->plain_done = db_size(query, 6);
	state->plain_size = db_size(query, 7);
	state->rows = db_size(query, 8);
	state->rejects = db_size(query, 9);
	state->elapsed_ms = db_size(query, 10);
	db_copy(query, 11, state->message, sizeof(state->message));
}

bool ledger_years(struct ledger *ledger, const char *uuid, ledger_year_seen *seen, void *context,
	struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_years, "reading where the years stand", &query, error))
		return false;
	db_bind_text(query, 1, uuid);
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		struct year_state state;
		char updated_at[32];
		read_year(query, &state);
		db_copy(query, 12, updated_at, sizeof(updated_at));
		done = seen(context, db_text(query, 0), &state, updated_at, error);
		if (!done)
			break;
	}
	db_end(query);
	return done;
}

bool ledger_status_json(struct ledger *ledger, struct buf *json, struct error *error)
{
	struct db_query *query = NULL;
	bool done = db_prepare(ledger->db, sql_status_json, "reading the status", &query, error) &&
		    db_one(query, error);
	if (done) {
		const char *text = db_text(query, 0);
		done = text != NULL ? buf_add_text(json, text, error)
				    : error_memory(error, "the status");
	}
	db_end(query);
	return done;
}
