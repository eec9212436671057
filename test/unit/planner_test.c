/*
 * planner_test.c - the pure core of the planner: worked cases, then random
 * instances against the hard rules.
 */
#include <stdlib.h>
#include <string.h>

#include "planner/place.h"
#include "tap.h"

#define HOUR (60 * SCHED_MINUTE)
#define MONDAY (INT64_C(11325) * SCHED_DAY) /* 2031-01-03 is day 11325: any midnight will do */
#define DAYS 14
#define MAX_TASKS 40
#define MAX_BUSY 30

/* A calendar with everything an input points to. */
typedef struct Calendar
{
	SchedPlanInput input;
	SchedSpan open[2][DAYS];
	SchedSpan busy[MAX_BUSY];
	SchedMoment days[DAYS + 1];
	int64_t load[DAYS];
	SchedPlanTask tasks[MAX_TASKS];
	int after[MAX_TASKS][2];
	SchedSpan current[MAX_TASKS][1];
} Calendar;

static uint32_t random_state;

static int
draw(int limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (int) ((random_state >> 8) % (uint32_t) limit);
}

/* Work 9-17 and personal 8-21 on each day, nothing busy, no tasks. */
static void
open_calendar(Calendar *calendar)
{
	memset(calendar, 0, sizeof(*calendar));
	calendar->input.now = MONDAY;
	calendar->input.window = (SchedSpan){MONDAY, MONDAY + DAYS * SCHED_DAY};
	for (int day = 0; day < DAYS; day++)
	{
		SchedMoment midnight = MONDAY + day * SCHED_DAY;

		calendar->open[0][day] = (SchedSpan){midnight + 9 * HOUR, midnight + 17 * HOUR};
		calendar->open[1][day] = (SchedSpan){midnight + 8 * HOUR, midnight + 21 * HOUR};
		calendar->days[day] = midnight;
	}
	calendar->days[DAYS] = MONDAY + DAYS * SCHED_DAY;
	calendar->input.open[SCHED_HOURS_WORK] = (SchedSpanList){calendar->open[0], DAYS};
	calendar->input.open[SCHED_HOURS_PERSONAL] = (SchedSpanList){calendar->open[1], DAYS};
	calendar->input.soft[SCHED_HOURS_PERSONAL] = (SchedSpanList){calendar->open[0], DAYS};
	calendar->input.busy.spans = calendar->busy;
	calendar->input.days = calendar->days;
	calendar->input.day_load = calendar->load;
	calendar->input.day_count = DAYS;
	calendar->input.tasks = calendar->tasks;
}

static SchedPlanTask *
add_task(Calendar *calendar, int64_t length, SchedMoment deadline, int priority)
{
	int index = calendar->input.task_count++;
	SchedPlanTask *task = &calendar->tasks[index];

	*task = (SchedPlanTask){.earliest = INT64_MIN,
							.deadline = deadline,
							.length = length,
							.priority = priority,
							.hours = SCHED_HOURS_WORK,
							.after = calendar->after[index],
							.current = calendar->current[index]};
	return task;
}

static void
add_busy(Calendar *calendar, SchedMoment start, SchedMoment end)
{
	calendar->busy[calendar->input.busy.count++] = (SchedSpan){start, end};
	calendar->input.busy.count =
		sched_planner_merge_spans(calendar->busy, calendar->input.busy.count);
}

static void
test_spans(void)
{
	SchedSpan spans[] = {{10, 20}, {30, 40}, {5, 12}, {40, 50}, {60, 60}, {70, 65}};
	int count = sched_planner_merge_spans(spans, 6);

	ok(count == 2, "spans that touch or overlap become one, empty ones go");
	ok(spans[0].start == 5 && spans[0].end == 20, "the first runs from the earliest start");
	ok(spans[1].start == 30 && spans[1].end == 50, "the second takes its neighbour in");
	ok(sched_planner_align(MONDAY, SCHED_GRID) == MONDAY, "a grid point stays");
	ok(sched_planner_align(MONDAY + 1, SCHED_GRID) == MONDAY + SCHED_GRID,
	   "a later moment goes up");
	ok(sched_planner_align(-1, SCHED_GRID) == 0, "also before the epoch");
}

