/*
 * arguments.h - arguments of functions that are not STRICT.
 */
#ifndef SCHED_CORE_ARGUMENTS_H
#define SCHED_CORE_ARGUMENTS_H

#include "fmgr.h"

/* Raises 22004 where the argument is NULL: reading it would read address 0. The name goes into the message. */
extern void sched_core_require_argument(FunctionCallInfo fcinfo, int argument, const char *name);

#endif
