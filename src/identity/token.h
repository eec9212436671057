/*
 * token.h - what our own tokens say, and how their times are compared with an account's.
 */
#ifndef SCHED_IDENTITY_TOKEN_H
#define SCHED_IDENTITY_TOKEN_H

#include "identity/account.h"

/* Claim iss; aud is the database's name. */
#define SCHED_TOKEN_ISSUER "scheduler"

extern int64 sched_identity_unix_seconds(TimestampTz time);

/* iat of the oldest token that the account still takes. */
extern int64 sched_identity_first_second(const SchedAccount *account);

#endif
