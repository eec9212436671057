/*
 * when_lex.c - cuts text into words, numbers and punctuation.
 *
 * Pure. The tokens of a long text never lie in memory together: a buffer inside the parser is
 * filled as the reader moves on, a few tokens behind the position stay for looking back. Every byte
 * is visited a bounded number of times. Bytes above 127 are letters, but for the dashes, quotes and
 * spaces that mails are full of.
 */
#include "when_internal.h"

#include <string.h>

#define KEPT_BEHIND 4
#define NUMBER_CAP 9999999
#define LOOKUP_ROOM 15

const SchedToken sched_time_end_token = {.kind = SCHED_TOKEN_END, .spaced = true};

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_ascii_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * A multi-byte sequence that is no letter: its length, and the mark it counts as (' ' for a space).
 * 0 for a letter, whatever its script.
 */
static size_t
read_symbol(const char *text, size_t rest, char *mark)
{
	const unsigned char *b = (const unsigned char *) text;

	*mark = 0;
	if (rest >= 2 && b[0] == 0xC2 && b[1] == 0xA0)
		*mark = ' ';
	if (rest >= 2 && b[0] == 0xC2 && (b[1] == 0xA3 || b[1] == 0xA5))
		*mark = '$';
	if (*mark != 0)
		return 2;
	if (rest < 3 || b[0] != 0xE2)
	{
		if (rest >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF)
			*mark = ' ';
		return *mark != 0 ? 3 : 0;
	}
	if (b[1] == 0x80 && (b[2] <= 0x8B || b[2] == 0xAF))
		*mark = ' ';
	else if ((b[1] == 0x80 && b[2] >= 0x90 && b[2] <= 0x93) || (b[1] == 0x88 && b[2] == 0x92))
		*mark = '-';
	else if (b[1] == 0x80 && (b[2] == 0x94 || b[2] == 0x95))
		*mark = '|';
	else if (b[1] == 0x80 && (b[2] == 0x98 || b[2] == 0x99))
		*mark = '\'';
	else if (b[1] == 0x80 && b[2] >= 0x9A && b[2] <= 0x9F)
		*mark = '"';
	else if (b[1] == 0x80 && (b[2] == 0xA2 || b[2] == 0xA6))
		*mark = b[2] == 0xA2 ? '*' : ';';
	else if (b[1] == 0x82 && b[2] == 0xAC)
		*mark = '$';
	return *mark != 0 ? 3 : 0;
}

/* One letter of a word: its bytes, 0 where none begins here. */
static size_t
letter_size(const char *text, size_t rest)
{
	char mark;

	if (rest == 0)
		return 0;
	if (is_ascii_letter(*text))
		return 1;
	if ((unsigned char) *text < 0x80)
		return 0;
	return read_symbol(text, rest, &mark) == 0 ? 1 : 0;
}

/* The bytes of an apostrophe, straight or curly. */
static size_t
apostrophe_size(const char *text, size_t rest)
{
	char mark;

	if (rest > 0 && (unsigned char) *text < 0x80)
		return *text == '\'' ? 1 : 0;
	if (rest >= 3 && read_symbol(text, rest, &mark) == 3 && mark == '\'')
		return 3;
	return 0;
}

/*
 * The bytes of an address (URL, mail address) that begins here, up to the next white space; 0 for
 * anything else. Called once per run of non-space, so the scan stays linear.
 */
static size_t
measure_address(const char *text, size_t rest)
{
	size_t end = 0;
	bool at_sign = false;
	bool address = false;

	while (end < rest && !is_space(text[end]))
	{
		if (text[end] == ':' && end + 2 < rest && text[end + 1] == '/' && text[end + 2] == '/')
			address = true;
		if (text[end] == '@' && end > 0 && letter_size(text + end - 1, 1) > 0)
			at_sign = true;
		if (text[end] == '.' && at_sign && letter_size(text + end + 1, rest - end - 1) > 0)
			address = true;
		end++;
	}
	if (rest >= 4 && (memcmp(text, "www.", 4) == 0 || memcmp(text, "WWW.", 4) == 0))
		address = true;
	return address ? end : 0;
}

