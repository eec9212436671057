/*
 * triggers.h - what the triggers of this room share.
 */
#ifndef SCHED_PLANNER_TRIGGERS_H
#define SCHED_PLANNER_TRIGGERS_H

/* Whether a superuser loads a dump, which has row_security off: triggers that add rows stay still. */
extern bool sched_planner_is_restoring(void);

#endif
