/*
 * duties.h - what a worker does besides calling handlers. Each needs an open step (process.h).
 */
#ifndef SCHED_JOBS_DUTIES_H
#define SCHED_JOBS_DUTIES_H

#include "datatype/timestamp.h"

/* Marks delayed jobs ready whose time has come; when the next one is due (DT_NOEND: none). */
extern TimestampTz sched_jobs_mark_due(void);
/* The marking alone; how many. */
extern uint64 sched_jobs_mark_ready(void);

/* Gives each free queue its next job; when a job that waits for the clock alone is due. */
extern TimestampTz sched_jobs_advance_queues(void);

/* Enqueues what schedules ask for; when the next one is due. */
extern TimestampTz sched_jobs_fire_schedules(void);

/* Numbers committed changes and notifies; false where there were none. */
extern bool sched_jobs_number_changes(void);

/* Seals rows of the audit log, so many at a time; how many. */
#define SCHED_SEAL_PORTION 1000
extern int64 sched_jobs_seal_audit_log(void);

/* Takes back the jobs of processes that are no more. */
extern void sched_jobs_free_dead_leases(uint64 incarnation);

/* Is anything ready for a runner? */
extern bool sched_jobs_has_runner_work(void);

/* Interrupts runners whose job was cancelled. */
/* true where a runner was interrupted: it may not obey. */
extern bool sched_jobs_interrupt_cancelled(void);

/* Retention, and the partitions of the months to come; false where there is more to do. */
extern bool sched_jobs_keep_house(void);

#endif
