/*
 * duties.c - the worker's other work: clock, queues, schedules, numbering of changes, seals of
 * the audit log, jobs of the dead, retention.
 *
 * Runs in workers, each duty in a short transaction of its own that the worker opens. Several
 * workers of a database may do the same at once: rows are taken with SKIP LOCKED, the rest is
 * fenced by a lock that is tried, never waited for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/fault.h"
#include "core/lock.h"
#include "http/request.h"
#include "jobs/claims.h"
#include "jobs/duties.h"
#include "jobs/job.h"
#include "jobs/shmem.h"
#include "jobs/spared.h"
#include "jobs/store.h"

/* Rows of one duty in one transaction. */
#define DUTY_ROWS 1000
#define HOUSE_ROWS 5000
/* A job that an end from outside caught is tried again within so long; where that comes a second time in a row, so long. */
#define SPARED_PAUSE_MS 1000
#define SPARED_AGAIN_MS 5000
#define SPARED_REASON "the process was ended from outside while the handler ran"
#define CRASHED_REASON "the process ended while the handler ran"
#define CLAIMS_PAUSE USECS_PER_SEC

#define DELAYED \
	"NOT l.ready AND l.status IN ('pending', 'sleeping') AND (l.queue IS NULL OR l.holds_queue)"
#define QUEUED "l.queue IS NOT NULL AND l.status = 'pending' AND NOT l.holds_queue"

static SchedStatement mark_due = {
	"UPDATE scheduler.live_jobs SET ready = true WHERE ctid = ANY (ARRAY(SELECT l.ctid FROM"
	" scheduler.live_jobs l WHERE " DELAYED " AND l.run_at <= $1 ORDER BY l.run_at LIMIT $2"
	" FOR UPDATE SKIP LOCKED))",
	2,
	{TIMESTAMPTZOID, INT8OID},
	true,
	NULL};
static SchedStatement next_due = {"SELECT l.run_at FROM scheduler.live_jobs l WHERE " DELAYED
								  " ORDER BY l.run_at LIMIT 1",
								  0,
								  {0},
								  true,
								  NULL};

/* Hops from queue to queue through the index; the head of each, unless the queue is taken. */
static SchedStatement find_heads = {
	"WITH RECURSIVE q AS ((SELECT l.user_id, l.queue FROM scheduler.live_jobs l WHERE " QUEUED
	" ORDER BY l.user_id, l.queue LIMIT 1) UNION ALL SELECT n.user_id, n.queue FROM q,"
	" LATERAL (SELECT l.user_id, l.queue FROM scheduler.live_jobs l WHERE " QUEUED
	" AND (l.user_id, l.queue) > (q.user_id, q.queue) ORDER BY l.user_id, l.queue LIMIT 1) AS n)"
	" SELECT h.user_id, h.job_id, h.run_at FROM q, LATERAL (SELECT l.user_id, l.job_id, l.run_at"
	" FROM scheduler.live_jobs l WHERE " QUEUED " AND l.user_id = q.user_id AND l.queue = q.queue"
	" ORDER BY l.user_id, l.queue, l.run_at, l.job_id LIMIT 1) AS h WHERE NOT EXISTS (SELECT FROM"
	" scheduler.live_jobs b WHERE b.user_id = q.user_id AND b.queue = q.queue AND b.holds_queue)",
	0,
	{0},
	true,
	NULL};
static SchedStatement give_turn = {
	"UPDATE scheduler.live_jobs l SET holds_queue = true, ready = true WHERE l.user_id = $1"
	" AND l.job_id = $2 AND " QUEUED,
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};
#define FENCES 1398362948
#define FENCE_QUEUES 1
#define FENCE_CHANGES 2
#define FENCE_HOUSE 3

static SchedStatement fire_schedules = {"SELECT scheduler.fire_schedules()", 0, {0}, false, NULL};

static SchedStatement any_change = {
	"SELECT FROM scheduler.new_changes LIMIT 1", 0, {0}, false, NULL};
static SchedStatement start_counter = {
	"INSERT INTO scheduler.change_counters (last_change_seq) VALUES (0) ON CONFLICT DO NOTHING",
	0,
	{0},
	false,
	NULL};
