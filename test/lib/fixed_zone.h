/*
 * fixed_zone.h - a zone for tests without a server: a fixed offset, by counting (H. Hinnant's algorithms).
 *
 * Its data is an int: the seconds that it lies east of Greenwich.
 */
#ifndef TEST_LIB_FIXED_ZONE_H
#define TEST_LIB_FIXED_ZONE_H

#include <stdint.h>

#include "time/when.h"

/* The instant that a clock of the zone shows. */
static inline SchedInstant
fixed_to_instant(void *data, const SchedCivil *civil)
{
	int64_t year = (int64_t) civil->year - (civil->month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (civil->month + (civil->month > 2 ? -3 : 9)) + 2) / 5 + civil->day - 1;
	int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 730425;

	return (days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second -
			*(const int *) data) *
		   SCHED_USECS_PER_SEC;
}

/* What a clock of the zone shows. */
static inline void
fixed_to_civil(void *data, SchedInstant instant, SchedCivil *civil)
{
	int64_t seconds =
		instant / SCHED_USECS_PER_SEC - (instant % SCHED_USECS_PER_SEC < 0) + *(const int *) data;
	int64_t day = seconds / 86400 - (seconds % 86400 < 0);
	int64_t rest = seconds - day * 86400;
	int64_t shifted = day + 730425;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	civil->day = (int) (of_year - (153 * month + 2) / 5 + 1);
	civil->month = (int) (month < 10 ? month + 3 : month - 9);
	civil->year = (int) (year + era * 400 + (civil->month <= 2));
	civil->hour = (int) (rest / 3600);
	civil->minute = (int) (rest / 60 % 60);
	civil->second = (int) (rest % 60);
}

#endif
