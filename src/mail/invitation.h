/*
 * invitation.h - the events of a text/calendar part, as far as an invitation by mail needs.
 *
 * Pure: RFC 5545 text in, malloc'ed events out. Times stay wall-clock readings beside the name of
 * their zone; the server's own zone data make instants of them. Recurrence is handed on as text.
 */
#ifndef SCHED_MAIL_INVITATION_H
#define SCHED_MAIL_INVITATION_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_INVITATION_MAX_EVENTS 20

/* A wall-clock reading that exists ("2026-03-03 09:00:00"), or "" where the text had none. */
typedef struct SchedInvitationTime
{
	char wall[24];
	char zone[128]; /* "UTC", an IANA name, a name of somebody's own, or "" for floating time */
	bool is_date;
} SchedInvitationTime;

typedef struct SchedInvitationEvent
{
	char *uid; /* strings are never NULL */
	char *summary;
	char *location;
	char *description;
	char *organizer; /* address without "mailto:" */
	char *status;
	char *rrule;
	bool transparent;
	SchedInvitationTime starts;
	SchedInvitationTime ends;
	long duration_seconds; /* of DURATION, 0 if none */
} SchedInvitationEvent;

typedef struct SchedInvitation
{
	char method[32]; /* upper case, "" if none */
	SchedInvitationEvent events[SCHED_INVITATION_MAX_EVENTS];
	int count;
	bool failed; /* out of memory */
} SchedInvitation;

/* text is UTF-8. NULL when memory ran out; free with sched_mail_free_invitation(). */
extern SchedInvitation *sched_mail_read_invitation(const char *text, size_t length);
extern void sched_mail_free_invitation(SchedInvitation *invitation);

#endif
