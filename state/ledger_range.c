/* Access points and completed ranges: how far an edition has come. */
#include <stdlib.h>
#include <string.h>

#include "state/ledger_private.h"
#include "state/ranges.h"
#include "state_sql.h"

struct edition_point {
	const char *sha256;
	const struct point *point;
};

struct edition_range {
	const char *sha256;
	const struct range *range;
};

struct edition_ranges {
	const char *sha256;
	const struct ranges *ranges;
};

static bool add_point(struct ledger *ledger, const void *what, struct error *error)
{
	const struct edition_point *add = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_point_add, "recording a point", &query, error))
		return false;
	db_bind_text(query, 1, add->sha256);
	db_bind_size(query, 2, add->point->plain);
	db_bind_size(query, 3, add->point->packed);
	db_bind_size(query, 4, add->point->member_plain);
	db_bind_number(query, 5, add->point->crc);
	db_bind_number(query, 6, add->point->bit);
	db_bind_text(query, 7, add->point->kind == POINT_MEMBER ? "member" : "block");
	db_bind_blob(query, 8, add->point->window, add->point->window_size);
	return db_run(query, error);
}

bool ledger_point_add(
	struct ledger *ledger, const char *sha256, const struct point *point, struct error *error)
{
	struct edition_point add = { sha256, point };
	return ledger_transact(ledger, add_point, &add, error);
}

static bool read_point(struct db_query *query, struct point *point, struct error *error)
{
	*point = (struct point){
		.packed = db_size(query, 0),
		.plain = db_size(query, 1),
		.member_plain = db_size(query, 2),
		.crc = (uint32_t)db_number(query, 3),
		.bit = (uint8_t)db_number(query, 4),
		.kind = strcmp(db_text(query, 5), "member") == 0 ? POINT_MEMBER : POINT_BLOCK,
	};
	const void *window = db_blob(query, 6);
	if (window == NULL)
		return true;
	size_t size = db_bytes(query, 6);
	point->window = malloc(size);
	if (point->window == NULL)
		return error_memory(error, "the window of a point");
	memcpy(point->window, window, size);
	point->window_size = (uint32_t)size;
	return true;
}

bool ledger_point_nearest(struct ledger *ledger, const char *sha256, uint64_t plain,
	struct point *point, bool *found, struct error *error)
{
	struct db_query *query = NULL;
	*found = false;
	if (!db_prepare(ledger->db, sql_point_nearest, "reading a point", &query, error))
		return false;
	db_bind_text(query, 1, sha256);
	db_bind_size(query, 2, plain < INT64_MAX ? plain : INT64_MAX);
	bool done = db_step(query, found, error);
	if (*found)
		done = read_point(query, point, error);
	db_end(query);
	return done;
}

static bool drop_points(struct ledger *ledger, const void *what, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_points_drop, "forgetting points", &query, error))
		return false;
	db_bind_text(query, 1, what);
	return db_run(query, error);
}

bool ledger_points_drop(struct ledger *ledger, const char *sha256, struct error *error)
{
	return ledger_transact(ledger, drop_points, sha256, error);
}

/* Every query about ranges begins with the destination and the edition. */
static bool prepare_ranges(struct ledger *ledger, const char *sql, const char *sha256,
	struct db_query **query, struct error *error)
{
	if (!db_prepare(ledger->db, sql, "recording completed ranges", query, error))
		return false;
	db_bind_number(*query, 1, ledger->destination);
	db_bind_text(*query, 2, sha256);
	return true;
}

/* Adds what the query answers and ends it. */
static bool read_ranges(struct db_query *query, struct ranges *ranges, struct error *error)
{
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row) {
		struct range range = {
			.plain_first = db_size(query, 0),
			.plain_end = db_size(query, 1),
			.first_record = db_size(query, 2),
			.rows = db_size(query, 3),
			.rejects = db_size(query, 4),
		};
		done = ranges_add(ranges, &range, error);
		if (!done)
			break;
	}
	db_end(query);
	return done;
}

