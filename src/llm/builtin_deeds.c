/*
 * builtin_deeds.c - from sentences that ask to deeds: one deed, one task, however many sentences
 * speak of it.
 *
 * Pure; works on the judged sentences of a SchedReading. Quoted and forwarded text gives a deed
 * only where the new text takes it up.
 *
 * Runs in whatever process extracts; deeds live in the caller's array and point into the
 * SchedReading by index, so nothing here is allocated and nothing throws. The order of rules in
 * belongs_to() matters: what certainly belongs together comes first, what certainly does not
 * next, the guesses last. Missing a join costs one wrong task, a wrong join loses one, so in
 * doubt sentences that stand near each other are joined.
 */
#include <string.h>

#include "builtin_internal.h"

enum
{
	TASK_LIMIT = 10,
	CHASE_LIMIT = 11,  /* in a reply: the new text asks after something */
	TAKEUP_LIMIT = 14, /* the new text hands the forwarded matter on */
	WITHDRAWN_LIMIT = -34,
	NEAR_SENTENCES = 4
};

/* A word that carries matter: no grammar, no politeness, no date. */
static bool
is_matter(const SchedToken *token)
{
	const uint32_t none = WORD_STOP | WORD_PLEASE | WORD_FILLER | WORD_GREETING | WORD_DAY |
						  WORD_DETERMINER | WORD_PRONOUN | WORD_NAME | WORD_SUBORDINATOR;

	return token->kind == 'w' && token->length > 2 && !(token->classes & none);
}

/* Words of a date ("the 3rd of May") are no matter: half of all mails share them. */
static bool
in_date(const SchedSentence *sentence, const SchedToken *token)
{
	for (int i = 0; i < sentence->dates; i++)
	{
		size_t start = sentence->start + sentence->date[i].when.start;

		if (token->start >= start && token->start < start + sentence->date[i].when.length)
			return true;
	}
	return false;
}

/* Words of matter from a token on, the leading verb not counted. */
int
sched_llm_count_matter(const SchedReading *reading, const SchedSentence *sentence, int from)
{
	int count = 0;

	for (int i = from; i < sentence->first + sentence->count; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		if (i == from && (token->classes & WORD_VERB))
			continue;
		if (is_matter(token) && !in_date(sentence, token))
			count++;
	}
	return count;
}

/* The row of synonyms a word stands in, or -1. */
static int
find_synonyms(const SchedReading *reading, const SchedToken *token)
{
	for (int row = 0; sched_llm_synonyms[row] != NULL; row++)
	{
		const char *word = sched_llm_synonyms[row];

		while (*word != '\0')
		{
			size_t length = strcspn(word, " ");

			if (length == token->length && memcmp(reading->lower + token->start, word, length) == 0)
				return row;
			word += length;
			word += strspn(word, " ");
		}
	}
	return -1;
}

/* Same stem: the shorter begins the longer, or the first five bytes agree. */
static bool
same_stem(const SchedReading *reading, const SchedToken *a, const SchedToken *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	size_t compared = shorter > 5 ? 5 : shorter;

	if (shorter < 3 ||
		(shorter == 3 && a->length != b->length && !(a->length + b->length == 7 && shorter == 3)))
		return false;
	return memcmp(reading->lower + a->start, reading->lower + b->start, compared) == 0;
}

/*
 * Do two sentences speak of the same thing? By a common noun stem, or by words of one row of
 * synonyms ("invoice", "pay"). Pure verbs do not count: everything is sent, checked and done.
 */
bool
sched_llm_share_matter(const SchedReading *reading, const SchedSentence *a, const SchedSentence *b)
{
	for (int i = a->first; i < a->first + a->count; i++)
	{
		const SchedToken *left = &reading->tokens[i];
		int row;

		if (left->kind != 'w' || in_date(a, left))
			continue;
		row = find_synonyms(reading, left);
		if (row < 0 &&
			(!is_matter(left) || (left->classes & (WORD_VERB | WORD_NOUNISH)) == WORD_VERB))
			continue;
		for (int j = b->first; j < b->first + b->count; j++)
		{
			const SchedToken *right = &reading->tokens[j];

			if (right->kind != 'w')
				continue;
			if (row >= 0 && find_synonyms(reading, right) == row)
				return true;
			if (is_matter(left) && is_matter(right) && same_stem(reading, left, right))
				return true;
		}
	}
	return false;
}

