/*
 * when_period.c - weeks, months, quarters and what is counted inside of them.
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. What is read:
 *
 *	period		this|next|last week|month|quarter|year|weekend, next 3 weeks, Q3 [2024], in 2025
 *	edge		[the] end|start of period, EOW, EOM, EOQ, EOY, month end
 *	third		early|mid|late period
 *	week		week 23, the week of 6 June
 *	nth			first|second|...|last weekday|day|week|weekend of period
 *	feast		Christmas [Eve], New Year's Day, Easter Monday, Thanksgiving, ...
 *
 * All of these are settled at once into days, counted from today. Weeks begin on Monday.
 */
#include "when_internal.h"

/* A span of days as a date. */
static void
set_days(SchedDate *date, int first, int last, SchedGranularity grain)
{
	*date = (SchedDate){DATE_SPAN, .first = first, .last = last, .grain = grain, .clock = -1};
}

/* A weekend is Saturday and Sunday, both whole, of the week that lies shift weeks from this one. */
static void
set_weekend(const SchedParser *parser, SchedDate *date, int shift)
{
	int first;
	int last;

	sched_time_period(parser->today, UNIT_WEEK, shift, &first, &last);
	set_days(date, first + 5, last, SCHED_GRAIN_DAY);
	date->stretch = true;
}

/*
 * "Q3", "third quarter", "4th quarter of 2018". Calendar quarters, of this year where none is
 * named: fiscal years differ too much to guess.
 */
static int
read_quarter(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int next = at;
	int number = 0;
	int used;
	int year = parser->now.year;
	int first;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	used = sched_time_read_ordinal(parser, next, &number);
	if (used > 0)
	{
		next += used;
		token = sched_time_peek(parser, next);
		if (token->word != WORD_UNIT || token->value != UNIT_QUARTER)
			return 0;
		next++;
	}
	else if (token->letter == 'q' && sched_time_is_glued(parser, at + 1) &&
			 sched_time_peek(parser, at + 1)->kind == SCHED_TOKEN_NUMBER &&
			 sched_time_peek(parser, at + 1)->digits == 1)
	{
		number = sched_time_peek(parser, at + 1)->value;
		next = at + 2;
	}
	else if (token->kind == SCHED_TOKEN_NUMBER && token->digits == 4 && token->value >= 1900 &&
			 sched_time_peek(parser, at + 1)->letter == 'q' &&
			 sched_time_is_glued(parser, at + 1) && sched_time_is_glued(parser, at + 2) &&
			 sched_time_ends_here(parser, at + 3))
	{
		/* 2018Q4 */
		year = token->value;
		number = sched_time_peek(parser, at + 2)->value;
		if (number < 1 || number > 4 || sched_time_peek(parser, at + 2)->digits != 1)
			return 0;
		first = sched_time_day_number(year, number * 3 - 2, 1);
		set_days(date, first, sched_time_day_number(year, number * 3 + 1, 1), SCHED_GRAIN_QUARTER);
		return 3;
	}
	if (number < 1 || number > 4)
		return 0;
	if (sched_time_is_mark(parser, next, '/') && sched_time_is_glued(parser, next) &&
		sched_time_read_year(parser, next + 1, &year) == 1)
		next += 2;
	else
	{
		used = sched_time_read_year(parser, next, &year);
		/* an ordinal quarter without a year is a share of something as often */
		if (used == 0 && token->letter != 'q' && !sched_time_clause_ends(parser, next))
			return 0;
		next += used;
	}
	first = sched_time_day_number(year, number * 3 - 2, 1);
	set_days(date, first, sched_time_day_number(year, number * 3 + 1, 1), SCHED_GRAIN_QUARTER);
	return next - at;
}

/*
 * "week 23", "the week of 6 June", "week starting Monday". Numbers are those of ISO 8601. The date
 * is read by the reader of dates, which reads periods in turn: a week of a week is refused first,
 * so the depth is two.
 */
