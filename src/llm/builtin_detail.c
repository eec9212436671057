/*
 * builtin_detail.c - what a task says: its deadline, description, place and people.
 *
 * Pure. Strings are malloc'ed and belong to the caller; NULL stands for "not told" as well as for
 * no memory.
 *
 * Runs in whatever process extracts; nothing throws. A description is cut from the mail's own
 * words, never composed: a reader must recognise the sentence it stands for. Where those words
 * do not tell what is meant, the subject or the sentence before is added in brackets.
 */
#include <stdlib.h>
#include <string.h>

#include "builtin_internal.h"

#define ONE_DAY (INT64_C(86400) * SCHED_USECS_PER_SEC)
#define ONE_MINUTE (INT64_C(60) * SCHED_USECS_PER_SEC)
#define WANTED_DESCRIPTION 150 /* bytes a description is cut to */
#define MAX_TEXT 230 /* bytes of a description with what explains it: below 240 characters */

/*
 * A plain date ("on Friday") may be the deadline of a deed, not of an answer, and not one far
 * away.
 */
static bool
may_be_deadline(const SchedDate *date, bool reply)
{
	if (date->apart || (date->past && !date->strong))
		return false;
	if (date->strong)
		return true;
	return !reply && date->when.granularity <= SCHED_GRAIN_WEEK;
}

/* Are two dates alternatives? */
static bool
joined_by_or(const SchedReading *reading, const SchedSentence *sentence, const SchedDate *a,
			 const SchedDate *b)
{
	size_t from = a->when.start + a->when.length;

	return b->when.start > from && b->when.start - from == 4 &&
		   memcmp(reading->lower + sentence->start + from, " or ", 4) == 0;
}

/* The best date of a sentence: strong before plain, future before past, else the first. */
static const SchedDate *
choose_date(const SchedReading *reading, const SchedSentence *sentence, bool reply)
{
	const SchedDate *chosen = NULL;
	int most = -1;

	for (int i = 0; i < sentence->dates; i++)
	{
		const SchedDate *date = &sentence->date[i];
		int value = (date->strong ? 4 : 0) + (date->past ? 0 : 2) + (date->when.has_date ? 1 : 0);

		/* "today or tomorrow": the later one is still in time */
		if (may_be_deadline(date, reply) && chosen == date - 1 && value == most &&
			joined_by_or(reading, sentence, chosen, date))
			chosen = date;
		if (may_be_deadline(date, reply) && value > most)
		{
			chosen = date;
			most = value;
		}
	}
	return chosen;
}

/*
 * Takes the best date of a sentence unless the deed has one that is as good. A future date
 * replaces a past one: a bill was due, and now there is a new term.
 */
static void
set_date(SchedReading *reading, SchedDeed *deed, int sentence)
{
	const SchedDate *date = choose_date(reading, &reading->sentences[sentence], deed->reply);

	if (date == NULL || (deed->date != NULL && (deed->date->strong || !date->strong) &&
						 !(deed->date->past && !date->past)))
		return;
	deed->date = date;
	deed->date_sentence = sentence;
}

/*
 * A sentence that names only a date ("I need it by Friday") dates the deed before it, else the one
 * after.
 */
