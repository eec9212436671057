/*
 * builtin_text.c - from the bytes of a mail to its paragraphs: new text, quoted text, forwarded
 * text, signature.
 *
 * Pure; works in the memory of the SchedReading it is given. Any bytes may come in: what is not
 * UTF-8 becomes a blank. The lines are walked once; every decision looks a bounded number of lines
 * ahead.
 *
 * Runs in whatever process extracts; allocates nothing, throws nothing. Mail programs mark what
 * they quote in a dozen ways and languages; a mark that is not recognised makes old requests
 * look new, which is the costliest error of all, so marks are looked for generously. Sections
 * are never dropped here: a chaser needs them. Text behind the signature is kept as well,
 * flagged, because it tells what kind of mail it is.
 */
#include <string.h>

#include "builtin_internal.h"

typedef struct Walk
{
	SchedReading *reading;
	int line;
	int by_depth[8]; /* section of each depth of quoting, -1: none yet */
	int section;
	int footer;
	int heading;  /* sentence that heads the bullets that follow, or -1 */
	bool open;    /* a block is being built */
	size_t start; /* of that block in flow */
	SchedSentence model;
	uint32_t last_length; /* of the block's last line */
	uint8_t bullet_indent;
} Walk;

/* Bytes of the character at text if it is well-formed UTF-8, else 0. */
static size_t
measure_character(const unsigned char *text, size_t length)
{
	size_t size = text[0] < 0x80   ? 1
				  : text[0] < 0xc2 ? 0
				  : text[0] < 0xe0 ? 2
				  : text[0] < 0xf0 ? 3
								   : 4;

	if (size == 0 || size > length || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return size;
}

/*
 * Typographic characters and what is read instead of them; the longest is four bytes, so is its
 * stand-in.
 */
static const struct
{
	const char *from;
	const char *to;
} stand_ins[] = {{"\xc2\xa0", " "},       {"\xc2\xad", ""},
				 {"\xc2\xb4", "'"},       {"\xc2\xb7", "*"},
				 {"\xe2\x80\x8b", ""},    {"\xe2\x80\x8c", ""},
				 {"\xe2\x80\x8d", ""},    {"\xe2\x80\x8e", ""},
				 {"\xe2\x80\x8f", ""},    {"\xe2\x80\x90", "-"},
				 {"\xe2\x80\x91", "-"},   {"\xe2\x80\x92", "-"},
				 {"\xe2\x80\x93", "-"},   {"\xe2\x80\x94", " - "},
				 {"\xe2\x80\x95", " - "}, {"\xe2\x80\x98", "'"},
				 {"\xe2\x80\x99", "'"},   {"\xe2\x80\x9a", "'"},
				 {"\xe2\x80\x9b", "'"},   {"\xe2\x80\x9c", "\""},
				 {"\xe2\x80\x9d", "\""},  {"\xe2\x80\x9e", "\""},
				 {"\xe2\x80\xa2", "*"},   {"\xe2\x80\xa3", "*"},
				 {"\xe2\x80\xa6", "..."}, {"\xe2\x80\xa8", "\n"},
				 {"\xe2\x80\xa9", "\n"},  {"\xe2\x80\xaf", " "},
				 {"\xe2\x81\x83", "*"},   {"\xe2\x81\xa0", ""},
				 {"\xe2\x88\x92", "-"},   {"\xe2\x96\xaa", "*"},
				 {"\xe2\x96\xab", "*"},   {"\xe2\x97\x8f", "*"},
				 {"\xe2\x97\xa6", "*"},   {"\xe2\x98\x90", "*"},
				 {"\xe2\x98\x91", "[x]"}, {"\xe2\x98\x92", "[x]"},
				 {"\xe2\x9c\x93", "[x]"}, {"\xe2\x9c\x94", "[x]"},
				 {"\xe2\x9c\x85", "[x]"}, {"\xe3\x80\x80", " "},
				 {"\xef\xbb\xbf", ""},    {"`", "'"}};

/* What to read for a typographic character; NULL to take it as it is. */
static const char *
find_stand_in(const char *text, size_t size)
{
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++)
		if (strlen(stand_ins[i].from) == size && memcmp(stand_ins[i].from, text, size) == 0)
			return stand_ins[i].to;
	if (size == 3 && memcmp(text, "\xe2\x80", 2) == 0 && (unsigned char) text[2] <= 0x8a)
		return " ";
	return NULL;
}

