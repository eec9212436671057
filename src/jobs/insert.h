/*
 * insert.h - a new row of live_jobs, without a statement.
 */
#ifndef SCHED_JOBS_INSERT_H
#define SCHED_JOBS_INSERT_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

/* What a new job's row says; the other columns have the values of one that is pending. NULL pointers are SQL NULLs. */
typedef struct SchedNewRow
{
	const pg_uuid_t *user_id;
	const pg_uuid_t *job_id;
	const char *kind;
	Datum payload;
	int16 priority; /* between 0 and 99 */
	TimestampTz run_at;
	int max_attempts;
	text *queue;
	const pg_uuid_t *parent_id;
	const pg_uuid_t *schedule_id;
	bool ready;
	bool runner;
	bool external; /* neither the worker's nor the runners': the column is NULL */
} SchedNewRow;

/*
 * Inserts the row with its index entries, whatever the caller's rights and policies are: who calls has judged. False
 * where the table has got triggers: then a statement must do it. Throws what an INSERT throws.
 */
extern bool sched_jobs_insert_row(const SchedNewRow *row);

#endif
