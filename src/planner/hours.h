/*
 * hours.h - a user's settings and the hours of his days, as instants.
 */
#ifndef SCHED_PLANNER_HOURS_H
#define SCHED_PLANNER_HOURS_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "planner/place.h"

typedef struct SchedOpenHours
{
	SchedHours kind;
	SchedSpan span;
} SchedOpenHours;

typedef struct SchedUserHours
{
	SchedMoment *days; /* day_count + 1 local midnights: the days that the window touches */
	int day_count;
	SchedOpenHours *hours; /* kind by kind (any, personal, work), by start */
	int hour_count;
	int64 buffer;
	int64 notice;
	int64 max_day_load;
	bool has_protected; /* there is protected time at all */
} SchedUserHours;

/*
 * Reads them by SPI, which must be connected, with one statement; palloc'ed. False where there is
 * no such user.
 */
extern bool sched_planner_load_hours(const pg_uuid_t *user_id, TimestampTz from, TimestampTz until,
									 SchedUserHours *hours);

#endif
