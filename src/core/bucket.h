/*
 * bucket.h - token buckets that all processes of the server take from.
 */
#ifndef SCHED_CORE_BUCKET_H
#define SCHED_CORE_BUCKET_H

#include "postgres.h"

/* Each has a table of its own, so that a flood of one kind of key displaces none of another. */
typedef enum SchedBucketArea
{
	SCHED_BUCKET_CALLS,  /* calls out: users, accounts, hosts */
	SCHED_BUCKET_API,    /* calls in: functions and who calls them */
	SCHED_BUCKET_SIGNIN, /* attempts to sign in: users and addresses */
	SCHED_BUCKET_AREAS
} SchedBucketArea;

/* What a bucket that never refills answers: a day, in microseconds. */
#define SCHED_BUCKET_NEVER INT64CONST(86400000000)

/* Shared memory for the tables; only while the postmaster loads the library. */
extern void sched_core_install_buckets(void);

/*
 * Takes so many tokens from the bucket of this key, which holds `burst` at most (never fewer than
 * are asked for) and gets `per_second` back. 0: taken. Else nothing was taken, and so many
 * microseconds from now they could be. Does not throw, but for memory at the first call of a process
 * without the preloaded library, where a bucket is the process' own.
 */
extern int64 sched_core_take_bucket(SchedBucketArea area, Oid database, uint64 key, double tokens,
									double per_second, double burst);

/* Gives tokens back that were taken for something that did not come about. */
extern void sched_core_return_bucket(SchedBucketArea area, Oid database, uint64 key, double tokens,
									 double per_second);

/*
 * Holds a key back for so many microseconds, whatever its limit; how long it still is. For a server that asks to be left
 * alone, or somebody who is locked out: use a key that nothing is taken from. Where no place is free it is forgotten.
 */
extern void sched_core_block_bucket(SchedBucketArea area, Oid database, uint64 key, int64 time);
extern int64 sched_core_blocked_for(SchedBucketArea area, Oid database, uint64 key);

/* A database is gone, or the extension from it. */
extern void sched_core_forget_buckets(Oid database);

/* How many keys carry a restriction now, for how many there is room, and how often a key shared. */
extern void sched_core_count_buckets(SchedBucketArea area, int64 *used, int64 *room, int64 *shared);

/* The key of a name; mix in what else belongs to it with sched_core_mix_key(). */
extern uint64 sched_core_name_key(const char *name, size_t length);
extern uint64 sched_core_mix_key(uint64 key, uint64 other);

#endif
