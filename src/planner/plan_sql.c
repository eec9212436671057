/*
 * plan_sql.c - the planner as set-returning functions for the SQL of this room.
 *
 * Runs in any backend or worker. Each function reads the calendar by SPI, lets
 * the pure core compute and returns rows; nothing is written here. What the
 * core mallocs is freed before anything can throw: results are copied into
 * palloc'ed memory first.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "planner/load.h"
#include "planner/plan_sql.h"

PG_FUNCTION_INFO_V1(sched_sql_place_tasks);
PG_FUNCTION_INFO_V1(sched_sql_free_slots);
PG_FUNCTION_INFO_V1(sched_sql_judge_starts);
PG_FUNCTION_INFO_V1(sched_sql_placement_factors);

const char *const sched_planner_rejections[] = {
	[SCHED_FITS] = "fits",
	[SCHED_REJECT_PAST] = "past",
	[SCHED_REJECT_EARLIEST] = "earliest_start",
	[SCHED_REJECT_WINDOW] = "window",
	[SCHED_REJECT_DEADLINE] = "deadline",
	[SCHED_REJECT_HOURS] = "hours",
	[SCHED_REJECT_BUSY] = "busy",
	[SCHED_REJECT_DAY_LIMIT] = "max_minutes_per_day",
	[SCHED_REJECT_PREDECESSOR] = "predecessor",
	[SCHED_REJECT_LENGTH] = "length",
	[SCHED_REJECT_NO_GAP] = "no_gap",
	[SCHED_REJECT_NEVER] = "never",
};

/* Why an old place could not stay, in words. */
static const char *const moved_reasons[] = {
	[SCHED_FITS] = "makes room for another task",
	[SCHED_REJECT_PAST] = "its time has passed",
	[SCHED_REJECT_EARLIEST] = "it stood before its earliest start",
	[SCHED_REJECT_WINDOW] = "it stood outside the window",
	[SCHED_REJECT_DEADLINE] = "it stood after its deadline",
	[SCHED_REJECT_HOURS] = "it stood outside its hours",
	[SCHED_REJECT_BUSY] = "its time was taken",
	[SCHED_REJECT_DAY_LIMIT] = "its day was full",
	[SCHED_REJECT_PREDECESSOR] = "it stood before what it waits for",
	[SCHED_REJECT_LENGTH] = "its length has changed",
	[SCHED_REJECT_NO_GAP] = "its time was taken",
};

/*
 * Polled by the core: it must not throw, so the interrupt itself is taken when
 * the core has returned.
 */
static bool
is_interrupted(void)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

/*
 * What all loads have in common. Now is the time of the transaction, so that
 * everything a statement computes agrees; a window that began in the past
 * begins now.
 */
void
sched_planner_begin_load(SchedLoadRequest *request, Datum user_id, Datum from, Datum until)
{
	memset(request, 0, sizeof(*request));
	request->user_id = *DatumGetUUIDP(user_id);
	request->from = DatumGetTimestampTz(from);
	request->until = DatumGetTimestampTz(until);
	request->now = GetCurrentTransactionStartTimestamp();
	request->only_null = true;
	if (request->from < request->now)
		request->from = request->now;
}

/* A calendar that serves one plan only. */
static void
read_load(const SchedLoadRequest *request, SchedLoad *load)
{
	SchedCalendar calendar;

	sched_planner_read_calendar(request, &calendar);
	sched_planner_load(request, &calendar, load);
}

/* The core answers -1 where malloc fails; PostgreSQL's own arrays never do. */
void
sched_planner_fail_memory(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
					errdetail("The planner could not allocate its working arrays.")));
}

/* How long before the deadline a task ends, for people. */
static char *
describe_placement(const SchedPlanTask *task, SchedMoment end, int chunks)
{
	char parts[32] = "";
	int64 minutes;

	if (chunks > 1)
		snprintf(parts, sizeof(parts), "in %d parts, ", chunks);
	if (task->deadline == SCHED_NEVER)
		return psprintf("%sbest free time", parts);
	minutes = (task->deadline - end) / SCHED_MINUTE;
	return psprintf("%sends %d days %02d:%02d before its deadline", parts, (int) (minutes / 1440),
					(int) (minutes % 1440 / 60), (int) (minutes % 60));
}

