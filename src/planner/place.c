/*
 * place.c - the construction of a plan.
 *
 * Pure (see place.h). A plan is built task by task: what stands well is kept,
 * every other task takes the free start of least cost, in one piece or, where
 * none is long enough, in chunks. The order of tasks decides much and no single
 * one is always right, so four builds compete and the cheapest plan wins: by
 * urgency or by priority, and, where something found no place, both again with
 * every movable block free to move.
 *
 * All memory of a build belongs to its Build and is freed before
 * sched_planner_place() returns.
 */
#include <stdlib.h>
#include <string.h>

#include "planner/place.h"
#include "planner/search.h"

#define UNPLACED_COST 1000.0
#define CHUNK_COST 1.0

/* One attempt at a whole plan. */
typedef struct Build
{
	const SchedPlanInput *input;
	SchedSearch search;
	SchedPlanOutcome *outcomes;
	SchedSpan *blocks;
	int block_count;
	int block_capacity;
	double cost;
	bool stopped;
} Build;

/* Also after a build that was never opened: everything is zero then. */
static void
free_build(Build *build)
{
	sched_planner_close_search(&build->search);
	free(build->outcomes);
	free(build->blocks);
	memset(build, 0, sizeof(Build));
}

/* -1 where memory fails; the build is to be freed in both cases. */
static int
open_build(Build *build, const SchedPlanInput *input)
{
	memset(build, 0, sizeof(Build));
	build->input = input;
	build->outcomes =
		calloc(input->task_count > 0 ? input->task_count : 1, sizeof(SchedPlanOutcome));
	if (build->outcomes == NULL || sched_planner_open_search(&build->search, input) != 0)
		return -1;
	for (int i = 0; i < input->task_count; i++)
	{
		build->outcomes[i].status = SCHED_UNPLACED;
		build->outcomes[i].why = SCHED_REJECT_NO_GAP;
	}
	return 0;
}

/* Appends a block of the task that is being placed and takes its time. */
static int
add_block(Build *build, SchedPlanOutcome *outcome, SchedSpan block)
{
	if (build->block_count == build->block_capacity)
	{
		int capacity = build->block_capacity == 0 ? 64 : 2 * build->block_capacity;
		SchedSpan *grown = realloc(build->blocks, capacity * sizeof(SchedSpan));

		if (grown == NULL)
			return -1;
		build->blocks = grown;
		build->block_capacity = capacity;
	}
	if (outcome->block_count == 0)
		outcome->first_block = build->block_count;
	build->blocks[build->block_count++] = block;
	outcome->block_count++;
	return sched_planner_take_span(&build->search, block);
}

/* Gives the time of the blocks added last back: chunks that led nowhere. */
static void
drop_blocks(Build *build, SchedPlanOutcome *outcome)
{
	while (outcome->block_count > 0)
	{
		sched_planner_give_back_span(&build->search, build->blocks[--build->block_count]);
		outcome->block_count--;
	}
}

/*
 * The end of the last task that must come before; false where one of them has
 * no place.
 */
static bool
find_predecessors_end(const Build *build, const SchedPlanTask *task, SchedMoment *end)
{
	*end = INT64_MIN;
	if (task->waits)
		return false;
	for (int i = 0; i < task->after_count; i++)
	{
		const SchedPlanOutcome *before = &build->outcomes[task->after[i]];

		if (before->status == SCHED_UNPLACED)
			return false;
		for (int k = 0; k < before->block_count; k++)
		{
			SchedMoment block_end = build->blocks[before->first_block + k].end;

			if (block_end > *end)
				*end = block_end;
		}
	}
	return true;
}

/*
 * What stands against the current blocks of a task; SCHED_FITS where they can
 * stay.
 */
