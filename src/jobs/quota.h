/*
 * quota.h - what one user may pile up.
 */
#ifndef SCHED_JOBS_QUOTA_H
#define SCHED_JOBS_QUOTA_H

#include "utils/array.h"
#include "utils/uuid.h"

extern void sched_jobs_check_payload(Datum payload);
extern int64 sched_jobs_check_payloads(ArrayType *payloads);
extern void sched_jobs_check_quota(const pg_uuid_t *user_id, int64 wanted);

#endif
