/*
 * shmem.c - the shared area of the jobs room, and waking whoever waits at the commit of a
 * transaction.
 *
 * The area is made in the postmaster; the rest runs in any process attached to it. Latches are
 * set under the area's lock, which an ending process takes before it gives its place back, so no
 * latch of another process is hit. The callback that wakes is registered once per backend; it
 * must not throw, so it only sets memory.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#include "jobs/shmem.h"

PG_FUNCTION_INFO_V1(sched_sql_wake_workers);
PG_FUNCTION_INFO_V1(sched_sql_interrupt_holder);

SchedShared *sched_jobs_shared = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* What the open transaction asks for at its commit. */
static uint32 signals_at_commit = 0;
static bool probe_at_commit = false;
static bool callback_registered = false;

/* Before the postmaster makes shared memory. */
static void
request_area(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(SchedShared)));
	RequestNamedLWLockTranche("scheduler_jobs", 1);
}

/* The control file still says what state the server was left in: recovery begins after this. */
static bool
was_ended_badly(void)
{
	bool crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool badly =
		!crc_ok || (control->state != DB_SHUTDOWNED && control->state != DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return badly;
}

/* Anew after each crash of the server; what it says can be found out again. */
static void
make_area(void)
{
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	sched_jobs_shared = ShmemInitStruct("scheduler jobs", sizeof(SchedShared), &found);
	if (!found)
	{
		memset(sched_jobs_shared, 0, sizeof(SchedShared));
		sched_jobs_shared->lock = &GetNamedLWLockTranche("scheduler_jobs")->lock;
		sched_jobs_shared->crashed = was_ended_badly();
		sched_jobs_shared->launcher_due = GetCurrentTimestamp() + SCHED_LAUNCHER_PATIENCE;
		for (int i = 0; i < SCHED_MAX_DATABASES; i++)
			for (int s = 0; s < SCHED_SIGNAL_COUNT; s++)
				pg_atomic_init_u64(&sched_jobs_shared->databases[i].signals[s], 1);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Chains to whoever was there before. */
void
sched_jobs_request_shared(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_area;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = make_area;
}

/* The time of the suspicion begins when it is asked for. */
void
sched_jobs_suspect(SchedDatabase *entry, SchedLane lane)
{
	entry->suspicions[lane].jobs = SCHED_SUSPECT_JOBS;
	entry->suspicions[lane].until = 0;
}

/* Few enough to look at each. */
SchedDatabase *
sched_jobs_find_database(Oid database, bool make)
{
	SchedDatabase *room = NULL;

	for (int i = 0; i < SCHED_MAX_DATABASES; i++)
	{
		SchedDatabase *entry = &sched_jobs_shared->databases[i];

		if (entry->database == database)
			return entry;
		if (room == NULL && !OidIsValid(entry->database))
			room = entry;
	}
	if (!make || room == NULL)
		return NULL;
	room->database = database;
	room->state = SCHED_DATABASE_UNKNOWN;
	room->retry_at = 0;
	room->failures = 0;
	room->armed = false;
	for (int lane = 0; lane < SCHED_LANE_COUNT; lane++)
	{
		room->suspicions[lane].jobs = 0;
		if (sched_jobs_shared->crashed)
			sched_jobs_suspect(room, lane);
	}
	room->barred_by = 0;
	return room;
}

/* Looked for again only where it was given to another database. */
SchedDatabase *
sched_jobs_my_database(void)
{
	static SchedDatabase *mine = NULL;

	if (sched_jobs_shared == NULL || (mine != NULL && mine->database == MyDatabaseId))
		return mine;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	mine = sched_jobs_find_database(MyDatabaseId, false);
	LWLockRelease(sched_jobs_shared->lock);
	return mine;
}

/* Sets the latches of a database's processes of one type, or those of them that take jobs; the caller holds the lock. */
static void
wake_processes(Oid database, SchedProcessType type, bool armed_only)
{
	for (int i = 0; i < sched_jobs_shared->n_places; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == type && process->database == database && process->pid != 0 &&
			(process->armed || !armed_only))
			SetLatch(&ProcGlobal->allProcs[process->procno].procLatch);
	}
}

/* The counter first, then the latch: who wakes sees it. */
void
sched_jobs_signal_workers(Oid database, SchedSignal signal)
{
	SchedDatabase *entry;

	if (sched_jobs_shared == NULL)
		return;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	entry = sched_jobs_find_database(database, false);
	if (entry != NULL)
	{
		pg_atomic_fetch_add_u64(&entry->signals[signal], 1);
		wake_processes(database, SCHED_PROCESS_WORKER, false);
	}
	LWLockRelease(sched_jobs_shared->lock);
}

/* Their claims find the work; the latch says that there is some. */
void
sched_jobs_wake_runners(Oid database)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	wake_processes(database, SCHED_PROCESS_RUNNER, false);
	LWLockRelease(sched_jobs_shared->lock);
}

/* Does nothing while there is none: it looks at everything when it starts. */
void
sched_jobs_wake_launcher(void)
{
	if (sched_jobs_shared == NULL)
		return;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	if (sched_jobs_shared->launcher_pid != 0)
		SetLatch(&ProcGlobal->allProcs[sched_jobs_shared->launcher_procno].procLatch);
	LWLockRelease(sched_jobs_shared->lock);
}

/* Whether leases of this name still hold. */
bool
sched_jobs_incarnation_lives(uint64 incarnation)
{
	bool lives = false;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES && !lives; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		lives = process->type != SCHED_PROCESS_FREE && process->pid != 0 &&
				process->incarnation == incarnation;
	}
	LWLockRelease(sched_jobs_shared->lock);
	return lives;
}