static bool insert_range(
	struct ledger *ledger, const char *sha256, const struct range *range, struct error *error)
{
	struct db_query *query = NULL;
	if (!prepare_ranges(ledger, sql_range_put, sha256, &query, error))
		return false;
	db_bind_size(query, 3, range->plain_first);
	db_bind_size(query, 4, range->plain_end);
	db_bind_size(query, 5, range->first_record);
	db_bind_size(query, 6, range->rows);
	db_bind_size(query, 7, range->rejects);
	return db_run(query, error);
}

/* One range in the place of those it has swallowed. */
static bool replace_merged(
	struct ledger *ledger, const char *sha256, const struct range *merged, struct error *error)
{
	struct db_query *query = NULL;
	if (!prepare_ranges(ledger, sql_range_clear, sha256, &query, error))
		return false;
	db_bind_size(query, 3, merged->plain_first);
	db_bind_size(query, 4, merged->plain_end);
	return db_run(query, error) && insert_range(ledger, sha256, merged, error);
}

/* Where the file's rejects are, for people: ranges are merged. */
static bool note_rejects(
	struct ledger *ledger, const char *sha256, const struct range *range, struct error *error)
{
	struct db_query *query = NULL;
	if (range->rejects == 0)
		return true;
	if (!prepare_ranges(ledger, sql_reject_place_put, sha256, &query, error))
		return false;
	db_bind_size(query, 3, range->plain_first);
	db_bind_size(query, 4, range->plain_end);
	db_bind_size(query, 5, range->rejects);
	return db_run(query, error);
}

static bool add_range(struct ledger *ledger, const void *what, struct error *error)
{
	const struct edition_range *add = what;
	struct ranges near = { 0 };
	struct db_query *query = NULL;
	bool done = prepare_ranges(ledger, sql_range_neighbours, add->sha256, &query, error);
	if (done) {
		db_bind_size(query, 3, add->range->plain_first);
		done = read_ranges(query, &near, error) && ranges_add(&near, add->range, error);
	}
	for (unsigned i = 0; done && i < near.count; i++)
		if (near.items[i].plain_first <= add->range->plain_first &&
			near.items[i].plain_end >= add->range->plain_end)
			done = replace_merged(ledger, add->sha256, &near.items[i], error);
	ranges_free(&near);
	return done && note_rejects(ledger, add->sha256, add->range, error);
}

bool ledger_range_add(
	struct ledger *ledger, const char *sha256, const struct range *range, struct error *error)
{
	struct edition_range add = { sha256, range };
	return ledger_needs_destination(ledger, error) &&
	       ledger_transact(ledger, add_range, &add, error);
}

static bool replace_ranges(struct ledger *ledger, const void *what, struct error *error)
{
	const struct edition_ranges *replace = what;
	struct db_query *query = NULL;
	bool done = prepare_ranges(ledger, sql_ranges_drop, replace->sha256, &query, error) &&
		    db_run(query, error);
	for (unsigned i = 0; done && i < replace->ranges->count; i++)
		done = insert_range(ledger, replace->sha256, &replace->ranges->items[i], error);
	return done &&
	       prepare_ranges(ledger, sql_reject_places_undone, replace->sha256, &query, error) &&
	       db_run(query, error);
}

bool ledger_ranges_replace(
	struct ledger *ledger, const char *sha256, const struct ranges *ranges, struct error *error)
{
	struct edition_ranges replace = { sha256, ranges };
	return ledger_needs_destination(ledger, error) &&
	       ledger_transact(ledger, replace_ranges, &replace, error);
}

bool ledger_ranges_get(
	struct ledger *ledger, const char *sha256, struct ranges *ranges, struct error *error)
{
	struct db_query *query = NULL;
	ranges_clear(ranges);
	return ledger_needs_destination(ledger, error) &&
	       prepare_ranges(ledger, sql_ranges_get, sha256, &query, error) &&
	       read_ranges(query, ranges, error);
}
