/*
 * when_number.c - counts, ordinals and lengths of time ("two and a half hours", "1d 2hr 5min").
 *
 * Pure: no memory, nothing thrown; runs in whoever asks.
 *
 *	length		count unit [and a half] [[,] [and] count unit]...	units from coarse to fine
 *	count		25 | 2.5 | 2 1/2 | twenty-five | a | half a | three quarters of an | a couple of
 *	unit		seconds .. decades, business days; h, d, w, y; m and s where they touch the number
 *
 * Counts are kept in thousandths and capped well below what the day arithmetic can bear, so that
 * nothing in the room has to think of overflow again.
 */
#include "when_internal.h"

#define COUNT_CAP 99999
#define THOUSAND 1000 /* counts are kept in thousandths: "2.5", "a quarter" */

/*
 * A count: digits or words up to ninety-nine. Five digits are enough for everything that is counted
 * in dates, and keep telephone numbers out.
 */
int
sched_time_read_cardinal(const SchedParser *parser, int at, int *value)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int next = at + 1;

	if (token->kind == SCHED_TOKEN_NUMBER && token->digits <= 5)
	{
		*value = token->value;
		return 1;
	}
	if (!sched_time_is_word(parser, at, WORD_CARDINAL))
		return 0;
	*value = token->value;
	if (token->value < 20)
		return 1;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	token = sched_time_peek(parser, next);
	if (!sched_time_is_word(parser, next, WORD_CARDINAL) || token->value < 1 || token->value > 9)
		return 1;
	*value += token->value;
	return next + 1 - at;
}

/*
 * An ordinal: "3rd", "third", "twenty-first". Whether the suffix fits the figure (3th) nobody
 * checks: people mistype, and the meaning stays clear.
 */
int
sched_time_read_ordinal(const SchedParser *parser, int at, int *value)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int next = at + 1;

	*value = token->value;
	if (token->kind == SCHED_TOKEN_NUMBER && token->digits <= 2)
		return sched_time_is_word(parser, next, WORD_SUFFIX) && sched_time_is_glued(parser, next)
				   ? 2
				   : 0;
	if (sched_time_is_word(parser, at, WORD_ORDINAL))
		return 1;
	if (!sched_time_is_word(parser, at, WORD_CARDINAL) || token->value % 10 != 0 ||
		token->value < 20)
		return 0;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	token = sched_time_peek(parser, next);
	if (!sched_time_is_word(parser, next, WORD_ORDINAL) || token->value > 9)
		return 0;
	*value += token->value;
	return next + 1 - at;
}

/*
 * A unit behind a count. Single letters are units only where nothing else fits: "2h", "5 d", but
 * "m" and "s" only if they touch the number.
 */
static int
read_unit(const SchedParser *parser, int at, SchedUnit *unit, bool *business)
{
	const SchedToken *token = sched_time_peek(parser, at);

	*business = false;
	if (sched_time_is_word(parser, at, WORD_BUSINESS) ||
		sched_time_is_word(parser, at, WORD_WORKDAY))
	{
		bool one = token->word == WORD_WORKDAY;
		const SchedToken *next = sched_time_peek(parser, at + 1);

		*unit = UNIT_DAY;
		*business = true;
		if (one)
			return 1;
		return sched_time_is_word(parser, at + 1, WORD_UNIT) && next->value == UNIT_DAY ? 2 : 0;
	}
	if (token->kind != SCHED_TOKEN_WORD)
		return 0;
	if (token->word == WORD_UNIT)
	{
		*unit = (SchedUnit) token->value;
		return 1;
	}
	if (token->word == WORD_ORDINAL && token->value == 2 && !sched_time_is_glued(parser, at))
	{
		*unit = UNIT_SECOND;
		return 1;
	}
	switch (token->letter)
	{
		case 'h':
			*unit = UNIT_HOUR;
			return 1;
		case 'd':
			*unit = UNIT_DAY;
			return 1;
		case 'w':
		case 'y':
			*unit = token->letter == 'w' ? UNIT_WEEK : UNIT_YEAR;
			return sched_time_is_glued(parser, at) ? 1 : 0;
		case 'm':
		case 's':
			*unit = token->letter == 'm' ? UNIT_MINUTE : UNIT_SECOND;
			return sched_time_is_glued(parser, at) ? 1 : 0;
		default:
			return 0;
	}
}

/* "and a half", "and a quarter" behind a count or a unit: the thousandths it adds. */
static int
read_and_half(const SchedParser *parser, int at, int *thousandths)
{
	int next = at;

	if (!sched_time_is_word(parser, next, WORD_AND))
		return 0;
	next++;
	if (sched_time_is_word(parser, next, WORD_A))
		next++;
	if (sched_time_is_word(parser, next, WORD_HALF))
		*thousandths += THOUSAND / 2;
	else if (sched_time_is_word(parser, next, WORD_UNIT) &&
			 sched_time_peek(parser, next)->value == UNIT_QUARTER)
		*thousandths += THOUSAND / 4;
	else
		return 0;
	return next + 1 - at;
}

