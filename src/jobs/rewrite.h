/*
 * rewrite.h - the rows of jobs that stay, changed by one statement for all jobs of a transaction.
 */
#ifndef SCHED_JOBS_REWRITE_H
#define SCHED_JOBS_REWRITE_H

#include "jobs/job.h"

/* A job's row as it will be. Datums belong to the job; what has no flag keeps its value. */
typedef struct SchedChange
{
	SchedJob *job;
	const char *status;
	Datum state;
	bool has_state;
	int attempts;
	TimestampTz run_at;
	bool ready;
	bool runner;
	bool leased; /* by this process, for a call */
	bool ended;  /* failed or dead */
	bool by_us;  /* worker_pid is shown */
	const char *error;
	bool keeps_request;
	Datum request;
	bool keeps_response;
	Datum payload;
	bool has_payload; /* another one than before */
	bool keeps_again;
} SchedChange;

/*
 * Writes the rows, which this transaction has locked, and notes their new addresses in the jobs.
 * Needs an SPI connection with rights on all rows; throws where a row is not there any more.
 */
extern void sched_jobs_rewrite(SchedChange *changes, int n_changes, uint64 incarnation,
							   TimestampTz now);

#endif
