#include <stdio.h>
#include <string.h>

#include "state/base/log.h"
#include "state/ledger_private.h"
#include "state/utf8.h"
#include "state_sql.h"

struct source_key {
	int year;
	const char *url;
};

struct verified {
	const char *sha256;
	uint64_t plain_size;
};

/* Columns or parameters of validators: etag, last_modified, announced_size, from `at`. */
static void bind_validators(struct db_query *query, int at, const struct validators *validators)
{
	db_bind_text(query, at, validators->etag);
	db_bind_text(query, at + 1, validators->last_modified);
	if (validators->has_size)
		db_bind_size(query, at + 2, validators->packed_size);
}

static void read_validators(struct db_query *query, int at, struct validators *validators)
{
	db_copy(query, at, validators->etag, sizeof(validators->etag));
	db_copy(query, at + 1, validators->last_modified, sizeof(validators->last_modified));
	validators->has_size = !db_is_null(query, at + 2);
	validators->packed_size = db_size(query, at + 2);
}

/* As we write them; a damaged one must get neither into a request nor into the destination. */
static bool is_plain(const char *text)
{
	const char *at = text;
	while ((unsigned char)*at >= ' ' && *at != 0x7f)
		at++;
	return *at == '\0' && text[utf8_size(text)] == '\0';
}

static bool are_plain(const struct validators *validators)
{
	return is_plain(validators->etag) && is_plain(validators->last_modified);
}

static bool is_sound(const struct spool *spool)
{
	return are_plain(&spool->validators) && is_plain(spool->file) && spool->file[0] != '\0' &&
	       spool->file[0] != '.' && strchr(spool->file, '/') == NULL &&
	       strlen(spool->sha256) == SHA256_HEX - 1 &&
	       strspn(spool->sha256, "0123456789abcdef") == SHA256_HEX - 1;
}

static bool say_damaged(int year, const char *what)
{
	log_note(LOG_WARNING, year,
		"what the ledger says of the %s is damaged: it is fetched again if it is needed",
		what);
	return false;
}

static bool drop_source(struct ledger *ledger, const char *sql, const char *doing,
	const struct source_key *key, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql, doing, &query, error))
		return false;
	db_bind_number(query, 1, key->year);
	db_bind_text(query, 2, key->url);
	return db_run(query, error);
}

bool ledger_part_get(struct ledger *ledger, int year, const char *url, struct part *part,
	bool *found, struct error *error)
{
	struct db_query *query = NULL;
	*found = false;
	if (!db_prepare(ledger->db, sql_part_get, "reading a part", &query, error))
		return false;
	db_bind_number(query, 1, year);
	db_bind_text(query, 2, url);
	bool done = db_step(query, found, error);
	if (*found) {
		*part = (struct part){ .year = year };
		snprintf(part->url, sizeof(part->url), "%s", url);
		db_copy(query, 0, part->file, sizeof(part->file));
		read_validators(query, 1, &part->validators);
		part->durable = db_size(query, 4);
		*found = are_plain(&part->validators) || say_damaged(year, "part");
	}
	db_end(query);
	return done;
}

static bool put_part(struct ledger *ledger, const void *what, struct error *error)
{
	const struct part *part = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_part_put, "recording a part", &query, error))
		return false;
	db_bind_number(query, 1, part->year);
	db_bind_text(query, 2, part->url);
	db_bind_text(query, 3, part->file);
	bind_validators(query, 4, &part->validators);
	db_bind_size(query, 7, part->durable);
	return db_run(query, error);
}

bool ledger_part_put(struct ledger *ledger, const struct part *part, struct error *error)
{
	return ledger_transact(ledger, put_part, part, error);
}

static bool drop_part(struct ledger *ledger, const void *what, struct error *error)
{
	return drop_source(ledger, sql_part_drop, "forgetting a part", what, error);
}

bool ledger_part_drop(struct ledger *ledger, int year, const char *url, struct error *error)
{
	struct source_key key = { year, url };
	return ledger_transact(ledger, drop_part, &key, error);
}

