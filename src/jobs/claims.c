/*
 * claims.c - external workers: claim_jobs(), and who may claim what.
 *
 * Runs in backends. Nothing is kept between calls: over PostgREST each may come through another
 * session. The proof of a claim is its number, the same for all jobs of one claim_jobs().
 * claim_ends.c has what becomes of claimed jobs.
 *
 * Whose jobs: a user claims his own, a role that is no user's own and an administrator everybody's.
 * Of which kinds: the user's own ones, and those whose worker_role the caller is a member of.
 * Rights are judged here, rows read and written as scheduler_system; every statement names the
 * user or the claim.
 *
 * Fair shares: each call looks through the users with work from a random place of a ring on
 * (by hash, because keys made in one burst lie together) and takes as much from each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/arguments.h"
#include "core/lock.h"
#include "identity/current_user.h"
#include "jobs/claims.h"
#include "jobs/duties.h"
#include "jobs/job.h"
#include "jobs/place.h"
#include "jobs/shmem.h"
#include "jobs/store.h"

PG_FUNCTION_INFO_V1(sched_sql_claim_jobs);

#define MAX_KINDS 100
/* One call in so many looks at the clock even where it has found enough. */
#define CLOCK_EVERY 20
/* Clients keep it in a double. */
#define CLAIM_BITS 53

#define CLAIMABLE "l.ready AND l.runner IS NULL"
#define HASH "pg_catalog.uuid_hash(l.user_id)"
#define ROW_ACTIVE SCHED_IS_ACTIVE("l.user_id")
#define USER_ACTIVE SCHED_IS_ACTIVE("$2")

static SchedStatement next_user = {"SELECT " HASH ", l.user_id, " ROW_ACTIVE
								   " FROM scheduler.live_jobs l WHERE l.kind = $1 AND " CLAIMABLE
								   " AND (" HASH ", l.user_id) > ($2, $3) ORDER BY " HASH
								   ", l.user_id LIMIT 1",
								   3,
								   {TEXTOID, INT4OID, UUIDOID},
								   true,
								   NULL};
/* The best of one user's jobs of all these kinds; what is locked too much is free again at commit. */
static SchedStatement pick_jobs = {
	"SELECT j.ctid FROM pg_catalog.unnest($1) AS k (kind), LATERAL (SELECT l.ctid, l.priority,"
	" l.run_at, l.job_id FROM scheduler.live_jobs l WHERE l.kind = k.kind AND " HASH
	" = pg_catalog.uuid_hash($2) AND l.user_id = $2 AND " CLAIMABLE " AND " USER_ACTIVE
	" ORDER BY l.priority, l.run_at, l.job_id LIMIT $3 FOR UPDATE SKIP LOCKED) AS j"
	" ORDER BY j.priority, j.run_at, j.job_id LIMIT $3",
	3,
	{TEXTARRAYOID, UUIDOID, INT8OID},
	true,
	NULL};
/* The columns of scheduler.jobs, in its order. */
static SchedStatement take_picked = {
	"WITH taken AS (UPDATE scheduler.live_jobs l SET status = 'running', ready = false,"
	" attempts = l.attempts + 1, lease = $2, lease_until = $3, worker_pid = $4,"
	" started_at = coalesce(l.started_at, pg_catalog.now()) WHERE l.ctid = ANY ($1) RETURNING l.*)"
	" SELECT t.job_id, t.user_id, t.kind, t.payload, t.state, t.status, t.priority, t.run_at,"
	" t.attempts, t.max_attempts, t.unique_key, t.queue, t.parent_id, NULL::jsonb AS result,"
	" t.error, t.worker_pid, t.created_at, t.started_at, t.finished_at, t.lease AS claim,"
	" t.lease_until FROM taken t ORDER BY t.priority, t.run_at, t.job_id",
	4,
	{TIDARRAYOID, INT8OID, TIMESTAMPTZOID, INT4OID},
	true,
	NULL};

/* A user's place in the ring of those with work. */
typedef struct Place
{
	uint32 distance;
	pg_uuid_t user_id;
} Place;

/* Asked before the role is changed or after: it is about the role outside. */
void
sched_jobs_find_claim_caller(SchedClaimCaller *caller)
{
	caller->has_user = sched_identity_find_current(&caller->user_id);
	caller->is_admin = sched_identity_caller_has_role("scheduler_admin");
	caller->sees_all = caller->is_admin || !caller->has_user;
}

