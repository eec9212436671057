/*
 * token.h - a token's way to a user: what is verified of it, and whom it stands for.
 */
#ifndef SCHED_IDENTITY_TOKEN_H
#define SCHED_IDENTITY_TOKEN_H

#include "identity/account.h"
#include "identity/jwt.h"

/* Claim iss of our own tokens; their aud is the database's name. */
#define SCHED_TOKEN_ISSUER "scheduler"
#define SCHED_TOKEN_SUBJECT 255 /* bytes; OpenID Connect allows no longer ones */
/* Seconds by which clocks may differ; PostgREST allows as many. */
#define SCHED_TOKEN_LEEWAY 30

/* A token that was verified: signature, issuer, audience. Times are looked at on each use. */
typedef struct SchedToken
{
	bool is_own;
	bool has_session;
	pg_uuid_t session_id; /* jti of our own */
	pg_uuid_t user_id;    /* sub of our own */
	char issuer[SCHED_JWT_TEXT + 1];
	char subject[SCHED_TOKEN_SUBJECT + 1];
	SchedJwt times; /* only what sched_identity_check_jwt_times() reads */
} SchedToken;

extern int64 sched_identity_unix_seconds(TimestampTz time);

/* iat of the oldest token that the account still takes. */
extern int64 sched_identity_first_second(const SchedAccount *account);

/* Verifies all that the token itself says. Keeps what it found for the next time. Raises 55000 without keys. */
extern SchedJwtStatus sched_identity_read_token(const char *text, size_t length, SchedToken *token);

/*
 * The account behind a token, where it still takes it; NULL or why not. Needs a transaction with a snapshot.
 */
extern const char *sched_identity_find_token_account(const SchedToken *token,
													 SchedAccount *account);

#endif
