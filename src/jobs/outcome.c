/*
 * outcome.c - writes what became of jobs, by set: jobs that go, jobs that stay, parents, changes.
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

#include "http/request.h"
#include "jobs/job.h"
#include "jobs/rewrite.h"
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

static SchedStatement reroute_job = {
	"UPDATE scheduler.live_jobs SET runner = $3 WHERE user_id = $1 AND job_id = $2",
	3,
	{UUIDOID, UUIDOID, BOOLOID},
	true,
	NULL};
static SchedStatement wait_for_children = {
	"UPDATE scheduler.live_jobs l SET children = c.live, ready = c.live = 0 FROM (SELECT u.user_id,"
	" u.job_id, (SELECT count(*) FROM scheduler.live_jobs k WHERE k.user_id = u.user_id"
	" AND k.parent_id = u.job_id AND k.status NOT IN ('failed', 'dead'))::integer AS live"
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS u (user_id, job_id)) AS c"
	" WHERE l.user_id = c.user_id AND l.job_id = c.job_id",
	2,
	{UUIDARRAYOID, UUIDARRAYOID},
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
static SchedStatement record_changes = {
	"INSERT INTO scheduler.new_changes (user_id, type, subject_id) SELECT u.user_id, u.type, "
	"u.job_id"
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))"
	" AS u (user_id, type, job_id)",
	3,
	{UUIDARRAYOID, TEXTARRAYOID, UUIDARRAYOID},
	false,
	NULL};

/* Jobs as parameters: users and ids beside each other, and a word about each. */
typedef struct JobList
{
	Datum *users;
	Datum *ids;
	Datum *words;
	int n;
} JobList;

/* What the outcomes of one transaction have in common. */
typedef struct Writer
{
	TimestampTz now;
	uint64 incarnation;
	JobList parents;      /* of jobs that are final now */
	JobList waiting;      /* for their children */
	JobList announced;    /* with what happened to them */
	SchedChange *changes; /* rows that stay */
	int n_changes;
} Writer;

static void
init_list(JobList *list, int room)
{
	list->users = palloc(room * sizeof(Datum));
	list->ids = palloc(room * sizeof(Datum));
	list->words = palloc(room * sizeof(Datum));
	list->n = 0;
}

/* The keys stay where they are: in the job. */
static void
add_to_list(JobList *list, const pg_uuid_t *user_id, const pg_uuid_t *id)
{
	list->users[list->n] = UUIDPGetDatum(user_id);
	list->ids[list->n] = UUIDPGetDatum(id);
	list->n++;
}

/* A row for readers of changes; the worker numbers it after the commit. */
static void
announce(Writer *writer, const SchedJob *job, const char *type)
{
	writer->announced.words[writer->announced.n] = CStringGetTextDatum(type);
	add_to_list(&writer->announced, &job->user_id, &job->job_id);
}

/* A job is final: its parent counts, its queue moves on. */
static void
note_end(Writer *writer, const SchedJob *job)
{
	if (job->has_parent)
		add_to_list(&writer->parents, &job->user_id, &job->parent_id);
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
	values[4] = sched_jobs_form_array(ids, n, UUIDOID);
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
			announce(writer, job, "job.succeeded");
	}
	if (n == 0)
		return;
	values[0] = sched_jobs_form_array(tids, n, TIDOID);
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

/* What the last answer asked for, also where it came back from the row; -1 = nothing. */
static int64
asked_delay(const SchedJob *job)
{
	if (job->retry_after_ms >= 0 || !job->has_response)
		return job->retry_after_ms;
	return sched_http_response_delay_ms(DatumGetHeapTupleHeader(job->response));
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
	return Max(delay, asked_delay(job));
}

/* The row as it is where the job only changes hands. */
static SchedChange *
add_change(Writer *writer, SchedJob *job)
{
	SchedChange *change = &writer->changes[writer->n_changes++];

	*change = (SchedChange){.job = job,
							.status = "running",
							.state = job->state,
							.has_state = job->has_state,
							.attempts = job->attempts,
							.run_at = job->run_at,
							.runner = job->kind != NULL && job->kind->runner,
							.error = job->reason,
							.keeps_again = job->has_again};
	return change;
}

/* From the beginning, with `again` as its payload where there is one. */
static void
start_again(Writer *writer, SchedJob *job, SchedChange *change)
{
	change->status = "pending";
	change->has_state = false;
	change->attempts = 0;
	change->error = NULL;
	change->payload = job->again;
	change->has_payload = job->has_again;
	change->keeps_again = false;
	change->ready = job->run_at <= writer->now;
	change->run_at = Max(job->run_at, writer->now);
	sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}

/* Final for the parent and the queue unless it is to run again at once. */
static void
end_or_restart(Writer *writer, SchedJob *job, SchedChange *change, const char *status)
{
	if (job->runs_again || job->has_again)
	{
		start_again(writer, job, change);
		return;
	}
	change->status = status;
	change->ended = true;
	note_end(writer, job);
	announce(writer, job, status[0] == 'd' ? "job.dead" : "job.failed");
}

/* The call is asked for: by whom it is made next. */
static void
write_request(SchedJob *job, SchedChange *change)
{
	/* A runner leaves the call to a worker. */
	change->leased = !change->runner;
	change->ready = change->runner;
	change->runner = false;
	change->by_us = true;
	change->request = job->new_request;
	change->keeps_request = true;
	if (change->ready)
		sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}

/* Another attempt after a pause, or none. */
static void
write_retry(Writer *writer, SchedJob *job, SchedChange *change)
{
	int64 pause = job->held ? sched_jobs_find_held_pause(job) : -1;

	change->error = job->reason;
	if (pause >= 0)
		change->attempts = --job->attempts;
	else if (job->attempts >= job->max_attempts)
	{
		end_or_restart(writer, job, change, "dead");
		return;
	}
	change->status = "pending";
	change->run_at = writer->now + (pause >= 0 ? pause : find_delay(job)) * 1000;
	change->keeps_response = job->keeps_response;
	sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}

