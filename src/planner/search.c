/*
 * search.c - walks the free time and weighs starts.
 *
 * Pure (see place.h). What is taken is one sorted array of disjoint spans; a
 * look walks the hours that are open to a task and the array beside each other,
 * so it costs one step per span and per grid start, and allocates nothing. A
 * block is inserted and removed by moving the tail of the array: some hundred
 * spans, a few kilobytes.
 */
#include <stdlib.h>
#include <string.h>

#include "planner/search.h"

/*
 * What a user would trade for what. Delay grows with priority and with the
 * share of the window that passes before the start; deadline with how little of
 * a day is left after the end.
 */
const SchedFactorInfo sched_planner_factors[SCHED_FACTOR_COUNT] = {
	[SCHED_FACTOR_DELAY] = {"delay", 10.0},        [SCHED_FACTOR_DEADLINE] = {"deadline", 4.0},
	[SCHED_FACTOR_FRAGMENTS] = {"fragments", 1.0}, [SCHED_FACTOR_DAY_LOAD] = {"day_load", 2.0},
	[SCHED_FACTOR_SOFT] = {"soft_time", 3.0},      [SCHED_FACTOR_MOVED] = {"moved", 2.0},
};

/* A gap this short is of no use to anybody. */
#define USELESS_GAP (30 * SCHED_MINUTE)
#define FULL_DAY (8 * 60 * SCHED_MINUTE)

/*
 * Free time around a start: from the end of what is before it to the start of
 * what is after it.
 */
typedef struct Gap
{
	SchedMoment start;
	SchedMoment end;
} Gap;

/* The later of two moments, or the longer of two lengths. */
static SchedMoment
max_moment(SchedMoment a, SchedMoment b)
{
	return a > b ? a : b;
}

/* The earlier of two moments, or the shorter of two lengths. */
static SchedMoment
min_moment(SchedMoment a, SchedMoment b)
{
	return a < b ? a : b;
}

/* Works for moments before the epoch too: C's remainder is negative there. */
SchedMoment
sched_planner_align(SchedMoment moment, int64_t grid)
{
	int64_t rest = moment % grid;

	if (rest < 0)
		rest += grid;
	return rest == 0 ? moment : moment + (grid - rest);
}

