/*
 * charset.c - bytes of any charset to valid UTF-8.
 *
 * Pure: iconv of the C library under the names GMime knows for charsets. Runs wherever a mail is
 * parsed; the caller owns all memory; nothing throws. Linear in the length of the input.
 */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "charset.h"

#define REPLACEMENT "\xef\xbf\xbd"

/*
 * Length of the valid UTF-8 character at p, or 0. Follows table 3-7 of the Unicode standard: no
 * overlong forms, no surrogates, nothing above U+10FFFF; the server refuses the same ones.
 */
static size_t
measure_character(const unsigned char *p, size_t left)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef)
	{
		if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4)
	{
		if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

/*
 * Decides whether undeclared text can be taken for UTF-8: text of another charset
 * practically never passes by chance.
 */
bool
sched_mail_valid_utf8(const char *bytes, size_t length)
{
	const unsigned char *p = (const unsigned char *) bytes;
	const unsigned char *end = p + length;

	while (p < end)
	{
		size_t n = measure_character(p, (size_t) (end - p));

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

/* Where to cut so that the last character stays whole; the caller cuts. */
size_t
sched_mail_clip_utf8(const char *bytes, size_t length, size_t limit)
{
	size_t end = limit;

	if (length <= limit)
		return length;
	/* A character is at most four bytes: step back over its continuation bytes. */
	while (end > 0 && limit - end < 4 && ((unsigned char) bytes[end] & 0xc0) == 0x80)
		end--;
	return end;
}

/* Buffers count bytes; whoever fills one with text calls this behind the last piece. */
void
sched_mail_drop_partial(SchedMailBuffer *out)
{
	size_t lead = out->length;

	while (out->cut && lead > 0 && out->length - lead < 4)
	{
		lead--;
		if (((unsigned char) out->data[lead] & 0xc0) != 0x80)
			break;
	}
	if (out->cut && lead < out->length &&
		measure_character((unsigned char *) out->data + lead, out->length - lead) == 0)
		out->length = lead;
}

/*
 * Copies good runs in one go and replaces what is broken. PostgreSQL refuses NUL in text,
 * which is why it counts as broken though it is valid UTF-8.
 */
void
sched_mail_repair_utf8(SchedMailBuffer *out, const char *bytes, size_t length,
					   SchedMailRepairs *repairs)
{
	const unsigned char *p = (const unsigned char *) bytes;
	const unsigned char *end = p + length;
	const unsigned char *run = p; /* start of what is good and not yet copied */

	while (p < end)
	{
		size_t n = *p ? measure_character(p, (size_t) (end - p)) : 0;

		if (n > 0)
		{
			p += n;
			continue;
		}
		sched_mail_buffer_append(out, run, (size_t) (p - run));
		sched_mail_buffer_add(out, REPLACEMENT);
		if (*p == 0)
			repairs->nul_bytes = true;
		else
			repairs->bad_bytes = true;
		p++;
		/* A broken character counts once, not once for each of its bytes. */
		while (p < end && (*p & 0xc0) == 0x80)
			p++;
		run = p;
	}
	sched_mail_buffer_append(out, run, (size_t) (p - run));
	sched_mail_drop_partial(out);
}

/* iconv in pieces of a bounded size; undecodable bytes become U+FFFD one by one. */
static void
convert_bytes(SchedMailBuffer *out, iconv_t cd, const char *bytes, size_t length,
			  SchedMailRepairs *repairs)
{
	char *in = (char *) bytes;
	size_t in_left = length;
	char piece[8192];

	while (in_left > 0 && !out->cut && !out->failed)
	{
		char *to = piece;
		size_t to_left = sizeof(piece);
		size_t rc = iconv(cd, &in, &in_left, &to, &to_left);
		int error = errno;

		sched_mail_repair_utf8(out, piece, sizeof(piece) - to_left, repairs);
		if (rc != (size_t) -1 || error == E2BIG)
			continue;
		/* EILSEQ, or EINVAL: an incomplete character at the very end */
		sched_mail_buffer_add(out, REPLACEMENT);
		repairs->bad_bytes = true;
		in++;
		in_left--;
	}
	sched_mail_drop_partial(out);
}

/*
 * Opens a converter for a declared charset; false where the name is unknown. The C library gives
 * "/" and "," in a name a meaning of their own and looks for files by it: only plain names pass.
 */
static bool
open_converter(const char *charset, iconv_t *cd)
{
	const char *name;

	for (const char *p = charset; *p; p++)
		if (!isalnum((unsigned char) *p) && strchr("-_.:+", *p) == NULL)
			return false;
	name = g_mime_charset_iconv_name(charset);
	*cd = iconv_open("UTF-8", name ? name : charset);
	return *cd != (iconv_t) -1;
}

/*
 * UTF-8 itself is repaired by our own rules, not by iconv: glibc lets some sequences pass that
 * the server refuses. Everything else goes through iconv and is checked again behind it.
 */
void
sched_mail_to_utf8(SchedMailBuffer *out, const char *bytes, size_t length, const char *charset,
				   SchedMailRepairs *repairs)
{
	iconv_t cd;
	bool declared = charset != NULL && *charset != '\0' && strcasecmp(charset, "us-ascii") != 0 &&
					strcasecmp(charset, "ascii") != 0;

	if (declared && (strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0))
	{
		sched_mail_repair_utf8(out, bytes, length, repairs);
		return;
	}
	if (declared && strlen(charset) < 64 && open_converter(charset, &cd))
	{
		convert_bytes(out, cd, bytes, length, repairs);
		iconv_close(cd);
		return;
	}
	if (declared)
		repairs->unknown_charset = true;
	if (sched_mail_valid_utf8(bytes, length))
		sched_mail_repair_utf8(out, bytes, length, repairs);
	else if (open_converter("windows-1252", &cd))
	{
		convert_bytes(out, cd, bytes, length, repairs);
		iconv_close(cd);
	}
	else
		sched_mail_repair_utf8(out, bytes, length, repairs);
}

/* Depth of "> " marks at the head of a line. */
static int
count_quote_marks(const char *line, size_t length)
{
	int depth = 0;

	while ((size_t) depth < length && line[depth] == '>')
		depth++;
	return depth;
}

/*
 * Is the line that ends before `end` joined to the next by RFC 3676? A signature mark "-- " never
 * is.
 */
static bool
ends_softly(const char *line, const char *end)
{
	int depth = count_quote_marks(line, (size_t) (end - line));
	const char *text = line + depth;

	if (end == line || end[-1] != ' ')
		return false;
	if (text < end && *text == ' ')
		text++;
	return !(end - text == 3 && memcmp(text, "-- ", 3) == 0);
}

/*
 * One pass in place: output never overtakes input, because a line break that is written was
 * read before. A line waits for its rest only while the next one has the same quote depth;
 * RFC 3676 section 4.5 lets nothing else be joined.
 */
size_t
sched_mail_unfold_lines(char *text, size_t length, bool flowed, bool delsp)
{
	const char *p = text;
	const char *end = text + length;
	char *out = text;
	int joined_depth = -1; /* quote depth of a line that waits for its rest */

	while (p < end)
	{
		const char *eol = p;
		const char *next;
		const char *from = p;
		int depth;

		while (eol < end && *eol != '\n' && *eol != '\r')
			eol++;
		next = eol < end ? eol + 1 : eol;
		if (eol + 1 < end && eol[0] == '\r' && eol[1] == '\n')
			next = eol + 2;
		depth = count_quote_marks(p, (size_t) (eol - p));
		if (flowed && joined_depth >= 0 && depth == joined_depth)
			from += depth;
		else if (joined_depth >= 0)
			*out++ = '\n'; /* it waited in vain: there is room, its own line break was longer */
		/* space-stuffing: one leading space is not part of the text */
		if (flowed && from < eol && *from == ' ' && (depth == 0 || from != p))
			from++;
		joined_depth = flowed && ends_softly(p, eol) ? depth : -1;
		memmove(out, from, (size_t) (eol - from));
		out += eol - from;
		/* The soft break's own space goes; in a line of one space it is gone already. */
		if (joined_depth >= 0 && delsp && from < eol)
			out--;
		else if (joined_depth < 0 && eol < end)
			*out++ = '\n';
		p = next;
	}
	return (size_t) (out - text);
}
