/*
 * gate.c - whether a call may go now: rate limits of its user, account and host, and the host's breaker.
 *
 * Runs in workers. The limits are rows of rate_limits, read once and again after a change, into
 * memory that lives as long as the process; tokens and breakers lie in shared memory, so both hold
 * over all workers of a database. Only reading the rows may throw.
 *
 * A call takes a token of each limit that applies to it, or none at all: what was taken before one
 * refused is given back. A wish to be left alone (Retry-After) is kept for whom it was meant: 429
 * is about the caller, so it holds for this user's calls with these credentials to the host; 503 is
 * about the host.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/bucket.h"
#include "http/gate.h"
#include "http/host_stats.h"
#include "http/request.h"

PG_FUNCTION_INFO_V1(sched_sql_forget_rate_limits);

#define SUBJECT_LENGTH 160
/* Longest that a server is left alone because it asked for it. */
#define LONGEST_WISH (3600 * USECS_PER_SEC)
/* A time limit shorter than this was the caller's choice and says nothing about the host. */
#define FAIR_TIMEOUT (5 * USECS_PER_SEC)

/* One row of rate_limits, by what it is for: "host api.example.org:443". */
typedef struct RateLimit
{
	char subject[SUBJECT_LENGTH];
	double per_second;
	double burst;
} RateLimit;

/* A bucket that a call has to take from. */
typedef struct Due
{
	const RateLimit *limit;
	uint64 key;
} Due;

#define MOST_DUES 3

static HTAB *limits = NULL;
static bool limits_known = false;
static Oid limits_relation = InvalidOid;

/* Invalidation callback; an invalid oid means everything. */
static void
forget_on_relation(Datum arg, Oid relation)
{
	if (relation == limits_relation || !OidIsValid(relation))
		limits_known = false;
}

