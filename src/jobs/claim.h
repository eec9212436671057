/*
 * claim.h - taking jobs in turn over the users who have some.
 */
#ifndef SCHED_JOBS_CLAIM_H
#define SCHED_JOBS_CLAIM_H

#include "jobs/job.h"

typedef struct SchedClaimer SchedClaimer;

/* For the worker's jobs or the runners'; lives as long as the process. */
extern SchedClaimer *sched_jobs_make_claimer(bool runner);

/*
 * Locks at most `limit` due jobs and reads them into `jobs`; how many. They are locked until the transaction ends.
 * Needs a transaction and an SPI connection; Datums point into SPI's memory.
 */
extern int sched_jobs_claim(SchedClaimer *claimer, SchedJob *jobs, int limit);

/* Look again from the beginning at the next claim: something new is there, or a batch was not finished. */
extern void sched_jobs_refresh_claimer(SchedClaimer *claimer);

/* Nothing was left at the last look and nobody has told of anything since. */
extern bool sched_jobs_claimer_is_idle(const SchedClaimer *claimer);

#endif
