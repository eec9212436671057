/*
 * password.c - bcrypt through libxcrypt. Pure: no server; runs in backends and unit tests; nothing throws.
 */
#include <crypt.h>
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