/* By start, then by end: equal input in any order sorts the same way. */
static int
compare_spans(const void *a, const void *b)
{
	const SchedSpan *x = a;
	const SchedSpan *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Spans that touch become one as well: no block could start between them. */
int
sched_planner_merge_spans(SchedSpan *spans, int count)
{
	int last = -1;

	qsort(spans, count, sizeof(SchedSpan), compare_spans);
	for (int i = 0; i < count; i++)
	{
		if (spans[i].end <= spans[i].start)
			continue;
		if (last >= 0 && spans[i].start <= spans[last].end)
			spans[last].end = max_moment(spans[last].end, spans[i].end);
		else
			spans[++last] = spans[i];
	}
	return last + 1;
}

/*
 * Room for 64 blocks more than is busy spares most plans a realloc. -1 where
 * memory fails; to be closed in both cases.
 */
int
sched_planner_open_search(SchedSearch *search, const SchedPlanInput *input)
{
	int busy = input->busy.count;

	memset(search, 0, sizeof(*search));
	search->input = input;
	search->taken_capacity = busy + 64;
	search->taken = malloc(search->taken_capacity * sizeof(SchedSpan));
	search->day_load = malloc((input->day_count + 1) * sizeof(int64_t));
	if (search->taken == NULL || search->day_load == NULL)
		return -1;
	if (busy > 0)
		memcpy(search->taken, input->busy.spans, busy * sizeof(SchedSpan));
	search->taken_count = busy;
	if (input->day_count > 0)
		memcpy(search->day_load, input->day_load, input->day_count * sizeof(int64_t));
	return 0;
}

/* Frees what the search owns; harmless on one that failed to open. */
void
sched_planner_close_search(SchedSearch *search)
{
	free(search->taken);
	free(search->day_load);
	memset(search, 0, sizeof(*search));
}

/* Index of the first span that ends after a moment. */
static int
find_span(const SchedSpan *spans, int count, SchedMoment moment)
{
	int low = 0;
	int high = count;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (spans[middle].end <= moment)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The local day a moment lies in, or -1 outside the days of the input. */
static int
find_day(const SchedPlanInput *input, SchedMoment moment)
{
	int low = 0;
	int high = input->day_count;

	if (high == 0 || moment < input->days[0] || moment >= input->days[high])
		return -1;
	while (high - low > 1)
	{
		int middle = (low + high) / 2;

		if (input->days[middle] <= moment)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * The span is free, as its caller has checked, so it only has to be put in
 * between. A block counts for the day it starts on.
 */
int
sched_planner_take_span(SchedSearch *search, SchedSpan span)
{
	int at = find_span(search->taken, search->taken_count, span.start);
	int day = find_day(search->input, span.start);

	if (search->taken_count == search->taken_capacity)
	{
		int capacity = 2 * search->taken_capacity;
		SchedSpan *grown = realloc(search->taken, capacity * sizeof(SchedSpan));

		if (grown == NULL)
			return -1;
		search->taken = grown;
		search->taken_capacity = capacity;
	}
	memmove(search->taken + at + 1, search->taken + at,
			(search->taken_count - at) * sizeof(SchedSpan));
	search->taken[at] = span;
	search->taken_count++;
	if (day >= 0)
		search->day_load[day] += span.end - span.start;
	return 0;
}

/* Undoes take_span: chunks that led nowhere. */
void
sched_planner_give_back_span(SchedSearch *search, SchedSpan span)
{
	int at = find_span(search->taken, search->taken_count, span.start);
	int day = find_day(search->input, span.start);

	memmove(search->taken + at, search->taken + at + 1,
			(search->taken_count - at - 1) * sizeof(SchedSpan));
	search->taken_count--;
	if (day >= 0)
		search->day_load[day] -= span.end - span.start;
}

/* Whether a block would make its day longer than the user wants to work. */
static bool
exceeds_day(const SchedSearch *search, SchedSpan span)
{
	int day;

	if (search->input->max_day_load == 0)
		return false;
	day = find_day(search->input, span.start);
	return day >= 0 &&
		   search->day_load[day] + (span.end - span.start) > search->input->max_day_load;
}

/*
 * The order of the tests is the order in which reasons are given: what no
 * rearrangement could mend comes first.
 */
SchedRejection
sched_planner_check_span(const SchedSearch *search, const SchedPlanTask *task, SchedSpan span,
						 SchedMoment not_before)
{
	const SchedPlanInput *input = search->input;
	const SchedSpanList *open = &input->open[task->hours];
	int64_t buffer = input->buffer;
	int at;

	if (span.start < not_before)
		return SCHED_REJECT_PAST;
	if (span.start < task->earliest)
		return SCHED_REJECT_EARLIEST;
	if (span.start < input->window.start || span.end > input->window.end)
		return SCHED_REJECT_WINDOW;
	if (span.end > task->deadline)
		return SCHED_REJECT_DEADLINE;
	at = find_span(open->spans, open->count, span.start);
	if (at == open->count || open->spans[at].start > span.start || open->spans[at].end < span.end)
		return SCHED_REJECT_HOURS;
	at = find_span(search->taken, search->taken_count, span.start - buffer);
	if (at < search->taken_count && search->taken[at].start < span.end + buffer)
		return SCHED_REJECT_BUSY;
	if (exceeds_day(search, span))
		return SCHED_REJECT_DAY_LIMIT;
	return SCHED_FITS;
}

/* How much of a span lies in a list of spans, 0 to 1. */
static double
measure_overlap(const SchedSpanList *list, SchedSpan span)
{
	int64_t inside = 0;

	for (int i = find_span(list->spans, list->count, span.start);
		 i < list->count && list->spans[i].start < span.end; i++)
		inside +=
			min_moment(span.end, list->spans[i].end) - max_moment(span.start, list->spans[i].start);
	return (double) inside / (double) (span.end - span.start);
}

/* Whether one of the task's blocks starts here today. */
static bool
stands_there(const SchedPlanTask *task, SchedMoment start)
{
	for (int i = 0; i < task->current_count; i++)
		if (task->current[i].start == start)
			return true;
	return false;
}

/* 0.5 for each end of a gap that is left too short for anything. */
static double
measure_fragments(SchedSpan span, const Gap *gap)
{
	/* What the grid leaves over at the head of a gap is nobody's fault. */
	int64_t before = span.start - sched_planner_align(gap->start, SCHED_GRID);
	int64_t after = gap->end - span.end;

	return (before > 0 && before < USELESS_GAP ? 0.5 : 0) +
		   (after > 0 && after < USELESS_GAP ? 0.5 : 0);
}

/* Squared: a second task on a day is nothing, an eighth hour is something. */
static double
measure_day_load(const SchedSearch *search, SchedSpan span)
{
	int day = find_day(search->input, span.start);
	double load = (double) (span.end - span.start);

	if (day >= 0)
		load += (double) search->day_load[day];
	load = load > FULL_DAY ? 1.0 : load / FULL_DAY;
	return load * load;
}

/* Fills values and returns their weighted sum. */
static double
weigh_span(const SchedSearch *search, const SchedPlanTask *task, SchedSpan span, const Gap *gap,
		   double *values)
{
	const SchedPlanInput *input = search->input;
	SchedMoment from = max_moment(input->now, max_moment(task->earliest, input->window.start));
	int64_t room = input->window.end - from;
	double urgency = task->priority / 10.0;
	double cost = 0;

	values[SCHED_FACTOR_DELAY] =
		room > 0 && span.start > from ? urgency * (double) (span.start - from) / (double) room : 0;
	values[SCHED_FACTOR_DEADLINE] = 0;
	if (task->deadline != SCHED_NEVER && task->deadline - span.end < SCHED_DAY)
		values[SCHED_FACTOR_DEADLINE] =
			urgency *
			(1.0 - (double) max_moment(task->deadline - span.end, 0) / (double) SCHED_DAY);
	values[SCHED_FACTOR_FRAGMENTS] = measure_fragments(span, gap);
	values[SCHED_FACTOR_DAY_LOAD] = measure_day_load(search, span);
	values[SCHED_FACTOR_SOFT] = measure_overlap(&input->soft[task->hours], span);
	values[SCHED_FACTOR_MOVED] = task->current_count > 0 && !stands_there(task, span.start);
	for (int i = 0; i < SCHED_FACTOR_COUNT; i++)
		cost += sched_planner_factors[i].weight * values[i];
	return cost;
}

/* Where the starts of a task may lie at all. */
static SchedSpan
find_limits(const SchedPlanInput *input, const SchedPlanTask *task, SchedMoment from)
{
	SchedSpan limits;

	limits.start = max_moment(max_moment(input->now + input->notice, input->window.start),
							  max_moment(task->earliest, from));
	limits.end = min_moment(input->window.end, task->deadline);
	return limits;
}

/*
 * The gap around the span is looked up here, where a walk over gaps has it
 * at hand; both must agree, or explanations would not add up to what was
 * planned.
 */
double
sched_planner_cost_span(const SchedSearch *search, const SchedPlanTask *task, SchedSpan span,
						double *values)
{
	const SchedSpanList *open = &search->input->open[task->hours];
	int64_t buffer = search->input->buffer;
	int at = find_span(open->spans, open->count, span.start);
	SchedSpan limits = find_limits(search->input, task, INT64_MIN);
	Gap gap = {span.start, span.end};

	if (at < open->count && open->spans[at].start <= span.start)
		gap = (Gap){open->spans[at].start, max_moment(open->spans[at].end, span.end)};
	at = find_span(search->taken, search->taken_count, span.start);
	if (at > 0)
		gap.start = max_moment(gap.start, search->taken[at - 1].end + buffer);
	/* The span itself may be among what is taken. */
	while (at < search->taken_count && search->taken[at].start < span.end)
		at++;
	if (at < search->taken_count)
		gap.end = min_moment(gap.end, search->taken[at].start - buffer);
	gap.start = max_moment(gap.start, limits.start);
	gap.end = min_moment(gap.end, limits.end);
	return weigh_span(search, task, span, &gap, values);
}

/*
 * A walk over the gaps that are open to a task within limits. Begin with walk =
 * {.open = -1}; each true answer is one gap, buffers already taken off.
 */
typedef struct Walk
{
	int open;
	int taken;
	SchedMoment cursor;
} Walk;

/*
 * Advances both lists by whichever ends first, so a whole walk is linear in
 * their lengths.
 */
static bool
next_gap(const SchedSearch *search, const SchedPlanTask *task, SchedSpan limits, Walk *walk,
		 Gap *gap)
{
	const SchedSpanList *open = &search->input->open[task->hours];
	int64_t buffer = search->input->buffer;

	if (walk->open < 0)
	{
		walk->open = find_span(open->spans, open->count, limits.start);
		walk->taken = find_span(search->taken, search->taken_count, limits.start - buffer);
		walk->cursor = limits.start;
	}
	while (walk->open < open->count && open->spans[walk->open].start < limits.end)
	{
		SchedMoment end = min_moment(open->spans[walk->open].end, limits.end);

		walk->cursor = max_moment(walk->cursor, open->spans[walk->open].start);
		while (walk->taken < search->taken_count &&
			   search->taken[walk->taken].end + buffer <= walk->cursor)
			walk->taken++;
		gap->start = walk->cursor;
		if (walk->taken < search->taken_count && search->taken[walk->taken].start - buffer < end)
		{
			gap->end = search->taken[walk->taken].start - buffer;
			walk->cursor = search->taken[walk->taken].end + buffer;
			if (walk->cursor >= end)
				walk->open++;
		}
		else
		{
			gap->end = end;
			walk->cursor = end;
			walk->open++;
		}
		if (gap->end > gap->start)
			return true;
	}
	return false;
}

/* Starts lie on the grid, or on a finer step that was asked for. */
void
sched_planner_visit_starts(const SchedSearch *search, const SchedPlanTask *task, SchedMoment from,
						   int64_t step, SchedStartVisitor visitor, void *data)
{
	SchedSpan limits = find_limits(search->input, task, from);
	int64_t grid = step < SCHED_GRID ? step : SCHED_GRID;
	Walk walk = {.open = -1};
	Gap gap;

	while (next_gap(search, task, limits, &walk, &gap))
		for (SchedMoment at = sched_planner_align(gap.start, grid); at + task->length <= gap.end;
			 at += step)
		{
			SchedSpan span = {at, at + task->length};
			double values[SCHED_FACTOR_COUNT];
			double cost;

			if (exceeds_day(search, span))
				continue;
			cost = weigh_span(search, task, span, &gap, values);
			/* Delay only grows, and no factor is negative. */
			if (!visitor(data, at, cost,
						 sched_planner_factors[SCHED_FACTOR_DELAY].weight *
							 values[SCHED_FACTOR_DELAY]))
				return;
		}
}

/* The best start so far. */
typedef struct Choice
{
	bool found;
	SchedMoment start;
	double cost;
} Choice;

/* Keeps the first of equals: visits come from early to late. Where mere delay costs more than the best, it is found. */
static bool
choose_start(void *data, SchedMoment start, double cost, double floor)
{
	Choice *choice = data;

	if (!choice->found || cost < choice->cost - 1e-12)
		*choice = (Choice){true, start, cost};
	return floor <= choice->cost;
}

bool
sched_planner_find_start(const SchedSearch *search, const SchedPlanTask *task, SchedMoment from,
						 SchedMoment *start, double *cost)
{
	Choice choice = {false, 0, 0};

	sched_planner_visit_starts(search, task, from, SCHED_GRID, choose_start, &choice);
	*start = choice.start;
	*cost = choice.cost;
	return choice.found;
}

/*
 * How much of the rest goes into a room: whole grid steps, and never so much
 * that a useless rest remains.
 */
static int64_t
size_chunk(int64_t room, int64_t left, int64_t min_chunk)
{
	int64_t size;

	if (left <= room)
		return left;
	size = room - room % SCHED_GRID;
	if (left - size < min_chunk)
		size = left - min_chunk - (left - min_chunk) % SCHED_GRID;
	return size >= min_chunk ? size : 0;
}

/*
 * The earliest room that holds a whole part, not the best one: parts of a
 * long task have to follow each other anyway.
 */
bool
sched_planner_find_chunk(const SchedSearch *search, const SchedPlanTask *task, SchedMoment from,
						 int64_t left, SchedSpan *chunk)
{
	const SchedPlanInput *input = search->input;
	SchedSpan limits = find_limits(input, task, from);
	Walk walk = {.open = -1};
	Gap gap;

	while (next_gap(search, task, limits, &walk, &gap))
	{
		/*
		 * A gap that spans midnights is used day by day where days have a
		 * limit.
		 */
		for (SchedMoment at = sched_planner_align(gap.start, SCHED_GRID); at < gap.end;)
		{
			int day = find_day(input, at);
			SchedMoment end = day < 0 ? gap.end : min_moment(gap.end, input->days[day + 1]);
			int64_t room = end - at;
			int64_t size;

			if (day >= 0 && input->max_day_load > 0)
				room = min_moment(room, input->max_day_load - search->day_load[day]);
			size = room > 0 ? size_chunk(room, left, task->min_chunk) : 0;
			if (size > 0)
			{
				*chunk = (SchedSpan){at, at + size};
				return true;
			}
			at = sched_planner_align(end, SCHED_GRID);
		}
	}
	return false;
}
