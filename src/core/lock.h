/*
 * lock.h - locks of the extension, out of reach of SQL's advisory locks.
 */
#ifndef SCHED_CORE_LOCK_H
#define SCHED_CORE_LOCK_H

/* Until the end of the transaction; false where it does not wait and somebody has it. */
extern bool sched_core_take_lock(uint32 purpose, uint32 key, bool wait);

/* Raises 55000 in a transaction that keeps the snapshot of its beginning. */
extern void sched_core_refuse_old_snapshot(void);

#endif
