/*
 * launcher.c - keeps a worker in every database that has the extension.
 *
 * One static process without a database, started after recovery. It reads pg_database and starts
 * workers; a worker that finds no extension ends again and leaves a note, so the launcher needs
 * to look into no database itself. Nothing is remembered here that a crash could lose: each
 * round derives it from the catalog and the shared area.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/bucket.h"
#include "core/settings.h"
#include "core/steady.h"
#include "http/host_stats.h"
#include "jobs/place.h"
#include "jobs/process.h"

/* How often databases without the extension are looked into again. */
#define PROBE_PAUSE (600 * USECS_PER_SEC)
/* Databases into which nobody has looked yet are looked into so many at a time. */
#define MAX_PROBES 3
/* A reserved place whose process never came. */
#define LOST_START (30 * USECS_PER_SEC)
#define NO_ROOM_PAUSE (10 * USECS_PER_SEC)

/* Restarts after five seconds if it should ever fail. */
void
sched_jobs_register_launcher(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "scheduler", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sched_jobs_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "scheduler launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "scheduler launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* The databases that may have a worker, as oids in `memory`. */
static List *
list_databases(MemoryContext memory)
{
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datallowconn && !form->datistemplate && form->datconnlimit != -2 &&
			sched_jobs_is_listed(NameStr(form->datname)))
		{
			MemoryContext old = MemoryContextSwitchTo(memory);

			databases = lappend_oid(databases, form->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

/*
 * Entries of databases that are gone, bars of backends that are gone, places whose process never
 * came.
 */
static void
forget_gone(List *databases)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SCHED_MAX_DATABASES; i++)
	{
		SchedDatabase *entry = &sched_jobs_shared->databases[i];

		if (!OidIsValid(entry->database))
			continue;
		if (entry->barred_by != 0 && BackendPidGetProc(entry->barred_by) == NULL)
			entry->barred_by = 0;
		if (!list_member_oid(databases, entry->database) && entry->state != SCHED_DATABASE_RUNNING)
		{
			sched_core_forget_buckets(entry->database);
			sched_http_forget_hosts(entry->database);
			entry->database = InvalidOid;
		}
	}
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type != SCHED_PROCESS_FREE && process->pid == 0 &&
			sched_core_steady_now() - process->reserved_at > LOST_START)
			process->type = SCHED_PROCESS_FREE;
	}
	LWLockRelease(sched_jobs_shared->lock);
}

/*
 * Ends the workers of a database that scheduler.databases no longer names, and those beyond
 * scheduler.workers.
 */
static void
stop_unwanted(List *databases)
{
	SchedProcess *processes = sched_jobs_shared->processes;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		int before = 0;

		if (processes[i].type == SCHED_PROCESS_FREE || processes[i].pid == 0 ||
			processes[i].asked_to_end)
			continue;
		for (int j = 0; j < i; j++)
			if (processes[j].type == SCHED_PROCESS_WORKER &&
				processes[j].database == processes[i].database)
				before++;
		if (!list_member_oid(databases, processes[i].database) ||
			(processes[i].type == SCHED_PROCESS_WORKER && before >= sched_workers))
		{
			processes[i].asked_to_end = true;
			kill(processes[i].pid, SIGTERM);
		}
	}
	LWLockRelease(sched_jobs_shared->lock);
}

/* How many workers this database wants now; when to look again, where that is later. */
static int
workers_wanted(Oid database, TimestampTz now, TimestampTz *again)
{
	SchedDatabase *entry;
	int wanted = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	entry = sched_jobs_find_database(database, true);
	if (entry == NULL)
		ereport(LOG, (errmsg("too many databases for scheduler's shared memory")));
	else if (entry->barred_by != 0)
		*again = Min(*again, now + USECS_PER_SEC);
	/* A pause longer than any is of a clock that was set back since. */
	else if (entry->retry_at > now && entry->retry_at <= now + PROBE_PAUSE)
		*again = Min(*again, entry->retry_at);
	else if (entry->state == SCHED_DATABASE_RUNNING)
		wanted = sched_workers;
	else if (sched_workers > 0)
	{
		/* One process finds out whether the extension is there; asked again in ten minutes. */
		wanted = 1;
		if (entry->state == SCHED_DATABASE_WITHOUT)
			entry->retry_at = now + PROBE_PAUSE;
	}
	LWLockRelease(sched_jobs_shared->lock);
	return wanted;
}

/* Processes that were asked for and have not said yet what they found. */
static int
count_starting(void)
{
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
		if (sched_jobs_shared->processes[i].type == SCHED_PROCESS_WORKER &&
			sched_jobs_shared->processes[i].pid == 0)
			n++;
	LWLockRelease(sched_jobs_shared->lock);
	return n;
}

/*
 * Brings one database to the number of workers it wants, few at a time, so that a server with many databases is not out
 * of background processes at once; false where the round must end here.
 */
static bool
start_workers(Oid database, TimestampTz now, TimestampTz *again, bool *no_room)
{
	int wanted = workers_wanted(database, now, again);
	int have = sched_jobs_count_processes(SCHED_PROCESS_WORKER, database);

	for (; have < wanted; have++)
	{
		/* The next round comes when one of them has started. */
		if (count_starting() >= MAX_PROBES)
		{
			*again = Min(*again, now + USECS_PER_SEC);
			return false;
		}
		if (!sched_jobs_start_process(SCHED_PROCESS_WORKER, database))
		{
			*no_room = true;
			*again = Min(*again, now + NO_ROOM_PAUSE);
			return false;
		}
	}
	return true;
}

/* A lack of processes is told once in the log, and to whoever asks as long as it lasts. */
static void
note_room(bool no_room)
{
	static bool told = false;

	if (no_room && !told)
		ereport(WARNING, (errmsg("no background process is free for a scheduler worker"),
						  errhint("Raise max_worker_processes.")));
	told |= no_room;
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	sched_jobs_shared->no_room = no_room;
	LWLockRelease(sched_jobs_shared->lock);
}

static void
start_missing(List *databases, TimestampTz now, TimestampTz *again)
{
	bool no_room = false;
	ListCell *cell;

	foreach (cell, databases)
		if (!start_workers(lfirst_oid(cell), now, again, &no_room))
			break;
	note_room(no_room);
}

/* Nobody sets the latch of a process that is gone. */
static void
leave_launcher(int code, Datum argument)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	sched_jobs_shared->launcher_pid = 0;
	sched_jobs_shared->launcher_due = GetCurrentTimestamp() + SCHED_LAUNCHER_PATIENCE;
	LWLockRelease(sched_jobs_shared->lock);
}

/*
 * A round at each start and end of a worker, at each reload, when asked, and every ten minutes.
 */
void
sched_jobs_launcher_main(Datum argument)
{
	MemoryContext memory;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(leave_launcher, (Datum) 0);
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	sched_jobs_shared->launcher_pid = MyProcPid;
	sched_jobs_shared->launcher_procno = SCHED_MY_PROCNO;
	LWLockRelease(sched_jobs_shared->lock);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("scheduler launcher");
	memory = AllocSetContextCreate(TopMemoryContext, "scheduler launcher", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		TimestampTz again = now + PROBE_PAUSE;
		List *databases = list_databases(memory);

		forget_gone(databases);
		stop_unwanted(databases);
		start_missing(databases, now, &again);
		MemoryContextReset(memory);
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				  Max(10, TimestampDifferenceMilliseconds(now, again)), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
