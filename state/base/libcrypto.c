#include "state/base/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

bool libcrypto_can_hash(struct error *error)
{
	return OSSL_LIB_CTX_get0_global_default() != NULL || error_memory(error, "libcrypto");
}

bool libcrypto_can_draw(struct error *error)
{
	unsigned char drawn;
	return RAND_bytes(&drawn, 1) == 1 ||
	       error_set(error, ERROR_MEMORY,
		       "libcrypto draws no random numbers, which a password takes: memory was short when it "
		       "started, or openssl.cnf names a generator that is not there");
}
