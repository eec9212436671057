/*
 * fault.h - named points at which a test kills the process.
 *
 * Compiled only with -DSCHED_FAULT_POINTS; otherwise SCHED_FAULT() is nothing and there is no
 * such setting.
 */
#ifndef SCHED_CORE_FAULT_H
#define SCHED_CORE_FAULT_H

#ifdef SCHED_FAULT_POINTS
extern void sched_core_define_fault_setting(void);
extern void sched_core_fault(const char *point);
#define SCHED_FAULT(point) sched_core_fault(point)
#else
#define SCHED_FAULT(point) ((void) 0)
#endif

#endif
