/*
 * builtin_sentence.c - from a paragraph or bullet to its sentences, and to where each one's own
 * words begin.
 *
 * Pure; works in the memory of the SchedReading it is given.
 *
 * Runs in whatever process extracts; allocates nothing, throws nothing. A sentence is cut too
 * often rather than too seldom: two requests in one sentence can only be told apart when they
 * are apart, while sentences of one deed are joined again in builtin_deeds.c.
 */
#include <string.h>

#include "builtin_internal.h"

/* A full stop ends a sentence only before a blank: "v2.1" and "a.b@c" go on. */
static bool
is_space_or_end(const char *text, size_t at, size_t length)
{
	return at >= length || text[at] == ' ';
}

/* Not isdigit(): that one asks the locale. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII only, for what may follow an abbreviation. */
static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Does a month follow? Then "3." before it is a day. */
static bool
names_month(const char *text, size_t length)
{
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
										 "aug", "sep", "oct", "nov", "dec", NULL};

	for (const char *const *month = months; *month != NULL && length > 3; month++)
		if (memcmp(text, *month, 3) == 0)
			return true;
	return false;
}

/* A dot behind "Mr", "e.g", "K" or "3" (in "3. May") ends no sentence. */
static bool
is_abbreviation(const SchedReading *reading, size_t start, size_t dot, size_t length)
{
	const char *text = reading->lower + start;
	size_t from = dot;
	size_t next = dot + 1;
	const SchedLexicon *lexicon = sched_llm_lexicon();
	int entry;

	while (from > 0 && strchr(" (,\"", text[from - 1]) == NULL)
		from--;
	while (next < length && text[next] == ' ')
		next++;
	if (dot - from == 0)
		return false;
	if (dot - from <= 2 && is_digit(text[dot - 1]))
		return from == 0 || next >= length || is_lower(reading->flow[start + next]) ||
			   names_month(text + next, length - next);
	if (dot - from == 1 && text[from] != 'i')
		return next < length && reading->flow[start + next] != '(';
	if (dot - from == 3 && text[from + 1] == '.' && text[from + 2] == 'm')
		return next < length && (is_lower(reading->flow[start + next]) || is_digit(text[next]) ||
								 strchr("ECMPBGU(", reading->flow[start + next]) != NULL);
	entry = sched_llm_find_word(lexicon, text + from, dot - from);
	return entry >= 0 && (lexicon->words[entry].classes & WORD_ABBREVIATION) && next < length &&
		   (is_digit(text[next]) || is_lower(reading->flow[start + next]) || dot - from < 3 ||
			strchr("mdpsnve", text[from]) != NULL);
}

/* ", and please", "; could you": a second request in one sentence is read as one of its own. */
static size_t
find_second_request(const char *text, size_t at, size_t length)
{
	static const char *const heads[] = {", and please ",
										" and please ",
										" and pls ",
										", and could you ",
										" and could you ",
										", and can you ",
										" and can you ",
										", please also ",
										" and also please ",
										", and also ",
										", also please ",
										", and would you ",
										", could you also ",
										", and don't forget ",
										" and don't forget ",
										", then please ",
										NULL};

	size_t word = at + (text[at] == ',' ? 2 : 1);

	/* Asked at each blank of the text: the first letter rules out nearly all. */
	if (word >= length || strchr("apct", text[word]) == NULL)
		return length;
	for (const char *const *head = heads; *head != NULL; head++)
	{
		size_t size = strlen(*head);

		if (at + size < length && memcmp(text + at, *head, size) == 0)
			return *head[0] == ',' ? 1 : 0;
	}
	return length;
}

/* "(1)", "2)" inside a line: each number begins a point of its own. */
static bool
begins_point(const char *text, size_t at, size_t length)
{
	if (at == 0 || text[at - 1] != ' ' || at + 3 >= length)
		return false;
	if (text[at] == '(' && is_digit(text[at + 1]) && text[at + 2] == ')')
		return true;
	return is_digit(text[at]) && text[at + 1] == ')' && text[at + 2] == ' ';
}

