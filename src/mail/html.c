/*
 * html.c - the readable text of an HTML mail.
 *
 * Pure; runs wherever a mail is parsed. libxml2 calls us back for each tag and text run; the
 * callbacks only append to a malloc'ed buffer of the caller and cannot throw. Depth is bounded here
 * because libxml2's own clean-up of mismatched end tags costs (open elements) for each of them.
 *
 * How white space works: nothing is written when an element opens or closes. It only raises what is
 * due before the next text (line breaks, a space, the mark of a list item), and flush_breaks() pays
 * that when text really comes. So empty elements leave no trace, two block ends are one break, and
 * there is never space at the end.
 *
 * Quotes: <blockquote> raises the depth of "> " marks that start_line() writes at the head of each
 * line, which is the form in which quote.c recognises quoted text, whatever program wrote the HTML.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include "html.h"

#define MAX_DEPTH 400 /* elements open at once; newsletters reach about 60 */
#define MAX_LISTS 8
#define MAX_QUOTES 6

/* What an element does to the text around it. */
typedef enum ElementKind
{
	ELEMENT_INLINE,
	ELEMENT_BLOCK,     /* own line */
	ELEMENT_PARAGRAPH, /* blank line before and after */
	ELEMENT_CELL,      /* a space */
	ELEMENT_BREAK,
	ELEMENT_RULE,
	ELEMENT_ITEM,
	ELEMENT_LIST,
	ELEMENT_QUOTE,
	ELEMENT_PRE,
	ELEMENT_IMAGE,
	ELEMENT_DROPPED /* neither it nor anything inside is shown */
} ElementKind;

typedef struct ElementRule
{
	const char *name;
	ElementKind kind;
} ElementRule;

static const ElementRule element_rules[] = {
	{"address", ELEMENT_BLOCK},    {"article", ELEMENT_BLOCK},    {"applet", ELEMENT_DROPPED},
	{"audio", ELEMENT_DROPPED},    {"blockquote", ELEMENT_QUOTE}, {"br", ELEMENT_BREAK},
	{"canvas", ELEMENT_DROPPED},   {"caption", ELEMENT_BLOCK},    {"center", ELEMENT_BLOCK},
	{"dd", ELEMENT_BLOCK},         {"div", ELEMENT_BLOCK},        {"dl", ELEMENT_PARAGRAPH},
	{"dt", ELEMENT_BLOCK},         {"fieldset", ELEMENT_BLOCK},   {"footer", ELEMENT_BLOCK},
	{"form", ELEMENT_BLOCK},       {"h1", ELEMENT_PARAGRAPH},     {"h2", ELEMENT_PARAGRAPH},
	{"h3", ELEMENT_PARAGRAPH},     {"h4", ELEMENT_PARAGRAPH},     {"h5", ELEMENT_PARAGRAPH},
	{"h6", ELEMENT_PARAGRAPH},     {"head", ELEMENT_DROPPED},     {"header", ELEMENT_BLOCK},
	{"hr", ELEMENT_RULE},          {"iframe", ELEMENT_DROPPED},   {"img", ELEMENT_IMAGE},
	{"li", ELEMENT_ITEM},          {"main", ELEMENT_BLOCK},       {"map", ELEMENT_DROPPED},
	{"nav", ELEMENT_BLOCK},        {"object", ELEMENT_DROPPED},   {"ol", ELEMENT_LIST},
	{"p", ELEMENT_PARAGRAPH},      {"pre", ELEMENT_PRE},          {"script", ELEMENT_DROPPED},
	{"section", ELEMENT_BLOCK},    {"select", ELEMENT_DROPPED},   {"style", ELEMENT_DROPPED},
	{"svg", ELEMENT_DROPPED},      {"table", ELEMENT_BLOCK},      {"td", ELEMENT_CELL},
	{"template", ELEMENT_DROPPED}, {"th", ELEMENT_CELL},          {"title", ELEMENT_DROPPED},
	{"tr", ELEMENT_BLOCK},         {"ul", ELEMENT_LIST},          {"video", ELEMENT_DROPPED},
};

