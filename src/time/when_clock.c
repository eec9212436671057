/*
 * when_clock.c - one clock time: "3:30 pm", "half past nine", "noon", "11 at night".
 *
 * Pure: no memory, nothing thrown; runs in whoever asks. What is read:
 *
 *	figures		15:30[:09[.25]], 3:30 pm, 3.30pm, 3p, 330 p.m., 9h30, 1530 hours
 *	words		seven thirty pm, five o'clock, half past nine, a quarter to noon, 20 past 3 pm
 *	names		noon, midday, midnight, 12 noon
 *	hour + part	11 at night, 6 in the morning, 8 tonight
 *	ends		EOD, end of [the] day, COB, close of business
 *
 * A bare number is a time only where the words around it say so (the CLOCK_ flags), and nothing is
 * counted with it: "at 3" is one, "at 3 places" is none. Whether a bare hour is morning or
 * afternoon is guessed here, marked as a guess (clock->bare), and corrected where a part of the day
 * or the other end of a range tells.
 */
#include "when_internal.h"

#define HOUR_SECS 3600
#define MINUTE_SECS 60

/* Hours of the parts of a day; several peers' hours differ, these are the ones of the README. */
static const int part_hours[][2] = {
	[PART_MORNING] = {6, 12}, [PART_AFTERNOON] = {12, 18}, [PART_EVENING] = {18, 24},
	[PART_NIGHT] = {20, 24},  [PART_LUNCH] = {12, 14},     [PART_TONIGHT] = {20, 24}};

/* am, pm, a.m., "p m", a glued "a" or "p": 0 am, 1 pm. */
static int
read_meridiem(const SchedParser *parser, int at, int *value)
{
	const SchedToken *token = sched_time_peek(parser, at);
	const SchedToken *next = sched_time_peek(parser, at + 1);

	if (token->word == WORD_MERIDIEM && token->kind == SCHED_TOKEN_WORD)
	{
		*value = token->value;
		/* "I have 10, am I right?" */
		return next->letter == 'i' && token->spaced && token->value == 0 ? 0 : 1;
	}
	if (token->letter != 'a' && token->letter != 'p')
		return 0;
	*value = token->letter == 'p';
	if (next->letter == 'm' && !token->broken)
		return 2;
	return sched_time_is_glued(parser, at) && sched_time_ends_here(parser, at + 1) ? 1 : 0;
}

/* Applies am or pm; false for "14 pm". */
static bool
apply_meridiem(SchedClock *clock, int hour, int meridiem)
{
	if (hour > 12 || (hour == 0 && meridiem == 1))
		return false;
	clock->first += (hour == 12 ? meridiem - 1 : meridiem) * 12 * HOUR_SECS;
	clock->bare = false;
	clock->ambiguous = false;
	return true;
}

/* Small hours without am or pm are afternoon hours in letters: 1-6 o'clock. */
static void
guess_half(SchedClock *clock, bool padded)
{
	int hour = clock->first / HOUR_SECS;

	if (hour == 0 || hour > 12 || padded)
		return;
	clock->bare = true;
	/* 7:30 and 9 are in the morning, 7 may be either */
	clock->ambiguous = hour < 7 || (hour < 9 && clock->grain == SCHED_GRAIN_HOUR);
	if (hour < 7)
		clock->first += 12 * HOUR_SECS;
}

/*
 * May a bare number be an hour here? Not where it counts something: the next word is a measure, a
 * unit or an unknown plural.
 */
static bool
hour_is_meant(const SchedParser *parser, int at)
{
	const SchedToken *next = sched_time_peek(parser, at);
	char last;

	if (!sched_time_ends_here(parser, at))
		return false;
	if (next->kind == SCHED_TOKEN_PUNCT)
		return next->spaced || (next->mark != '%' && next->mark != '/' && next->mark != '$');
	if (next->kind != SCHED_TOKEN_WORD)
		return next->kind == SCHED_TOKEN_END || next->broken;
	if (next->broken)
		return true;
	switch (next->word)
	{
		case WORD_NONE:
			last = parser->text[next->end - 1];
			return last != 's' || next->end - next->start < 4;
		case WORD_UNIT:
		case WORD_MEASURE:
		case WORD_LABEL:
		case WORD_TIMES:
		case WORD_OF:
		case WORD_MONTH:
		case WORD_BUSINESS:
		case WORD_OTHER:
		case WORD_WEEKDAYS:
		case WORD_CARDINAL:
		case WORD_NEW:
			return false;
		default:
			return true;
	}
}

