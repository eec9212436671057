/*
 * search.h - the free time of a plan that is being built, and what a start in
 * it costs.
 *
 * Pure; used by place.c and slots of the same room only. A search owns
 * malloc'ed copies of what is taken.
 */
#ifndef SCHED_PLANNER_SEARCH_H
#define SCHED_PLANNER_SEARCH_H

#include "planner/place.h"

typedef struct SchedSearch
{
	const SchedPlanInput *input;
	SchedSpan *taken; /* sorted, disjoint: busy time and the blocks placed so far */
	int taken_count;
	int taken_capacity;
	int64_t *day_load;
} SchedSearch;

extern int sched_planner_open_search(SchedSearch *search, const SchedPlanInput *input);
extern void sched_planner_close_search(SchedSearch *search);

/* A block begins or stops to count. -1 where memory fails. */
extern int sched_planner_take_span(SchedSearch *search, SchedSpan span);
extern void sched_planner_give_back_span(SchedSearch *search, SchedSpan span);

/* The first hard rule that a block of this task would break. */
extern SchedRejection sched_planner_check_span(const SchedSearch *search, const SchedPlanTask *task,
											   SchedSpan span, SchedMoment not_before);

/*
 * What the soft rules say of a block: values of the factors and their weighted
 * sum.
 */
extern double sched_planner_cost_span(const SchedSearch *search, const SchedPlanTask *task,
									  SchedSpan span, double *values);

/*
 * Called with each free start of a task, from early to late, and its cost; no later one costs less than `floor`. False
 * ends the walk.
 */
typedef bool (*SchedStartVisitor)(void *data, SchedMoment start, double cost, double floor);

extern void sched_planner_visit_starts(const SchedSearch *search, const SchedPlanTask *task,
									   SchedMoment from, int64_t step, SchedStartVisitor visitor,
									   void *data);

/*
 * The free start of least cost for the whole task, the earlier of equals; false
 * where there is none.
 */
extern bool sched_planner_find_start(const SchedSearch *search, const SchedPlanTask *task,
									 SchedMoment from, SchedMoment *start, double *cost);

/* The next part of a task of which `left` is not placed yet. */
extern bool sched_planner_find_chunk(const SchedSearch *search, const SchedPlanTask *task,
									 SchedMoment from, int64_t left, SchedSpan *chunk);

/*
 * malloc'ed order of the tasks, predecessors first: by urgency, or by priority.
 * NULL where memory fails.
 */
extern int *sched_planner_order_tasks(const SchedPlanInput *input, bool by_priority);

#endif
