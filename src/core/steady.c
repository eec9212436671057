/*
 * steady.c - time that nobody sets. Runs in any process; does not throw.
 */
#include "postgres.h"

#include <time.h>

#include "core/steady.h"

int64
sched_core_steady_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
