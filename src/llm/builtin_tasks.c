/*
 * builtin_tasks.c - the answer: tasks out of deeds, events out of sentences that name a time.
 *
 * Pure. What is written into the SchedFacts is malloc'ed and belongs to it.
 *
 * Runs in whatever process extracts. On lack of memory the caller frees the half-filled
 * SchedFacts; counts are raised only when an entry is complete, so that this is safe at any
 * point.
 */
#include <stdlib.h>
#include <string.h>

#include "builtin_internal.h"

enum
{
	PRIORITY_PLAIN = 5,
	PRIORITY_URGENT = 3,  /* "urgent", "asap" */
	PRIORITY_SOON = 1,    /* due within a day */
	PRIORITY_OVERDUE = 2, /* already past */
	PRIORITY_NO_RUSH = -2
};

#define ONE_DAY (INT64_C(86400) * SCHED_USECS_PER_SEC)

/*
 * From 5: urgent words, a deadline within a day and one that has passed raise it, "no rush"
 * lowers it.
 */
static int
choose_priority(const SchedReading *reading, const SchedSentence *sentence,
				const SchedTaskFact *task)
{
	int priority = PRIORITY_PLAIN;
	bool urgent = sentence->best[CUE_URGENT] >= 8;

	if (reading->subject >= 0)
		urgent |= reading->sentences[reading->subject].best[CUE_URGENT] >= 8;
	if (urgent)
		priority += PRIORITY_URGENT;
	if (task->has_deadline && task->deadline < reading->context->reference)
		priority += PRIORITY_OVERDUE;
	else if (task->has_deadline && task->deadline < reading->context->reference + ONE_DAY)
		priority += PRIORITY_SOON;
	if (!task->has_deadline && sentence->best[CUE_DUE] > 0 && !urgent)
		priority += PRIORITY_NO_RUSH;
	return priority > 10 ? 10 : priority;
}

/* Health, home or work: the words of the task count most, those of the mail decide a tie. */
static const char *
choose_category(const SchedReading *reading, const SchedSentence *sentence)
{
	int health = 0;
	int home = 0;
	int work = 0;

	for (int i = 0; i < reading->token_count; i++)
	{
		const SchedToken *token = &reading->tokens[i];
		int weight = i >= sentence->first && i < sentence->first + sentence->count ? 3 : 1;

		health += (token->classes & WORD_HEALTH) ? weight : 0;
		home += (token->classes & WORD_HOME) ? weight : 0;
		work += (token->classes & WORD_WORK) ? weight : 0;
	}
	if (health > 1 && health >= home && health >= work)
		return "health";
	if (home > work)
		return "personal";
	return work > 0 ? "work" : "other";
}

/* "it takes two hours": not the distance of a deadline ("within two hours"). */
static int
find_duration(const SchedReading *reading, const SchedSentence *sentence)
{
	SchedDuration found[4];
	int count =
		sched_time_parse_durations(reading->flow + sentence->start, sentence->length, found, 4);

	for (int i = 0; i < count; i++)
	{
		bool dated = found[i].months > 0 || found[i].seconds < 60 || found[i].seconds > 86400;

		for (int j = 0; j < sentence->dates; j++)
		{
			const SchedWhen *when = &sentence->date[j].when;

			dated |= found[i].start < when->start + when->length &&
					 when->start < found[i].start + found[i].length;
		}
		if (!dated)
			return (int) (found[i].seconds / 60);
	}
	return 0;
}

/*
 * "I know that this is fourteen hours of work": a sentence about effort right behind the one that
 * asks.
 */
static int
find_effort(const SchedReading *reading, const SchedSentence *asking)
{
	static const char *const effort[] = {"work", "takes", "take",  "took",
										 "need", "needs", "effort"};
	const SchedSentence *next = asking + 1;

	if (next >= reading->sentences + reading->sentence_count || next->block != asking->block ||
		next->mark >= 0)
		return 0;
	for (int i = next->first; i < next->first + next->count; i++)
		for (size_t j = 0; j < sizeof(effort) / sizeof(effort[0]); j++)
			if (sched_llm_token_is(reading, &reading->tokens[i], effort[j]))
				return find_duration(reading, next);
	return 0;
}

/* Two sentences that give the same description are one task. */
static bool
same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/*
 * One task out of a deed. Its confidence follows from the score; what was taken from a quoted
 * mail is never quite sure.
 */
