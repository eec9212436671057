/*
 * builtin_score.c - how likely each sentence asks something of the reader.
 *
 * Pure. A linear model with a small table of weights in tenths: the cues of the phrases (their
 * weights stand in builtin_phrases.c) plus the features below; 10 and more makes a task.
 * src/llm/README.md tells the reasons.
 */
#include <string.h>

#include "builtin_internal.h"

enum
{
	WEIGHT_IMPERATIVE = 20,      /* the main clause begins with a verb one can do */
	WEIGHT_IDLE_IMPERATIVE = 7,  /* ... with one that mostly asks for nothing */
	WEIGHT_SECOND_CUE = 3,       /* a second kind of request in the sentence */
	WEIGHT_STRONG_DATE = 5,      /* a deadline stands in the sentence */
	WEIGHT_DATE = 2,             /* a date does */
	WEIGHT_LISTED = 15,          /* a bullet under "to do:" */
	WEIGHT_LISTED_ELSE = -22,    /* a bullet under "agenda:" */
	WEIGHT_BEHIND_CLOSING = -12, /* after "Kind regards" */
	WEIGHT_IN_SIGNATURE = -40,
	WEIGHT_TICKED = -40,
	WEIGHT_OTHER_PERSON = -30, /* addressed to another by name */
	WEIGHT_BULK = -16,         /* in a mail sent to many, where nothing says "you must" */
	WEIGHT_BULK_ASK = -12,
	WEIGHT_PROMO = -24,
	WEIGHT_SPAM = -60,
	WEIGHT_AWAY = -40,
	WEIGHT_NOTICE = -7,    /* in a receipt or a dispatch notice */
	WEIGHT_ROBOT = -12,    /* an imperative without "please" or date from a no-reply address */
	WEIGHT_LIST_MAIL = -8, /* a question put to a mailing list */
	WEIGHT_FAR_COURTESY =
		4 /* tenths of a negative cue that count when it stands far from the deed */
};

/* Two words further than this from the deed, a phrase of courtesy belongs to another clause. */
#define NEAR_TOKENS 7

/* Is the token one of the words? */
static bool
word_in(const SchedReading *reading, int token, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sched_llm_token_is(reading, &reading->tokens[token], *words))
			return true;
	return false;
}

/* "order" at the front is a request in "order more gels" and a thing in "order confirmation". */
static bool
reads_as_verb(const SchedReading *reading, const SchedSentence *sentence, int at)
{
	static const char *const objects[] = {
		"me",    "us",   "him",     "her",  "them",  "it",   "everyone", "all",  "back",  "up",
		"out",   "in",   "off",     "down", "over",  "away", "through",  "with", "into",  "for",
		"as",    "if",   "whether", "that", "how",   "what", "which",    "when", "where", "new",
		"extra", "once", "mum",     "dad",  "again", "asap", NULL};
	static const char *const auxiliaries[] = {"will",   "is",    "are",   "was", "were",
											  "can",    "has",   "have",  "may", "must",
											  "should", "would", "shall", NULL};
	const SchedToken *next = &reading->tokens[at + 1];
	int end = sentence->first + sentence->count;

	/*
	 * "Bake sale", "Review request": in a subject with a text below it, two bare words are a name.
	 */
	if (sentence->subject && !reading->empty && at + 1 < end && next->kind == 'w' &&
		!(next->classes & (WORD_DETERMINER | WORD_PRONOUN | WORD_PARTICLE | WORD_STOP)))
		return false;
	if (!(reading->tokens[at].classes & WORD_NOUNISH))
		return true;
	if (at + 1 >= end)
		return sentence->bullet;
	if (next->classes & (WORD_DETERMINER | WORD_PRONOUN))
		return true;
	/* "Wire instructions will follow": a verb behind it makes a subject of both words. */
	if (at + 2 < end && next->kind == 'w' && word_in(reading, at + 2, auxiliaries))
		return false;
	if (word_in(reading, at + 1, objects))
		return !sentence->subject;
	if (next->classes & WORD_SUBJECTNOUN)
		return false;
	if (next->kind == ':' || next->kind == ',' || next->kind == '-' || next->kind == '(' ||
		next->kind == '.')
		return false;
	if (next->capital && next->kind == 'w')
		return !sentence->subject || !reading->tokens[end - 1].capital;
	if (next->kind == 'n')
		return sentence->bullet && next->length < 3;
	/* "water plants", "book train": an indefinite object; only lists are that terse. */
	if (sentence->bullet && next->kind == 'w' && !(next->classes & (WORD_STOP | WORD_PARTICIPLE)))
		return !(next->length > 3 &&
				 memcmp(reading->lower + next->start + next->length - 2, "ed", 2) == 0);
	return next->kind == 'w' && next->length > 4 && !(next->classes & (WORD_STOP | WORD_VERB)) &&
		   reading->lower[next->start + next->length - 1] == 's';
}

