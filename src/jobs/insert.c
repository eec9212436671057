/*
 * insert.c - a new row of live_jobs straight into the table and its indexes.
 *
 * Runs in any backend. An INSERT statement sets up its executor each time: a dozen indexes with their conditions, two
 * checks, defaults, and settings changed around it so that nobody's search_path matters. Together that costs more than
 * the row. Here the description of the indexes and their conditions, compiled, is kept for the life of the process and
 * made anew when the table changes; checks are met by construction. Memory: one context, reset when it is made anew.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "jobs/insert.h"

/* Columns that a new row fills; the rest is NULL. */
typedef enum Column
{
	COLUMN_USER_ID,
	COLUMN_JOB_ID,
	COLUMN_KIND,
	COLUMN_PAYLOAD,
	COLUMN_STATUS,
	COLUMN_PRIORITY,
	COLUMN_RUN_AT,
	COLUMN_ATTEMPTS,
	COLUMN_MAX_ATTEMPTS,
	COLUMN_QUEUE,
	COLUMN_PARENT_ID,
	COLUMN_CREATED_AT,
	COLUMN_SCHEDULE_ID,
	COLUMN_CHILDREN,
	COLUMN_READY,
	COLUMN_RUNNER,
	COLUMN_HOLDS_QUEUE,
	COLUMN_COUNT
} Column;

static const char *const column_names[COLUMN_COUNT] = {
	"user_id",     "job_id",   "kind",         "payload", "status",     "priority",
	"run_at",      "attempts", "max_attempts", "queue",   "parent_id",  "created_at",
	"schedule_id", "children", "ready",        "runner",  "holds_queue"};

/* The table as it was when this was made. */
typedef struct Target
{
	Oid table;
	AttrNumber columns[COLUMN_COUNT];
	int n_indexes;
	Oid *indexes;
	IndexInfo **infos; /* with their conditions ready to be asked */
	TupleTableSlot *slot;
	EState *executor; /* memory for conditions */
} Target;

static MemoryContext memory = NULL;
static Target *target = NULL;
static bool outdated = true;

/* Invalidation callback; an invalid oid means everything. It may come while the target is used: only a note. */
static void
note_change(Datum arg, Oid relation)
{
	if (target == NULL || relation == target->table || !OidIsValid(relation))
		outdated = true;
}

/* The conditions of partial indexes, compiled; the executor would do that for each statement. */
static void
describe_indexes(Relation table)
{
	List *indexes = RelationGetIndexList(table);
	ListCell *cell;

	target->indexes = palloc(list_length(indexes) * sizeof(Oid));
	target->infos = palloc(list_length(indexes) * sizeof(IndexInfo *));
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
		IndexInfo *info = BuildIndexInfo(index);

		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, target->executor);
		target->indexes[target->n_indexes] = lfirst_oid(cell);
		target->infos[target->n_indexes++] = info;
		index_close(index, NoLock);
	}
	list_free(indexes);
}

/* In the context that is current: the target's. */
static void
describe_table(Relation table)
{
	target = palloc0(sizeof(Target));
	target->table = RelationGetRelid(table);
	for (int i = 0; i < COLUMN_COUNT; i++)
		target->columns[i] = get_attnum(target->table, column_names[i]);
	target->executor = CreateExecutorState();
	target->slot =
		MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(table)), &TTSOpsHeapTuple);
	describe_indexes(table);
}

