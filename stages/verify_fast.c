#include "stages/verify_parts.h"

#define UNSIGNED(n) ((unsigned long long)(n))

/* Keys, what was kept, and chunks, all in the order of the records. */
struct tally {
	struct verify_result *result;
	const struct verify_settings *settings;
	struct verify_progress *progress;
	struct row_head keys;
	struct kept_head kept;
	struct chunk_reader *chunks;
	uint64_t next_plain;
	uint64_t record;                /* the next one */
	uint64_t rows, rejects;         /* of the chunk at hand, as found */
	uint64_t all_rows, all_rejects; /* as the chunks say */
};

static void add_missing(struct verify_result *result, uint64_t record)
{
	difference_add(&result->differences, record, -1,
		"missing: dvf has neither a row nor a reject of it");
}

/* One record: one row, or one reject. */
static bool tally_record(struct tally *tally, struct error *error)
{
	struct differences *all = &tally->result->differences;
	uint64_t record = tally->record;
	if (!row_head_pass(&tally->keys, record, tally->result, error))
		return false;
	bool row = row_head_is(&tally->keys, record);
	bool kept = !tally->kept.ended && tally->kept.kept.record == record;
	bool reject = kept && tally->kept.kept.mended == NULL;
	if (row && reject)
		difference_add(
			all, record, -1, "extra row: the record is a reject, which has none");
	else if (!row && !reject)
		add_missing(tally->result, record);
	tally->rows += row && !reject;
	tally->rejects += reject;
	tally->result->rejects += reject;
	tally->result->mended += kept && !reject;
	tally->record++;
	return (!row || row_head_take(&tally->keys, record, tally->result, error)) &&
	       (!kept || kept_head_next(&tally->kept, error));
}

/* There is nothing left to look at, and the witness may say any number. */
static void pass_missing(struct tally *tally, uint64_t records)
{
	struct differences *all = &tally->result->differences;
	uint64_t end = tally->record + records;
	for (unsigned i = 0; i < DIFFERENCES_NAMED && tally->record < end; i++)
		add_missing(tally->result, tally->record++);
	all->count += end - tally->record;
	tally->record = end;
}

static void follow(struct tally *tally, const struct chunk_record *chunk)
{
	struct differences *all = &tally->result->differences;
	/* The header stands before the first one; how long it is only the file tells. */
	bool first = tally->next_plain == 0;
	if ((!first && chunk->plain_first != tally->next_plain) ||
		chunk->plain_end <= chunk->plain_first)
		difference_add(all, 0, -1,
			"the witness has a chunk [%llu, %llu) where one from %llu must follow",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(tally->next_plain));
	if (chunk->first_record != tally->record)
		difference_add(all, 0, -1,
			"the chunk [%llu, %llu) begins with record %llu, %llu must follow",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(chunk->first_record), UNSIGNED(tally->record));
	tally->next_plain = chunk->plain_end;
	tally->rows = tally->rejects = 0;
}

static void tell(struct tally *tally)
{
	tally->progress->done = tally->progress->rows = tally->result->rows;
	tally->progress->differences = tally->result->differences.count;
	if (tally->settings->watch != NULL)
		tally->settings->watch(tally->settings->context, tally->progress);
}

static bool tally_chunk(struct tally *tally, const struct chunk_record *chunk, struct error *error)
{
	struct differences *all = &tally->result->differences;
	follow(tally, chunk);
	uint64_t count = all->count;
	uint64_t records = chunk->rows + chunk->rejects;
	for (uint64_t i = 0; i < records; i++) {
		if (tally->keys.ended && tally->kept.ended) {
			pass_missing(tally, records - i);
			break;
		}
		if (!tally_record(tally, error))
			return false;
	}
	/* What is missing was named already. */
	if (all->count == count && chunk->rows != tally->rows)
		difference_add(all, 0, -1,
			"the chunk [%llu, %llu) says %llu rows and %llu rejects, dvf has %llu and "
			"%llu",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(chunk->rows), UNSIGNED(chunk->rejects), UNSIGNED(tally->rows),
			UNSIGNED(tally->rejects));
	tally->all_rows += chunk->rows;
	tally->all_rejects += chunk->rejects;
	tell(tally);
	return true;
}

static bool tally_chunks(struct tally *tally, struct error *error)
{
	struct chunk_record chunk;
	bool end = false;
	while (tally->chunks->ops->next(tally->chunks, &chunk, &end, error)) {
		if (end)
			return true;
		if (!tally_chunk(tally, &chunk, error))
			return false;
	}
	return false;
}

static bool tally_end(struct tally *tally, const struct edition_memory *served, struct error *error)
{
	struct differences *all = &tally->result->differences;
	if (!row_head_end(&tally->keys, tally->record - 1, tally->result, error))
		return false;
	for (; !tally->kept.ended;) {
		difference_add(all, tally->kept.kept.record, -1,
			"extra reject: it is kept twice, or for no record");
		if (!kept_head_next(&tally->kept, error))
			return false;
	}
	if (served->rows != tally->all_rows || served->rejects != tally->all_rejects)
		difference_add(all, 0, -1,
			"the bookkeeping says %llu rows and %llu rejects, its chunks %llu and %llu",
			UNSIGNED(served->rows), UNSIGNED(served->rejects),
			UNSIGNED(tally->all_rows), UNSIGNED(tally->all_rejects));
	/* A file with a header only has no chunk, and how long its header is only the file tells.
	 */
	bool empty = tally->next_plain == 0 && served->rows == 0 && served->rejects == 0;
	if (!empty && served->plain_size != tally->next_plain)
		difference_add(all, 0, -1,
			"the bookkeeping says %llu plain bytes, the chunks end at %llu",
			UNSIGNED(served->plain_size), UNSIGNED(tally->next_plain));
	return true;
}

bool verify_tally(const struct verify_views *views, const struct verify_settings *settings,
	struct verify_progress *progress, struct verify_result *result, struct error *error)
{
	int year = views->served.edition.year;
	struct tally tally = {
		.result = result, .settings = settings, .progress = progress, .record = 1
	};
	bool done = views->rows->ops->keys_open(views->rows, year, &tally.keys.reader, error);
	if (done && tally.keys.reader->altered[0] != '\0')
		difference_add(&result->differences, 0, -1, "the table was altered: %s",
			tally.keys.reader->altered);
	done = done && row_head_next(&tally.keys, result, error) &&
	       kept_head_open(&tally.kept, views, error) &&
	       views->chunks->ops->chunks_open(
		       views->chunks, &views->served.edition, &tally.chunks, error) &&
	       tally_chunks(&tally, error) && tally_end(&tally, &views->served, error);
	row_head_close(&tally.keys);
	kept_head_close(&tally.kept);
	if (tally.chunks != NULL)
		tally.chunks->ops->close(tally.chunks);
	return done;
}