/* "Sign it", "return them": the object stands elsewhere. */
bool
sched_llm_has_pronoun_object(const SchedReading *reading, const SchedSentence *sentence)
{
	static const char *const objects[] = {"it",    "them", "this", "these", "that",
										  "those", "one",  "both", NULL};
	int end = sentence->first + sentence->count;

	if (sentence->mark < 0)
		return false;
	for (int i = sentence->mark + 1; i < end && i <= sentence->mark + 3; i++)
		for (const char *const *object = objects; *object != NULL; object++)
			if (sched_llm_token_is(reading, &reading->tokens[i], *object) &&
				(i + 1 >= end || !is_matter(&reading->tokens[i + 1])))
				return true;
	return false;
}

/* A deed of one sentence, with what its cues say about its kind. */
static void
start_deed(const SchedReading *reading, SchedDeed *deed, int index)
{
	const SchedSentence *sentence = &reading->sentences[index];
	const short *best = sentence->best;

	memset(deed, 0, sizeof(*deed));
	deed->main = index;
	deed->asked_by = -1;
	deed->date_sentence = -1;
	deed->score = sentence->score;
	deed->question = sentence->question && best[CUE_ASK] < 14 && best[CUE_OBLIGE] < 10 &&
					 best[CUE_REPLY] < 14 && best[CUE_WANT] < 10 && !sentence->verb_led;
	deed->reply = best[CUE_REPLY] >= 10 && best[CUE_OBLIGE] < 14 &&
				  (best[CUE_REPLY] >= best[CUE_ASK] || best[CUE_REPLY] >= 20);
	deed->due_only = sentence->mark < 0 && !sentence->bullet && best[CUE_OBLIGE] < 18 &&
					 sched_llm_count_matter(reading, sentence, sentence->first) <= 1;
}

/* Two different deadlines mean two deeds, whatever else the sentences share. */
static bool
differ_in_date(const SchedSentence *a, const SchedSentence *b)
{
	const SchedDate *left = NULL;
	const SchedDate *right = NULL;

	for (int i = 0; i < a->dates; i++)
		if (a->date[i].strong && !a->date[i].past)
			left = &a->date[i];
	for (int i = 0; i < b->dates; i++)
		if (b->date[i].strong && !b->date[i].past)
			right = &b->date[i];
	return left != NULL && right != NULL && left->when.upper != right->when.upper;
}

/*
 * "Also", "one more", "as well", "by the way": the writer himself says that another deed
 * begins.
 */
static bool
says_also(const SchedReading *reading, const SchedSentence *sentence)
{
	static const char *const words[] = {"also",   "another",      "second", "secondly",   "finally",
										"lastly", "additionally", "plus",   "separately", "third",
										"last",   "other",        NULL};
	int end = sentence->first + sentence->count;

	for (int i = sentence->first; i < end; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		for (const char *const *word = words; *word != NULL && i < sentence->first + 6; word++)
			if (sched_llm_token_is(reading, token, *word))
				return true;
		if (i + 1 < end && ((sched_llm_token_is(reading, token, "as") &&
							 sched_llm_token_is(reading, token + 1, "well")) ||
							(sched_llm_token_is(reading, token, "one") &&
							 sched_llm_token_is(reading, token + 1, "more"))))
			return true;
	}
	return false;
}

/* Tells what is owed, and asks for nothing. */
static bool
is_statement(const SchedSentence *sentence)
{
	return sentence->best[CUE_ASK] < 14 && sentence->best[CUE_REPLY] < 14 && !sentence->verb_led &&
		   sentence->best[CUE_OBLIGE] > 0;
}

/* Does a later sentence speak of the deed? */
static bool
belongs_to(const SchedReading *reading, const SchedDeed *deed, const SchedDeed *other)
{
	const SchedSentence *a = &reading->sentences[deed->main];
	const SchedSentence *b = &reading->sentences[other->main];
	bool near = other->main - deed->main <= NEAR_SENTENCES;
	int matter = sched_llm_count_matter(reading, b, b->mark >= 0 ? b->mark : b->first);

	if (a->section != b->section)
		return false;
	if (a->subject)
		return true;
	if (a->bullet || b->bullet)
		return !b->bullet && (other->due_only || other->reply ||
							  (sched_llm_has_pronoun_object(reading, b) && matter <= 1));
	if (other->due_only || deed->due_only)
		return true;
	if (says_also(reading, b) && (matter > 1 || other->main - deed->main > 1))
		return false;
	/*
	 * "One more: the permit runs out soon. Renew it": the object stands in the sentence that says
	 * so.
	 */
	for (int i = near ? deed->main + 1 : other->main; i < other->main; i++)
		if (says_also(reading, &reading->sentences[i]) && !sched_llm_share_matter(reading, a, b))
			return false;
	if (near && matter == 0)
		return true;
	if (near && sched_llm_has_pronoun_object(reading, b) && !differ_in_date(a, b))
		return true;
	/* "Your car is due for inspection. Please ring us": the duty, and then how to meet it. */
	if (is_statement(a) && !is_statement(b) && a->block == b->block &&
		other->main - deed->main <= 2 && !differ_in_date(a, b))
		return true;
	if (sched_llm_share_matter(reading, a, b) && !differ_in_date(a, b))
		return true;
	if (other->reply && !deed->reply && near && matter <= 3)
		return true;
	if (other->reply && deed->reply && near && !differ_in_date(a, b))
		return true;
	return near && (other->question || deed->question);
}

