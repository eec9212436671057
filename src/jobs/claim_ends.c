/*
 * claim_ends.c - external workers: extend_lease(), finish_job(), finish_jobs(), fail_job(), and
 * leases that lapse.
 *
 * Runs in backends; workers call sched_jobs_end_lapsed_claims() by the clock. A claim is proven by
 * its number. Without one it counts where nobody else can believe to have the job: no claim of it
 * has lapsed yet, or the same session made the claim. A lease that has lapsed still counts as long
 * as nobody has noticed. What becomes of a job is written by outcome.c, as for every other; rights
 * are judged as in claims.c. Memory: the caller's context; what is refused throws.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/arguments.h"
#include "core/lock.h"
#include "jobs/claims.h"
#include "jobs/job.h"
#include "jobs/store.h"

PG_FUNCTION_INFO_V1(sched_sql_extend_lease);
PG_FUNCTION_INFO_V1(sched_sql_finish_job);
PG_FUNCTION_INFO_V1(sched_sql_finish_jobs);
PG_FUNCTION_INFO_V1(sched_sql_fail_job);

/* Lapsed claims of one transaction. */
#define LAPSED_ROWS 1000

/*
 * Claimed jobs by id, by one of three ways: a user's own through the primary key, those of a claim
 * through the index of leases, and where neither is known those of anybody through the index of
 * claims. The last two are for callers who may have everybody's jobs; they name the kinds, so that
 * nobody can as much as lock what he has no right to. $3: the caller is an administrator. Locked in
 * the order of the keys; as text, because an index that has this order would be walked through from
 * its beginning.
 */
#define LOCK_CLAIMED(condition, type)                                                          \
	{                                                                                          \
		"SELECT " SCHED_JOB_COLUMNS ", l.lease, l.lease_until, l.contested, l.worker_pid FROM" \
		" scheduler.live_jobs l WHERE l.job_id = ANY ($1) AND " condition                      \
		" ORDER BY l.job_id::text FOR UPDATE",                                                 \
			3, {UUIDARRAYOID, type, BOOLOID}, true, NULL                                       \
	}
/* Before they are locked: parents come first. */
#define FIND_PARENTS(condition, type)                                                   \
	{                                                                                   \
		"SELECT l.user_id, l.parent_id FROM scheduler.live_jobs l WHERE l.job_id = ANY" \
		" ($1) AND " condition,                                                         \
			3, {UUIDARRAYOID, type, BOOLOID}, true, NULL                                \
	}
#define OF_CALLER                                                          \
	" AND l.kind IN (SELECT k.kind FROM scheduler.job_kinds k WHERE $3 OR" \
	" scheduler.caller_has_role(k.worker_role))"
#define OF_USER "l.user_id = $2 AND $3 IS NOT NULL"
#define OF_CLAIM "l.lease = $2 AND l.lease_until IS NOT NULL" OF_CALLER
#define OF_ANYBODY "l.lease_until IS NOT NULL AND $2 IS NULL" OF_CALLER

typedef enum Way
{
	WAY_USER,
	WAY_CLAIM,
	WAY_ANY
} Way;

static SchedStatement lock_claimed[] = {LOCK_CLAIMED(OF_USER, UUIDOID),
										LOCK_CLAIMED(OF_CLAIM, INT8OID),
										LOCK_CLAIMED(OF_ANYBODY, INT8OID)};
static SchedStatement find_parents[] = {FIND_PARENTS(OF_USER, UUIDOID),
										FIND_PARENTS(OF_CLAIM, INT8OID),
										FIND_PARENTS(OF_ANYBODY, INT8OID)};
static SchedStatement lock_parent = {
	"SELECT FROM scheduler.live_jobs p WHERE p.user_id = $1 AND p.job_id = $2 FOR NO KEY UPDATE",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};
static SchedStatement set_lease = {
	"UPDATE scheduler.live_jobs SET lease_until = $3 WHERE user_id = $1 AND job_id = $2",
	3,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	true,
	NULL};
static SchedStatement read_status = {
	"SELECT status FROM scheduler.live_jobs WHERE user_id = $1 AND job_id = $2",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};
/* For the words of a refusal: also what is finished. A job of somebody else stays unknown. */
static SchedStatement find_anywhere = {
	"SELECT j.kind, j.status FROM scheduler.jobs j WHERE j.job_id = $1"
	" AND (j.user_id = $2 OR $2 IS NULL)",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};

