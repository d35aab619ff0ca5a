#include "stages/inflate_parts.h"

#include <stdlib.h>

#include "state/base/file.h"

static bool pack_window(struct inflate *reader, struct point *point, struct error *error)
{
	uInt size = 0;
	if (!inflate_zlib_fine(
		    reader, inflateGetDictionary(&reader->zlib, reader->window, &size), error))
		return false;
	uLongf packed_size = compressBound(size);
	point->window = malloc(packed_size);
	if (point->window == NULL)
		return error_memory(error, "an access point");
	int code =
		compress2(point->window, &packed_size, reader->window, size, Z_DEFAULT_COMPRESSION);
	if (!inflate_zlib_fine(reader, code, error)) {
		point_free(point);
		return false;
	}
	point->window_size = (uint32_t)packed_size;
	unsigned char *shrunk = realloc(point->window, packed_size);
	if (shrunk != NULL)
		point->window = shrunk;
	return true;
}

bool inflate_tell_point(struct inflate *reader, enum point_kind kind, struct error *error)
{
	reader->last_point = reader->plain;
	if (reader->on_point == NULL)
		return true;
	struct point point = {
		.packed = kind == POINT_MEMBER ? reader->member_packed : inflate_packed(reader),
		.plain = reader->plain,
		.member_plain = reader->member_plain,
		.crc = reader->crc,
		.kind = kind,
	};
	if (kind == POINT_BLOCK) {
		point.bit = (uint8_t)(reader->zlib.data_type & TYPE_BITS_LEFT);
		if (!pack_window(reader, &point, error))
			return false;
	}
	return reader->on_point(reader->context, &point, error);
}

static bool changed(const struct inflate *reader, const struct point *point, const char *what,
	struct error *error)
{
	return error_set(error, ERROR_CHANGED,
		"%s: the access point at packed offset %llu, plain offset %llu %s: "
		"start from an earlier one",
		reader->path, (unsigned long long)point->packed, (unsigned long long)point->plain,
		what);
}

/* A member knows min(32 KiB, what it gave so far) of its past, neither more nor less. */
static bool unpack_window(
	struct inflate *reader, const struct point *point, uInt *size, struct error *error)
{
	uint64_t past = point->plain - point->member_plain;
	uLongf plain_size = WINDOW_SIZE;
	uLong packed_size = point->window_size;
	if (point->window == NULL)
		return changed(reader, point, "has lost its window", error);
	int code = uncompress2(reader->window, &plain_size, point->window, &packed_size);
	if (code == Z_DATA_ERROR || code == Z_BUF_ERROR)
		return changed(reader, point, "has a damaged window", error);
	if (!inflate_zlib_fine(reader, code, error))
		return false;
	if (packed_size != point->window_size ||
		plain_size != (past < WINDOW_SIZE ? past : WINDOW_SIZE))
		return changed(reader, point, "has a window of another length", error);
	*size = (uInt)plain_size;
	return true;
}

static bool prime(struct inflate *reader, const struct point *point, struct error *error)
{
	if (point->bit == 0)
		return true;
	unsigned char byte = 0;
	size_t got = 0;
	if (!file_read_at(reader->fd, &byte, 1, point->packed - 1, &got, error))
		return error_where(error, "%s", reader->path);
	int value = byte >> (8 - point->bit);
	return inflate_zlib_fine(reader, inflatePrime(&reader->zlib, point->bit, value), error);
}

static bool enter_block(struct inflate *reader, const struct point *point, struct error *error)
{
	uInt window_size = 0;
	if (point->packed == 0 || point->bit > 7 || point->member_plain >= point->plain)
		return changed(reader, point, "contradicts itself", error);
	if (!unpack_window(reader, point, &window_size, error))
		return false;
	if (!inflate_zlib_fine(reader, inflateReset2(&reader->zlib, WINDOW_BITS_RAW), error))
		return false;
	if (!prime(reader, point, error))
		return false;
	int code = inflateSetDictionary(&reader->zlib, reader->window, window_size);
	if (!inflate_zlib_fine(reader, code, error))
		return false;
	reader->place = AT_BODY;
	reader->from_point = true;
	reader->member_plain = point->member_plain;
	reader->crc = point->crc;
	return true;
}

static bool ends_before(struct inflate *reader, uint64_t plain, struct error *error)
{
	error_set(error, ERROR_CHANGED, "%s: ends at plain offset %llu, before the wanted %llu",
		reader->path, (unsigned long long)reader->plain, (unsigned long long)plain);
	return inflate_fail(reader, error);
}

static bool skip_unpacked(struct inflate *reader, uint64_t plain, struct error *error)
{
	if (plain <= reader->size) {
		reader->plain = plain;
		return true;
	}
	reader->plain = reader->size;
	return ends_before(reader, plain, error);
}

bool inflate_skip(struct inflate *reader, uint64_t plain, struct error *error)
{
	if (reader->failed) {
		*error = reader->failure;
		return false;
	}
	if (plain < reader->plain)
		return error_set(error, ERROR_SYSTEM,
			"%s: cannot skip back from plain offset %llu to %llu: seek to a point first",
			reader->path, (unsigned long long)reader->plain, (unsigned long long)plain);
	if (reader->packing == PACKING_NONE)
		return skip_unpacked(reader, plain, error);
	while (reader->plain < plain) {
		uint64_t left = plain - reader->plain;
		size_t got = 0;
		if (!inflate_read(reader, reader->scratch,
			    left < SCRATCH_SIZE ? (size_t)left : SCRATCH_SIZE, &got, error))
			return false;
		if (got == 0)
			return ends_before(reader, plain, error);
	}
	return true;
}

static bool enter(struct inflate *reader, const struct point *point, struct error *error)
{
	if (point != NULL && point->packed > reader->size)
		return changed(reader, point, "lies behind the end of the file", error);
	reader->zlib.avail_in = 0;
	reader->filled = point != NULL ? point->packed : 0;
	reader->plain = point != NULL ? point->plain : 0;
	reader->last_point = reader->plain;
	if (!inflate_begin_member(reader, error))
		return false;
	reader->told = point != NULL;
	return point == NULL || point->kind == POINT_MEMBER || enter_block(reader, point, error);
}

bool inflate_seek(struct inflate *reader, const struct point *point, struct error *error)
{
	reader->failed = false;
	if (reader->packing == PACKING_NONE) {
		reader->plain = 0;
		return point == NULL || inflate_skip(reader, point->plain, error);
	}
	return enter(reader, point, error) || inflate_fail(reader, error);
}