/* What stands in the way of a task, for people. */
const char *
sched_planner_describe_unplaced(const SchedPlanTask *task, SchedRejection why, SchedSpan window)
{
	int minutes = (int) (task->length / SCHED_MINUTE);

	switch (why)
	{
		case SCHED_REJECT_PREDECESSOR:
			return "a task it waits for has no place";
		case SCHED_REJECT_DEADLINE:
			return "its deadline has passed";
		case SCHED_REJECT_WINDOW:
			return "it starts after the window";
		default:
			if (task->deadline > window.end)
				return psprintf("no free time of %d minutes in the window", minutes);
			return psprintf("no free time of %d minutes before its deadline", minutes);
	}
}

/* The reason column of a plan; end is where the last block ends. */
static const char *
describe_outcome(const SchedLoad *load, const SchedPlanTask *task, const SchedPlanOutcome *outcome,
				 SchedMoment end)
{
	switch (outcome->status)
	{
		case SCHED_PLACED:
			return describe_placement(task, end, outcome->block_count);
		case SCHED_KEPT:
			return "still fits";
		case SCHED_MOVED:
			return moved_reasons[outcome->why];
		default:
			return sched_planner_describe_unplaced(task, outcome->why, load->input.window);
	}
}

/*
 * One row of place_tasks(); a span without length is null, and so is an event
 * that is not there yet.
 */
void
sched_planner_put_row(ReturnSetInfo *result, const SchedLoadedTask *task,
					  const SchedLoadedBlock *block, SchedSpan span, const char *status,
					  const char *why, const char *reason)
{
	Datum values[7];
	bool nulls[7] = {false};

	values[0] = UUIDPGetDatum(&task->task_id);
	values[1] = block == NULL ? (Datum) 0 : UUIDPGetDatum(&block->event_id);
	nulls[1] = block == NULL;
	values[2] = TimestampTzGetDatum(span.start);
	values[3] = TimestampTzGetDatum(span.end);
	nulls[2] = nulls[3] = span.end <= span.start;
	values[4] = CStringGetTextDatum(status);
	values[5] = CStringGetTextDatum(why);
	values[6] = CStringGetTextDatum(reason);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The k-th movable block of a task, or NULL. */
static const SchedLoadedBlock *
find_movable(const SchedLoad *load, const SchedLoadedTask *task, int k)
{
	for (int i = 0; i < task->block_count; i++)
	{
		const SchedLoadedBlock *block = &load->blocks[task->first_block + i];

		if (block->movable && k-- == 0)
			return block;
	}
	return NULL;
}

/*
 * The rows of a task that had something to place: a row per new block, which
 * takes over a row of the calendar where there is one, and one per row that is
 * no longer needed.
 */
void
sched_planner_put_outcome(ReturnSetInfo *result, const SchedLoad *load, const SchedLoadedTask *task,
						  const SchedPlanOutcome *outcome, const SchedSpan *blocks)
{
	static const char *const words[] = {"placed", "kept", "moved", "unplaced"};
	const SchedPlanTask *plan = &load->input.tasks[task->plan_index];
	SchedMoment end =
		outcome->block_count == 0 ? 0 : blocks[outcome->first_block + outcome->block_count - 1].end;
	const char *reason = describe_outcome(load, plan, outcome, end);
	const SchedLoadedBlock *surplus;

	if (outcome->status == SCHED_UNPLACED)
		sched_planner_put_row(result, task, NULL, (SchedSpan){0, 0}, "unplaced",
							  sched_planner_rejections[outcome->why], reason);
	for (int k = 0; k < outcome->block_count; k++)
		sched_planner_put_row(result, task, find_movable(load, task, k),
							  blocks[outcome->first_block + k], words[outcome->status],
							  sched_planner_rejections[outcome->why], reason);
	for (int k = outcome->block_count; (surplus = find_movable(load, task, k)) != NULL; k++)
		sched_planner_put_row(result, task, surplus, surplus->span, "dropped", "length",
							  "no longer needed");
}

/*
 * A task with nothing left to place: what stands stays, and what could move is
 * no longer needed.
 */
static void
put_standing(ReturnSetInfo *result, const SchedLoad *load, const SchedLoadedTask *task)
{
	SchedSpan window = load->input.window;

	for (int i = 0; i < task->block_count; i++)
	{
		const SchedLoadedBlock *block = &load->blocks[task->first_block + i];
		bool outside = block->span.start >= window.end || block->span.end <= window.start;

		if (block->movable)
			sched_planner_put_row(result, task, block, block->span, "dropped", "length",
								  "no longer needed");
		else
			sched_planner_put_row(result, task, block, block->span, "kept", "fits",
								  outside ? "stands outside the window" : "pinned or under way");
	}
}

/*
 * Runs the core and copies what it found into palloc'ed memory; what the core
 * malloc'ed is freed whatever happens.
 */
void
sched_planner_run_core(const SchedPlanInput *input, SchedPlanResult *plan)
{
	SchedPlanResult result;
	int code = sched_planner_place(input, &result);

	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
		if (code != 0)
			sched_planner_fail_memory();
		*plan = result;
		plan->outcomes = palloc((input->task_count + 1) * sizeof(SchedPlanOutcome));
		plan->blocks = palloc((result.block_count + 1) * sizeof(SchedSpan));
		memcpy(plan->outcomes, result.outcomes, input->task_count * sizeof(SchedPlanOutcome));
		if (result.block_count > 0)
			memcpy(plan->blocks, result.blocks, result.block_count * sizeof(SchedSpan));
	}
	PG_FINALLY();
	{
		sched_planner_free_result(&result);
	}
	PG_END_TRY();
}

