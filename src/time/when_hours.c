/*
 * when_hours.c - ranges of clock times: "3:30-4:30pm", "9 to 5", "4pm for 30 minutes".
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. Where one end lacks am or pm the other one
 * tells; where both do, the end follows the start. An end that is not after its start lies on the
 * next day.
 */
#include "when_internal.h"

#define HOUR_SECS 3600

/*
 * The second end of a range, made to follow the first; a bare hour takes its half of the day from
 * there.
 */
static void
fit_range(SchedClock *first, SchedClock *second)
{
	int half = 12 * HOUR_SECS;

	if (first->bare && !second->bare)
	{
		int low = first->first % half;

		/* 9-11am, 3:30-4:30pm; but 11-1pm starts before noon */
		first->first = low;
		if (low + half < second->first && second->first > half)
			first->first = low + half;
		if (second->first <= half && low >= second->first)
			first->first = low + half;
	}
	else if (second->bare)
	{
		int low = second->first % half;

		second->first = low > first->first ? low : low + half;
		if (second->first <= first->first)
			second->first = low;
	}
	first->ambiguous = first->bare && second->bare;
	first->bare = false;
}

/* A word or dash between the two ends of a range of clock times. */
static bool
joins_clocks(const SchedParser *parser, int at, bool between)
{
	const SchedToken *token = sched_time_peek(parser, at);

	if (sched_time_is_dash(parser, at))
		return !sched_time_is_offset(parser, at);
	return token->word == WORD_TO || token->word == WORD_UNTIL || token->word == WORD_THROUGH ||
		   (between && token->word == WORD_AND);
}

/*
 * A clock time, and its end where the text gives one: "3:30-4:30pm", "from 9 to 11", "4pm for 30
 * mins".
 */
int
sched_time_read_clocks(SchedParser *parser, int at, int flags, SchedClock *clock)
{
	SchedClock second;
	SchedSpan span;
	int next = at;
	int used = sched_time_read_clock(parser, at, flags, clock);
	bool range_only = false;
	bool led = (flags & CLOCK_IN_RANGE) != 0;
	int reject = parser->reject;

	if (used == 0 && reject == 0 && !led)
	{
		/* "9-11am": the first hour is one because of the second */
		used = sched_time_read_clock(parser, at, CLOCK_IN_RANGE | CLOCK_AFTER_AT, clock);
		range_only = true;
		parser->reject = 0;
	}
	if (used == 0 || clock->ending)
		return range_only ? 0 : used;
	next += used;
	if (joins_clocks(parser, next, led && sched_time_is_word(parser, at - 1, WORD_BETWEEN)))
	{
		int more;
		int second_flags = range_only ? CLOCK_PLAIN : CLOCK_AFTER_AT;

		if (led && !(flags & CLOCK_AFTER_AT))
			second_flags = CLOCK_AFTER_AT;
		more = sched_time_read_clock(parser, next + 1, second_flags, &second);
		/* "9-5" needs a date or "from"; "9-17:00" not */
		if (more > 0 && !second.ending && !(range_only && second.bare) &&
			!(clock->first == second.first && !second.bare))
		{
			fit_range(clock, &second);
			clock->last = second.first;
			if (second.midnight && clock->last == 0)
				clock->last = SCHED_DAY_SECS;
			if (clock->last <= clock->first)
				clock->last += SCHED_DAY_SECS;
			clock->range = true;
			if (second.grain < clock->grain)
				clock->grain = second.grain;
			return next + 1 + more - at;
		}
		parser->reject = reject;
	}
	if (range_only ||
		!(sched_time_ends_here(parser, next) || sched_time_is_mark(parser, next, '+') ||
		  sched_time_is_offset(parser, next) || sched_time_peek(parser, next)->letter == 'z'))
		return 0;
	if (sched_time_is_word(parser, next, WORD_FOR) &&
		(used = sched_time_read_span(parser, next + 1, &span)) > 0 && span.months == 0 &&
		span.days == 0 && span.seconds > 0 && span.seconds <= SCHED_DAY_SECS)
	{
		clock->span = (int) span.seconds;
		next += 1 + used;
	}
	return next - at;
}
