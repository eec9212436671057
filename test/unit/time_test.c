/*
 * time_test.c - the date reader: the cases of test/data/when.jsonl, durations, and input that
 * nobody means.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"
#include "time/when.h"

#define EPOCH_SHIFT INT64_C(946684800)
#define MAX_FOUND 16
#define FIELD 512

/* ---- zones: a fixed offset, and the C library's ---- */

static SchedInstant
fixed_to_instant(void *data, const SchedCivil *civil)
{
	struct tm tm = {.tm_year = civil->year - 1900,
					.tm_mon = civil->month - 1,
					.tm_mday = civil->day,
					.tm_hour = civil->hour,
					.tm_min = civil->minute,
					.tm_sec = civil->second};

	return ((int64_t) timegm(&tm) - EPOCH_SHIFT - *(int *) data) * SCHED_USECS_PER_SEC;
}

static void
fill_civil(const struct tm *tm, SchedCivil *civil)
{
	*civil = (SchedCivil){tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,
						  tm->tm_hour,        tm->tm_min,     tm->tm_sec};
}

static time_t
unix_time(SchedInstant instant)
{
	return (time_t) (instant / SCHED_USECS_PER_SEC - (instant % SCHED_USECS_PER_SEC < 0) +
					 EPOCH_SHIFT);
}

static void
fixed_to_civil(void *data, SchedInstant instant, SchedCivil *civil)
{
	time_t seconds = unix_time(instant) + *(int *) data;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	fill_civil(&tm, civil);
}

/* The library knows one zone at a time. */
static void
use_zone(const char *name)
{
	const char *current = getenv("TZ");

	if (current != NULL && strcmp(current, name) == 0)
		return;
	setenv("TZ", name, 1);
	tzset();
}

static void
named_to_civil(void *data, SchedInstant instant, SchedCivil *civil)
{
	time_t seconds = unix_time(instant);
	struct tm tm;

	use_zone(data);
	localtime_r(&seconds, &tm);
	fill_civil(&tm, civil);
}

/* The first of two occurrences, and the offset before a gap, as when.h asks. */
static SchedInstant
named_to_instant(void *data, const SchedCivil *civil)
{
	int summer;

	use_zone(data);
	for (summer = 1; summer >= -1; summer -= 2)
	{
		struct tm tm = {.tm_year = civil->year - 1900,
						.tm_mon = civil->month - 1,
						.tm_mday = civil->day,
						.tm_hour = civil->hour,
						.tm_min = civil->minute,
						.tm_sec = civil->second,
						.tm_isdst = summer};
		time_t seconds = mktime(&tm);

		if (summer == -1 || (tm.tm_hour == civil->hour && tm.tm_min == civil->minute))
			return ((int64_t) seconds - EPOCH_SHIFT) * SCHED_USECS_PER_SEC;
	}
	return 0;
}

