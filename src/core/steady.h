/*
 * steady.h - time that nobody sets: for waiting, never for what a calendar shows.
 */
#ifndef SCHED_CORE_STEADY_H
#define SCHED_CORE_STEADY_H

#include "postgres.h"

/* Microseconds since the machine started; the same in all processes. */
extern int64 sched_core_steady_now(void);

#endif
