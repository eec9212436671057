/*
 * runner.c - runs the handlers that users registered: one job at a time, as the role the kind
 * names.
 *
 * Started by a worker when there is something for it, ends when idle. A job is locked, run and finished in one
 * transaction, whose commit does not wait for the disk: what a crash of the server takes back runs again. Three sorts
 * of jobs are first claimed by an update that commits, so that others see them run and nobody waits for their row: those
 * of a kind that this process does not know as quick, those that have a parent (whose row comes before theirs), and
 * the next few after an unclean end. The session's user is the kind's role while user code runs, under
 * SECURITY_RESTRICTED_OPERATION, so it cannot become anybody else.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/pmsignal.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/fault.h"
#include "identity/current_user.h"
#include "jobs/batch.h"
#include "jobs/claim.h"
#include "jobs/clock.h"
#include "jobs/lease.h"
#include "jobs/limits.h"
#include "jobs/mark.h"
#include "jobs/place.h"
#include "jobs/process.h"
#include "jobs/store.h"

#define IDLE_MS 5000
/* Who waits for the row of a running job, to cancel it or to enqueue the same key, waits about as long as a batch takes. */
#define QUICK_US 20000

typedef struct Runner
{
	SchedProcess *process;
	Oid extension;
	SchedClaimer *claimer;
	MemoryContext memory; /* of one job */
	bool has_job;         /* claimed, or locked in the step that is open */
	bool marked;          /* it was claimed by an update that has committed */
} Runner;

/* $3: this process' lease where the job was claimed by an update, else NULL. */
static SchedStatement lock_own = {"SELECT " SCHED_JOB_COLUMNS
								  " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND"
								  " l.job_id = $2 AND l.lease IS NOT DISTINCT FROM $3 FOR UPDATE",
								  3,
								  {UUIDOID, UUIDOID, INT8OID},
								  true,
								  NULL};
static SchedStatement read_own = {"SELECT " SCHED_JOB_COLUMNS
								  " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND"
								  " l.job_id = $2 AND l.lease IS NOT DISTINCT FROM $3",
								  3,
								  {UUIDOID, UUIDOID, INT8OID},
								  true,
								  NULL};
static SchedStatement lock_parent = {
	"SELECT FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.job_id = $2 FOR NO KEY UPDATE",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};
static SchedStatement give_back = {"UPDATE scheduler.live_jobs SET status = 'pending', attempts = "
								   "attempts - 1, ready = true, lease = NULL,"
								   " worker_pid = NULL WHERE user_id = $1 AND job_id = $2",
								   2,
								   {UUIDOID, UUIDOID},
								   true,
								   NULL};
static SchedStatement mapped_user = {
	"SELECT u.user_id FROM scheduler.users u WHERE u.role_name = $1", 1, {TEXTOID}, true, NULL};

/* A runner can wait for DROP EXTENSION: nothing of others depends on it. */
static void
begin_step(Runner *runner)
{
	while (!(runner->has_job ? sched_jobs_continue_step(runner->extension)
							 : sched_jobs_begin_step(runner->extension)))
	{
		/* With a job in hand it waits until it is ended; its job is found then. */
		if (sched_jobs_asked_to_end() && !runner->has_job)
			proc_exit(0);
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 50, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Says which job to interrupt when it is cancelled; NULL: none. */
static void
publish_job(Runner *runner, const pg_uuid_t *job_id)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	runner->process->holds_row = job_id != NULL && !runner->marked;
	if (job_id != NULL)
		runner->process->job_id = *job_id;
	else
		memset(&runner->process->job_id, 0, UUID_LEN);
	runner->process->interrupted_at = 0;
	LWLockRelease(sched_jobs_shared->lock);
}

/* The job as it is now; false where it is no longer ours. */
static bool
read_job(Runner *runner, SchedJob *job, SchedStatement *statement)
{
	Datum values[3] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id),
					   Int64GetDatum((int64) runner->process->incarnation)};

	sched_jobs_execute(statement, values, runner->marked ? NULL : "  n", SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	sched_jobs_read_row(job, SPI_tuptable, 0);
	job->kind = sched_jobs_find_kind(job->kind_name);
	return true;
}

/* The row for writing. Its parent's first, which counts its end: cancel_job() takes them in this order, too. */
static bool
lock_job(Runner *runner, SchedJob *job)
{
	Datum values[2] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->parent_id)};

	if (job->has_parent)
		sched_jobs_execute(&lock_parent, values, NULL, SPI_OK_SELECT);
	return read_job(runner, job, &lock_own);
}

