/*
 * json.c - reading small JSON of strangers. Pure: no server; runs in backends and unit tests; owns no memory,
 * nothing throws.
 *
 * Tokens are read before anybody knows who sent them, so the reader allocates nothing, recurses to a fixed depth
 * and compares each name with at most SCHED_JSON_MEMBERS others: work is linear in the text.
 */
#include <stdlib.h>
#include <string.h>

#include "identity/json.h"

typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

static bool read_value(Reader *reader, SchedJson *value, int depth);

static void
skip_space(Reader *reader)
{
	while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL)
		reader->at++;
}

static bool
take(Reader *reader, char wanted)
{
	if (reader->at == reader->end || *reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

/* Bytes of the UTF-8 character at hand; 0 where it is none: overlong, a surrogate, beyond the last one. */
static size_t
measure_character(const unsigned char *at, size_t left)
{
	static const unsigned int least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = at[0] < 0x80             ? 1
					: (at[0] & 0xE0) == 0xC0 ? 2
					: (at[0] & 0xF0) == 0xE0 ? 3
					: (at[0] & 0xF8) == 0xF0 ? 4
											 : 0;
	unsigned int code;

	if (length <= 1)
		return length;
	if (length > left)
		return 0;
	code = at[0] & (0x7F >> length);
	for (size_t i = 1; i < length; i++)
	{
		if ((at[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3F);
	}
	return code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0
																						: length;
}

/* Four hexadecimal digits; -1 where they are not. */
static int
read_hex(const char *at, const char *end)
{
	int code = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char c = at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
					: c >= 'a' && c <= 'f' ? c - 'a' + 10
					: c >= 'A' && c <= 'F' ? c - 'A' + 10
										   : -1;

		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

/*
 * The character that an escape stands for, behind its backslash; 0 where it is none. Halves of a pair alone and
 * NUL are refused: no text of the server can hold them.
 */
static unsigned int
read_escape(const char **at, const char *end)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int code;
	int second;

	if (*at == end)
		return 0;
	letter = **at != '\0' ? strchr(letters, **at) : NULL;
	if (letter != NULL)
	{
		(*at)++;
		return (unsigned char) meanings[letter - letters];
	}
	if (**at != 'u' || (code = read_hex(*at + 1, end)) < 0)
		return 0;
	*at += 5;
	if (code < 0xD800 || code > 0xDFFF)
		return (unsigned int) code;
	if (code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	second = read_hex(*at + 2, end);
	if (second < 0xDC00 || second > 0xDFFF)
		return 0;
	*at += 6;
	return 0x10000 + (((unsigned int) code - 0xD800) << 10) + ((unsigned int) second - 0xDC00);
}

static bool
read_string(Reader *reader, SchedJson *value)
{
	if (!take(reader, '"'))
		return false;
	value->type = SCHED_JSON_STRING;
	value->text = reader->at;
	while (reader->at < reader->end && *reader->at != '"')
	{
		size_t length =
			measure_character((const unsigned char *) reader->at, reader->end - reader->at);

		if (length == 0 || (unsigned char) *reader->at < 0x20)
			return false;
		reader->at += length;
		if (reader->at[-1] == '\\' && length == 1 && read_escape(&reader->at, reader->end) == 0)
			return false;
	}
	value->length = reader->at - value->text;
	return take(reader, '"');
}

static bool
skip_digits(Reader *reader)
{
	const char *start = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > start;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool
read_number(Reader *reader, SchedJson *value)
{
	value->type = SCHED_JSON_NUMBER;
	value->text = reader->at;
	take(reader, '-');
	if (!take(reader, '0') && !skip_digits(reader))
		return false;
	if (take(reader, '.') && !skip_digits(reader))
		return false;
	if (take(reader, 'e') || take(reader, 'E'))
	{
		if (!take(reader, '+'))
			take(reader, '-');
		if (!skip_digits(reader))
			return false;
	}
	value->length = reader->at - value->text;
	return true;
}

static bool
read_word(Reader *reader, const char *word, SchedJsonType type, SchedJson *value)
{
	size_t length = strlen(word);

	if ((size_t) (reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return false;
	*value = (SchedJson){type, reader->at, length};
	reader->at += length;
	return true;
}

/* The bytes of a character; at most 4. */
static size_t
put_character(unsigned int code, char *out)
{
	if (code < 0x80)
	{
		out[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		out[0] = (char) (0xC0 | code >> 6);
		out[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		out[0] = (char) (0xE0 | code >> 12);
		out[1] = (char) (0x80 | (code >> 6 & 0x3F));
		out[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | code >> 18);
	out[1] = (char) (0x80 | (code >> 12 & 0x3F));
	out[2] = (char) (0x80 | (code >> 6 & 0x3F));
	out[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

/* An escape is never shorter than what it stands for, so the text's length plus one is always enough room. */
bool
sched_identity_copy_json(const SchedJson *value, char *buffer, size_t size)
{
	const char *at = value->text;
	const char *end = value->text + value->length;
	size_t used = 0;

	if (size > 0)
		buffer[0] = '\0';
	if (value->type != SCHED_JSON_STRING)
		return false;
	while (at < end)
	{
		char bytes[4];
		size_t length = 1;

		bytes[0] = *at++;
		if (bytes[0] == '\\')
			length = put_character(read_escape(&at, end), bytes);
		if (used + length >= size)
			return false;
		memcpy(buffer + used, bytes, length);
		used += length;
	}
	if (used >= size)
		return false;
	buffer[used] = '\0';
	return true;
}

/* Names are compared by what they mean: "\u0061ud" is "aud". */
static bool
same_name(const SchedJson *one, const SchedJson *other)
{
	char first[SCHED_JSON_NAME + 1];
	char second[SCHED_JSON_NAME + 1];

	if (one->length == other->length && memcmp(one->text, other->text, one->length) == 0)
		return true;
	if (memchr(one->text, '\\', one->length) == NULL &&
		memchr(other->text, '\\', other->length) == NULL)
		return false;
	return sched_identity_copy_json(one, first, sizeof(first)) &&
		   sched_identity_copy_json(other, second, sizeof(second)) && strcmp(first, second) == 0;
}

/*
 * A name twice is refused: which of the two counts differs between libraries, so that one would verify what the other
 * does not read.
 */
static bool
read_object(Reader *reader, int depth)
{
	SchedJson names[SCHED_JSON_MEMBERS];
	SchedJson value;
	int count = 0;

	skip_space(reader);
	if (take(reader, '}'))
		return true;
	do
	{
		skip_space(reader);
		if (count == SCHED_JSON_MEMBERS || !read_string(reader, &names[count]) ||
			names[count].length > SCHED_JSON_NAME)
			return false;
		for (int i = 0; i < count; i++)
		{
			if (same_name(&names[i], &names[count]))
				return false;
		}
		count++;
		skip_space(reader);
		if (!take(reader, ':') || !read_value(reader, &value, depth))
			return false;
		skip_space(reader);
	} while (take(reader, ','));
	return take(reader, '}');
}

static bool
read_array(Reader *reader, int depth)
{
	SchedJson value;

	skip_space(reader);
	if (take(reader, ']'))
		return true;
	do
	{
		if (!read_value(reader, &value, depth))
			return false;
		skip_space(reader);
	} while (take(reader, ','));
	return take(reader, ']');
}

static bool
read_value(Reader *reader, SchedJson *value, int depth)
{
	const char *start;
	bool is_object;

	skip_space(reader);
	if (reader->at == reader->end)
		return false;
	start = reader->at;
	switch (*start)
	{
		case '"':
			return read_string(reader, value);
		case 'n':
			return read_word(reader, "null", SCHED_JSON_NULL, value);
		case 't':
			return read_word(reader, "true", SCHED_JSON_TRUE, value);
		case 'f':
			return read_word(reader, "false", SCHED_JSON_FALSE, value);
		case '{':
		case '[':
			is_object = *start == '{';
			reader->at++;
			if (depth == SCHED_JSON_DEPTH ||
				!(is_object ? read_object(reader, depth + 1) : read_array(reader, depth + 1)))
				return false;
			*value = (SchedJson){is_object ? SCHED_JSON_OBJECT : SCHED_JSON_ARRAY, start,
								 reader->at - start};
			return true;
		default:
			return read_number(reader, value);
	}
}

bool
sched_identity_read_json(const char *text, size_t length, SchedJson *value)
{
	Reader reader = {text, text + length};
	bool done = read_value(&reader, value, 0);

	skip_space(&reader);
	if (!done || reader.at != reader.end)
	{
		*value = (SchedJson){SCHED_JSON_NONE, text, 0};
		return false;
	}
	return true;
}

/*
 * Steps over what is known to be well-formed: a string to its closing quote, a container to its closing bracket. No second
 * check of names, so that a walk through an object costs its length once.
 */
static void
step_over(Reader *reader, SchedJson *value)
{
	int depth = 0;
	const char *start = reader->at;

	if (*start != '{' && *start != '[')
	{
		read_value(reader, value, 0);
		return;
	}
	value->type = *start == '{' ? SCHED_JSON_OBJECT : SCHED_JSON_ARRAY;
	do
	{
		SchedJson string;

		if (*reader->at == '"')
		{
			read_string(reader, &string);
			continue;
		}
		if (*reader->at == '{' || *reader->at == '[')
			depth++;
		else if (*reader->at == '}' || *reader->at == ']')
			depth--;
		reader->at++;
	} while (depth > 0 && reader->at < reader->end);
	value->text = start;
	value->length = reader->at - start;
}

bool
sched_identity_next_json(const SchedJson *container, size_t *position, SchedJson *name,
						 SchedJson *value)
{
	Reader reader = {container->text + *position, container->text + container->length};
	SchedJson own_name;

	*value = (SchedJson){SCHED_JSON_NONE, "", 0};
	if (container->type != SCHED_JSON_OBJECT && container->type != SCHED_JSON_ARRAY)
		return false;
	/* The opening bracket, or the comma behind the one before. */
	reader.at++;
	skip_space(&reader);
	if (reader.at >= reader.end - 1)
		return false;
	if (container->type == SCHED_JSON_OBJECT)
	{
		read_string(&reader, name != NULL ? name : &own_name);
		skip_space(&reader);
		take(&reader, ':');
		skip_space(&reader);
	}
	step_over(&reader, value);
	skip_space(&reader);
	*position = reader.at - container->text;
	return true;
}

bool
sched_identity_find_json(const SchedJson *object, const char *name, SchedJson *value)
{
	SchedJson found;
	size_t position = 0;

	if (object->type == SCHED_JSON_OBJECT)
	{
		while (sched_identity_next_json(object, &position, &found, value))
		{
			if (sched_identity_json_is(&found, name))
				return true;
		}
	}
	*value = (SchedJson){SCHED_JSON_NONE, "", 0};
	return false;
}

bool
sched_identity_json_is(const SchedJson *value, const char *text)
{
	SchedJson wanted = {SCHED_JSON_STRING, text, strlen(text)};
	char plain[SCHED_JSON_NAME + 1];

	if (value->type != SCHED_JSON_STRING)
		return false;
	if (memchr(value->text, '\\', value->length) == NULL)
		return value->length == wanted.length && memcmp(value->text, text, wanted.length) == 0;
	return sched_identity_copy_json(value, plain, sizeof(plain)) && strcmp(plain, text) == 0;
}

bool
sched_identity_json_number(const SchedJson *value, double *number)
{
	char digits[64];

	if (value->type != SCHED_JSON_NUMBER || value->length >= sizeof(digits))
		return false;
	memcpy(digits, value->text, value->length);
	digits[value->length] = '\0';
	*number = strtod(digits, NULL);
	return true;
}