static SchedStatement number_changes = {
	"WITH moved AS (DELETE FROM scheduler.new_changes WHERE ctid = ANY (ARRAY(SELECT n.ctid FROM"
	" scheduler.new_changes n LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING *), numbered AS"
	" (INSERT INTO scheduler.changes (user_id, change_seq, type, subject_id, at) SELECT m.user_id,"
	" c.last_change_seq + row_number() OVER (ORDER BY m.at, m.new_change_id), m.type, m.subject_id,"
	" m.at FROM moved m, scheduler.change_counters c RETURNING change_seq) UPDATE"
	" scheduler.change_counters c SET last_change_seq = c.last_change_seq + (SELECT count(*) FROM"
	" numbered) RETURNING c.last_change_seq",
	1,
	{INT8OID},
	false,
	NULL};

#define ORPHANED "l.lease IS NOT NULL AND l.lease <> ALL ($1) AND l.lease_until IS NULL"

static SchedStatement any_orphan = {
	"SELECT FROM scheduler.live_jobs l WHERE " ORPHANED " LIMIT 1", 1, {INT8ARRAYOID}, true, NULL};
static SchedStatement find_orphans = {
	"SELECT " SCHED_JOB_COLUMNS ", l.lease, l.error, l.crashed IS NOT NULL AS crashed FROM"
	" scheduler.live_jobs l WHERE " ORPHANED " LIMIT $2 FOR UPDATE SKIP LOCKED",
	2,
	{INT8ARRAYOID, INT8OID},
	true,
	NULL};
static SchedStatement mark_crashed = {
	"UPDATE scheduler.live_jobs SET crashed = true WHERE ctid = ANY ($1)",
	1,
	{TIDARRAYOID},
	true,
	NULL};
static SchedStatement runner_work = {
	"SELECT FROM scheduler.live_jobs l WHERE l.ready AND l.runner LIMIT 1", 0, {0}, true, NULL};
static SchedStatement job_lives = {
	"SELECT FROM scheduler.live_jobs l WHERE l.job_id = $1 AND " SCHED_IS_ACTIVE("l.user_id"),
	1,
	{UUIDOID},
	true,
	NULL};

/* Tried, never waited for: whoever holds it does the same work. */
static bool
pass_fence(int number)
{
	return sched_core_take_lock(FENCES, number, false);
}

/* The one timestamp that a statement gave, or never. */
static TimestampTz
read_time(void)
{
	bool is_null;
	Datum value;

	if (SPI_processed == 0)
		return DT_NOEND;
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	return is_null ? DT_NOEND : DatumGetTimestampTz(value);
}

/* Rows that somebody holds are left for the next time. */
uint64
sched_jobs_mark_ready(void)
{
	Datum values[2] = {TimestampTzGetDatum(GetCurrentTimestamp()), Int64GetDatum(DUTY_ROWS)};

	sched_jobs_execute(&mark_due, values, NULL, SPI_OK_UPDATE);
	return SPI_processed;
}

/*
 * Claims that were made since the last look are seen a second later at the earliest: whoever makes one wakes nobody.
 */
static TimestampTz
look_after_claims(void)
{
	static TimestampTz looked = 0;
	static TimestampTz next = DT_NOEND;
	TimestampTz now = GetCurrentTimestamp();

	if (now < next && now - looked < CLAIMS_PAUSE && now >= looked)
		return next;
	looked = now;
	next = sched_jobs_end_lapsed_claims(true);
	return next;
}

TimestampTz
sched_jobs_mark_due(void)
{
	TimestampTz next = look_after_claims();

	sched_jobs_mark_ready();
	sched_jobs_execute(&next_due, NULL, NULL, SPI_OK_SELECT);
	return Min(next, read_time());
}

/*
 * Order within a queue is time, then key; a head that is not due yet is left alone, so that
 * another may pass it.
 */
TimestampTz
sched_jobs_advance_queues(void)
{
	SPITupleTable *heads;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;
	uint64 n;

	/* Another worker is at it, and signals nobody when it is done: look again soon. */
	if (!pass_fence(FENCE_QUEUES))
		return now + 50 * 1000;
	sched_jobs_execute(&find_heads, NULL, NULL, SPI_OK_SELECT);
	heads = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
	{
		bool is_null;
		Datum values[2] = {SPI_getbinval(heads->vals[i], heads->tupdesc, 1, &is_null),
						   SPI_getbinval(heads->vals[i], heads->tupdesc, 2, &is_null)};
		TimestampTz run_at =
			DatumGetTimestampTz(SPI_getbinval(heads->vals[i], heads->tupdesc, 3, &is_null));

		if (run_at > now)
			next = Min(next, run_at);
		else
			sched_jobs_execute(&give_turn, values, NULL, SPI_OK_UPDATE);
	}
	return next;
}