/* "half a", "a quarter of an", "three quarters of an": a part of a unit. */
static int
read_fraction(const SchedParser *parser, int at, int *thousandths)
{
	int next = at;
	int count = 1;
	int used = sched_time_read_cardinal(parser, at, &count);
	const SchedToken *token = sched_time_peek(parser, at + 2);

	/* "3/4 hour", "1/2h" */
	if (used == 1 && sched_time_is_mark(parser, at + 1, '/') && token->kind == SCHED_TOKEN_NUMBER &&
		(token->value == 2 || token->value == 4) && count > 0 && count < token->value &&
		sched_time_is_glued(parser, at + 1))
	{
		*thousandths = count * THOUSAND / token->value;
		next = at + 3;
		next += sched_time_is_word(parser, next, WORD_OF);
		next += sched_time_is_word(parser, next, WORD_A);
		return next - at;
	}
	if (used > 0)
		next += used;
	else if (sched_time_is_word(parser, next, WORD_A))
		next++;
	if (sched_time_is_dash(parser, next) && sched_time_is_glued(parser, next))
		next++;
	token = sched_time_peek(parser, next);
	if (sched_time_is_word(parser, next, WORD_HALF) && used == 0)
		*thousandths = THOUSAND / 2;
	else if (sched_time_is_word(parser, next, WORD_UNIT) && token->value == UNIT_QUARTER &&
			 count < 4)
		*thousandths = count * THOUSAND / 4;
	else
		return 0;
	next++;
	if (sched_time_is_word(parser, next, WORD_OF))
		next++;
	if (sched_time_is_word(parser, next, WORD_A))
		next++;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	/* a quarter that is not part of something is a quarter of a year */
	return sched_time_is_word(parser, next, WORD_UNIT) ? next - at : 0;
}

/*
 * Digits behind the point or a common fraction: "2.5", "2 1/2". Three digits at most, so that the
 * thousandths hold them exactly; a comma is never a decimal one here, this is English.
 */
static int
read_decimals(const SchedParser *parser, int at, int *thousandths)
{
	const SchedToken *mark = sched_time_peek(parser, at);
	const SchedToken *digits = sched_time_peek(parser, at + 1);
	static const int scale[] = {0, 100, 10, 1};

	if (sched_time_is_mark(parser, at, '.') && sched_time_is_glued(parser, at) &&
		digits->kind == SCHED_TOKEN_NUMBER && !digits->spaced && digits->digits <= 3)
	{
		*thousandths += digits->value * scale[digits->digits];
		return 2;
	}
	if (mark->kind == SCHED_TOKEN_NUMBER && mark->value == 1 &&
		sched_time_is_mark(parser, at + 1, '/') &&
		sched_time_peek(parser, at + 2)->kind == SCHED_TOKEN_NUMBER &&
		sched_time_peek(parser, at + 2)->value == 2)
	{
		*thousandths += THOUSAND / 2;
		return 3;
	}
	return 0;
}

/*
 * The count before a unit, in thousandths. No tokens mean no count; an article alone counts one, so
 * that the caller sees "a" and decides with the unit ("a day", but not "a quarter past").
 */
static int
read_count(const SchedParser *parser, int at, int *thousandths, bool *vague)
{
	int next = at;
	int value = 0;
	int used = read_fraction(parser, at, thousandths);

	if (used > 0)
		return used;
	used = sched_time_read_cardinal(parser, at, &value);
	if (used > 0)
	{
		next += used;
		*thousandths = (value < COUNT_CAP ? value : COUNT_CAP) * THOUSAND;
		next += read_decimals(parser, next, thousandths);
		next += read_and_half(parser, next, thousandths);
		if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next) &&
			sched_time_is_glued(parser, next + 1))
			next++;
		return next - at;
	}
	if (sched_time_is_word(parser, next, WORD_A))
	{
		next++;
		*thousandths = THOUSAND;
	}
	if (sched_time_is_word(parser, next, WORD_COUPLE) || sched_time_is_word(parser, next, WORD_FEW))
	{
		bool couple = sched_time_is_word(parser, next, WORD_COUPLE);

		*vague = true;
		*thousandths = THOUSAND * (couple ? 2 : sched_time_peek(parser, next)->value);
		next++;
		if (sched_time_is_word(parser, next, WORD_OF))
			next++;
	}
	return next - at;
}