static SchedRejection
check_current(const Build *build, const SchedPlanTask *task)
{
	SchedMoment after;
	int64_t length = 0;

	if (!find_predecessors_end(build, task, &after))
		return SCHED_REJECT_PREDECESSOR;
	for (int i = 0; i < task->current_count; i++)
	{
		SchedSpan block = task->current[i];
		SchedRejection why =
			sched_planner_check_span(&build->search, task, block, build->input->now);

		if (why != SCHED_FITS)
			return why;
		if (block.start < after)
			return SCHED_REJECT_PREDECESSOR;
		length += block.end - block.start;
	}
	return length == task->length ? SCHED_FITS : SCHED_REJECT_LENGTH;
}

/*
 * Takes the time of blocks that stay, and what they cost: a plan that keeps
 * must be comparable with one that moves.
 */
static int
keep_current(Build *build, const SchedPlanTask *task, SchedPlanOutcome *outcome)
{
	for (int i = 0; i < task->current_count; i++)
	{
		SchedSpan block = task->current[i];
		double values[SCHED_FACTOR_COUNT];

		build->cost += sched_planner_cost_span(&build->search, task, block, values) *
					   (double) (block.end - block.start) / (double) task->length;
		if (add_block(build, outcome, block) != 0)
			return -1;
	}
	build->cost += CHUNK_COST * (task->current_count - 1);
	outcome->status = SCHED_KEPT;
	outcome->why = SCHED_FITS;
	return 0;
}

/*
 * The task in parts: gap after gap takes as much as it holds, no part under
 * min_chunk. All or nothing: a task half of which is planned looks as if it
 * would be done in time. 1 placed, 0 no place, -1 no memory.
 */
static int
place_chunks(Build *build, const SchedPlanTask *task, SchedPlanOutcome *outcome, SchedMoment from)
{
	int64_t left = task->length;
	double cost = 0;

	while (left > 0)
	{
		SchedSpan chunk;
		double values[SCHED_FACTOR_COUNT];

		if (!sched_planner_find_chunk(&build->search, task, from, left, &chunk))
		{
			drop_blocks(build, outcome);
			return 0;
		}
		cost += sched_planner_cost_span(&build->search, task, chunk, values) *
				(double) (chunk.end - chunk.start) / (double) task->length;
		if (add_block(build, outcome, chunk) != 0)
			return -1;
		left -= chunk.end - chunk.start;
		from = chunk.end;
		cost += left > 0 ? CHUNK_COST : 0;
	}
	build->cost += cost;
	return 1;
}

/*
 * A task that is placed anew may find its old place the best; nobody need
 * hear that it moved.
 */
static bool
is_where_it_was(const Build *build, const SchedPlanTask *task, const SchedPlanOutcome *outcome)
{
	return outcome->block_count == task->current_count &&
		   memcmp(build->blocks + outcome->first_block, task->current,
				  task->current_count * sizeof(SchedSpan)) == 0;
}

/*
 * Finds a place for one task; its outcome says what came of it. -1 where memory
 * fails.
 */
static int
place_task(Build *build, int index)
{
	const SchedPlanTask *task = &build->input->tasks[index];
	SchedPlanOutcome *outcome = &build->outcomes[index];
	SchedRejection old = task->current_count > 0 ? check_current(build, task) : SCHED_FITS;
	SchedMoment from;
	SchedMoment start;
	double cost;
	int placed = 0;

	if (!find_predecessors_end(build, task, &from))
		outcome->why = SCHED_REJECT_PREDECESSOR;
	else if (task->deadline <= build->input->now)
		outcome->why = SCHED_REJECT_DEADLINE;
	else if (task->earliest >= build->input->window.end)
		outcome->why = SCHED_REJECT_WINDOW;
	else if (sched_planner_find_start(&build->search, task, from, &start, &cost))
	{
		if (add_block(build, outcome, (SchedSpan){start, start + task->length}) != 0)
			return -1;
		build->cost += cost;
		placed = 1;
	}
	else if (task->min_chunk > 0)
		placed = place_chunks(build, task, outcome, from);
	if (placed < 0)
		return -1;
	if (placed == 0)
	{
		build->cost += UNPLACED_COST * task->priority;
		return 0;
	}
	outcome->why = old;
	outcome->status = task->current_count == 0                ? SCHED_PLACED
					  : is_where_it_was(build, task, outcome) ? SCHED_KEPT
															  : SCHED_MOVED;
	return 0;
}