static int
read_numbered_week(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token;
	int next = at;
	int first;
	int last;
	int year = parser->now.year;
	int used;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word != WORD_UNIT || token->value != UNIT_WEEK)
		return 0;
	next++;
	token = sched_time_peek(parser, next);
	if (token->kind == SCHED_TOKEN_NUMBER && token->digits <= 2 && token->value >= 1 &&
		token->value <= 53 && sched_time_ends_here(parser, next + 1) &&
		!sched_time_is_word(parser, next + 1, WORD_UNIT))
	{
		int number = token->value;

		next++;
		next += sched_time_read_year(parser, next, &year);
		/* 4 January always lies in week 1 */
		sched_time_period(sched_time_day_number(year, 1, 4), UNIT_WEEK, number - 1, &first, &last);
		set_days(date, first, last, SCHED_GRAIN_WEEK);
		return next - at;
	}
	if (token->word != WORD_OF && token->word != WORD_START && token->word != WORD_FROM)
		return 0;
	next++;
	/* a week of a week would be nonsense, and the rule must not call itself */
	if (sched_time_is_word(parser, next, WORD_UNIT) ||
		(sched_time_is_word(parser, next, WORD_THE) &&
		 sched_time_is_word(parser, next + 1, WORD_UNIT)))
		return 0;
	used = sched_time_read_date(parser, next, date);
	if (used == 0 || date->grain != SCHED_GRAIN_DAY ||
		!sched_time_resolve_date(parser, date, parser->today, &first, &last))
		return 0;
	sched_time_period(first, UNIT_WEEK, 0, &first, &last);
	set_days(date, first, last, SCHED_GRAIN_WEEK);
	return next + used - at;
}

/* The shift that this, next, last, "the" or nothing means; false for another word. */
static bool
read_shift(const SchedParser *parser, int *next, int *shift)
{
	bool the = sched_time_is_word(parser, *next, WORD_THE);
	SchedWord word;

	if (the)
		(*next)++;
	word = sched_time_peek(parser, *next)->word;
	*shift = 0;
	if (word == WORD_NEXT)
		*shift = 1;
	else if (word == WORD_LAST || word == WORD_PAST)
		*shift = -1;
	else if (word == WORD_THIS)
		*shift = sched_time_peek(parser, *next)->value;
	else
		return the;
	(*next)++;
	return true;
}

/*
 * "next 3 weeks", "the last two months": that many whole units after (before) the current one. On a
 * Wednesday "the next 3 weeks" begin on Monday; "in 3 weeks" is another phrase and another file.
 */
static int
read_counted_period(const SchedParser *parser, int at, int shift, SchedDate *date)
{
	SchedSpan span;
	int first;
	int last;
	int used = sched_time_read_span(parser, at, &span);
	const SchedToken *unit = sched_time_peek(parser, at + used - 1);
	int start;
	int end;

	if (used < 2 || shift == 0 || span.grain < SCHED_GRAIN_DAY || span.business_days > 0 ||
		unit->word != WORD_UNIT)
		return 0;
	sched_time_period(parser->today, (SchedUnit) unit->value, 0, &first, &last);
	start = shift > 0 ? last : first;
	if (!sched_time_add_span(parser, start, &span, shift, &end))
		return 0;
	set_days(date, shift > 0 ? start : end, shift > 0 ? end : start, span.grain);
	date->stretch = true;
	return used;
}

/*
 * A whole week, month, quarter or year; also a weekend. bare allows "week" without a word before it
 * ("end of week").
 */
