/*
 * when.c - finds the dates, times and spans in a text: the walk over its tokens.
 *
 * Pure: runs in whoever calls it, on the caller's memory, throws nothing. A phrase is tried at
 * every token that could begin one; each try looks at a bounded number of tokens, so the time is
 * linear in the text.
 */
#include "when_internal.h"

#include <string.h>

/*
 * Does a word before the token say that the number behind it is no time ("page 3", "version 1.2")?
 */
static bool
is_labelled(const SchedParser *parser)
{
	const SchedToken *before = sched_time_peek(parser, -1);
	const SchedToken *next = sched_time_peek(parser, 1);
	bool numeric = next->kind == SCHED_TOKEN_PUNCT && !next->spaced &&
				   sched_time_peek(parser, 2)->kind == SCHED_TOKEN_NUMBER;

	if (before->kind == SCHED_TOKEN_PUNCT &&
		(before->mark == '#' || before->mark == '$' || before->mark == ':' ||
		 before->mark == '.') &&
		(before->mark == '#' || before->mark == '$' || sched_time_is_word(parser, -2, WORD_LABEL)))
		return true;
	if (before->word != WORD_LABEL || before->kind != SCHED_TOKEN_WORD)
		return false;
	return next->word != WORD_MERIDIEM && next->word != WORD_MONTH && next->word != WORD_SUFFIX &&
		   !(numeric && (next->mark == ':' || sched_time_peek(parser, 0)->digits == 4));
}

/* May a phrase begin at the current token? Not inside of words, addresses, prices and versions. */
static bool
starts_here(const SchedParser *parser)
{
	const SchedToken *token = sched_time_peek(parser, 0);
	const SchedToken *before = sched_time_peek(parser, -1);
	const SchedToken *earlier = sched_time_peek(parser, -2);
	bool glued = before->kind == SCHED_TOKEN_PUNCT && !before->spaced &&
				 earlier->kind != SCHED_TOKEN_END && earlier->kind != SCHED_TOKEN_PUNCT;

	if (token->kind == SCHED_TOKEN_NUMBER)
	{
		if (is_labelled(parser))
			return false;
	}
	else if (token->kind == SCHED_TOKEN_PUNCT)
		return (token->mark == '@' || token->mark == '+') && token->spaced;
	else if (token->kind != SCHED_TOKEN_WORD || (token->word == WORD_NONE && token->letter != 'q'))
		return false;
	if (token->spaced || before->kind == SCHED_TOKEN_END)
		return true;
	if (before->kind != SCHED_TOKEN_PUNCT || strchr("@#$%&=\\_+^/", before->mark) != NULL)
		return before->mark == '/' && glued && token->kind == SCHED_TOKEN_WORD && token->capital;
	if (token->kind == SCHED_TOKEN_NUMBER)
		return !(glued && (before->mark == '-' || before->mark == '.' || before->mark == ',' ||
						   (before->mark == ':' && earlier->kind == SCHED_TOKEN_NUMBER)));
	return !(glued && before->mark == '.' && !token->capital);
}

/* Notes what stands before the phrase: it decides between the senses of some words. */
static void
look_back(SchedParser *parser)
{
	const SchedToken *before = sched_time_peek(parser, -1);
	int back;

	parser->before = before->kind == SCHED_TOKEN_WORD ? before->word : WORD_NONE;
	if (parser->before == WORD_TO)
		parser->before = WORD_PRONOUN;
	parser->past = false;
	for (back = -1; back >= -3; back--)
	{
		before = sched_time_peek(parser, back);
		if (before->kind == SCHED_TOKEN_PUNCT || before->kind == SCHED_TOKEN_END)
			return;
		if (before->word == WORD_BE && before->value < 0)
			parser->past = true;
	}
}

/* The reference instant as the reader needs it. */
static void
set_reference(SchedParser *parser, const SchedWhenContext *context)
{
	parser->context = context;
	context->zone.to_civil(context->zone.data, context->reference, &parser->now);
	parser->today = sched_time_day_number(parser->now.year, parser->now.month, parser->now.day);
}

/* Reads the phrase that begins at the current token; its tokens or 0. */
static int
read_phrase(SchedParser *parser, SchedWhen *found)
{
	SchedMoment moment;
	int used = sched_time_read_recurrence(parser, 0, &moment, found->rrule, sizeof(found->rrule));

	if (used == 0)
	{
		parser->reject = 0;
		found->rrule[0] = '\0';
		used = sched_time_read_deadline(parser, 0, &moment);
	}
	if (used == 0)
		return 0;
	parser->reject = 0;
	found->start = sched_time_peek(parser, 0)->start;
	found->length = sched_time_peek(parser, used - 1)->end - found->start;
	found->kind = moment.kind;
	found->granularity = moment.grain;
	found->lower = moment.lower;
	found->upper = moment.upper;
	found->ambiguous = moment.ambiguous;
	found->has_date = moment.has_date;
	found->has_time = moment.has_time;
	found->part_of_day = moment.has_time && !moment.fixed && moment.clock.part;
	return used;
}

/*
 * Does anything tell a time, as far as a phrase that begins here can reach? Most phrases would be
 * tried in vain at every "and" and "the" of a text.
 */
static bool
time_is_told(SchedParser *parser)
{
	if (parser->teller < parser->base)
		parser->teller = parser->base;
	while (parser->teller < parser->count)
	{
		const SchedToken *token = &parser->tokens[parser->teller];

		if (token->kind == SCHED_TOKEN_NUMBER ||
			(token->kind == SCHED_TOKEN_WORD && sched_time_tells(token->word)))
			break;
		parser->teller++;
	}
	return parser->teller < parser->count && parser->teller - parser->base < SCHED_WINDOW;
}

/*
 * Finds the phrases of a text; see when.h.
 */
int
sched_time_parse_when(const char *text, size_t length, const SchedWhenContext *context,
					  SchedWhen *found, int max)
{
	SchedParser parser;
	int count = 0;

	sched_time_start_lexer(&parser, text, length);
	set_reference(&parser, context);
	if (!sched_time_valid_days(parser.today, parser.today + 1))
		return 0;
	while (count < max)
	{
		int used = 0;

		sched_time_fill(&parser);
		if (sched_time_peek(&parser, 0)->kind == SCHED_TOKEN_END)
			break;
		parser.reject = 0;
		if (time_is_told(&parser) && starts_here(&parser))
		{
			look_back(&parser);
			used = read_phrase(&parser, &found[count]);
			if (used > 0)
				count++;
			else
				used = parser.reject;
		}
		parser.base += used > 0 ? used : 1;
	}
	return count;
}