static void
date_from_elsewhere(SchedReading *reading, SchedDeed *deeds, int count, int index)
{
	const SchedSentence *sentence = &reading->sentences[index];
	const SchedDate *date = choose_date(
		reading, sentence, sentence->best[CUE_DUE] < 8 && sentence->best[CUE_WANT] < 10);
	bool due = sentence->best[CUE_DUE] >= 4 || sentence->best[CUE_OBLIGE] >= 10 ||
			   sentence->best[CUE_WANT] >= 7 || sentence->best[CUE_REPLY] >= 10;
	int nearest = -1;

	if (date == NULL || sentence->machine || (sentence->question && sentence->score < 10) ||
		sentence->best[CUE_AWAY] >= 8 || sentence->footer == 2 || sentence->heading >= 0 ||
		(date->past && count > 1) || sentence->best[CUE_DONE] < -12)
		return;
	for (int i = 0; i < count; i++)
	{
		const SchedSentence *main = &reading->sentences[deeds[i].main];

		if (deeds[i].date != NULL && deeds[i].date->strong && !deeds[i].date->past)
			continue;
		if (main->section != sentence->section && !sentence->subject)
			continue;
		if (main->bullet && !sentence->subject && count > 1 && !due)
			continue;
		if (deeds[i].main < index || nearest < 0)
			nearest = i;
	}
	if (nearest < 0 || !(due || count == 1))
		return;
	/* One deadline for a whole list: every point without a date of its own gets it. */
	for (int i = 0; i < count; i++)
		if ((i == nearest ||
			 (reading->sentences[deeds[i].main].bullet &&
			  reading->sentences[deeds[i].main].section == sentence->section && due)) &&
			(deeds[i].date == NULL || deeds[i].date->past ||
			 (!deeds[i].date->strong && !reading->sentences[deeds[i].main].bullet)))
		{
			deeds[i].date = date;
			deeds[i].date_sentence = index;
		}
}

/* Does the sentence already belong to a deed? Then its dates were looked at. */
static bool
is_member(const SchedDeed *deeds, int count, int index)
{
	for (int i = 0; i < count; i++)
	{
		if (deeds[i].main == index)
			return true;
		for (int j = 0; j < deeds[i].member_count; j++)
			if (deeds[i].members[j] == index)
				return true;
	}
	return false;
}

/*
 * For a deed of quoted text: what the sender says of his own plans ("I am away until Monday")
 * sets no date.
 */
static void
date_from_new_text(SchedReading *reading, SchedDeed *deed)
{
	/* Who hands a matter on may set a date of his own. */
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];
		const SchedDate *date = choose_date(reading, sentence, true);

		if (i != deed->asked_by && sentence->score < 10 &&
			(sentence->best[CUE_SELF] < 0 || sentence->best[CUE_AWAY] > 0))
			continue;
		if (sentence->section == 0 && !sentence->subject && !sentence->machine && date != NULL &&
			!date->past && sentence->footer < 2)
		{
			deed->date = date;
			deed->date_sentence = i;
		}
	}
}

/* Where the date begins in flow. */
static size_t
sentence_offset(const SchedSentence *sentence, const SchedDate *date)
{
	return sentence->start + date->when.start;
}

/* "by then", "before that": the date named just before. */
static void
date_from_before(SchedReading *reading, SchedDeed *deed)
{
	const SchedSentence *main = &reading->sentences[deed->main];
	int end = main->first + main->count;

	for (int i = main->first; i + 1 < end; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		if (!(token->classes & WORD_DEADLINE) || !(sched_llm_token_is(reading, token + 1, "then") ||
												   sched_llm_token_is(reading, token + 1, "that")))
			continue;
		for (int back = 0; back < 4 && deed->main - back >= 0; back++)
		{
			const SchedSentence *other = main - back;

			for (int j = 0; j < other->dates && other->section == main->section; j++)
				if (!other->date[j].past && other->date[j].when.granularity <= SCHED_GRAIN_DAY &&
					(back > 0 || sentence_offset(other, &other->date[j]) < token->start))
				{
					deed->date = &other->date[j];
					deed->date_sentence = deed->main - back;
					deed->before_date = sched_llm_token_is(reading, token, "before");
					return;
				}
		}
	}
}

/* The forwarded text tells by when, where the new text tells only what. */
static void
date_from_forwarded(SchedReading *reading, SchedDeed *deed)
{
	for (int i = 0; i < reading->sentence_count && deed->date == NULL; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->section > 0 &&
			reading->sections[sentence->section].kind == SECTION_FORWARDED &&
			(sentence->score >= 10 || sentence->best[CUE_DUE] >= 6))
			set_date(reading, deed, i);
	}
}

