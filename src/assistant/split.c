/*
 * split.c - takes a typed text apart: "dentist tomorrow 9, then two hours for the report before
 * Friday noon".
 *
 * Pure: no memory taken, nothing thrown; runs in whoever asks, on a fixed number of phrases.
 *
 * First the date reader marks dates and durations in the whole text; then the text is cut, never
 * inside of a date; then each piece is read. A hard cut always counts: a line, a semicolon, the end
 * of a sentence, "then". A soft one, a comma or "and", counts only where both sides have a date and
 * words of their own, so that "milk, bread and eggs" stay together and "dentist tomorrow and gym on
 * Friday" do not.
 *
 * A piece with a clock time is an appointment. A day or a part of a day is a window: the thing may
 * be done at any time inside of it. A deadline is only an end.
 */
#include "assistant/split_internal.h"

#include <string.h>

#define MAX_WHENS 96
#define MAX_HOLES 24
#define MINUTE_USECS (60 * SCHED_USECS_PER_SEC)
#define MAX_MINUTES 100000

/* A text with what was found in it. */
typedef struct Reading
{
	const char *text;
	size_t length;
	const SchedWhenContext *context;
	SchedWhen whens[MAX_WHENS];
	int when_count;
	SchedDuration durations[MAX_WHENS];
	int duration_count;
} Reading;

/*
 * Does a place lie inside of a date? The dates are in order, so the search ends at the first behind
 * it.
 */
static bool
inside_when(const Reading *reading, size_t at)
{
	int i;

	for (i = 0; i < reading->when_count && reading->whens[i].start <= at; i++)
		if (at < reading->whens[i].start + reading->whens[i].length)
			return true;
	return false;
}

/* Skips spaces from a place. */
static size_t
skip_blanks(const Reading *reading, size_t at)
{
	while (at < reading->length && (reading->text[at] == ' ' || reading->text[at] == '\t'))
		at++;
	return at;
}

/* The bytes of the first of several words at a place, 0 for none. */
static size_t
match_words(const Reading *reading, size_t at, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sched_assistant_word_at(reading->text, at, reading->length, *words))
			return strlen(*words);
	return 0;
}

/*
 * A cut that always counts: a line break, a semicolon, the end of a sentence, "then". The bytes it
 * takes; 0 for none.
 */
static size_t
find_hard_cut(const Reading *reading, size_t at)
{
	static const char *const joints[] = {"and then", "and after that", "after that", "afterwards",
										 "then",     "plus",           "also",       NULL};
	const char *text = reading->text;
	char c = text[at];
	size_t next;
	size_t used;

	if (c == '\n' || c == ';')
		return 1;
	if ((c == '.' || c == '!' || c == '?') && at + 2 < reading->length && text[at + 1] == ' ')
	{
		next = skip_blanks(reading, at + 1);
		/* "Dr. Miller", "e.g. this": a short word before the point is no end */
		if (next < reading->length && text[next] >= 'A' && text[next] <= 'Z' &&
			(c != '.' ||
			 (at >= 4 && text[at - 1] != ' ' && text[at - 2] != ' ' && text[at - 3] != ' ')))
			return next - at;
		return 0;
	}
	if (c != ',' && c != ' ')
		return 0;
	next = skip_blanks(reading, at + 1);
	used = match_words(reading, next, joints);
	/* "then" without a comma counts only behind "and"; "also" and "plus" only behind a comma */
	if (used == 0 ||
		(c == ' ' && !sched_assistant_word_at(text, next, reading->length, "and then")))
		return 0;
	return next + used - at;
}

/* A cut that counts where both sides are whole: a comma or "and". */
static size_t
find_soft_cut(const Reading *reading, size_t at)
{
	char c = reading->text[at];
	size_t next;

	if (c != ',' && c != ' ')
		return 0;
	next = skip_blanks(reading, at + 1);
	if (sched_assistant_word_at(reading->text, next, reading->length, "and"))
		return next + 3 - at;
	return c == ',' ? 1 : 0;
}

/*
 * The dates and durations inside of a piece, as holes in order; durations inside of dates ("in two
 * hours") fall away. Where there are more than fit, the rest stays in the description.
 */
