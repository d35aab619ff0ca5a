/*
 * The chain. The hash of an event is the SHA-256, in 64 hexadecimal digits, of
 *
 *	number, at, run, kind, year, body, previous
 *
 * each written as <length in bytes, decimal>:<bytes>, (a netstring), so that no two different
 *events give the same bytes. number, run and year are decimal; run and year are 0 where the table
 *has NULL. previous is the hash of the event before; for the first it is 64 zeros and the chain id,
 *32 random hexadecimal digits that the ledger got when it was made. Numbers go up by one from 1 and
 *are never given twice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "state/base/sha256.h"
#include "state/ledger_private.h"
#include "state_sql.h"

#define PREVIOUS_MAX (64 + 32 + 1)

enum event_column {
	EVENT_NUMBER,
	EVENT_AT,
	EVENT_RUN,
	EVENT_KIND,
	EVENT_YEAR,
	EVENT_BODY,
	EVENT_HASH,
};

static bool add_text(struct sha256 *sum, const char *text, struct error *error)
{
	char length[24];
	size_t size = strlen(text);
	int digits = snprintf(length, sizeof(length), "%zu:", size);
	return sha256_add(sum, length, (size_t)digits, error) &&
	       sha256_add(sum, text, size, error) && sha256_add(sum, ",", 1, error);
}

static bool add_number(struct sha256 *sum, int64_t number, struct error *error)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, number);
	return add_text(sum, text, error);
}

static bool hash_event(const struct event *event, const char *previous, char hex[static SHA256_HEX],
	struct error *error)
{
	struct sha256 *sum = NULL;
	bool done = sha256_new(&sum, error) && add_number(sum, event->number, error) &&
		    add_text(sum, event->at, error) && add_number(sum, event->run, error) &&
		    add_text(sum, event->kind, error) && add_number(sum, event->year, error) &&
		    add_text(sum, event->body, error) && add_text(sum, previous, error) &&
		    sha256_end(sum, hex, error);
	sha256_free(sum);
	return done;
}

/* Replaces the object in `body` by one that has the field too. */
static bool add_field(
	struct ledger *ledger, const struct field *field, struct buf *body, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_event_field, "making an event", &query, error))
		return false;
	db_bind_text(query, 1, body->bytes);
	db_bind_text(query, 2, field->name);
	if (field->type == FIELD_NUMBER)
		db_bind_number(query, 3, field->number);
	else
		db_bind_text(query, 3, field->text);
	db_bind_number(query, 4, field->type == FIELD_JSON);
	bool done = db_one(query, error);
	struct buf longer = { 0 };
	if (done) {
		const char *text = db_text(query, 0);
		done = text != NULL ? buf_add_text(&longer, text, error)
				    : error_memory(error, "an event");
	}
	db_end(query);
	buf_free(body);
	*body = longer;
	return done;
}

static bool make_body(
	struct ledger *ledger, const struct new_event *event, struct buf *body, struct error *error)
{
	bool done = buf_add_text(body, "{}", error);
	for (unsigned i = 0; done && i < event->count; i++)
		done = add_field(ledger, &event->fields[i], body, error);
	return done;
}

static bool insert_event(struct ledger *ledger, const struct event *event, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_event_add, "recording an event", &query, error))
		return false;
	db_bind_number(query, 1, event->number);
	db_bind_text(query, 2, event->at);
	db_bind_number(query, 3, event->run);
	db_bind_text(query, 4, event->kind);
	db_bind_number(query, 5, event->year);
	db_bind_text(query, 6, event->body);
	db_bind_text(query, 7, event->hash);
	return db_run(query, error);
}

/* The number and the time of the next event, and the hash it follows. */
static bool read_head(struct ledger *ledger, int64_t *number, char *previous, char *at,
	size_t at_size, struct error *error)
{
	struct db_query *query = NULL;
	bool done =
		db_prepare(ledger->db, sql_event_head, "reading the last event", &query, error) &&
		db_one(query, error);
	if (done) {
		*number = db_number(query, 0);
		db_copy(query, 1, previous, PREVIOUS_MAX);
		db_copy(query, 2, at, at_size);
	}
	db_end(query);
	return done;
}

bool ledger_append(struct ledger *ledger, const struct new_event *new, struct error *error)
{
	struct buf body = { 0 };
	char previous[PREVIOUS_MAX];
	char hash[SHA256_HEX];
	char at[32];
	struct event event = { .run = new->run, .kind = new->kind, .year = new->year, .at = at };
	bool done = make_body(ledger, new, &body, error) &&
		    read_head(ledger, &event.number, previous, at, sizeof(at), error);
	if (done) {
		event.body = body.bytes != NULL ? body.bytes : "";
		event.hash = hash;
		done = hash_event(&event, previous, hash, error) &&
		       insert_event(ledger, &event, error);
	}
	buf_free(&body);
	return done;
}

static bool append(struct ledger *ledger, const void *what, struct error *error)
{
	return ledger_append(ledger, what, error);
}

bool ledger_event(struct ledger *ledger, const char *kind, int year, const struct field *fields,
	unsigned count, struct error *error)
{
	struct new_event event = { ledger->run, kind, year, fields, count };
	return ledger_transact(ledger, append, &event, error);
}

