/*
 * mark.h - claiming a job by an update that commits before its handler is called.
 */
#ifndef SCHED_JOBS_MARK_H
#define SCHED_JOBS_MARK_H

#include "jobs/job.h"
#include "jobs/shmem.h"

/* After an unclean end each job of this lane is to be marked, for a while. Cheap. */
extern bool sched_jobs_is_suspect(SchedLane lane);

/*
 * The job, locked by the open transaction, becomes the running one of this incarnation. While the lane is suspect the
 * commit waits for the disk whatever synchronous_commit says, and there is one less to mark.
 */
extern void sched_jobs_mark_running(const SchedJob *job, uint64 incarnation, SchedLane lane);

#endif
