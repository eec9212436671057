/*
 * builtin_internal.h - what the files of the model "builtin" share; nobody else includes it.
 *
 * One SchedReading is allocated for a mail, holds every intermediate result in arrays of fixed
 * size, and is freed before the answer is returned. What does not fit (a mail of more than 600
 * sentences) is not read.
 */
#ifndef SCHED_LLM_BUILTIN_INTERNAL_H
#define SCHED_LLM_BUILTIN_INTERNAL_H

#include <stdint.h>
#include <string.h>

#include "builtin.h"

#define MAX_CLEAN (SCHED_BUILTIN_MAX_TEXT + 4096)
#define MAX_FLOW (MAX_CLEAN + 8192)
#define MAX_LINES 3000
#define MAX_SENTENCES 600
#define MAX_TOKENS 16384
#define MAX_SENTENCE_TOKENS 90
#define MAX_SECTIONS 24
#define MAX_NAMES 32 /* that one mail calls its reader */
#define MAX_PATTERNS 1024
#define MAX_CANDIDATES 48
#define MAX_DATES 6 /* phrases looked at in one sentence */

/* Classes of words, bits. */
enum
{
	WORD_VERB = 1 << 0,    /* base form of something a reader can do */
	WORD_NOUNISH = 1 << 1, /* the same form is as often a noun: "order", "report" */
	WORD_IDLE = 1 << 2,    /* an imperative that asks for nothing: "enjoy", "see" */
	WORD_DETERMINER = 1 << 3,
	WORD_PRONOUN = 1 << 4,   /* it, this, them: the object stands elsewhere */
	WORD_FILLER = 1 << 5,    /* just, also, kindly, please */
	WORD_CONNECTOR = 1 << 6, /* and, then, finally: may precede a clause */
	WORD_GREETING = 1 << 7,
	WORD_STOP = 1 << 8,     /* carries no matter: not compared between sentences */
	WORD_PARTICLE = 1 << 9, /* up, out, in: after a verb */
	WORD_PARTICIPLE = 1 << 10,
	WORD_DAY = 1 << 11,
	WORD_PLEASE = 1 << 12,
	WORD_SUBORDINATOR = 1 << 13, /* when, after, once: opens a clause before the main one */
	WORD_HEALTH = 1 << 14,
	WORD_HOME = 1 << 15,
	WORD_WORK = 1 << 16,
	WORD_EVENT = 1 << 17,
	WORD_DEADLINE = 1 << 18,    /* by, until, due: the date after it is a deadline */
	WORD_APART = 1 << 19,       /* since, dated, from: the date after it is none */
	WORD_SUBJECTNOUN = 1 << 20, /* after a nounish word: a noun ("order confirmation") */
	WORD_NAME = 1 << 21,        /* set while reading: what the mail calls its reader */
	WORD_PERSON = 1 << 22,      /* everyone, members: a group the reader is one of */
	WORD_ABBREVIATION = 1 << 23
};

/* What a pattern says about its sentence. The weights stand beside the patterns. */
typedef enum SchedCue
{
	CUE_ASK,      /* asks the reader for a deed; its mark is where the deed begins */
	CUE_OBLIGE,   /* says that something is owed or must be done */
	CUE_WANT,     /* somebody needs something */
	CUE_REPLY,    /* asks for an answer */
	CUE_QUESTION, /* a question to the reader */
	CUE_STOCK,    /* a phrase of courtesy */
	CUE_DONE,     /* done, withdrawn, not needed */
	CUE_OFFER,    /* left to the reader */
	CUE_SELF,     /* the sender will do it */
	CUE_OTHERS,   /* somebody else will do it */
	CUE_SMALLTALK,
	CUE_DUE,     /* names the date of a deed told elsewhere */
	CUE_CHASE,   /* asks about something asked before */
	CUE_TAKEUP,  /* hands a quoted or forwarded matter to the reader */
	CUE_MACHINE, /* addresses a program */
	CUE_AWAY,    /* absence note */
	CUE_SPAM,
	CUE_PROMO,
	CUE_RECEIPT, /* a notice that something happened */
	CUE_URGENT,
	CUE_BULK,       /* sent to many: "unsubscribe", "view in browser" */
	CUE_LIST_HEAD,  /* heads a list of things to do */
	CUE_OTHER_HEAD, /* heads a list of something else */
	CUE_NO_ACTION,  /* the whole mail needs nothing */
	CUE_COUNT
} SchedCue;

