/*
 * bucket.c - token buckets that all processes of the server take from.
 *
 * The tables are made by the postmaster and used in any process; a process without the preloaded
 * library has small ones of its own, in TopMemoryContext. Nothing is allocated, logged or thrown
 * while a lock is held.
 *
 * A bucket is one number, the moment at which it will be full again (the "generic cell rate
 * algorithm"): taking moves it on by tokens / per_second, and is refused where it would come to lie
 * more than burst / per_second ahead. So a bucket needs no refilling, counts exactly whatever the
 * rate, and one whose moment has passed says nothing: its place is free. That is why only full
 * buckets are ever evicted. The clock is the steady one; setting the wall clock moves no bucket.
 *
 * Places are grouped into sets of sixteen, each with a spinlock held for one look over it. Where all
 * sixteen carry a restriction, a new key takes from one bucket that the whole area shares: a flood of
 * keys makes the limit tighter, it never lifts it. Keys are mixed with a random number of the server's,
 * so that nobody outside can aim at one set.
 */
#include "postgres.h"

#include <math.h>
#include <time.h>

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/bucket.h"
#include "core/settings.h"

#define SET_SIZE 16
/* Of scheduler.shared_memory, in kB: what the other areas of the extension take, rounded up. */
#define OTHER_AREAS 1024
/* Sets of an area in a process of its own. */
#define LOCAL_SETS 16
#define NS_PER_SECOND 1e9

typedef struct BucketSet
{
	uint64 keys[SET_SIZE]; /* mixed with seed and database; the moment says whether it is in use */
	int64 full_at[SET_SIZE]; /* steady clock, nanoseconds */
	Oid databases[SET_SIZE];
	slock_t lock;
	char padding[PG_CACHE_LINE_SIZE / 2]; /* the next set's keys are another line */
} BucketSet;

typedef struct BucketTable
{
	uint64 seed;
	uint32 n_sets;
	slock_t lock;
	int64 full_at; /* of the bucket for keys that found no place */
	int64 n_shared;
	BucketSet *sets;
} BucketTable;

/* Per hundred of the memory: callers from outside are the most. */
static const int shares[SCHED_BUCKET_AREAS] = {25, 45, 30};

PG_FUNCTION_INFO_V1(sched_sql_take_bucket);
PG_FUNCTION_INFO_V1(sched_sql_bucket_counts);

static BucketTable *tables = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* How many sets an area has in the shared memory. */
static uint32
shared_sets(SchedBucketArea area)
{
	Size bytes = ((Size) sched_shared_memory - OTHER_AREAS) * 1024;

	return (uint32) Max(1, bytes / 100 * shares[area] / sizeof(BucketSet));
}

static Size
area_bytes(void)
{
	Size bytes = sizeof(BucketTable) * SCHED_BUCKET_AREAS + PG_CACHE_LINE_SIZE;

	for (int area = 0; area < SCHED_BUCKET_AREAS; area++)
		bytes = add_size(bytes, mul_size(shared_sets(area), sizeof(BucketSet)));
	return bytes;
}

/* Places for the sets follow one another from `next` on. */
static void
make_tables(uint32 (*count)(SchedBucketArea), char *next)
{
	for (int area = 0; area < SCHED_BUCKET_AREAS; area++)
	{
		BucketTable *table = &tables[area];

		/* Without a good random number keys can be aimed at; buckets count all the same. */
		if (!pg_strong_random(&table->seed, sizeof(table->seed)))
			table->seed = (uint64) MyProcPid * UINT64CONST(0x9E3779B97F4A7C15);
		table->n_sets = count(area);
		SpinLockInit(&table->lock);
		table->sets = (BucketSet *) next;
		next += sizeof(BucketSet) * table->n_sets;
		for (uint32 i = 0; i < table->n_sets; i++)
			SpinLockInit(&table->sets[i].lock);
	}
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(area_bytes());
}

/* Shared memory lies at the same address in all processes, so pointers into it hold. */
static void
attach_memory(void)
{
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	tables = ShmemInitStruct("scheduler buckets", area_bytes(), &found);
	if (!found)
	{
		memset(tables, 0, area_bytes());
		make_tables(shared_sets, (char *) CACHELINEALIGN(tables + SCHED_BUCKET_AREAS));
	}
	LWLockRelease(AddinShmemInitLock);
}