/* "Bring it along": on the one day that the mail speaks of. */
static void
date_from_event(SchedReading *reading, SchedDeed *deed)
{
	static const char *const verbs[] = {"bring",  "wear",   "pack",  "arrive", "come",
										"carry",  "clear",  "move",  "remove", "secure",
										"empty",  "unlock", "park",  "lock",   "prepare",
										"ensure", "allow",  "grant", NULL};
	const SchedSentence *main = &reading->sentences[deed->main];
	const SchedDate *only = NULL;
	int at = -1;
	bool fits = false;

	for (const char *const *verb = verbs; main->mark >= 0 && *verb != NULL; verb++)
		fits |= sched_llm_token_is(reading, &reading->tokens[main->mark], *verb);
	/* "The crates come on Thursday. Could you receive them?" */
	fits |= main->mark >= 0 && deed->main > 0 && (main - 1)->block == main->block &&
			(main - 1)->dates == 1 && sched_llm_has_pronoun_object(reading, main);
	for (int i = 0; i < reading->sentence_count && fits; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		for (int j = 0; j < sentence->dates && sentence->section == main->section; j++)
		{
			const SchedDate *date = &sentence->date[j];

			if (date->past || !date->when.has_date || date->when.granularity > SCHED_GRAIN_DAY)
				continue;
			if (only != NULL)
				return;
			only = date;
			at = i;
		}
	}
	if (only != NULL)
	{
		deed->date = only;
		deed->date_sentence = at;
	}
}

/* Finds a date for every deed: own sentences, heading, subject, sentences that only name a date. */
void
sched_llm_date_deeds(SchedReading *reading, SchedDeed *deeds, int count)
{
	for (int i = 0; i < count; i++)
	{
		SchedDeed *deed = &deeds[i];
		const SchedSentence *main = &reading->sentences[deed->main];

		set_date(reading, deed, deed->main);
		for (int j = 0; j < deed->member_count; j++)
			set_date(reading, deed, deed->members[j]);
		for (int j = deed->main + 1; main->bullet && j < reading->sentence_count &&
									 reading->sentences[j].block == main->block;
			 j++)
			set_date(reading, deed, j);
		if (deed->date == NULL && main->heading >= 0)
			set_date(reading, deed, main->heading);
		if (deed->taken_up && deed->asked_by >= 0)
			date_from_new_text(reading, deed);
		if (deed->date == NULL || !deed->date->strong)
			date_from_before(reading, deed);
		if (deed->date == NULL && main->section == 0)
			date_from_forwarded(reading, deed);
		if (deed->date == NULL)
			date_from_event(reading, deed);
	}
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->dates > 0 && !sentence->subject && !is_member(deeds, count, i))
			date_from_elsewhere(reading, deeds, count, i);
	}
	if (reading->subject >= 0 && count == 1)
		for (int i = 0; i < reading->sentence_count && reading->sentences[i].subject; i++)
			if (reading->sentences[i].dates > 0 && deeds[0].date == NULL)
				set_date(reading, &deeds[0], i);
}

/* A clock time without a day ("by 3 pm") and the day that the same sentence names. */
static bool
combine_time(const SchedReading *reading, const SchedSentence *sentence, const SchedDate *date,
			 const SchedSentence *other, SchedInstant *deadline)
{
	const SchedZone *zone = &reading->context->zone;

	for (int i = 0; i < other->dates; i++)
	{
		const SchedDate *day = &other->date[i];
		SchedCivil civil;
		SchedCivil clock;

		if (day == date || !day->when.has_date || day->when.has_time || day->apart || day->past ||
			day->when.granularity != SCHED_GRAIN_DAY)
			continue;
		zone->to_civil(zone->data, day->when.lower, &civil);
		zone->to_civil(zone->data,
					   date->when.kind == SCHED_WHEN_DEADLINE ? date->when.upper : date->when.lower,
					   &clock);
		civil.hour = clock.hour;
		civil.minute = clock.minute;
		civil.second = 0;
		*deadline = zone->to_instant(zone->data, &civil);
		return true;
	}
	return false;
}

/*
 * "by 3 pm": of the day named in this sentence, just before in the paragraph, in the heading or
 * the subject.
 */