/* The hour of "half past X": a number, a word or noon. Seconds of the day. */
static int
read_hour_name(const SchedParser *parser, int at, SchedClock *clock)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int hour;
	int meridiem;
	int used;

	if (token->word == WORD_CLOCK_NAME)
	{
		clock->first = (token->value == 0 ? 24 : token->value) * HOUR_SECS;
		return 1;
	}
	used = sched_time_read_cardinal(parser, at, &hour);
	if (used == 0 || hour > 24 || hour < 1)
		return 0;
	clock->first = hour * HOUR_SECS;
	clock->bare = hour <= 12;
	at += used;
	meridiem = -1;
	hour = read_meridiem(parser, at, &meridiem);
	if (hour > 0 && !apply_meridiem(clock, clock->first / HOUR_SECS, meridiem))
		return 0;
	return used + hour;
}

/* "half past nine", "a quarter to 5", "20 minutes past 3 pm", "15 to noon", "ten to six". */
static int
read_past(const SchedParser *parser, int at, int flags, SchedClock *clock)
{
	int next = at;
	int minutes = 0;
	int used;
	int sign = 1;
	const SchedToken *token;
	bool named = false;
	bool strong = true;
	bool counted = false; /* minutes without the word */
	bool figures = sched_time_peek(parser, at)->kind == SCHED_TOKEN_NUMBER;

	if (sched_time_is_word(parser, next, WORD_A))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_HALF)
		minutes = 30;
	else if (token->word == WORD_UNIT && token->value == UNIT_QUARTER)
		minutes = 15;
	if (minutes > 0)
		next++;
	else
	{
		used = sched_time_read_cardinal(parser, next, &minutes);
		if (used == 0 || minutes < 1 || minutes > 59)
			return 0;
		next += used;
		strong = (flags & (CLOCK_AFTER_AT | CLOCK_IN_RANGE)) == CLOCK_AFTER_AT;
		counted = true;
		if (sched_time_peek(parser, next)->word == WORD_UNIT)
		{
			if (sched_time_peek(parser, next)->value != UNIT_MINUTE)
				return 0;
			next++;
			strong = true;
			counted = false;
		}
	}
	token = sched_time_peek(parser, next);
	if (token->word == WORD_TO || token->word == WORD_BEFORE || token->word == WORD_UNTIL)
	{
		/* "2 to 3 pm", "from ten to six": a range of hours */
		if (counted && ((flags & CLOCK_IN_RANGE) != 0 || (minutes < 13 && figures)))
			return 0;
		sign = -1;
	}
	else if (minutes == 30 && (flags & CLOCK_AFTER_AT) != 0 && token->word == WORD_CARDINAL)
	{
		/* British: "at half three" */
		next--;
		strong = true;
	}
	else if (token->word != WORD_PAST && token->word != WORD_AFTER)
		return 0;
	if (token->word == WORD_PAST)
		strong = true;
	next++;
	named = sched_time_is_word(parser, next, WORD_CLOCK_NAME);
	used = read_hour_name(parser, next, clock);
	/* "5 to 10", "three after four" count things as often */
	if (used == 0 || (!strong && !named && clock->bare) ||
		!sched_time_ends_here(parser, next + used))
		return 0;
	if (clock->bare && !hour_is_meant(parser, next + used))
		return 0;
	next += used;
	if (sched_time_is_word(parser, next, WORD_OCLOCK))
		next++;
	clock->first += sign * minutes * MINUTE_SECS;
	if (clock->bare)
		guess_half(clock, false);
	clock->first %= SCHED_DAY_SECS;
	clock->grain = SCHED_GRAIN_MINUTE;
	return next - at;
}

