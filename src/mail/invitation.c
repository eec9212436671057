/*
 * invitation.c - the events of a text/calendar part.
 *
 * Pure; runs wherever a mail is processed. One pass over unfolded lines; what is not understood is
 * passed over; strings are malloc'ed and owned by the result. Nothing throws.
 *
 * What is read: VEVENT with UID, SUMMARY, LOCATION, DESCRIPTION, ORGANIZER, STATUS, TRANSP, RRULE,
 * DTSTART, DTEND and DURATION, and the calendar's METHOD. Alarms inside an event have a SUMMARY and
 * a DURATION of their own, which is why components are counted. VTIMEZONE is not read: the zone's
 * name decides, by the server's zone data, so that an event and a task on the same wall clock
 * always agree.
 *
 * libical is not used for this: the dozen properties need no object model, and untrusted text
 * should meet as little code as possible.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "charset.h"
#include "invitation.h"

#define MAX_LINE 16384 /* of one unfolded line; the rest is dropped */
#define MAX_TEXT 2000  /* of one property */

/* Names that Windows programs write instead of IANA's (CLDR's windowsZones, the busiest). */
static const char *const windows_zones[][2] = {
	{"GMT Standard Time", "Europe/London"},
	{"W. Europe Standard Time", "Europe/Berlin"},
	{"Central Europe Standard Time", "Europe/Budapest"},
	{"Central European Standard Time", "Europe/Warsaw"},
	{"Romance Standard Time", "Europe/Paris"},
	{"FLE Standard Time", "Europe/Kiev"},
	{"GTB Standard Time", "Europe/Bucharest"},
	{"Eastern Standard Time", "America/New_York"},
	{"Central Standard Time", "America/Chicago"},
	{"Mountain Standard Time", "America/Denver"},
	{"Pacific Standard Time", "America/Los_Angeles"},
	{"E. South America Standard Time", "America/Sao_Paulo"},
	{"India Standard Time", "Asia/Kolkata"},
	{"Singapore Standard Time", "Asia/Singapore"},
	{"China Standard Time", "Asia/Shanghai"},
	{"Tokyo Standard Time", "Asia/Tokyo"},
	{"Arabian Standard Time", "Asia/Dubai"},
	{"AUS Eastern Standard Time", "Australia/Sydney"},
	{"New Zealand Standard Time", "Pacific/Auckland"},
	{"South Africa Standard Time", "Africa/Johannesburg"},
};

/* One content line cut into its pieces; they point into the line. */
typedef struct Property
{
	const char *name;
	size_t name_length;
	const char *parameters;
	size_t parameters_length;
	const char *value;
} Property;

/* Names of properties are compared without regard to case (RFC 5545 section 2). */
static bool
is_name(const Property *property, const char *name)
{
	return property->name_length == strlen(name) &&
		   strncasecmp(property->name, name, property->name_length) == 0;
}

/*
 * Cuts "NAME;PARAMETER=x;...:value". A colon inside quotes is no end: CN="Smith: Ann". false for
 * lines that are no property; the caller goes on with the next line.
 */
static bool
cut_property(const char *line, Property *property)
{
	const char *p = line + strcspn(line, ";:");
	bool quoted = false;

	property->name = line;
	property->name_length = (size_t) (p - line);
	property->parameters = p;
	for (; *p && (quoted || *p != ':'); p++)
		if (*p == '"')
			quoted = !quoted;
	if (*p != ':' || property->name_length == 0)
		return false;
	property->parameters_length = (size_t) (p - property->parameters);
	property->value = p + 1;
	return true;
}

/*
 * Copies a parameter's value without its quotes; false where there is none. Values longer than the
 * caller's room are cut, which for the one parameter we read (TZID) only means an unknown zone.
 */
static bool
copy_parameter(const Property *property, const char *name, char *out, size_t size)
{
	const char *p = property->parameters;
	const char *end = p + property->parameters_length;
	size_t name_length = strlen(name);

	while (p < end)
	{
		size_t n = 0;

		p++; /* the semicolon */
		if ((size_t) (end - p) > name_length && strncasecmp(p, name, name_length) == 0 &&
			p[name_length] == '=')
		{
			p += name_length + 1;
			for (; p < end && *p != ';' && n < size - 1; p++)
				if (*p != '"')
					out[n++] = *p;
			out[n] = '\0';
			return true;
		}
		while (p < end && *p != ';')
			p++;
	}
	return false;
}

/*
 * The IANA name of a zone where the text used a Windows name; others pass as they are and are
 * judged by the server's own zone data.
 */
