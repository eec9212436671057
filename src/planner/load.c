/*
 * load.c - reads a user's calendar into the arrays of the pure planner.
 *
 * Runs in any backend or worker inside SPI. Every query is a saved plan with
 * qualified names; none is built from data. Arrays are palloc'ed in the context
 * of the caller, so they go with it. Throws what SPI throws.
 *
 * What stands on the calendar falls into two parts: blocks of the tasks that
 * are planned and that may move (they are the tasks' current places), and
 * everything else, which is busy time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "planner/hours.h"
#include "planner/load.h"

/* A growing array of spans in palloc'ed memory. */
typedef struct SpanArray
{
	SchedSpan *spans;
	int count;
	int capacity;
} SpanArray;

/* Appends a span; the array doubles, so that many events cost few copies. */
static void
add_span(SpanArray *array, SchedMoment start, SchedMoment end)
{
	if (array->count == array->capacity)
	{
		array->capacity = array->capacity == 0 ? 64 : 2 * array->capacity;
		array->spans = array->spans == NULL
						   ? palloc(array->capacity * sizeof(SchedSpan))
						   : repalloc(array->spans, array->capacity * sizeof(SchedSpan));
	}
	array->spans[array->count++] = (SchedSpan){start, end};
}

/* What the core wants: sorted, disjoint. The array itself becomes the list. */
static SchedSpanList
merge_spans(SpanArray *array)
{
	SchedSpanList list;

	list.count = array->count == 0 ? 0 : sched_planner_merge_spans(array->spans, array->count);
	list.spans = array->spans;
	return list;
}

/*
 * Runs a query whose plan stays for the session; the rows are in SPI_tuptable.
 */