/*
 * One build: keeping first, in an order in which predecessors come before, then
 * placing in the same order. A task that waits for one without a place is not
 * kept either.
 */
static int
run_build(Build *build, const int *order, bool keep)
{
	const SchedPlanInput *input = build->input;
	bool *kept = calloc(input->task_count > 0 ? input->task_count : 1, sizeof(bool));
	int code = kept == NULL ? -1 : 0;

	for (int i = 0; keep && code == 0 && i < input->task_count; i++)
	{
		const SchedPlanTask *task = &input->tasks[order[i]];

		if (task->current_count > 0 && check_current(build, task) == SCHED_FITS)
		{
			code = keep_current(build, task, &build->outcomes[order[i]]);
			kept[order[i]] = true;
		}
	}
	for (int i = 0; code == 0 && i < input->task_count; i++)
	{
		if (input->stop != NULL && input->stop())
		{
			build->stopped = true;
			break;
		}
		if (!kept[order[i]])
			code = place_task(build, order[i]);
	}
	free(kept);
	return code;
}

/* Whether another, more expensive way is worth trying: something has no place, and something could move for it. */
static bool
may_make_room(const Build *build)
{
	bool unplaced = false;
	bool standing = false;

	for (int i = 0; i < build->input->task_count; i++)
	{
		unplaced |= build->outcomes[i].status == SCHED_UNPLACED;
		standing |= build->input->tasks[i].current_count > 0;
	}
	return unplaced && standing;
}

/*
 * Replaces best by a new build where that is cheaper; an equally cheap later
 * one loses.
 */
static int
try_build(Build *best, const SchedPlanInput *input, bool keep, const int *order)
{
	Build build;
	int code = open_build(&build, input);

	if (code == 0)
		code = run_build(&build, order, keep);
	if (code == 0 && (best->outcomes == NULL || build.stopped || build.cost < best->cost - 1e-9))
	{
		free_build(best);
		*best = build;
	}
	else
		free_build(&build);
	return code;
}

/*
 * Builds 0 and 1 keep what stands well, 2 and 3 let everything move; the
 * latter are tried only where a task found no place and others could make room.
 * The winner's arrays become the result, the others are freed.
 */
int
sched_planner_place(const SchedPlanInput *input, SchedPlanResult *result)
{
	Build best;
	int *orders[2] = {NULL, NULL};
	int code = 0;

	memset(&best, 0, sizeof(best));
	memset(result, 0, sizeof(*result));
	for (int i = 0; i < 2 && code == 0; i++)
	{
		orders[i] = sched_planner_order_tasks(input, i == 1);
		if (orders[i] == NULL)
			code = -1;
	}
	for (int i = 0; i < 4 && code == 0; i++)
	{
		if (i == 2 && (best.stopped || !may_make_room(&best)))
			break;
		code = try_build(&best, input, i < 2, orders[i % 2]);
	}
	free(orders[0]);
	free(orders[1]);
	if (code == 0)
	{
		result->outcomes = best.outcomes;
		result->blocks = best.blocks;
		result->block_count = best.block_count;
		result->cost = best.cost;
		result->stopped = best.stopped;
		best.outcomes = NULL;
		best.blocks = NULL;
	}
	free_build(&best);
	return code;
}

/* Also of a result that failed: its pointers are NULL. */
void
sched_planner_free_result(SchedPlanResult *result)
{
	free(result->outcomes);
	free(result->blocks);
	memset(result, 0, sizeof(*result));
}
