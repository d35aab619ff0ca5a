#include "stages/verify.h"

#include <string.h>

#include "stages/plan.h"
#include "stages/verify_parts.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define TRIES      3
#define CHUNK_ROWS 3000
#define CHUNKS     2 /* the reader fills one while it hands the other over */

struct watch {
	const struct verify_settings *settings;
	struct verify_progress progress;
};

static void tick(void *context)
{
	struct watch *watch = context;
	if (watch->settings->watch != NULL)
		watch->settings->watch(watch->settings->context, &watch->progress);
}

static bool open_view(struct sink **sink, const struct verify_settings *settings,
	struct watch *watch, bool *there, struct error *error)
{
	if (!sink_open(sink, settings->to, error))
		return false;
	(*sink)->tick = watch != NULL ? tick : NULL;
	(*sink)->tick_context = watch;
	return (*sink)->ops->look(*sink, there, error);
}

static bool not_served(struct sink *sink, bool there, int year, struct error *error)
{
	struct served_years served = { 0 };
	const char *name = sink->destination.name;
	if (there && !sink->ops->years(sink, &served, error))
		return false;
	for (unsigned i = 0; i < served.lost_count; i++)
		if (served.lost[i] == year)
			return error_set(error, ERROR_REFUSED,
				"%s is said to serve %d, but its table is gone, dropped or renamed by "
				"somebody: run --years %d loads it again",
				name, year, year);
	return error_set(error, ERROR_REFUSED,
		"%s does not serve %d: there is nothing to compare; run --years %d imports it",
		name, year, year);
}

/* What is served, by a connection that is not kept. */
static bool look_served(const struct verify_settings *settings, int year,
	struct edition_memory *served, struct error *error)
{
	struct sink *sink = NULL;
	bool there = false;
	bool found = false;
	bool done = open_view(&sink, settings, NULL, &there, error);
	if (done && there)
		done = sink->ops->published(sink, year, served, &found, error);
	if (done && !found)
		done = not_served(sink, there, year, error);
	sink_close(sink);
	return done;
}

/* *views can be closed, whatever this returns. */
static bool views_open(struct verify_views *views, const struct verify_settings *settings, int year,
	struct watch *watch, struct error *error)
{
	bool there = false;
	struct sink **sinks[] = { &views->rows, &views->kept, &views->chunks };
	*views = (struct verify_views){ 0 };
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		if (!open_view(sinks[i], settings, watch, &there, error))
			return false;
		if (!there || strcmp((*sinks[i])->uuid, views->rows->uuid) != 0)
			return error_set(error, ERROR_CHANGED,
				"%s is another database than a moment ago: verify again",
				(*sinks[i])->destination.name);
	}
	return views->rows->ops->published(
		views->rows, year, &views->served, &views->serving, error);
}

/* With all readers closed: whether what they read was what is served, from first to last. */
static bool views_same(struct verify_views *views, bool *same, struct error *error)
{
	const struct edition_memory *before = &views->served;
	struct edition_memory after;
	*same = false;
	if (!views->rows->ops->published(views->rows, before->edition.year, &after, same, error))
		return false;
	*same = *same && strcmp(after.edition.sha256, before->edition.sha256) == 0 &&
		after.rows == before->rows && after.rejects == before->rejects;
	return true;
}

static void views_close(struct verify_views *views)
{
	sink_close(views->rows);
	sink_close(views->kept);
	sink_close(views->chunks);
	*views = (struct verify_views){ 0 };
}

/* The file on its way through the comparison. */
struct passing {
	struct comparison comparison;
	struct chunk chunks[CHUNKS];
	bool taken[CHUNKS];
	struct watch *watch;
	bool failed;
	struct error error;
};

static struct chunk *take(void *context)
{
	struct passing *passing = context;
	for (unsigned i = 0; i < CHUNKS; i++)
		if (!passing->taken[i]) {
			passing->taken[i] = true;
			return &passing->chunks[i];
		}
	return NULL;
}

static bool give(void *context, struct chunk *chunk)
{
	struct passing *passing = context;
	struct verify_progress *progress = &passing->watch->progress;
	const struct verify_result *result = passing->comparison.result;
	passing->taken[chunk - passing->chunks] = false;
	if (chunk->size == 0)
		return true;
	passing->failed = !comparison_chunk(&passing->comparison, chunk, &passing->error);
	progress->done = chunk->packed;
	progress->rows = result->rows;
	progress->differences = result->differences.count;
	tick(passing->watch);
	return !passing->failed;
}

static bool pass_file(struct passing *passing, const struct reader *reader, uint64_t header_end,
	const struct edition_memory *served, struct error *error)
{
	const struct reader_gap whole = {
		.gap = { .plain_first = header_end, .plain_end = UINT64_MAX, .first_record = 1 }
	};
	struct reader_end end;
	bool done = reader_run(reader, &whole, 1, &end, error);
	if (passing->failed) {
		*error = passing->error;
		return false;
	}
	if (done && !end.reached)
		return error_set(error, ERROR_STOPPED, "interrupted");
	return done && comparison_end(&passing->comparison, served, &end, error);
}

