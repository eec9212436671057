/*
 * work.c - the worker's steps on jobs: takes them, calls handlers, writes outcomes, and finds out whom an error is
 * to blame on.
 *
 * Runs in workers, called by the loop in worker.c; each function opens its transactions itself and leaves none open.
 * Memory: the worker's context of one batch. An error outside a subtransaction repeats the batch with one for each job,
 * an error at commit one job at a time; what somebody's lock causes is tried again; anything else goes up and ends the
 * process.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/fault.h"
#include "core/settings.h"
#include "http/request.h"
#include "jobs/batch.h"
#include "jobs/claim.h"
#include "jobs/flight_rows.h"
#include "jobs/lease.h"
#include "jobs/mark.h"
#include "jobs/process.h"
#include "jobs/store.h"
#include "jobs/worker.h"

/* While calls queue anyway. */
#define CROWDED_BATCH 128
/* A batch should be ready to commit after this: who was not in it waits for the next. */
#define BATCH_PATIENCE 20000
#define MIN_ANSWERS 128
/* So many are handled together if they are one user's. */
#define MIN_BATCH 32

/* false where the extension is about to be dropped: the loop pauses a little, then tries again. */
bool
sched_jobs_open_step(SchedWorker *worker)
{
	if (sched_jobs_begin_step(worker->extension))
		return true;
	worker->blocked = true;
	return false;
}

/* Has anybody enqueued something since the worker looked last? */
static bool
somebody_enqueued(const SchedWorker *worker)
{
	static const SchedSignal news[] = {SCHED_SIGNAL_READY, SCHED_SIGNAL_JOBS};

	for (size_t i = 0; i < lengthof(news); i++)
		if (pg_atomic_read_u64(&worker->database->signals[news[i]]) != worker->seen[news[i]])
			return true;
	return false;
}

/* Calls in the air are to be looked after, too. */
static bool
somebody_waits(const void *worker)
{
	return sched_jobs_flights_in_air() > 0 || somebody_enqueued(worker);
}

/* Calls handlers, writes outcomes, commits. The step is open. */
static void
finish_step(SchedWorker *worker, SchedJob *jobs, int n_jobs, bool careful)
{
	MemoryContextSwitchTo(worker->memory);
	SCHED_FAULT("claimed");
	sched_jobs_run_batch(jobs, n_jobs, careful, somebody_waits, worker);
	SCHED_FAULT("applied");
	sched_jobs_prepare_flights(jobs, n_jobs);
	sched_jobs_write_outcomes(jobs, n_jobs, worker->process->incarnation);
	MemoryContextSwitchTo(worker->memory);
	worker->worked_until = GetCurrentTimestamp();
	SCHED_FAULT("before_commit");
	sched_jobs_end_step();
	SCHED_FAULT("committed");
	sched_jobs_add_flights();
	sched_jobs_count_outcomes(worker->process, jobs, n_jobs);
}

/*
 * A job alone in its transaction failed at commit, or where no handler can be blamed: its
 * attempt is over, unless somebody held a lock. False where its row is gone or held by somebody.
 */
static bool
write_failure(SchedWorker *worker, const SchedJob *failed, const char *reason, bool held)
{
	SchedJob job;
	bool found;

	if (!sched_jobs_open_step(worker))
		return false;
	found = sched_jobs_lock_job(&failed->user_id, &failed->job_id, &job);
	if (found)
	{
		job.kind = sched_jobs_find_kind(job.kind_name);
		if (failed->answer != NULL && failed->has_response)
		{
			job.response = sched_http_form_response(failed->answer);
			job.has_response = true;
		}
		sched_jobs_note_failure(&job, reason);
		job.held = held;
		sched_jobs_write_outcomes(&job, 1, worker->process->incarnation);
	}
	sched_jobs_end_step();
	worker->process->failures++;
	return found;
}

/* False also where the failure cannot be written now; the job is taken again then. */
static bool
record_failure(SchedWorker *worker, const SchedJob *failed, const char *reason, bool held)
{
	volatile bool recorded = false;

	PG_TRY();
	{
		recorded = write_failure(worker, failed, reason, held);
	}
	PG_CATCH();
	{
		sched_jobs_stand_back(worker->memory);
		worker->blocked = true;
	}
	PG_END_TRY();
	return recorded;
}

/*
 * After an error that no handler's subtransaction caught. All of the jobs again, each in a subtransaction; where they had
 * one, one at a time; where it was one job, it is to blame. No job: somebody holds the table, or nobody knows what is
 * wrong, and the process ends. True where the one job's failure was written.
 */
