/*
 * mailbox.h - the mails of an mbox file, a Maildir or a folder of .eml files, one after the other.
 *
 * Pure but for reading files: nothing throws, memory is bounded by the largest mail allowed. The
 * position after each mail can be stored and given back later, also by another process.
 */
#ifndef SCHED_MAIL_MAILBOX_H
#define SCHED_MAIL_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SchedMailboxKind
{
	SCHED_MAILBOX_MBOX,
	SCHED_MAILBOX_MAILDIR,
	SCHED_MAILBOX_FOLDER /* files *.eml */
} SchedMailboxKind;

/* Where to go on. Zero it to begin. */
typedef struct SchedMailboxPosition
{
	int64_t offset; /* mbox: next byte */
	bool skipping;  /* mbox: inside a mail over the limit that was already handed out */
	char name[256]; /* directories: key of the last file handed out */
} SchedMailboxPosition;

typedef struct SchedMailboxItem
{
	/*
	 * The mail, `length` bytes behind `reserved` free ones (room for a varlena header). The
	 * mailbox's, valid until the next call.
	 */
	char *data;
	size_t length;
	bool too_large;  /* data is the head only */
	char key[256];   /* directories: the file's name without flags; mbox: "" */
	char flags[32];  /* Maildir: "FS", ... */
	char error[512]; /* this file could not be read: no data */
} SchedMailboxItem;

typedef enum SchedMailboxResult
{
	SCHED_MAILBOX_MAIL,
	SCHED_MAILBOX_MORE, /* nothing yet, but `budget` bytes were read: a chance to look up */
	SCHED_MAILBOX_END,
	SCHED_MAILBOX_ERROR /* see sched_mailbox_error() */
} SchedMailboxResult;

typedef struct SchedMailbox SchedMailbox;

/*
 * NULL where memory ran out; else look at sched_mailbox_error() first (NULL = open). `reserved`
 * bytes are left free before each mail.
 */
extern SchedMailbox *sched_mailbox_open(const char *path, const SchedMailboxPosition *from,
										size_t max_bytes, size_t reserved);
extern SchedMailboxResult sched_mailbox_next(SchedMailbox *box, size_t budget,
											 SchedMailboxItem *item);
extern void sched_mailbox_position(const SchedMailbox *box, SchedMailboxPosition *position);
extern SchedMailboxKind sched_mailbox_kind(const SchedMailbox *box);

/* Bytes of an mbox file or number of files of a directory, and how many of them are done. */
extern int64_t sched_mailbox_total(const SchedMailbox *box);
extern int64_t sched_mailbox_done(const SchedMailbox *box);

/* errno of what failed, 0 if nothing; the path it failed on. */
extern int sched_mailbox_error(const SchedMailbox *box, const char **path);
extern void sched_mailbox_close(SchedMailbox *box);

/*
 * Directories only: the key of the file to be read next, NULL at the end; skip goes past it unread.
 */
extern const char *sched_mailbox_peek(const SchedMailbox *box);
extern void sched_mailbox_skip(SchedMailbox *box);

#endif
