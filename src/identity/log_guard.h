/*
 * log_guard.h - what statements hand over as secrets stays out of the log.
 */
#ifndef SCHED_IDENTITY_LOG_GUARD_H
#define SCHED_IDENTITY_LOG_GUARD_H

/* From _PG_init of the postmaster. */
extern void sched_identity_install_log_guard(void);

#endif
