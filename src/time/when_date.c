/*
 * when_date.c - one day in words or figures.
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. What is read, with optional parts in
 * brackets:
 *
 *	month first	December 7[th][,] [2014], march first, Feb the 15th
 *	day first	[the] 7[th] [of] December [2014], 15Sep, twenty-fourth of May
 *	weekday		[this|next|last] Friday [[,] any of the above | the 15th | of next week]
 *	near		today, tomorrow, the day after tomorrow, tonight, this morning, last night
 *	in a month	the 15th, the 20th of next month
 *
 * A date comes out as it was said (a weekday, a day and month without a year); which day that is
 * gets decided later, when it is known whether it stands alone or ends a range. What looks like a
 * date and cannot be one (30 February, 2/29/2023) sets parser->reject, so that no half of it is
 * taken for something else.
 */
#include "when_internal.h"

/* The year that two figures stand for: 1951 to 2050, as the peers have it. */
int
sched_time_expand_year(int year)
{
	return year > 50 ? 1900 + year : 2000 + year;
}

/*
 * A year behind a month: four figures, or two behind an apostrophe. Not where a clock time or a
 * count of things begins with the same figures.
 */
int
sched_time_read_year(const SchedParser *parser, int at, int *year)
{
	const SchedToken *token;
	int next = at;

	if (sched_time_is_mark(parser, next, '.') && sched_time_is_glued(parser, next))
		next++;
	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (sched_time_is_word(parser, next, WORD_OF) || sched_time_is_word(parser, next, WORD_IN))
		next++;
	token = sched_time_peek(parser, next);
	if (sched_time_is_mark(parser, next, '\'') && sched_time_is_glued(parser, next + 1))
	{
		token = sched_time_peek(parser, next + 1);
		if (token->kind != SCHED_TOKEN_NUMBER || token->digits != 2)
			return 0;
		*year = sched_time_expand_year(token->value);
		return next + 2 - at;
	}
	if (token->kind != SCHED_TOKEN_NUMBER || token->digits != 4 || token->value < 1000 ||
		token->value > 2999 || !sched_time_ends_here(parser, next + 1) ||
		sched_time_is_word(parser, next + 1, WORD_MEASURE) ||
		sched_time_is_word(parser, next + 1, WORD_MERIDIEM))
		return 0;
	if (sched_time_is_glued(parser, next) && !sched_time_is_mark(parser, next - 1, ',') &&
		!sched_time_is_mark(parser, next - 1, '.') &&
		sched_time_peek(parser, next - 1)->kind == SCHED_TOKEN_PUNCT)
		return 0;
	*year = token->value;
	return next + 1 - at;
}

/*
 * Lower-case "may" and "march" are verbs more often than months: next to a bare number they are
 * months only where the clause ends, or goes on with words that follow a date.
 */
static bool
month_is_meant(const SchedParser *parser, const SchedToken *month, int after)
{
	const SchedToken *next = sched_time_peek(parser, after);

	if ((month->value != 5 && month->value != 3) || month->capital)
		return true;
	if (parser->before == WORD_PRONOUN)
		return false;
	return next->kind != SCHED_TOKEN_WORD ||
		   (next->word != WORD_NONE && next->word != WORD_MEASURE && next->word != WORD_PRONOUN &&
			next->word != WORD_UNIT);
}

/*
 * Fills in a day and month; refuses what the calendar does not have, and with it all its tokens:
 * without that, "30 February 2024" would leave "February 2024" behind.
 */
static int
finish_month_day(SchedParser *parser, SchedDate *date, int year, int month, int day, int used)
{
	if (!sched_time_valid_date(year, month, day))
	{
		parser->reject = used;
		return 0;
	}
	date->form = DATE_MONTH_DAY;
	date->year = year;
	date->month = month;
	date->day = day;
	date->grain = SCHED_GRAIN_DAY;
	date->clock = -1;
	return used;
}

/*
 * The year behind a day and month: as sched_time_read_year(), or two figures that can be no day
 * ("3rd Feb 82").
 */
static int
read_day_year(const SchedParser *parser, int at, int *year)
{
	const SchedToken *token = sched_time_peek(parser, at);

	if (token->kind == SCHED_TOKEN_NUMBER && token->digits == 2 && token->value > 31 &&
		token->spaced && sched_time_clause_ends(parser, at + 1) &&
		sched_time_ends_here(parser, at + 1))
	{
		*year = sched_time_expand_year(token->value);
		return 1;
	}
	return sched_time_read_year(parser, at, year);
}

