#include "stages/chunk_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/csv.h"
#include "stages/inflate.h"

/* One record within the chunk. */
struct piece {
	uint32_t first, size;
	bool bad; /* a reject already */
};

/* Goes from record to record; false at the chunk's end. Blank lines are passed over. */
static bool next_record(const struct chunk *chunk, size_t *at, struct piece *piece)
{
	while (*at < chunk->size) {
		struct csv_scan scan = { 0 };
		size_t used = 0;
		size_t first = *at;
		csv_scan(&scan, chunk->bytes + first, chunk->size - first, &used);
		*at = first + used;
		if (csv_is_blank(chunk->bytes + first, used))
			continue;
		*piece = (struct piece){ .first = (uint32_t)first, .size = (uint32_t)used };
		return true;
	}
	return false;
}

static bool add_reject(struct chunk_load *load, const struct chunk *chunk,
	const struct piece *piece, uint64_t record, const struct reason *reason,
	struct error *error)
{
	if (load->reject_count == load->reject_room) {
		uint64_t room = load->reject_room != 0 ? load->reject_room * 2 : 16;
		struct reject *rejects = realloc(load->rejects, room * sizeof(*rejects));
		if (rejects == NULL)
			return error_memory(error, "rejects");
		load->rejects = rejects;
		load->reject_room = room;
	}
	load->rejects[load->reject_count++] = (struct reject){
		.plain_first = chunk->plain_first + piece->first,
		.plain_end = chunk->plain_first + piece->first + piece->size,
		.record = record,
		.reason = *reason,
		.raw = chunk->bytes + piece->first,
		.raw_size = (uint32_t)csv_trim(chunk->bytes + piece->first, piece->size),
	};
	return true;
}

/* The records of a chunk, or some of them, as the rows of one copy. */
struct records {
	struct row_source rows;
	struct chunk_load *load;
	const struct chunk *chunk;
	struct piece *pieces; /* NULL: the whole chunk, and they are found on the way */
	uint64_t next, end;   /* of the pieces; of the whole chunk only `next` counts */
	size_t at;
	uint64_t sent;
};

/* Of the whole chunk `spare` has the place. NULL: there are no more. */
static struct piece *next_piece(struct records *records, struct piece *spare)
{
	if (records->pieces != NULL)
		return records->next < records->end ? &records->pieces[records->next] : NULL;
	return next_record(records->chunk, &records->at, spare) ? spare : NULL;
}

/* One that cannot be parsed becomes a reject. *row is NULL then. */
static bool parse_piece(struct records *records, struct piece *piece, uint64_t record,
	const struct row **row, struct error *error)
{
	struct chunk_load *load = records->load;
	const struct chunk *chunk = records->chunk;
	struct reason reason;
	*row = NULL;
	if (!row_parse(&load->row, load->header, load->edition->year, chunk->bytes + piece->first,
		    piece->size, &reason)) {
		piece->bad = true;
		return add_reject(load, chunk, piece, record, &reason, error);
	}
	load->row.year = load->edition->year;
	load->row.source_row = (int32_t)record;
	*row = &load->row;
	return true;
}

static bool next_row(struct row_source *rows, const struct row **row, struct error *error)
{
	struct records *records = (struct records *)rows;
	struct piece spare = { 0 };
	struct piece *piece = NULL;
	*row = NULL;
	while (*row == NULL && (piece = next_piece(records, &spare)) != NULL) {
		uint64_t record = records->chunk->first_record + records->next++;
		if (!piece->bad && !parse_piece(records, piece, record, row, error))
			return false;
	}
	records->sent += *row != NULL;
	return true;
}

static bool copy_records(
	struct records *records, bool savepoint, uint64_t *rows, struct error *error)
{
	struct loader *loader = records->load->loader;
	uint64_t taken = 0;
	records->rows.next = next_row;
	if (!loader->ops->copy(loader, savepoint, &records->rows, &taken, error))
		return false;
	*rows += taken;
	return taken == records->sent ||
	       error_set(error, ERROR_DATABASE,
		       "the destination took %llu rows of the %llu it was given",
		       (unsigned long long)taken, (unsigned long long)records->sent);
}

/* The rule: every record in one copy. */
static bool load_at_once(
	struct chunk_load *load, const struct chunk *chunk, uint64_t *rows, struct error *error)
{
	struct records records = { .load = load, .chunk = chunk };
	load->reject_count = 0;
	*rows = 0;
	if (load->row.scratch.room == 0 && !row_new(&load->row, error))
		return false;
	return load->loader->ops->begin(load->loader, load->edition, error) &&
	       copy_records(&records, false, rows, error);
}