/* State of one conversion; lives on the stack of sched_mail_html_to_text(). */
typedef struct HtmlText
{
	SchedMailBuffer *out;
	htmlParserCtxtPtr parser;
	int depth;              /* open elements */
	int hidden_at;          /* depth of the outermost hidden element, 0 = none */
	int pre_depth;          /* open <pre> */
	int quotes;             /* open <blockquote> */
	int lists;              /* open <ul>, <ol> */
	int numbers[MAX_LISTS]; /* next number of an <ol>, 0 for <ul> */
	int wanted_breaks;      /* line breaks to write before the next text */
	bool wanted_space;      /* a space to write before the next text */
	bool started;           /* there is text */
	bool at_line_start;     /* the quote mark of this line is not yet written */
	bool wanted_item;       /* the mark of a list item is due */
	size_t cell_start;      /* length of out when the latest table cell began */
	bool in_cell;
	bool too_deep;
} HtmlText;

/* A linear search: forty short names, compared a few thousand times in a mail. */
static ElementKind
find_element_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(element_rules) / sizeof(element_rules[0]); i++)
		if (strcmp(element_rules[i].name, name) == 0)
			return element_rules[i].kind;
	return ELEMENT_INLINE;
}

/*
 * Does a style attribute, its spaces ignored, hide its element? Preview texts and instructions to
 * machines are hidden this way; colours that equal the background are not looked at.
 */
static bool
hides_style(const char *style)
{
	static const char *const hiding[] = {"display:none",   "visibility:hidden", "mso-hide:all",
										 "font-size:0;",   "font-size:0px",     "max-height:0;",
										 "max-height:0px", "opacity:0;",        NULL};
	char compact[512];
	size_t n = 0;

	for (; *style && n < sizeof(compact) - 2; style++)
		if (!isspace((unsigned char) *style))
			compact[n++] = (char) tolower((unsigned char) *style);
	compact[n++] = ';';
	compact[n] = '\0';
	for (int i = 0; hiding[i]; i++)
		if (strstr(compact, hiding[i]))
			return true;
	return false;
}

/* The value of an attribute, "" where it has none, NULL where it is not there. */
static const char *
find_attribute(const xmlChar **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2)
		if (strcmp((const char *) attributes[0], name) == 0)
			return attributes[1] ? (const char *) attributes[1] : "";
	return NULL;
}

/*
 * Breaks are not written when an element opens but when text follows: so empty elements,
 * of which newsletters are full, leave no empty lines.
 */
static void
want_breaks(HtmlText *text, int n)
{
	/* Word wraps each cell in a <p>: the first block of a cell stays on the row's line */
	if (text->in_cell && text->out->length == text->cell_start)
		return;
	if (text->wanted_breaks < n)
		text->wanted_breaks = n;
}

/* The quote marks at the head of a line; deeper quotes than a few say no more than these. */
static void
start_line(HtmlText *text)
{
	for (int i = 0; i < text->quotes && i < MAX_QUOTES; i++)
		sched_mail_buffer_add(text->out, "> ");
	text->at_line_start = false;
}

/* Writes the breaks, quote marks and item mark that are due before text. */
static void
flush_breaks(HtmlText *text)
{
	if (text->started)
	{
		for (int i = 0; i < text->wanted_breaks; i++)
		{
			if (i > 0 && text->quotes > 0)
				start_line(text);
			sched_mail_buffer_char(text->out, '\n');
			text->at_line_start = true;
		}
	}
	text->wanted_breaks = 0;
	if (text->at_line_start)
	{
		text->wanted_space = false;
		start_line(text);
	}
	if (text->wanted_item)
	{
		int depth = text->lists < MAX_LISTS ? text->lists : MAX_LISTS;
		char mark[32];
		size_t n = 0;

		for (int i = 1; i < depth; i++)
			sched_mail_buffer_add(text->out, "  ");
		if (depth > 0 && text->numbers[depth - 1] > 0)
		{
			int number = text->numbers[depth - 1]++;

			do
				mark[n++] = (char) ('0' + number % 10);
			while ((number /= 10) > 0);
			while (n > 0)
				sched_mail_buffer_char(text->out, mark[--n]);
			sched_mail_buffer_add(text->out, ". ");
		}
		else
			sched_mail_buffer_add(text->out, "- ");
		text->wanted_item = false;
		text->wanted_space = false;
	}
	if (text->wanted_space && text->started)
		sched_mail_buffer_char(text->out, ' ');
	text->wanted_space = false;
	text->started = true;
}

/* Zero-width fillers that senders pad previews with, and the no-break space: length, or 0. */
static size_t
measure_filler(const unsigned char *p, size_t left, bool *is_space)
{
	*is_space = false;
	if (left >= 2 && p[0] == 0xc2 && (p[1] == 0xa0 || p[1] == 0xad))
	{
		*is_space = p[1] == 0xa0;
		return 2;
	}
	if (left >= 2 && p[0] == 0xcd && p[1] == 0x8f)
		return 2;
	if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x8b && p[2] <= 0x8d)
		return 3;
	if (left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 3;
	return 0;
}