/*
 * "The office is slow, so renew it": an imperative behind "so", a dash or a colon; the sentence's
 * end if none.
 */
static int
find_late_clause(const SchedReading *reading, const SchedSentence *sentence)
{
	int end = sentence->first + sentence->count;

	for (int i = sentence->core + 1; i + 2 < end; i++)
	{
		const SchedToken *token = &reading->tokens[i];
		const SchedToken *next = token + 1;
		bool opens = token->kind == ':' || token->kind == '-' ||
					 (sched_llm_token_is(reading, token, "so") && (token - 1)->kind == ',');

		while (opens && next < reading->tokens + end - 2 &&
			   (next->classes & (WORD_PLEASE | WORD_FILLER | WORD_CONNECTOR)) &&
			   !(next->classes & WORD_VERB))
			next++;
		if (opens && (next->classes & (WORD_VERB | WORD_NOUNISH)) == WORD_VERB)
			return (int) (next - reading->tokens);
	}
	return end;
}

/* The weight of an imperative at the front of the main clause; sets mark. */
static int
weigh_imperative(const SchedReading *reading, SchedSentence *sentence, int strongest)
{
	int end = sentence->first + sentence->count;
	int starts[3] = {sentence->core, sentence->clause, find_late_clause(reading, sentence)};

	for (int i = 0; i < 3; i++)
	{
		int at = starts[i];
		const SchedToken *token = &reading->tokens[at];
		bool idle;

		if (at >= end || !(token->classes & WORD_VERB) || !reads_as_verb(reading, sentence, at))
			continue;
		if (at + 1 < end && (sched_llm_token_is(reading, &reading->tokens[at + 1], "?") ||
							 sched_llm_token_is(reading, &reading->tokens[at + 1], ":")))
			continue;
		idle = (token->classes & WORD_IDLE) != 0;
		if (sentence->mark < 0 || strongest < WEIGHT_IMPERATIVE)
		{
			sentence->mark = at;
			sentence->verb_led = true;
		}
		return idle || sentence->question ? WEIGHT_IDLE_IMPERATIVE : WEIGHT_IMPERATIVE;
	}
	return 0;
}

/* What a negative cue takes away: less where it stands far from the deed. */
static int
weigh_negative(const SchedSentence *sentence, SchedCue cue)
{
	int weight = sentence->best[cue];
	int distance;

	if (weight >= 0)
		return 0;
	if (sentence->mark < 0)
		return weight;
	distance = sentence->where[cue] - sentence->mark;
	if (distance > NEAR_TOKENS || distance < -NEAR_TOKENS)
		return weight * WEIGHT_FAR_COURTESY / 10;
	return weight;
}

/* The larger one. */
static int
max_of(int a, int b)
{
	return a > b ? a : b;
}

/* Everything that asks, as one number. */
static int
weigh_requests(const SchedReading *reading, SchedSentence *sentence)
{
	const short *best = sentence->best;
	int ask = max_of(best[CUE_ASK], 0);
	int oblige = best[CUE_OBLIGE];
	int reply = max_of(best[CUE_REPLY], 0);
	int question = sentence->question ? max_of(best[CUE_QUESTION], 0) : 0;
	int strongest = max_of(max_of(ask, oblige), max_of(reply, question));
	int imperative = weigh_imperative(reading, sentence, strongest);
	int kinds;

	strongest = max_of(strongest, imperative);
	kinds = (ask >= 10) + (oblige >= 10) + (reply >= 10) + (imperative >= 10);
	if (best[CUE_WANT] > 0)
	{
		strongest = max_of(strongest, best[CUE_WANT]);
		kinds++;
	}
	if (kinds > 1)
		strongest += WEIGHT_SECOND_CUE;
	if (oblige < 0)
		strongest += oblige;
	return strongest;
}

/*
 * Where it stands: in a list of duties or of news, behind the signature, ticked off, or
 * addressed to another.
 */
