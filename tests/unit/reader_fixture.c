#include "tests/unit/reader_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "state/base/stop.h"

struct got got;

uint64_t starts[RECORDS + 2];

void got_clear(void)
{
	struct buf kept = got.bytes;
	memset(&got, 0, sizeof(got));
	got.bytes = kept;
	got.bytes.limit = (size_t)16 << 20;
	buf_clear(&got.bytes);
}

static struct chunk *take(void *context)
{
	(void)context;
	if (++got.takes == got.take_fails)
		return NULL;
	got.out++;
	return calloc(1, sizeof(struct chunk));
}

static void look(const struct chunk *chunk)
{
	if (got.chunks > 0 && !got.apart) {
		assert_int_equal(chunk->plain_first, got.next_plain);
		assert_int_equal(chunk->first_record, got.next_record);
	}
	if (chunk->plain_first + chunk->size <= plain.size)
		assert_memory_equal(chunk->bytes, plain.bytes + chunk->plain_first, chunk->size);
	for (unsigned n = 1; n <= RECORDS && starts[n] != 0; n++)
		if (starts[n] == chunk->plain_first)
			assert_int_equal(chunk->first_record, n);
	got.next_plain = chunk->plain_first + chunk->size;
	got.next_record = chunk->first_record + chunk->records;
	got.sizes[got.chunks] = chunk->size;
	got.counts[got.chunks] = chunk->records;
	got.records += chunk->records;
	got.chunks++;
	assert_in_range(got.chunks, 1, 511);
	must(buf_add(&got.bytes, chunk->bytes, chunk->size, &error));
}

static bool give(void *context, struct chunk *chunk)
{
	(void)context;
	bool wanted = chunk->size > 0;
	got.out--;
	if (wanted && ++got.gives == got.give_fails) {
		chunk_free(chunk);
		free(chunk);
		return false;
	}
	if (wanted)
		look(chunk);
	if (got.stop_at != 0 && got.chunks == got.stop_at)
		stop_request();
	chunk_free(chunk);
	free(chunk);
	return true;
}

struct reader reader_of(uint32_t rows, uint64_t bytes)
{
	return (struct reader){ .path = spool_file,
		.chunk_rows = rows,
		.chunk_bytes = bytes,
		.take = take,
		.give = give };
}

bool read_gaps(const struct reader *reader, const struct reader_gap *gaps, unsigned count,
	struct reader_end *end)
{
	bool done = reader_run(reader, gaps, count, end, &error);
	assert_int_equal(got.out, 0);
	return done;
}

struct reader_gap whole(void)
{
	return (struct reader_gap){
		.gap = { .plain_first = header_end, .plain_end = UINT64_MAX, .first_record = 1 }
	};
}

/* Reads the whole file; what came must be all of it. */
void read_all(uint32_t rows, uint64_t bytes, uint64_t records)
{
	struct reader reader = reader_of(rows, bytes);
	struct reader_gap gap = whole();
	struct reader_end end;
	got_clear();
	must(read_gaps(&reader, &gap, 1, &end));
	assert_true(end.reached);
	assert_int_equal(end.plain_size, plain.size);
	assert_int_equal(end.records, records);
	assert_int_equal(got.records, records);
	assert_int_equal(got.bytes.size, plain.size - header_end);
	if (got.bytes.size > 0)
		assert_memory_equal(
			got.bytes.bytes, plain.bytes + header_end, plain.size - header_end);
}

enum record_kind every_third_quoted(unsigned number)
{
	return number % 3 == 0 ? RECORD_QUOTED : RECORD_FINE;
}

void sample_set(const struct sample *sample)
{
	struct spool spool;
	memset(starts, 0, sizeof(starts));
	sample_write(sample, &spool);
}

int reader_teardown(void **state)
{
	buf_free(&got.bytes);
	return fixture_teardown(state);
}