/* A job that only changes hands: with its request, taken by us; with its answer, for its handler. */
static void
write_move(SchedJob *job, SchedChange *change)
{
	change->request = job->request;
	change->keeps_request = job->has_request;
	if (job->outcome == SCHED_OUTCOME_SEND)
	{
		change->leased = change->by_us = true;
		change->runner = false;
		return;
	}
	change->keeps_response = change->ready = true;
	sched_jobs_signal_at_commit(change->runner ? SCHED_SIGNAL_RUNNERS : SCHED_SIGNAL_JOBS);
}

/* A step of the handler: it decides what becomes of the state. */
static void
take_new_state(const SchedJob *job, SchedChange *change)
{
	change->state = job->new_state;
	change->has_state = job->has_new_state;
}

/* The way from outcome to status; the picture is in README.md. */
static void
write_one(Writer *writer, SchedJob *job)
{
	SchedChange *change = add_change(writer, job);

	switch (job->outcome)
	{
		case SCHED_OUTCOME_REQUEST:
			take_new_state(job, change);
			write_request(job, change);
			break;
		case SCHED_OUTCOME_SEND:
		case SCHED_OUTCOME_ANSWERED:
			write_move(job, change);
			break;
		case SCHED_OUTCOME_SLEEP:
			take_new_state(job, change);
			change->status = "sleeping";
			change->run_at = job->wake_at;
			change->ready = job->wake_at <= writer->now;
			sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
			break;
		case SCHED_OUTCOME_WAIT:
			take_new_state(job, change);
			change->status = "waiting";
			add_to_list(&writer->waiting, &job->user_id, &job->job_id);
			break;
		case SCHED_OUTCOME_RETRY:
			write_retry(writer, job, change);
			break;
		case SCHED_OUTCOME_FAIL:
			end_or_restart(writer, job, change, "failed");
			break;
		default:
			end_or_restart(writer, job, change, "succeeded");
			break;
	}
}

/* Only after its kind has been registered anew, so nobody counts how long it takes. */
static void
reroute(SchedJob *job)
{
	Datum values[3] = {UUIDPGetDatum(&job->user_id), UUIDPGetDatum(&job->job_id),
					   BoolGetDatum(job->kind->runner)};

	sched_jobs_execute(&reroute_job, values, job->kind->external ? "  n" : NULL, SPI_OK_UPDATE);
	sched_jobs_signal_at_commit(job->kind->runner ? SCHED_SIGNAL_RUNNERS : SCHED_SIGNAL_JOBS);
}

/* One statement for all jobs of a list. */
static void
update_listed(SchedStatement *statement, const JobList *list)
{
	Datum values[2];

	if (list->n == 0)
		return;
	values[0] = sched_jobs_form_array(list->users, list->n, UUIDOID);
	values[1] = sched_jobs_form_array(list->ids, list->n, UUIDOID);
	sched_jobs_execute(statement, values, NULL, SPI_OK_UPDATE);
	if (SPI_processed > 0)
		sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}

/* In the order in which it happened. */
static void
record_announced(const JobList *list)
{
	Datum values[3];

	if (list->n == 0)
		return;
	values[0] = sched_jobs_form_array(list->users, list->n, UUIDOID);
	values[1] =
		PointerGetDatum(construct_array(list->words, list->n, TEXTOID, -1, false, TYPALIGN_INT));
	values[2] = sched_jobs_form_array(list->ids, list->n, UUIDOID);
	sched_jobs_execute(&record_changes, values, NULL, SPI_OK_INSERT);
	sched_jobs_signal_at_commit(SCHED_SIGNAL_CHANGES);
}

/*
 * The order matters: ends first, then the count-down of parents, then who begins to wait and
 * counts what is left: the count of live children already leaves out those that end here.
 */
void
sched_jobs_write_outcomes(SchedJob *jobs, int n_jobs, uint64 incarnation)
{
	Writer writer = {.now = GetCurrentTimestamp(), .incarnation = incarnation};

	init_list(&writer.parents, n_jobs);
	init_list(&writer.waiting, n_jobs);
	init_list(&writer.announced, n_jobs);
	writer.changes = palloc(n_jobs * sizeof(SchedChange));
	write_successes(&writer, jobs, n_jobs);
	for (int i = 0; i < n_jobs; i++)
	{
		SchedJob *job = &jobs[i];

		if (job->outcome == SCHED_OUTCOME_REROUTE)
			reroute(job);
		else if (job->outcome != SCHED_OUTCOME_NONE && !leaves_at_once(job))
			write_one(&writer, job);
	}
	sched_jobs_rewrite(writer.changes, writer.n_changes, incarnation, writer.now);
	record_announced(&writer.announced);
	update_listed(&count_down, &writer.parents);
	update_listed(&wait_for_children, &writer.waiting);
}

void
sched_jobs_count_outcomes(SchedProcess *process, const SchedJob *jobs, int n_jobs)
{
	for (int i = 0; i < n_jobs; i++)
	{
		if (jobs[i].outcome == SCHED_OUTCOME_DONE)
			process->jobs++;
		else if (jobs[i].outcome == SCHED_OUTCOME_RETRY || jobs[i].outcome == SCHED_OUTCOME_FAIL)
			process->failures++;
		else if (jobs[i].outcome == SCHED_OUTCOME_REQUEST || jobs[i].outcome == SCHED_OUTCOME_SEND)
			process->calls++;
	}
	process->batches++;
}
