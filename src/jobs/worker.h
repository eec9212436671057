/*
 * worker.h - what the files of the worker's loop share: its state, and the steps that work on jobs.
 *
 * Only worker.c and work.c. All run in the worker, outside any transaction; a step is one.
 */
#ifndef SCHED_JOBS_WORKER_H
#define SCHED_JOBS_WORKER_H

#include "jobs/claim.h"
#include "jobs/shmem.h"

/* Most jobs of one transaction; answers that one takes. */
#define SCHED_BATCH_SIZE 512
#define SCHED_ANSWER_BATCH 256

/* What this worker knows and plans. Times are when something is due next. */
typedef struct SchedWorker
{
	SchedProcess *process;
	SchedDatabase *database; /* its entry stays as long as a worker of it lives */
	Oid extension;
	SchedClaimer *claimer;
	MemoryContext memory; /* of one batch */
	int batch_size;
	int answer_size;          /* answers that the next transaction takes */
	TimestampTz worked_until; /* when the last batch was ready to commit */
	uint64 seen[SCHED_SIGNAL_COUNT];
	bool armed;
	TimestampTz check_at;
	TimestampTz due_at;
	TimestampTz queues_at;
	TimestampTz schedules_at;
	bool changes_wanted;
	TimestampTz changes_after; /* not before */
	bool seals_wanted;
	TimestampTz seals_after; /* nothing could be sealed before */
	TimestampTz queues_after;
	TimestampTz runners_at;
	bool runner_work;  /* the answer of the last look */
	bool told_no_room; /* for a runner */
	TimestampTz house_at;
	int guarded; /* jobs whose handlers are still to be called in a subtransaction each */
	int single;  /* jobs still to be taken one at a time */
	bool held;   /* a job that is marked and has not run yet */
	pg_uuid_t held_user;
	pg_uuid_t held_job;
	bool work;   /* the last look round found any */
	bool looked; /* at everything, once */
	bool blocked;
	bool orphans_wanted;
	TimestampTz orphans_after;
	bool cancels_wanted;
	TimestampTz cancels_at; /* looked at again */
	bool more;              /* the last claim found something: do not wait */
} SchedWorker;

/* Begins a step; false where the extension is about to be dropped: the loop pauses a little, then tries again. */
extern bool sched_jobs_open_step(SchedWorker *worker);

/* How many jobs were taken, or answers were there. What fails is written down or tried again; anything unexpected goes up. */
extern int sched_jobs_work_on_claims(SchedWorker *worker);
extern int sched_jobs_work_on_marked(SchedWorker *worker);
extern int sched_jobs_work_on_answers(SchedWorker *worker);

#endif