/*
 * "December 7, 2014", "march first", "Feb the 15th", "Sep 20". The day may be in figures or an
 * ordinal; where figures stand, what follows must not make a clock time or a count of them.
 */
static int
read_month_first(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *month = sched_time_peek(parser, at);
	const SchedToken *token;
	int next = at + 1;
	int day = 0;
	int year = 0;
	int used;
	bool ordinal = true;

	if (sched_time_is_mark(parser, next, '.') && sched_time_is_glued(parser, next))
		next++;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next) &&
		sched_time_is_glued(parser, next + 1))
		next++;
	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	used = sched_time_read_ordinal(parser, next, &day);
	token = sched_time_peek(parser, next);
	if (used == 0 && token->kind == SCHED_TOKEN_NUMBER && token->digits <= 2)
	{
		ordinal = false;
		day = token->value;
		used = 1;
	}
	else if (used == 0)
	{
		/* "may five" would be too bold; "july twenty" is not */
		if (!sched_time_is_word(parser, next, WORD_CARDINAL) || month->value == 5 ||
			month->value == 3)
			return 0;
		used = sched_time_read_cardinal(parser, next, &day);
	}
	next += used;
	if (sched_time_is_word(parser, next, WORD_MERIDIEM) || sched_time_is_mark(parser, next, ':') ||
		!sched_time_ends_here(parser, next))
	{
		/* "march 3pm", "May 10:30": a clock time follows the month */
		if (sched_time_is_word(parser, next, WORD_MERIDIEM) ||
			sched_time_is_mark(parser, next, ':'))
			return 0;
		if (!sched_time_is_mark(parser, next, '-') && !sched_time_is_mark(parser, next, '/'))
			return 0;
	}
	if (!ordinal && !month_is_meant(parser, month, next))
		return 0;
	used = read_day_year(parser, next, &year);
	if (used == 0 &&
		(sched_time_is_mark(parser, next, '-') || sched_time_is_mark(parser, next, '/')) &&
		sched_time_is_glued(parser, next))
	{
		token = sched_time_peek(parser, next + 1);
		if (token->kind == SCHED_TOKEN_NUMBER && token->digits == 4 && !token->spaced)
		{
			year = token->value;
			used = 2;
		}
	}
	return finish_month_day(parser, date, year, month->value, day, next + used - at);
}

/*
 * "7 December 2014", "the 1st of march", "15Sep", "31-Oct-74", "Eighth of May". Dashes or slashes
 * on both sides of the month allow a year of two figures, which would be too bold behind a space.
 */
static int
read_day_first(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	const SchedToken *month;
	int next = at;
	int day = 0;
	int year = 0;
	int used;
	bool ordinal = true;
	bool dashed = false;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	used = sched_time_read_ordinal(parser, next, &day);
	token = sched_time_peek(parser, next);
	if (used == 0 && token->kind == SCHED_TOKEN_NUMBER && token->digits <= 2)
	{
		ordinal = false;
		day = token->value;
		used = 1;
	}
	if (used == 0)
		return 0;
	next += used;
	if (sched_time_is_word(parser, next, WORD_OF))
		next++;
	else if (sched_time_is_mark(parser, next, '.') && sched_time_is_glued(parser, next))
		next++;
	else if ((sched_time_is_mark(parser, next, '-') || sched_time_is_mark(parser, next, '/')) &&
			 sched_time_is_glued(parser, next) && sched_time_is_glued(parser, next + 1))
	{
		dashed = true;
		next++;
	}
	month = sched_time_peek(parser, next);
	if (!sched_time_is_word(parser, next, WORD_MONTH))
		return 0;
	next++;
	if (!ordinal && !month_is_meant(parser, month, next) && !sched_time_clause_ends(parser, next))
		return 0;
	token = sched_time_peek(parser, next + 1);
	if (dashed && token->kind == SCHED_TOKEN_NUMBER && !token->spaced &&
		sched_time_peek(parser, next)->kind == SCHED_TOKEN_PUNCT)
	{
		if (token->digits == 2)
			year = sched_time_expand_year(token->value);
		else if (token->digits == 4)
			year = token->value;
		if (year != 0)
			next += 2;
	}
	else
		next += read_day_year(parser, next, &year);
	if (!sched_time_ends_here(parser, next))
		return 0;
	return finish_month_day(parser, date, year, month->value, day, next - at);
}

