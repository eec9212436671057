/*
 * rewrite.c - the rows of jobs that stay, changed by one statement for all jobs of a transaction.
 *
 * Runs in workers, runners and sessions that call run_job_now(), with rights on all rows. The new
 * values stand in a tuplestore that the statement sees as a relation of its own (as a trigger sees
 * its transition tables): arrays would have to be taken apart, and cannot hold rows of our types.
 * All memory is the caller's context. Throws whatever the statement throws, and where a row is gone.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/queryenvironment.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "jobs/rewrite.h"
#include "jobs/store.h"

#define RELATION_NAME "changed_jobs"
#define STORE_KILOBYTES 16384

/* Columns of the relation. */
enum
{
	CHANGED_POSITION,
	CHANGED_TID,
	CHANGED_USER_ID,
	CHANGED_JOB_ID,
	CHANGED_STATUS,
	CHANGED_STATE,
	CHANGED_ATTEMPTS,
	CHANGED_RUN_AT,
	CHANGED_READY,
	CHANGED_RUNNER,
	CHANGED_LEASE,
	CHANGED_WORKER_PID,
	CHANGED_ERROR,
	CHANGED_FINISHED_AT,
	CHANGED_REQUEST,
	CHANGED_RESPONSE,
	CHANGED_PAYLOAD,
	CHANGED_AGAIN,
	CHANGED_LENGTH
};

#define REWRITE(condition)                                                                        \
	"UPDATE scheduler.live_jobs l SET status = c.status, state = c.state, attempts = c.attempts," \
	" run_at = c.run_at, ready = c.ready, request = c.request, response = c.response,"            \
	" lease = c.lease, worker_pid = c.worker_pid, error = c.error, finished_at = c.finished_at,"  \
	" payload = coalesce(c.payload, l.payload), again = c.again, runner = c.runner,"              \
	" started_at = coalesce(l.started_at, $1),"                                                   \
	" holds_queue = l.holds_queue AND c.finished_at IS NULL, lease_until = NULL"                  \
	" FROM " RELATION_NAME " c WHERE " condition " RETURNING l.ctid, c.position"

/* The row lies where it was taken, unless a handler of the same transaction has changed it. */
static SchedStatement rewrite_by_address = {
	REWRITE("l.ctid = c.tid AND l.job_id = c.job_id"), 1, {TIMESTAMPTZOID}, true, NULL};
static SchedStatement rewrite_by_key = {
	REWRITE("l.user_id = c.user_id AND l.job_id = c.job_id"), 1, {TIMESTAMPTZOID}, true, NULL};

/* One of our row types, found anew: the extension may have been dropped and created. */
static Oid
row_type(const char *name)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						   ObjectIdGetDatum(get_namespace_oid("scheduler", false)));
}

/* What the relation looks like. */
static TupleDesc
describe_relation(void)
{
	const struct
	{
		const char *name;
		Oid type;
	} columns[CHANGED_LENGTH] = {{"position", INT4OID},
								 {"tid", TIDOID},
								 {"user_id", UUIDOID},
								 {"job_id", UUIDOID},
								 {"status", TEXTOID},
								 {"state", JSONBOID},
								 {"attempts", INT4OID},
								 {"run_at", TIMESTAMPTZOID},
								 {"ready", BOOLOID},
								 {"runner", BOOLOID},
								 {"lease", INT8OID},
								 {"worker_pid", INT4OID},
								 {"error", TEXTOID},
								 {"finished_at", TIMESTAMPTZOID},
								 {"request", row_type("http_request")},
								 {"response", row_type("http_response")},
								 {"payload", JSONBOID},
								 {"again", JSONBOID}};
	TupleDesc desc = CreateTemplateTupleDesc(CHANGED_LENGTH);

	for (int i = 0; i < CHANGED_LENGTH; i++)
		TupleDescInitEntry(desc, i + 1, columns[i].name, columns[i].type, -1, 0);
	return desc;
}

