/*
 * hooks.c - stops a database's workers before it is dropped, renamed, moved or copied; looks for
 * a new extension.
 *
 * Runs in any backend that executes such a command. The bar keeps the launcher from starting
 * workers meanwhile; it is lifted at the command's end, or by the launcher when this backend is
 * gone.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "jobs/hooks.h"
#include "jobs/shmem.h"

/* Ending takes a worker well under a second. */
#define STOP_TIMEOUT (10 * USECS_PER_SEC)

static ProcessUtility_hook_type previous_hook = NULL;

/* The database that this command needs empty, or NULL. */
static const char *
find_database(Node *statement)
{
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
				return ((RenameStmt *) statement)->subname;
			return NULL;
		case T_AlterDatabaseStmt:
			foreach (cell, ((AlterDatabaseStmt *) statement)->options)
				if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
					return ((AlterDatabaseStmt *) statement)->dbname;
			return NULL;
		case T_CreatedbStmt:
			foreach (cell, ((CreatedbStmt *) statement)->options)
				if (strcmp(((DefElem *) lfirst(cell))->defname, "template") == 0)
					return defGetString(lfirst(cell));
			return NULL;
		default:
			return NULL;
	}
}

/* Who may not do it anyway stops nothing. */
static bool
may_disturb(Oid database, Node *statement)
{
	if (SCHED_OWNS_DATABASE(database, GetUserId()))
		return true;
	return IsA(statement, CreatedbStmt) && has_createrole_privilege(GetUserId());
}

/* Sends SIGTERM to the database's processes; how many are still there. */
static int
stop_processes(Oid database)
{
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_FREE || process->database != database)
			continue;
		n++;
		if (process->pid != 0)
			kill(process->pid, SIGTERM);
	}
	LWLockRelease(sched_jobs_shared->lock);
	return n;
}

/* pid 0 lifts it; the launcher may start workers at once then. */
static void
set_bar(Oid database, pid_t pid)
{
	SchedDatabase *entry;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	entry = sched_jobs_find_database(database, pid != 0);
	if (entry != NULL)
	{
		entry->barred_by = pid;
		entry->retry_at = 0;
	}
	LWLockRelease(sched_jobs_shared->lock);
}

/* Asks again and again: a process that was just starting had no pid the first time. */
static void
make_room(Oid database)
{
	TimestampTz start = GetCurrentTimestamp();

	set_bar(database, MyProcPid);
	while (stop_processes(database) > 0 && GetCurrentTimestamp() - start < STOP_TIMEOUT)
	{
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The launcher looks into this database when the command commits. */
static bool
creates_extension(Node *statement)
{
	return IsA(statement, CreateExtensionStmt) &&
		   strcmp(((CreateExtensionStmt *) statement)->extname, "scheduler") == 0;
}

/* A worker notices the end of the extension by itself, but may be asleep. */
static bool
drops_something(Node *statement)
{
	return IsA(statement, DropStmt) && (((DropStmt *) statement)->removeType == OBJECT_EXTENSION ||
										((DropStmt *) statement)->removeType == OBJECT_SCHEMA);
}

/* Whatever the command does is left to the server; only the workers are out of its way. */
static void
run_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
			ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
			DestReceiver *receiver, QueryCompletion *completion)
{
	ProcessUtility_hook_type next = previous_hook ? previous_hook : standard_ProcessUtility;
	Node *statement = planned->utilityStmt;
	const char *name = find_database(statement);
	Oid database =
		name != NULL && sched_jobs_shared != NULL ? get_database_oid(name, true) : InvalidOid;

	if (!OidIsValid(database) || !may_disturb(database, statement))
	{
		next(planned, query, read_only_tree, context, parameters, environment, receiver,
			 completion);
		if (creates_extension(statement))
			sched_jobs_probe_at_commit();
		if (drops_something(statement))
			sched_jobs_signal_at_commit(SCHED_SIGNAL_ARMING);
		return;
	}
	PG_TRY();
	{
		make_room(database);
		next(planned, query, read_only_tree, context, parameters, environment, receiver,
			 completion);
	}
	PG_FINALLY();
	{
		set_bar(database, 0);
		sched_jobs_wake_launcher();
	}
	PG_END_TRY();
}

/* Chains to whoever was there before. */
void
sched_jobs_install_hooks(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}
