/*
 * when_figures.c - dates in figures: 2014-04-18, 4/18/2014, 18.4.2014, 4/18, 9/2012, 2014-04.
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. What looks alike and is none (versions,
 * scores, fractions, telephone numbers) is told apart by the marks, the number of figures and what
 * stands around them. Four figures of a year with a day that does not exist are rejected as a
 * whole.
 */
#include "when_internal.h"

/*
 * Puts month, day and year of a numeric date in order; false where no order gives a date. The
 * context says which of the first two is the month; the other way round is taken where the first
 * one is impossible (13/5), or where a weekday that stands beside it fits only so.
 */
static bool
order_numeric(const SchedParser *parser, int a, int b, int year, int weekday, SchedDate *date)
{
	bool day_first = parser->context->date_order == SCHED_ORDER_DMY;
	int month = day_first ? b : a;
	int day = day_first ? a : b;
	bool straight = sched_time_valid_date(year, month, day);
	bool swapped = sched_time_valid_date(year, day, month);

	if (!straight && !swapped)
		return false;
	if (straight && swapped && weekday != 0 && year != 0 &&
		sched_time_weekday_of(sched_time_day_number(year, month, day)) != weekday &&
		sched_time_weekday_of(sched_time_day_number(year, day, month)) == weekday)
		straight = false;
	date->ambiguous = straight && swapped && a != b && weekday == 0;
	date->form = DATE_MONTH_DAY;
	date->year = year;
	date->month = straight ? month : day;
	date->day = straight ? day : month;
	date->grain = SCHED_GRAIN_DAY;
	return true;
}

/*
 * Three numbers with the same mark between them. Four figures in front are a year, then month and
 * day follow in this order; else the year stands last, with four figures or two. Version numbers
 * look alike: without four figures the others must be padded (05.06.24), or the mark must be a
 * slash.
 */
static int
read_triple(SchedParser *parser, int at, char mark, SchedDate *date)
{
	const SchedToken *a = sched_time_peek(parser, at);
	const SchedToken *b = sched_time_peek(parser, at + 2);
	const SchedToken *c = sched_time_peek(parser, at + 4);
	int year = c->value;
	bool full = c->digits == 4 && c->value > 0;
	bool fine = false;

	if (a->digits == 4 && b->digits <= 2 && c->digits <= 2 && a->value > 0)
	{
		full = true;
		fine = sched_time_valid_date(a->value, b->value, c->value);
		*date = (SchedDate){DATE_MONTH_DAY, .year = a->value, .month = b->value, .day = c->value};
		date->grain = SCHED_GRAIN_DAY;
		date->clock = -1;
	}
	else if (a->digits <= 2 && b->digits <= 2 && (full || c->digits == 2))
	{
		/*
		 * two figures of a year behind points or dashes need the others to have two, too: not
		 * 1.1.30
		 */
		if (!full && mark != '/' && (a->digits != 2 || b->digits != 2))
			return 0;
		if (!full && parser->context->date_order == SCHED_ORDER_YMD)
		{
			fine = sched_time_valid_date(sched_time_expand_year(a->value), b->value, c->value);
			date->form = DATE_MONTH_DAY;
			date->year = sched_time_expand_year(a->value);
			date->month = b->value;
			date->day = c->value;
			date->grain = SCHED_GRAIN_DAY;
		}
		else
			fine = order_numeric(parser, a->value, b->value,
								 full ? year : sched_time_expand_year(year), date->weekday, date);
	}
	else
		return 0;
	if (!fine && full)
		parser->reject = 5;
	return fine ? 5 : 0;
}

/* May a date in figures end here? Also before the dash of "6/14-6/16". */
static bool
figures_end(const SchedParser *parser, int at)
{
	if (sched_time_is_mark(parser, at, '-') &&
		sched_time_peek(parser, at + 1)->kind == SCHED_TOKEN_NUMBER &&
		sched_time_is_mark(parser, at + 2, '/') && sched_time_is_mark(parser, at - 2, '/'))
		return true;
	return sched_time_ends_here(parser, at);
}

/*
 * A date in figures: 2014-04-18, 4/18/2014, 18.4.2014, 4/18, 9/2012, 31-Oct-74. date->weekday may
 * hold the weekday that was named before it; it decides between day first and month first.
 */
int
sched_time_read_numeric(SchedParser *parser, int at, SchedDate *date)
{
	const SchedToken *a = sched_time_peek(parser, at);
	const SchedToken *sep = sched_time_peek(parser, at + 1);
	const SchedToken *b = sched_time_peek(parser, at + 2);
	const SchedToken *c = sched_time_peek(parser, at + 4);
	int used;

	if (a->kind != SCHED_TOKEN_NUMBER || a->digits > 4 || sep->kind != SCHED_TOKEN_PUNCT ||
		sep->spaced || b->kind != SCHED_TOKEN_NUMBER || b->spaced ||
		(sep->mark != '-' && sep->mark != '/' && sep->mark != '.'))
		return 0;
	if (sched_time_is_mark(parser, at + 3, sep->mark) && sched_time_is_glued(parser, at + 3) &&
		c->kind == SCHED_TOKEN_NUMBER && !c->spaced)
	{
		bool clock_follows = sched_time_peek(parser, at + 5)->letter == 't';

		used = read_triple(parser, at, sep->mark, date);
		return used > 0 && (clock_follows || figures_end(parser, at + 5)) ? used : 0;
	}
	if (!figures_end(parser, at + 3) || sched_time_is_word(parser, at + 3, WORD_UNIT) ||
		sched_time_is_word(parser, at + 3, WORD_MEASURE) ||
		sched_time_is_word(parser, at + 3, WORD_OF))
		return 0;
	date->clock = -1;
	if (sep->mark == '/' && a->digits <= 2 && b->digits == 4 && a->value >= 1 && a->value <= 12 &&
		b->value >= 1000)
	{
		*date = (SchedDate){DATE_MONTH, .year = b->value, .month = a->value, .clock = -1};
		date->grain = SCHED_GRAIN_MONTH;
		return 3;
	}
	if (sep->mark == '-' && a->digits == 4 && b->digits == 2 && b->value >= 1 && b->value <= 12 &&
		a->value >= 1900 && a->value < 2100)
	{
		*date = (SchedDate){DATE_MONTH, .year = a->value, .month = b->value, .clock = -1};
		date->grain = SCHED_GRAIN_MONTH;
		return 3;
	}
	/* 24/7 and 1/2 are words, not days */
	if (sep->mark != '/' || a->digits > 2 || b->digits > 2 || (a->value == 24 && b->value == 7) ||
		(a->value == 1 && b->value == 2 && !sched_time_clause_ends(parser, at + 3)) ||
		parser->before == WORD_LABEL)
		return 0;
	return order_numeric(parser, a->value, b->value, 0, date->weekday, date) ? 3 : 0;
}