static void
run_query(SPIPlanPtr *plan, const char *query, int count, Oid *types, Datum *values,
		  const char *nulls)
{
	if (*plan == NULL)
	{
		SPIPlanPtr made = SPI_prepare_cursor(query, count, types, CURSOR_OPT_GENERIC_PLAN);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare a query of the planner: %s",
				 SPI_result_code_string(SPI_result));
		*plan = made;
	}
	if (SPI_execute_plan(*plan, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a query of the planner failed");
}

/* A column of a row of the last query; *isnull tells whether it is null. */
static Datum
get_column(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/*
 * A bigint or timestamptz, both of which are an int64; `otherwise` stands
 * for null.
 */
static int64
get_int(uint64 row, int column, int64 otherwise)
{
	bool isnull;
	Datum value = get_column(row, column, &isnull);

	return isnull ? otherwise : DatumGetInt64(value);
}

/* A boolean; null counts as false. */
static bool
get_bool(uint64 row, int column)
{
	bool isnull;
	Datum value = get_column(row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * A key, copied: the row it lies in goes with the query's result. Null is
 * all zeros.
 */
static pg_uuid_t
get_uuid(uint64 row, int column)
{
	bool isnull;
	Datum value = get_column(row, column, &isnull);
	pg_uuid_t key = {{0}};

	return isnull ? key : *DatumGetUUIDP(value);
}

/* Settings of the user and the hours of the days in the window. */
static void
read_hours(const SchedLoadRequest *request, SchedCalendar *calendar)
{
	if (!sched_planner_load_hours(&request->user_id, request->from, request->until,
								  &calendar->hours))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no such user"),
						errdetail("There is no user %s.",
								  DatumGetCString(DirectFunctionCall1(
									  uuid_out, UUIDPGetDatum(&request->user_id)))),
						errhint("Leave user_id out: it defaults to the current user.")));
}

/*
 * The hours that are open, the local midnights around the window, settings. Working hours are what personal tasks
 * rather stay out of.
 */
static void
take_hours(const SchedUserHours *hours, SchedLoad *load, SpanArray *soft)
{
	SpanArray open[SCHED_HOURS_COUNT] = {{0}};

	for (int i = 0; i < hours->hour_count; i++)
	{
		SchedSpan span = hours->hours[i].span;

		add_span(&open[hours->hours[i].kind], span.start, span.end);
		if (hours->hours[i].kind == SCHED_HOURS_WORK)
			add_span(&soft[SCHED_HOURS_PERSONAL], span.start, span.end);
	}
	for (int kind = 0; kind < SCHED_HOURS_COUNT; kind++)
		load->input.open[kind] = merge_spans(&open[kind]);
	load->input.days = hours->days;
	load->input.day_count = hours->day_count;
	load->input.day_load = palloc0((hours->day_count + 1) * sizeof(int64));
	load->fixed_load = palloc0((hours->day_count + 1) * sizeof(int64));
	load->input.buffer = hours->buffer;
	load->input.notice = hours->notice;
	load->input.max_day_load = hours->max_day_load;
}

/* Protected time of the window, where the user has any. */
static void
read_protected(const SchedLoadRequest *request, SchedCalendar *calendar)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum values[] = {UUIDPGetDatum(&request->user_id), TimestampTzGetDatum(request->from),
					  TimestampTzGetDatum(request->until)};

	run_query(
		&plan,
		"SELECT p.strict, p.starts_at, p.ends_at FROM scheduler.protected_spans($1, $2, $3) AS p",
		3, types, values, NULL);
	calendar->protected_spans = palloc((SPI_processed + 1) * sizeof(SchedProtectedSpan));
	calendar->protected_count = (int) SPI_processed;
	for (uint64 row = 0; row < SPI_processed; row++)
		calendar->protected_spans[row] =
			(SchedProtectedSpan){{get_int(row, 2, 0), get_int(row, 3, 0)}, get_bool(row, 1)};
}

/* Strictly protected time is busy for everybody, the rest is only disliked, whatever the hours. */
static void
take_protected(const SchedCalendar *calendar, SpanArray *busy, SpanArray *fixed, SpanArray *soft)
{
	for (int i = 0; i < calendar->protected_count; i++)
	{
		SchedSpan span = calendar->protected_spans[i].span;

		if (calendar->protected_spans[i].strict)
		{
			add_span(busy, span.start, span.end);
			add_span(fixed, span.start, span.end);
		}
		else
			for (int kind = 0; kind < SCHED_HOURS_COUNT; kind++)
				add_span(&soft[kind], span.start, span.end);
	}
}

/* Orders pointers to tasks by key. */
static int
compare_tasks(const void *a, const void *b)
{
	return memcmp(&((const SchedLoadedTask *const *) a)[0]->task_id,
				  &((const SchedLoadedTask *const *) b)[0]->task_id, UUID_LEN);
}

/* Tasks by key, for the queries that name them. */
static SchedLoadedTask *
find_task(SchedLoadedTask **by_id, int count, pg_uuid_t task_id)
{
	SchedLoadedTask wanted = {.task_id = task_id};
	SchedLoadedTask *key = &wanted;
	SchedLoadedTask **found =
		count == 0 ? NULL : bsearch(&key, by_id, count, sizeof(SchedLoadedTask *), compare_tasks);

	return found == NULL ? NULL : *found;
}

/* The order that breaks ties. */
static int
compare_ties(const void *a, const void *b)
{
	const SchedLoadedTask *x = a;
	const SchedLoadedTask *y = b;

	if (x->plan.deadline != y->plan.deadline)
		return x->plan.deadline < y->plan.deadline ? -1 : 1;
	if (x->plan.priority != y->plan.priority)
		return x->plan.priority > y->plan.priority ? -1 : 1;
	return memcmp(&x->task_id, &y->task_id, UUID_LEN);
}

/* Tasks that are not stored yet, among those that are. */
static void
add_fresh(const SchedLoadRequest *request, SchedLoad *load)
{
	int count = load->task_count + request->fresh_count;

	load->tasks = load->tasks == NULL
					  ? palloc((count + 1) * sizeof(SchedLoadedTask))
					  : repalloc(load->tasks, (count + 1) * sizeof(SchedLoadedTask));
	memcpy(load->tasks + load->task_count, request->fresh,
		   request->fresh_count * sizeof(SchedLoadedTask));
	for (int i = load->task_count; i < count; i++)
		load->tasks[i].plan_index = -1;
	load->task_count = count;
	qsort(load->tasks, count, sizeof(SchedLoadedTask), compare_ties);
}

/* Tasks in the order that breaks ties. */
static void
load_tasks(const SchedLoadRequest *request, SchedLoad *load)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, UUIDARRAYOID};
	Datum values[] = {UUIDPGetDatum(&request->user_id), request->only};

	run_query(&plan,
			  "SELECT t.task_id, (t.duration_minutes - t.worked_minutes)::bigint, t.earliest_start,"
			  " t.deadline, t.min_chunk_minutes::bigint, t.priority::bigint,"
			  " t.category IN ('work', 'other')"
			  " FROM scheduler.tasks AS t"
			  " WHERE t.user_id = $1 AND t.status IN ('pending', 'scheduled', 'in_progress')"
			  " AND ($2 IS NULL OR t.task_id = ANY ($2))"
			  " ORDER BY t.deadline NULLS LAST, t.priority DESC, t.task_id",
			  2, types, values, request->only_null ? " n" : NULL);
	load->task_count = (int) SPI_processed;
	load->tasks = palloc0((load->task_count + 1) * sizeof(SchedLoadedTask));
	for (int row = 0; row < load->task_count; row++)
	{
		SchedLoadedTask *task = &load->tasks[row];

		task->task_id = get_uuid(row, 1);
		task->length = get_int(row, 2, 0) * SCHED_MINUTE;
		task->plan.earliest = get_int(row, 3, PG_INT64_MIN);
		task->plan.deadline = get_int(row, 4, SCHED_NEVER);
		task->plan.min_chunk = get_int(row, 5, 0) * SCHED_MINUTE;
		task->plan.priority = (int) get_int(row, 6, 5);
		task->plan.hours = get_bool(row, 7) ? SCHED_HOURS_WORK : SCHED_HOURS_PERSONAL;
		task->plan_index = -1;
	}
}