static bool
complete_time(const SchedReading *reading, const SchedDeed *deed, SchedInstant *deadline)
{
	const SchedSentence *sentence = &reading->sentences[deed->date_sentence];

	for (int back = 0; back < 3 && deed->date_sentence - back >= 0; back++)
		if ((sentence - back)->block == sentence->block &&
			combine_time(reading, sentence, deed->date, sentence - back, deadline))
			return true;
	if (sentence->heading >= 0 && combine_time(reading, sentence, deed->date,
											   &reading->sentences[sentence->heading], deadline))
		return true;
	return reading->subject >= 0 && combine_time(reading, sentence, deed->date,
												 &reading->sentences[reading->subject], deadline);
}

/* "the end of the week", "EOW": in a mail that is Friday. */
static bool
says_end_of_week(const SchedReading *reading, const SchedSentence *sentence, const SchedWhen *when)
{
	static const char *const words[] = {"end", "eow", "close", NULL};

	if (when->granularity != SCHED_GRAIN_WEEK)
		return false;
	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		if (token->start + 8 < sentence->start + when->start ||
			token->start >= sentence->start + when->start + when->length)
			continue;
		for (const char *const *word = words; *word != NULL; word++)
			if (sched_llm_token_is(reading, token, *word))
				return true;
	}
	return false;
}

/* "before Friday" means the moment Friday begins; "by Friday" its last minute. */
static bool
says_before(const SchedReading *reading, const SchedSentence *sentence, const SchedDate *date)
{
	size_t start = sentence->start + date->when.start;
	const SchedToken *last = NULL;

	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
	{
		const SchedToken *token = &reading->tokens[i];

		if (token->start > start)
			break;
		last = token->start < start || sched_llm_token_is(reading, token, "before") ? token : last;
	}
	return last != NULL && sched_llm_token_is(reading, last, "before");
}

/*
 * The moment a deed is due, as an instant. A day without an hour ends one minute before
 * midnight, so that it is shown as that day; false where there is no date.
 */
bool
sched_llm_find_deadline(const SchedReading *reading, const SchedDeed *deed, SchedInstant *deadline)
{
	const SchedSentence *sentence;
	const SchedWhen *when;

	if (deed->date == NULL)
		return false;
	sentence = &reading->sentences[deed->date_sentence];
	when = &deed->date->when;
	if (when->has_time && !when->has_date && complete_time(reading, deed, deadline))
		return true;
	*deadline = when->kind == SCHED_WHEN_INSTANT && when->has_time ? when->lower : when->upper;
	if (says_end_of_week(reading, sentence, when))
	{
		*deadline -= 2 * ONE_DAY + ONE_MINUTE;
		return true;
	}
	if (deed->before_date)
	{
		*deadline = when->lower;
		return true;
	}
	if (!when->has_time && when->granularity >= SCHED_GRAIN_DAY &&
		!says_before(reading, sentence, deed->date))
		*deadline -= ONE_MINUTE;
	return true;
}

/* Cuts at the end of a word, never inside a character. */
static size_t
cut_text(const char *text, size_t length, size_t room)
{
	size_t at = room;

	if (length <= room)
		return length;
	while (at > room / 2 && text[at] != ' ')
		at--;
	if (at <= room / 2)
		for (at = room; at > 0 && ((unsigned char) text[at] & 0xc0) == 0x80;)
			at--;
	return at;
}

/* Without the punctuation that a cut leaves behind. */
static size_t
trim_tail(const char *text, size_t length)
{
	while (length > 0 && strchr(" .,;:!?-(", text[length - 1]) != NULL)
		length--;
	return length;
}

/*
 * Where the deed's words end: without the deadline at the tail and what leads to it, without
 * "please", "thanks".
 */
