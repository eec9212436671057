/*
 * hooks.c - stops a database's workers before it is dropped, renamed, moved or copied, and its runners before the
 * extension is; looks for a new extension.
 *
 * Runs in any backend that executes such a command. The bar keeps the launcher from starting
 * workers meanwhile; it is lifted at the command's end, or by the launcher when this backend is
 * gone.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "jobs/hooks.h"
#include "jobs/process.h"

#define STOP_ROUND_MS 20
/* Ending at once takes a worker well under a second. */
#define STOP_ROUNDS (10000 / STOP_ROUND_MS)
/* A process that does not end cleanly ends by itself within this. */
#define CLEAN_ROUNDS (5000 / STOP_ROUND_MS)

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

/*
 * Asks the database's processes to end, or only its runners; how many are still there. The first SIGTERM lets a process
 * save what is on its way, another one ends it at once: nobody needs what is about to be dropped.
 */
static int
stop_processes(Oid database, bool all, bool at_once)
{
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_FREE || process->database != database ||
			(!all && process->type != SCHED_PROCESS_RUNNER))
			continue;
		n++;
		if (process->pid != 0 && (at_once || !process->asked_to_end))
		{
			process->asked_to_end = true;
			kill(process->pid, SIGTERM);
		}
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

/* Looks again and again: a process that was just starting had no pid the first time. */
static void
wait_for_end(Oid database, bool all, bool at_once, int rounds)
{
	while (stop_processes(database, all, at_once) > 0 && rounds-- > 0)
	{
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, STOP_ROUND_MS,
				  PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
make_room(Oid database, bool drop)
{
	set_bar(database, MyProcPid);
	if (!drop)
		wait_for_end(database, true, false, CLEAN_ROUNDS);
	wait_for_end(database, true, true, STOP_ROUNDS);
}

/* Does it drop or change this extension? */
static bool
touches_extension(Node *statement)
{
	ListCell *cell;

	if (IsA(statement, AlterExtensionStmt))
		return strcmp(((AlterExtensionStmt *) statement)->extname, "scheduler") == 0;
	if (!IsA(statement, DropStmt) || ((DropStmt *) statement)->removeType != OBJECT_EXTENSION)
		return false;
	foreach (cell, ((DropStmt *) statement)->objects)
		if (strcmp(strVal(lfirst(cell)), "scheduler") == 0)
			return true;
	return false;
}

/*
 * The extension for this transaction alone. No process of ours begins anything from the first lock on; a runner that is in
 * the middle of a handler, which may take half an hour, is interrupted, and its job runs again where this is undone.
 */
static void
hold_extension(void)
{
	Oid extension = get_extension_oid("scheduler", true);

	if (!OidIsValid(extension) || !SCHED_OWNS_EXTENSION(extension, GetUserId()))
		return;
	/* A runner may hold this one as long as its handler runs, so each is asked to end, also one that came meanwhile. */
	for (int round = 0; round < CLEAN_ROUNDS; round++)
	{
		if (ConditionalLockDatabaseObject(ExtensionRelationId, extension, SCHED_BEGIN_LOCK,
										  AccessExclusiveLock))
			break;
		wait_for_end(MyDatabaseId, false, false, 1);
	}
	LockDatabaseObject(ExtensionRelationId, extension, SCHED_BEGIN_LOCK, AccessExclusiveLock);
	wait_for_end(MyDatabaseId, false, false, CLEAN_ROUNDS);
	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessExclusiveLock);
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
		if (sched_jobs_shared != NULL && touches_extension(statement))
			hold_extension();
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
		make_room(database, IsA(statement, DropdbStmt));
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