/* ASCII only, so that the locale changes nothing. */
static char
fold_case(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
}

/* Of ASCII. */
static bool
is_plain_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Case-insensitive; the head is given in lower case. */
static bool
starts_with(const char *text, size_t length, const char *head)
{
	size_t size = strlen(head);

	if (length < size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (fold_case(text[i]) != head[i])
			return false;
	return true;
}

/* Case-insensitive; the part is given in lower case. */
static bool
contains(const char *text, size_t length, const char *part)
{
	size_t size = strlen(part);

	for (size_t i = 0; i + size <= length; i++)
		if (fold_case(text[i]) == part[0] && starts_with(text + i, length - i, part))
			return true;
	return false;
}

/*
 * Bytes of an address of a page, without the punctuation behind it. Addresses are left out of
 * the text: they are no words, and a description should not show them.
 */
static size_t
measure_url(const char *text, size_t length)
{
	size_t i = 0;

	if (strchr("hHwWmM", text[0]) == NULL)
		return 0;
	if (!starts_with(text, length, "http://") && !starts_with(text, length, "https://") &&
		!starts_with(text, length, "www.") && !starts_with(text, length, "mailto:"))
		return 0;
	while (i < length && (unsigned char) text[i] > ' ' && strchr("<>\"", text[i]) == NULL)
		i++;
	while (i > 0 && strchr(".,;:!?)]'", text[i - 1]) != NULL)
		i--;
	return i;
}

/*
 * Copies text as readable UTF-8 without control characters, typographic marks and addresses of
 * pages; returns the bytes written, at most room.
 */
size_t
sched_llm_clean_text(char *target, size_t room, const char *text, size_t length, int *urls)
{
	size_t out = 0;
	size_t at = 0;
	bool between = true; /* an address begins only behind a character that is no letter */

	while (at < length && out + 4 < room)
	{
		size_t size;
		size_t url;
		const char *other;

		/* Most of any text: a letter that begins no address. */
		if (is_plain_letter(text[at]) && (!between || strchr("hHwWmM", text[at]) == NULL))
		{
			target[out++] = text[at++];
			between = false;
			continue;
		}
		size = measure_character((const unsigned char *) text + at, length - at);
		url = between && size == 1 ? measure_url(text + at, length - at) : 0;
		if (url > 0)
		{
			(*urls)++;
			at += url;
			continue;
		}
		other = size > 1 || text[at] == '`' ? find_stand_in(text + at, size) : NULL;
		if (size == 0)
			target[out++] = ' ';
		else if (other != NULL)
		{
			memcpy(target + out, other, strlen(other));
			out += strlen(other);
		}
		else if (size == 1 && text[at] == '\r')
		{
			if (at + 1 >= length || text[at + 1] != '\n')
				target[out++] = '\n';
		}
		else if (size == 1 && ((unsigned char) text[at] < ' ' || text[at] == 0x7f) &&
				 text[at] != '\n')
			target[out++] = ' ';
		else
		{
			memcpy(target + out, text + at, size);
			out += size;
		}
		between = size == 1 && strchr(" \n\t<([\"':=", text[at]) != NULL;
		at += size > 0 ? size : 1;
	}
	return out;
}

/*
 * Lines with the depth of their quote marks. A mail of more than MAX_LINES lines is read as
 * far as that.
 */
static void
split_lines(SchedReading *reading)
{
	size_t at = 0;

	reading->line_count = 0;
	while (at < reading->clean_length && reading->line_count < MAX_LINES)
	{
		SchedLine *line = &reading->lines[reading->line_count++];
		const char *text = reading->clean + at;
		const char *end = memchr(text, '\n', reading->clean_length - at);
		size_t length = end ? (size_t) (end - text) : reading->clean_length - at;
		size_t from = 0;
		int depth = 0;
		int indent = 0;

		at += length + 1;
		while (from < length && (text[from] == ' ' || text[from] == '>'))
		{
			indent = text[from] == '>' ? 0 : indent + 1;
			depth += text[from] == '>';
			from++;
		}
		while (length > from && text[length - 1] == ' ')
			length--;
		line->start = (uint32_t) (text + from - reading->clean);
		line->length = (uint32_t) (length - from);
		line->depth = (uint8_t) (depth > 7 ? 7 : depth);
		line->indent = (uint8_t) (indent > 40 ? 40 : indent);
	}
}

/* Where a line stands. */
static const char *
line_text(const SchedReading *reading, const SchedLine *line)
{
	return reading->clean + line->start;
}

/* Words between blanks, to tell a closing from a sentence. */
static int
count_words(const char *text, size_t length)
{
	int words = 0;

	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && (i == 0 || text[i - 1] == ' '))
			words++;
	return words;
}

