/*
 * Heads. A chain id stands for one unbroken history. A ledger that is found to be an older copy of
 * itself, or another than a destination was told, goes on under a new one: its next events would
 * otherwise have numbers for which that destination holds other hashes already. The event that says
 * so is the first of the new chain; its field `begins` is the new id, and it follows its
 * predecessor by hash as every event does.
 */
#include <string.h>

#include "state/ledger_private.h"
#include "state_sql.h"

static bool read_newest(struct ledger *ledger, struct history_head *head, struct error *error)
{
	struct db_query *query = NULL;
	bool row = false;
	bool done =
		db_prepare(ledger->db, sql_head_read, "reading the last event", &query, error) &&
		db_step(query, &row, error);
	if (done && row) {
		head->number = db_number(query, 0);
		db_copy(query, 1, head->hash, sizeof(head->hash));
		db_copy(query, 2, head->chain, sizeof(head->chain));
	}
	db_end(query);
	return done;
}

struct head_reading {
	struct history_head *head;
};

static bool read_and_mark(struct ledger *ledger, const void *what, struct error *error)
{
	struct history_head *head = ((const struct head_reading *)what)->head;
	struct db_query *query = NULL;
	if (!read_newest(ledger, head, error) ||
		!db_prepare(ledger->db, sql_head_mark, "making the history durable", &query, error))
		return false;
	db_bind_number(query, 1, head->number);
	return db_run(query, error);
}

bool ledger_head(struct ledger *ledger, struct history_head *head, struct error *error)
{
	struct head_reading reading = { head };
	*head = (struct history_head){ 0 };
	return ledger_transact_durable(ledger, read_and_mark, &reading, error);
}

bool ledger_event_hash(struct ledger *ledger, int64_t number, char hash[static SHA256_HEX],
	bool *found, struct error *error)
{
	struct db_query *query = NULL;
	*found = false;
	hash[0] = '\0';
	if (!db_prepare(ledger->db, sql_event_hash, "looking for an event", &query, error))
		return false;
	db_bind_number(query, 1, number);
	bool done = db_step(query, found, error);
	if (done && *found)
		db_copy(query, 0, hash, SHA256_HEX);
	db_end(query);
	return done;
}

bool ledger_chain_new(struct ledger *ledger, char chain[static 33], struct error *error)
{
	struct db_query *query = NULL;
	bool done = db_prepare(ledger->db, sql_chain_new, "making a chain id", &query, error) &&
		    db_one(query, error);
	if (done)
		db_copy(query, 0, chain, 33);
	db_end(query);
	return done;
}

static bool read_span(
	struct ledger *ledger, const char *chain, struct chain_known *known, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_chain_span, "reading the chain ids", &query, error))
		return false;
	db_bind_text(query, 1, chain);
	bool done = db_step(query, &known->ours, error);
	if (done && known->ours) {
		known->first = db_number(query, 0);
		known->last = db_is_null(query, 1) ? INT64_MAX : db_number(query, 1);
	}
	db_end(query);
	return done;
}

bool ledger_chain(
	struct ledger *ledger, const char *chain, struct chain_known *known, struct error *error)
{
	struct db_query *query = NULL;
	bool row = false;
	*known = (struct chain_known){ 0 };
	if (!read_span(ledger, chain, known, error) ||
		!db_prepare(ledger->db, sql_head_noted, "looking for a history that is named",
			&query, error))
		return false;
	db_bind_text(query, 1, chain);
	bool done = db_step(query, &row, error);
	if (done && row) {
		known->noted_by = db_number(query, 0);
		known->noted = db_number(query, 1);
		db_copy(query, 2, known->noted_hash, sizeof(known->noted_hash));
	}
	db_end(query);
	return done;
}

/* The answer of a query for one yes or no; ends it. */
static bool read_yes(struct db_query *query, bool *yes, struct error *error)
{
	bool done = db_one(query, error);
	*yes = done && db_number(query, 0) != 0;
	db_end(query);
	return done;
}

bool ledger_difference_noted(
	struct ledger *ledger, const struct history_head *head, bool *noted, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_difference_noted, "looking for a difference that is named",
		    &query, error))
		return false;
	db_bind_text(query, 1, head->chain);
	db_bind_number(query, 2, head->number);
	db_bind_text(query, 3, head->hash);
	return read_yes(query, noted, error);
}

bool ledger_published_last(struct ledger *ledger, const char *uuid, int year, const char *sha256,
	bool *told, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_published_last, "looking for what was published last",
		    &query, error))
		return false;
	db_bind_text(query, 1, uuid);
	db_bind_number(query, 2, year);
	db_bind_text(query, 3, sha256);
	return read_yes(query, told, error);
}

bool ledger_published_to(
	struct ledger *ledger, const char *uuid, bool *published, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(
		    ledger->db, sql_published_to, "looking for what was published", &query, error))
		return false;
	db_bind_text(query, 1, uuid);
	return read_yes(query, published, error);
}
