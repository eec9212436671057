/*
 * describe.c - the words of a thing to do: what it is called, how urgent it is, what kind it is.
 *
 * Pure: no memory taken, nothing thrown; runs in whoever asks and writes into the caller's memory.
 *
 * A description is what is left of the typed words without dates and lengths ("two hours for the
 * report before Friday noon" leaves "for the report") and without what people put around a thing:
 * openers ("remind me to"), prepositions and articles that have lost what they led to, marks. The
 * words in the middle stay as they were typed.
 *
 * Bytes above 127 are letters, whatever the script, and a description is cut between characters
 * only. Work is bounded: the description has at most 255 bytes before anything is trimmed.
 */
#include "assistant/split_internal.h"

#include <string.h>

/* What people say before the thing itself. */
static const char *const openers[] = {"i need to",
									  "i have to",
									  "i've got to",
									  "i got to",
									  "i must",
									  "i should",
									  "i want to",
									  "i'd like to",
									  "i would like to",
									  "i will",
									  "i'll",
									  "we need to",
									  "we have to",
									  "we should",
									  "we must",
									  "you need to",
									  "please",
									  "pls",
									  "kindly",
									  "remind me to",
									  "remind me about",
									  "remind me of",
									  "remind me",
									  "can you",
									  "could you",
									  "would you",
									  "don't forget to",
									  "don't forget",
									  "remember to",
									  "need to",
									  "have to",
									  "got to",
									  "make sure to",
									  "make sure i",
									  "set a reminder to",
									  "set up a reminder to",
									  "add a task to",
									  "add a task",
									  "add task",
									  "new task",
									  "task:",
									  "todo:",
									  "to do:",
									  "todo",
									  "schedule",
									  "put in",
									  "block out",
									  "block off",
									  "block",
									  "reserve",
									  "pencil in",
									  "i am going to",
									  "i'm going to",
									  "there is",
									  "there's",
									  "hey",
									  "hi",
									  "hello",
									  "ok",
									  "okay"};

/* Words that mean nothing at the beginning or the end of what is left. */
static const char *const edges_before[] = {
	"to",   "for",  "of",   "on",    "at",    "in",      "by",     "and",   "then",
	"also", "the",  "a",    "an",    "my",    "next",    "is",     "are",   "do",
	"from", "with", "it's", "about", "first", "finally", "lastly", "after", "that"};
static const char *const edges_after[] = {
	"to",   "for",   "of",     "on",     "at",     "in",    "by",    "and",  "then",
	"the",  "a",     "an",     "my",     "is",     "are",   "takes", "take", "lasting",
	"from", "with",  "please", "thanks", "about",  "or",    "asap",  "due",  "will",
	"that", "which", "needs",  "until",  "before", "needed"};
static const char *const health_words[] = {
	"dentist",  "doctor",   "physio",      "physiotherapy", "therapist", "therapy",
	"gym",      "yoga",     "run",         "jog",           "swim",      "workout",
	"pharmacy", "optician", "vaccination", "checkup",       "check-up"};
static const char *const home_words[] = {
	"birthday", "groceries", "shopping", "school",  "kids",   "mum",  "mom",    "dad",
	"family",   "laundry",   "plumber",  "haircut", "barber", "vet",  "garden", "dinner",
	"cinema",   "concert",   "church",   "party",   "cook",   "clean"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Is the byte part of a word? Digits are: "2nd" must not end in a trimmed "nd". */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		   (unsigned char) c >= 0x80;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}

/* Is the word (lower case) at this place, between two word ends? */
bool
sched_assistant_word_at(const char *text, size_t at, size_t end, const char *word)
{
	size_t length = strlen(word);
	size_t i;

	if (end - at < length || (at > 0 && is_letter(text[at - 1]) && is_letter(word[0])))
		return false;
	for (i = 0; i < length; i++)
		if (lower(text[at + i]) != word[i])
			return false;
	return at + length == end || !is_letter(text[at + length]) || !is_letter(word[length - 1]);
}

/* Is the byte punctuation that may fall away at the ends? */
static bool
is_trim(char c)
{
	return c == '\0' || strchr(" \t\r\n\v\f,;.:!-*()[]\"|&/@", c) != NULL;
}

/*
 * Removes one opener, filler word or mark in front; false where none is there. The caller repeats
 * it: "ok, please remind me to" falls away in four steps.
 */
static bool
trim_front(const char *text, size_t *start, size_t end)
{
	size_t i;

	if (is_trim(text[*start]))
	{
		(*start)++;
		return true;
	}
	for (i = 0; i < COUNT(openers); i++)
		if (sched_assistant_word_at(text, *start, end, openers[i]))
		{
			*start += strlen(openers[i]);
			return true;
		}
	for (i = 0; i < COUNT(edges_before); i++)
		if (sched_assistant_word_at(text, *start, end, edges_before[i]))
		{
			*start += strlen(edges_before[i]);
			return true;
		}
	return false;
}