static bool
recover(SchedWorker *worker, SchedJob *jobs, int n_jobs, bool careful)
{
	ErrorData *error;
	char *reason;

	MemoryContextSwitchTo(worker->memory);
	error = CopyErrorData();
	if (n_jobs == 0 && !sched_jobs_is_expected(error->sqlerrcode))
		PG_RE_THROW();
	FlushErrorState();
	reason = psprintf("%s (%s)", error->message, unpack_sql_state(error->sqlerrcode));
	AbortCurrentTransaction();
	sched_jobs_end_call();
	sched_jobs_restart_claimer(worker->claimer);
	if (n_jobs == 0)
	{
		sched_jobs_report_refusal(error);
		worker->blocked = true;
	}
	else if (!careful)
		worker->guarded = Max(worker->guarded, 2 * n_jobs);
	else if (n_jobs > 1)
		worker->single = Max(worker->single, 2 * n_jobs);
	else
		return record_failure(worker, &jobs[0], reason, sched_jobs_is_held_up(error->sqlerrcode));
	return false;
}

/* How many of the jobs the batch came to. */
static int
count_reached(const SchedJob *jobs, int taken)
{
	int reached = 0;

	/* Not all in front: groups are collected, and some decline. */
	for (int i = 0; i < taken; i++)
		reached += jobs[i].outcome != SCHED_OUTCOME_NONE;
	return reached;
}

/*
 * For answers: those not reached stay first in line. More are taken than there is time for, because
 * those of one user are handled together.
 */
static void
adapt_answers(SchedWorker *worker, const SchedJob *jobs, int taken)
{
	int reached = count_reached(jobs, taken);

	if (reached < taken)
		worker->answer_size = Max(MIN_ANSWERS, 2 * reached);
	else if (reached == worker->answer_size)
		worker->answer_size *= 2;
	worker->answer_size = Min(worker->answer_size, SCHED_ANSWER_BATCH);
}

/* How long the next batch may take. One of slow handlers ends by itself where somebody comes. */
static int64
find_patience(const SchedWorker *worker, const SchedJob *jobs, int taken)
{
	if (somebody_enqueued(worker))
		return BATCH_PATIENCE / 2;
	if (taken == 0 || jobs[0].kind == NULL || jobs[0].kind->plain || somebody_waits(worker))
		return BATCH_PATIENCE;
	return SCHED_LONG_BATCH_US;
}

/* Smaller batches of jobs that are handled together would take longer for each of them. */
static int
find_least(const SchedJob *jobs, int taken)
{
	bool together = taken > 0 && jobs[0].kind != NULL && jobs[0].kind->handler_many[0] != '\0';

	return together ? MIN_BATCH : 8;
}

/*
 * Slow handlers, or a busy machine: take no more than a batch has time for, less where somebody waits for the next one.
 * What was taken too much is taken again.
 */
static void
adapt_batch(SchedWorker *worker, const SchedJob *jobs, int taken, TimestampTz start)
{
	int64 patience = find_patience(worker, jobs, taken);
	int64 worked = worker->worked_until - start;
	int reached = count_reached(jobs, taken);

	if (worked > patience && reached == taken)
		worker->batch_size = Max(find_least(jobs, taken), worker->batch_size / 2);
	else if (taken > worker->batch_size - MIN_BATCH && worked < patience / 2)
		worker->batch_size = Min(SCHED_BATCH_SIZE, 2 * worker->batch_size);
	if (reached == taken)
		return;
	worker->batch_size = Min(SCHED_BATCH_SIZE, Max(MIN_BATCH, reached + reached / 4));
	sched_jobs_return_unreached(worker->claimer, jobs, taken);
}

/* Where calls queue anyway, those in the air are looked after more often. */
static int
find_claim_size(const SchedWorker *worker)
{
	if (sched_jobs_flights_waiting() > sched_max_in_flight)
		return Min(worker->batch_size, CROWDED_BATCH);
	return worker->batch_size;
}

