/*
 * What is there is read under one BEGIN, so that it fits together; the transaction ends before
 * anything is made of it: a reader that dawdles keeps the log of a run from being emptied.
 */
#include "state/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/base/file.h"
#include "state/ledger_private.h"
#include "state/ranges.h"
#include "state/stage.h"
#include "state_sql.h"

#define SWAPS "|promoted|promote found done|reverted|revert found done|"
#define ALL_TOLD                                                                                   \
	"|run started|run ended|run killed|state repaired|destination first seen|year published|"  \
	"year found published|year copied|year given up|year lost|year failed|year not published|" \
	"year loaded|chunks loaded|year verified|edition held|edition refused|edition begun "      \
	"afresh|rejects kept|rejects mended|history continues|other history seen|history is "      \
	"behind|history differs|source changed" SWAPS

/* Takes one row of a query into the look; false: there is no room for more. */
typedef bool row_taken(struct look *look, struct db_query *query);

static bool read_rows(
	struct look *look, struct db_query *query, row_taken *take, struct error *error)
{
	bool row = false;
	bool done;
	while ((done = db_step(query, &row, error)) && row)
		if (!take(look, query))
			break;
	db_end(query);
	return done;
}

#define COPY(column, field) db_copy(query, (column), (field), sizeof(field))

static bool take_run(struct look *look, struct db_query *query)
{
	struct run_seen *run = &look->runs[look->run_count];
	run->id = db_number(query, 0);
	COPY(1, run->version);
	COPY(2, run->host);
	COPY(3, run->started_at);
	COPY(4, run->ended_at);
	COPY(5, run->outcome);
	run->exit_code = (int)db_number(query, 6);
	run->peak_memory = db_size(query, 7);
	COPY(8, run->command);
	return ++look->run_count < LOOK_RUNS;
}

static bool take_outcome(struct look *look, struct db_query *query)
{
	struct outcome_seen *outcome = &look->outcomes[look->outcome_count];
	COPY(0, outcome->outcome);
	outcome->runs = db_size(query, 1);
	outcome->last_good_s = db_number(query, 2);
	outcome->last_end_s = db_number(query, 3);
	return ++look->outcome_count < LOOK_OUTCOMES;
}

static void take_event(struct event_seen *event, struct db_query *query)
{
	event->number = db_number(query, 0);
	COPY(1, event->at);
	event->run = db_number(query, 2);
	COPY(3, event->kind);
	event->year = (int)db_number(query, 4);
	COPY(5, event->facts);
}

static bool take_swap(struct look *look, struct db_query *query)
{
	take_event(&look->swaps[look->swap_count], query);
	return ++look->swap_count < LOOK_EVENTS;
}

static bool take_told(struct look *look, struct db_query *query)
{
	take_event(&look->events[look->event_count], query);
	return ++look->event_count < LOOK_EVENTS;
}

static bool take_reject(struct look *look, struct db_query *query)
{
	struct reject_seen *reject = &look->rejects[look->reject_count];
	reject->year = (int)db_number(query, 0);
	reject->record = db_size(query, 1);
	COPY(2, reject->column);
	COPY(3, reject->reason);
	reject->of = db_size(query, 4);
	return ++look->reject_count < LOOK_REJECTS;
}

static bool take_sample(struct look *look, struct db_query *query)
{
	struct run_sample *sample = &look->samples[look->sample_count];
	look->sampled_run = db_number(query, 0);
	sample->at_ms = db_size(query, 1);
	sample->rows = db_size(query, 2);
	sample->memory = db_size(query, 3);
	sample->memory_limit = db_size(query, 4);
	return ++look->sample_count < LEDGER_SAMPLES_MOST;
}

static bool take_head(struct look *look, struct db_query *query)
{
	look->head = db_number(query, 0);
	COPY(1, look->head_hash);
	return true;
}

static bool take_parts(struct look *look, struct db_query *query)
{
	look->part_bytes = db_size(query, 0);
	return true;
}

static bool take_place(struct look *look, struct db_query *query)
{
	struct map_seen *map = &look->map;
	map->places[map->place_count] = (struct place_seen){
		.plain_first = db_size(query, 0),
		.plain_end = db_size(query, 1),
		.rejects = db_size(query, 2),
	};
	return ++map->place_count < LOOK_PLACES;
}

static bool take_destination(struct look *look, struct db_query *query)
{
	struct destination_seen *to = &look->destinations[look->destination_count];
	COPY(1, to->uuid);
	COPY(2, to->kind);
	COPY(3, to->name);
	return ++look->destination_count < LOOK_DESTINATIONS;
}

/* `most` is bound as the first value; 0: the query has none. */
static bool read_plain(struct look *look, struct ledger *ledger, const char *sql, int64_t most,
	row_taken *take, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql, "reading what is to be shown", &query, error))
		return false;
	if (most > 0)
		db_bind_number(query, 1, most);
	return read_rows(look, query, take, error);
}

static bool read_events(struct look *look, struct ledger *ledger, const char *kinds,
	row_taken *take, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_events_seen, "reading what is to be shown", &query, error))
		return false;
	db_bind_text(query, 1, kinds);
	db_bind_number(query, 2, LOOK_EVENTS);
	return read_rows(look, query, take, error);
}

static bool take_year(void *context, const char *name, const struct year_state *state,
	const char *updated_at, struct error *error)
{
	struct destination_seen *to = context;
	(void)name;
	(void)error;
	if (to->year_count == LOOK_YEARS)
		return true;
	struct year_seen *year = &to->years[to->year_count++];
	year->state = *state;
	snprintf(year->updated_at, sizeof(year->updated_at), "%s", updated_at);
	return true;
}

