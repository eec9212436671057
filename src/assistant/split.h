/*
 * split.h - what somebody typed, taken apart into things to do: when, how long, by when, what.
 *
 * Pure: no server, no clock, no memory; the reference and the zone come in. Nothing is decided here
 * about the calendar.
 */
#ifndef SCHED_ASSISTANT_SPLIT_H
#define SCHED_ASSISTANT_SPLIT_H

#include "time/when.h"

#define SCHED_ITEM_TEXT 256

/* One thing to do. */
typedef struct SchedItem
{
	size_t start;  /* its words in the text */
	size_t length; /* in bytes */
	char
		description[SCHED_ITEM_TEXT]; /* what is left without dates, durations and "remind me to" */
	bool has_start;                   /* a fixed time: an appointment */
	SchedInstant start_at;
	bool has_earliest; /* "tomorrow": a day on which it is to be done */
	SchedInstant earliest;
	bool has_deadline;
	SchedInstant deadline;
	int minutes; /* 0 where no duration was said */
	int priority;
	const char *category;
	char rrule[160]; /* "" for what happens once */
	bool ambiguous;  /* another reading of its time is as likely */
} SchedItem;

/*
 * Writes up to max items in the order of the text; returns how many. An item without words of its
 * own has an empty description. Linear in the length.
 */
extern int sched_assistant_split(const char *text, size_t length, const SchedWhenContext *context,
								 SchedItem *items, int max);

#endif
