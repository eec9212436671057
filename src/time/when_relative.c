/*
 * when_relative.c - moments counted from another one, and ranges of days inside of one month.
 *
 * Pure: no memory, nothing thrown; runs in whoever asks.
 *
 *	in|within length, +length, length ago|later|from now
 *	length from|after|before date|clock		a week from Friday, an hour before noon
 *	next|last length of hours or less		the next 2 hours
 *	month day-day, day-day month			July 13-15, the 8th to 11th of May
 *
 * Days and longer count in the calendar and come back as a date, to which a clock time may still be
 * added; hours and shorter are elapsed time across every change of offset.
 */
#include "when_internal.h"

/* Sets a moment that lies a length away from the reference; a day where the length counts days. */
static bool
set_distance(const SchedParser *parser, const SchedSpan *span, int sign, SchedMoment *moment)
{
	static const SchedTextZone here = {.named = false};
	int day;
	int clock = parser->now.hour * 3600 + parser->now.minute * 60 + parser->now.second;
	SchedInstant base = parser->context->reference;

	if (!sched_time_add_span(parser, parser->today, span, sign, &day))
		return false;
	if (span->grain >= SCHED_GRAIN_DAY)
	{
		moment->date = (SchedDate){DATE_SPAN, .first = day, .last = day + 1, .clock = -1};
		moment->date.grain = SCHED_GRAIN_DAY;
		moment->date.ambiguous = span->vague;
		return true;
	}
	if (day != parser->today)
	{
		base = sched_time_make_instant(parser, &here, day, clock);
		base += ((parser->context->reference % SCHED_USECS_PER_SEC) + SCHED_USECS_PER_SEC) %
				SCHED_USECS_PER_SEC;
	}
	if (span->seconds > (int64_t) 10000 * SCHED_DAY_SECS)
		return false;
	moment->lower = base + sign * span->seconds * SCHED_USECS_PER_SEC;
	moment->upper = moment->lower + 60 * SCHED_USECS_PER_SEC;
	moment->grain = span->grain;
	moment->fixed = moment->timed = true;
	moment->has_date = moment->has_time = true;
	moment->ambiguous = span->vague;
	return true;
}

/*
 * "3 days after Christmas", "a week from Friday", "an hour before noon": the part behind the
 * length.
 */
static int
read_anchor(SchedParser *parser, int at, const SchedSpan *span, int sign, SchedMoment *moment)
{
	SchedDate date;
	SchedClock clock;
	int used;
	int first;
	int last;

	if (span->grain < SCHED_GRAIN_DAY)
	{
		used = sched_time_read_clock(parser, at, CLOCK_PLAIN, &clock);
		parser->reject = 0;
		if (used == 0 || span->days > 0 || clock.bare || clock.ending ||
			span->seconds > SCHED_DAY_SECS)
			return 0;
		if (clock.midnight)
			clock.first = SCHED_DAY_SECS;
		clock.midnight = false;
		clock.first += sign * (int) span->seconds;
		if (clock.first < 0 || clock.first > SCHED_DAY_SECS)
			return 0;
		clock.grain = SCHED_GRAIN_MINUTE;
		moment->clock = clock;
		return used;
	}
	used = sched_time_read_date(parser, at, &date);
	parser->reject = 0;
	if (used == 0 || date.grain != SCHED_GRAIN_DAY || date.stretch ||
		!sched_time_resolve_date(parser, &date, parser->today, &first, &last) ||
		!sched_time_add_span(parser, first, span, sign, &first))
		return 0;
	moment->date = (SchedDate){DATE_SPAN, .first = first, .last = first + 1, .clock = -1};
	moment->date.grain = SCHED_GRAIN_DAY;
	return used;
}

/*
 * "ago", "later", "from now", "after ...": what makes a moment of a length that stands before it.
 */
static int
read_direction(SchedParser *parser, int at, const SchedSpan *span, SchedMoment *moment)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int used;

	switch (token->word)
	{
		case WORD_AGO:
			return set_distance(parser, span, -1, moment) ? 1 : 0;
		case WORD_LATER:
		case WORD_HENCE:
			return set_distance(parser, span, 1, moment) ? 1 : 0;
		case WORD_FROM:
			if (token->end - token->start == 4 && sched_time_is_word(parser, at + 1, WORD_NOW))
				return set_distance(parser, span, 1, moment) ? 2 : 0;
			if (token->end - token->start != 4)
				return 0;
			/* fall through */
		case WORD_AFTER:
			used = read_anchor(parser, at + 1, span, 1, moment);
			return used > 0 ? 1 + used : 0;
		case WORD_BEFORE:
			used = read_anchor(parser, at + 1, span, -1, moment);
			return used > 0 ? 1 + used : 0;
		case WORD_ON:
			/* British: "a week on Friday" */
			if (span->grain != SCHED_GRAIN_WEEK ||
				!sched_time_is_word(parser, at + 1, WORD_WEEKDAY))
				return 0;
			used = read_anchor(parser, at + 1, span, 1, moment);
			return used > 0 ? 1 + used : 0;
		default:
			return 0;
	}
}