/*
 * A block of a task that is planned: its place to move from, or time that is
 * spent.
 */
static void
add_loaded_block(const SchedLoadRequest *request, SchedLoad *load, SchedLoadedTask *task,
				 pg_uuid_t event_id, SchedSpan span, bool movable)
{
	SchedLoadedBlock *block = &load->blocks[load->block_count++];

	block->event_id = event_id;
	block->span = span;
	block->movable = movable && span.start > request->now && span.start >= request->from &&
					 span.end <= request->until;
	if (task->block_count++ == 0)
		task->first_block = load->block_count - 1;
	if (!block->movable)
		task->length -= span.end - span.start;
}

/*
 * Adds what stays of a task to the day it starts on, so that a limit per day
 * counts it.
 */
static void
count_day(SchedLoad *load, SchedSpan span, bool fixed)
{
	int64 *day_load = unconstify(int64 *, load->input.day_load);

	for (int day = 0; day < load->input.day_count; day++)
		if (span.start >= load->input.days[day] && span.start < load->input.days[day + 1])
		{
			day_load[day] += span.end - span.start;
			if (fixed)
				load->fixed_load[day] += span.end - span.start;
		}
}

/*
 * Everything on the calendar that touches the window, and the blocks of tasks
 * that lie outside it: ordered by task so that a task's blocks are neighbours.
 */
