/*
 * token_scan.c - the tokens in the answer of an OAuth2 token endpoint.
 *
 * Pure: bytes in, malloc'ed values out, nothing throws. The text is read with a scanner of its own, and not by the
 * server's JSON functions, because those leave copies of every string behind in memory that nobody wipes. What it
 * cannot read it overwrites: no token is ever handed on in clear.
 */
#include "token_scan.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

typedef struct Scanner
{
	char *at;
	char *end;
} Scanner;

/* A string of the text: what stands between its quotes, still escaped. */
typedef struct Piece
{
	char *start;
	size_t length;
} Piece;

static void
skip_space(Scanner *scanner)
{
	while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\t' ||
										  *scanner->at == '\n' || *scanner->at == '\r'))
		scanner->at++;
}

/* The next character that is no space, or 0 at the end. */
static char
peek(Scanner *scanner)
{
	skip_space(scanner);
	return scanner->at < scanner->end ? *scanner->at : '\0';
}

static bool
read_string(Scanner *scanner, Piece *piece)
{
	if (peek(scanner) != '"')
		return false;
	piece->start = ++scanner->at;
	while (scanner->at < scanner->end && *scanner->at != '"')
		scanner->at += *scanner->at == '\\' ? 2 : 1;
	if (scanner->at >= scanner->end)
		return false;
	piece->length = (size_t) (scanner->at++ - piece->start);
	return true;
}

static bool
equals(const Piece *piece, const char *word)
{
	return piece->length == strlen(word) && memcmp(piece->start, word, piece->length) == 0;
}

/* A copy without its escapes; NULL where it has one that no token needs, or holds a control character. */
static char *
copy_plain(const Piece *piece)
{
	char *copy = malloc(piece->length + 1);
	size_t n = 0;

	for (size_t i = 0; copy != NULL && i < piece->length; i++)
	{
		char c = piece->start[i];

		if (c == '\\')
		{
			c = piece->start[++i];
			if (c != '/' && c != '"' && c != '\\')
				c = '\0';
		}
		if (c < ' ' || c > '~')
		{
			explicit_bzero(copy, n);
			free(copy);
			return NULL;
		}
		copy[n++] = c;
	}
	if (copy != NULL)
		copy[n] = '\0';
	return copy;
}

/* Of a later one with the same name the value counts, as everywhere in JSON. */
static bool
keep_token(char **token, Piece *piece)
{
	char *copy = copy_plain(piece);

	if (*token != NULL)
	{
		explicit_bzero(*token, strlen(*token));
		free(*token);
	}
	*token = copy;
	memset(piece->start, 'x', piece->length);
	return copy != NULL;
}

/* Header and signature of a JWT go, its claims between the dots stay. */
static void
blunt_identity(Piece *piece)
{
	int dots = 0;

	for (size_t i = 0; i < piece->length; i++)
	{
		if (piece->start[i] == '.')
			dots++;
		else if (dots != 1)
			piece->start[i] = 'x';
	}
	/* Not of the shape: nothing of it can be judged. */
	if (dots != 2)
		memset(piece->start, 'x', piece->length);
}

/* The value of a key; only strings are tokens. A key with escapes could mean any of the names. */
static bool
judge_pair(const Piece *key, Piece *value, SchedTokens *tokens)
{
	if (memchr(key->start, '\\', key->length) != NULL)
		return false;
	if (equals(key, "access_token"))
		return keep_token(&tokens->access, value);
	if (equals(key, "refresh_token"))
		return keep_token(&tokens->refresh, value);
	if (equals(key, "id_token"))
		blunt_identity(value);
	return true;
}

static bool scan_value(Scanner *scanner, const Piece *key, SchedTokens *tokens, int depth);

/* { or [ up to its end; values of an array belong to the array's key. */
static bool
scan_container(Scanner *scanner, const Piece *array_key, SchedTokens *tokens, int depth)
{
	bool object = *scanner->at++ == '{';
	char close = object ? '}' : ']';

	if (depth > MAX_DEPTH)
		return false;
	if (peek(scanner) == close)
	{
		scanner->at++;
		return true;
	}
	for (;;)
	{
		Piece key = *array_key;

		if (object && (!read_string(scanner, &key) || peek(scanner) != ':'))
			return false;
		scanner->at += object;
		if (!scan_value(scanner, &key, tokens, depth))
			return false;
		if (peek(scanner) == close)
			break;
		if (peek(scanner) != ',')
			return false;
		scanner->at++;
	}
	scanner->at++;
	return true;
}

static bool
scan_value(Scanner *scanner, const Piece *key, SchedTokens *tokens, int depth)
{
	char c = peek(scanner);
	Piece value;

	if (c == '{' || c == '[')
		return scan_container(scanner, key, tokens, depth + 1);
	if (c == '"')
		return read_string(scanner, &value) && judge_pair(key, &value, tokens);
	/* A number or a word; whether it is one the server's parser will say. */
	value.start = scanner->at;
	while (scanner->at < scanner->end && strchr(",]} \t\r\n\"{[:", *scanner->at) == NULL)
		scanner->at++;
	return scanner->at > value.start;
}

bool
sched_token_take(char *json, size_t length, SchedTokens *tokens)
{
	Scanner scanner = {json, json + length};
	Piece none = {json, 0};

	tokens->access = tokens->refresh = NULL;
	if (peek(&scanner) == '{' && scan_value(&scanner, &none, tokens, 0) && peek(&scanner) == '\0' &&
		scanner.at == scanner.end)
		return true;
	explicit_bzero(json, length);
	sched_token_clear(tokens);
	return false;
}

static void
clear(char **token)
{
	if (*token != NULL)
		explicit_bzero(*token, strlen(*token));
	free(*token);
	*token = NULL;
}

void
sched_token_clear(SchedTokens *tokens)
{
	clear(&tokens->access);
	clear(&tokens->refresh);
}
