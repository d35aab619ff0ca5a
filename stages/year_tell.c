#include "stages/year_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "state/base/log.h"
#include "state/json.h"

#define FACTS 8

void year_edition(const struct spool *spool, struct edition *edition)
{
	*edition = (struct edition){ .year = spool->year, .packed_size = spool->packed_size };
	memcpy(edition->sha256, spool->sha256, sizeof(edition->sha256));
	memcpy(edition->url, spool->url, sizeof(edition->url));
	edition->validators = spool->validators;
}

bool year_stage(struct ledger *ledger, struct year_progress *progress, const char *stage,
	const char *message, struct error *error)
{
	snprintf(progress->state.stage, sizeof(progress->state.stage), "%s", stage);
	snprintf(progress->state.message, sizeof(progress->state.message), "%.*s",
		(int)sizeof(progress->state.message) - 1, message);
	return ledger_year_put(ledger, &progress->state, error);
}

static const char *sha256_of(const struct year_tell *tell)
{
	return tell->edition->sha256;
}

/* What every event about an edition says; `why` comes last, so that it can be left out. */
static void take_facts(const struct year_tell *tell, const char *why, struct field fields[FACTS])
{
	const struct year_state *state = &tell->year->progress->state;
	const struct field facts[FACTS] = { FIELD_T("destination", tell->year->sink->uuid),
		FIELD_T("edition", sha256_of(tell)), FIELD_T("url", tell->edition->url),
		FIELD_N("packed_size", tell->edition->packed_size),
		FIELD_N("plain_size", state->plain_size), FIELD_N("rows", state->rows),
		FIELD_N("rejects", state->rejects), FIELD_T("why", why) };
	memcpy(fields, facts, sizeof(facts));
}

bool year_tell(const struct year_tell *tell, const char *kind, const char *why, struct error *error)
{
	struct field fields[FACTS];
	take_facts(tell, why, fields);
	return ledger_event(tell->year->ledger, kind, tell->edition->year, fields,
		FACTS - (why == NULL), error);
}

static bool ranges_json(const struct ranges *ranges, struct buf *json, struct error *error)
{
	bool done = buf_add(json, "[", 1, error);
	for (unsigned i = 0; done && i < ranges->count && i < TELL_RANGES_MOST; i++) {
		const struct range *range = &ranges->items[i];
		done = buf_print(json, error,
			"%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
			i > 0 ? "," : "", range->plain_first, range->plain_end, range->first_record,
			range->rows, range->rejects);
	}
	return done && buf_add(json, "]", 1, error);
}

static bool tell_ranges(const struct year_tell *tell, const char *kind, const char *why,
	const struct ranges *ranges, struct error *error)
{
	const struct year_progress *progress = tell->year->progress;
	struct field fields[FACTS + 4];
	struct buf json = { 0 };
	bool done = ranges_json(ranges, &json, error);
	if (done) {
		take_facts(tell, NULL, fields);
		fields[FACTS - 1] = FIELD_N("rows_of_run", progress->rows_now);
		fields[FACTS] = FIELD_N("chunks_of_run", progress->chunks_now);
		fields[FACTS + 1] = FIELD_N("range_count", ranges->count);
		fields[FACTS + 2] = FIELD_J("ranges", json.bytes);
		fields[FACTS + 3] = FIELD_T("why", why);
		done = ledger_event(tell->year->ledger, kind, tell->edition->year, fields,
			FACTS + 4 - (why == NULL), error);
	}
	buf_free(&json);
	return done;
}

static bool tell_loaded(
	const struct year_tell *tell, const char *kind, const char *why, struct error *error)
{
	struct ranges ranges = { 0 };
	char key[LOAD_KEY];
	load_key(tell->edition, key);
	bool read = ledger_ranges_get(tell->year->ledger, key, &ranges, error);
	if (!read && error->kind == ERROR_INPUT)
		error->kind = ERROR_DAMAGED; /* the ledger, not the source */
	bool done = read && tell_ranges(tell, kind, why, &ranges, error);
	ranges_free(&ranges);
	return done;
}

static bool add_reject(struct buf *json, const struct kept *kept, struct error *error)
{
	return (json->size <= 1 || buf_add(json, ",", 1, error)) &&
	       buf_print(json, error, "{\"record\":%" PRIu64 ",\"column\":", kept->record) &&
	       (kept->column != NULL ? json_add_text(json, kept->column, error)
				     : buf_add_text(json, "null", error)) &&
	       buf_add_text(json, ",\"reason\":", error) &&
	       json_add_text(json, kept->reason, error) && buf_add(json, "}", 1, error);
}

static bool is_reject(const struct kept *kept, const struct edition *edition)
{
	return kept->mended == NULL && strcmp(kept->edition, edition->sha256) == 0;
}

static bool first_rejects(const struct year_tell *tell, struct buf *json, struct error *error)
{
	struct sink *sink = tell->year->sink;
	struct kept_reader *reader = NULL;
	unsigned shown = 0;
	bool end = false;
	bool done = buf_add(json, "[", 1, error) &&
		    sink->ops->kept_open(sink, tell->edition->year, &reader, error);
	while (done && shown < TELL_REJECTS_MOST) {
		struct kept kept;
		done = reader->ops->next(reader, &kept, &end, error);
		if (!done || end)
			break;
		if (is_reject(&kept, tell->edition)) {
			done = add_reject(json, &kept, error);
			shown++;
		}
	}
	if (reader != NULL)
		reader->ops->close(reader);
	return done && buf_add(json, "]", 1, error);
}

/* The rejects themselves are in the destination: not to be able to show some is no reason to fail a
 * year. */
static bool tell_rejects(const struct year_tell *tell, struct error *error)
{
	const struct year *year = tell->year;
	struct buf json = { 0 };
	if (year->progress->state.rejects == 0)
		return true;
	bool shown = first_rejects(tell, &json, error);
	if (!shown)
		log_note(LOG_DEBUG, tell->edition->year,
			"the history does not show the first rejects: %s", error->text);
	const struct field fields[] = { FIELD_T("destination", year->sink->uuid),
		FIELD_T("edition", sha256_of(tell)),
		FIELD_N("count", year->progress->state.rejects),
		FIELD_J("first", shown ? json.bytes : NULL) };
	bool done =
		ledger_event(year->ledger, "rejects kept", tell->edition->year, fields, 4, error);
	buf_free(&json);
	return done;
}

bool year_tell_loaded(
	const struct year_tell *tell, const struct load *load, bool whole, struct error *error)
{
	struct error ignored;
	tell->year->progress->chunks_now += load->chunks;
	if (whole)
		return tell_loaded(tell, "year loaded", NULL, error) && tell_rejects(tell, error);
	if (load->chunks > 0)
		(void)!tell_loaded(tell, "chunks loaded", error->text, &ignored);
	if (load->refused)
		(void)!tell_rejects(tell, &ignored);
	return false;
}