/* A new section; when there are too many the last one takes the rest, which is history anyway. */
static int
open_section(SchedReading *reading, SchedSectionKind kind, int depth)
{
	SchedSection *section;

	if (reading->section_count >= MAX_SECTIONS)
		return MAX_SECTIONS - 1;
	section = &reading->sections[reading->section_count];
	section->kind = kind;
	section->depth = depth;
	section->reference = reading->context->reference;
	return reading->section_count++;
}

/* When was the quoted mail written? Its relative dates start there. */
static void
date_section(SchedReading *reading, int section, const char *text, size_t length)
{
	SchedWhen found[2];
	int count = sched_time_parse_when(text, length, reading->context, found, 2);

	for (int i = 0; i < count; i++)
		if (found[i].has_date && found[i].lower <= reading->context->reference)
		{
			reading->sections[section].reference =
				found[i].lower + (found[i].has_time ? 0 : INT64_C(12) * 3600 * SCHED_USECS_PER_SEC);
			return;
		}
}

/*
 * Ends the paragraph or bullet that is being built and splits it into sentences. A paragraph
 * that ends in a colon heads the bullets that follow, any other one ends the list.
 */
static void
close_block(Walk *walk)
{
	int before = walk->reading->sentence_count;

	if (!walk->open)
		return;
	walk->open = false;
	walk->reading->block_count++;
	sched_llm_split_block(walk->reading, walk->start, &walk->model);
	if (walk->reading->sentence_count > before)
	{
		const SchedSentence *last = &walk->reading->sentences[walk->reading->sentence_count - 1];

		if (last->colon)
			walk->heading = walk->reading->sentence_count - 1;
		else if (!walk->model.bullet)
			walk->heading = -1;
	}
}

/*
 * Adds a line to the open block, or opens one with the current section, heading and signature
 * state.
 */
static void
append_line(Walk *walk, const char *text, size_t length, bool bullet, bool ticked)
{
	SchedReading *reading = walk->reading;

	if (reading->flow_length + length + 2 >= MAX_FLOW)
		return;
	if (!walk->open)
	{
		memset(&walk->model, 0, sizeof(walk->model));
		walk->model.section = walk->section;
		walk->model.block = reading->block_count;
		walk->model.bullet = bullet;
		walk->model.ticked = ticked;
		walk->model.footer = walk->footer;
		walk->model.heading = bullet ? walk->heading : -1;
		walk->start = reading->flow_length;
		walk->open = true;
	}
	else
		reading->flow[reading->flow_length++] = ' ';
	memcpy(reading->flow + reading->flow_length, text, length);
	reading->flow_length += length;
	walk->last_length = (uint32_t) length;
}

/*
 * "On Mon, 13 Oct 2025, R. Thwaite wrote:" in the languages of mail programs, on up to three
 * lines.
 */
