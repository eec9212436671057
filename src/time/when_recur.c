/*
 * when_recur.c - recurrences in words and the RRULE (RFC 5545) that says the same: "every other
 * Tuesday".
 *
 * Pure: no memory, nothing thrown; runs in whoever asks.
 *
 *	recurrence	[at times] heart [tail]...
 *	heart		every [other|3|third] unit|weekdays|workday|month day
 *				every first Monday of the month | the last Friday of each month
 *				Mondays [and ...] | weekdays | daily | weekly
 *	tail		on weekdays|the 15th|March 3 | at times | until date | starting date | for 10 times
 *
 * The moment of a recurrence is its first occurrence from the reference on, so that it can serve as
 * DTSTART of the rule. It is found by trying days, nine years at most: 29 February is at most eight
 * years away.
 */
#include "when_internal.h"

#include <stdio.h>
#include <string.h>

#define MAX_HOURS 8
#define LIST_LIMIT 12
#define SEARCH_DAYS (366 * 9) /* 29 February is at most eight years away */
#define ALL_WORKDAYS 0x1F
#define WEEKEND_DAYS 0x60

typedef struct Rule
{
	const char *freq;
	SchedUnit unit;
	int interval;
	unsigned days; /* bit 0 Monday */
	int nth;       /* of the weekday in its month */
	int month_day;
	int second_day; /* "on the 1st and 15th" */
	int month;
	int hours[MAX_HOURS];
	int hour_count;
	int minute;
	int count;
	SchedClock clock;
	bool has_until;
	SchedInstant until;
	int start_day; /* "starting ...": days since 2000-01-01 */
} Rule;

static const char *const day_names[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

/*
 * The FREQ of a unit and how many of it the unit is: RFC 5545 knows no quarters, fortnights or
 * decades. False for what nobody schedules, seconds and absurd intervals.
 */
static bool
set_unit(Rule *rule, SchedUnit unit, int interval)
{
	int times = 1;

	rule->unit = unit;
	switch (unit)
	{
		case UNIT_SECOND:
			return false;
		case UNIT_MINUTE:
			rule->freq = "MINUTELY";
			break;
		case UNIT_HOUR:
			rule->freq = "HOURLY";
			break;
		case UNIT_DAY:
			rule->freq = "DAILY";
			break;
		case UNIT_FORTNIGHT:
			times = 2;
			rule->unit = UNIT_WEEK;
			rule->freq = "WEEKLY";
			break;
		case UNIT_WEEK:
			rule->freq = "WEEKLY";
			break;
		case UNIT_QUARTER:
			times = 3;
			rule->unit = UNIT_MONTH;
			rule->freq = "MONTHLY";
			break;
		case UNIT_MONTH:
			rule->freq = "MONTHLY";
			break;
		default:
			times = unit == UNIT_DECADE ? 10 : 1;
			rule->unit = UNIT_YEAR;
			rule->freq = "YEARLY";
			break;
	}
	rule->interval = interval * times;
	return interval > 0 && interval < 10000;
}

/* A weekday in a list, singular or plural as asked. */
static bool
is_list_day(const SchedParser *parser, int at, bool plural)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return token->word == WORD_WEEKDAYS || (!plural && token->word == WORD_WEEKDAY);
}

/*
 * "Monday and Thursday", "Mon, Wed, Fri", "Monday through Friday", "Mondays/Fridays". The first one
 * must be plural where nothing else says that it recurs; the list is short by nature and by
 * LIST_LIMIT.
 */
