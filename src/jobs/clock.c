/*
 * clock.c - notices that the clock was set back, and moves what would stand still as long.
 *
 * Runs in workers and runners. A clock that was set forward needs nothing: what is due is done. The first worker of a
 * database that notices sees to the tables, several times: a handler that ran then may end by writing a time of the
 * clock before. The rules are in SQL beside their tables. Throws what the statement throws.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "core/steady.h"
#include "jobs/clock.h"
#include "jobs/store.h"

/* Less than this nobody notices. */
#define TOLERANCE (2 * USECS_PER_SEC)
#define TIMES 10
#define PAUSE USECS_PER_SEC

static int64 set_back = 0; /* microseconds; 0: the tables are as they should be */
static int64 work_at = PG_INT64_MAX;
static int times_left = 0;

bool
sched_jobs_clock_was_set_back(SchedDatabase *database)
{
	static TimestampTz last_shown = 0;
	static int64 last_steady = 0;
	TimestampTz shown = GetCurrentTimestamp();
	int64 steady = sched_core_steady_now();
	int64 since = last_steady;
	int64 jump = (steady - last_steady) - (shown - last_shown);

	last_shown = shown;
	last_steady = steady;
	if (since == 0 || jump < TOLERANCE)
		return false;
	if (database == NULL)
		return true;
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	/* Otherwise another worker has noticed the same. */
	if (database->followed_clock <= since)
	{
		database->followed_clock = steady;
		set_back = jump;
		times_left = TIMES;
		work_at = steady;
	}
	LWLockRelease(sched_jobs_shared->lock);
	return true;
}

int64
sched_jobs_clock_work_at(void)
{
	return work_at;
}

void
sched_jobs_move_waiting(void)
{
	static SchedStatement follow_clock = {
		"SELECT scheduler.follow_clock($1)", 1, {INTERVALOID}, false, NULL};
	Interval *interval = palloc0(sizeof(Interval));
	Datum values[1] = {IntervalPGetDatum(interval)};

	interval->time = set_back;
	sched_jobs_execute(&follow_clock, values, NULL, SPI_OK_SELECT);
	work_at = --times_left > 0 ? sched_core_steady_now() + PAUSE : PG_INT64_MAX;
}