/*
 * Text inside <pre>: as it stands, but its breaks go the way of all others, so that quote marks
 * come behind them.
 */
static void
add_preformatted(HtmlText *text, const char *run, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (run[i] == '\n')
		{
			text->wanted_breaks++;
			continue;
		}
		if (run[i] == '\r')
			continue;
		if (text->wanted_breaks > 0 || !text->started || text->at_line_start || text->wanted_item)
			flush_breaks(text);
		sched_mail_buffer_char(text->out, run[i]);
	}
}

/* Words with single spaces between them, as a browser shows them. */
static void
add_text(HtmlText *text, const char *run, size_t length)
{
	const unsigned char *p = (const unsigned char *) run;
	const unsigned char *end = p + length;

	while (p < end)
	{
		const unsigned char *word;
		bool is_space;
		size_t n;

		if (isspace(*p))
		{
			text->wanted_space = true;
			p++;
			continue;
		}
		n = measure_filler(p, (size_t) (end - p), &is_space);
		if (n > 0)
		{
			text->wanted_space |= is_space;
			p += n;
			continue;
		}
		word = p;
		while (p < end && !isspace(*p) && measure_filler(p, (size_t) (end - p), &is_space) == 0)
			p++;
		flush_breaks(text);
		sched_mail_buffer_append(text->out, word, (size_t) (p - word));
	}
}

/* libxml2: a run of text, entities already resolved. */
static void
on_characters(void *context, const xmlChar *run, int length)
{
	HtmlText *text = context;

	if (text->hidden_at > 0 || length <= 0)
		return;
	if (text->pre_depth > 0)
		add_preformatted(text, (const char *) run, (size_t) length);
	else
		add_text(text, (const char *) run, (size_t) length);
}

/* A visible element begins. */
static void
open_element(HtmlText *text, const char *name, const xmlChar **attributes)
{
	switch (find_element_kind(name))
	{
		case ELEMENT_BLOCK:
			want_breaks(text, 1);
			break;
		case ELEMENT_PARAGRAPH:
			want_breaks(text, 2);
			break;
		case ELEMENT_CELL:
			text->wanted_space = true;
			text->in_cell = true;
			text->cell_start = text->out->length;
			break;
		case ELEMENT_BREAK:
			/* two in a row are a blank line, more are no more */
			if (text->wanted_breaks < 2)
				text->wanted_breaks++;
			break;
		case ELEMENT_RULE:
			want_breaks(text, 1);
			flush_breaks(text);
			sched_mail_buffer_add(text->out, "________________________________");
			want_breaks(text, 1);
			break;
		case ELEMENT_ITEM:
			want_breaks(text, 1);
			text->wanted_item = true;
			break;
		case ELEMENT_LIST:
			want_breaks(text, text->lists > 0 ? 1 : 2);
			if (text->lists < MAX_LISTS)
				text->numbers[text->lists] = strcmp(name, "ol") == 0 ? 1 : 0;
			text->lists++;
			break;
		case ELEMENT_QUOTE:
			/* the break that is due ends the line before: written outside the quotation */
			if (text->started)
				sched_mail_buffer_char(text->out, '\n');
			text->wanted_breaks = 0;
			text->at_line_start = true;
			text->quotes++;
			break;
		case ELEMENT_PRE:
			want_breaks(text, 1);
			text->pre_depth++;
			break;
		case ELEMENT_IMAGE:
		{
			const char *alt = find_attribute(attributes, "alt");

			if (alt && strlen(alt) < 200)
				add_text(text, alt, strlen(alt));
			break;
		}
		case ELEMENT_INLINE:
		case ELEMENT_DROPPED:
			break;
	}
}

/*
 * libxml2: an element opens. Depth is counted for hidden ones too, because their end must be
 * recognised; beyond the limit the parser is stopped and sched_mail_html_to_text() falls back.
 */
static void
on_start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
	HtmlText *text = context;
	const char *style;

	if (++text->depth > MAX_DEPTH)
	{
		text->too_deep = true;
		xmlStopParser(text->parser);
		return;
	}
	if (text->hidden_at > 0)
		return;
	style = find_attribute(attributes, "style");
	if (find_element_kind((const char *) name) == ELEMENT_DROPPED ||
		find_attribute(attributes, "hidden") || (style && hides_style(style)))
		text->hidden_at = text->depth;
	else
		open_element(text, (const char *) name, attributes);
}

