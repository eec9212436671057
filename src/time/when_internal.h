/*
 * when_internal.h - what the files of the date reader share; no other room includes it.
 *
 * The reader works in layers: when_lex cuts text into tokens, when_words knows the vocabulary,
 * when_date and when_clock read one part each, when_moment joins parts into moments and spans,
 * when_recur reads recurrences, when.c walks over the text. A reading function gets the place of a
 * token relative to the parser's position and returns how many tokens it understood, 0 for none.
 * Nothing looks further than SCHED_WINDOW tokens ahead, so the whole is linear in the text.
 */
#ifndef SCHED_TIME_WHEN_INTERNAL_H
#define SCHED_TIME_WHEN_INTERNAL_H

#include "when.h"

#define SCHED_WINDOW 96    /* tokens a phrase may have */
#define SCHED_BUFFERED 768 /* tokens kept at once */
#define SCHED_DAY_SECS 86400
#define SCHED_FIRST_DAY (-730119) /* 0001-01-01 as days since 2000-01-01 */
#define SCHED_LAST_DAY 2921939    /* 9999-12-31 */

typedef enum SchedTokenKind
{
	SCHED_TOKEN_END,
	SCHED_TOKEN_WORD,
	SCHED_TOKEN_NUMBER,
	SCHED_TOKEN_PUNCT,
	SCHED_TOKEN_JUNK /* addresses, grouped numbers: never part of a date */
} SchedTokenKind;

typedef enum SchedWord
{
	WORD_NONE,
	WORD_MONTH,
	WORD_WEEKDAY,
	WORD_WEEKDAYS, /* Mondays */
	WORD_UNIT,
	WORD_CARDINAL,
	WORD_ORDINAL,
	WORD_SUFFIX, /* st, nd, rd, th */
	WORD_MERIDIEM,
	WORD_DAYPART,
	WORD_CLOCK_NAME, /* noon, midnight */
	WORD_TODAY,      /* value: days from today */
	WORD_TONIGHT,
	WORD_NOW,
	WORD_THIS,
	WORD_NEXT,
	WORD_LAST,
	WORD_ON,
	WORD_AT,
	WORD_IN,
	WORD_BY,
	WORD_OF,
	WORD_THE,
	WORD_A,
	WORD_TO,
	WORD_UNTIL,
	WORD_THROUGH,
	WORD_FROM,
	WORD_BETWEEN,
	WORD_AND,
	WORD_AFTER,
	WORD_BEFORE,
	WORD_AGO,
	WORD_LATER,
	WORD_HENCE,
	WORD_WITHIN,
	WORD_FOR,
	WORD_EVERY,
	WORD_OTHER,
	WORD_HALF,
	WORD_PAST,
	WORD_END,
	WORD_START,
	WORD_END_OF, /* EOD, EOM ...: value is the unit */
	WORD_CLOSE,
	WORD_COB,
	WORD_ZONE,   /* value: minutes east of UTC */
	WORD_REGION, /* ET, Eastern: value is an index into regions */
	WORD_DUE,
	WORD_DEADLINE,
	WORD_OCLOCK,
	WORD_HOURS_MARK,
	WORD_BUSINESS,
	WORD_WORKDAY, /* "weekday", "workday" */
	WORD_OFTEN,   /* daily, weekly: value is the unit */
	WORD_LABEL,   /* version, chapter: the number behind it is no date */
	WORD_MEASURE, /* people, miles: the number before it is no time */
	WORD_COUPLE,
	WORD_FEW,
	WORD_ABOUT,
	WORD_EARLY,
	WORD_MID,
	WORD_LATE,
	WORD_NO,
	WORD_THAN,
	WORD_LATEST,
	WORD_BE, /* is, was, are */
	WORD_DATE,
	WORD_SHARP,
	WORD_HOLIDAY,
	WORD_NEW, /* New Year's */
	WORD_EVE,
	WORD_PRONOUN, /* "she", "to": the word after it is a verb */
	WORD_WEEKEND,
	WORD_BUSINESS_NOUN,
	WORD_OR,
	WORD_TIMES,
	WORD_DURING,
	WORD_CONNECT /* for, then, with: a clock time may end before it */
} SchedWord;

typedef enum SchedUnit
{
	UNIT_SECOND,
	UNIT_MINUTE,
	UNIT_HOUR,
	UNIT_DAY,
	UNIT_WEEK,
	UNIT_MONTH,
	UNIT_QUARTER,
	UNIT_YEAR,
	UNIT_FORTNIGHT,
	UNIT_DECADE
} SchedUnit;

typedef enum SchedDayPart
{
	PART_MORNING,
	PART_AFTERNOON,
	PART_EVENING,
	PART_NIGHT,
	PART_LUNCH,
	PART_TONIGHT
} SchedDayPart;

