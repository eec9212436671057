/*
 * claim.c - fair shares: a rotation over the users with due jobs.
 *
 * Runs in workers and runners. The rotation is memory of the process: which users have work, and
 * how far each one's jobs were taken. Starting where the last claim ended keeps a scan from
 * walking over the index entries of a million jobs that are gone but not yet vacuumed, and
 * looking for users hops over those who are known to have work for the same reason. What came in
 * behind such a point (a late commit, a row that was locked) is found when a share starts from
 * its beginning again. Looking costs at most a tenth of the time.
 *
 * Several workers divide the users among themselves, because two that take jobs of one user halve
 * the groups that are handled together and wait for his calendar. A worker whose users have nothing
 * takes from the others'.
 */
#include "postgres.h"

#include <time.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "jobs/claim.h"
#include "jobs/process.h"
#include "jobs/store.h"

#define MAX_SHARES 256
/*
 * What a visit takes at least, where a batch has room: handlers for many jobs of a user cost little
 * more for these than for one, and everybody's turn comes sooner.
 */
#define MIN_SHARE 32
/* Of so many claims one takes from all users in turn, so that nobody depends on a worker that hangs. */
#define OPEN_CLAIMS 8
/* A share begins anew after this, or after so many times what its first scan took: one look in a hundred may meet it. */
#define RESTART_US (200 * 1000)
#define RESTART_FACTOR 100
/* Finding the beginning of such a share took so long that its place is worth keeping while there is nothing behind it. */
#define COSTLY_US 500
/* Of which this for each row that it locks, about. */
#define TAKE_US 5
/* One look, then at least so many times its cost without one. */
#define LOOK_FACTOR 10

/* Where a scan of one user's jobs is: the next one comes after (priority, run_at, job_id). */
typedef struct Place
{
	int16 priority; /* below 0: at the beginning */
	TimestampTz run_at;
	pg_uuid_t job_id;
} Place;

/* One user's place in the rotation. */
typedef struct Share
{
	pg_uuid_t user_id;
	Place place;
	Place before;        /* where it was before the last claim */
	Place furthest;      /* where it was when it went back to its beginning */
	TimestampTz started; /* when it was at its beginning */
	int64 start_cost;    /* microseconds of the scan from there */
	bool from_start;     /* the scan from there is the last one that was made */
	bool resting;        /* had nothing left; stays for its place */
	bool overtaken;      /* something may have come in behind its place since */
	bool foreign;        /* another worker's user */
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
	int n_resting;
	int next; /* whose turn it is */
	int claims;
	Share shares[MAX_SHARES];
};

/*
 * Jobs of a user who is not active wait. He is passed over where users are looked for, job by job would cost a scan of
 * all of his; and once more where jobs are taken, in the same snapshot, because his share may be there already.
 */
#define ROW_ACTIVE SCHED_IS_ACTIVE("l.user_id")
#define USER_ACTIVE SCHED_IS_ACTIVE("$1")
#define FIND_USER(lane)                                                                   \
	"SELECT l.user_id, " ROW_ACTIVE " FROM scheduler.live_jobs l WHERE l.ready AND " lane \
	" AND l.user_id >= $1 AND l.user_id < $2 ORDER BY l.user_id LIMIT 1"
/* Anything that goes before what the share has come to? */
#define FIND_URGENT(lane)                                       \
	"SELECT FROM scheduler.live_jobs l WHERE l.ready AND " lane \
	" AND l.user_id = $1 AND l.priority < $2 LIMIT 1"
#define TAKE_JOBS(lane)                                                                        \
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.ready" \
	" AND " lane " AND (l.priority, l.run_at, l.job_id) > ($2, $3, $4)"                        \
	" AND " USER_ACTIVE " ORDER BY l.priority, l.run_at, l.job_id LIMIT $5"                    \
	" FOR UPDATE SKIP LOCKED"
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

/* When it may go back to its beginning. */
static TimestampTz
find_restart(const Share *share)
{
	return share->started + Max(RESTART_US, RESTART_FACTOR * share->start_cost);
}

