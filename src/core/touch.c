/*
 * touch.c - the trigger that keeps updated_at.
 *
 * Runs in any backend, for each row that an UPDATE writes: in C, because a procedural language takes ten times as long
 * for the one assignment. The new tuple belongs to the executor's memory for the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sched_sql_touch_updated_at);

/* touch_updated_at(): BEFORE UPDATE FOR EACH ROW */
Datum
sched_sql_touch_updated_at(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc desc;
	int column;
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool is_null = false;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		elog(ERROR, "touch_updated_at() is a trigger before the update of a row");
	desc = RelationGetDescr(trigger->tg_relation);
	column = SPI_fnumber(desc, "updated_at");
	if (column <= 0)
		elog(ERROR, "touch_updated_at() needs a column updated_at");
	return PointerGetDatum(
		heap_modify_tuple_by_cols(trigger->tg_newtuple, desc, 1, &column, &now, &is_null));
}
