#include "stages/chunk.h"

#include <stdlib.h>

#define ROOM_LEAST ((size_t)256 << 10)

bool chunk_reserve(struct chunk *chunk, size_t more, struct error *error)
{
	size_t need = chunk->size + more;
	if (need <= chunk->room)
		return true;
	/* By half, not by double: the pool of chunks is the largest thing in memory. */
	size_t room = chunk->room + chunk->room / 2;
	if (room < need)
		room = need;
	if (room < ROOM_LEAST)
		room = ROOM_LEAST;
	char *bytes = realloc(chunk->bytes, room);
	if (bytes == NULL)
		return error_memory(error, "a chunk");
	chunk->bytes = bytes;
	chunk->room = room;
	return true;
}

void chunk_free(struct chunk *chunk)
{
	free(chunk->bytes);
	*chunk = (struct chunk){ 0 };
}
