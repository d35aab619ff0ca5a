#include "stages/inflate_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state/base/file.h"

#define OUTPUT_MOST ((size_t)1 << 30) /* at one call: zlib counts in unsigned int */

#define GZIP_FIRST_BYTE 0x1f

uint64_t inflate_plain(const struct inflate *reader)
{
	return reader->plain;
}

uint64_t inflate_packed(const struct inflate *reader)
{
	return reader->packing == PACKING_NONE ? reader->plain
					       : reader->filled - reader->zlib.avail_in;
}

uint32_t inflate_crc32(const void *bytes, size_t size)
{
	return inflate_crc32_more(0, bytes, size);
}

uint32_t inflate_crc32_more(uint32_t crc, const void *bytes, size_t size)
{
	return (uint32_t)crc32_z(crc, bytes, size);
}

bool inflate_fail(struct inflate *reader, const struct error *error)
{
	reader->failed = true;
	reader->failure = *error;
	return false;
}

static bool wrong_input(const struct inflate *reader, struct error *error, const char *what)
{
	uint64_t packed =
		reader->place == AT_HEADER ? reader->member_packed : inflate_packed(reader);
	return error_set(error, ERROR_INPUT,
		"%s: %s, at packed offset %llu, plain offset %llu%s: fetch it again", reader->path,
		what, (unsigned long long)packed, (unsigned long long)reader->plain,
		reader->from_point ? " (read from an access point)" : "");
}

static bool cut_short(const struct inflate *reader, struct error *error)
{
	if (inflate_packed(reader) == 0)
		return wrong_input(reader, error, "the file is empty");
	return error_set(error, ERROR_INPUT,
		"%s: ends in the middle of a gzip member, %llu packed bytes, at plain offset %llu: "
		"fetch it again",
		reader->path, (unsigned long long)inflate_packed(reader),
		(unsigned long long)reader->plain);
}

static bool wrong_data(const struct inflate *reader, struct error *error)
{
	const char *where = "the gzip data is damaged";
	if (reader->place == AT_HEADER && reader->member_packed == 0)
		where = "it does not begin as gzip does";
	else if (reader->place == AT_HEADER)
		where = "behind a gzip member stands neither another one nor zeros";
	char what[160];
	snprintf(what, sizeof(what), "%s (%s)", where,
		reader->zlib.msg != NULL ? reader->zlib.msg : "wrong first byte");
	return wrong_input(reader, error, what);
}

bool inflate_zlib_fine(const struct inflate *reader, int code, struct error *error)
{
	switch (code) {
	case Z_OK:
	case Z_STREAM_END:
		return true;
	case Z_BUF_ERROR:
		return cut_short(reader, error);
	case Z_DATA_ERROR:
		return wrong_data(reader, error);
	case Z_NEED_DICT:
		return wrong_input(reader, error, "a preset dictionary is wanted");
	case Z_MEM_ERROR:
		return error_memory(error, "inflating");
	case Z_STREAM_ERROR:
	case Z_VERSION_ERROR:
	case Z_ERRNO:
	default:
		return error_set(error, ERROR_SYSTEM,
			"%s: zlib %s answers %d at packed offset %llu: install "
			"the zlib this program was built with",
			reader->path, zlibVersion(), code,
			(unsigned long long)inflate_packed(reader));
	}
}

/* At the end of the file avail_in stays 0. */
static bool refill(struct inflate *reader, struct error *error)
{
	if (reader->zlib.avail_in > 0)
		return true;
	size_t got = 0;
	if (!file_read_at(reader->fd, reader->input, INPUT_SIZE, reader->filled, &got, error))
		return error_where(error, "%s", reader->path);
	reader->zlib.next_in = reader->input;
	reader->zlib.avail_in = (uInt)got;
	reader->filled += got;
	return true;
}

static bool point_is_due(const struct inflate *reader)
{
	int type = reader->zlib.data_type;
	return reader->on_point != NULL && (type & TYPE_BETWEEN_BLOCKS) != 0 &&
	       (type & TYPE_LAST_BLOCK) == 0 && reader->plain - reader->last_point >= reader->span;
}

bool inflate_begin_member(struct inflate *reader, struct error *error)
{
	reader->place = AT_HEADER;
	reader->told = false;
	reader->from_point = false;
	reader->member_packed = inflate_packed(reader);
	reader->member_plain = reader->plain;
	reader->crc = 0;
	reader->trailer_got = 0;
	return inflate_zlib_fine(reader, inflateReset2(&reader->zlib, WINDOW_BITS_GZIP), error);
}

static bool take_header(struct inflate *reader, struct error *error)
{
	z_stream *zlib = &reader->zlib;
	/* zlib waits for two bytes before it looks; a single one can be wrong already. */
	if (inflate_packed(reader) == reader->member_packed && zlib->avail_in > 0 &&
		zlib->next_in[0] != GZIP_FIRST_BYTE)
		return wrong_data(reader, error);
	zlib->next_out = reader->scratch;
	zlib->avail_out = 0;
	if (!inflate_zlib_fine(reader, inflate(zlib, Z_BLOCK), error))
		return false;
	if ((zlib->data_type & TYPE_BETWEEN_BLOCKS) == 0)
		return true;
	if (!inflate_zlib_fine(reader, inflateReset2(zlib, WINDOW_BITS_RAW), error))
		return false;
	reader->place = AT_BODY;
	return reader->told || inflate_tell_point(reader, POINT_MEMBER, error);
}

static void note_output(struct inflate *reader, const unsigned char *bytes, size_t size)
{
	reader->crc = (uint32_t)crc32_z(reader->crc, bytes, size);
	reader->plain += size;
}

