/*
 * mime.h - a mail as the database wants it.
 *
 * Pure: raw RFC 5322 bytes in, one malloc'ed SchedMail out. Every string is valid UTF-8 without
 * NUL. Whatever is broken becomes a problem in the result, never a failure: the only failure is
 * memory. The caller calls g_mime_init() once per process before (sched_mail_start()).
 */
#ifndef SCHED_MAIL_MIME_H
#define SCHED_MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One header, decoded. */
typedef struct SchedMailHeaderPair
{
	char *name; /* lower case */
	char *value;
} SchedMailHeaderPair;

typedef struct SchedMailAddress
{
	const char *kind; /* "to", "cc", "bcc"; static */
	char *name;       /* may be empty */
	char *address;
} SchedMailAddress;

typedef struct SchedMailAttachment
{
	char *name; /* may be empty */
	char *type; /* "application/pdf" */
	size_t size;
} SchedMailAttachment;

/* What was broken or left out: a word of the list in mime.c, and a detail for people. */
typedef struct SchedMailProblem
{
	const char *code; /* static */
	char *detail;
} SchedMailProblem;

typedef struct SchedMail
{
	char *subject;
	char *sender; /* name; may be empty */
	char *sender_email;
	SchedMailAddress *recipients;
	int n_recipients;
	bool has_date;
	int64_t date; /* seconds since 1970 */
	bool has_received;
	int64_t received; /* of the topmost Received header: our own server's clock */
	char *message_id; /* without <>; empty if none */
	char *in_reply_to;
	char **references;
	int n_references;
	SchedMailHeaderPair *headers;
	int n_headers;
	char *body_text; /* all text, attached mails included */
	char *body_new;  /* without quoted replies and signature */
	char *quoted;
	char *signature;
	bool forwarded;
	SchedMailAttachment *attachments;
	int n_attachments;
	char **calendars; /* text/calendar parts as they came */
	int n_calendars;
	SchedMailProblem *problems;
	int n_problems;
	bool failed; /* out of memory while building */
} SchedMail;

/* What the reader of the mail was already told about it. */
typedef struct SchedMailInput
{
	const char *raw;
	size_t length;
	size_t max_bytes;   /* larger mails keep their headers only */
	size_t full_length; /* the mail's true size where raw is only its head, else 0 */
} SchedMailInput;

/* Once per process, before the first parse. */
extern void sched_mail_start(void);

/* NULL only when memory ran out. Free with sched_mail_free(). */
extern SchedMail *sched_mail_parse(const SchedMailInput *input);
extern void sched_mail_free(SchedMail *mail);

/* The place of the first problem of that code, or NULL. */
extern const SchedMailProblem *sched_mail_find_problem(const SchedMail *mail, const char *code);

#endif
