#include "stages/reader.h"

#include <string.h>

#include "stages/csv.h"
#include "state/base/stop.h"

#define READ_STEP ((size_t)128 << 10)

/* Where a reading stands. */
struct reading {
	const struct reader *reader;
	struct inflate *inflate;
	struct chunk *chunk; /* being filled */
	struct csv_scan scan;
	size_t scanned;       /* bytes of the chunk the scan has seen */
	size_t record_start;  /* where in the chunk the record being scanned starts */
	uint64_t next_record; /* number of that record */
	bool quiet;           /* told to stop */
};

bool reader_header(const struct reader *reader, struct header *header, uint64_t *header_end,
	struct error *error)
{
	struct inflate *inflate = NULL;
	struct chunk chunk = { 0 };
	struct csv_scan scan = { 0 };
	bool ended = false;
	bool done = inflate_open(&inflate, reader->path, reader->packing, 0, NULL, NULL, error);
	while (done && !ended && chunk.size <= RECORD_MAX) {
		size_t got = 0;
		size_t used = 0;
		done = chunk_reserve(&chunk, READ_STEP, error) &&
		       inflate_read(inflate, chunk.bytes + chunk.size, READ_STEP, &got, error);
		if (!done)
			break;
		ended = csv_scan(&scan, chunk.bytes + chunk.size, got, &used) || got == 0;
		chunk.size += got == 0 ? 0 : used;
	}
	if (done && !ended)
		done = error_set(error, ERROR_INPUT,
			"the header has no end within %zu bytes: this is no CSV of DVF; check the source URL in a browser",
			RECORD_MAX);
	if (done && chunk.size == 0)
		done = error_set(error, ERROR_INPUT,
			"the file is empty: it has no header; check the source URL in a browser");
	if (done)
		done = header_read(header, chunk.bytes, csv_trim(chunk.bytes, chunk.size), error);
	*header_end = chunk.size;
	chunk_free(&chunk);
	inflate_close(inflate);
	return done;
}

static bool record_too_long(const struct reading *reading, struct error *error)
{
	uint64_t plain = reading->chunk->plain_first + reading->record_start;
	return error_set(error, ERROR_INPUT,
		"record %llu at plain offset %llu is longer than %zu bytes: a quote is probably not closed; look at that place in the file, or wait for a mended edition",
		(unsigned long long)reading->next_record, (unsigned long long)plain, RECORD_MAX);
}

static bool next_chunk(struct reading *reading, uint64_t plain_first)
{
	reading->chunk = reading->reader->take(reading->reader->context);
	reading->quiet = reading->chunk == NULL;
	if (reading->quiet)
		return false;
	reading->chunk->size = 0;
	reading->chunk->records = 0;
	reading->chunk->plain_first = plain_first;
	reading->chunk->first_record = reading->next_record;
	reading->scanned = 0;
	reading->record_start = 0;
	return true;
}

/* Hands the whole records over; what is behind them begins the next chunk. */
static bool hand_over(struct reading *reading, bool more, struct error *error)
{
	struct chunk *full = reading->chunk;
	size_t rest = full->size - reading->record_start;
	size_t whole = reading->record_start;
	size_t seen = reading->scanned - whole;
	if (more) {
		if (!next_chunk(reading, full->plain_first + whole) ||
			!chunk_reserve(reading->chunk, rest, error)) {
			struct chunk *none = reading->chunk;
			reading->chunk = full;
			if (none != NULL)
				reading->reader->give(reading->reader->context, none);
			return false;
		}
		if (rest > 0)
			memcpy(reading->chunk->bytes, full->bytes + whole, rest);
		reading->chunk->size = rest;
		reading->scanned = seen;
	} else {
		reading->chunk = NULL;
	}
	full->size = whole;
	full->packed = inflate_packed(reading->inflate);
	if (!reading->reader->give(reading->reader->context, full)) {
		reading->quiet = true;
		return false;
	}
	return true;
}

static void end_record(struct reading *reading, size_t end)
{
	const char *record = reading->chunk->bytes + reading->record_start;
	if (!csv_is_blank(record, end - reading->record_start)) {
		reading->chunk->records++;
		reading->next_record++;
	}
	reading->record_start = end;
}