static void
copy_zone(const char *name, char *zone, size_t size)
{
	for (size_t i = 0; i < sizeof(windows_zones) / sizeof(windows_zones[0]); i++)
		if (strcasecmp(windows_zones[i][0], name) == 0)
			name = windows_zones[i][1];
	snprintf(zone, size, "%s", name);
}

/*
 * n digits at p as a number, -1 where they are not digits. The caller has checked that n characters
 * are there.
 */
static int
read_digits(const char *p, int n)
{
	int number = 0;

	for (int i = 0; i < n; i++)
	{
		if (!isdigit((unsigned char) p[i]))
			return -1;
		number = number * 10 + (p[i] - '0');
	}
	return number;
}

/* Days of a month, so that the 31st of February never reaches the server as an error. */
static int
count_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/*
 * "20260303T090000Z", "20260303T090000" with TZID, "20260303". Leaves wall "" for a time that does
 * not exist: the event is then one without a start, which nothing is made of. A leap second counts
 * as the one before it.
 */
static void
read_time(const Property *property, SchedInvitationTime *time)
{
	const char *value = property->value;
	size_t length = strlen(value);
	int year = length >= 8 ? read_digits(value, 4) : -1;
	int month = year >= 0 ? read_digits(value + 4, 2) : -1;
	int day = month >= 0 ? read_digits(value + 6, 2) : -1;
	int hour = 0;
	int minute = 0;
	int second = 0;
	char zone[128];

	memset(time, 0, sizeof(*time));
	if (year < 1970 || year > 9000 || month < 1 || month > 12 || day < 1 ||
		day > count_days(year, month))
		return;
	time->is_date = length < 15;
	if (!time->is_date)
	{
		hour = value[8] == 'T' ? read_digits(value + 9, 2) : -1;
		minute = hour >= 0 ? read_digits(value + 11, 2) : -1;
		second = minute >= 0 ? read_digits(value + 13, 2) : -1;
		if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
			return;
		if (second == 60)
			second = 59;
		if (value[15] == 'Z')
			snprintf(time->zone, sizeof(time->zone), "UTC");
		else if (copy_parameter(property, "TZID", zone, sizeof(zone)))
			copy_zone(zone, time->zone, sizeof(time->zone));
	}
	snprintf(time->wall, sizeof(time->wall), "%04d-%02d-%02d %02d:%02d:%02d", year, month, day,
			 hour, minute, second);
}

/*
 * "P1DT2H30M" in seconds; 0 where it is none, is negative or is longer than a year. A day is taken
 * as 24 hours: of the programs that write DURATION none means anything else by it.
 */
static long
read_duration(const char *value)
{
	long total = 0;
	const char *p = value;

	if (*p == '+')
		p++;
	if (*p++ != 'P')
		return 0;
	while (*p)
	{
		char *end;
		long number;
		long unit;

		if (*p == 'T')
		{
			p++;
			continue;
		}
		if (!isdigit((unsigned char) *p))
			return 0;
		number = strtol(p, &end, 10);
		unit = *end == 'W'   ? 604800
			   : *end == 'D' ? 86400
			   : *end == 'H' ? 3600
			   : *end == 'M' ? 60
			   : *end == 'S' ? 1
							 : 0;
		if (unit == 0 || number > 31622400 / unit)
			return 0;
		total += number * unit;
		p = end + 1;
	}
	return total <= 31622400 ? total : 0;
}

/*
 * A text value with its escapes undone (\\n, \\, and their kin: RFC 5545 section 3.3.11), replacing
 * what stood there. On failure the old string stays, so that there is always one to free.
 */
static void
store_text(SchedInvitation *invitation, char **place, const char *value)
{
	size_t length = strlen(value);
	char *text = malloc(length + 1);
	size_t n = 0;

	if (text == NULL)
	{
		invitation->failed = true;
		return;
	}
	for (size_t i = 0; i < length; i++)
	{
		if (value[i] != '\\' || value[i + 1] == '\0')
		{
			text[n++] = value[i];
			continue;
		}
		i++;
		text[n++] = value[i] == 'n' || value[i] == 'N' ? '\n' : value[i];
	}
	n = sched_mail_clip_utf8(text, n, MAX_TEXT);
	text[n] = '\0';
	free(*place);
	*place = text;
}

/* All strings are there from the start, so that nobody downstream asks for NULL. */
static void
start_event(SchedInvitation *invitation, SchedInvitationEvent *event)
{
	memset(event, 0, sizeof(*event));
	store_text(invitation, &event->uid, "");
	store_text(invitation, &event->summary, "");
	store_text(invitation, &event->location, "");
	store_text(invitation, &event->description, "");
	store_text(invitation, &event->organizer, "");
	store_text(invitation, &event->status, "");
	store_text(invitation, &event->rrule, "");
}

