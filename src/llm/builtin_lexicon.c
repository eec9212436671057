/*
 * builtin_lexicon.c - the words and patterns of the model "builtin", made ready for matching.
 *
 * Pure but for one thing: the lexicon is built from the constant tables at its first use in a
 * process and read only from then on, because building it takes as long as reading a mail. It
 * lies in static memory, so there is nothing to free and nothing that can fail. Processes that
 * extract have one thread. What does not fit into an array is left out, never written over;
 * extract_test.c looks that all fits.
 *
 * A pattern is a row of elements separated by blanks:
 *     word|word    one of these words; word~ any word that begins so; %X a trait (see TRAITS)
 *     ?element     may be missing          <element  the deed begins at this word
 *     * ** ***     up to 3, 8, 12 words between, none of them the end of a sentence
 *     $            nothing but punctuation follows        ^ (at the front) only where a clause begins
 *
 * So that a token is tried against few patterns, those that begin with plain words are listed
 * under these words; the others ("general") are told apart by what may begin them.
 */
#include <string.h>

#include "builtin_internal.h"

/* The letters of %X; the place of a letter is the bit of the trait. */
static const char traits[] = "VvODYPQTCGENU";

static SchedLexicon lexicon;
static bool is_built = false;

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
find_slot(const SchedLexicon *words, const char *text, size_t length)
{
	uint32_t slot = hash_word(text, length) & (MAX_WORDS - 1);

	for (int tries = 0; tries < MAX_WORDS; tries++)
	{
		const SchedWord *word = &words->words[slot];

		if (word->text == NULL || (word->length == length && memcmp(word->text, text, length) == 0))
			return (int) slot;
		slot = (slot + 1) & (MAX_WORDS - 1);
	}
	return -1;
}

/* The slot of a word that is there, else -1. */
int
sched_llm_find_word(const SchedLexicon *words, const char *text, size_t length)
{
	int slot = find_slot(words, text, length);

	return slot >= 0 && words->words[slot].text != NULL ? slot : -1;
}

/* The word's slot, made if need be; -1 when the dictionary is full: the word stays unknown. */
static int
enter_word(const char *text, size_t length)
{
	int slot = find_slot(&lexicon, text, length);

	if (slot >= 0 && lexicon.words[slot].text == NULL)
	{
		lexicon.words[slot].text = text;
		lexicon.words[slot].length = (uint16_t) length;
		lexicon.words[slot].links = -1;
	}
	return slot;
}