typedef struct SchedPattern
{
	const char *text; /* see builtin_match.c for the notation */
	short cue;
	short weight; /* tenths; 10 makes a task */
} SchedPattern;

typedef struct SchedWordList
{
	uint32_t classes;
	const char *words; /* separated by blanks */
} SchedWordList;

#define MAX_LANGUAGES 7 /* bits of SchedWord.languages */

typedef struct SchedLanguage
{
	const char *code;  /* ISO 639-1 */
	const char *words; /* separated by blanks */
} SchedLanguage;

extern const SchedWordList sched_llm_words[];
extern const SchedLanguage sched_llm_languages[MAX_LANGUAGES];
extern const SchedPattern sched_llm_phrases[];
extern const SchedPattern sched_llm_mail_phrases[];

typedef struct SchedToken
{
	uint32_t start; /* in flow */
	uint16_t length;
	char kind; /* 'w' word, 'n' holds a digit, else the punctuation mark itself */
	bool capital;
	bool timely; /* may belong to a date: see load_times() in builtin_lexicon.c */
	uint32_t classes;
	uint32_t traits; /* bits of the %X of patterns that take it; see sched_llm_trait() */
	int16_t entry;   /* of the dictionary, or -1 */
} SchedToken;

typedef enum SchedSectionKind
{
	SECTION_NEW,
	SECTION_QUOTED,
	SECTION_FORWARDED
} SchedSectionKind;

typedef struct SchedSection
{
	SchedSectionKind kind;
	int depth;
	SchedInstant reference; /* when the quoted mail was written */
} SchedSection;

typedef struct SchedDate
{
	SchedWhen when;
	bool strong; /* a deadline by its words, not only a date */
	bool apart;  /* belongs to something else: "dated 3 May" */
	bool past;
} SchedDate;

typedef struct SchedSentence
{
	uint32_t start; /* in flow */
	uint32_t length;
	int first; /* tokens */
	int count;
	int core;   /* first token after greeting, name and connectors */
	int clause; /* first token of the main clause where another precedes it, else core */
	int section;
	int block;   /* paragraph or bullet */
	int heading; /* sentence that heads this bullet, or -1 */
	bool bullet;
	bool first_of_block;
	bool subject;
	int footer;        /* 1 after the closing words, 2 after the signature's mark */
	bool named;        /* opens with the reader's name and a colon or "to": his point of a list */
	bool other_person; /* addressed by a name that is not the reader's */
	bool question;     /* ends with ? */
	bool colon;        /* ends with : */
	bool ticked;       /* a bullet marked as done */
	bool machine;      /* text for programs: yields nothing */
	bool conditional;
	short best[CUE_COUNT];
	short where[CUE_COUNT]; /* token at which best[] was found */
	int mark;               /* token where the deed begins, or -1 */
	bool verb_led;          /* what begins at mark is an imperative */
	int score;              /* tenths */
	int dates;
	SchedDate date[MAX_DATES];
} SchedSentence;

/* A line of the mail without its quote marks and indentation. */
typedef struct SchedLine
{
	uint32_t start; /* in clean */
	uint32_t length;
	uint8_t depth; /* how often quoted */
	uint8_t indent;
} SchedLine;

/* What a mail calls its reader. */
typedef struct SchedName
{
	const char *text; /* in the reading's lower */
	size_t length;
} SchedName;

#define MAX_WORDS 8192  /* slots of the dictionary, a power of two */
#define MAX_STARTS 1024 /* a power of two */

/* What one sentence holds, so that a pattern is only tried where all it must have occurs. */
typedef struct SchedPresence
{
	uint16_t mark; /* of this sentence in `words` */
	uint16_t words[MAX_WORDS];
	uint64_t starts[MAX_STARTS / 64]; /* by the first two letters of its words */
	uint32_t traits;
	uint32_t signs;
} SchedPresence;