void
sched_core_install_buckets(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
}

static uint32
local_sets(SchedBucketArea area)
{
	return LOCAL_SETS;
}

/* A limit within one session is better than none, and tests need no preloaded library. */
static void
make_local_tables(void)
{
	Size head = sizeof(BucketTable) * SCHED_BUCKET_AREAS;
	Size bytes = head + sizeof(BucketSet) * LOCAL_SETS * SCHED_BUCKET_AREAS;

	tables = MemoryContextAllocZero(TopMemoryContext, bytes);
	make_tables(local_sets, (char *) tables + head);
}

/* Finer than the clock for waiting: at a million a second a token is a microsecond. */
static int64
read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * INT64CONST(1000000000) + now.tv_nsec;
}

/* The last steps of splitmix64: each bit of the input moves half of the output's. */
uint64
sched_core_mix_key(uint64 key, uint64 other)
{
	key += other + UINT64CONST(0x9E3779B97F4A7C15);
	key = (key ^ (key >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	key = (key ^ (key >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return key ^ (key >> 31);
}

uint64
sched_core_name_key(const char *name, size_t length)
{
	return hash_bytes_extended((const unsigned char *) name, (int) length, 0);
}

/* A span of so many tokens; at most a year, so that no sum overflows. */
static int64
span_of(double tokens, double per_second)
{
	double span = tokens / per_second * NS_PER_SECOND;

	return span < 3.15e16 ? (int64) span : INT64CONST(31500000000000000);
}

/*
 * The place of a key in its set, or a free one made its own; -1 where all carry a restriction. The
 * caller holds the set's lock.
 */
static int
find_place(BucketSet *set, uint64 key, Oid database, int64 now, bool make)
{
	int room = -1;

	for (int i = 0; i < SET_SIZE; i++)
	{
		if (set->keys[i] == key)
			return i;
		if (room < 0 && set->full_at[i] <= now)
			room = i;
	}
	if (!make || room < 0)
		return -1;
	set->keys[room] = key;
	set->databases[room] = database;
	set->full_at[room] = now;
	return room;
}

/*
 * Moves one bucket on, or says in nanoseconds when it could be. What is owed never exceeds what a
 * bucket of this size can owe, so that a limit that was made wider is not held back by the old one;
 * not so where other keys, with limits of their own, take from the same bucket.
 */
static int64
take(int64 *full_at, int64 now, int64 cost, int64 room, bool own)
{
	int64 base = Max(*full_at, now);

	if (own)
		base = Min(base, now + room);
	if (base + cost > now + room)
		return base + cost - now - room;
	*full_at = base + cost;
	return 0;
}

static BucketSet *
find_set(BucketTable *table, uint64 *key, Oid database)
{
	*key = sched_core_mix_key(sched_core_mix_key(*key, table->seed), database);
	/* The upper half chooses the set without a division. */
	return &table->sets[((*key >> 32) * table->n_sets) >> 32];
}

int64
sched_core_take_bucket(SchedBucketArea area, Oid database, uint64 key, double tokens,
					   double per_second, double burst)
{
	BucketTable *table;
	BucketSet *set;
	int64 cost;
	int64 room;
	int64 now;
	int64 wait;
	int place;

	/* Also where either is not a number. */
	if (!(per_second > 0) || !(tokens >= 0))
		return SCHED_BUCKET_NEVER;
	if (tables == NULL)
		make_local_tables();
	table = &tables[area];
	set = find_set(table, &key, database);
	cost = span_of(tokens, per_second);
	room = burst > tokens ? span_of(burst, per_second) : cost;
	SpinLockAcquire(&set->lock);
	/* Under the lock: a moment read before it may lie before what another process has written. */
	now = read_clock();
	place = find_place(set, key, database, now, true);
	wait = place >= 0 ? take(&set->full_at[place], now, cost, room, true) : 0;
	SpinLockRelease(&set->lock);
	if (place < 0)
	{
		SpinLockAcquire(&table->lock);
		wait = take(&table->full_at, now, cost, room, false);
		table->n_shared++;
		SpinLockRelease(&table->lock);
	}
	return (wait + 999) / 1000;
}

/* What was taken from the shared bucket stays taken. */
void
sched_core_return_bucket(SchedBucketArea area, Oid database, uint64 key, double tokens,
						 double per_second)
{
	BucketSet *set;
	int place;

	if (tables == NULL || !(per_second > 0) || !(tokens >= 0))
		return;
	set = find_set(&tables[area], &key, database);
	SpinLockAcquire(&set->lock);
	place = find_place(set, key, database, 0, false);
	if (place >= 0)
		set->full_at[place] -= span_of(tokens, per_second);
	SpinLockRelease(&set->lock);
}

/* Never shorter than it was held back before. */
void
sched_core_block_bucket(SchedBucketArea area, Oid database, uint64 key, int64 time)
{
	BucketSet *set;
	int64 now;
	int place;

	if (tables == NULL)
		make_local_tables();
	set = find_set(&tables[area], &key, database);
	SpinLockAcquire(&set->lock);
	now = read_clock();
	place = find_place(set, key, database, now, true);
	if (place >= 0)
		set->full_at[place] = Max(set->full_at[place], now + time * 1000);
	SpinLockRelease(&set->lock);
}

int64
sched_core_blocked_for(SchedBucketArea area, Oid database, uint64 key)
{
	BucketSet *set;
	int64 now;
	int64 until = 0;
	int place;

	if (tables == NULL)
		return 0;
	set = find_set(&tables[area], &key, database);
	SpinLockAcquire(&set->lock);
	now = read_clock();
	place = find_place(set, key, database, now, false);
	if (place >= 0)
		until = set->full_at[place];
	SpinLockRelease(&set->lock);
	return until > now ? (until - now + 999) / 1000 : 0;
}

void
sched_core_forget_buckets(Oid database)
{
	if (tables == NULL)
		return;
	for (int area = 0; area < SCHED_BUCKET_AREAS; area++)
	{
		for (uint32 i = 0; i < tables[area].n_sets; i++)
		{
			BucketSet *set = &tables[area].sets[i];

			SpinLockAcquire(&set->lock);
			for (int place = 0; place < SET_SIZE; place++)
				if (set->databases[place] == database)
					set->full_at[place] = 0;
			SpinLockRelease(&set->lock);
		}
	}
}

/* Without the locks: what is counted changes meanwhile anyway. */
void
sched_core_count_buckets(SchedBucketArea area, int64 *used, int64 *room, int64 *shared)
{
	int64 now = read_clock();
	BucketTable *table;

	if (tables == NULL)
		make_local_tables();
	table = &tables[area];
	*used = 0;
	*room = (int64) table->n_sets * SET_SIZE;
	*shared = table->n_shared;
	for (uint32 i = 0; i < table->n_sets; i++)
		for (int place = 0; place < SET_SIZE; place++)
			*used += table->sets[i].full_at[place] > now;
}

/* The area of this name; 22023 for another word. */
static SchedBucketArea
read_area(const text *word)
{
	static const char *const names[SCHED_BUCKET_AREAS] = {"calls", "api", "signin"};

	for (int area = 0; area < SCHED_BUCKET_AREAS; area++)
		if (VARSIZE_ANY_EXHDR(word) == strlen(names[area]) &&
			memcmp(VARDATA_ANY(word), names[area], strlen(names[area])) == 0)
			return area;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown area of buckets"),
					errdetail("The value is \"%s\".", text_to_cstring(word)),
					errhint("One of: calls, api, signin.")));
}

/* take_bucket(area, key, per_second, burst, tokens) -> microseconds to wait; 0: taken. */
Datum
sched_sql_take_bucket(PG_FUNCTION_ARGS)
{
	SchedBucketArea area = read_area(PG_GETARG_TEXT_PP(0));

	PG_RETURN_INT64(sched_core_take_bucket(area, MyDatabaseId, (uint64) PG_GETARG_INT64(1),
										   PG_GETARG_FLOAT8(4), PG_GETARG_FLOAT8(2),
										   PG_GETARG_FLOAT8(3)));
}

/* bucket_counts(area) -> (used, room, shared). */
Datum
sched_sql_bucket_counts(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};
	int64 counts[3];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "bucket_counts() was called where no row is expected");
	sched_core_count_buckets(read_area(PG_GETARG_TEXT_PP(0)), &counts[0], &counts[1], &counts[2]);
	for (int i = 0; i < 3; i++)
		values[i] = Int64GetDatum(counts[i]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