static bool take_body(
	struct inflate *reader, unsigned char *bytes, size_t size, size_t *got, struct error *error)
{
	z_stream *zlib = &reader->zlib;
	uInt room = (uInt)(size < OUTPUT_MOST ? size : OUTPUT_MOST);
	zlib->next_out = bytes;
	zlib->avail_out = room;
	int code = inflate(zlib, reader->on_point != NULL ? Z_BLOCK : Z_NO_FLUSH);
	note_output(reader, bytes, room - zlib->avail_out);
	*got += room - zlib->avail_out;
	if (!inflate_zlib_fine(reader, code, error))
		return false;
	if (code == Z_STREAM_END)
		reader->place = AT_TRAILER;
	else if (point_is_due(reader))
		return inflate_tell_point(reader, POINT_BLOCK, error);
	return true;
}

static uint32_t trailer_word(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static bool check_trailer(struct inflate *reader, struct error *error)
{
	uint32_t crc = trailer_word(reader->trailer);
	uint32_t length = trailer_word(reader->trailer + 4);
	uint32_t length_read = (uint32_t)(reader->plain - reader->member_plain);
	char what[160];
	if (crc != reader->crc) {
		snprintf(what, sizeof(what),
			"a gzip member's CRC-32 is %08x, its trailer says %08x", reader->crc, crc);
		return wrong_input(reader, error, what);
	}
	if (length != length_read) {
		snprintf(what, sizeof(what),
			"a gzip member's length is %u (modulo 2^32), its trailer says %u",
			length_read, length);
		return wrong_input(reader, error, what);
	}
	reader->place = AT_NEXT;
	return true;
}

static bool take_trailer(struct inflate *reader, struct error *error)
{
	z_stream *zlib = &reader->zlib;
	if (zlib->avail_in == 0)
		return cut_short(reader, error);
	while (zlib->avail_in > 0 && reader->trailer_got < TRAILER_SIZE) {
		reader->trailer[reader->trailer_got++] = *zlib->next_in++;
		zlib->avail_in--;
	}
	return reader->trailer_got < TRAILER_SIZE || check_trailer(reader, error);
}

static bool take_next(struct inflate *reader, struct error *error)
{
	if (reader->zlib.avail_in == 0)
		reader->place = AT_END;
	else if (reader->zlib.next_in[0] == 0)
		reader->place = AT_ZEROS;
	else
		return inflate_begin_member(reader, error);
	return true;
}

static bool take_zeros(struct inflate *reader, struct error *error)
{
	z_stream *zlib = &reader->zlib;
	if (zlib->avail_in == 0)
		reader->place = AT_END;
	for (; zlib->avail_in > 0; zlib->next_in++, zlib->avail_in--)
		if (*zlib->next_in != 0)
			return wrong_input(reader, error,
				"other bytes stand in the zeros behind the last gzip member");
	return true;
}

static bool step(
	struct inflate *reader, unsigned char *bytes, size_t size, size_t *got, struct error *error)
{
	if (!refill(reader, error))
		return false;
	switch (reader->place) {
	case AT_HEADER:
		return take_header(reader, error);
	case AT_BODY:
		return take_body(reader, bytes, size, got, error);
	case AT_TRAILER:
		return take_trailer(reader, error);
	case AT_NEXT:
		return take_next(reader, error);
	case AT_ZEROS:
		return take_zeros(reader, error);
	case AT_END:
		break;
	}
	return true;
}

static bool read_unpacked(
	struct inflate *reader, void *bytes, size_t size, size_t *got, struct error *error)
{
	if (!file_read_at(reader->fd, bytes, size, reader->plain, got, error))
		return error_where(error, "%s", reader->path);
	reader->plain += *got;
	return true;
}

bool inflate_read(
	struct inflate *reader, void *bytes, size_t size, size_t *got, struct error *error)
{
	bool done = true;
	*got = 0;
	if (reader->failed) {
		*error = reader->failure;
		return false;
	}
	if (reader->packing == PACKING_NONE)
		done = read_unpacked(reader, bytes, size, got, error);
	else
		while (done && *got < size && reader->place != AT_END)
			done = step(reader, (unsigned char *)bytes + *got, size - *got, got, error);
	if (done)
		return true;
	*got = 0;
	return inflate_fail(reader, error);
}

static bool open_file(struct inflate *reader, struct error *error)
{
	struct stat status;
	reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
	if (reader->fd == -1)
		return error_system(error, "cannot open %s", reader->path);
	if (fstat(reader->fd, &status) == -1)
		return error_system(error, "cannot ask how long %s is", reader->path);
	reader->size = (uint64_t)status.st_size;
	return true;
}

bool inflate_open(struct inflate **opened, const char *path, enum packing packing, uint64_t span,
	inflate_point *on_point, void *context, struct error *error)
{
	size_t path_size = strlen(path) + 1;
	*opened = NULL;
	struct inflate *reader = calloc(1, sizeof(*reader) + path_size);
	if (reader == NULL)
		return error_memory(error, "reading a spool");
	memcpy(reader->path, path, path_size);
	reader->fd = -1;
	reader->packing = packing;
	reader->span = span != 0 ? span : POINT_SPAN;
	reader->on_point = on_point;
	reader->context = context;
	if (!open_file(reader, error) ||
		!inflate_zlib_fine(reader, inflateInit2(&reader->zlib, WINDOW_BITS_GZIP), error) ||
		!inflate_seek(reader, NULL, error)) {
		inflate_close(reader);
		return false;
	}
	*opened = reader;
	return true;
}

void inflate_close(struct inflate *reader)
{
	if (reader == NULL)
		return;
	inflateEnd(&reader->zlib);
	file_close(&reader->fd);
	free(reader);
}
