/*
 * parking.c - a call at the gate of its limits and its host, and calls that have to wait long.
 *
 * Runs in workers, in the step that launches calls. Who may not go holds his line back; of a line
 * whose turn comes late the calls are written back as sleeping until then, so that memory holds only
 * what goes soon. Flights are flight.c's. Throws what the statement throws; nothing was handed over
 * for the calls that it is about.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/steady.h"
#include "http/gate.h"
#include "http/request.h"
#include "jobs/limits.h"
#include "jobs/lines.h"
#include "jobs/parking.h"
#include "jobs/store.h"

/* Who has to wait longer for his limit waits in his row, by the clock. */
#define PARK_AFTER (2 * USECS_PER_SEC)
#define PARK_BATCH 500

static SchedStatement park_mine = {
	"UPDATE scheduler.live_jobs l SET lease = NULL, worker_pid = NULL, ready = false,"
	" status = 'sleeping', run_at = p.run_at, error = p.reason FROM ROWS FROM"
	" (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4))"
	" AS p (job_id, run_at, reason) WHERE l.job_id = p.job_id AND l.ctid = ANY (ARRAY("
	"SELECT f.ctid FROM scheduler.live_jobs f WHERE f.lease = $1 AND f.status = 'running'"
	" AND f.job_id = ANY ($2) FOR UPDATE SKIP LOCKED)) RETURNING l.job_id",
	4,
	{INT8OID, UUIDARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID},
	true,
	NULL};

static SchedFlight *parking[PARK_BATCH];
static int n_parking = 0;

/* As the gate asks for it. */
static SchedGateCall
describe_for_gate(const SchedFlight *flight, const char *host)
{
	return (SchedGateCall){.user_id = &flight->user_id,
						   .host = host,
						   .auth = flight->auth,
						   .patience_us = flight->patience_us};
}

/* Also where the flight is dropped without an answer. */
void
sched_jobs_leave_gate(SchedFlight *flight, const SchedHttpAnswer *answer)
{
	SchedGateCall call = describe_for_gate(flight, flight->host);

	if (flight->host == NULL)
		return;
	sched_http_note_answer(&call, answer, flight->probe);
	pfree(flight->host);
	flight->host = NULL;
	flight->probe = false;
}

/* Its job is gone, or its request could not be read now. */
void
sched_jobs_give_pass_back(SchedFlight *flight)
{
	SchedGateCall call = describe_for_gate(flight, flight->host);

	if (flight->host == NULL)
		return;
	sched_http_return_pass(&call, flight->probe);
	pfree(flight->host);
	flight->host = NULL;
	flight->probe = false;
}

/* Both tokens of limits and the probe of a host are held by the flight from here on. */
bool
sched_jobs_pass_gate(SchedFlight *flight, char *host)
{
	SchedGateCall call = describe_for_gate(flight, host);
	SchedGateVerdict verdict;

	if (host == NULL)
		return true;
	sched_http_pass_gate(&call, &verdict);
	if (verdict.word == SCHED_GATE_PASS)
	{
		flight->line->held_until = 0;
		flight->token_number = flight->line->token_number;
		flight->host = host;
		flight->probe = verdict.probe;
		return true;
	}
	pfree(host);
	sched_jobs_release_call(&flight->user_id, flight->kind_name, flight->per_user_limit);
	if (verdict.word == SCHED_GATE_REFUSE)
	{
		flight->refusal = sched_http_make_refusal(flight->tag, verdict.reason, verdict.wait_us);
		return true;
	}
	flight->line->held_until = sched_core_steady_now() + verdict.wait_us;
	flight->line->spacing_us = verdict.spacing_us;
	strlcpy(flight->line->reason, verdict.reason, sizeof(flight->line->reason));
	return false;
}

/* Those of a line whose turn comes so late that they had better wait in their rows. */
static void
choose_late(SchedLine *line, int64 now, TimestampTz wall, Datum *ids, Datum *times, Datum *reasons)
{
	int64 turn = line->held_until;
	dlist_iter iter;

	dlist_foreach(iter, &line->flights)
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, iter.cur);

		if (n_parking == PARK_BATCH)
			return;
		if (turn - now > PARK_AFTER)
		{
			ids[n_parking] = UUIDPGetDatum(&flight->job_id);
			times[n_parking] = TimestampTzGetDatum(wall + (turn - now));
			reasons[n_parking] = CStringGetTextDatum(line->reason);
			flight->parked = false;
			parking[n_parking++] = flight;
		}
		turn += line->spacing_us;
	}
}

static int
compare_flights(const void *a, const void *b)
{
	return memcmp(&(*(SchedFlight *const *) a)->job_id, &(*(SchedFlight *const *) b)->job_id,
				  UUID_LEN);
}

/* Marks the flights whose rows the statement has written. */
static void
mark_parked(void)
{
	qsort(parking, n_parking, sizeof(SchedFlight *), compare_flights);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool is_null;
		SchedFlight sought;
		SchedFlight *key = &sought;
		SchedFlight **found;

		sought.job_id = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		found = bsearch(&key, parking, n_parking, sizeof(SchedFlight *), compare_flights);
		if (found != NULL)
			(*found)->parked = true;
	}
}

/* Lines that are not held back have no late turns. */
void
sched_jobs_park_late(uint64 incarnation)
{
	Datum *ids = palloc(PARK_BATCH * sizeof(Datum));
	Datum *times = palloc(PARK_BATCH * sizeof(Datum));
	Datum *reasons = palloc(PARK_BATCH * sizeof(Datum));
	Datum values[4] = {Int64GetDatum((int64) incarnation)};
	int64 now = sched_core_steady_now();
	TimestampTz wall = GetCurrentTimestamp();
	dlist_iter turn;

	n_parking = 0;
	dlist_foreach(turn, sched_jobs_turns())
	{
		SchedUserLines *user = dlist_container(SchedUserLines, node, turn.cur);
		dlist_iter iter;

		dlist_foreach(iter, &user->lines)
		{
			SchedLine *line = dlist_container(SchedLine, node, iter.cur);

			if (line->held_until > now)
				choose_late(line, now, wall, ids, times, reasons);
		}
	}
	if (n_parking == 0)
		return;
	values[1] = sched_jobs_form_array(ids, n_parking, UUIDOID);
	values[2] = PointerGetDatum(construct_array(times, n_parking, TIMESTAMPTZOID,
												sizeof(TimestampTz), true, TYPALIGN_DOUBLE));
	values[3] =
		PointerGetDatum(construct_array(reasons, n_parking, TEXTOID, -1, false, TYPALIGN_INT));
	sched_jobs_execute(&park_mine, values, NULL, SPI_OK_UPDATE_RETURNING);
	mark_parked();
	sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}

void
sched_jobs_end_parking(bool committed)
{
	for (int i = 0; i < n_parking; i++)
	{
		if (!committed || !parking[i]->parked)
			continue;
		sched_jobs_leave_line(parking[i]);
		sched_jobs_drop_flight(parking[i]);
	}
	n_parking = 0;
}