static void read_spool(struct db_query *query, struct spool *spool)
{
	*spool = (struct spool){ .year = (int)db_number(query, 8) };
	db_copy(query, 0, spool->file, sizeof(spool->file));
	read_validators(query, 1, &spool->validators);
	db_copy(query, 4, spool->sha256, sizeof(spool->sha256));
	spool->packed_size = db_size(query, 5);
	spool->verified = db_number(query, 6) != 0;
	spool->plain_size = db_size(query, 7);
	db_copy(query, 9, spool->url, sizeof(spool->url));
}

bool ledger_spool_get(struct ledger *ledger, int year, const char *url, struct spool *spool,
	bool *found, struct error *error)
{
	struct db_query *query = NULL;
	*found = false;
	if (!db_prepare(ledger->db, sql_spool_get, "reading a spool", &query, error))
		return false;
	db_bind_number(query, 1, year);
	db_bind_text(query, 2, url);
	bool done = db_step(query, found, error);
	if (*found) {
		read_spool(query, spool);
		*found = is_sound(spool) || say_damaged(year, "spool");
	}
	db_end(query);
	return done;
}

static bool insert_spool(struct ledger *ledger, const struct spool *spool, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_spool_put, "recording a spool", &query, error))
		return false;
	db_bind_number(query, 1, spool->year);
	db_bind_text(query, 2, spool->url);
	db_bind_text(query, 3, spool->file);
	bind_validators(query, 4, &spool->validators);
	db_bind_text(query, 7, spool->sha256);
	db_bind_size(query, 8, spool->packed_size);
	db_bind_number(query, 9, spool->verified);
	db_bind_size(query, 10, spool->plain_size);
	return db_run(query, error);
}

static bool drop_replaced_points(
	struct ledger *ledger, const struct spool *spool, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_points_replaced, "forgetting points", &query, error))
		return false;
	db_bind_number(query, 1, spool->year);
	db_bind_text(query, 2, spool->url);
	db_bind_text(query, 3, spool->sha256);
	return db_run(query, error);
}

static bool put_spool(struct ledger *ledger, const void *what, struct error *error)
{
	const struct spool *spool = what;
	struct source_key key = { spool->year, spool->url };
	return drop_replaced_points(ledger, spool, error) && insert_spool(ledger, spool, error) &&
	       drop_part(ledger, &key, error);
}

bool ledger_spool_put(struct ledger *ledger, const struct spool *spool, struct error *error)
{
	return ledger_transact_durable(ledger, put_spool, spool, error);
}

static bool drop_spool(struct ledger *ledger, const void *what, struct error *error)
{
	return drop_source(ledger, sql_spool_drop, "forgetting a spool", what, error);
}

bool ledger_spool_drop(struct ledger *ledger, int year, const char *url, struct error *error)
{
	struct source_key key = { year, url };
	return ledger_transact(ledger, drop_spool, &key, error);
}

static bool verify_spool(struct ledger *ledger, const void *what, struct error *error)
{
	const struct verified *verified = what;
	struct db_query *query = NULL;
	if (!db_prepare(
		    ledger->db, sql_spool_verified, "recording a verified spool", &query, error))
		return false;
	db_bind_text(query, 1, verified->sha256);
	db_bind_size(query, 2, verified->plain_size);
	return db_run(query, error);
}

bool ledger_spool_verified(
	struct ledger *ledger, const char *sha256, uint64_t plain_size, struct error *error)
{
	struct verified verified = { sha256, plain_size };
	return ledger_transact(ledger, verify_spool, &verified, error);
}

bool ledger_spool_named(struct ledger *ledger, const char *file, bool *named, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_spool_named, "looking for a spool", &query, error))
		return false;
	db_bind_text(query, 1, file);
	bool done = db_one(query, error);
	*named = done && db_number(query, 0) != 0;
	db_end(query);
	return done;
}

bool ledger_spools(
	struct ledger *ledger, ledger_spool_seen *seen, void *context, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_spools, "reading the spools", &query, error))
		return false;
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		struct spool spool;
		read_spool(query, &spool);
		done = !is_sound(&spool) || seen(context, &spool, error);
		if (!done)
			break;
	}
	db_end(query);
	return done;
}
