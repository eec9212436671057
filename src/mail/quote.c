/*
 * quote.c - sets quoted replies, forwarded mails and signatures apart from new text.
 *
 * Pure; runs wherever a mail is parsed; buffers are the caller's; nothing throws. Two passes over
 * an array of lines: the first marks what is quoted, the second looks for a signature at the end of
 * each stretch of new text. Every look ahead is bounded, so the whole is linear.
 *
 * What counts as quoted: lines with ">"; an attribution ("On ... wrote:") with the marked lines
 * behind it, or with everything behind it where the program marks nothing; everything behind a
 * separator line; everything from a header block on. Answers between quotes stay new text.
 *
 * What counts as signature: "-- " to the end; a sign-off with names and numbers behind it; legal
 * text; the line a telephone adds. The rules prefer to take a signature for text: a task that is
 * overlooked costs more than a name too many.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "quote.h"

#define SIGNATURE_LINES 10  /* lines that may follow a sign-off */
#define SIGNATURE_WIDTH 72  /* of one of them, in bytes */
#define ATTRIBUTION_LINES 4 /* lines that "On ... wrote:" may be wrapped into */
#define HEADER_LOOK 8       /* lines in which a quoted header block shows itself */

typedef enum LineKind
{
	LINE_FRESH,
	LINE_QUOTED,
	LINE_SIGNATURE
} LineKind;

typedef struct Line
{
	const char *text; /* without surrounding spaces */
	size_t length;
	const char *begin; /* as it stands, with its line end */
	size_t whole;
	LineKind kind;
} Line;

/* Rules out nearly every comparison that follows; the word is in lower case. */
static bool
begins_alike(const char *text, const char *word)
{
	return *text == *word || (*text >= 'A' && *text <= 'Z' && *text + 32 == *word);
}

/* ASCII case is ignored; other letters must match, which their own case mostly does. */
static bool
starts_with(const Line *line, const char *prefix)
{
	size_t n;

	if (line->length == 0 || !begins_alike(line->text, prefix))
		return false;
	n = strlen(prefix);
	return line->length >= n && strncasecmp(line->text, prefix, n) == 0;
}

/* As starts_with(), from the other end. */
static bool
ends_with(const Line *line, const char *suffix)
{
	size_t n = strlen(suffix);

	return line->length >= n && strncasecmp(line->text + line->length - n, suffix, n) == 0;
}

/* Lists end with NULL. */
static bool
starts_with_any(const Line *line, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (starts_with(line, *prefixes))
			return true;
	return false;
}

/* A plain search: lines are short, and each is searched a fixed number of times. */
static bool
contains(const Line *line, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= line->length; i++)
		if (begins_alike(line->text + i, word) && strncasecmp(line->text + i, word, n) == 0)
			return true;
	return false;
}

/* Lines are trimmed when they are cut. */
static bool
is_blank(const Line *line)
{
	return line->length == 0;
}

/* ">" in front: the one mark that all programs agree on. */
static bool
has_quote_mark(const Line *line)
{
	return line->length > 0 && line->text[0] == '>';
}

/*
 * "-----Original Message-----", "---------- Forwarded message ---------", "Begin forwarded
 * message:". The words of the commonest programs in the languages their users set them to.
 */
static bool
is_separator(const Line *line, bool *forwarded)
{
	static const char *const words[] = {
		"original message",       "original appointment", "ursprüngliche nachricht",
		"message d'origine",      "mensaje original",     "messaggio originale",
		"oorspronkelijk bericht", "reply message",        NULL};
	static const char *const forwards[] = {"forwarded message", "weitergeleitete nachricht",
										   "message transféré", "mensaje reenviado", NULL};

	*forwarded = false;
	if (starts_with(line, "begin forwarded message:"))
	{
		*forwarded = true;
		return true;
	}
	if (!starts_with(line, "--") || !ends_with(line, "--") || line->length > 100)
		return false;
	for (int i = 0; words[i]; i++)
		if (contains(line, words[i]))
			return true;
	for (int i = 0; forwards[i]; i++)
		if (contains(line, forwards[i]))
		{
			*forwarded = true;
			return true;
		}
	return false;
}

/*
 * The header block that Outlook and its kin put above what they quote: From, then at least two of
 * its fellows.
 */