static int
read_plain_period(const SchedParser *parser, int at, bool bare, SchedDate *date)
{
	int next = at;
	int shift;
	int first;
	int last;
	int used;
	int year;
	bool led = read_shift(parser, &next, &shift);
	bool the = led && next == at + 1 && sched_time_is_word(parser, at, WORD_THE);
	const SchedToken *token = sched_time_peek(parser, next);

	if (led && (used = read_counted_period(parser, next, shift, date)) > 0)
		return next + used - at;
	if (token->word == WORD_WEEKEND && led && token->end - token->start == 7)
	{
		set_weekend(parser, date, shift);
		return next + 1 - at;
	}
	if (token->word == WORD_MONTH && (led || bare))
	{
		used = bare && !led ? sched_time_read_year(parser, next + 1, &year) : 0;
		if (used == 0)
			year = parser->now.year + (token->value < parser->now.month);
		if (led && shift != 0)
			year = parser->now.year + (shift > 0 ? token->value <= parser->now.month
												 : -(token->value >= parser->now.month));
		first = sched_time_day_number(year, token->value, 1);
		set_days(date, first, sched_time_day_number(year, token->value + 1, 1), SCHED_GRAIN_MONTH);
		return the ? 0 : next + 1 + used - at;
	}
	if (token->word != WORD_UNIT || token->value < UNIT_WEEK || token->value > UNIT_YEAR ||
		(!led && !bare) || (the && !bare))
		return 0;
	sched_time_period(parser->today, (SchedUnit) token->value, shift, &first, &last);
	set_days(date, first, last, sched_time_grain_of((SchedUnit) token->value));
	next++;
	/* "next week Friday", "this week on Tuesday" */
	if (token->value == UNIT_WEEK && !bare)
	{
		used = sched_time_is_word(parser, next, WORD_ON) || sched_time_is_mark(parser, next, ',');
		token = sched_time_peek(parser, next + used);
		if (token->word == WORD_WEEKDAY && !token->broken)
		{
			set_days(date, first + token->value - 1, first + token->value, SCHED_GRAIN_DAY);
			next += used + 1;
		}
	}
	return next - at;
}

/* What "end of" and "early in" can be said of: a period, a month, a quarter, a year. */
static int
read_inner_period(const SchedParser *parser, int at, SchedDate *date)
{
	int used = read_quarter(parser, at, date);
	int year;

	if (used == 0)
		used = read_plain_period(parser, at, true, date);
	if (used > 0)
		return used;
	used = sched_time_read_year(parser, at, &year);
	if (used != 1)
		return 0;
	set_days(date, sched_time_day_number(year, 1, 1), sched_time_day_number(year + 1, 1, 1),
			 SCHED_GRAIN_YEAR);
	return used;
}

/*
 * "the end of next month", "start of the week", "EOW", "month end". An end is the first instant
 * after the period and a deadline by itself; a start is the first day.
 */
static int
read_edge(const SchedParser *parser, int at, SchedDate *date)
{
	int next = at;
	int used;
	bool end;
	const SchedToken *token;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	if (sched_time_is_word(parser, next, WORD_THIS) &&
		!sched_time_is_word(parser, next + 1, WORD_END))
		next++;
	token = sched_time_peek(parser, next);
	end = token->word == WORD_END;
	if (token->word == WORD_END_OF && token->value != UNIT_DAY)
	{
		int first;
		int last;

		sched_time_period(parser->today, (SchedUnit) token->value, 0, &first, &last);
		set_days(date, first, last, sched_time_grain_of((SchedUnit) token->value));
		used = 1;
		end = true;
	}
	else if (end || token->word == WORD_START)
	{
		next++;
		if (sched_time_is_word(parser, next, WORD_OF))
			next++;
		used = read_inner_period(parser, next, date);
	}
	else if (token->word == WORD_UNIT && token->value >= UNIT_WEEK && token->value <= UNIT_YEAR)
	{
		used = sched_time_is_mark(parser, next + 1, '-') ? 2 : 1;
		if (!sched_time_is_word(parser, next + used, WORD_END))
			return 0;
		used = read_plain_period(parser, next, true, date) > 0 ? used + 1 : 0;
		end = true;
	}
	else
		return 0;
	if (used == 0)
		return 0;
	if (end)
		date->first = date->last;
	date->last = date->first + 1;
	date->boundary = true;
	date->ending = end;
	if (!end)
		date->grain = SCHED_GRAIN_DAY;
	return next + used - at;
}

/*
 * "early June", "mid-June", "late next week", "the middle of 2025": a third of the period, of a
 * month the days 1-10, 11-20 and 21 to the end.
 */