/* Trigger of rate_limits: at commit every process reads it anew. */
Datum
sched_sql_forget_rate_limits(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called by a trigger");
	CacheInvalidateRelcache(data->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/* An empty table; once per process, callbacks cannot be taken back. */
static void
make_limits(void)
{
	HASHCTL control = {.keysize = SUBJECT_LENGTH, .entrysize = sizeof(RateLimit)};

	if (limits == NULL)
		CacheRegisterRelcacheCallback(forget_on_relation, (Datum) 0);
	else
		hash_destroy(limits);
	limits = hash_create("scheduler rate limits", 64, &control, HASH_ELEM | HASH_STRINGS);
}

/* The rows that SPI has read: subject, per_second, burst, the table's oid. */
static void
fill_limits(void)
{
	bool is_null;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		char *subject = TextDatumGetCString(SPI_getbinval(row, desc, 1, &is_null));
		RateLimit *limit = hash_search(limits, subject, HASH_ENTER, NULL);

		limit->per_second = DatumGetFloat8(SPI_getbinval(row, desc, 2, &is_null));
		limit->burst = DatumGetFloat8(SPI_getbinval(row, desc, 3, &is_null));
	}
}

/* What is invalidated while it reads is read again at the next launch. */
void
sched_http_refresh_limits(void)
{
	static SPIPlanPtr plan = NULL;

	if (limits_known)
		return;
	make_limits();
	limits_relation = RangeVarGetRelid(makeRangeVar("scheduler", "rate_limits", -1), NoLock, true);
	limits_known = true;
	if (!OidIsValid(limits_relation))
		return;
	SPI_connect();
	if (plan == NULL)
	{
		plan =
			SPI_prepare("SELECT pg_catalog.concat(r.scope, ' ', r.subject), r.per_second, r.burst"
						" FROM scheduler.rate_limits r",
						0, NULL);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare to read rate_limits");
	}
	if (SPI_execute_plan(plan, NULL, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "rate_limits could not be read");
	fill_limits();
	SPI_finish();
}

static void
name_uuid(const pg_uuid_t *uuid, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[uuid->data[i] >> 4];
		*text++ = digits[uuid->data[i] & 15];
	}
	*text = '\0';
}

/* The limit of exactly this subject, else of every one of its scope. */
static const RateLimit *
find_limit(const char *scope, const char *subject)
{
	char name[SUBJECT_LENGTH] = {0};
	const RateLimit *limit;

	snprintf(name, sizeof(name), "%s %s", scope, subject);
	limit = hash_search(limits, name, HASH_FIND, NULL);
	if (limit != NULL)
		return limit;
	memset(name, 0, sizeof(name));
	snprintf(name, sizeof(name), "%s *", scope);
	return hash_search(limits, name, HASH_FIND, NULL);
}

static uint64
subject_key(const char *scope, const char *subject)
{
	return sched_core_mix_key(sched_core_name_key(scope, strlen(scope)),
							  sched_core_name_key(subject, strlen(subject)));
}

/* Who calls this host, for a wish that is about the caller. */
static uint64
caller_key(const SchedGateCall *call)
{
	const char *auth = call->auth != NULL ? call->auth : "";
	uint64 key = sched_core_name_key((const char *) call->user_id->data, UUID_LEN);

	key = sched_core_mix_key(key, sched_core_name_key(auth, strlen(auth)));
	return sched_core_mix_key(key, subject_key("caller", call->host));
}

static int
add_due(Due *dues, int n, const char *scope, const char *subject)
{
	const RateLimit *limit = find_limit(scope, subject);

	if (limit == NULL)
		return n;
	dues[n].limit = limit;
	dues[n].key = subject_key(scope, subject);
	return n + 1;
}

/* The buckets that this call takes from. */
static int
list_dues(const SchedGateCall *call, Due *dues)
{
	char user[37];
	char account[37];
	int n = 0;

	if (limits == NULL || hash_get_num_entries(limits) == 0)
		return 0;
	name_uuid(call->user_id, user);
	n = add_due(dues, n, "user", user);
	if (call->auth != NULL && strncmp(call->auth, "account:", 8) == 0)
	{
		strlcpy(account, call->auth + 8, sizeof(account));
		n = add_due(dues, n, "account", account);
	}
	return add_due(dues, n, "host", call->host);
}

static void
return_tokens(const Due *dues, int n)
{
	for (int i = 0; i < n; i++)
		sched_core_return_bucket(SCHED_BUCKET_CALLS, MyDatabaseId, dues[i].key, 1,
								 dues[i].limit->per_second);
}

/* One token of each; false with the verdict filled where one has none, and then none is taken. */
static bool
take_tokens(const Due *dues, int n, SchedGateVerdict *verdict)
{
	for (int i = 0; i < n; i++)
	{
		const RateLimit *limit = dues[i].limit;
		int64 wait = sched_core_take_bucket(SCHED_BUCKET_CALLS, MyDatabaseId, dues[i].key, 1,
											limit->per_second, limit->burst);

		if (wait == 0)
			continue;
		return_tokens(dues, i);
		verdict->word = SCHED_GATE_WAIT;
		verdict->wait_us = wait;
		verdict->spacing_us = (int64) Min(1e6 / limit->per_second, 86400e6);
		snprintf(verdict->reason, sizeof(verdict->reason),
				 "waits: rate limit of %.150s is %g a second", limit->subject, limit->per_second);
		return false;
	}
	return true;
}

/* What the host's breaker says, in the words of the gate. */
static void
ask_breaker(const SchedGateCall *call, SchedGateVerdict *verdict)
{
	int failures;

	switch (sched_http_ask_host(call->host, call->patience_us, &verdict->wait_us, &failures))
	{
		case SCHED_BREAKER_PASS:
			break;
		case SCHED_BREAKER_PROBE:
			verdict->probe = true;
			break;
		case SCHED_BREAKER_WAIT:
			verdict->word = SCHED_GATE_WAIT;
			snprintf(verdict->reason, sizeof(verdict->reason),
					 "waits: %.150s asked to be left alone", call->host);
			break;
		case SCHED_BREAKER_REFUSE:
			verdict->word = SCHED_GATE_REFUSE;
			snprintf(verdict->reason, sizeof(verdict->reason),
					 "%.150s is down: its last calls failed (%d in a row); the next one is tried "
					 "in %d s",
					 call->host, failures, (int) (verdict->wait_us / USECS_PER_SEC) + 1);
			break;
	}
}

void
sched_http_pass_gate(const SchedGateCall *call, SchedGateVerdict *verdict)
{
	Due dues[MOST_DUES];
	int n = list_dues(call, dues);

	memset(verdict, 0, sizeof(*verdict));
	verdict->wait_us = sched_core_blocked_for(SCHED_BUCKET_CALLS, MyDatabaseId, caller_key(call));
	if (verdict->wait_us > 0)
	{
		verdict->word = SCHED_GATE_WAIT;
		snprintf(verdict->reason, sizeof(verdict->reason),
				 "waits: %.150s asked this caller to wait", call->host);
		return;
	}
	if (!take_tokens(dues, n, verdict))
		return;
	ask_breaker(call, verdict);
	if (verdict->word != SCHED_GATE_PASS)
		return_tokens(dues, n);
}

void
sched_http_return_pass(const SchedGateCall *call, bool probe)
{
	Due dues[MOST_DUES];

	return_tokens(dues, list_dues(call, dues));
	if (probe)
		sched_http_tell_host(call->host, SCHED_BREAKER_NOTHING, true, 0);
}

/* Is the host to blame for it? What the server could not do, not what it did not want to. */
static SchedBreakerNews
judge_answer(const SchedHttpAnswer *answer)
{
	switch (answer->failure)
	{
		case SCHED_HTTP_OK:
			return answer->status < 500 || answer->status == 501 || answer->status == 505 ||
						   answer->status == 511
					   ? SCHED_BREAKER_GOOD
					   : SCHED_BREAKER_BAD;
		case SCHED_HTTP_RESOLVE:
		case SCHED_HTTP_CONNECT:
		case SCHED_HTTP_TLS:
		case SCHED_HTTP_BROKEN:
			return SCHED_BREAKER_BAD;
		case SCHED_HTTP_TIMEOUT:
			return answer->elapsed_us >= FAIR_TIMEOUT ? SCHED_BREAKER_BAD : SCHED_BREAKER_NOTHING;
		default:
			return SCHED_BREAKER_NOTHING;
	}
}

void
sched_http_note_answer(const SchedGateCall *call, const SchedHttpAnswer *answer, bool probe)
{
	SchedBreakerNews news = answer == NULL ? SCHED_BREAKER_NOTHING : judge_answer(answer);
	int64 wish = 0;

	if (answer != NULL && (answer->status == 429 || answer->status == 503))
		wish = Min(sched_http_asked_delay_ms(answer) * 1000, LONGEST_WISH);
	if (wish > 0 && answer->status == 429)
		sched_core_block_bucket(SCHED_BUCKET_CALLS, MyDatabaseId, caller_key(call), wish);
	sched_http_tell_host(call->host, news, probe,
						 answer != NULL && answer->status == 503 ? Max(wish, 0) : 0);
}
