/*
 * job.h - one job in the hands of a worker or runner, and what its handler answered.
 */
#ifndef SCHED_JOBS_JOB_H
#define SCHED_JOBS_JOB_H

#include "executor/spi.h"
#include "storage/itemptr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "http/engine.h"
#include "jobs/kinds.h"
#include "jobs/shmem.h"

/* The columns that every statement that takes jobs returns, in this order. */
#define SCHED_JOB_COLUMNS                                                                   \
	"l.ctid, l.user_id, l.job_id, l.kind, l.payload, l.state, l.status, l.attempts,"        \
	" l.max_attempts, l.run_at, l.parent_id, l.created_at, l.request, l.response, l.again," \
	" l.queue IS NOT NULL, l.priority"

typedef enum SchedOutcome
{
	SCHED_OUTCOME_NONE, /* not called: stays as it is */
	SCHED_OUTCOME_DONE,
	SCHED_OUTCOME_REQUEST, /* commit the request, then make the call */
	SCHED_OUTCOME_SEND,    /* there is a request already: take it, then make the call */
	SCHED_OUTCOME_SLEEP,
	SCHED_OUTCOME_WAIT,
	SCHED_OUTCOME_RETRY,
	SCHED_OUTCOME_FAIL,
	SCHED_OUTCOME_ANSWERED, /* a runner's job: keep the answer in the row for it */
	SCHED_OUTCOME_REROUTE   /* belongs to the other kind of process */
} SchedOutcome;

typedef struct SchedJob
{
	/* as taken from the table; Datums point into the SPI result */
	ItemPointerData tid;
	pg_uuid_t user_id;
	pg_uuid_t job_id;
	char kind_name[SCHED_KIND_LENGTH];
	Datum payload;
	Datum state;
	bool has_state;
	bool starts;  /* this call begins a new attempt */
	int attempts; /* with this one */
	int max_attempts;
	TimestampTz run_at;
	pg_uuid_t parent_id;
	bool has_parent;
	TimestampTz created_at;
	Datum request;
	bool has_request;
	Datum response;
	bool has_response;
	Datum again;
	bool has_again;  /* run again with this payload */
	bool runs_again; /* the handler asked for it: with `again` where there is one, else the same */
	bool in_queue;
	int16 priority;

	SchedKind *kind;         /* NULL: no such kind any more */
	SchedHttpAnswer *answer; /* not owned: belongs to the worker until commit */
	long retry_after_ms;     /* what the last answer asked for; -1 = nothing */

	/* what the call gave; Datums live in the batch's memory */
	SchedOutcome outcome;
	Datum result;
	bool has_result;
	Datum new_state;
	bool has_new_state;
	Datum new_request;
	TimestampTz wake_at;
	bool has_after;
	int64 after_ms;
	const char *reason;
	bool keeps_response;  /* the call threw: the next attempt gets the same answer */
	bool held;            /* it threw for no fault of its own: no attempt is used up */
	MemoryContext memory; /* of the batch */
	bool enqueued;        /* the handler enqueued jobs: children may have to be counted */
	bool declined;        /* its group cannot be handled now */
} SchedJob;

/* The job whose handler runs in this process now; NULL outside handlers. */
extern SchedJob *sched_jobs_current;

/* Reads row `row` of SPI_tuptable, selected with SCHED_JOB_COLUMNS. */
extern void sched_jobs_read_row(SchedJob *job, SPITupleTable *table, uint64 row);

/*
 * Calls the handler with the rights of the moment and reads its step into the job. Throws what
 * the handler throws. Memory: the current context, which must live until the outcome is written.
 */
extern void sched_jobs_call_handler(SchedJob *job);

/*
 * The same for several jobs of one kind and user by the kind's handler for many. False: they
 * cannot be handled now, nothing was written.
 */
extern bool sched_jobs_call_many(SchedJob **jobs, int n_jobs);

/*
 * Writes the outcomes of jobs that are locked by this transaction. Throws where a row is not
 * there any more.
 */
extern void sched_jobs_write_outcomes(SchedJob *jobs, int n_jobs, uint64 incarnation);

/* For stat_workers: a batch has committed. */
extern void sched_jobs_count_outcomes(SchedProcess *process, const SchedJob *jobs, int n_jobs);

/*
 * The attempt ended in an error: retry with back-off, or dead. What the handler was to make of
 * an answer is undone, so the answer is still to be handled: it stays with the job, and the call
 * is not made (and paid) again.
 */
extern void sched_jobs_note_failure(SchedJob *job, const char *reason);

/* Does an error of this code mean that somebody else's lock, or a full disk, was in the way? */
extern bool sched_jobs_is_held_up(int sqlerrcode);

/* For a worker: an error that is no reason to end, and saying so now and then. */
extern bool sched_jobs_is_expected(int sqlerrcode);
extern void sched_jobs_report_refusal(const ErrorData *error);

/*
 * In a PG_CATCH of a worker: the transaction is over, and why is told now and then. Anything but an
 * expected error goes up.
 */
extern void sched_jobs_stand_back(MemoryContext memory);

/*
 * For a job that is `held`: milliseconds until it is tried again, and words for its error; -1
 * where it has stood back long enough and the attempt counts.
 */
extern int sched_jobs_find_held_pause(SchedJob *job);

#endif