/* Where the sentence that begins at "at" ends (one past its last byte). */
static size_t
find_end(const SchedReading *reading, size_t start, size_t at, size_t length)
{
	const char *text = reading->lower + start;

	for (size_t i = at; i < length; i++)
	{
		char c = text[i];

		if (is_lower(c))
			continue;
		if (i > at + 8 && (c == ',' || c == ' '))
		{
			size_t skip = find_second_request(text, i, length);

			if (skip < length)
				return i + skip;
		}
		if (i > at && begins_point(text, i, length))
			return i;
		if (c == ';' && is_space_or_end(text, i + 1, length))
			return i + 1;
		if (c == '!' || c == '?' || c == '.')
		{
			size_t end = i + 1;

			while (end < length && strchr(".!?)\"'", text[end]) != NULL)
				end++;
			if (!is_space_or_end(text, end, length))
				continue;
			if (c == '.' && end == i + 1 && is_abbreviation(reading, start, i, length))
				continue;
			return end;
		}
	}
	return length;
}

/* Names behind a greeting ("Hi Ann and Bob,") or at the very front ("Ann, could you"). */
void
sched_llm_read_names(SchedReading *reading, int first, int count)
{
	for (int i = first; i < first + count; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		if (token->kind != 'w')
			break;
		if (token->capital && !(token->classes & (WORD_PERSON | WORD_STOP | WORD_GREETING |
												  WORD_DAY | WORD_WORK | WORD_VERB)))
			sched_llm_add_name(reading, reading->lower + token->start, token->length);
		else if (!sched_llm_token_is(reading, token, "and") && token->length > 4 && i > first)
			break;
	}
}

/* Punctuation, not a word. */
static bool
is_mark(const SchedToken *token)
{
	return token->kind != 'w' && token->kind != 'n';
}

/*
 * "Dear Ms Lee and colleagues,": one past it, its names noted; only the greeting's own words
 * if what follows is no name.
 */
static int
skip_greeting(SchedReading *reading, int at, int end)
{
	int from = at + 1;
	int to;

	while (from < end && ((reading->tokens[from].classes & WORD_GREETING) ||
						  sched_llm_token_is(reading, &reading->tokens[from], "again") ||
						  sched_llm_token_is(reading, &reading->tokens[from], "there")))
		from++;
	for (to = from; to < end && to < from + 6 && !is_mark(&reading->tokens[to]); to++)
		if (!reading->tokens[to].capital &&
			!(reading->tokens[to].classes & (WORD_PERSON | WORD_STOP | WORD_WORK)))
			break;
	/* "Dr. Lee,": a dot inside the name */
	if (to < end && reading->tokens[to].kind == '.' && to + 1 < end &&
		reading->tokens[to + 1].capital)
		to += 2;
	if (to >= end || is_mark(&reading->tokens[to]))
	{
		sched_llm_read_names(reading, from, to - from);
		return to;
	}
	return from;
}

/* "Ann," or "Wei Ling," at the front: one past the name, or at if none is there. */
static int
skip_vocative(const SchedReading *reading, int at, int end, bool listed)
{
	int to = at;

	while (to < end && to < at + 3 && reading->tokens[to].kind == 'w' &&
		   reading->tokens[to].capital &&
		   !(reading->tokens[to].classes & (WORD_STOP | WORD_DAY | WORD_CONNECTOR | WORD_PLEASE)))
		to++;
	if (to == at || to >= end ||
		(reading->tokens[to].kind != ',' && (reading->tokens[to].kind != ':' || !listed)))
		return at;
	if (to == at + 1 && (reading->tokens[at].classes & (WORD_VERB | WORD_WORK | WORD_EVENT)))
		return at;
	return to;
}

/* Is anybody of these the reader, or a group he belongs to? */
static bool
knows_name(const SchedReading *reading, int from, int to)
{
	for (int i = from; i < to; i++)
		if (reading->tokens[i].classes & (WORD_NAME | WORD_PERSON | WORD_GREETING))
			return true;
	return false;
}

