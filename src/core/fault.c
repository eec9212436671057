/*
 * fault.c - kills the process, or the server, at a named point, for tests of what survives a crash.
 *
 * Runs in workers and runners of a build with -DSCHED_FAULT_POINTS; empty otherwise. The setting is
 * the name of a point, ':N' for the N-th time that a process reaches it, then words: " worker" or
 * " runner" (only there), " postmaster" (kills that one instead), " stop" (an immediate stop), " end"
 * (the process is asked to end). Each strike is told on standard error. Nothing here allocates or throws.
 */
#include "postgres.h"

#include "core/fault.h"

#ifdef SCHED_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/guc.h"

static char *fault_point = NULL;
static char wanted_point[32];
static int wanted_time = 1;
/* Only the point that is set counts, from the moment it is set. */
static int reached = 0;

/* What the setting says, taken apart once. */
static void
assign_fault_point(const char *value, void *extra)
{
	wanted_point[0] = '\0';
	wanted_time = 1;
	reached = 0;
	if (value != NULL)
		sscanf(value, "%31[a-z_]:%d", wanted_point, &wanted_time);
}

void
sched_core_define_fault_setting(void)
{
	DefineCustomStringVariable("scheduler.fault_point",
							   "Point at which the process kills itself, for tests.", NULL,
							   &fault_point, "", PGC_SIGHUP, 0, NULL, assign_fault_point, NULL);
}

/* Whether the setting has this word. */
static bool
says(const char *word)
{
	return strstr(fault_point, word) != NULL;
}

/* Which process this is, as the setting calls it. */
static const char *
own_word(void)
{
	return MyBgworkerEntry != NULL && strstr(MyBgworkerEntry->bgw_type, "runner") != NULL
			   ? " runner"
			   : " worker";
}

void
sched_core_fault(const char *point)
{
	char line[128];
	const char *own = own_word();
	const char *what = "kill";

	if (wanted_point[0] == '\0' || strcmp(wanted_point, point) != 0)
		return;
	if ((says(" worker") || says(" runner")) && !says(own))
		return;
	if (++reached != wanted_time)
		return;
	if (says(" postmaster"))
		what = "postmaster";
	else if (says(" stop"))
		what = "stop";
	else if (says(" end"))
		what = "end";
	snprintf(line, sizeof(line), "scheduler fault:%s/%s %s\n", own, point, what);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(1);
	if (what[0] == 'k' || what[0] == 'e')
		kill(getpid(), what[0] == 'k' ? SIGKILL : SIGTERM);
	else
		kill(PostmasterPid, what[0] == 'p' ? SIGKILL : SIGQUIT);
}

#endif