/*
 * Whoever extends or ends one just now has it locked, and it is passed over. $3: also those whose
 * end is their last attempt and counts in a parent, whose row would have to be locked first.
 */
static SchedStatement find_lapsed = {
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.lease_until <= $1 AND"
	" ($3 OR l.parent_id IS NULL OR l.attempts < l.max_attempts) ORDER BY l.lease_until LIMIT $2"
	" FOR UPDATE SKIP LOCKED",
	3,
	{TIMESTAMPTZOID, INT8OID, BOOLOID},
	true,
	NULL};
/* From now on an end without a number could be anybody's. */
static SchedStatement mark_contested = {
	"UPDATE scheduler.live_jobs SET contested = true WHERE ctid = ANY ($1)",
	1,
	{TIDARRAYOID},
	true,
	NULL};
static SchedStatement next_lapse = {"SELECT l.lease_until FROM scheduler.live_jobs l WHERE"
									" l.lease_until IS NOT NULL ORDER BY l.lease_until LIMIT 1",
									0,
									{0},
									true,
									NULL};

/* What a caller says about jobs that he has claimed. */
typedef struct Claim
{
	SchedClaimCaller caller;
	Datum job_ids; /* uuid[] */
	pg_uuid_t *ids;
	int n;
	bool has_number;
	int64 number;
} Claim;

/* A claimed job that was found, and why it is not the caller's (NULL: it is). */
typedef struct Held
{
	SchedJob job;
	const char *problem;
	bool unclear; /* a number would tell */
} Held;

/*
 * Why this job is not the caller's, or NULL. Its row is locked. The columns behind those of every
 * job are found by name, so that SCHED_JOB_COLUMNS may grow.
 */
static const char *
judge_claim(const Claim *claim, SPITupleTable *rows, uint64 row, bool *unclear)
{
	TupleDesc desc = rows->tupdesc;
	HeapTuple tuple = rows->vals[row];
	bool no_lease;
	bool no_flag;
	bool no_pid;
	bool is_null;
	int64 lease = DatumGetInt64(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "lease"), &is_null));
	bool contested =
		DatumGetBool(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "contested"), &no_flag));
	int pid = DatumGetInt32(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "worker_pid"), &no_pid));

	SPI_getbinval(tuple, desc, SPI_fnumber(desc, "lease_until"), &no_lease);
	*unclear = false;
	if (no_lease)
		return "Nobody has claimed it, or the lease has lapsed.";
	if (claim->has_number)
		return lease == claim->number ? NULL : "Its lease has lapsed, and somebody else has it.";
	/* Without a number: where nobody else can believe to have it, or where this session took it. */
	if (no_flag || !contested || (!no_pid && pid == MyProcPid))
		return NULL;
	*unclear = true;
	return "A claim of it has lapsed before.";
}

/* A parent of a job that is to end. */
typedef struct Parent
{
	pg_uuid_t user_id;
	pg_uuid_t job_id;
} Parent;

static int
compare_parents(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(Parent));
}

/*
 * The rows above, which count the ends: locked before the jobs, as cancel_job() does, which comes
 * from above, too. A parent never changes, so reading it without a lock is enough.
 */
static void
lock_parents(Way way, Datum *values, const char *nulls)
{
	Parent *parents;
	int n = 0;

	sched_jobs_execute(&find_parents[way], values, nulls, SPI_OK_SELECT);
	parents = palloc(Max(SPI_processed, 1) * sizeof(Parent));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool is_null;
		TupleDesc desc = SPI_tuptable->tupdesc;
		Datum parent = SPI_getbinval(SPI_tuptable->vals[i], desc, 2, &is_null);

		if (is_null)
			continue;
		parents[n].job_id = *DatumGetUUIDP(parent);
		parents[n].user_id =
			*DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], desc, 1, &is_null));
		n++;
	}
	qsort(parents, n, sizeof(Parent), compare_parents);
	for (int i = 0; i < n; i++)
	{
		Datum keys[2] = {UUIDPGetDatum(&parents[i].user_id), UUIDPGetDatum(&parents[i].job_id)};

		if (i == 0 || compare_parents(&parents[i - 1], &parents[i]) != 0)
			sched_jobs_execute(&lock_parent, keys, NULL, SPI_OK_SELECT);
	}
}

