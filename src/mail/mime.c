/*
 * mime.c - a mail as the database wants it.
 *
 * Pure; runs in backends, in the worker and in unit tests. Everything is malloc'ed and owned by the
 * SchedMail; GMime objects live only inside the functions that decode with them. Nothing throws;
 * GLib would abort when memory fails, which is why sizes are bounded before anything is handed to
 * it.
 *
 * Codes of problems: too_large headers_cut no_headers malformed_header bad_date no_date no_sender
 * too_deep too_many_parts no_boundary no_end_boundary unknown_encoding bad_encoding unknown_charset
 * bad_bytes nul_bytes text_cut deep_html encrypted too_many_recipients.
 *
 * Order of work: headers, then one walk over the parts (parts.c), then text (html.c, charset.c),
 * attachments and calendars from the leaves, then quotes (quote.c). Which text is the letter: the
 * plain part of an alternative unless it says nothing, else its HTML; every inline text of a mixed
 * mail, in order; attached mails as quoted text behind.
 *
 * Memory: the raw bytes are never copied as a whole. A text part is decoded into at most 2 MB, its
 * UTF-8 into as much again, its text likewise; attachments are only measured. So a mail of 64 MB
 * needs a few more MB to parse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "buffer.h"
#include "charset.h"
#include "html.h"
#include "mime.h"
#include "mime_internal.h"
#include "parts.h"
#include "quote.h"

#define MAX_TEXT_BYTES 2097152 /* of all text of a mail: longer is no letter to a person */
#define MAX_HTML_BYTES 2097152 /* of one HTML part */
#define MAX_CALENDAR_BYTES 262144
#define MAX_CALENDARS 10
#define MAX_ATTACHMENTS 500
#define MAX_DETAIL_BYTES 200 /* of a problem */

/*
 * A detail may quote the mail (the name of a charset), so it is as hostile as the mail.
 *
 * Once per code: ten thousand broken parts are one problem, and what a hostile mail can make us
 * remember is bounded by the list of codes. The first detail stays.
 */
void
sched_mail_add_problem(SchedMail *mail, const char *code, const char *detail)
{
	SchedMailProblem *problems;
	SchedMailBuffer clean;

	if (sched_mail_find_problem(mail, code))
		return;
	problems = realloc(mail->problems, sizeof(SchedMailProblem) * (size_t) (mail->n_problems + 1));
	if (problems == NULL)
	{
		mail->failed = true;
		return;
	}
	mail->problems = problems;
	sched_mail_buffer_init(&clean, MAX_DETAIL_BYTES);
	sched_mail_repair_utf8(&clean, detail, strlen(detail), &(SchedMailRepairs){0});
	problems[mail->n_problems].code = code;
	problems[mail->n_problems].detail = sched_mail_buffer_take(&clean);
	if (problems[mail->n_problems].detail == NULL)
		mail->failed = true;
	mail->n_problems++;
}

/* A linear search over at most as many problems as there are codes. */
const SchedMailProblem *
sched_mail_find_problem(const SchedMail *mail, const char *code)
{
	for (int i = 0; i < mail->n_problems; i++)
		if (strcmp(mail->problems[i].code, code) == 0)
			return &mail->problems[i];
	return NULL;
}

/* What had to be repaired becomes problems; `where` names the charset or the place. */
void
sched_mail_note_repairs(SchedMail *mail, const SchedMailRepairs *repairs, const char *where)
{
	if (repairs->unknown_charset)
		sched_mail_add_problem(mail, "unknown_charset", where);
	if (repairs->bad_bytes)
		sched_mail_add_problem(mail, "bad_bytes", where);
	if (repairs->nul_bytes)
		sched_mail_add_problem(mail, "nul_bytes", where);
}

/*
 * A C string as valid UTF-8 on one line, at most limit bytes; malloc'ed, "" for NULL. GMime decodes
 * headers into what their authors claim to be UTF-8, so its results are checked too.
 */
char *
sched_mail_clean_string(SchedMail *mail, const char *string, size_t limit)
{
	SchedMailBuffer out;
	SchedMailRepairs repairs = {0};
	char *result;

	if (string == NULL)
		string = "";
	sched_mail_buffer_init(&out, limit);
	sched_mail_repair_utf8(&out, string, strlen(string), &repairs);
	for (size_t i = 0; i < out.length; i++)
		if ((unsigned char) out.data[i] < ' ')
			out.data[i] = ' ';
	sched_mail_note_repairs(mail, &repairs, "headers");
	result = sched_mail_buffer_take(&out);
	if (result == NULL)
		mail->failed = true;
	return result;
}