/* "2024 Aug", "2024-August", "2024 August 12", "2024-Aug-12". */
static int
read_year_first(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *year = sched_time_peek(parser, at);
	const SchedToken *month;
	const SchedToken *day;
	int next = at + 1;

	if (year->kind != SCHED_TOKEN_NUMBER || year->digits != 4 || year->value < 1000)
		return 0;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	month = sched_time_peek(parser, next);
	if (!sched_time_is_word(parser, next, WORD_MONTH) || !month_is_meant(parser, month, next + 1))
		return 0;
	next++;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	day = sched_time_peek(parser, next);
	if (day->kind == SCHED_TOKEN_NUMBER && day->digits <= 2 && !day->broken &&
		sched_time_ends_here(parser, next + 1) &&
		!sched_time_is_word(parser, next + 1, WORD_MERIDIEM))
		return finish_month_day(parser, date, year->value, month->value, day->value, next + 1 - at);
	if (sched_time_is_mark(parser, next - 1, '-'))
		next--;
	*date = (SchedDate){DATE_MONTH, .year = year->value, .month = month->value, .clock = -1};
	date->grain = SCHED_GRAIN_MONTH;
	return next - at;
}

/*
 * A month alone. First names, verbs and abbreviations are months only behind a preposition or where
 * nothing else stands in the text.
 */
static int
read_month_alone(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *month = sched_time_peek(parser, at);
	int year = 0;
	int used = sched_time_read_year(parser, at + 1, &year);
	bool name = month->end - month->start <= 3 || month->value == 3 || month->value == 4 ||
				month->value == 6 || month->value == 8;
	bool alone = sched_time_peek(parser, -1)->kind == SCHED_TOKEN_END &&
				 sched_time_peek(parser, at + 1)->kind == SCHED_TOKEN_END;
	bool led;

	switch (at > 0 ? sched_time_peek(parser, at - 1)->word : parser->before)
	{
		case WORD_IN:
		case WORD_BY:
		case WORD_UNTIL:
		case WORD_OF:
		case WORD_BEFORE:
		case WORD_AFTER:
		case WORD_DURING:
		case WORD_THROUGH:
		case WORD_FROM:
		case WORD_EARLY:
		case WORD_MID:
		case WORD_LATE:
		case WORD_THIS:
		case WORD_NEXT:
		case WORD_LAST:
		case WORD_WITHIN:
			led = true;
			break;
		default:
			led = at > 0 && sched_time_is_mark(parser, at - 1, '-');
			break;
	}
	if (used == 0 && name && !alone && !(led && month->capital) &&
		!(led && month->value != 5 && month->value != 3))
		return 0;
	if (used == 0 && !sched_time_ends_here(parser, at + 1))
		return 0;
	*date = (SchedDate){DATE_MONTH, .year = year, .month = month->value, .clock = -1};
	date->grain = SCHED_GRAIN_MONTH;
	return 1 + used;
}

/* "next Friday", "Friday next week": a weekday of the week that lies shift weeks from this one. */
static void
set_weekday_of_week(const SchedParser *parser, SchedDate *date, int weekday, int shift)
{
	int first;
	int last;

	sched_time_period(parser->today, UNIT_WEEK, shift, &first, &last);
	*date = (SchedDate){DATE_SPAN, .weekday = weekday, .clock = -1};
	date->first = first + weekday - 1;
	date->last = date->first + 1;
	date->grain = SCHED_GRAIN_DAY;
}

/* "next week", "of this week", ", next week" behind a weekday: the shift in weeks. */
static int
read_week_of(const SchedParser *parser, int at, int *shift)
{
	int next = at;
	const SchedToken *token;

	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (sched_time_is_word(parser, next, WORD_OF) || sched_time_is_word(parser, next, WORD_IN))
		next++;
	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_THIS)
		*shift = 0;
	else if (token->word == WORD_NEXT || token->word == WORD_LAST)
		*shift = token->word == WORD_NEXT ? 1 : -1;
	else
		return 0;
	token = sched_time_peek(parser, next + 1);
	if (token->word != WORD_UNIT || token->value != UNIT_WEEK)
		return 0;
	return next + 2 - at;
}

/*
 * Sat, sun and wed are words as well: they are days where the context of a date stands around them.
 */
