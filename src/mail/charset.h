/*
 * charset.h - bytes of any declared or undeclared charset to UTF-8 that PostgreSQL accepts.
 *
 * Pure; results are appended to the caller's buffer, nothing throws. What cannot be decoded becomes
 * U+FFFD, never a loss of the rest.
 */
#ifndef SCHED_MAIL_CHARSET_H
#define SCHED_MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/* What had to be repaired on the way. */
typedef struct SchedMailRepairs
{
	bool unknown_charset; /* the declared name means nothing here */
	bool bad_bytes;       /* bytes that are not of the declared charset */
	bool nul_bytes;
} SchedMailRepairs;

/*
 * charset NULL or "us-ascii" means: UTF-8 where the bytes are valid UTF-8, else windows-1252 (what
 * the senders of undeclared 8-bit text use).
 */
extern void sched_mail_to_utf8(SchedMailBuffer *out, const char *bytes, size_t length,
							   const char *charset, SchedMailRepairs *repairs);

/* Appends text with every invalid sequence and NUL replaced by U+FFFD. */
extern void sched_mail_repair_utf8(SchedMailBuffer *out, const char *bytes, size_t length,
								   SchedMailRepairs *repairs);

extern bool sched_mail_valid_utf8(const char *bytes, size_t length);

/* Where the buffer was cut: takes away a character that did not fit whole. */
extern void sched_mail_drop_partial(SchedMailBuffer *out);

/* The longest prefix of at most `limit` bytes that does not end inside a character. */
extern size_t sched_mail_clip_utf8(const char *bytes, size_t length, size_t limit);

/*
 * Removes CR before LF (a lone CR becomes LF) and, where `flowed`, joins the soft line breaks of
 * format=flowed (RFC 3676); both in place. Returns the new length.
 */
extern size_t sched_mail_unfold_lines(char *text, size_t length, bool flowed, bool delsp);

#endif