/* A cell of one line leaves the next one on the same line. */
static void
close_cell(HtmlText *text)
{
	size_t length = text->out->length - text->cell_start;

	if (text->in_cell && length > 0 &&
		memchr(text->out->data + text->cell_start + 1, '\n', length - 1) == NULL)
		text->wanted_breaks = 0;
	text->wanted_space = true;
	text->in_cell = false;
}

/*
 * libxml2: an element closes, also one that the author forgot to close. The end of the outermost
 * hidden element makes the text visible again.
 */
static void
on_end_element(void *context, const xmlChar *name)
{
	HtmlText *text = context;
	int depth = text->depth--;

	if (text->hidden_at > 0)
	{
		if (text->hidden_at >= depth)
			text->hidden_at = 0;
		return;
	}
	switch (find_element_kind((const char *) name))
	{
		case ELEMENT_BLOCK:
		case ELEMENT_ITEM:
			text->wanted_item = false;
			want_breaks(text, 1);
			break;
		case ELEMENT_PARAGRAPH:
			want_breaks(text, 2);
			break;
		case ELEMENT_CELL:
			close_cell(text);
			break;
		case ELEMENT_LIST:
			if (text->lists > 0)
				text->lists--;
			want_breaks(text, text->lists > 0 ? 1 : 2);
			break;
		case ELEMENT_QUOTE:
			if (text->quotes > 0)
				text->quotes--;
			want_breaks(text, 1);
			break;
		case ELEMENT_PRE:
			if (text->pre_depth > 0)
				text->pre_depth--;
			want_breaks(text, 1);
			break;
		default:
			break;
	}
}

/*
 * For markup too deep to follow: everything between < and > goes. Scripts and styles stay as text
 * then; nobody wrote such a mail to be read.
 */
static void
strip_tags(const char *html, size_t length, SchedMailBuffer *out)
{
	bool inside = false;

	for (size_t i = 0; i < length; i++)
	{
		if (html[i] == '<')
		{
			if (!inside)
				sched_mail_buffer_char(out, ' ');
			inside = true;
		}
		else if (html[i] == '>')
			inside = false;
		else if (!inside)
			sched_mail_buffer_char(out, html[i]);
	}
}

/*
 * The SAX structure is copied over the parser's own, so no tree is ever built: memory is the
 * text, not the markup. IGNORE_ENC because the text is UTF-8 here whatever its <meta> says.
 */
bool
sched_mail_html_to_text(const char *html, size_t length, SchedMailBuffer *out)
{
	size_t before = out->length;
	HtmlText text = {.out = out, .at_line_start = false};
	htmlParserCtxtPtr parser;
	xmlSAXHandler events;

	if (length == 0)
		return true;
	parser = htmlCreateMemoryParserCtxt(html, (int) length);
	if (parser == NULL)
	{
		out->failed = true;
		return false;
	}
	memset(&events, 0, sizeof(events));
	events.startElement = on_start_element;
	events.endElement = on_end_element;
	events.characters = on_characters;
	events.ignorableWhitespace = on_characters;
	events.cdataBlock = NULL; /* script and style */
	text.parser = parser;
	*parser->sax = events;
	parser->userData = &text;
	htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
								   HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
	xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
	htmlParseDocument(parser);
	if (parser->myDoc)
		xmlFreeDoc(parser->myDoc);
	htmlFreeParserCtxt(parser);
	if (!text.too_deep)
		return true;
	out->length = before;
	strip_tags(html, length, out);
	return false;
}

/*
 * Looks only at the head of the text, where browsers look too, and takes the first charset=
 * it meets: in a <meta charset> or in a Content-Type of http-equiv.
 */
bool
sched_mail_html_charset(const char *html, size_t length, char *name, size_t size)
{
	const char *end = html + (length < 2048 ? length : 2048);

	for (const char *p = html; p + 8 < end; p++)
	{
		size_t n = 0;

		if (strncasecmp(p, "charset=", 8) != 0)
			continue;
		p += 8;
		if (p < end && (*p == '"' || *p == '\''))
			p++;
		while (p + n < end && n < size - 1 && p[n] &&
			   (isalnum((unsigned char) p[n]) || strchr("-_.:", p[n])))
		{
			name[n] = p[n];
			n++;
		}
		name[n] = '\0';
		return n > 0;
	}
	return false;
}