static uint32_t
find_tail(const SchedReading *reading, const SchedSentence *sentence, int from)
{
	static const char *const idle[] = {"please", "and",   "then", "pls",    "thanks",
									   "thx",    "thank", "you",  "kindly", "cheers",
									   "x",      "xx",    "ta",   "plz",    NULL};
	static const char *const leads[] = {"by",  "before", "until",  "till", "on",    "at",
										"for", "due",    "latest", "no",   "later", "than",
										"the", "to",     "in",     "is",   NULL};
	int last = sentence->first + sentence->count - 1;
	bool moved = true;
	bool dated = false;

	while (moved && last > from + 1)
	{
		const SchedToken *token = &reading->tokens[last];

		moved = false;
		if (token->kind != 'w' && token->kind != 'n')
			moved = token->kind != ')' && token->kind != '%' && token->kind != '"';
		for (const char *const *word = idle; *word != NULL && !moved; word++)
			moved = sched_llm_token_is(reading, token, *word) &&
					(strcmp(*word, "you") != 0 || sched_llm_token_is(reading, token - 1, "thank"));
		for (int i = 0; i < sentence->dates && !moved; i++)
		{
			size_t start = sentence->start + sentence->date[i].when.start;

			if (sentence->date[i].strong && token->start >= start &&
				token->start < start + sentence->date[i].when.length)
				moved = dated = true;
		}
		for (const char *const *word = leads; dated && *word != NULL && !moved; word++)
			moved = sched_llm_token_is(reading, token, *word);
		if (moved)
			last--;
	}
	return reading->tokens[last].start + reading->tokens[last].length;
}

typedef struct Text
{
	char text[MAX_TEXT + 8];
	size_t length;
} Text;

/* Appends up to a total of room bytes, cut at a word. */
static void
add_text(Text *target, const char *text, size_t length, size_t room)
{
	if (room > MAX_TEXT)
		room = MAX_TEXT;
	if (target->length >= room)
		return;
	length = cut_text(text, length, room - target->length);
	memcpy(target->text + target->length, text, length);
	target->length += length;
}

/* Adds words that explain the deed, in brackets. */
static void
add_note(Text *target, const char *text, size_t length)
{
	length = trim_tail(text, length);
	if (length < 2 || target->length + 12 > MAX_TEXT)
		return;
	add_text(target, " (", 2, MAX_TEXT);
	add_text(target, text, length, MAX_TEXT - 1);
	target->length = trim_tail(target->text, target->length);
	add_text(target, ")", 1, MAX_TEXT);
}

/* The sentence's words from a token on, without the tail that find_tail() takes off. */
static void
add_sentence(const SchedReading *reading, const SchedSentence *sentence, int from, Text *target,
			 size_t room)
{
	uint32_t start = from >= 0 ? reading->tokens[from].start : sentence->start;
	uint32_t end = find_tail(reading, sentence, from >= 0 ? from : sentence->first);

	if (end <= start)
		end = sentence->start + sentence->length;
	add_text(target, reading->flow + start, end - start, room);
}

/* The nouns under "please send me:" belong into the description. */
static void
add_bullets(const SchedReading *reading, const SchedDeed *deed, Text *target)
{
	bool first = true;

	for (int i = deed->main + 1; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->heading != deed->main || target->length + 10 > MAX_TEXT)
			continue;
		add_text(target, first ? ": " : ", ", 2, MAX_TEXT);
		add_text(target, reading->flow + sentence->start,
				 trim_tail(reading->flow + sentence->start, sentence->length), MAX_TEXT);
		first = false;
	}
}

/* Where the description begins: at the deed, else at the sentence's own words. */
static int
find_head(const SchedReading *reading, const SchedDeed *deed)
{
	const SchedSentence *sentence = &reading->sentences[deed->main];

	if (sentence->mark >= 0 && (sentence->verb_led || sentence->best[CUE_OBLIGE] < 14) &&
		!deed->question)
	{
		/* An obligation told of a thing ("the form must be returned") keeps the thing. */
		if (!sentence->verb_led && sentence->best[CUE_ASK] < 14)
			return sentence->core;
		/* "The vase arrived broken, could you send it back": the object stands before the deed. */
		if (sched_llm_has_pronoun_object(reading, sentence) && sentence->mark > sentence->core &&
			sched_llm_count_matter(reading, sentence, sentence->core) >
				sched_llm_count_matter(reading, sentence, sentence->mark) + 1)
			return sentence->core;
		return sentence->mark;
	}
	return sentence->core;
}

/*
 * The sentence before, where the deed's object stands ("We'd love our ladder back. Could you drop
 * it round?").
 */