/* The kind's owner, a member of its worker_role, or an administrator. */
bool
sched_jobs_may_claim(const SchedClaimCaller *caller, const SchedKind *kind)
{
	if (caller->is_admin)
		return true;
	if (caller->has_user && memcmp(&caller->user_id, &kind->owner, UUID_LEN) == 0)
		return true;
	return kind->worker_role[0] != '\0' && sched_identity_caller_has_role(kind->worker_role);
}

/* A kind that nobody has is not told from one that the caller may not claim. */
static void
require_claimable(const SchedClaimCaller *caller, const char *name)
{
	SchedKind *kind = sched_jobs_find_kind(name);

	if (kind == NULL || !sched_jobs_may_claim(caller, kind))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to claim jobs of kind \"%s\"", name),
						errhint("SELECT kind, worker_role FROM scheduler.job_kinds shows who may; "
								"its owner may claim his own jobs.")));
	if (!kind->external)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("jobs of kind \"%s\" are not claimed", name),
						errdetail("Its handler is %s.", kind->handler),
						errhint("A kind that is worked on from outside is registered without "
								"a handler.")));
}

/* The kinds as C strings; throws for what cannot be claimed. */
static void
check_kinds(const SchedClaimCaller *caller, ArrayType *kinds)
{
	Datum *names;
	bool *nulls;
	int n;

	deconstruct_array(kinds, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	if (n == 0 || n > MAX_KINDS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("between 1 and %d kinds can be claimed at once", MAX_KINDS),
						errdetail("%d", n)));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a kind is NULL")));
		require_claimable(caller, TextDatumGetCString(names[i]));
	}
}

/* From now on, for what the argument says. */
TimestampTz
sched_jobs_read_lease(Interval *lease)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, TimestampTzGetDatum(now), IntervalPGetDatum(lease)));

	if (end < now + 10 * 1000 || end > now + 7 * USECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a lease lasts from 10 milliseconds to 7 days"),
						errdetail("%s", DatumGetCString(DirectFunctionCall1(
											interval_out, IntervalPGetDatum(lease))))));
	return end;
}

/* Once more than enough for a claim; 0 is none. */
static int64
make_number(void)
{
	return (int64) (pg_prng_uint64(&pg_global_prng_state) >> (64 - CLAIM_BITS)) | 1;
}

/* By distance, then user: equal ones side by side. */
static int
compare_places(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return memcmp(&x->user_id, &y->user_id, UUID_LEN);
}

/* Users with work of this kind, from `from` on; at most `room`, and none behind `start` again. */
static int
hop_users(Datum kind, int32 from, int32 start, bool wrapped, Place *places, int room)
{
	static const pg_uuid_t lowest = {{0}};
	pg_uuid_t last = lowest;
	int n = 0;

	while (n < room)
	{
		Datum values[3] = {kind, Int32GetDatum(from), UUIDPGetDatum(&last)};
		bool is_null;
		bool active;

		sched_jobs_execute(&next_user, values, NULL, SPI_OK_SELECT);
		if (SPI_processed == 0)
			break;
		from =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		last = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
		active =
			DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &is_null));
		SPI_freetuptable(SPI_tuptable);
		if (wrapped && from >= start)
			break;
		if (!active)
			continue;
		places[n].distance = (uint32) from - (uint32) start;
		places[n].user_id = last;
		n++;
	}
	return n;
}

/* The next users of the ring with work of any of the kinds, each once. */
static int
find_users(Datum *kinds, int n_kinds, Place *places, int limit)
{
	int32 start = (int32) pg_prng_uint32(&pg_global_prng_state);
	int n = 0;
	int unique = 0;

	for (int i = 0; i < n_kinds; i++)
	{
		int found = hop_users(kinds[i], start, start, false, &places[n], limit);

		found += hop_users(kinds[i], PG_INT32_MIN, start, true, &places[n + found], limit - found);
		n += found;
	}
	qsort(places, n, sizeof(Place), compare_places);
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_places(&places[i], &places[unique - 1]) != 0)
			places[unique++] = places[i];
	return Min(unique, limit);
}