typedef struct SchedReading
{
	const SchedMailText *mail;
	const SchedWhenContext *context;

	char clean[MAX_CLEAN];
	size_t clean_length;
	SchedLine lines[MAX_LINES];
	int line_count;
	char flow[MAX_FLOW];  /* the sentences, lines joined */
	char lower[MAX_FLOW]; /* the same in lower case */
	size_t flow_length;

	SchedName names[MAX_NAMES];
	int name_count;
	SchedPresence present;  /* of the sentence that is being matched */
	int seen[MAX_PATTERNS]; /* 1 + first token of the last sentence that was counted in total */

	SchedToken tokens[MAX_TOKENS + 2]; /* two empty ones stand behind the last */
	int token_count;
	SchedSentence sentences[MAX_SENTENCES];
	int sentence_count;
	SchedSection sections[MAX_SECTIONS];
	int section_count;
	int block_count;

	bool is_forward; /* by its subject */
	bool is_reply;
	bool named; /* the mail calls its reader by name */
	int urls;
	int subject;     /* the subject's first sentence, or -1 */
	char title[256]; /* the subject without Re:, Fwd:, [list] */
	bool list_subject;
	int total[CUE_COUNT]; /* over the new text, each pattern once per sentence */
	int strange_words;    /* letters and digits mixed as spam does */
	int shouting;         /* words in capitals */
	int word_total;
	int bulk; /* tenths: sent to many */
	int spam;
	int promo;
	bool away;
	bool robot;  /* the sender's address is one that nobody reads */
	bool empty;  /* nothing but a subject */
	bool chased; /* a task was taken from a quoted mail because the new text asks after it */
} SchedReading;

/* builtin_lexicon.c */
#define MAX_ELEMENTS 4096
#define MAX_ELEMENT_WORDS 12288
#define MAX_PREFIXES 512
#define MAX_LINKS 8192
#define MAX_GENERAL 64 /* bits of a word */
#define MAX_TRAITS 16

typedef enum SchedElementKind
{
	ELEMENT_TOKEN, /* one token, or none where it is optional */
	ELEMENT_GAP,   /* up to `room` tokens */
	ELEMENT_END    /* nothing but punctuation follows */
} SchedElementKind;

/* One element of a pattern. Words and prefixes stand in arrays of the lexicon. */
typedef struct SchedElement
{
	SchedElementKind kind;
	int room;
	bool optional;
	bool marks;      /* the deed begins here */
	uint32_t traits; /* any of these */
	uint64_t filter; /* a bit for each word, by its entry modulo 64 */
	uint32_t signs;  /* punctuation marks, by sched_llm_sign() */
	int first_word;
	int words;
	int first_prefix;
	int prefixes;
} SchedElement;

/* A pattern ready to be matched. */
typedef struct SchedCompiled
{
	const SchedPattern *pattern;
	bool at_clause; /* ^ */
	int first;      /* of its elements */
	int count;
} SchedCompiled;

typedef struct SchedWord
{
	const char *text; /* in the word lists or the patterns */
	uint16_t length;
	int16_t links; /* first pattern that may begin with this word, or -1 */
	bool timely;   /* tells a time */
	uint32_t classes;
	uint64_t general;  /* patterns without a list of their own that may begin with it */
	uint8_t languages; /* it is common in, by the place in sched_llm_languages */
} SchedWord;

typedef struct SchedLink
{
	int16_t pattern;
	int16_t next;
} SchedLink;

typedef struct SchedPrefix
{
	const char *text;
	size_t length;
	int start; /* sched_llm_start() of it; -1 for a single letter */
} SchedPrefix;

/* Read-only once it is built. */
typedef struct SchedLexicon
{
	SchedWord words[MAX_WORDS];
	SchedCompiled patterns[MAX_PATTERNS];
	int pattern_count;
	SchedElement elements[MAX_ELEMENTS];
	int element_count;
	int16_t element_words[MAX_ELEMENT_WORDS];
	int element_word_count;
	SchedPrefix prefixes[MAX_PREFIXES];
	int prefix_count;
	SchedLink links[MAX_LINKS];
	int link_count;
	/*
	 * Patterns that do not begin with plain words, numbered by the bits of a word: which of them a
	 * token may begin, by trait, by first letter, by punctuation mark, and whatever it is.
	 */
	int16_t general[MAX_GENERAL];
	int general_count;
	uint64_t general_by_trait[MAX_TRAITS];
	uint64_t general_by_letter[256];
	uint64_t general_by_sign[32];
	uint64_t general_always;
} SchedLexicon;