/* Seconds behind hours and minutes, with a fraction. */
static int
read_seconds(const SchedParser *parser, int at, SchedClock *clock)
{
	const SchedToken *token = sched_time_peek(parser, at + 1);
	int scale = 100000;
	size_t i;

	if (!sched_time_is_mark(parser, at, ':') || sched_time_peek(parser, at)->spaced ||
		token->kind != SCHED_TOKEN_NUMBER || token->spaced || token->digits != 2 ||
		token->value > 60)
		return 0;
	clock->first += token->value < 60 ? token->value : 59;
	clock->grain = SCHED_GRAIN_SECOND;
	if (!sched_time_is_mark(parser, at + 2, '.') && !sched_time_is_mark(parser, at + 2, ','))
		return 2;
	token = sched_time_peek(parser, at + 3);
	if (token->kind != SCHED_TOKEN_NUMBER || token->spaced ||
		sched_time_peek(parser, at + 2)->spaced)
		return 2;
	for (i = token->start; i < token->end && scale > 0; i++, scale /= 10)
		clock->microseconds += (parser->text[i] - '0') * scale;
	return 4;
}

/*
 * Hours and minutes in figures: 15:30, 9:01:10, 3.30 pm, 1530 hours, 9h30. 0 where only an hour
 * stands.
 */
static int
read_figures(const SchedParser *parser, int at, int flags, SchedClock *clock, bool *padded)
{
	const SchedToken *hour = sched_time_peek(parser, at);
	const SchedToken *mark = sched_time_peek(parser, at + 1);
	const SchedToken *minute = sched_time_peek(parser, at + 2);
	int meridiem;
	int used = 3;

	*padded = hour->digits == 2 && hour->value < 10;
	clock->grain = SCHED_GRAIN_MINUTE;
	if ((hour->digits == 4 || hour->digits == 3) && hour->value % 100 < 60 && hour->value < 2400)
	{
		/* 1530 hours, 330 p.m. */
		clock->first = hour->value / 100 * HOUR_SECS + hour->value % 100 * MINUTE_SECS;
		*padded = hour->digits == 4;
		if (read_meridiem(parser, at + 1, &meridiem) > 0)
			return 1;
		if (hour->digits != 4)
			return 0;
		mark = sched_time_peek(parser, at + 1);
		if (mark->word == WORD_UNIT && mark->value == UNIT_HOUR)
			return 2;
		return (flags & CLOCK_AFTER_AT) != 0 && hour->value % 5 == 0 &&
					   (hour->value < 1900 || hour->value >= 2100) &&
					   sched_time_clause_ends(parser, at + 1) &&
					   sched_time_ends_here(parser, at + 1)
				   ? 1
				   : 0;
	}
	if (hour->digits > 2 || minute->kind != SCHED_TOKEN_NUMBER || minute->spaced ||
		minute->digits != 2 || minute->value > 59 || hour->value > 24 ||
		(hour->value == 24 && minute->value > 0))
		return 0;
	clock->first = hour->value * HOUR_SECS + minute->value * MINUTE_SECS;
	if (mark->letter == 'h' && !mark->spaced)
		return 3;
	if (mark->kind != SCHED_TOKEN_PUNCT || mark->spaced)
		return 0;
	if (mark->mark == ':')
		return used + read_seconds(parser, at + 3, clock);
	/* a point may be a decimal one: am, pm or "at" must tell */
	if (mark->mark == '.' && read_meridiem(parser, at + 3, &meridiem) > 0)
		return used;
	if (mark->mark != '.' || !sched_time_ends_here(parser, at + 3))
		return 0;
	return (flags & (CLOCK_AFTER_AT | CLOCK_IN_RANGE)) != 0 && hour_is_meant(parser, at + 3) ? used
																							 : 0;
}