static void
test_single_tasks(void)
{
	static Calendar calendar;
	SchedPlanResult plan;

	open_calendar(&calendar);
	add_task(&calendar, HOUR, SCHED_NEVER, 5);
	ok(sched_planner_place(&calendar.input, &plan) == 0, "a plan is made");
	ok(plan.outcomes[0].status == SCHED_PLACED && plan.blocks[0].start == MONDAY + 9 * HOUR,
	   "an empty calendar: the first hour of work");
	sched_planner_free_result(&plan);

	add_busy(&calendar, MONDAY + 9 * HOUR, MONDAY + 10 * HOUR + SCHED_MINUTE);
	calendar.input.buffer = 15 * SCHED_MINUTE;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.blocks[0].start == MONDAY + 10 * HOUR + 30 * SCHED_MINUTE,
	   "behind what is busy and the buffer, on the grid");
	sched_planner_free_result(&plan);

	calendar.tasks[0].deadline = MONDAY + 10 * HOUR;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].status == SCHED_UNPLACED && plan.outcomes[0].why == SCHED_REJECT_NO_GAP &&
		   plan.block_count == 0,
	   "no gap before the deadline: no block");
	sched_planner_free_result(&plan);

	calendar.tasks[0].deadline = MONDAY;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].why == SCHED_REJECT_DEADLINE, "a deadline that has passed is named");
	sched_planner_free_result(&plan);
}

static void
test_chunks(void)
{
	static Calendar calendar;
	SchedPlanResult plan;

	open_calendar(&calendar);
	add_task(&calendar, 10 * HOUR, SCHED_NEVER, 5);
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].status == SCHED_UNPLACED, "ten hours in one piece fit no day");
	sched_planner_free_result(&plan);

	calendar.tasks[0].min_chunk = 3 * HOUR;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.block_count == 2, "in chunks they do");
	ok(plan.blocks[0].end - plan.blocks[0].start == 7 * HOUR &&
		   plan.blocks[1].end - plan.blocks[1].start == 3 * HOUR,
	   "and no rest is shorter than a chunk");
	sched_planner_free_result(&plan);

	calendar.input.max_day_load = 4 * HOUR;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.block_count == 3 && plan.blocks[0].end - plan.blocks[0].start == 4 * HOUR,
	   "four hours a day are not exceeded");
	sched_planner_free_result(&plan);
}

/* The loser of a fight for the same time is the less important one. */
static void
test_priorities(void)
{
	static Calendar calendar;
	SchedPlanResult plan;

	open_calendar(&calendar);
	add_task(&calendar, 8 * HOUR, MONDAY + 17 * HOUR, 2);
	add_task(&calendar, 6 * HOUR, MONDAY + 17 * HOUR, 9);
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[1].status == SCHED_PLACED, "the important task has a place");
	ok(plan.outcomes[0].status == SCHED_UNPLACED, "the other has none");
	sched_planner_free_result(&plan);
}

static void
test_replanning(void)
{
	static Calendar calendar;
	SchedPlanResult plan;
	SchedPlanTask *task;

	open_calendar(&calendar);
	task = add_task(&calendar, 2 * HOUR, MONDAY + 3 * SCHED_DAY, 5);
	calendar.current[0][0] = (SchedSpan){MONDAY + 33 * HOUR, MONDAY + 35 * HOUR};
	task->current_count = 1;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].status == SCHED_KEPT && plan.blocks[0].start == MONDAY + 33 * HOUR,
	   "what stands well is kept, though an earlier time is free");
	sched_planner_free_result(&plan);

	add_busy(&calendar, MONDAY + 34 * HOUR, MONDAY + 36 * HOUR);
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].status == SCHED_MOVED && plan.outcomes[0].why == SCHED_REJECT_BUSY,
	   "what is laid over moves, and says why");
	sched_planner_free_result(&plan);

	/*
	 * An urgent task needs the whole of the first day, where a patient one
	 * stands.
	 */
	open_calendar(&calendar);
	task = add_task(&calendar, 2 * HOUR, SCHED_NEVER, 5);
	calendar.current[0][0] = (SchedSpan){MONDAY + 10 * HOUR, MONDAY + 12 * HOUR};
	task->current_count = 1;
	add_task(&calendar, 8 * HOUR, MONDAY + 17 * HOUR, 8);
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[1].status == SCHED_PLACED, "an urgent task is placed");
	ok(plan.outcomes[0].status == SCHED_MOVED && plan.outcomes[0].why == SCHED_REJECT_BUSY,
	   "and the patient one makes room");
	sched_planner_free_result(&plan);
}

static void
test_dependencies(void)
{
	static Calendar calendar;
	SchedPlanResult plan;
	SchedPlanTask *last;

	open_calendar(&calendar);
	last = add_task(&calendar, HOUR, MONDAY + SCHED_DAY, 9);
	add_task(&calendar, 2 * HOUR, SCHED_NEVER, 1);
	calendar.after[0][0] = 1;
	last->after_count = 1;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].status == SCHED_PLACED && plan.outcomes[1].status == SCHED_PLACED &&
		   plan.blocks[plan.outcomes[0].first_block].start >=
			   plan.blocks[plan.outcomes[1].first_block].end,
	   "a task comes after the one it waits for, which takes its urgency over");
	sched_planner_free_result(&plan);

	calendar.tasks[1].length = 9 * HOUR;
	sched_planner_place(&calendar.input, &plan);
	ok(plan.outcomes[0].why == SCHED_REJECT_PREDECESSOR, "without it there is no place");
	sched_planner_free_result(&plan);

	calendar.after[1][0] = 0;
	calendar.tasks[1].after_count = 1;
	ok(sched_planner_place(&calendar.input, &plan) == 0, "a cycle ends, if with nothing");
	sched_planner_free_result(&plan);
}

