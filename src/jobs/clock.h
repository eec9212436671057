/*
 * clock.h - what is to be done after the clock was set back.
 */
#ifndef SCHED_JOBS_CLOCK_H
#define SCHED_JOBS_CLOCK_H

#include "jobs/shmem.h"

/* Was it set back since the last call in this process? `database`: NULL where the tables are left to others. */
extern bool sched_jobs_clock_was_set_back(SchedDatabase *database);

/* When the tables are to be looked at for it, by the steady clock; PG_INT64_MAX: there is no need. */
extern int64 sched_jobs_clock_work_at(void);
/* Moves what would stand still; needs a step. */
extern void sched_jobs_move_waiting(void);

#endif