static void
read_events(const SchedLoadRequest *request, SchedCalendar *calendar)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum values[] = {UUIDPGetDatum(&request->user_id), TimestampTzGetDatum(request->from),
					  TimestampTzGetDatum(request->until), TimestampTzGetDatum(request->now)};

	run_query(&plan,
			  "SELECT e.event_id, e.task_id, e.start_datetime, e.end_datetime,"
			  " e.is_movable AND NOT e.is_external, e.task_id IS NOT NULL"
			  " FROM (SELECT * FROM scheduler.calendar_events AS s WHERE s.user_id = $1"
			  " AND s.start_datetime > $2 - interval '1 day' AND s.start_datetime < $3"
			  " AND s.end_datetime > $2 AND s.end_datetime - s.start_datetime <= interval '1 day'"
			  " UNION ALL SELECT * FROM scheduler.calendar_events AS l WHERE l.user_id = $1"
			  " AND l.end_datetime > $2 AND l.start_datetime < $3"
			  " AND l.end_datetime - l.start_datetime > interval '1 day'"
			  " UNION ALL SELECT * FROM scheduler.calendar_events AS o WHERE o.user_id = $1"
			  " AND o.task_id IS NOT NULL AND o.start_datetime > $4 - interval '1 day'"
			  " AND (o.start_datetime >= $3 OR o.end_datetime <= $2) AND o.end_datetime > $4) AS e"
			  " WHERE e.status <> 'cancelled' AND e.transparency = 'opaque'"
			  " AND (e.hold_expires_at IS NULL OR e.hold_expires_at > $4)"
			  " ORDER BY e.task_id, e.start_datetime",
			  4, types, values, NULL);
	calendar->events = palloc((SPI_processed + 1) * sizeof(SchedCalendarEvent));
	calendar->event_count = (int) SPI_processed;
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		SchedCalendarEvent *event = &calendar->events[row];

		event->event_id = get_uuid(row, 1);
		event->task_id = get_uuid(row, 2);
		event->span = (SchedSpan){get_int(row, 3, 0), get_int(row, 4, 0)};
		event->movable = get_bool(row, 5);
		event->has_task = get_bool(row, 6);
	}
}

/* Blocks of tasks of the plan that may move are the tasks' places; everything else is busy time. */
static void
take_events(const SchedLoadRequest *request, const SchedCalendar *calendar, SchedLoad *load,
			SchedLoadedTask **by_id, SpanArray *busy, SpanArray *fixed)
{
	load->blocks = palloc((calendar->event_count + 1) * sizeof(SchedLoadedBlock));
	for (int i = 0; i < calendar->event_count; i++)
	{
		const SchedCalendarEvent *event = &calendar->events[i];
		SchedLoadedTask *task =
			event->has_task ? find_task(by_id, load->task_count, event->task_id) : NULL;
		bool movable;

		if (task != NULL && event->span.end > request->now)
		{
			add_loaded_block(request, load, task, event->event_id, event->span,
							 event->movable || request->unpin);
			if (load->blocks[load->block_count - 1].movable)
				continue;
		}
		movable = event->movable && event->has_task && event->span.start > request->now;
		add_span(busy, event->span.start, event->span.end);
		if (!movable)
			add_span(fixed, event->span.start, event->span.end);
		if (event->has_task)
			count_day(load, event->span, !movable);
	}
}

/*
 * What comes before what. A predecessor outside this plan, or what stays of one
 * in it, ends before the task begins.
 */
static void
load_dependencies(const SchedLoadRequest *request, SchedLoad *load, SchedLoadedTask **by_id)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID};
	Datum values[] = {UUIDPGetDatum(&request->user_id)};

	run_query(&plan,
			  "SELECT d.task_id, d.depends_on_id, (SELECT max(e.end_datetime)"
			  " FROM scheduler.calendar_events AS e WHERE e.user_id = d.user_id"
			  " AND e.task_id = d.depends_on_id AND e.status <> 'cancelled'),"
			  " (SELECT max(e.end_datetime) FROM scheduler.calendar_events AS e"
			  " WHERE e.user_id = d.user_id AND e.task_id = d.depends_on_id"
			  " AND e.status <> 'cancelled' AND NOT e.is_movable)"
			  " FROM scheduler.task_dependencies AS d JOIN scheduler.tasks AS t"
			  " ON t.user_id = d.user_id AND t.task_id = d.depends_on_id"
			  " WHERE d.user_id = $1 AND t.status NOT IN ('completed', 'cancelled')"
			  " ORDER BY d.task_id, d.depends_on_id",
			  1, types, values, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		SchedLoadedTask *task = find_task(by_id, load->task_count, get_uuid(row, 1));
		SchedLoadedTask *before = find_task(by_id, load->task_count, get_uuid(row, 2));
		bool planned = before != NULL && before->plan_index >= 0;
		SchedMoment end = get_int(row, planned ? 4 : 3, PG_INT64_MIN);

		if (task == NULL || task->plan_index < 0)
			continue;
		if (planned)
		{
			int *after = unconstify(int *, task->plan.after);

			after = after == NULL ? palloc(sizeof(int))
								  : repalloc(after, (task->plan.after_count + 1) * sizeof(int));
			after[task->plan.after_count++] = before->plan_index;
			task->plan.after = after;
		}
		else if (end == PG_INT64_MIN)
			task->plan.waits = true;
		task->plan.earliest = Max(task->plan.earliest, end);
	}
}

