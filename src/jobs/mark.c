/*
 * mark.c - claims by an update that commits first, so that a job that takes its process or the
 * server down is found.
 *
 * Runs in workers and runners. A job is normally locked, run and finished in one transaction: one that kills the server
 * leaves no trace and would be taken again for ever. So after an unclean end the next jobs are marked as running, with
 * the lease of their process, before their handlers are called; whoever finds such a lease without its process counts
 * the attempt as failed. How many are still to be marked stands in shared memory, once for all processes of a lane.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "jobs/mark.h"
#include "jobs/store.h"

/* So long at most: the job that was to blame is among the first to be taken again. */
#define SUSPECT_TIME (10 * USECS_PER_SEC)

static SchedStatement mark_running = {
	"UPDATE scheduler.live_jobs SET status = 'running', attempts = $3, lease = $4, worker_pid = $5,"
	" ready = false, started_at = coalesce(started_at, now()) WHERE user_id = $1 AND job_id = $2",
	5,
	{UUIDOID, UUIDOID, INT4OID, INT8OID, INT4OID},
	true,
	NULL};

/* The time begins with the first job that is taken: until then nothing could happen. */
bool
sched_jobs_is_suspect(SchedLane lane)
{
	SchedDatabase *entry = sched_jobs_my_database();
	SchedSuspicion *suspicion;
	bool suspect;

	if (entry == NULL || entry->suspicions[lane].jobs == 0)
		return false;
	suspicion = &entry->suspicions[lane];
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	if (suspicion->until == 0)
		suspicion->until = GetCurrentTimestamp() + SUSPECT_TIME;
	else if (GetCurrentTimestamp() >= suspicion->until)
		suspicion->jobs = 0;
	suspect = suspicion->jobs > 0;
	LWLockRelease(sched_jobs_shared->lock);
	return suspect;
}

void
sched_jobs_mark_running(const SchedJob *job, uint64 incarnation, SchedLane lane)
{
	Datum values[5] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id),
					   Int32GetDatum(job->attempts), Int64GetDatum((int64) incarnation),
					   Int32GetDatum(MyProcPid)};

	sched_jobs_execute(&mark_running, values, NULL, SPI_OK_UPDATE);
	if (!sched_jobs_is_suspect(lane))
		return;
	ForceSyncCommit();
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	if (sched_jobs_my_database()->suspicions[lane].jobs > 0)
		sched_jobs_my_database()->suspicions[lane].jobs--;
	LWLockRelease(sched_jobs_shared->lock);
}
