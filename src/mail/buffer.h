/*
 * buffer.h - growing bytes with a ceiling, for the pure files of the mail room.
 *
 * Pure: malloc and nothing else. A buffer never grows beyond its limit (the rest is dropped and
 * `cut` says so), and running out of memory sets `failed` instead of throwing: callers append
 * freely and look once, at the end.
 */
#ifndef SCHED_MAIL_BUFFER_H
#define SCHED_MAIL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct SchedMailBuffer
{
	char *data;
	size_t length;
	size_t capacity;
	size_t limit; /* of length */
	bool cut;     /* something did not fit below the limit */
	bool failed;  /* malloc said no */
} SchedMailBuffer;

extern void sched_mail_buffer_init(SchedMailBuffer *buffer, size_t limit);
extern void sched_mail_buffer_append(SchedMailBuffer *buffer, const void *bytes, size_t length);
extern void sched_mail_buffer_add(SchedMailBuffer *buffer, const char *string);
extern void sched_mail_buffer_char(SchedMailBuffer *buffer, char c);

/*
 * Room for `length` more bytes at data + length, or NULL; the caller writes and adds to length
 * itself.
 */
extern char *sched_mail_buffer_reserve(SchedMailBuffer *buffer, size_t length);

/* The bytes with a NUL behind them, now the caller's to free(); NULL when memory ran out. */
extern char *sched_mail_buffer_take(SchedMailBuffer *buffer);
extern void sched_mail_buffer_free(SchedMailBuffer *buffer);

#endif
