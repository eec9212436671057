/*
 * call.c - one call of a handler: the job as a composite value in, a step out.
 *
 * Runs in the worker, in a runner and in a session that calls run_job_now(). Everything is
 * palloc'ed in the caller's context. Throws what the handler throws and where its answer is no
 * step; who calls has made the subtransaction that this needs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "jobs/job.h"

PG_FUNCTION_INFO_V1(sched_sql_handle_noop);

SchedJob *sched_jobs_current = NULL;

/* Attributes of scheduler.job and scheduler.step, in the order of their CREATE TYPE. */
enum
{
	JOB_ID,
	JOB_USER_ID,
	JOB_KIND,
	JOB_PAYLOAD,
	JOB_STATE,
	JOB_ATTEMPTS,
	JOB_MAX_ATTEMPTS,
	JOB_RUN_AT,
	JOB_PARENT_ID,
	JOB_CREATED_AT,
	JOB_LENGTH
};

enum
{
	STEP_ACTION,
	STEP_RESULT,
	STEP_STATE,
	STEP_REQUEST,
	STEP_RUN_AT,
	STEP_REASON,
	STEP_AFTER,
	STEP_LENGTH
};

/* Our row types, looked for once; asked several times for each job. */
typedef struct RowType
{
	const char *name;
	Oid oid;
} RowType;

static RowType job_type = {"job", InvalidOid};
static RowType step_type = {"step", InvalidOid};
static RowType response_type = {"http_response", InvalidOid};

/* Invalidation callback: some type has changed, or the extension was created anew. */
static void
forget_types(Datum arg, int cache, uint32 hash)
{
	job_type.oid = step_type.oid = response_type.oid = InvalidOid;
}

/* The row type of this name in our schema; the caller releases it. */
static TupleDesc
look_up_row(RowType *type)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterSyscacheCallback(TYPEOID, forget_types, (Datum) 0);
	registered = true;
	if (!OidIsValid(type->oid))
		type->oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type->name),
									ObjectIdGetDatum(get_namespace_oid("scheduler", false)));
	return lookup_rowtype_tupdesc(type->oid, -1);
}

/* What the handler sees of its job: a type of its own, so that the table stays free to change. */
static Datum
form_job(SchedJob *job)
{
	TupleDesc desc = look_up_row(&job_type);
	Datum values[JOB_LENGTH];
	bool nulls[JOB_LENGTH] = {false};
	HeapTuple tuple;

	values[JOB_ID] = UUIDPGetDatum(&job->job_id);
	values[JOB_USER_ID] = UUIDPGetDatum(&job->user_id);
	values[JOB_KIND] = CStringGetTextDatum(job->kind_name);
	values[JOB_PAYLOAD] = job->payload;
	values[JOB_STATE] = job->state;
	nulls[JOB_STATE] = !job->has_state;
	values[JOB_ATTEMPTS] = Int32GetDatum(job->attempts);
	values[JOB_MAX_ATTEMPTS] = Int32GetDatum(job->max_attempts);
	values[JOB_RUN_AT] = TimestampTzGetDatum(job->run_at);
	values[JOB_PARENT_ID] = UUIDPGetDatum(&job->parent_id);
	nulls[JOB_PARENT_ID] = !job->has_parent;
	values[JOB_CREATED_AT] = TimestampTzGetDatum(job->created_at);
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(tuple);
}

/* Milliseconds of an interval; months count as 30 days. */
static int64
milliseconds_of(const Interval *interval)
{
	return interval->time / 1000 +
		   ((int64) interval->day + (int64) interval->month * 30) * 86400 * 1000;
}

/* Throws for a word that no constructor makes: somebody built the row by hand. */
static SchedOutcome
read_action(const char *action)
{
	static const struct
	{
		const char *action;
		SchedOutcome outcome;
	} known[] = {{"done", SCHED_OUTCOME_DONE},   {"request", SCHED_OUTCOME_REQUEST},
				 {"sleep", SCHED_OUTCOME_SLEEP}, {"wait", SCHED_OUTCOME_WAIT},
				 {"retry", SCHED_OUTCOME_RETRY}, {"fail", SCHED_OUTCOME_FAIL}};

	for (size_t i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].action, action) == 0)
			return known[i].outcome;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the handler answered an unknown step"), errdetail("\"%s\"", action)));
}

/* A step without what its action needs is an error of the handler, not of the worker. */
static void
require_attribute(bool is_null, const char *action, const char *attribute)
{
	if (is_null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the handler answered a step without its %s", attribute),
						errdetail("Action \"%s\".", action)));
}