static bool
weekday_is_meant(const SchedParser *parser, int at)
{
	const SchedToken *token = sched_time_peek(parser, at);
	const SchedToken *next = sched_time_peek(parser, at + 1);
	SchedWord before = at > 0 ? sched_time_peek(parser, at - 1)->word : parser->before;

	if (token->end - token->start > 3 ||
		(token->value < 6 && (token->value != 3 || token->capital)))
		return true;
	/* nothing else stands in the text */
	if (at == 0 && sched_time_peek(parser, -1)->kind == SCHED_TOKEN_END &&
		(next->kind == SCHED_TOKEN_END ||
		 (next->kind == SCHED_TOKEN_PUNCT && sched_time_peek(parser, 2)->kind == SCHED_TOKEN_END)))
		return true;
	if (next->kind == SCHED_TOKEN_PUNCT && (next->mark == '.' || next->mark == ',') &&
		!next->spaced)
		next = sched_time_peek(parser, at + 2);
	if (before == WORD_ON || before == WORD_THIS || before == WORD_NEXT || before == WORD_LAST ||
		before == WORD_BY || before == WORD_UNTIL || before == WORD_BEFORE ||
		before == WORD_EVERY || before == WORD_DUE || before == WORD_FROM ||
		before == WORD_WEEKDAY || before == WORD_AND || before == WORD_TO || before == WORD_OR)
		return true;
	if (next->kind == SCHED_TOKEN_NUMBER && !token->capital)
		next = sched_time_peek(parser, at + 2);
	switch (next->word)
	{
		case WORD_AT:
		case WORD_MONTH:
		case WORD_WEEKDAY:
		case WORD_DAYPART:
		case WORD_CLOCK_NAME:
		case WORD_MERIDIEM:
		case WORD_SUFFIX:
			return true;
		case WORD_ORDINAL:
			return token->capital;
		default:
			break;
	}
	if (!token->capital)
		return next->kind == SCHED_TOKEN_PUNCT && (next->mark == ':' || next->mark == '/');
	if (next->kind == SCHED_TOKEN_NUMBER)
		return true;
	return before != WORD_THE && before != WORD_PRONOUN &&
		   (sched_time_clause_ends(parser, at + 1) || sched_time_is_dash(parser, at + 1));
}

/*
 * "Friday", and what may follow: "13 Sep", "11/3/2015", "the 15th", "next week". A full date behind
 * a weekday is the date; the weekday stays with it as a witness, for the year and for the order of
 * figures.
 */
static int
read_weekday(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int weekday = token->value;
	int next = at + 1;
	int shift;
	int used;
	bool the;

	if (!weekday_is_meant(parser, at))
		return 0;
	used = read_week_of(parser, next, &shift);
	if (used > 0)
	{
		set_weekday_of_week(parser, date, weekday, shift);
		return 1 + used;
	}
	*date = (SchedDate){.weekday = weekday, .clock = -1};
	if (sched_time_is_mark(parser, next, '.') && sched_time_is_glued(parser, next))
		next++;
	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (sched_time_is_mark(parser, next, '(') || sched_time_is_word(parser, next, WORD_ON))
		next++;
	if ((used = sched_time_read_numeric(parser, next, date)) > 0 ||
		(used = read_day_first(parser, next, date)) > 0)
		;
	else if (sched_time_is_word(parser, next, WORD_MONTH))
		used = read_month_first(parser, next, date);
	if (used > 0 && date->form == DATE_MONTH_DAY)
	{
		date->weekday = weekday;
		if (sched_time_is_mark(parser, next - 1, '(') &&
			sched_time_is_mark(parser, next + used, ')'))
			used++;
		return next + used - at;
	}
	if (parser->reject > 0)
	{
		parser->reject += next - at;
		return 0;
	}
	the = sched_time_is_word(parser, next, WORD_THE);
	used = sched_time_read_ordinal(parser, next + the, &shift);
	/* "the fifteenth", or in figures without the article */
	if (used > 0 && shift >= 1 && shift <= 31 && (the || used == 2))
	{
		*date = (SchedDate){DATE_DAY, .day = shift, .weekday = weekday, .clock = -1};
		date->grain = SCHED_GRAIN_DAY;
		return next + the + used - at;
	}
	*date = (SchedDate){DATE_WEEKDAY, .weekday = weekday, .grain = SCHED_GRAIN_DAY, .clock = -1};
	return 1;
}

/*
 * "the 15th", "the 20th of next month", "20th day of this month". An ordinal alone needs the
 * article and figures, and no noun behind it: "the 3rd time" and "the first of them" are no days.
 */
