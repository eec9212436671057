/*
 * builtin_match.c - words of a text, and patterns over them, for the model "builtin".
 *
 * Pure; works in the memory of the SchedReading it is given, allocates nothing, throws nothing.
 *
 * A pattern is a row of elements separated by blanks:
 *     word|word    one of these words; word~ any word that begins so; %X a class (see has_class)
 *     ?element     may be missing          <element  the deed begins at this word
 *     * ** ***     up to 3, 8, 12 words between, none of them the end of a sentence
 *     $            nothing but punctuation follows        ^ (at the front) only where a clause begins
 * Patterns are indexed by their first word, so a token is tried against the few that can begin
 * with it. Gaps are bounded, so the work per token is bounded too.
 *
 * Runs in whatever process extracts. The dictionary is built anew for each mail (about 0.1 ms)
 * rather than kept: so there is no global state to initialise, lock or free, and names of the
 * reader can be entered into it.
 */
#include <string.h>

#include "builtin_internal.h"

typedef struct Match
{
	const SchedReading *reading;
	int end; /* one past the sentence's last token */
	int mark;
	int budget; /* steps left, so that no pattern is costly on any text */
} Match;

#define MATCH_BUDGET 400

/* FNV-1a: short keys, and the same on every machine. */
static uint32_t
hash_word(const char *text, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * 16777619u;
	return hash;
}

/* The slot of a word, or the free one where it would stand; -1 when the table is full. */
static int
find_slot(const SchedReading *reading, const char *text, size_t length)
{
	uint32_t slot = hash_word(text, length) & (MAX_WORDS - 1);

	for (int tries = 0; tries < MAX_WORDS; tries++)
	{
		const SchedWord *word = &reading->words[slot];

		if (word->text == NULL || (word->length == length && memcmp(word->text, text, length) == 0))
			return (int) slot;
		slot = (slot + 1) & (MAX_WORDS - 1);
	}
	return -1;
}

/*
 * The word's entry, made if need be; NULL when the dictionary is full, which leaves the word
 * unknown.
 */
static SchedWord *
enter_word(SchedReading *reading, const char *text, size_t length)
{
	int slot = find_slot(reading, text, length);
	SchedWord *word;

	if (slot < 0)
		return NULL;
	word = &reading->words[slot];
	if (word->text == NULL)
	{
		word->text = text;
		word->length = (uint16_t) length;
		word->links = -1;
		word->classes = 0;
	}
	return word;
}

/* Puts a pattern in front of a list; returns the list's new head. */
static int
add_link(SchedReading *reading, int pattern, int next)
{
	SchedLink *link;

	if (reading->link_count >= MAX_LINKS)
		return next;
	link = &reading->links[reading->link_count];
	link->pattern = (int16_t) pattern;
	link->next = (int16_t) next;
	return reading->link_count++;
}

/*
 * Files a pattern under each word it may begin with, or under "general" if that is not a plain
 * word.
 */
static void
index_pattern(SchedReading *reading, int pattern)
{
	const char *text = reading->patterns[pattern]->text;
	size_t length;

	if (*text == '^')
		text++;
	length = strcspn(text, " ");
	if (strchr("?<*%$,:-(", *text) != NULL || memchr(text, '~', length) ||
		memchr(text, '%', length))
	{
		reading->general = add_link(reading, pattern, reading->general);
		return;
	}
	while (length > 0)
	{
		size_t part = strcspn(text, "| ");
		SchedWord *word = enter_word(reading, text, part);

		if (word != NULL)
			word->links = (int16_t) add_link(reading, pattern, word->links);
		if (part >= length)
			break;
		text += part + 1;
		length -= part + 1;
	}
}

/*
 * Fills the dictionary from the lists and files every pattern. What does not fit is left out,
 * never written over.
 */
