/*
 * flight.c - a worker's HTTP calls between the commit that asked for them and the transaction
 * that takes the answer.
 *
 * Runs in workers. The queue of calls lies here, not in curl, whose time limit counts from the
 * moment it gets a call. Flights live in a memory context of their own as long as the process;
 * an answer belongs to its flight. Signals are blocked around every call of the engine: the
 * library's resolver threads inherit the mask. No transaction is open while a call flies;
 * requests and secrets are read in a short one just before.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>
#include <sys/resource.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/fault.h"
#include "core/settings.h"
#include "core/steady.h"
#include "http/gate.h"
#include "http/http.h"
#include "http/request.h"
#include "jobs/flight.h"
#include "jobs/flight_rows.h"
#include "jobs/limits.h"
#include "jobs/lines.h"
#include "jobs/parking.h"
#include "jobs/renew.h"
#include "jobs/shmem.h"
#include "jobs/store.h"

/* Calls made ready in one transaction. */
#define LAUNCH_BATCH 128
/*
 * Requests that wait are kept in memory up to so much, which spares reading their rows again; what is
 * over it is read from there.
 */
#define KEPT_BYTES (16 * 1024 * 1024)
/* Descriptors of the process that are not a call's. */
#define OWN_DESCRIPTORS 100
/* A probe of a host that has not ended this long after its time limit is given up. */
#define PROBE_MARGIN (5 * USECS_PER_SEC)

typedef struct FlightEntry
{
	uint64 tag;
	SchedFlight *flight;
} FlightEntry;

/* How many calls a user has in the air. */
typedef struct UserCount
{
	pg_uuid_t user_id;
	int n;
} UserCount;

static SchedHttpEngine *engine = NULL;
static MemoryContext flight_memory = NULL;
static HTAB *flights = NULL; /* by tag: all of them */
static HTAB *counts = NULL;  /* by user */
static dlist_head prepared = DLIST_STATIC_INIT(prepared);
static dlist_head answered = DLIST_STATIC_INIT(answered);
static int n_air = 0;
static uint64 last_tag = 0;
static uint64 launch = 0;      /* number of the present one */
static int64 launch_after = 0; /* all that waits is held back until then, by the steady clock */
static Size kept_bytes = 0;
static int descriptor_room = INT_MAX; /* calls that there are descriptors for */

/*
 * Not IS NOT NULL, which is false for a request whose attributes are NULL: its call is refused,
 * not forgotten.
 */
static SchedStatement read_request = {
	"SELECT l.request FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.job_id = $2"
	" AND l.lease IS NOT DISTINCT FROM $3 AND l.request IS DISTINCT FROM NULL",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	true,
	NULL};
static SchedStatement return_mine = {
	"UPDATE scheduler.live_jobs SET lease = NULL, worker_pid = NULL, ready = true WHERE ctid = ANY "
	"(ARRAY("
	"SELECT l.ctid FROM scheduler.live_jobs l WHERE l.lease = $1 AND l.status = 'running'"
	" AND l.job_id = ANY ($2) FOR UPDATE SKIP LOCKED))",
	2,
	{INT8OID, UUIDARRAYOID},
	true,
	NULL};
static SchedStatement find_mine = {
	"SELECT l.job_id FROM scheduler.live_jobs l WHERE l.lease = $1", 1, {INT8OID}, true, NULL};

/*
 * Each call in the air is a descriptor, and a few more for resolving; the hard limit is the
 * administrator's.
 */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t) sched_max_in_flight * 2 + max_files_per_process + 256;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < wanted)
	{
		limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : Min(wanted, limit.rlim_max);
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			ereport(LOG, (errmsg("could not raise the limit of open files: %m")));
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	/* The server gives its own files back when it runs out; a call that finds none fails. */
	descriptor_room = limit.rlim_cur < OWN_DESCRIPTORS + 2
						  ? 1
						  : (int) Min((limit.rlim_cur - OWN_DESCRIPTORS) / 2, (rlim_t) INT_MAX);
	if (descriptor_room < sched_max_in_flight)
		ereport(LOG, (errmsg("%d calls at most are made at the same time", descriptor_room),
					  errdetail("The limit of open files is " UINT64_FORMAT ".",
								(uint64) limit.rlim_cur),
					  errhint("Raise the hard limit (ulimit -Hn) of the server to make use of "
							  "scheduler.max_in_flight.")));
}

