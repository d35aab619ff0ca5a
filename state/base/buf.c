#include "state/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool buf_reserve(struct buf *buf, size_t more, struct error *error)
{
	size_t limit = buf->limit != 0 ? buf->limit : BUF_LIMIT_DEFAULT;
	size_t need = buf->size + more + 1;
	if (need <= buf->room)
		return true;
	if (more > limit || need > limit)
		return error_set(error, ERROR_MEMORY,
			"a buffer would grow to %zu bytes, its limit is %zu", need, limit);
	size_t room = buf->room != 0 ? buf->room : 256;
	while (room < need)
		room *= 2;
	if (room > limit)
		room = limit;
	char *bytes = realloc(buf->bytes, room);
	if (bytes == NULL)
		return error_memory(error, "a buffer");
	buf->bytes = bytes;
	buf->room = room;
	return true;
}

bool buf_add(struct buf *buf, const void *bytes, size_t size, struct error *error)
{
	if (!buf_reserve(buf, size, error))
		return false;
	if (size > 0)
		memcpy(buf->bytes + buf->size, bytes, size);
	buf->size += size;
	buf->bytes[buf->size] = '\0';
	return true;
}

bool buf_add_text(struct buf *buf, const char *text, struct error *error)
{
	return buf_add(buf, text, strlen(text), error);
}

bool buf_print(struct buf *buf, struct error *error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0)
		return error_set(error, ERROR_SYSTEM, "cannot format a text");
	if (!buf_reserve(buf, (size_t)size, error))
		return false;
	va_start(args, format);
	vsnprintf(buf->bytes + buf->size, (size_t)size + 1, format, args);
	va_end(args);
	buf->size += (size_t)size;
	return true;
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	if (buf->bytes != NULL)
		buf->bytes[0] = '\0';
}

void buf_free(struct buf *buf)
{
	free(buf->bytes);
	buf->bytes = NULL;
	buf->size = 0;
	buf->room = 0;
}