static int
read_day_list(const SchedParser *parser, int at, bool plural, unsigned *days)
{
	int next = at;
	int turns;

	*days = 0;
	if (!is_list_day(parser, at, plural))
		return 0;
	for (turns = 0; turns < LIST_LIMIT; turns++)
	{
		int value = sched_time_peek(parser, next)->value;
		int joint = next + 1;
		const SchedToken *token;

		*days |= 1U << (value - 1);
		if (sched_time_is_mark(parser, joint, '.') && sched_time_is_glued(parser, joint))
			joint++;
		token = sched_time_peek(parser, joint);
		next = joint;
		if ((token->word == WORD_THROUGH || token->word == WORD_TO ||
			 sched_time_is_dash(parser, joint)) &&
			is_list_day(parser, joint + 1, false))
		{
			int last = sched_time_peek(parser, joint + 1)->value;

			for (; value != last; value = value % 7 + 1)
				*days |= 1U << (value - 1);
			*days |= 1U << (last - 1);
			next = joint + 2;
			joint = next;
		}
		if (sched_time_is_mark(parser, joint, ',') || sched_time_is_mark(parser, joint, '/') ||
			sched_time_is_mark(parser, joint, '&'))
			joint++;
		if (sched_time_is_word(parser, joint, WORD_AND) ||
			sched_time_is_word(parser, joint, WORD_OR))
			joint++;
		if (joint == next || !is_list_day(parser, joint, false))
			break;
		next = joint;
	}
	return next - at;
}

/* "the 3rd last Tuesday", "the 4th", "the last day", "the 4th last": a place inside of a month. */
static int
read_place(const SchedParser *parser, int at, Rule *rule)
{
	int next = at;
	int nth = 0;
	int used;
	const SchedToken *token;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	used = sched_time_read_ordinal(parser, next, &nth);
	next += used;
	if (sched_time_is_word(parser, next, WORD_LAST) && sched_time_peek(parser, next)->value == -1)
	{
		nth = used > 0 ? -nth : -1;
		next++;
	}
	if (nth == 0 || nth > 31 || nth < -31)
		return 0;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_WEEKDAY)
	{
		rule->days = 1U << (token->value - 1);
		rule->nth = nth;
		return next + 1 - at;
	}
	if (token->word == WORD_UNIT && token->value == UNIT_DAY)
		next++;
	rule->month_day = nth;
	if (nth > 0 && sched_time_is_word(parser, next, WORD_AND))
	{
		int joint = next + 1 + sched_time_is_word(parser, next + 1, WORD_THE);

		used = sched_time_read_ordinal(parser, joint, &nth);
		if (used > 0 && nth > 0 && nth <= 31 &&
			!sched_time_is_word(parser, joint + used, WORD_WEEKDAY))
		{
			rule->second_day = nth;
			next = joint + used;
		}
	}
	return next - at;
}

/* "March 3", "the 3rd of March", behind "every" or "every year on". */
static int
read_year_day(SchedParser *parser, int at, Rule *rule)
{
	SchedDate date;
	int used = sched_time_read_date(parser, at, &date);

	parser->reject = 0;
	if (used == 0 || date.form != DATE_MONTH_DAY || date.year != 0)
		return 0;
	rule->month = date.month;
	rule->month_day = date.day;
	set_unit(rule, UNIT_YEAR, 1);
	return used;
}

/* What may follow the unit: "on Tuesday", "on the 3rd", "on March 3", "of the month". */
static int
read_on(SchedParser *parser, int at, Rule *rule)
{
	int next = at;
	int used = 0;

	if (sched_time_is_word(parser, next, WORD_ON))
		next++;
	else if (rule->unit != UNIT_WEEK)
		return 0;
	if (rule->unit == UNIT_WEEK || rule->unit == UNIT_DAY)
		used = read_day_list(parser, next, false, &rule->days);
	else if (rule->unit == UNIT_MONTH)
		used = read_place(parser, next, rule);
	else if (rule->unit == UNIT_YEAR)
	{
		int interval = rule->interval;

		used = read_year_day(parser, next, rule);
		if (used == 0)
			used = read_place(parser, next, rule);
		rule->interval = interval;
	}
	return used > 0 ? next + used - at : 0;
}

/*
 * "of the month", "of each month", "of every month", "in March": makes a place monthly or yearly.
 */
static int
read_of_month(const SchedParser *parser, int at)
{
	int next = at;

	if (!sched_time_is_word(parser, next, WORD_OF) && !sched_time_is_word(parser, next, WORD_IN))
		return 0;
	next++;
	if (sched_time_is_word(parser, next, WORD_THE) ||
		sched_time_is_word(parser, next, WORD_EVERY) || sched_time_is_word(parser, next, WORD_A))
		next++;
	return sched_time_is_word(parser, next, WORD_UNIT) &&
				   sched_time_peek(parser, next)->value == UNIT_MONTH
			   ? next + 1 - at
			   : 0;
}