/*
 * The text of one leaf as UTF-8 with LF line ends, appended to out: transfer encoding, charset,
 * then HTML or flowed lines. Each step is capped, so a bomb of any of them ends at two megabytes.
 */
static void
add_leaf_text(SchedMail *mail, const SchedMailLeaf *leaf, SchedMailBuffer *out)
{
	bool html = strcmp(leaf->type, "text/html") == 0;
	SchedMailBuffer decoded;
	SchedMailBuffer utf8;
	SchedMailRepairs repairs = {0};
	char own_charset[64];
	const char *charset = leaf->charset;

	sched_mail_buffer_init(&decoded, html ? MAX_HTML_BYTES : MAX_TEXT_BYTES);
	sched_mail_buffer_init(&utf8, html ? MAX_HTML_BYTES : MAX_TEXT_BYTES);
	if (!sched_mail_decode_leaf(leaf, &decoded))
		sched_mail_add_problem(mail, "bad_encoding", leaf->type);
	if (html && charset == NULL && decoded.data &&
		sched_mail_html_charset(decoded.data, decoded.length, own_charset, sizeof(own_charset)))
		charset = own_charset;
	if (decoded.length > 0)
		sched_mail_to_utf8(&utf8, decoded.data, decoded.length, charset, &repairs);
	sched_mail_note_repairs(mail, &repairs, charset ? charset : leaf->type);
	if (html && utf8.length > 0)
	{
		if (!sched_mail_html_to_text(utf8.data, utf8.length, out))
			sched_mail_add_problem(mail, "deep_html", "tags were only stripped");
	}
	else if (utf8.length > 0)
	{
		utf8.length = sched_mail_unfold_lines(utf8.data, utf8.length, leaf->flowed, leaf->delsp);
		sched_mail_buffer_append(out, utf8.data, utf8.length);
	}
	sched_mail_drop_partial(out);
	if (decoded.cut || utf8.cut || out->cut)
		sched_mail_add_problem(mail, "text_cut", "the text was longer than 2 MB");
	mail->failed |= decoded.failed || utf8.failed || out->failed;
	sched_mail_buffer_free(&decoded);
	sched_mail_buffer_free(&utf8);
}

/* Bytes that are not white space. */
static size_t
count_ink(const SchedMailBuffer *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->length; i++)
		n += (unsigned char) text->data[i] > ' ';
	return n;
}

/*
 * Text that a mail program shows as the letter itself. A named text file is an attachment even
 * where nobody said so; HTML with a name inside an alternative is the letter.
 */
static bool
is_body_text(const SchedMailLeaf *leaf)
{
	if (leaf->attachment || leaf->opens_message)
		return false;
	if (strcmp(leaf->type, "text/html") == 0)
		return leaf->name == NULL || leaf->alternative > 0;
	return leaf->name == NULL &&
		   (strcmp(leaf->type, "text/plain") == 0 || strcmp(leaf->type, "text/enriched") == 0 ||
			strcmp(leaf->type, "text/markdown") == 0);
}

/*
 * One multipart/alternative: the plain text, unless it is empty or only says "your program cannot
 * show HTML" (far shorter than the HTML beside it).
 */
static void
add_alternative_text(SchedMail *mail, const SchedMailTree *tree, int number, SchedMailBuffer *out)
{
	SchedMailBuffer plain;
	SchedMailBuffer html;
	size_t plain_ink;
	size_t html_ink;

	sched_mail_buffer_init(&plain, MAX_TEXT_BYTES);
	sched_mail_buffer_init(&html, MAX_TEXT_BYTES);
	for (int i = 0; i < tree->count; i++)
	{
		const SchedMailLeaf *leaf = &tree->leaves[i];
		SchedMailBuffer *into = strcmp(leaf->type, "text/html") == 0 ? &html : &plain;

		if (leaf->alternative != number || !is_body_text(leaf))
			continue;
		if (into->length > 0)
			sched_mail_buffer_char(into, '\n');
		add_leaf_text(mail, leaf, into);
	}
	plain_ink = count_ink(&plain);
	html_ink = count_ink(&html);
	if (plain_ink > 0 && (plain_ink * 4 >= html_ink || html_ink < 200))
		sched_mail_buffer_append(out, plain.data, plain.length);
	else if (html_ink > 0)
		sched_mail_buffer_append(out, html.data, html.length);
	sched_mail_buffer_free(&plain);
	sched_mail_buffer_free(&html);
}

