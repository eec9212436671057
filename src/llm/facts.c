/*
 * facts.c - memory of extracted facts, and their JSON text.
 *
 * Pure; may run in any process. Everything is malloc'ed; nothing throws, a lack of memory is a
 * NULL.
 *
 * The JSON is written by hand because the answer has few shapes and no library of JSON may be
 * linked here; strings come in as clean UTF-8, so only quotes, backslashes and control
 * characters are escaped. A writer that once failed to grow ignores what follows and is reported
 * at the end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"

typedef struct Writer
{
	char *text;
	size_t length;
	size_t room;
	bool failed;
} Writer;

/* Empty facts that are valid as they stand: a mail that says nothing. */
SchedFacts *
sched_llm_new_facts(void)
{
	SchedFacts *facts = calloc(1, sizeof(SchedFacts));

	if (facts != NULL)
	{
		facts->classification = "informational";
		facts->language = "und";
	}
	return facts;
}

/* Takes NULL as well. */
void
sched_llm_free_facts(SchedFacts *facts)
{
	if (facts == NULL)
		return;
	for (int i = 0; i < facts->task_count; i++)
	{
		free(facts->tasks[i].description);
		free(facts->tasks[i].location);
		free(facts->tasks[i].attendees);
	}
	for (int i = 0; i < facts->event_count; i++)
	{
		free(facts->events[i].summary);
		free(facts->events[i].location);
	}
	free(facts);
}

/* Grows by doubling; one byte is always kept for the end mark. */
static void
write_bytes(Writer *writer, const char *text, size_t length)
{
	if (writer->failed)
		return;
	if (writer->length + length + 1 > writer->room)
	{
		size_t room = (writer->room + length + 1) * 2;
		char *larger = realloc(writer->text, room);

		if (larger == NULL)
		{
			writer->failed = true;
			return;
		}
		writer->text = larger;
		writer->room = room;
	}
	memcpy(writer->text + writer->length, text, length);
	writer->length += length;
	writer->text[writer->length] = '\0';
}

/* For names and numbers only: what is longer than the buffer would be cut. */
static void __attribute__((format(printf, 2, 3)))
write_format(Writer *writer, const char *format, ...)
{
	char buffer[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	write_bytes(writer, buffer, strlen(buffer));
}

/* A JSON string; jsonb refuses \u0000, but no NUL can come in. */
static void
write_string(Writer *writer, const char *text, size_t length)
{
	write_bytes(writer, "\"", 1);
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
			write_bytes(writer, "\\", 1);
		if (c < 0x20)
			write_format(writer, "\\u%04x", c);
		else
			write_bytes(writer, text + i, 1);
	}
	write_bytes(writer, "\"", 1);
}

/* A member whose value is a string or null. */
static void
write_text(Writer *writer, const char *name, const char *text)
{
	write_format(writer, "\"%s\":", name);
	if (text == NULL)
		write_bytes(writer, "null", 4);
	else
		write_string(writer, text, strlen(text));
}

/* The zone's wall time with its offset at that moment: 2026-07-17T23:59:00+08:00. */
static void
write_instant(Writer *writer, const char *name, bool given, SchedInstant instant,
			  const SchedZone *zone)
{
	SchedCivil civil;
	int64_t offset;
	int64_t year;
	int64_t days;

	write_format(writer, "\"%s\":", name);
	if (!given)
	{
		write_bytes(writer, "null", 4);
		return;
	}
	zone->to_civil(zone->data, instant, &civil);
	/*
	 * Days since 2000-01-01 of the civil date (H. Hinnant's days_from_civil), to learn the offset.
	 */
	year = civil.year - (civil.month <= 2);
	days = (year >= 0 ? year : year - 399) / 400;
	{
		int64_t of_era = year - days * 400;
		int64_t of_year =
			(153 * (civil.month + (civil.month > 2 ? -3 : 9)) + 2) / 5 + civil.day - 1;
		int64_t in_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

		days = days * 146097 + in_era - 730425;
	}
	offset =
		days * 86400 + civil.hour * 3600 + civil.minute * 60 + civil.second -
		(instant - ((instant % SCHED_USECS_PER_SEC) + SCHED_USECS_PER_SEC) % SCHED_USECS_PER_SEC) /
			SCHED_USECS_PER_SEC;
	write_format(writer, "\"%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d\"", civil.year, civil.month,
				 civil.day, civil.hour, civil.minute, civil.second, offset < 0 ? '-' : '+',
				 (int) ((offset < 0 ? -offset : offset) / 3600),
				 (int) ((offset < 0 ? -offset : offset) % 3600 / 60));
}

/* Names stand one per line; an empty list where there are none. */
static void
write_names(Writer *writer, const char *names)
{
	bool first = true;

	write_bytes(writer, "\"attendees\":[", 13);
	while (names != NULL && *names != '\0')
	{
		size_t length = strcspn(names, "\n");

		if (length > 0)
		{
			if (!first)
				write_bytes(writer, ",", 1);
			write_string(writer, names, length);
			first = false;
		}
		names += length + (names[length] == '\n');
	}
	write_bytes(writer, "]", 1);
}

/* One task; every member is there, null where nothing was told, as the schema demands. */
static void
write_task(Writer *writer, const SchedTaskFact *task, const SchedZone *zone)
{
	write_bytes(writer, "{", 1);
	write_text(writer, "description", task->description);
	write_bytes(writer, ",", 1);
	write_instant(writer, "deadline", task->has_deadline, task->deadline, zone);
	if (task->duration_minutes > 0)
		write_format(writer, ",\"duration_minutes\":%d", task->duration_minutes);
	else
		write_format(writer, ",\"duration_minutes\":null");
	write_format(writer, ",\"priority\":%d,", task->priority);
	write_text(writer, "location", task->location);
	write_bytes(writer, ",", 1);
	write_names(writer, task->attendees);
	write_bytes(writer, ",", 1);
	write_text(writer, "category", task->category);
	write_format(writer, ",\"confidence\":%.2f}", task->confidence);
}

/* One event, in the same manner. */
static void
write_event(Writer *writer, const SchedEventFact *event, const SchedZone *zone)
{
	write_bytes(writer, "{", 1);
	write_text(writer, "summary", event->summary);
	write_bytes(writer, ",", 1);
	write_instant(writer, "starts_at", true, event->starts_at, zone);
	write_bytes(writer, ",", 1);
	write_instant(writer, "ends_at", event->has_end, event->ends_at, zone);
	write_bytes(writer, ",", 1);
	write_text(writer, "location", event->location);
	write_bytes(writer, "}", 1);
}

/* The members in the order of the schema. */
char *
sched_llm_print_facts(const SchedFacts *facts, const SchedZone *zone)
{
	Writer writer = {0};

	write_bytes(&writer, "{", 1);
	write_text(&writer, "classification", facts->classification);
	write_format(&writer, ",\"confidence\":%.2f,", facts->confidence);
	write_text(&writer, "language", facts->language);
	write_bytes(&writer, ",\"tasks\":[", 10);
	for (int i = 0; i < facts->task_count; i++)
	{
		if (i > 0)
			write_bytes(&writer, ",", 1);
		write_task(&writer, &facts->tasks[i], zone);
	}
	write_bytes(&writer, "],\"events\":[", 12);
	for (int i = 0; i < facts->event_count; i++)
	{
		if (i > 0)
			write_bytes(&writer, ",", 1);
		write_event(&writer, &facts->events[i], zone);
	}
	write_bytes(&writer, "]}", 2);
	if (writer.failed)
	{
		free(writer.text);
		return NULL;
	}
	return writer.text;
}
