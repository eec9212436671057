/*
 * outcome.c - writes what became of jobs: set-based where they succeeded, row by row otherwise.
 *
 * Runs in workers and runners, in the transaction that called the handlers, with rights on all
 * rows. Succeeded jobs leave by their row address, which the claim's lock keeps in place unless
 * a handler of the same batch changed the row; then fewer rows go than there should, this
 * throws, and the batch is repeated one by one.
 *
 * Retry: after attempt n a random time between 0 and min(60 s, 1 s * 2^(n-1)) ("full jitter"),
 * and never before what the last answer's Retry-After asked for.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "jobs/job.h"
#include "jobs/shmem.h"
#include "jobs/store.h"

#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 60000
/* A hundred years: what a handler asks for must stay within the calendar. */
#define MAX_DELAY_MS (INT64CONST(36525) * 86400 * 1000)

#define FINISH_HEAD                                                                                \
	"WITH gone AS (DELETE FROM scheduler.live_jobs l WHERE l.ctid = ANY ($1) RETURNING l.*)"       \
	" INSERT INTO scheduler.finished_jobs (user_id, job_id, kind, payload, state, status,"         \
	" priority, run_at, attempts, max_attempts, unique_key, queue, parent_id, result, worker_pid," \
	" created_at, started_at, finished_at, schedule_id)"                                           \
	" SELECT g.user_id, g.job_id, g.kind, g.payload, g.state, 'succeeded', g.priority, g.run_at,"  \
	" g.attempts + (g.status = 'pending')::integer, g.max_attempts, g.unique_key, g.queue,"        \
	" g.parent_id, "
#define FINISH_TAIL ", $2, g.created_at, coalesce(g.started_at, $3), $4, g.schedule_id FROM gone g"

static SchedStatement finish_plain = {FINISH_HEAD "NULL" FINISH_TAIL,
									  4,
									  {TIDARRAYOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID},
									  true,
									  NULL};
static SchedStatement finish_with_results = {
	FINISH_HEAD
	"r.result" FINISH_TAIL
	" LEFT JOIN ROWS FROM (pg_catalog.unnest($5), pg_catalog.unnest($6)) AS r (job_id, result)"
	" ON r.job_id = g.job_id",
	6,
	{TIDARRAYOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDARRAYOID, JSONBARRAYOID},
	true,
	NULL};

/* $8 is a scheduler.http_request, $16 an http_response: their oids are filled in at first use. */
#define CHANGE_REQUEST_TYPE 7
#define CHANGE_RESPONSE_TYPE 15
static SchedStatement change_job = {
	"UPDATE scheduler.live_jobs l SET status = $3, state = $4, attempts = $5, run_at = $6,"
	" ready = $7, request = $8, response = $16, lease = $9, worker_pid = $10, error = $11,"
	" finished_at = $12, payload = coalesce($13, l.payload), again = NULL, runner = $14,"
	" started_at = coalesce(l.started_at, $15),"
	" holds_queue = l.holds_queue AND $12 IS NULL, lease_until = NULL"
	" WHERE l.user_id = $1 AND l.job_id = $2",
	16,
	{UUIDOID, UUIDOID, TEXTOID, JSONBOID, INT4OID, TIMESTAMPTZOID, BOOLOID, InvalidOid, INT8OID,
	 INT4OID, TEXTOID, TIMESTAMPTZOID, JSONBOID, BOOLOID, TIMESTAMPTZOID, InvalidOid},
	true,
	NULL};
static SchedStatement keep_again = {
	"UPDATE scheduler.live_jobs SET again = $3 WHERE user_id = $1 AND job_id = $2",
	3,
	{UUIDOID, UUIDOID, JSONBOID},
	true,
	NULL};
static SchedStatement take_request = {
	"UPDATE scheduler.live_jobs SET status = 'running', ready = false, lease = $3, worker_pid = $4"
	" WHERE user_id = $1 AND job_id = $2",
	4,
	{UUIDOID, UUIDOID, INT8OID, INT4OID},
	true,
	NULL};
/* $3 is a scheduler.http_response. */
static SchedStatement keep_answer = {
	"UPDATE scheduler.live_jobs SET response = $3, lease = NULL, worker_pid = NULL, ready = true,"
	" runner = $4 WHERE user_id = $1 AND job_id = $2",
	4,
	{UUIDOID, UUIDOID, InvalidOid, BOOLOID},
	true,
	NULL};
static SchedStatement reroute_job = {
	"UPDATE scheduler.live_jobs SET runner = $3 WHERE user_id = $1 AND job_id = $2",
	3,
	{UUIDOID, UUIDOID, BOOLOID},
	true,
	NULL};
