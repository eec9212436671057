/*
 * password.c - bcrypt through libxcrypt. Pure: no server; runs in backends and unit tests; nothing throws.
 */
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "identity/password.h"
#include "identity/seal.h"

/* 2^12 rounds: about a quarter of a second, the price of one guess. */
#define BCRYPT_COST 12

bool
sched_identity_hash_password(const char *password, char hash[SCHED_PASSWORD_HASH_BYTES])
{
	struct crypt_data *work = calloc(1, sizeof(struct crypt_data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *made = NULL;

	memset(hash, 0, SCHED_PASSWORD_HASH_BYTES);
	if (work != NULL && crypt_gensalt_rn("$2b$", BCRYPT_COST, NULL, 0, salt, sizeof(salt)) != NULL)
		made = crypt_rn(password, salt, work, sizeof(*work));
	if (made != NULL && strlen(made) < SCHED_PASSWORD_HASH_BYTES)
		memcpy(hash, made, strlen(made));
	else
		made = NULL;
	/* The work area holds the password in the clear. */
	sched_identity_wipe(work, sizeof(*work));
	free(work);
	return made != NULL;
}

/*
 * A hash of nobody's: checking against it costs what checking against a user's does. Its cost is part of the text, so
 * it is made of BCRYPT_COST's by hand.
 */
#define NOBODYS_HASH "$2b$12$Zq0kV9tq7mXo3dYc1sLrXeJ1n7r0T5uHq8bS2wA4yE6gK0iM3oPQa"

bool
sched_identity_check_password(const char *password, size_t length, const char *hash)
{
	struct crypt_data *work = calloc(1, sizeof(struct crypt_data));
	bool fits = length <= SCHED_PASSWORD_MAX_BYTES;
	bool usable = hash != NULL && strlen(hash) == strlen(NOBODYS_HASH) &&
				  memcmp(hash, NOBODYS_HASH, strlen("$2b$12$")) == 0;
	const char *against = usable ? hash : NOBODYS_HASH;
	const char *made = NULL;
	bool same = false;

	/* What is too long, or has no hash to be compared with, takes as long and is wrong. */
	if (work != NULL)
		made = crypt_rn(fits ? password : "", against, work, sizeof(*work));
	if (made != NULL && strlen(made) == strlen(against))
		same = CRYPTO_memcmp(made, against, strlen(against)) == 0;
	sched_identity_wipe(work, sizeof(*work));
	free(work);
	return same && fits && usable;
}
