/*
 * host_stats.c - calls, errors and times per host, and its breaker, in shared memory.
 *
 * The postmaster reserves the memory when the library is preloaded; workers count into it;
 * host_statistics() reads it in any backend. One lightweight lock guards the table, held for a scan
 * of short keys only. The table is of fixed size: the entry not used for longest makes room for a
 * new host, but never one that holds calls back. Where all of them do, new hosts share the entry
 * "(others)", which only counts.
 *
 * Times go into a histogram with four buckets per doubling, so a percentile is off by 9 % at most,
 * whatever the range, and counting costs the same for one call as for a million.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/settings.h"
#include "core/steady.h"
#include "http/breaker.h"
#include "http/host_stats.h"
#include "http/http.h"
#include "http/request.h"

#define MAX_HOSTS 512
#define HOST_SIZE 128
#define N_BUCKETS 104       /* 0.1 ms to 1.8 hours */
#define FIRST_BUCKET_US 100 /* upper end of the first one */
#define BUCKETS_PER_DOUBLING 4

typedef struct HostEntry
{
	Oid database; /* InvalidOid = free */
	uint32 hash;
	char host[HOST_SIZE];
	TimestampTz since;
	uint64 last_use; /* tick of the table */
	int64 calls;
	int64 errors;
	SchedBreaker breaker;
	uint32 buckets[N_BUCKETS];
} HostEntry;

typedef struct HostTable
{
	LWLock *lock;
	uint64 tick;
	HostEntry entries[MAX_HOSTS + 1]; /* the last one for those who found no other */
} HostTable;

PG_FUNCTION_INFO_V1(sched_sql_host_statistics);

static HostTable *table = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(HostTable)));
	RequestNamedLWLockTranche("scheduler_http", 1);
}

