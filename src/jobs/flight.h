/*
 * flight.h - the calls of one worker: those that wait for their turn, those in the air, and
 * their answers.
 */
#ifndef SCHED_JOBS_FLIGHT_H
#define SCHED_JOBS_FLIGHT_H

#include "access/htup_details.h"
#include "lib/ilist.h"

#include "jobs/job.h"

/* One call of one job. */
typedef struct SchedFlight
{
	dlist_node node; /* in the list of those waiting, of those answered, or of those prepared */
	uint64 tag;
	pg_uuid_t user_id;
	pg_uuid_t job_id;
	ItemPointerData tid; /* where the job's row was when its request was written */
	char kind_name[SCHED_KIND_LENGTH];
	int per_user_limit;
	char *url;
	char *auth;        /* as the request has it, or NULL */
	int64 patience_us; /* longest that its call can take */
	struct SchedLine *line;
	char *host;               /* host:port, once it has passed the gate */
	bool probe;               /* ... as the one that finds out whether the host is back */
	bool parked;              /* its row waits by the clock now, once that is committed */
	int64 token_number;       /* of its account, when it passed */
	bool tried;               /* its account's token was renewed for it, in this step */
	SchedHttpAnswer *refusal; /* instead of a call; until it is the answer */
	SchedJob *job;            /* until it stands in line */
	HeapTupleHeader request;  /* NULL where it stands in the row only */
	HeapTupleHeader found;    /* the same, for the launch that has looked at the row */
	uint64 held_in;           /* the last launch that found the row to be still ours */
	bool submitted;
	bool repeatable; /* submitted, but making the call twice does no harm */
	bool listed;
	SchedHttpAnswer *answer; /* once it came; freed with the flight */
} SchedFlight;

/* The engine; once per process, outside any transaction. */
extern void sched_jobs_open_flights(void);
extern void sched_jobs_reconfigure_flights(void);

/*
 * In the transaction that takes jobs, before their outcomes are written: those that ask for a call
 * get a flight. After its commit, with the jobs still there, they stand in line; where it fails, the
 * next call forgets them.
 */
extern void sched_jobs_prepare_flights(SchedJob *jobs, int n_jobs);
extern void sched_jobs_add_flights(void);

/*
 * Hands as many waiting calls to the engine as it admits, in the caller's step. Where it throws,
 * the call it was at waits again. Drive the flights afterwards, outside the step.
 */
extern bool sched_jobs_flights_wait_for_launch(void);
extern void sched_jobs_launch_flights(uint64 incarnation);
/* After the step: what was written about calls that have to wait long holds, or does not. */
extern void sched_jobs_end_launch(bool committed);

/* For the end of the process: calls in the air that may not be made twice; and giving back all others, in the caller's step. */
extern int sched_jobs_flights_unrepeatable(void);
extern void sched_jobs_return_flights(uint64 incarnation);

/* Does a call of this method, as the wire has it, no harm when it is made twice? RFC 9110 9.2.2. */
extern bool sched_jobs_is_repeatable(const char *method);

/* Moves the transfers on, and collects answers. */
extern void sched_jobs_drive_flights(void);

/* Answered flights, in the order in which they came; at most `max`. They stay until dropped. */
extern int sched_jobs_answered_flights(SchedFlight **some, int max);
/* Its job's row is locked: again later, after the others. */
extern void sched_jobs_put_flight_back(SchedFlight *flight);
/* Its job has been written, or is no longer there. */
extern void sched_jobs_drop_flight(SchedFlight *flight);

/* Gives up the calls of jobs that are no longer this incarnation's, in the caller's step. */
extern void sched_jobs_cancel_flights(uint64 incarnation);

extern int sched_jobs_flight_descriptor(void);
extern long sched_jobs_flight_timeout_ms(void);
extern long sched_jobs_flights_held_ms(void);
extern int sched_jobs_flights_in_air(void);
extern int sched_jobs_flights_waiting(void);
extern bool sched_jobs_flights_answered(void);

#endif
