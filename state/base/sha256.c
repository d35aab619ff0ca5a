#include "state/base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "state/base/libcrypto.h"

#define WHAT "a SHA-256" /* libcrypto tells no more, and has no other reason */

struct sha256 {
	EVP_MD_CTX *context;
};

bool sha256_new(struct sha256 **sum, struct error *error)
{
	*sum = NULL;
	if (!libcrypto_can_hash(error))
		return false;
	*sum = calloc(1, sizeof(**sum));
	if (*sum != NULL)
		(*sum)->context = EVP_MD_CTX_new();
	if (*sum != NULL && (*sum)->context != NULL &&
		EVP_DigestInit_ex((*sum)->context, EVP_sha256(), NULL) == 1)
		return true;
	sha256_free(*sum);
	*sum = NULL;
	return error_memory(error, WHAT);
}

bool sha256_add(struct sha256 *sum, const void *bytes, size_t size, struct error *error)
{
	return EVP_DigestUpdate(sum->context, bytes, size) == 1 || error_memory(error, WHAT);
}

bool sha256_end(struct sha256 *sum, char hex[static SHA256_HEX], struct error *error)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	if (EVP_DigestFinal_ex(sum->context, raw, &size) != 1 || size != (SHA256_HEX - 1) / 2)
		return error_memory(error, WHAT);
	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[SHA256_HEX - 1] = '\0';
	return true;
}

void sha256_free(struct sha256 *sum)
{
	if (sum != NULL)
		EVP_MD_CTX_free(sum->context);
	free(sum);
}
