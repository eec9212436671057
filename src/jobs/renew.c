/*
 * renew.c - calls with the token of an account: held back while it has none, made once more where it was refused.
 *
 * Runs in workers, in the step that launches calls. One job at a time fetches an account's new token (kind oauth.refresh,
 * unique by grant), whoever asks for it and how often; meanwhile the calls wait in their rows and are woken when it is
 * there, or by the clock. A second 401 is the handler's: `again` in the row's auth tells it from the first. Throws what
 * statements throw; then everything is as before.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "core/steady.h"
#include "http/account_auth.h"
#include "jobs/renew.h"
#include "jobs/store.h"

/* Whoever is not woken looks again by himself. */
#define TOKEN_PATIENCE (20 * USECS_PER_SEC)
#define REAUTH_PATIENCE (3600 * USECS_PER_SEC)
#define REPEAT_BATCH 500

static SchedStatement ask_for_token = {
	"SELECT scheduler.refresh_account($1, $2)", 2, {UUIDOID, UUIDOID}, false, NULL};
static SchedStatement repeat_calls = {"SELECT scheduler.repeat_with_new_token($1, $2, $3, $4, $5)",
									  5,
									  {UUIDOID, UUIDOID, INT8OID, INT8OID, UUIDARRAYOID},
									  false,
									  NULL};

static dlist_head unauthorized = DLIST_STATIC_INIT(unauthorized);

static void
hold_line(SchedLine *line, int64 patience, const char *reason)
{
	line->held_until = sched_core_steady_now() + patience;
	line->for_account = true;
	line->spacing_us = 0;
	strlcpy(line->reason, reason, sizeof(line->reason));
}

bool
sched_jobs_check_account(SchedLine *line, const SchedFlight *first, uint64 launch)
{
	pg_uuid_t account_id;
	char secret[NAMEDATALEN];
	bool again;
	SchedAccountState state;
	Datum values[2] = {UUIDPGetDatum(&first->user_id), UUIDPGetDatum(&account_id)};

	if (line->checked_in == launch || !sched_http_parse_account(first->auth, &account_id, &again))
		return true;
	line->checked_in = launch;
	state = sched_http_look_at_account(&first->user_id, &account_id, secret, &line->token_number);
	if (state == SCHED_ACCOUNT_REAUTH)
	{
		hold_line(line, REAUTH_PATIENCE, "waits: its account has to be connected again");
		return false;
	}
	if (state == SCHED_ACCOUNT_SOON || state == SCHED_ACCOUNT_EXPIRED)
		sched_jobs_execute(&ask_for_token, values, NULL, SPI_OK_SELECT);
	if (state != SCHED_ACCOUNT_EXPIRED)
		return true;
	hold_line(line, TOKEN_PATIENCE, "waits: for a new token of its account");
	return false;
}

/* The first time only: the row says so, whichever worker made the first call. */
bool
sched_jobs_hold_unauthorized(SchedFlight *flight)
{
	pg_uuid_t account_id;
	bool again;

	if (flight->answer->failure != SCHED_HTTP_OK || flight->answer->status != 401 ||
		!sched_http_parse_account(flight->auth, &account_id, &again) || again)
		return false;
	flight->listed = true;
	flight->parked = false;
	dlist_push_tail(&unauthorized, &flight->node);
	return true;
}

bool
sched_jobs_unauthorized_wait(void)
{
	return !dlist_is_empty(&unauthorized);
}

/* Those that went with the same token as the first; how many. */
static int
choose_alike(const SchedFlight *first, SchedFlight **some)
{
	dlist_iter iter;
	int n = 0;

	dlist_foreach(iter, &unauthorized)
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, iter.cur);

		if (n < REPEAT_BATCH && !flight->tried &&
			memcmp(&flight->user_id, &first->user_id, UUID_LEN) == 0 &&
			strcmp(flight->auth, first->auth) == 0 && flight->token_number == first->token_number)
			some[n++] = flight;
	}
	return n;
}

/* Few: whoever was written is looked for among all. */
static void
mark_written(SchedFlight **some, int n)
{
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		bool is_null;
		Datum id = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &is_null);

		for (int i = 0; !is_null && i < n; i++)
			if (memcmp(DatumGetUUIDP(id), &some[i]->job_id, UUID_LEN) == 0)
				some[i]->parked = true;
	}
}

static void
repeat_alike(SchedFlight *first, uint64 incarnation)
{
	SchedFlight **some = palloc(REPEAT_BATCH * sizeof(SchedFlight *));
	Datum *ids = palloc(REPEAT_BATCH * sizeof(Datum));
	int n = choose_alike(first, some);
	pg_uuid_t account_id;
	bool again;
	Datum values[5] = {UUIDPGetDatum(&first->user_id), UUIDPGetDatum(&account_id),
					   Int64GetDatum(first->token_number), Int64GetDatum((int64) incarnation)};

	for (int i = 0; i < n; i++)
	{
		ids[i] = UUIDPGetDatum(&some[i]->job_id);
		some[i]->tried = true;
	}
	(void) sched_http_parse_account(first->auth, &account_id, &again);
	values[4] = sched_jobs_form_array(ids, n, UUIDOID);
	sched_jobs_execute(&repeat_calls, values, NULL, SPI_OK_SELECT);
	mark_written(some, n);
}

void
sched_jobs_repeat_unauthorized(uint64 incarnation)
{
	dlist_iter iter;

	dlist_foreach(iter, &unauthorized) dlist_container(SchedFlight, node, iter.cur)->tried = false;
	dlist_foreach(iter, &unauthorized)
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, iter.cur);

		if (!flight->tried)
			repeat_alike(flight, incarnation);
	}
}

void
sched_jobs_end_repeat(bool committed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &unauthorized)
	{
		SchedFlight *flight = dlist_container(SchedFlight, node, iter.cur);

		/* One that came after the step has not been tried yet. */
		if (!committed || !flight->tried)
			flight->parked = flight->tried = false;
		else if (flight->parked)
			sched_jobs_drop_flight(flight);
		else
			sched_jobs_put_flight_back(flight);
	}
}