struct halving {
	struct chunk_load *load;
	const struct chunk *chunk;
	struct piece *pieces;
	uint64_t count;
	uint64_t rows;
};

static bool copy_pieces(struct halving *halving, uint64_t first, uint64_t end, struct error *error)
{
	struct records records = { .load = halving->load,
		.chunk = halving->chunk,
		.pieces = halving->pieces,
		.next = first,
		.end = end };
	return copy_records(&records, true, &halving->rows, error);
}

static bool reject_piece(
	struct halving *halving, uint64_t at, const struct error *said, struct error *error)
{
	struct reason reason = { .column = -1 };
	snprintf(reason.text, sizeof(reason.text), "%.*s", REASON_MAX - 1, said->text);
	/* A message cut in the middle of a character would itself be refused. */
	size_t size = strlen(reason.text);
	while (size > 0 && (unsigned char)reason.text[size - 1] >= 0x80)
		reason.text[--size] = '\0';
	halving->pieces[at].bad = true;
	return add_reject(halving->load, halving->chunk, &halving->pieces[at],
		halving->chunk->first_record + at, &reason, error);
}

/* Depth is the logarithm of the number of records. */
static bool halve(struct halving *halving, uint64_t first, uint64_t end, struct error *error)
{
	struct loader *loader = halving->load->loader;
	uint64_t rows = halving->rows;
	if (copy_pieces(halving, first, end, error))
		return true;
	if (error->kind != ERROR_DATA)
		return false;
	struct error said = *error;
	halving->rows = rows;
	if (!loader->ops->copy_undo(loader, error))
		return false;
	if (end - first == 1)
		return reject_piece(halving, first, &said, error);
	uint64_t middle = first + (end - first) / 2;
	return halve(halving, first, middle, error) && halve(halving, middle, end, error);
}

static bool load_by_halves(
	struct chunk_load *load, const struct chunk *chunk, uint64_t *rows, struct error *error)
{
	struct halving halving = { .load = load, .chunk = chunk };
	load->reject_count = 0;
	halving.pieces = calloc(chunk->records != 0 ? chunk->records : 1, sizeof(*halving.pieces));
	if (halving.pieces == NULL)
		return error_memory(error, "finding a record");
	size_t at = 0;
	while (halving.count < chunk->records &&
		next_record(chunk, &at, &halving.pieces[halving.count]))
		halving.count++;
	struct piece more;
	bool counted = !next_record(chunk, &at, &more) ||
		       error_set(error, ERROR_SYSTEM,
			       "a chunk has more records than were counted: this is a bug");
	bool done = counted && load->loader->ops->begin(load->loader, load->edition, error) &&
		    halve(&halving, 0, halving.count, error);
	*rows = halving.rows;
	free(halving.pieces);
	return done;
}

static bool commit(struct chunk_load *load, const struct chunk *chunk, uint64_t rows,
	struct chunk_record *record, struct error *error)
{
	*record = (struct chunk_record){ .plain_first = chunk->plain_first,
		.plain_end = chunk->plain_first + chunk->size,
		.first_record = chunk->first_record,
		.rows = rows,
		.rejects = load->reject_count,
		.crc = inflate_crc32(chunk->bytes, chunk->size) };
	if (rows + load->reject_count != chunk->records)
		return error_set(error, ERROR_SYSTEM,
			"a chunk of %llu records gave %llu rows and %llu rejects: this is a bug of dvf-import",
			(unsigned long long)chunk->records, (unsigned long long)rows,
			(unsigned long long)load->reject_count);
	return load->loader->ops->commit(
		load->loader, record, load->rejects, load->reject_count, error);
}

bool chunk_load(struct chunk_load *load, const struct chunk *chunk, struct chunk_record *record,
	struct error *error)
{
	uint64_t rows = 0;
	bool done = load_at_once(load, chunk, &rows, error);
	if (!done && error->kind == ERROR_DATA) {
		load->loader->ops->rollback(load->loader);
		done = load_by_halves(load, chunk, &rows, error);
	}
	done = done && commit(load, chunk, rows, record, error);
	if (!done) {
		struct error kept = *error;
		uint64_t plain_end = chunk->plain_first + chunk->size;
		load->loader->ops->rollback(load->loader);
		*error = kept;
		error_where(error, "chunk [%llu, %llu) from record %llu",
			(unsigned long long)chunk->plain_first, (unsigned long long)plain_end,
			(unsigned long long)chunk->first_record);
	}
	return done;
}

void chunk_load_free(struct chunk_load *load)
{
	row_free(&load->row);
	free(load->rejects);
	load->rejects = NULL;
	load->reject_count = load->reject_room = 0;
}
