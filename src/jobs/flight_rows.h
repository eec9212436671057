/*
 * flight_rows.h - the rows of jobs whose calls wait or were answered.
 */
#ifndef SCHED_JOBS_FLIGHT_ROWS_H
#define SCHED_JOBS_FLIGHT_ROWS_H

#include "jobs/flight.h"

/*
 * Marks those of the flights whose jobs are still ours as found by this launch, with their requests
 * where asked, which live as long as the step. Sorts the flights.
 */
extern void sched_jobs_mark_held(SchedFlight **some, int n, bool with_requests, uint64 incarnation,
								 uint64 launch);

/*
 * Locks and reads the jobs of answered flights, at most `max`, and gives each its answer; how many.
 * Flights whose job is gone are dropped, those whose job somebody has locked wait behind the others.
 * The flights stay until dropped.
 */
extern int sched_jobs_lock_answered(uint64 incarnation, SchedJob *jobs, SchedFlight **flights,
									int max);

/*
 * A batch with answers failed. Before their handlers are called one by one, any of which may end the
 * process, the answers are made durable, so that no call is made again. Where that fails too, they
 * stay in memory. The step is open, and is over afterwards; `memory` is the batch's.
 */
extern void sched_jobs_keep_answers(uint64 incarnation, MemoryContext memory, int max);

#endif
