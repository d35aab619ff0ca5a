#include "stages/inflate.h"
#include "stages/verify_parts.h"

#define UNSIGNED(n) ((unsigned long long)(n))

bool witness_open(struct witness *witness, const struct verify_views *views, uint64_t header_end,
	struct differences *differences, struct error *error)
{
	*witness = (struct witness){
		.differences = differences, .next_plain = header_end, .next_record = 1
	};
	return views->chunks->ops->chunks_open(
		views->chunks, &views->served.edition, &witness->reader, error);
}

/* The next chunk, and whether it follows the one before. */
static bool open_chunk(struct witness *witness, struct error *error)
{
	struct chunk_record *chunk = &witness->chunk;
	if (!witness->reader->ops->next(witness->reader, chunk, &witness->ended, error))
		return false;
	witness->open = !witness->ended;
	if (witness->ended)
		return true;
	if (chunk->plain_first != witness->next_plain || chunk->plain_end <= chunk->plain_first)
		difference_add(witness->differences, 0, -1,
			"the witness has a chunk [%llu, %llu) where one from %llu must follow",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(witness->next_plain));
	else if (chunk->first_record != witness->next_record)
		difference_add(witness->differences, 0, -1,
			"the chunk [%llu, %llu) begins with record %llu, the one before it ends before "
			"%llu",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(chunk->first_record), UNSIGNED(witness->next_record));
	witness->next_plain = chunk->plain_end;
	witness->next_record = chunk->first_record + chunk->rows + chunk->rejects;
	witness->crc = 0;
	witness->rows = witness->rejects = 0;
	return true;
}

/* All its bytes were seen. */
static void close_chunk(struct witness *witness)
{
	const struct chunk_record *chunk = &witness->chunk;
	witness->open = false;
	if (chunk->crc != witness->crc)
		difference_add(witness->differences, 0, -1,
			"the chunk [%llu, %llu) has CRC-32 %08x, the file's bytes there have %08x",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end), chunk->crc,
			witness->crc);
	if (chunk->rows != witness->rows || chunk->rejects != witness->rejects)
		difference_add(witness->differences, 0, -1,
			"the chunk [%llu, %llu) says %llu rows and %llu rejects, the file there has "
			"%llu and %llu",
			UNSIGNED(chunk->plain_first), UNSIGNED(chunk->plain_end),
			UNSIGNED(chunk->rows), UNSIGNED(chunk->rejects), UNSIGNED(witness->rows),
			UNSIGNED(witness->rejects));
}

/* The chunk that holds the byte at `plain`, if any does: chunks that lie before it are passed. */
static bool reach(struct witness *witness, uint64_t plain, bool *inside, struct error *error)
{
	while (!witness->ended && (!witness->open || witness->chunk.plain_end <= plain))
		if (!open_chunk(witness, error))
			return false;
	*inside = witness->open && witness->chunk.plain_first <= plain;
	return true;
}

bool witness_record(
	struct witness *witness, uint64_t plain, uint64_t record, bool refused, struct error *error)
{
	bool inside = false;
	if (!reach(witness, plain, &inside, error))
		return false;
	const struct chunk_record *chunk = &witness->chunk;
	if (!inside)
		return true;
	if (plain == chunk->plain_first && record != chunk->first_record)
		difference_add(witness->differences, record, -1,
			"the witness has it as record %llu, at plain offset %llu",
			UNSIGNED(chunk->first_record), UNSIGNED(plain));
	*(refused ? &witness->rejects : &witness->rows) += 1;
	return true;
}

bool witness_bytes(struct witness *witness, uint64_t plain, const char *bytes, size_t size,
	struct error *error)
{
	while (size > 0) {
		bool inside = false;
		if (!reach(witness, plain, &inside, error))
			return false;
		if (!witness->open)
			return true;
		uint64_t end = inside ? witness->chunk.plain_end : witness->chunk.plain_first;
		size_t step = end - plain < size ? (size_t)(end - plain) : size;
		if (inside)
			witness->crc = inflate_crc32_more(witness->crc, bytes, step);
		plain += step;
		bytes += step;
		size -= step;
		if (inside && plain == witness->chunk.plain_end)
			close_chunk(witness);
	}
	return true;
}

bool witness_end(struct witness *witness, uint64_t plain_size, struct error *error)
{
	while (!witness->ended)
		if (!open_chunk(witness, error))
			return false;
	if (witness->next_plain != plain_size)
		difference_add(witness->differences, 0, -1,
			"the chunks end at plain offset %llu, the file at %llu",
			UNSIGNED(witness->next_plain), UNSIGNED(plain_size));
	return true;
}

void witness_close(struct witness *witness)
{
	if (witness->reader != NULL)
		witness->reader->ops->close(witness->reader);
	witness->reader = NULL;
}