/* Row addresses of this user's next jobs, locked; how many. */
static int
pick_from(const pg_uuid_t *user_id, Datum kinds, int wanted, Datum *tids)
{
	Datum values[3] = {kinds, UUIDPGetDatum(user_id), Int64GetDatum(wanted)};
	int n;

	sched_jobs_execute(&pick_jobs, values, NULL, SPI_OK_SELECT);
	n = (int) SPI_processed;
	for (int i = 0; i < n; i++)
	{
		bool is_null;

		tids[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null);
	}
	return n;
}

/* Writes the claim into the rows and puts them among the function's. */
static void
take(ReturnSetInfo *result, Datum *tids, int n, int64 number, TimestampTz until)
{
	Datum values[4] = {sched_jobs_form_array(tids, n, TIDOID), Int64GetDatum(number),
					   TimestampTzGetDatum(until), Int32GetDatum(MyProcPid)};
	TupleDesc wanted = result->setDesc;
	TupleDesc got;

	sched_jobs_execute(&take_picked, values, NULL, SPI_OK_SELECT);
	got = SPI_tuptable->tupdesc;
	for (int i = 0; i < Max(wanted->natts, got->natts); i++)
		if (wanted->natts != got->natts ||
			TupleDescAttr(wanted, i)->atttypid != TupleDescAttr(got, i)->atttypid)
			elog(ERROR, "the columns of scheduler.jobs are not those of claim_jobs()");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}

/* One visit to each user; how many jobs were taken. */
static int
claim_round(ReturnSetInfo *result, const SchedClaimCaller *caller, ArrayType *kinds, int limit,
			int64 number, TimestampTz until)
{
	Datum *names;
	bool *nulls;
	int n_kinds;
	int n_users = 1;
	int taken = 0;
	Place *places;
	Datum *tids = palloc(limit * sizeof(Datum));

	deconstruct_array(kinds, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n_kinds);
	places = palloc((Size) n_kinds * limit * sizeof(Place) + sizeof(Place));
	places[0].user_id = caller->user_id;
	if (caller->sees_all)
		n_users = find_users(names, n_kinds, places, limit);
	for (int i = 0; i < n_users && taken < limit; i++)
	{
		int share = (limit + n_users - 1) / n_users;

		taken += pick_from(&places[i].user_id, PointerGetDatum(kinds), Min(share, limit - taken),
						   &tids[taken]);
	}
	if (taken > 0)
		take(result, tids, taken, number, until);
	return taken;
}

/* The worker's clock duty, for where there is none or it is behind; true where something is due. */
static bool
look_at_clock(void)
{
	uint64 due;

	sched_jobs_end_lapsed_claims(false);
	due = sched_jobs_mark_ready();
	if (due > 0)
	{
		sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
		sched_jobs_signal_at_commit(SCHED_SIGNAL_RUNNERS);
	}
	return due > 0;
}

/* claim_jobs(kinds, max, lease) -> setof jobs */
Datum
sched_sql_claim_jobs(PG_FUNCTION_ARGS)
{
	SchedClaimCaller caller;
	SchedRights before;
	int left;
	int64 number = make_number();
	TimestampTz until;
	bool looked = pg_prng_uint32(&pg_global_prng_state) % CLOCK_EVERY == 0;

	sched_core_refuse_old_snapshot();
	sched_core_require_argument(fcinfo, 0, "kinds");
	sched_core_require_argument(fcinfo, 1, "max");
	sched_core_require_argument(fcinfo, 2, "lease");
	left = PG_GETARG_INT32(1);
	if (left < 1 || left > SCHED_MAX_CLAIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max must be between 1 and %d", SCHED_MAX_CLAIM), errdetail("%d", left)));
	until = sched_jobs_read_lease(PG_GETARG_INTERVAL_P(2));
	sched_jobs_find_claim_caller(&caller);
	InitMaterializedSRF(fcinfo, 0);
	sched_jobs_enter_system(&before);
	check_kinds(&caller, PG_GETARG_ARRAYTYPE_P(0));
	if (!sched_jobs_is_armed())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no job is claimed: this database is not armed here"),
						errhint("SELECT * FROM scheduler.doctor(); SELECT scheduler.arm()")));
	if (looked)
		look_at_clock();
	while (left > 0)
	{
		int taken = claim_round((ReturnSetInfo *) fcinfo->resultinfo, &caller,
								PG_GETARG_ARRAYTYPE_P(0), left, number, until);

		left -= taken;
		if (taken > 0)
			continue;
		if (looked || !look_at_clock())
			break;
		looked = true;
	}
	sched_jobs_leave_system(&before);
	return (Datum) 0;
}
