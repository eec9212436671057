/*
 * parts.c - the structure of a mail.
 *
 * Pure; runs wherever a mail is parsed. Slices point into the caller's raw bytes, strings are
 * malloc'ed and owned by the tree. Nothing throws. Cost: each nesting level looks once at its own
 * slice, so at most SCHED_MAIL_MAX_DEPTH passes over the bytes; recursion is bounded by the same
 * number.
 *
 * What the format allows and what arrives differ. Handled here: boundaries that never come, that
 * come twice or that are the beginning of another; parts without header or without the empty line
 * behind it; multiparts without a boundary; types without a slash; digests; mails in mails. A part
 * ends at the boundary of the multipart around it, so an inner one that does not end takes nothing
 * of what follows.
 *
 * What is counted: depth, leaves, header fields. Whatever exceeds a limit is left unread and marked
 * in the tree.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "parts.h"

#define MAX_PARAMETER_BYTES 16384

/* What a part is handed from the parts around it. */
typedef struct Place
{
	int depth;
	int alternative;
	int enclosing;
	bool digest; /* in multipart/digest the default type is message/rfc822 */
} Place;

static void walk_part(SchedMailTree *tree, const char *begin, const char *end, Place place);

/* End of the line that begins at p: its LF, or end. CR before it is the caller's business. */
static const char *
find_line_end(const char *p, const char *end)
{
	const char *eol = memchr(p, '\n', (size_t) (end - p));

	return eol ? eol : end;
}

/* Length of a field name at the head of a line, 0 where the line is no field. */
static size_t
measure_name(const char *p, const char *eol)
{
	size_t n = 0;

	while (p + n < eol && p[n] > ' ' && p[n] != ':' && (unsigned char) p[n] < 127)
		n++;
	if (n == 0 || n > 200)
		return 0;
	/* old mailers put a space before the colon */
	for (size_t k = n; p + k < eol; k++)
	{
		if (p[k] == ':')
			return n;
		if (p[k] != ' ' && p[k] != '\t')
			break;
	}
	return 0;
}

/* One field, its value trimmed; folding stays until somebody wants the line. */
static void
add_field(SchedMailFields *fields, const char *name, size_t name_length, const char *value,
		  const char *end)
{
	SchedMailField *field;

	if (fields->only_content && (name_length < 8 || strncasecmp(name, "content-", 8) != 0))
		return;
	if (fields->count >= fields->max)
	{
		fields->cut = true;
		return;
	}
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && isspace((unsigned char) end[-1]))
		end--;
	field = &fields->fields[fields->count++];
	field->name = name;
	field->name_length = name_length;
	field->value = value;
	field->value_length = (size_t) (end - value);
}

/*
 * Lenient as mail programs are: CRLF or LF, a From_ line on top, spaces before the colon, a body
 * that begins without an empty line. What deviates is marked, not refused.
 */
void
sched_mail_cut_fields(const char *text, const char *end, SchedMailFields *fields)
{
	const char *p = text;

	fields->count = 0;
	fields->cut = false;
	fields->malformed = false;
	while (p < end)
	{
		const char *eol = find_line_end(p, end);
		const char *stop = eol > p && eol[-1] == '\r' ? eol - 1 : eol;
		size_t name_length;
		const char *value;

		if (stop == p)
		{
			fields->body = eol < end ? eol + 1 : end;
			return;
		}
		name_length = measure_name(p, stop);
		if (name_length == 0)
		{
			/* an mbox line at the very top is not the mail's */
			if (p == text && end - p > 6 &&
				(memcmp(p, "From ", 5) == 0 || memcmp(p, ">From ", 6) == 0))
			{
				p = eol < end ? eol + 1 : end;
				continue;
			}
			fields->malformed = true;
			break;
		}
		value = (const char *) memchr(p + name_length, ':', (size_t) (stop - p) - name_length) + 1;
		while (eol < end && eol + 1 < end && (eol[1] == ' ' || eol[1] == '\t'))
			eol = find_line_end(eol + 1, end);
		add_field(fields, p, name_length, value, eol);
		p = eol < end ? eol + 1 : end;
	}
	/* no empty line: what follows the last field is the body */
	fields->body = p;
}

