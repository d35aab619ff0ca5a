#include "stages/fetch_look.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SHOWN 60

static size_t blank_size(const char *bytes, size_t size)
{
	size_t at = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (at < size &&
		(bytes[at] == ' ' || bytes[at] == '\t' || bytes[at] == '\r' || bytes[at] == '\n'))
		at++;
	return at;
}

bool look_begins(const unsigned char *first, size_t size, enum packing packing)
{
	static const unsigned char magic[2] = { 0x1f, 0x8b };
	size_t compared = size < sizeof(magic) ? size : sizeof(magic);
	if (packing == PACKING_GZIP)
		return memcmp(first, magic, compared) == 0;
	size_t at = blank_size((const char *)first, size);
	if (at < size && first[at] == '<')
		return false;
	return size < sizeof(magic) || memcmp(first, magic, sizeof(magic)) != 0;
}

static bool starts(const char *bytes, size_t size, const char *with, size_t with_size)
{
	return size >= with_size && memcmp(bytes, with, with_size) == 0;
}

static bool holds(const char *bytes, size_t size, const char *word)
{
	size_t word_size = strlen(word);
	for (size_t at = 0; at + word_size <= size; at++)
		if (strncasecmp(bytes + at, word, word_size) == 0)
			return true;
	return false;
}

static const char *packed_kind(const char *piece, size_t size)
{
	if (starts(piece, size, "\x1f\x8b", 2))
		return "a gzip file";
	if (starts(piece, size, "PK", 2))
		return "a zip archive";
	if (starts(piece, size, "BZh", 3))
		return "a bzip2 file";
	if (starts(piece, size,
		    "\xfd"
		    "7zXZ",
		    5))
		return "an xz file";
	if (starts(piece, size, "\x28\xb5\x2f\xfd", 4))
		return "a zstd file";
	if (starts(piece, size, "%PDF", 4))
		return "a PDF file";
	return NULL;
}

static const char *kind_of(const char *piece, size_t size)
{
	const char *packed = packed_kind(piece, size);
	if (packed != NULL)
		return packed;
	size_t at = blank_size(piece, size);
	if (at < size && piece[at] == '<') {
		bool html = holds(piece, size, "<html") || holds(piece, size, "<!doctype html");
		return html ? "an HTML page" : "an XML document";
	}
	if (at < size && (piece[at] == '{' || piece[at] == '['))
		return "JSON";
	const char *end = memchr(piece, '\n', size);
	size_t line = end != NULL ? (size_t)(end - piece) : size;
	if (memchr(piece, ',', line) != NULL && memchr(piece, '\0', line) == NULL)
		return "plain CSV";
	return "something unknown";
}

/* Whatever a server sends may end up on a terminal. */
static void copy_printable(char *to, size_t room, const char *from, size_t size)
{
	size_t used = 0;
	for (size_t i = 0; i < size && used + 1 < room; i++) {
		bool blank =
			from[i] == ' ' || from[i] == '\n' || from[i] == '\r' || from[i] == '\t';
		bool plain = from[i] > 0x20 && from[i] < 0x7f;
		if (blank && used > 0 && to[used - 1] == ' ')
			continue;
		to[used++] = (char)(blank ? ' ' : plain ? from[i] : '.');
	}
	to[used] = '\0';
}

void look_describe(const char *piece, size_t size, char *text, size_t room)
{
	char shown[SHOWN + 1];
	char store[200];
	if (size == 0) {
		snprintf(text, room, "nothing (the body is empty)");
	} else if (look_store_error(piece, size, store, sizeof(store))) {
		snprintf(text, room, "an XML error (%s)", store);
	} else {
		copy_printable(shown, sizeof(shown), piece, size);
		snprintf(text, room, "%s that begins with \"%s\"", kind_of(piece, size), shown);
	}
}

static bool element(const char *piece, size_t size, const char *open, const char *close, char *text,
	size_t room)
{
	const char *from = memmem(piece, size, open, strlen(open));
	if (from == NULL)
		return false;
	from += strlen(open);
	size_t left = (size_t)(piece + size - from);
	const char *end = memmem(from, left, close, strlen(close));
	copy_printable(text, room, from, end != NULL ? (size_t)(end - from) : left);
	return true;
}

bool look_store_error(const char *piece, size_t size, char *text, size_t room)
{
	char code[64];
	char message[128] = "";
	size_t at = blank_size(piece, size);
	if (at == size || piece[at] != '<' ||
		!element(piece, size, "<Code>", "</Code>", code, sizeof(code)))
		return false;
	bool more = element(piece, size, "<Message>", "</Message>", message, sizeof(message));
	snprintf(text, room, "%s%s%s", code, more ? ": " : "", message);
	return true;
}
