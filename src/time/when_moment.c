/*
 * when_moment.c - joins dates, clock times, parts of the day and zones into one moment, and settles
 * it.
 *
 * Pure: no memory, nothing thrown; runs in whoever asks.
 *
 *	moment		part [joint part]...		each kind of part once, in any order
 *	part		date | clock [to clock] | part of day | zone
 *	joint		"," | "-" | on | in | at | from | between | after | by | before
 *	range		[from|between] moment to|-|until|and moment
 *
 * Settling turns the parts into an instant and its end, forward from the reference: what the phrase
 * leaves open lies ahead. The second end of a range is settled from the first one on, and lends it
 * its year.
 */
#include "when_internal.h"

#define MINUTE INT64_C(60000000)

/* What the loop over the parts has found. */
typedef struct Parts
{
	SchedMoment *moment;
	SchedClock part; /* of the day */
	int lead;        /* flags of the word before the next part */
	bool comma;
	bool dash;
	bool strict; /* "for": only what is a time by itself may follow */
	bool word;   /* a preposition stands before it */
	bool open;   /* "after" */
	bool until;  /* "by", "before": Friday by noon */
	bool in;
} Parts;

/* Reads the words that may stand between two parts; returns the place behind them. */
static int
read_joint(const SchedParser *parser, int at, bool first, Parts *parts)
{
	int next = at;

	parts->comma = parts->dash = parts->word = parts->open = parts->in = parts->until = false;
	parts->strict = false;
	if (!first && sched_time_is_mark(parser, next, ','))
	{
		parts->comma = true;
		next++;
	}
	else if (!first && sched_time_is_dash(parser, next) && !sched_time_is_glued(parser, next) &&
			 !sched_time_is_glued(parser, next + 1))
	{
		parts->dash = true;
		next++;
	}
	if (sched_time_is_word(parser, next, WORD_ON) ||
		(!first && sched_time_is_word(parser, next, WORD_FOR) &&
		 sched_time_peek(parser, next + 1)->kind == SCHED_TOKEN_NUMBER &&
		 !sched_time_peek(parser, next)->broken))
	{
		parts->strict = sched_time_is_word(parser, next, WORD_FOR);
		parts->word = true;
		next++;
	}
	else if (sched_time_is_word(parser, next, WORD_IN) && first)
	{
		parts->in = true;
		next++;
	}
	else if (sched_time_is_word(parser, next, WORD_FROM) ||
			 sched_time_is_word(parser, next, WORD_BETWEEN))
	{
		parts->word = true;
		parts->lead = CLOCK_IN_RANGE;
		next++;
	}
	else if (!first && (sched_time_is_word(parser, next, WORD_BY) ||
						sched_time_is_word(parser, next, WORD_BEFORE)))
	{
		parts->until = true;
		parts->lead = CLOCK_AFTER_AT;
		next++;
	}
	else if (sched_time_is_word(parser, next, WORD_AFTER) &&
			 (!first || sched_time_peek(parser, next + 1)->kind == SCHED_TOKEN_NUMBER))
	{
		parts->open = true;
		next++;
	}
	if (sched_time_is_word(parser, next, WORD_AT) || sched_time_is_mark(parser, next, '@'))
	{
		parts->word = true;
		parts->lead |= CLOCK_AFTER_AT;
		next++;
	}
	if (next > at && sched_time_is_word(parser, next, WORD_ABOUT))
		next++;
	return next;
}

/* Takes a clock time as the next part; its tokens or 0. */
static int
take_clock(SchedParser *parser, int at, Parts *parts)
{
	SchedMoment *moment = parts->moment;
	SchedClock clock;
	int flags = parts->lead;
	int used;
	bool led = (flags & CLOCK_AFTER_AT) != 0;

	if (moment->date.form != DATE_NONE && !parts->dash && !parts->in && !parts->strict)
		flags |= CLOCK_AFTER_DATE;
	/* "9 tomorrow", "eight this evening" */
	if (flags == 0 && (sched_time_is_word(parser, at + 1, WORD_TODAY) ||
					   sched_time_is_word(parser, at + 1, WORD_TONIGHT) ||
					   (sched_time_is_word(parser, at + 1, WORD_THIS) &&
						sched_time_is_word(parser, at + 2, WORD_DAYPART))))
		flags = CLOCK_AFTER_DATE;
	used = sched_time_read_clocks(parser, at, flags, &clock);
	if (used == 0)
		return 0;
	if ((flags & CLOCK_IN_RANGE) && !clock.range && clock.span == 0 && (clock.bare || clock.number))
		return 0;
	/* a list, "June 5, 10 and 12", is no time */
	if (clock.bare && !led && parts->comma && !clock.range &&
		!sched_time_clause_ends(parser, at + used))
		return 0;
	if (clock.bare && sched_time_peek(parser, at)->broken && !led)
		return 0;
	if (parts->until && (moment->date.form == DATE_NONE || clock.range))
		return 0;
	clock.open = parts->open;
	clock.ending |= parts->until;
	moment->clock = clock;
	return used;
}