/* A short lead-in with a colon ("One more thing: ..."): where what follows begins, or at. */
static int
skip_lead_in(const SchedReading *reading, int at, int end)
{
	for (int i = at; i < end - 2 && i < at + 6; i++)
	{
		if (reading->tokens[i].kind == ':')
			return i + 1;
		if (is_mark(&reading->tokens[i]))
			return at;
	}
	return at;
}

/*
 * Steps over greeting, names, connectors and politeness, until a word of the sentence's own is
 * met. A point that begins with the reader's name is his, one that begins with another's is
 * not.
 */
static void
find_core(SchedReading *reading, SchedSentence *sentence)
{
	int end = sentence->first + sentence->count;
	int at = sentence->first;
	bool moved = true;
	bool front = sentence->first_of_block;

	if (at + 2 < end &&
		((reading->tokens[at].classes & WORD_NAME) ||
		 sched_llm_token_is(reading, &reading->tokens[at], "you") ||
		 sched_llm_token_is(reading, &reading->tokens[at], "yours")) &&
		(reading->tokens[at + 1].kind == ':' || reading->tokens[at + 1].kind == '-' ||
		 ((reading->tokens[at].classes & WORD_NAME) &&
		  sched_llm_token_is(reading, &reading->tokens[at + 1], "to"))))
	{
		sentence->named = true;
		at += 2;
	}
	while (moved && at < end)
	{
		const SchedToken *token = &reading->tokens[at];
		int next = at;

		moved = false;
		if (is_mark(token))
			next = at + 1;
		else if ((token->classes & WORD_GREETING) && at + 1 < end)
			next = skip_greeting(reading, at, end);
		else if ((token->classes & (WORD_CONNECTOR | WORD_PLEASE)) ||
				 ((token->classes & WORD_FILLER) && !(token->classes & WORD_VERB)))
			next = at + 1;
		else
		{
			next = skip_vocative(reading, at, end, sentence->bullet);
			if (next > at && front && sentence->block <= 1 && !reading->named &&
				!sentence->subject && reading->tokens[next].kind == ',')
				sched_llm_read_names(reading, at, next - at);
			else if (next > at && reading->named && !knows_name(reading, at, next))
				sentence->other_person = true;
			if (next == at)
				next = skip_lead_in(reading, at, end);
		}
		if (next > at && next < end)
		{
			at = next;
			moved = true;
		}
	}
	sentence->core = at;
}

/* "I", "we", "you" at the front: an ordinary sentence, whose later commas open no request. */
static bool
names_speaker(const SchedReading *reading, int at)
{
	static const char *const words[] = {"i",   "we",    "he",   "she",   "they", "you",
										"i'm", "we're", "i'll", "we'll", NULL};

	for (const char *const *word = words; *word != NULL; word++)
		if (sched_llm_token_is(reading, &reading->tokens[at], *word))
			return true;
	return false;
}

/* "Once you are back, send ...": the main clause begins behind the comma. */
static void
find_clause(const SchedReading *reading, SchedSentence *sentence)
{
	int end = sentence->first + sentence->count;
	int at = sentence->core;
	bool subordinate;

	sentence->clause = at;
	if (at >= end || names_speaker(reading, at))
		return;
	subordinate = (reading->tokens[at].classes & (WORD_SUBORDINATOR | WORD_DAY)) != 0 ||
				  reading->tokens[at].kind == 'n' ||
				  sched_llm_token_is(reading, &reading->tokens[at], "that");
	sentence->conditional = sched_llm_token_is(reading, &reading->tokens[at], "if") ||
							sched_llm_token_is(reading, &reading->tokens[at], "should");
	for (int i = at + 1; i < end - 1 && i < at + 18; i++)
		if (reading->tokens[i].kind == ',')
		{
			int to = i + 1;

			while (to < end - 1 &&
				   (reading->tokens[to].classes & (WORD_PLEASE | WORD_FILLER | WORD_CONNECTOR)) &&
				   !(reading->tokens[to].classes & WORD_VERB))
				to++;
			/*
			 * Without an opening "when", "after" only a verb with its object makes a clause of it.
			 */
			if (!subordinate &&
				((reading->tokens[to].classes & (WORD_VERB | WORD_NOUNISH)) != WORD_VERB ||
				 to + 1 >= end ||
				 !(reading->tokens[to + 1].classes &
				   (WORD_DETERMINER | WORD_PRONOUN | WORD_PARTICLE))))
				continue;
			sentence->clause = to;
			if (reading->tokens[to].classes & WORD_VERB)
				return;
		}
}

