/*
 * facts.h - what was read out of one mail: its class, tasks and events.
 *
 * Pure: no server, no clock. All memory is malloc'ed and hangs on one SchedFacts, which its
 * receiver frees with sched_llm_free_facts(). The strings are valid UTF-8 without NUL bytes.
 */
#ifndef SCHED_LLM_FACTS_H
#define SCHED_LLM_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "../time/when.h"

#define SCHED_FACTS_MAX_DESCRIPTION 240 /* characters */
#define SCHED_FACTS_MAX_TASKS 20
#define SCHED_FACTS_MAX_EVENTS 10

typedef struct SchedTaskFact
{
	char *description;
	bool has_deadline;
	SchedInstant deadline;
	int duration_minutes; /* 0: not told */
	int priority;         /* 1-10, 10 is highest */
	char *location;       /* NULL: not told */
	char *attendees;      /* one name per line; NULL: none */
	const char *category; /* "work", "personal", "health" or "other" */
	double confidence;
} SchedTaskFact;

typedef struct SchedEventFact
{
	char *summary;
	SchedInstant starts_at;
	bool has_end;
	SchedInstant ends_at;
	char *location; /* NULL: not told */
} SchedEventFact;

typedef struct SchedFacts
{
	const char *classification;
	double confidence;
	const char *language; /* ISO 639-1, "und" where nothing speaks for one */
	int task_count;
	SchedTaskFact tasks[SCHED_FACTS_MAX_TASKS];
	int event_count;
	SchedEventFact events[SCHED_FACTS_MAX_EVENTS];
} SchedFacts;

/* NULL when memory is short. */
extern SchedFacts *sched_llm_new_facts(void);
extern void sched_llm_free_facts(SchedFacts *facts);

/*
 * The facts as JSON text in the form of extraction_schema(); instants carry the offset of zone.
 * NULL when memory is short; the caller frees it.
 */
extern char *sched_llm_print_facts(const SchedFacts *facts, const SchedZone *zone);

#endif