/* The head of an attached mail, as people quote one. */
static void
add_message_head(SchedMail *mail, const SchedMailLeaf *leaf, SchedMailBuffer *out)
{
	static const char *const shown[] = {"From", "Date", "To", "Subject", NULL};
	SchedMailField array[100];
	SchedMailFields fields = {.fields = array, .max = 100};

	sched_mail_cut_fields(leaf->content, leaf->content + leaf->length, &fields);
	sched_mail_buffer_add(out, "---------- Forwarded message ---------\n");
	for (int i = 0; shown[i]; i++)
	{
		const SchedMailField *field = sched_mail_find_field(&fields, shown[i]);
		char *value = field ? sched_mail_decode_value(mail, field, 1000) : NULL;

		if (value)
		{
			sched_mail_buffer_add(out, shown[i]);
			sched_mail_buffer_add(out, ": ");
			sched_mail_buffer_add(out, value);
			sched_mail_buffer_char(out, '\n');
		}
		free(value);
	}
	sched_mail_buffer_char(out, '\n');
}

/* An empty line between two parts. */
static void
separate_text(SchedMailBuffer *out)
{
	if (out->length > 0 && out->data[out->length - 1] != '\n')
		sched_mail_buffer_char(out, '\n');
	if (out->length > 0)
		sched_mail_buffer_char(out, '\n');
}

/* Text of the mail itself into own, of mails attached to it into attached. */
static void
read_text(SchedMail *mail, const SchedMailTree *tree, SchedMailBuffer *own,
		  SchedMailBuffer *attached)
{
	int done_alternatives = 0; /* numbers rise with position */

	for (int i = 0; i < tree->count && !mail->failed; i++)
	{
		const SchedMailLeaf *leaf = &tree->leaves[i];
		SchedMailBuffer *out = leaf->enclosing > 0 ? attached : own;

		if (leaf->opens_message)
		{
			separate_text(attached);
			add_message_head(mail, leaf, attached);
			continue;
		}
		if (!is_body_text(leaf) ||
			(leaf->alternative > 0 && leaf->alternative <= done_alternatives))
			continue;
		separate_text(out);
		if (leaf->alternative > 0)
		{
			done_alternatives = leaf->alternative;
			add_alternative_text(mail, tree, leaf->alternative, out);
		}
		else
			add_leaf_text(mail, leaf, out);
	}
}

/* Invitations come as text/calendar, or as a file by programs that know no better. */
static bool
is_calendar(const SchedMailLeaf *leaf)
{
	size_t n = leaf->name ? strlen(leaf->name) : 0;

	return strcmp(leaf->type, "text/calendar") == 0 || strcmp(leaf->type, "application/ics") == 0 ||
		   (n > 4 && strcasecmp(leaf->name + n - 4, ".ics") == 0);
}

/* Keeps a text/calendar part as it came; what it means is read later, by invitation.c. */
static void
add_calendar(SchedMail *mail, const SchedMailLeaf *leaf)
{
	SchedMailBuffer decoded;
	SchedMailBuffer utf8;
	SchedMailRepairs repairs = {0};
	char *text;

	if (mail->n_calendars >= MAX_CALENDARS)
		return;
	sched_mail_buffer_init(&decoded, MAX_CALENDAR_BYTES);
	sched_mail_buffer_init(&utf8, MAX_CALENDAR_BYTES);
	if (!sched_mail_decode_leaf(leaf, &decoded))
		sched_mail_add_problem(mail, "bad_encoding", leaf->type);
	/* iCalendar is UTF-8 unless it says otherwise (RFC 5545 section 3.1.4) */
	if (decoded.length > 0)
		sched_mail_to_utf8(&utf8, decoded.data, decoded.length, leaf->charset, &repairs);
	sched_mail_note_repairs(mail, &repairs, leaf->type);
	if (decoded.cut)
		sched_mail_add_problem(mail, "text_cut", "a calendar part was longer than 256 kB");
	sched_mail_buffer_free(&decoded);
	text = sched_mail_buffer_take(&utf8);
	if (text == NULL)
		mail->failed = true;
	else
		mail->calendars[mail->n_calendars++] = text;
}

/*
 * Lists what is not the letter itself, with the size it has when saved. Content is not decoded
 * into memory: it stays in the raw mail.
 */