/* "a.m." and "p.m." with all their dots: the bytes, 0 where something else stands. */
static size_t
measure_meridiem(const char *text, size_t rest)
{
	if (rest < 3 || (text[0] | 0x20) == 'm' || text[1] != '.' || (text[2] | 0x20) != 'm')
		return 0;
	if ((text[0] | 0x20) != 'a' && (text[0] | 0x20) != 'p')
		return 0;
	if (rest > 3 && (letter_size(text + 3, rest - 3) > 0 || is_digit(text[3])))
		return 0;
	return rest > 3 && text[3] == '.' ? 4 : 3;
}

/*
 * Reads a word: letters, apostrophes and underscores between letters.
 */
static size_t
read_word(const char *text, size_t rest, SchedToken *token)
{
	char key[LOOKUP_ROOM + 1];
	size_t used = 0;
	size_t size;
	size_t letters = 0;

	while ((size = letter_size(text + used, rest - used)) > 0)
	{
		if (letters < LOOKUP_ROOM)
			key[letters] = is_ascii_letter(text[used]) ? (char) (text[used] | 0x20) : text[used];
		letters++;
		used += size;
		size = used < rest && text[used] == '_' ? 1 : apostrophe_size(text + used, rest - used);
		if (size > 0 && letter_size(text + used + size, rest - used - size) > 0)
		{
			if (letters < LOOKUP_ROOM)
				key[letters] = text[used] == '_' ? '_' : '\'';
			letters++;
			used += size;
		}
	}
	token->kind = SCHED_TOKEN_WORD;
	token->capital = text[0] >= 'A' && text[0] <= 'Z';
	token->letter = letters == 1 ? key[0] : 0;
	if (letters > LOOKUP_ROOM)
		return used;
	if (letters > 2 && key[letters - 2] == '\'' && key[letters - 1] == 's')
	{
		token->possessive = true;
		letters -= 2;
	}
	token->word = sched_time_find_word(key, letters, &token->value);
	return used;
}

/*
 * Reads a run of digits. "101,194" is one number with grouping: nothing that a date or a time would
 * be written as, so it becomes junk.
 */
static size_t
read_number(const char *text, size_t rest, SchedToken *token)
{
	size_t used = 0;
	int value = 0;

	while (used < rest && is_digit(text[used]))
	{
		if (value < NUMBER_CAP)
			value = value * 10 + (text[used] - '0');
		used++;
	}
	token->kind = SCHED_TOKEN_NUMBER;
	token->value = value < NUMBER_CAP ? value : NUMBER_CAP;
	token->digits = used < 100 ? (int) used : 100;
	while (used + 3 < rest && token->digits <= 3 && text[used] == ',' && is_digit(text[used + 1]) &&
		   is_digit(text[used + 2]) && is_digit(text[used + 3]) &&
		   (used + 4 >= rest || !is_digit(text[used + 4])))
	{
		token->kind = SCHED_TOKEN_JUNK;
		used += 4;
	}
	return used;
}

/* Skips white space and notes on the token what it skipped; returns the line breaks. */
static int
skip_space(SchedParser *parser, SchedToken *token)
{
	int lines = 0;

	token->spaced = parser->next == 0;
	while (parser->next < parser->length)
	{
		const char *here = parser->text + parser->next;
		char mark;
		size_t size = 1;

		if (!is_space(*here))
		{
			if ((unsigned char) *here < 0x80)
				break;
			size = read_symbol(here, parser->length - parser->next, &mark);
			if (size == 0 || mark != ' ')
				break;
		}
		else if (*here == '\n')
			lines++;
		token->spaced = true;
		parser->next += size;
	}
	token->broken = lines > 0;
	return lines;
}

