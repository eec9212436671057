/*
 * lock.c - locks of the extension that last until the end of the transaction.
 *
 * Runs in any process. They are advisory locks of a class of their own (the last part of the tag): the functions of SQL
 * take classes 1 and 2 only, so nobody who can merely connect holds up a calendar or the worker with
 * pg_advisory_lock(). Waiting ends with lock_timeout, a cancel or a deadlock, which throw.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"

#include "core/lock.h"

PG_FUNCTION_INFO_V1(sched_sql_take_lock);
PG_FUNCTION_INFO_V1(sched_sql_try_lock);
PG_FUNCTION_INFO_V1(sched_sql_wait_patiently);
PG_FUNCTION_INFO_V1(sched_sql_refuse_old_snapshot);

#define OUR_LOCKS 3

/*
 * With the snapshot of its beginning, a transaction does not see what others wrote while it waited, and the server ends it with
 * 40001 where it writes the same row: an error that a client in front may repeat for ever. Whether that happens is chance, so
 * such a transaction hears of it the first time.
 */
void
sched_core_refuse_old_snapshot(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this cannot be done at the isolation level of this transaction"),
				 errdetail("It is %s: what others write meanwhile would not be seen.",
						   XactIsoLevel == XACT_SERIALIZABLE ? "SERIALIZABLE" : "REPEATABLE READ"),
				 errhint("Use BEGIN ISOLATION LEVEL READ COMMITTED, or SET "
						 "default_transaction_isolation = 'read committed'.")));
}

/* refuse_old_snapshot(): for functions that write rows that others write, too. */
Datum
sched_sql_refuse_old_snapshot(PG_FUNCTION_ARGS)
{
	sched_core_refuse_old_snapshot();
	PG_RETURN_VOID();
}

bool
sched_core_take_lock(uint32 purpose, uint32 key, bool wait)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, purpose, key, OUR_LOCKS);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/* take_lock(purpose, key): waits for it. */
Datum
sched_sql_take_lock(PG_FUNCTION_ARGS)
{
	sched_core_refuse_old_snapshot();
	sched_core_take_lock((uint32) PG_GETARG_INT32(0), (uint32) PG_GETARG_INT32(1), true);
	PG_RETURN_VOID();
}

/* try_lock(purpose, key): whether it was free, or ours already. */
Datum
sched_sql_try_lock(PG_FUNCTION_ARGS)
{
	sched_core_refuse_old_snapshot();
	PG_RETURN_BOOL(
		sched_core_take_lock((uint32) PG_GETARG_INT32(0), (uint32) PG_GETARG_INT32(1), false));
}

/*
 * wait_patiently(): for the rest of the function that calls it and has a SET clause. A worker locks
 * jobs before their parents, who cancels them the other way round; where they meet the worker gives
 * way within its lock_timeout, so the other one must not be told of a deadlock before that.
 */
Datum
sched_sql_wait_patiently(PG_FUNCTION_ARGS)
{
	if (DeadlockTimeout < 10000)
		set_config_option("deadlock_timeout", "10s", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
						  true, 0, false);
	PG_RETURN_VOID();
}