static int
read_third(const SchedParser *parser, int at, SchedDate *date)
{
	int next = at;
	int used;
	int length;
	int first;
	SchedWord word;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	word = sched_time_peek(parser, next)->word;
	if (word != WORD_EARLY && word != WORD_MID && word != WORD_LATE)
		return 0;
	next++;
	if (sched_time_is_mark(parser, next, '-') || sched_time_is_word(parser, next, WORD_OF) ||
		sched_time_is_word(parser, next, WORD_IN))
		next++;
	used = read_inner_period(parser, next, date);
	if (used == 0)
		return 0;
	length = date->last - date->first;
	first = date->first;
	/* of a month: 1-10, 11-20, 21-end */
	length = length >= 28 && length <= 31 ? 10 : length / 3;
	if (word == WORD_EARLY)
		date->last = first + (length > 0 ? length : 1);
	else if (word == WORD_MID)
	{
		date->first = first + length;
		date->last = first + 2 * length;
	}
	else
		date->first = first + 2 * length;
	date->stretch = true;
	return next + used - at;
}

/* "in 2025", "by 2030": a year alone needs the preposition and the end of a clause. */
static int
read_year_alone(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	SchedWord before = at > 0 ? sched_time_peek(parser, at - 1)->word : parser->before;

	if (token->kind != SCHED_TOKEN_NUMBER || token->digits != 4 || token->value < 1900 ||
		token->value > 2100 || !sched_time_clause_ends(parser, at + 1) ||
		!sched_time_ends_here(parser, at + 1))
		return 0;
	if (before != WORD_IN && before != WORD_BY && before != WORD_DURING && before != WORD_UNTIL)
		return 0;
	set_days(date, sched_time_day_number(token->value, 1, 1),
			 sched_time_day_number(token->value + 1, 1, 1), SCHED_GRAIN_YEAR);
	return 1;
}

/* A span of days that a word or two names. */
int
sched_time_read_period(const SchedParser *parser, int at, SchedDate *date)
{
	int used;

	if ((used = read_edge(parser, at, date)) > 0 || (used = read_third(parser, at, date)) > 0 ||
		(used = read_quarter(parser, at, date)) > 0 ||
		(used = read_numbered_week((SchedParser *) parser, at, date)) > 0 ||
		(used = read_plain_period(parser, at, false, date)) > 0)
		return used;
	return read_year_alone(parser, at, date);
}

/*
 * The nth (from the end where negative) weekday in a span of days; false where there is none, as
 * with the fifth Friday of most months.
 */
static bool
pick_weekday(int first, int last, int weekday, int nth, int *day)
{
	if (nth > 0)
		*day = first + (weekday - sched_time_weekday_of(first) + 7) % 7 + 7 * (nth - 1);
	else
		*day = last - 1 - (sched_time_weekday_of(last - 1) - weekday + 7) % 7 + 7 * (nth + 1);
	return *day >= first && *day < last;
}

/*
 * "first Wednesday of October 2014", "last Friday of next month", "last day of February", "second
 * week of May". A month without a year is the coming one in which the day still lies ahead.
 */
int
sched_time_read_nth(const SchedParser *parser, int at, SchedDate *date)
{
	int next = at;
	int nth = 0;
	int used;
	int day = 0;
	const SchedToken *what;
	const SchedToken *month;
	SchedDate period;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	if (sched_time_is_word(parser, next, WORD_LAST))
	{
		nth = -1;
		used = 1;
	}
	else
		used = sched_time_read_ordinal(parser, next, &nth);
	if (used == 0 || nth > 5 || nth == 0)
		return 0;
	next += used;
	what = sched_time_peek(parser, next++);
	if (what->word != WORD_WEEKDAY && what->word != WORD_WEEKEND &&
		(what->word != WORD_UNIT || what->value > UNIT_WEEK || what->value < UNIT_DAY))
		return 0;
	if (!sched_time_is_word(parser, next, WORD_OF) && !sched_time_is_word(parser, next, WORD_IN))
		return 0;
	next++;
	month = sched_time_peek(parser, next);
	used = read_inner_period(parser, next, &period);
	if (used == 0)
		return 0;
	for (;;)
	{
		bool found = true;
		int length = 1;

		if (what->word == WORD_WEEKDAY)
			found = pick_weekday(period.first, period.last, what->value, nth, &day);
		else if (what->word == WORD_WEEKEND)
		{
			found = pick_weekday(period.first, period.last, 6, nth, &day);
			length = 2;
		}
		else if (what->value == UNIT_DAY)
			day = nth > 0 ? period.first + nth - 1 : period.last + nth;
		else
		{
			sched_time_period(nth > 0 ? period.first : period.last - 1, UNIT_WEEK,
							  nth > 0 ? nth - 1 : nth + 1, &day, &length);
			length = 7;
		}
		if (!found)
			return 0;
		set_days(date, day, day + length, length == 7 ? SCHED_GRAIN_WEEK : SCHED_GRAIN_DAY);
		date->stretch = length == 2;
		/* this year's day is over: the next year's, once */
		if (month->word != WORD_MONTH || used > 1 || date->last > parser->today ||
			period.first > parser->today || parser->past)
			break;
		period.first = sched_time_shift_months(period.first, 12);
		period.last = sched_time_shift_months(period.last, 12);
	}
	return next + used - at;
}

