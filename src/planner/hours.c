/*
 * hours.c - the hours of a user's days: of the week, of single days, in his zone.
 *
 * Runs in any backend or worker inside SPI. One statement reads settings, week and single days;
 * the days themselves are put together here, because every placement asks for two weeks of them.
 * Wall-clock times become instants by the server's own AT TIME ZONE; on a day of 24 hours by
 * adding. Throws what SPI throws.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "planner/hours.h"

PG_FUNCTION_INFO_V1(sched_sql_open_hours);

/* The waking day, for alternatives only. */
#define WAKE_AT (6 * USECS_PER_HOUR)
#define SLEEP_AT (22 * USECS_PER_HOUR)

/* Hours as they are stored; of a weekday (1 is Monday), or of one day. */
typedef struct Rule
{
	SchedHours kind;
	bool of_day;
	bool off;
	int32 day; /* weekday, or days since 2000-01-01 */
	TimeADT starts;
	TimeADT ends;
} Rule;

/* What one load works with. */
typedef struct Loader
{
	Datum zone;
	Rule *rules;
	int rule_count;
	int32 first_day;
	SchedUserHours *result;
	int capacity;
} Loader;

/*
 * The first row is the user's. ORDER BY: hours of one day come in their order. A day in his zone is
 * within two days of the same date in UTC.
 */
static const char query[] =
	"SELECT 0, u.timezone, (u.preferences ->> 'buffer_minutes')::bigint,"
	" (u.preferences ->> 'min_notice_minutes')::bigint,"
	" (u.preferences ->> 'max_minutes_per_day')::bigint,"
	" EXISTS (SELECT FROM scheduler.protected_time AS p WHERE p.user_id = $1),"
	" NULL::time AS starts, NULL::time, NULL::integer"
	" FROM scheduler.users AS u WHERE u.user_id = $1"
	" UNION ALL SELECT 1, a.kind, NULL, NULL, NULL, false, a.starts, a.ends, a.weekday"
	" FROM scheduler.availability AS a WHERE a.user_id = $1"
	" UNION ALL SELECT 2, o.kind, NULL, NULL, NULL, o.is_off, o.starts, o.ends,"
	" o.day - date '2000-01-01' FROM scheduler.availability_overrides AS o"
	" WHERE o.user_id = $1 AND o.day >= ($2 AT TIME ZONE 'UTC')::date - 2"
	" AND o.day <= ($3 AT TIME ZONE 'UTC')::date + 2"
	" ORDER BY 1, starts";

/* The row's columns from 1 on; NULL gives 0. */
static int64
get_number(uint64 row, int column)
{
	bool is_null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

/* A text column that is never NULL. */
static text *
get_text(uint64 row, int column)
{
	bool is_null;

	return DatumGetTextPP(
		SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null));
}

/* Rows behind the first as rules. */
static void
read_rules(Loader *loader)
{
	loader->rule_count = (int) SPI_processed - 1;
	loader->rules = palloc((loader->rule_count + 1) * sizeof(Rule));
	for (int i = 0; i < loader->rule_count; i++)
	{
		Rule *rule = &loader->rules[i];
		text *kind = get_text(i + 1, 2);

		rule->of_day = DatumGetInt32(get_number(i + 1, 1)) == 2;
		rule->kind = VARSIZE_ANY_EXHDR(kind) == 4 ? SCHED_HOURS_WORK : SCHED_HOURS_PERSONAL;
		rule->off = DatumGetBool(get_number(i + 1, 6));
		rule->starts = get_number(i + 1, 7);
		rule->ends = get_number(i + 1, 8);
		rule->day = DatumGetInt32(get_number(i + 1, 9));
	}
}

/* AT TIME ZONE, from the wall clock to the instant. */
static SchedMoment
find_instant(const Loader *loader, int32 day, TimeADT at)
{
	Timestamp wall = day * USECS_PER_DAY + at;

	return DatumGetTimestampTz(
		DirectFunctionCall2(timestamp_zone, loader->zone, TimestampGetDatum(wall)));
}

/* The local day of an instant, in days since 2000-01-01. */
static int32
find_day(const Loader *loader, TimestampTz instant)
{
	Timestamp wall = DatumGetTimestamp(
		DirectFunctionCall2(timestamptz_zone, loader->zone, TimestampTzGetDatum(instant)));
	int64 day = wall / USECS_PER_DAY;

	return (int32) (wall % USECS_PER_DAY < 0 ? day - 1 : day);
}