/* Cuts the next token; false at the end of the text. */
static bool
cut_token(SchedParser *parser, SchedToken *token)
{
	const char *here;
	size_t rest;
	size_t size = 0;

	memset(token, 0, sizeof(*token));
	if (skip_space(parser, token) > 1)
	{
		/* an empty line ends every phrase */
		token->kind = SCHED_TOKEN_PUNCT;
		token->mark = '\n';
		token->start = token->end = parser->next;
		return parser->next < parser->length;
	}
	if (parser->next >= parser->length)
		return false;
	here = parser->text + parser->next;
	rest = parser->length - parser->next;
	token->start = parser->next;
	if (token->spaced)
		size = measure_address(here, rest);
	if (size > 0)
		token->kind = SCHED_TOKEN_JUNK;
	else if (is_digit(*here))
		size = read_number(here, rest, token);
	else if ((size = measure_meridiem(here, rest)) > 0)
	{
		token->kind = SCHED_TOKEN_WORD;
		token->word = WORD_MERIDIEM;
		token->value = (here[0] | 0x20) == 'p';
	}
	else if (letter_size(here, rest) > 0)
		size = read_word(here, rest, token);
	else
	{
		token->kind = SCHED_TOKEN_PUNCT;
		token->mark = *here;
		size = (unsigned char) *here < 0x80 ? 1 : read_symbol(here, rest, &token->mark);
	}
	parser->next += size;
	token->end = parser->next;
	return true;
}

/* Points the parser at a text. */
void
sched_time_start_lexer(SchedParser *parser, const char *text, size_t length)
{
	parser->text = text;
	parser->length = length;
	parser->next = 0;
	parser->base = 0;
	parser->count = 0;
	parser->teller = 0;
	parser->lookups = 0;
}

/* Sees to it that a whole window lies ahead of the position, unless the text ends before. */
void
sched_time_fill(SchedParser *parser)
{
	if (parser->count - parser->base >= SCHED_WINDOW)
		return;
	if (parser->base > KEPT_BEHIND && parser->count > SCHED_BUFFERED - SCHED_WINDOW - 1)
	{
		int drop = parser->base - KEPT_BEHIND;

		memmove(parser->tokens, parser->tokens + drop,
				sizeof(SchedToken) * (size_t) (parser->count - drop));
		parser->count -= drop;
		parser->base -= drop;
		parser->teller -= drop;
	}
	while (parser->count - parser->base < SCHED_WINDOW && parser->count < SCHED_BUFFERED &&
		   cut_token(parser, &parser->tokens[parser->count]))
		parser->count++;
}

/*
 * May a phrase end before the token at this place? Not inside of a word, a version, a host name or
 * a number.
 */
bool
sched_time_ends_here(const SchedParser *parser, int at)
{
	const SchedToken *next = sched_time_peek(parser, at);
	const SchedToken *after = sched_time_peek(parser, at + 1);
	bool number_before = sched_time_peek(parser, at - 1)->kind == SCHED_TOKEN_NUMBER;

	if (next->kind == SCHED_TOKEN_END || next->spaced)
		return true;
	if (next->kind != SCHED_TOKEN_PUNCT)
		return false;
	if (strchr("@=%_$\\&", next->mark) != NULL)
		return false;
	if (after->spaced || (after->kind != SCHED_TOKEN_NUMBER && after->kind != SCHED_TOKEN_WORD &&
						  after->kind != SCHED_TOKEN_JUNK))
		return true;
	if (next->mark == '.')
		return after->kind == SCHED_TOKEN_WORD && after->capital;
	if (next->mark == '/')
		return !number_before && after->kind == SCHED_TOKEN_WORD;
	if (next->mark == '-' || next->mark == ':' || next->mark == '+')
		return after->kind == SCHED_TOKEN_WORD || !number_before;
	return true;
}

/* Does a clause end before the token at this place? */
bool
sched_time_clause_ends(const SchedParser *parser, int at)
{
	const SchedToken *next = sched_time_peek(parser, at);

	return next->kind == SCHED_TOKEN_END || next->broken ||
		   (next->kind == SCHED_TOKEN_PUNCT && strchr(".,;!?)]}\"'\n|*>", next->mark) != NULL);
}
