/*
 * triggers.c - what holds for every event, whoever writes it.
 *
 * Runs in any process, for each row or each statement that writes calendar_events. In C, because these run for every
 * block of every mail. Reads tasks and users by their keys without a query and whatever policies say, only to
 * see that there is nothing to do; what is written is written by SQL. Memory is the executor's for the row. Throw what
 * SPI throws.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/lock.h"
#include "planner/triggers.h"

PG_FUNCTION_INFO_V1(sched_sql_try_calendar);
PG_FUNCTION_INFO_V1(sched_sql_lock_calendar);
PG_FUNCTION_INFO_V1(sched_sql_is_restoring);
PG_FUNCTION_INFO_V1(sched_sql_prepare_event);
PG_FUNCTION_INFO_V1(sched_sql_follow_blocks);

/* The class of calendar locks. */
#define CALENDARS 1396919116

/*
 * One writer of blocks per user at a time: the exclusion constraint alone answers concurrent writers with
 * deadlocks, behind this lock they wait and then see each other. An old snapshot would not.
 */
static bool
take_calendar(Datum user_id, bool wait)
{
	sched_core_refuse_old_snapshot();
	return sched_core_take_lock(CALENDARS, DatumGetUInt32(DirectFunctionCall1(uuid_hash, user_id)),
								wait);
}

/* try_calendar(user_id) -> boolean: false where somebody else holds it */
Datum
sched_sql_try_calendar(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(take_calendar(PG_GETARG_DATUM(0), false));
}

/* lock_calendar(user_id): until the end of the transaction */
Datum
sched_sql_lock_calendar(PG_FUNCTION_ARGS)
{
	take_calendar(PG_GETARG_DATUM(0), true);
	PG_RETURN_VOID();
}

bool
sched_planner_is_restoring(void)
{
	return !row_security && superuser_arg(GetSessionUserId());
}

/* is_restoring() -> boolean */
Datum
sched_sql_is_restoring(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sched_planner_is_restoring());
}

/* Columns of calendar_events that decide what it is; looked up once a statement. */
typedef struct EventColumns
{
	int user_id;
	int start;
	int end;
	int problem;
	int blocks;
	int is_external;
	int is_all_day;
	int transparency;
	int status;
} EventColumns;

static const EventColumns *
find_columns(FunctionCallInfo fcinfo, TupleDesc desc)
{
	EventColumns *columns = fcinfo->flinfo->fn_extra;

	if (columns != NULL)
		return columns;
	columns = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(EventColumns));
	columns->user_id = SPI_fnumber(desc, "user_id");
	columns->start = SPI_fnumber(desc, "start_datetime");
	columns->end = SPI_fnumber(desc, "end_datetime");
	columns->problem = SPI_fnumber(desc, "problem");
	columns->blocks = SPI_fnumber(desc, "blocks");
	columns->is_external = SPI_fnumber(desc, "is_external");
	columns->is_all_day = SPI_fnumber(desc, "is_all_day");
	columns->transparency = SPI_fnumber(desc, "transparency");
	columns->status = SPI_fnumber(desc, "status");
	fcinfo->flinfo->fn_extra = columns;
	return columns;
}

/* NULL is refused by the table afterwards; until then it is false, or no word. */
static bool
get_bool(HeapTuple row, TupleDesc desc, int column)
{
	bool is_null;
	Datum value = heap_getattr(row, column, desc, &is_null);

	return !is_null && DatumGetBool(value);
}

static bool
is_word(HeapTuple row, TupleDesc desc, int column, const char *word)
{
	bool is_null;
	Datum value = heap_getattr(row, column, desc, &is_null);

	return !is_null && strcmp(TextDatumGetCString(value), word) == 0;
}