static SchedStatement wait_for_children = {
	"UPDATE scheduler.live_jobs l SET children = c.live, ready = c.live = 0 FROM (SELECT count(*)"
	" AS live FROM scheduler.live_jobs k WHERE k.user_id = $1 AND k.parent_id = $2"
	" AND k.status NOT IN ('failed', 'dead')) AS c WHERE l.user_id = $1 AND l.job_id = $2",
	2,
	{UUIDOID, UUIDOID},
	true,
	NULL};
/*
 * Not "AND status = 'waiting'": a parent that is about to wait has to be waited for, then
 * counted down.
 */
static SchedStatement count_down = {
	"UPDATE scheduler.live_jobs l SET children = l.children - c.ended, ready = l.ready OR"
	" l.status = 'waiting' AND l.children <= c.ended FROM (SELECT u.user_id, u.job_id,"
	" count(*)::integer AS ended FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
	" AS u (user_id, job_id)"
	" GROUP BY u.user_id, u.job_id) AS c WHERE l.user_id = c.user_id AND l.job_id = c.job_id",
	2,
	{UUIDARRAYOID, UUIDARRAYOID},
	true,
	NULL};
static SchedStatement record_change = {
	"INSERT INTO scheduler.new_changes (user_id, type, subject_id) VALUES ($1, $2, $3)",
	3,
	{UUIDOID, TEXTOID, UUIDOID},
	false,
	NULL};

/* What the outcomes of one transaction have in common. */
typedef struct Writer
{
	TimestampTz now;
	uint64 incarnation;
	Datum *parents; /* of jobs that are final now, with their users beside */
	Datum *parent_users;
	int n_parents;
} Writer;

/* An array of fixed-length elements as a parameter. */
static Datum
array_of(Datum *elements, int n, Oid type)
{
	int16 length = type == TIDOID ? sizeof(ItemPointerData) : UUID_LEN;

	return PointerGetDatum(construct_array(elements, n, type, length, false,
										   type == TIDOID ? TYPALIGN_SHORT : TYPALIGN_CHAR));
}

/* A row for readers of changes; the worker numbers it after the commit. */
static void
announce(const SchedJob *job, const char *type)
{
	Datum values[3] = {UUIDPGetDatum(&job->user_id), CStringGetTextDatum(type),
					   UUIDPGetDatum(&job->job_id)};

	sched_jobs_execute(&record_change, values, NULL, SPI_OK_INSERT);
	sched_jobs_signal_at_commit(SCHED_SIGNAL_CHANGES);
}

/* A job is final: its parent counts, its queue moves on. */
static void
note_end(Writer *writer, const SchedJob *job)
{
	if (job->has_parent)
	{
		writer->parent_users[writer->n_parents] = UUIDPGetDatum(&job->user_id);
		writer->parents[writer->n_parents] = UUIDPGetDatum(&job->parent_id);
		writer->n_parents++;
	}
	if (job->in_queue)
		sched_jobs_signal_at_commit(SCHED_SIGNAL_QUEUES);
}

/* Succeeded and not to run again: the way of almost every job. */
static bool
leaves_at_once(const SchedJob *job)
{
	return job->outcome == SCHED_OUTCOME_DONE && !job->runs_again && !job->has_again;
}

/* The results of leaving jobs as $5 and $6. */
static void
collect_results(SchedJob *jobs, int n_jobs, int n_leaving, Datum *values)
{
	Datum *ids = palloc(n_leaving * sizeof(Datum));
	Datum *results = palloc(n_leaving * sizeof(Datum));
	bool *nulls = palloc(n_leaving * sizeof(bool));
	int lower = 1;
	int n = 0;

	for (int i = 0; i < n_jobs; i++)
	{
		if (!leaves_at_once(&jobs[i]))
			continue;
		ids[n] = UUIDPGetDatum(&jobs[i].job_id);
		results[n] = jobs[i].result;
		nulls[n] = !jobs[i].has_result;
		n++;
	}
	values[4] = array_of(ids, n, UUIDOID);
	values[5] = PointerGetDatum(
		construct_md_array(results, nulls, 1, &n, &lower, JSONBOID, -1, false, TYPALIGN_INT));
}

/* Two statements for any number of jobs, whether they have results or not. */
static void
write_successes(Writer *writer, SchedJob *jobs, int n_jobs)
{
	Datum *tids = palloc(n_jobs * sizeof(Datum));
	Datum values[6];
	bool any_result = false;
	int n = 0;

	for (int i = 0; i < n_jobs; i++)
	{
		SchedJob *job = &jobs[i];

		if (!leaves_at_once(job))
			continue;
		tids[n++] = PointerGetDatum(&job->tid);
		any_result |= job->has_result;
		note_end(writer, job);
		if (job->kind->announce)
			announce(job, "job.succeeded");
	}
	if (n == 0)
		return;
	values[0] = array_of(tids, n, TIDOID);
	values[1] = Int32GetDatum(MyProcPid);
	values[2] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[3] = TimestampTzGetDatum(writer->now);
	if (any_result)
		collect_results(jobs, n_jobs, n, values);
	sched_jobs_execute(any_result ? &finish_with_results : &finish_plain, values, NULL,
					   SPI_OK_INSERT);
	if (SPI_processed != (uint64) n)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("a job was changed by another of the same batch")));
}

