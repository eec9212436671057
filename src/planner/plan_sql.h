/*
 * plan_sql.h - what the set-returning functions of this room share. All of it runs inside SPI, in the memory context that
 * is current.
 */
#ifndef SCHED_PLANNER_PLAN_SQL_H
#define SCHED_PLANNER_PLAN_SQL_H

#include "nodes/execnodes.h"

#include "core/compat.h"
#include "planner/load.h"

/* SchedRejection in a word. */
extern const char *const sched_planner_rejections[];

/*
 * What all loads have in common. Now is the time of the transaction, so that everything a statement computes agrees; a
 * window that began in the past begins now.
 */
extern void sched_planner_begin_load(SchedLoadRequest *request, Datum user_id, Datum from,
									 Datum until);

/* The core answers -1 where malloc fails; PostgreSQL's own arrays never do. */
extern SCHED_NORETURN void sched_planner_fail_memory(void);

/*
 * Runs the core and copies what it found into palloc'ed memory; what the core malloc'ed is freed whatever happens.
 */
extern void sched_planner_run_core(const SchedPlanInput *input, SchedPlanResult *plan);

/* The plan of what was loaded, and which tasks no making room could help. */
extern void sched_planner_compute(SchedLoad *load, SchedPlanResult *plan);

/* What stands in the way of a task, for people. */
extern const char *sched_planner_describe_unplaced(const SchedPlanTask *task, SchedRejection why,
												   SchedSpan window);

/*
 * One row of type placement; a span without length is null, and so is an event that is not there yet.
 */
extern void sched_planner_put_row(ReturnSetInfo *result, const SchedLoadedTask *task,
								  const SchedLoadedBlock *block, SchedSpan span, const char *status,
								  const char *why, const char *reason);

/*
 * The rows of a task that had something to place: a row per new block, which takes over a row of the calendar where
 * there is one, and one per row that is no longer needed.
 */
extern void sched_planner_put_outcome(ReturnSetInfo *result, const SchedLoad *load,
									  const SchedLoadedTask *task, const SchedPlanOutcome *outcome,
									  const SchedSpan *blocks);

#endif