static bool
add_task(SchedReading *reading, SchedFacts *facts, const SchedDeed *deed, int deed_count)
{
	SchedTaskFact *task = &facts->tasks[facts->task_count];
	const SchedSentence *sentence = &reading->sentences[deed->main];
	double sure = 0.5 + (deed->score - 10) / 50.0;

	memset(task, 0, sizeof(*task));
	task->description = sched_llm_describe_deed(reading, deed, deed_count);
	if (task->description == NULL)
		return false;
	for (int i = 0; i < facts->task_count; i++)
		if (same_text(facts->tasks[i].description, task->description))
		{
			free(task->description);
			return true;
		}
	task->has_deadline = sched_llm_find_deadline(reading, deed, &task->deadline);
	task->duration_minutes = find_duration(reading, sentence);
	if (task->duration_minutes == 0)
		task->duration_minutes = find_effort(reading, sentence);
	task->priority = choose_priority(reading, sentence, task);
	task->location = sched_llm_find_location(reading, sentence);
	task->attendees = sched_llm_find_attendees(reading, sentence);
	task->category = choose_category(reading, sentence);
	task->confidence = sure > 0.97 ? 0.97 : sure < 0.3 ? 0.3 : sure;
	if (deed->taken_up && task->confidence > 0.8)
		task->confidence = 0.8;
	facts->task_count++;
	return true;
}

/* A sentence with a clock time and a word for a gathering, which is no deadline. */
static const SchedDate *
find_event_time(const SchedReading *reading, const SchedSentence *sentence)
{
	bool gathering = false;

	for (int i = sentence->first; i < sentence->first + sentence->count; i++)
		gathering |= (reading->tokens[i].classes & WORD_EVENT) != 0;
	if (reading->subject >= 0 && sentence->section == 0)
		for (int i = reading->sentences[0].first;
			 i < reading->sentences[0].first + reading->sentences[0].count; i++)
			gathering |= (reading->tokens[i].classes & WORD_EVENT) != 0;
	for (int i = 0; i < sentence->dates && gathering; i++)
	{
		const SchedDate *date = &sentence->date[i];

		if (date->when.has_date && date->when.has_time && !date->strong && !date->past)
			return date;
	}
	return NULL;
}

/*
 * A gathering with a day and a clock time is an event; it makes no task by itself. One start
 * gives one event, however often it is named.
 */
static bool
add_events(SchedReading *reading, SchedFacts *facts)
{
	for (int i = 0; i < reading->sentence_count && facts->event_count < SCHED_FACTS_MAX_EVENTS; i++)
	{
		const SchedSentence *sentence = &reading->sentences[i];
		const SchedDate *date;
		SchedEventFact *event = &facts->events[facts->event_count];
		bool known = false;
		SchedDeed deed;

		if (sentence->section != 0 || sentence->machine || sentence->footer == 2 ||
			reading->spam >= 25 || reading->promo >= 20)
			continue;
		date = find_event_time(reading, sentence);
		for (int j = 0; j < facts->event_count && date != NULL; j++)
			known |= facts->events[j].starts_at == date->when.lower;
		if (date == NULL || known)
			continue;
		memset(&deed, 0, sizeof(deed));
		deed.main = reading->title[0] != '\0' && reading->subject >= 0 ? reading->subject : i;
		memset(event, 0, sizeof(*event));
		event->summary = sched_llm_describe_deed(reading, &deed, 2);
		if (event->summary == NULL)
			return false;
		event->starts_at = date->when.lower;
		event->has_end = date->when.kind == SCHED_WHEN_RANGE && date->when.upper > date->when.lower;
		event->ends_at = date->when.upper;
		for (int j = i; j < reading->sentence_count && j < i + 4 && event->location == NULL; j++)
			event->location = sched_llm_find_location(reading, &reading->sentences[j]);
		facts->event_count++;
	}
	return true;
}

/* Fills tasks and events; false when memory is short. */
bool
sched_llm_build_tasks(SchedReading *reading, SchedFacts *facts)
{
	SchedDeed deeds[MAX_CANDIDATES];
	int count = sched_llm_find_deeds(reading, deeds, MAX_CANDIDATES);

	sched_llm_date_deeds(reading, deeds, count);
	for (int i = 0; i < count && facts->task_count < SCHED_FACTS_MAX_TASKS; i++)
		if (!add_task(reading, facts, &deeds[i], count))
			return false;
	return add_events(reading, facts);
}