/* When a share that rests is to be looked through for what came in behind its place. */
TimestampTz
sched_jobs_claimer_returns_at(const SchedClaimer *claimer)
{
	TimestampTz first = DT_NOEND;

	for (int i = 0; i < claimer->n_shares; i++)
		if (claimer->shares[i].resting && claimer->shares[i].overtaken)
			first = Min(first, find_restart(&claimer->shares[i]));
	return first;
}

/* The loop sleeps only where this is so. */
bool
sched_jobs_claimer_is_idle(const SchedClaimer *claimer)
{
	if (claimer->n_resting > 0 && sched_jobs_claimer_returns_at(claimer) <= GetCurrentTimestamp())
		return false;
	return !claimer->stale && !claimer->more_users && claimer->n_shares == claimer->n_resting;
}

/* The uuid after this one. */
static void
increment_uuid(pg_uuid_t *uuid)
{
	for (int i = UUID_LEN - 1; i >= 0 && ++uuid->data[i] == 0; i--)
		;
}

/* Processor time of this process in microseconds: what others do meanwhile is no cost of looking. */
static int64
used_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64) used.tv_sec * USECS_PER_SEC + used.tv_nsec / 1000;
}

/* Which of two places comes first, in the order of the index. */
static int
compare_places(const Place *a, const Place *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	if (a->run_at != b->run_at)
		return a->run_at < b->run_at ? -1 : 1;
	return memcmp(&a->job_id, &b->job_id, UUID_LEN);
}

/* To the beginning of the user's jobs. */
static void
start_share(Share *share)
{
	if (compare_places(&share->furthest, &share->place) < 0)
		share->furthest = share->place;
	memset(&share->place, 0, sizeof(Place));
	share->place.priority = -1;
	share->place.run_at = DT_NOBEGIN;
	share->started = GetCurrentTimestamp();
	share->start_cost = 0;
	share->resting = false;
	share->overtaken = false;
}

/* Of a user who had none. */
static void
make_share(Share *share, const pg_uuid_t *user_id)
{
	memset(share, 0, sizeof(Share));
	share->user_id = *user_id;
	share->place.priority = -1;
	share->furthest.priority = -1;
	start_share(share);
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
		bool active;

		sched_jobs_execute(&find_user[claimer->runner], values, NULL, SPI_OK_SELECT);
		if (SPI_processed == 0)
			break;
		from = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		active =
			DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
		SPI_freetuptable(SPI_tuptable);
		if (active)
			make_share(&shares[n++], &from);
		increment_uuid(&from);
	}
	return n;
}

/*
 * A share goes back to its beginning for something urgent, and now and then for what came in
 * behind. One that rests is asked again.
 */
static void
review_share(SchedClaimer *claimer, Share *share)
{
	Datum values[2] = {UUIDPGetDatum(&share->user_id), Int16GetDatum(share->place.priority)};

	share->resting = false;
	if (share->place.priority < 0)
		return;
	share->overtaken = true;
	if (GetCurrentTimestamp() > find_restart(share))
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
	claimer->n_resting = 0;
	claimer->more_users = n == MAX_SHARES || !from_lowest;
	claimer->from = lowest;
	if (n == MAX_SHARES)
	{
		claimer->from = claimer->shares[n - 1].user_id;
		increment_uuid(&claimer->from);
	}
}

/* Whose user each is, which changes where a worker comes or goes. Runners take one job at a time. */
static void
divide_users(SchedClaimer *claimer)
{
	int workers = 1;
	int rank = claimer->runner ? 0 : sched_jobs_rank_worker(&workers);

	for (int i = 0; i < claimer->n_shares; i++)
	{
		Share *share = &claimer->shares[i];

		share->foreign =
			workers > 1 &&
			hash_bytes(share->user_id.data, UUID_LEN) % (uint32) workers != (uint32) rank;
	}
}

/* Measures itself: the next look comes after ten times this. */
static void
look_around(SchedClaimer *claimer)
{
	pg_uuid_t turn = {{0}};
	int64 start = used_time();

	claimer->stale = false;
	if (claimer->next < claimer->n_shares)
		turn = claimer->shares[claimer->next].user_id;
	merge_users(claimer);
	divide_users(claimer);
	find_turn(claimer, &turn);
	claimer->look_cost = used_time() - start;
	claimer->looked = GetCurrentTimestamp();
}