/* What came from outside with no length, as one minute with the problem beside it; else the row itself. */
static HeapTuple
mend_length(HeapTuple row, TupleDesc desc, const EventColumns *columns)
{
	bool no_start;
	bool no_end;
	TimestampTz start = DatumGetTimestampTz(heap_getattr(row, columns->start, desc, &no_start));
	TimestampTz end = DatumGetTimestampTz(heap_getattr(row, columns->end, desc, &no_end));
	int changed[2] = {columns->end, columns->problem};
	bool nulls[2] = {false, false};
	Datum values[2];

	if (no_start || no_end || end > start || !get_bool(row, desc, columns->is_external))
		return row;
	/* The table refuses what is infinite. */
	values[0] = TimestampTzGetDatum(TIMESTAMP_NOT_FINITE(start) ? start : start + USECS_PER_MINUTE);
	values[1] = CStringGetTextDatum(
		psprintf("ends at %s, not after its start; kept as one minute",
				 DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(end)))));
	return heap_modify_tuple_by_cols(row, desc, 2, changed, values, nulls);
}

/* prepare_event(): BEFORE INSERT OR UPDATE FOR EACH ROW */
Datum
sched_sql_prepare_event(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const EventColumns *columns;
	TupleDesc desc;
	HeapTuple row;
	bool updated;
	bool blocks;
	bool is_null;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		elog(ERROR, "prepare_event() is a trigger before a row is written");
	updated = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	row = updated ? trigger->tg_newtuple : trigger->tg_trigtuple;
	desc = RelationGetDescr(trigger->tg_relation);
	columns = find_columns(fcinfo, desc);
	row = mend_length(row, desc, columns);
	blocks = !get_bool(row, desc, columns->is_external) &&
			 !get_bool(row, desc, columns->is_all_day) &&
			 is_word(row, desc, columns->transparency, "opaque") &&
			 !is_word(row, desc, columns->status, "cancelled");
	heap_getattr(row, columns->blocks, desc, &is_null);
	if (is_null || get_bool(row, desc, columns->blocks) != blocks)
	{
		Datum value = BoolGetDatum(blocks);
		int changed = columns->blocks;
		bool no_null = false;

		row = heap_modify_tuple_by_cols(row, desc, 1, &changed, &value, &no_null);
	}
	if (blocks || (updated && get_bool(trigger->tg_trigtuple, desc, columns->blocks)))
	{
		Datum user_id = heap_getattr(row, columns->user_id, desc, &is_null);

		if (!is_null)
			take_calendar(user_id, true);
	}
	return PointerGetDatum(row);
}

/* A table that is asked by its primary key, of which all columns are uuids. */
typedef struct KeyedTable
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int key_count;
} KeyedTable;

static void
open_keyed(KeyedTable *keyed, const char *name, const char *key, int key_count)
{
	Oid schema = get_namespace_oid("scheduler", false);

	keyed->table = table_open(get_relname_relid(name, schema), AccessShareLock);
	keyed->index = index_open(get_relname_relid(key, schema), AccessShareLock);
	keyed->slot = table_slot_create(keyed->table, NULL);
	keyed->key_count = key_count;
	keyed->scan =
		SCHED_BEGIN_INDEX_SCAN(keyed->table, keyed->index, GetActiveSnapshot(), key_count);
}

static void
close_keyed(KeyedTable *keyed)
{
	index_endscan(keyed->scan);
	ExecDropSingleTupleTableSlot(keyed->slot);
	index_close(keyed->index, AccessShareLock);
	table_close(keyed->table, AccessShareLock);
}

/* Whether there is a row with this key; it is in the slot then. */
static bool
find_row(KeyedTable *keyed, Datum first, Datum second)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, first);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ, second);
	index_rescan(keyed->scan, keys, keyed->key_count, NULL, 0);
	return index_getnext_slot(keyed->scan, ForwardScanDirection, keyed->slot);
}

/* A column of the row that was found. */
static Datum
get_found(KeyedTable *keyed, const char *column, bool *is_null)
{
	return slot_getattr(keyed->slot, SPI_fnumber(RelationGetDescr(keyed->table), column), is_null);
}

