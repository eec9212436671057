/*
 * stat_workers.c - worker_states(): the processes that work for this database.
 *
 * Runs in any backend. Reads the shared area under its lock; counters of others may be a moment
 * old.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "identity/current_user.h"
#include "jobs/shmem.h"

PG_FUNCTION_INFO_V1(sched_sql_worker_states);

#define N_COLUMNS 11

/* One row of the answer. */
static void
put_process(ReturnSetInfo *result, SchedProcess *process)
{
	static const pg_uuid_t none = {{0}};
	bool runner = process->type == SCHED_PROCESS_RUNNER;
	bool has_job = memcmp(&process->job_id, &none, UUID_LEN) != 0;
	Datum values[N_COLUMNS];
	bool nulls[N_COLUMNS] = {false};

	values[0] = Int32GetDatum(process->pid);
	values[1] = CStringGetTextDatum(runner ? "runner" : "worker");
	values[2] = TimestampTzGetDatum(process->started_at);
	values[3] = BoolGetDatum(!process->busy && !has_job);
	values[4] = UUIDPGetDatum(&process->job_id);
	/* Whose job it is cannot be told here; ids of others are nobody's business. */
	nulls[4] = !has_job || !sched_identity_caller_has_role("scheduler_admin");
	values[5] = Int64GetDatum((int64) process->jobs);
	values[6] = Int64GetDatum((int64) process->failures);
	values[7] = Int64GetDatum((int64) process->batches);
	values[8] = Int64GetDatum((int64) process->calls);
	values[9] = Int32GetDatum(process->in_flight);
	values[10] = Int32GetDatum(process->waiting_calls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Copies under the lock, forms rows without it: forming may throw. */
Datum
sched_sql_worker_states(PG_FUNCTION_ARGS)
{
	SchedProcess *copies = palloc(SCHED_MAX_PROCESSES * sizeof(SchedProcess));
	int n = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (sched_jobs_shared == NULL)
		return (Datum) 0;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type != SCHED_PROCESS_FREE && process->pid != 0 &&
			process->database == MyDatabaseId)
			copies[n++] = *process;
	}
	LWLockRelease(sched_jobs_shared->lock);
	for (int i = 0; i < n; i++)
		put_process((ReturnSetInfo *) fcinfo->resultinfo, &copies[i]);
	return (Datum) 0;
}