/* As whom the handler runs; InvalidOid with the reason where it may not. */
static Oid
find_role(SchedJob *job)
{
	Datum values[1];
	Oid role;
	bool is_null;

	if (job->kind == NULL)
	{
		job->reason = "the kind no longer exists";
		return InvalidOid;
	}
	role = get_role_oid(job->kind->run_as, true);
	if (!OidIsValid(role))
	{
		job->reason = "the role that the kind runs as no longer exists";
		return InvalidOid;
	}
	/* A user's own role works for that user only. */
	values[0] = CStringGetTextDatum(job->kind->run_as);
	sched_jobs_execute(&mapped_user, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 1 &&
		memcmp(
			DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)),
			&job->user_id, UUID_LEN) != 0)
	{
		job->reason = "the kind runs as the role of another user";
		return InvalidOid;
	}
	job->reason = sched_jobs_resolve_handler(job->kind, role);
	return job->reason == NULL ? role : InvalidOid;
}

/*
 * The row is ours since it was claimed, unless it was claimed by an update or the handler itself wrote: then it is read
 * again. A job that is no longer ours takes what its handler wrote with it.
 */
static void
write_outcome(Runner *runner, SchedJob *job, bool wrote)
{
	SchedJob row = *job;

	if (runner->marked || wrote)
	{
		if (!lock_job(runner, &row))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("the job was cancelled")));
		job->tid = row.tid;
		job->again = row.again;
		job->has_again |= row.has_again;
	}
	sched_jobs_write_outcomes(job, 1, runner->process->incarnation);
}

/*
 * The session's user changes outside the transaction, where an abort does not touch it, and back before anything of
 * ours is written.
 */
static void
call_handler(SchedJob *job, Oid role)
{
	TimestampTz start = GetCurrentTimestamp();

	job->kind->quick = false;
	SetSessionAuthorization(role, superuser_arg(role));
	sched_jobs_run_alone(job, role);
	SetSessionAuthorization(BOOTSTRAP_SUPERUSERID, true);
	job->kind->quick = GetCurrentTimestamp() - start < QUICK_US;
}

/* The handler and its outcome, in the transaction that is open and locks or has claimed the job; commits. */
static void
run_handler(Runner *runner, SchedJob *job)
{
	CommandId before = GetCurrentCommandId(false);
	Oid role;

	MemoryContextSwitchTo(runner->memory);
	/* From here an interrupt is caught, and the job's failure. */
	if (!runner->marked)
		publish_job(runner, &job->job_id);
	role = find_role(job);
	if (!OidIsValid(role))
		job->outcome = SCHED_OUTCOME_FAIL;
	else if (!job->kind->runner && runner->marked)
		sched_jobs_note_failure(job, "the kind is no longer one for runners");
	else if (!job->kind->runner)
		job->outcome = SCHED_OUTCOME_REROUTE;
	else
		call_handler(job, role);
	SCHED_FAULT("applied");
	write_outcome(runner, job, GetCurrentCommandId(false) != before);
	SCHED_FAULT("before_commit");
	sched_jobs_end_step();
	SCHED_FAULT("committed");
}

/* Another transaction where that one failed. */
static void
write_failure(Runner *runner, SchedJob *job, const char *reason, bool held)
{
	begin_step(runner);
	if (lock_job(runner, job))
	{
		sched_jobs_note_failure(job, reason);
		job->held = held;
		sched_jobs_write_outcomes(job, 1, runner->process->incarnation);
	}
	sched_jobs_end_step();
	runner->process->failures++;
}

/* With a full disk not even that can be written: the job stays this runner's until it can. */
static void
record_failure(Runner *runner, SchedJob *job, const char *reason, bool held)
{
	volatile bool done = false;

	while (!done)
	{
		PG_TRY();
		{
			write_failure(runner, job, reason, held);
			done = true;
		}
		PG_CATCH();
		{
			if (geterrcode() != ERRCODE_DISK_FULL)
				PG_RE_THROW();
			MemoryContextSwitchTo(runner->memory);
			FlushErrorState();
			AbortCurrentTransaction();
			WaitLatch(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 500, PG_WAIT_EXTENSION);
			CHECK_FOR_INTERRUPTS();
		}
		PG_END_TRY();
	}
}

/*
 * This process is to end, which is no failure of the job: another one takes it, and the attempt is not counted. One that
 * was only locked was given back by the abort.
 */
static void
return_job(Runner *runner, SchedJob *job)
{
	Datum values[2] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id)};

	begin_step(runner);
	if (runner->marked && lock_job(runner, job))
		sched_jobs_execute(&give_back, values, NULL, SPI_OK_UPDATE);
	sched_jobs_signal_at_commit(SCHED_SIGNAL_RUNNERS);
	sched_jobs_end_step();
}