/* The rules are in SQL beside their tables; here is only the clock. */
TimestampTz
sched_jobs_fire_schedules(void)
{
	sched_jobs_execute(&fire_schedules, NULL, NULL, SPI_OK_SELECT);
	return read_time();
}

/* The notification commits with the numbers it announces. */
bool
sched_jobs_number_changes(void)
{
	Datum values[1] = {Int64GetDatum(10 * DUTY_ROWS)};
	bool is_null;
	Datum highest;
	char text[32];

	sched_jobs_execute(&any_change, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0 || !pass_fence(FENCE_CHANGES))
		return false;
	sched_jobs_execute(&start_counter, NULL, NULL, SPI_OK_INSERT);
	sched_jobs_execute(&number_changes, values, NULL, SPI_OK_UPDATE_RETURNING);
	highest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	snprintf(text, sizeof(text), INT64_FORMAT, DatumGetInt64(highest));
	Async_Notify("scheduler", text);
	return true;
}

/* One seal's worth; the fence is inside, so that nobody who seals by hand meets the worker. */
int64
sched_jobs_seal_audit_log(void)
{
	static SchedStatement seal = {
		"SELECT scheduler.seal_in_passing($1)", 1, {INT8OID}, false, NULL};
	Datum values[1] = {Int64GetDatum(SCHED_SEAL_PORTION)};
	bool is_null;

	sched_jobs_execute(&seal, values, NULL, SPI_OK_SELECT);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

/* The incarnations that hold leases rightly. */
static Datum
living_incarnations(void)
{
	Datum *living = palloc(SCHED_MAX_PROCESSES * sizeof(Datum));
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type != SCHED_PROCESS_FREE && process->pid != 0 &&
			process->database == MyDatabaseId)
			living[n++] = Int64GetDatum((int64) process->incarnation);
	}
	LWLockRelease(sched_jobs_shared->lock);
	return PointerGetDatum(
		construct_array(living, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The attempt does not count: the process did not die of this job, or, the first time, perhaps not. */
static void
spare_job(SchedJob *job, const char *reason, const char *error)
{
	bool again = error != NULL && strcmp(error, reason) == 0;

	sched_jobs_note_failure(job, reason);
	job->attempts = Max(job->attempts - 1, 0);
	job->has_after = true;
	/* One that is spared wrongly takes the server down no more often than that. */
	job->after_ms = (int64) (pg_prng_double(&pg_global_prng_state) *
							 (again ? SPARED_AGAIN_MS : SPARED_PAUSE_MS));
}

/*
 * A call whose outcome nobody knows is answered as lost; anything else was an attempt that failed, unless the process was
 * ended from outside (`spared`) or this is the first process that a kill took from the job (`first`).
 */
static void
judge_orphan(SchedJob *job, bool spared, bool first, const char *error)
{
	job->kind = sched_jobs_find_kind(job->kind_name);
	if (job->kind == NULL)
	{
		job->outcome = SCHED_OUTCOME_FAIL;
		job->reason = "the kind no longer exists";
	}
	else if (job->has_request && !job->has_response)
	{
		SchedHttpAnswer *lost = sched_http_make_failure(0, SCHED_HTTP_LOST, true,
														"the process that made the call ended");

		job->response = sched_http_form_response(lost);
		sched_http_free_answer(lost);
		job->outcome = SCHED_OUTCOME_ANSWERED;
		/* Where the handler calls it a failure, it is an attempt that does not count; but one there was. */
		if (spared || first)
			job->attempts = Max(job->attempts - 1, 1);
	}
	else if (spared)
		spare_job(job, SPARED_REASON, error);
	else if (first)
		spare_job(job, CRASHED_REASON, error);
	else
		sched_jobs_note_failure(job, CRASHED_REASON);
}

/* Who holds the lease of this row. */
static uint64
read_lease(SPITupleTable *rows, uint64 row)
{
	bool is_null;

	return DatumGetInt64(SPI_getbinval(rows->vals[row], rows->tupdesc,
									   SPI_fnumber(rows->tupdesc, "lease"), &is_null));
}

/* Whether the job lost a process to a kill before. */
static bool
has_crashed(SPITupleTable *rows, uint64 row)
{
	bool is_null;

	return DatumGetBool(SPI_getbinval(rows->vals[row], rows->tupdesc,
									  SPI_fnumber(rows->tupdesc, "crashed"), &is_null));
}

/* Whether the process that held this lease was ended from outside. */
static bool
was_spared(uint64 lease, const uint64 *spared, int n)
{
	for (int i = 0; i < n; i++)
		if (spared[i] == lease)
			return true;
	return false;
}

/*
 * Judges row by row. A job whose process was killed may be what killed it, or not: that one time is remembered, and every
 * further one counts as an attempt.
 */
static void
judge_orphans(SchedJob *jobs, SPITupleTable *rows, uint64 n, const uint64 *spared, int n_spared)
{
	Datum *crashed = palloc((n + 1) * sizeof(Datum));
	int n_crashed = 0;

	for (uint64 i = 0; i < n; i++)
	{
		uint64 lease = read_lease(rows, i);
		bool is_spared = was_spared(lease, spared, n_spared);
		bool first = !is_spared && !has_crashed(rows, i);

		sched_jobs_read_row(&jobs[i], rows, i);
		/* Started after the list of the living was made, it took the job before the rows were read. */
		if (sched_jobs_incarnation_lives(lease))
			continue;
		judge_orphan(
			&jobs[i], is_spared, first,
			SPI_getvalue(rows->vals[i], rows->tupdesc, SPI_fnumber(rows->tupdesc, "error")));
		if (first)
			crashed[n_crashed++] = PointerGetDatum(&jobs[i].tid);
	}
	if (n_crashed > 0)
	{
		Datum values[1] = {sched_jobs_form_array(crashed, n_crashed, TIDOID)};

		sched_jobs_execute(&mark_crashed, values, NULL, SPI_OK_UPDATE);
	}
}

/* Rows are judged one by one, written together. */
void
sched_jobs_free_dead_leases(uint64 incarnation)
{
	Datum values[2] = {living_incarnations(), Int64GetDatum(DUTY_ROWS)};
	SchedJob *jobs;
	uint64 *spared;
	int n_spared;
	uint64 n;

	SCHED_FAULT("judging");
	sched_jobs_execute(&any_orphan, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	sched_jobs_execute(&find_orphans, values, NULL, SPI_OK_SELECT);
	n = SPI_processed;
	jobs = palloc((n + 1) * sizeof(SchedJob));
	n_spared = sched_jobs_read_spared(&spared);
	judge_orphans(jobs, SPI_tuptable, n, spared, n_spared);
	if (n > 0)
		sched_jobs_write_outcomes(jobs, (int) n, incarnation);
	/* More of them than one transaction takes, or one whose row somebody has locked: soon again. */
	sched_jobs_execute(&any_orphan, values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		sched_jobs_signal_at_commit(SCHED_SIGNAL_ENDED);
	else
		sched_jobs_trim_spared(n_spared);
}

/* Asks the index of the runners' lane only. */
bool
sched_jobs_has_runner_work(void)
{
	sched_jobs_execute(&runner_work, NULL, NULL, SPI_OK_SELECT);
	return SPI_processed > 0;
}

/* A job that a runner works on and that is not in the table any more was cancelled; a disabled user's waits. */
bool
sched_jobs_interrupt_cancelled(void)
{
	bool interrupted = false;
	pg_uuid_t running[SCHED_MAX_PROCESSES];
	static const pg_uuid_t none = {{0}};
	int n = 0;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	for (int i = 0; i < SCHED_MAX_PROCESSES; i++)
	{
		SchedProcess *process = &sched_jobs_shared->processes[i];

		if (process->type == SCHED_PROCESS_RUNNER && process->database == MyDatabaseId &&
			memcmp(&process->job_id, &none, UUID_LEN) != 0)
			running[n++] = process->job_id;
	}
	LWLockRelease(sched_jobs_shared->lock);
	for (int i = 0; i < n; i++)
	{
		Datum values[1] = {UUIDPGetDatum(&running[i])};

		sched_jobs_execute(&job_lives, values, NULL, SPI_OK_SELECT);
		if (SPI_processed == 0)
		{
			sched_jobs_interrupt_runner(&running[i]);
			interrupted = true;
		}
	}
	return interrupted;
}

/* True where nothing is left, or somebody else is at it. */
bool
sched_jobs_keep_house(void)
{
	static SchedStatement keep_house = {
		"SELECT scheduler.keep_house($1)", 1, {INT8OID}, false, NULL};
	/* Few at a time: the calls in flight wait meanwhile. */
	Datum values[1] = {Int64GetDatum(HOUSE_ROWS)};
	bool is_null;

	if (!pass_fence(FENCE_HOUSE))
		return true;
	sched_jobs_execute(&keep_house, values, NULL, SPI_OK_SELECT);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}