static void
read_attachments(SchedMail *mail, const SchedMailTree *tree)
{
	mail->attachments = calloc((size_t) tree->count + 1, sizeof(SchedMailAttachment));
	mail->calendars = calloc(MAX_CALENDARS, sizeof(char *));
	if (mail->attachments == NULL || mail->calendars == NULL)
	{
		mail->failed = true;
		return;
	}
	for (int i = 0; i < tree->count && !mail->failed; i++)
	{
		const SchedMailLeaf *leaf = &tree->leaves[i];
		SchedMailAttachment *attachment;

		if (is_calendar(leaf) && leaf->enclosing == 0)
			add_calendar(mail, leaf);
		if (is_body_text(leaf) || mail->n_attachments >= MAX_ATTACHMENTS)
			continue;
		attachment = &mail->attachments[mail->n_attachments++];
		attachment->name = sched_mail_clean_string(mail, leaf->name, 500);
		attachment->type = sched_mail_clean_string(mail, leaf->type, 200);
		attachment->size = leaf->opens_message ? leaf->length : sched_mail_measure_leaf(leaf);
	}
}

/*
 * Drops white space at both ends of a malloc'ed string, but only empty lines in front: an indented
 * first line keeps its indent.
 */
static char *
trim_text(char *text)
{
	size_t n;
	size_t lead = 0;

	if (text == NULL)
		return NULL;
	n = strlen(text);
	while (n > 0 && strchr(" \t\n", text[n - 1]))
		n--;
	while (lead < n && text[lead] == '\n')
		lead++;
	memmove(text, text + lead, n - lead);
	text[n - lead] = '\0';
	return text;
}

/*
 * Sets new text, quotes and signature of the mail itself apart. Mails attached to it are quoted
 * text, whatever they quote themselves.
 */
static void
split_text(SchedMail *mail, SchedMailBuffer *own, SchedMailBuffer *attached)
{
	SchedMailSplit split;

	sched_mail_split_quotes(own->data ? own->data : "", own->length, &split);
	mail->forwarded = split.forwarded || attached->length > 0;
	if (attached->length > 0)
	{
		split.quoted.limit += attached->length + 2;
		separate_text(&split.quoted);
		sched_mail_buffer_append(&split.quoted, attached->data, attached->length);
		separate_text(own);
		sched_mail_buffer_append(own, attached->data, attached->length);
		sched_mail_drop_partial(own);
	}
	mail->body_new = trim_text(sched_mail_buffer_take(&split.fresh));
	mail->quoted = trim_text(sched_mail_buffer_take(&split.quoted));
	mail->signature = trim_text(sched_mail_buffer_take(&split.signature));
	mail->body_text = trim_text(sched_mail_buffer_take(own));
	if (!mail->body_new || !mail->quoted || !mail->signature || !mail->body_text)
		mail->failed = true;
	sched_mail_split_free(&split);
}

/* What the walk over the parts met. */
static void
note_tree_problems(SchedMail *mail, const SchedMailTree *tree)
{
	if (tree->too_deep)
		sched_mail_add_problem(mail, "too_deep", "parts nested deeper than 50 were not looked at");
	if (tree->too_many)
		sched_mail_add_problem(mail, "too_many_parts",
							   "parts after the first 1000 were not looked at");
	if (tree->no_boundary)
		sched_mail_add_problem(mail, "no_boundary",
							   "a multipart without boundary was taken as text");
	if (tree->no_end)
		sched_mail_add_problem(mail, "no_end_boundary",
							   "a multipart does not end: cut off in transfer?");
	if (tree->unknown_encoding)
		sched_mail_add_problem(mail, "unknown_encoding",
							   "a transfer encoding is unknown: taken as it stands");
	if (tree->malformed_header)
		sched_mail_add_problem(mail, "malformed_header", "in a part");
	if (tree->encrypted)
		sched_mail_add_problem(mail, "encrypted", "the body can be read by its recipient only");
	mail->failed |= tree->failed;
}

/*
 * Walks the parts once; text and attachments are then read from their slices of the raw bytes.
 */
static void
read_body(SchedMail *mail, const SchedMailFields *fields, const char *end)
{
	SchedMailTree tree;
	SchedMailBuffer own;
	SchedMailBuffer attached;

	sched_mail_buffer_init(&own, MAX_TEXT_BYTES);
	sched_mail_buffer_init(&attached, MAX_TEXT_BYTES);
	sched_mail_walk(fields, end, &tree);
	note_tree_problems(mail, &tree);
	if (!mail->failed)
	{
		read_text(mail, &tree, &own, &attached);
		read_attachments(mail, &tree);
	}
	/* the two together must fit into one body_text */
	own.limit = own.length + attached.length + 2;
	split_text(mail, &own, &attached);
	sched_mail_tree_free(&tree);
	sched_mail_buffer_free(&attached);
	sched_mail_buffer_free(&own);
}