/* Whatever the handler did or threw, the session is clean afterwards. The step is open. */
static void
run_job(Runner *runner, SchedJob *job)
{
	PG_TRY();
	{
		sched_jobs_allow_interrupt(true);
		run_handler(runner, job);
		sched_jobs_allow_interrupt(false);
		runner->process->jobs++;
	}
	PG_CATCH();
	{
		ErrorData *error;
		const char *reason;

		sched_jobs_allow_interrupt(false);
		MemoryContextSwitchTo(runner->memory);
		error = CopyErrorData();
		FlushErrorState();
		reason = sched_jobs_describe_error(job, error);
		AbortCurrentTransaction();
		SetSessionAuthorization(BOOTSTRAP_SUPERUSERID, true);
		/* Nobody interrupts what follows. */
		publish_job(runner, NULL);
		sched_jobs_end_call();
		if (sched_jobs_asked_to_end() && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			return_job(runner, job);
		else
			record_failure(runner, job, reason, sched_jobs_is_held_up(error->sqlerrcode));
	}
	PG_END_TRY();
	/* User code may have left session locks behind. */
	LockReleaseSession(USER_LOCKMETHOD);
	publish_job(runner, NULL);
	sched_jobs_end_call();
	MemoryContextReset(runner->memory);
}

/*
 * Claims the job by an update of its own transaction where it has to be: then another step is open for the handler.
 * False, and no step, where it was cancelled in between.
 */
static bool
mark_job(Runner *runner, SchedJob *job)
{
	bool calls = job->kind != NULL && job->kind->runner;

	runner->marked = calls && (job->has_parent || !job->kind->quick ||
							   sched_jobs_is_suspect(SCHED_LANE_RUNNERS));
	if (!runner->marked)
	{
		SCHED_FAULT("claimed");
		return true;
	}
	publish_job(runner, &job->job_id);
	sched_jobs_mark_running(job, runner->process->incarnation, SCHED_LANE_RUNNERS);
	sched_jobs_end_step();
	SCHED_FAULT("claimed");
	begin_step(runner);
	if (read_job(runner, job, &read_own))
		return true;
	sched_jobs_end_step();
	return false;
}

/* Takes a job and runs it; false where there is none. */
static bool
work_on_job(Runner *runner)
{
	SchedJob job;

	begin_step(runner);
	SCHED_FAULT("before_claim");
	if (!sched_jobs_claim_within_limits(runner->claimer, &job))
	{
		sched_jobs_end_step();
		return false;
	}
	runner->process->busy = runner->has_job = true;
	job.kind = sched_jobs_find_kind(job.kind_name);
	if (mark_job(runner, &job))
		run_job(runner, &job);
	else
		publish_job(runner, NULL);
	sched_jobs_release_job();
	runner->process->busy = runner->has_job = false;
	return true;
}

/* As the worker saw it last; asked before each job, so without the lock. */
static bool
is_armed(void)
{
	SchedDatabase *entry = sched_jobs_my_database();

	return entry != NULL && entry->armed;
}

/* Ends when it was idle for a while; a worker starts another when there is work. */
void
sched_jobs_runner_main(Datum argument)
{
	Runner runner = {0};

	runner.process = sched_jobs_begin_process(DatumGetInt32(argument));
	StartTransactionCommand();
	runner.extension = sched_jobs_extension_oid();
	CommitTransactionCommand();
	if (!OidIsValid(runner.extension))
		proc_exit(0);
	runner.memory =
		AllocSetContextCreate(TopMemoryContext, "scheduler job", ALLOCSET_DEFAULT_SIZES);
	runner.claimer = sched_jobs_make_claimer(true);
	sched_jobs_prepare_deadline();
	sched_jobs_end_by_itself();
	for (;;)
	{
		int events;

		if (sched_jobs_asked_to_end())
			proc_exit(0);
		if (sched_jobs_clock_was_set_back(NULL))
			sched_jobs_restart_claimer(runner.claimer);
		if (is_armed() && work_on_job(&runner))
		{
			CHECK_FOR_INTERRUPTS();
			/* As long as there is work it does not wait, which is where the end of the postmaster is noticed otherwise. */
			if (!PostmasterIsAlive())
				proc_exit(1);
			continue;
		}
		events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_MS,
						   PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if ((events & WL_TIMEOUT) != 0)
			proc_exit(0);
		sched_jobs_refresh_claimer(runner.claimer);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
