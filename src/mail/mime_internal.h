/*
 * mime_internal.h - what the two files that build a SchedMail share.
 *
 * Pure. Strings are malloc'ed and belong to the mail; a lack of memory sets mail->failed.
 */
#ifndef SCHED_MAIL_MIME_INTERNAL_H
#define SCHED_MAIL_MIME_INTERNAL_H

#include "charset.h"
#include "mime.h"
#include "parts.h"

/* head.c */
extern void sched_mail_read_head(SchedMail *mail, const SchedMailFields *fields);
extern char *sched_mail_decode_value(SchedMail *mail, const SchedMailField *field, size_t limit);

/* mime.c */
extern void sched_mail_add_problem(SchedMail *mail, const char *code, const char *detail);
extern void sched_mail_note_repairs(SchedMail *mail, const SchedMailRepairs *repairs,
									const char *where);
extern char *sched_mail_clean_string(SchedMail *mail, const char *string, size_t limit);

#endif