static bool
is_header_block(const Line *lines, int n, int at)
{
	static const char *const firsts[] = {
		"from:", "*from:", "von:", "de:", "da:", "van:", "fra:", "från:", NULL};
	static const char *const others[] = {
		"sent:",    "*sent:",   "date:",     "*date:",     "to:",        "*to:",    "cc:",
		"*cc:",     "subject:", "*subject:", "an:",        "gesendet:",  "datum:",  "betreff:",
		"envoyé",   "à:",       "à :",       "objet",      "para:",      "enviado", "asunto:",
		"inviato:", "oggetto:", "aan:",      "verzonden:", "onderwerp:", "sendt:",  "til:",
		"emne:",    "skickat:", "till:",     "ämne:",      NULL};
	int fellows = 0;

	if (!starts_with_any(&lines[at], firsts))
		return false;
	for (int i = at + 1; i < n && i <= at + HEADER_LOOK; i++)
		if (starts_with_any(&lines[i], others))
			fellows++;
	return fellows >= 2;
}

/*
 * "On Tue, 3 Mar 2026 at 09:12, A. Person <a@example.org> wrote:", perhaps wrapped. Returns how
 * many lines it takes, 0 where there is none. A digit is required: "On this he once wrote:" is
 * prose.
 */
static int
measure_attribution(const Line *lines, int n, int at)
{
	static const char *const starts[] = {"on ", "am ", "le ", "el ", "il ", "op ", "den ", NULL};
	static const char *const ends[] = {
		"wrote:",    "writes:",     "schrieb:", "a écrit :", "a écrit :", "a écrit:",
		"escribió:", "ha scritto:", "schreef:", "skrev:",    NULL};
	bool digit = false;

	if (!starts_with_any(&lines[at], starts))
	{
		/* "<a@example.org> wrote:" and "A. Person wrote on 3 March:" on one line */
		return (ends_with(&lines[at], "wrote:") && contains(&lines[at], "@") &&
				lines[at].length < 200)
				   ? 1
				   : 0;
	}
	for (int i = at; i < n && i < at + ATTRIBUTION_LINES && !is_blank(&lines[i]); i++)
	{
		for (size_t k = 0; k < lines[i].length; k++)
			digit |= isdigit((unsigned char) lines[i].text[k]) != 0;
		for (int e = 0; digit && ends[e]; e++)
			if (ends_with(&lines[i], ends[e]))
				return i - at + 1;
	}
	return 0;
}

/* The next line with something in it, or n. */
static int
skip_blank(const Line *lines, int n, int at)
{
	while (at < n && is_blank(&lines[at]))
		at++;
	return at;
}

/* Lines [from, to) are of this kind. */
static void
mark_lines(Line *lines, int from, int to, LineKind kind)
{
	for (int i = from; i < to; i++)
		lines[i].kind = kind;
}

/*
 * An attribution is quoted itself. Where no marked line follows it, the quoting program marked
 * nothing and all the rest is the old mail. Returns the line to go on with.
 */
static int
mark_attribution(Line *lines, int n, int at, int taken)
{
	int next = skip_blank(lines, n, at + taken);

	if (next < n && has_quote_mark(&lines[next]))
	{
		mark_lines(lines, at, next, LINE_QUOTED);
		return next;
	}
	mark_lines(lines, at, n, LINE_QUOTED);
	return n;
}

/*
 * First pass: what is quoted. A separator, a header block and an attribution without marked lines
 * end the new text for good: programs that write them put the old mail below.
 */
static void
mark_quotes(Line *lines, int n, bool *forwarded)
{
	for (int i = 0; i < n;)
	{
		int taken;
		bool forward;

		if (has_quote_mark(&lines[i]))
			lines[i++].kind = LINE_QUOTED;
		else if (is_separator(&lines[i], &forward))
		{
			*forwarded |= forward;
			mark_lines(lines, i, n, LINE_QUOTED);
			return;
		}
		else if (is_header_block(lines, n, i))
		{
			/* the rule above such a block belongs to it */
			if (i > 0 && starts_with(&lines[i - 1], "____"))
				lines[i - 1].kind = LINE_QUOTED;
			mark_lines(lines, i, n, LINE_QUOTED);
			return;
		}
		else if ((taken = measure_attribution(lines, n, i)) > 0)
			i = mark_attribution(lines, n, i, taken);
		else
			i++;
	}
	/* blank lines inside a quotation belong to it */
	for (int i = 1; i + 1 < n; i++)
		if (is_blank(&lines[i]) && lines[i - 1].kind == LINE_QUOTED &&
			lines[i + 1].kind == LINE_QUOTED)
			lines[i].kind = LINE_QUOTED;
}

/*
 * "Kind regards," and its relatives, alone on a line. Whole phrases only: "Thanks for the report"
 * is text, "Thanks," may be the end of one.
 */