/*
 * Behind "every": the rule's heart. "every second Tuesday" counts weeks, "every second Tuesday of
 * the month" places in a month: an ordinal is read as a place first, and kept as one only if a
 * month follows.
 */
static int
read_every(SchedParser *parser, int at, Rule *rule)
{
	int next = at;
	int interval = 1;
	int nth = 0;
	int used;
	int more;
	const SchedToken *token;

	if (sched_time_is_word(parser, next, WORD_OTHER))
	{
		interval = 2;
		next++;
	}
	else if ((used = sched_time_read_ordinal(parser, next, &nth)) > 0 ||
			 sched_time_is_word(parser, next, WORD_LAST))
	{
		int place = read_place(parser, next, rule);

		more = place > 0 ? read_of_month(parser, next + place) : 0;
		if (more > 0 ||
			(place > 0 && sched_time_is_word(parser, next, WORD_LAST) && rule->nth != 0))
		{
			set_unit(rule, UNIT_MONTH, 1);
			return next + place + more - at;
		}
		if (nth < 2)
		{
			/* every first Monday */
			if (nth != 1 || rule->days == 0)
				return 0;
			set_unit(rule, UNIT_MONTH, 1);
			return next + place - at;
		}
		rule->nth = rule->month_day = 0;
		rule->days = 0;
		interval = nth;
		next += used;
	}
	else if ((used = sched_time_read_cardinal(parser, next, &interval)) > 0)
		next += used;
	else if (sched_time_is_word(parser, next, WORD_COUPLE) ||
			 sched_time_is_word(parser, next, WORD_FEW))
		return 0;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_WORKDAY ||
		(token->word == WORD_BUSINESS && sched_time_is_word(parser, next + 1, WORD_UNIT)))
	{
		rule->days = ALL_WORKDAYS;
		return set_unit(rule, UNIT_WEEK, interval)
				   ? next + (token->word == WORD_BUSINESS ? 2 : 1) - at
				   : 0;
	}
	if (token->word == WORD_WEEKEND)
	{
		rule->days = WEEKEND_DAYS;
		return set_unit(rule, UNIT_WEEK, interval) ? next + 1 - at : 0;
	}
	if ((used = read_day_list(parser, next, false, &rule->days)) > 0)
		return set_unit(rule, UNIT_WEEK, interval) ? next + used - at : 0;
	if (token->word == WORD_DAYPART && interval == 1)
	{
		sched_time_set_part(token->value, &rule->clock);
		set_unit(rule, UNIT_DAY, 1);
		return next + 1 - at;
	}
	if (token->word == WORD_MONTH)
	{
		if ((used = read_year_day(parser, next, rule)) > 0)
			return next + used - at;
		rule->month = token->value;
		return set_unit(rule, UNIT_YEAR, interval) ? next + 1 - at : 0;
	}
	if (token->word != WORD_UNIT || !set_unit(rule, (SchedUnit) token->value, interval))
		return 0;
	next++;
	return next + read_on(parser, next, rule) - at;
}

/*
 * "at 10, 12 and 17", "9 to 10 am", "in the morning": the clock times of a rule. Several times
 * become BYHOUR, so they must share their minutes; the first one is the time of the first
 * occurrence.
 */