/* Milliseconds until the next attempt. */
static int64
find_delay(const SchedJob *job)
{
	int64 most = RETRY_CAP_MS;
	int64 delay;

	if (job->has_after)
		return Min(Max(job->after_ms, 0), MAX_DELAY_MS);
	if (job->attempts <= 6)
		most = Min(most, (int64) RETRY_BASE_MS << Max(job->attempts - 1, 0));
	delay = (int64) (pg_prng_double(&pg_global_prng_state) * most);
	return Max(delay, job->retry_after_ms);
}

/* Fills in the oid of one of our row types, which is not known before CREATE EXTENSION. */
static void
fill_type(Oid *type, const char *name)
{
	if (!OidIsValid(*type))
		*type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
								ObjectIdGetDatum(get_namespace_oid("scheduler", false)));
}

/* The parameters of change_job that differ between outcomes. */
typedef struct Change
{
	const char *status;
	TimestampTz run_at;
	bool ready;
	bool ended;
	bool leased;
	bool fresh; /* starts from the beginning, with `again` as its payload */
	bool runner;
	bool external;
	bool keeps_response;
} Change;

/* The row of a job that stays, in one statement for all outcomes. */
static void
write_change(Writer *writer, SchedJob *job, const Change *change)
{
	bool requests = job->outcome == SCHED_OUTCOME_REQUEST;
	bool keeps_state = job->outcome == SCHED_OUTCOME_RETRY || job->outcome == SCHED_OUTCOME_FAIL ||
					   job->outcome == SCHED_OUTCOME_DONE;
	bool has_state = keeps_state ? job->has_state : job->has_new_state;
	Datum values[16];
	char nulls[16];

	fill_type(&change_job.types[CHANGE_REQUEST_TYPE], "http_request");
	fill_type(&change_job.types[CHANGE_RESPONSE_TYPE], "http_response");
	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&job->user_id);
	values[1] = UUIDPGetDatum(&job->job_id);
	values[2] = CStringGetTextDatum(change->status);
	values[3] = keeps_state ? job->state : job->new_state;
	nulls[3] = has_state && !change->fresh ? ' ' : 'n';
	values[4] = Int32GetDatum(change->fresh ? 0 : job->attempts);
	values[5] = TimestampTzGetDatum(change->run_at);
	values[6] = BoolGetDatum(change->ready);
	values[7] = job->new_request;
	nulls[7] = requests ? ' ' : 'n';
	values[8] = Int64GetDatum((int64) writer->incarnation);
	nulls[8] = change->leased ? ' ' : 'n';
	values[9] = Int32GetDatum(MyProcPid);
	nulls[9] = requests ? ' ' : 'n';
	values[10] = job->reason != NULL ? CStringGetTextDatum(job->reason) : (Datum) 0;
	nulls[10] = job->reason != NULL && !change->fresh ? ' ' : 'n';
	values[11] = TimestampTzGetDatum(writer->now);
	nulls[11] = change->ended ? ' ' : 'n';
	values[12] = job->again;
	nulls[12] = change->fresh && job->has_again ? ' ' : 'n';
	values[13] = BoolGetDatum(change->runner);
	nulls[13] = change->external ? 'n' : ' ';
	values[14] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[15] = job->response;
	nulls[15] = change->keeps_response ? ' ' : 'n';
	sched_jobs_execute(&change_job, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("a job was taken away while its handler ran")));
	/* Still marked to run again after this run. */
	if (job->has_again && !change->fresh)
	{
		values[2] = job->again;
		sched_jobs_execute(&keep_again, values, NULL, SPI_OK_UPDATE);
	}
}

/* Final for the parent and the queue unless it is to run again at once. */
static void
end_or_restart(Writer *writer, SchedJob *job, Change *change, const char *status)
{
	if (job->runs_again || job->has_again)
	{
		change->status = "pending";
		change->fresh = true;
		change->ready = job->run_at <= writer->now;
		change->run_at = Max(job->run_at, writer->now);
		sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
		return;
	}
	change->status = status;
	change->ended = true;
	note_end(writer, job);
	announce(job, status[0] == 'd' ? "job.dead" : "job.failed");
}

