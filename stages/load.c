#include "stages/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "stages/pass.h"
#include "stages/pipeline.h"
#include "state/base/log.h"
#include "state/base/stop.h"

/* Packed bytes the reader may be before a chunk that is loaded. */
#define READ_AHEAD   ((uint64_t)256 << 10)
#define DEFLATE_MOST 1032
#define GAPS_MOST    256 /* read in one pass; further ones wait for the next */
#define LOOK_MS      500 /* how often the memory limit is read */

uint64_t load_rejects_allowed(double share, uint64_t records)
{
	uint64_t allowed = (uint64_t)(share * (double)records);
	return allowed > MAX_REJECTS_LEAST ? allowed : MAX_REJECTS_LEAST;
}

void load_key(const struct edition *edition, char key[static LOAD_KEY])
{
	snprintf(key, LOAD_KEY, "%d-%s", edition->year, edition->sha256);
}

/* Deflate makes so much of a byte at most, and a row has a byte a column: more are not in it. */
static uint64_t rows_most(const struct load *load)
{
	uint64_t plain = load->edition->packed_size;
	if (load->packing == PACKING_GZIP)
		plain *= DEFLATE_MOST;
	return plain / COLUMNS;
}

/* Fails early, and only when it is certain enough: how many records there will be is told by how
 * far the reader is in the spool, less what it has read ahead, and twice that is allowed for. A
 * small file that inflates to millions of records is bounded by the rows that can be in it. The
 * exact comparison comes at the end. */
static bool few_rejects(struct load *load, uint64_t packed, struct error *error)
{
	const struct year_state *state = load->state;
	uint64_t records = state->rows + state->rejects;
	uint64_t size = load->edition->packed_size;
	uint64_t sure = packed > READ_AHEAD ? packed - READ_AHEAD : 0;
	uint64_t projected = rows_most(load) + state->rejects;
	if (sure > 0 && packed < size) {
		double by_place = 2.0 * (double)records * (double)size / (double)sure;
		projected = by_place < (double)projected ? (uint64_t)by_place : projected;
	}
	if (state->rejects <= load_rejects_allowed(load->max_rejects_share, projected))
		return true;
	load->refused = true;
	return error_set(error, ERROR_INPUT,
		"%llu of the first %llu records were rejected, which is over --max-rejects: look at dvf_import.reject "
		"(SQLite: dvf_import_reject), then raise it or wait for a mended edition",
		(unsigned long long)state->rejects, (unsigned long long)records);
}

/* What the ledger has beside it may be wrong; that is no verdict on the source: the witness tells.
 */
static bool tell_ledger(
	struct load *load, const char *key, const struct range *range, struct error *error)
{
	if (ledger_range_add(load->ledger, key, range, error))
		return true;
	if (error->kind == ERROR_INPUT)
		error->kind = ERROR_LOST;
	return false;
}

static bool on_loaded(
	void *context, const struct chunk_record *record, uint64_t packed, struct error *error)
{
	struct load *load = context;
	char key[LOAD_KEY];
	const struct range range = { .plain_first = record->plain_first,
		.plain_end = record->plain_end,
		.first_record = record->first_record,
		.rows = record->rows,
		.rejects = record->rejects };
	load_key(load->edition, key);
	if (!ranges_add(&load->ranges, &range, error) || !tell_ledger(load, key, &range, error))
		return false;
	load->state->plain_done += record->plain_end - record->plain_first;
	load->state->rows += record->rows;
	load->state->rejects += record->rejects;
	*load->rows_now += record->rows;
	load->chunks++;
	return record->rejects == 0 || few_rejects(load, packed, error);
}

static bool on_point(void *context, const struct point *point, struct error *error)
{
	struct load *load = context;
	return ledger_point_add(load->ledger, load->edition->sha256, point, error);
}

static void tell_plan(const struct load *load, const char *what)
{
	char text[PLAN_TEXT];
	plan_text(load->plan, text);
	log_note(LOG_WARNING, load->edition->year, "there is %s memory now: %s", what, text);
}

/* The chunks and connections that are there go with their pass; the next one is smaller. */
static bool on_tick(void *context)
{
	struct load *load = context;
	uint64_t now = clock_ms();
	load->tick(load->context);
	if (now < load->looked_ms + LOOK_MS)
		return true;
	load->looked_ms = now;
	if (!plan_shrink(load->plan))
		return true;
	tell_plan(load, "less");
	return false;
}

/* The witness's word, into memory, the ledger and the progress. */
static bool read_witness(struct load *load, struct error *error)
{
	char key[LOAD_KEY];
	uint64_t plain = 0;
	load_key(load->edition, key);
	if (!load->sink->ops->completed(load->sink, load->edition, &load->ranges, error)) {
		/* Chunks that do not fit together say nothing of the source. */
		if (error->kind == ERROR_INPUT)
			error->kind = ERROR_CHANGED;
		return false;
	}
	if (!ledger_ranges_replace(load->ledger, key, &load->ranges, error))
		return false;
	ranges_totals(&load->ranges, &plain, &load->state->rows, &load->state->rejects);
	load->state->plain_done = plain;
	load->state->plain_size = load->spool->verified ? load->spool->plain_size : 0;
	return true;
}

