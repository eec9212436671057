/*
 * process.c - how workers and runners start, hold on to the extension, and end.
 *
 * A place in the shared table is reserved by who asks for the process (pid 0) and given back by
 * the process' exit callback, which runs at any end but a crash; a crash empties the table.
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <time.h>

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/steady.h"
#include "jobs/process.h"
#include "jobs/spared.h"
#include "jobs/store.h"

static SchedProcess *my_process = NULL;
/* Not in shared memory, which may be what is broken. */
static uint64 my_incarnation = 0;

/* A clean end takes no longer than this, then the process ends wherever it is. */
#define END_SECONDS 4

/* Somebody ended this process: that it was in the middle of something is no failure of its own. */
static volatile sig_atomic_t asked_to_end = false;
/* The loop looks at asked_to_end: the first request may be left to it. */
static volatile sig_atomic_t ends_by_itself = false;
/* What runs may be interrupted by an error. */
static volatile sig_atomic_t interruptible = false;
static timer_t end_timer;

/* A place for a process of this type, or -1. */
static int
reserve_place(SchedProcessType type, Oid database)
{
	int place = -1;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SCHED_MAX_PROCESSES && place < 0; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type != SCHED_PROCESS_FREE)
			continue;
		memset(process, 0, sizeof(SchedProcess));
		process->type = type;
		process->database = database;
		process->reserved_at = sched_core_steady_now();
		place = i;
		sched_jobs_shared->n_places = Max(sched_jobs_shared->n_places, i + 1);
	}
	LWLockRelease(sched_jobs_shared->lock);
	return place;
}

/* Of a process that could not be asked for. */
static void
free_place(int place)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	sched_jobs_shared->processes[place].type = SCHED_PROCESS_FREE;
	sched_jobs_shared->processes[place].pid = 0;
	LWLockRelease(sched_jobs_shared->lock);
}

/*
 * The place travels as the argument: nothing else is shared with a process that does not run
 * yet.
 */
bool
sched_jobs_start_process(SchedProcessType type, Oid database)
{
	BackgroundWorker worker = {0};
	bool runner = type == SCHED_PROCESS_RUNNER;
	int place = reserve_place(type, database);

	if (place < 0)
		return false;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = Int32GetDatum(place);
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "scheduler", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, runner ? "sched_jobs_runner_main" : "sched_jobs_worker_main",
			BGW_MAXLEN);
	strlcpy(worker.bgw_type, runner ? "scheduler runner" : "scheduler worker", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for database %u", worker.bgw_type, database);
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
	{
		free_place(place);
		return false;
	}
	return true;
}

/* Those that are only reserved count, so that nobody starts one twice. */
int
sched_jobs_count_processes(SchedProcessType type, Oid database)
{
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
		if (sched_jobs_shared->processes[i].type == type &&
			sched_jobs_shared->processes[i].database == database)
			n++;
	LWLockRelease(sched_jobs_shared->lock);
	return n;
}

/*
 * How many workers this process' database has, and the how-manieth of them it is (0 for the first):
 * by their places, so that all of them say the same.
 */
int
sched_jobs_rank_worker(int *workers)
{
	int rank = 0;
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < sched_jobs_shared->n_places; i++)
	{
		const SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type != SCHED_PROCESS_WORKER || process->pid == 0 ||
			process->database != MyDatabaseId)
			continue;
		if (process->pid == MyProcPid)
			rank = n;
		n++;
	}
	LWLockRelease(sched_jobs_shared->lock);
	*workers = n;
	return rank;
}

/* Has the database another worker than this? The caller holds the lock. */
static bool
has_other_worker(const SchedProcess *process)
{
	for (int i = 0; i < sched_jobs_shared->n_places; i++)
	{
		SchedProcess *other = &sched_jobs_shared->processes[i];

		if (other != process && other->type == SCHED_PROCESS_WORKER && other->pid != 0 &&
			other->database == process->database)
			return true;
	}
	return false;
}

