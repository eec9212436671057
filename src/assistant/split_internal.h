/*
 * split_internal.h - between the two files that take a typed text apart.
 */
#ifndef SCHED_ASSISTANT_SPLIT_INTERNAL_H
#define SCHED_ASSISTANT_SPLIT_INTERNAL_H

#include "assistant/split.h"

/* A piece of the text. */
typedef struct SchedPiece
{
	size_t start;
	size_t end;
} SchedPiece;

/*
 * Writes into target what is left of a piece without the holes (in order) and without filler at
 * both ends.
 */
extern void sched_assistant_describe(const char *text, SchedPiece piece, const SchedPiece *holes,
									 int hole_count, char *target, size_t room);

/* 1-10 as the words have it, 5 where they say nothing. */
extern int sched_assistant_read_priority(const char *description, const char *piece, size_t length);

/* "work", "personal" or "health". */
extern const char *sched_assistant_read_category(const char *description);

/* Is the word (lower case) at this place, between two word ends? */
extern bool sched_assistant_word_at(const char *text, size_t at, size_t end, const char *word);

#endif
