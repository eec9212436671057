/*
 * duration.c - finds lengths of time in a text: "two hours", "1h30", "90 min", "half a day".
 *
 * Pure: runs in whoever calls it, on the caller's memory, throws nothing. Shares tokens and counts
 * with the date reader; linear in the text for the same reason.
 */
#include "when_internal.h"

#include <string.h>

/* Is a length at this place one, and not "twice a week", "3 days ago" or a piece of a word? */
static bool
stands_alone(const SchedParser *parser, int used)
{
	const SchedToken *token = sched_time_peek(parser, 0);
	const SchedToken *before = sched_time_peek(parser, -1);
	const SchedToken *after = sched_time_peek(parser, used);

	if (!sched_time_ends_here(parser, used) || before->word == WORD_TIMES ||
		before->word == WORD_LABEL || after->word == WORD_AGO)
		return false;
	if (token->spaced || before->kind == SCHED_TOKEN_END)
		return true;
	return before->kind == SCHED_TOKEN_PUNCT && strchr("@#$%&=\\_+^/.", before->mark) == NULL;
}

/*
 * "2-3 hours", "one or two days": the second count has the unit; the longer one is the safe one for
 * planning.
 */
static int
read_choice(const SchedParser *parser, int at)
{
	int value;
	int used = sched_time_read_cardinal(parser, at, &value);
	int next = at + used;

	if (used == 0)
		return 0;
	if (sched_time_is_dash(parser, next) || sched_time_is_word(parser, next, WORD_TO) ||
		sched_time_is_word(parser, next, WORD_OR))
		return next + 1 - at;
	return 0;
}

/* The seconds of a length; 0 where it is too long to plan with. */
static int64_t
count_seconds(const SchedSpan *span)
{
	int64_t days = span->days + span->business_days;

	if (days > 3652059 || span->seconds > INT64_C(3652059) * SCHED_DAY_SECS ||
		span->months > 119988)
		return 0;
	return days * SCHED_DAY_SECS + span->seconds;
}

/*
 * Finds the durations of a text; see when.h.
 */
int
sched_time_parse_durations(const char *text, size_t length, SchedDuration *found, int max)
{
	SchedParser parser;
	int count = 0;

	sched_time_start_lexer(&parser, text, length);
	while (count < max)
	{
		SchedSpan span;
		int used;
		int choice;

		sched_time_fill(&parser);
		if (sched_time_peek(&parser, 0)->kind == SCHED_TOKEN_END)
			break;
		choice = read_choice(&parser, 0);
		used = sched_time_read_span(&parser, choice, &span);
		if (used == 0 && choice > 0)
		{
			choice = 0;
			used = sched_time_read_span(&parser, 0, &span);
		}
		used += used > 0 ? choice : 0;
		if (used > 0 && stands_alone(&parser, used))
		{
			SchedDuration *duration = &found[count];

			duration->start = sched_time_peek(&parser, 0)->start;
			duration->length = sched_time_peek(&parser, used - 1)->end - duration->start;
			duration->months = span.months;
			duration->seconds = count_seconds(&span);
			duration->days = duration->seconds > 0 ? (int) (span.days + span.business_days) : 0;
			if (duration->seconds > 0 || duration->months > 0)
				count++;
		}
		else
			used = 0;
		parser.base += used > 0 ? used : 1;
	}
	return count;
}