static void
test_slots(void)
{
	static Calendar calendar;
	SchedSlot slots[20];
	SchedJudgement judgement;
	SchedPlanTask *task;
	int count;
	double sum = 0;

	open_calendar(&calendar);
	task = add_task(&calendar, 2 * HOUR, SCHED_NEVER, 5);
	add_busy(&calendar, MONDAY + 10 * HOUR, MONDAY + 11 * HOUR);
	count = sched_planner_find_slots(&calendar.input, task, SCHED_GRID, slots, 20);
	ok(count == 20, "as many slots as were asked for");
	ok(slots[0].start == MONDAY + 11 * HOUR, "the best one is the first that is long enough");
	for (int i = 0; i < count; i++)
	{
		sched_planner_judge(&calendar.input, task, &slots[i].start, 1, &judgement);
		if (judgement.rejected != SCHED_FITS)
			ok(false, "slot %d is not free", i);
		for (int k = 0; k < i; k++)
			if (llabs(slots[i].start - slots[k].start) < 2 * HOUR)
				ok(false, "slots %d and %d overlap", i, k);
	}
	for (int i = 0; i < SCHED_FACTOR_COUNT; i++)
		sum += sched_planner_factors[i].weight * judgement.values[i];
	ok(sum + judgement.score < 1e-9 && sum + judgement.score > -1e-9,
	   "a score is minus the sum of its factors");
	sched_planner_judge(&calendar.input, task, &calendar.busy[0].start, 1, &judgement);
	ok(judgement.rejected == SCHED_REJECT_BUSY, "a start in busy time is rejected for it");
}

/* A calendar of chance, bigger with each round. */
static void
draw_calendar(Calendar *calendar, int round)
{
	int tasks = 1 + draw(MAX_TASKS);
	int busy = draw(MAX_BUSY);

	open_calendar(calendar);
	calendar->input.notice = draw(3) * HOUR;
	calendar->input.buffer = draw(2) * 10 * SCHED_MINUTE;
	calendar->input.max_day_load = draw(3) == 0 ? 5 * HOUR : 0;
	for (int i = 0; i < busy; i++)
	{
		SchedMoment start = MONDAY + draw(DAYS * 288) * 5 * SCHED_MINUTE;

		add_busy(calendar, start, start + (1 + draw(24)) * 10 * SCHED_MINUTE);
	}
	for (int i = 0; i < tasks; i++)
	{
		SchedPlanTask *task =
			add_task(calendar, (1 + draw(round % 40 + 5)) * 15 * SCHED_MINUTE,
					 draw(4) == 0 ? SCHED_NEVER : MONDAY + draw(DAYS * 24) * HOUR, 1 + draw(10));

		task->hours = draw(2) ? SCHED_HOURS_WORK : SCHED_HOURS_PERSONAL;
		task->min_chunk = draw(2) ? (1 + draw(4)) * 30 * SCHED_MINUTE : 0;
		task->earliest = draw(3) == 0 ? MONDAY + draw(DAYS * 24) * HOUR : INT64_MIN;
		if (i > 0 && draw(4) == 0)
			calendar->after[i][task->after_count++] = draw(i);
		/*
		 * Blocks that stand now do not overlap each other: the constraint of
		 * the table.
		 */
		if (draw(3) == 0 && i < DAYS * 2)
		{
			SchedMoment start = MONDAY + (i / 2) * SCHED_DAY + (9 + 6 * (i % 2)) * HOUR;

			calendar->current[i][0] = (SchedSpan){start, start + task->length};
			if (task->length > 5 * HOUR)
				calendar->current[i][0].end = start + 5 * HOUR;
			task->current_count = 1;
		}
	}
}

static bool
is_open(const SchedSpanList *open, SchedSpan block)
{
	for (int i = 0; i < open->count; i++)
		if (open->spans[i].start <= block.start && block.end <= open->spans[i].end)
			return true;
	return false;
}

