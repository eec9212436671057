/*
 * jwt.h - JSON Web Tokens in compact form (RFC 7515, 7519): HS256, RS256, ES256. Pure: no server, no clock.
 *
 * Every buffer belongs to the caller; nothing throws. What is read before the signature was verified is a
 * stranger's word: it chooses a key, and no more.
 */
#ifndef SCHED_IDENTITY_JWT_H
#define SCHED_IDENTITY_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/json.h"
#include "identity/jwk.h"

#define SCHED_JWT_BYTES 16384 /* of a whole token */
#define SCHED_JWT_TEXT 512    /* of a claim that is read as text: issuer, subject .. */

typedef enum SchedJwtStatus
{
	SCHED_JWT_OK,
	SCHED_JWT_TOO_LONG,
	SCHED_JWT_MALFORMED,
	SCHED_JWT_UNKNOWN_ALG, /* 'none', or one that is not ours */
	SCHED_JWT_CRITICAL,    /* header crit: an extension that must be understood */
	SCHED_JWT_UNKNOWN_KEY, /* no key of that kid and algorithm */
	SCHED_JWT_BAD_SIGNATURE,
	SCHED_JWT_EXPIRED,
	SCHED_JWT_TOO_EARLY, /* nbf or iat lie ahead */
	SCHED_JWT_WRONG_ISSUER,
	SCHED_JWT_WRONG_AUDIENCE
} SchedJwtStatus;

typedef struct SchedJwt
{
	const char *signed_part; /* in the token */
	size_t signed_length;
	const unsigned char *signature; /* in the caller's room */
	size_t signature_length;
	SchedJwtAlg alg;
	char kid[SCHED_JWK_NAME_BYTES + 1];
	SchedJson claims; /* an object in the caller's room */
	char issuer[SCHED_JWT_TEXT + 1];
	bool has_expiry;
	bool has_issue;
	int64_t expires_at; /* exp, nbf, iat in seconds since 1970; 0 where they are missing */
	int64_t not_before;
	int64_t issued_at;
} SchedJwt;

/* `room` takes SCHED_JWT_BYTES and holds what `token` points to. SCHED_JWT_OK: well-formed, not verified. */
extern SchedJwtStatus sched_identity_parse_jwt(const char *text, size_t length, char *room,
											   SchedJwt *token);

/*
 * Verifies the signature with the keys of the set that are for this issuer ('' = ours): those of the token's kid where
 * it has one, else all. SCHED_JWT_OK, SCHED_JWT_UNKNOWN_KEY or SCHED_JWT_BAD_SIGNATURE.
 */
extern SchedJwtStatus sched_identity_verify_jwt(const SchedJwt *token, const SchedJwkSet *keys,
												const char *issuer);

/* exp must be there and ahead; nbf and iat must not; `leeway` seconds of grace for other machines' clocks. */
extern SchedJwtStatus sched_identity_check_jwt_times(const SchedJwt *token, int64_t now,
													 int leeway);

/* Whether aud is this audience, or an array with it. */
extern bool sched_identity_jwt_is_for(const SchedJwt *token, const char *audience);

/* A claim that is text, without escapes; false where it is missing, something else or too long. */
extern bool sched_identity_jwt_text(const SchedJwt *token, const char *claim, char *buffer,
									size_t size);

/* header.claims.signature with the first key of the set, and a NUL; its length, 0 where it could not be made. */
extern size_t sched_identity_sign_jwt(const SchedJwk *key, const char *claims, size_t length,
									  char *text, size_t size);

/* In words: a constant string. */
extern const char *sched_identity_jwt_problem(SchedJwtStatus status);

#endif
