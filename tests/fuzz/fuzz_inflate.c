/*
 * fuzz_inflate.c: gzip files, whole and spoiled: inflate.c must give the bytes and the verdict that
 * zlib's own gzip reading gives, in reads of any size, with points or without, and from every point
 * on. A point that is anybody's invention may be refused, but nothing worse.
 *
 * Input: bits of what to do, sizes of reads, the span of points; then either the file itself, or a
 * script of members (level, strategy, memory, size, what is in it), a tail, spoiled bytes; then
 * perhaps a point.
 */
#include <zlib.h>

#include "stages/inflate.h"
#include "state/base/buf.h"
#include "tests/fuzz/fuzz.h"

#define PLAIN_MOST  ((size_t)256 << 10) /* of a bomb no more is read */
#define POINTS_KEPT 6
#define ROOM        ((size_t)16 << 20)

enum { BIT_SCRIPT = 1, BIT_POINT = 2 };

/* What a reading gave. */
struct result {
	struct buf plain;
	struct error error;
	bool done;
	bool more; /* stopped at PLAIN_MOST */
};

struct points {
	struct point items[POINTS_KEPT];
	unsigned count;
	unsigned passed_over; /* so many come before the first that is kept */
};

static struct memory_file file;

static void drain(struct inflate *reader, size_t step, struct result *result)
{
	size_t got = 1;
	result->done = true;
	while (result->done && got > 0 && !result->more) {
		must(buf_reserve(&result->plain, step, &result->error));
		result->done = inflate_read(reader, result->plain.bytes + result->plain.size, step,
			&got, &result->error);
		must(result->done ? got <= step : got == 0);
		result->plain.size += got;
		result->more = result->plain.size > PLAIN_MOST;
	}
	if (result->done)
		return;
	struct error again;
	must_be_told(&result->error);
	must(!inflate_read(reader, result->plain.bytes, step, &got, &again) && got == 0);
	must(again.kind == result->error.kind && strcmp(again.text, result->error.text) == 0);
}

static bool keep(void *context, struct point *point, struct error *error)
{
	struct points *points = context;
	(void)error;
	bool kept = points->passed_over == 0 && points->count < POINTS_KEPT;
	points->passed_over -= points->passed_over > 0;
	if (kept)
		points->items[points->count++] = *point;
	else
		point_free(point);
	return true;
}

static void read_file(size_t step, uint64_t span, struct points *points, struct result *result)
{
	struct inflate *reader = NULL;
	must(inflate_open(&reader, file.path, PACKING_GZIP, span, points != NULL ? keep : NULL,
		points, &result->error));
	drain(reader, step, result);
	inflate_close(reader);
}

/* By zlib's gzip decoder, a member at a time, then only zeros. */
static void reference_read(const char *packed, size_t size, struct result *result)
{
	size_t at = 0;
	do {
		z_stream zlib = { .next_in = (Bytef *)(uintptr_t)(packed + at),
			.avail_in = (uInt)(size - at) };
		int code = Z_OK;
		must(inflateInit2(&zlib, MAX_WBITS + 16) == Z_OK);
		while (code == Z_OK && !result->more) {
			must(buf_reserve(&result->plain, 65536, &result->error));
			zlib.next_out = (Bytef *)result->plain.bytes + result->plain.size;
			zlib.avail_out = 65536;
			code = inflate(&zlib, Z_NO_FLUSH);
			result->plain.size += 65536 - zlib.avail_out;
			result->more = result->plain.size > PLAIN_MOST;
		}
		at = size - zlib.avail_in;
		inflateEnd(&zlib);
		result->done = code == Z_STREAM_END;
	} while (result->done && !result->more && at < size && packed[at] != '\0');
	for (; result->done && at < size; at++)
		result->done = packed[at] == '\0';
}