static bool
is_sign_off(const Line *line)
{
	static const char *const words[] = {"best",
										"best regards",
										"best wishes",
										"regards",
										"kind regards",
										"warm regards",
										"warmest regards",
										"warmly",
										"many thanks",
										"thanks",
										"thank you",
										"thanks again",
										"thanks so much",
										"thanks a lot",
										"thanks in advance",
										"thx",
										"cheers",
										"sincerely",
										"yours sincerely",
										"sincerely yours",
										"yours",
										"yours truly",
										"yours faithfully",
										"all the best",
										"all best",
										"take care",
										"kindest regards",
										"with kind regards",
										"with best wishes",
										"with thanks",
										"respectfully",
										"cordially",
										"love",
										"lots of love",
										"xo",
										"xx",
										"talk soon",
										"see you",
										"see you soon",
										"br",
										"kr",
										"rgds",
										"mit freundlichen grüßen",
										"viele grüße",
										"liebe grüße",
										"beste grüße",
										"mfg",
										"vg",
										"lg",
										"cordialement",
										"bien cordialement",
										"saludos",
										"un saludo",
										"cordiali saluti",
										"met vriendelijke groet",
										"med vänlig hälsning",
										"med venlig hilsen",
										"venlig hilsen",
										"mvh",
										"hilsen",
										NULL};
	size_t length = line->length;

	while (length > 0 && strchr(",.!;- ", line->text[length - 1]))
		length--;
	for (int i = 0; words[i]; i++)
		if (length > 0 && begins_alike(line->text, words[i]) && strlen(words[i]) == length &&
			strncasecmp(line->text, words[i], length) == 0)
			return true;
	return false;
}

/* What telephones add: a signature of one line, wherever it stands. */
static bool
is_device_line(const Line *line)
{
	static const char *const starts[] = {"sent from my ",
										 "sent from outlook",
										 "get outlook for ",
										 "sent from yahoo mail",
										 "sent via ",
										 "sent with ",
										 NULL};

	return line->length < 90 && starts_with_any(line, starts);
}

/*
 * The first line of the legal text that firms append. Beginnings of sentences that nobody writes by
 * hand; what follows them down to the end is of the same kind.
 */
static bool
is_disclaimer(const Line *line)
{
	static const char *const starts[] = {"confidentiality notice",
										 "confidentiality:",
										 "confidential:",
										 "disclaimer",
										 "legal notice",
										 "privileged and confidential",
										 "this e-mail and any ",
										 "this email and any ",
										 "this e-mail (",
										 "this email (",
										 "this message and any ",
										 "this e-mail is confidential",
										 "this email is confidential",
										 "this e-mail may contain",
										 "this email may contain",
										 "this message may contain",
										 "this message is intended ",
										 "this e-mail is intended ",
										 "this email is intended ",
										 "this message contains confidential",
										 "this email contains confidential",
										 "the information contained in this ",
										 "the information in this e",
										 "the contents of this e",
										 "the content of this e",
										 "please consider the environment",
										 NULL};

	return starts_with_any(line, starts);
}

/* Belongs to the letter though it stands below the signature. */
static bool
is_postscript(const Line *line)
{
	return starts_with(line, "p.s") || starts_with(line, "ps:") || starts_with(line, "ps ");
}

/*
 * "-- ", or "--" with little behind it: many programs lose the space, but a line of two hyphens in
 * the middle of a letter is a rule between its parts.
 */
static bool
is_signature_mark(const Line *lines, int at, int end)
{
	if (lines[at].length != 2 || memcmp(lines[at].text, "--", 2) != 0)
		return false;
	return (lines[at].whole >= 3 && lines[at].begin[2] == ' ') || end - at <= 15;
}

/*
 * A sentence that says something, and not the name, title or address of a signature: it asks, it is
 * long, or it has the words and the full stop of one. Digits, @ and | speak for an address.
 */
static bool
is_sentence(const Line *line)
{
	static const char *const asking[] = {
		"please",       "can you",     "could you", "will you",    "would you",
		"don't forget", "remember to", "need ",     "let me know", NULL};
	int words = 1;
	bool data = false; /* digits, addresses and bars are what signatures are made of */

	for (size_t i = 0; i < line->length; i++)
	{
		words += line->text[i] == ' ';
		data |= isdigit((unsigned char) line->text[i]) || strchr("@|", line->text[i]) != NULL;
	}
	for (int i = 0; asking[i]; i++)
		if (contains(line, asking[i]))
			return true;
	if (ends_with(line, "?") || line->length > SIGNATURE_WIDTH)
		return true;
	return (words >= 4 && (ends_with(line, ".") || ends_with(line, "!"))) || (words > 6 && !data);
}

/*
 * Could everything in [at, end) be a name, a title, an address? Then the sign-off above begins a
 * signature.
 */