/* Leaves the database's entry as the launcher is to find it. What it knows of the database holds while a worker is left. */
static void
note_worker_end(SchedDatabase *entry, const SchedProcess *process, int code)
{
	TimestampTz now = GetCurrentTimestamp();
	bool failed = code != 0 && process->busy && !asked_to_end;

	if (!has_other_worker(process))
	{
		if (entry->state == SCHED_DATABASE_RUNNING)
			entry->state = SCHED_DATABASE_UNKNOWN;
		entry->armed = entry->no_runner = false;
	}
	if (process->busy)
		sched_jobs_suspect(entry, SCHED_LANE_WORKERS);
	if (now - process->started_at > 60 * USECS_PER_SEC)
		entry->failures = 0;
	if (!failed)
		return;
	entry->failures = Min(entry->failures + 1, 6);
	entry->retry_at = now + ((int64) 1 << entry->failures) * USECS_PER_SEC / 2;
}

/* Runs at any end but a crash, also where the process never came to its loop. */
static void
leave_place(int code, Datum argument)
{
	SchedDatabase *entry;
	Oid database = my_process->database;
	bool worker = my_process->type == SCHED_PROCESS_WORKER;

	/* The job of a runner that is ended in the middle of it: not its fault. */
	if (asked_to_end || !PostmasterIsAlive())
		sched_jobs_spare(my_incarnation);
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	entry = sched_jobs_find_database(database, false);
	if (entry != NULL && worker)
		note_worker_end(entry, my_process, code);
	else if (entry != NULL && my_process->busy && !asked_to_end)
		sched_jobs_suspect(entry, SCHED_LANE_RUNNERS);
	my_process->type = SCHED_PROCESS_FREE;
	my_process->pid = 0;
	LWLockRelease(sched_jobs_shared->lock);
	/* Whoever is left looks after what this one had taken. */
	sched_jobs_signal_workers(database, SCHED_SIGNAL_ENDED);
	if (worker)
		sched_jobs_wake_launcher();
}

/* With the rank of an override: ALTER DATABASE and ALTER ROLE lose. */
static void
force_setting(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* Nothing that ALTER DATABASE or ALTER ROLE set may change how the queue is worked on. */
static void
force_settings(SchedProcessType type)
{
	force_setting("search_path", "pg_catalog, pg_temp");
	force_setting("statement_timeout", "0");
	force_setting("idle_in_transaction_session_timeout", "0");
	force_setting("idle_session_timeout", "0");
	force_setting("default_transaction_isolation", "read committed");
	force_setting("default_transaction_read_only", "off");
	force_setting("default_transaction_deferrable", "off");
	force_setting("row_security", "on");
	/* Row triggers of ours run; a session_replication_role of the database would stop them. */
	force_setting("session_replication_role", "origin");
	if (type == SCHED_PROCESS_WORKER)
	{
		/*
		 * Statements by a user's keys, thousands of times: planned once, not for the values of each call, and by
		 * index though a table was small when that was done: it holds the rows of all users.
		 */
		force_setting("plan_cache_mode", "force_generic_plan");
		force_setting("enable_seqscan", "off");
		force_setting("jit", "off");
	}
	else
		/* What a crash takes back runs again. Whoever acts outside on what a job has left commits later, and waits. */
		force_setting("synchronous_commit", "off");
	force_setting("lock_timeout", type == SCHED_PROCESS_WORKER ? "100ms" : "0");
}

/*
 * SIGTERM. The loop is asked to end, so that it can save what is on its way; a second one, which a timer sends where
 * nobody else does, ends the process as usual.
 */
static void
note_request(SIGNAL_ARGS)
{
	int saved_errno = errno;
	struct itimerspec limit = {{0, 0}, {END_SECONDS, 0}};
	bool first = !asked_to_end;

	asked_to_end = true;
	if (first && ends_by_itself && timer_settime(end_timer, 0, &limit, NULL) == 0)
	{
		if (interruptible)
			QueryCancelPending = InterruptPending = true;
		SetLatch(MyLatch);
	}
	else
		die(postgres_signal_arg);
	errno = saved_errno;
}

/* Without the timer the first request ends the process at once. */
void
sched_jobs_end_by_itself(void)
{
	struct sigevent event = {0};

	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGTERM;
	ends_by_itself = timer_create(CLOCK_MONOTONIC, &event, &end_timer) == 0;
}

bool
sched_jobs_asked_to_end(void)
{
	return asked_to_end;
}

/* Where it was asked already, it comes no further than the next check for interrupts. */
void
sched_jobs_allow_interrupt(bool may_be)
{
	interruptible = may_be;
	if (!may_be)
		QueryCancelPending = false;
	else if (asked_to_end)
		QueryCancelPending = InterruptPending = true;
}

/* Another process has crashed, or the server is stopped at once. */
static void
note_crash_elsewhere(SIGNAL_ARGS)
{
	sched_jobs_spare(my_incarnation);
	SignalHandlerForCrashExit(postgres_signal_arg);
}

/* The exit callback comes before what it cleans up. */
SchedProcess *
sched_jobs_begin_process(int place)
{
	uint64 incarnation;
	Oid database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, note_request);
	pqsignal(SIGQUIT, note_crash_elsewhere);
	BackgroundWorkerUnblockSignals();
	if (!pg_strong_random(&incarnation, sizeof(incarnation)))
		elog(ERROR, "could not generate random values");
	my_incarnation = incarnation >> 1;
	my_process = &sched_jobs_shared->processes[place];
	before_shmem_exit(leave_place, (Datum) 0);
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	database = my_process->database;
	my_process->pid = MyProcPid;
	my_process->procno = SCHED_MY_PROCNO;
	my_process->incarnation = my_incarnation;
	my_process->started_at = GetCurrentTimestamp();
	LWLockRelease(sched_jobs_shared->lock);
	/* An end in here is a failure, tried again later. */
	my_process->busy = true;
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	my_process->busy = false;
	force_settings(my_process->type);
	pgstat_report_appname(my_process->type == SCHED_PROCESS_WORKER ? "scheduler worker"
																   : "scheduler runner");
	return my_process;
}

