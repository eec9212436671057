/*
 * batch.c - calls handlers: with whose rights, for how long, and what is put back afterwards.
 *
 * Runs in workers (many jobs in a transaction; a handler that is not ours in a subtransaction, ours
 * too once a batch has failed: SQL functions are planned anew in each subtransaction, which costs
 * more than what they do) and runners (one job in a transaction of its own). Around each call: the
 * job's identity, the role, a deadline by timer (statement_timeout is not enforced in background
 * processes), settings put back, deferred constraints made immediate, session locks released.
 */
#include "postgres.h"

#include <signal.h>
#include <time.h>

#include "access/xact.h"
#include "commands/trigger.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "http/request.h"
#include "identity/current_user.h"
#include "jobs/batch.h"
#include "jobs/process.h"
#include "jobs/store.h"

/*
 * More subtransactions with an id than this in one transaction slow every snapshot of the
 * server.
 */
#define MAX_WRITING_SUBTRANSACTIONS 60
/*
 * A batch that has run this long commits; who waits for its turn waits no longer. Where nobody does,
 * a commit is waited for more seldom.
 */
#define BATCH_TIME_US 20000
#define MAX_CANCELS 5
/* Jobs that a handler for many gets at once: others wait for all of them. */
#define MAX_GROUP 64

/* Not one of the server's: those are times of day, and would not come where the clock is set back. */
static timer_t deadline_timer;
static volatile sig_atomic_t deadline_set = false;
static volatile sig_atomic_t deadline_passed = false;
static volatile sig_atomic_t cancels = 0;

/*
 * Goes off again each second: a handler may catch the first cancel. One that catches all of them
 * loses its process.
 */
static void
pass_deadline(SIGNAL_ARGS)
{
	int saved_errno = errno;

	if (!deadline_set)
		return;
	deadline_passed = true;
	if (++cancels > MAX_CANCELS)
		ProcDiePending = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
	errno = saved_errno;
}

/* One timer serves every call; its signal is one that the server does not use in such processes. */
void
sched_jobs_prepare_deadline(void)
{
	static bool prepared = false;
	struct sigevent event = {0};

	if (prepared)
		return;
	pqsignal(SIGUSR2, pass_deadline);
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGUSR2;
	if (timer_create(CLOCK_MONOTONIC, &event, &deadline_timer) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not create a timer: %m")));
	prepared = true;
}

/* Begins the time that one call has. */
static void
start_deadline(int64 milliseconds)
{
	struct itimerspec limit = {{1, 0}, {milliseconds / 1000, milliseconds % 1000 * 1000000}};

	deadline_passed = false;
	cancels = 0;
	deadline_set = true;
	timer_settime(deadline_timer, 0, &limit, NULL);
}

/* A signal that is on its way already finds deadline_set false. */
static void
disarm_deadline(void)
{
	static const struct itimerspec never = {{0, 0}, {0, 0}};

	if (!deadline_set)
		return;
	deadline_set = false;
	timer_settime(deadline_timer, 0, &never, NULL);
}

/* A timer that went off after the handler's last interrupt check must not hit what follows. */
static void
stop_deadline(void)
{
	disarm_deadline();
	if (deadline_passed)
		QueryCancelPending = false;
}

/*
 * SET CONSTRAINTS ALL IMMEDIATE. Before a call, because under its restriction the server refuses
 * what is deferred; after it, so that nothing is left for the commit of all, where it would hit
 * others.
 */
static void
check_constraints(void)
{
	ConstraintsSetStmt *all = makeNode(ConstraintsSetStmt);

	all->constraints = NIL;
	all->deferred = false;
	AfterTriggerSetState(all);
}

/*
 * The call itself, of several jobs where the kind has a handler for that; what it leaves behind is
 * put back on success here, otherwise by the abort. False where the handler for many declined.
 */
static bool
call_as(SchedJob **jobs, int n_jobs, Oid role)
{
	Oid user;
	int context;
	int level = NewGUCNestLevel();
	bool accepted = true;
	int durability = synchronous_commit;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(role,
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!jobs[0]->kind->plain)
		check_constraints();
	if (n_jobs > 1)
		accepted = sched_jobs_call_many(jobs, n_jobs);
	else
		sched_jobs_call_handler(jobs[0]);
	if (TransactionIdIsValid(GetCurrentTransactionIdIfAny()))
		check_constraints();
	PopActiveSnapshot();
	/* A setting of the handler ends with its call; that its work is to be on disk holds for the commit. */
	if (synchronous_commit > durability)
		ForceSyncCommit();
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, context);
	return accepted;
}