static int
collect_holes(const Reading *reading, SchedPiece piece, SchedPiece *holes)
{
	int count = 0;
	int when = 0;
	int duration = 0;

	while (count < MAX_HOLES)
	{
		const SchedWhen *w = NULL;
		const SchedDuration *d = NULL;

		while (when < reading->when_count && reading->whens[when].start < piece.start)
			when++;
		while (duration < reading->duration_count &&
			   (reading->durations[duration].start < piece.start ||
				inside_when(reading, reading->durations[duration].start)))
			duration++;
		if (when < reading->when_count && reading->whens[when].start < piece.end)
			w = &reading->whens[when];
		if (duration < reading->duration_count && reading->durations[duration].start < piece.end)
			d = &reading->durations[duration];
		if (w == NULL && d == NULL)
			break;
		if (d == NULL || (w != NULL && w->start < d->start))
		{
			holes[count++] = (SchedPiece){w->start, w->start + w->length};
			when++;
		}
		else
		{
			holes[count++] = (SchedPiece){d->start, d->start + d->length};
			duration++;
		}
	}
	return count;
}

/* Has a piece a date or time of its own, and words besides? */
static bool
is_whole(const Reading *reading, SchedPiece piece)
{
	SchedPiece holes[MAX_HOLES];
	char words[SCHED_ITEM_TEXT];
	int count = collect_holes(reading, piece, holes);
	bool dated = false;
	int i;

	for (i = 0; i < count; i++)
		dated = dated || inside_when(reading, holes[i].start);
	if (!dated)
		return false;
	sched_assistant_describe(reading->text, piece, holes, count, words, sizeof(words));
	return words[0] != '\0';
}

/* The end of the part that a soft cut would begin: the next cut of either kind. */
static size_t
find_part_end(const Reading *reading, size_t from)
{
	size_t at;

	for (at = from; at < reading->length; at++)
		if (!inside_when(reading, at) &&
			(find_hard_cut(reading, at) > 0 || find_soft_cut(reading, at) > 0))
			break;
	return at;
}

/*
 * Adds a day's clock time to a date that stands apart from it: "on Friday lunch with Anna at 12".
 */
static SchedInstant
combine(const SchedWhenContext *context, SchedInstant day, SchedInstant time)
{
	SchedCivil date;
	SchedCivil clock;

	context->zone.to_civil(context->zone.data, day, &date);
	context->zone.to_civil(context->zone.data, time, &clock);
	date.hour = clock.hour;
	date.minute = clock.minute;
	date.second = clock.second;
	return context->zone.to_instant(context->zone.data, &date);
}

/*
 * What one date of an item says. The first clock time makes the appointment, the earliest deadline
 * counts, the first day is the window; a time without a day and a day without a time that stand
 * apart are brought together.
 */
static void
apply_when(const SchedWhenContext *context, const SchedWhen *when, SchedItem *item,
		   bool *loose_time)
{
	bool timed = when->has_time && !when->part_of_day;

	item->ambiguous |= when->ambiguous;
	if (when->kind == SCHED_WHEN_RECURRING && item->rrule[0] == '\0')
		memcpy(item->rrule, when->rrule, sizeof(item->rrule));
	if (when->kind == SCHED_WHEN_DEADLINE)
	{
		if (!item->has_deadline || when->upper < item->deadline)
			item->deadline = when->upper;
		item->has_deadline = true;
	}
	else if (timed && !item->has_start)
	{
		item->start_at = when->lower;
		if (item->has_earliest && !when->has_date)
		{
			item->start_at = combine(context, item->earliest, when->lower);
			item->has_earliest = item->has_deadline = false;
		}
		item->has_start = true;
		*loose_time = !when->has_date;
		if (when->kind == SCHED_WHEN_RANGE &&
			when->upper - when->lower <= MAX_MINUTES * MINUTE_USECS)
			item->minutes = (int) ((when->upper - when->lower) / MINUTE_USECS);
	}
	else if (item->has_start && *loose_time && !timed && when->granularity == SCHED_GRAIN_DAY)
	{
		item->start_at = combine(context, when->lower, item->start_at);
		*loose_time = false;
	}
	else if (!item->has_start && !item->has_earliest)
	{
		/* a day or a morning: some time inside of it */
		item->earliest = when->lower;
		item->has_earliest = true;
		if (!item->has_deadline)
			item->deadline = when->upper;
		item->has_deadline = true;
	}
}