/* Binds nothing but the filter: sql_events and sql_events_json take the same. */
static bool prepare_events(struct ledger *ledger, const char *sql,
	const struct event_filter *filter, struct db_query **query, struct error *error)
{
	if (!db_prepare(ledger->db, sql, "reading the history", query, error))
		return false;
	db_bind_number(*query, 1, filter->year);
	db_bind_number(*query, 2, filter->run);
	db_bind_number(*query, 3, filter->limit);
	return true;
}

static bool read_event(struct db_query *query, struct event *event, struct error *error)
{
	*event = (struct event){
		.number = db_number(query, EVENT_NUMBER),
		.run = db_number(query, EVENT_RUN),
		.year = (int)db_number(query, EVENT_YEAR),
		.at = db_text(query, EVENT_AT),
		.kind = db_text(query, EVENT_KIND),
		.body = db_text(query, EVENT_BODY),
		.hash = db_text(query, EVENT_HASH),
	};
	if (event->at == NULL || event->kind == NULL || event->body == NULL || event->hash == NULL)
		return error_memory(error, "an event");
	return true;
}

bool ledger_events(struct ledger *ledger, const struct event_filter *filter,
	ledger_event_seen *seen, void *context, struct error *error)
{
	struct db_query *query = NULL;
	if (!prepare_events(ledger, sql_events, filter, &query, error))
		return false;
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		struct event event;
		done = read_event(query, &event, error) && seen(context, &event, error);
		if (!done)
			break;
	}
	db_end(query);
	return done;
}

bool ledger_history_json(struct ledger *ledger, const struct event_filter *filter, struct buf *json,
	struct error *error)
{
	struct db_query *query = NULL;
	if (!prepare_events(ledger, sql_events_json, filter, &query, error))
		return false;
	const char *before = "{\"schema\":1,\"events\":[";
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		const char *event = db_text(query, 0);
		done = event != NULL ? buf_add_text(json, before, error) &&
					       buf_add_text(json, event, error)
				     : error_memory(error, "an event");
		if (!done)
			break;
		before = ",\n";
	}
	db_end(query);
	if (done && before[0] == '{')
		done = buf_add_text(json, before, error);
	return done && buf_add_text(json, "]}", error);
}

/* Where the chain starts, and how many events were ever written. */
static bool read_genesis(
	struct ledger *ledger, char *previous, int64_t *written, struct error *error)
{
	struct db_query *query = NULL;
	bool row = false;
	bool done =
		db_prepare(ledger->db, sql_event_genesis, "reading the chain id", &query, error) &&
		db_step(query, &row, error);
	if (done && !row)
		done = error_set(error, ERROR_INPUT,
			"the history does not hold: its chain id is gone, no event can be proved");
	if (done) {
		db_copy(query, 0, previous, PREVIOUS_MAX);
		*written = db_number(query, 1);
	}
	db_end(query);
	return done;
}

/* What the hash cannot tell: a NUL inside a text hides what is behind it, and NULL is hashed as 0.
 */
static bool stored_plainly(struct db_query *query, const struct event *event)
{
	return strlen(event->at) == db_bytes(query, EVENT_AT) &&
	       strlen(event->kind) == db_bytes(query, EVENT_KIND) &&
	       strlen(event->body) == db_bytes(query, EVENT_BODY) &&
	       strlen(event->hash) == db_bytes(query, EVENT_HASH) &&
	       db_is_null(query, EVENT_RUN) == (event->run == 0) &&
	       db_is_null(query, EVENT_YEAR) == (event->year == 0) &&
	       db_number(query, EVENT_YEAR) == event->year;
}

static bool missing(int64_t number, struct error *error)
{
	return error_set(error, ERROR_INPUT,
		"the history does not hold: event %" PRId64 " was removed", number);
}

/* Checks the event after `*count` and goes on to it. */
static bool check_event(struct db_query *query, int64_t *count, char *previous, struct error *error)
{
	struct event event;
	char hash[SHA256_HEX];
	if (!read_event(query, &event, error))
		return false;
	if (event.number > *count + 1)
		return missing(*count + 1, error);
	if (!hash_event(&event, previous, hash, error))
		return false;
	if (event.number != *count + 1 || !stored_plainly(query, &event) ||
		strcmp(hash, event.hash) != 0)
		return error_set(error, ERROR_INPUT,
			"the history does not hold: event %" PRId64 " (%s, %s) is not what was "
			"written: it or its place was changed",
			event.number, event.at, event.kind);
	snprintf(previous, PREVIOUS_MAX, "%s", hash);
	++*count;
	return true;
}

static bool walk_chain(struct ledger *ledger, int64_t *count, struct error *error)
{
	char previous[PREVIOUS_MAX];
	int64_t written = 0;
	struct db_query *query = NULL;
	struct event_filter all = { 0 };
	if (!read_genesis(ledger, previous, &written, error) ||
		!prepare_events(ledger, sql_events, &all, &query, error))
		return false;
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		done = check_event(query, count, previous, error);
		if (!done)
			break;
	}
	db_end(query);
	return done && (*count >= written || missing(*count + 1, error));
}

bool ledger_history_verify(struct ledger *ledger, int64_t *count, struct error *error)
{
	*count = 0;
	/* One snapshot: a run may be adding events meanwhile. */
	if (!db_execute(ledger->db, "BEGIN", "beginning to read the history", error))
		return false;
	bool done = walk_chain(ledger, count, error);
	db_rollback(ledger->db);
	return done;
}