static int
measure_attribution(const Walk *walk, int at)
{
	static const char *const ends[] = {"wrote:",
									   "schrieb:",
									   "writes:",
									   "skrev:",
									   "escribi\xc3\xb3:",
									   "a \xc3\xa9"
									   "crit :",
									   "a \xc3\xa9"
									   "crit:",
									   "scritto:",
									   "schreef:",
									   "escreveu:",
									   "kirjoitti:",
									   NULL};
	static const char *const starts[] = {
		"on ", "am ",        "le ",        "el ",   "den ", "op ", "il ",
		"em ", "p\xc3\xa5 ", "quoting ",   "fre",   "man",  "tir", "ons",
		"tor", "l\xc3\xb8r", "s\xc3\xb8n", "from ", NULL};
	const SchedReading *reading = walk->reading;
	const SchedLine *line = &reading->lines[at];
	bool started = false;

	for (const char *const *start = starts; *start != NULL; start++)
		started |= starts_with(line_text(reading, line), line->length, *start);
	for (int i = 0; i < 3 && at + i < reading->line_count; i++)
	{
		line = &reading->lines[at + i];
		if (line->length == 0 || line->depth != reading->lines[at].depth || line->length > 200)
			return 0;
		if (i > 0 && !started)
			return 0;
		for (const char *const *end = ends; *end != NULL; end++)
			if (line->length >= strlen(*end) &&
				starts_with(line_text(reading, line) + line->length - strlen(*end), strlen(*end),
							*end) &&
				(started || contains(line_text(reading, line), line->length, "@") ||
				 memchr(line_text(reading, line), '>', line->length) != NULL))
				return i + 1;
	}
	return 0;
}

/* A line of a quoted mail's head, as mail programs write it: 1 from, 2 date, 3 another, 0 none. */
static int
classify_header(const SchedReading *reading, const SchedLine *line)
{
	static const char *const names[3][18] = {
		{"from:", "von:", "de:", "de :", "fra:", "fr\xc3\xa5n:", "van:", "da:", NULL},
		{"sent:", "date:", "gesendet:", "datum:", "envoy\xc3\xa9 :", "envoy\xc3\xa9:", "sendt:",
		 "dato:", "skickat:", "enviado:", "inviato:", "verzonden:", "date :", "fecha:", "data:",
		 NULL},
		{"to:", "an:", "\xc3\x80 :", "\xc3\xa0 :", "til:", "till:", "para:", "aan:", "cc:", "kopi:",
		 "subject:", "betreff:", "objet :", "objet:", "emne:", "\xc3\xa4mne:", "reply-to:", NULL}};
	const char *text = line_text(reading, line);
	size_t length = line->length;

	while (length > 0 && *text == '*')
	{
		text++;
		length--;
	}
	for (int group = 0; group < 3; group++)
		for (int i = 0; names[group][i] != NULL; i++)
			if (starts_with(text, length, names[group][i]))
				return group + 1;
	return 0;
}

/* Lines of a quoted mail's head that begins here, 0 if none does. */
static int
measure_headers(const SchedReading *reading, int at)
{
	int lines = 0;
	int known = 0;
	int blank = 0;

	if (classify_header(reading, &reading->lines[at]) != 1)
		return 0;
	for (int i = at; i < reading->line_count && i < at + 14; i++)
	{
		const SchedLine *line = &reading->lines[i];
		int kind = classify_header(reading, line);

		if (kind > 0)
		{
			known++;
			lines = i - at + 1;
			blank = 0;
		}
		else if (line->length == 0 && ++blank > 1)
			break;
		else if (line->length > 0 && (blank > 0 || line->indent == 0))
			break; /* a folded line goes on with an indentation */
	}
	return known >= 2 ? lines : 0;
}

/* "---------- Forwarded message ---------" and its like; kind says what follows. */
static bool
is_separator(const char *text, size_t length, SchedSectionKind *kind)
{
	if (length > 90)
		return false;
	if (contains(text, length, "forwarded message") ||
		contains(text, length, "weitergeleitete nachricht") ||
		contains(text, length, "message transf\xc3\xa9r\xc3\xa9") ||
		contains(text, length, "videresendt") || contains(text, length, "mensaje reenviado"))
	{
		*kind = SECTION_FORWARDED;
		return text[0] == '-' || text[0] == '=' || starts_with(text, length, "begin ") ||
			   text[length - 1] == ':';
	}
	if (text[0] == '-' && (contains(text, length, "original message") ||
						   contains(text, length, "urspr\xc3\xbcngliche nachricht") ||
						   contains(text, length, "message d'origine") ||
						   contains(text, length, "oprindelig meddelelse")))
	{
		*kind = SECTION_QUOTED;
		return true;
	}
	return false;
}