typedef struct SchedToken
{
	size_t start;
	size_t end;
	SchedTokenKind kind;
	SchedWord word;
	int value;       /* of a number or of the word */
	int digits;      /* of a number */
	char mark;       /* of punctuation: '-' for every short dash, '\n' for an empty line */
	char letter;     /* of a word of one letter, in lower case, else 0 */
	bool spaced;     /* white space before it */
	bool broken;     /* a line break before it */
	bool capital;    /* first letter is upper case */
	bool possessive; /* 's at the end */
} SchedToken;

/* A zone that the text names. */
typedef struct SchedTextZone
{
	bool named;
	bool fixed;
	int offset; /* seconds east of UTC where fixed */
	SchedZone zone;
} SchedTextZone;

typedef enum SchedDateForm
{
	DATE_NONE,
	DATE_SPAN,      /* days are known */
	DATE_WEEKDAY,   /* a weekday alone */
	DATE_MONTH_DAY, /* day and month, the year open */
	DATE_DAY,       /* "the 15th" */
	DATE_MONTH      /* a month, the year open */
} SchedDateForm;

typedef struct SchedDate
{
	SchedDateForm form;
	int year;
	int month;
	int day;
	int weekday; /* 1 Monday .. 7 Sunday, 0 unknown */
	int first;   /* DATE_SPAN: days since 2000-01-01 */
	int last;    /* exclusive */
	SchedGranularity grain;
	bool ambiguous;
	bool boundary; /* "end of", "start of": the moment where first begins */
	bool ending;   /* "end of": a deadline by itself */
	bool today;    /* today, tonight, tomorrow: never moves to another day */
	int clock;     /* a part of the day that the word brings along ("tonight"), -1 none */
	bool stretch;  /* several days: a range, whatever the grain */
} SchedDate;

typedef struct SchedClock
{
	bool set;
	int first;      /* seconds of the day, up to 86400 */
	int last;       /* of a range or of a part of the day, else -1 */
	bool range;     /* the text says from .. to */
	bool part;      /* a part of the day: "morning" */
	bool bare;      /* neither am nor pm nor 24 h: may be moved by twelve hours */
	bool open;      /* after ...: only the start is named */
	int part_value; /* SchedDayPart */
	bool ambiguous;
	int microseconds;
	SchedGranularity grain;
	int span;      /* "for 30 minutes": seconds, 0 none */
	bool ending;   /* end of day, close of business: a deadline by itself */
	bool number;   /* nothing but an hour: the words around must agree */
	bool midnight; /* of which day is to be found out */
} SchedClock;

typedef struct SchedSpan /* a length of time */
{
	int months;
	int64_t days;
	int64_t seconds;
	int business_days;
	SchedGranularity grain; /* of its finest unit */
	bool vague;
} SchedSpan;

/* A resolved moment or span. */
typedef struct SchedMoment
{
	SchedDate date;
	SchedClock clock;
	SchedTextZone zone;
	bool fixed; /* lower and upper are known already ("in 2 hours") */
	SchedInstant lower;
	SchedInstant upper;
	SchedGranularity grain;
	SchedWhenKind kind;
	bool ambiguous;
	bool has_date;
	bool has_time;
	bool boundary;
	bool within; /* "within ...": a deadline */
	int day;     /* days since 2000-01-01, where not fixed */
	int days;    /* "for 10 days": so many from the first, 0 none */
	bool timed;  /* the moment is lower, upper only says how exact it is */
} SchedMoment;

typedef struct SchedParser
{
	const char *text;
	size_t length;
	size_t next; /* the first byte not yet cut */
	const SchedWhenContext *context;
	SchedCivil now;
	int today; /* days since 2000-01-01 in the zone of the context */
	int base;  /* index of the current token */
	int count;
	int teller;       /* index of the first token from there on that tells a time, else count */
	int lookups;      /* zones asked for by name */
	int reject;       /* tokens that looked like a date and cannot be one: to be skipped */
	SchedWord before; /* the word before the phrase, for homonyms */
	bool past;        /* the clause speaks of the past ("was due on 15 Jan") */
	SchedToken tokens[SCHED_BUFFERED];
} SchedParser;

/* when_words.c */
extern SchedWord sched_time_find_word(const char *word, size_t length, int *value);
extern bool sched_time_tells(SchedWord word);
extern const char *sched_time_name_region(int index);

/* when_lex.c */
extern void sched_time_start_lexer(SchedParser *parser, const char *text, size_t length);
extern void sched_time_fill(SchedParser *parser);
extern const SchedToken sched_time_end_token;
extern bool sched_time_ends_here(const SchedParser *parser, int at);
extern bool sched_time_clause_ends(const SchedParser *parser, int at);

/*
 * These are asked hundreds of times for a word, so they are part of whoever asks.
 */

/* The token that many places from the position; the end token outside of what is known. */
static inline const SchedToken *
sched_time_peek(const SchedParser *parser, int at)
{
	int index = parser->base + at;

	if (index < 0 || index >= parser->count || at >= SCHED_WINDOW)
		return &sched_time_end_token;
	return &parser->tokens[index];
}

