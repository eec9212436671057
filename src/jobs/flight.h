/*
 * flight.h - the calls of one worker: those that wait for their turn, those in the air, and
 * their answers.
 */
#ifndef SCHED_JOBS_FLIGHT_H
#define SCHED_JOBS_FLIGHT_H

#include "lib/ilist.h"

#include "jobs/job.h"

/* One call of one job. */
typedef struct SchedFlight
{
	dlist_node node; /* in the list of those waiting, or of those answered */
	uint64 tag;
	pg_uuid_t user_id;
	pg_uuid_t job_id;
	char kind_name[SCHED_KIND_LENGTH];
	int per_user_limit;
	char *url;
	bool submitted;
	bool repeatable; /* submitted, but making the call twice does no harm */
	bool listed;
	SchedHttpAnswer *answer; /* once it came; freed with the flight */
} SchedFlight;

/* The engine; once per process, outside any transaction. */
extern void sched_jobs_open_flights(void);
extern void sched_jobs_reconfigure_flights(void);

/*
 * The urls of the calls that jobs ask for, NULL for others, palloc'ed in the current context: before
 * the commit that takes the jobs. After it their calls wait for their turn.
 */
extern List *sched_jobs_collect_departures(SchedJob *jobs, int n_jobs);
extern void sched_jobs_depart(SchedJob *jobs, int n_jobs, List *urls);

/*
 * Hands as many waiting calls to the engine as it admits, in the caller's step. Where it throws,
 * the call it was at waits again. Drive the flights afterwards, outside the step.
 */
extern bool sched_jobs_flights_wait_for_launch(void);
extern void sched_jobs_launch_flights(uint64 incarnation);

/* For the end of the process: calls in the air that may not be made twice; and giving back all others, in the caller's step. */
extern int sched_jobs_flights_unrepeatable(void);
extern void sched_jobs_return_flights(uint64 incarnation);

/* Moves the transfers on, and collects answers. */
extern void sched_jobs_drive_flights(void);

/*
 * Answered flights, in order of their coming; at most `max` into `flights`. They stay until
 * dropped.
 */
extern int sched_jobs_answered_flights(SchedFlight **flights, int max);
/* Its job has been written, or is no longer there. */
extern void sched_jobs_drop_flight(SchedFlight *flight);
/* Its job's row is locked: again later, after the others. */
extern void sched_jobs_put_flight_back(SchedFlight *flight);

/* Gives up the calls of jobs that are no longer this incarnation's, in the caller's step. */
extern void sched_jobs_cancel_flights(uint64 incarnation);

extern int sched_jobs_flight_descriptor(void);
extern long sched_jobs_flight_timeout_ms(void);
extern int sched_jobs_flights_in_air(void);
extern int sched_jobs_flights_waiting(void);
extern bool sched_jobs_flights_answered(void);

#endif