/* How many calls may be in the air. */
static int
most_in_air(void)
{
	return Min(sched_max_in_flight, descriptor_room);
}

/* curl_global_init() belongs to the process that makes calls, never to the postmaster. */
void
sched_jobs_open_flights(void)
{
	HASHCTL control = {0};
	SchedHttpConfig config;
	sigset_t saved;

	raise_descriptor_limit();
	flight_memory =
		AllocSetContextCreate(TopMemoryContext, "scheduler flights", ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(uint64);
	control.entrysize = sizeof(FlightEntry);
	flights = hash_create("scheduler flights", 1024, &control, HASH_ELEM | HASH_BLOBS);
	sched_jobs_open_lines();
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(UserCount);
	counts = hash_create("scheduler calls of users", 64, &control, HASH_ELEM | HASH_BLOBS);
	sched_http_load_config(&config);
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
		engine = sched_http_create(&config);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (engine == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not start the HTTP engine")));
}

/* After a reload; calls in flight keep the limits they started with. */
void
sched_jobs_reconfigure_flights(void)
{
	SchedHttpConfig config;
	sigset_t saved;

	sched_http_load_config(&config);
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	sched_http_reconfigure(engine, &config);
	sigprocmask(SIG_SETMASK, &saved, NULL);
}

/* What the gate has to know of a request before it is read again for its call. */
static void
note_target(SchedFlight *flight, HeapTupleHeader request)
{
	bool is_null;
	Datum value = GetAttributeByName(request, "url", &is_null);
	int64 timeout_us = (int64) sched_http_timeout * 1000;

	flight->url = is_null ? pstrdup("") : text_to_cstring(DatumGetTextPP(value));
	value = GetAttributeByName(request, "auth", &is_null);
	flight->auth = is_null ? NULL : text_to_cstring(DatumGetTextPP(value));
	value = GetAttributeByName(request, "timeout", &is_null);
	if (!is_null)
		timeout_us = Max(0, Min(DatumGetIntervalP(value)->time, SECS_PER_HOUR * USECS_PER_SEC));
	flight->patience_us = timeout_us + PROBE_MARGIN;
}

/* A copy of the request where there is room for one. */
static void
keep_request(SchedFlight *flight, HeapTupleHeader request)
{
	Size size = HeapTupleHeaderGetDatumLength(request);

	if (kept_bytes + size > KEPT_BYTES)
		return;
	flight->request = palloc(size);
	memcpy(flight->request, request, size);
	kept_bytes += GetMemoryChunkSpace(flight->request);
}

static void
prepare_flight(SchedJob *job, Datum datum)
{
	HeapTupleHeader request = DatumGetHeapTupleHeader(datum);
	MemoryContext old = MemoryContextSwitchTo(flight_memory);
	SchedFlight *flight = palloc0(sizeof(SchedFlight));

	dlist_push_tail(&prepared, &flight->node);
	flight->job = job;
	flight->user_id = job->user_id;
	flight->job_id = job->job_id;
	strlcpy(flight->kind_name, job->kind_name, sizeof(flight->kind_name));
	flight->per_user_limit = job->kind->per_user_limit;
	note_target(flight, request);
	keep_request(flight, request);
	MemoryContextSwitchTo(old);
}

/* Its call has begun, or never will. */
static void
forget_request(SchedFlight *flight)
{
	if (flight->request == NULL)
		return;
	kept_bytes -= GetMemoryChunkSpace(flight->request);
	pfree(flight->request);
	flight->request = NULL;
}

static void
free_flight(SchedFlight *flight)
{
	forget_request(flight);
	if (flight->url != NULL)
		pfree(flight->url);
	if (flight->auth != NULL)
		pfree(flight->auth);
	if (flight->host != NULL)
		pfree(flight->host);
	pfree(flight);
}

/* Before the commit: what a job refers to does not outlive its transaction. */
void
sched_jobs_prepare_flights(SchedJob *jobs, int n_jobs)
{
	/* Of a transaction that failed. */
	while (!dlist_is_empty(&prepared))
		free_flight(dlist_container(SchedFlight, node, dlist_pop_head_node(&prepared)));
	for (int i = 0; i < n_jobs; i++)
	{
		if (jobs[i].outcome == SCHED_OUTCOME_REQUEST && !jobs[i].kind->runner)
			prepare_flight(&jobs[i], jobs[i].new_request);
		else if (jobs[i].outcome == SCHED_OUTCOME_SEND)
			prepare_flight(&jobs[i], jobs[i].request);
	}
}

/* The requests are durable now: their calls wait for their turn. */
void
sched_jobs_add_flights(void)
{
	while (!dlist_is_empty(&prepared))
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, dlist_pop_head_node(&prepared));
		FlightEntry *entry;

		flight->tag = ++last_tag;
		flight->tid = flight->job->tid;
		flight->job = NULL;
		entry = hash_search(flights, &flight->tag, HASH_ENTER, NULL);
		entry->flight = flight;
		sched_jobs_stand_in_line(flight);
		launch_after = 0;
	}
}

