/*
 * builtin_fuzz.c - the model "builtin" and the JSON text of what it finds. The first byte sets reference
 * and zone; then a line each of subject, sender and one header, the body behind.
 */
#include "fuzz.h"
#include "llm/builtin.h"

/* JSON as the server's jsonb takes it: strict, UTF-8, no \u0000. Leaves *at behind the value. */
static void
check_json(const char **at, int depth)
{
	const char close = **at == '{' ? '}' : ']';

	CHECK(depth < 8);
	if (**at == '"')
	{
		for ((*at)++; **at != '"'; (*at)++)
		{
			CHECK((unsigned char) **at >= 0x20);
			if (**at == '\\')
				CHECK(*++*at == '"' || **at == '\\' ||
					  (strspn(*at, "u0123456789abcdef") >= 5 && strncmp(*at, "u0000", 5) != 0));
		}
		(*at)++;
	}
	else if (**at == '{' || **at == '[')
	{
		(*at)++;
		while (**at != close)
		{
			if (close == '}')
			{
				CHECK(**at == '"');
				check_json(at, depth + 1);
				CHECK(*(*at)++ == ':');
			}
			check_json(at, depth + 1);
			CHECK(**at == close || **at == ',');
			if (**at == ',')
				CHECK(*++*at != close);
		}
		(*at)++;
	}
	else
	{
		size_t length = strspn(*at, "-.0123456789");

		CHECK(length > 0 || strncmp(*at, "null", 4) == 0);
		*at += length > 0 ? length : 4;
	}
}

static void
check_facts(const SchedFacts *facts)
{
	CHECK(facts->task_count >= 0 && facts->task_count <= SCHED_FACTS_MAX_TASKS);
	CHECK(facts->event_count >= 0 && facts->event_count <= SCHED_FACTS_MAX_EVENTS);
	CHECK(facts->confidence >= 0 && facts->confidence <= 1);
	for (int i = 0; i < facts->task_count; i++)
	{
		const SchedTaskFact *task = &facts->tasks[i];

		CHECK(task->description != NULL && task->description[0] != '\0');
		CHECK(task->priority >= 1 && task->priority <= 10);
		CHECK(task->duration_minutes >= 0 && task->duration_minutes <= 10080);
		CHECK(task->confidence >= 0 && task->confidence <= 1);
	}
	for (int i = 0; i < facts->event_count; i++)
	{
		CHECK(facts->events[i].summary != NULL);
		CHECK(!facts->events[i].has_end || facts->events[i].ends_at > facts->events[i].starts_at);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedMailText mail = {0};
	SchedMailHeader header;
	SchedWhenContext context;
	SchedFacts *facts;
	char *parts[3];
	char *body;
	char *json;
	const char *at;

	if (size == 0)
		return 0;
	context = make_context(*data++);
	size--;
	for (int i = 0; i < 3; i++)
		parts[i] = cut_string(&data, &size, '\n');
	mail.subject = parts[0];
	mail.subject_length = strlen(parts[0]);
	mail.sender = parts[1];
	mail.sender_length = strlen(parts[1]);
	mail.headers = &header;
	mail.header_count = 1;
	header.name = parts[2];
	header.value = strchr(parts[2], ':');
	if (header.value == NULL)
		mail.header_count = 0;
	else
		*(char *) header.value++ = '\0';
	mail.body = body = copy_bytes(data, size);
	mail.body_length = size;

	facts = sched_llm_extract(&mail, &context);
	CHECK(facts != NULL);
	check_facts(facts);
	json = sched_llm_print_facts(facts, &context.zone);
	CHECK(json != NULL);
	check_text(json);
	at = json;
	check_json(&at, 0);
	CHECK(*at == '\0');
	free(json);
	sched_llm_free_facts(facts);
	free(body);
	for (int i = 0; i < 3; i++)
		free(parts[i]);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
