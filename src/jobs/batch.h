/*
 * batch.h - calling the handlers of jobs that a transaction has locked.
 */
#ifndef SCHED_JOBS_BATCH_H
#define SCHED_JOBS_BATCH_H

#include "jobs/job.h"

/* What a batch may take where nobody waits for the next one. */
#define SCHED_LONG_BATCH_US 50000

/* Registers the deadline's timer; the first call in a process does. */
extern void sched_jobs_prepare_deadline(void);

/*
 * Calls the handlers of jobs that this transaction has locked, in order, until the batch has
 * taken its time; jobs that were not reached keep SCHED_OUTCOME_NONE. A failing handler is an
 * outcome, not an error; only what calls in C without a subtransaction throw goes up, and not
 * when `careful`. Memory: the current context, until the outcomes are written. Where
 * `somebody_waits` says so its time is shorter.
 */
extern void sched_jobs_run_batch(SchedJob *jobs, int n_jobs, bool careful,
								 bool (*somebody_waits)(const void *), const void *data);

/*
 * For a runner: calls one handler as `role` in the transaction that the runner made for it,
 * without a subtransaction. What it throws goes up. The caller has made the session's user
 * `role`.
 */
extern void sched_jobs_run_alone(SchedJob *job, Oid role);

/* One call in a subtransaction as `role`, in any backend; what it throws is an outcome. */
extern void sched_jobs_run_guarded(SchedJob *job, Oid role);

/* After a call that threw: no deadline, no identity, no interrupt that was meant for it. */
extern void sched_jobs_end_call(void);

/* What an error means for the job: words palloc'ed in the current context. */
extern const char *sched_jobs_describe_error(SchedJob *job, const ErrorData *error);

#endif
