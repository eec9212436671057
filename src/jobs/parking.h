/*
 * parking.h - a call at the gate of its limits and its host, and calls that have to wait long.
 */
#ifndef SCHED_JOBS_PARKING_H
#define SCHED_JOBS_PARKING_H

#include "jobs/flight.h"

/*
 * Limits and the host's breaker; true where the flight leaves its line, for a call or with a
 * refusal. Otherwise its whole line waits. Takes the name of the host over, which is palloc'ed to
 * live as long as the flight; NULL where the url is bad, which its call will say.
 */
extern bool sched_jobs_pass_gate(SchedFlight *flight, char *host);

/* Its host is told how the call ended; once. */
extern void sched_jobs_leave_gate(SchedFlight *flight, const SchedHttpAnswer *answer);

/* No call comes of it: its tokens are for others. */
extern void sched_jobs_give_pass_back(SchedFlight *flight);

/*
 * In the step that launched: calls whose turn comes late give their place in memory up. The row says until when, nobody's
 * attempt is used up, and another worker may take them then. After the step it is told whether that holds.
 */
extern void sched_jobs_park_late(uint64 incarnation);
extern void sched_jobs_end_parking(bool committed);

#endif
