/*
 * instant_sql.c - instants as models write them, and as we write them.
 *
 * Runs in backends and workers. What is no instant is NULL, never an error; only a zone that the
 * server does not know throws.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "llm/instant.h"

PG_FUNCTION_INFO_V1(sched_sql_parse_instant);
PG_FUNCTION_INFO_V1(sched_sql_format_instant);

/* What is left to read. */
typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly so many digits. */
static bool
read_number(Reader *reader, int digits, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++)
	{
		if (reader->at >= reader->end || !is_digit(*reader->at))
			return false;
		*number = *number * 10 + (*reader->at++ - '0');
	}
	return true;
}

/* One of these characters. */
static bool
read_one(Reader *reader, const char *these)
{
	if (reader->at >= reader->end || *reader->at == '\0' || strchr(these, *reader->at) == NULL)
		return false;
	reader->at++;
	return true;
}

/* Fractions of a second are read over: nobody plans by them. */
static bool
read_fraction(Reader *reader)
{
	if (!read_one(reader, ".,"))
		return true;
	if (reader->at >= reader->end || !is_digit(*reader->at))
		return false;
	while (reader->at < reader->end && is_digit(*reader->at))
		reader->at++;
	return true;
}

/* T hh:mm, :ss and a fraction where they stand. */
static bool
read_clock(Reader *reader, int *hour, int *minute, int *second)
{
	if (!read_number(reader, 2, hour) || !read_one(reader, ":") || !read_number(reader, 2, minute))
		return false;
	if (read_one(reader, ":") && !(read_number(reader, 2, second) && read_fraction(reader)))
		return false;
	while (read_one(reader, " \t\n\r\f\v"))
		;
	return true;
}

/* Z, +hh:mm or +hhmm in minutes east; *given false where the text ends before it. */
static bool
read_offset(Reader *reader, bool *given, int *minutes)
{
	int hours;
	bool west;

	*given = reader->at < reader->end;
	*minutes = 0;
	if (!*given || read_one(reader, "Zz"))
		return true;
	west = *reader->at == '-';
	if (!read_one(reader, "+-") || !read_number(reader, 2, &hours))
		return false;
	read_one(reader, ":");
	if (!read_number(reader, 2, minutes))
		return false;
	*minutes += hours * 60;
	if (west)
		*minutes = -*minutes;
	return true;
}

/* A day that is in the calendar, a time that is on the clock. */
static bool
is_sane(int year, int month, int day, int hour, int minute, int second)
{
	return year >= 1970 && year <= 2200 && month >= 1 && month <= 12 && day >= 1 &&
		   day <= day_tab[isleap(year)][month - 1] && hour <= 23 && minute <= 59 && second <= 59;
}

bool
sched_llm_read_instant(const char *value, int length, Datum zone, TimestampTz *instant)
{
	Reader reader = {value, value + length};
	int year, month, day;
	int hour = 23;
	int minute = 59;
	int second = 0;
	int east = 0;
	bool given = false;
	Timestamp wall;

	while (reader.at < reader.end && *reader.at == ' ')
		reader.at++;
	while (reader.at < reader.end && reader.end[-1] == ' ')
		reader.end--;
	if (!read_number(&reader, 4, &year) || !read_one(&reader, "-") ||
		!read_number(&reader, 2, &month) || !read_one(&reader, "-") ||
		!read_number(&reader, 2, &day))
		return false;
	if (read_one(&reader, "Tt ") &&
		!(read_clock(&reader, &hour, &minute, &second) && read_offset(&reader, &given, &east)))
		return false;
	if (reader.at < reader.end || !is_sane(year, month, day, hour, minute, second))
		return false;
	wall = (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
		   ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (given)
		*instant = wall - east * USECS_PER_MINUTE;
	else
		*instant =
			DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, TimestampGetDatum(wall)));
	return true;
}

char *
sched_llm_print_instant(TimestampTz instant, Datum zone)
{
	Timestamp wall;
	int offset;
	struct pg_tm tm;
	fsec_t fraction;

	if (TIMESTAMP_NOT_FINITE(instant))
		return NULL;
	wall = DatumGetTimestamp(
		DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(instant)));
	offset = (int) ((wall - instant) / USECS_PER_SEC);
	if (timestamp2tm(wall, NULL, &tm, &fraction, NULL, NULL) != 0)
		return NULL;
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, offset < 0 ? '-' : '+', abs(offset) / 3600,
					abs(offset) % 3600 / 60);
}

/* parse_instant(value, timezone) -> timestamptz */
Datum
sched_sql_parse_instant(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	TimestampTz instant;

	if (!sched_llm_read_instant(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), PG_GETARG_DATUM(1),
								&instant))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(instant);
}

/* format_instant(instant, timezone) -> text: 2026-07-17T23:59:00+08:00 */
Datum
sched_sql_format_instant(PG_FUNCTION_ARGS)
{
	char *words = sched_llm_print_instant(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_DATUM(1));

	if (words == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(words));
}
