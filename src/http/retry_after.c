/*
 * retry_after.c - reads Retry-After: seconds, one of HTTP's three forms of a date, or milliseconds.
 *
 * Pure: runs in the worker, in SQL backends and in unit tests; allocates nothing, throws nothing,
 * asks no clock.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "retry_after.h"

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_from_epoch(int year, int month, int day)
{
	int64_t shifted = month > 2 ? year : year - 1;
	int64_t era = shifted / 400;
	int64_t year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static int
month_number(const char *name)
{
	static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	for (int i = 0; i < 12; i++)
	{
		if (strcasecmp(name, names[i]) == 0)
			return i + 1;
	}
	return 0;
}

/*
 * "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994":
 * RFC 9110 5.6.7 has a recipient accept all three.
 */
static bool
parse_http_date(const char *text, int64_t *seconds)
{
	const char *comma = strchr(text, ',');
	char month_name[4] = "";
	int year, month, day, hour, minute, second;
	bool read;

	if (comma == NULL)
		read = sscanf(text, "%*3s %3s %2d %2d:%2d:%2d %4d", month_name, &day, &hour, &minute,
					  &second, &year) == 6;
	else if (strchr(comma, '-') != NULL)
		read = sscanf(comma + 1, " %2d-%3[A-Za-z]-%4d %2d:%2d:%2d", &day, month_name, &year, &hour,
					  &minute, &second) == 6;
	else
		read = sscanf(comma + 1, " %2d %3s %4d %2d:%2d:%2d", &day, month_name, &year, &hour,
					  &minute, &second) == 6;
	if (!read)
		return false;
	/* RFC 850's two digits. */
	if (year >= 0 && year < 100)
		year += year < 70 ? 2000 : 1900;
	month = month_number(month_name);
	if (month == 0 || year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return false;
	*seconds = days_from_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* A non-negative number, perhaps with a fraction, times `scale`; false for anything else. */
static bool
parse_number(const char *text, double scale, double *result)
{
	char *end;
	double number;

	text += strspn(text, " \t");
	if (*text < '0' || *text > '9' || strspn(text, "0123456789.") > 32)
		return false;
	number = strtod(text, &end);
	if (strspn(text, "0123456789.") != (size_t) (end - text) || end[strspn(end, " \t")] != '\0')
		return false;
	*result = number * scale;
	return true;
}

/* Between nothing and a day, a fraction of a millisecond rounded up. */
static int64_t
clamp_delay(double milliseconds)
{
	if (milliseconds >= (double) SCHED_RETRY_AFTER_MAX_MS)
		return SCHED_RETRY_AFTER_MAX_MS;
	return milliseconds <= 0 ? 0 : (int64_t) (milliseconds + 0.999);
}

/*
 * `retry-after-ms` is OpenAI's and Anthropic's; where both are given it is the more exact one. A
 * value that cannot be read counts as not given: the caller's own back-off holds.
 */
int64_t
sched_retry_after_ms(const char *milliseconds, const char *retry_after, int64_t now)
{
	double delay;
	int64_t date;

	if (milliseconds != NULL && parse_number(milliseconds, 1, &delay))
		return clamp_delay(delay);
	if (retry_after == NULL)
		return -1;
	if (parse_number(retry_after, 1000, &delay))
		return clamp_delay(delay);
	if (parse_http_date(retry_after, &date))
		return clamp_delay(((double) date - (double) now) * 1000);
	return -1;
}