static const SchedSentence *
find_antecedent(const SchedReading *reading, const SchedDeed *deed)
{
	const SchedSentence *main = &reading->sentences[deed->main];
	const SchedSentence *before = deed->main > 0 ? main - 1 : NULL;

	/* A duty told first explains the request it leads to. */
	for (int i = 0; i < deed->member_count; i++)
		if (deed->members[i] < deed->main &&
			reading->sentences[deed->members[i]].section == main->section &&
			!reading->sentences[deed->members[i]].subject)
			return &reading->sentences[deed->members[i]];
	if (before == NULL || (main->bullet && before->block != main->block) ||
		before->section != main->section || before->subject || before->machine ||
		before->footer > 0 || sched_llm_count_matter(reading, before, before->first) < 2)
		return NULL;
	return before;
}

/* Is the explaining sentence one that belongs to the deed? Then it is shown in any case. */
static bool
is_told_first(const SchedDeed *deed, const SchedSentence *before, const SchedReading *reading)
{
	for (int i = 0; i < deed->member_count; i++)
		if (before == &reading->sentences[deed->members[i]])
			return true;
	return false;
}

/* Has the subject words of matter at all? "Hi" and "quick question" have none. */
static bool
title_says_more(const SchedReading *reading, const SchedDeed *deed)
{
	const SchedSentence *subject;

	if (reading->subject < 0 || reading->sentences[deed->main].subject)
		return false;
	subject = &reading->sentences[reading->subject];
	return !subject->machine && sched_llm_count_matter(reading, subject, subject->first) > 0;
}

/* A short text that tells what is to be done; malloc'ed, NULL without memory. */
char *
sched_llm_describe_deed(const SchedReading *reading, const SchedDeed *deed, int deed_count)
{
	const SchedSentence *sentence = &reading->sentences[deed->main];
	const SchedSentence *before = find_antecedent(reading, deed);
	Text text = {{0}, 0};
	int head = find_head(reading, deed);
	int matter = sched_llm_count_matter(reading, sentence, head);
	char *result;

	if (deed->reply || deed->question)
		add_text(&text, "Reply: ", 7, MAX_TEXT);
	add_sentence(reading, sentence, head, &text, WANTED_DESCRIPTION);
	text.length = trim_tail(text.text, text.length);
	if (sentence->colon)
		add_bullets(reading, deed, &text);
	text.length = trim_tail(text.text, text.length);
	/* Too little to know what is meant: the subject tells, or the sentence before. */
	if (title_says_more(reading, deed) &&
		(matter <= (deed_count == 1 ? 3 : 1) ||
		 (deed_count == 1 &&
		  !sched_llm_share_matter(reading, sentence, &reading->sentences[reading->subject]))))
		add_note(&text, reading->title, strlen(reading->title));
	if ((matter <= 2 || is_told_first(deed, before, reading) ||
		 (head == sentence->mark && sched_llm_has_pronoun_object(reading, sentence))) &&
		before != NULL && text.length < WANTED_DESCRIPTION)
		add_note(
			&text, reading->flow + before->start,
			cut_text(reading->flow + before->start, before->length, MAX_TEXT - 4 - text.length));
	else if (matter <= 1 && sentence->heading >= 0 &&
			 sched_llm_count_matter(reading, &reading->sentences[sentence->heading],
									reading->sentences[sentence->heading].first) > 0)
		add_note(&text, reading->flow + reading->sentences[sentence->heading].start,
				 reading->sentences[sentence->heading].length);
	if (text.length == 0)
		add_text(&text, sentence->subject ? reading->title : "Reply",
				 sentence->subject ? strlen(reading->title) : 5, MAX_TEXT);
	if (text.text[0] >= 'a' && text.text[0] <= 'z')
		text.text[0] = (char) (text.text[0] - 32);
	result = malloc(text.length + 1);
	if (result != NULL)
	{
		memcpy(result, text.text, text.length);
		result[text.length] = '\0';
	}
	return result;
}

/*
 * A copy of flow[start, end) without its last punctuation; NULL for what is too long to be a
 * place.
 */
static char *
copy_range(const SchedReading *reading, uint32_t start, uint32_t end)
{
	size_t length = trim_tail(reading->flow + start, end - start);
	char *result = length > 0 && length < 120 ? malloc(length + 1) : NULL;

	if (result != NULL)
	{
		memcpy(result, reading->flow + start, length);
		result[length] = '\0';
	}
	return result;
}