/* Outdated again at once where something changes meanwhile; an error leaves it outdated, too. */
static void
refresh_target(Relation table)
{
	MemoryContext before;

	if (memory == NULL)
	{
		memory =
			AllocSetContextCreate(TopMemoryContext, "scheduler new jobs", ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(note_change, (Datum) 0);
	}
	target = NULL;
	MemoryContextReset(memory);
	before = MemoryContextSwitchTo(memory);
	outdated = false;
	PG_TRY();
	{
		describe_table(table);
	}
	PG_CATCH();
	{
		outdated = true;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
}

/* A value where the table has the column. */
static void
fill(Datum *values, bool *nulls, Column column, Datum value)
{
	AttrNumber attribute = target->columns[column];

	if (attribute == InvalidAttrNumber)
		return;
	values[attribute - 1] = value;
	nulls[attribute - 1] = false;
}

static HeapTuple
form_row(const SchedNewRow *row, TupleDesc desc)
{
	Datum *values = palloc0(desc->natts * sizeof(Datum));
	bool *nulls = palloc(desc->natts * sizeof(bool));

	memset(nulls, true, desc->natts * sizeof(bool));
	fill(values, nulls, COLUMN_USER_ID, UUIDPGetDatum(row->user_id));
	fill(values, nulls, COLUMN_JOB_ID, UUIDPGetDatum(row->job_id));
	fill(values, nulls, COLUMN_KIND, CStringGetTextDatum(row->kind));
	fill(values, nulls, COLUMN_PAYLOAD, row->payload);
	fill(values, nulls, COLUMN_STATUS, CStringGetTextDatum("pending"));
	fill(values, nulls, COLUMN_PRIORITY, Int16GetDatum(row->priority));
	fill(values, nulls, COLUMN_RUN_AT, TimestampTzGetDatum(row->run_at));
	fill(values, nulls, COLUMN_ATTEMPTS, Int32GetDatum(0));
	fill(values, nulls, COLUMN_MAX_ATTEMPTS, Int32GetDatum(row->max_attempts));
	if (row->queue != NULL)
		fill(values, nulls, COLUMN_QUEUE, PointerGetDatum(row->queue));
	if (row->parent_id != NULL)
		fill(values, nulls, COLUMN_PARENT_ID, UUIDPGetDatum(row->parent_id));
	fill(values, nulls, COLUMN_CREATED_AT,
		 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	if (row->schedule_id != NULL)
		fill(values, nulls, COLUMN_SCHEDULE_ID, UUIDPGetDatum(row->schedule_id));
	fill(values, nulls, COLUMN_CHILDREN, Int32GetDatum(0));
	fill(values, nulls, COLUMN_READY, BoolGetDatum(row->ready));
	if (!row->external)
		fill(values, nulls, COLUMN_RUNNER, BoolGetDatum(row->runner));
	fill(values, nulls, COLUMN_HOLDS_QUEUE, BoolGetDatum(false));
	return heap_form_tuple(desc, values, nulls);
}

/* As the executor does it, for indexes that are neither deferred nor exclusion constraints. */
static void
insert_index_entries(Relation table, ItemPointer tid)
{
	ExprContext *context = GetPerTupleExprContext(target->executor);

	context->ecxt_scantuple = target->slot;
	for (int i = 0; i < target->n_indexes; i++)
	{
		IndexInfo *info = target->infos[i];
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];
		Relation index;

		if (!info->ii_ReadyForInserts ||
			(info->ii_PredicateState != NULL && !ExecQual(info->ii_PredicateState, context)))
			continue;
		index = index_open(target->indexes[i], RowExclusiveLock);
		FormIndexDatum(info, target->slot, target->executor, values, nulls);
		index_insert(index, values, nulls, tid, table,
					 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
		index_close(index, NoLock);
	}
	ResetPerTupleExprContext(target->executor);
}

bool
sched_jobs_insert_row(const SchedNewRow *row)
{
	Oid schema = get_namespace_oid("scheduler", false);
	Relation table;
	HeapTuple tuple;

	PreventCommandIfReadOnly("INSERT");
	table = table_open(get_relname_relid("live_jobs", schema), RowExclusiveLock);
	if (table->trigdesc != NULL)
	{
		table_close(table, NoLock);
		return false;
	}
	if (outdated || target->table != RelationGetRelid(table))
		refresh_target(table);
	tuple = form_row(row, RelationGetDescr(table));
	simple_heap_insert(table, tuple);
	ExecStoreHeapTuple(tuple, target->slot, false);
	insert_index_entries(table, &tuple->t_self);
	ExecClearTuple(target->slot);
	heap_freetuple(tuple);
	table_close(table, NoLock);
	/* What follows in this transaction sees it. */
	CommandCounterIncrement();
	return true;
}
