/*
 * lease.c - the row of a job that this process has taken.
 *
 * Runs in workers and runners, within a step; Datums of a job that was read lie in SPI's memory. Throws what the
 * statements throw.
 *
 * IS NOT DISTINCT FROM wherever a job is named by its key: with = the planner may take the index of leases, which
 * statistics of a quiet moment show as empty, and walk through all calls in the air for each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "jobs/lease.h"
#include "jobs/store.h"

static SchedStatement lock_leased = {
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND"
	" l.job_id = $2 AND l.lease IS NOT DISTINCT FROM $3 FOR UPDATE SKIP LOCKED",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	true,
	NULL};
static SchedStatement look_leased = {"SELECT FROM scheduler.live_jobs l WHERE l.user_id = $1 AND "
									 "l.job_id = $2 AND l.lease IS NOT DISTINCT FROM $3",
									 3,
									 {UUIDOID, UUIDOID, INT8OID},
									 true,
									 NULL};
static SchedStatement lock_any = {"SELECT " SCHED_JOB_COLUMNS
								  " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND"
								  " l.job_id = $2 FOR UPDATE SKIP LOCKED",
								  2,
								  {UUIDOID, UUIDOID},
								  true,
								  NULL};
int
sched_jobs_lock_leased(uint64 incarnation, const pg_uuid_t *user_id, const pg_uuid_t *job_id,
					   SchedJob *job)
{
	Datum values[3] = {UUIDPGetDatum(user_id), UUIDPGetDatum(job_id),
					   Int64GetDatum((int64) incarnation)};

	sched_jobs_execute(&lock_leased, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 1)
	{
		sched_jobs_read_row(job, SPI_tuptable, 0);
		return 1;
	}
	sched_jobs_execute(&look_leased, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0 ? -1 : 0;
}

bool
sched_jobs_lock_job(const pg_uuid_t *user_id, const pg_uuid_t *job_id, SchedJob *job)
{
	Datum values[2] = {UUIDPGetDatum(user_id), UUIDPGetDatum(job_id)};

	sched_jobs_execute(&lock_any, values, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
		return false;
	sched_jobs_read_row(job, SPI_tuptable, 0);
	return true;
}