/* Is the token one of the words? */
static bool
token_in(const SchedReading *reading, const SchedToken *token, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sched_llm_token_is(reading, token, *words))
			return true;
	return false;
}

/* "at the town hall", "in Room 4", "Where: ...". */
char *
sched_llm_find_location(const SchedReading *reading, const SchedSentence *sentence)
{
	static const char *const labels[] = {"where",   "location", "venue", "place",
										 "address", "room",     NULL};
	static const char *const places[] = {
		"room",     "office",  "hut",       "hall",       "school",    "library",   "church",
		"house",    "pub",     "cafe",      "station",    "gate",      "building",  "floor",
		"kitchen",  "garage",  "reception", "lobby",      "clubhouse", "gym",       "park",
		"branch",   "desk",    "site",      "workshop",   "studio",    "clinic",    "surgery",
		"hospital", "theatre", "museum",    "restaurant", "depot",     "warehouse", "yard",
		"shop",     "centre",  "center",    "bar",        NULL};
	int end = sentence->first + sentence->count;

	if (sentence->count > 2 && reading->tokens[sentence->first + 1].kind == ':' &&
		token_in(reading, &reading->tokens[sentence->first], labels))
		return copy_range(reading, reading->tokens[sentence->first + 2].start,
						  sentence->start + sentence->length);
	/* "Room 12" on a line of its own */
	if (sentence->count <= 3 && token_in(reading, &reading->tokens[sentence->first], places))
		return copy_range(reading, sentence->start, sentence->start + sentence->length);
	for (int i = sentence->first; i < end - 1; i++)
	{
		const SchedToken *token = &reading->tokens[i];
		int to = i + 1;
		bool place = false;

		if (!sched_llm_token_is(reading, token, "at") &&
			!sched_llm_token_is(reading, token, "in") && token->kind != '@')
			continue;
		if (reading->tokens[to].classes & WORD_DETERMINER)
			to++;
		for (int j = to; j < end && j < to + 5; j++)
		{
			const SchedToken *next = &reading->tokens[j];
			bool proper = next->kind == 'w' && next->capital && !(next->classes & WORD_DAY);

			if (token_in(reading, next, places) || (proper && j == to))
				place = true;
			if (next->kind == 'n' && !place)
				break;
			if (!proper && next->kind != 'n' && !token_in(reading, next, places))
			{
				/* one plain word may stand before the noun: "the town hall" */
				if (j > to || j + 1 >= end || !token_in(reading, &reading->tokens[j + 1], places))
				{
					to = j;
					break;
				}
			}
			if (j == end - 1 || j == to + 4)
				to = j + 1;
		}
		if (place && to > i + 1)
			return copy_range(reading, reading->tokens[i + 1].start,
							  reading->tokens[to - 1].start + reading->tokens[to - 1].length);
	}
	return NULL;
}

/* "with Ann and Bob": one name per line. */
char *
sched_llm_find_attendees(const SchedReading *reading, const SchedSentence *sentence)
{
	int end = sentence->first + sentence->count;
	Text text = {{0}, 0};
	char *result;

	for (int i = sentence->first; i < end - 1; i++)
	{
		if (!sched_llm_token_is(reading, &reading->tokens[i], "with"))
			continue;
		for (int j = i + 1; j < end && text.length < 150; j++)
		{
			const SchedToken *token = &reading->tokens[j];

			if (token->kind == ',' || sched_llm_token_is(reading, token, "and"))
				continue;
			if (token->kind != 'w' || !token->capital || (token->classes & (WORD_DAY | WORD_STOP)))
				break;
			if (text.length > 0)
				add_text(&text, j > 0 && reading->tokens[j - 1].capital ? " " : "\n", 1, MAX_TEXT);
			add_text(&text, reading->flow + token->start, token->length, MAX_TEXT);
		}
		break;
	}
	result = text.length > 0 ? malloc(text.length + 1) : NULL;
	if (result != NULL)
	{
		memcpy(result, text.text, text.length);
		result[text.length] = '\0';
	}
	return result;
}