static int
weigh_place(const SchedReading *reading, const SchedSentence *sentence)
{
	int weight = 0;

	if (sentence->named)
		weight += WEIGHT_LISTED;
	else if (sentence->bullet && sentence->heading >= 0)
	{
		const short *head = reading->sentences[sentence->heading].best;

		if (head[CUE_LIST_HEAD] > head[CUE_OTHER_HEAD])
			weight += WEIGHT_LISTED;
		else if (head[CUE_OTHER_HEAD] > 0)
			weight += WEIGHT_LISTED_ELSE;
	}
	if (sentence->footer > 0)
		weight += sentence->footer == 1 ? WEIGHT_BEHIND_CLOSING : WEIGHT_IN_SIGNATURE;
	if (sentence->ticked)
		weight += WEIGHT_TICKED;
	if (sentence->other_person)
		weight += WEIGHT_OTHER_PERSON;
	return weight;
}

/* Who names a deadline expects something; a mere date says less. */
static int
weigh_dates(const SchedSentence *sentence)
{
	int weight = 0;

	for (int i = 0; i < sentence->dates; i++)
		if (sentence->date[i].strong)
			weight = WEIGHT_STRONG_DATE;
		else if (weight == 0 && !sentence->date[i].past && !sentence->date[i].apart)
			weight = WEIGHT_DATE;
	return weight;
}

/* What the whole mail is takes away from each of its sentences. */
static int
weigh_surroundings(const SchedReading *reading, const SchedSentence *sentence)
{
	const short *best = sentence->best;
	bool firm = best[CUE_ASK] >= 20 || best[CUE_OBLIGE] >= 16 || best[CUE_REPLY] >= 20;
	int weight = 0;

	if (reading->bulk >= 16)
		weight += firm ? WEIGHT_BULK_ASK : WEIGHT_BULK;
	if (reading->promo >= 20)
		weight += WEIGHT_PROMO;
	if (reading->spam >= 25)
		weight += WEIGHT_SPAM;
	if (reading->away)
		weight += WEIGHT_AWAY;
	if (reading->total[CUE_RECEIPT] >= 14 && best[CUE_ASK] < 20 && best[CUE_OBLIGE] < 20)
		weight += WEIGHT_NOTICE;
	if (reading->robot && best[CUE_ASK] < 20 && best[CUE_OBLIGE] < 10 && best[CUE_REPLY] < 14 &&
		weigh_dates(sentence) < WEIGHT_STRONG_DATE)
		weight += WEIGHT_ROBOT;
	if (reading->list_subject && best[CUE_ASK] < 20)
		weight += WEIGHT_LIST_MAIL;
	if (reading->total[CUE_NO_ACTION] < 0 && !firm)
		weight += reading->total[CUE_NO_ACTION] / 2 - 6;
	return weight;
}

/*
 * The sum of all weights. Offers count half where a deadline is set, and what the sender says
 * of himself only where nothing is asked outright or where it stands close before the need.
 */
static void
judge_sentence(SchedReading *reading, SchedSentence *sentence)
{
	int score = weigh_requests(reading, sentence);
	int place = weigh_place(reading, sentence);

	int offer = weigh_negative(sentence, CUE_OFFER);

	/* The subject of an answer is an old one. */
	if (sentence->machine || (sentence->subject && (reading->is_reply || reading->is_forward)))
	{
		sentence->score = -99;
		return;
	}
	if (score > 0)
		score += weigh_dates(sentence);
	/* "If you are happy with it, sign by Friday": who sets a date expects the deed. */
	if (weigh_dates(sentence) == WEIGHT_STRONG_DATE)
		offer /= 2;
	score += place + offer;
	score += weigh_negative(sentence, CUE_STOCK) + weigh_negative(sentence, CUE_DONE);
	if (sentence->best[CUE_ASK] < 20)
		score += weigh_negative(sentence, CUE_SMALLTALK);
	else if (sentence->best[CUE_SMALLTALK] <= -40)
		score += sentence->best[CUE_SMALLTALK];
	if (sentence->best[CUE_ASK] < 14 && sentence->best[CUE_REPLY] < 14)
	{
		/* "I need it so I can send it on": what the sender does with it comes after. */
		int need = sentence->best[CUE_OBLIGE] >= sentence->best[CUE_WANT]
					   ? sentence->where[CUE_OBLIGE]
					   : sentence->where[CUE_WANT];
		bool needs = sentence->best[CUE_OBLIGE] > 0 || sentence->best[CUE_WANT] > 0;

		if (sentence->verb_led && sentence->mark > need)
		{
			need = sentence->mark;
			needs = true;
		}

		if (!needs ||
			(sentence->where[CUE_SELF] <= need && need - sentence->where[CUE_SELF] < NEAR_TOKENS))
			score += weigh_negative(sentence, CUE_SELF);
		if (!needs || sentence->where[CUE_OTHERS] <= need)
			score += weigh_negative(sentence, CUE_OTHERS);
	}
	if (sentence->section == 0)
		score += weigh_surroundings(reading, sentence);
	sentence->score = score;
}

