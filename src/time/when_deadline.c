/*
 * when_deadline.c - moments by which something has to be done: "by Friday noon", "due 5 May",
 * "EOD".
 *
 * Pure. The span of a deadline ends at the deadline. A day by which something is due is over at its
 * midnight; "before" a day ends where the day begins.
 */
#include "when_internal.h"

/* How the words before the moment bind it. */
typedef struct Lead
{
	bool found;
	bool strict; /* before */
	bool named;  /* "deadline is", "due": the phrase speaks of the day itself */
	bool exact;  /* "deadline is": a moment, no span that leads to it */
} Lead;

/* Skips "is", "was", a colon or a dash, and the preposition, behind "deadline" or "due". */
static int
skip_verb(const SchedParser *parser, int at, Lead *lead)
{
	int next = at;

	if (sched_time_is_word(parser, next, WORD_DATE))
		next++;
	if (sched_time_is_word(parser, next, WORD_BE) || sched_time_is_mark(parser, next, ':') ||
		sched_time_is_dash(parser, next))
		next++;
	if (sched_time_is_word(parser, next, WORD_BEFORE))
		lead->strict = true;
	if (lead->strict || sched_time_is_word(parser, next, WORD_BY))
		next++;
	return next;
}

/* "deadline for the report is": the place behind the verb, at most a few words on. */
static int
skip_subject(const SchedParser *parser, int at)
{
	int next = at;
	int words;

	if (!sched_time_is_word(parser, next, WORD_FOR) && !sched_time_is_word(parser, next, WORD_OF) &&
		!sched_time_is_word(parser, next, WORD_TO))
		return at;
	for (words = 0; words < 7; words++)
	{
		next++;
		if (sched_time_is_word(parser, next, WORD_BE))
			return next;
		if (sched_time_peek(parser, next)->kind != SCHED_TOKEN_WORD)
			return at;
	}
	return at;
}

/* The words that announce a deadline; returns the place of the moment. */
static int
read_lead(SchedParser *parser, int at, Lead *lead)
{
	int next = at;
	const SchedToken *token = sched_time_peek(parser, at);

	*lead = (Lead){.found = true};
	switch (token->word)
	{
		case WORD_BY:
		case WORD_UNTIL:
		case WORD_THROUGH:
			next++;
			if (sched_time_is_word(parser, next, WORD_LATEST))
				next++;
			break;
		case WORD_BEFORE:
			lead->strict = true;
			next++;
			break;
		case WORD_NO:
			if (sched_time_is_word(parser, next + 1, WORD_LATER) &&
				sched_time_is_word(parser, next + 2, WORD_THAN))
				next += 3;
			else if (sched_time_is_word(parser, next + 1, WORD_AFTER))
				next += 2;
			else
				return 0;
			break;
		case WORD_ON:
			if (!sched_time_is_word(parser, next + 1, WORD_OR) ||
				!sched_time_is_word(parser, next + 2, WORD_BEFORE))
				return 0;
			next += 3;
			break;
		case WORD_AT:
			if (!sched_time_is_word(parser, next + 1, WORD_THE))
				return 0;
			next += 2;
			/* fall through */
		case WORD_LATEST:
			if (!sched_time_is_word(parser, next, WORD_LATEST))
				return 0;
			next++;
			if (sched_time_is_word(parser, next, WORD_BY))
				next++;
			break;
		case WORD_DUE:
			lead->named = true;
			next = skip_verb(parser, next + 1, lead);
			break;
		case WORD_DEADLINE:
			lead->named = lead->exact = true;
			next = skip_verb(parser, skip_subject(parser, next + 1), lead);
			break;
		default:
			return 0;
	}
	if (sched_time_is_word(parser, next, WORD_ABOUT))
		next++;
	return next;
}

/* Makes a deadline of a settled moment. */
static void
set_deadline(const SchedParser *parser, const Lead *lead, SchedMoment *moment)
{
	SchedInstant reference = parser->context->reference;
	SchedInstant end = moment->upper;

	if (lead->strict || moment->timed || moment->boundary)
		end = moment->lower;
	moment->kind = SCHED_WHEN_DEADLINE;
	if (lead->named && !lead->strict && !moment->timed && !moment->boundary)
	{
		/* the day itself, ending at its end */
		moment->upper = end;
		return;
	}
	moment->upper = end;
	moment->lower = reference < end && !lead->exact ? reference : end;
}

/* Behind a moment: "at the latest", "or earlier". */
static int
read_trailer(const SchedParser *parser, int at)
{
	int next = at;

	if (sched_time_is_mark(parser, next, ','))
		next++;
	if (sched_time_is_word(parser, next, WORD_AT))
		next++;
	if (next > at && sched_time_is_word(parser, next, WORD_THE))
		next++;
	if (sched_time_is_word(parser, next, WORD_LATEST) && sched_time_clause_ends(parser, next + 1))
		return next + 1 - at;
	if (next == at && sched_time_is_word(parser, next, WORD_OR) &&
		sched_time_is_word(parser, next + 1, WORD_BEFORE))
		return 2;
	return 0;
}

/* A weekday "before" which something is due is not the one that has begun. */
static void
push_weekday(const SchedParser *parser, const Lead *lead, SchedMoment *moment)
{
	static const SchedTextZone here = {.named = false};

	if (!lead->strict || moment->fixed || moment->timed || moment->date.form != DATE_WEEKDAY ||
		moment->lower > parser->context->reference)
		return;
	moment->lower = sched_time_make_instant(parser, &here, moment->day + 7, 0);
	moment->upper = sched_time_make_instant(parser, &here, moment->day + 8, 0);
}

/* Midnight of a named day, as a deadline, is the end of that day. */
static void
push_midnight(const SchedParser *parser, SchedMoment *moment)
{
	if (!moment->clock.midnight || moment->clock.first != 0 || moment->fixed || !moment->has_date)
		return;
	moment->lower = sched_time_make_instant(parser, &moment->zone, moment->day, SCHED_DAY_SECS);
	moment->upper = moment->lower;
}

/*
 * A deadline, or, where nothing announces one, any other moment.
 */
int
sched_time_read_deadline(SchedParser *parser, int at, SchedMoment *moment)
{
	Lead lead;
	int next = read_lead(parser, at, &lead);
	int used;
	int trailer;

	if (next > at)
	{
		const SchedToken *token = sched_time_peek(parser, next);
		bool number = token->kind == SCHED_TOKEN_NUMBER || token->word == WORD_CARDINAL;

		used = sched_time_read_moment(parser, next, number ? CLOCK_AFTER_AT : 0, moment);
		parser->reject = 0;
		/* "by 5", "until 3": nothing may be counted with it */
		if (used > 0 && moment->clock.bare && !moment->has_date && number &&
			!sched_time_clause_ends(parser, next + used))
			used = 0;
		if (used > 0 && !(sched_time_is_word(parser, next, WORD_NOW) && !lead.named))
		{
			push_weekday(parser, &lead, moment);
			push_midnight(parser, moment);
			set_deadline(parser, &lead, moment);
			next += used;
			return next + read_trailer(parser, next) - at;
		}
	}
	lead = (Lead){.found = false};
	used = sched_time_read_moment(parser, at, 0, moment);
	if (used == 0)
		return 0;
	trailer = read_trailer(parser, at + used);
	if (trailer > 0 || moment->date.ending || moment->clock.ending || moment->within)
	{
		push_midnight(parser, moment);
		set_deadline(parser, &lead, moment);
	}
	return used + trailer;
}