/*
 * Nothing is left at the share's end; what came in behind its place is found by the next look. A place that is hard to
 * find again is kept: everybody else's jobs would wait for a scan over the entries of jobs that are gone. True where it
 * stays.
 */
static bool
leave_share(SchedClaimer *claimer, int index)
{
	Share *share = &claimer->shares[index];

	if (share->start_cost > COSTLY_US)
	{
		/* A scan from the beginning that came to the end has seen what lies before the furthest place. */
		if (compare_places(&share->place, &share->furthest) < 0)
			share->place = share->furthest;
		share->overtaken |= !share->from_start;
		share->resting = true;
		claimer->n_resting++;
		return true;
	}
	claimer->stale |= !share->from_start;
	memmove(&claimer->shares[index], &claimer->shares[index + 1],
			(claimer->n_shares - index - 1) * sizeof(Share));
	claimer->n_shares--;
	return false;
}

/* Locks this user's next jobs; how many. */
static int
take_from(SchedClaimer *claimer, Share *share, SchedJob *jobs, int limit)
{
	Place *place = &share->place;
	Datum values[5] = {UUIDPGetDatum(&share->user_id), Int16GetDatum(place->priority),
					   TimestampTzGetDatum(place->run_at), UUIDPGetDatum(&place->job_id),
					   Int64GetDatum(limit)};
	int64 start = used_time();
	int taken;

	share->from_start = place->priority < 0;
	share->before = *place;
	sched_jobs_execute(&take_jobs[claimer->runner], values, NULL, SPI_OK_SELECT);
	taken = (int) SPI_processed;
	if (share->from_start)
		share->start_cost = used_time() - start - TAKE_US * taken;
	for (int i = 0; i < taken; i++)
		sched_jobs_read_row(&jobs[i], SPI_tuptable, i);
	if (taken > 0)
	{
		place->priority = jobs[taken - 1].priority;
		place->run_at = jobs[taken - 1].run_at;
		place->job_id = jobs[taken - 1].job_id;
	}
	return taken;
}

/* Is it time to look for users? Always where nobody else would wait for it. */
static bool
wants_look(const SchedClaimer *claimer)
{
	int active = claimer->n_shares - claimer->n_resting;

	if (!claimer->stale && !claimer->more_users && active > 0)
		return false;
	return active == 0 ||
		   GetCurrentTimestamp() - claimer->looked >= claimer->look_cost * LOOK_FACTOR;
}

/* How many of these shares may be taken from. */
static int
count_active(const SchedClaimer *claimer, bool foreign)
{
	int n = 0;

	for (int i = 0; i < claimer->n_shares; i++)
		n += !claimer->shares[i].resting && (foreign || !claimer->shares[i].foreign);
	return n;
}

/*
 * One visit to each user, with an equal share of the batch for each; whose share is empty leaves
 * the rotation. No share is cut short at the end of the batch: two small groups of a user cost more
 * than one.
 */
static int
visit_users(SchedClaimer *claimer, SchedJob *jobs, int limit, bool foreign)
{
	int taken = 0;
	int share_size = Max(Min(limit, MIN_SHARE), limit / Max(1, count_active(claimer, foreign)));

	for (int visits = claimer->n_shares; visits > 0 && taken + share_size <= limit; visits--)
	{
		Share *share;
		int got = share_size;

		if (claimer->next >= claimer->n_shares)
			claimer->next = 0;
		share = &claimer->shares[claimer->next];
		if (!share->resting && (foreign || !share->foreign))
		{
			got = take_from(claimer, share, jobs + taken, share_size);
			taken += got;
		}
		if (got == share_size || leave_share(claimer, claimer->next))
			claimer->next++;
	}
	return taken;
}