static bool
find_zone(const char *name, SchedZone *zone)
{
	static const char *const known[] = {"America/New_York", "America/Chicago", "America/Denver",
										"Europe/Paris", "America/Los_Angeles"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
		{
			*zone = (SchedZone){(void *) known[i], named_to_instant, named_to_civil};
			return true;
		}
	return false;
}

/* ---- the cases ---- */

/* The text of "key": "..." at or behind a place in a line of JSON; NULL where there is none. */
static const char *
read_field(const char *line, const char *key, char *value)
{
	char pattern[40];
	const char *here;
	size_t used = 0;

	snprintf(pattern, sizeof(pattern), "\"%s\": \"", key);
	here = strstr(line, pattern);
	if (here == NULL)
		return NULL;
	for (here += strlen(pattern); *here != '"' && used < FIELD - 1; here++)
	{
		if (*here == '\\')
		{
			here++;
			value[used++] = *here == 'n' ? '\n' : *here;
		}
		else
			value[used++] = *here;
	}
	value[used] = '\0';
	return here;
}

/* 2024-06-05T10:15:00-04:00 */
static SchedInstant
read_instant(const char *text)
{
	SchedCivil civil = {0};
	int hours = 0;
	int minutes = 0;
	int offset;
	char sign = '+';

	sscanf(text, "%d-%d-%dT%d:%d:%d%c%d:%d", &civil.year, &civil.month, &civil.day, &civil.hour,
		   &civil.minute, &civil.second, &sign, &hours, &minutes);
	offset = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
	return fixed_to_instant(&offset, &civil);
}

/* Compares one phrase found with the object that begins at line; NULL where they agree. */
static const char *
compare(const char *line, const char *phrase, const SchedWhen *found)
{
	static const char *const kinds[] = {"instant", "range", "deadline", "recurring"};
	char value[FIELD];
	const char *end = strchr(line, '}');
	const char *rule;

	read_field(line, "matched", value);
	if (strlen(value) != found->length || memcmp(phrase + found->start, value, found->length) != 0)
		return "another phrase";
	read_field(line, "kind", value);
	if (strcmp(value, kinds[found->kind]) != 0)
		return "another kind";
	read_field(line, "starts", value);
	if (read_instant(value) != found->lower)
		return "another start";
	read_field(line, "ends", value);
	if (read_instant(value) != found->upper)
		return "another end";
	rule = read_field(line, "rrule", value);
	if (strcmp(rule != NULL && rule < end ? value : "", found->rrule) != 0)
		return "another rule";
	return NULL;
}

static void
test_case(const char *line)
{
	char phrase[FIELD];
	char reference[FIELD];
	char zone[FIELD];
	SchedWhen found[MAX_FOUND];
	SchedWhenContext context = {.find_zone = find_zone};
	const char *problem = NULL;
	const char *object = line;
	char *newline;
	int count;
	int i;

	read_field(line, "phrase", phrase);
	read_field(line, "reference", reference);
	read_field(line, "timezone", zone);
	context.reference = read_instant(reference);
	context.zone = (SchedZone){zone, named_to_instant, named_to_civil};
	count = sched_time_parse_when(phrase, strlen(phrase), &context, found, MAX_FOUND);
	for (i = 0; i < count && problem == NULL; i++)
	{
		object = strstr(object + 1, "{\"matched\"");
		problem = object == NULL ? "too many" : compare(object, phrase, &found[i]);
	}
	if (problem == NULL && strstr(object + 1, "{\"matched\"") != NULL)
		problem = "too few";
	while ((newline = strchr(phrase, '\n')) != NULL)
		*newline = ' ';
	ok(problem == NULL, "%s, %s%s%s", phrase, reference, problem != NULL ? ": " : "",
	   problem != NULL ? problem : "");
}

static void
test_cases(void)
{
	FILE *file = fopen("data/when.jsonl", "r");
	char *line = NULL;
	size_t size = 0;
	int cases = 0;

	while (file != NULL && getline(&line, &size, file) > 0)
	{
		test_case(line);
		cases++;
	}
	ok(cases >= 150, "data/when.jsonl has %d cases", cases);
	free(line);
	if (file != NULL)
		fclose(file);
}

/* ---- orders of day and month, ambiguity, what was named ---- */

static int zone_offset = 0;

static int
parse_utc(const char *text, SchedDateOrder order, SchedWhen *found, int max)
{
	SchedWhenContext context = {.date_order = order};

	context.zone = (SchedZone){&zone_offset, fixed_to_instant, fixed_to_civil};
	context.reference = read_instant("2024-06-05T10:15:00+00:00");
	return sched_time_parse_when(text, strlen(text), &context, found, max);
}

static void
expect_day(const char *text, SchedDateOrder order, const char *day, bool ambiguous)
{
	SchedWhen found;
	int count = parse_utc(text, order, &found, 1);

	ok(count == 1 && found.lower == read_instant(day) && found.ambiguous == ambiguous,
	   "order %d: %s is %.10s", order, text, day);
}

static void
test_orders(void)
{
	SchedWhen found[2];

	expect_day("03/04/2025", SCHED_ORDER_MDY, "2025-03-04T00:00:00+00:00", true);
	expect_day("03/04/2025", SCHED_ORDER_DMY, "2025-04-03T00:00:00+00:00", true);
	expect_day("03/14/2025", SCHED_ORDER_DMY, "2025-03-14T00:00:00+00:00", false);
	expect_day("25-04-03", SCHED_ORDER_YMD, "2025-04-03T00:00:00+00:00", false);
	expect_day("Thursday 03/04/2025", SCHED_ORDER_MDY, "2025-04-03T00:00:00+00:00", false);
	expect_day("2025-04-03", SCHED_ORDER_DMY, "2025-04-03T00:00:00+00:00", false);
	ok(parse_utc("at 3 pm", SCHED_ORDER_MDY, found, 1) == 1 && !found[0].has_date &&
		   found[0].has_time,
	   "a clock time names no day");
	ok(parse_utc("Friday", SCHED_ORDER_MDY, found, 1) == 1 && found[0].has_date &&
		   !found[0].has_time && found[0].granularity == SCHED_GRAIN_DAY,
	   "a weekday names no clock time");
	ok(parse_utc("6 pm Eastern", SCHED_ORDER_MDY, found, 1) == 1 && found[0].length == 4,
	   "without zone data a region is left out");
	ok(parse_utc("Monday, Tuesday, Wednesday", SCHED_ORDER_MDY, found, 2) == 2 &&
		   found[1].start == 8,
	   "no more than asked for");
	ok(parse_utc("31 December 9999 at midnight", SCHED_ORDER_MDY, found, 1) <= 1 &&
		   parse_utc("in 99999 years", SCHED_ORDER_MDY, found, 1) == 0 &&
		   parse_utc("99999 decades ago", SCHED_ORDER_MDY, found, 1) == 0,
	   "the years end at 9999");
}

/* ---- durations ---- */

static void
expect_duration(const char *text, int64_t seconds, int months, int days)
{
	SchedDuration found = {0};
	int count = sched_time_parse_durations(text, strlen(text), &found, 1);

	ok(count == (seconds > 0 || months > 0) &&
		   (count == 0 ||
			(found.seconds == seconds && found.months == months && found.days == days)),
	   "duration: %s", text);
}

static void
test_durations(void)
{
	SchedDuration found[3];
	const char *text = "two hours for the report, then 15 min of mail";

	expect_duration("two hours", 7200, 0, 0);
	expect_duration("1h30", 5400, 0, 0);
	expect_duration("1h 30m", 5400, 0, 0);
	expect_duration("90 min", 5400, 0, 0);
	expect_duration("a 90-minute call", 5400, 0, 0);
	expect_duration("half a day", 43200, 0, 0);
	expect_duration("half an hour", 1800, 0, 0);
	expect_duration("a half-hour slot", 1800, 0, 0);
	expect_duration("an hour and a half", 5400, 0, 0);
	expect_duration("two and a half hours", 9000, 0, 0);
	expect_duration("2 1/2 hours", 9000, 0, 0);
	expect_duration("2.25 hours", 8100, 0, 0);
	expect_duration("three quarters of an hour", 2700, 0, 0);
	expect_duration("a couple of hours", 7200, 0, 0);
	expect_duration("2-3 hours", 10800, 0, 0);
	expect_duration("one or two days", 172800, 0, 2);
	expect_duration("1 hour and 20 minutes", 4800, 0, 0);
	expect_duration("two weeks", 1209600, 0, 14);
	expect_duration("1 week, 2 days", 777600, 0, 9);
	expect_duration("three months", 0, 3, 0);
	expect_duration("a year and two months", 0, 14, 0);
	expect_duration("twenty-five minutes", 1500, 0, 0);
	expect_duration("5 business days", 432000, 0, 5);
	expect_duration("twice a week", 0, 0, 0);
	expect_duration("3 days ago", 0, 0, 0);
	expect_duration("the second item", 0, 0, 0);
	expect_duration("0 minutes", 0, 0, 0);
	expect_duration("page 3 minutes", 0, 0, 0);
	expect_duration("nothing at all", 0, 0, 0);
	ok(sched_time_parse_durations(text, strlen(text), found, 3) == 2 && found[1].seconds == 900 &&
		   found[1].start == 31 && found[1].length == 6,
	   "two durations with their places");
}

/* ---- input that nobody means ---- */

/* Deterministic pseudo-random numbers. */
static unsigned
draw(unsigned *state)
{
	*state = *state * 1103515245U + 12345U;
	return *state >> 16;
}

/* Every phrase found lies inside of the text, behind the one before it, and has a sane span. */
static bool
is_sane(const char *text, size_t length)
{
	SchedWhen found[64];
	SchedDuration durations[64];
	SchedWhenContext context = {.find_zone = find_zone};
	size_t end = 0;
	int count;
	int i;

	context.zone = (SchedZone){&zone_offset, fixed_to_instant, fixed_to_civil};
	context.reference = read_instant("2024-06-05T10:15:00+00:00");
	count = sched_time_parse_when(text, length, &context, found, 64);
	for (i = 0; i < count; i++)
	{
		if (found[i].start < end || found[i].length == 0 ||
			found[i].start + found[i].length > length || found[i].lower > found[i].upper)
			return false;
		end = found[i].start + found[i].length;
	}
	count = sched_time_parse_durations(text, length, durations, 64);
	for (end = 0, i = 0; i < count; i++)
	{
		if (durations[i].start < end || durations[i].start + durations[i].length > length)
			return false;
		end = durations[i].start + durations[i].length;
	}
	return true;
}

static void
test_hostile(void)
{
	static const char *const pieces[] = {
		"every ", "next ",        "the ",   "1",      "31",     "2024", "-",   "/",
		":",      "Monday ",      "may ",   " ",      "of ",    "end ", "in ", "a ",
		"half ",  "week ",        "noon ",  "pm ",    "from ",  "to ",  ",",   "\n",
		"by ",    "until ",       "99999 ", "years ", "first ", "UTC+", "(",   "'",
		".",      "\xe2\x80\x93", "\xff",   "T"};
	unsigned state = 7;
	char text[400];
	char *large = malloc(1 << 17);
	bool sane = true;
	int round;
	size_t i;

	for (round = 0; round < 1000 && sane; round++)
	{
		size_t length = draw(&state) % 200;

		for (i = 0; i < length; i++)
			text[i] = (char) draw(&state);
		sane = is_sane(text, length);
	}
	ok(sane, "random bytes");
	for (round = 0; round < 2000 && sane; round++)
	{
		size_t length = 0;

		while (length < 160)
		{
			const char *piece = pieces[draw(&state) % (sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + length, piece, strlen(piece));
			length += strlen(piece);
		}
		sane = is_sane(text, length);
	}
	ok(sane, "random phrases");
	for (i = 0; i < (1 << 17); i++)
		large[i] = "1 "[i % 2];
	ok(is_sane(large, 1 << 17), "very many numbers");
	memset(large, 'a', 1 << 17);
	ok(is_sane(large, 1 << 17), "a very long word");
	memset(large, '9', 1 << 17);
	ok(is_sane(large, 1 << 17), "a very long number");
	ok(is_sane("", 0) && is_sane("\0\0\0", 3), "nothing");
	free(large);
}

int
main(void)
{
	test_cases();
	test_orders();
	test_durations();
	test_hostile();
	return done_testing();
}
