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

/* The records of whole chunks, or some of one chunk's, as the rows of one copy. */
struct records {
	struct row_source rows;
	struct chunk_load *load;
	struct chunk *const *chunks;
	struct chunk_record *accounts; /* one a chunk; NULL: of pieces */
	unsigned count, now;           /* of the chunks */
	struct piece *pieces;          /* NULL: whole chunks, and they are found on the way */
	uint64_t next, end;            /* of the pieces; of whole chunks only `next` counts */
	size_t at;
	uint64_t sent;
};

/* Of whole chunks `spare` has the place. NULL: there are no more. */
static struct piece *next_piece(struct records *records, struct piece *spare)
{
	if (records->pieces != NULL)
		return records->next < records->end ? &records->pieces[records->next] : NULL;
	while (!next_record(records->chunks[records->now], &records->at, spare)) {
		if (records->now + 1 == records->count)
			return NULL;
		records->now++;
		records->next = records->at = 0;
	}
	return spare;
}

static void count_record(struct records *records, bool is_row)
{
	records->sent += is_row;
	if (records->accounts != NULL && is_row)
		records->accounts[records->now].rows++;
	else if (records->accounts != NULL)
		records->accounts[records->now].rejects++;
}

/* One that cannot be parsed becomes a reject. *row is NULL then. */
static bool parse_piece(struct records *records, struct piece *piece, uint64_t record,
	const struct row **row, struct error *error)
{
	struct chunk_load *load = records->load;
	const struct chunk *chunk = records->chunks[records->now];
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
		uint64_t first = records->chunks[records->now]->first_record;
		uint64_t record = first + records->next++;
		if (piece->bad)
			continue;
		if (!parse_piece(records, piece, record, row, error))
			return false;
		count_record(records, *row != NULL);
	}
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

static void accounts_open(
	struct chunk *const *chunks, unsigned count, struct chunk_record *accounts)
{
	for (unsigned i = 0; i < count; i++)
		accounts[i] = (struct chunk_record){ .plain_first = chunks[i]->plain_first,
			.plain_end = chunks[i]->plain_first + chunks[i]->size,
			.first_record = chunks[i]->first_record };
}

/* The rule: every record in one copy. */
static bool load_at_once(struct chunk_load *load, struct chunk *const *chunks, unsigned count,
	struct chunk_record *accounts, struct error *error)
{
	struct records records = {
		.load = load, .chunks = chunks, .count = count, .accounts = accounts
	};
	uint64_t rows = 0;
	load->reject_count = 0;
	accounts_open(chunks, count, accounts);
	if (load->row.scratch.room == 0 && !row_new(&load->row, error))
		return false;
	return load->loader->ops->begin(load->loader, load->edition, error) &&
	       copy_records(&records, false, &rows, error);
}

struct halving {
	struct chunk_load *load;
	struct chunk *chunk;
	struct piece *pieces;
	uint64_t count;
	uint64_t rows;
};

static bool copy_pieces(struct halving *halving, uint64_t first, uint64_t end, struct error *error)
{
	struct records records = { .load = halving->load,
		.chunks = &halving->chunk,
		.count = 1,
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

static bool load_by_halves(struct chunk_load *load, struct chunk *chunk,
	struct chunk_record *account, struct error *error)
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
	accounts_open(&chunk, 1, account);
	account->rows = halving.rows;
	account->rejects = load->reject_count;
	free(halving.pieces);
	return done;
}

static bool is_whole(
	const struct chunk *chunk, const struct chunk_record *account, struct error *error)
{
	return account->rows + account->rejects == chunk->records ||
	       error_set(error, ERROR_SYSTEM,
		       "a chunk of %llu records gave %llu rows and %llu rejects: this is a bug of dvf-import",
		       (unsigned long long)chunk->records, (unsigned long long)account->rows,
		       (unsigned long long)account->rejects);
}

/* Each chunk's witness and rejects, in the order of the chunks; the last one's with the COMMIT. */
static bool commit(struct chunk_load *load, struct chunk *const *chunks, unsigned count,
	struct chunk_record *accounts, struct error *error)
{
	const struct loader_ops *ops = load->loader->ops;
	const struct reject *rejects = load->rejects;
	for (unsigned i = 0; i < count; i++) {
		bool last = i + 1 == count;
		accounts[i].crc = inflate_crc32(chunks[i]->bytes, chunks[i]->size);
		if (!is_whole(chunks[i], &accounts[i], error) ||
			!(last ? ops->commit : ops->witness)(
				load->loader, &accounts[i], rejects, accounts[i].rejects, error))
			return false;
		if (rejects != NULL)
			rejects += accounts[i].rejects;
	}
	return true;
}

bool chunk_load(struct chunk_load *load, struct chunk *const *chunks, unsigned count,
	struct chunk_record *records, struct error *error)
{
	bool done = load_at_once(load, chunks, count, records, error);
	if (!done && error->kind == ERROR_DATA && count == 1) {
		load->loader->ops->rollback(load->loader);
		done = load_by_halves(load, chunks[0], records, error);
	}
	done = done && commit(load, chunks, count, records, error);
	if (!done) {
		struct error kept = *error;
		const struct chunk *last = chunks[count - 1];
		uint64_t plain_end = last->plain_first + last->size;
		load->loader->ops->rollback(load->loader);
		*error = kept;
		error_where(error, "chunk%s [%llu, %llu) from record %llu", count > 1 ? "s" : "",
			(unsigned long long)chunks[0]->plain_first, (unsigned long long)plain_end,
			(unsigned long long)chunks[0]->first_record);
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