/*
 * Reads one piece as an item. The length is the first duration that is no part of a date, in
 * minutes, rounded up; a range of clock times is a length as well and comes first.
 */
static void
read_item(const Reading *reading, SchedPiece piece, SchedItem *item)
{
	SchedPiece holes[MAX_HOLES];
	int count = collect_holes(reading, piece, holes);
	bool loose_time = false;
	int minutes = 0;
	int i;

	memset(item, 0, sizeof(*item));
	item->start = piece.start;
	item->length = piece.end - piece.start;
	for (i = 0; i < reading->when_count; i++)
		if (reading->whens[i].start >= piece.start && reading->whens[i].start < piece.end)
			apply_when(reading->context, &reading->whens[i], item, &loose_time);
	for (i = 0; i < reading->duration_count && minutes == 0; i++)
	{
		const SchedDuration *d = &reading->durations[i];

		if (d->start >= piece.start && d->start < piece.end && !inside_when(reading, d->start) &&
			d->seconds <= MAX_MINUTES * INT64_C(60))
			minutes = (int) ((d->seconds + 59) / 60);
	}
	if (item->minutes == 0)
		item->minutes = minutes;
	sched_assistant_describe(reading->text, piece, holes, count, item->description,
							 sizeof(item->description));
	item->priority =
		sched_assistant_read_priority(item->description, reading->text + piece.start, item->length);
	item->category = sched_assistant_read_category(item->description);
}

/* The place behind blanks, a bullet or the number of a list. */
static size_t
skip_bullet(const char *text, SchedPiece piece)
{
	size_t at = piece.start;
	size_t digits;

	while (at < piece.end && text[at] != '\0' && strchr(" \t\r\n-*", text[at]) != NULL)
		at++;
	if (piece.end - at >= 3 && memcmp(text + at, "\xe2\x80\xa2", 3) == 0)
		return at + 3;
	digits = at;
	while (digits < piece.end && digits < at + 2 && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	if (digits > at && digits + 1 < piece.end && (text[digits] == '.' || text[digits] == ')') &&
		text[digits + 1] == ' ')
		return digits + 2;
	return at;
}

/*
 * Adds a piece to the items unless nothing but blanks and marks is in it. A piece with a date and
 * without words is an item, too: the caller tells the user that he did not understand it.
 */
static int
add_item(const Reading *reading, SchedPiece piece, SchedItem *items, int count)
{
	const char *text = reading->text;

	piece.start = skip_bullet(text, piece);
	while (piece.end > piece.start && text[piece.end - 1] != '\0' &&
		   strchr(" \t\r\n", text[piece.end - 1]) != NULL)
		piece.end--;
	if (piece.start == piece.end)
		return count;
	read_item(reading, piece, &items[count]);
	return count + 1;
}

int
sched_assistant_split(const char *text, size_t length, const SchedWhenContext *context,
					  SchedItem *items, int max)
{
	Reading reading = {.text = text, .length = length, .context = context};
	SchedPiece piece = {0, 0};
	int count = 0;
	size_t at;

	reading.when_count = sched_time_parse_when(text, length, context, reading.whens, MAX_WHENS);
	reading.duration_count = sched_time_parse_durations(text, length, reading.durations, MAX_WHENS);
	for (at = 0; at < length && count < max; at++)
	{
		size_t cut;

		if (inside_when(&reading, at))
			continue;
		piece.end = at;
		cut = find_hard_cut(&reading, at);
		if (cut == 0 && (cut = find_soft_cut(&reading, at)) > 0)
		{
			SchedPiece rest = {at + cut, find_part_end(&reading, at + cut)};

			if (!is_whole(&reading, piece) || !is_whole(&reading, rest))
				cut = 0;
		}
		if (cut == 0)
			continue;
		count = add_item(&reading, piece, items, count);
		piece.start = at + cut;
		at += cut - 1;
	}
	piece.end = length;
	if (count < max && piece.start < length)
		count = add_item(&reading, piece, items, count);
	return count;
}