/* The words just before a phrase tell whether it is a deadline or belongs to something else. */
static void
judge_date(const SchedReading *reading, const SchedSentence *sentence, SchedDate *date)
{
	static const char *const speakers[] = {"i",  "i'm", "i'll", "we",   "we're", "we'll",
										   "he", "she", "they", "it's", NULL};
	size_t start = sentence->start + date->when.start;
	int before = -1;

	date->strong = date->when.kind == SCHED_WHEN_DEADLINE;
	date->apart = false;
	date->past = date->when.upper <= reading->context->reference;
	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
	{
		if (reading->tokens[i].start >= start)
		{
			date->strong |= (reading->tokens[i].classes & WORD_DEADLINE) != 0;
			break;
		}
		before = i;
	}
	for (int back = 0; back < 3 && before - back >= sentence->first; back++)
	{
		const SchedToken *token = &reading->tokens[before - back];

		if (token->classes & WORD_DEADLINE)
			date->strong = true;
		if (back == 0 && (token->classes & WORD_APART) && date->when.kind != SCHED_WHEN_DEADLINE)
			date->apart = true;
		if (token->kind == ',' || token->kind == '.')
			break;
	}
	/* ", I am away until Monday": the date belongs to what the sender says of himself. */
	for (int i = before; i > sentence->first; i--)
		if (word_in(reading, i, speakers) && strchr(",-;(", reading->tokens[i - 1].kind) != NULL)
		{
			date->apart = true;
			date->strong = false;
		}
	if (date->apart && date->strong)
		date->strong = date->when.kind == SCHED_WHEN_DEADLINE && date->strong;
}

/*
 * A bare weekday that is today ("by Monday", written on a Monday) is the next one in a mail: who
 * means today says so.
 */
static void
move_weekday(const SchedWhenContext *context, const SchedSentence *sentence,
			 const SchedReading *reading, SchedWhen *when)
{
	static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
									   "friday", "saturday", "sunday",    NULL};
	const char *text = reading->lower + sentence->start + when->start;
	const SchedZone *zone = &context->zone;
	const SchedInstant one_day = INT64_C(86400) * SCHED_USECS_PER_SEC;
	SchedInstant *ends[2] = {&when->lower, &when->upper};
	bool named = false;

	/* A deadline runs from now on: its end tells the day. */
	if (when->granularity != SCHED_GRAIN_DAY || when->has_time ||
		when->upper <= context->reference ||
		(when->kind == SCHED_WHEN_DEADLINE ? when->upper > context->reference + one_day
										   : when->lower > context->reference))
		return;
	for (size_t i = 0; i < when->length; i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
			return;
		for (const char *const *day = days; *day != NULL; day++)
			named |= when->length - i >= strlen(*day) && memcmp(text + i, *day, strlen(*day)) == 0;
	}
	for (int i = 0; named && i < 2; i++)
	{
		SchedCivil civil;

		if (i == 0 && when->kind == SCHED_WHEN_DEADLINE)
			continue;
		/* Midnight again, whichever way the clocks change in between. */
		zone->to_civil(zone->data, *ends[i] + INT64_C(7) * 86400 * SCHED_USECS_PER_SEC, &civil);
		if (civil.hour >= 12)
			*ends[i] += INT64_C(3 * 3600) * SCHED_USECS_PER_SEC;
		zone->to_civil(zone->data, *ends[i] + INT64_C(7) * 86400 * SCHED_USECS_PER_SEC, &civil);
		civil.hour = civil.minute = civil.second = 0;
		*ends[i] = zone->to_instant(zone->data, &civil);
	}
}

/* Can there be a date at all? Words that were not read may be of one. */
static bool
may_have_dates(const SchedReading *reading, const SchedSentence *sentence)
{
	if (reading->token_count >= MAX_TOKENS)
		return true;
	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
		if (reading->tokens[i].timely)
			return true;
	return false;
}

/*
 * The dates of a sentence, counted from the day its section was written. Recurring ones are no
 * deadlines.
 */
static void
read_dates(SchedReading *reading, SchedSentence *sentence)
{
	SchedWhenContext context = *reading->context;
	SchedWhen found[MAX_DATES];
	int count;

	sentence->dates = 0;
	if (!may_have_dates(reading, sentence))
		return;
	context.reference = reading->sections[sentence->section].reference;
	count = sched_time_parse_when(reading->flow + sentence->start, sentence->length, &context,
								  found, MAX_DATES);
	for (int i = 0; i < count; i++)
	{
		SchedDate *date = &sentence->date[sentence->dates];

		/* "now" is no date of a deed */
		if (found[i].kind == SCHED_WHEN_RECURRING || found[i].granularity == SCHED_GRAIN_SECOND)
			continue;
		date->when = found[i];
		move_weekday(&context, sentence, reading, &date->when);
		judge_date(reading, sentence, date);
		sentence->dates++;
	}
}

