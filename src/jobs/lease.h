/*
 * lease.h - the row of a job that this process has taken.
 */
#ifndef SCHED_JOBS_LEASE_H
#define SCHED_JOBS_LEASE_H

#include "jobs/job.h"

/* Locks and reads a job that this incarnation holds: 1 = done, 0 = no longer ours, -1 = locked by somebody. */
extern int sched_jobs_lock_leased(uint64 incarnation, const pg_uuid_t *user_id,
								  const pg_uuid_t *job_id, SchedJob *job);

/* Locks and reads a job; false where it is gone or locked by somebody. */
extern bool sched_jobs_lock_job(const pg_uuid_t *user_id, const pg_uuid_t *job_id, SchedJob *job);

#endif
