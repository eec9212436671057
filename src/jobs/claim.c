/*
 * claim.c - fair shares: a rotation over the users with due jobs.
 *
 * Runs in workers and runners. The rotation is memory of the process: which users have work (found by hopping
 * from user to user through the index) and how far each one's jobs were taken. Starting where the last claim ended
 * keeps a scan from walking over the index entries of a million jobs that are gone but not yet vacuumed;
 * what came in behind that point is found when the rotation is made anew, which happens as soon as somebody has told of
 * new work, but costs at most a tenth of the time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "jobs/claim.h"
#include "jobs/store.h"

#define MAX_SHARES 256

/* One user's place in the rotation. */
typedef struct Share
{
	pg_uuid_t user_id;
	int16 priority; /* the last job taken: the next one comes after (priority, run_at, job_id) */
	TimestampTz run_at;
	pg_uuid_t job_id;
} Share;

struct SchedClaimer
{
	bool runner;
	bool stale;         /* somebody told of work since the last look */
	bool more_users;    /* the last look ended before the last user */
	pg_uuid_t from;     /* where the next look starts */
	TimestampTz looked; /* when the last look ended */
	int64 look_cost;    /* microseconds of the last look */
	int n_shares;
	int next; /* whose turn it is */
	Share shares[MAX_SHARES];
};

#define FIND_USERS(lane)                                                                        \
	"WITH RECURSIVE u AS ((SELECT l.user_id FROM scheduler.live_jobs l WHERE l.ready AND " lane \
	" AND l.user_id >= $1 ORDER BY l.user_id LIMIT 1) UNION ALL SELECT (SELECT l.user_id FROM"  \
	" scheduler.live_jobs l WHERE l.ready AND " lane " AND l.user_id > u.user_id"               \
	" ORDER BY l.user_id LIMIT 1) FROM u WHERE u.user_id IS NOT NULL)"                          \
	" SELECT u.user_id FROM u WHERE u.user_id IS NOT NULL LIMIT $2"
#define TAKE_JOBS(lane)                                                                        \
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.ready" \
	" AND " lane " AND (l.priority, l.run_at, l.job_id) > ($2, $3, $4)"                        \
	" ORDER BY l.priority, l.run_at, l.job_id LIMIT $5 FOR UPDATE SKIP LOCKED"
#define FIND_TYPES       \
	{                    \
		UUIDOID, INT8OID \
	}
#define TAKE_TYPES                                         \
	{                                                      \
		UUIDOID, INT2OID, TIMESTAMPTZOID, UUIDOID, INT8OID \
	}

/* The lane stands in the text so that the partial index serves. Second element: runners. */
static SchedStatement find_users[2] = {{FIND_USERS("NOT l.runner"), 2, FIND_TYPES, true, NULL},
									   {FIND_USERS("l.runner"), 2, FIND_TYPES, true, NULL}};
static SchedStatement take_jobs[2] = {{TAKE_JOBS("NOT l.runner"), 5, TAKE_TYPES, true, NULL},
									  {TAKE_JOBS("l.runner"), 5, TAKE_TYPES, true, NULL}};

SchedClaimer *
sched_jobs_make_claimer(bool runner)
{
	SchedClaimer *claimer = MemoryContextAllocZero(TopMemoryContext, sizeof(SchedClaimer));

	claimer->runner = runner;
	claimer->stale = true;
	return claimer;
}

void
sched_jobs_refresh_claimer(SchedClaimer *claimer)
{
	claimer->stale = true;
}

bool
sched_jobs_claimer_is_idle(const SchedClaimer *claimer)
{
	return !claimer->stale && !claimer->more_users && claimer->n_shares == 0;
}

/* The uuid after this one. */
static void
increment_uuid(pg_uuid_t *uuid)
{
	for (int i = UUID_LEN - 1; i >= 0 && ++uuid->data[i] == 0; i--)
		;
}

/* Makes the rotation anew: the next MAX_SHARES users with due jobs. */
static void
look_around(SchedClaimer *claimer)
{
	Datum values[2] = {UUIDPGetDatum(&claimer->from), Int64GetDatum(MAX_SHARES)};
	instr_time start;
	instr_time duration;
	bool is_null;

	INSTR_TIME_SET_CURRENT(start);
	claimer->stale = false;
	sched_jobs_execute(&find_users[claimer->runner], values, NULL, SPI_OK_SELECT);
	claimer->n_shares = (int) SPI_processed;
	claimer->next = 0;
	for (int i = 0; i < claimer->n_shares; i++)
	{
		Share *share = &claimer->shares[i];

		memset(share, 0, sizeof(Share));
		share->user_id = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		share->priority = -1;
		share->run_at = DT_NOBEGIN;
	}
	claimer->more_users = claimer->n_shares == MAX_SHARES;
	if (claimer->more_users)
	{
		claimer->from = claimer->shares[MAX_SHARES - 1].user_id;
		increment_uuid(&claimer->from);
	}
	else
	{
		/* Whoever lies before the starting point has his turn at the next look. */
		claimer->more_users = memcmp(&claimer->from, &(pg_uuid_t){{0}}, UUID_LEN) != 0;
		memset(&claimer->from, 0, UUID_LEN);
	}
	SPI_freetuptable(SPI_tuptable);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	claimer->look_cost = INSTR_TIME_GET_MICROSEC(duration);
	claimer->looked = GetCurrentTimestamp();
}

