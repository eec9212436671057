/*
 * end_processes.c - end_processes(): ends workers, runners and sessions once a transaction has committed.
 *
 * Runs in the backend of whoever stops everything. What ends comes back at once (the launcher starts workers, poolers
 * connect again) and must find what was committed; so the signals go out after the commit, and none where there is none.
 * The list lives in TopMemoryContext until the end of the transaction; the callback allocates nothing.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(sched_sql_end_processes);

static pid_t *doomed = NULL;
static int n_doomed = 0;

/* A process that has ended meanwhile is not found; one of another database is not ours. */
static bool
is_ours(pid_t pid)
{
	PGPROC *process = pid != MyProcPid ? BackendPidGetProc(pid) : NULL;

	return process != NULL && process->databaseId == MyDatabaseId;
}

static void
end_doomed(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	for (int i = 0; event == XACT_EVENT_COMMIT && i < n_doomed; i++)
		if (is_ours(doomed[i]))
			kill(doomed[i], SIGTERM);
	if (doomed != NULL)
		pfree(doomed);
	doomed = NULL;
	n_doomed = 0;
}

/* end_processes(pids) -> integer: how many of them there are now. */
Datum
sched_sql_end_processes(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum *pids;
	bool *nulls;
	int n;
	int found = 0;

	if (!registered)
		RegisterXactCallback(end_doomed, NULL);
	registered = true;
	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &pids, &nulls, &n);
	if (doomed == NULL)
		doomed = MemoryContextAlloc(TopMemoryContext, Max(n, 1) * sizeof(pid_t));
	else
		doomed = repalloc(doomed, (n_doomed + n + 1) * sizeof(pid_t));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] || !is_ours(DatumGetInt32(pids[i])))
			continue;
		doomed[n_doomed++] = DatumGetInt32(pids[i]);
		found++;
	}
	PG_RETURN_INT32(found);
}