/* The name of the first hard rule that a block breaks, or NULL. */
static const char *
check_block(const Calendar *calendar, const SchedPlanTask *task, const SchedPlanOutcome *outcome,
			SchedSpan block)
{
	const SchedPlanInput *input = &calendar->input;
	SchedMoment earliest = outcome->status == SCHED_KEPT ? input->now : input->now + input->notice;

	/* A task that is tried again may land where it was, and counts as kept. */
	if (block.start < (task->current_count > 0 ? input->now : earliest))
		return "in the past";
	if (block.start < task->earliest)
		return "before its earliest start";
	if (block.end > task->deadline)
		return "after its deadline";
	if (!is_open(&input->open[task->hours], block))
		return "outside its hours";
	for (int i = 0; i < input->busy.count; i++)
		if (block.start < input->busy.spans[i].end + input->buffer &&
			input->busy.spans[i].start < block.end + input->buffer)
			return "in busy time";
	return NULL;
}

static const char *
check_task(const Calendar *calendar, const SchedPlanResult *plan, int index)
{
	const SchedPlanTask *task = &calendar->tasks[index];
	const SchedPlanOutcome *outcome = &plan->outcomes[index];
	int64_t length = 0;

	if (outcome->status == SCHED_UNPLACED)
		return outcome->block_count == 0 ? NULL : "unplaced with blocks";
	for (int i = 0; i < outcome->block_count; i++)
	{
		SchedSpan block = plan->blocks[outcome->first_block + i];
		const char *problem = check_block(calendar, task, outcome, block);

		if (problem != NULL)
			return problem;
		length += block.end - block.start;
		if (outcome->block_count > 1 && block.end - block.start < task->min_chunk)
			return "smaller than a chunk";
		for (int k = 0; k < task->after_count; k++)
		{
			const SchedPlanOutcome *before = &plan->outcomes[task->after[k]];

			if (before->status == SCHED_UNPLACED ||
				plan->blocks[before->first_block + before->block_count - 1].end > block.start)
				return "before what it waits for";
		}
	}
	return length == task->length ? NULL : "not the whole task";
}

static const char *
check_plan(const Calendar *calendar, const SchedPlanResult *plan)
{
	int64_t load[DAYS] = {0};

	for (int i = 0; i < calendar->input.task_count; i++)
	{
		const char *problem = check_task(calendar, plan, i);

		if (problem != NULL)
			return problem;
	}
	for (int i = 0; i < plan->block_count; i++)
	{
		load[(plan->blocks[i].start - MONDAY) / SCHED_DAY] +=
			plan->blocks[i].end - plan->blocks[i].start;
		for (int k = 0; k < i; k++)
			if (plan->blocks[i].start < plan->blocks[k].end + calendar->input.buffer &&
				plan->blocks[k].start < plan->blocks[i].end + calendar->input.buffer)
				return "blocks overlap";
	}
	for (int day = 0; day < DAYS; day++)
		if (calendar->input.max_day_load > 0 && load[day] > calendar->input.max_day_load)
			return "a day is too full";
	return NULL;
}

static void
test_random(int rounds)
{
	static Calendar calendar;
	int placed = 0;
	int same = 0;
	int bad = 0;

	for (int round = 0; round < rounds; round++)
	{
		SchedPlanResult plan;
		SchedPlanResult again;
		const char *problem;

		random_state = (uint32_t) round + 1;
		draw_calendar(&calendar, round);
		sched_planner_place(&calendar.input, &plan);
		sched_planner_place(&calendar.input, &again);
		problem = check_plan(&calendar, &plan);
		if (problem != NULL && bad++ < 5)
			printf("# seed %d: %s\n", round + 1, problem);
		placed += plan.block_count;
		if (plan.block_count == again.block_count &&
			(plan.block_count == 0 ||
			 memcmp(plan.blocks, again.blocks, plan.block_count * sizeof(SchedSpan)) == 0) &&
			plan.cost == again.cost)
			same++;
		sched_planner_free_result(&plan);
		sched_planner_free_result(&again);
	}
	ok(bad == 0, "%d random calendars: no hard rule broken", rounds);
	ok(same == rounds, "the same input gives the same plan");
	ok(placed > 5 * rounds, "and they place a lot: %d blocks", placed);
}

static bool
stop_at_once(void)
{
	return true;
}

static void
test_stop(void)
{
	static Calendar calendar;
	SchedPlanResult plan;

	open_calendar(&calendar);
	add_task(&calendar, HOUR, SCHED_NEVER, 5);
	calendar.input.stop = stop_at_once;
	ok(sched_planner_place(&calendar.input, &plan) == 0 && plan.stopped, "a plan can be stopped");
	sched_planner_free_result(&plan);
}

int
main(void)
{
	test_spans();
	test_single_tasks();
	test_chunks();
	test_priorities();
	test_replanning();
	test_dependencies();
	test_slots();
	test_stop();
	test_random(400);
	return done_testing();
}