/* Is the token this kind of word? */
static inline bool
sched_time_is_word(const SchedParser *parser, int at, SchedWord word)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return token->kind == SCHED_TOKEN_WORD && token->word == word;
}

/* Is the token this punctuation mark? */
static inline bool
sched_time_is_mark(const SchedParser *parser, int at, char mark)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return token->kind == SCHED_TOKEN_PUNCT && token->mark == mark;
}

/* Does the token touch the one before it? */
static inline bool
sched_time_is_glued(const SchedParser *parser, int at)
{
	const SchedToken *token = sched_time_peek(parser, at);

	return token->kind != SCHED_TOKEN_END && !token->spaced;
}

/* A dash that can join two ends of a range: not one that begins a line of a list. */
static inline bool
sched_time_is_dash(const SchedParser *parser, int at)
{
	return (sched_time_is_mark(parser, at, '-') || sched_time_is_mark(parser, at, '~')) &&
		   !sched_time_peek(parser, at)->broken;
}

/* when_calendar.c */
extern int sched_time_day_number(int year, int month, int day);
extern void sched_time_split_day(int number, int *year, int *month, int *day);
extern int sched_time_weekday_of(int number);
extern int sched_time_month_length(int year, int month);
extern bool sched_time_valid_date(int year, int month, int day);
extern bool sched_time_valid_days(int first, int last);
extern int sched_time_month_start(int year, int month, int shift);
extern int sched_time_shift_months(int number, int months);
extern void sched_time_period(int day, SchedUnit unit, int shift, int *first, int *last);
extern int sched_time_easter(int year);
extern SchedGranularity sched_time_grain_of(SchedUnit unit);
extern SchedInstant sched_time_make_instant(const SchedParser *parser, const SchedTextZone *zone,
											int day, int seconds);
extern int sched_time_day_in(const SchedParser *parser, const SchedTextZone *zone, int *seconds);
extern bool sched_time_resolve_date(const SchedParser *parser, const SchedDate *date, int base,
									int *first, int *last);

/* when_number.c */
extern int sched_time_read_cardinal(const SchedParser *parser, int at, int *value);
extern int sched_time_read_ordinal(const SchedParser *parser, int at, int *value);
extern int sched_time_read_span(const SchedParser *parser, int at, SchedSpan *span);
extern bool sched_time_add_span(const SchedParser *parser, int day, const SchedSpan *span, int sign,
								int *result);

/* when_date.c, when_figures.c, when_period.c */
extern int sched_time_expand_year(int year);
extern int sched_time_read_year(const SchedParser *parser, int at, int *year);
extern int sched_time_read_date(SchedParser *parser, int at, SchedDate *date);
extern int sched_time_read_numeric(SchedParser *parser, int at, SchedDate *date);
extern int sched_time_read_period(const SchedParser *parser, int at, SchedDate *date);
extern int sched_time_read_holiday(const SchedParser *parser, int at, SchedDate *date);
extern int sched_time_read_nth(const SchedParser *parser, int at, SchedDate *date);

/* when_clock.c, when_zone.c */
#define CLOCK_PLAIN 0      /* only what is a time by itself: 15:30, 3 pm, noon */
#define CLOCK_AFTER_AT 1   /* "at": a bare hour is a time */
#define CLOCK_AFTER_DATE 2 /* behind a date: a bare hour is one unless something is counted */
#define CLOCK_IN_RANGE 4   /* behind "from": a bare hour is one if a range follows */
extern int sched_time_read_clock(SchedParser *parser, int at, int flags, SchedClock *clock);
extern int sched_time_read_clocks(SchedParser *parser, int at, int flags, SchedClock *clock);
extern int sched_time_read_part(const SchedParser *parser, int at, SchedClock *clock);
extern void sched_time_set_part(int part, SchedClock *clock);
extern void sched_time_fit_part(SchedClock *clock, int part);
extern bool sched_time_is_offset(const SchedParser *parser, int at);
extern int sched_time_read_zone(SchedParser *parser, int at, SchedTextZone *zone);

/* when_moment.c, when_relative.c, when_range.c, when_deadline.c, when_recur.c */
extern int sched_time_read_parts(SchedParser *parser, int at, int lead, SchedMoment *moment);
extern bool sched_time_settle(const SchedParser *parser, SchedMoment *moment, int base);
extern int sched_time_read_relative(SchedParser *parser, int at, SchedMoment *moment);
extern int sched_time_read_day_range(SchedParser *parser, int at, SchedDate *date);
extern int sched_time_read_moment(SchedParser *parser, int at, int lead, SchedMoment *moment);
extern int sched_time_read_deadline(SchedParser *parser, int at, SchedMoment *moment);
extern int sched_time_read_recurrence(SchedParser *parser, int at, SchedMoment *moment, char *rrule,
									  size_t size);

#endif