/*
 * Numbers the tasks that have something to place and hands them their current
 * blocks.
 */
static void
number_tasks(SchedLoad *load)
{
	for (int i = 0; i < load->task_count; i++)
	{
		SchedLoadedTask *task = &load->tasks[i];
		SchedSpan *current;

		if (task->length <= 0)
			continue;
		task->plan_index = load->input.task_count++;
		task->plan.length = task->length;
		/* A task without a row may have a place all the same. */
		if (task->block_count == 0)
			continue;
		current = palloc((task->block_count + 1) * sizeof(SchedSpan));
		for (int k = 0; k < task->block_count; k++)
			if (load->blocks[task->first_block + k].movable)
				current[task->plan.current_count++] = load->blocks[task->first_block + k].span;
		task->plan.current = current;
	}
}

/* The tasks of the plan, in a row. */
static void
collect_tasks(SchedLoad *load)
{
	SchedPlanTask *tasks = palloc((load->input.task_count + 1) * sizeof(SchedPlanTask));

	for (int i = 0; i < load->task_count; i++)
		if (load->tasks[i].plan_index >= 0)
			tasks[load->tasks[i].plan_index] = load->tasks[i].plan;
	load->input.tasks = tasks;
}

void
sched_planner_read_calendar(const SchedLoadRequest *request, SchedCalendar *calendar)
{
	memset(calendar, 0, sizeof(*calendar));
	read_hours(request, calendar);
	if (calendar->hours.has_protected)
		read_protected(request, calendar);
	read_events(request, calendar);
}

/*
 * The order matters: tasks before events, which need to know whose blocks
 * may move; events before numbering, which leaves out tasks that need
 * nothing more; numbers before dependencies, which refer to them.
 */
void
sched_planner_load(const SchedLoadRequest *request, const SchedCalendar *calendar, SchedLoad *load)
{
	SpanArray busy = {0};
	SpanArray fixed = {0};
	SpanArray soft[SCHED_HOURS_COUNT] = {{0}};
	SchedLoadedTask **by_id;

	memset(load, 0, sizeof(*load));
	load->input.window = (SchedSpan){request->from, request->until};
	load->input.now = sched_planner_align(request->now, SCHED_GRID);
	take_hours(&calendar->hours, load, soft);
	take_protected(calendar, &busy, &fixed, soft);
	if (request->with_tasks)
		load_tasks(request, load);
	if (request->fresh_count > 0)
		add_fresh(request, load);
	by_id = palloc((load->task_count + 1) * sizeof(SchedLoadedTask *));
	for (int i = 0; i < load->task_count; i++)
		by_id[i] = &load->tasks[i];
	qsort(by_id, load->task_count, sizeof(SchedLoadedTask *), compare_tasks);
	take_events(request, calendar, load, by_id, &busy, &fixed);
	number_tasks(load);
	if (request->with_tasks && load->task_count > 0)
		load_dependencies(request, load, by_id);
	collect_tasks(load);
	load->input.busy = merge_spans(&busy);
	load->fixed = merge_spans(&fixed);
	for (int kind = 0; kind < SCHED_HOURS_COUNT; kind++)
		load->input.soft[kind] = merge_spans(&soft[kind]);
}