void
sched_llm_load_lexicon(SchedReading *reading)
{
	const SchedPattern *const tables[] = {sched_llm_phrases, sched_llm_mail_phrases};
	int count = 0;

	memset(reading->words, 0, sizeof(reading->words));
	memset(reading->seen, 0, sizeof(reading->seen));
	memset(reading->total, 0, sizeof(reading->total));
	reading->link_count = 0;
	reading->general = -1;
	for (const SchedWordList *list = sched_llm_words; list->words != NULL; list++)
	{
		const char *text = list->words;

		while (*text != '\0')
		{
			size_t length = strcspn(text, " ");
			SchedWord *word = length > 0 ? enter_word(reading, text, length) : NULL;

			if (word != NULL)
				word->classes |= list->classes;
			text += length;
			text += strspn(text, " ");
		}
	}
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const SchedPattern *pattern = tables[t]; pattern->text != NULL && count < MAX_PATTERNS;
			 pattern++)
		{
			reading->patterns[count] = pattern;
			index_pattern(reading, count++);
		}
}

/* What the mail calls its reader; text points into memory that outlives the reading's use. */
void
sched_llm_add_name(SchedReading *reading, const char *text, size_t length)
{
	SchedWord *word = length > 1 ? enter_word(reading, text, length) : NULL;

	if (word != NULL)
	{
		word->classes |= WORD_NAME;
		reading->named = true;
	}
}

/* Every byte of a multi-byte character counts as a letter: names have accents. */
static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* Not isdigit(): that one asks the locale. */
static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* "re-send", "double-check": the class of what stands behind the hyphen. */
static uint32_t
classes_of_compound(const SchedReading *reading, const char *text, size_t length)
{
	const char *hyphen = memchr(text, '-', length);
	size_t head = hyphen ? (size_t) (hyphen - text) : 0;
	int slot;

	if (hyphen == NULL || head > 6 || head + 1 >= length)
		return 0;
	if (!(head == 2 && memcmp(text, "re", 2) == 0) && !(head == 3 && memcmp(text, "pre", 3) == 0) &&
		!(head == 6 && memcmp(text, "double", 6) == 0))
		return 0;
	slot = find_slot(reading, hyphen + 1, length - head - 1);
	if (slot < 0 || reading->words[slot].text == NULL)
		return 0;
	return reading->words[slot].classes & (WORD_VERB | WORD_NOUNISH);
}

/*
 * Looks a word up. Only compounds are analysed further: inflected forms stand in the lists or
 * match by ~.
 */
static void
classify_token(const SchedReading *reading, SchedToken *token)
{
	const char *text = reading->lower + token->start;
	int slot = find_slot(reading, text, token->length);

	token->entry = -1;
	token->classes = 0;
	if (slot >= 0 && reading->words[slot].text != NULL)
	{
		token->entry = (int16_t) slot;
		token->classes = reading->words[slot].classes;
	}
	else if (token->kind == 'w')
		token->classes = classes_of_compound(reading, text, token->length);
}

/*
 * Length of the word at text: letters and digits, joined by one of .,:/'-@_+ between two of them.
 */
static size_t
measure_word(const char *text, size_t length, bool *digits, bool *letters)
{
	size_t i = 0;

	*digits = *letters = false;
	while (i < length)
	{
		unsigned char c = (unsigned char) text[i];

		if (is_letter(c))
			*letters = true;
		else if (is_digit(c))
			*digits = true;
		else if (i == 0 || i + 1 >= length || strchr(".,:/'-@_+", c) == NULL || c == '\0' ||
				 !(is_letter((unsigned char) text[i + 1]) || is_digit((unsigned char) text[i + 1])))
			break;
		else if ((c == ',' || c == ':' || c == '/') &&
				 !(is_digit((unsigned char) text[i - 1]) &&
				   is_digit((unsigned char) text[i + 1])) &&
				 c != '/')
			break;
		i++;
	}
	return i;
}

/* Appends the tokens of flow[start, start+length); returns how many. */
int
sched_llm_scan_tokens(SchedReading *reading, uint32_t start, uint32_t length)
{
	uint32_t at = start;
	uint32_t end = start + length;
	int first = reading->token_count;

	while (at < end && reading->token_count < MAX_TOKENS)
	{
		unsigned char c = (unsigned char) reading->flow[at];
		SchedToken *token = &reading->tokens[reading->token_count];
		bool digits;
		bool letters;
		size_t size;

		if (c <= ' ')
		{
			at++;
			continue;
		}
		size = measure_word(reading->flow + at, end - at, &digits, &letters);
		if (size > 0xffff)
			size = 0xffff;
		token->start = at;
		token->length = (uint16_t) (size > 0 ? size : 1);
		token->kind = size == 0 ? (char) c : digits ? 'n' : 'w';
		token->capital = (c >= 'A' && c <= 'Z') ||
						 (c == 0xc3 && size > 1 && (unsigned char) reading->flow[at + 1] < 0x9f);
		token->entry = -1;
		token->classes = 0;
		if (size > 0)
			classify_token(reading, token);
		at += token->length;
		reading->token_count++;
	}
	memset(&reading->tokens[reading->token_count], 0, sizeof(SchedToken) * 2);
	return reading->token_count - first;
}