/* One more part behind the ones already read; its tokens or 0. */
static int
take_part(SchedParser *parser, int at, bool first, Parts *parts)
{
	SchedMoment *moment = parts->moment;
	SchedDate date;
	SchedClock part;
	int used;
	int next;

	parts->lead = first ? parts->lead : 0;
	if (!first && moment->clock.set && !moment->zone.named)
	{
		used = sched_time_read_zone(parser, at, &moment->zone);
		if (used > 0)
			return used;
	}
	if (!first && !parts->part.set && (used = sched_time_read_part(parser, at, &part)) > 0)
	{
		parts->part = part;
		return used;
	}
	next = read_joint(parser, at, first, parts);
	if (!first && sched_time_peek(parser, at)->broken && !parts->word)
		return 0;
	if (!first && sched_time_peek(parser, next)->broken && !parts->word && !parts->comma)
		return 0;
	if (!moment->clock.set && (parts->lead & (CLOCK_AFTER_AT | CLOCK_IN_RANGE)) != 0 &&
		(used = take_clock(parser, next, parts)) > 0)
		return next + used - at;
	if (parts->until)
		return 0;
	if (moment->date.form == DATE_NONE && parser->reject == 0 && !parts->open &&
		(!moment->clock.ending || !parts->comma))
	{
		used = sched_time_read_date(parser, next, &date);
		/* "in" goes with longer periods only */
		if (used > 0 && !(parts->in && date.form == DATE_WEEKDAY))
		{
			moment->date = date;
			return next + used - at;
		}
	}
	if (!moment->clock.set && parser->reject == 0 && !parts->in &&
		(used = take_clock(parser, next, parts)) > 0)
		return next + used - at;
	return 0;
}

/* "Thu Oct 26 11:00:09 2023": the year behind the time. */
static int
read_late_year(const SchedParser *parser, int at, SchedMoment *moment)
{
	int year;

	if (moment->date.form != DATE_MONTH_DAY || moment->date.year != 0 || !moment->clock.set ||
		sched_time_peek(parser, at)->kind != SCHED_TOKEN_NUMBER ||
		sched_time_peek(parser, at)->broken || sched_time_read_year(parser, at, &year) != 1)
		return 0;
	moment->date.year = year;
	return 1;
}

/* "18 December for 10 days": how long a span goes on from its first day. */
static int
read_length(const SchedParser *parser, int at, SchedMoment *moment)
{
	SchedSpan span;
	int used;

	if (!sched_time_is_word(parser, at, WORD_FOR) || moment->clock.set || moment->date.stretch ||
		moment->date.form == DATE_NONE || moment->date.grain != SCHED_GRAIN_DAY)
		return 0;
	used = sched_time_read_span(parser, at + 1, &span);
	if (used == 0 || span.months > 0 || span.seconds > 0 || span.days < 1 || span.days > 3660)
		return 0;
	moment->days = (int) span.days;
	return 1 + used;
}

/*
 * Reads the parts of one moment. Nothing is settled yet.
 */
int
sched_time_read_parts(SchedParser *parser, int at, int lead, SchedMoment *moment)
{
	Parts parts = {.moment = moment, .lead = lead};
	int next = at;
	int used;
	int count;

	*moment = (SchedMoment){.kind = SCHED_WHEN_INSTANT};
	moment->date.clock = -1;
	if (sched_time_is_word(parser, next, WORD_FROM) &&
		sched_time_is_word(parser, next + 1, WORD_NOW) &&
		(sched_time_is_word(parser, next + 2, WORD_UNTIL) ||
		 sched_time_is_word(parser, next + 2, WORD_TO)))
		next++;
	if (sched_time_is_word(parser, next, WORD_NOW) && sched_time_ends_here(parser, next + 1) &&
		!sched_time_is_word(parser, next + 1, WORD_AND))
	{
		moment->fixed = true;
		moment->lower = parser->context->reference;
		moment->upper = moment->lower + SCHED_USECS_PER_SEC;
		moment->grain = SCHED_GRAIN_SECOND;
		moment->has_date = moment->has_time = moment->timed = true;
		return next + 1 - at;
	}
	used = sched_time_read_relative(parser, next, moment);
	if (moment->fixed)
		return used;
	if (used == 0)
		used = sched_time_read_day_range(parser, next, &moment->date);
	next += used;
	for (count = 0; count < 8; count++)
	{
		used = take_part(parser, next, next == at, &parts);
		if (used == 0)
			break;
		next += used;
	}
	if (next > at)
		parser->reject = 0;
	next += read_late_year(parser, next, moment);
	next += read_length(parser, next, moment);
	if (parts.part.set)
	{
		if (moment->clock.set)
			sched_time_fit_part(&moment->clock, parts.part.part_value);
		else
			moment->clock = parts.part;
	}
	else if (moment->date.clock >= 0)
	{
		if (moment->clock.set)
			sched_time_fit_part(&moment->clock, moment->date.clock);
		else
			sched_time_set_part(moment->date.clock, &moment->clock);
	}
	moment->has_date = moment->date.form != DATE_NONE;
	moment->has_time = moment->clock.set;
	if ((!moment->has_date && (!moment->has_time || moment->clock.part)) ||
		(!sched_time_ends_here(parser, next) && !sched_time_is_dash(parser, next)))
		return 0;
	return next - at;
}