/* Hours of the n-th day; nothing happens to the clock on a day of 24 hours. */
static void
add_hours(Loader *loader, int n, SchedHours kind, TimeADT starts, TimeADT ends)
{
	SchedUserHours *result = loader->result;
	SchedMoment midnight = result->days[n];
	SchedOpenHours *hours;

	if (result->hour_count == loader->capacity)
	{
		loader->capacity *= 2;
		result->hours = repalloc(result->hours, loader->capacity * sizeof(SchedOpenHours));
	}
	hours = &result->hours[result->hour_count++];
	hours->kind = kind;
	if (result->days[n + 1] - midnight == USECS_PER_DAY)
		hours->span = (SchedSpan){midnight + starts, midnight + ends};
	else
		hours->span = (SchedSpan){find_instant(loader, loader->first_day + n, starts),
								  find_instant(loader, loader->first_day + n, ends)};
}

/* The hours of one kind on the n-th day: its own where there are any, else those of its weekday. */
static void
add_day(Loader *loader, int n, SchedHours kind)
{
	int32 day = loader->first_day + n;
	/* 2000-01-01 was a Saturday. */
	int32 weekday = ((day + 5) % 7 + 7) % 7 + 1;
	bool own = false;

	for (int i = 0; i < loader->rule_count; i++)
		own |=
			loader->rules[i].of_day && loader->rules[i].kind == kind && loader->rules[i].day == day;
	for (int i = 0; i < loader->rule_count; i++)
	{
		const Rule *rule = &loader->rules[i];

		if (rule->kind == kind && rule->of_day == own && !rule->off &&
			rule->day == (own ? day : weekday))
			add_hours(loader, n, kind, rule->starts, rule->ends);
	}
}

/* All days, kind by kind. */
static void
add_days(Loader *loader)
{
	SchedUserHours *result = loader->result;

	for (int n = 0; n < result->day_count; n++)
		add_hours(loader, n, SCHED_HOURS_ANY, WAKE_AT, SLEEP_AT);
	for (int n = 0; n < result->day_count; n++)
		add_day(loader, n, SCHED_HOURS_PERSONAL);
	for (int n = 0; n < result->day_count; n++)
		add_day(loader, n, SCHED_HOURS_WORK);
}

/* The saved plan is the process's; what it read is copied before another statement runs. */
static void
run_query(const pg_uuid_t *user_id, TimestampTz from, TimestampTz until)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum values[] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(from),
					  TimestampTzGetDatum(until)};

	if (plan == NULL)
	{
		SPIPlanPtr made = SPI_prepare_cursor(query, 3, types, CURSOR_OPT_GENERIC_PLAN);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare a query of the planner: %s",
				 SPI_result_code_string(SPI_result));
		plan = made;
	}
	if (SPI_execute_plan(plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a query of the planner failed");
}

bool
sched_planner_load_hours(const pg_uuid_t *user_id, TimestampTz from, TimestampTz until,
						 SchedUserHours *hours)
{
	Loader loader = {.result = hours, .capacity = 64};

	memset(hours, 0, sizeof(SchedUserHours));
	run_query(user_id, from, until);
	if (SPI_processed == 0 || DatumGetInt32(get_number(0, 1)) != 0)
		return false;
	loader.zone = PointerGetDatum(get_text(0, 2));
	hours->buffer = get_number(0, 3) * SCHED_MINUTE;
	hours->notice = get_number(0, 4) * SCHED_MINUTE;
	hours->max_day_load = get_number(0, 5) * SCHED_MINUTE;
	hours->has_protected = DatumGetBool(get_number(0, 6));
	read_rules(&loader);
	loader.first_day = find_day(&loader, from);
	hours->day_count = Max(find_day(&loader, until) - loader.first_day, 0) + 1;
	hours->days = palloc((hours->day_count + 1) * sizeof(SchedMoment));
	for (int n = 0; n <= hours->day_count; n++)
		hours->days[n] = find_instant(&loader, loader.first_day + n, 0);
	hours->hours = palloc(loader.capacity * sizeof(SchedOpenHours));
	add_days(&loader);
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* open_hours(user_id, from_time, to_time) -> setof (kind, starts_at, ends_at) */
Datum
sched_sql_open_hours(PG_FUNCTION_ARGS)
{
	static const char *const words[SCHED_HOURS_COUNT] = {"work", "personal", "any"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SchedUserHours hours;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	sched_planner_load_hours(DatumGetUUIDP(PG_GETARG_DATUM(0)), PG_GETARG_TIMESTAMPTZ(1),
							 PG_GETARG_TIMESTAMPTZ(2), &hours);
	for (int i = 0; i < hours.hour_count; i++)
	{
		Datum values[3] = {CStringGetTextDatum(words[hours.hours[i].kind]),
						   TimestampTzGetDatum(hours.hours[i].span.start),
						   TimestampTzGetDatum(hours.hours[i].span.end)};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
