/*
 * spared.h - which processes ended by no fault of the job that they ran.
 */
#ifndef SCHED_JOBS_SPARED_H
#define SCHED_JOBS_SPARED_H

/* Notes that what this process runs does not end it. May be called in a signal handler; never throws. */
extern void sched_jobs_spare(uint64 incarnation);

/* The incarnations noted so far, palloc'ed; how many. */
extern int sched_jobs_read_spared(uint64 **incarnations);

/* After all leases of the dead were judged: the notes go when there are very many. */
extern void sched_jobs_trim_spared(int n);

#endif
