/*
 * answer.c - collects what a server sends, within limits.
 *
 * Pure: called from libcurl's callbacks in the worker, and from unit tests. All memory is malloc'ed
 * and belongs to the answer, which its receiver frees with sched_http_free_answer(); nothing
 * throws: a limit or missing memory ends the transfer and is remembered in `stop`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"

/* Leaves the answer without headers, ready for those of the next one. */
static void
free_headers(SchedHttpAnswer *answer)
{
	for (int i = 0; i < answer->n_headers; i++)
	{
		free(answer->headers[i].name);
		free(answer->headers[i].value);
	}
	free(answer->headers);
	answer->headers = NULL;
	answer->n_headers = 0;
}

/*
 * Called when the body is freed and when it is handed over: either way it is no longer this
 * engine's memory, and the next answer may have the room.
 */
void
sched_answer_release(SchedReceiver *receiver)
{
	if (receiver->total_room != NULL)
		*receiver->total_room -= receiver->body_room;
	receiver->body_room = 0;
}

/*
 * The status line of a 1xx answer and each hop of a redirect come through the same transfer as the
 * answer that counts; only the last one's headers and body are for the caller.
 */
void
sched_answer_reset(SchedReceiver *receiver)
{
	free_headers(receiver->answer);
	free(receiver->answer->body);
	receiver->answer->body = NULL;
	receiver->answer->body_length = 0;
	sched_answer_release(receiver);
	receiver->header_bytes = 0;
	receiver->header_room = 0;
	receiver->header_lines = 0;
}

/* Also of an answer that never left this machine: every pointer may be NULL. */
void
sched_http_free_answer(SchedHttpAnswer *answer)
{
	if (answer == NULL)
		return;
	free_headers(answer);
	free(answer->body);
	free(answer->error);
	free(answer->host);
	free(answer);
}

/*
 * The first of several: for the headers that we read ourselves (Location, Retry-After) a second one
 * is a mistake of the server's.
 */
const char *
sched_answer_header(const SchedHttpAnswer *answer, const char *name)
{
	for (int i = 0; i < answer->n_headers; i++)
	{
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	}
	return NULL;
}

/* Cuts blanks and line ends off both ends. */
static void
trim_blanks(const char **text, size_t *length)
{
	while (*length > 0 && strchr(" \t\r\n", (*text)[0]) != NULL && (*text)[0] != '\0')
	{
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && strchr(" \t\r\n", (*text)[*length - 1]) != NULL &&
		   (*text)[*length - 1] != '\0')
		(*length)--;
}

/* A line that begins with a blank continues the value before it (obsolete folding). */
static bool
continue_header(SchedReceiver *receiver, const char *text, size_t length)
{
	SchedHttpHeader *last = &receiver->answer->headers[receiver->answer->n_headers - 1];
	size_t old_length = strlen(last->value);
	char *value;

	trim_blanks(&text, &length);
	value = realloc(last->value, old_length + length + 2);
	if (value == NULL)
	{
		receiver->stop = SCHED_ANSWER_NO_MEMORY;
		return false;
	}
	value[old_length] = ' ';
	memcpy(value + old_length + 1, text, length);
	value[old_length + 1 + length] = '\0';
	last->value = value;
	return true;
}

/*
 * Takes copies of both. The list doubles, and both allocations are checked before either is kept,
 * so a half made header is never seen.
 */
static bool
append_header(SchedReceiver *receiver, const char *name, size_t name_length, const char *value,
			  size_t value_length)
{
	SchedHttpAnswer *answer = receiver->answer;
	SchedHttpHeader header;

	if (answer->n_headers == receiver->header_room)
	{
		int room = receiver->header_room * 2 + 16;
		SchedHttpHeader *larger = realloc(answer->headers, (size_t) room * sizeof(*larger));

		if (larger == NULL)
		{
			receiver->stop = SCHED_ANSWER_NO_MEMORY;
			return false;
		}
		answer->headers = larger;
		receiver->header_room = room;
	}
	/* A NUL cannot occur: libcurl ends the transfer on one inside a header. */
	header.name = strndup(name, name_length);
	header.value = strndup(value, value_length);
	if (header.name == NULL || header.value == NULL)
	{
		free(header.name);
		free(header.value);
		receiver->stop = SCHED_ANSWER_NO_MEMORY;
		return false;
	}
	for (char *c = header.name; *c != '\0'; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			*c = (char) (*c + 32);
	}
	answer->headers[answer->n_headers++] = header;
	return true;
}