static int
read_times(SchedParser *parser, int at, Rule *rule)
{
	SchedClock clock;
	int next = at;
	int used;
	int flags = CLOCK_AFTER_DATE;
	bool led = false;

	if (rule->clock.set && !rule->clock.part)
		return 0;
	if ((used = sched_time_read_part(parser, at, &clock)) > 0)
	{
		rule->clock = clock;
		return used;
	}
	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (sched_time_is_word(parser, next, WORD_AT) || sched_time_is_mark(parser, next, '@') ||
		sched_time_is_word(parser, next, WORD_FROM) ||
		sched_time_is_word(parser, next, WORD_BETWEEN))
	{
		led = sched_time_is_word(parser, next, WORD_AT);
		flags |= CLOCK_AFTER_AT | (led ? 0 : CLOCK_IN_RANGE);
		next++;
	}
	used = sched_time_read_clocks(parser, next, flags, &clock);
	parser->reject = 0;
	if (used == 0 || clock.ending || (clock.bare && next == at && rule->clock.part))
		return 0;
	if (rule->clock.part)
		sched_time_fit_part(&clock, rule->clock.part_value);
	next += used;
	rule->clock = clock;
	rule->minute = clock.first / 60 % 60;
	rule->hours[rule->hour_count++] = clock.first / 3600 % 24;
	while (led && !clock.range && rule->hour_count < MAX_HOURS)
	{
		int joint = next;
		const SchedToken *token;

		if (sched_time_is_mark(parser, joint, ','))
			joint++;
		if (sched_time_is_word(parser, joint, WORD_AND))
			joint++;
		token = sched_time_peek(parser, joint);
		if (joint == next || (token->kind != SCHED_TOKEN_NUMBER && token->word != WORD_CARDINAL))
			break;
		used = sched_time_read_clock(parser, joint, CLOCK_AFTER_AT, &clock);
		parser->reject = 0;
		if (used == 0 || clock.first / 60 % 60 != rule->minute)
			break;
		rule->hours[rule->hour_count++] = clock.first / 3600 % 24;
		next = joint + used;
	}
	return next - at;
}

/* "for 20 times", "for 3 weeks". */
static int
read_count(const SchedParser *parser, int at, Rule *rule)
{
	int used;

	if (!sched_time_is_word(parser, at, WORD_FOR))
		return 0;
	used = sched_time_read_cardinal(parser, at + 1, &rule->count);
	if (used == 0 || !sched_time_is_word(parser, at + 1 + used, WORD_TIMES) || rule->count < 1)
	{
		rule->count = 0;
		return 0;
	}
	return used + 2;
}

/* "until June 5", "starting next Monday". */
static int
read_bounds(SchedParser *parser, int at, Rule *rule)
{
	SchedMoment moment;
	bool until =
		sched_time_is_word(parser, at, WORD_UNTIL) || sched_time_is_word(parser, at, WORD_THROUGH);
	bool from = sched_time_is_word(parser, at, WORD_FROM);
	int used;

	if (!until && !from)
		return 0;
	used = sched_time_read_parts(parser, at + 1, 0, &moment);
	parser->reject = 0;
	if (used == 0 || moment.fixed || !moment.has_date ||
		!sched_time_settle(parser, &moment, parser->today))
		return 0;
	if (from)
		rule->start_day = moment.day;
	else
	{
		rule->has_until = true;
		rule->until = moment.timed ? moment.lower : moment.upper - SCHED_USECS_PER_SEC;
	}
	return 1 + used;
}

/* Everything that may follow the heart of a rule, in any order. */
static int
read_tail(SchedParser *parser, int at, Rule *rule, SchedMoment *moment)
{
	int next = at;
	int turns;

	for (turns = 0; turns < 5; turns++)
	{
		int used = read_bounds(parser, next, rule);

		if (used == 0)
			used = read_count(parser, next, rule);
		if (used == 0 && rule->clock.set && !moment->zone.named)
			used = sched_time_read_zone(parser, next, &moment->zone);
		if (used == 0 && !sched_time_peek(parser, next)->broken)
			used = read_times(parser, next, rule);
		if (used == 0 && rule->days == 0 && rule->month_day == 0 && turns > 0)
			used = read_on(parser, next, rule);
		if (used == 0)
			break;
		next += used;
	}
	return next - at;
}