/* The gaps with the access points to start from. */
static bool plan(struct load *load, uint64_t header_end, struct reader_gap **gaps, unsigned *count,
	struct error *error)
{
	/* Of a year of which nothing is in, the size in the ledger is not believed: were it wrong,
	 * the file would not be read at all. */
	bool sized = load->spool->verified && (load->ranges.count > 0 || load->ended);
	uint64_t plain_size = sized ? load->spool->plain_size : UINT64_MAX;
	*count = 0;
	*gaps = calloc(GAPS_MOST, sizeof(**gaps));
	if (*gaps == NULL)
		return error_memory(error, "a plan");
	while (*count < GAPS_MOST) {
		struct reader_gap *gap = &(*gaps)[*count];
		if (!ranges_gap(&load->ranges, header_end, plain_size, *count, &gap->gap))
			break;
		/* The last gap is read to the end of the file, wherever that is: only there is all
		 * verified. */
		if (gap->gap.next_record == 0)
			gap->gap.plain_end = UINT64_MAX;
		if (!ledger_point_nearest(load->ledger, load->edition->sha256, gap->gap.plain_first,
			    &gap->point, &gap->has_point, error))
			return false;
		load->from_point |= gap->has_point && gap->point.plain > 0;
		(*count)++;
	}
	return true;
}

static void plan_free(struct reader_gap *gaps, unsigned count)
{
	for (unsigned i = 0; gaps != NULL && i < count; i++)
		point_free(&gaps[i].point);
	free(gaps);
}

static bool note_end(struct load *load, const struct reader_end *end, struct error *error)
{
	if (!end->reached)
		return true;
	load->ended = true;
	load->records_read = end->records;
	load->spool->verified = true;
	load->spool->plain_size = end->plain_size;
	load->state->plain_size = end->plain_size;
	return ledger_spool_verified(load->ledger, load->edition->sha256, end->plain_size, error);
}

static bool run_pass(struct load *load, const struct header *header, const struct reader_gap *gaps,
	unsigned count, struct pass_result *result, struct error *error)
{
	struct pass pass = { .sink = load->sink,
		.edition = load->edition,
		.header = header,
		.reader = { .path = load->path,
			.packing = load->packing,
			.chunk_rows = load->chunk_rows < load->plan->chunk_rows
					      ? load->chunk_rows
					      : load->plan->chunk_rows,
			.chunk_bytes = load->plan->chunk_bytes },
		.gaps = gaps,
		.gap_count = count,
		.loaders = load->plan->loaders,
		.together = load->plan->together,
		.spare = load->plan->spare,
		.context = load,
		.loaded = on_loaded,
		.point = load->packing == PACKING_GZIP ? on_point : NULL,
		.tick = on_tick };
	if (pass.loaders > load->sink->ops->max_loaders)
		pass.loaders = load->sink->ops->max_loaders;
	bool done = pass_run(&pass, result, error);
	budget_trim();
	return done && note_end(load, &result->end, error);
}

/* True: another pass may do what this one could not. */
static bool go_on(struct load *load, const struct pass_result *result, struct error *error)
{
	if (result->put_back == 0)
		return true;
	if (result->put_back_error.kind == ERROR_MEMORY && load->chunk_rows > 1) {
		load->chunk_rows = (load->chunk_rows + 1) / 2;
		log_note(LOG_WARNING, load->edition->year,
			"memory is short: chunks of %u rows from now on", load->chunk_rows);
		return true;
	}
	if (result->chunks > 0)
		return true;
	*error = result->put_back_error;
	return false;
}

/* One plan and its pass; *whole when there was nothing left to plan. */
static bool plan_and_run(struct load *load, const struct header *header, uint64_t header_end,
	bool *whole, struct error *error)
{
	struct reader_gap *gaps = NULL;
	struct pass_result result;
	unsigned count = 0;
	/* Not in a tick: loaders read it. */
	load->sink->cache_bytes = load->plan->cache_bytes;
	load->sink->connections = load->plan->loaders;
	bool done = read_witness(load, error) && plan(load, header_end, &gaps, &count, error);
	*whole = done && count == 0;
	if (done && count > 0)
		done = run_pass(load, header, gaps, count, &result, error) &&
		       go_on(load, &result, error);
	plan_free(gaps, count);
	return done;
}

bool load_edition(struct load *load, struct year_total *total, struct error *error)
{
	const struct reader reader = { .path = load->path, .packing = load->packing };
	struct header header;
	bool whole = false;
	*total = (struct year_total){ 0 };
	if (plan_grow(load->plan))
		tell_plan(load, "more");
	bool done = reader_header(&reader, &header, &total->header_end, error);
	if (done && header.extra[0] != '\0')
		log_note(LOG_WARNING, load->edition->year,
			"columns that are not DVF's are left out: %s", header.extra);
	while (done && !whole) {
		if (stop_requested())
			done = error_set(error, ERROR_STOPPED, "interrupted");
		done = done && plan_and_run(load, &header, total->header_end, &whole, error);
	}
	total->plain_size = load->spool->plain_size;
	total->records = load->state->rows + load->state->rejects;
	ranges_free(&load->ranges);
	if (done && load->records_read != 0 && load->records_read != total->records)
		done = error_set(error, ERROR_CHANGED,
			"the file has %llu records and the witness counts %llu",
			(unsigned long long)load->records_read, (unsigned long long)total->records);
	if (done && load->state->rejects >
			    load_rejects_allowed(load->max_rejects_share, total->records)) {
		load->refused = true;
		done = error_set(error, ERROR_INPUT,
			"%llu of %llu records were rejected, which is over --max-rejects: look at "
			"dvf_import.reject (SQLite: dvf_import_reject), then raise it or wait for a "
			"mended edition",
			(unsigned long long)load->state->rejects,
			(unsigned long long)total->records);
	}
	return done;
}
