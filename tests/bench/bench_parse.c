/*
 * What a year costs before it reaches a destination: inflate, cut, split, parse, encode, on one
 * core.
 *
 *     bench_parse FILE.csv.gz YEAR
 *
 * Reads the file once for each depth, each time a step further, and prints a line a depth: its
 * name, CPU seconds of the whole pass, plain bytes, rows, encoded bytes. The rows go nowhere.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/csv.h"
#include "stages/reader.h"
#include "stages/row.h"
#include "stages/sink_postgres.h"

#define READ_BYTES ((size_t)64 << 10)
#define CHUNK_ROWS 3000

enum depth { DEPTH_INFLATE, DEPTH_CUT, DEPTH_SPLIT, DEPTH_PARSE, DEPTH_ENCODE, DEPTHS };

static const char *const depth_names[DEPTHS] = { "inflate", "cut", "split", "parse", "encode" };

struct pass_to {
	enum depth depth;
	int year;
	struct header header;
	struct chunk chunks[2]; /* in turns: the reader takes the next before it gives one */
	unsigned taken;
	struct row row;
	struct buf out;
	uint64_t plain, records, rows, encoded;
};

static void end_with(const struct error *error)
{
	fprintf(stderr, "bench_parse: %s\n", error->text);
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct chunk *take(void *context)
{
	struct pass_to *pass = context;
	return &pass->chunks[pass->taken++ % 2];
}

static void record_through(struct pass_to *pass, const char *record, size_t size)
{
	struct csv_field fields[FIELDS_MAX];
	unsigned count = 0;
	struct reason reason;
	struct error error;
	if (pass->depth == DEPTH_SPLIT) {
		pass->rows += csv_split(record, csv_trim(record, size), fields, FIELDS_MAX,
				      &count) == CSV_FINE;
		return;
	}
	if (!row_parse(&pass->row, &pass->header, pass->year, record, (uint32_t)size, &reason))
		return;
	pass->row.year = pass->year;
	pass->row.source_row = (int32_t)++pass->rows;
	if (pass->depth < DEPTH_ENCODE)
		return;
	if (!postgres_copy_one(&pass->out, &pass->row, &error))
		end_with(&error);
	pass->encoded += pass->out.size;
}

/* As chunk_load.c goes through a chunk. */
static bool give(void *context, struct chunk *chunk)
{
	struct pass_to *pass = context;
	pass->plain += chunk->size;
	pass->records += chunk->records;
	for (size_t at = 0; pass->depth > DEPTH_CUT && at < chunk->size;) {
		struct csv_scan scan = { 0 };
		size_t used = 0;
		csv_scan(&scan, chunk->bytes + at, chunk->size - at, &used);
		if (!csv_is_blank(chunk->bytes + at, used))
			record_through(pass, chunk->bytes + at, used);
		at += used;
	}
	return true;
}

static void inflate_only(struct pass_to *pass, const char *path)
{
	struct inflate *inflate = NULL;
	struct error error;
	size_t got = 0;
	char *bytes = malloc(READ_BYTES);
	if (bytes == NULL)
		abort();
	if (!inflate_open(&inflate, path, PACKING_GZIP, 0, NULL, NULL, &error))
		end_with(&error);
	do {
		if (!inflate_read(inflate, bytes, READ_BYTES, &got, &error))
			end_with(&error);
		pass->plain += got;
	} while (got > 0);
	inflate_close(inflate);
	free(bytes);
}

static void read_through(struct pass_to *pass, const char *path)
{
	struct reader reader = { .path = path,
		.packing = PACKING_GZIP,
		.chunk_rows = CHUNK_ROWS,
		.chunk_bytes = (uint64_t)4 << 20,
		.context = pass,
		.take = take,
		.give = give };
	struct reader_gap gap = { 0 };
	struct reader_end end;
	struct error error;
	uint64_t header_end = 0;
	if (!reader_header(&reader, &pass->header, &header_end, &error))
		end_with(&error);
	gap.gap.plain_first = header_end;
	gap.gap.plain_end = UINT64_MAX;
	gap.gap.first_record = 1;
	if (!reader_run(&reader, &gap, 1, &end, &error))
		end_with(&error);
}

static void measure(enum depth depth, const char *path, int year)
{
	struct pass_to pass = { .depth = depth, .year = year };
	struct error error;
	double began = cpu_seconds();
	if (!row_new(&pass.row, &error))
		end_with(&error);
	if (depth == DEPTH_INFLATE)
		inflate_only(&pass, path);
	else
		read_through(&pass, path);
	printf("%s %.6f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", depth_names[depth],
		cpu_seconds() - began, pass.plain, depth > DEPTH_CUT ? pass.rows : pass.records,
		pass.encoded);
	row_free(&pass.row);
	buf_free(&pass.out);
	chunk_free(&pass.chunks[0]);
	chunk_free(&pass.chunks[1]);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench_parse FILE.csv.gz YEAR\n");
		return 64;
	}
	for (enum depth depth = DEPTH_INFLATE; depth < DEPTHS; depth++)
		measure(depth, argv[1], atoi(argv[2]));
	return 0;
}