static int
read_day_of_month(const SchedParser *parser, int at, SchedDate *date)
{
	int next = at;
	int day = 0;
	int used;
	int first;
	int last;
	const SchedToken *which;
	bool the = sched_time_is_word(parser, next, WORD_THE);

	if (the)
		next++;
	used = sched_time_read_ordinal(parser, next, &day);
	if (used == 0 && sched_time_is_word(parser, next + 1, WORD_OF) &&
		sched_time_peek(parser, next)->kind == SCHED_TOKEN_NUMBER)
		used = sched_time_read_cardinal(parser, next, &day);
	if (used == 0 || day < 1 || day > 31)
		return 0;
	next += used;
	if (sched_time_is_word(parser, next, WORD_UNIT) &&
		sched_time_peek(parser, next)->value == UNIT_DAY)
		next++;
	if (sched_time_is_word(parser, next, WORD_OF))
	{
		int shift = 0;

		which = sched_time_peek(parser, ++next);
		if (which->word == WORD_THE && !sched_time_is_word(parser, next + 1, WORD_UNIT))
			which = sched_time_peek(parser, ++next);
		if (which->word == WORD_NEXT || which->word == WORD_LAST)
			shift = which->word == WORD_NEXT ? 1 : -1;
		else if (which->word != WORD_THIS && which->word != WORD_THE)
			return 0;
		if (!sched_time_is_word(parser, next + 1, WORD_UNIT) ||
			sched_time_peek(parser, next + 1)->value != UNIT_MONTH)
			return 0;
		if (which->word == WORD_THE)
			shift = 0;
		sched_time_period(parser->today, UNIT_MONTH, shift, &first, &last);
		if (first + day > last)
			return 0;
		*date = (SchedDate){DATE_SPAN, .first = first + day - 1, .last = first + day, .clock = -1};
		date->grain = SCHED_GRAIN_DAY;
		return next + 2 - at;
	}
	/*
	 * only "the 15th" in figures, and only where no noun follows: not "the 3rd time", "the first"
	 */
	if (!the || sched_time_peek(parser, at + 1)->kind != SCHED_TOKEN_NUMBER || next - at != 3)
		return 0;
	which = sched_time_peek(parser, next);
	if (which->kind == SCHED_TOKEN_WORD && !which->broken &&
		(which->word == WORD_NONE || which->word == WORD_UNIT || which->word == WORD_MEASURE ||
		 which->word == WORD_LABEL || which->word == WORD_TIMES || which->word == WORD_DATE))
		return 0;
	if (!sched_time_ends_here(parser, next))
		return 0;
	*date = (SchedDate){DATE_DAY, .day = day, .grain = SCHED_GRAIN_DAY, .clock = -1};
	return next - at;
}

/* today, tomorrow, "the day after tomorrow", "the day before yesterday", tonight, "last night". */
static int
read_near_day(const SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token;
	int next = at;
	int shift = 0;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_UNIT && token->value == UNIT_DAY &&
		(sched_time_is_word(parser, next + 1, WORD_AFTER) ||
		 sched_time_is_word(parser, next + 1, WORD_BEFORE)) &&
		sched_time_is_word(parser, next + 2, WORD_TODAY))
	{
		shift = sched_time_is_word(parser, next + 1, WORD_AFTER) ? 1 : -1;
		next += 2;
		token = sched_time_peek(parser, next);
	}
	else if (next > at)
		return 0;
	*date = (SchedDate){DATE_SPAN, .grain = SCHED_GRAIN_DAY, .clock = -1, .today = true};
	if (token->word == WORD_TODAY)
		date->first = parser->today + token->value + shift;
	else if (token->word == WORD_TONIGHT)
	{
		date->first = parser->today;
		date->clock = PART_TONIGHT;
	}
	else if (sched_time_is_word(parser, next + 1, WORD_DAYPART) &&
			 (token->word == WORD_THIS || token->word == WORD_LAST))
	{
		int part = sched_time_peek(parser, next + 1)->value;

		if (token->word == WORD_LAST && part != PART_NIGHT)
			return 0;
		date->first = parser->today - (token->word == WORD_LAST);
		date->clock = part;
		next++;
	}
	else
		return 0;
	date->last = date->first + 1;
	return next + 1 - at;
}

/*
 * "next Friday", "this coming Monday", "last Tuesday". Next is the weekday of the next week (Monday
 * to Sunday), this the coming one, last the latest that is over: a convention, and the one that
 * most peers follow.
 */