/* Is this token that word? The word is given in lower case. */
bool
sched_llm_token_is(const SchedReading *reading, const SchedToken *token, const char *word)
{
	return strlen(word) == token->length &&
		   memcmp(reading->lower + token->start, word, token->length) == 0;
}

/* At least two letters must stand before the ending. */
static bool
ends_with(const char *text, size_t length, const char *tail)
{
	size_t size = strlen(tail);

	return length > size + 1 && memcmp(text + length - size, tail, size) == 0;
}

/*
 * The classes a pattern can name with %X. %U is a word the lexicon does not know: behind
 * "could you" it is most likely a verb.
 */
static bool
has_class(const SchedReading *reading, const SchedToken *token, char name)
{
	const char *text = reading->lower + token->start;
	bool word = token->kind == 'w' || token->kind == 'n';

	switch (name)
	{
		case 'V':
			return (token->classes & WORD_VERB) != 0;
		case 'v':
			return (token->classes & (WORD_VERB | WORD_NOUNISH)) == WORD_VERB;
		case 'O':
			return (token->classes & WORD_PRONOUN) != 0;
		case 'D':
			return (token->classes & WORD_DETERMINER) != 0;
		case 'Y':
			return (token->classes & WORD_FILLER) != 0;
		case 'P':
			return (token->classes & WORD_PLEASE) != 0;
		case 'Q':
			return (token->classes & (WORD_PERSON | WORD_NAME)) != 0;
		case 'T':
			return token->kind == 'n' || (token->classes & WORD_DAY) != 0;
		case 'C':
			return token->capital;
		case 'G':
			return word && token->length > 4 && ends_with(text, token->length, "ing");
		case 'E':
			return word && (ends_with(text, token->length, "ed") ||
							(token->classes & WORD_PARTICIPLE) != 0);
		case 'N':
			return word;
		case 'U':
			return token->kind == 'w' && token->classes == 0 && token->length > 2 &&
				   !token->capital;
		default:
			return false;
	}
}

/* Does one element (without its marks ? and <) accept the token? */
static bool
accepts(const SchedReading *reading, const char *element, size_t length, const SchedToken *token)
{
	const char *text = reading->lower + token->start;

	while (length > 0)
	{
		const char *bar = memchr(element, '|', length);
		size_t part = bar ? (size_t) (bar - element) : length;

		if (part == 2 && element[0] == '%')
		{
			if (has_class(reading, token, element[1]))
				return true;
		}
		else if (part > 1 && element[part - 1] == '~')
		{
			if (token->length >= part - 1 && memcmp(text, element, part - 1) == 0)
				return true;
		}
		else if (token->length == part && memcmp(text, element, part) == 0)
			return true;
		if (bar == NULL)
			break;
		element += part + 1;
		length -= part + 1;
	}
	return false;
}

/* Gaps stop here: what stands behind a full stop belongs to another thought. */
static bool
ends_clause(const SchedToken *token)
{
	return token->kind == '.' || token->kind == '!' || token->kind == '?' || token->kind == ';';
}

/* Is nothing left but punctuation? */
static bool
only_marks(const Match *match, int at)
{
	for (; at < match->end; at++)
		if (match->reading->tokens[at].kind == 'w' || match->reading->tokens[at].kind == 'n')
			return false;
	return true;
}

static bool match_here(Match *match, const char *pattern, int at);

/* Tries the rest of the pattern behind 0, 1, 2 ... words; the shortest gap wins. */
static bool
match_gap(Match *match, const char *rest, int at, size_t stars)
{
	int room = stars == 1 ? 3 : stars == 2 ? 8 : 12;

	for (int skipped = 0; skipped <= room; skipped++)
	{
		if (match_here(match, rest, at + skipped))
			return true;
		if (at + skipped >= match->end || ends_clause(&match->reading->tokens[at + skipped]))
			return false;
	}
	return false;
}

