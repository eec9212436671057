/*
 * order.c - in which order tasks are placed.
 *
 * Pure (see place.h). Tasks come in an order of the caller that breaks ties, so
 * the result does not depend on how a sort treats equals. Predecessors always
 * come before what waits for them; a predecessor is as urgent and as important
 * as the most urgent and most important task behind it. The returned array
 * belongs to the caller.
 */
#include <stdlib.h>

#include "planner/search.h"

/* What the order is made of, for one task. */
typedef struct Rank
{
	int index;
	int priority;
	SchedMoment latest_start;
} Rank;

/*
 * Whose last possible start comes first; then importance; then the caller's
 * order.
 */
static int
compare_urgency(const void *a, const void *b)
{
	const Rank *x = a;
	const Rank *y = b;

	if (x->latest_start != y->latest_start)
		return x->latest_start < y->latest_start ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->index - y->index;
}

/* Importance first; then urgency; then the caller's order. */
static int
compare_priority(const void *a, const void *b)
{
	const Rank *x = a;
	const Rank *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x->latest_start != y->latest_start)
		return x->latest_start < y->latest_start ? -1 : 1;
	return x->index - y->index;
}

/*
 * The walk that puts predecessors first; an explicit stack, because a chain may
 * be as long as the plan.
 */
typedef struct Visit
{
	int task;
	int next; /* which predecessor comes next */
} Visit;

/*
 * Appends the tasks in the order of `first` behind their predecessors.
 * `visited` and `stack` have room for all. A cycle, which the tables refuse,
 * would be cut where it closes.
 */
static void
put_predecessors_first(const SchedPlanInput *input, const Rank *first, bool *visited, Visit *stack,
					   int *order)
{
	int count = 0;

	for (int i = 0; i < input->task_count; i++)
	{
		int depth = 0;

		if (visited[first[i].index])
			continue;
		visited[first[i].index] = true;
		stack[depth++] = (Visit){first[i].index, 0};
		while (depth > 0)
		{
			Visit *top = &stack[depth - 1];
			const SchedPlanTask *task = &input->tasks[top->task];

			if (top->next == task->after_count)
			{
				order[count++] = top->task;
				depth--;
			}
			else
			{
				int before = task->after[top->next++];

				if (!visited[before])
				{
					visited[before] = true;
					stack[depth++] = (Visit){before, 0};
				}
			}
		}
	}
}

/*
 * Hands urgency and priority down to predecessors: successors first, so that it
 * reaches the head of a chain.
 */
static void
hand_down(const SchedPlanInput *input, const int *order, Rank *ranks)
{
	for (int i = input->task_count - 1; i >= 0; i--)
	{
		const SchedPlanTask *task = &input->tasks[order[i]];
		const Rank *rank = &ranks[order[i]];

		for (int k = 0; k < task->after_count; k++)
		{
			Rank *before = &ranks[task->after[k]];
			int64_t length = input->tasks[task->after[k]].length;

			if (rank->latest_start != SCHED_NEVER &&
				rank->latest_start - length < before->latest_start)
				before->latest_start = rank->latest_start - length;
			if (rank->priority > before->priority)
				before->priority = rank->priority;
		}
	}
}

/*
 * Twice through the predecessors: once in the caller's order, to hand
 * urgency down along it, then in the order that results.
 */
int *
sched_planner_order_tasks(const SchedPlanInput *input, bool by_priority)
{
	int count = input->task_count > 0 ? input->task_count : 1;
	int *order = malloc(count * sizeof(int));
	Rank *ranks = calloc(count, sizeof(Rank));
	bool *visited = calloc(count, sizeof(bool));
	Visit *stack = malloc(count * sizeof(Visit));

	if (order != NULL && ranks != NULL && visited != NULL && stack != NULL)
	{
		for (int i = 0; i < input->task_count; i++)
		{
			const SchedPlanTask *task = &input->tasks[i];

			ranks[i] =
				(Rank){i, task->priority,
					   task->deadline == SCHED_NEVER ? SCHED_NEVER : task->deadline - task->length};
		}
		put_predecessors_first(input, ranks, visited, stack, order);
		hand_down(input, order, ranks);
		qsort(ranks, input->task_count, sizeof(Rank),
			  by_priority ? compare_priority : compare_urgency);
		for (int i = 0; i < input->task_count; i++)
			visited[i] = false;
		put_predecessors_first(input, ranks, visited, stack, order);
	}
	else
	{
		free(order);
		order = NULL;
	}
	free(ranks);
	free(visited);
	free(stack);
	return order;
}
