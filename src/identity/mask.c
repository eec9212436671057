/*
 * mask.c - the words that announce a secret, and a scanner of SQL that knows no more than where quotes begin and end.
 *
 * Pure: runs in whatever process writes to the log, inside the logging itself, so it allocates nothing and cannot fail.
 * Messages differ from language to language, also in their quotes; so what is blanked in them is found by what stood in
 * the statement, not by what surrounds it.
 */
#include <string.h>

#include "identity/mask.h"

/* A shorter piece of a value tells little, and would be found in every message. */
#define MIN_PIECE 6
/* Every byte of a message is looked for in the whole statement. Several secrets at their longest fit into this. */
#define MAX_STATEMENT (256 * 1024)
#define MASK '*'

/*
 * `called`: only where a parenthesis follows, since the word alone is common. The others are ours alone and count
 * wherever they stand, also in COPY.
 */
static const struct
{
	const char *word;
	bool called;
} secret_words[] = {
	{"set_secret", false},    {"secret_input", false},   {"accept_secret", false},
	{"seal_secret", false},   {"reset_password", false}, {"change_password", false},
	{"hash_password", false}, {"create_user", true},     {"signup", true},
	{"login", true},          {"login_google", true},    {"refresh", true},
	{"oauth_callback", true}, {"oauth_finish", true},
};

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		   c == '$' || (c & 0x80) != 0;
}

/* After the word: a closing quote, blanks, a parenthesis. */
static bool
is_called(const char *rest)
{
	if (*rest == '"')
		rest++;
	while (*rest == ' ' || *rest == '\t' || *rest == '\n' || *rest == '\r')
		rest++;
	return *rest == '(';
}

bool
sched_identity_names_secret(const char *text)
{
	for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++)
	{
		const char *word = secret_words[i].word;
		const char *at = text;

		while ((at = strcasestr(at, word)) != NULL)
		{
			const char *rest = at + strlen(word);

			if (!secret_words[i].called ||
				((at == text || !is_word(at[-1])) && !is_word(*rest) && is_called(rest)))
				return true;
			at = rest;
		}
	}
	return false;
}

/* One piece in quotes: its content, and where the scan goes on. */
typedef struct Piece
{
	const char *start;
	const char *end;
	const char *next;
	char quote; /* ', " or $ */
} Piece;

/* '...' or "...", doubled quotes inside; with a backslash as escape after E. */
static void
read_quoted(const char *open, bool escapes, Piece *piece)
{
	const char *at = open + 1;

	piece->quote = *open;
	piece->start = at;
	while (*at != '\0')
	{
		if (escapes && *at == '\\' && at[1] != '\0')
			at += 2;
		else if (*at != *open)
			at++;
		else if (at[1] == *open)
			at += 2;
		else
			break;
	}
	piece->end = at;
	piece->next = *at != '\0' ? at + 1 : at;
}

/* $tag$...$tag$; false for a parameter or a lone dollar sign. */
static bool
read_dollar(const char *open, Piece *piece)
{
	const char *tag_end = open + 1;
	size_t length;
	const char *at;

	if (*tag_end >= '0' && *tag_end <= '9')
		return false;
	while (is_word(*tag_end) && *tag_end != '$')
		tag_end++;
	if (*tag_end != '$')
		return false;
	length = (size_t) (tag_end + 1 - open);
	piece->quote = '$';
	piece->start = open + length;
	for (at = piece->start; *at != '\0' && strncmp(at, open, length) != 0; at++)
		;
	piece->end = at;
	piece->next = *at != '\0' ? at + length : at;
	return true;
}

/* Behind a comment, or where it stood. */
static const char *
skip_comment(const char *at)
{
	if (at[0] == '-' && at[1] == '-')
		return at + strcspn(at, "\n");
	if (at[0] == '/' && at[1] == '*')
	{
		const char *end = strstr(at + 2, "*/");

		return end != NULL ? end + 2 : at + strlen(at);
	}
	return at;
}

/* The next piece in quotes from a place on, or the next comment; false where there is none. */
static bool
find_piece(const char *from, Piece *piece)
{
	for (const char *at = from; *at != '\0'; at++)
	{
		const char *behind = skip_comment(at);
		bool escapes =
			at > from && (at[-1] == 'e' || at[-1] == 'E') && (at - 1 == from || !is_word(at[-2]));

		if (behind != at)
		{
			piece->quote = '\'';
			piece->start = at;
			piece->end = behind;
			piece->next = behind;
			return true;
		}
		if (*at == '\'' || *at == '"')
		{
			read_quoted(at, escapes && *at == '\'', piece);
			return true;
		}
		if (*at == '$' && (at == from || !is_word(at[-1])) && read_dollar(at, piece))
			return true;
	}
	return false;
}

/* A name as one writes names; anything else in double quotes may be a value whose writer took the wrong quotes. */
static bool
is_plain_name(const Piece *piece)
{
	if (piece->quote != '"')
		return false;
	for (const char *at = piece->start; at < piece->end; at++)
	{
		if (!((*at >= 'a' && *at <= 'z') || *at == '_'))
			return false;
	}
	return true;
}

bool
sched_identity_has_literals(const char *statement)
{
	Piece piece;

	for (const char *at = statement; find_piece(at, &piece); at = piece.next)
	{
		if (!is_plain_name(&piece))
			return true;
	}
	return false;
}

void
sched_identity_mask_literals(char *text)
{
	Piece piece;

	for (const char *at = text; find_piece(at, &piece); at = piece.next)
	{
		if (!is_plain_name(&piece))
			memset(text + (piece.start - text), MASK, (size_t) (piece.end - piece.start));
	}
}

/* The length of the longest beginning of `text` that stands in quotes in the statement. */
static size_t
match_quoted(const char *text, const char *statement)
{
	Piece piece;
	size_t best = 0;

	for (const char *at = statement; find_piece(at, &piece); at = piece.next)
	{
		if (is_plain_name(&piece))
			continue;
		for (const char *in = piece.start; in < piece.end; in++)
		{
			size_t length = 0;

			/* Nothing longer can come in this piece, or at all. */
			if ((size_t) (piece.end - in) <= best)
				break;
			if (text[best] == '\0')
				return best;

			while (in + length < piece.end && text[length] != '\0' && text[length] == in[length])
				length++;
			if (length > best)
				best = length;
		}
	}
	return best;
}

/* Whole characters only: half of one would make the line invalid. */
static bool
is_inside_character(char c)
{
	return ((unsigned char) c & 0xC0) == 0x80;
}

void
sched_identity_mask_quoted(char *text, const char *statement)
{
	char *at = text;

	if (strnlen(statement, MAX_STATEMENT + 1) > MAX_STATEMENT)
	{
		memset(text, MASK, strlen(text));
		return;
	}
	while (*at != '\0')
	{
		size_t length = match_quoted(at, statement);
		char *start = at;

		if (length < MIN_PIECE)
		{
			at++;
			continue;
		}
		at += length;
		while (start > text && is_inside_character(*start))
			start--;
		while (is_inside_character(*at))
			at++;
		memset(start, MASK, (size_t) (at - start));
	}
}
