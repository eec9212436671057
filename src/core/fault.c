/*
 * fault.c - kills the process at a named point, for tests of what survives a crash.
 *
 * Runs in workers and runners of a build with -DSCHED_FAULT_POINTS; empty otherwise. The setting
 * is 'claimed', 'sent', 'answered' or 'before_commit', with ':N' for the N-th time the point is
 * reached in a process.
 */
#include "postgres.h"

#include "core/fault.h"

#ifdef SCHED_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include "utils/guc.h"

static char *fault_point = NULL;

void
sched_core_define_fault_setting(void)
{
	DefineCustomStringVariable("scheduler.fault_point",
							   "Point at which the process kills itself, for tests.", NULL,
							   &fault_point, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* One counter serves: only the point that is set counts. */
void
sched_core_fault(const char *point)
{
	static int reached = 0;
	size_t length = strlen(point);
	int wanted = 1;

	if (fault_point == NULL || strncmp(fault_point, point, length) != 0)
		return;
	if (fault_point[length] == ':')
		wanted = atoi(fault_point + length + 1);
	else if (fault_point[length] != '\0')
		return;
	reached++;
	if (reached == wanted)
		kill(getpid(), SIGKILL);
}

#endif