/*
 * The day of a feast in a year; the numbers are those of the table of words. Feasts that only some
 * countries have on that day are not here.
 */
static int
holiday_in(int which, int year)
{
	int day;

	switch (which)
	{
		case 0:
			return sched_time_day_number(year, 12, 25);
		case 1:
			return sched_time_day_number(year, 10, 31);
		case 2:
			pick_weekday(sched_time_day_number(year, 11, 1), sched_time_day_number(year, 12, 1), 4,
						 4, &day);
			return day;
		case 3:
			return sched_time_easter(year);
		case 4:
			return sched_time_day_number(year, 12, 26);
		case 5:
			return sched_time_day_number(year, 2, 14);
		case 6:
			return holiday_in(2, year) + 1;
		default:
			return sched_time_easter(year) - 2;
	}
}

/* "New Year's Eve", "New Year's Day 2026". */
static int
read_new_year(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *unit = sched_time_peek(parser, at + 1);
	int next = at + 2;
	int year = 0;
	int day;
	bool eve;

	if (unit->word != WORD_UNIT || unit->value != UNIT_YEAR)
		return 0;
	if (sched_time_is_mark(parser, next, '\''))
		next++;
	eve = sched_time_is_word(parser, next, WORD_EVE);
	if (!eve && !(sched_time_is_word(parser, next, WORD_UNIT) &&
				  sched_time_peek(parser, next)->value == UNIT_DAY))
		return 0;
	next++;
	next += sched_time_read_year(parser, next, &year);
	day = year != 0 ? year : parser->now.year;
	day = eve ? sched_time_day_number(day, 12, 31) : sched_time_day_number(day, 1, 1);
	if (year == 0 && day < parser->today)
		day = sched_time_shift_months(day, 12);
	set_days(date, day, day + 1, SCHED_GRAIN_DAY);
	return next - at;
}

/* Christmas (Eve, Day), Halloween, Thanksgiving, Easter (Monday), Boxing Day, Valentine's Day. */
int
sched_time_read_holiday(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int next = at + 1;
	int year = 0;
	int shift = 0;
	int day;
	bool is_day;

	if (token->word == WORD_NEW)
		return read_new_year(parser, at, date);
	if (token->word != WORD_HOLIDAY)
		return 0;
	is_day = sched_time_is_word(parser, next, WORD_UNIT) &&
			 sched_time_peek(parser, next)->value == UNIT_DAY;
	if ((token->value == 4 || token->value == 5) && !is_day)
		return 0;
	if (token->value >= 6)
	{
		/* Black Friday, Good Friday */
		if ((!token->capital && token->value == 7) ||
			!sched_time_is_word(parser, next, WORD_WEEKDAY) ||
			sched_time_peek(parser, next)->value != 5)
			return 0;
		next++;
	}
	else if (is_day)
		next++;
	else if (sched_time_is_word(parser, next, WORD_EVE))
	{
		shift = -1;
		next++;
	}
	else if (token->value == 3 && (sched_time_is_word(parser, next, WORD_WEEKDAY)))
		shift = sched_time_peek(parser, next++)->value % 7;
	next += sched_time_read_year(parser, next, &year);
	if (shift > 1)
		return 0;
	day = holiday_in(token->value, year != 0 ? year : parser->now.year) + shift;
	if (year == 0 && day < parser->today)
		day = holiday_in(token->value, parser->now.year + 1) + shift;
	set_days(date, day, day + 1, SCHED_GRAIN_DAY);
	return next - at;
}