/* Words for the job's error column; the SQLSTATE tells what words in another language do not. */
const char *
sched_jobs_describe_error(SchedJob *job, const ErrorData *error)
{
	if (deadline_passed && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return psprintf("timeout: the handler ran longer than " INT64_FORMAT " ms",
						job->kind->timeout_ms);
	return psprintf("%s (%s)", error->message != NULL ? error->message : "error",
					unpack_sql_state(error->sqlerrcode));
}

/* In a subtransaction: whatever the handler throws becomes an outcome. */
static void
call_guarded(SchedJob *job, Oid role)
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		call_as(&job, 1, role);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		sched_jobs_note_failure(job, sched_jobs_describe_error(job, error));
		job->held = sched_jobs_is_held_up(error->sqlerrcode);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
}

/*
 * One call in a worker's batch: identity and deadline around it, session locks released behind
 * it.
 */
static void
run_one(SchedJob *job, Oid role, bool careful)
{
	sched_identity_set_job_user(&job->user_id);
	start_deadline(job->kind->timeout_ms);
	if (job->kind->builtin && !careful)
		call_as(&job, 1, role);
	else
		call_guarded(job, role);
	stop_deadline();
	sched_identity_set_job_user(NULL);
	/* It looks through all locks of the process: a C function of ours takes none that outlive the transaction. */
	if (!job->kind->plain)
		LockReleaseSession(USER_LOCKMETHOD);
}

/* An outcome that needs no call, or NONE. */
static SchedOutcome
settle_without_call(SchedJob *job, Oid role)
{
	const char *problem;
	bool wants_call = job->has_request && !job->has_response && job->answer == NULL;

	job->kind = sched_jobs_find_kind(job->kind_name);
	if (job->kind == NULL)
	{
		job->reason = "the kind no longer exists";
		return SCHED_OUTCOME_FAIL;
	}
	if (wants_call)
		return SCHED_OUTCOME_SEND;
	if (job->answer != NULL)
	{
		job->response = sched_http_form_response(job->answer);
		job->has_response = true;
		job->retry_after_ms = sched_http_asked_delay_ms(job->answer);
	}
	if (job->kind->runner || job->kind->external)
		return job->answer != NULL ? SCHED_OUTCOME_ANSWERED : SCHED_OUTCOME_REROUTE;
	problem = sched_jobs_resolve_handler(job->kind, role);
	if (problem != NULL)
	{
		job->reason = problem;
		return SCHED_OUTCOME_FAIL;
	}
	return SCHED_OUTCOME_NONE;
}

/* Whether this job may be handled together with others; what failed before is called alone. */
static bool
is_groupable(const SchedJob *job)
{
	return job->kind->builtin && job->kind->handler_many[0] != '\0' && job->attempts <= 1;
}

/*
 * The jobs from jobs[0] on that are handled in one call: of its kind and user, wherever they stand
 * (answers come in any order), as far as they need a call.
 */
static int
collect_group(SchedJob *jobs, int n_jobs, Oid role, SchedJob **group)
{
	int n = 1;

	group[0] = &jobs[0];
	for (int i = 1; i < n_jobs && n < MAX_GROUP; i++)
	{
		SchedJob *job = &jobs[i];

		if (job->outcome != SCHED_OUTCOME_NONE || job->attempts > 1 ||
			memcmp(&job->user_id, &jobs[0].user_id, UUID_LEN) != 0 ||
			strcmp(job->kind_name, jobs[0].kind_name) != 0)
			continue;
		job->memory = CurrentMemoryContext;
		job->outcome = settle_without_call(job, role);
		if (job->outcome == SCHED_OUTCOME_NONE)
			group[n++] = job;
	}
	return n;
}

/*
 * Many jobs in one call. What it throws goes up, and the batch is repeated one by one. Where the
 * handler declines (somebody holds what it would have to wait for), they keep NONE and are taken
 * again.
 */
