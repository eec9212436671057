/*
 * new_tasks.c - places for tasks that have no row yet, all at once.
 *
 * Runs in any backend or worker, inside SPI; nothing is written here. The calendar is read once: the new tasks are
 * placed around what stands, and only where one would miss its deadline although it could be met, all open tasks are
 * planned together with them. Memory is SPI's and goes with the call. Throws what SPI throws, 22023 for bad
 * arrays.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "planner/plan_sql.h"

PG_FUNCTION_INFO_V1(sched_sql_place_new_tasks);

/* A new task and what came of it; one that is not to be placed has no length. */
typedef struct NewTask
{
	SchedLoadedTask task;
	bool wanted;
	bool again; /* it is part of the plan of all tasks */
	SchedPlanStatus status;
	SchedRejection why;
	SchedSpan block;
} NewTask;

typedef struct NewTasks
{
	NewTask *tasks;
	int count;
} NewTasks;

/* An argument that is an array of a type of fixed length; how many elements there are. */
static int
take_array(FunctionCallInfo fcinfo, int n, Oid type, Datum **elements, bool **nulls)
{
	int16 length;
	bool by_value;
	char align;
	int count;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), type, length, by_value, align, elements, nulls,
					  &count);
	return count;
}

static void
take_new_tasks(FunctionCallInfo fcinfo, NewTasks *fresh)
{
	Datum *ids;
	Datum *minutes;
	Datum *deadlines;
	Datum *priorities;
	Datum *work;
	bool *absent;
	bool *timeless;
	bool *nulls;
	int count = take_array(fcinfo, 3, UUIDOID, &ids, &nulls);

	if (take_array(fcinfo, 4, INT4OID, &minutes, &absent) != count ||
		take_array(fcinfo, 5, TIMESTAMPTZOID, &deadlines, &timeless) != count ||
		take_array(fcinfo, 6, INT4OID, &priorities, &nulls) != count ||
		take_array(fcinfo, 7, BOOLOID, &work, &nulls) != count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the arrays of new tasks differ in length")));
	fresh->tasks = palloc0((count + 1) * sizeof(NewTask));
	fresh->count = count;
	for (int i = 0; i < count; i++)
	{
		SchedLoadedTask *task = &fresh->tasks[i].task;

		task->task_id = *DatumGetUUIDP(ids[i]);
		fresh->tasks[i].wanted = !absent[i];
		task->length = absent[i] ? 0 : DatumGetInt32(minutes[i]) * SCHED_MINUTE;
		task->plan.earliest = PG_INT64_MIN;
		task->plan.deadline = timeless[i] ? SCHED_NEVER : DatumGetTimestampTz(deadlines[i]);
		task->plan.priority = DatumGetInt32(priorities[i]);
		task->plan.hours = DatumGetBool(work[i]) ? SCHED_HOURS_WORK : SCHED_HOURS_PERSONAL;
	}
}

/* The new task with this key, or NULL. */
static NewTask *
find_new(const NewTasks *fresh, const pg_uuid_t *task_id)
{
	for (int i = 0; i < fresh->count; i++)
		if (memcmp(&fresh->tasks[i].task.task_id, task_id, UUID_LEN) == 0)
			return &fresh->tasks[i];
	return NULL;
}

/* Copies of those that are wanted, or of those that are planned with all others, for a load. */
static void
choose_fresh(const NewTasks *fresh, bool again, SchedLoadRequest *request)
{
	request->fresh = palloc((fresh->count + 1) * sizeof(SchedLoadedTask));
	request->fresh_count = 0;
	for (int i = 0; i < fresh->count; i++)
		if (again ? fresh->tasks[i].again : fresh->tasks[i].wanted)
			request->fresh[request->fresh_count++] = fresh->tasks[i].task;
}

/* What a plan says of the new tasks. */
static void
note_outcomes(NewTasks *fresh, const SchedLoad *load, const SchedPlanResult *plan)
{
	for (int i = 0; i < load->task_count; i++)
	{
		const SchedPlanOutcome *outcome;
		NewTask *task = find_new(fresh, &load->tasks[i].task_id);

		if (task == NULL)
			continue;
		outcome = &plan->outcomes[load->tasks[i].plan_index];
		task->status = outcome->status;
		task->why = outcome->why;
		if (outcome->status != SCHED_UNPLACED)
			task->block = plan->blocks[outcome->first_block];
	}
}

/*
 * Which of them are planned together with all others: those that would miss a deadline within the window, and those that
 * have a place, which they keep if they can. Where others would not help they are left alone, and where the days
 * behind the window may, these come first. False where nobody needs it.
 */
static bool
choose_again(NewTasks *fresh, SchedSpan window)
{
	bool needed = false;

	for (int i = 0; i < fresh->count; i++)
	{
		NewTask *task = &fresh->tasks[i];
		bool late = task->wanted && task->status == SCHED_UNPLACED &&
					task->why == SCHED_REJECT_NO_GAP && task->task.plan.deadline <= window.end;

		task->again = late || (task->wanted && task->status != SCHED_UNPLACED);
		needed |= late;
		if (task->again && !late)
		{
			task->task.plan.current = &task->block;
			task->task.plan.current_count = 1;
		}
	}
	return needed;
}

/* The n-th row is the n-th new task's; of one that was not to be placed only its key is there. */
static void
put_new_task(ReturnSetInfo *result, const NewTask *task, SchedSpan window)
{
	SchedPlanTask plan = task->task.plan;

	plan.length = task->task.length;
	if (!task->wanted)
		sched_planner_put_row(result, &task->task, NULL, (SchedSpan){0, 0}, "unwanted", "", "");
	else if (task->status == SCHED_UNPLACED)
		sched_planner_put_row(result, &task->task, NULL, (SchedSpan){0, 0}, "unplaced",
							  sched_planner_rejections[task->why],
							  sched_planner_describe_unplaced(&plan, task->why, window));
	else
		sched_planner_put_row(result, &task->task, NULL, task->block, "placed", "", "");
}

/* Others that move, lose their place or found one; the rest stays as it is. */
static void
put_others(ReturnSetInfo *result, const NewTasks *fresh, const SchedLoad *load,
		   const SchedPlanResult *plan)
{
	for (int i = 0; i < load->task_count; i++)
	{
		const SchedLoadedTask *task = &load->tasks[i];
		const SchedPlanOutcome *outcome;

		if (task->plan_index < 0 || find_new(fresh, &task->task_id) != NULL)
			continue;
		outcome = &plan->outcomes[task->plan_index];
		if (outcome->status != SCHED_KEPT &&
			(outcome->status != SCHED_UNPLACED ||
			 load->input.tasks[task->plan_index].current_count > 0))
			sched_planner_put_outcome(result, load, task, outcome, plan->blocks);
	}
}

/*
 * place_new_tasks(user_id, from_time, to_time, task_ids, minutes, deadlines, priorities, work) -> setof placement: a row
 * for each element, then those of other tasks
 */
Datum
sched_sql_place_new_tasks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SchedLoadRequest request;
	SchedCalendar calendar;
	NewTasks fresh;
	SchedLoad load;
	SchedPlanResult plan;
	bool crowded;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	take_new_tasks(fcinfo, &fresh);
	sched_planner_begin_load(&request, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	choose_fresh(&fresh, false, &request);
	if (request.fresh_count > 0)
	{
		sched_planner_read_calendar(&request, &calendar);
		sched_planner_load(&request, &calendar, &load);
		sched_planner_compute(&load, &plan);
		note_outcomes(&fresh, &load, &plan);
	}
	crowded = request.fresh_count > 0 && choose_again(&fresh, load.input.window);
	if (crowded)
	{
		choose_fresh(&fresh, true, &request);
		request.with_tasks = true;
		sched_planner_load(&request, &calendar, &load);
		sched_planner_run_core(&load.input, &plan);
		note_outcomes(&fresh, &load, &plan);
	}
	for (int i = 0; i < fresh.count; i++)
		put_new_task(result, &fresh.tasks[i], (SchedSpan){request.from, request.until});
	if (crowded)
		put_others(result, &fresh, &load, &plan);
	SPI_finish();
	return (Datum) 0;
}
