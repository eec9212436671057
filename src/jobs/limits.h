/*
 * limits.h - how much of one user may go on at once, over all processes of a database.
 */
#ifndef SCHED_JOBS_LIMITS_H
#define SCHED_JOBS_LIMITS_H

#include "jobs/claim.h"
#include "jobs/job.h"

/*
 * One more call of this kind for this user, where its limit (0: none) allows; to be given back.
 * Costs nothing where there is no limit.
 */
extern bool sched_jobs_reserve_call(const pg_uuid_t *user_id, const char *kind, int limit);
extern void sched_jobs_release_call(const pg_uuid_t *user_id, const char *kind, int limit);

/*
 * For a runner: locks one due job whose user may run one more now, and counts it; false where
 * there is none. Needs a step. Given back with sched_jobs_release_job().
 */
extern bool sched_jobs_claim_within_limits(SchedClaimer *claimer, SchedJob *job);
extern void sched_jobs_release_job(void);

#endif
