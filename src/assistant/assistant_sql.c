/*
 * assistant_sql.c - split_text(): SQL's way into the splitter.
 *
 * Runs in any backend or worker. Results are copied into the tuplestore of the call; the splitter
 * allocates nothing. Raises 22023 for an unknown zone or a text of unreasonable length.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "assistant/split.h"
#include "time/zone.h"

PG_FUNCTION_INFO_V1(sched_sql_split_text);

#define MAX_ITEMS 50
#define MAX_BYTES 20000
#define COLUMNS 10

/* One row of the result. */
static void
put_item(ReturnSetInfo *result, const char *text, const SchedItem *item)
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(text + item->start, item->length));
	values[1] = CStringGetTextDatum(item->description);
	nulls[2] = !item->has_start;
	values[2] = TimestampTzGetDatum(item->start_at);
	nulls[3] = !item->has_earliest;
	values[3] = TimestampTzGetDatum(item->earliest);
	nulls[4] = !item->has_deadline;
	values[4] = TimestampTzGetDatum(item->deadline);
	nulls[5] = item->minutes == 0;
	values[5] = Int32GetDatum(item->minutes);
	values[6] = Int32GetDatum(item->priority);
	values[7] = CStringGetTextDatum(item->category);
	nulls[8] = item->rrule[0] == '\0';
	values[8] = nulls[8] ? (Datum) 0 : CStringGetTextDatum(item->rrule);
	values[9] = BoolGetDatum(item->ambiguous);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* split_text(phrase, reference, timezone, date_order): the things to do in a typed text. */
Datum
sched_sql_split_text(PG_FUNCTION_ARGS)
{
	text *phrase = PG_GETARG_TEXT_PP(0);
	const char *typed = VARDATA_ANY(phrase);
	int length = VARSIZE_ANY_EXHDR(phrase);
	char *order = text_to_cstring(PG_GETARG_TEXT_PP(3));
	SchedWhenContext context = {.reference = PG_GETARG_TIMESTAMPTZ(1)};
	SchedItem *items;
	int count;
	int i;

	if (length > MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("text is too long to schedule"),
				 errdetail("It has %d bytes, at most %d are read.", length, MAX_BYTES),
				 errhint("Give one message at a time.")));
	sched_time_require_zone(text_to_cstring(PG_GETARG_TEXT_PP(2)), &context.zone);
	context.find_zone = sched_time_find_zone;
	context.date_order = pg_strcasecmp(order, "DMY") == 0   ? SCHED_ORDER_DMY
						 : pg_strcasecmp(order, "YMD") == 0 ? SCHED_ORDER_YMD
															: SCHED_ORDER_MDY;
	InitMaterializedSRF(fcinfo, 0);
	items = palloc(sizeof(SchedItem) * MAX_ITEMS);
	count = sched_assistant_split(typed, (size_t) length, &context, items, MAX_ITEMS);
	for (i = 0; i < count; i++)
		put_item((ReturnSetInfo *) fcinfo->resultinfo, typed, &items[i]);
	return (Datum) 0;
}