/* Of this worker's users, else of all. */
int
sched_jobs_claim(SchedClaimer *claimer, SchedJob *jobs, int limit)
{
	int taken = 0;

	if (wants_look(claimer))
		look_around(claimer);
	if (++claimer->claims % OPEN_CLAIMS != 0)
		taken = visit_users(claimer, jobs, limit, false);
	return taken > 0 ? taken : visit_users(claimer, jobs, limit, true);
}

/* Nothing that it remembers can be relied on: the rows it had passed are there again. */
void
sched_jobs_restart_claimer(SchedClaimer *claimer)
{
	claimer->n_shares = claimer->n_resting = 0;
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
		claimer->n_resting -= share->resting;
		share->resting = false;
		share->place = share->before;
		if (before == NULL)
			return;
		share->place.priority = before->priority;
		share->place.run_at = before->run_at;
		share->place.job_id = before->job_id;
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

/* Places in SCHED_JOB_COLUMNS. */
enum
{
	COLUMN_TID,
	COLUMN_USER_ID,
	COLUMN_JOB_ID,
	COLUMN_KIND,
	COLUMN_PAYLOAD,
	COLUMN_STATE,
	COLUMN_STATUS,
	COLUMN_ATTEMPTS,
	COLUMN_MAX_ATTEMPTS,
	COLUMN_RUN_AT,
	COLUMN_PARENT_ID,
	COLUMN_CREATED_AT,
	COLUMN_REQUEST,
	COLUMN_RESPONSE,
	COLUMN_AGAIN,
	COLUMN_IN_QUEUE,
	COLUMN_PRIORITY,
	COLUMN_COUNT,
	MOST_COLUMNS = COLUMN_COUNT + 8 /* a statement may return others behind them */
};

/*
 * Text is copied, larger values stay in the result: they live as long as the step's SPI
 * connection.
 */
void
sched_jobs_read_row(SchedJob *job, SPITupleTable *table, uint64 row)
{
	Datum values[MOST_COLUMNS];
	bool nulls[MOST_COLUMNS];
	char status[16];

	if (table->tupdesc->natts < COLUMN_COUNT || table->tupdesc->natts > MOST_COLUMNS)
		elog(ERROR, "a job has %d columns", table->tupdesc->natts);
	heap_deform_tuple(table->vals[row], table->tupdesc, values, nulls);
	memset(job, 0, sizeof(SchedJob));
	job->tid = *(ItemPointer) DatumGetPointer(values[COLUMN_TID]);
	job->user_id = *DatumGetUUIDP(values[COLUMN_USER_ID]);
	job->job_id = *DatumGetUUIDP(values[COLUMN_JOB_ID]);
	text_to_cstring_buffer(DatumGetTextPP(values[COLUMN_KIND]), job->kind_name,
						   sizeof(job->kind_name));
	job->payload = values[COLUMN_PAYLOAD];
	job->state = values[COLUMN_STATE];
	job->has_state = !nulls[COLUMN_STATE];
	text_to_cstring_buffer(DatumGetTextPP(values[COLUMN_STATUS]), status, sizeof(status));
	job->starts = strcmp(status, "pending") == 0;
	job->attempts = DatumGetInt32(values[COLUMN_ATTEMPTS]) + (job->starts ? 1 : 0);
	job->max_attempts = DatumGetInt32(values[COLUMN_MAX_ATTEMPTS]);
	job->run_at = DatumGetTimestampTz(values[COLUMN_RUN_AT]);
	job->has_parent = !nulls[COLUMN_PARENT_ID];
	if (job->has_parent)
		job->parent_id = *DatumGetUUIDP(values[COLUMN_PARENT_ID]);
	job->created_at = DatumGetTimestampTz(values[COLUMN_CREATED_AT]);
	job->request = values[COLUMN_REQUEST];
	job->has_request = !nulls[COLUMN_REQUEST];
	job->response = values[COLUMN_RESPONSE];
	job->has_response = !nulls[COLUMN_RESPONSE];
	job->again = values[COLUMN_AGAIN];
	job->has_again = !nulls[COLUMN_AGAIN];
	job->in_queue = DatumGetBool(values[COLUMN_IN_QUEUE]);
	job->priority = DatumGetInt16(values[COLUMN_PRIORITY]);
	job->retry_after_ms = -1;
}
