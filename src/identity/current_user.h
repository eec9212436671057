/*
 * current_user.h - on whose behalf the server acts right now.
 */
#ifndef SCHED_IDENTITY_CURRENT_USER_H
#define SCHED_IDENTITY_CURRENT_USER_H

#include "utils/uuid.h"

#include "identity/account.h"

/* The all-zero user who owns what is global. */
extern const pg_uuid_t sched_identity_system_user;

/* false where there is no identity. Reads the table users; needs a transaction with a snapshot. */
extern bool sched_identity_find_current(pg_uuid_t *user_id);

/* The user whose role_name is the role outside definer functions, disabled ones too. */
extern bool sched_identity_find_mapped(SchedAccount *account);

/*
 * The identity of the job that a worker or runner is calling; NULL ends it. Given inside a transaction it ends with
 * that at the latest, and an abort of the subtransaction that set it brings the former one back.
 */
extern void sched_identity_set_job_user(const pg_uuid_t *user_id);

/* Whether the role outside definer functions is a superuser or member of the named role. */
extern bool sched_identity_caller_has_role(const char *role_name);

#endif