SchedProcess *
sched_jobs_my_process(void)
{
	return my_process;
}

/*
 * Blocks of 8 MB come and go between small ones that stay; the C library keeps what lies between
 * them. A process that lives for months would keep its worst moment.
 */
void
sched_jobs_return_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* By name: the extension may have been dropped and created again. */
Oid
sched_jobs_extension_oid(void)
{
	return get_extension_oid("scheduler", true);
}

/*
 * Is it still the extension that this process' plans were made for? Its oid tells, but the server has no cache of
 * those; a table of it is as good, and asked in each transaction.
 */
static bool
is_same_extension(Oid extension)
{
	static Oid table_then = InvalidOid;
	Oid schema = get_namespace_oid("scheduler", true);
	Oid table_now = OidIsValid(schema) ? get_relname_relid("live_jobs", schema) : InvalidOid;

	if (OidIsValid(table_now) && table_now == table_then)
		return true;
	if (sched_jobs_extension_oid() != extension)
		return false;
	table_then = table_now;
	return true;
}

/*
 * DROP EXTENSION holds both locks, and the one of beginners while it waits for the other; waiting for it would stall the
 * calls in flight.
 */
static bool
open_step(Oid extension, bool begins)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if ((begins && !ConditionalLockDatabaseObject(ExtensionRelationId, extension, SCHED_BEGIN_LOCK,
												  AccessShareLock)) ||
		!ConditionalLockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock))
	{
		CommitTransactionCommand();
		return false;
	}
	if (!is_same_extension(extension))
	{
		/* Dropped: this process has nothing to do any more. */
		AbortCurrentTransaction();
		my_process->busy = false;
		proc_exit(0);
	}
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "working on jobs");
	return true;
}

bool
sched_jobs_begin_step(Oid extension)
{
	return open_step(extension, true);
}

bool
sched_jobs_continue_step(Oid extension)
{
	return open_step(extension, false);
}

/* Statistics are sent here, else autovacuum never hears of the queue. */
void
sched_jobs_end_step(void)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}