/* The way from outcome to status; the picture is in README.md. */
static void
write_one(Writer *writer, SchedJob *job)
{
	Change change = {.run_at = job->run_at,
					 .runner = job->kind != NULL && job->kind->runner,
					 .external = job->kind != NULL && job->kind->external};

	switch (job->outcome)
	{
		case SCHED_OUTCOME_REQUEST:
			change.status = "running";
			/* A runner leaves the call to a worker. */
			change.leased = !change.runner;
			change.ready = change.runner;
			change.runner = false;
			if (change.ready)
				sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
			break;
		case SCHED_OUTCOME_SLEEP:
			change.status = "sleeping";
			change.run_at = job->wake_at;
			change.ready = job->wake_at <= writer->now;
			sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
			break;
		case SCHED_OUTCOME_WAIT:
			change.status = "waiting";
			break;
		case SCHED_OUTCOME_RETRY:
			if (job->attempts >= job->max_attempts)
			{
				end_or_restart(writer, job, &change, "dead");
				break;
			}
			change.status = "pending";
			change.run_at = writer->now + find_delay(job) * 1000;
			change.keeps_response = job->keeps_response;
			sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
			break;
		case SCHED_OUTCOME_FAIL:
			end_or_restart(writer, job, &change, "failed");
			break;
		default:
			end_or_restart(writer, job, &change, "succeeded");
			break;
	}
	write_change(writer, job, &change);
}

/* Jobs that only change hands. */
static void
write_moves(Writer *writer, SchedJob *job)
{
	Datum values[4] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id)};
	bool external = job->kind != NULL && job->kind->external;

	if (job->outcome == SCHED_OUTCOME_SEND)
	{
		values[2] = Int64GetDatum((int64) writer->incarnation);
		values[3] = Int32GetDatum(MyProcPid);
		sched_jobs_execute(&take_request, values, NULL, SPI_OK_UPDATE);
	}
	else if (job->outcome == SCHED_OUTCOME_ANSWERED)
	{
		fill_type(&keep_answer.types[2], "http_response");
		values[2] = job->response;
		values[3] = BoolGetDatum(job->kind->runner);
		sched_jobs_execute(&keep_answer, values, external ? "   n" : NULL, SPI_OK_UPDATE);
		sched_jobs_signal_at_commit(job->kind->runner ? SCHED_SIGNAL_RUNNERS : SCHED_SIGNAL_JOBS);
	}
	else
	{
		values[2] = BoolGetDatum(job->kind->runner);
		sched_jobs_execute(&reroute_job, values, external ? "  n" : NULL, SPI_OK_UPDATE);
		sched_jobs_signal_at_commit(job->kind->runner ? SCHED_SIGNAL_RUNNERS : SCHED_SIGNAL_JOBS);
	}
}

/*
 * After the count-down: the count of live children already leaves out those that end in this
 * transaction.
 */
static void
write_waits(SchedJob *jobs, int n_jobs)
{
	for (int i = 0; i < n_jobs; i++)
	{
		Datum values[2] = {UUIDPGetDatum(&jobs[i].user_id), UUIDPGetDatum(&jobs[i].job_id)};

		if (jobs[i].outcome != SCHED_OUTCOME_WAIT)
			continue;
		sched_jobs_execute(&wait_for_children, values, NULL, SPI_OK_UPDATE);
		sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
	}
}

/*
 * The order matters: ends first, then the count-down of parents, then who begins to wait and
 * counts what is left.
 */
void
sched_jobs_write_outcomes(SchedJob *jobs, int n_jobs, uint64 incarnation)
{
	Writer writer = {.now = GetCurrentTimestamp(), .incarnation = incarnation};

	writer.parents = palloc(n_jobs * sizeof(Datum));
	writer.parent_users = palloc(n_jobs * sizeof(Datum));
	write_successes(&writer, jobs, n_jobs);
	for (int i = 0; i < n_jobs; i++)
	{
		SchedJob *job = &jobs[i];

		if (job->outcome == SCHED_OUTCOME_NONE || leaves_at_once(job))
			continue;
		if (job->outcome == SCHED_OUTCOME_SEND || job->outcome == SCHED_OUTCOME_ANSWERED ||
			job->outcome == SCHED_OUTCOME_REROUTE)
			write_moves(&writer, job);
		else
			write_one(&writer, job);
	}
	if (writer.n_parents > 0)
	{
		Datum values[2] = {array_of(writer.parent_users, writer.n_parents, UUIDOID),
						   array_of(writer.parents, writer.n_parents, UUIDOID)};

		sched_jobs_execute(&count_down, values, NULL, SPI_OK_UPDATE);
		if (SPI_processed > 0)
			sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
	}
	write_waits(jobs, n_jobs);
}