/*
 * One line as libcurl read it, line end included. The count and the bytes of all lines are limited
 * before anything is copied, because a server that floods us decides how many lines there are.
 */
bool
sched_answer_take_header(SchedReceiver *receiver, const char *line, size_t length)
{
	SchedHttpAnswer *answer = receiver->answer;
	const char *colon;
	const char *value;
	size_t value_length;

	/* A status line begins a new answer; after body bytes it can only be a forged trailer. */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0 && answer->body_length == 0)
	{
		sched_answer_reset(receiver);
		return true;
	}
	receiver->header_bytes += length;
	/* Each continuation copies what it continues: without a limit of lines that would be quadratic. */
	if (receiver->header_bytes > SCHED_ANSWER_MAX_HEADER_BYTES ||
		receiver->header_lines++ >= SCHED_ANSWER_MAX_HEADERS)
	{
		receiver->stop = SCHED_ANSWER_HEADERS_TOO_LARGE;
		return false;
	}
	if (length > 0 && (line[0] == ' ' || line[0] == '\t'))
		return answer->n_headers == 0 || continue_header(receiver, line, length);
	colon = memchr(line, ':', length);
	if (colon == NULL || colon == line)
		return true; /* the empty line at the end */
	value = colon + 1;
	value_length = length - (size_t) (value - line);
	trim_blanks(&value, &value_length);
	return append_header(receiver, line, (size_t) (colon - line), value, value_length);
}

/* Room for this many bytes, doubled each time; within what all answers together may take. */
static bool
grow_body(SchedReceiver *receiver, size_t needed)
{
	size_t room = receiver->body_room < 4096 ? 4096 : receiver->body_room * 2;
	unsigned char *larger;

	if (room < needed)
		room = needed;
	if (receiver->total_room != NULL && receiver->max_total > 0 &&
		*receiver->total_room + (room - receiver->body_room) > receiver->max_total)
		return false;
	larger = realloc(receiver->answer->body, room);
	if (larger == NULL)
		return false;
	if (receiver->total_room != NULL)
		*receiver->total_room += room - receiver->body_room;
	receiver->answer->body = larger;
	receiver->body_room = room;
	return true;
}

/*
 * Bytes after decoding: this is where a gzip bomb is counted by what it unpacks to. The limit is
 * checked before memory is taken.
 */
bool
sched_answer_take_body(SchedReceiver *receiver, const char *bytes, size_t length)
{
	SchedHttpAnswer *answer = receiver->answer;
	size_t needed = answer->body_length + length;

	if (needed > receiver->max_body)
	{
		receiver->stop = SCHED_ANSWER_BODY_TOO_LARGE;
		return false;
	}
	/* One byte more than the body: it ends with a NUL that does not count. */
	if (needed + 1 > receiver->body_room && !grow_body(receiver, needed + 1))
	{
		receiver->stop = SCHED_ANSWER_NO_MEMORY;
		return false;
	}
	memcpy(answer->body + answer->body_length, bytes, length);
	answer->body_length = needed;
	answer->body[needed] = '\0';
	return true;
}

/*
 * The words may come from libcurl or OpenSSL and go into a text column: bytes that are not
 * printable ASCII become question marks, so that no encoding problem follows from a failure.
 */
void
sched_answer_fail(SchedHttpAnswer *answer, SchedHttpFailure failure, const char *words)
{
	free_headers(answer);
	free(answer->body);
	free(answer->error);
	answer->body = NULL;
	answer->body_length = 0;
	answer->status = 0;
	answer->failure = failure;
	answer->error = strndup(words, 400);
	for (char *c = answer->error; c != NULL && *c != '\0'; c++)
	{
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

SchedHttpAnswer *
sched_answer_refuse(uint64_t tag, SchedHttpFailure failure, const char *words)
{
	SchedHttpAnswer *answer = calloc(1, sizeof(SchedHttpAnswer));

	if (answer == NULL)
		return NULL;
	answer->tag = tag;
	sched_answer_fail(answer, failure, words);
	return answer;
}

/*
 * In the order of SchedHttpFailure; documented in doc/http.md and stored in rows, so they never
 * change.
 */
const char *
sched_http_failure_word(SchedHttpFailure failure)
{
	static const char *const words[] = {
		"ok",      "bad_request", "forbidden", "resolve",   "connect",   "tls", "unavailable",
		"timeout", "broken",      "too_large", "redirects", "cancelled", "lost"};

	return words[failure];
}