/* A runner is interrupted only where it still runs the job that was cancelled. */
void
sched_jobs_interrupt_runner(const pg_uuid_t *job_id)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_RUNNER && process->database == MyDatabaseId &&
			process->pid != 0 && memcmp(&process->job_id, job_id, UUID_LEN) == 0)
		{
			TimestampTz now = GetCurrentTimestamp();

			if (process->interrupted_at == 0 || process->interrupted_at > now)
				process->interrupted_at = now;
			kill(process->pid,
				 now - process->interrupted_at >= SCHED_INTERRUPT_PATIENCE ? SIGTERM : SIGINT);
		}
	}
	LWLockRelease(sched_jobs_shared->lock);
}

/*
 * interrupt_holder(job_id): the runner that has this job's row locked while it calls its handler. Who is about to cancel
 * the job would wait for it. One that has claimed it by an update is interrupted after the commit.
 */
Datum
sched_sql_interrupt_holder(PG_FUNCTION_ARGS)
{
	pg_uuid_t *job_id = PG_GETARG_UUID_P(0);
	bool held = false;

	if (sched_jobs_shared == NULL)
		PG_RETURN_BOOL(false);
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_RUNNER && process->database == MyDatabaseId &&
			process->pid != 0 && process->pid != MyProcPid && process->holds_row &&
			memcmp(&process->job_id, job_id, UUID_LEN) == 0)
		{
			kill(process->pid, SIGINT);
			held = true;
		}
	}
	LWLockRelease(sched_jobs_shared->lock);
	PG_RETURN_BOOL(held);
}

/* What a worker does nothing about while the database is not armed; when it is armed it looks at everything. */
#define WHERE_ARMED                                                                        \
	((1 << SCHED_SIGNAL_JOBS) | (1 << SCHED_SIGNAL_QUEUES) | (1 << SCHED_SIGNAL_RUNNERS) | \
	 (1 << SCHED_SIGNAL_SCHEDULES) | (1 << SCHED_SIGNAL_READY))

/* After the commit: whoever is woken sees the rows. */
static void
tell_at_commit(void)
{
	SchedDatabase *entry = probe_at_commit ? NULL : sched_jobs_my_database();

	LWLockAcquire(sched_jobs_shared->lock, probe_at_commit ? LW_EXCLUSIVE : LW_SHARED);
	if (probe_at_commit)
		entry = sched_jobs_find_database(MyDatabaseId, true);
	if (entry != NULL)
	{
		for (int s = 0; s < SCHED_SIGNAL_COUNT; s++)
			if ((signals_at_commit & (1 << s)) != 0)
				pg_atomic_fetch_add_u64(&entry->signals[s], 1);
		if (probe_at_commit)
		{
			entry->retry_at = 0;
			if (entry->state == SCHED_DATABASE_WITHOUT)
				entry->state = SCHED_DATABASE_UNKNOWN;
		}
		if (signals_at_commit != 0)
			wake_processes(MyDatabaseId, SCHED_PROCESS_WORKER,
						   (signals_at_commit & ~WHERE_ARMED) == 0);
	}
	LWLockRelease(sched_jobs_shared->lock);
	if (probe_at_commit)
		sched_jobs_wake_launcher();
}

/* A prepared transaction tells nobody: the worker finds its jobs at its next look. */
static void
end_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
			if (signals_at_commit != 0 || probe_at_commit)
				tell_at_commit();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			break;
		default:
			return;
	}
	signals_at_commit = 0;
	probe_at_commit = false;
}

/* Once per backend: they cannot be counted on to be removed, and each costs every commit. */
static void
register_callback(void)
{
	if (callback_registered)
		return;
	RegisterXactCallback(end_transaction, NULL);
	callback_registered = true;
}

/* A subtransaction that is undone leaves a signal for nothing, which does no harm. */
void
sched_jobs_signal_at_commit(SchedSignal signal)
{
	if (sched_jobs_shared == NULL)
		return;
	register_callback();
	signals_at_commit |= 1 << signal;
}

/* A rolled back CREATE EXTENSION asks for nothing. */
void
sched_jobs_probe_at_commit(void)
{
	if (sched_jobs_shared == NULL)
		return;
	register_callback();
	probe_at_commit = true;
}

/* wake_workers(what): at commit. */
Datum
sched_sql_wake_workers(PG_FUNCTION_ARGS)
{
	static const char *const names[SCHED_SIGNAL_COUNT] = {
		"jobs", "queues", "cancels", "changes", "arming", "runners", "schedules", "ended", "ready"};
	char *what = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (int s = 0; s < SCHED_SIGNAL_COUNT; s++)
	{
		if (strcmp(what, names[s]) == 0)
		{
			sched_jobs_signal_at_commit(s);
			PG_RETURN_VOID();
		}
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown signal"),
					errdetail("\"%s\"", what),
					errhint("jobs, queues, cancels, changes, arming, runners or schedules")));
}