/* From here on the text of this depth belongs to another mail. */
static void
enter_section(Walk *walk, SchedSectionKind kind, int depth)
{
	close_block(walk);
	if (kind == SECTION_QUOTED && depth == 0 && walk->reading->is_forward)
		kind = SECTION_FORWARDED;
	walk->by_depth[depth] = open_section(walk->reading, kind, depth);
	for (int i = depth + 1; i < 8; i++)
		walk->by_depth[i] = -1;
	walk->footer = 0;
	walk->heading = -1;
}

/*
 * Steps over what introduces a quoted or forwarded mail; true if the current line was part of it.
 */
static bool
skip_introduction(Walk *walk)
{
	SchedReading *reading = walk->reading;
	const SchedLine *line = &reading->lines[walk->line];
	SchedSectionKind kind = SECTION_QUOTED;
	int depth = line->depth;
	int count = measure_attribution(walk, walk->line);

	if (count > 0)
	{
		const SchedLine *last = &reading->lines[walk->line + count - 1];
		int next = walk->line + count;

		while (next < reading->line_count && reading->lines[next].length == 0)
			next++;
		if (next < reading->line_count && reading->lines[next].depth > depth)
			depth = reading->lines[next].depth;
		enter_section(walk, kind, depth);
		date_section(reading, walk->by_depth[depth], line_text(reading, line),
					 last->start + last->length - line->start);
		walk->line += count - 1;
		return true;
	}
	if (is_separator(line_text(reading, line), line->length, &kind))
	{
		enter_section(walk, kind, depth);
		return true;
	}
	count = measure_headers(reading, walk->line);
	if (count == 0)
		return false;
	if (walk->by_depth[depth] <= 0 ||
		reading->sections[walk->by_depth[depth]].reference != reading->context->reference ||
		(reading->sentence_count > 0 &&
		 reading->sentences[reading->sentence_count - 1].section == walk->by_depth[depth]))
		enter_section(walk, kind, depth);
	for (int i = 0; i < count; i++)
		if (classify_header(reading, &reading->lines[walk->line + i]) == 2)
			date_section(reading, walk->by_depth[depth],
						 line_text(reading, &reading->lines[walk->line + i]),
						 reading->lines[walk->line + i].length);
	walk->line += count - 1;
	return true;
}

/* "Kind regards", "Cheers, Ann", "Hilsen" on a line of its own. */
static bool
is_closing(const char *text, size_t length)
{
	static const char *const closings[] = {"best",
										   "best regards",
										   "best wishes",
										   "kind regards",
										   "kindest regards",
										   "warm regards",
										   "regards",
										   "many thanks",
										   "thanks",
										   "thank you",
										   "thx",
										   "cheers",
										   "yours",
										   "sincerely",
										   "love",
										   "lots of love",
										   "xx",
										   "xxx",
										   "hugs",
										   "take care",
										   "all the best",
										   "with best",
										   "with kind",
										   "with thanks",
										   "with warm",
										   "ciao",
										   "mfg",
										   "viele gr",
										   "herzliche gr",
										   "mit freundlichen",
										   "mit besten",
										   "beste gr",
										   "liebe gr",
										   "lg",
										   "gru\xc3\x9f",
										   "cordialement",
										   "bien \xc3\xa0 vous",
										   "amicalement",
										   "saludos",
										   "un saludo",
										   "hilsen",
										   "mvh",
										   "venlig hilsen",
										   "med venlig",
										   "vh",
										   "kh",
										   "groet",
										   "met vriendelijke",
										   "mange hilsner",
										   "speak soon",
										   "see you",
										   "talk soon",
										   "bye",
										   "respectfully",
										   "yours truly",
										   "yours sincerely",
										   "yours faithfully",
										   "with gratitude",
										   "warmly",
										   "bis bald",
										   "cordiali saluti",
										   "atentamente",
										   NULL};

	if (length > 60 || length == 0 || count_words(text, length) > 6)
		return false;
	if (length > 1 && strchr(".?:", text[length - 1]) != NULL &&
		!starts_with(text, length, "thank"))
		return false;
	for (const char *const *closing = closings; *closing != NULL; closing++)
	{
		size_t size = strlen(*closing);

		if (!starts_with(text, length, *closing))
			continue;
		if (length == size || strchr(",!.-", text[size]) != NULL ||
			(unsigned char) text[size] >= 0x80 || count_words(*closing, size) > 1)
			return true;
		/*
		 * "Yours in compost,", "Thanks in advance," but not "Best price for you" or "Thanks for
		 * the cake".
		 */
		if (text[size] == ' ' && (text[length - 1] == ',' || contains(text, length, "advance")) &&
			!contains(text, length, " for "))
			return true;
	}
	return false;
}

