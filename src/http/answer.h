/*
 * answer.h - an answer while it comes in: capped, malloc'ed, never throwing. Pure; inside the HTTP
 * room.
 */
#ifndef SCHED_HTTP_ANSWER_H
#define SCHED_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

#define SCHED_ANSWER_MAX_HEADERS 256
#define SCHED_ANSWER_MAX_HEADER_BYTES (256 * 1024)

/* Why the answer was given up, if it was. */
typedef enum SchedAnswerStop
{
	SCHED_ANSWER_GOES_ON,
	SCHED_ANSWER_BODY_TOO_LARGE,
	SCHED_ANSWER_HEADERS_TOO_LARGE,
	SCHED_ANSWER_NO_MEMORY
} SchedAnswerStop;

/* An answer being received; `answer` goes to the caller at the end. */
typedef struct SchedReceiver
{
	SchedHttpAnswer *answer;
	size_t max_body;
	size_t body_room;
	size_t header_bytes;
	int header_room;
	int header_lines; /* those that only continue the one before count as well */
	SchedAnswerStop stop;
	size_t *total_room; /* of all receivers together; NULL = not counted */
	size_t max_total;   /* 0 = no limit */
} SchedReceiver;

/* False when the transfer must end (`stop` says why). */
extern bool sched_answer_take_header(SchedReceiver *receiver, const char *line, size_t length);
extern bool sched_answer_take_body(SchedReceiver *receiver, const char *bytes, size_t length);

/* Forgets headers and body: another answer follows (1xx, redirect). */
extern void sched_answer_reset(SchedReceiver *receiver);

/* The body is no longer the receiver's: takes it out of the total. */
extern void sched_answer_release(SchedReceiver *receiver);

/* The value of a header by lower-case name, or NULL. */
extern const char *sched_answer_header(const SchedHttpAnswer *answer, const char *name);

/* Sets failure and words (copied, made printable, capped). The body and headers are dropped. */
extern void sched_answer_fail(SchedHttpAnswer *answer, SchedHttpFailure failure, const char *words);

/* An answer that says why a call was not made. NULL without memory. */
extern SchedHttpAnswer *sched_answer_refuse(uint64_t tag, SchedHttpFailure failure,
											const char *words);

#endif
