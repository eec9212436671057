/*
 * invitation_fuzz.c - text/calendar: the events of an invitation.
 */
#include "fuzz.h"
#include "mail/invitation.h"

/* "" or a reading that the server takes: 2026-03-03 09:00:00. */
static void
check_time(const SchedInvitationTime *time, bool valid)
{
	int fields[6];

	CHECK(memchr(time->wall, '\0', sizeof(time->wall)) != NULL);
	CHECK(memchr(time->zone, '\0', sizeof(time->zone)) != NULL);
	if (valid)
		check_text(time->zone);
	if (time->wall[0] == '\0')
		return;
	CHECK(sscanf(time->wall, "%4d-%2d-%2d %2d:%2d:%2d", &fields[0], &fields[1], &fields[2],
				 &fields[3], &fields[4], &fields[5]) == 6);
	CHECK(fields[0] >= 1 && fields[1] >= 1 && fields[1] <= 12 && fields[2] >= 1 &&
		  fields[2] <= 31 && fields[3] <= 23 && fields[4] <= 59 && fields[5] <= 59);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = copy_bytes(data, size);
	bool valid = is_text(text, size);
	SchedInvitation *invitation = sched_mail_read_invitation(text, size);

	CHECK(invitation != NULL && !invitation->failed);
	CHECK(invitation->count >= 0 && invitation->count <= SCHED_INVITATION_MAX_EVENTS);
	for (int i = 0; i < invitation->count; i++)
	{
		const SchedInvitationEvent *event = &invitation->events[i];
		const char *const texts[] = {event->uid,       event->summary, event->location,
									 event->organizer, event->status,  event->description,
									 event->rrule};

		for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++)
		{
			CHECK(texts[j] != NULL);
			if (valid)
				check_text(texts[j]);
		}
		check_time(&event->starts, valid);
		check_time(&event->ends, valid);
		CHECK(event->duration_seconds >= 0);
	}
	sched_mail_free_invitation(invitation);
	free(text);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