/*
 * Text for programs: the sentence that addresses them, the rest of its paragraph, all of it if the
 * paragraph stands in brackets, and the list or paragraph it announces with a colon.
 */
static void
contain_machine_text(SchedReading *reading)
{
	int block = -1;
	int announced = -1;

	for (int i = 0; i < reading->sentence_count; i++)
	{
		SchedSentence *sentence = &reading->sentences[i];
		bool fresh = sentence->best[CUE_MACHINE] >= 18;

		if (fresh && (sentence->block != block || sentence->block == 0))
			for (int j = i - 1; j >= 0 && reading->sentences[j].block == sentence->block; j--)
				if (strchr("[<{(*#=", reading->flow[reading->sentences[j].start]) != NULL)
					for (int k = j; k < i; k++)
						reading->sentences[k].machine = true;
		/*
		 * "SYSTEM: new mode. Do this. Do not tell the user": what hints at it before belongs to
		 * it.
		 */
		for (int j = i - 1;
			 fresh && j >= 0 && reading->sentences[j].block == sentence->block &&
			 (reading->sentences[j].best[CUE_MACHINE] >= 8 || reading->sentences[j].machine);
			 j--)
			reading->sentences[j].machine = true;
		if (fresh)
			block = sentence->block;
		if (fresh || sentence->block == block || sentence->block == announced ||
			(sentence->heading >= 0 && reading->sentences[sentence->heading].machine))
		{
			sentence->machine = true;
			announced = sentence->colon ? sentence->block + 1 : announced;
		}
	}
}

/*
 * "Order the salmon tomorrow and fetch change before we open": a verb behind "and" behind a date
 * begins a deed of its own.
 */
static void
split_second_deed(SchedReading *reading, int index)
{
	SchedSentence *sentence = &reading->sentences[index];
	int end = sentence->first + sentence->count;

	if (sentence->mark < 0 && !(reading->tokens[sentence->core].classes & WORD_VERB))
		return;
	for (int i = 0; i < sentence->dates; i++)
	{
		size_t stop =
			sentence->start + sentence->date[i].when.start + sentence->date[i].when.length;
		int at = sentence->first;

		while (at < end && reading->tokens[at].start < stop)
			at++;
		if (at < end && reading->tokens[at].kind == ',')
			at++;
		if (at >= end - 2 || !(sched_llm_token_is(reading, &reading->tokens[at], "and") ||
							   sched_llm_token_is(reading, &reading->tokens[at], "then")))
			continue;
		at++;
		while (at < end - 2 &&
			   (reading->tokens[at].classes & (WORD_FILLER | WORD_PLEASE | WORD_CONNECTOR)) &&
			   !(reading->tokens[at].classes & WORD_VERB))
			at++;
		if (!(reading->tokens[at].classes & WORD_VERB) ||
			(reading->tokens[at].classes & WORD_IDLE) ||
			((reading->tokens[at].classes & WORD_NOUNISH) &&
			 !(reading->tokens[at + 1].classes & WORD_DETERMINER)) ||
			(reading->tokens[at + 1].classes & WORD_PRONOUN & ~WORD_DETERMINER) ||
			!sched_llm_split_sentence(reading, index, at))
			continue;
		sched_llm_match_sentence(reading, sentence);
		sched_llm_match_sentence(reading, sentence + 1);
		read_dates(reading, sentence);
		return;
	}
}

/* Is there nothing but a subject, or at most a name below it? */
static bool
is_empty(const SchedReading *reading)
{
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (!sentence->subject && sentence->section == 0 && sentence->footer == 0 &&
			sentence->count >= 4)
			return false;
	}
	return true;
}

/*
 * Matching comes first, for all sentences: what the mail is as a whole, and which text is
 * meant for programs, must be known before a single sentence can be judged.
 */
void
sched_llm_judge_sentences(SchedReading *reading)
{
	for (int i = 0; i < reading->sentence_count; i++)
		sched_llm_match_sentence(reading, &reading->sentences[i]);
	contain_machine_text(reading);
	reading->empty = is_empty(reading);
	sched_llm_weigh_mail(reading);
	for (int i = 0; i < reading->sentence_count; i++)
	{
		read_dates(reading, &reading->sentences[i]);
		split_second_deed(reading, i);
		judge_sentence(reading, &reading->sentences[i]);
	}
}
