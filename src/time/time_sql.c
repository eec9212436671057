/*
 * time_sql.c - SQL's way into the date reader: read_when(), which parse_when() wraps, and
 * parse_duration().
 *
 * Runs in any backend or worker. Results are copied into the tuplestore of the call; the pure
 * reader allocates nothing. Raises 22023 for an unknown zone, order of dates or an infinite
 * reference.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "time/when.h"
#include "time/zone.h"

PG_FUNCTION_INFO_V1(sched_sql_read_when);
PG_FUNCTION_INFO_V1(sched_sql_parse_duration);

#define BATCH 128
#define COLUMNS 8

static const char *const kinds[] = {"instant", "range", "deadline", "recurring"};
static const char *const grains[] = {"second", "minute", "hour",    "day",
									 "week",   "month",  "quarter", "year"};

/* The order of day, month and year in "03/04/05". */
static SchedDateOrder
read_order(const char *name)
{
	if (pg_strcasecmp(name, "MDY") == 0)
		return SCHED_ORDER_MDY;
	if (pg_strcasecmp(name, "DMY") == 0)
		return SCHED_ORDER_DMY;
	if (pg_strcasecmp(name, "YMD") == 0)
		return SCHED_ORDER_YMD;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown order of dates"),
					errdetail("It is \"%.100s\".", name), errhint("Use DMY, MDY or YMD.")));
}

/* One row of the result. */
static void
put_row(ReturnSetInfo *result, const char *text, const SchedWhen *when, int position)
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(text, when->length));
	values[1] = Int32GetDatum(position);
	values[2] = TimestampTzGetDatum(when->lower);
	values[3] = TimestampTzGetDatum(when->upper);
	values[4] = CStringGetTextDatum(grains[when->granularity]);
	values[5] = CStringGetTextDatum(kinds[when->kind]);
	nulls[6] = when->rrule[0] == '\0';
	values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(when->rrule);
	values[7] = BoolGetDatum(when->ambiguous);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * read_when(phrase, reference, timezone, date_order): parse_when() with nothing left open.
 */
Datum
sched_sql_read_when(PG_FUNCTION_ARGS)
{
	text *phrase = PG_GETARG_TEXT_PP(0);
	const char *rest = VARDATA_ANY(phrase);
	size_t length = VARSIZE_ANY_EXHDR(phrase);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SchedWhenContext context = {.reference = PG_GETARG_TIMESTAMPTZ(1)};
	SchedWhen *found;
	int position = 1;
	int count;

	if (TIMESTAMP_NOT_FINITE(context.reference))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("reference is not a moment in time"), errdetail("It is infinite."),
						errhint("Give the instant from which \"tomorrow\" counts.")));
	sched_time_require_zone(text_to_cstring(PG_GETARG_TEXT_PP(2)), &context.zone);
	context.find_zone = sched_time_find_zone;
	context.date_order = read_order(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	InitMaterializedSRF(fcinfo, 0);
	found = palloc(sizeof(SchedWhen) * BATCH);
	do
	{
		size_t done = 0;
		int i;

		CHECK_FOR_INTERRUPTS();
		count = sched_time_parse_when(rest, length, &context, found, BATCH);
		for (i = 0; i < count; i++)
		{
			position += pg_mbstrlen_with_len(rest + done, (int) (found[i].start - done));
			put_row(result, rest + found[i].start, &found[i], position);
			done = found[i].start;
		}
		if (count == BATCH)
		{
			/* go on behind the last phrase */
			size_t end = found[count - 1].start + found[count - 1].length;

			position += pg_mbstrlen_with_len(rest + done, (int) (end - done));
			rest += end;
			length -= end;
		}
	} while (count == BATCH);
	return (Datum) 0;
}

/*
 * parse_duration(phrase) -> interval: the first duration in the phrase; NULL where there is none.
 */
Datum
sched_sql_parse_duration(PG_FUNCTION_ARGS)
{
	text *phrase = PG_GETARG_TEXT_PP(0);
	SchedDuration found;
	Interval *result;

	if (sched_time_parse_durations(VARDATA_ANY(phrase), VARSIZE_ANY_EXHDR(phrase), &found, 1) == 0)
		PG_RETURN_NULL();
	result = palloc0(sizeof(Interval));
	result->month = found.months;
	result->day = found.days;
	result->time = (found.seconds - (int64) found.days * SECS_PER_DAY) * USECS_PER_SEC;
	PG_RETURN_INTERVAL_P(result);
}
