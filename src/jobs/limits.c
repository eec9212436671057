/*
 * limits.c - how much of one user may go on at once, over all processes of a database.
 *
 * Runs in workers (calls in flight) and runners (handlers). Each process counts in its place of the shared table what it
 * has going on, so that a count goes with the process it is of; who starts one more adds up all places and counts it under
 * the same lock. A user takes at most all runners but one: the last is for those who have none. A kind's
 * per_user_limit holds for calls and handlers together.
 * Nothing here is kept in tables, and nothing throws but statements.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "core/settings.h"
#include "jobs/limits.h"
#include "jobs/process.h"
#include "jobs/store.h"

/* How far behind a user's jobs that have to wait one of another kind is found. */
#define LOOK_ROWS "1000"

static SchedStatement next_user = {
	"SELECT l.user_id FROM scheduler.live_jobs l WHERE l.ready AND l.runner AND l.user_id > $1"
	" ORDER BY l.user_id LIMIT 1",
	1,
	{UUIDOID},
	true,
	NULL};
static SchedStatement take_other_kind = {
	"SELECT " SCHED_JOB_COLUMNS
	" FROM scheduler.live_jobs l WHERE l.ctid = ANY (ARRAY(SELECT f.ctid"
	" FROM scheduler.live_jobs f WHERE f.user_id = $1 AND f.ready AND f.runner"
	" ORDER BY f.priority, f.run_at, f.job_id LIMIT " LOOK_ROWS ")) AND l.ready AND l.runner"
	" AND pg_catalog.hashtext(l.kind) <> ALL ($2)"
	" ORDER BY l.priority, l.run_at, l.job_id LIMIT 1 FOR UPDATE SKIP LOCKED",
	2,
	{UUIDOID, INT4ARRAYOID},
	true,
	NULL};

/* As hashtext() has it: two kinds that look the same here share their limit. */
static uint32
hash_kind(const char *kind)
{
	return hash_bytes((const unsigned char *) kind, strlen(kind));
}

/* What a user has going on. */
typedef struct Load
{
	int runners;
	int of_kind;
} Load;

/* The caller holds the lock. */
static Load
add_up(const pg_uuid_t *user_id, uint32 kind)
{
	Load load = {0};

	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_FREE || process->database != MyDatabaseId)
			continue;
		for (int j = 0; j < process->n_going; j++)
		{
			SchedGoing *going = &process->going[j];

			if (memcmp(&going->user_id, user_id, UUID_LEN) != 0)
				continue;
			if (process->type == SCHED_PROCESS_RUNNER)
				load.runners += going->n;
			if (going->kind == kind)
				load.of_kind += going->n;
		}
	}
	return load;
}

/* The own entry of a user and kind, made where asked and there is room. */
static SchedGoing *
find_own(const pg_uuid_t *user_id, uint32 kind, bool make)
{
	SchedProcess *process = sched_jobs_my_process();
	SchedGoing *room = NULL;

	for (int j = 0; j < process->n_going; j++)
	{
		SchedGoing *going = &process->going[j];

		if (going->n == 0)
			room = going;
		else if (going->kind == kind && memcmp(&going->user_id, user_id, UUID_LEN) == 0)
			return going;
	}
	if (!make)
		return NULL;
	if (room == NULL && process->n_going < SCHED_MAX_GOING)
		room = &process->going[process->n_going++];
	if (room != NULL)
	{
		room->user_id = *user_id;
		room->kind = kind;
		room->n = 0;
	}
	return room;
}

/* Where there is no room to count one more pair of user and kind, it waits. */
static bool
reserve(const pg_uuid_t *user_id, const char *kind, int limit, bool runner)
{
	uint32 hash = hash_kind(kind);
	SchedGoing *own = NULL;
	Load load;

	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	load = add_up(user_id, hash);
	if ((limit == 0 || load.of_kind < limit) &&
		(!runner || load.runners < Max(1, sched_runners - 1)))
		own = find_own(user_id, hash, true);
	if (own != NULL)
		own->n++;
	LWLockRelease(sched_jobs_shared->lock);
	return own != NULL;
}

bool
sched_jobs_reserve_call(const pg_uuid_t *user_id, const char *kind, int limit)
{
	return limit == 0 || reserve(user_id, kind, limit, false);
}

/* Another worker may wait for it; this one is about to look. */
void
sched_jobs_release_call(const pg_uuid_t *user_id, const char *kind, int limit)
{
	SchedGoing *own;

	if (limit == 0)
		return;
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	own = find_own(user_id, hash_kind(kind), false);
	if (own != NULL)
		own->n--;
	LWLockRelease(sched_jobs_shared->lock);
	if (sched_workers > 1)
		sched_jobs_signal_workers(MyDatabaseId, SCHED_SIGNAL_JOBS);
}

/* A runner has one thing going on. */
void
sched_jobs_release_job(void)
{
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	sched_jobs_my_process()->n_going = 0;
	LWLockRelease(sched_jobs_shared->lock);
}

/* Kinds of which this user has anything going on, as a parameter: those that may have to wait. */
static Datum
list_kinds(const pg_uuid_t *user_id)
{
	Datum *kinds = palloc(SCHED_MAX_PROCESSES * SCHED_MAX_GOING * sizeof(Datum));
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_FREE || process->database != MyDatabaseId)
			continue;
		for (int j = 0; j < process->n_going; j++)
			if (process->going[j].n > 0 &&
				memcmp(&process->going[j].user_id, user_id, UUID_LEN) == 0)
				kinds[n++] = Int32GetDatum((int32) process->going[j].kind);
	}
	LWLockRelease(sched_jobs_shared->lock);
	return PointerGetDatum(construct_array(kinds, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* Reads the job that was just locked and counts it, where its user may run one more. */
static bool
admit(SchedJob *job)
{
	SchedKind *kind;

	sched_jobs_read_row(job, SPI_tuptable, 0);
	kind = sched_jobs_find_kind(job->kind_name);
	return reserve(&job->user_id, job->kind_name, kind != NULL ? kind->per_user_limit : 0, true);
}

/* The next users in turn; of each, one job of a kind of which he has nothing going on. */
static bool
take_from_others(SchedJob *job)
{
	static pg_uuid_t turn = {{0}};
	pg_uuid_t first;
	bool has_first = false;
	bool wrapped = false;

	for (;;)
	{
		Datum values[2] = {UUIDPGetDatum(&turn)};
		bool is_null;

		sched_jobs_execute(&next_user, values, NULL, SPI_OK_SELECT);
		if (SPI_processed == 0)
		{
			if (wrapped)
				return false;
			wrapped = true;
			memset(&turn, 0, UUID_LEN);
			continue;
		}
		turn = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		if (!has_first)
			first = turn;
		else if (wrapped && memcmp(&turn, &first, UUID_LEN) >= 0)
			return false;
		has_first = true;
		values[1] = list_kinds(&turn);
		sched_jobs_execute(&take_other_kind, values, NULL, SPI_OK_SELECT);
		if (SPI_processed > 0 && admit(job))
			return true;
	}
}

/*
 * The rotation's next job; where its user must wait, others. The rotation had passed that job, so it
 * begins anew.
 */
bool
sched_jobs_claim_within_limits(SchedClaimer *claimer, SchedJob *job)
{
	SchedKind *kind;

	if (sched_jobs_claim(claimer, job, 1) == 0)
		return false;
	kind = sched_jobs_find_kind(job->kind_name);
	if (reserve(&job->user_id, job->kind_name, kind != NULL ? kind->per_user_limit : 0, true))
		return true;
	sched_jobs_restart_claimer(claimer);
	return take_from_others(job);
}