/*
 * Matches the pattern from a token on, by backtracking; the budget bounds it. On success mark
 * holds the token under <.
 */
static bool
match_here(Match *match, const char *pattern, int at)
{
	size_t length;
	const char *rest;
	bool optional = false;
	bool marks = false;
	int before = match->mark;

	if (*pattern == '\0')
		return true;
	if (--match->budget <= 0)
		return false;
	length = strcspn(pattern, " ");
	rest = pattern + length + (pattern[length] == ' ' ? 1 : 0);
	if (pattern[0] == '*')
		return match_gap(match, rest, at, length);
	if (pattern[0] == '$' && length == 1)
		return only_marks(match, at) && match_here(match, rest, at);
	while (length > 1 && (pattern[0] == '?' || pattern[0] == '<'))
	{
		optional |= pattern[0] == '?';
		marks |= pattern[0] == '<';
		pattern++;
		length--;
	}
	if (at < match->end && accepts(match->reading, pattern, length, &match->reading->tokens[at]))
	{
		if (marks)
			match->mark = at;
		if (match_here(match, rest, at + 1))
			return true;
		match->mark = before;
	}
	return optional && match_here(match, rest, at);
}

/* A clause begins at the sentence's core and behind a comma, colon, dash or bracket. */
static bool
begins_clause(const SchedReading *reading, const SchedSentence *sentence, int at)
{
	if (at == sentence->core || at == sentence->first)
		return true;
	return at > sentence->first && strchr(",:-(", reading->tokens[at - 1].kind) != NULL;
}

/*
 * Notes what a match says about its sentence. Of one cue the strongest counts, and a negative
 * one silences positive ones of the same cue.
 */
static void
try_pattern(SchedReading *reading, SchedSentence *sentence, int index, int at)
{
	const SchedPattern *pattern = reading->patterns[index];
	const char *text = pattern->text;
	short *best = &sentence->best[pattern->cue];
	Match match = {reading, sentence->first + sentence->count, -1, MATCH_BUDGET};
	bool better;
	bool known = false;

	if (*text == '^')
	{
		if (!begins_clause(reading, sentence, at))
			return;
		text++;
	}
	if (!match_here(&match, text, at))
		return;
	if (reading->seen[index] == sentence->first + 1)
		known = true;
	reading->seen[index] = sentence->first + 1;
	/* Spam and advertising add up over a mail: a single word of theirs means nothing. */
	if (!known && sentence->section == 0)
		reading->total[pattern->cue] += pattern->weight;
	if (pattern->cue == CUE_MACHINE)
	{
		*best = (short) (*best + (known ? 0 : pattern->weight));
		return;
	}
	better = pattern->weight < 0 ? pattern->weight < *best : pattern->weight > *best && *best >= 0;
	if (better)
	{
		*best = pattern->weight;
		sentence->where[pattern->cue] = (short) at;
	}
	/* The deed begins where the strongest request says so; of equals the first one counts. */
	if (pattern->weight > 0 && pattern->cue <= CUE_REPLY && match.mark >= 0 &&
		pattern->weight > sentence->score)
	{
		sentence->mark = match.mark;
		sentence->verb_led = (reading->tokens[match.mark].classes & WORD_VERB) != 0;
		sentence->score = pattern->weight;
	}
}

/* Fills best[] and mark; "score" serves as the weight behind mark until the sentence is judged. */
void
sched_llm_match_sentence(SchedReading *reading, SchedSentence *sentence)
{
	int end = sentence->first + sentence->count;

	memset(sentence->best, 0, sizeof(sentence->best));
	sentence->mark = -1;
	sentence->verb_led = false;
	sentence->score = 0;
	for (int at = sentence->first; at < end; at++)
	{
		const SchedToken *token = &reading->tokens[at];

		if (token->entry >= 0)
			for (int link = reading->words[token->entry].links; link >= 0;
				 link = reading->links[link].next)
				try_pattern(reading, sentence, reading->links[link].pattern, at);
		if (token->kind == 'w' || token->kind == 'n' || token->kind == ',')
			for (int link = reading->general; link >= 0; link = reading->links[link].next)
				try_pattern(reading, sentence, reading->links[link].pattern, at);
	}
	sentence->score = 0;
}
