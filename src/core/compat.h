/*
 * compat.h - what differs between PostgreSQL 15, 16, 17 and 18.
 *
 * The only place that asks for PG_VERSION_NUM. Included by server-side files after postgres.h.
 */
#ifndef SCHED_CORE_COMPAT_H
#define SCHED_CORE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "scheduler needs PostgreSQL 15 or later"
#endif

/* Functions that never return: the macro's name changed in 18. */
#if PG_VERSION_NUM < 180000
#define SCHED_NORETURN pg_attribute_noreturn()
#else
#define SCHED_NORETURN pg_noreturn
#endif

#endif
