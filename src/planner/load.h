/*
 * load.h - a user's calendar as input of the pure planner.
 */
#ifndef SCHED_PLANNER_LOAD_H
#define SCHED_PLANNER_LOAD_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "planner/hours.h"
#include "planner/place.h"

/* A block on the calendar that a task of the plan has. */
typedef struct SchedLoadedBlock
{
	pg_uuid_t event_id;
	SchedSpan span;
	bool movable; /* else it stays, and counts as done */
} SchedLoadedBlock;

typedef struct SchedLoadedTask
{
	pg_uuid_t task_id;
	int64 length;    /* minutes asked for less minutes worked, in microseconds; may be <= 0 */
	int plan_index;  /* into input.tasks, -1 where nothing is left to place */
	int first_block; /* into blocks; movable and staying ones by start */
	int block_count;
	SchedPlanTask plan;
} SchedLoadedTask;

typedef struct SchedLoad
{
	SchedPlanInput input;
	SchedSpanList fixed; /* of what is busy: what no planning can move */
	int64 *fixed_load;   /* of day_load: the same */
	SchedLoadedTask *tasks;
	int task_count;
	SchedLoadedBlock *blocks;
	int block_count;
} SchedLoad;

/* What is to be loaded. */
typedef struct SchedLoadRequest
{
	pg_uuid_t user_id;
	TimestampTz from;
	TimestampTz until;
	TimestampTz now;
	bool with_tasks;
	Datum only; /* uuid[] of the tasks to plan; the others' blocks are busy time */
	bool only_null;
	SchedLoadedTask *fresh; /* these, which have no row yet, too */
	int fresh_count;
	bool unpin; /* also pinned blocks of these tasks are theirs to move: for explanations */
} SchedLoadRequest;

/* Something on the calendar, as it is stored. */
typedef struct SchedCalendarEvent
{
	pg_uuid_t event_id;
	pg_uuid_t task_id;
	bool has_task;
	bool movable;
	SchedSpan span;
} SchedCalendarEvent;

typedef struct SchedProtectedSpan
{
	SchedSpan span;
	bool strict;
} SchedProtectedSpan;

/* What does not depend on which tasks are planned: one reading serves several plans. */
typedef struct SchedCalendar
{
	SchedUserHours hours;
	SchedProtectedSpan *protected_spans;
	int protected_count;
	SchedCalendarEvent *events; /* of one task beside each other, by start */
	int event_count;
} SchedCalendar;

/*
 * Reads hours, protected time and events of the request's window by SPI, which must be connected. Lives in the
 * memory context that is current; throws what SPI throws, and 22023 for a user without a row.
 */
extern void sched_planner_read_calendar(const SchedLoadRequest *request, SchedCalendar *calendar);

/*
 * Puts a load together: reads the tasks that are asked for and what they wait for. The same memory and errors. The
 * calendar was read for this window; it may be used again.
 */
extern void sched_planner_load(const SchedLoadRequest *request, const SchedCalendar *calendar,
							   SchedLoad *load);

#endif
