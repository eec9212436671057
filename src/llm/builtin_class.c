/*
 * builtin_class.c - what kind of mail it is: weights over the cues of all its sentences, its
 * sender and headers.
 *
 * Pure. The weights of single phrases stand in builtin_phrases.c; here are those of the mail's
 * outer features.
 *
 * Runs in whatever process extracts; owns no memory, throws nothing. The class is decided last,
 * because whether a mail is actionable depends on whether tasks were found; only what must keep
 * tasks from being found (spam, advertisement, absence note, mail sent to many) is weighed
 * before. Headers count where they are given, but the text alone must do: many callers have
 * none.
 */
#include <string.h>

#include "builtin_internal.h"

enum
{
	SPAM_LIMIT = 25,
	PROMO_LIMIT = 20,
	BULK_LIMIT = 12,
	AWAY_LIMIT = 32,
	CHASE_LIMIT = 13,
	URGENT_LIMIT = 18,
	URGENT_SUBJECT_LIMIT = 10,
	WEIGHT_STRANGE_WORD = 6, /* letters and a digit mixed: "n0w" */
	WEIGHT_EXCLAMATIONS = 5, /* "!!!" */
	WEIGHT_MARKETING_SENDER = 8,
	WEIGHT_UNSUBSCRIBE_HEADER = 14,
	WEIGHT_LIST_HEADER = 8,
	WEIGHT_SPAM_HEADER = 30
};

/*
 * ASCII only: header names and addresses are, and the server's locale must not change a
 * result.
 */
static char
fold_case(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
}

/* Case-insensitive search; the needle is given in lower case. Plain loops do: both are short. */
static bool
contains(const char *text, size_t length, const char *part)
{
	size_t size = strlen(part);

	for (size_t i = 0; i + size <= length; i++)
	{
		size_t j = 0;

		while (j < size && fold_case(text[i + j]) == part[j])
			j++;
		if (j == size)
			return true;
	}
	return false;
}

/* Does a header of this name hold the part? An empty part asks for the name alone. */
static bool
header_has(const SchedMailText *mail, const char *name, const char *part)
{
	for (int i = 0; i < mail->header_count; i++)
	{
		const SchedMailHeader *header = &mail->headers[i];

		if (header->name != NULL && strlen(header->name) == strlen(name) &&
			contains(header->name, strlen(header->name), name) &&
			(part[0] == '\0' ||
			 (header->value != NULL && contains(header->value, strlen(header->value), part))))
			return true;
	}
	return false;
}

/* "n0w", "0FF": one digit that stands for a letter. */
static bool
is_strange(const char *text, size_t length)
{
	int digits = 0;
	bool between = false;

	if (length < 3 || length > 16)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];

		if (c >= '0' && c <= '9')
		{
			digits++;
			between |= (c == '0' || c == '1' || c == '3') && i + 1 < length && text[i + 1] >= 'a' &&
					   (i > 0 || c == '0');
		}
		else if (!(c >= 'a' && c <= 'z'))
			return false;
	}
	return digits == 1 && between;
}

/*
 * What spam looks like rather than says: letters swapped for digits, rows of exclamation
 * marks.
 */
static void
count_looks(SchedReading *reading)
{
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->section != 0)
			continue;
		for (int j = sentence->first; j < sentence->first + sentence->count; j++)
		{
			const SchedToken *token = &reading->tokens[j];

			if (token->kind == 'n')
				reading->strange_words += is_strange(reading->lower + token->start, token->length);
			if (token->kind == '!' && j + 2 < sentence->first + sentence->count &&
				reading->tokens[j + 1].kind == '!' && reading->tokens[j + 2].kind == '!')
				reading->shouting++;
		}
	}
}

/* Addresses that programs of advertisers write from: "news@", "offers@". */
static int
weigh_sender(const SchedMailText *mail)
{
	static const char *const parts[] = {"news@",     "newsletter", "offers@",   "deals@",
										"marketing", "promo",      "sales@",    "shop@",
										"sale@",     "rewards@",   "specials@", NULL};

	if (mail->sender == NULL)
		return 0;
	for (const char *const *part = parts; *part != NULL; part++)
		if (contains(mail->sender, mail->sender_length, *part))
			return WEIGHT_MARKETING_SENDER;
	return 0;
}

/*
 * An address nobody reads: its imperatives ("track your parcel") are captions of buttons, not
 * requests.
 */
static bool
is_robot(const SchedMailText *mail)
{
	static const char *const parts[] = {"no-reply",
										"noreply",
										"no_reply",
										"donotreply",
										"do-not-reply",
										"notifications@",
										"notification@",
										"mailer-daemon",
										"postmaster@",
										"automailer",
										"alerts@",
										"robot",
										NULL};

	for (const char *const *part = parts; *part != NULL && mail->sender != NULL; part++)
		if (contains(mail->sender, mail->sender_length, *part))
			return true;
	return false;
}

/*
 * A subject that says so is enough. A text that speaks of absence is not if it also asks for
 * something: "I am away next week, could you water the plants".
 */
