/*
 * buffer.c - growing bytes with a ceiling.
 *
 * Pure; runs wherever a mail is parsed (backend, worker, unit test). Memory is malloc'ed and
 * belongs to the buffer until sched_mail_buffer_take() hands it over. Nothing here throws.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

/*
 * An empty buffer that will take at most limit bytes; nothing is allocated before the
 * first append, so a buffer that stays empty costs nothing.
 */
void
sched_mail_buffer_init(SchedMailBuffer *buffer, size_t limit)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->limit = limit;
}

/*
 * Doubling keeps appending linear; the ceiling bounds the last step. realloc of large blocks moves
 * pages, not bytes, on glibc.
 */
char *
sched_mail_buffer_reserve(SchedMailBuffer *buffer, size_t length)
{
	size_t wanted = buffer->length + length + 1;
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	char *data;

	if (buffer->failed)
		return NULL;
	if (wanted <= buffer->capacity)
		return buffer->data + buffer->length;
	while (capacity < wanted)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (data == NULL)
	{
		buffer->failed = true;
		return NULL;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return data + buffer->length;
}

/*
 * Appends as much as fits below the limit; the rest is dropped and `cut` remembers it.
 * The limit is a property of the buffer so that no caller can forget to ask.
 */
void
sched_mail_buffer_append(SchedMailBuffer *buffer, const void *bytes, size_t length)
{
	char *room;

	if (length > buffer->limit - buffer->length)
	{
		length = buffer->limit - buffer->length;
		buffer->cut = true;
	}
	if (length == 0)
		return;
	room = sched_mail_buffer_reserve(buffer, length);
	if (room == NULL)
		return;
	memcpy(room, bytes, length);
	buffer->length += length;
}

/* A C string, without its NUL. */
void
sched_mail_buffer_add(SchedMailBuffer *buffer, const char *string)
{
	sched_mail_buffer_append(buffer, string, strlen(string));
}

/* A single byte. */
void
sched_mail_buffer_char(SchedMailBuffer *buffer, char c)
{
	sched_mail_buffer_append(buffer, &c, 1);
}

/*
 * Hands the bytes over as a C string. An empty buffer gives "", so that NULL always means
 * out of memory and never "nothing".
 */
char *
sched_mail_buffer_take(SchedMailBuffer *buffer)
{
	char *data;

	if (sched_mail_buffer_reserve(buffer, 0) == NULL)
	{
		sched_mail_buffer_free(buffer);
		return NULL;
	}
	data = buffer->data;
	data[buffer->length] = '\0';
	buffer->data = NULL;
	buffer->length = 0;
	buffer->capacity = 0;
	return data;
}

/* Safe to call on a buffer that was taken or never used. */
void
sched_mail_buffer_free(SchedMailBuffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->length = 0;
	buffer->capacity = 0;
}