/* How many calls this user has in the air; NULL where there are none and no entry is to be made. */
static UserCount *
find_count(const pg_uuid_t *user_id, HASHACTION action)
{
	bool found;
	UserCount *count = hash_search(counts, user_id, action, &found);

	if (action == HASH_ENTER && !found)
		count->n = 0;
	return count;
}

/* From here on the call counts among what its user has going on; may_start() has counted it for its kind. */
static void
count_flight(SchedFlight *flight)
{
	flight->submitted = true;
	find_count(&flight->user_id, HASH_ENTER)->n++;
}

/* It has its answer, or is given up. */
static void
end_flight(SchedFlight *flight)
{
	/* Room for another, of a line that may have waited for it. */
	launch_after = 0;
	if (flight->submitted && flight->answer == NULL)
	{
		if (--find_count(&flight->user_id, HASH_FIND)->n == 0)
			find_count(&flight->user_id, HASH_REMOVE);
		sched_jobs_release_call(&flight->user_id, flight->kind_name, flight->per_user_limit);
	}
	flight->submitted = false;
}

/* The answer goes with it, counted in the statistics of its host. */
void
sched_jobs_drop_flight(SchedFlight *flight)
{
	end_flight(flight);
	sched_jobs_leave_gate(flight, NULL);
	if (flight->answer != NULL)
	{
		sched_http_count_answer(flight->answer);
		sched_http_free_answer(flight->answer);
	}
	if (flight->listed)
		dlist_delete(&flight->node);
	hash_search(flights, &flight->tag, HASH_REMOVE, NULL);
	free_flight(flight);
}

/* Others that came later go before it. */
void
sched_jobs_put_flight_back(SchedFlight *flight)
{
	dlist_delete(&flight->node);
	dlist_push_tail(&answered, &flight->node);
}

/* From waiting or the air to answered. */
static void
take_answer(SchedFlight *flight, SchedHttpAnswer *answer)
{
	end_flight(flight);
	sched_jobs_leave_gate(flight, answer);
	flight->answer = answer;
	if (sched_jobs_hold_unauthorized(flight))
		return;
	flight->listed = true;
	dlist_push_tail(&answered, &flight->node);
}

/*
 * Room for the user, for the host, then for the user's kind, which counts it. The last eighth of all
 * room is never one user's alone: with calls that take long he would shut out all others.
 */
static bool
has_room(SchedFlight *flight)
{
	const UserCount *count = find_count(&flight->user_id, HASH_FIND);
	int most = Max(1, most_in_air() - most_in_air() / 8);
	sigset_t saved;
	bool admitted;

	if (count != NULL && count->n >= most)
		return false;
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	admitted = sched_http_admits(engine, flight->url);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	return admitted &&
		   sched_jobs_reserve_call(&flight->user_id, flight->kind_name, flight->per_user_limit);
}

/* The name of its host, palloc'ed with the flights; NULL where the url is bad: it is refused when it is made. */
static char *
name_host(SchedFlight *flight)
{
	const char *name;
	char *copy = NULL;
	sigset_t saved;

	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	name = sched_http_host_name(engine, flight->url);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (name != NULL)
		copy = MemoryContextStrdup(flight_memory, name);
	return copy;
}

/*
 * The first call of a line that may start; not far behind a crowd, of which only the first of each kind is judged: that is
 * a look at all calls in the air.
 */
