/*
 * changes.h - what happened, told to readers of scheduler.changes.
 */
#ifndef SCHED_JOBS_CHANGES_H
#define SCHED_JOBS_CHANGES_H

#include "utils/uuid.h"

typedef struct SchedChange
{
	const char *type;
	pg_uuid_t subject_id;
	bool no_subject;
} SchedChange;

/*
 * Appends changes of a user in this order, whatever the caller's rights and policies are: who calls has judged. They are
 * numbered once this transaction has committed. Throws what an INSERT throws.
 */
extern void sched_jobs_record_changes(const pg_uuid_t *user_id, const SchedChange *changes, int n);

#endif
