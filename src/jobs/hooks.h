/*
 * hooks.h - commands that workers must make room for.
 */
#ifndef SCHED_JOBS_HOOKS_H
#define SCHED_JOBS_HOOKS_H

/* From _PG_init of the postmaster. */
extern void sched_jobs_install_hooks(void);

#endif
