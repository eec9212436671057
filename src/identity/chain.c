/*
 * chain.c - digests, hashes and signatures of the audit log.
 *
 * Pure: libcrypto and memory of the caller only; runs in backends, workers and unit tests. Nothing throws, nothing is kept
 * between calls. Each kind of input begins with a label of its own, so that a value of one kind is never one of another.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "identity/chain.h"

static const char row_label[] = "scheduler audit row 1";
static const char seal_label[] = "scheduler audit seal 1";
static const char key_label[] = "scheduler audit key 1";

/* Most significant byte first: the form does not depend on the machine. */
static bool
add_number(EVP_MD_CTX *context, int64_t number)
{
	unsigned char bytes[8];
	uint64_t rest = (uint64_t) number;

	for (int i = 7; i >= 0; i--)
	{
		bytes[i] = (unsigned char) (rest & 0xFF);
		rest >>= 8;
	}
	return EVP_DigestUpdate(context, bytes, sizeof(bytes)) == 1;
}

/* NULL has the length -1, which no text has. */
static bool
add_field(EVP_MD_CTX *context, const SchedChainField *field)
{
	if (field->bytes == NULL)
		return add_number(context, -1);
	return add_number(context, (int64_t) field->length) &&
		   EVP_DigestUpdate(context, field->bytes, field->length) == 1;
}

bool
sched_identity_digest_row(const SchedChainField *fields, int n_fields,
						  unsigned char digest[SCHED_DIGEST_BYTES])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
				EVP_DigestUpdate(context, row_label, sizeof(row_label)) == 1;

	for (int i = 0; done && i < n_fields; i++)
		done = add_field(context, &fields[i]);
	done = done && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	return done;
}

bool
sched_identity_hash_seal(const SchedChainSeal *seal, unsigned char hash[SCHED_DIGEST_BYTES])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = (size_t) (seal->last - seal->first + 1) * SCHED_DIGEST_BYTES;
	bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
				EVP_DigestUpdate(context, seal_label, sizeof(seal_label)) == 1 &&
				EVP_DigestUpdate(context, seal->previous, SCHED_DIGEST_BYTES) == 1 &&
				add_number(context, seal->number) && add_number(context, seal->first) &&
				add_number(context, seal->last) && add_number(context, seal->sealed_at) &&
				EVP_DigestUpdate(context, seal->digests, length) == 1 &&
				EVP_DigestFinal_ex(context, hash, NULL) == 1;

	EVP_MD_CTX_free(context);
	return done;
}

bool
sched_identity_sign_seal(const SchedKey *key, const unsigned char hash[SCHED_DIGEST_BYTES],
						 unsigned char signature[SCHED_DIGEST_BYTES])
{
	unsigned char derived[SCHED_DIGEST_BYTES];
	bool done = HMAC(EVP_sha256(), key->bytes, SCHED_KEY_BYTES, (const unsigned char *) key_label,
					 sizeof(key_label), derived, NULL) != NULL &&
				HMAC(EVP_sha256(), derived, sizeof(derived), hash, SCHED_DIGEST_BYTES, signature,
					 NULL) != NULL;

	sched_identity_wipe(derived, sizeof(derived));
	return done;
}

bool
sched_identity_same_digest(const unsigned char *one, const unsigned char *other)
{
	return CRYPTO_memcmp(one, other, SCHED_DIGEST_BYTES) == 0;
}