static bool read_destinations(struct look *look, struct ledger *ledger, struct error *error)
{
	if (!read_plain(look, ledger, sql_destinations_seen, LOOK_DESTINATIONS, take_destination,
		    error))
		return false;
	for (unsigned i = 0; i < look->destination_count; i++)
		if (!ledger_years(ledger, look->destinations[i].uuid, take_year,
			    &look->destinations[i], error))
			return false;
	return true;
}

static bool is_moving(const char *stage)
{
	enum stage_kind kind = stage_kind(stage);
	return kind == STAGE_LASTS || (kind == STAGE_COUNTS && strcmp(stage, "fetching") != 0);
}

/* The year asked for; else the one that moves; else the newest that has an edition. */
static const struct year_seen *choose_year(const struct look *look, int asked)
{
	const struct year_seen *chosen = NULL;
	const struct destination_seen *to = &look->destinations[0];
	for (unsigned i = 0; look->destination_count > 0 && i < to->year_count; i++) {
		const struct year_seen *year = &to->years[i];
		if (year->state.sha256[0] == '\0')
			continue;
		if (year->state.year == asked || (asked == 0 && is_moving(year->state.stage)))
			return year;
		chosen = year;
	}
	return chosen;
}

static bool find_destination(struct look *look, struct ledger *ledger, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(
		    ledger->db, sql_destination_find, "looking for a destination", &query, error))
		return false;
	db_bind_text(query, 1, look->destinations[0].uuid);
	bool done = db_one(query, error);
	if (done)
		ledger->destination = db_number(query, 0);
	db_end(query);
	return done;
}

static bool read_plain_size(
	struct look *look, struct ledger *ledger, const char *sha256, struct error *error)
{
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_spool_plain_size, "reading a spool", &query, error))
		return false;
	db_bind_text(query, 1, sha256);
	bool done = db_one(query, error);
	look->map.plain_size = done ? db_size(query, 0) : 0;
	db_end(query);
	return done;
}

static bool read_map(struct look *look, struct ledger *ledger, int asked, struct error *error)
{
	char key[SHA256_HEX + 16];
	struct db_query *query = NULL;
	const struct year_seen *year = choose_year(look, asked);
	if (year == NULL)
		return true;
	snprintf(key, sizeof(key), "%d-%s", year->state.year, year->state.sha256);
	look->map.year = year->state.year;
	if (!find_destination(look, ledger, error) ||
		!read_plain_size(look, ledger, year->state.sha256, error) ||
		!ledger_ranges_get(ledger, key, &look->map.ranges, error) ||
		!db_prepare(ledger->db, sql_reject_places_seen, "reading what is to be shown",
			&query, error))
		return false;
	db_bind_number(query, 1, ledger->destination);
	db_bind_text(query, 2, key);
	return read_rows(look, query, take_place, error);
}

static bool read_all(
	struct look *look, struct ledger *ledger, const struct look_wish *wish, struct error *error)
{
	if (!db_execute(ledger->db, "BEGIN", "beginning to read what is to be shown", error))
		return false;
	bool done = read_plain(look, ledger, sql_runs_seen, LOOK_RUNS, take_run, error) &&
		    read_plain(look, ledger, sql_run_counts, 0, take_outcome, error) &&
		    read_plain(look, ledger, sql_history_seen, 0, take_head, error) &&
		    read_plain(look, ledger, sql_parts_seen, 0, take_parts, error) &&
		    read_plain(look, ledger, sql_samples_seen, 0, take_sample, error) &&
		    read_plain(look, ledger, sql_rejects_seen, LOOK_REJECTS, take_reject, error) &&
		    read_events(look, ledger, SWAPS, take_swap, error) &&
		    read_events(look, ledger, ALL_TOLD, take_told, error) &&
		    read_destinations(look, ledger, error) &&
		    read_map(look, ledger, wish->map_year, error);
	db_rollback(ledger->db);
	return done;
}

static bool read_lock(bool *locked, const char *folder, struct error *error)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/lock", folder);
	return file_is_locked(path, locked, error);
}

bool look_take(
	struct look **out, const char *folder, const struct look_wish *wish, struct error *error)
{
	struct ledger *ledger = NULL;
	struct look *look = calloc(1, sizeof(*look));
	*out = look;
	if (look == NULL)
		return error_memory(error, "what is to be shown");
	/* Before and after: whoever is seen at work in between held it in one of them. */
	bool before = false;
	bool done = read_lock(&before, folder, error) &&
		    ledger_open_reader(&ledger, folder, error) &&
		    read_all(look, ledger, wish, error);
	ledger_close(ledger);
	done = done && read_lock(&look->locked, folder, error);
	look->locked |= before;
	return done;
}

void look_chain(struct chain_seen *chain, const char *folder)
{
	struct ledger *ledger = NULL;
	struct error error;
	*chain = (struct chain_seen){ 0 };
	bool opened = ledger_open_reader(&ledger, folder, &error);
	chain->whole = opened && ledger_history_verify(ledger, &chain->events, &error);
	chain->known = chain->whole || (opened && error.kind == ERROR_INPUT);
	if (!chain->whole)
		snprintf(chain->problem, sizeof(chain->problem), "%.*s",
			(int)sizeof(chain->problem) - 1, error.text);
	ledger_close(ledger);
}

void look_free(struct look *look)
{
	if (look == NULL)
		return;
	ranges_free(&look->map.ranges);
	free(look);
}