/* Whether a task tells this start already, in the wall-clock time of its user. */
static bool
tells_start(KeyedTable *tasks, KeyedTable *users, Datum user_id, Datum task_id, TimestampTz start)
{
	bool no_date;
	bool no_time;
	bool is_null;
	Timestamp local;
	Timestamp told;
	char *status;

	if (!find_row(tasks, user_id, task_id) || !find_row(users, user_id, (Datum) 0))
		return false;
	status = TextDatumGetCString(get_found(tasks, "status", &is_null));
	told = DatumGetDateADT(get_found(tasks, "scheduled_date", &no_date)) * USECS_PER_DAY +
		   DatumGetTimeADT(get_found(tasks, "start_time", &no_time));
	local = DatumGetTimestamp(DirectFunctionCall2(
		timestamptz_zone, get_found(users, "timezone", &is_null), TimestampTzGetDatum(start)));
	return strcmp(status, "pending") != 0 && !no_date && !no_time && told == local;
}

/* The tasks that the changed rows name. */
typedef struct NamedTasks
{
	Datum *user_ids;
	Datum *task_ids;
	TimestampTz *starts;
	int count;
} NamedTasks;

/* Copies: the slot's memory goes with the next row. */
static void
collect_tasks(TriggerData *trigger, Tuplestorestate *store, NamedTasks *named)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	int user_id = SPI_fnumber(desc, "user_id");
	int task_id = SPI_fnumber(desc, "task_id");
	int start = SPI_fnumber(desc, "start_datetime");
	int64 rows = tuplestore_tuple_count(store);

	named->user_ids = palloc((rows + 1) * sizeof(Datum));
	named->task_ids = palloc((rows + 1) * sizeof(Datum));
	named->starts = palloc((rows + 1) * sizeof(TimestampTz));
	tuplestore_select_read_pointer(store, 0);
	tuplestore_rescan(store);
	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		bool is_null;
		Datum task = slot_getattr(slot, task_id, &is_null);

		if (is_null)
			continue;
		named->task_ids[named->count] = datumCopy(task, false, UUID_LEN);
		named->user_ids[named->count] =
			datumCopy(slot_getattr(slot, user_id, &is_null), false, UUID_LEN);
		named->starts[named->count++] = DatumGetTimestampTz(slot_getattr(slot, start, &is_null));
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Tasks that were stored together with their place know it already. */
static bool
know_their_place(const NamedTasks *named)
{
	KeyedTable tasks;
	KeyedTable users;
	bool known = true;

	open_keyed(&tasks, "tasks", "tasks_pkey", 2);
	open_keyed(&users, "users", "users_pkey", 1);
	for (int i = 0; i < named->count && known; i++)
		known =
			tells_start(&tasks, &users, named->user_ids[i], named->task_ids[i], named->starts[i]);
	close_keyed(&users);
	close_keyed(&tasks);
	return known;
}

/* By SQL, which has its own search_path. */
static void
follow_tasks(const NamedTasks *named)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDARRAYOID, UUIDARRAYOID};
	Datum values[2];

	SPI_connect();
	if (plan == NULL)
	{
		SPIPlanPtr made = SPI_prepare("SELECT scheduler.follow_tasks($1, $2)", 2, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare a query of the planner: %s",
				 SPI_result_code_string(SPI_result));
		plan = made;
	}
	values[0] = PointerGetDatum(
		construct_array(named->user_ids, named->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	values[1] = PointerGetDatum(
		construct_array(named->task_ids, named->count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "tasks could not follow their blocks");
	SPI_finish();
}

/* follow_blocks(): AFTER INSERT, UPDATE or DELETE, once a statement, with the transition table */
Datum
sched_sql_follow_blocks(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	NamedTasks named = {0};

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(trigger->tg_newtable == NULL && trigger->tg_oldtable == NULL))
		elog(ERROR, "follow_blocks() is a trigger with transition tables");
	if (sched_planner_is_restoring())
		return PointerGetDatum(NULL);
	collect_tasks(trigger,
				  trigger->tg_newtable != NULL ? trigger->tg_newtable : trigger->tg_oldtable,
				  &named);
	if (named.count > 0 &&
		!(TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && know_their_place(&named)))
		follow_tasks(&named);
	return PointerGetDatum(NULL);
}
