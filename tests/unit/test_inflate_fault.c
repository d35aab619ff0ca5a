/* Linked with --wrap for each function that has a __wrap_ here. */
#include "tests/unit/inflate_samples.h"

#include <errno.h>
#include <fcntl.h>

static unsigned calls;     /* of functions that need memory */
static unsigned fail_call; /* this one of them fails; 0: none */
static off_t eio_from;     /* reads from here on fail; -1: none */
static int stream_says;    /* what inflate answers; Z_OK: what it does */

static bool is_out_of_memory(void)
{
	return ++calls == fail_call;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return is_out_of_memory() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __real_calloc(count, size);
}

int __real_inflateInit2_(z_streamp zlib, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_streamp zlib, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_streamp zlib, int bits, const char *version, int size)
{
	return is_out_of_memory() ? Z_MEM_ERROR : __real_inflateInit2_(zlib, bits, version, size);
}

int __real_inflate(z_streamp zlib, int flush);
int __wrap_inflate(z_streamp zlib, int flush);
int __wrap_inflate(z_streamp zlib, int flush)
{
	if (is_out_of_memory())
		return Z_MEM_ERROR;
	return stream_says != Z_OK ? stream_says : __real_inflate(zlib, flush);
}

int __real_inflateSetDictionary(z_streamp zlib, const Bytef *bytes, uInt size);
int __wrap_inflateSetDictionary(z_streamp zlib, const Bytef *bytes, uInt size);
int __wrap_inflateSetDictionary(z_streamp zlib, const Bytef *bytes, uInt size)
{
	return is_out_of_memory() ? Z_MEM_ERROR : __real_inflateSetDictionary(zlib, bytes, size);
}

int __real_compress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong size, int level);
int __wrap_compress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong size, int level);
int __wrap_compress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong size, int level)
{
	return is_out_of_memory() ? Z_MEM_ERROR : __real_compress2(to, to_size, from, size, level);
}

int __real_uncompress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong *size);
int __wrap_uncompress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong *size);
int __wrap_uncompress2(Bytef *to, uLongf *to_size, const Bytef *from, uLong *size)
{
	return is_out_of_memory() ? Z_MEM_ERROR : __real_uncompress2(to, to_size, from, size);
}

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
	if (eio_from == -1 || offset < eio_from)
		return __real_pread(fd, bytes, size, offset);
	errno = EIO;
	return -1;
}

static struct buf whole;
static struct points known;

static int faults_off(void **state)
{
	(void)state;
	fail_call = 0;
	eio_from = -1;
	stream_says = Z_OK;
	return 0;
}

static int make_file(void **state)
{
	struct buf packed = { 0 }, got = { 0 };
	struct error error;
	faults_off(state);
	sample_rows(&whole, 700000, 1);
	sample_member(
		&packed, &(struct member){ .level = 6, .memory = 4 }, whole.bytes, whole.size);
	sample_write(packed.bytes, packed.size);
	assert_in_range(packed.size, 2 * 65536, 4 * 65536);
	assert_true(sample_read(65536, &known, &got, &error));
	buf_free(&packed);
	buf_free(&got);
	return 0;
}

static int remove_file(void **state)
{
	points_free(&known);
	buf_free(&whole);
	return sample_remove(state);
}

/* Opens, reads over some points, resumes at one, reads on: every call that needs memory. */
static bool use_it_all(struct error *error)
{
	static char bytes[50000];
	struct inflate *reader = NULL;
	struct points seen = { 0 };
	size_t got = 0;
	bool done =
		inflate_open(&reader, sample_path, PACKING_GZIP, 16384, points_keep, &seen, error);
	assert_int_equal(done, reader != NULL);
	done = done && inflate_read(reader, bytes, sizeof(bytes), &got, error) &&
	       inflate_seek(reader, &known.items[2], error) &&
	       inflate_read(reader, bytes, sizeof(bytes), &got, error);
	if (done)
		assert_memory_equal(bytes, whole.bytes + known.items[2].plain, got);
	inflate_close(reader);
	points_free(&seen);
	return done;
}

static void test_memory_short_at_every_call(void **state)
{
	(void)state;
	struct error error;
	calls = 0;
	assert_true(use_it_all(&error));
	unsigned all = calls;
	assert_in_range(all, 10, 1000);
	for (unsigned call = 1; call <= all; call++) {
		calls = 0;
		fail_call = call;
		error_clear(&error);
		bool done = use_it_all(&error);
		fail_call = 0;
		assert_false(done);
		assert_int_equal(error.kind, ERROR_MEMORY);
	}
}

static void test_a_read_error_names_its_offset(void **state)
{
	(void)state;
	struct inflate *reader = sample_open(NULL);
	struct buf got = { 0 };
	struct error error;
	char byte;
	size_t size = 0;
	eio_from = 65536;
	assert_false(sample_drain(reader, 1000, &got, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "at byte 65536: Input/output error"));
	assert_non_null(strstr(error.text, sample_path));
	assert_memory_equal(got.bytes, whole.bytes, got.size);
	eio_from = -1;
	assert_false(inflate_read(reader, &byte, 1, &size, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	inflate_close(reader);
	buf_free(&got);
}

static void test_a_read_error_while_seeking(void **state)
{
	(void)state;
	struct inflate *reader = sample_open(NULL);
	struct error error;
	unsigned at = known.count - 1;
	while (known.items[at].bit == 0)
		at--;
	eio_from = 65536;
	assert_false(inflate_seek(reader, &known.items[at], &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	inflate_close(reader);
}

static void test_a_read_error_without_packing(void **state)
{
	(void)state;
	struct inflate *reader = NULL;
	struct error error;
	char byte;
	size_t size = 0;
	assert_true(inflate_open(&reader, sample_path, PACKING_NONE, 0, NULL, NULL, &error));
	assert_true(inflate_skip(reader, 70000, &error));
	eio_from = 70000;
	assert_false(inflate_read(reader, &byte, 1, &size, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "at byte 70000"));
	inflate_close(reader);
}

static void test_every_answer_of_zlib(void **state)
{
	(void)state;
	static const struct {
		int code;
		enum error_kind kind;
	} answers[] = {
		{ Z_DATA_ERROR, ERROR_INPUT },
		{ Z_NEED_DICT, ERROR_INPUT },
		{ Z_BUF_ERROR, ERROR_INPUT },
		{ Z_MEM_ERROR, ERROR_MEMORY },
		{ Z_STREAM_ERROR, ERROR_SYSTEM },
		{ Z_VERSION_ERROR, ERROR_SYSTEM },
		{ Z_ERRNO, ERROR_SYSTEM },
		{ 99, ERROR_SYSTEM },
	};
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct inflate *reader = sample_open(NULL);
		struct error error;
		char byte;
		size_t size = 0;
		stream_says = answers[i].code;
		assert_false(inflate_read(reader, &byte, 1, &size, &error));
		assert_int_equal(error.kind, answers[i].kind);
		stream_says = Z_OK;
		inflate_close(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_memory_short_at_every_call, faults_off),
		cmocka_unit_test_teardown(test_a_read_error_names_its_offset, faults_off),
		cmocka_unit_test_teardown(test_a_read_error_while_seeking, faults_off),
		cmocka_unit_test_teardown(test_a_read_error_without_packing, faults_off),
		cmocka_unit_test_teardown(test_every_answer_of_zlib, faults_off),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
