/*
 * quote.h - what is new in a mail, what is quoted, what is signature.
 *
 * Pure; rules over lines, no names of people or firms. Every line of the text lands in exactly one
 * of the three parts, in order, so nothing is lost by a wrong guess.
 */
#ifndef SCHED_MAIL_QUOTE_H
#define SCHED_MAIL_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

typedef struct SchedMailSplit
{
	SchedMailBuffer fresh; /* what the sender wrote for this mail */
	SchedMailBuffer quoted;
	SchedMailBuffer signature;
	bool forwarded; /* the quoted part is a forwarded mail, not an answered one */
} SchedMailSplit;

/* text is UTF-8 with LF line ends. Fills and owns nothing: free with sched_mail_split_free(). */
extern void sched_mail_split_quotes(const char *text, size_t length, SchedMailSplit *split);
extern void sched_mail_split_free(SchedMailSplit *split);

#endif
