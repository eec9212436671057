/*
 * uuid7.c - time-ordered keys (RFC 9562, version 7).
 *
 * Runs in any backend. Keys of one backend rise strictly, also within a millisecond: the 12 bits after the
 * timestamp count its fractions, so that B-tree inserts stay at the right edge.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "utils/uuid.h"

#include "core/uuid7.h"

PG_FUNCTION_INFO_V1(sched_sql_uuid7);

#define RANDOM_BYTES 8

/* Nanoseconds of the wall clock, always more than the last answer in this process. */
static uint64
next_nanoseconds(void)
{
	static uint64 last = 0;
	struct timespec now;
	uint64 result;

	clock_gettime(CLOCK_REALTIME, &now);
	result = (uint64) now.tv_sec * 1000000000 + now.tv_nsec;
	/* 12 bits of a millisecond: steps of 244 ns tell two keys apart. */
	if (result < last + 250)
		result = last + 250;
	last = result;
	return result;
}

/*
 * The random half of a key. Taken from a pool: asking the kernel costs more than all the rest. A
 * process fills its own; nothing forks from one that has.
 */
static const unsigned char *
next_random(void)
{
	static unsigned char pool[64][RANDOM_BYTES];
	static int used = lengthof(pool);

	if (used == lengthof(pool))
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
		used = 0;
	}
	return pool[used++];
}

/* Fills key; throws only where the server has no randomness. */
void
sched_core_make_uuid7(pg_uuid_t *key)
{
	uint64 now = next_nanoseconds();
	uint64 milliseconds = now / 1000000;
	uint32 fraction = (uint32) ((now % 1000000) * 4096 / 1000000);

	memcpy(key->data + UUID_LEN - RANDOM_BYTES, next_random(), RANDOM_BYTES);
	for (int i = 0; i < 6; i++)
		key->data[i] = (unsigned char) (milliseconds >> (40 - 8 * i));
	key->data[6] = (unsigned char) (0x70 | (fraction >> 8));
	key->data[7] = (unsigned char) fraction;
	key->data[8] = (unsigned char) (0x80 | (key->data[8] & 0x3f));
}

/* uuid7() -> uuid */
Datum
sched_sql_uuid7(PG_FUNCTION_ARGS)
{
	pg_uuid_t *key = palloc(sizeof(pg_uuid_t));

	sched_core_make_uuid7(key);
	PG_RETURN_UUID_P(key);
}