/* A value where it is there, else NULL. */
static void
put_optional(Datum *values, bool *nulls, int column, Datum value, bool has)
{
	values[column] = has ? value : (Datum) 0;
	nulls[column] = !has;
}

/* One row of the relation. */
static void
put_change(Tuplestorestate *store, TupleDesc desc, int position, const SchedChange *change,
		   uint64 incarnation, TimestampTz now)
{
	SchedJob *job = change->job;
	Datum values[CHANGED_LENGTH];
	bool nulls[CHANGED_LENGTH] = {false};

	values[CHANGED_POSITION] = Int32GetDatum(position);
	values[CHANGED_TID] = PointerGetDatum(&job->tid);
	values[CHANGED_USER_ID] = UUIDPGetDatum(&job->user_id);
	values[CHANGED_JOB_ID] = UUIDPGetDatum(&job->job_id);
	values[CHANGED_STATUS] = CStringGetTextDatum(change->status);
	put_optional(values, nulls, CHANGED_STATE, change->state, change->has_state);
	values[CHANGED_ATTEMPTS] = Int32GetDatum(change->attempts);
	values[CHANGED_RUN_AT] = TimestampTzGetDatum(change->run_at);
	values[CHANGED_READY] = BoolGetDatum(change->ready);
	/* In neither lane: waits for an external worker. */
	put_optional(values, nulls, CHANGED_RUNNER, BoolGetDatum(change->runner),
				 job->kind == NULL || !job->kind->external);
	put_optional(values, nulls, CHANGED_LEASE, Int64GetDatum((int64) incarnation), change->leased);
	put_optional(values, nulls, CHANGED_WORKER_PID, Int32GetDatum(MyProcPid), change->by_us);
	put_optional(values, nulls, CHANGED_ERROR,
				 change->error != NULL ? CStringGetTextDatum(change->error) : (Datum) 0,
				 change->error != NULL);
	put_optional(values, nulls, CHANGED_FINISHED_AT, TimestampTzGetDatum(now), change->ended);
	put_optional(values, nulls, CHANGED_REQUEST, change->request, change->keeps_request);
	put_optional(values, nulls, CHANGED_RESPONSE, job->response, change->keeps_response);
	put_optional(values, nulls, CHANGED_PAYLOAD, change->payload, change->has_payload);
	put_optional(values, nulls, CHANGED_AGAIN, job->again, change->keeps_again);
	tuplestore_putvalues(store, desc, values, nulls);
}

/* Makes the rows visible to the statements of this SPI connection. */
static void
show_relation(Tuplestorestate *store, TupleDesc desc, int n)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = RELATION_NAME;
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = n;
	relation->reldata = store;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not show \"%s\"", RELATION_NAME);
}

/* Where the rows lie now: a flight's answer finds its row there. */
static void
note_addresses(SchedChange *changes)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		bool is_null;
		int position = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
		Datum tid = SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null);

		changes[position].job->tid = *(ItemPointer) DatumGetPointer(tid);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Writing some of the rows a second time, by key, changes nothing in those already written. */
void
sched_jobs_rewrite(SchedChange *changes, int n_changes, uint64 incarnation, TimestampTz now)
{
	Datum values[1] = {TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())};
	TupleDesc desc;
	Tuplestorestate *store;

	if (n_changes == 0)
		return;
	desc = describe_relation();
	store = tuplestore_begin_heap(false, false, STORE_KILOBYTES);
	for (int i = 0; i < n_changes; i++)
		put_change(store, desc, i, &changes[i], incarnation, now);
	show_relation(store, desc, n_changes);
	sched_jobs_execute(&rewrite_by_address, values, NULL, SPI_OK_UPDATE_RETURNING);
	if (SPI_processed != (uint64) n_changes)
		sched_jobs_execute(&rewrite_by_key, values, NULL, SPI_OK_UPDATE_RETURNING);
	if (SPI_processed != (uint64) n_changes)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("a job was taken away while its handler ran")));
	note_addresses(changes);
	SPI_unregister_relation(RELATION_NAME);
	tuplestore_end(store);
}
