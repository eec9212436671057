/*
 * run_now.c - step_job_now(): a job in the caller's own session, for trying handlers out.
 *
 * Runs in a backend of a member of scheduler_developer, inside its transaction: the one place
 * where a call is made with a transaction open, which is why its name ends in _now. The job's
 * row is locked; outcomes are written as a worker writes them, but a request is answered here
 * and the handler called again at once.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"

#include "http/account_auth.h"
#include "http/request.h"
#include "identity/current_user.h"
#include "jobs/batch.h"
#include "jobs/job.h"
#include "jobs/store.h"

PG_FUNCTION_INFO_V1(sched_sql_step_job_now);

/* More calls than any handler makes in one run. */
#define MAX_CALLS 1000

static SchedStatement lock_job = {
	"SELECT " SCHED_JOB_COLUMNS " FROM scheduler.live_jobs l WHERE l.user_id ="
	" scheduler.owner_of_job($1) AND l.job_id = $1 AND l.lease IS NULL"
	" AND (l.ready OR l.status IN ('pending', 'sleeping', 'running')) FOR UPDATE",
	1,
	{UUIDOID},
	true,
	NULL};

/* The session's own engine, made at first use and kept. */
static SchedHttpEngine *
open_engine(void)
{
	static SchedHttpEngine *engine = NULL;
	SchedHttpConfig config;
	sigset_t saved;

	sched_http_load_config(&config);
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	if (engine != NULL)
		sched_http_reconfigure(engine, &config);
	else if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
		engine = sched_http_create(&config);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (engine == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not start the HTTP engine")));
	return engine;
}

/* Drives the one call until its answer is there. An interrupt aborts the call before it goes on. */
static SchedHttpAnswer *
wait_for_answer(SchedHttpEngine *engine, uint64 tag)
{
	for (;;)
	{
		SchedHttpAnswer *answer;
		sigset_t saved;
		long pause;

		sigprocmask(SIG_SETMASK, &BlockSig, &saved);
		if (InterruptPending && (QueryCancelPending || ProcDiePending))
			sched_http_cancel(engine, tag);
		sched_http_drive(engine);
		answer = sched_http_next(engine);
		pause = sched_http_timeout_ms(engine);
		sigprocmask(SIG_SETMASK, &saved, NULL);
		if (answer != NULL && answer->tag == tag)
			return answer;
		if (answer != NULL)
		{
			sched_http_free_answer(answer);
			continue;
		}
		WaitLatchOrSocket(
			MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE,
			sched_http_descriptor(engine), pause < 0 ? 100 : Min(pause, 100), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* NULL where the request names none. */
static char *
read_auth(Datum request)
{
	bool is_null;
	Datum auth = GetAttributeByName(DatumGetHeapTupleHeader(request), "auth", &is_null);

	return is_null ? NULL : TextDatumGetCString(auth);
}

/* Makes the call and gives the job its response. */
static void
answer_request(SchedJob *job, Datum request)
{
	static uint64 tag = 0;
	SchedHttpEngine *engine = open_engine();
	SchedHttpCall call = {0};
	SchedHttpAnswer *answer = sched_http_build_call(request, &job->user_id, ++tag, &call);
	sigset_t saved;

	if (answer == NULL)
	{
		bool accepted;

		sigprocmask(SIG_SETMASK, &BlockSig, &saved);
		accepted = sched_http_submit(engine, &call);
		sched_http_scrub_call(&call);
		sigprocmask(SIG_SETMASK, &saved, NULL);
		answer = accepted ? wait_for_answer(engine, tag)
						  : sched_http_make_failure(tag, SCHED_HTTP_CONNECT, false,
													"no memory for the call");
	}
	PG_TRY();
	{
		sched_http_seal_tokens(read_auth(request), &job->user_id, answer);
		job->response = sched_http_form_response(answer);
		job->has_response = true;
		job->retry_after_ms = sched_http_asked_delay_ms(answer);
		sched_http_count_answer(answer);
	}
	PG_FINALLY();
	{
		sched_http_free_answer(answer);
	}
	PG_END_TRY();
	CHECK_FOR_INTERRUPTS();
}

/* As whom the handler runs here: a user's kind only as a role that the caller is a member of. */
static Oid
find_role(SchedJob *job, Oid caller)
{
	Oid role;

	if (!job->kind->runner)
		return sched_jobs_owner_role();
	role = get_role_oid(job->kind->run_as, false);
	if (!is_member_of_role(caller, role))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to run jobs as role \"%s\"", job->kind->run_as)));
	return role;
}

/* Calls the handler until it asks for something that is not a call. */
static void
run_to_pause(SchedJob *job, Oid role)
{
	for (int calls = 0; calls < MAX_CALLS; calls++)
	{
		if (job->has_request && !job->has_response)
			answer_request(job, job->request);
		sched_jobs_run_guarded(job, role);
		if (job->outcome != SCHED_OUTCOME_REQUEST)
			return;
		job->state = job->new_state;
		job->has_state = job->has_new_state;
		job->request = job->new_request;
		job->has_request = true;
		job->has_response = false;
	}
	sched_jobs_note_failure(job, "the handler asks for calls without end");
}

/* step_job_now(job_id) -> whether there was something to run */
Datum
sched_sql_step_job_now(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum values[1] = {PG_GETARG_DATUM(0)};
	Oid caller = GetUserId();
	SchedRights before;
	SchedJob job;
	bool found;

	sched_jobs_enter_system(&before);
	sched_jobs_execute(&lock_job, values, NULL, SPI_OK_SELECT);
	found = SPI_processed == 1;
	if (found)
	{
		sched_jobs_read_row(&job, SPI_tuptable, 0);
		job.kind = sched_jobs_find_kind(job.kind_name);
		if (job.kind == NULL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("the kind no longer exists"),
							errdetail("\"%s\"", job.kind_name)));
		if (job.kind->external)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("this job cannot be run now"),
							errdetail("Kind \"%s\" has no handler.", job.kind_name),
							errhint("Claim it with scheduler.claim_jobs().")));
		MemoryContextSwitchTo(memory);
		run_to_pause(&job, find_role(&job, caller));
		sched_jobs_write_outcomes(&job, 1, 0);
	}
	sched_jobs_leave_system(&before);
	PG_RETURN_BOOL(found);
}