static void
drop_share(SchedClaimer *claimer, int index)
{
	memmove(&claimer->shares[index], &claimer->shares[index + 1],
			(claimer->n_shares - index - 1) * sizeof(Share));
	claimer->n_shares--;
}

/* Locks this user's next jobs; how many. */
static int
take_from(SchedClaimer *claimer, Share *share, SchedJob *jobs, int limit)
{
	Datum values[5] = {UUIDPGetDatum(&share->user_id), Int16GetDatum(share->priority),
					   TimestampTzGetDatum(share->run_at), UUIDPGetDatum(&share->job_id),
					   Int64GetDatum(limit)};
	int taken;

	sched_jobs_execute(&take_jobs[claimer->runner], values, NULL, SPI_OK_SELECT);
	taken = (int) SPI_processed;
	for (int i = 0; i < taken; i++)
		sched_jobs_read_row(&jobs[i], SPI_tuptable, i);
	if (taken > 0)
	{
		share->priority = jobs[taken - 1].priority;
		share->run_at = jobs[taken - 1].run_at;
		share->job_id = jobs[taken - 1].job_id;
	}
	return taken;
}

int
sched_jobs_claim(SchedClaimer *claimer, SchedJob *jobs, int limit)
{
	int taken = 0;
	int share_size;
	bool is_time = claimer->n_shares == 0 ||
				   GetCurrentTimestamp() - claimer->looked >= claimer->look_cost * 10;

	if ((claimer->stale || claimer->more_users || claimer->n_shares == 0) && is_time)
		look_around(claimer);
	if (claimer->n_shares == 0)
		return 0;
	share_size = Max(1, limit / claimer->n_shares);
	for (int visits = claimer->n_shares; visits > 0 && taken < limit; visits--)
	{
		int wanted = Min(share_size, limit - taken);
		int got;

		if (claimer->next >= claimer->n_shares)
			claimer->next = 0;
		got = take_from(claimer, &claimer->shares[claimer->next], jobs + taken, wanted);
		taken += got;
		if (got < wanted)
			drop_share(claimer, claimer->next);
		else
			claimer->next++;
	}
	/* Rows that were locked, or came in behind: one more look finds out whether that was all. */
	if (claimer->n_shares == 0 && taken > 0)
		claimer->stale = true;
	return taken;
}

static Datum
read_optional(SPITupleTable *table, uint64 row, int column, bool *has)
{
	bool is_null;
	Datum value = SPI_getbinval(table->vals[row], table->tupdesc, column, &is_null);

	*has = !is_null;
	return value;
}

void
sched_jobs_read_row(SchedJob *job, SPITupleTable *table, uint64 row)
{
	bool has;
	Datum value;
	char status[16];

	memset(job, 0, sizeof(SchedJob));
	job->tid = *(ItemPointer) DatumGetPointer(read_optional(table, row, 1, &has));
	job->user_id = *DatumGetUUIDP(read_optional(table, row, 2, &has));
	job->job_id = *DatumGetUUIDP(read_optional(table, row, 3, &has));
	text_to_cstring_buffer(DatumGetTextPP(read_optional(table, row, 4, &has)), job->kind_name,
						   sizeof(job->kind_name));
	job->payload = read_optional(table, row, 5, &has);
	job->state = read_optional(table, row, 6, &job->has_state);
	text_to_cstring_buffer(DatumGetTextPP(read_optional(table, row, 7, &has)), status,
						   sizeof(status));
	job->starts = strcmp(status, "pending") == 0;
	job->attempts = DatumGetInt32(read_optional(table, row, 8, &has)) + (job->starts ? 1 : 0);
	job->max_attempts = DatumGetInt32(read_optional(table, row, 9, &has));
	job->run_at = DatumGetTimestampTz(read_optional(table, row, 10, &has));
	value = read_optional(table, row, 11, &job->has_parent);
	if (job->has_parent)
		job->parent_id = *DatumGetUUIDP(value);
	job->created_at = DatumGetTimestampTz(read_optional(table, row, 12, &has));
	job->request = read_optional(table, row, 13, &job->has_request);
	job->response = read_optional(table, row, 14, &job->has_response);
	job->again = read_optional(table, row, 15, &job->has_again);
	job->in_queue = DatumGetBool(read_optional(table, row, 16, &has));
	job->priority = DatumGetInt16(read_optional(table, row, 17, &has));
	job->retry_after_ms = -1;
}