/*
 * Appends one sentence and reads its words; what is empty is dropped. Returns where it ends in
 * flow.
 */
static size_t
add_sentence(SchedReading *reading, size_t start, size_t length, const SchedSentence *model,
			 bool first)
{
	SchedSentence *sentence;
	int tokens;

	while (length > 0 && reading->flow[start] == ' ')
	{
		start++;
		length--;
	}
	while (length > 0 && reading->flow[start + length - 1] == ' ')
		length--;
	if (length == 0 || reading->sentence_count >= MAX_SENTENCES)
		return reading->flow_length;
	sentence = &reading->sentences[reading->sentence_count];
	*sentence = *model;
	sentence->start = (uint32_t) start;
	sentence->length = (uint32_t) length;
	sentence->first = reading->token_count;
	sentence->first_of_block = first;
	tokens = sched_llm_scan_tokens(reading, sentence->start, sentence->length);
	if (tokens == 0)
		return start + length;
	/* What is longer than any sentence is read in pieces. */
	if (tokens > MAX_SENTENCE_TOKENS)
	{
		const SchedToken *last = &reading->tokens[sentence->first + MAX_SENTENCE_TOKENS - 1];

		reading->token_count = sentence->first + MAX_SENTENCE_TOKENS;
		memset(&reading->tokens[reading->token_count], 0, sizeof(SchedToken) * 2);
		tokens = MAX_SENTENCE_TOKENS;
		length = last->start + last->length - start;
		sentence->length = (uint32_t) length;
	}
	sentence->count = tokens;
	sentence->question = memchr(reading->flow + start + length - (length < 4 ? length : 4), '?',
								length < 4 ? length : 4) != NULL;
	sentence->colon = reading->flow[start + length - 1] == ':';
	reading->sentence_count++;
	find_core(reading, sentence);
	find_clause(reading, sentence);
	return start + length;
}

/*
 * Makes a sentence of its own of the tokens from "at" on; false when there is no room. Headings
 * that stand behind it move with the sentences.
 */
bool
sched_llm_split_sentence(SchedReading *reading, int index, int at)
{
	SchedSentence *left = &reading->sentences[index];
	SchedSentence *right = left + 1;

	if (reading->sentence_count >= MAX_SENTENCES)
		return false;
	memmove(right + 1, right,
			sizeof(SchedSentence) * (size_t) (reading->sentence_count - index - 1));
	reading->sentence_count++;
	for (int i = index + 2; i < reading->sentence_count; i++)
		if (reading->sentences[i].heading > index)
			reading->sentences[i].heading++;
	*right = *left;
	right->count = left->first + left->count - at;
	right->first = right->core = right->clause = at;
	right->start = reading->tokens[at].start;
	right->length = left->start + left->length - right->start;
	right->first_of_block = false;
	left->count = at - left->first;
	left->length = right->start - left->start;
	/*
	 * "Would you order it today and fetch change?": both are requests, the mark belongs to the
	 * first words.
	 */
	left->question = left->colon = right->question = false;
	return true;
}

/* Splits flow[start .. flow_length) into sentences; model carries what they have in common. */
void
sched_llm_split_block(SchedReading *reading, size_t start, const SchedSentence *model)
{
	size_t length = reading->flow_length - start;
	size_t at = 0;

	for (size_t i = start; i < reading->flow_length; i++)
	{
		char c = reading->flow[i];

		reading->lower[i] = c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
	}
	while (at < length)
	{
		size_t end = find_end(reading, start, at, length);

		if (end <= at)
			end = at + 1;
		end = add_sentence(reading, start + at, end - at, model, at == 0) - start;
		at = end > at ? end : at + 1;
	}
}
