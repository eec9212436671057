/*
 * renew.h - calls with the token of an account: held back while it has none, made once more where it was refused.
 */
#ifndef SCHED_JOBS_RENEW_H
#define SCHED_JOBS_RENEW_H

#include "jobs/flight.h"
#include "jobs/lines.h"

/*
 * In the step that launches, before a call of this line: may calls with these credentials go? Otherwise the line is held back,
 * and a new token on its way where one can be had. Asked once a launch.
 */
extern bool sched_jobs_check_account(SchedLine *line, const SchedFlight *first, uint64 launch);

/* Is this answer one that a new token may change? Then it waits here for the next launch. */
extern bool sched_jobs_hold_unauthorized(SchedFlight *flight);
extern bool sched_jobs_unauthorized_wait(void);

/* In the step that launches, and after it. A call whose row could not be written gets its answer as it is. */
extern void sched_jobs_repeat_unauthorized(uint64 incarnation);
extern void sched_jobs_end_repeat(bool committed);

#endif