/* Locks the claimed jobs that this way leads to, parents first; how many were put into `held`. */
static int
lock_by(const Claim *claim, Way way, Held *held, int room)
{
	Datum values[3] = {claim->job_ids, (Datum) 0, BoolGetDatum(claim->caller.is_admin)};
	const char *nulls = way == WAY_ANY ? " n " : NULL;
	SPITupleTable *rows;
	uint64 n_rows;
	int n = 0;

	values[1] =
		way == WAY_USER ? UUIDPGetDatum(&claim->caller.user_id) : Int64GetDatum(claim->number);
	lock_parents(way, values, nulls);
	sched_jobs_execute(&lock_claimed[way], values, nulls, SPI_OK_SELECT);
	rows = SPI_tuptable;
	n_rows = SPI_processed;
	for (uint64 i = 0; i < n_rows && n < room; i++)
	{
		SchedJob *job = &held[n].job;

		sched_jobs_read_row(job, rows, i);
		job->kind = sched_jobs_find_kind(job->kind_name);
		job->memory = CurrentMemoryContext;
		held[n].problem = judge_claim(claim, rows, i, &held[n].unclear);
		/* An administrator's own ones came first. */
		if (way != WAY_USER && claim->caller.has_user &&
			memcmp(&job->user_id, &claim->caller.user_id, UUID_LEN) == 0)
			continue;
		if (job->kind != NULL && sched_jobs_may_claim(&claim->caller, job->kind))
			n++;
	}
	return n;
}

/*
 * A user's own jobs first: that is the cheap way, and the only one for him. An administrator who is a
 * user, too, goes both.
 *
 * Gives all of the claim's jobs that are there, each with what is wrong with it.
 */
static int
lock_held(const Claim *claim, Held *held)
{
	int n = 0;

	if (claim->caller.has_user)
		n = lock_by(claim, WAY_USER, held, claim->n);
	if (claim->caller.sees_all && n < claim->n)
		n += lock_by(claim, claim->has_number ? WAY_CLAIM : WAY_ANY, held + n, claim->n - n);
	return n;
}

/* The arguments job_id or job_ids and claim. */
static void
read_claim(FunctionCallInfo fcinfo, int claim_argument, Datum *ids, int n, Claim *claim)
{
	sched_core_refuse_old_snapshot();
	sched_jobs_find_claim_caller(&claim->caller);
	claim->n = n;
	claim->ids = palloc(Max(n, 1) * sizeof(pg_uuid_t));
	for (int i = 0; i < n; i++)
		claim->ids[i] = *DatumGetUUIDP(ids[i]);
	claim->job_ids = sched_jobs_form_array(ids, n, UUIDOID);
	claim->has_number = !PG_ARGISNULL(claim_argument);
	claim->number = claim->has_number ? PG_GETARG_INT64(claim_argument) : 0;
}

/*
 * Says what became of the job; never returns. A job that the caller has no right to is an unknown
 * one, in the same words.
 */
static void
refuse_claim(const Claim *claim, const Held *held)
{
	Datum values[2] = {UUIDPGetDatum(&claim->ids[0]), UUIDPGetDatum(&claim->caller.user_id)};
	const char *problem = held != NULL ? held->problem : NULL;
	const char *status = "";
	SchedKind *kind = NULL;

	sched_jobs_execute(&find_anywhere, values, claim->caller.sees_all ? " n" : NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
	{
		HeapTuple row = SPI_tuptable->vals[0];
		TupleDesc desc = SPI_tuptable->tupdesc;

		status = SPI_getvalue(row, desc, 2);
		kind = sched_jobs_find_kind(SPI_getvalue(row, desc, 1));
	}
	if (kind == NULL || (!sched_jobs_may_claim(&claim->caller, kind) && !claim->caller.has_user))
		ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'T', '4', '0', '4')), errmsg("no such job"),
						errdetail("%s", DatumGetCString(DirectFunctionCall1(
											uuid_out, UUIDPGetDatum(&claim->ids[0]))))));
	if (!sched_jobs_may_claim(&claim->caller, kind))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to work on jobs of kind \"%s\"", kind->name)));
	if (held != NULL && held->unclear)
		ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'T', '4', '0', '9')),
						errmsg("it cannot be told whose claim of this job is meant"),
						errdetail("%s", problem),
						errhint("Give claim => the column claim of the row that claim_jobs() "
								"returned.")));
	if (problem == NULL)
		problem = strcmp(status, "running") == 0 ? "Its lease has lapsed, and somebody else has it."
												 : psprintf("Its status is %s.", status);
	ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'T', '4', '0', '9')),
					errmsg("the claim of this job is over"), errdetail("%s", problem),
					errhint("Leave it: what is still to be done will be done by who claims it "
							"next.")));
}

