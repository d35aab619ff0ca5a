/*
 * SHA-256 against the vectors of FIPS 180-2, appendix B, and what is said where libcrypto could not
 * start. Linked with --wrap=OSSL_LIB_CTX_get0_global_default, --wrap=RAND_bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "state/base/libcrypto.h"
#include "state/base/sha256.h"

static bool started = true;

OSSL_LIB_CTX *__real_OSSL_LIB_CTX_get0_global_default(void);
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_get0_global_default(void);
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_get0_global_default(void)
{
	return started ? __real_OSSL_LIB_CTX_get0_global_default() : NULL;
}

int __real_RAND_bytes(unsigned char *bytes, int size);
int __wrap_RAND_bytes(unsigned char *bytes, int size);
int __wrap_RAND_bytes(unsigned char *bytes, int size)
{
	return started ? __real_RAND_bytes(bytes, size) : 0;
}

static void sum_is(const char *text, unsigned times, size_t piece, const char *expected)
{
	struct sha256 *sum = NULL;
	struct error error = { 0 };
	char hex[SHA256_HEX];
	assert_true(sha256_new(&sum, &error));
	for (unsigned i = 0; i < times; i++)
		for (size_t at = 0; at < strlen(text); at += piece) {
			size_t left = strlen(text + at);
			assert_true(
				sha256_add(sum, text + at, left < piece ? left : piece, &error));
		}
	assert_true(sha256_end(sum, hex, &error));
	assert_string_equal(hex, expected);
	sha256_free(sum);
}

static void test_vectors(void **state)
{
	(void)state;
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	sum_is("", 1, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sum_is("abc", 1, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	for (size_t piece = 1; piece <= sizeof(two_blocks); piece++)
		sum_is(two_blocks, 1, piece,
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	sum_is("aaaaaaaaaaaaaaaaaaaaaaaaa", 40000, 25,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_a_libcrypto_that_could_not_start(void **state)
{
	(void)state;
	struct sha256 *sum = NULL;
	struct error error = { 0 };
	started = false;
	bool hashes = sha256_new(&sum, &error);
	assert_false(hashes);
	assert_null(sum);
	assert_int_equal(error.kind, ERROR_MEMORY);
	assert_false(libcrypto_can_draw(&error));
	assert_int_equal(error.kind, ERROR_MEMORY);
	started = true;
	assert_true(libcrypto_can_hash(&error));
	assert_true(libcrypto_can_draw(&error));
	sha256_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_a_libcrypto_that_could_not_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
