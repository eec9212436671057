/*
 * changes.c - appends to new_changes, from which the worker numbers.
 *
 * Runs in any backend, worker or runner, mostly from triggers of rows that others write: several for each statement of a
 * mail's way into the calendar. Straight into the table and its index, as a catalogue is written: an INSERT statement
 * would cost more to start than its rows. Memory is the caller's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/uuid7.h"
#include "jobs/changes.h"
#include "jobs/shmem.h"

PG_FUNCTION_INFO_V1(sched_sql_record_changes);
extern Datum sched_sql_required_user_id(PG_FUNCTION_ARGS);

/* The columns of new_changes. */
#define COLUMNS 5

/* A row with the table's own defaults: a key that rises, the time of the clock. */
static HeapTuple
form_change(TupleDesc desc, const pg_uuid_t *user_id, const SchedChange *change)
{
	pg_uuid_t key;
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	sched_core_make_uuid7(&key);
	values[0] = UUIDPGetDatum(user_id);
	values[1] = UUIDPGetDatum(&key);
	values[2] = CStringGetTextDatum(change->type);
	values[3] = UUIDPGetDatum(&change->subject_id);
	nulls[3] = change->no_subject;
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	return heap_form_tuple(desc, values, nulls);
}

void
sched_jobs_record_changes(const pg_uuid_t *user_id, const SchedChange *changes, int n)
{
	Relation table;
	CatalogIndexState indexes;

	if (n == 0)
		return;
	PreventCommandIfReadOnly("INSERT");
	table = table_open(get_relname_relid("new_changes", get_namespace_oid("scheduler", false)),
					   RowExclusiveLock);
	if (RelationGetDescr(table)->natts != COLUMNS)
		elog(ERROR, "scheduler.new_changes has other columns than this library knows");
	indexes = CatalogOpenIndexes(table);
	for (int i = 0; i < n; i++)
	{
		HeapTuple tuple = form_change(RelationGetDescr(table), user_id, &changes[i]);

		CatalogTupleInsertWithInfo(table, tuple, indexes);
		heap_freetuple(tuple);
	}
	CatalogCloseIndexes(indexes);
	table_close(table, NoLock);
	/* What follows in this transaction sees them. */
	CommandCounterIncrement();
	sched_jobs_signal_at_commit(SCHED_SIGNAL_CHANGES);
}

/* record_changes(types, subject_ids): for the current user, in the order of the arrays. */
Datum
sched_sql_record_changes(PG_FUNCTION_ARGS)
{
	pg_uuid_t user_id = *DatumGetUUIDP(DirectFunctionCall1(sched_sql_required_user_id, (Datum) 0));
	SchedChange *changes;
	Datum *types;
	Datum *subjects;
	bool *no_type;
	bool *no_subject;
	int n;
	int subject_count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &types, &no_type,
					  &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &subjects,
					  &no_subject, &subject_count);
	if (subject_count != n)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the arrays of changes differ in length")));
	changes = palloc0((n + 1) * sizeof(SchedChange));
	for (int i = 0; i < n; i++)
	{
		if (no_type[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a change needs a type")));
		changes[i].type = TextDatumGetCString(types[i]);
		changes[i].no_subject = no_subject[i];
		if (!no_subject[i])
			changes[i].subject_id = *DatumGetUUIDP(subjects[i]);
	}
	sched_jobs_record_changes(&user_id, changes, n);
	PG_RETURN_VOID();
}
