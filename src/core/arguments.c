/*
 * arguments.c - arguments of functions that are not STRICT.
 *
 * Runs in any process that calls an SQL function of ours. Keeps nothing; throws where the caller made a mistake.
 */
#include "postgres.h"

#include "core/arguments.h"

void
sched_core_require_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
}
