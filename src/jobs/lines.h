/*
 * lines.h - where the calls of a worker wait for their turn.
 */
#ifndef SCHED_JOBS_LINES_H
#define SCHED_JOBS_LINES_H

#include "jobs/flight.h"

/* One user's lines: users take turns, so that nobody waits behind another's thousands. */
typedef struct SchedUserLines
{
	pg_uuid_t user_id;
	dlist_node node; /* in the turns */
	dlist_head lines;
} SchedUserLines;

/* Of one user, to one place, with one credential: what holds one of these calls back holds all. */
typedef struct SchedLineKey
{
	pg_uuid_t user_id;
	uint64 place;
} SchedLineKey;

typedef struct SchedLine
{
	SchedLineKey key;
	dlist_node node; /* among its user's */
	SchedUserLines *user;
	dlist_head flights;
	int64 held_until; /* by the steady clock; 0: not held back */
	int64 spacing_us; /* between two of them, once they may go */
	char reason[240];
	/* where calls are sent for an account: */
	bool for_account;   /* held back until it has a token */
	uint64 checked_in;  /* the launch that looked */
	int64 token_number; /* what it found */
} SchedLine;

extern void sched_jobs_open_lines(void);

/* The users that have calls waiting; the first is next. */
extern dlist_head *sched_jobs_turns(void);
extern int sched_jobs_users_in_line(void);

/* To the end of its line. */
extern void sched_jobs_stand_in_line(SchedFlight *flight);

/* Its line, and its user, go to the end, or away where they are empty. */
extern void sched_jobs_leave_line(SchedFlight *flight);

/* When the first line that is held back may go on; 0 where one is not, PG_INT64_MAX where nothing waits. */
extern int64 sched_jobs_lines_held_until(int64 now);

#endif
