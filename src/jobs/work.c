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
#include "http/request.h"
#include "jobs/batch.h"
#include "jobs/claim.h"
#include "jobs/flight.h"
#include "jobs/mark.h"
#include "jobs/process.h"
#include "jobs/store.h"
#include "jobs/worker.h"

/* A batch should be ready to commit after this: who was not in it waits for the next. */
#define BATCH_PATIENCE 20000
#define REPORT_PAUSE (10 * USECS_PER_SEC)

static SchedStatement lock_any = {"SELECT " SCHED_JOB_COLUMNS
								  " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND"
								  " l.job_id = $2 FOR UPDATE SKIP LOCKED",
								  2,
								  {UUIDOID, UUIDOID},
								  true,
								  NULL};

/* false where the extension is about to be dropped: the loop pauses a little, then tries again. */
bool
sched_jobs_open_step(SchedWorker *worker)
{
	if (sched_jobs_begin_step(worker->extension))
		return true;
	worker->blocked = true;
	return false;
}

/* For stat_workers. */
static void
count_outcomes(SchedWorker *worker, const SchedJob *jobs, int n_jobs)
{
	for (int i = 0; i < n_jobs; i++)
	{
		if (jobs[i].outcome == SCHED_OUTCOME_DONE)
			worker->process->jobs++;
		else if (jobs[i].outcome == SCHED_OUTCOME_RETRY || jobs[i].outcome == SCHED_OUTCOME_FAIL)
			worker->process->failures++;
		else if (jobs[i].outcome == SCHED_OUTCOME_REQUEST || jobs[i].outcome == SCHED_OUTCOME_SEND)
			worker->process->calls++;
	}
	worker->process->batches++;
}

/* Calls handlers, writes outcomes, commits. The step is open. */
static void
finish_step(SchedWorker *worker, SchedJob *jobs, int n_jobs, bool careful)
{
	MemoryContextSwitchTo(worker->memory);
	SCHED_FAULT("claimed");
	sched_jobs_run_batch(jobs, n_jobs, careful);
	SCHED_FAULT("applied");
	sched_jobs_prepare_flights(jobs, n_jobs);
	sched_jobs_write_outcomes(jobs, n_jobs, worker->process->incarnation);
	MemoryContextSwitchTo(worker->memory);
	worker->worked_until = GetCurrentTimestamp();
	SCHED_FAULT("before_commit");
	sched_jobs_end_step();
	SCHED_FAULT("committed");
	sched_jobs_add_flights();
	count_outcomes(worker, jobs, n_jobs);
}

/*
 * A job alone in its transaction failed at commit, or where no handler can be blamed: its
 * attempt is over, unless somebody held a lock. False where its row is gone or held by somebody.
 */
