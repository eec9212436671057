/*
 * slots.c - free starts for one task: given ones judged, or the best ones
 * found.
 *
 * Pure (see place.h). Both functions open a search of their own and free it
 * before they return.
 */
#include <stdlib.h>
#include <string.h>

#include "planner/search.h"

/*
 * All factors are computed also for starts that are ruled out, so that an
 * explanation can show what would be gained.
 */
int
sched_planner_judge(const SchedPlanInput *input, const SchedPlanTask *task,
					const SchedMoment *starts, int count, SchedJudgement *judgements)
{
	SchedSearch search;
	int code = sched_planner_open_search(&search, input);

	for (int i = 0; code == 0 && i < count; i++)
	{
		SchedSpan span = {starts[i], starts[i] + task->length};

		judgements[i].rejected =
			sched_planner_check_span(&search, task, span, input->now + input->notice);
		judgements[i].score = -sched_planner_cost_span(&search, task, span, judgements[i].values);
	}
	sched_planner_close_search(&search);
	return code;
}

/* Every free start of a search, as far as memory reaches. */
typedef struct Starts
{
	SchedSlot *slots;
	int count;
	int capacity;
	bool failed;
} Starts;

/* Collects all: the second best may be late. A failure ends the walk and is remembered. */
static bool
add_start(void *data, SchedMoment start, double cost, double floor)
{
	Starts *starts = data;

	if (starts->count == starts->capacity && !starts->failed)
	{
		int capacity = starts->capacity == 0 ? 256 : 2 * starts->capacity;
		SchedSlot *grown = realloc(starts->slots, capacity * sizeof(SchedSlot));

		if (grown == NULL)
			starts->failed = true;
		else
		{
			starts->slots = grown;
			starts->capacity = capacity;
		}
	}
	if (!starts->failed)
		starts->slots[starts->count++] = (SchedSlot){start, -cost};
	return !starts->failed;
}

/*
 * Best score first, then the earlier: a total order, so the sort is stable
 * in effect.
 */
static int
compare_slots(const void *a, const void *b)
{
	const SchedSlot *x = a;
	const SchedSlot *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* A list of nearly the same slot ten times over helps nobody. */
static bool
touches_chosen(const SchedSlot *chosen, int count, SchedMoment start, int64_t length)
{
	for (int i = 0; i < count; i++)
		if (start < chosen[i].start + length && chosen[i].start < start + length)
			return true;
	return false;
}

/* Best first, passing over those that overlap a better one. */
int
sched_planner_find_slots(const SchedPlanInput *input, const SchedPlanTask *task, int64_t step,
						 SchedSlot *slots, int max)
{
	SchedSearch search;
	Starts starts = {0};
	int chosen = 0;

	if (sched_planner_open_search(&search, input) != 0)
		starts.failed = true;
	else
		sched_planner_visit_starts(&search, task, INT64_MIN, step, add_start, &starts);
	sched_planner_close_search(&search);
	if (!starts.failed && starts.count > 0)
		qsort(starts.slots, starts.count, sizeof(SchedSlot), compare_slots);
	for (int i = 0; !starts.failed && i < starts.count && chosen < max; i++)
		if (!touches_chosen(slots, chosen, starts.slots[i].start, task->length))
			slots[chosen++] = starts.slots[i];
	free(starts.slots);
	return starts.failed ? -1 : chosen;
}