/* Bytes of a bullet mark at the head of the line, 0 if there is none. */
static size_t
measure_bullet(const char *text, size_t length, bool *ticked)
{
	size_t i = 0;

	*ticked = false;
	if (length > 2 && strchr("-*+o#", text[0]) != NULL && text[1] == ' ')
		i = 2;
	else if (length > 1 && text[0] == '*' && text[1] != '*' &&
			 memchr(text + 1, '*', length - 1) == NULL)
		i = 1;
	else if (length > 3 && text[0] == '(' && text[2] == ')')
		i = 3;
	else
	{
		while (i < 2 && i < length && text[i] >= '0' && text[i] <= '9')
			i++;
		if (i == 0 && length > 2 &&
			((text[0] >= 'a' && text[0] <= 'h') || (text[0] >= 'A' && text[0] <= 'H')))
			i = text[1] == ')' ? 1 : 0;
		if (i > 0 && i + 1 < length && strchr(".):", text[i]) != NULL && text[i + 1] == ' ')
			i += 2;
		else
			i = 0;
	}
	while (i < length && text[i] == ' ')
		i++;
	if (i + 3 < length && text[i] == '[' && text[i + 2] == ']')
	{
		*ticked = text[i + 1] == 'x' || text[i + 1] == 'X';
		i += 3;
	}
	while (i > 0 && i < length && text[i] == ' ')
		i++;
	return i < length ? i : 0;
}

