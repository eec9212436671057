/*
 * offers.c - free times for tasks that miss their deadlines, as the alternatives of a conflict.
 *
 * Runs in any backend or worker, inside SPI; nothing is written here. All tasks of a call share one reading of
 * the calendar, which spans every window that is looked at. Memory is SPI's and goes with the call. Throws what SPI throws,
 * 22023 for bad arrays.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "planner/plan_sql.h"

PG_FUNCTION_INFO_V1(sched_sql_find_offers);

#define OFFERS_OF_A_KIND 2
#define BEFORE_DAYS 90
#define AFTER_DAYS 14

/* A task that looks for a time, and where. */
typedef struct Wish
{
	int64 length;
	SchedHours hours;
	SchedSpan before; /* its deadline; no length where there is no time left */
	SchedSpan after;
} Wish;

/* Alternatives as they are written. */
typedef struct Offers
{
	JsonbParseState *state;
	int count;
} Offers;

static void
push_key(Offers *offers, const char *key)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	pushJsonbValue(&offers->state, WJB_KEY, &value);
}

static void
push_text(Offers *offers, const char *key, const char *text)
{
	JsonbValue value = {.type = jbvString};

	push_key(offers, key);
	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	pushJsonbValue(&offers->state, WJB_VALUE, &value);
}

static void
push_number(Offers *offers, const char *key, Datum number)
{
	JsonbValue value = {.type = jbvNumeric};

	push_key(offers, key);
	value.val.numeric = DatumGetNumeric(number);
	pushJsonbValue(&offers->state, WJB_VALUE, &value);
}

/* As to_jsonb() writes it. */
static void
push_moment(Offers *offers, const char *key, SchedMoment moment)
{
	char text[MAXDATELEN + 1];

	JsonEncodeDateTime(text, TimestampTzGetDatum(moment), TIMESTAMPTZOID, NULL);
	push_text(offers, key, text);
}

/* What it costs is minus its score, and no other block has to move for it. */
static void
push_offer(Offers *offers, const SchedSlot *slot, int64 length, const char *reason)
{
	Datum cost = DirectFunctionCall1(float8_numeric, Float8GetDatum(-slot->score));

	pushJsonbValue(&offers->state, WJB_BEGIN_OBJECT, NULL);
	push_number(offers, "n", NumericGetDatum(int64_to_numeric(++offers->count)));
	push_moment(offers, "starts_at", slot->start);
	push_moment(offers, "ends_at", slot->start + length);
	push_number(offers, "moves", NumericGetDatum(int64_to_numeric(0)));
	push_number(offers, "cost", DirectFunctionCall2(numeric_round, cost, Int32GetDatum(3)));
	push_text(offers, "reason", reason);
	pushJsonbValue(&offers->state, WJB_END_OBJECT, NULL);
}

/* The best free times of a window. */
static void
offer_times(Offers *offers, const SchedLoad *load, const Wish *wish, SchedSpan window,
			SchedHours hours, const char *reason)
{
	SchedPlanTask task = {.earliest = PG_INT64_MIN,
						  .deadline = SCHED_NEVER,
						  .priority = 5,
						  .length = wish->length,
						  .hours = hours};
	SchedPlanInput input = load->input;
	SchedSlot slots[OFFERS_OF_A_KIND];
	int count;

	if (window.end - window.start < wish->length)
		return;
	input.window = window;
	/* A time is offered, not planned: the limit of a day binds tasks only. */
	input.max_day_load = 0;
	count = sched_planner_find_slots(&input, &task, SCHED_GRID, slots, OFFERS_OF_A_KIND);
	if (count < 0)
		sched_planner_fail_memory();
	for (int i = 0; i < count; i++)
		push_offer(offers, &slots[i], wish->length, reason);
}

/* Other hours before the deadline, or its hours after it; other hours after it only where there is nothing else. */
static Datum
offer_for_task(const SchedLoad *load, const Wish *wish)
{
	Offers offers = {0};

	pushJsonbValue(&offers.state, WJB_BEGIN_ARRAY, NULL);
	offer_times(&offers, load, wish, wish->before, SCHED_HOURS_ANY,
				"before the deadline, outside your hours");
	offer_times(&offers, load, wish, wish->after, wish->hours, "after the deadline");
	if (offers.count == 0)
		offer_times(&offers, load, wish, wish->after, SCHED_HOURS_ANY,
					"after the deadline, outside your hours");
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&offers.state, WJB_END_ARRAY, NULL)));
}

/* NULL where an array has none. */
static int
take_array(FunctionCallInfo fcinfo, int n, Oid type, int length, char align, Datum **elements,
		   bool **nulls)
{
	int count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), type, length, true, align, elements, nulls, &count);
	return count;
}

/* The tasks of the arguments; *count of them. */
static Wish *
take_wishes(FunctionCallInfo fcinfo, TimestampTz now, int *count)
{
	Datum *earliest;
	Datum *deadlines;
	Datum *minutes;
	Datum *work;
	bool *no_earliest;
	bool *no_deadline;
	bool *nulls;
	Wish *wishes;

	*count = take_array(fcinfo, 1, TIMESTAMPTZOID, 8, TYPALIGN_DOUBLE, &earliest, &no_earliest);
	if (take_array(fcinfo, 2, TIMESTAMPTZOID, 8, TYPALIGN_DOUBLE, &deadlines, &no_deadline) !=
			*count ||
		take_array(fcinfo, 3, INT4OID, 4, TYPALIGN_INT, &minutes, &nulls) != *count ||
		take_array(fcinfo, 4, BOOLOID, 1, TYPALIGN_CHAR, &work, &nulls) != *count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the arrays of tasks differ in length")));
	wishes = palloc((*count + 1) * sizeof(Wish));
	for (int i = 0; i < *count; i++)
	{
		TimestampTz starts = no_earliest[i] ? now : Max(DatumGetTimestampTz(earliest[i]), now);
		TimestampTz latest = starts + BEFORE_DAYS * USECS_PER_DAY;
		TimestampTz deadline = no_deadline[i] ? now : DatumGetTimestampTz(deadlines[i]);

		wishes[i].length = Max(DatumGetInt32(minutes[i]), 1) * SCHED_MINUTE;
		wishes[i].hours = DatumGetBool(work[i]) ? SCHED_HOURS_WORK : SCHED_HOURS_PERSONAL;
		wishes[i].before.start = starts;
		wishes[i].before.end = no_deadline[i] ? latest : Max(Min(deadline, latest), starts);
		wishes[i].after.start = Max(deadline, now);
		wishes[i].after.end = wishes[i].after.start + AFTER_DAYS * USECS_PER_DAY;
	}
	return wishes;
}

/* find_offers(user_id, earliest, deadlines, minutes, work) -> setof jsonb: the alternatives of each task */
Datum
sched_sql_find_offers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	SchedLoadRequest request;
	SchedCalendar calendar;
	SchedLoad load;
	Wish *wishes;
	int count;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	wishes = take_wishes(fcinfo, now, &count);
	sched_planner_begin_load(&request, PG_GETARG_DATUM(0), TimestampTzGetDatum(now),
							 TimestampTzGetDatum(now));
	for (int i = 0; i < count; i++)
		request.until = Max(request.until, Max(wishes[i].before.end, wishes[i].after.end));
	if (count > 0)
	{
		sched_planner_read_calendar(&request, &calendar);
		sched_planner_load(&request, &calendar, &load);
	}
	for (int i = 0; i < count; i++)
	{
		Datum value = offer_for_task(&load, &wishes[i]);
		bool is_null = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value, &is_null);
	}
	SPI_finish();
	return (Datum) 0;
}