/* "seven thirty", "three twenty", "five o'clock", "nine": hours and minutes in words. */
static int
read_spelled(const SchedParser *parser, int at, int flags, SchedClock *clock)
{
	int hour;
	int minute;
	int meridiem;
	int used = sched_time_read_cardinal(parser, at, &hour);
	int more;
	int next = at + used;

	if (used == 0 || hour > 12 || hour == 0 ||
		sched_time_peek(parser, at)->kind == SCHED_TOKEN_NUMBER)
		return 0;
	clock->first = hour * HOUR_SECS;
	clock->grain = SCHED_GRAIN_HOUR;
	if (sched_time_is_mark(parser, next, '-') && sched_time_is_glued(parser, next))
		next++;
	more = sched_time_is_word(parser, next, WORD_CARDINAL)
			   ? sched_time_read_cardinal(parser, next, &minute)
			   : 0;
	if (more > 0 && minute >= 10 && minute < 60)
	{
		next += more;
		/* "at three twenty" is a time, "three twenty-dollar bills" is none */
		if ((flags & (CLOCK_AFTER_AT | CLOCK_AFTER_DATE)) == 0 &&
			read_meridiem(parser, next, &meridiem) == 0)
			return 0;
		clock->first += minute * MINUTE_SECS;
		clock->grain = SCHED_GRAIN_MINUTE;
		return hour_is_meant(parser, next) ? next - at : 0;
	}
	next = at + used;
	if (sched_time_is_word(parser, next, WORD_OCLOCK) || read_meridiem(parser, next, &meridiem) > 0)
		return used;
	return flags != CLOCK_PLAIN && hour_is_meant(parser, next) ? used : 0;
}

/* A part of the day as a span of its usual hours. */
void
sched_time_set_part(int part, SchedClock *clock)
{
	*clock = (SchedClock){.set = true, .part = true, .grain = SCHED_GRAIN_HOUR};
	clock->first = part_hours[part][0] * HOUR_SECS;
	clock->last = part_hours[part][1] * HOUR_SECS;
	clock->part_value = part;
}

/* "in the morning", "at night", "tonight", "this evening" behind an hour, or "morning" alone. */
int
sched_time_read_part(const SchedParser *parser, int at, SchedClock *clock)
{
	int next = at;
	const SchedToken *token;

	if (sched_time_is_word(parser, next, WORD_IN) || sched_time_is_word(parser, next, WORD_AT) ||
		sched_time_is_word(parser, next, WORD_DURING))
		next++;
	if (next > at && sched_time_is_word(parser, next, WORD_THE))
		next++;
	if (sched_time_is_word(parser, next, WORD_EARLY) || sched_time_is_word(parser, next, WORD_LATE))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word != WORD_DAYPART || token->broken)
		return 0;
	/* "Friday lunch" is a lunch, "at lunch" a time */
	if (token->value == PART_LUNCH && next == at && token->end - token->start == 5)
		return 0;
	sched_time_set_part(token->value, clock);
	return next + 1 - at;
}

/* Moves a bare hour into the part of the day that was named. */
void
sched_time_fit_part(SchedClock *clock, int part)
{
	int half = 12 * HOUR_SECS;

	if (!clock->bare)
		return;
	clock->ambiguous = false;
	clock->bare = false;
	if (clock->first >= half && clock->first < half + HOUR_SECS)
		clock->first -= half; /* twelve something */
	else if (clock->first > half)
		clock->first -= half;
	if (part == PART_MORNING)
		return;
	if (part == PART_LUNCH && clock->first >= 11 * HOUR_SECS)
		return;
	if ((part == PART_NIGHT || part == PART_TONIGHT) && clock->first < 5 * HOUR_SECS)
		clock->first += 2 * half; /* one at night belongs to the night before it */
	else
		clock->first += half;
	if (clock->first > SCHED_DAY_SECS)
		clock->first %= SCHED_DAY_SECS;
}