/* Could this begin a line of its own? A wrapped line mostly goes on in lower case. */
static bool
is_upper(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Does this line go on with the block, or begin another? */
static bool
goes_on(const Walk *walk, const SchedLine *line, const char *text)
{
	char last;

	if (!walk->open)
		return false;
	last = walk->reading->flow[walk->reading->flow_length - 1];
	if (walk->model.bullet && line->indent <= walk->bullet_indent && is_upper(text[0]) &&
		walk->last_length < 55)
		return false;
	if (last == ':')
		return false;
	if (walk->last_length < 45 && is_upper(text[0]) && (last != ',' || walk->last_length < 25))
		return false;
	return true;
}

/* A line of text: signature mark, closing, postscript, bullet or a piece of a paragraph. */
static void
take_line(Walk *walk)
{
	SchedReading *reading = walk->reading;
	const SchedLine *line = &reading->lines[walk->line];
	const char *text = line_text(reading, line);
	size_t length = line->length;
	bool ticked;
	size_t bullet = measure_bullet(text, length, &ticked);

	if (length <= 3 && text[0] == '-' && text[length - 1] == '-' && length >= 2)
	{
		close_block(walk);
		if (length == 2)
			walk->footer = 2;
		return;
	}
	if (strspn(text, "_=-*~#") >= length)
	{
		close_block(walk);
		if (text[0] == '_')
			walk->footer = 2;
		return;
	}
	if (starts_with(text, length, "ps") && length > 3 && strchr(": .,-", text[2]) != NULL)
	{
		close_block(walk);
		walk->footer = 0;
	}
	else if (starts_with(text, length, "p.s"))
	{
		close_block(walk);
		walk->footer = 0;
	}
	else if (walk->footer == 0 && reading->sentence_count + walk->open > 0 &&
			 is_closing(text, length))
	{
		close_block(walk);
		walk->footer = 1;
		return;
	}
	if (bullet > 0)
	{
		close_block(walk);
		append_line(walk, text + bullet, length - bullet, true, ticked);
		walk->bullet_indent = line->indent;
		return;
	}
	if (!goes_on(walk, line, text))
		close_block(walk);
	append_line(walk, text, length, false, false);
}

/* Walks over the body once and fills sections, sentences and tokens. */
void
sched_llm_read_body(SchedReading *reading)
{
	Walk walk = {0};

	reading->clean_length = sched_llm_clean_text(
		reading->clean, MAX_CLEAN, reading->mail->body ? reading->mail->body : "",
		reading->mail->body == NULL                           ? 0
		: reading->mail->body_length > SCHED_BUILTIN_MAX_TEXT ? SCHED_BUILTIN_MAX_TEXT
															  : reading->mail->body_length,
		&reading->urls);
	split_lines(reading);
	walk.reading = reading;
	walk.heading = -1;
	for (int i = 1; i < 8; i++)
		walk.by_depth[i] = -1;
	for (; walk.line < reading->line_count; walk.line++)
	{
		const SchedLine *line = &reading->lines[walk.line];
		int depth = line->depth;

		if (line->length == 0)
		{
			close_block(&walk);
			continue;
		}
		if (skip_introduction(&walk))
			continue;
		if (walk.by_depth[depth] < 0)
			walk.by_depth[depth] = open_section(reading, SECTION_QUOTED, depth);
		if (walk.by_depth[depth] != walk.section)
		{
			close_block(&walk);
			walk.section = walk.by_depth[depth];
			walk.heading = -1;
			walk.footer = 0;
		}
		take_line(&walk);
	}
	close_block(&walk);
}

/* Steps over "Re:", "Fwd:", "SV: ", "[list]" and the like. */
static size_t
skip_prefixes(SchedReading *reading, const char *text, size_t length)
{
	static const char *const replies[] = {
		"re:", "aw:", "sv:", "vs:", "antw:", "rif:", "re :", "odp:", NULL};
	static const char *const forwards[] = {
		"fwd:", "fw:", "wg:", "tr:", "vb:", "vl:", "rv:", "enc:", NULL};
	size_t at = 0;
	bool moved = true;

	while (moved && at < length)
	{
		moved = false;
		while (at < length && text[at] == ' ')
			at++;
		for (int i = 0; replies[i] != NULL; i++)
			if (starts_with(text + at, length - at, replies[i]))
			{
				reading->is_reply = moved = true;
				at += strlen(replies[i]);
				break;
			}
		for (int i = 0; forwards[i] != NULL && !moved; i++)
			if (starts_with(text + at, length - at, forwards[i]))
			{
				reading->is_forward = moved = true;
				at += strlen(forwards[i]);
			}
		if (!moved && at < length && text[at] == '[')
		{
			const char *end = memchr(text + at, ']', length - at);

			if (end != NULL && end - (text + at) < 40 && end + 1 < text + length)
			{
				reading->list_subject = true;
				at = (size_t) (end - text) + 1;
				moved = true;
			}
		}
	}
	return at;
}

/* The subject becomes the first sentences, marked as such, and the title without its prefixes. */
void
sched_llm_read_subject(SchedReading *reading)
{
	char text[1024];
	SchedSentence model;
	size_t length;
	size_t skip;
	size_t start = reading->flow_length;

	if (reading->mail->subject == NULL)
		return;
	length = sched_llm_clean_text(
		text, sizeof(text), reading->mail->subject,
		reading->mail->subject_length > 900 ? 900 : reading->mail->subject_length, &reading->urls);
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	skip = skip_prefixes(reading, text, length);
	while (length > skip && text[length - 1] == ' ')
		length--;
	if (length <= skip)
		return;
	memcpy(reading->flow + start, text + skip, length - skip);
	reading->flow_length += length - skip;
	if (length - skip < sizeof(reading->title))
	{
		memcpy(reading->title, text + skip, length - skip);
		reading->title[length - skip] = '\0';
	}
	memset(&model, 0, sizeof(model));
	model.subject = true;
	model.heading = -1;
	model.block = reading->block_count++;
	sched_llm_split_block(reading, start, &model);
	if (reading->sentence_count > 0)
		reading->subject = 0;
}
