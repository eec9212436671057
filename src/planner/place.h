/*
 * place.h - where tasks go: the pure core of the planner.
 *
 * Pure: no server, no clock. Everything comes in as arrays of the caller,
 * sorted by start; what comes out is malloc'ed and freed by
 * sched_planner_free_result(). Equal input gives equal output.
 */
#ifndef SCHED_PLANNER_PLACE_H
#define SCHED_PLANNER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds since 2000-01-01 00:00 UTC: the value of a TimestampTz. */
typedef int64_t SchedMoment;

#define SCHED_MINUTE INT64_C(60000000)
#define SCHED_DAY (INT64_C(1440) * SCHED_MINUTE)
/* Starts that are tried lie on this grid. */
#define SCHED_GRID (15 * SCHED_MINUTE)
#define SCHED_NEVER INT64_MAX

typedef struct SchedSpan
{
	SchedMoment start;
	SchedMoment end; /* not part of it */
} SchedSpan;

typedef struct SchedSpanList
{
	const SchedSpan *spans; /* sorted, disjoint */
	int count;
} SchedSpanList;

/* Whose hours a task keeps to. */
typedef enum SchedHours
{
	SCHED_HOURS_WORK,
	SCHED_HOURS_PERSONAL,
	SCHED_HOURS_ANY, /* the waking day: for alternatives only */
	SCHED_HOURS_COUNT
} SchedHours;

typedef struct SchedPlanTask
{
	SchedMoment earliest; /* INT64_MIN where there is none */
	SchedMoment deadline; /* SCHED_NEVER where there is none */
	int64_t length;       /* what is still to be placed, > 0 */
	int64_t min_chunk;    /* smallest part, 0: in one piece */
	int priority;         /* 1-10 */
	SchedHours hours;
	const int *after; /* tasks of this plan that come before it */
	int after_count;
	bool waits;               /* for one outside this plan that has no place */
	const SchedSpan *current; /* where it stands now, sorted; count 0: nowhere */
	int current_count;
} SchedPlanTask;

typedef struct SchedPlanInput
{
	SchedMoment now;  /* no block starts before this */
	int64_t notice;   /* and no new one before now + notice */
	SchedSpan window; /* no block lies outside */
	SchedSpanList open[SCHED_HOURS_COUNT];
	SchedSpanList soft[SCHED_HOURS_COUNT]; /* allowed, but not liked */
	SchedSpanList busy;                    /* merged */
	int64_t buffer;                        /* kept free between a block and its neighbours */
	const SchedMoment *days;               /* day_count + 1 local midnights around the window */
	const int64_t *day_load;               /* what is planned on each day and stays */
	int day_count;
	int64_t max_day_load; /* 0: no limit */
	const SchedPlanTask *tasks;
	int task_count;
	bool (*stop)(void); /* asked now and then; true ends the work. May be NULL */
} SchedPlanInput;

typedef enum SchedPlanStatus
{
	SCHED_PLACED,
	SCHED_KEPT,
	SCHED_MOVED,
	SCHED_UNPLACED
} SchedPlanStatus;

/*
 * Why a start is not possible, a block could not stay or a task found no place.
 */
typedef enum SchedRejection
{
	SCHED_FITS,
	SCHED_REJECT_PAST,
	SCHED_REJECT_EARLIEST,
	SCHED_REJECT_WINDOW,
	SCHED_REJECT_DEADLINE,
	SCHED_REJECT_HOURS,
	SCHED_REJECT_BUSY,
	SCHED_REJECT_DAY_LIMIT,
	SCHED_REJECT_PREDECESSOR,
	SCHED_REJECT_LENGTH, /* the blocks do not add up to what is to be done */
	SCHED_REJECT_NO_GAP,
	SCHED_REJECT_NEVER /* no gap, not even if every other task made room */
} SchedRejection;

/* What makes one possible start better than another. */
typedef enum SchedFactor
{
	SCHED_FACTOR_DELAY,
	SCHED_FACTOR_DEADLINE,
	SCHED_FACTOR_FRAGMENTS,
	SCHED_FACTOR_DAY_LOAD,
	SCHED_FACTOR_SOFT,
	SCHED_FACTOR_MOVED,
	SCHED_FACTOR_COUNT
} SchedFactor;

typedef struct SchedFactorInfo
{
	const char *name;
	double weight;
} SchedFactorInfo;

extern const SchedFactorInfo sched_planner_factors[SCHED_FACTOR_COUNT];

typedef struct SchedPlanOutcome
{
	SchedPlanStatus status;
	SchedRejection
		why; /* of MOVED: what was wrong with the old place; of UNPLACED: what is in the way */
	int first_block; /* into blocks */
	int block_count;
} SchedPlanOutcome;

typedef struct SchedPlanResult
{
	SchedPlanOutcome *outcomes; /* one for each task */
	SchedSpan *blocks;
	int block_count;
	double cost; /* of the whole plan, 1000 x priority for each unplaced task */
	bool stopped;
} SchedPlanResult;

/* One start, judged. */
typedef struct SchedJudgement
{
	SchedRejection rejected;
	double values[SCHED_FACTOR_COUNT]; /* each times its weight, summed and negated, is the score */
	double score;
} SchedJudgement;

/* Sorts and merges spans in place; returns how many are left. */
extern int sched_planner_merge_spans(SchedSpan *spans, int count);

/* The first grid point at or after a moment. */
extern SchedMoment sched_planner_align(SchedMoment moment, int64_t grid);

/*
 * Places every task; 0, or -1 where memory fails. The result is to be freed in
 * both cases.
 */
extern int sched_planner_place(const SchedPlanInput *input, SchedPlanResult *result);
extern void sched_planner_free_result(SchedPlanResult *result);

/*
 * Judges starts of a task of the input against what is busy; other tasks of the
 * input do not count. 0, or -1 where memory fails.
 */
extern int sched_planner_judge(const SchedPlanInput *input, const SchedPlanTask *task,
							   const SchedMoment *starts, int count, SchedJudgement *judgements);

typedef struct SchedSlot
{
	SchedMoment start;
	double score;
} SchedSlot;

/*
 * The best free starts for one task, at most max, not overlapping each other,
 * best first; starts within a gap are step apart. Returns how many were written
 * into slots, or -1 where memory fails.
 */
extern int sched_planner_find_slots(const SchedPlanInput *input, const SchedPlanTask *task,
									int64_t step, SchedSlot *slots, int max);

#endif