/* One property of an event; unknown ones are passed over, repeated ones replace each other. */
static void
read_event_property(SchedInvitation *invitation, SchedInvitationEvent *event,
					const Property *property)
{
	const char *value = property->value;

	if (is_name(property, "UID"))
		store_text(invitation, &event->uid, value);
	else if (is_name(property, "SUMMARY"))
		store_text(invitation, &event->summary, value);
	else if (is_name(property, "LOCATION"))
		store_text(invitation, &event->location, value);
	else if (is_name(property, "DESCRIPTION"))
		store_text(invitation, &event->description, value);
	else if (is_name(property, "STATUS"))
		store_text(invitation, &event->status, value);
	else if (is_name(property, "RRULE"))
		store_text(invitation, &event->rrule, value);
	else if (is_name(property, "ORGANIZER"))
		store_text(invitation, &event->organizer,
				   strncasecmp(value, "mailto:", 7) == 0 ? value + 7 : value);
	else if (is_name(property, "TRANSP"))
		event->transparent = strcasecmp(value, "TRANSPARENT") == 0;
	else if (is_name(property, "DTSTART"))
		read_time(property, &event->starts);
	else if (is_name(property, "DTEND"))
		read_time(property, &event->ends);
	else if (is_name(property, "DURATION"))
		event->duration_seconds = read_duration(value);
}

/*
 * The next line with its folded rest, into line; returns where to go on. Folding may cut inside a
 * character; joined again it is whole (RFC 5545 section 3.1).
 */
static const char *
unfold_line(const char *p, const char *end, SchedMailBuffer *line)
{
	line->length = 0;
	for (;;)
	{
		const char *eol = memchr(p, '\n', (size_t) (end - p));
		const char *stop = eol ? eol : end;
		const char *text_end = stop > p && stop[-1] == '\r' ? stop - 1 : stop;

		sched_mail_buffer_append(line, p, (size_t) (text_end - p));
		p = eol ? eol + 1 : end;
		if (p >= end || (*p != ' ' && *p != '\t'))
			return p;
		p++;
	}
}

/* depth counts components inside an event (alarms): their properties are not the event's. */
static void
read_line(SchedInvitation *invitation, const Property *property, SchedInvitationEvent **event,
		  int *depth)
{
	const char *value = property->value;

	if (is_name(property, "BEGIN"))
	{
		if (*event)
			(*depth)++;
		else if (strcasecmp(value, "VEVENT") == 0 &&
				 invitation->count < SCHED_INVITATION_MAX_EVENTS)
		{
			*event = &invitation->events[invitation->count++];
			*depth = 0;
			start_event(invitation, *event);
		}
	}
	else if (is_name(property, "END") && *event)
	{
		if ((*depth)-- == 0)
			*event = NULL;
	}
	else if (*event && *depth == 0)
		read_event_property(invitation, *event, property);
	else if (*event == NULL && is_name(property, "METHOD"))
		for (size_t i = 0; i < sizeof(invitation->method) - 1 && value[i]; i++)
			invitation->method[i] = (char) toupper((unsigned char) value[i]);
}

SchedInvitation *
sched_mail_read_invitation(const char *text, size_t length)
{
	SchedInvitation *invitation = calloc(1, sizeof(SchedInvitation));
	SchedInvitationEvent *event = NULL;
	SchedMailBuffer line;
	const char *p = text;
	const char *end = text + length;
	int depth = 0;

	if (invitation == NULL)
		return NULL;
	sched_mail_buffer_init(&line, MAX_LINE);
	while (p < end && !invitation->failed && !line.failed)
	{
		Property property;

		p = unfold_line(p, end, &line);
		sched_mail_buffer_reserve(&line, 1);
		if (line.failed)
			break;
		line.data[line.length] = '\0';
		if (cut_property(line.data, &property))
			read_line(invitation, &property, &event, &depth);
	}
	invitation->failed |= line.failed;
	sched_mail_buffer_free(&line);
	if (invitation->failed)
	{
		sched_mail_free_invitation(invitation);
		return NULL;
	}
	return invitation;
}

/* Frees an invitation and all its strings; NULL is allowed. */
void
sched_mail_free_invitation(SchedInvitation *invitation)
{
	if (invitation == NULL)
		return;
	for (int i = 0; i < invitation->count; i++)
	{
		SchedInvitationEvent *event = &invitation->events[i];

		free(event->uid);
		free(event->summary);
		free(event->location);
		free(event->description);
		free(event->organizer);
		free(event->status);
		free(event->rrule);
	}
	free(invitation);
}
