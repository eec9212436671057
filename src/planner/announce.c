/*
 * announce.c - triggers that tell readers of scheduler.changes what became of tasks and events.
 *
 * Run once a statement, in whatever process wrote the rows, after it: the rows are in the statement's transition
 * tables. Only those of the current user are told of: an administrator who writes for others announces nothing. What is
 * collected lies in the executor's memory for the row. Throw what an INSERT throws.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "identity/current_user.h"
#include "jobs/changes.h"
#include "planner/triggers.h"

PG_FUNCTION_INFO_V1(sched_sql_announce_tasks);
PG_FUNCTION_INFO_V1(sched_sql_announce_events);

/* Changes as they are collected. */
typedef struct Changes
{
	SchedChange *changes;
	int count;
	int capacity;
} Changes;

/* The rows of a transition table, one after the other. */
typedef struct Rows
{
	Tuplestorestate *store;
	TupleTableSlot *slot;
	AttrNumber user_id;
	AttrNumber key;
	AttrNumber status;
} Rows;

static void
open_rows(Rows *rows, TriggerData *trigger, Tuplestorestate *store, const char *key)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);

	rows->store = store;
	rows->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	rows->user_id = SPI_fnumber(desc, "user_id");
	rows->key = SPI_fnumber(desc, key);
	rows->status = SPI_fnumber(desc, "status");
	tuplestore_select_read_pointer(store, 0);
	tuplestore_rescan(store);
}

static bool
next_row(Rows *rows)
{
	return tuplestore_gettupleslot(rows->store, true, false, rows->slot);
}

/* A column that is never NULL. */
static Datum
get_column(const Rows *rows, AttrNumber column)
{
	bool is_null;

	return slot_getattr(rows->slot, column, &is_null);
}

static bool
is_of(const Rows *rows, const pg_uuid_t *user_id)
{
	return memcmp(DatumGetUUIDP(get_column(rows, rows->user_id)), user_id, UUID_LEN) == 0;
}

static void
add_change(Changes *changes, const Rows *rows, const char *type)
{
	if (changes->count == changes->capacity)
	{
		changes->capacity = changes->capacity == 0 ? 32 : 2 * changes->capacity;
		changes->changes =
			changes->changes == NULL
				? palloc0(changes->capacity * sizeof(SchedChange))
				: repalloc(changes->changes, changes->capacity * sizeof(SchedChange));
	}
	changes->changes[changes->count].type = type;
	changes->changes[changes->count].no_subject = false;
	changes->changes[changes->count++].subject_id = *DatumGetUUIDP(get_column(rows, rows->key));
}

/* By subject, then by word: readers get the same order whatever the plan of the statement was. */
static int
compare_changes(const void *a, const void *b)
{
	const SchedChange *left = a;
	const SchedChange *right = b;
	int order = memcmp(&left->subject_id, &right->subject_id, UUID_LEN);

	return order != 0 ? order : strcmp(left->type, right->type);
}

static void
write_changes(const pg_uuid_t *user_id, Changes *changes)
{
	if (changes->count > 1)
		qsort(changes->changes, changes->count, sizeof(SchedChange), compare_changes);
	sched_jobs_record_changes(user_id, changes->changes, changes->count);
}

/* One that has its place from the beginning is told of like one that was given it later. */
static void
collect_new_tasks(TriggerData *trigger, const pg_uuid_t *user_id, Changes *changes)
{
	Rows rows;

	open_rows(&rows, trigger, trigger->tg_newtable, "task_id");
	while (next_row(&rows))
	{
		if (!is_of(&rows, user_id))
			continue;
		add_change(changes, &rows, "task.created");
		if (strcmp(TextDatumGetCString(get_column(&rows, rows.status)), "scheduled") == 0)
			add_change(changes, &rows, "task.scheduled");
	}
	ExecDropSingleTupleTableSlot(rows.slot);
}

/* Both tables of an UPDATE hold its rows in the order in which they were written. */
static void
collect_changed_tasks(TriggerData *trigger, const pg_uuid_t *user_id, Changes *changes)
{
	Rows before;
	Rows after;

	open_rows(&before, trigger, trigger->tg_oldtable, "task_id");
	open_rows(&after, trigger, trigger->tg_newtable, "task_id");
	while (next_row(&before) && next_row(&after))
	{
		char *status = TextDatumGetCString(get_column(&after, after.status));
		bool same = strcmp(status, TextDatumGetCString(get_column(&before, before.status))) == 0;

		if (is_of(&after, user_id) && is_of(&before, user_id))
			add_change(changes, &after, psprintf("task.%s", same ? "updated" : status));
	}
	ExecDropSingleTupleTableSlot(before.slot);
	ExecDropSingleTupleTableSlot(after.slot);
}

/* announce_tasks(): AFTER INSERT OR UPDATE, with the transition tables. A restore loads the changes of its rows too. */
Datum
sched_sql_announce_tasks(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	pg_uuid_t user_id;
	Changes changes = {0};

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_newtable == NULL)
		elog(ERROR, "announce_tasks() is a trigger with transition tables");
	if (sched_planner_is_restoring() || !sched_identity_find_current(&user_id))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		collect_new_tasks(trigger, &user_id, &changes);
	else
		collect_changed_tasks(trigger, &user_id, &changes);
	write_changes(&user_id, &changes);
	return PointerGetDatum(NULL);
}

/* announce_events(): AFTER INSERT, UPDATE or DELETE; of an update only the new rows matter. */
Datum
sched_sql_announce_events(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool updated;
	const char *word;
	pg_uuid_t user_id;
	Changes changes = {0};
	Rows rows;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(trigger->tg_newtable == NULL && trigger->tg_oldtable == NULL))
		elog(ERROR, "announce_events() is a trigger with transition tables");
	if (sched_planner_is_restoring() || !sched_identity_find_current(&user_id))
		return PointerGetDatum(NULL);
	updated = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	word = updated                                      ? "calendar_event.updated"
		   : TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "calendar_event.created"
														: "calendar_event.deleted";
	open_rows(&rows, trigger,
			  trigger->tg_newtable != NULL ? trigger->tg_newtable : trigger->tg_oldtable,
			  "event_id");
	while (next_row(&rows))
	{
		bool cancelled = updated && strcmp(TextDatumGetCString(get_column(&rows, rows.status)),
										   "cancelled") == 0;

		if (is_of(&rows, &user_id))
			add_change(&changes, &rows, cancelled ? "calendar_event.cancelled" : word);
	}
	ExecDropSingleTupleTableSlot(rows.slot);
	write_changes(&user_id, &changes);
	return PointerGetDatum(NULL);
}
