/*
 * zone.c - the server's time-zone data behind the callbacks of when.h.
 *
 * Runs in any backend or worker. The server caches every zone it has loaded for the life of the
 * process, so a SchedZone owns nothing. The callbacks throw nothing; sched_time_require_zone()
 * raises 22023.
 */
#include "postgres.h"

#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "time/zone.h"

#define EPOCH_SHIFT_SECS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Seconds since 1970 of an instant, rounded down. */
static pg_time_t
unix_seconds(SchedInstant instant)
{
	SchedInstant seconds = instant / USECS_PER_SEC - (instant % USECS_PER_SEC < 0);

	return (pg_time_t) (seconds + EPOCH_SHIFT_SECS);
}

/* The wall-clock reading of an instant. */
static void
read_civil(void *data, SchedInstant instant, SchedCivil *civil)
{
	pg_time_t seconds = unix_seconds(instant);
	struct pg_tm *tm = pg_localtime(&seconds, (pg_tz *) data);

	memset(civil, 0, sizeof(*civil));
	if (tm == NULL)
		return;
	civil->year = tm->tm_year + 1900;
	civil->month = tm->tm_mon + 1;
	civil->day = tm->tm_mday;
	civil->hour = tm->tm_hour;
	civil->minute = tm->tm_min;
	civil->second = tm->tm_sec;
}

/* Seconds east of UTC at an instant. */
static long
offset_at(pg_tz *zone, SchedInstant instant)
{
	pg_time_t seconds = unix_seconds(instant);
	struct pg_tm *tm = pg_localtime(&seconds, zone);

	return tm != NULL ? tm->tm_gmtoff : 0;
}

/*
 * The instant of a wall-clock reading. The server takes the offset before a gap, as we want, but
 * the second of two occurrences; the first one lies at the offset that was in force a day before.
 */
static SchedInstant
make_instant(void *data, const SchedCivil *civil)
{
	struct pg_tm tm = {0};
	SchedInstant local;
	SchedInstant second;
	SchedInstant first;
	long before;

	tm.tm_year = civil->year;
	tm.tm_mon = civil->month;
	tm.tm_mday = civil->day;
	tm.tm_hour = civil->hour;
	tm.tm_min = civil->minute;
	tm.tm_sec = civil->second;
	local = (SchedInstant) (date2j(civil->year, civil->month, civil->day) - POSTGRES_EPOCH_JDATE) *
			SECS_PER_DAY;
	local += civil->hour * SECS_PER_HOUR + civil->minute * SECS_PER_MINUTE + civil->second;
	second = (local + DetermineTimeZoneOffset(&tm, (pg_tz *) data)) * USECS_PER_SEC;
	before = offset_at((pg_tz *) data, second - USECS_PER_DAY);
	first = (local - before) * USECS_PER_SEC;
	if (first < second && offset_at((pg_tz *) data, first) == before)
		return first;
	return second;
}

bool
sched_time_find_zone(const char *name, SchedZone *zone)
{
	pg_tz *found;

	if (strlen(name) >= TZ_STRLEN_MAX)
		return false;
	/* a POSIX string ("CET-1") is no place; names with a sign have a slash ("Etc/GMT+5") */
	if (strchr(name, '/') == NULL && strpbrk(name, "0123456789+-,<:") != NULL)
		return false;
	if (strpbrk(name, ",<:") != NULL)
		return false;
	found = pg_tzset(name);
	if (found == NULL || !pg_tz_acceptable(found))
		return false;
	zone->data = found;
	zone->to_instant = make_instant;
	zone->to_civil = read_civil;
	return true;
}

void
sched_time_require_zone(const char *name, SchedZone *zone)
{
	if (!sched_time_find_zone(name, zone))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown time zone"),
						errdetail("The name is \"%.100s\".", name),
						errhint("Use an IANA name such as Europe/Berlin; see pg_timezone_names.")));
}