/*
 * Whether a task would find no place either if every other task made room: then nobody need look
 * at the others because of it.
 */
static bool
is_hopeless(const SchedLoad *load, const SchedPlanTask *task)
{
	SchedPlanTask alone = *task;
	SchedPlanInput input = load->input;
	SchedPlanResult plan;

	alone.after_count = 0;
	alone.current_count = 0;
	input.busy = load->fixed;
	input.day_load = load->fixed_load;
	input.tasks = &alone;
	input.task_count = 1;
	sched_planner_run_core(&input, &plan);
	return plan.outcomes[0].status == SCHED_UNPLACED;
}

void
sched_planner_compute(SchedLoad *load, SchedPlanResult *plan)
{
	load->input.stop = is_interrupted;
	sched_planner_run_core(&load->input, plan);
	for (int i = 0; i < load->input.task_count; i++)
	{
		SchedPlanOutcome *outcome = &plan->outcomes[i];

		if (outcome->status == SCHED_UNPLACED && outcome->why == SCHED_REJECT_NO_GAP &&
			load->input.tasks[i].deadline <= load->input.window.end &&
			is_hopeless(load, &load->input.tasks[i]))
			outcome->why = SCHED_REJECT_NEVER;
	}
}

/*
 * place_tasks(user_id, from_time, to_time, task_ids) -> setof (task_id,
 * event_id, starts_at, ends_at, status, why, reason)
 */