/* The one job, held; throws otherwise. */
static void
require_held(const Claim *claim, Held *held)
{
	int n = lock_held(claim, held);

	if (n == 0 || held->problem != NULL)
		refuse_claim(claim, n == 0 ? NULL : held);
}

/* Where this id stands among those given; rows come in their order, nearly always that of the ids. */
static int
find_index(const Claim *claim, const pg_uuid_t *job_id, int after)
{
	for (int i = 0; i < claim->n; i++)
	{
		int index = (after + i) % claim->n;

		if (memcmp(&claim->ids[index], job_id, UUID_LEN) == 0)
			return index;
	}
	elog(ERROR, "a job that was not asked for");
}

/* Argument `argument` as a uuid array without NULLs. */
static int
read_ids(FunctionCallInfo fcinfo, int argument, Datum **ids)
{
	bool *nulls;
	int n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, ids,
					  &nulls, &n);
	if (n > SCHED_MAX_CLAIM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at most %d jobs are finished at once", SCHED_MAX_CLAIM),
						errdetail("%d", n)));
	for (int i = 0; i < n; i++)
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a job_id is NULL")));
	return n;
}

/*
 * finish_jobs(job_ids, results, claim) -> the ids of those that ended. One that is over does not undo
 * the others: it is missing in the answer. All of them leave in two statements.
 */
Datum
sched_sql_finish_jobs(PG_FUNCTION_ARGS)
{
	Claim claim;
	SchedRights before;
	MemoryContext memory = CurrentMemoryContext;
	Datum *ids;
	Datum *results = NULL;
	bool *no_result = NULL;
	int n_results = 0;
	int n;
	int found;
	int n_held = 0;
	int index = -1;
	Held *held;
	SchedJob *jobs;
	Datum *ended;

	sched_core_require_argument(fcinfo, 0, "job_ids");
	n = read_ids(fcinfo, 0, &ids);
	if (!PG_ARGISNULL(1))
	{
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), JSONBOID, -1, false, TYPALIGN_INT, &results,
						  &no_result, &n_results);
		if (n_results != n)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("as many results as jobs are wanted, or none"),
							errdetail("%d jobs, %d results", n, n_results)));
	}
	read_claim(fcinfo, 2, ids, n, &claim);
	held = palloc(Max(n, 1) * sizeof(Held));
	jobs = palloc(Max(n, 1) * sizeof(SchedJob));
	ended = palloc(Max(n, 1) * sizeof(Datum));
	sched_jobs_enter_system(&before);
	found = lock_held(&claim, held);
	for (int i = 0; i < found; i++)
	{
		SchedJob *job = &jobs[n_held];

		if (held[i].problem != NULL)
			continue;
		*job = held[i].job;
		index = find_index(&claim, &job->job_id, index + 1);
		job->outcome = SCHED_OUTCOME_DONE;
		job->has_result = results != NULL && !no_result[index];
		job->result = job->has_result ? results[index] : (Datum) 0;
		ended[n_held++] = UUIDPGetDatum(&claim.ids[index]);
	}
	sched_jobs_write_outcomes(jobs, n_held, 0);
	sched_jobs_leave_system(&before);
	MemoryContextSwitchTo(memory);
	PG_RETURN_DATUM(sched_jobs_form_array(ended, n_held, UUIDOID));
}

