/*
 * claim.c - fair shares: a rotation over the users with due jobs.
 *
 * Runs in workers and runners. The rotation is memory of the process: which users have work, and
 * how far each one's jobs were taken. Starting where the last claim ended keeps a scan from
 * walking over the index entries of a million jobs that are gone but not yet vacuumed, and
 * looking for users hops over those who are known to have work for the same reason. What came in
 * behind such a point (a late commit, a row that was locked) is found when a share starts from
 * its beginning again. Looking costs at most a tenth of the time.
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
/* A share begins anew after this, or after so many times what its first scan took. */
#define RESTART_US (200 * 1000)
#define RESTART_FACTOR 20
/* One look, then at least so many times its cost without one. */
#define LOOK_FACTOR 10

/* One user's place in the rotation. */
typedef struct Share
{
	pg_uuid_t user_id;
	int16 priority; /* the last job taken: the next one comes after (priority, run_at, job_id) */
	TimestampTz run_at;
	pg_uuid_t job_id;
	TimestampTz started; /* when it was at its beginning */
	int64 start_cost;    /* microseconds of the scan from there */
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

#define FIND_USER(lane)                                                   \
	"SELECT l.user_id FROM scheduler.live_jobs l WHERE l.ready AND " lane \
	" AND l.user_id >= $1 AND l.user_id < $2 ORDER BY l.user_id LIMIT 1"
/* Anything that goes before what the share has come to? */
#define FIND_URGENT(lane)                                       \
	"SELECT FROM scheduler.live_jobs l WHERE l.ready AND " lane \
	" AND l.user_id = $1 AND l.priority < $2 LIMIT 1"
#define TAKE_JOBS(lane)                                                                        \
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.ready" \
	" AND " lane " AND (l.priority, l.run_at, l.job_id) > ($2, $3, $4)"                        \
	" ORDER BY l.priority, l.run_at, l.job_id LIMIT $5 FOR UPDATE SKIP LOCKED"
#define FIND_TYPES       \
	{                    \
		UUIDOID, UUIDOID \
	}
#define TAKE_TYPES                                         \
	{                                                      \
		UUIDOID, INT2OID, TIMESTAMPTZOID, UUIDOID, INT8OID \
	}

/* The lane stands in the text so that the partial index serves. Second element: runners. */
static SchedStatement find_user[2] = {{FIND_USER("NOT l.runner"), 2, FIND_TYPES, true, NULL},
									  {FIND_USER("l.runner"), 2, FIND_TYPES, true, NULL}};
static SchedStatement find_urgent[2] = {
	{FIND_URGENT("NOT l.runner"), 2, {UUIDOID, INT2OID}, true, NULL},
	{FIND_URGENT("l.runner"), 2, {UUIDOID, INT2OID}, true, NULL}};
static SchedStatement take_jobs[2] = {{TAKE_JOBS("NOT l.runner"), 5, TAKE_TYPES, true, NULL},
									  {TAKE_JOBS("l.runner"), 5, TAKE_TYPES, true, NULL}};

/* The rotation of a process starts empty: the first claim looks around. */
SchedClaimer *
sched_jobs_make_claimer(bool runner)
{
	SchedClaimer *claimer = MemoryContextAllocZero(TopMemoryContext, sizeof(SchedClaimer));

	claimer->runner = runner;
	claimer->stale = true;
	return claimer;
}

/* Costs nothing until the next claim. */
void
sched_jobs_refresh_claimer(SchedClaimer *claimer)
{
	claimer->stale = true;
}

/* The loop sleeps only where this is so. */
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

/* To the beginning of the user's jobs. */
static void
start_share(Share *share)
{
	share->priority = -1;
	share->run_at = DT_NOBEGIN;
	memset(&share->job_id, 0, UUID_LEN);
	share->started = GetCurrentTimestamp();
	share->start_cost = 0;
}

/*
 * Users from `from` up to but not including `to` who have work, as new shares at the end of
 * `shares`.
 */
static int
find_between(SchedClaimer *claimer, pg_uuid_t from, pg_uuid_t to, Share *shares, int room)
{
	int n = 0;

	while (n < room)
	{
		Datum values[2] = {UUIDPGetDatum(&from), UUIDPGetDatum(&to)};
		bool is_null;

		sched_jobs_execute(&find_user[claimer->runner], values, NULL, SPI_OK_SELECT);
		if (SPI_processed == 0)
			break;
		shares[n].user_id = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		SPI_freetuptable(SPI_tuptable);
		start_share(&shares[n]);
		from = shares[n].user_id;
		increment_uuid(&from);
		n++;
	}
	return n;
}

/*
 * A share goes back to its beginning for something urgent, and now and then for what came in
 * behind.
 */
static void
review_share(SchedClaimer *claimer, Share *share)
{
	Datum values[2] = {UUIDPGetDatum(&share->user_id), Int16GetDatum(share->priority)};
	int64 age = GetCurrentTimestamp() - share->started;

	if (share->priority < 0)
		return;
	if (age > Max(RESTART_US, RESTART_FACTOR * share->start_cost))
	{
		start_share(share);
		return;
	}
	sched_jobs_execute(&find_urgent[claimer->runner], values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		start_share(share);
}

/* By user, the order in which looking hops through the index. */
static int
compare_shares(const void *a, const void *b)
{
	return memcmp(&((const Share *) a)->user_id, &((const Share *) b)->user_id, UUID_LEN);
}

/*
 * The share whose turn is next after the rotation was made anew: that of the same user or the
 * one behind.
 */
static void
find_turn(SchedClaimer *claimer, const pg_uuid_t *user_id)
{
	claimer->next = 0;
	while (claimer->next < claimer->n_shares &&
		   memcmp(&claimer->shares[claimer->next].user_id, user_id, UUID_LEN) < 0)
		claimer->next++;
}

/*
 * Adds the users who have work and no share yet. Where there are more than shares, the next look
 * drops all and goes on behind the last one, so that everybody has his turn.
 */
static void
merge_users(SchedClaimer *claimer)
{
	static Share merged[MAX_SHARES];
	static const pg_uuid_t lowest = {{0}};
	pg_uuid_t highest;
	pg_uuid_t cursor = claimer->more_users ? claimer->from : lowest;
	bool from_lowest = memcmp(&cursor, &lowest, UUID_LEN) == 0;
	int n = 0;

	memset(&highest, 0xff, UUID_LEN);
	if (claimer->more_users)
		claimer->n_shares = 0;
	qsort(claimer->shares, claimer->n_shares, sizeof(Share), compare_shares);
	for (int i = 0; i <= claimer->n_shares; i++)
	{
		bool last = i == claimer->n_shares;
		pg_uuid_t to = last ? highest : claimer->shares[i].user_id;

		/* Room is kept for the shares that are there. */
		n +=
			find_between(claimer, cursor, to, &merged[n], MAX_SHARES - n - (claimer->n_shares - i));
		if (last)
			break;
		review_share(claimer, &claimer->shares[i]);
		merged[n++] = claimer->shares[i];
		cursor = claimer->shares[i].user_id;
		increment_uuid(&cursor);
	}
	memcpy(claimer->shares, merged, n * sizeof(Share));
	claimer->n_shares = n;
	claimer->more_users = n == MAX_SHARES || !from_lowest;
	claimer->from = lowest;
	if (n == MAX_SHARES)
	{
		claimer->from = claimer->shares[n - 1].user_id;
		increment_uuid(&claimer->from);
	}
}

/* Measures itself: the next look comes after ten times this. */
static void
look_around(SchedClaimer *claimer)
{
	pg_uuid_t turn = {{0}};
	instr_time start;
	instr_time duration;

	INSTR_TIME_SET_CURRENT(start);
	claimer->stale = false;
	if (claimer->next < claimer->n_shares)
		turn = claimer->shares[claimer->next].user_id;
	merge_users(claimer);
	find_turn(claimer, &turn);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	claimer->look_cost = INSTR_TIME_GET_MICROSEC(duration);
	claimer->looked = GetCurrentTimestamp();
}

/* Nothing is left before the share's end; what came in behind its beginning is found by the next look. */
static void
drop_share(SchedClaimer *claimer, int index, bool from_start)
{
	claimer->stale |= !from_start;
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
	bool at_start = share->priority < 0;
	int taken;

	sched_jobs_execute(&take_jobs[claimer->runner], values, NULL, SPI_OK_SELECT);
	taken = (int) SPI_processed;
	if (at_start)
		share->start_cost = GetCurrentTimestamp() - share->started;
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

/*
 * One visit to each user, with an equal share of the batch for each; whose share is empty leaves
 * the rotation.
 */
int
sched_jobs_claim(SchedClaimer *claimer, SchedJob *jobs, int limit)
{
	int taken = 0;
	int share_size;
	bool is_time = claimer->n_shares == 0 ||
				   GetCurrentTimestamp() - claimer->looked >= claimer->look_cost * LOOK_FACTOR;

	if ((claimer->stale || claimer->more_users || claimer->n_shares == 0) && is_time)
		look_around(claimer);
	if (claimer->n_shares == 0)
		return 0;
	share_size = Max(1, limit / claimer->n_shares);
	for (int visits = claimer->n_shares; visits > 0 && taken < limit; visits--)
	{
		int wanted = Min(share_size, limit - taken);
		bool from_start;
		int got;

		if (claimer->next >= claimer->n_shares)
			claimer->next = 0;
		from_start = claimer->shares[claimer->next].priority < 0;
		got = take_from(claimer, &claimer->shares[claimer->next], jobs + taken, wanted);
		taken += got;
		if (got < wanted)
			drop_share(claimer, claimer->next, from_start);
		else
			claimer->next++;
	}
	return taken;
}

/* Nothing that it remembers can be relied on: the rows it had passed are there again. */
void
sched_jobs_restart_claimer(SchedClaimer *claimer)
{
	claimer->n_shares = 0;
	claimer->more_users = false;
	memset(&claimer->from, 0, UUID_LEN);
	claimer->stale = true;
}

/* Puts the user's share where it was before this job was taken. */
static void
return_job(SchedClaimer *claimer, const SchedJob *job, const SchedJob *before)
{
	for (int i = 0; i < claimer->n_shares; i++)
	{
		Share *share = &claimer->shares[i];

		if (memcmp(&share->user_id, &job->user_id, UUID_LEN) != 0)
			continue;
		if (before == NULL)
		{
			start_share(share);
			return;
		}
		share->priority = before->priority;
		share->run_at = before->run_at;
		share->job_id = before->job_id;
		return;
	}
}

/*
 * The share goes back to before the first job that was not reached, else it would wait for a
 * restart.
 */
void
sched_jobs_return_unreached(SchedClaimer *claimer, const SchedJob *jobs, int n_jobs)
{
	for (int i = 0; i < n_jobs; i++)
	{
		bool same_user = i > 0 && memcmp(&jobs[i - 1].user_id, &jobs[i].user_id, UUID_LEN) == 0;

		if (jobs[i].outcome != SCHED_OUTCOME_NONE)
			continue;
		/*
		 * A user's jobs of one claim lie together, in order: the first that was not reached
		 * tells.
		 */
		if (!same_user || jobs[i - 1].outcome != SCHED_OUTCOME_NONE)
			return_job(claimer, &jobs[i], same_user ? &jobs[i - 1] : NULL);
		claimer->stale = true;
	}
}

/* A column as it is, and whether it is there. */
static Datum
read_optional(SPITupleTable *table, uint64 row, int column, bool *has)
{
	bool is_null;
	Datum value = SPI_getbinval(table->vals[row], table->tupdesc, column, &is_null);

	*has = !is_null;
	return value;
}

/*
 * Text is copied, larger values stay in the result: they live as long as the step's SPI
 * connection.
 */
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