static void
run_group(SchedJob **group, int n_jobs, Oid role)
{
	sched_identity_set_job_user(&group[0]->user_id);
	start_deadline(group[0]->kind->timeout_ms);
	if (!call_as(group, n_jobs, role))
		for (int i = 0; i < n_jobs; i++)
			group[i]->declined = true;
	stop_deadline();
	sched_identity_set_job_user(NULL);
	LockReleaseSession(USER_LOCKMETHOD);
}

/* Calls what is to be called for jobs[0], and for those behind it that go with it. */
static void
run_next(SchedJob *jobs, int n_jobs, Oid role, bool careful)
{
	SchedJob *group[MAX_GROUP];
	int n = 1;

	if (!careful && is_groupable(&jobs[0]))
		n = collect_group(jobs, n_jobs, role, group);
	if (n > 1)
		run_group(group, n, role);
	else
		run_one(&jobs[0], role, careful);
}

/* Nothing could be done: then one of those that declined waits, as a job does that is alone. */
static void
wait_for_declined(SchedJob *jobs, int n_jobs, Oid role, bool careful)
{
	SchedJob *declined = NULL;

	for (int i = 0; i < n_jobs; i++)
	{
		if (jobs[i].outcome != SCHED_OUTCOME_NONE)
			return;
		if (declined == NULL && jobs[i].declined)
			declined = &jobs[i];
	}
	if (declined != NULL)
		run_one(declined, role, careful);
}

/*
 * Stops where the batch has taken its time or its subtransactions; what is left keeps NONE and
 * is taken again.
 */
void
sched_jobs_run_batch(SchedJob *jobs, int n_jobs, bool careful, bool (*somebody_waits)(const void *),
					 const void *data)
{
	Oid role = sched_jobs_owner_role();
	TimestampTz start = GetCurrentTimestamp();
	int64 used;

	for (int i = 0; i < n_jobs; i++)
	{
		SchedJob *job = &jobs[i];

		CHECK_FOR_INTERRUPTS();
		if (job->outcome != SCHED_OUTCOME_NONE || job->declined)
			continue;
		/* What has an answer is still taken: there may be no other. */
		if (sched_jobs_asked_to_end() && job->answer == NULL)
			break;
		job->memory = CurrentMemoryContext;
		job->outcome = settle_without_call(job, role);
		if (job->outcome == SCHED_OUTCOME_NONE)
			run_next(job, n_jobs - i, role, careful);
		if (MyProc->subxidStatus.count >= MAX_WRITING_SUBTRANSACTIONS ||
			MyProc->subxidStatus.overflowed)
			break;
		/* The clock is not asked for each of thousands of quick ones. */
		if (job->kind && job->kind->plain && i % 64 != 63)
			continue;
		used = GetCurrentTimestamp() - start;
		if (used > SCHED_LONG_BATCH_US || (used > BATCH_TIME_US && somebody_waits(data)))
			break;
	}
	wait_for_declined(jobs, n_jobs, role, careful);
}

/*
 * No subtransaction: an error takes the whole transaction, and the runner records it in another.
 */
void
sched_jobs_run_alone(SchedJob *job, Oid role)
{
	job->memory = CurrentMemoryContext;
	sched_identity_set_job_user(&job->user_id);
	start_deadline(job->kind->timeout_ms);
	call_as(&job, 1, role);
	stop_deadline();
	sched_identity_set_job_user(NULL);
}

/*
 * For a session that runs a job itself; the caller has found out whether it may act as this
 * role.
 */
void
sched_jobs_run_guarded(SchedJob *job, Oid role)
{
	const char *problem = sched_jobs_resolve_handler(job->kind, role);

	job->memory = CurrentMemoryContext;
	if (problem != NULL)
	{
		job->outcome = SCHED_OUTCOME_FAIL;
		job->reason = problem;
		return;
	}
	sched_jobs_prepare_deadline();
	sched_identity_set_job_user(&job->user_id);
	start_deadline(job->kind->timeout_ms);
	call_guarded(job, role);
	stop_deadline();
	sched_identity_set_job_user(NULL);
}

/* After an error nobody knows how far the call came: everything that surrounds it is put back. */
void
sched_jobs_end_call(void)
{
	disarm_deadline();
	QueryCancelPending = false;
	sched_identity_set_job_user(NULL);
	sched_jobs_current = NULL;
}
