/*
 * jwk.h - keys that sign and verify tokens: a JSON Web Key Set (RFC 7517). Pure but for OpenSSL's random source.
 *
 * A set is malloc'ed and belongs to the caller; sched_identity_free_keys() wipes and frees it. Nothing throws.
 */
#ifndef SCHED_IDENTITY_JWK_H
#define SCHED_IDENTITY_JWK_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#define SCHED_JWK_MAX_KEYS 32
#define SCHED_JWK_SET_BYTES 262144
#define SCHED_JWK_NAME_BYTES 256
#define SCHED_JWK_FILE_BYTES 256 /* text of a new key file, with its NUL */

typedef enum SchedJwtAlg
{
	SCHED_JWT_NO_ALG,
	SCHED_JWT_HS256,
	SCHED_JWT_RS256,
	SCHED_JWT_ES256
} SchedJwtAlg;

typedef struct SchedJwk
{
	SchedJwtAlg alg;                    /* the only one that the key is used with */
	bool is_private;                    /* can sign */
	char kid[SCHED_JWK_NAME_BYTES + 1]; /* '' = none */
	char issuer[SCHED_JWK_NAME_BYTES +
				1];        /* member "iss": whose tokens alone it verifies; '' = ours */
	unsigned char *secret; /* HS256 */
	size_t secret_length;
	EVP_PKEY *pkey; /* RS256, ES256 */
} SchedJwk;

typedef struct SchedJwkSet
{
	int count;
	SchedJwk keys[SCHED_JWK_MAX_KEYS];
} SchedJwkSet;

typedef enum SchedJwkSource
{
	SCHED_JWK_OWN, /* our file: every key must be usable, the first must be able to sign */
	SCHED_JWK_FOREIGN /* somebody's published set: public keys; what is not understood is passed over */
} SchedJwkSource;

/* A set {"keys": [..]} or a single key; NULL with *problem, a constant string that shows nothing of a key. */
extern SchedJwkSet *sched_identity_parse_keys(const char *text, size_t length,
											  SchedJwkSource source, const char **problem);

/* A set of one HS256 key of these bytes (copied); NULL where they are too few or memory is short. */
extern SchedJwkSet *sched_identity_make_secret_set(const void *secret, size_t length);

extern void sched_identity_free_keys(SchedJwkSet *set);

/* The text of a file with one new HS256 key. */
extern bool sched_identity_make_key_set(char text[SCHED_JWK_FILE_BYTES]);

/* "HS256" and so on; SCHED_JWT_NO_ALG for what is not one of ours, 'none' among them. */
extern SchedJwtAlg sched_identity_name_alg(const char *name);
extern const char *sched_identity_alg_name(SchedJwtAlg alg);

#endif