/*
 * The same at the end, word by word from behind: "walk the dog for" has lost its length, "call Bob
 * on" its day.
 */
static bool
trim_back(const char *text, size_t start, size_t *end)
{
	size_t i;

	/* a closing bracket stays with its opening one */
	if (is_trim(text[*end - 1]) &&
		!(text[*end - 1] == ')' && memchr(text + start, '(', *end - start) != NULL))
	{
		(*end)--;
		return true;
	}
	for (i = 0; i < COUNT(edges_after); i++)
	{
		size_t length = strlen(edges_after[i]);

		if (*end - start >= length &&
			sched_assistant_word_at(text, *end - length, *end, edges_after[i]))
		{
			*end -= length;
			return true;
		}
	}
	return false;
}

/*
 * Copies a piece without its holes, white space folded; stops where the target is full. NUL bytes
 * and other control characters count as white space, so the result is a C string. Returns the bytes
 * written, unterminated.
 */
static size_t
copy_piece(const char *text, SchedPiece piece, const SchedPiece *holes, int hole_count,
		   char *target, size_t room)
{
	size_t used = 0;
	size_t at = piece.start;
	int hole = 0;

	while (at < piece.end && used + 2 < room)
	{
		char c = text[at];

		while (hole < hole_count && holes[hole].end <= at)
			hole++;
		if (hole < hole_count && at >= holes[hole].start)
		{
			at = holes[hole].end;
			c = ' ';
		}
		else
			at++;
		if ((unsigned char) c <= ' ')
		{
			if (used > 0 && target[used - 1] != ' ')
				target[used++] = ' ';
		}
		else
			target[used++] = c;
	}
	/* not half a character at the cut */
	if (at < piece.end)
	{
		while (used > 0 && ((unsigned char) target[used - 1] & 0xC0) == 0x80)
			used--;
		if (used > 0 && (unsigned char) target[used - 1] >= 0xC0)
			used--;
	}
	return used;
}

/*
 * Takes away what the holes have left behind: a space before a comma, empty brackets, two commas in
 * a row, white space at the beginning. In place; returns the new length.
 */
static size_t
tidy(char *text, size_t length)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < length; i++)
	{
		if (used > 0 && text[used - 1] == ' ' && strchr(",;.:!?)", text[i]) != NULL)
			used--;
		if (used > 0 && text[i] == ')' && text[used - 1] == '(')
		{
			used--;
			continue;
		}
		if (used > 0 && text[i] == ',' && text[used - 1] == ',')
			continue;
		if (text[i] == ' ' && (used == 0 || text[used - 1] == ' '))
			continue;
		text[used++] = text[i];
	}
	return used;
}

void
sched_assistant_describe(const char *text, SchedPiece piece, const SchedPiece *holes,
						 int hole_count, char *target, size_t room)
{
	size_t start = 0;
	size_t end = copy_piece(text, piece, holes, hole_count, target, room);
	bool question;

	end = tidy(target, end);
	question = end > 0 && target[end - 1] == '?';
	if (question)
		end--;
	while (start < end && trim_front(target, &start, end))
		;
	while (start < end && trim_back(target, start, &end))
		;
	memmove(target, target + start, end - start);
	target[end - start] = '\0';
}

/* Is one of the words anywhere in the text? */
static bool
has_word(const char *text, size_t length, const char *const *words, size_t count)
{
	size_t at;
	size_t i;

	for (at = 0; at < length; at++)
	{
		if (!is_letter(text[at]) || (at > 0 && is_letter(text[at - 1])))
			continue;
		for (i = 0; i < count; i++)
			if (sched_assistant_word_at(text, at, length, words[i]))
				return true;
	}
	return false;
}

int
sched_assistant_read_priority(const char *description, const char *piece, size_t length)
{
	static const char *const urgent[] = {"asap",        "urgent",   "urgently",
										 "immediately", "critical", "top priority"};
	static const char *const high[] = {"important", "high priority", "must not forget"};
	static const char *const low[] = {"low priority", "no rush",  "whenever",
									  "someday",      "no hurry", "if possible"};

	if (has_word(piece, length, urgent, COUNT(urgent)))
		return 9;
	if (has_word(piece, length, high, COUNT(high)))
		return 8;
	return has_word(piece, length, low, COUNT(low)) ? 2 : 5;
}

const char *
sched_assistant_read_category(const char *description)
{
	size_t length = strlen(description);

	if (has_word(description, length, health_words, COUNT(health_words)))
		return "health";
	return has_word(description, length, home_words, COUNT(home_words)) ? "personal" : "work";
}