static bool
record_failure(SchedWorker *worker, const SchedJob *failed, const char *reason, bool held)
{
	Datum values[2] = {UUIDPGetDatum(&failed->user_id), UUIDPGetDatum(&failed->job_id)};
	SchedJob job;
	bool found;

	if (!sched_jobs_open_step(worker))
		return false;
	sched_jobs_execute(&lock_any, values, NULL, SPI_OK_SELECT);
	found = SPI_processed == 1;
	if (found)
	{
		sched_jobs_read_row(&job, SPI_tuptable, 0);
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

/*
 * What a user's open transaction can cause by holding a row or a table: no reason to end and lose
 * the calls in flight.
 */
bool
sched_jobs_is_refusal(int code)
{
	return code == ERRCODE_LOCK_NOT_AVAILABLE || code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   code == ERRCODE_QUERY_CANCELED || code == ERRCODE_OBJECT_IN_USE;
}

/* Told now and then: what is locked for long is tried, and refused, many times a second. */
void
sched_jobs_report_refusal(ErrorData *error)
{
	static TimestampTz told = 0;
	TimestampTz now = GetCurrentTimestamp();

	if ((now - told < REPORT_PAUSE && now >= told) || sched_jobs_asked_to_end())
		return;
	told = now;
	ereport(LOG, (errmsg("the worker was kept from its work and tries again: %s", error->message),
				  errhint("pg_locks shows who holds what of schema scheduler.")));
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
	if (n_jobs == 0 && !sched_jobs_is_refusal(error->sqlerrcode))
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

	while (reached < taken && jobs[reached].outcome != SCHED_OUTCOME_NONE)
		reached++;
	return reached;
}

/* The same for answers: those not reached stay first in line. */
static void
adapt_answers(SchedWorker *worker, const SchedJob *jobs, int taken)
{
	int reached = count_reached(jobs, taken);

	if (reached < taken)
		worker->answer_size = Max(8, 2 * reached);
	else if (reached == worker->answer_size)
		worker->answer_size *= 2;
	worker->answer_size = Min(worker->answer_size, SCHED_ANSWER_BATCH);
}

/* Has anybody enqueued something since the worker looked last? */
static bool
somebody_waits(const SchedWorker *worker)
{
	static const SchedSignal news[] = {SCHED_SIGNAL_READY, SCHED_SIGNAL_JOBS};

	for (size_t i = 0; i < lengthof(news); i++)
		if (pg_atomic_read_u64(&worker->database->signals[news[i]]) != worker->seen[news[i]])
			return true;
	return false;
}

/*
 * Slow handlers, or a busy machine: take no more than a batch has time for, less where somebody waits for the next one.
 * What was taken too much is taken again.
 */
static void
adapt_batch(SchedWorker *worker, const SchedJob *jobs, int taken, TimestampTz start)
{
	int64 patience = somebody_waits(worker) ? BATCH_PATIENCE / 2 : BATCH_PATIENCE;
	int64 worked = worker->worked_until - start;
	int reached = count_reached(jobs, taken);

	if (worked > patience && reached == taken)
		worker->batch_size = Max(8, worker->batch_size / 2);
	else if (reached == worker->batch_size && worked < patience / 2)
		worker->batch_size = Min(SCHED_BATCH_SIZE, 2 * worker->batch_size);
	if (reached == taken)
		return;
	worker->batch_size = Min(SCHED_BATCH_SIZE, Max(8, 2 * reached));
	sched_jobs_return_unreached(worker->claimer, jobs, taken);
}

/* Takes due jobs and runs them; how many were taken. */
int
sched_jobs_work_on_claims(SchedWorker *worker)
{
	volatile int taken = 0;
	SchedJob *jobs = MemoryContextAlloc(worker->memory, SCHED_BATCH_SIZE * sizeof(SchedJob));
	int limit = worker->single > 0 ? 1 : worker->batch_size;
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

/*
 * Opens the step of a marked job. It is ours now and nobody else's, so a lock on it or on the extension is waited for;
 * false where it was cancelled meanwhile.
 */
static bool
lock_marked(SchedWorker *worker, SchedJob *job)
{
	for (;;)
	{
		if (sched_jobs_open_step(worker))
		{
			int found =
				sched_jobs_lock_own(worker->process->incarnation, &job->user_id, &job->job_id, job);

			if (found >= 0)
				return found == 1;
			sched_jobs_end_step();
		}
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* One job, marked in one transaction and run in the next. */
int
sched_jobs_work_on_marked(SchedWorker *worker)
{
	SchedJob *job = MemoryContextAlloc(worker->memory, sizeof(SchedJob));
	volatile int taken = 0;

	if (!sched_jobs_open_step(worker))
		return 0;
	if (sched_jobs_claim(worker->claimer, job, 1) == 0)
	{
		sched_jobs_end_step();
		return 0;
	}
	if (!commit_mark(worker, job))
	{
		/* A call that is only to be sent kills nobody. */
		worker->single = 1;
		return sched_jobs_work_on_claims(worker);
	}
	PG_TRY();
	{
		if (lock_marked(worker, job))
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
	return 1;
}

/* Answers go into the rows of their jobs, which are taken like others then. The step is open. */
static void
write_answers(SchedWorker *worker, SchedFlight **flights)
{
	SchedJob *jobs = MemoryContextAllocZero(worker->memory, SCHED_ANSWER_BATCH * sizeof(SchedJob));
	uint64 incarnation = worker->process->incarnation;
	int n = sched_jobs_lock_answered(incarnation, jobs, flights, SCHED_ANSWER_BATCH);

	MemoryContextSwitchTo(worker->memory);
	for (int i = 0; i < n; i++)
	{
		jobs[i].kind = sched_jobs_find_kind(jobs[i].kind_name);
		jobs[i].response = sched_http_form_response(jobs[i].answer);
		jobs[i].has_response = true;
		jobs[i].outcome = SCHED_OUTCOME_ANSWERED;
	}
	sched_jobs_write_outcomes(jobs, n, incarnation);
	sched_jobs_end_step();
	for (int i = 0; i < n; i++)
		sched_jobs_drop_flight(flights[i]);
}

/*
 * A batch with answers failed. Before their handlers are called one by one, any of which may end the
 * process, the answers are made durable, so that no call is made again. Where that fails too, they
 * stay in memory.
 */
static void
keep_answers(SchedWorker *worker)
{
	SchedFlight *flights[SCHED_ANSWER_BATCH];

	if (!sched_jobs_open_step(worker))
		return;
	PG_TRY();
	{
		write_answers(worker, flights);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(worker->memory);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
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
	if (!committed)
		keep_answers(worker);
	else
		adapt_answers(worker, jobs, taken);
	return taken;
}