/* Scans what is in the chunk; hands chunks over as they become full. */
static bool cut(struct reading *reading, struct error *error)
{
	while (reading->scanned < reading->chunk->size) {
		size_t used = 0;
		struct chunk *chunk = reading->chunk;
		bool ended = csv_scan(&reading->scan, chunk->bytes + reading->scanned,
			chunk->size - reading->scanned, &used);
		reading->scanned += used;
		if (reading->scanned - reading->record_start > RECORD_MAX)
			return record_too_long(reading, error);
		if (!ended)
			return true;
		end_record(reading, reading->scanned);
		if ((chunk->records >= reading->reader->chunk_rows ||
			    reading->record_start >= reading->reader->chunk_bytes) &&
			!hand_over(reading, true, error))
			return false;
	}
	return true;
}

static bool stand_at(struct reading *reading, const struct reader_gap *gap, struct error *error)
{
	uint64_t first = gap->gap.plain_first;
	bool jump = gap->has_point && (gap->point.plain > inflate_plain(reading->inflate) ||
					      first < inflate_plain(reading->inflate));
	if (jump && !inflate_seek(reading->inflate, &gap->point, error))
		return false;
	if (!jump && first < inflate_plain(reading->inflate) &&
		!inflate_seek(reading->inflate, NULL, error))
		return false;
	reading->next_record = gap->gap.first_record;
	reading->scan = (struct csv_scan){ 0 };
	return inflate_skip(reading->inflate, first, error) && next_chunk(reading, first);
}

/* The last record may have no line end; in the middle of a file that means the gap is not of this
 * file. */
static bool end_gap(
	struct reading *reading, const struct gap *gap, bool at_end, struct error *error)
{
	if (at_end && reading->record_start < reading->chunk->size)
		end_record(reading, reading->chunk->size);
	if (reading->record_start < reading->chunk->size)
		return error_set(error, ERROR_CHANGED,
			"no record ends at plain offset %llu, where a loaded chunk begins",
			(unsigned long long)gap->plain_end);
	if (!at_end && gap->next_record != reading->next_record)
		return error_set(error, ERROR_CHANGED,
			"the record at plain offset %llu is number %llu, not %llu",
			(unsigned long long)gap->plain_end,
			(unsigned long long)reading->next_record,
			(unsigned long long)gap->next_record);
	if (reading->chunk->size > 0)
		return hand_over(reading, false, error);
	reading->reader->give(reading->reader->context, reading->chunk);
	reading->chunk = NULL;
	return true;
}

static bool read_gap(
	struct reading *reading, const struct gap *gap, struct reader_end *end, struct error *error)
{
	bool at_end = false;
	while (inflate_plain(reading->inflate) < gap->plain_end) {
		uint64_t left = gap->plain_end - inflate_plain(reading->inflate);
		size_t step = left < READ_STEP ? (size_t)left : READ_STEP;
		size_t got = 0;
		if (stop_requested()) {
			reading->quiet = true;
			return false;
		}
		if (!chunk_reserve(reading->chunk, step, error) ||
			!inflate_read(reading->inflate,
				reading->chunk->bytes + reading->chunk->size, step, &got, error))
			return false;
		at_end = got == 0;
		if (at_end)
			break;
		reading->chunk->size += got;
		if (!cut(reading, error))
			return false;
	}
	if (at_end && gap->plain_end != UINT64_MAX)
		return error_set(error, ERROR_CHANGED,
			"the file ends at plain offset %llu, before a loaded chunk",
			(unsigned long long)inflate_plain(reading->inflate));
	uint64_t plain_size = inflate_plain(reading->inflate);
	if (!end_gap(reading, gap, at_end, error))
		return false;
	end->reached = at_end;
	end->plain_size = plain_size;
	end->records = reading->next_record - 1;
	return true;
}

bool reader_run(const struct reader *reader, const struct reader_gap *gaps, unsigned count,
	struct reader_end *end, struct error *error)
{
	struct reading reading = { .reader = reader };
	*end = (struct reader_end){ 0 };
	error_clear(error);
	bool done = inflate_open(&reading.inflate, reader->path, reader->packing, 0, reader->point,
		reader->context, error);
	for (unsigned i = 0; done && i < count; i++)
		done = stand_at(&reading, &gaps[i], error) &&
		       read_gap(&reading, &gaps[i].gap, end, error);
	if (reading.chunk != NULL) {
		reading.chunk->size = 0;
		reader->give(reader->context, reading.chunk);
	}
	inflate_close(reading.inflate);
	return done || reading.quiet;
}