/* "Mondays and Wednesdays", "weekdays", "daily at 9", "the first Monday of each month". */
static int
read_implicit(SchedParser *parser, int at, Rule *rule)
{
	int next = at;
	int used;
	const SchedToken *token;
	bool led = sched_time_is_word(parser, next, WORD_ON);

	if (led)
		next++;
	token = sched_time_peek(parser, next);
	if ((used = read_day_list(parser, next, true, &rule->days)) > 0)
	{
		set_unit(rule, UNIT_WEEK, 1);
		return next + used - at;
	}
	if ((token->word == WORD_WORKDAY || token->word == WORD_WEEKEND) &&
		(parser->text[token->end - 1] | 0x20) == 's')
	{
		rule->days = token->word == WORD_WORKDAY ? ALL_WORKDAYS : WEEKEND_DAYS;
		set_unit(rule, UNIT_WEEK, 1);
		return next + 1 - at;
	}
	if (token->word == WORD_OFTEN)
	{
		const SchedToken *after = sched_time_peek(parser, next + 1);

		/* "weekly" before a noun is an adjective */
		if (!sched_time_clause_ends(parser, next + 1) && after->word != WORD_AT &&
			after->word != WORD_ON && after->word != WORD_FROM && after->word != WORD_UNTIL &&
			after->word != WORD_FOR && after->kind != SCHED_TOKEN_NUMBER)
			return 0;
		set_unit(rule, (SchedUnit) token->value, 1);
		next++;
		return next + read_on(parser, next, rule) - at;
	}
	used = read_place(parser, next, rule);
	if (used > 0)
	{
		next += used;
		if (!(sched_time_is_word(parser, next, WORD_OF) &&
			  sched_time_is_word(parser, next + 1, WORD_EVERY)) &&
			!sched_time_is_word(parser, next, WORD_EVERY))
			return 0;
		next += sched_time_is_word(parser, next, WORD_OF) ? 2 : 1;
		token = sched_time_peek(parser, next);
		if (token->word != WORD_UNIT || (token->value != UNIT_MONTH && token->value != UNIT_YEAR))
			return 0;
		set_unit(rule, (SchedUnit) token->value, 1);
		return next + 1 - at;
	}
	return 0;
}

/* May an occurrence of the rule lie on the day? Every BY part that is set must agree. */
static bool
fits_day(const Rule *rule, int day)
{
	int year;
	int month;
	int number;
	int length;

	if (rule->days != 0 && (rule->days & (1U << (sched_time_weekday_of(day) - 1))) == 0)
		return false;
	sched_time_split_day(day, &year, &month, &number);
	length = sched_time_month_length(year, month);
	if (rule->month != 0 && rule->month != month)
		return false;
	if (rule->month_day > 0 && number != rule->month_day && number != rule->second_day)
		return false;
	if (rule->month_day < 0 && number != length + 1 + rule->month_day)
		return false;
	if (rule->unit == UNIT_YEAR && rule->nth != 0)
	{
		/* counted in the year */
		number = day - sched_time_day_number(year, 1, 1) + 1;
		length = sched_time_day_number(year + 1, 1, 1) - sched_time_day_number(year, 1, 1);
	}
	if (rule->nth > 0 && (number - 1) / 7 + 1 != rule->nth)
		return false;
	return rule->nth >= 0 || (length - number) / 7 + 1 == -rule->nth;
}

/*
 * The first occurrence, from today or from "starting ..." on. An interval does not matter for it:
 * the first one starts the count. False where there is none in sight ("every February 30").
 */
static bool
find_first(const SchedParser *parser, const Rule *rule, SchedMoment *moment)
{
	int day = rule->start_day > parser->today ? rule->start_day : parser->today;
	int limit = day + SEARCH_DAYS;

	moment->has_date = true;
	moment->has_time = rule->clock.set;
	moment->clock = rule->clock;
	if (rule->unit <= UNIT_HOUR)
	{
		moment->lower = parser->context->reference;
		moment->upper = moment->lower + 60 * SCHED_USECS_PER_SEC;
		moment->grain = sched_time_grain_of(rule->unit);
		return true;
	}
	for (; day < limit && day <= SCHED_LAST_DAY; day++)
	{
		if (!fits_day(rule, day))
			continue;
		moment->date = (SchedDate){DATE_SPAN, .first = day, .last = day + 1, .clock = -1};
		moment->date.grain = SCHED_GRAIN_DAY;
		moment->ambiguous = false;
		if (!sched_time_settle(parser, moment, parser->today))
			return false;
		if (!moment->has_time || moment->lower >= parser->context->reference || moment->clock.part)
			return true;
	}
	return false;
}

/* Appends one part to the rule's text. */
static void
append(char *text, size_t size, const char *part)
{
	size_t used = strlen(text);

	if (used + strlen(part) < size)
		memcpy(text + used, part, strlen(part) + 1);
}

/*
 * Writes the rule. BYHOUR and BYMINUTE only where the text names a time; seconds never. UNTIL is in
 * UTC, and inclusive, as RFC 5545 has it. The text has room for every combination that the reader
 * can make.
 */