/* The first of that name: where a header must be unique, the first is what programs show. */
const SchedMailField *
sched_mail_find_field(const SchedMailFields *fields, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < fields->count; i++)
		if (fields->fields[i].name_length == n && strncasecmp(fields->fields[i].name, name, n) == 0)
			return &fields->fields[i];
	return NULL;
}

/* Unfolds: line breaks go, the white space behind them stays (RFC 5322 section 2.2.3). */
char *
sched_mail_field_line(const SchedMailField *field, size_t limit)
{
	size_t n = field->value_length < limit ? field->value_length : limit;
	char *line = malloc(n + 1);
	size_t length = 0;

	if (line == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
	{
		unsigned char c = (unsigned char) field->value[i];

		if (c == '\r' || c == '\n')
			continue;
		line[length++] = c == '\0' || c == '\t' ? ' ' : (char) c;
	}
	line[length] = '\0';
	return line;
}

/* Types are compared in lower case; they are ASCII. */
static char *
lower_string(const char *string)
{
	char *copy = strdup(string);

	for (char *p = copy; p && *p; p++)
		*p = (char) tolower((unsigned char) *p);
	return copy;
}

/*
 * A GLib string as a malloc'ed one: nothing of GLib's leaves this file, so every owner calls
 * free().
 */
static char *
copy_string(const char *string)
{
	return string ? strdup(string) : NULL;
}

/* A leaf of the tree; NULL when the mail has more of them than anybody wrote by hand. */
static SchedMailLeaf *
add_leaf(SchedMailTree *tree, const char *content, const char *end, Place place)
{
	SchedMailLeaf *leaf;

	if (tree->count >= SCHED_MAIL_MAX_PARTS)
	{
		tree->too_many = true;
		return NULL;
	}
	if (tree->count == tree->capacity)
	{
		int capacity = tree->capacity ? tree->capacity * 2 : 8;
		SchedMailLeaf *leaves = realloc(tree->leaves, (size_t) capacity * sizeof(SchedMailLeaf));

		if (leaves == NULL)
		{
			tree->failed = true;
			return NULL;
		}
		tree->leaves = leaves;
		tree->capacity = capacity;
	}
	leaf = &tree->leaves[tree->count++];
	memset(leaf, 0, sizeof(*leaf));
	leaf->alternative = place.alternative;
	leaf->enclosing = place.enclosing;
	leaf->content = content;
	leaf->length = (size_t) (end - content);
	return leaf;
}

/*
 * Content-Transfer-Encoding; an unknown word is reported and the bytes are taken as they stand:
 * mostly they are readable, because the word was only misspelt.
 */
static SchedMailEncoding
read_encoding(const SchedMailFields *header, SchedMailTree *tree)
{
	const SchedMailField *field = sched_mail_find_field(header, "content-transfer-encoding");
	SchedMailEncoding encoding = SCHED_MAIL_PLAIN;
	char *line;

	if (field == NULL)
		return encoding;
	line = sched_mail_field_line(field, 64);
	if (line == NULL)
	{
		tree->failed = true;
		return encoding;
	}
	switch (g_mime_content_encoding_from_string(line))
	{
		case GMIME_CONTENT_ENCODING_BASE64:
			encoding = SCHED_MAIL_BASE64;
			break;
		case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
			encoding = SCHED_MAIL_QUOTED;
			break;
		case GMIME_CONTENT_ENCODING_UUENCODE:
			encoding = SCHED_MAIL_UU;
			break;
		case GMIME_CONTENT_ENCODING_DEFAULT:
			tree->unknown_encoding = *line != '\0';
			break;
		default:
			break;
	}
	free(line);
	return encoding;
}

/*
 * The parsed Content-Type, or NULL where the part declares none or nonsense; g_object_unref() by
 * the caller. NULL means text/plain (RFC 2045 section 5.2), which is also the kindest reading of
 * nonsense.
 */
static GMimeContentType *
read_type(const SchedMailFields *header)
{
	const SchedMailField *field = sched_mail_find_field(header, "content-type");
	GMimeContentType *type;
	char *line;

	if (field == NULL || field->value_length == 0)
		return NULL;
	line = sched_mail_field_line(field, MAX_PARAMETER_BYTES);
	if (line == NULL)
		return NULL;
	/* "Content-Type: text" of old mailers */
	type = strchr(line, '/') ? g_mime_content_type_parse(NULL, line) : NULL;
	free(line);
	return type;
}

/*
 * Attachment or inline, and the file's name, with RFC 2231 and encoded words resolved by GMime.
 */
static void
read_disposition(SchedMailLeaf *leaf, const SchedMailFields *header)
{
	const SchedMailField *field = sched_mail_find_field(header, "content-disposition");
	char *line = field ? sched_mail_field_line(field, MAX_PARAMETER_BYTES) : NULL;

	if (line)
	{
		GMimeContentDisposition *disposition = g_mime_content_disposition_parse(NULL, line);

		if (disposition)
		{
			leaf->attachment = g_mime_content_disposition_is_attachment(disposition);
			leaf->name =
				copy_string(g_mime_content_disposition_get_parameter(disposition, "filename"));
			g_object_unref(disposition);
		}
	}
	free(line);
}

/*
 * A part that has no parts. Its content stays where it is, encoded; what is kept besides is what
 * decides how it is to be read.
 */
static void
walk_leaf(SchedMailTree *tree, const SchedMailFields *header, GMimeContentType *type,
		  const char *end, Place place)
{
	SchedMailLeaf *leaf = add_leaf(tree, header->body, end, place);

	if (leaf == NULL)
		return;
	leaf->encoding = read_encoding(header, tree);
	read_disposition(leaf, header);
	if (type == NULL)
		leaf->type = strdup("text/plain");
	else
	{
		const char *format = g_mime_content_type_get_parameter(type, "format");
		const char *delsp = g_mime_content_type_get_parameter(type, "delsp");
		char *name = g_mime_content_type_get_mime_type(type);

		leaf->type = lower_string(name);
		g_free(name);
		leaf->charset = copy_string(g_mime_content_type_get_parameter(type, "charset"));
		if (leaf->name == NULL)
			leaf->name = copy_string(g_mime_content_type_get_parameter(type, "name"));
		leaf->flowed = format && strcasecmp(format, "flowed") == 0;
		leaf->delsp = delsp && strcasecmp(delsp, "yes") == 0;
	}
	if (leaf->type == NULL)
		tree->failed = true;
}

/*
 * The next line "--boundary" or "--boundary--" in [p, end), or NULL. *after is where the part
 * behind it begins, *last whether it closes the multipart.
 */
static const char *
find_boundary(const char *p, const char *end, const char *mark, size_t mark_length,
			  const char *begin, const char **after, bool *last)
{
	while (p < end)
	{
		const char *hit = memmem(p, (size_t) (end - p), mark, mark_length);
		const char *tail;

		if (hit == NULL)
			return NULL;
		tail = hit + mark_length;
		p = tail;
		if (hit != begin && hit[-1] != '\n')
			continue;
		*last = end - tail >= 2 && tail[0] == '-' && tail[1] == '-';
		if (*last)
			tail += 2;
		while (tail < end && (*tail == ' ' || *tail == '\t' || *tail == '\r'))
			tail++;
		/* "--abc" is not the boundary where that is "--ab" */
		if (tail < end && *tail != '\n')
			continue;
		*after = tail < end ? tail + 1 : end;
		return hit;
	}
	return NULL;
}

/*
 * The children of a multipart. Preamble and epilogue are for programs that do not know MIME and are
 * left out. A missing closing boundary mostly means that the mail was cut off in transfer: what
 * came is read.
 */
static void
walk_children(SchedMailTree *tree, const char *body, const char *end, const char *boundary,
			  Place place)
{
	char mark[256];
	size_t mark_length;
	const char *after = NULL;
	const char *next;
	bool last = false;

	mark_length = strlen(boundary) + 2;
	mark[0] = mark[1] = '-';
	memcpy(mark + 2, boundary, mark_length - 2);
	next = find_boundary(body, end, mark, mark_length, body, &after, &last);
	if (next == NULL)
		tree->no_end = true;
	while (next && !last && !tree->too_many && !tree->failed)
	{
		const char *part = after;
		const char *part_end;

		next = find_boundary(part, end, mark, mark_length, part, &after, &last);
		if (next == NULL)
			tree->no_end = true;
		/* the line break before a boundary is the boundary's */
		part_end = next ? next : end;
		if (next && part_end > part)
			part_end--;
		if (next && part_end > part && part_end[-1] == '\r')
			part_end--;
		walk_part(tree, part, part_end, place);
	}
}

/*
 * A multipart whose boundary is missing has no parts to find: its bytes are taken as text, so
 * that what somebody wrote is still read.
 */
static void
walk_multipart(SchedMailTree *tree, const SchedMailFields *header, GMimeContentType *type,
			   const char *end, Place place)
{
	const char *boundary = g_mime_content_type_get_parameter(type, "boundary");

	if (g_mime_content_type_is_type(type, "multipart", "encrypted"))
		tree->encrypted = true;
	if (boundary == NULL || *boundary == '\0' || strlen(boundary) > 200)
	{
		tree->no_boundary = true;
		walk_leaf(tree, header, NULL, end, place);
		return;
	}
	if (g_mime_content_type_is_type(type, "multipart", "alternative") && place.alternative == 0)
		place.alternative = ++tree->alternatives;
	place.digest = g_mime_content_type_is_type(type, "multipart", "digest");
	place.depth++;
	walk_children(tree, header->body, end, boundary, place);
}

/*
 * An attached mail: its header as a leaf of its own kind, then its parts with `enclosing` raised,
 * by which its text is told from the letter's.
 */
static void
walk_message(SchedMailTree *tree, const SchedMailFields *header, const char *end, Place place)
{
	SchedMailLeaf *leaf = add_leaf(tree, header->body, end, place);

	if (leaf == NULL)
		return;
	leaf->opens_message = true;
	leaf->type = strdup("message/rfc822");
	if (leaf->type == NULL)
		tree->failed = true;
	place.depth++;
	place.enclosing++;
	place.alternative = 0;
	place.digest = false;
	walk_part(tree, header->body, end, place);
}

/* What a part is: parts, a mail, or a leaf. Depth is checked here and nowhere else. */
static void
walk_entity(SchedMailTree *tree, const SchedMailFields *header, const char *end, Place place)
{
	GMimeContentType *type = read_type(header);
	bool nested = type && g_mime_content_type_is_type(type, "multipart", "*");
	bool message = type ? g_mime_content_type_is_type(type, "message", "rfc822") ||
							  g_mime_content_type_is_type(type, "message", "global")
						: place.digest;

	if ((nested || message) && place.depth >= SCHED_MAIL_MAX_DEPTH)
	{
		/* What lies deeper is not looked at: one leaf stands for it. */
		tree->too_deep = true;
		nested = message = false;
	}
	if (nested)
		walk_multipart(tree, header, type, end, place);
	else if (message && read_encoding(header, tree) == SCHED_MAIL_PLAIN)
		walk_message(tree, header, end, place);
	else
		walk_leaf(tree, header, type, end, place);
	if (type)
		g_object_unref(type);
}

/* A part inside a multipart: its own header first, of which only Content-* matter. */
static void
walk_part(SchedMailTree *tree, const char *begin, const char *end, Place place)
{
	SchedMailField fields[SCHED_MAIL_MAX_PART_HEADERS];
	SchedMailFields header = {
		.fields = fields, .max = SCHED_MAIL_MAX_PART_HEADERS, .only_content = true};

	sched_mail_cut_fields(begin, end, &header);
	/*
	 * a part may begin with its body at once; only a broken block of several lines is worth a note
	 */
	if (header.malformed && header.count > 0)
		tree->malformed_header = true;
	walk_entity(tree, &header, end, place);
}

/* The mail itself is a part whose header is known already. */
void
sched_mail_walk(const SchedMailFields *header, const char *end, SchedMailTree *tree)
{
	Place place = {0};

	memset(tree, 0, sizeof(*tree));
	walk_entity(tree, header, end, place);
}

/* The slices are the caller's bytes and stay. */
void
sched_mail_tree_free(SchedMailTree *tree)
{
	for (int i = 0; i < tree->count; i++)
	{
		free(tree->leaves[i].type);
		free(tree->leaves[i].charset);
		free(tree->leaves[i].name);
	}
	free(tree->leaves);
	tree->leaves = NULL;
	tree->count = 0;
}

/*
 * Whether only characters of the encoding occur. GMime skips what does not belong; the text it
 * makes of the rest is kept, and the mail says that something was wrong with it.
 */
static bool
is_clean_encoding(const SchedMailLeaf *leaf)
{
	const char *p = leaf->content;
	const char *end = p + leaf->length;

	for (; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (leaf->encoding == SCHED_MAIL_BASE64 && !isalnum(c) && !isspace(c) && c != '+' &&
			c != '/' && c != '=')
			return false;
		if (leaf->encoding == SCHED_MAIL_QUOTED && c == '=' && end - p > 2 && p[1] != '\n' &&
			p[1] != '\r' && p[1] != ' ' &&
			(!isxdigit((unsigned char) p[1]) || !isxdigit((unsigned char) p[2])))
			return false;
	}
	return true;
}

/* GMime's name for an encoding. */
static GMimeContentEncoding
map_encoding(SchedMailEncoding encoding)
{
	switch (encoding)
	{
		case SCHED_MAIL_BASE64:
			return GMIME_CONTENT_ENCODING_BASE64;
		case SCHED_MAIL_QUOTED:
			return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
		case SCHED_MAIL_UU:
			return GMIME_CONTENT_ENCODING_UUENCODE;
		case SCHED_MAIL_PLAIN:
			break;
	}
	return GMIME_CONTENT_ENCODING_BINARY;
}

/*
 * Runs the decoder over a leaf in pieces, so that its output needs no second copy of a large part.
 * out NULL only counts.
 */
static size_t
decode_pieces(const SchedMailLeaf *leaf, SchedMailBuffer *out)
{
	GMimeEncoding state;
	char piece[16384 + 64];
	size_t total = 0;
	size_t done = 0;

	g_mime_encoding_init_decode(&state, map_encoding(leaf->encoding));
	while (done < leaf->length && !(out && (out->cut || out->failed)))
	{
		size_t n = leaf->length - done < 16384 ? leaf->length - done : 16384;
		size_t got = g_mime_encoding_step(&state, leaf->content + done, n, piece);

		if (out)
			sched_mail_buffer_append(out, piece, got);
		total += got;
		done += n;
	}
	return total;
}

/* Decodes what can be decoded and says whether all of it could. */
bool
sched_mail_decode_leaf(const SchedMailLeaf *leaf, SchedMailBuffer *out)
{
	if (leaf->encoding == SCHED_MAIL_PLAIN)
	{
		sched_mail_buffer_append(out, leaf->content, leaf->length);
		return true;
	}
	decode_pieces(leaf, out);
	return is_clean_encoding(leaf);
}

/* The size that a mail program shows beside an attachment. */
size_t
sched_mail_measure_leaf(const SchedMailLeaf *leaf)
{
	return leaf->encoding == SCHED_MAIL_PLAIN ? leaf->length : decode_pieces(leaf, NULL);
}
