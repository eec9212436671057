/*
 * host_stats.c - calls, errors and times per host, in shared memory.
 *
 * The postmaster reserves the memory when the library is preloaded; workers count into it;
 * host_statistics() reads it in any backend. One lightweight lock guards the table, held for a scan
 * of short keys only. The table is of fixed size: the entry not used for longest makes room for a
 * new host.
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
	uint32 buckets[N_BUCKETS];
} HostEntry;

typedef struct HostTable
{
	LWLock *lock;
	uint64 tick;
	HostEntry entries[MAX_HOSTS];
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

/*
 * This database's entry of a host; else a free one or the one not used for longest, made its own.
 */
static HostEntry *
find_entry(const char *host, uint32 hash)
{
	HostEntry *oldest = &table->entries[0];

	for (int i = 0; i < MAX_HOSTS; i++)
	{
		HostEntry *entry = &table->entries[i];

		if (entry->hash == hash && entry->database == MyDatabaseId &&
			strncmp(entry->host, host, HOST_SIZE - 1) == 0)
			return entry;
		/* A free entry was never used: the oldest of all. */
		if (entry->last_use < oldest->last_use)
			oldest = entry;
	}
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
	uint32 hash;

	if (table == NULL || answer->host == NULL)
		return;
	hash = hash_bytes((const unsigned char *) answer->host,
					  (int) Min(strlen(answer->host), HOST_SIZE - 1));
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	entry = find_entry(answer->host, hash);
	entry->last_use = ++table->tick;
	entry->calls++;
	if (answer->status == 0 || answer->status >= 400)
		entry->errors++;
	entry->buckets[bucket_of(answer->elapsed_us)]++;
	LWLockRelease(table->lock);
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

/* host_statistics() -> setof (host, calls, errors, p50, p95, p99, since): this database's hosts. */
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
	copies = palloc(sizeof(HostEntry) * MAX_HOSTS);
	LWLockAcquire(table->lock, LW_SHARED);
	for (int i = 0; i < MAX_HOSTS; i++)
	{
		if (table->entries[i].database == MyDatabaseId)
			copies[n_copies++] = table->entries[i];
	}
	LWLockRelease(table->lock);
	for (int i = 0; i < n_copies; i++)
	{
		Datum values[7];
		bool nulls[7] = {false};

		values[0] = CStringGetTextDatum(copies[i].host);
		values[1] = Int64GetDatum(copies[i].calls);
		values[2] = Int64GetDatum(copies[i].errors);
		values[3] = percentile_of(&copies[i], 0.50);
		values[4] = percentile_of(&copies[i], 0.95);
		values[5] = percentile_of(&copies[i], 0.99);
		values[6] = TimestampTzGetDatum(copies[i].since);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