/* Of two readings that failed, one may have given less: what a failed read had is not given. */
static void must_be_same(const struct result *found, const char *expected, size_t size, bool done)
{
	must(found->done == done);
	must(found->plain.size <= size && (!done || found->plain.size == size));
	must(found->plain.size == 0 ||
		memcmp(found->plain.bytes, expected, found->plain.size) == 0);
	must(done || found->error.kind == ERROR_INPUT);
}

/* The error's text up to what only a reading from a point adds. */
static size_t told_size(const struct error *error)
{
	const char *from = strstr(error->text, " (read from an access point)");
	return from != NULL ? (size_t)(from - error->text) : strcspn(error->text, "\n");
}

static void try_point(const struct point *point, const struct result *straight, size_t step)
{
	struct inflate *reader = NULL;
	struct result result = { .plain.limit = ROOM };
	const char *plain = straight->plain.bytes;
	must(point->member_plain <= point->plain);
	/* What a failed read had is not kept: a point there has nothing to be compared with. */
	if (point->plain > straight->plain.size)
		return;
	size_t member = (size_t)(point->plain - point->member_plain);
	must(member == 0 ||
		point->crc == crc32_z(0, (const Bytef *)plain + point->member_plain, member));
	must(inflate_open(&reader, file.path, PACKING_GZIP, 0, NULL, NULL, &result.error));
	must(inflate_seek(reader, point, &result.error));
	must(inflate_plain(reader) == point->plain && inflate_packed(reader) == point->packed);
	drain(reader, step, &result);
	size_t rest = straight->plain.size - (size_t)point->plain;
	must(result.done == straight->done);
	if (result.done)
		must_be_same(&result, plain + point->plain, rest, true);
	else
		must(result.error.kind == straight->error.kind);
	must(result.done ||
		strncmp(result.error.text, straight->error.text, told_size(&result.error)) == 0);
	inflate_close(reader);
	buf_free(&result.plain);
}

static void try_file(const char *packed, size_t size, struct input sizes)
{
	struct result expected = { .plain.limit = ROOM };
	struct result found = { .plain.limit = ROOM };
	struct result pointed = { .plain.limit = ROOM };
	struct points points = { .passed_over = take_byte(&sizes) % 32 };
	size_t step = (size_t)take_number(&sizes, 2) % 8191 + 1;
	size_t other = (size_t)take_number(&sizes, 2) + 1;
	uint64_t span = take_number(&sizes, 2) % 30011 + 500;
	reference_read(packed, size, &expected);
	/* Single bytes, but not a quarter of a million of them. */
	step += expected.plain.size / 512;
	other += expected.plain.size / 512;
	if (!expected.more) {
		read_file(step, 0, NULL, &found);
		must_be_same(&found, expected.plain.bytes, expected.plain.size, expected.done);
		read_file(other, span, &points, &pointed);
		must_be_same(&pointed, expected.plain.bytes, expected.plain.size, expected.done);
		must(found.done || strcmp(found.error.text, pointed.error.text) == 0);
	}
	for (unsigned i = 0; i < points.count; i++) {
		try_point(&points.items[i], &found, other);
		point_free(&points.items[i]);
	}
	buf_free(&expected.plain);
	buf_free(&found.plain);
	buf_free(&pointed.plain);
}

