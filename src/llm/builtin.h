/*
 * builtin.h - the model "builtin": tasks, events and a class out of one mail, by rules.
 *
 * Pure and deterministic: no server, no network, no clock; any bytes may come in. Time is linear
 * in the text that is looked at, and that is bounded (SCHED_BUILTIN_MAX_TEXT).
 */
#ifndef SCHED_LLM_BUILTIN_H
#define SCHED_LLM_BUILTIN_H

#include <stddef.h>

#include "facts.h"

#define SCHED_BUILTIN_MAX_TEXT 65536 /* bytes of a body that are read */

typedef struct SchedMailHeader
{
	const char *name;
	const char *value;
} SchedMailHeader;

/* One mail as text. Every string may be NULL; those with a length need no end mark. */
typedef struct SchedMailText
{
	const char *subject;
	size_t subject_length;
	const char *sender;
	size_t sender_length;
	const char *body;
	size_t body_length;
	const SchedMailHeader *headers;
	int header_count;
} SchedMailText;

/*
 * context->reference is the instant the mail was received, context->zone that of its reader. The
 * result is the caller's (sched_llm_free_facts); NULL when memory is short.
 */
extern SchedFacts *sched_llm_extract(const SchedMailText *mail, const SchedWhenContext *context);

#endif