/*
 * Midnight belongs to the end of the day where none or today is named, or where it is a deadline.
 */
static void
settle_midnight(SchedMoment *moment)
{
	if (moment->clock.midnight && moment->clock.first == 0 && !moment->clock.range &&
		(!moment->has_date || moment->date.today))
		moment->clock.first = SCHED_DAY_SECS;
}

/* The day of a moment, moved on where its clock time would already be past. */
static bool
settle_day(const SchedParser *parser, SchedMoment *moment, int base, int *first, int *last)
{
	int seconds;
	int today = base;
	SchedInstant instant;

	if (!moment->has_date)
	{
		if (base == parser->today)
			today = sched_time_day_in(parser, &moment->zone, &seconds);
		*first = today;
		*last = today + 1;
		instant = sched_time_make_instant(parser, &moment->zone, today, moment->clock.first);
		if (instant < parser->context->reference && !parser->past)
		{
			*first = today + 1;
			*last = today + 2;
		}
		return sched_time_valid_days(*first, *last);
	}
	if (!sched_time_resolve_date(parser, &moment->date, base, first, last))
		return false;
	/* Friday noon, said on a Friday evening */
	if (moment->date.form == DATE_WEEKDAY && moment->clock.set && *first == parser->today &&
		!parser->past)
	{
		int until =
			moment->clock.part || moment->clock.range ? moment->clock.last : moment->clock.first;

		instant = sched_time_make_instant(parser, &moment->zone, *first, until);
		if (instant < parser->context->reference)
		{
			*first += 7;
			*last += 7;
		}
	}
	return sched_time_valid_days(*first, *last);
}

/* Lower and upper bound of a moment with a clock time. */
static void
settle_clock(const SchedParser *parser, SchedMoment *moment, int day)
{
	const SchedClock *clock = &moment->clock;

	moment->lower = sched_time_make_instant(parser, &moment->zone, day, clock->first);
	moment->lower += clock->microseconds;
	moment->grain = clock->grain;
	moment->ambiguous |= clock->ambiguous;
	moment->timed = !clock->part && !clock->range;
	if (clock->range || clock->part)
	{
		moment->upper = sched_time_make_instant(parser, &moment->zone, day, clock->last);
		moment->kind = SCHED_WHEN_RANGE;
	}
	else if (clock->span > 0)
	{
		moment->upper = moment->lower + (SchedInstant) clock->span * SCHED_USECS_PER_SEC;
		moment->kind = SCHED_WHEN_RANGE;
	}
	else
		moment->upper =
			moment->lower + (clock->grain == SCHED_GRAIN_SECOND ? SCHED_USECS_PER_SEC : MINUTE);
	if (moment->upper <= moment->lower)
		moment->upper = moment->lower + MINUTE;
}

/*
 * Turns the parts into instants; base is today or the first day of a range. False where the
 * calendar or the years that we answer for do not allow it.
 */
bool
sched_time_settle(const SchedParser *parser, SchedMoment *moment, int base)
{
	static const SchedTextZone here = {.named = false};
	int first;
	int last;

	if (moment->fixed)
		return true;
	settle_midnight(moment);
	if (!settle_day(parser, moment, base, &first, &last))
		return false;
	if (moment->days > 0)
	{
		last = first + moment->days;
		moment->date.stretch = true;
		if (!sched_time_valid_days(first, last))
			return false;
	}
	moment->ambiguous |= moment->date.ambiguous;
	moment->day = first;
	moment->boundary = moment->date.boundary;
	if (moment->clock.set && moment->clock.first / SCHED_DAY_SECS + last > SCHED_LAST_DAY)
		return false;
	if (moment->clock.set && last - first > 1 && !moment->date.boundary)
	{
		/* a time in a span of several days: the first of them, and no longer sure */
		moment->ambiguous = true;
	}
	if (moment->clock.set)
		settle_clock(parser, moment, first);
	else
	{
		moment->lower = sched_time_make_instant(parser, &here, first, 0);
		moment->upper = sched_time_make_instant(parser, &here, last, 0);
		moment->grain = moment->date.grain;
		if (moment->date.stretch)
			moment->kind = SCHED_WHEN_RANGE;
	}
	return true;
}