/* The number of an ASCII punctuation mark, -1 for anything else. */
int
sched_llm_sign(char mark)
{
	static const char marks[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
	const char *found = mark != '\0' ? strchr(marks, mark) : NULL;

	return found != NULL ? (int) (found - marks) : -1;
}

/* The bit of a trait, -1 for a letter that names none. */
int
sched_llm_trait(char name)
{
	const char *found = name != '\0' ? strchr(traits, name) : NULL;

	return found != NULL ? (int) (found - traits) : -1;
}

/* The next of the words that blanks separate: its slot, -1 where it has no room; false at the end. */
static bool
enter_next(const char **words, int *slot)
{
	size_t length;

	*words += strspn(*words, " ");
	length = strcspn(*words, " ");
	if (length == 0)
		return false;
	*slot = enter_word(*words, length);
	*words += length;
	return true;
}

static void
load_words(void)
{
	int slot;

	for (const SchedWordList *list = sched_llm_words; list->words != NULL; list++)
		for (const char *words = list->words; enter_next(&words, &slot);)
			if (slot >= 0)
				lexicon.words[slot].classes |= list->classes;
	for (int k = 0; k < MAX_LANGUAGES; k++)
		for (const char *words = sched_llm_languages[k].words; enter_next(&words, &slot);)
			if (slot >= 0)
				lexicon.words[slot].languages |= (uint8_t) (1 << k);
}

/* Without one of these, or a number, a sentence has no date. */
static void
load_times(void)
{
	int place = 0;
	const char *word;

	while ((word = sched_time_next_word(&place)) != NULL)
	{
		int slot = enter_word(word, strlen(word));

		if (slot >= 0)
			lexicon.words[slot].timely = true;
	}
}

/* One of the words of an element, as what it is: %X, word~, a punctuation mark, a word. */
static void
add_alternative(SchedElement *element, const char *text, size_t length)
{
	int trait = length == 2 && text[0] == '%' ? sched_llm_trait(text[1]) : -1;
	int sign = length == 1 ? sched_llm_sign(text[0]) : -1;

	if (trait >= 0)
		element->traits |= UINT32_C(1) << trait;
	else if (length > 1 && text[length - 1] == '~')
	{
		if (lexicon.prefix_count < MAX_PREFIXES)
		{
			lexicon.prefixes[lexicon.prefix_count++] =
				(SchedPrefix){text, length - 1, length > 2 ? sched_llm_start(text) : -1};
			element->prefixes++;
		}
	}
	else if (sign >= 0)
		element->signs |= UINT32_C(1) << sign;
	else if (length > 0 && lexicon.element_word_count < MAX_ELEMENT_WORDS)
	{
		int slot = enter_word(text, length);

		if (slot < 0)
			return;
		lexicon.element_words[lexicon.element_word_count++] = (int16_t) slot;
		element->words++;
		element->filter |= UINT64_C(1) << (slot & 63);
	}
}

/* Compiles the element text[0, length). */
static void
add_element(const char *text, size_t length)
{
	SchedElement *element = &lexicon.elements[lexicon.element_count++];

	if (text[0] == '*')
	{
		element->kind = ELEMENT_GAP;
		element->room = length == 1 ? 3 : length == 2 ? 8 : 12;
		return;
	}
	if (text[0] == '$' && length == 1)
	{
		element->kind = ELEMENT_END;
		return;
	}
	element->kind = ELEMENT_TOKEN;
	while (length > 1 && (text[0] == '?' || text[0] == '<'))
	{
		element->optional |= text[0] == '?';
		element->marks |= text[0] == '<';
		text++;
		length--;
	}
	element->first_word = lexicon.element_word_count;
	element->first_prefix = lexicon.prefix_count;
	while (length > 0)
	{
		const char *bar = memchr(text, '|', length);
		size_t part = bar != NULL ? (size_t) (bar - text) : length;

		add_alternative(element, text, part);
		if (bar == NULL)
			break;
		text += part + 1;
		length -= part + 1;
	}
}

/* Puts a pattern in front of the list of those that begin with a word. */
static void
add_link(SchedWord *word, int pattern)
{
	SchedLink *link;

	if (lexicon.link_count >= MAX_LINKS)
		return;
	link = &lexicon.links[lexicon.link_count];
	link->pattern = (int16_t) pattern;
	link->next = word->links;
	word->links = (int16_t) lexicon.link_count++;
}

/* Whatever may be the first token of a general pattern gets its bit. */
static void
index_general(const SchedCompiled *compiled, uint64_t bit)
{
	for (int i = compiled->first; i < compiled->first + compiled->count; i++)
	{
		const SchedElement *element = &lexicon.elements[i];

		if (element->kind != ELEMENT_TOKEN)
			break;
		for (int w = 0; w < element->words; w++)
			lexicon.words[lexicon.element_words[element->first_word + w]].general |= bit;
		for (int p = 0; p < element->prefixes; p++)
			lexicon.general_by_letter[(unsigned char) lexicon.prefixes[element->first_prefix + p]
										  .text[0]] |= bit;
		for (int t = 0; t < MAX_TRAITS; t++)
			if (element->traits & (UINT32_C(1) << t))
				lexicon.general_by_trait[t] |= bit;
		for (int s = 0; s < 32; s++)
			if (element->signs & (UINT32_C(1) << s))
				lexicon.general_by_sign[s] |= bit;
		if (!element->optional)
			return;
	}
	lexicon.general_always |= bit;
}

/* Files a pattern under each word that may begin it, or under "general". */
static void
index_pattern(int pattern)
{
	const SchedCompiled *compiled = &lexicon.patterns[pattern];
	const SchedElement *head = &lexicon.elements[compiled->first];
	bool plain = head->kind == ELEMENT_TOKEN && !head->optional && !head->marks &&
				 head->traits == 0 && head->words > 0 && head->prefixes == 0;

	if (plain)
		for (int w = 0; w < head->words; w++)
			add_link(&lexicon.words[lexicon.element_words[head->first_word + w]], pattern);
	else if (lexicon.general_count < MAX_GENERAL)
	{
		lexicon.general[lexicon.general_count] = (int16_t) pattern;
		index_general(compiled, UINT64_C(1) << lexicon.general_count++);
	}
}

/* Compiles one pattern and files it. */
static void
add_pattern(const SchedPattern *pattern)
{
	SchedCompiled *compiled = &lexicon.patterns[lexicon.pattern_count];
	const char *text = pattern->text;

	compiled->pattern = pattern;
	compiled->at_clause = *text == '^';
	compiled->first = lexicon.element_count;
	if (compiled->at_clause)
		text++;
	while (*text != '\0')
	{
		size_t length = strcspn(text, " ");

		/* A pattern without its end would match more than is meant. */
		if (lexicon.element_count >= MAX_ELEMENTS)
			return;
		add_element(text, length);
		text += length + (text[length] == ' ' ? 1 : 0);
	}
	compiled->count = lexicon.element_count - compiled->first;
	if (compiled->count > 0)
		index_pattern(lexicon.pattern_count++);
}

/* The lexicon; built by whoever asks first. */
const SchedLexicon *
sched_llm_lexicon(void)
{
	static const SchedPattern *const tables[] = {sched_llm_phrases, sched_llm_mail_phrases};

	if (is_built)
		return &lexicon;
	load_words();
	load_times();
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const SchedPattern *pattern = tables[t];
			 pattern->text != NULL && lexicon.pattern_count < MAX_PATTERNS; pattern++)
			add_pattern(pattern);
	is_built = true;
	return &lexicon;
}