/* One job, held by the caller, with its outcome: what it is then. */
static text *
end_one(Claim *claim, SchedOutcome outcome, Datum result, bool has_result, const char *reason)
{
	MemoryContext memory = CurrentMemoryContext;
	SchedRights before;
	Held held;
	Datum values[2];
	text *status;

	sched_jobs_enter_system(&before);
	require_held(claim, &held);
	held.job.outcome = outcome;
	held.job.result = result;
	held.job.has_result = has_result;
	held.job.reason = reason;
	sched_jobs_write_outcomes(&held.job, 1, 0);
	values[0] = UUIDPGetDatum(&held.job.user_id);
	values[1] = UUIDPGetDatum(&held.job.job_id);
	sched_jobs_execute(&read_status, values, NULL, SPI_OK_SELECT);
	MemoryContextSwitchTo(memory);
	status = cstring_to_text(SPI_processed == 0
								 ? "succeeded"
								 : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	sched_jobs_leave_system(&before);
	return status;
}

/* finish_job(job_id, result, claim) -> status */
Datum
sched_sql_finish_job(PG_FUNCTION_ARGS)
{
	Claim claim;
	Datum id = PG_GETARG_DATUM(0);

	sched_core_require_argument(fcinfo, 0, "job_id");
	read_claim(fcinfo, 2, &id, 1, &claim);
	PG_RETURN_TEXT_P(
		end_one(&claim, SCHED_OUTCOME_DONE, PG_GETARG_DATUM(1), !PG_ARGISNULL(1), NULL));
}

/* fail_job(job_id, reason, retry, claim) -> status */
Datum
sched_sql_fail_job(PG_FUNCTION_ARGS)
{
	Claim claim;
	Datum id = PG_GETARG_DATUM(0);

	sched_core_require_argument(fcinfo, 0, "job_id");
	sched_core_require_argument(fcinfo, 1, "reason");
	sched_core_require_argument(fcinfo, 2, "retry");
	read_claim(fcinfo, 3, &id, 1, &claim);
	PG_RETURN_TEXT_P(end_one(&claim, PG_GETARG_BOOL(2) ? SCHED_OUTCOME_RETRY : SCHED_OUTCOME_FAIL,
							 (Datum) 0, false, text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* extend_lease(job_id, lease, claim) -> until when */
Datum
sched_sql_extend_lease(PG_FUNCTION_ARGS)
{
	Claim claim;
	Held held;
	SchedRights before;
	Datum values[3];
	TimestampTz until;
	Datum id = PG_GETARG_DATUM(0);

	sched_core_require_argument(fcinfo, 0, "job_id");
	sched_core_require_argument(fcinfo, 1, "lease");
	until = sched_jobs_read_lease(PG_GETARG_INTERVAL_P(1));
	read_claim(fcinfo, 2, &id, 1, &claim);
	sched_jobs_enter_system(&before);
	require_held(&claim, &held);
	values[0] = UUIDPGetDatum(&held.job.user_id);
	values[1] = UUIDPGetDatum(&held.job.job_id);
	values[2] = TimestampTzGetDatum(until);
	sched_jobs_execute(&set_lease, values, NULL, SPI_OK_UPDATE);
	sched_jobs_leave_system(&before);
	PG_RETURN_TIMESTAMPTZ(until);
}

/*
 * The jobs of one call are judged and written together, as those of dead processes are. The next time
 * is asked afterwards: what was passed over is still the first.
 */
TimestampTz
sched_jobs_end_lapsed_claims(bool all)
{
	Datum values[3] = {TimestampTzGetDatum(GetCurrentTimestamp()), Int64GetDatum(LAPSED_ROWS),
					   BoolGetDatum(all)};
	SPITupleTable *rows;
	int n;
	bool is_null = true;
	Datum next = (Datum) 0;

	sched_jobs_execute(&find_lapsed, values, NULL, SPI_OK_SELECT);
	rows = SPI_tuptable;
	n = (int) SPI_processed;
	if (n > 0)
	{
		SchedJob *jobs = palloc(n * sizeof(SchedJob));
		Datum *tids = palloc(n * sizeof(Datum));

		for (int i = 0; i < n; i++)
		{
			sched_jobs_read_row(&jobs[i], rows, i);
			jobs[i].kind = sched_jobs_find_kind(jobs[i].kind_name);
			jobs[i].memory = CurrentMemoryContext;
			sched_jobs_note_failure(&jobs[i], "the lease lapsed");
			tids[i] = PointerGetDatum(&jobs[i].tid);
		}
		values[0] = sched_jobs_form_array(tids, n, TIDOID);
		sched_jobs_execute(&mark_contested, values, NULL, SPI_OK_UPDATE);
		sched_jobs_write_outcomes(jobs, n, 0);
	}
	sched_jobs_execute(&next_lapse, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		next = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	return is_null ? DT_NOEND : DatumGetTimestampTz(next);
}