/* End of day and close of business: the moment at which a day is over. */
static int
read_day_end(const SchedParser *parser, int at, SchedClock *clock)
{
	int next = at;
	int hour = 24;
	const SchedToken *token;

	if (sched_time_is_word(parser, next, WORD_THE))
		next++;
	token = sched_time_peek(parser, next);
	if (token->word == WORD_COB)
	{
		hour = 17;
		next++;
	}
	else if (token->word == WORD_END_OF && token->value == UNIT_DAY)
		next++;
	else if (token->word == WORD_END || token->word == WORD_CLOSE)
	{
		next++;
		if (sched_time_is_word(parser, next, WORD_OF) || sched_time_is_mark(parser, next, '-'))
			next++;
		else
			return 0;
		if (sched_time_is_word(parser, next, WORD_THE) ||
			sched_time_is_word(parser, next, WORD_THIS))
			next++;
		if (sched_time_is_word(parser, next, WORD_BUSINESS))
		{
			hour = 17;
			next++;
			if (sched_time_is_word(parser, next, WORD_UNIT) &&
				sched_time_peek(parser, next)->value == UNIT_DAY)
				next++;
		}
		else if (sched_time_is_word(parser, next, WORD_UNIT) && token->word == WORD_END &&
				 sched_time_peek(parser, next)->value == UNIT_DAY)
			next++;
		else if (sched_time_is_word(parser, next, WORD_WORKDAY))
		{
			hour = 17;
			next++;
		}
		else
			return 0;
	}
	else
		return 0;
	*clock = (SchedClock){.set = true, .last = -1, .grain = SCHED_GRAIN_HOUR, .ending = true};
	clock->first = hour * HOUR_SECS;
	return next - at;
}

/* noon, midnight, "12 noon". */
static int
read_named(const SchedParser *parser, int at, SchedClock *clock)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int used = 1;

	if (token->kind == SCHED_TOKEN_NUMBER && token->value == 12 && token->digits == 2 &&
		sched_time_is_word(parser, at + 1, WORD_CLOCK_NAME))
	{
		token = sched_time_peek(parser, at + 1);
		used = 2;
	}
	if (token->word != WORD_CLOCK_NAME)
		return 0;
	clock->first = token->value * HOUR_SECS;
	clock->midnight = token->value == 0;
	clock->grain = SCHED_GRAIN_HOUR;
	return used;
}

/* Times that need no figures: end of day, noon, "half past nine". */
static int
read_worded(const SchedParser *parser, int at, int flags, SchedClock *clock)
{
	SchedClock part;
	int used = read_day_end(parser, at, clock);
	int more;

	if (used > 0)
		return used;
	*clock = (SchedClock){.set = true, .last = -1, .grain = SCHED_GRAIN_HOUR};
	if ((used = read_named(parser, at, clock)) > 0)
		return used;
	used = read_past(parser, at, flags, clock);
	if (used == 0)
		return 0;
	more = sched_time_read_part(parser, at + used, &part);
	if (more > 0)
		sched_time_fit_part(clock, part.part_value);
	return used + more;
}

/* What a clock time is made of before am, pm or a part of the day are looked at. */
typedef struct Reading
{
	bool padded;    /* 09:30: the 24 hours of a day are meant */
	bool only_hour; /* no minutes: the words around must say that it is a time */
	bool spelled;   /* in words */
} Reading;

/*
 * The hour and minutes themselves, in figures or words; a time that cannot be one (8:62) is
 * rejected.
 */
static int
read_digits(SchedParser *parser, int at, int flags, SchedClock *clock, Reading *reading)
{
	const SchedToken *token = sched_time_peek(parser, at);
	int used;

	if (token->kind != SCHED_TOKEN_NUMBER)
	{
		reading->spelled = true;
		return read_spelled(parser, at, flags, clock);
	}
	used = read_figures(parser, at, flags, clock, &reading->padded);
	if (used > 0 || token->digits > 2)
		return used;
	if (sched_time_is_mark(parser, at + 1, ':') && sched_time_is_glued(parser, at + 2))
	{
		if (sched_time_peek(parser, at + 2)->kind == SCHED_TOKEN_NUMBER)
			parser->reject = 3;
		return 0;
	}
	reading->only_hour = true;
	clock->grain = SCHED_GRAIN_HOUR;
	clock->first = token->value * HOUR_SECS;
	return 1;
}

