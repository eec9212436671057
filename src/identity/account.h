/*
 * account.h - what the server must know of a user before anybody is that user: read past row-level security.
 */
#ifndef SCHED_IDENTITY_ACCOUNT_H
#define SCHED_IDENTITY_ACCOUNT_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct SchedAccount
{
	pg_uuid_t user_id;
	bool is_active;
	bool is_admin;
	TimestampTz tokens_valid_from;
} SchedAccount;

/* Each needs a transaction with a snapshot; false where there is no such user. */
extern bool sched_identity_find_account(const pg_uuid_t *user_id, SchedAccount *account);
extern bool sched_identity_find_role_account(const char *role_name, SchedAccount *account);

#endif