static bool compare_file(const struct verify_views *views, const struct verify_bytes *bytes,
	struct watch *watch, struct verify_result *result, struct error *error)
{
	struct passing passing = { .watch = watch };
	struct header header;
	uint64_t header_end = 0;
	const struct reader reader = { .path = bytes->path,
		.packing = bytes->packing,
		.chunk_rows = CHUNK_ROWS,
		.chunk_bytes = plan_chunk_bytes(watch->settings->budget.limit),
		.context = &passing,
		.take = take,
		.give = give };
	watch->progress.doing = "comparing";
	watch->progress.done = 0;
	watch->progress.whole = views->served.edition.packed_size;
	bool done =
		reader_header(&reader, &header, &header_end, error) &&
		comparison_open(&passing.comparison, views, &header, header_end, result, error) &&
		pass_file(&passing, &reader, header_end, &views->served, error);
	comparison_close(&passing.comparison);
	for (unsigned i = 0; i < CHUNKS; i++)
		chunk_free(&passing.chunks[i]);
	return done;
}

/* One year being verified. `bytes` NULL: fast. */
struct verifying {
	struct watch watch;
	int year;
	struct verify_bytes *bytes;
	struct verify_result *result;
};

static bool have_bytes(
	struct verifying *verifying, const struct edition *edition, struct error *error)
{
	struct verify_bytes look = { .lock = -1 };
	verifying->watch.progress.doing = "hashing";
	tick(&verifying->watch);
	if (verifying->bytes == NULL)
		return verify_bytes_look(&look, verifying->watch.settings, edition,
			&verifying->result->spool, error);
	return strcmp(verifying->bytes->sha256, edition->sha256) == 0 ||
	       verify_bytes_get(verifying->bytes, verifying->watch.settings, edition, error);
}

static bool compare(
	struct verifying *verifying, const struct verify_views *views, struct error *error)
{
	if (verifying->bytes != NULL)
		return compare_file(
			views, verifying->bytes, &verifying->watch, verifying->result, error);
	verifying->watch.progress.doing = "comparing";
	verifying->watch.progress.whole = views->served.rows;
	if (verifying->result->spool == SPOOL_SPOILED)
		difference_add(&verifying->result->differences, 0, -1,
			"its spool on this machine is not the edition's bytes any more");
	return verify_tally(views, verifying->watch.settings, &verifying->watch.progress,
		verifying->result, error);
}

/* One reading. *same false: another edition came, or records were mended, while it was read. */
static bool read_once(struct verifying *verifying, bool *same, struct error *error)
{
	const struct verify_settings *settings = verifying->watch.settings;
	struct verify_views views = { 0 };
	struct edition_memory served;
	*verifying->result = (struct verify_result){ 0 };
	*same = false;
	/* Before the views: a download may last longer than the server lets sessions idle. */
	if (!look_served(settings, verifying->year, &served, error) ||
		!have_bytes(verifying, &served.edition, error))
		return false;
	memcpy(verifying->result->sha256, served.edition.sha256, SHA256_HEX);
	bool done = views_open(&views, settings, verifying->year, &verifying->watch, error);
	bool fits = done && views.serving &&
		    strcmp(views.served.edition.sha256, served.edition.sha256) == 0;
	if (fits)
		done = compare(verifying, &views, error) && views_same(&views, same, error);
	views_close(&views);
	return done;
}

static bool verify(struct verifying *verifying, struct error *error)
{
	bool same = false;
	for (int i = 0; i < TRIES && !same; i++) {
		if (i > 0)
			log_note(LOG_INFO, verifying->year,
				"it was changed while it was read: reading it again");
		if (!read_once(verifying, &same, error))
			return false;
	}
	return same || error_set(error, ERROR_CHANGED,
			       "%d was changed %d times while it was read: verify it again once "
			       "the run or mend that does it has ended",
			       verifying->year, TRIES);
}

bool verify_year(const struct verify_settings *settings, int year, struct verify_result *result,
	struct error *error)
{
	struct verify_bytes bytes = { .lock = -1 };
	struct verifying verifying = {
		.watch = { .settings = settings, .progress = { .year = year } },
		.year = year,
		.bytes = &bytes,
		.result = result,
	};
	bool done = verify(&verifying, error);
	verify_bytes_drop(&bytes);
	return done;
}

bool verify_year_fast(const struct verify_settings *settings, int year,
	struct verify_result *result, struct error *error)
{
	struct verifying verifying = {
		.watch = { .settings = settings, .progress = { .year = year } },
		.year = year,
		.result = result,
	};
	return verify(&verifying, error);
}

bool verify_years(const struct verify_settings *settings, struct served_years *served, bool *there,
	struct error *error)
{
	struct sink *sink = NULL;
	served->count = served->lost_count = 0;
	bool done = open_view(&sink, settings, NULL, there, error);
	if (done && *there)
		done = sink->ops->years(sink, served, error);
	sink_close(sink);
	return done;
}