static bool
looks_like_signature(const Line *lines, int at, int end)
{
	int filled = 0;

	for (int i = at; i < end; i++)
	{
		if (is_blank(&lines[i]))
			continue;
		if (is_disclaimer(&lines[i]) || is_signature_mark(lines, i, end))
			return true;
		if (is_postscript(&lines[i]))
			return true;
		if (++filled > SIGNATURE_LINES || is_sentence(&lines[i]))
			return false;
	}
	return true;
}

/*
 * Marks [at, end) as signature, but gives a postscript back to the text: it is where the
 * afterthought stands that somebody is asked for.
 */
static void
mark_signature(Line *lines, int at, int end)
{
	for (int i = at; i < end; i++)
	{
		if (i > at && is_postscript(&lines[i]))
		{
			while (i < end && !is_blank(&lines[i]))
				i++;
			i--;
			continue;
		}
		lines[i].kind = LINE_SIGNATURE;
	}
}

/*
 * Second pass over one stretch [start, end) of new text. The first thing that looks like the
 * beginning of a signature wins; disclaimers count only where nothing but more of the same can
 * follow.
 */
static void
mark_stretch(Line *lines, int start, int end)
{
	/* a mail that consists of a sign-off alone ("Thanks!") says just that */
	int opening = skip_blank(lines, end, start);

	for (int i = start; i < end; i++)
	{
		if (is_signature_mark(lines, i, end) || is_disclaimer(&lines[i]))
		{
			mark_signature(lines, i, end);
			return;
		}
		if (is_device_line(&lines[i]))
			lines[i].kind = LINE_SIGNATURE;
		else if (i > opening && is_sign_off(&lines[i]) && looks_like_signature(lines, i + 1, end))
		{
			mark_signature(lines, i, end);
			return;
		}
	}
}

/* Between quotes there may be several stretches of new text, each with its own end. */
static void
mark_signatures(Line *lines, int n)
{
	int start = 0;

	while (start < n)
	{
		int end;

		if (lines[start].kind != LINE_FRESH)
		{
			start++;
			continue;
		}
		for (end = start; end < n && lines[end].kind == LINE_FRESH; end++)
			;
		mark_stretch(lines, start, end);
		start = end;
	}
}

/*
 * Cuts text into lines; the caller frees. NULL where memory ran out. A line keeps both its trimmed
 * text, which the rules look at, and its bytes, which the parts are made of.
 */
static Line *
cut_lines(const char *text, size_t length, int *count)
{
	size_t n = 1;
	Line *lines;
	const char *p = text;
	const char *end = text + length;

	for (size_t i = 0; i < length; i++)
		n += text[i] == '\n';
	lines = calloc(n, sizeof(Line));
	*count = 0;
	while (lines && p < end)
	{
		Line *line = &lines[(*count)++];
		const char *eol = memchr(p, '\n', (size_t) (end - p));
		const char *stop = eol ? eol : end;

		line->begin = p;
		line->whole = (size_t) ((eol ? eol + 1 : end) - p);
		while (p < stop && isspace((unsigned char) *p))
			p++;
		line->text = p;
		while (stop > p && isspace((unsigned char) stop[-1]))
			stop--;
		line->length = (size_t) (stop - p);
		p = line->begin + line->whole;
	}
	return lines;
}

/* Every line goes into exactly one of the three buffers: together they are the text. */
void
sched_mail_split_quotes(const char *text, size_t length, SchedMailSplit *split)
{
	Line *lines;
	int n;

	memset(split, 0, sizeof(*split));
	sched_mail_buffer_init(&split->fresh, length + 1);
	sched_mail_buffer_init(&split->quoted, length + 1);
	sched_mail_buffer_init(&split->signature, length + 1);
	lines = cut_lines(text, length, &n);
	if (lines == NULL)
	{
		split->fresh.failed = true;
		return;
	}
	mark_quotes(lines, n, &split->forwarded);
	mark_signatures(lines, n);
	for (int i = 0; i < n; i++)
	{
		SchedMailBuffer *part = lines[i].kind == LINE_FRESH    ? &split->fresh
								: lines[i].kind == LINE_QUOTED ? &split->quoted
															   : &split->signature;

		sched_mail_buffer_append(part, lines[i].begin, lines[i].whole);
	}
	free(lines);
}

/* After the buffers were taken this does nothing. */
void
sched_mail_split_free(SchedMailSplit *split)
{
	sched_mail_buffer_free(&split->fresh);
	sched_mail_buffer_free(&split->quoted);
	sched_mail_buffer_free(&split->signature);
}