static void
print_rule(const Rule *rule, char *text, size_t size)
{
	char part[48];
	int i;
	const char *comma = "";

	text[0] = '\0';
	snprintf(part, sizeof(part), "FREQ=%s", rule->freq);
	append(text, size, part);
	if (rule->interval > 1)
	{
		snprintf(part, sizeof(part), ";INTERVAL=%d", rule->interval);
		append(text, size, part);
	}
	if (rule->month != 0)
	{
		snprintf(part, sizeof(part), ";BYMONTH=%d", rule->month);
		append(text, size, part);
	}
	if (rule->month_day != 0)
	{
		snprintf(part, sizeof(part), ";BYMONTHDAY=%d", rule->month_day);
		append(text, size, part);
		snprintf(part, sizeof(part), ",%d", rule->second_day);
		if (rule->second_day != 0)
			append(text, size, part);
	}
	for (i = 0; i < 7; i++)
		if (rule->days & (1U << i))
		{
			append(text, size, *comma ? comma : ";BYDAY=");
			if (rule->nth != 0)
			{
				snprintf(part, sizeof(part), "%d", rule->nth);
				append(text, size, part);
			}
			append(text, size, day_names[i]);
			comma = ",";
		}
	for (i = 0; i < rule->hour_count; i++)
	{
		snprintf(part, sizeof(part), "%s%d", i == 0 ? ";BYHOUR=" : ",", rule->hours[i]);
		append(text, size, part);
	}
	if (rule->hour_count > 0 && rule->minute != 0)
	{
		snprintf(part, sizeof(part), ";BYMINUTE=%d", rule->minute);
		append(text, size, part);
	}
	if (rule->count > 0)
	{
		snprintf(part, sizeof(part), ";COUNT=%d", rule->count);
		append(text, size, part);
	}
	if (rule->has_until)
	{
		int64_t seconds = rule->until / SCHED_USECS_PER_SEC;
		int64_t day = seconds / SCHED_DAY_SECS - (seconds % SCHED_DAY_SECS < 0);
		int rest = (int) (seconds - day * SCHED_DAY_SECS);
		int year;
		int month;
		int number;

		sched_time_split_day((int) day, &year, &month, &number);
		snprintf(part, sizeof(part), ";UNTIL=%04d%02d%02dT%02d%02d%02dZ", year % 10000, month,
				 number, rest / 3600, rest / 60 % 60, rest % 60);
		append(text, size, part);
	}
}

/*
 * A recurrence: its first occurrence and its RRULE.
 */
int
sched_time_read_recurrence(SchedParser *parser, int at, SchedMoment *moment, char *rrule,
						   size_t size)
{
	Rule rule = {.interval = 1};
	int next = at;
	int used;

	*moment = (SchedMoment){.kind = SCHED_WHEN_RECURRING, .grain = SCHED_GRAIN_DAY};
	/* "at 10 every Tuesday", "9am on weekdays" */
	if (sched_time_is_word(parser, at, WORD_AT) ||
		sched_time_peek(parser, at)->kind == SCHED_TOKEN_NUMBER)
	{
		used = read_times(parser, at, &rule);
		if (used == 0 || (rule.clock.bare && rule.clock.grain == SCHED_GRAIN_HOUR &&
						  !sched_time_is_word(parser, at, WORD_AT)))
			return 0;
		next += used;
		next += sched_time_read_zone(parser, next, &moment->zone);
	}
	if (sched_time_is_word(parser, next, WORD_ON) &&
		sched_time_is_word(parser, next + 1, WORD_EVERY))
		next++;
	if (sched_time_is_word(parser, next, WORD_EVERY))
	{
		used = read_every(parser, next + 1, &rule);
		used += used > 0;
	}
	else
		used = read_implicit(parser, next, &rule);
	if (used == 0 || rule.freq == NULL)
		return 0;
	next += used;
	next += read_tail(parser, next, &rule, moment);
	if (!sched_time_ends_here(parser, next) || !find_first(parser, &rule, moment))
		return 0;
	moment->kind = SCHED_WHEN_RECURRING;
	print_rule(&rule, rrule, size);
	return next - at;
}
