/*
 * when.h - dates, times, spans and durations in English text.
 *
 * Pure: no server, no clock, no global state. The reference instant and the zone come in as
 * arguments; a zone is a pair of callbacks, so that the server's own time-zone data decide inside
 * PostgreSQL and a unit test can bring its own. Results are written into arrays of the caller;
 * nothing is allocated, nothing throws.
 */
#ifndef SCHED_TIME_WHEN_H
#define SCHED_TIME_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds since 2000-01-01 00:00 UTC: the value of a TimestampTz. */
typedef int64_t SchedInstant;

#define SCHED_USECS_PER_SEC INT64_C(1000000)

/*
 * A wall-clock reading in some zone: proleptic Gregorian calendar, month 1-12, day 1-31, hour 0-23.
 */
typedef struct SchedCivil
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
} SchedCivil;

/*
 * A time zone. A wall time that daylight saving skips takes the offset before the gap; one that
 * occurs twice is the first (RFC 5545 section 3.3.5).
 */
typedef struct SchedZone
{
	void *data;
	SchedInstant (*to_instant)(void *data, const SchedCivil *civil);
	void (*to_civil)(void *data, SchedInstant instant, SchedCivil *civil);
} SchedZone;

typedef enum SchedWhenKind
{
	SCHED_WHEN_INSTANT,
	SCHED_WHEN_RANGE,
	SCHED_WHEN_DEADLINE,
	SCHED_WHEN_RECURRING
} SchedWhenKind;

typedef enum SchedGranularity
{
	SCHED_GRAIN_SECOND,
	SCHED_GRAIN_MINUTE,
	SCHED_GRAIN_HOUR,
	SCHED_GRAIN_DAY,
	SCHED_GRAIN_WEEK,
	SCHED_GRAIN_MONTH,
	SCHED_GRAIN_QUARTER,
	SCHED_GRAIN_YEAR
} SchedGranularity;

typedef enum SchedDateOrder
{
	SCHED_ORDER_MDY,
	SCHED_ORDER_DMY,
	SCHED_ORDER_YMD
} SchedDateOrder;

typedef struct SchedWhenContext
{
	SchedInstant reference; /* what "tomorrow" starts from */
	SchedZone zone;         /* where "tomorrow" is meant */
	/*
	 * A named zone of the text ("14:00 Europe/Paris"); false where the name is unknown. May be
	 * NULL.
	 */
	bool (*find_zone)(const char *name, SchedZone *zone);
	SchedDateOrder date_order;
} SchedWhenContext;

/* One phrase found in a text. */
typedef struct SchedWhen
{
	size_t start;  /* first byte of the phrase in the text */
	size_t length; /* its bytes */
	SchedWhenKind kind;
	SchedGranularity granularity;
	SchedInstant lower; /* [lower, upper): an instant of granularity day is the whole local day */
	SchedInstant upper; /* a deadline ends here: the moment by which */
	bool ambiguous;     /* another reading is as likely (03/04, "at 3") */
	bool has_date;      /* the phrase itself named a day ("Friday"), not only a time ("at 3 pm") */
	bool has_time;      /* the phrase itself named a clock time */
	char rrule[160];    /* RFC 5545 RRULE for kind RECURRING, else "" */
	bool part_of_day;   /* "Friday morning": some time inside of it, not all of it */
} SchedWhen;

/*
 * Finds up to max phrases in text (UTF-8, length bytes), in order of position, not overlapping.
 * Returns how many it wrote. Bounded time: linear in length for any bytes whatsoever.
 */
extern int sched_time_parse_when(const char *text, size_t length, const SchedWhenContext *context,
								 SchedWhen *found, int max);

/*
 * The words in lower case of which every phrase has one, or else a number: a text with neither
 * holds no phrase. *place is 0 before the first; NULL behind the last.
 */
extern const char *sched_time_next_word(int *place);

/* One duration phrase ("two hours", "1h30", "90 min", "half a day"). */
typedef struct SchedDuration
{
	size_t start;
	size_t length;
	int64_t
		seconds; /* 0 < seconds; a day is 24 h, a week 7 days: for planning, not for calendars */
	int months;  /* calendar months and years, where the phrase speaks of them */
	int days;    /* whole calendar days among the seconds: "2 weeks" has 14, "36 hours" none */
} SchedDuration;

/* Finds up to max durations in text, in order of position; returns how many it wrote. */
extern int sched_time_parse_durations(const char *text, size_t length, SchedDuration *found,
									  int max);

#endif