/*
 * Adds a count of units to a length. Months and days are kept apart from seconds: a month has no
 * length in days, and a day none in hours where the clock changes. A half of a month is fifteen
 * days, a half of a day twelve hours.
 */
static void
add_units(SchedSpan *span, SchedUnit unit, bool business, int thousandths)
{
	int whole = thousandths / THOUSAND;
	int part = thousandths % THOUSAND;
	static const int seconds[] = {1, 60, 3600};
	static const int months[] = {1, 3, 12};

	if (business)
		span->business_days += whole;
	else if (unit <= UNIT_HOUR)
		span->seconds += (int64_t) thousandths * seconds[unit] / THOUSAND;
	else if (unit == UNIT_DAY || unit == UNIT_WEEK || unit == UNIT_FORTNIGHT)
	{
		int64_t days = unit == UNIT_DAY ? 1 : unit == UNIT_WEEK ? 7 : 14;
		int64_t all = (int64_t) thousandths * days;

		span->days += all / THOUSAND;
		span->seconds += all % THOUSAND * SCHED_DAY_SECS / THOUSAND;
	}
	else if (unit == UNIT_DECADE)
		span->months += whole * 120;
	else
	{
		int64_t all = (int64_t) thousandths * months[unit - UNIT_MONTH];

		span->months += (int) (all / THOUSAND);
		span->days += all % THOUSAND * 30 / THOUSAND;
	}
	if (part != 0 && (unit == UNIT_DAY || unit == UNIT_HOUR))
		unit = unit == UNIT_DAY ? UNIT_HOUR : UNIT_MINUTE;
	if (sched_time_grain_of(unit) < span->grain)
		span->grain = sched_time_grain_of(unit);
}

/* Minutes without a unit behind hours: "1h30". */
static int
read_tail_minutes(const SchedParser *parser, int at, SchedSpan *span)
{
	const SchedToken *token = sched_time_peek(parser, at);

	if (token->kind != SCHED_TOKEN_NUMBER || token->spaced || token->digits > 2 ||
		token->value > 59 || !sched_time_ends_here(parser, at + 1))
		return 0;
	add_units(span, UNIT_MINUTE, false, token->value * THOUSAND);
	return 1;
}

/*
 * A length of time: counts and units, coarser ones first, joined by nothing, a comma or "and".
 */
int
sched_time_read_span(const SchedParser *parser, int at, SchedSpan *span)
{
	int next = at;
	int end = at;
	int last_unit = UNIT_DECADE + 1;

	*span = (SchedSpan){.grain = SCHED_GRAIN_YEAR};
	for (;;)
	{
		int thousandths = 0;
		bool business;
		SchedUnit unit = UNIT_SECOND;
		int used = read_count(parser, next, &thousandths, &span->vague);
		int unit_used;

		if (used == 0)
			break;
		unit_used = read_unit(parser, next + used, &unit, &business);
		if (unit_used == 0 || (int) unit >= last_unit)
			break;
		next += used + unit_used;
		next += read_and_half(parser, next, &thousandths);
		if (thousandths == 0)
			break;
		add_units(span, unit, business, thousandths);
		last_unit = unit;
		if (unit == UNIT_HOUR)
		{
			used = read_tail_minutes(parser, next, span);
			if (used > 0)
				return next + used - at;
		}
		end = next;
		if (sched_time_is_mark(parser, next, ','))
			next++;
		if (sched_time_is_word(parser, next, WORD_AND))
			next++;
		/* "an hour, a day": only a number goes on */
		if (sched_time_is_word(parser, next, WORD_A) || sched_time_peek(parser, next)->broken)
			break;
	}
	return end - at;
}

/* Moves a day by business days, skipping Saturdays and Sundays; weeks at a time, so bounded. */
static int
add_business_days(int day, int count, int sign)
{
	int rest = count % 5;

	day += sign * (count / 5) * 7;
	while (rest > 0 || sched_time_weekday_of(day) > 5)
	{
		day += sign;
		if (sched_time_weekday_of(day) <= 5 && rest > 0)
			rest--;
	}
	return day;
}

/* Adds the calendar part of a length to a day; false where it leaves the years 1 to 9999. */
bool
sched_time_add_span(const SchedParser *parser, int day, const SchedSpan *span, int sign,
					int *result)
{
	int64_t moved;

	if (span->days > 9000000)
		return false;
	moved = (int64_t) sched_time_shift_months(day, sign * span->months) + sign * span->days;
	if (moved < SCHED_FIRST_DAY || moved > SCHED_LAST_DAY)
		return false;
	*result = (int) moved;
	if (span->business_days > 0)
		*result = add_business_days(*result, span->business_days, sign);
	return *result >= SCHED_FIRST_DAY && *result <= SCHED_LAST_DAY;
}