/* The stronger sentence tells what to do; the other one may still tell when. */
static void
join_deeds(const SchedReading *reading, SchedDeed *deed, const SchedDeed *other)
{
	int weaker = other->main;

	if (reading->sentences[deed->main].subject ||
		(is_statement(&reading->sentences[deed->main]) && !other->due_only &&
		 !reading->sentences[deed->main].colon &&
		 !is_statement(&reading->sentences[other->main])) ||
		(deed->due_only && !other->due_only) || (deed->question && !other->question) ||
		(deed->reply && !other->reply && other->score >= deed->score))
	{
		weaker = deed->main;
		deed->main = other->main;
		deed->reply = other->reply;
		deed->question = other->question;
		deed->due_only = other->due_only;
	}
	if (other->score > deed->score)
		deed->score = other->score;
	if (deed->member_count < MAX_MEMBERS)
		deed->members[deed->member_count++] = weaker;
}

/*
 * Do the bullets under a heading stand for deeds of their own, or name what the heading's deed is
 * about?
 */
static bool
heads_own_deeds(const SchedReading *reading, int heading)
{
	static const char *const general[] = {"do",       "complete", "handle", "take",   "note",
										  "remember", "sort",     "check",  "finish", "help",
										  "have",     "see",      "be",     NULL};
	const SchedSentence *head = &reading->sentences[heading];
	int bullets = 0;
	int verbs = 0;

	for (int i = heading + 1; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->heading != heading || !sentence->first_of_block)
			continue;
		bullets++;
		/*
		 * "train ticket" under "missing:" is a thing, "train the newcomers" under "to do:" is not.
		 */
		verbs +=
			sentence->mark >= 0 && sentence->score >= TASK_LIMIT &&
			((sentence->verb_led && (!(reading->tokens[sentence->mark].classes & WORD_NOUNISH) ||
									 head->best[CUE_LIST_HEAD] >= 12 ||
									 (reading->tokens[sentence->mark + 1].classes &
									  (WORD_DETERMINER | WORD_PRONOUN | WORD_PARTICLE)))) ||
			 sentence->best[CUE_ASK] > 0);
	}
	if (bullets == 0 || verbs * 2 >= bullets)
		return true;
	if (head->score < TASK_LIMIT)
		return head->best[CUE_LIST_HEAD] >= 12;
	if (head->mark < 0)
		return false;
	for (const char *const *word = general; *word != NULL; word++)
		if (sched_llm_token_is(reading, &reading->tokens[head->mark], *word))
			return true;
	return false;
}

/* Do bullets follow this heading? It is enough to look at the next few sentences. */
static bool
has_bullets(const SchedReading *reading, int heading)
{
	for (int i = heading + 1; i < reading->sentence_count && i < heading + 4; i++)
		if (reading->sentences[i].heading == heading)
			return true;
	return false;
}

/* May this sentence stand for a deed, given the list it heads or belongs to? */
static bool
stands_alone(const SchedReading *reading, int index)
{
	const SchedSentence *sentence = &reading->sentences[index];

	if (sentence->colon && has_bullets(reading, index))
		return !heads_own_deeds(reading, index);
	if (sentence->heading >= 0 && !sentence->named)
		return heads_own_deeds(reading, sentence->heading);
	return true;
}

/* Deeds of one section, sentences of one deed joined. */
static int
collect_deeds(const SchedReading *reading, int section, SchedDeed *deeds, int max)
{
	int count = 0;

	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];
		SchedDeed deed;
		int owner = -1;

		if (sentence->section != section || sentence->score < TASK_LIMIT ||
			!stands_alone(reading, i))
			continue;
		start_deed(reading, &deed, i);
		/* A second sentence of a bullet says more about the first. */
		if (sentence->bullet && !sentence->first_of_block && count > 0 &&
			reading->sentences[deeds[count - 1].main].block == sentence->block)
			owner = count - 1;
		for (int j = count - 1; j >= 0 && owner < 0; j--)
			if (belongs_to(reading, &deeds[j], &deed))
				owner = j;
		if (owner >= 0)
			join_deeds(reading, &deeds[owner], &deed);
		else if (count < max)
			deeds[count++] = deed;
	}
	return count;
}

