/*
 * when_calendar.c - days, months and zones: the arithmetic under the date reader.
 *
 * Pure. A day is an int, days since 2000-01-01, so that nothing here can overflow: the reader
 * refuses every day outside of the years 1 to 9999 before a result leaves it.
 */
#include "when_internal.h"

#define EPOCH_SHIFT 730425 /* from 0000-03-01 to 2000-01-01 */
#define RECENT_DAYS 60     /* a named weekday may lie that far back */

/* The number of a day; months outside of 1..12 carry over into the year. */
int
sched_time_day_number(int year, int month, int day)
{
	int era;
	int year_of_era;
	int day_of_year;

	year += (month > 0 ? month - 1 : month - 12) / 12;
	month = ((month - 1) % 12 + 12) % 12 + 1;
	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
		   EPOCH_SHIFT;
}

/* The calendar date of a day. */
void
sched_time_split_day(int number, int *year, int *month, int *day)
{
	int shifted = number + EPOCH_SHIFT;
	int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int day_of_era = shifted - era * 146097;
	int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int part = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * part + 2) / 5 + 1;
	*month = part + (part < 10 ? 3 : -9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

/* 1 Monday .. 7 Sunday; 2000-01-01 was a Saturday. */
int
sched_time_weekday_of(int number)
{
	return ((number + 5) % 7 + 7) % 7 + 1;
}

/* Days of a month. */
int
sched_time_month_length(int year, int month)
{
	return sched_time_day_number(year, month + 1, 1) - sched_time_day_number(year, month, 1);
}

/* Does the calendar have this day? Year 0 stands for an open year: 29 February is fine then. */
bool
sched_time_valid_date(int year, int month, int day)
{
	if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= sched_time_month_length(year == 0 ? 2000 : year, month);
}

/* Is the span within the years that we answer for? */
bool
sched_time_valid_days(int first, int last)
{
	return first >= SCHED_FIRST_DAY && last <= SCHED_LAST_DAY + 1 && first <= last;
}

/* The first day of the month that lies shift months from the given one. */
int
sched_time_month_start(int year, int month, int shift)
{
	return sched_time_day_number(year, month + shift, 1);
}

/* The same day of the month, months later; the last day of a month that is too short. */
int
sched_time_shift_months(int number, int months)
{
	int year;
	int month;
	int day;
	int start;
	int length;

	sched_time_split_day(number, &year, &month, &day);
	start = sched_time_day_number(year, month + months, 1);
	length = sched_time_day_number(year, month + months + 1, 1) - start;
	return start + (day < length ? day : length) - 1;
}

/* The week, month, quarter ... that contains the day, moved by shift of its own length. */
void
sched_time_period(int day, SchedUnit unit, int shift, int *first, int *last)
{
	int year;
	int month;
	int months = 0;
	int dummy;

	sched_time_split_day(day, &year, &month, &dummy);
	switch (unit)
	{
		case UNIT_WEEK:
		case UNIT_FORTNIGHT:
			*first = day - (sched_time_weekday_of(day) - 1) + 7 * shift;
			*last = *first + (unit == UNIT_WEEK ? 7 : 14);
			return;
		case UNIT_MONTH:
			months = 1;
			break;
		case UNIT_QUARTER:
			months = 3;
			month -= (month - 1) % 3;
			break;
		case UNIT_YEAR:
			months = 12;
			month = 1;
			break;
		case UNIT_DECADE:
			months = 120;
			month = 1;
			year -= year % 10;
			break;
		default:
			*first = day + shift;
			*last = *first + 1;
			return;
	}
	*first = sched_time_day_number(year, month + months * shift, 1);
	*last = sched_time_day_number(year, month + months * (shift + 1), 1);
}

/* Easter Sunday, by the anonymous Gregorian computus. */
int
sched_time_easter(int year)
{
	int a = year % 19;
	int b = year / 100;
	int c = year % 100;
	int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
	int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
	int m = (a + 11 * h + 22 * l) / 451;
	int sum = h + l - 7 * m + 114;

	return sched_time_day_number(year, sum / 31, sum % 31 + 1);
}

/* How exact a phrase in this unit is. */
SchedGranularity
sched_time_grain_of(SchedUnit unit)
{
	switch (unit)
	{
		case UNIT_SECOND:
			return SCHED_GRAIN_SECOND;
		case UNIT_MINUTE:
			return SCHED_GRAIN_MINUTE;
		case UNIT_HOUR:
			return SCHED_GRAIN_HOUR;
		case UNIT_DAY:
			return SCHED_GRAIN_DAY;
		case UNIT_WEEK:
		case UNIT_FORTNIGHT:
			return SCHED_GRAIN_WEEK;
		case UNIT_MONTH:
			return SCHED_GRAIN_MONTH;
		case UNIT_QUARTER:
			return SCHED_GRAIN_QUARTER;
		default:
			return SCHED_GRAIN_YEAR;
	}
}

/*
 * The instant of a wall-clock time, seconds after midnight of the day (86400 is the next midnight),
 * in the zone that the text named or else in that of the context.
 */
SchedInstant
sched_time_make_instant(const SchedParser *parser, const SchedTextZone *zone, int day, int seconds)
{
	const SchedZone *used = &parser->context->zone;
	SchedCivil civil;

	day += seconds / SCHED_DAY_SECS;
	seconds %= SCHED_DAY_SECS;
	if (zone->named && zone->fixed)
		return ((SchedInstant) day * SCHED_DAY_SECS + seconds - zone->offset) * SCHED_USECS_PER_SEC;
	if (zone->named)
		used = &zone->zone;
	sched_time_split_day(day, &civil.year, &civil.month, &civil.day);
	civil.hour = seconds / 3600;
	civil.minute = seconds / 60 % 60;
	civil.second = seconds % 60;
	return used->to_instant(used->data, &civil);
}

/* The day, and the second of it, that the reference instant has in a zone of the text. */
int
sched_time_day_in(const SchedParser *parser, const SchedTextZone *zone, int *seconds)
{
	SchedCivil civil = parser->now;

	if (zone->named && zone->fixed)
	{
		int64_t micros = parser->context->reference + (int64_t) zone->offset * SCHED_USECS_PER_SEC;
		int64_t local = micros / SCHED_USECS_PER_SEC - (micros % SCHED_USECS_PER_SEC < 0);
		int64_t day = local / SCHED_DAY_SECS - (local % SCHED_DAY_SECS < 0);

		*seconds = (int) (local - day * SCHED_DAY_SECS);
		return (int) day;
	}
	if (zone->named)
		zone->zone.to_civil(zone->zone.data, parser->context->reference, &civil);
	*seconds = civil.hour * 3600 + civil.minute * 60 + civil.second;
	return sched_time_day_number(civil.year, civil.month, civil.day);
}

/* The next 29 February and the like: the first year from the given one in which the date exists. */
static int
find_year(int year, int month, int day)
{
	int tries = 0;

	while (!sched_time_valid_date(year, month, day) && tries++ < 8)
		year++;
	return year;
}

/*
 * The year of a date that names none: the coming one. Where the clause speaks of the past it is the
 * year that brings the date nearest before today.
 */
static int
choose_year(const SchedParser *parser, const SchedDate *date, int base)
{
	int year;
	int month;
	int day;
	int candidate;
	int number;

	sched_time_split_day(base, &year, &month, &day);
	candidate = find_year(year, date->month, date->day);
	number = sched_time_day_number(candidate, date->month, date->day);
	/* just past, but the weekday is right: "Mon 3 June" on the Wednesday after it */
	if (date->weekday != 0 && number < base && number > base - RECENT_DAYS &&
		sched_time_weekday_of(number) == date->weekday)
		return candidate;
	if (parser->past && base == parser->today)
	{
		if (sched_time_day_number(year, date->month, date->day) > base)
			year--;
		return year;
	}
	if (sched_time_day_number(candidate, date->month, date->day) < base)
		candidate = find_year(candidate + 1, date->month, date->day);
	return candidate;
}

/* The month of a date that names no year: this one or the next to come. */
static void
resolve_month(const SchedParser *parser, const SchedDate *date, int base, int *first, int *last)
{
	int year;
	int month;
	int day;

	sched_time_split_day(base, &year, &month, &day);
	if (date->year != 0)
		year = date->year;
	else if (parser->past && base == parser->today)
		year -= date->month > month;
	else
		year += date->month < month;
	*first = sched_time_day_number(year, date->month, 1);
	*last = sched_time_day_number(year, date->month + 1, 1);
}

/* "The 15th": of this month or of the next one that has such a day. */
static int
resolve_day_of_month(const SchedDate *date, int base)
{
	int year;
	int month;
	int day;
	int shift = 0;
	int fallback = 0; /* the day where none falls on the weekday */

	sched_time_split_day(base, &year, &month, &day);
	if (date->day < day)
		shift = 1;
	while (shift < 15)
	{
		int start = sched_time_day_number(year, month + shift, 1);
		int number = start + date->day - 1;

		if (number < sched_time_day_number(year, month + shift + 1, 1))
		{
			if (fallback == 0)
				fallback = number;
			if (date->weekday == 0 || sched_time_weekday_of(number) == date->weekday)
				return number;
		}
		shift++;
	}
	return fallback != 0 ? fallback : base;
}

/*
 * Makes days of a date, counting from base: today, or the first day of a range whose second end
 * this is. False where the calendar has no such day.
 */
bool
sched_time_resolve_date(const SchedParser *parser, const SchedDate *date, int base, int *first,
						int *last)
{
	int year = date->year;

	switch (date->form)
	{
		case DATE_SPAN:
			*first = date->first;
			*last = date->last;
			break;
		case DATE_WEEKDAY:
			*first = base + (date->weekday - sched_time_weekday_of(base) + 7) % 7;
			*last = *first + 1;
			break;
		case DATE_MONTH_DAY:
			if (year == 0)
				year = choose_year(parser, date, base);
			if (!sched_time_valid_date(year, date->month, date->day))
				return false;
			*first = sched_time_day_number(year, date->month, date->day);
			*last = *first + 1;
			break;
		case DATE_DAY:
			*first = resolve_day_of_month(date, base);
			*last = *first + 1;
			break;
		case DATE_MONTH:
			resolve_month(parser, date, base, first, last);
			break;
		default:
			return false;
	}
	return sched_time_valid_days(*first, *last);
}