static SchedFlight *
find_ready_in_line(SchedLine *line)
{
	dlist_iter iter;
	const SchedFlight *refused = NULL;
	int seen = 0;

	if (!sched_jobs_check_account(line, dlist_head_element(SchedFlight, node, &line->flights),
								  launch))
		return NULL;
	dlist_foreach(iter, &line->flights)
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, iter.cur);

		if (++seen > LAUNCH_BATCH)
			break;
		if (refused != NULL && strcmp(refused->url, flight->url) == 0 &&
			strcmp(refused->kind_name, flight->kind_name) == 0)
			continue;
		if (has_room(flight))
			return sched_jobs_pass_gate(flight, name_host(flight)) ? flight : NULL;
		refused = flight;
	}
	return NULL;
}

/* Of the user's lines that are not held back, the first that has one. */
static SchedFlight *
find_ready(SchedUserLines *user)
{
	int64 now = sched_core_steady_now();
	int seen = 0;
	dlist_iter iter;

	dlist_foreach(iter, &user->lines)
	{
		SchedLine *line = dlist_container(SchedLine, node, iter.cur);
		SchedFlight *flight;

		if (line->held_until > now)
			continue;
		if (++seen > LAUNCH_BATCH)
			break;
		flight = find_ready_in_line(line);
		if (flight != NULL)
			return flight;
	}
	return NULL;
}