Datum
sched_sql_place_tasks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SchedLoadRequest request;
	SchedLoad load;
	SchedPlanResult plan;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tasks are placed for a user within a window")));
	InitMaterializedSRF(fcinfo, 0);
	sched_planner_begin_load(&request, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	request.with_tasks = true;
	request.only_null = PG_ARGISNULL(3);
	request.only = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	SPI_connect();
	read_load(&request, &load);
	sched_planner_compute(&load, &plan);
	for (int i = 0; i < load.task_count; i++)
	{
		const SchedLoadedTask *task = &load.tasks[i];

		if (task->plan_index >= 0)
			sched_planner_put_outcome(result, &load, task, &plan.outcomes[task->plan_index],
									  plan.blocks);
		else
			put_standing(result, &load, task);
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * free_slots(user_id, from_time, to_time, length, kind, step, max) -> setof
 * (starts_at, ends_at, score)
 */
Datum
sched_sql_free_slots(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *kind = text_to_cstring(PG_GETARG_TEXT_PP(4));
	int max = PG_GETARG_INT32(6);
	SchedSlot *slots;
	SchedPlanTask task = {.earliest = PG_INT64_MIN, .deadline = SCHED_NEVER, .priority = 5};
	SchedLoadRequest request;
	SchedLoad load;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	sched_planner_begin_load(&request, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	task.length = PG_GETARG_INT64(3);
	/* find_slots() has looked already, but whoever calls that may call this. */
	if (max < 1 || max > 1000 || task.length < USECS_PER_MINUTE ||
		PG_GETARG_INT64(5) < USECS_PER_MINUTE || task.length > 31 * USECS_PER_DAY ||
		PG_GETARG_INT64(5) > 31 * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("slots cannot be found this way"),
				 errhint("Use scheduler.find_slots().")));
	slots = palloc((max + 1) * sizeof(SchedSlot));
	task.hours = strcmp(kind, "work") == 0       ? SCHED_HOURS_WORK
				 : strcmp(kind, "personal") == 0 ? SCHED_HOURS_PERSONAL
												 : SCHED_HOURS_ANY;
	SPI_connect();
	read_load(&request, &load);
	/* A slot is offered, not planned: the limit of a day binds tasks only. */
	load.input.max_day_load = 0;
	count = sched_planner_find_slots(&load.input, &task, PG_GETARG_INT64(5), slots, max);
	if (count < 0)
		sched_planner_fail_memory();
	for (int i = 0; i < count; i++)
	{
		Datum values[3] = {TimestampTzGetDatum(slots[i].start),
						   TimestampTzGetDatum(slots[i].start + task.length),
						   Float8GetDatum(slots[i].score)};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * The values of the factors as float8[], in the order of
 * placement_factors().
 */
static Datum
make_float_array(const double *values, int count)
{
	Datum elements[SCHED_FACTOR_COUNT];

	for (int i = 0; i < count; i++)
		elements[i] = Float8GetDatum(values[i]);
	return PointerGetDatum(construct_array(elements, count, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * judge_starts(user_id, task_id, from_time, to_time, length, starts) -> setof
 * (starts_at, rejected, score, values)
 *
 * As if only this task's own blocks were not there; nothing for a task that is
 * over.
 */
Datum
sched_sql_judge_starts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum task_id = PG_GETARG_DATUM(1);
	Datum *starts;
	int count;
	SchedJudgement *judgements;
	SchedMoment *moments;
	SchedLoadRequest request;
	SchedLoad load;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(5), TIMESTAMPTZOID, sizeof(TimestampTz),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &starts, NULL, &count);
	judgements = palloc((count + 1) * sizeof(SchedJudgement));
	moments = palloc((count + 1) * sizeof(SchedMoment));
	for (int i = 0; i < count; i++)
		moments[i] = DatumGetTimestampTz(starts[i]);
	sched_planner_begin_load(&request, PG_GETARG_DATUM(0), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	request.with_tasks = true;
	request.only_null = false;
	request.unpin = true;
	request.only =
		PointerGetDatum(construct_array(&task_id, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	SPI_connect();
	read_load(&request, &load);
	for (int i = 0; load.input.task_count > 0 && i < count; i++)
	{
		SchedPlanTask task = load.input.tasks[0];
		Datum values[4];
		bool nulls[4] = {false};

		task.length = PG_GETARG_INT64(4);
		if (i == 0 && sched_planner_judge(&load.input, &task, moments, count, judgements) != 0)
			sched_planner_fail_memory();
		values[0] = TimestampTzGetDatum(moments[i]);
		values[1] = CStringGetTextDatum(sched_planner_rejections[judgements[i].rejected]);
		nulls[1] = judgements[i].rejected == SCHED_FITS;
		values[2] = Float8GetDatum(judgements[i].score);
		values[3] = make_float_array(judgements[i].values, SCHED_FACTOR_COUNT);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/* placement_factors() -> setof (n, name, weight) */
Datum
sched_sql_placement_factors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < SCHED_FACTOR_COUNT; i++)
	{
		Datum values[3] = {Int32GetDatum(i + 1), CStringGetTextDatum(sched_planner_factors[i].name),
						   Float8GetDatum(sched_planner_factors[i].weight)};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
