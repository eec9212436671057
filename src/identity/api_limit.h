/*
 * api_limit.h - how often a function may be called over HTTP: the rows of api_limits.
 */
#ifndef SCHED_IDENTITY_API_LIMIT_H
#define SCHED_IDENTITY_API_LIMIT_H

#include "utils/uuid.h"

/*
 * Counts a call of this function by this user in this role; 0, or after how many seconds it may be repeated. Callers
 * without a user (NULL) are counted together.
 */
extern int sched_identity_count_call(const char *function, const char *role,
									 const pg_uuid_t *user_id);

#endif