static bool
is_absence_note(const SchedReading *reading)
{
	int asks = 0;

	if (header_has(reading->mail, "auto-submitted", "auto-replied") ||
		header_has(reading->mail, "x-autoreply", "") ||
		header_has(reading->mail, "x-autorespond", ""))
		return true;
	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->subject && sentence->best[CUE_AWAY] >= 10 && sentence->best[CUE_ASK] < 20)
			return true;
		if (sentence->section == 0 && sentence->best[CUE_ASK] >= 20 &&
			sentence->best[CUE_OFFER] == 0)
			asks++;
	}
	return asks == 0 && reading->total[CUE_AWAY] >= AWAY_LIMIT;
}

/* Weighs what counts for the whole mail; runs before the sentences are judged. */
void
sched_llm_weigh_mail(SchedReading *reading)
{
	const SchedMailText *mail = reading->mail;
	int sender = weigh_sender(mail);

	count_looks(reading);
	reading->bulk = reading->total[CUE_BULK];
	reading->spam = reading->total[CUE_SPAM] + reading->strange_words * WEIGHT_STRANGE_WORD +
					(reading->shouting > 0 ? WEIGHT_EXCLAMATIONS : 0);
	reading->promo = reading->total[CUE_PROMO] + sender;
	if (header_has(mail, "list-unsubscribe", ""))
	{
		reading->bulk += WEIGHT_UNSUBSCRIBE_HEADER;
		reading->promo += reading->promo > 0 ? 4 : 0;
	}
	if (header_has(mail, "list-id", "") || header_has(mail, "precedence", "bulk"))
		reading->bulk += WEIGHT_LIST_HEADER;
	if (header_has(mail, "x-spam-flag", "yes") || header_has(mail, "x-spam-status", "yes"))
		reading->spam += WEIGHT_SPAM_HEADER;
	/* Who can be left and who sells at once is an advertiser. */
	if (reading->bulk >= BULK_LIMIT && reading->promo >= 10)
		reading->promo += 8;
	reading->robot = is_robot(mail);
	reading->away = is_absence_note(reading);
}

/*
 * By counting the commonest short words; good enough to say which mails the rules cannot
 * judge.
 */
static const char *
guess_language(const SchedReading *reading)
{
	const SchedLexicon *lexicon = sched_llm_lexicon();
	int hits[MAX_LANGUAGES] = {0};
	int best = -1;

	for (int i = 0; i < reading->token_count && i < 2000; i++)
	{
		const SchedToken *token = &reading->tokens[i];
		uint8_t languages =
			token->kind == 'w' && token->entry >= 0 ? lexicon->words[token->entry].languages : 0;

		for (int k = 0; languages != 0; k++, languages >>= 1)
			hits[k] += languages & 1;
	}
	for (int k = 0; k < MAX_LANGUAGES; k++)
		if (hits[k] > (best < 0 ? 0 : hits[best]))
			best = k;
	return best < 0 ? "und" : sched_llm_languages[best].code;
}

/*
 * In the subject one word is enough, in the text it takes several: "immediately" alone is
 * often idle.
 */
static int
find_urgency(const SchedReading *reading)
{
	int most = 0;

	for (int i = 0; i < reading->sentence_count; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];

		if (sentence->subject && sentence->best[CUE_URGENT] >= URGENT_SUBJECT_LIMIT)
			return URGENT_LIMIT;
		if (sentence->section == 0 && !sentence->machine && sentence->footer == 0)
			most += sentence->best[CUE_URGENT];
	}
	return most;
}

/* The strongest sign that the writer asks for the second time. */
static int
find_chase(const SchedReading *reading)
{
	int most = 0;

	for (int i = 0; i < reading->sentence_count; i++)
		if (reading->sentences[i].section == 0 && reading->sentences[i].best[CUE_CHASE] > most)
			most = reading->sentences[i].best[CUE_CHASE];
	return most;
}

/* A margin in tenths as a share of certainty. */
static double
confidence_of(int margin)
{
	double sure = 0.5 + margin / 60.0;

	return sure > 0.97 ? 0.97 : sure < 0.5 ? 0.5 : sure;
}

/* The class follows from the weights and from whether tasks were found. */
void
sched_llm_classify_mail(SchedReading *reading, SchedFacts *facts)
{
	facts->language = guess_language(reading);
	if (reading->spam >= SPAM_LIMIT)
	{
		facts->classification = "spam";
		facts->confidence = confidence_of(reading->spam - SPAM_LIMIT + 6);
	}
	else if (facts->task_count == 0 && reading->away)
	{
		facts->classification = "informational";
		facts->confidence = 0.9;
	}
	else if (facts->task_count == 0 && reading->promo >= PROMO_LIMIT)
	{
		facts->classification = "promotional";
		facts->confidence = confidence_of(reading->promo - PROMO_LIMIT + 6);
	}
	else if (facts->task_count > 0)
	{
		if (reading->chased ||
			find_chase(reading) >= (reading->is_reply ? CHASE_LIMIT : CHASE_LIMIT + 1))
			facts->classification = "followup";
		else if (find_urgency(reading) >= URGENT_LIMIT)
			facts->classification = "important";
		else
			facts->classification = "actionable";
		facts->confidence = facts->tasks[0].confidence;
	}
	else
	{
		facts->classification =
			find_urgency(reading) >= URGENT_LIMIT ? "important" : "informational";
		facts->confidence = 0.7;
	}
}
