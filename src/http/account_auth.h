/*
 * account_auth.h - calls with the credentials of an account, and calls that fetch such credentials.
 *
 * `auth` of a request: 'account:<uuid>' sends the account's token or secret; 'account:<uuid> again' the same, written by
 * the worker after the first was answered with 401; 'tokens:<grant>' places secrets into the body and has the tokens of
 * the answer sealed before anybody sees them.
 */
#ifndef SCHED_HTTP_ACCOUNT_AUTH_H
#define SCHED_HTTP_ACCOUNT_AUTH_H

#include "postgres.h"
#include "utils/uuid.h"

#include "http/engine.h"

typedef enum SchedAccountState
{
	SCHED_ACCOUNT_READY,
	SCHED_ACCOUNT_SOON,    /* its token is still good, and soon will not be */
	SCHED_ACCOUNT_EXPIRED, /* a new token has to come first */
	SCHED_ACCOUNT_REAUTH,  /* its user has to connect it again */
	SCHED_ACCOUNT_UNKNOWN
} SchedAccountState;

/* Reads 'account:<uuid>' with or without ' again'; false where it is neither. */
extern bool sched_http_parse_account(const char *auth, pg_uuid_t *account_id, bool *again);

/* What can be sent for this user's account now; `secret` is the name of what is sent, `number` that of its token. */
extern SchedAccountState sched_http_look_at_account(const pg_uuid_t *user_id,
													const pg_uuid_t *account_id,
													char secret[NAMEDATALEN], int64 *number);

/*
 * In the transaction that takes an answer, before it becomes a response: for auth 'tokens:...' the tokens in it are
 * replaced by sealed ones. Does nothing for any other auth, nor the second time.
 */
extern void sched_http_seal_tokens(const char *auth, const pg_uuid_t *user_id,
								   SchedHttpAnswer *answer);

#endif
