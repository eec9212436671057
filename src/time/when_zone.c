/*
 * when_zone.c - zones behind a clock time: "EST", "UTC+2", "+0900", "Eastern time", "Europe/Paris".
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. Abbreviations are fixed offsets, as people
 * in mails write them; regions (ET, Pacific) and IANA names go to the caller, who has the zone
 * data. What is unknown is left out of the phrase, and the time counts in the zone of the context.
 */
#include "when_internal.h"

#include <string.h>

#define NAME_ROOM 64
#define MAX_LOOKUPS 64 /* names asked for in one text: each may cost a look into a folder */

/* "+2", "-08:45", "+0900": seconds east of UTC. */
static int
read_offset(const SchedParser *parser, int at, int *offset)
{
	const SchedToken *sign = sched_time_peek(parser, at);
	const SchedToken *number = sched_time_peek(parser, at + 1);
	const SchedToken *minutes = sched_time_peek(parser, at + 3);
	int used = 2;
	int hours = number->value;
	int rest = 0;

	if (sign->kind != SCHED_TOKEN_PUNCT || (sign->mark != '+' && sign->mark != '-') ||
		number->kind != SCHED_TOKEN_NUMBER || number->spaced)
		return 0;
	if (number->digits == 4)
	{
		hours = number->value / 100;
		rest = number->value % 100;
	}
	else if (number->digits > 2)
		return 0;
	else if (sched_time_is_mark(parser, at + 2, ':') && minutes->kind == SCHED_TOKEN_NUMBER &&
			 minutes->digits == 2 && !minutes->spaced)
	{
		rest = minutes->value;
		used = 4;
	}
	if (hours > 15 || rest > 59)
		return 0;
	*offset = (hours * 3600 + rest * 60) * (sign->mark == '-' ? -1 : 1);
	return used;
}

/*
 * Is this a negative offset and not the second half of a range? "-0500" has four figures; "-05:30"
 * touches the seconds of an ISO time and is followed by no seconds of its own.
 */
bool
sched_time_is_offset(const SchedParser *parser, int at)
{
	int offset;
	int used = read_offset(parser, at, &offset);

	if (used == 2)
		return sched_time_peek(parser, at + 1)->digits == 4 &&
			   !sched_time_is_mark(parser, at + 2, ':') && offset % 900 == 0;
	return used == 4 && sched_time_is_glued(parser, at) &&
		   sched_time_is_mark(parser, at - 2, ':') && sched_time_is_mark(parser, at - 4, ':') &&
		   !sched_time_is_mark(parser, at + 4, ':') && offset % 900 == 0;
}

/* Asks the caller for a zone by name. */
static bool
find_named(const SchedParser *parser, const char *name, SchedTextZone *zone)
{
	if (parser->context->find_zone == NULL || !parser->context->find_zone(name, &zone->zone))
		return false;
	zone->named = true;
	zone->fixed = false;
	return true;
}

/* "Europe/Paris", "America/Argentina/Buenos_Aires". */
static int
read_iana(SchedParser *parser, int at, SchedTextZone *zone)
{
	char name[NAME_ROOM];
	const SchedToken *token = sched_time_peek(parser, at);
	size_t start = token->start;
	int next = at + 1;

	while (next < at + 5 && sched_time_is_mark(parser, next, '/') &&
		   sched_time_is_glued(parser, next) && sched_time_is_glued(parser, next + 1) &&
		   sched_time_peek(parser, next + 1)->kind == SCHED_TOKEN_WORD)
		next += 2;
	token = sched_time_peek(parser, next - 1);
	/* asking may cost a look into the zone data: only for what begins like a name */
	if (!sched_time_peek(parser, at)->capital || parser->lookups >= MAX_LOOKUPS)
		return 0;
	if (next == at + 1 || token->end - start >= NAME_ROOM)
		return 0;
	memcpy(name, parser->text + start, token->end - start);
	name[token->end - start] = '\0';
	parser->lookups++;
	return find_named(parser, name, zone) ? next - at : 0;
}

/* One zone; a fixed offset behind UTC or GMT belongs to it. */
static int
read_one(SchedParser *parser, int at, SchedTextZone *zone)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int offset = 0;
	int used;

	if (token->kind == SCHED_TOKEN_PUNCT)
	{
		/* an offset alone has minutes: "-3" behind a time begins a range */
		used = read_offset(parser, at, &offset);
		if (used == 0 || (used == 2 && sched_time_peek(parser, at + 1)->digits != 4 &&
						  !(token->mark == '+' && sched_time_is_glued(parser, at))))
			return 0;
		*zone = (SchedTextZone){.named = true, .fixed = true, .offset = offset};
		return used;
	}
	if (token->kind != SCHED_TOKEN_WORD)
		return 0;
	if (token->letter == 'z' && token->capital && sched_time_is_glued(parser, at))
	{
		*zone = (SchedTextZone){.named = true, .fixed = true};
		return 1;
	}
	if (token->word == WORD_ZONE)
	{
		/* "west" and "wet" are zones in capitals only */
		if (parser->text[token->start] == 'w' ||
			(token->capital && parser->text[token->start + 1] > 'Z'))
			return 0;
		*zone = (SchedTextZone){.named = true, .fixed = true, .offset = token->value * 60};
		used = token->value == 0 ? read_offset(parser, at + 1, &offset) : 0;
		if (used > 0)
			zone->offset = offset;
		return 1 + used;
	}
	if (token->word == WORD_REGION)
	{
		bool shortened = token->end - token->start <= 3;

		if (!token->capital || !find_named(parser, sched_time_name_region(token->value), zone))
			return 0;
		used = 1;
		if (!shortened &&
			(sched_time_is_word(parser, at + used, WORD_DATE) ||
			 sched_time_peek(parser, at + used)->capital) &&
			(sched_time_is_word(parser, at + used + 1, WORD_DATE)))
			used++;
		if (sched_time_is_word(parser, at + used, WORD_DATE))
			used++;
		return used;
	}
	return read_iana(parser, at, zone);
}

/* A zone behind a clock time, also in brackets; a second one in brackets repeats the first. */
int
sched_time_read_zone(SchedParser *parser, int at, SchedTextZone *zone)
{
	SchedTextZone again;
	bool bracket = sched_time_is_mark(parser, at, '(') || sched_time_is_mark(parser, at, '[');
	int next = at + bracket;
	int used = read_one(parser, next, zone);

	if (used == 0 || sched_time_peek(parser, at)->broken)
		return 0;
	next += used;
	if (bracket)
		return sched_time_is_mark(parser, next, ')') || sched_time_is_mark(parser, next, ']')
				   ? next + 1 - at
				   : 0;
	if (!sched_time_ends_here(parser, next))
		return 0;
	if (sched_time_is_mark(parser, next, '(') && (used = read_one(parser, next + 1, &again)) > 0 &&
		sched_time_is_mark(parser, next + 1 + used, ')'))
		next += used + 2;
	return next - at;
}