/* Does the token join two ends of a range? */
static bool
joins_range(const SchedParser *parser, int at, bool between)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return sched_time_is_dash(parser, at) || token->word == WORD_TO || token->word == WORD_UNTIL ||
		   token->word == WORD_THROUGH || (between && token->word == WORD_AND);
}

/* Gives the first end of a range the year that only the second one names. */
static void
share_year(SchedDate *first, const SchedDate *second)
{
	if (first->year != 0 || second->year == 0 ||
		(first->form != DATE_MONTH && first->form != DATE_MONTH_DAY))
		return;
	first->year = second->year - (first->month > second->month);
}

/* "June 3 to June 7", said on the 5th, is going on: its first day does not move to next year. */
static void
keep_running(const SchedParser *parser, SchedDate *first, const SchedDate *second)
{
	int year = parser->now.year;
	int start;
	int end;

	if (first->form != DATE_MONTH_DAY || second->form != DATE_MONTH_DAY || first->year != 0 ||
		second->year != 0)
		return;
	start = sched_time_day_number(year, first->month, first->day);
	end = sched_time_day_number(year, second->month, second->day);
	if (start < parser->today && end >= parser->today &&
		sched_time_valid_date(year, first->month, first->day))
		first->year = year;
}

/* The second end of a range, settled after the first; its tokens or 0. */
static int
read_range_end(SchedParser *parser, int at, SchedMoment *first)
{
	SchedMoment second;
	int used = sched_time_read_parts(parser, at, 0, &second);

	parser->reject = 0;
	if (used > 0 && !second.has_date && !second.clock.range && first->zone.named &&
		first->clock.set && second.zone.named)
	{
		/* "15:00 GMT - 18:00 GMT" */
		if (!sched_time_settle(parser, first, parser->today))
			return 0;
		second.date =
			(SchedDate){DATE_SPAN, .first = first->day, .last = first->day + 1, .clock = -1};
		second.has_date = true;
	}
	if (used == 0 || second.fixed || !second.has_date || !sched_time_ends_here(parser, at + used) ||
		(!first->clock.set && !first->fixed &&
		 (second.date.grain != first->date.grain || first->date.stretch)))
		return 0;
	if (!first->fixed)
	{
		share_year(&first->date, &second.date);
		keep_running(parser, &first->date, &second.date);
		if (second.clock.range && !first->clock.set)
		{
			/* "Mon-Fri 9-5": from the first opening to the last closing */
			first->clock = second.clock;
			first->ambiguous = first->has_time = true;
		}
		if (!sched_time_settle(parser, first, parser->today))
			return 0;
	}
	if (!sched_time_settle(parser, &second, first->fixed ? parser->today : first->day))
		return 0;
	if (second.timed)
		second.upper = second.lower;
	if (second.upper <= first->lower)
		return 0;
	first->upper = second.upper;
	first->kind = SCHED_WHEN_RANGE;
	first->ambiguous |= second.ambiguous;
	first->has_time |= second.has_time;
	first->timed = false;
	first->boundary = false;
	if (second.grain < first->grain)
		first->grain = second.grain;
	return used;
}

/*
 * A moment or a range of moments, settled.
 */
int
sched_time_read_moment(SchedParser *parser, int at, int lead, SchedMoment *moment)
{
	SchedMoment copy;
	bool between = sched_time_is_word(parser, at, WORD_BETWEEN);
	bool from = between || sched_time_is_word(parser, at, WORD_FROM);
	int used = sched_time_read_parts(parser, at, lead, moment);
	int next = at + used;
	int more;

	if (used == 0)
		return 0;
	if (joins_range(parser, next, between) && !moment->clock.range &&
		(moment->has_date || from || moment->zone.named))
	{
		copy = *moment;
		more = read_range_end(parser, next + 1, &copy);
		if (more > 0)
		{
			*moment = copy;
			return next + 1 + more - at;
		}
	}
	if (!moment->fixed && !sched_time_ends_here(parser, next))
		return 0;
	return sched_time_settle(parser, moment, parser->today) ? used : 0;
}