/* "o'clock", "h" behind an hour. */
static int
read_hour_mark(const SchedParser *parser, int at, int flags, Reading *reading)
{
	if (sched_time_is_word(parser, at, WORD_OCLOCK))
	{
		reading->only_hour = false;
		return 1;
	}
	if (reading->only_hour && sched_time_peek(parser, at)->letter == 'h' &&
		sched_time_is_glued(parser, at) && (flags & ~CLOCK_IN_RANGE) != 0 &&
		sched_time_ends_here(parser, at + 1))
		return 1;
	return 0;
}

/*
 * May a clock time end before this token? Also before the dash of a range, an offset or the Z of
 * ISO 8601.
 */
static bool
clock_ends(const SchedParser *parser, int at)
{
	return sched_time_ends_here(parser, at) ||
		   (sched_time_is_dash(parser, at) && sched_time_is_glued(parser, at)) ||
		   sched_time_is_mark(parser, at, '+') || sched_time_peek(parser, at)->letter == 'z';
}

/*
 * What follows a time without am or pm: a part of the day, or nothing that makes a count of it. 0
 * or more tokens, -1: no time.
 */
static int
finish_bare(SchedParser *parser, int at, int flags, SchedClock *clock, const Reading *reading)
{
	SchedClock part;
	int used = sched_time_read_part(parser, at, &part);
	bool tonight = sched_time_is_word(parser, at, WORD_TONIGHT);

	if (used > 0 && reading->only_hour && clock->first > 12 * HOUR_SECS && !clock->bare)
		return -1;
	if (used > 0 || (tonight && (reading->only_hour || reading->spelled || clock->bare)))
	{
		/* the day of "8 tonight" is read by the caller */
		sched_time_fit_part(clock, used > 0 ? part.part_value : PART_TONIGHT);
		return used;
	}
	if (reading->only_hour && flags == CLOCK_PLAIN)
		return -1;
	if (reading->only_hour && !(flags & CLOCK_IN_RANGE) && !sched_time_is_dash(parser, at) &&
		!hour_is_meant(parser, at))
		return -1;
	return sched_time_is_word(parser, at, WORD_SHARP) ? 1 : 0;
}

/*
 * One clock time. The flags say what stood before it.
 */
int
sched_time_read_clock(SchedParser *parser, int at, int flags, SchedClock *clock)
{
	const SchedToken *token = sched_time_peek(parser, at);
	Reading reading = {false, false, false};
	int next = at;
	int used = read_worded(parser, at, flags, clock);
	int meridiem = 0;

	if (used > 0)
		return used;
	*clock = (SchedClock){.set = true, .last = -1, .grain = SCHED_GRAIN_HOUR};
	/* the T of ISO 8601 */
	if (token->letter == 't' && !token->spaced && sched_time_is_glued(parser, at + 1))
		next++;
	used = read_digits(parser, next, flags, clock, &reading);
	if (used == 0)
		return 0;
	next += used;
	used = read_meridiem(parser, next, &meridiem);
	/* "3 o'clock pm" */
	if (used == 0 && sched_time_is_word(parser, next, WORD_OCLOCK) &&
		(used = read_meridiem(parser, next + 1, &meridiem)) > 0)
		used++;
	if (used > 0)
	{
		if (apply_meridiem(clock, clock->first / HOUR_SECS, meridiem) &&
			sched_time_ends_here(parser, next + used))
			return next + used - at;
		parser->reject = next + used - at;
		return 0;
	}
	if (clock->first > SCHED_DAY_SECS)
		return 0;
	next += read_hour_mark(parser, next, flags, &reading);
	if (!clock_ends(parser, next))
		return 0;
	guess_half(clock, reading.padded);
	used = finish_bare(parser, next, flags, clock, &reading);
	clock->number = reading.only_hour && clock->first % HOUR_SECS == 0 && used == 0;
	return used < 0 ? 0 : next + used - at;
}