/*
 * A bare question, or a duty told of things and without a date ("claims have to be made in
 * writing").
 */
static bool
is_weak(const SchedReading *reading, const SchedDeed *deed)
{
	const SchedSentence *sentence = &reading->sentences[deed->main];

	if (deed->question)
		return true;
	return !sentence->bullet && sentence->best[CUE_ASK] < 14 && sentence->best[CUE_REPLY] < 14 &&
		   !sentence->verb_led && sentence->best[CUE_OBLIGE] <= 17 &&
		   !says_also(reading, sentence) && sentence->dates == 0 && deed->member_count == 0;
}

/* Weak deeds yield to requests: where something is asked for, they are talk or detail. */
static int
drop_weak_deeds(const SchedReading *reading, SchedDeed *deeds, int count)
{
	int kept = 0;
	bool other = false;

	for (int i = 0; i < count; i++)
		other |= !is_weak(reading, &deeds[i]);
	for (int i = 0; i < count; i++)
		if (!is_weak(reading, &deeds[i]) || (!other && (kept == 0 || !deeds[i].question)))
			deeds[kept++] = deeds[i];
	return kept;
}

/*
 * The sentence of the new text in which a cue is strongest and reaches the limit, or -1.
 * Thanks are passed over: "thanks for the nudge" is no nudge.
 */
static int
find_strongest(const SchedReading *reading, SchedCue cue, int limit)
{
	int found = -1;

	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->section == 0 && !sentence->subject && !sentence->machine &&
			sentence->footer < 2 && sentence->best[CUE_STOCK] > -20 && sentence->best[cue] >= limit)
		{
			limit = sentence->best[cue] + 1;
			found = i;
		}
	}
	return found;
}

/* "Never mind", "no need any more": then nothing quoted is taken up. */
static bool
is_withdrawn(const SchedReading *reading)
{
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->section == 0 && !sentence->subject && sentence->footer < 2 &&
			!sentence->machine && sentence->best[CUE_DONE] <= WITHDRAWN_LIMIT)
			return true;
	}
	return false;
}

/*
 * The deed of the quoted mails that is meant: in a chaser the nearest section that asks something,
 * in a forwarded mail the first.
 */
static int
collect_quoted(const SchedReading *reading, SchedDeed *deeds, int max)
{
	for (int section = 1; section < reading->section_count; section++)
	{
		int count = collect_deeds(reading, section, deeds, max);

		count = drop_weak_deeds(reading, deeds, count);
		if (count > 0)
			return count;
	}
	return 0;
}

/* "Can you do these?" takes up all deeds of the quoted mail, "this one" only the strongest. */
static bool
means_several(const SchedReading *reading, int index)
{
	static const char *const words[] = {"these", "all",    "them",  "those",
										"both",  "points", "items", NULL};
	const SchedSentence *sentence = &reading->sentences[index];

	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
		for (const char *const *word = words; *word != NULL; word++)
			if (sched_llm_token_is(reading, &reading->tokens[i], *word))
				return true;
	return false;
}

/*
 * The deeds of the quoted text that the sentence takes up; the new text's own deed without matter
 * gives way.
 */
static int
take_up(const SchedReading *reading, int index, SchedDeed *deeds, int count, int max)
{
	SchedDeed quoted[MAX_CANDIDATES];
	int found = collect_quoted(reading, quoted, MAX_CANDIDATES);
	int kept = 0;
	int best = 0;

	if (found == 0)
	{
		if (count == 0 && max > 0)
		{
			start_deed(reading, &deeds[count], index);
			deeds[count].asked_by = index;
			deeds[count].taken_up = true;
			count++;
		}
		else if (count > 0)
			deeds[0].taken_up = true;
		return count;
	}
	for (int i = 0; i < count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[deeds[i].main];
		int matter = sched_llm_count_matter(reading, sentence,
											sentence->mark >= 0 ? sentence->mark : sentence->first);
		bool empty =
			sentence->subject || deeds[i].main == index || deeds[i].question || matter <= 1;

		for (int j = 0; j < found && !empty; j++)
			empty = sched_llm_share_matter(reading, sentence, &reading->sentences[quoted[j].main]);
		if (!empty)
			deeds[kept++] = deeds[i];
	}
	if (!means_several(reading, index))
	{
		for (int i = 1; i < found; i++)
			if (quoted[i].score > quoted[best].score)
				best = i;
		quoted[0] = quoted[best];
		found = 1;
	}
	for (int i = 0; i < found && kept < max; i++)
	{
		deeds[kept] = quoted[i];
		deeds[kept].taken_up = true;
		deeds[kept].asked_by = index;
		kept++;
	}
	return kept;
}

