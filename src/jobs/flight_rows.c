/*
 * flight_rows.c - the rows of jobs whose calls wait or were answered: looked at and locked by set.
 *
 * Runs in workers, in a step. A flight remembers where its job's row was when the request was
 * written; almost all are there still, so that one statement serves many. A row that has moved is
 * found by its key. Memory is the step's. Throws whatever a statement throws.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "core/fault.h"
#include "http/account_auth.h"
#include "http/request.h"
#include "jobs/flight_rows.h"
#include "jobs/lease.h"
#include "jobs/process.h"
#include "jobs/store.h"

/* Of these addresses, those that still hold a job of ours, in their order; with requests or without. */
#define FIND_HELD(request)                                                                    \
	"SELECT l.ctid, l.job_id, " request " FROM scheduler.live_jobs l WHERE l.ctid = ANY ($1)" \
	" AND l.lease IS NOT DISTINCT FROM $2 AND l.request IS DISTINCT FROM NULL"
static SchedStatement find_held = {FIND_HELD("NULL"), 2, {TIDARRAYOID, INT8OID}, true, NULL};
static SchedStatement find_requests = {
	FIND_HELD("l.request"), 2, {TIDARRAYOID, INT8OID}, true, NULL};
static SchedStatement lock_held = {"SELECT " SCHED_JOB_COLUMNS
								   " FROM scheduler.live_jobs l WHERE l.ctid = ANY ($1) AND"
								   " l.lease IS NOT DISTINCT FROM $2 FOR UPDATE SKIP LOCKED",
								   2,
								   {TIDARRAYOID, INT8OID},
								   true,
								   NULL};

/* By address, the order in which the server reads rows by address. */
static int
compare_addresses(const void *a, const void *b)
{
	return ItemPointerCompare(&(*(SchedFlight *const *) a)->tid, &(*(SchedFlight *const *) b)->tid);
}

/* Runs a statement on the rows of these flights, which it sorts. */
static void
look_at_rows(SchedStatement *statement, SchedFlight **some, int n, uint64 incarnation)
{
	Datum *tids = palloc(n * sizeof(Datum));
	Datum values[2];

	qsort(some, n, sizeof(SchedFlight *), compare_addresses);
	for (int i = 0; i < n; i++)
		tids[i] = PointerGetDatum(&some[i]->tid);
	values[0] = sched_jobs_form_array(tids, n, TIDOID);
	values[1] = Int64GetDatum((int64) incarnation);
	sched_jobs_execute(statement, values, NULL, SPI_OK_SELECT);
}

/*
 * Marks those of the flights whose jobs are still ours. One whose row has moved is not marked, nor
 * one whose row's place has been taken by another: they are looked up by key. Requests that were
 * read live as long as the step.
 */
void
sched_jobs_mark_held(SchedFlight **some, int n, bool with_requests, uint64 incarnation,
					 uint64 launch)
{
	uint64 row = 0;

	if (n == 0)
		return;
	look_at_rows(with_requests ? &find_requests : &find_held, some, n, incarnation);
	for (int i = 0; i < n && row < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool is_null;
		Datum tid = SPI_getbinval(tuple, desc, 1, &is_null);
		Datum job_id = SPI_getbinval(tuple, desc, 2, &is_null);
		Datum request = SPI_getbinval(tuple, desc, 3, &is_null);

		if (!ItemPointerEquals((ItemPointer) DatumGetPointer(tid), &some[i]->tid))
			continue;
		row++;
		if (memcmp(DatumGetUUIDP(job_id), &some[i]->job_id, UUID_LEN) != 0)
			continue;
		some[i]->held_in = launch;
		some[i]->found = is_null ? some[i]->request : DatumGetHeapTupleHeader(request);
	}
}

/* One that was not found at its address: moved, locked or gone. True where it is locked by us now. */
static bool
lock_by_key(SchedFlight *flight, uint64 incarnation, SchedJob *job)
{
	int found = sched_jobs_lock_leased(incarnation, &flight->user_id, &flight->job_id, job);

	if (found == 0)
		sched_jobs_drop_flight(flight);
	else if (found < 0)
		sched_jobs_put_flight_back(flight);
	return found == 1;
}

/* Almost all rows lie where the flights remember them: one statement, then the others by key. */
int
sched_jobs_lock_answered(uint64 incarnation, SchedJob *jobs, SchedFlight **taken, int max)
{
	SchedFlight **some = palloc(max * sizeof(SchedFlight *));
	int n = sched_jobs_answered_flights(some, max);
	SPITupleTable *rows;
	uint64 n_rows;
	uint64 row = 0;
	int n_taken = 0;

	if (n == 0)
		return 0;
	look_at_rows(&lock_held, some, n, incarnation);
	rows = SPI_tuptable;
	n_rows = SPI_processed;
	for (int i = 0; i < n; i++)
	{
		SchedJob *job = &jobs[n_taken];
		bool found = false;

		if (row < n_rows)
			sched_jobs_read_row(job, rows, row);
		if (row < n_rows && ItemPointerEquals(&job->tid, &some[i]->tid))
		{
			found = memcmp(&job->job_id, &some[i]->job_id, UUID_LEN) == 0;
			row++;
		}
		if (!found && !lock_by_key(some[i], incarnation, job))
			continue;
		sched_http_seal_tokens(some[i]->auth, &some[i]->user_id, some[i]->answer);
		job->answer = some[i]->answer;
		taken[n_taken++] = some[i];
	}
	return n_taken;
}

/* Answers go into the rows of their jobs, which are taken like others then; ends the step. */
static void
write_answers(uint64 incarnation, SchedJob *jobs, SchedFlight **flights, int max)
{
	int n = sched_jobs_lock_answered(incarnation, jobs, flights, max);

	for (int i = 0; i < n; i++)
	{
		jobs[i].kind = sched_jobs_find_kind(jobs[i].kind_name);
		jobs[i].response = sched_http_form_response(jobs[i].answer);
		jobs[i].has_response = true;
		jobs[i].outcome = SCHED_OUTCOME_ANSWERED;
	}
	sched_jobs_write_outcomes(jobs, n, incarnation);
	sched_jobs_end_step();
	SCHED_FAULT("kept");
	for (int i = 0; i < n; i++)
		sched_jobs_drop_flight(flights[i]);
}

void
sched_jobs_keep_answers(uint64 incarnation, MemoryContext memory, int max)
{
	SchedFlight **flights;
	SchedJob *jobs;

	MemoryContextSwitchTo(memory);
	flights = palloc(max * sizeof(SchedFlight *));
	jobs = palloc0(max * sizeof(SchedJob));
	PG_TRY();
	{
		write_answers(incarnation, jobs, flights, max);
	}
	PG_CATCH();
	{
		sched_jobs_allow_interrupt(false);
		MemoryContextSwitchTo(memory);
		/* With a full disk this comes with each round. */
		if (sched_jobs_is_expected(geterrcode()))
			sched_jobs_report_refusal(CopyErrorData());
		else
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
}