/* The part of the raw bytes whose headers are read: at most 256 kB, ending at a line's end. */
static const char *
bound_header(const char *raw, const char *end)
{
	const char *stop = raw + SCHED_MAIL_MAX_HEADER_BYTES;

	if (end - raw <= SCHED_MAIL_MAX_HEADER_BYTES)
		return end;
	while (stop > raw && stop[-1] != '\n')
		stop--;
	return stop > raw ? stop : raw + SCHED_MAIL_MAX_HEADER_BYTES;
}

/* Cuts the header block, of which only the beginning is read where it is endless. */
static void
cut_headers(SchedMail *mail, const SchedMailInput *input, SchedMailFields *fields)
{
	const char *end = input->raw + input->length;
	const char *stop = bound_header(input->raw, end);

	sched_mail_cut_fields(input->raw, stop, fields);
	if (fields->body == stop && stop < end && !fields->malformed)
	{
		/* the header block goes on: find its end, keep what fitted */
		SchedMailFields rest = {.fields = NULL, .max = 0};

		sched_mail_cut_fields(stop, end, &rest);
		fields->body = rest.body;
		fields->cut = true;
	}
	if (fields->cut)
		sched_mail_add_problem(mail, "headers_cut",
							   "headers after the first 500 or 256 kB were dropped");
	if (fields->count == 0)
		sched_mail_add_problem(mail, "no_headers",
							   "the mail has no header: all of it was taken as text");
	else if (fields->malformed)
		sched_mail_add_problem(mail, "malformed_header", "no empty line between header and body");
}

/* Either all of the mail is here and over the limit, or the mailbox reader found it to be. */
static bool
is_too_large(const SchedMailInput *input)
{
	return input->length > input->max_bytes || input->full_length > input->max_bytes;
}

/* Everything but memory for the struct itself. */
static void
build_mail(SchedMail *mail, const SchedMailInput *input, SchedMailField *array)
{
	SchedMailFields fields = {.fields = array, .max = SCHED_MAIL_MAX_HEADERS};
	const char *end = input->raw + input->length;

	cut_headers(mail, input, &fields);
	sched_mail_read_head(mail, &fields);
	if (is_too_large(input))
	{
		char detail[128];

		snprintf(detail, sizeof(detail), "more than %zu bytes: only the headers were kept",
				 input->max_bytes);
		sched_mail_add_problem(mail, "too_large", detail);
		end = fields.body; /* an empty body */
	}
	read_body(mail, &fields, end);
}

/*
 * A mail that could not be built for lack of memory is given up as a whole: half a mail would
 * look like a complete one.
 */
SchedMail *
sched_mail_parse(const SchedMailInput *input)
{
	SchedMail *mail = calloc(1, sizeof(SchedMail));
	SchedMailField *array = calloc(SCHED_MAIL_MAX_HEADERS, sizeof(SchedMailField));

	if (mail && array)
		build_mail(mail, input, array);
	free(array);
	if (mail && (mail->failed || mail->body_text == NULL))
	{
		sched_mail_free(mail);
		mail = NULL;
	}
	return mail;
}

/* NULL and half-built mails are allowed. */
void
sched_mail_free(SchedMail *mail)
{
	if (mail == NULL)
		return;
	for (int i = 0; i < mail->n_recipients; i++)
	{
		free(mail->recipients[i].name);
		free(mail->recipients[i].address);
	}
	for (int i = 0; i < mail->n_references; i++)
		free(mail->references[i]);
	for (int i = 0; i < mail->n_headers; i++)
	{
		free(mail->headers[i].name);
		free(mail->headers[i].value);
	}
	for (int i = 0; i < mail->n_attachments; i++)
	{
		free(mail->attachments[i].name);
		free(mail->attachments[i].type);
	}
	for (int i = 0; i < mail->n_calendars; i++)
		free(mail->calendars[i]);
	for (int i = 0; i < mail->n_problems; i++)
		free(mail->problems[i].detail);
	free(mail->recipients);
	free(mail->references);
	free(mail->headers);
	free(mail->attachments);
	free(mail->calendars);
	free(mail->problems);
	free(mail->subject);
	free(mail->sender);
	free(mail->sender_email);
	free(mail->message_id);
	free(mail->in_reply_to);
	free(mail->body_text);
	free(mail->body_new);
	free(mail->quoted);
	free(mail->signature);
	free(mail);
}