extern const SchedLexicon *sched_llm_lexicon(void);
extern int sched_llm_find_word(const SchedLexicon *lexicon, const char *text, size_t length);
extern int sched_llm_sign(char mark);
extern int sched_llm_trait(char name);

/* The bit that stands for the first two bytes of a word. */
static inline int
sched_llm_start(const char *text)
{
	return ((unsigned char) text[0] * 33 + (unsigned char) text[1]) & (MAX_STARTS - 1);
}

/* builtin_match.c */
extern void sched_llm_add_name(SchedReading *reading, const char *text, size_t length);
extern int sched_llm_scan_tokens(SchedReading *reading, uint32_t start, uint32_t length);
extern void sched_llm_match_sentence(SchedReading *reading, SchedSentence *sentence);

/* Is this token that word? The word is given in lower case. Mostly the first letter tells. */
static inline bool
sched_llm_token_is(const SchedReading *reading, const SchedToken *token, const char *word)
{
	const char *text = reading->lower + token->start;

	return token->length > 0 && text[0] == word[0] && strlen(word) == token->length &&
		   memcmp(text, word, token->length) == 0;
}

/* builtin_text.c */
extern size_t sched_llm_clean_text(char *target, size_t room, const char *text, size_t length,
								   int *urls);
extern void sched_llm_read_subject(SchedReading *reading);
extern void sched_llm_read_body(SchedReading *reading);

/* builtin_sentence.c */
extern void sched_llm_split_block(SchedReading *reading, size_t start, const SchedSentence *model);
extern bool sched_llm_split_sentence(SchedReading *reading, int index, int at);
extern void sched_llm_read_names(SchedReading *reading, int first, int count);

/* builtin_score.c */
extern void sched_llm_judge_sentences(SchedReading *reading);

/*
 * One deed: the sentence that asks for it and those that say more about it.
 */
#define MAX_MEMBERS 6

typedef struct SchedDeed
{
	int main; /* sentence */
	int members[MAX_MEMBERS];
	int member_count;
	int score;
	bool reply;    /* what is wanted is an answer */
	bool question; /* nothing but a question speaks for it */
	bool due_only; /* says when, not what */
	bool taken_up; /* stands in a quoted mail */
	int asked_by;  /* sentence of the new text that takes it up, or -1 */
	const SchedDate *date;
	int date_sentence;
	bool before_date; /* "before that": the deadline is where the date begins */
} SchedDeed;

extern const char *const sched_llm_synonyms[];

/* builtin_deeds.c */
extern int sched_llm_find_deeds(SchedReading *reading, SchedDeed *deeds, int max);
extern int sched_llm_count_matter(const SchedReading *reading, const SchedSentence *sentence,
								  int from);
extern bool sched_llm_has_pronoun_object(const SchedReading *reading,
										 const SchedSentence *sentence);
extern bool sched_llm_share_matter(const SchedReading *reading, const SchedSentence *a,
								   const SchedSentence *b);

/* builtin_detail.c */
extern void sched_llm_date_deeds(SchedReading *reading, SchedDeed *deeds, int count);
extern bool sched_llm_find_deadline(const SchedReading *reading, const SchedDeed *deed,
									SchedInstant *deadline);
extern char *sched_llm_describe_deed(const SchedReading *reading, const SchedDeed *deed,
									 int deed_count);
extern char *sched_llm_find_location(const SchedReading *reading, const SchedSentence *sentence);
extern char *sched_llm_find_attendees(const SchedReading *reading, const SchedSentence *sentence);

/* builtin_tasks.c */
extern bool sched_llm_build_tasks(SchedReading *reading, SchedFacts *facts);

/* builtin_class.c */
extern void sched_llm_weigh_mail(SchedReading *reading);
extern void sched_llm_classify_mail(SchedReading *reading, SchedFacts *facts);

#endif