static int
read_led_weekday(SchedParser *parser, int at, SchedDate *date)
{
	SchedWord word = sched_time_peek(parser, at)->word;
	int next = at + 1;
	int back;
	int used;
	const SchedToken *token;

	if (word == WORD_THIS && (sched_time_is_word(parser, next, WORD_THIS) ||
							  sched_time_is_word(parser, next, WORD_PAST)))
		word = sched_time_peek(parser, next++)->word;
	token = sched_time_peek(parser, next);
	if (token->word != WORD_WEEKDAY)
		return 0;
	/* "this Monday, 12 May" says the day itself */
	used = read_weekday(parser, next, date);
	if (used > 1 && date->form != DATE_WEEKDAY)
		return next + used - at;
	if (word == WORD_NEXT)
		set_weekday_of_week(parser, date, token->value, 1);
	else if (word == WORD_THIS)
		*date = (SchedDate){DATE_WEEKDAY, .weekday = token->value, .grain = SCHED_GRAIN_DAY,
							.clock = -1};
	else
	{
		back = (sched_time_weekday_of(parser->today) - token->value + 7) % 7;
		*date = (SchedDate){DATE_SPAN, .weekday = token->value, .clock = -1};
		date->first = parser->today - (back == 0 ? 7 : back);
		date->last = date->first + 1;
		date->grain = SCHED_GRAIN_DAY;
	}
	return next + 1 - at;
}

/*
 * The weekday behind a day and month: "June 8 (Sat)", "Jul 18, Fri 2014". Without brackets only
 * where a year follows: else it is the next date of a list.
 */
static int
read_weekday_behind(const SchedParser *parser, int at, SchedDate *date)
{
	int year;
	int used;
	int next = at;

	if (date->form != DATE_MONTH_DAY || date->weekday != 0)
		return 0;
	if (sched_time_is_mark(parser, next, '(') &&
		sched_time_is_word(parser, next + 1, WORD_WEEKDAY) &&
		sched_time_is_mark(parser, next + 2, ')'))
	{
		date->weekday = sched_time_peek(parser, next + 1)->value;
		return 3;
	}
	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (!sched_time_is_word(parser, next, WORD_WEEKDAY) || date->year != 0)
		return 0;
	used = sched_time_read_year(parser, next + 1, &year);
	if (used == 0)
		return 0;
	date->weekday = sched_time_peek(parser, next)->value;
	date->year = year;
	return next + 1 + used - at;
}

/*
 * A date in any of its forms. The first token decides which forms are tried, the longest first;
 * where one of them rejects its tokens, no other may have them.
 */
static int
read_form(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int used = 0;

	*date = (SchedDate){.clock = -1};
	if (token->kind == SCHED_TOKEN_NUMBER)
	{
		if ((used = sched_time_read_numeric(parser, at, date)) > 0 || parser->reject > 0 ||
			(used = read_day_first(parser, at, date)) > 0 || parser->reject > 0 ||
			(used = read_year_first(parser, at, date)) > 0 ||
			(used = sched_time_read_nth(parser, at, date)) > 0 ||
			(used = sched_time_read_period(parser, at, date)) > 0)
			return used;
		return read_day_of_month(parser, at, date);
	}
	if (token->kind != SCHED_TOKEN_WORD)
		return 0;
	switch (token->word)
	{
		case WORD_TODAY:
		case WORD_TONIGHT:
			return read_near_day(parser, at, date);
		case WORD_WEEKDAY:
			return read_weekday(parser, at, date);
		case WORD_MONTH:
			used = read_month_first(parser, at, date);
			if (used == 0 && parser->reject == 0)
				used = read_month_alone(parser, at, date);
			return used;
		case WORD_HOLIDAY:
			return sched_time_read_holiday(parser, at, date);
		case WORD_THIS:
		case WORD_NEXT:
		case WORD_LAST:
		case WORD_PAST:
			if ((used = read_near_day(parser, at, date)) > 0 ||
				(used = sched_time_read_nth(parser, at, date)) > 0 ||
				(used = read_led_weekday(parser, at, date)) > 0)
				return used;
			return sched_time_read_period(parser, at, date);
		default:
			break;
	}
	if ((used = read_near_day(parser, at, date)) > 0 ||
		(used = sched_time_read_nth(parser, at, date)) > 0 ||
		(used = read_day_first(parser, at, date)) > 0 || parser->reject > 0 ||
		(used = sched_time_read_period(parser, at, date)) > 0 ||
		(used = sched_time_read_holiday(parser, at, date)) > 0 ||
		(used = read_day_of_month(parser, at, date)) > 0)
		return used;
	return 0;
}

int
sched_time_read_date(SchedParser *parser, int at, SchedDate *date)
{
	int used = read_form(parser, at, date);

	return used > 0 ? used + read_weekday_behind(parser, at + used, date) : 0;
}