static void add_member(struct buf *packed, struct buf *plain, struct input *input)
{
	struct error error;
	z_stream zlib = { 0 };
	int level = take_byte(input) % 10;
	int strategy = take_byte(input) % 5;
	int memory = take_byte(input) % 9 + 1;
	size_t size = (size_t)take_number(input, 2) % 40000;
	struct input pattern = take_piece(input, take_byte(input));
	buf_clear(plain);
	must(buf_reserve(plain, size + 1, &error));
	for (size_t i = 0; i < size; i++)
		plain->bytes[i] = pattern.left == 0
					  ? (char)(i * i >> 7)
					  : (char)(pattern.at[i % pattern.left] + (i >> 9) * 3);
	must(deflateInit2(&zlib, level, Z_DEFLATED, MAX_WBITS + 16, memory, strategy) == Z_OK);
	must(buf_reserve(packed, deflateBound(&zlib, size) + 64, &error));
	zlib.next_in = (Bytef *)plain->bytes;
	zlib.avail_in = (uInt)size;
	zlib.next_out = (Bytef *)packed->bytes + packed->size;
	zlib.avail_out = (uInt)(packed->room - packed->size);
	must(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
	packed->size += zlib.total_out;
	deflateEnd(&zlib);
}

static void make_file(struct buf *packed, struct input *input)
{
	struct error error;
	struct buf plain = { 0 };
	unsigned members = take_byte(input) % 4;
	unsigned zeros = take_byte(input) % 16;
	unsigned spoiled = take_byte(input) % 4;
	size_t cut = (size_t)take_byte(input);
	for (unsigned i = 0; i < members; i++)
		add_member(packed, &plain, input);
	for (unsigned i = 0; i < zeros; i++)
		must(buf_add(packed, "", 1, &error));
	for (unsigned i = 0; i < spoiled && packed->size > 0; i++) {
		size_t at = (size_t)take_number(input, 3) % packed->size;
		packed->bytes[at] = (char)(packed->bytes[at] ^ (char)take_byte(input));
	}
	if (cut < 128)
		packed->size -= cut < packed->size ? cut : packed->size;
	buf_free(&plain);
}

/* It comes from a ledger that somebody may have written to. */
static void try_invented_point(struct input *input)
{
	static unsigned char window[32768];
	struct result result = { .plain.limit = ROOM };
	struct inflate *reader = NULL;
	struct point point = { .kind = POINT_BLOCK };
	unsigned bits = take_byte(input);
	point.kind = (bits & 1) != 0 ? POINT_BLOCK : POINT_MEMBER;
	point.bit = take_byte(input) % 12;
	point.packed = take_number(input, (bits & 2) != 0 ? 8 : 2);
	point.member_plain = take_number(input, (bits & 4) != 0 ? 8 : 2);
	point.plain = point.member_plain + take_number(input, (bits & 8) != 0 ? 8 : 2);
	point.crc = (uint32_t)take_number(input, 4);
	uint64_t past = point.plain - point.member_plain;
	uLongf size = sizeof(window) + 64;
	if ((bits & 16) != 0) {
		point.window = malloc(size);
		must(point.window != NULL);
		must(compress(point.window, &size, window, past < 32768 ? (uLong)past : 32768) ==
			Z_OK);
		point.window_size = (uint32_t)size;
	} else if ((bits & 32) != 0) {
		point.window = (unsigned char *)exact_copy(input->at, input->left);
		point.window_size = (uint32_t)input->left;
	}
	must(inflate_open(&reader, file.path, PACKING_GZIP, 0, NULL, NULL, &result.error));
	if (inflate_seek(reader, &point, &result.error))
		drain(reader, 5000, &result);
	else
		must_be_told(&result.error);
	must(result.error.kind == ERROR_NONE || result.error.kind == ERROR_CHANGED ||
		result.error.kind == ERROR_INPUT);
	must(inflate_seek(reader, NULL, &result.error) && inflate_plain(reader) == 0);
	inflate_close(reader);
	point_free(&point);
	buf_free(&result.plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	struct buf packed = { 0 };
	struct error error;
	unsigned bits = take_byte(&input);
	struct input sizes = take_piece(&input, 7);
	must(buf_reserve(&packed, 1, &error));
	if ((bits & BIT_SCRIPT) != 0)
		make_file(&packed, &input);
	else if (input.left > 0)
		must(buf_add(&packed, input.at, input.left, &error));
	memory_file_put(&file, packed.bytes, packed.size);
	try_file(packed.bytes, packed.size, sizes);
	if ((bits & BIT_POINT) != 0)
		try_invented_point(&input);
	buf_free(&packed);
	return 0;
}
