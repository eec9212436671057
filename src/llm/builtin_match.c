/*
 * builtin_match.c - words of a text, and patterns over them, for the model "builtin".
 *
 * Pure; works in the memory of the SchedReading it is given, allocates nothing, throws nothing.
 * Runs in whatever process extracts. builtin_lexicon.c describes patterns and holds them ready;
 * a token is tried against the few that can begin with it. Gaps are bounded, so the work per
 * token is bounded too.
 */
#include <string.h>

#include "builtin_internal.h"

typedef struct Match
{
	const SchedReading *reading;
	const SchedLexicon *lexicon;
	int end; /* one past the sentence's last token */
	int mark;
	int budget; /* steps left, so that no pattern is costly on any text */
} Match;

#define MATCH_BUDGET 400

/*
 * What the mail calls its reader; text points into memory that outlives the reading's use. More
 * names than there is room for stay unknown.
 */
void
sched_llm_add_name(SchedReading *reading, const char *text, size_t length)
{
	if (length < 2)
		return;
	if (reading->name_count < MAX_NAMES)
		reading->names[reading->name_count++] = (SchedName){text, length};
	reading->named = true;
}

/* Is it one of these names? */
static bool
is_name(const SchedReading *reading, const char *text, size_t length)
{
	for (int i = 0; i < reading->name_count; i++)
		if (reading->names[i].length == length && memcmp(reading->names[i].text, text, length) == 0)
			return true;
	return false;
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
classes_of_compound(const SchedLexicon *lexicon, const char *text, size_t length)
{
	const char *hyphen = memchr(text, '-', length);
	size_t head = hyphen ? (size_t) (hyphen - text) : 0;
	int entry;

	if (hyphen == NULL || head > 6 || head + 1 >= length)
		return 0;
	if (!(head == 2 && memcmp(text, "re", 2) == 0) && !(head == 3 && memcmp(text, "pre", 3) == 0) &&
		!(head == 6 && memcmp(text, "double", 6) == 0))
		return 0;
	entry = sched_llm_find_word(lexicon, hyphen + 1, length - head - 1);
	return entry < 0 ? 0 : lexicon->words[entry].classes & (WORD_VERB | WORD_NOUNISH);
}

/* At least two letters must stand before the ending. */
static bool
ends_with(const char *text, size_t length, const char *tail, size_t size)
{
	return length > size + 1 && memcmp(text + length - size, tail, size) == 0;
}

/* The bit of one trait where it holds. */
static uint32_t
trait_if(bool holds, char name)
{
	return holds ? UINT32_C(1) << sched_llm_trait(name) : 0;
}

/*
 * What patterns can ask of a word by %X. %U is a word the lexicon does not know: behind "could
 * you" it is most likely a verb.
 */
static uint32_t
find_traits(const SchedToken *token, const char *text)
{
	uint32_t classes = token->classes;

	return trait_if(classes & WORD_VERB, 'V') |
		   trait_if((classes & (WORD_VERB | WORD_NOUNISH)) == WORD_VERB, 'v') |
		   trait_if(classes & WORD_PRONOUN, 'O') | trait_if(classes & WORD_DETERMINER, 'D') |
		   trait_if(classes & WORD_FILLER, 'Y') | trait_if(classes & WORD_PLEASE, 'P') |
		   trait_if(classes & (WORD_PERSON | WORD_NAME), 'Q') |
		   trait_if(token->kind == 'n' || (classes & WORD_DAY), 'T') |
		   trait_if(token->capital, 'C') |
		   trait_if(token->length > 4 && ends_with(text, token->length, "ing", 3), 'G') |
		   trait_if(ends_with(text, token->length, "ed", 2) || (classes & WORD_PARTICIPLE), 'E') |
		   trait_if(true, 'N') |
		   trait_if(token->kind == 'w' && classes == 0 && token->length > 2 && !token->capital,
					'U');
}

/*
 * Looks a word up. Only compounds are analysed further: inflected forms stand in the lists or
 * match by ~.
 */
static void
classify_token(const SchedReading *reading, const SchedLexicon *lexicon, SchedToken *token)
{
	const char *text = reading->lower + token->start;
	bool named = is_name(reading, text, token->length);

	token->entry = (int16_t) sched_llm_find_word(lexicon, text, token->length);
	token->classes = 0;
	if (token->entry >= 0)
	{
		token->classes = lexicon->words[token->entry].classes;
		token->timely |= lexicon->words[token->entry].timely;
	}
	else if (token->kind == 'w' && !named)
		token->classes = classes_of_compound(lexicon, text, token->length);
	if (named)
		token->classes |= WORD_NAME;
	token->traits = find_traits(token, text);
}

/* May this stand inside of a word, between two letters or digits? */
static bool
joins_word(unsigned char c)
{
	switch (c)
	{
		case '.':
		case ',':
		case ':':
		case '/':
		case '\'':
		case '-':
		case '@':
		case '_':
		case '+':
			return true;
		default:
			return false;
	}
}

/*
 * Length of the word at text: letters and digits, joined by one of .,:/'-@_+ between two of them.
 * Plain is what has ASCII letters only.
 */
static size_t
measure_word(const char *text, size_t length, bool *digits, bool *plain)
{
	size_t i = 0;

	*digits = false;
	*plain = true;
	while (i < length)
	{
		unsigned char c = (unsigned char) text[i];

		if (is_letter(c))
			*plain &= c < 0x80;
		else if (is_digit(c))
			*digits = true;
		else if (i == 0 || i + 1 >= length || !joins_word(c) ||
				 !(is_letter((unsigned char) text[i + 1]) || is_digit((unsigned char) text[i + 1])))
			break;
		else if ((c == ',' || c == ':') &&
				 !(is_digit((unsigned char) text[i - 1]) && is_digit((unsigned char) text[i + 1])))
			break;
		else
			*plain = false;
		i++;
	}
	*plain &= !*digits;
	return i;
}

/* Appends the tokens of flow[start, start+length); returns how many. */
int
sched_llm_scan_tokens(SchedReading *reading, uint32_t start, uint32_t length)
{
	uint32_t at = start;
	uint32_t end = start + length;
	int first = reading->token_count;
	const SchedLexicon *lexicon = sched_llm_lexicon();

	while (at < end && reading->token_count < MAX_TOKENS)
	{
		unsigned char c = (unsigned char) reading->flow[at];
		SchedToken *token = &reading->tokens[reading->token_count];
		bool digits;
		bool plain;
		size_t size;

		if (c <= ' ')
		{
			at++;
			continue;
		}
		size = measure_word(reading->flow + at, end - at, &digits, &plain);
		if (size > 0xffff)
			size = 0xffff;
		token->start = at;
		token->length = (uint16_t) (size > 0 ? size : 1);
		token->kind = size == 0 ? (char) c : digits ? 'n' : 'w';
		token->capital = (c >= 'A' && c <= 'Z') ||
						 (c == 0xc3 && size > 1 && (unsigned char) reading->flow[at + 1] < 0x9f);
		token->timely = size > 0 && !plain;
		token->entry = -1;
		token->classes = 0;
		token->traits = 0;
		if (size > 0)
			classify_token(reading, lexicon, token);
		at += token->length;
		reading->token_count++;
	}
	memset(&reading->tokens[reading->token_count], 0, sizeof(SchedToken) * 2);
	return reading->token_count - first;
}

/* Does one element accept the token? */
static bool
accepts(const Match *match, const SchedElement *element, const SchedToken *token)
{
	const SchedLexicon *lexicon = match->lexicon;

	if (element->traits & token->traits)
		return true;
	if (token->entry >= 0 && (element->filter & (UINT64_C(1) << (token->entry & 63))))
	{
		const int16_t *words = &lexicon->element_words[element->first_word];

		for (int i = 0; i < element->words; i++)
			if (words[i] == token->entry)
				return true;
	}
	for (int i = element->first_prefix; i < element->first_prefix + element->prefixes; i++)
	{
		const SchedPrefix *prefix = &lexicon->prefixes[i];
		const char *text = match->reading->lower + token->start;

		if (token->length >= prefix->length && text[0] == prefix->text[0] &&
			memcmp(text, prefix->text, prefix->length) == 0)
			return true;
	}
	if (element->signs != 0)
	{
		int sign = sched_llm_sign(token->kind);

		return sign >= 0 && (element->signs & (UINT32_C(1) << sign));
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

static bool match_here(Match *match, const SchedElement *element, int left, int at);

/* Tries the rest of the pattern behind 0, 1, 2 ... words; the shortest gap wins. */
static bool
match_gap(Match *match, const SchedElement *element, int left, int at)
{
	for (int skipped = 0; skipped <= element->room; skipped++)
	{
		if (match_here(match, element + 1, left - 1, at + skipped))
			return true;
		if (at + skipped >= match->end || ends_clause(&match->reading->tokens[at + skipped]))
			return false;
	}
	return false;
}

/*
 * Matches the elements that are left from a token on, by backtracking; the budget bounds it. On
 * success mark holds the token under <.
 */
static bool
match_here(Match *match, const SchedElement *element, int left, int at)
{
	int before = match->mark;

	if (left == 0)
		return true;
	if (--match->budget <= 0)
		return false;
	if (element->kind == ELEMENT_GAP)
		return match_gap(match, element, left, at);
	if (element->kind == ELEMENT_END)
		return only_marks(match, at) && match_here(match, element + 1, left - 1, at);
	if (at < match->end && accepts(match, element, &match->reading->tokens[at]))
	{
		if (element->marks)
			match->mark = at;
		if (match_here(match, element + 1, left - 1, at + 1))
			return true;
		match->mark = before;
	}
	return element->optional && match_here(match, element + 1, left - 1, at);
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
try_pattern(SchedReading *reading, const SchedLexicon *lexicon, SchedSentence *sentence, int index,
			int at)
{
	const SchedCompiled *compiled = &lexicon->patterns[index];
	const SchedPattern *pattern = compiled->pattern;
	short *best = &sentence->best[pattern->cue];
	Match match = {reading, lexicon, sentence->first + sentence->count, -1, MATCH_BUDGET};
	bool better;
	bool known = false;

	if (compiled->at_clause && !begins_clause(reading, sentence, at))
		return;
	if (!match_here(&match, &lexicon->elements[compiled->first], compiled->count, at))
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

/* Notes what the sentence holds. */
static void
note_presence(SchedReading *reading, const SchedSentence *sentence)
{
	SchedPresence *present = &reading->present;

	/* A mail has fewer sentences than marks, but some are matched again. */
	if (++present->mark == 0)
	{
		memset(present->words, 0, sizeof(present->words));
		present->mark = 1;
	}
	memset(present->starts, 0, sizeof(present->starts));
	present->traits = present->signs = 0;
	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
	{
		const SchedToken *token = &reading->tokens[i];
		int sign = -1;

		if (token->kind == 'w' || token->kind == 'n')
		{
			if (token->length > 1)
			{
				int start = sched_llm_start(reading->lower + token->start);

				present->starts[start / 64] |= UINT64_C(1) << (start % 64);
			}
			present->traits |= token->traits;
			if (token->entry >= 0)
				present->words[token->entry] = present->mark;
		}
		else
			sign = sched_llm_sign(token->kind);
		if (sign >= 0)
			present->signs |= UINT32_C(1) << sign;
	}
}

/* Does the sentence hold a token that this element accepts? It may say so wrongly, never deny it wrongly. */
static bool
is_present(const SchedPresence *present, const SchedLexicon *lexicon, const SchedElement *element)
{
	const int16_t *words = &lexicon->element_words[element->first_word];

	if ((element->traits & present->traits) || (element->signs & present->signs))
		return true;
	for (int i = 0; i < element->words; i++)
		if (present->words[words[i]] == present->mark)
			return true;
	for (int i = element->first_prefix; i < element->first_prefix + element->prefixes; i++)
	{
		int start = lexicon->prefixes[i].start;

		if (start < 0 || (present->starts[start / 64] & (UINT64_C(1) << (start % 64))))
			return true;
	}
	return false;
}

/* Can the pattern match anywhere in the sentence? */
static bool
can_match(const SchedPresence *present, const SchedLexicon *lexicon, int index)
{
	const SchedCompiled *compiled = &lexicon->patterns[index];
	const SchedElement *element = &lexicon->elements[compiled->first];

	for (int i = 0; i < compiled->count; i++, element++)
		if (element->kind == ELEMENT_TOKEN && !element->optional &&
			!is_present(present, lexicon, element))
			return false;
	return true;
}

/* The general patterns that this token may begin, as bits. */
static uint64_t
find_general(const SchedReading *reading, const SchedLexicon *lexicon, const SchedToken *token)
{
	uint64_t general = lexicon->general_always;

	if (token->kind == ',')
		return general | lexicon->general_by_sign[sched_llm_sign(',')];
	general |= lexicon->general_by_letter[(unsigned char) reading->lower[token->start]];
	if (token->entry >= 0)
		general |= lexicon->words[token->entry].general;
	for (int trait = 0; trait < MAX_TRAITS; trait++)
		if (token->traits & (UINT32_C(1) << trait))
			general |= lexicon->general_by_trait[trait];
	return general;
}

/* Fills best[] and mark; "score" serves as the weight behind mark until the sentence is judged. */
void
sched_llm_match_sentence(SchedReading *reading, SchedSentence *sentence)
{
	const SchedLexicon *lexicon = sched_llm_lexicon();
	int end = sentence->first + sentence->count;
	uint64_t possible = 0;

	memset(sentence->best, 0, sizeof(sentence->best));
	sentence->mark = -1;
	sentence->verb_led = false;
	sentence->score = 0;
	note_presence(reading, sentence);
	for (int bit = 0; bit < lexicon->general_count; bit++)
		if (can_match(&reading->present, lexicon, lexicon->general[bit]))
			possible |= UINT64_C(1) << bit;
	for (int at = sentence->first; at < end; at++)
	{
		const SchedToken *token = &reading->tokens[at];
		uint64_t general;

		if (token->entry >= 0)
			for (int link = lexicon->words[token->entry].links; link >= 0;
				 link = lexicon->links[link].next)
				if (can_match(&reading->present, lexicon, lexicon->links[link].pattern))
					try_pattern(reading, lexicon, sentence, lexicon->links[link].pattern, at);
		if (token->kind != 'w' && token->kind != 'n' && token->kind != ',')
			continue;
		general = possible == 0 ? 0 : find_general(reading, lexicon, token) & possible;
		/* Of patterns that say the same the later one has the first word. */
		while (general != 0)
		{
			int bit = 63 - __builtin_clzll(general);

			general &= ~(UINT64_C(1) << bit);
			try_pattern(reading, lexicon, sentence, lexicon->general[bit], at);
		}
	}
	sentence->score = 0;
}
