/*
 * held.c - a job that somebody's lock or a full disk held up comes again, without using up an attempt.
 *
 * Runs in workers and runners, in the transaction that writes outcomes. A worker waits for a lock for a tenth of a second
 * only, since all its calls in flight wait with it; so whoever leaves a transaction open could use up the attempts of
 * jobs that did nothing wrong. Such a job comes again after a pause that grows to six seconds. How often and how long it
 * has stood back is kept in the words of its error; after ten minutes it costs an attempt like any other failure.
 * Words are palloc'ed in the current context; throws what the statement throws.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "jobs/job.h"
#include "jobs/process.h"
#include "jobs/store.h"

#define FIRST_PAUSE_MS 100
#define MOST_DOUBLINGS 6
#define PATIENCE_MS (600 * 1000)
#define REPORT_PAUSE (10 * USECS_PER_SEC)

static SchedStatement read_error = {
	"SELECT l.error FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.job_id = $2",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};

/* A lock that was not to be had in time, a deadlock that took this side for its victim, no room for a row. */
bool
sched_jobs_is_held_up(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		   sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED || sqlerrcode == ERRCODE_DISK_FULL;
}

/*
 * How often, and how long in all, the job stood back so far. A handler may have written these words
 * itself, with step_retry(): what they say is bounded, and at worst costs that job an attempt.
 */
static void
read_delays(const SchedJob *job, int *tries, int *total_ms)
{
	Datum values[2] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id)};
	char *words;

	*tries = *total_ms = 0;
	sched_jobs_execute(&read_error, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	words = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (words == NULL || sscanf(words, "held up (%9d tries in %9d ms)", tries, total_ms) != 2 ||
		*tries < 0 || *total_ms < 0)
		*tries = *total_ms = 0;
}

/* Milliseconds until the next try, with new words for the error; -1 where patience is over. */
int
sched_jobs_find_held_pause(SchedJob *job)
{
	int tries;
	int total_ms;
	int pause;

	read_delays(job, &tries, &total_ms);
	if (total_ms >= PATIENCE_MS)
		return -1;
	pause = FIRST_PAUSE_MS << Min(tries, MOST_DOUBLINGS);
	job->reason =
		psprintf("held up (%d tries in %d ms): %s", tries + 1, total_ms + pause, job->reason);
	return pause;
}

/*
 * What a user's open transaction can cause by holding a row or a table, or a disk that is full: no
 * reason to end and lose the calls in flight.
 */
bool
sched_jobs_is_expected(int code)
{
	return code == ERRCODE_LOCK_NOT_AVAILABLE || code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   code == ERRCODE_QUERY_CANCELED || code == ERRCODE_OBJECT_IN_USE ||
		   code == ERRCODE_DISK_FULL;
}

/* Told now and then: what is locked for long is tried, and refused, many times a second. */
void
sched_jobs_report_refusal(const ErrorData *error)
{
	static TimestampTz told = 0;
	TimestampTz now = GetCurrentTimestamp();

	if ((now - told < REPORT_PAUSE && now >= told) || sched_jobs_asked_to_end())
		return;
	told = now;
	ereport(LOG, (errmsg("the worker was kept from its work and tries again: %s", error->message),
				  error->sqlerrcode == ERRCODE_DISK_FULL
					  ? errhint("Nothing is lost; it goes on when there is room on the disk.")
					  : errhint("pg_locks shows who holds what of schema scheduler.")));
}

void
sched_jobs_stand_back(MemoryContext memory)
{
	if (!sched_jobs_is_expected(geterrcode()))
		PG_RE_THROW();
	MemoryContextSwitchTo(memory);
	sched_jobs_report_refusal(CopyErrorData());
	FlushErrorState();
	AbortCurrentTransaction();
}