/* Takes due jobs and runs them; how many were taken. */
int
sched_jobs_work_on_claims(SchedWorker *worker)
{
	volatile int taken = 0;
	SchedJob *jobs = MemoryContextAlloc(worker->memory, SCHED_BATCH_SIZE * sizeof(SchedJob));
	int limit = worker->single > 0 ? 1 : find_claim_size(worker);
	TimestampTz start = GetCurrentTimestamp();
	bool careful = worker->single > 0 || worker->guarded > 0;

	if (!sched_jobs_open_step(worker))
		return 0;
	PG_TRY();
	{
		SCHED_FAULT("before_claim");
		taken = sched_jobs_claim(worker->claimer, jobs, limit);
		if (taken > 0)
		{
			finish_step(worker, jobs, taken, careful);
			worker->guarded = careful ? Max(worker->guarded - taken, 0) : worker->guarded;
		}
		else
			sched_jobs_end_step();
	}
	PG_CATCH();
	{
		recover(worker, jobs, taken, careful);
	}
	PG_END_TRY();
	adapt_batch(worker, jobs, taken, start);
	if (worker->single > 0)
		worker->single--;
	return taken;
}

/*
 * The first transaction of a job taken with a mark: if the next one kills the server, the mark
 * tells.
 */
static bool
commit_mark(SchedWorker *worker, SchedJob *job)
{
	bool calls = !(job->has_request && !job->has_response);

	if (calls)
		sched_jobs_mark_running(job, worker->process->incarnation, SCHED_LANE_WORKERS);
	sched_jobs_end_step();
	SCHED_FAULT("marked");
	return calls;
}

/* The mark of the next job is committed; false where there is none, or where it needs no call. */
static bool
mark_next(SchedWorker *worker, SchedJob *job)
{
	if (!sched_jobs_open_step(worker))
		return false;
	if (sched_jobs_claim(worker->claimer, job, 1) == 0)
	{
		sched_jobs_end_step();
		return false;
	}
	worker->held = commit_mark(worker, job);
	worker->held_user = job->user_id;
	worker->held_job = job->job_id;
	/* A call that is only to be sent kills nobody. */
	if (!worker->held)
		worker->single = 1;
	return worker->held;
}

/*
 * One job, marked in one transaction and run in the next. A marked one whose row somebody has locked, or that must wait for
 * DROP EXTENSION, is held until its turn comes: nobody else would ever take it, and the calls in flight do not wait for it.
 */
int
sched_jobs_work_on_marked(SchedWorker *worker)
{
	SchedJob *job = MemoryContextAlloc(worker->memory, sizeof(SchedJob));
	volatile int taken = 0;
	int found;

	if (!worker->held && !mark_next(worker, job))
		return worker->single > 0 ? sched_jobs_work_on_claims(worker) : 0;
	if (!sched_jobs_open_step(worker))
		return 0;
	PG_TRY();
	{
		found = sched_jobs_lock_leased(worker->process->incarnation, &worker->held_user,
									   &worker->held_job, job);
		worker->held = found < 0;
		/* As where begin_step() is refused: a little pause. */
		worker->blocked |= found < 0;
		if (found == 1)
		{
			taken = 1;
			finish_step(worker, job, 1, true);
		}
		else
			sched_jobs_end_step();
	}
	PG_CATCH();
	{
		recover(worker, job, taken, true);
	}
	PG_END_TRY();
	return worker->held ? 0 : 1;
}

/* Answers that came: their jobs' handlers are called again. */
int
sched_jobs_work_on_answers(SchedWorker *worker)
{
	SchedFlight *flights[SCHED_ANSWER_BATCH];
	SchedJob *jobs;
	volatile int taken = 0;
	volatile bool committed = false;
	bool careful = worker->single > 0 || worker->guarded > 0;

	if (!sched_jobs_flights_answered() || !sched_jobs_open_step(worker))
		return 0;
	jobs = MemoryContextAllocZero(worker->memory, SCHED_ANSWER_BATCH * sizeof(SchedJob));
	PG_TRY();
	{
		taken = sched_jobs_lock_answered(worker->process->incarnation, jobs, flights,
										 worker->single > 0 ? 1 : worker->answer_size);
		finish_step(worker, jobs, taken, careful);
		committed = true;
		worker->guarded = careful ? Max(worker->guarded - taken, 0) : worker->guarded;
	}
	PG_CATCH();
	{
		/* Alone it was to blame: its answer is spent, and lies in its row for the next attempt. */
		committed = recover(worker, jobs, taken, careful);
	}
	PG_END_TRY();
	for (int i = 0; committed && i < taken; i++)
		if (taken == 1 || jobs[i].outcome != SCHED_OUTCOME_NONE)
			sched_jobs_drop_flight(flights[i]);
	if (!committed && taken > 0 && sched_jobs_open_step(worker))
		sched_jobs_keep_answers(worker->process->incarnation, worker->memory, SCHED_ANSWER_BATCH);
	else
		adapt_answers(worker, jobs, taken);
	return taken;
}
