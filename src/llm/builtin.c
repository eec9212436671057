/*
 * builtin.c - the model "builtin": the steps from a mail to its facts.
 *
 * Pure. One SchedReading (about 2 MB, of which a mail touches what it needs) lives during a call;
 * the answer is the caller's. See README.md of this room for what the rules do.
 */
#include <stdlib.h>
#include <string.h>

#include "builtin_internal.h"

/* Only what is read before it is written is cleared: most of the arrays stay untouched. */
static SchedReading *
new_reading(const SchedMailText *mail, const SchedWhenContext *context)
{
	SchedReading *reading = malloc(sizeof(SchedReading));

	if (reading == NULL)
		return NULL;
	reading->mail = mail;
	reading->context = context;
	reading->clean_length = 0;
	reading->flow_length = 0;
	reading->line_count = 0;
	reading->token_count = 0;
	reading->sentence_count = 0;
	reading->section_count = 1;
	reading->block_count = 0;
	reading->sections[0].kind = SECTION_NEW;
	reading->sections[0].depth = 0;
	reading->sections[0].reference = context->reference;
	reading->is_forward = reading->is_reply = reading->named = reading->list_subject = false;
	memset(reading->seen, 0, sizeof(reading->seen));
	memset(reading->present.words, 0, sizeof(reading->present.words));
	reading->present.mark = 0;
	memset(reading->total, 0, sizeof(reading->total));
	reading->name_count = 0;
	reading->urls = 0;
	reading->subject = -1;
	reading->title[0] = '\0';
	reading->strange_words = reading->shouting = 0;
	reading->bulk = reading->spam = reading->promo = 0;
	reading->away = reading->chased = false;
	return reading;
}

/* The steps in order; each reads what the ones before it wrote. */
SchedFacts *
sched_llm_extract(const SchedMailText *mail, const SchedWhenContext *context)
{
	SchedReading *reading = new_reading(mail, context);
	SchedFacts *facts = reading ? sched_llm_new_facts() : NULL;

	if (facts == NULL)
	{
		free(reading);
		return NULL;
	}
	sched_llm_read_subject(reading);
	sched_llm_read_body(reading);
	sched_llm_judge_sentences(reading);
	if (!sched_llm_build_tasks(reading, facts))
	{
		sched_llm_free_facts(facts);
		facts = NULL;
	}
	else
		sched_llm_classify_mail(reading, facts);
	free(reading);
	return facts;
}