/* Each process finds the table again; the first one, the postmaster, empties it. */
static void
attach_memory(void)
{
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("scheduler host statistics", sizeof(HostTable), &found);
	if (!found)
	{
		memset(table, 0, sizeof(HostTable));
		table->lock = &GetNamedLWLockTranche("scheduler_http")->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Other preloaded libraries have hooks of their own: each is called before ours. */
void
sched_http_install_statistics(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
}

/* The bucket whose upper end is the first one not below the time. */
static int
bucket_of(int64 elapsed_us)
{
	double position;

	if (elapsed_us <= FIRST_BUCKET_US)
		return 0;
	position = ceil(log2((double) elapsed_us / FIRST_BUCKET_US) * BUCKETS_PER_DOUBLING);
	return position >= N_BUCKETS ? N_BUCKETS - 1 : (int) position;
}

/* The middle of a bucket, in microseconds, on the scale of the histogram. */
static int64
time_of_bucket(int bucket)
{
	return (int64) (FIRST_BUCKET_US * exp2((bucket - 0.5) / BUCKETS_PER_DOUBLING));
}

/* The entry for hosts that found none of their own. */
static HostEntry *
others(void)
{
	HostEntry *entry = &table->entries[MAX_HOSTS];

	if (entry->since == 0)
	{
		strlcpy(entry->host, "(others)", HOST_SIZE);
		entry->since = GetCurrentTimestamp();
	}
	entry->database = MyDatabaseId;
	return entry;
}

/*
 * This database's entry of a host; else, where one is to be made, a free one or the one not used for
 * longest, made its own. The caller holds the lock.
 */
static HostEntry *
find_entry(const char *host, bool make)
{
	uint32 hash = hash_bytes((const unsigned char *) host, (int) Min(strlen(host), HOST_SIZE - 1));
	HostEntry *oldest = NULL;
	int64 now = sched_core_steady_now();

	for (int i = 0; i < MAX_HOSTS; i++)
	{
		HostEntry *entry = &table->entries[i];

		if (entry->hash == hash && entry->database == MyDatabaseId &&
			strncmp(entry->host, host, HOST_SIZE - 1) == 0)
			return entry;
		/* A free entry was never used: the oldest of all. */
		if ((oldest == NULL || entry->last_use < oldest->last_use) &&
			!sched_breaker_restricts(&entry->breaker, now))
			oldest = entry;
	}
	if (!make)
		return NULL;
	if (oldest == NULL)
		return others();
	/*
	 * The counters of a host that nobody called for longest are given up; no decision depends on
	 * them.
	 */
	memset(oldest, 0, sizeof(HostEntry));
	oldest->database = MyDatabaseId;
	oldest->hash = hash;
	strlcpy(oldest->host, host, HOST_SIZE);
	oldest->since = GetCurrentTimestamp();
	return oldest;
}

/*
 * A call that was refused before it had a host is not counted. GetCurrentTimestamp() and memory
 * copies only under the lock: nothing there can throw.
 */
void
sched_http_count_answer(const SchedHttpAnswer *answer)
{
	HostEntry *entry;

	if (table == NULL || answer->host == NULL)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	entry = find_entry(answer->host, true);
	entry->last_use = ++table->tick;
	entry->calls++;
	if (answer->status == 0 || answer->status >= 400)
		entry->errors++;
	entry->buckets[bucket_of(answer->elapsed_us)]++;
	LWLockRelease(table->lock);
}

/* A host without an entry has given no reason yet. */
SchedBreakerPass
sched_http_ask_host(const char *host, int64 patience, int64 *wait, int *failures)
{
	SchedBreakerPass pass = SCHED_BREAKER_PASS;
	HostEntry *entry;

	*wait = *failures = 0;
	if (table == NULL || sched_http_breaker_failures == 0)
		return pass;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	entry = find_entry(host, false);
	if (entry != NULL)
	{
		pass = sched_breaker_ask(&entry->breaker, sched_core_steady_now(), patience, wait);
		*failures = entry->breaker.failures;
	}
	LWLockRelease(table->lock);
	return pass;
}

/* Nothing to tell, nothing to write: almost all calls of a healthy host. */
void
sched_http_tell_host(const char *host, SchedBreakerNews news, bool probe, int64 pause_us)
{
	HostEntry *entry;
	int64 now = sched_core_steady_now();

	if (table == NULL)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	entry = find_entry(host, news == SCHED_BREAKER_BAD || pause_us > 0);
	if (entry != NULL && entry != &table->entries[MAX_HOSTS])
	{
		/* So that it is not the first to be displaced before its call is counted. */
		entry->last_use = ++table->tick;
		sched_breaker_tell(&entry->breaker, now, news, probe, sched_http_breaker_failures);
		if (pause_us > 0)
			sched_breaker_pause(&entry->breaker, now, pause_us);
	}
	LWLockRelease(table->lock);
}

void
sched_http_forget_hosts(Oid database)
{
	if (table == NULL)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_HOSTS; i++)
		if (table->entries[i].database == database)
			memset(&table->entries[i], 0, sizeof(HostEntry));
	LWLockRelease(table->lock);
}

/* "closed", ..., and until when calls are held back, on the wall's clock; 0 where they are not. */
static const char *
describe_breaker(const SchedBreaker *breaker, TimestampTz *until)
{
	int64 now = sched_core_steady_now();
	int64 end =
		Max(breaker->pause_until, breaker->state == SCHED_BREAKER_OPEN ? breaker->until : 0);

	*until = end > now ? GetCurrentTimestamp() + (end - now) : 0;
	if (breaker->state == SCHED_BREAKER_HALF_OPEN)
		return "half_open";
	if (breaker->state == SCHED_BREAKER_OPEN)
		return end > now ? "open" : "half_open";
	return end > now ? "paused" : "closed";
}

/* The time below which this share of the calls lies. */
static Datum
percentile_of(const HostEntry *entry, double share)
{
	Interval *result = palloc0(sizeof(Interval));
	int64 wanted = (int64) ceil((double) entry->calls * share);
	int64 seen = 0;

	for (int i = 0; i < N_BUCKETS; i++)
	{
		seen += entry->buckets[i];
		if (seen >= wanted)
		{
			result->time = time_of_bucket(i);
			break;
		}
	}
	return IntervalPGetDatum(result);
}

/* host_statistics() -> setof (host, calls, errors, p50, p95, p99, since, state, open_until): this database's hosts. */
Datum
sched_sql_host_statistics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HostEntry *copies;
	int n_copies = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (table == NULL)
		return (Datum) 0;
	/* Copied first: making rows may throw, and takes longer than others should wait. */
	copies = palloc(sizeof(HostEntry) * (MAX_HOSTS + 1));
	LWLockAcquire(table->lock, LW_SHARED);
	for (int i = 0; i <= MAX_HOSTS; i++)
	{
		if (table->entries[i].database == MyDatabaseId)
			copies[n_copies++] = table->entries[i];
	}
	LWLockRelease(table->lock);
	for (int i = 0; i < n_copies; i++)
	{
		Datum values[9];
		bool nulls[9] = {false};
		TimestampTz until;

		values[0] = CStringGetTextDatum(copies[i].host);
		values[1] = Int64GetDatum(copies[i].calls);
		values[2] = Int64GetDatum(copies[i].errors);
		values[3] = percentile_of(&copies[i], 0.50);
		values[4] = percentile_of(&copies[i], 0.95);
		values[5] = percentile_of(&copies[i], 0.99);
		values[6] = TimestampTzGetDatum(copies[i].since);
		values[7] = CStringGetTextDatum(describe_breaker(&copies[i].breaker, &until));
		values[8] = TimestampTzGetDatum(until);
		nulls[8] = until == 0;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