/* "in 3 days", "in about 2 hours", "within a week": the length behind a preposition. */
static int
read_led_span(SchedParser *parser, int at, SchedMoment *moment)
{
	SchedSpan span;
	int next = at + 1;
	int used;
	bool within = sched_time_is_word(parser, at, WORD_WITHIN);

	if (within && sched_time_is_word(parser, next, WORD_THE))
		next++;
	if (within && sched_time_is_word(parser, next, WORD_NEXT))
		next++;
	if (sched_time_is_word(parser, next, WORD_ABOUT))
		next++;
	used = sched_time_read_span(parser, next, &span);
	if (used == 0 || !sched_time_ends_here(parser, next + used) ||
		!set_distance(parser, &span, 1, moment))
		return 0;
	next += used;
	/* in 3 days' time */
	if (sched_time_is_mark(parser, next, '\'') && sched_time_is_word(parser, next + 1, WORD_DATE))
		next++;
	if (sched_time_is_word(parser, next, WORD_DATE))
		next++;
	moment->within = within;
	return next - at;
}

/* "the next 2 hours", "last 30 minutes": the elapsed time around now. */
static int
read_near_span(SchedParser *parser, int at, SchedMoment *moment)
{
	SchedSpan span;
	int used = sched_time_read_span(parser, at + 1, &span);
	int sign = sched_time_is_word(parser, at, WORD_NEXT) ? 1 : -1;

	if (used == 0 || span.grain >= SCHED_GRAIN_DAY || !set_distance(parser, &span, sign, moment))
		return 0;
	if (sign > 0)
	{
		moment->upper = moment->lower;
		moment->lower = parser->context->reference;
	}
	else
		moment->upper = parser->context->reference;
	moment->kind = SCHED_WHEN_RANGE;
	moment->timed = false;
	return 1 + used;
}

/*
 * A moment relative to another. Days come back as a date, to which a clock time may still be added.
 */
int
sched_time_read_relative(SchedParser *parser, int at, SchedMoment *moment)
{
	SchedSpan span;
	int used;
	int more;
	int next = at;

	if (sched_time_is_word(parser, at, WORD_IN) || sched_time_is_word(parser, at, WORD_WITHIN) ||
		(sched_time_is_mark(parser, at, '+') && sched_time_is_glued(parser, at + 1)))
		return read_led_span(parser, at, moment);
	if (sched_time_is_word(parser, at, WORD_NEXT) || sched_time_is_word(parser, at, WORD_LAST) ||
		sched_time_is_word(parser, at, WORD_PAST))
		return read_near_span(parser, at, moment);
	if (sched_time_is_word(parser, at, WORD_ABOUT))
		next++;
	used = sched_time_read_span(parser, next, &span);
	if (used == 0)
		return 0;
	more = read_direction(parser, next + used, &span, moment);
	return more > 0 ? next + used + more - at : 0;
}

/* A day of the month inside of a range: figures or words. */
static int
read_range_day(const SchedParser *parser, int at, int *day)
{
	const SchedToken *token;
	int next = at;
	int used;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	token = sched_time_peek(parser, next);
	used = sched_time_read_ordinal(parser, next, day);
	if (used == 0 && token->kind == SCHED_TOKEN_NUMBER && token->digits <= 2)
	{
		*day = token->value;
		used = 1;
	}
	if (used == 0 || *day < 1 || *day > 31 || token->broken)
		return 0;
	return next + used - at;
}

/* The dash or word inside of a range of days. */
static bool
joins_days(const SchedParser *parser, int at)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return sched_time_is_dash(parser, at) || token->word == WORD_TO || token->word == WORD_UNTIL ||
		   token->word == WORD_THROUGH || token->word == WORD_AND;
}

/*
 * Days of one month: "July 13-15", "August 27th - 29th, 2026", "13 to 15 July", "the 8th to 11th of
 * May".
 */
int
sched_time_read_day_range(SchedParser *parser, int at, SchedDate *date)
{
	SchedDate end = {DATE_MONTH_DAY, .grain = SCHED_GRAIN_DAY, .clock = -1};
	int next = at;
	int start;
	int used;
	int first;
	int last;
	bool month_first;
	bool led = sched_time_is_word(parser, next, WORD_FROM) ||
			   sched_time_is_word(parser, next, WORD_BETWEEN);

	if (led || sched_time_is_word(parser, next, WORD_ON))
		next++;
	month_first = sched_time_is_word(parser, next, WORD_MONTH);
	if (month_first)
	{
		end.month = sched_time_peek(parser, next++)->value;
		if (sched_time_is_mark(parser, next, '.') && sched_time_is_glued(parser, next))
			next++;
	}
	used = read_range_day(parser, next, &start);
	next += used;
	if (used == 0 || !joins_days(parser, next) ||
		(sched_time_is_word(parser, next, WORD_AND) && !led))
		return 0;
	next++;
	used = read_range_day(parser, next, &end.day);
	next += used;
	if (used == 0 || end.day <= start)
		return 0;
	if (!month_first)
	{
		if (sched_time_is_word(parser, next, WORD_OF))
			next++;
		if (!sched_time_is_word(parser, next, WORD_MONTH))
			return 0;
		end.month = sched_time_peek(parser, next++)->value;
	}
	else if (sched_time_is_mark(parser, next, ':') ||
			 sched_time_is_word(parser, next, WORD_MERIDIEM) ||
			 sched_time_is_word(parser, next, WORD_MONTH) ||
			 sched_time_is_word(parser, next, WORD_MEASURE))
		return 0;
	next += sched_time_read_year(parser, next, &end.year);
	if (!sched_time_ends_here(parser, next) ||
		!sched_time_resolve_date(parser, &end, parser->today, &first, &last))
		return 0;
	*date = (SchedDate){DATE_SPAN, .first = first - (end.day - start), .last = last, .clock = -1};
	date->grain = SCHED_GRAIN_DAY;
	date->stretch = true;
	return next - at;
}