/* A request whose object stands in the quoted text ("could you send it?"). */
static int
find_empty_request(const SchedReading *reading, const SchedDeed *deeds, int count)
{
	for (int i = 0; i < count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[deeds[i].main];

		if (!sentence->subject && !deeds[i].question && sentence->mark >= 0 &&
			sched_llm_count_matter(reading, sentence, sentence->mark) == 0)
			return deeds[i].main;
	}
	return -1;
}

/* The new text itself tells what it wants. */
static bool
has_full_deed(const SchedReading *reading, const SchedDeed *deeds, int count)
{
	for (int i = 0; i < count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[deeds[i].main];

		if (!deeds[i].question && !sentence->subject &&
			sched_llm_count_matter(reading, sentence,
								   sentence->mark >= 0 ? sentence->mark : sentence->first) >= 2)
			return true;
	}
	return false;
}

/* The subject alone, where the text says nothing. */
static int
take_subject(const SchedReading *reading, SchedDeed *deeds)
{
	const SchedSentence *subject;
	bool dated = false;

	if (reading->subject < 0 || reading->is_reply || reading->is_forward)
		return 0;
	subject = &reading->sentences[reading->subject];
	for (int i = 0; i < subject->dates; i++)
		dated |= subject->date[i].strong && !subject->date[i].past;
	if (!reading->empty || subject->machine || subject->best[CUE_STOCK] < 0 ||
		subject->best[CUE_DONE] < 0 || reading->spam >= 25 || reading->promo >= 20 ||
		reading->away || reading->total[CUE_RECEIPT] >= 10)
		return 0;
	if (!dated && subject->best[CUE_WANT] <= 0 && subject->best[CUE_REPLY] <= 0)
		return 0;
	start_deed(reading, &deeds[0], reading->subject);
	deeds[0].score = TASK_LIMIT;
	return 1;
}

/* People ask after things with "I", "we" or "you", or with a question; programs do not. */
static bool
speaks_of_persons(const SchedReading *reading, const SchedSentence *sentence)
{
	static const char *const words[] = {"i",   "we",    "you",  "my", "our", "your",
										"i'm", "we're", "i've", "me", "us",  NULL};

	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
		for (const char *const *word = words; *word != NULL; word++)
			if (sched_llm_token_is(reading, &reading->tokens[i], *word))
				return true;
	return sentence->question;
}

/* All deeds of the mail, in the order of the text; returns how many. */
int
sched_llm_find_deeds(SchedReading *reading, SchedDeed *deeds, int max)
{
	int count = collect_deeds(reading, 0, deeds, max);
	int index = -1;

	count = drop_weak_deeds(reading, deeds, count);
	if (reading->spam >= 25 || reading->away)
		return count;
	if (reading->section_count > 1 && !(is_withdrawn(reading) && count == 0))
	{
		bool forwarded = reading->is_forward;

		for (int i = 1; i < reading->section_count; i++)
			forwarded |= reading->sections[i].kind == SECTION_FORWARDED;
		index = find_empty_request(reading, deeds, count);
		if (index < 0)
			index = find_strongest(reading, CUE_TAKEUP, forwarded ? TAKEUP_LIMIT : 20);
		if (index < 0 && !forwarded)
		{
			index = find_strongest(reading, CUE_CHASE,
								   has_full_deed(reading, deeds, count) ? CHASE_LIMIT + 3
																		: CHASE_LIMIT);
			reading->chased = index >= 0;
		}
	}
	else if (count == 0 && !is_withdrawn(reading) && reading->total[CUE_RECEIPT] < 14 &&
			 reading->bulk < 12)
	{
		/* A chaser without the mail it asks after: its subject says what is meant. */
		index = find_strongest(reading, CUE_CHASE, CHASE_LIMIT + 2);
		if (index >= 0 && !speaks_of_persons(reading, &reading->sentences[index]))
			index = -1;
		reading->chased = index >= 0;
	}
	if (index >= 0)
		count = take_up(reading, index, deeds, count, max);
	if (count == 0)
		count = take_subject(reading, deeds);
	return count;
}