/* Copies what the step says: the handler's own memory may go with its subtransaction. */
static void
read_step(SchedJob *job, Datum step)
{
	HeapTupleHeader header = DatumGetHeapTupleHeaderCopy(step);
	TupleDesc desc = look_up_row(&step_type);
	HeapTupleData tuple = {0};
	Datum values[STEP_LENGTH];
	bool nulls[STEP_LENGTH];
	char *action;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
	require_attribute(nulls[STEP_ACTION], "", "action");
	action = TextDatumGetCString(values[STEP_ACTION]);
	job->outcome = read_action(action);
	job->has_result = !nulls[STEP_RESULT];
	job->result = values[STEP_RESULT];
	job->has_new_state = !nulls[STEP_STATE];
	job->new_state = values[STEP_STATE];
	if (job->outcome == SCHED_OUTCOME_REQUEST)
		require_attribute(nulls[STEP_REQUEST], action, "request");
	job->new_request = values[STEP_REQUEST];
	if (job->outcome == SCHED_OUTCOME_SLEEP)
	{
		require_attribute(nulls[STEP_RUN_AT], action, "time");
		job->wake_at = DatumGetTimestampTz(values[STEP_RUN_AT]);
	}
	job->reason = nulls[STEP_REASON] ? NULL : TextDatumGetCString(values[STEP_REASON]);
	job->has_after = !nulls[STEP_AFTER];
	if (job->has_after)
		job->after_ms = milliseconds_of(DatumGetIntervalP(values[STEP_AFTER]));
}

/*
 * sched_jobs_current is put back also where the handler throws: enqueue() asks it for the
 * parent.
 */
void
sched_jobs_call_handler(SchedJob *job)
{
	LOCAL_FCINFO(fcinfo, 2);
	SchedJob *outer = sched_jobs_current;
	Datum step;

	InitFunctionCallInfoData(*fcinfo, &job->kind->function, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = form_job(job);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = job->response;
	fcinfo->args[1].isnull = !job->has_response;
	sched_jobs_current = job;
	PG_TRY();
	{
		step = FunctionCallInvoke(fcinfo);
	}
	PG_FINALLY();
	{
		sched_jobs_current = outer;
	}
	PG_END_TRY();
	if (fcinfo->isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the handler answered NULL instead of a step")));
	read_step(job, step);
}

/* An array of one of our row types. */
static Datum
form_array(Datum *values, bool *nulls, int n, RowType *row_type)
{
	TupleDesc desc = look_up_row(row_type);
	Oid type = desc->tdtypeid;
	int lower = 1;

	ReleaseTupleDesc(desc);
	return PointerGetDatum(
		construct_md_array(values, nulls, 1, &n, &lower, type, -1, false, TYPALIGN_DOUBLE));
}

/* Steps as they come, one for each job. */
static void
read_steps(SchedJob **jobs, int n_jobs, Datum array)
{
	TupleDesc desc = look_up_row(&step_type);
	Oid type = desc->tdtypeid;
	Datum *steps;
	bool *nulls;
	int n;

	ReleaseTupleDesc(desc);
	deconstruct_array(DatumGetArrayTypeP(array), type, -1, false, TYPALIGN_DOUBLE, &steps, &nulls,
					  &n);
	if (n != n_jobs)
		elog(ERROR, "%d steps for %d jobs of kind %s", n, n_jobs, jobs[0]->kind_name);
	for (int i = 0; i < n; i++)
	{
		require_attribute(nulls[i], "", "action");
		read_step(jobs[i], steps[i]);
	}
}

/* No job is the current one: what such a handler enqueues is nobody's child. */
bool
sched_jobs_call_many(SchedJob **jobs, int n_jobs)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum *values = palloc(n_jobs * sizeof(Datum));
	Datum *responses = palloc(n_jobs * sizeof(Datum));
	bool *nulls = palloc0(n_jobs * sizeof(bool));
	bool *without = palloc(n_jobs * sizeof(bool));
	Datum steps;

	for (int i = 0; i < n_jobs; i++)
	{
		values[i] = form_job(jobs[i]);
		responses[i] = jobs[i]->response;
		without[i] = !jobs[i]->has_response;
	}
	InitFunctionCallInfoData(*fcinfo, &jobs[0]->kind->function_many, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = form_array(values, nulls, n_jobs, &job_type);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = form_array(responses, without, n_jobs, &response_type);
	fcinfo->args[1].isnull = false;
	steps = FunctionCallInvoke(fcinfo);
	if (fcinfo->isnull)
		return false;
	read_steps(jobs, n_jobs, steps);
	return true;
}

/* Takes back whatever the call had answered before it failed. */
void
sched_jobs_note_failure(SchedJob *job, const char *reason)
{
	job->outcome = SCHED_OUTCOME_RETRY;
	job->reason = reason;
	job->has_after = false;
	job->has_result = false;
	job->has_new_state = false;
	job->enqueued = false;
	job->keeps_response = job->has_response;
}

/*
 * handle_noop(job, response) -> step: done, no result. Formed by hand, as it is what is
 * measured.
 */
Datum
sched_sql_handle_noop(PG_FUNCTION_ARGS)
{
	TupleDesc desc = look_up_row(&step_type);
	Datum values[STEP_LENGTH] = {0};
	bool nulls[STEP_LENGTH];
	HeapTuple tuple;

	memset(nulls, true, sizeof(nulls));
	values[STEP_ACTION] = CStringGetTextDatum("done");
	nulls[STEP_ACTION] = false;
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}
