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
 * Locks at most `limit` due jobs and reads them into `jobs`; how many. They are locked until the
 * transaction ends. Needs a transaction and an SPI connection; Datums point into SPI's memory.
 */
extern int sched_jobs_claim(SchedClaimer *claimer, SchedJob *jobs, int limit);

/* Something new is there: look for it at the next claim. */
extern void sched_jobs_refresh_claimer(SchedClaimer *claimer);

/* Forgets where it was: the transaction that claimed was undone. */
extern void sched_jobs_restart_claimer(SchedClaimer *claimer);

/* Those of a claim that kept SCHED_OUTCOME_NONE are to be taken again. */
extern void sched_jobs_return_unreached(SchedClaimer *claimer, const SchedJob *jobs, int n_jobs);

/* Nothing was left at the last look and nobody has told of anything since. */
extern bool sched_jobs_claimer_is_idle(const SchedClaimer *claimer);

/* ... but at this time it is to be asked again; DT_NOEND: not before. */
extern TimestampTz sched_jobs_claimer_returns_at(const SchedClaimer *claimer);

#endif