bool
sched_jobs_is_repeatable(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};

	for (size_t i = 0; i < lengthof(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

/* This flight and those that will probably be next, with a statement or two for all. */
static void
look_ahead(SchedFlight *first, uint64 incarnation)
{
	SchedFlight *kept[LAUNCH_BATCH];
	SchedFlight *others[LAUNCH_BATCH];
	int room = Min(LAUNCH_BATCH, most_in_air() - n_air);
	int share = Max(1, room / Max(1, sched_jobs_users_in_line()));
	int n_kept = 0;
	int n_others = 0;
	dlist_iter turn;

	if (first->request != NULL)
		kept[n_kept++] = first;
	else
		others[n_others++] = first;
	dlist_foreach(turn, sched_jobs_turns())
	{
		SchedUserLines *user = dlist_container(SchedUserLines, node, turn.cur);
		/* Mostly there is one. */
		SchedLine *line = dlist_head_element(SchedLine, node, &user->lines);
		int taken = 0;
		dlist_iter place;

		if (line->held_until > 0)
			continue;
		dlist_foreach(place, &line->flights)
		{
			SchedFlight *flight = dlist_container(SchedFlight, node, place.cur);

			if (n_kept + n_others >= room || taken++ >= share)
				break;
			if (flight->request != NULL)
				kept[n_kept++] = flight;
			else
				others[n_others++] = flight;
		}
	}
	sched_jobs_mark_held(kept, n_kept, false, incarnation, launch);
	sched_jobs_mark_held(others, n_others, true, incarnation, launch);
}

/* By key, where its address led nowhere. NULL: the job is no longer ours. */
static HeapTupleHeader
find_by_key(SchedFlight *flight, uint64 incarnation)
{
	Datum values[3] = {UUIDPGetDatum(&flight->user_id), UUIDPGetDatum(&flight->job_id),
					   Int64GetDatum((int64) incarnation)};
	bool is_null;

	sched_jobs_execute(&read_request, values, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
		return NULL;
	if (flight->request != NULL)
		return flight->request;
	return DatumGetHeapTupleHeader(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

/* The request of a flight whose job is still ours; NULL where it is not. */
static HeapTupleHeader
find_request(SchedFlight *flight, uint64 incarnation)
{
	if (flight->held_in != launch)
		look_ahead(flight, incarnation);
	if (flight->held_in == launch)
		return flight->found;
	return find_by_key(flight, incarnation);
}

/*
 * Builds one call and hands it over at once, so that its secret lies in memory no longer than
 * that. A call that cannot be made has its answer already; a job that is no longer ours needs
 * none.
 */
static void
launch_one(SchedFlight *flight, uint64 incarnation)
{
	HeapTupleHeader request = find_request(flight, incarnation);
	SchedHttpAnswer *refusal;
	SchedHttpCall call = {0};
	sigset_t saved;
	bool accepted;

	if (request == NULL)
	{
		sched_jobs_give_pass_back(flight);
		sched_jobs_drop_flight(flight);
		return;
	}
	refusal = sched_http_build_call(PointerGetDatum(request), &flight->user_id, flight->tag, &call);
	if (refusal != NULL)
	{
		take_answer(flight, refusal);
		return;
	}
	flight->repeatable = sched_jobs_is_repeatable(call.method);
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	accepted = sched_http_submit(engine, &call);
	sched_http_scrub_call(&call);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	forget_request(flight);
	/* The engine found no memory: nothing was sent, so the job may ask again later. */
	if (accepted)
		n_air++;
	else
		take_answer(flight, sched_http_make_failure(flight->tag, SCHED_HTTP_CONNECT, false,
													"no memory for the call"));
}

/* Where somebody holds a table, nothing was handed over: the call waits again. */
static void
launch_or_wait(SchedFlight *flight, uint64 incarnation)
{
	SchedHttpAnswer *refusal = flight->refusal;

	if (refusal != NULL)
	{
		flight->refusal = NULL;
		take_answer(flight, refusal);
		return;
	}
	count_flight(flight);
	PG_TRY();
	{
		launch_one(flight, incarnation);
	}
	PG_CATCH();
	{
		end_flight(flight);
		sched_jobs_give_pass_back(flight);
		sched_jobs_stand_in_line(flight);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * The next calls that may start, one of each user in turn. Each is handed over before the next
 * is judged.
 */
static void
launch_in_turn(uint64 incarnation)
{
	dlist_head *turns = sched_jobs_turns();
	int launched = 0;
	bool progress = true;

	launch++;
	while (progress && launched < LAUNCH_BATCH)
	{
		dlist_mutable_iter iter;
		dlist_node *last = dlist_is_empty(turns) ? NULL : dlist_tail_node(turns);

		progress = false;
		dlist_foreach_modify(iter, turns)
		{
			SchedUserLines *user = dlist_container(SchedUserLines, node, iter.cur);
			bool is_last = iter.cur == last;
			SchedFlight *flight = n_air < most_in_air() ? find_ready(user) : NULL;

			if (flight != NULL)
			{
				sched_jobs_leave_line(flight);
				launch_or_wait(flight, incarnation);
				launched++;
				progress = true;
			}
			if (is_last || launched >= LAUNCH_BATCH)
				break;
		}
	}
}

void
sched_jobs_end_launch(bool committed)
{
	sched_jobs_end_parking(committed);
	sched_jobs_end_repeat(committed);
	launch_after = sched_jobs_lines_held_until(sched_core_steady_now());
}

/* Cheap: asked in each round. */
bool
sched_jobs_flights_wait_for_launch(void)
{
	if (sched_jobs_unauthorized_wait())
		return true;
	return sched_jobs_flights_waiting() > 0 && n_air < most_in_air() &&
		   (launch_after == 0 || launch_after <= sched_core_steady_now());
}

/*
 * What it writes is about calls that were not handed over, so its transaction cannot fail in a way that
 * matters for those that were.
 */
void
sched_jobs_launch_flights(uint64 incarnation)
{
	SCHED_FAULT("departing");
	sched_http_refresh_limits();
	launch_in_turn(incarnation);
	sched_jobs_park_late(incarnation);
	sched_jobs_repeat_unauthorized(incarnation);
}

/* An answer whose flight is gone belonged to a cancelled job. */
static void
collect_answers(void)
{
	SchedHttpAnswer *answer;
	sigset_t saved;

	for (;;)
	{
		FlightEntry *entry;
		uint64 tag;

		sigprocmask(SIG_SETMASK, &BlockSig, &saved);
		answer = sched_http_next(engine);
		sigprocmask(SIG_SETMASK, &saved, NULL);
		if (answer == NULL)
			return;
		n_air--;
		tag = answer->tag;
		entry = hash_search(flights, &tag, HASH_FIND, NULL);
		if (entry != NULL)
			take_answer(entry->flight, answer);
		else
			sched_http_free_answer(answer);
		SCHED_FAULT("answered");
	}
}

/* Cheap where nothing is in the air. */
void
sched_jobs_drive_flights(void)
{
	sigset_t saved;

	if (n_air == 0)
		return;
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	sched_http_drive(engine);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	SCHED_FAULT("flying");
	collect_answers();
}

/* In the order in which they came. */
int
sched_jobs_answered_flights(SchedFlight **some, int max)
{
	dlist_iter iter;
	int n = 0;

	dlist_foreach(iter, &answered)
	{
		if (n == max)
			break;
		some[n++] = dlist_container(SchedFlight, node, iter.cur);
	}
	return n;
}

/* For bsearch over the ids that are still ours. */
static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

/* The ids of the jobs that are this incarnation's now, sorted; palloc'ed. */
static pg_uuid_t *
read_mine(uint64 incarnation, int *n)
{
	Datum values[1] = {Int64GetDatum((int64) incarnation)};
	pg_uuid_t *mine;
	bool is_null;

	sched_jobs_execute(&find_mine, values, NULL, SPI_OK_SELECT);
	*n = (int) SPI_processed;
	mine = palloc((*n + 1) * sizeof(pg_uuid_t));
	for (int i = 0; i < *n; i++)
		mine[i] = *DatumGetUUIDP(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
	qsort(mine, *n, sizeof(pg_uuid_t), compare_ids);
	return mine;
}

/* No message names the job: whatever is in the air and not in the table any more is given up. */
void
sched_jobs_cancel_flights(uint64 incarnation)
{
	HASH_SEQ_STATUS scan;
	FlightEntry *entry;
	int n;
	pg_uuid_t *mine = read_mine(incarnation, &n);

	hash_seq_init(&scan, flights);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		SchedFlight *flight = entry->flight;
		sigset_t saved;

		if (flight->answer != NULL ||
			bsearch(&flight->job_id, mine, n, sizeof(pg_uuid_t), compare_ids) != NULL)
			continue;
		/* A waiting one is found to be gone when its turn comes. */
		if (!flight->submitted)
			continue;
		sigprocmask(SIG_SETMASK, &BlockSig, &saved);
		sched_http_cancel(engine, flight->tag);
		sigprocmask(SIG_SETMASK, &saved, NULL);
	}
	pfree(mine);
}

/* What the loop waits for beside its latch. */
int
sched_jobs_flight_descriptor(void)
{
	return sched_http_descriptor(engine);
}

/* Until a line may go on that is held back; -1 where none is, or there is no room for its calls anyway. */
long
sched_jobs_flights_held_ms(void)
{
	int64 now = sched_core_steady_now();

	if (launch_after == 0 || launch_after == PG_INT64_MAX || n_air >= most_in_air())
		return -1;
	return launch_after <= now ? 0 : (long) ((launch_after - now + 999) / 1000);
}

/* -1 where only the latch and the clock matter. */
long
sched_jobs_flight_timeout_ms(void)
{
	if (n_air == 0)
		return -1;
	return sched_http_timeout_ms(engine);
}

/* For stat_workers. */
int
sched_jobs_flights_in_air(void)
{
	return n_air;
}

/* More to do without waiting? */
bool
sched_jobs_flights_answered(void)
{
	return !dlist_is_empty(&answered);
}

/* May another process send this again? What waits was not sent at all. */
static bool
may_be_repeated(const SchedFlight *flight)
{
	return flight->answer == NULL && (!flight->submitted || flight->repeatable);
}

/* Calls in the air whose answer is the only one there will be. */
int
sched_jobs_flights_unrepeatable(void)
{
	HASH_SEQ_STATUS scan;
	FlightEntry *entry;
	int n = 0;

	hash_seq_init(&scan, flights);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->flight->answer == NULL && !may_be_repeated(entry->flight))
			n++;
	return n;
}

/* The jobs are as if their calls had just been asked for; a row that somebody holds stays, and its call is lost. */
void
sched_jobs_return_flights(uint64 incarnation)
{
	HASH_SEQ_STATUS scan;
	FlightEntry *entry;
	Datum *ids = palloc((hash_get_num_entries(flights) + 1) * sizeof(Datum));
	Datum values[2] = {Int64GetDatum((int64) incarnation)};
	int n = 0;

	hash_seq_init(&scan, flights);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (may_be_repeated(entry->flight))
			ids[n++] = UUIDPGetDatum(&entry->flight->job_id);
	if (n == 0)
		return;
	values[1] = sched_jobs_form_array(ids, n, UUIDOID);
	sched_jobs_execute(&return_mine, values, NULL, SPI_OK_UPDATE);
	sched_jobs_signal_at_commit(SCHED_SIGNAL_JOBS);
}
