/*
 * mailbox_fuzz.c - the mails of an mbox file, read in one go, with a break behind each, and in small steps:
 * all must give the same mails. The first byte sets the limit of bytes of a mail.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "mail/mailbox.h"

#define RESERVED 4

typedef struct Seen
{
	int mails;
	uint64_t hash;
} Seen;

/* FNV-1a: of all mails, their lengths and whether they were too large. */
static void
remember(Seen *seen, const SchedMailboxItem *item)
{
	seen->mails++;
	seen->hash = (seen->hash ^ item->length ^ (item->too_large ? 0x100000000 : 0)) * 0x100000001b3;
	for (size_t i = 0; i < item->length; i++)
		seen->hash = (seen->hash ^ (unsigned char) item->data[RESERVED + i]) * 0x100000001b3;
}

static Seen
read_box(const char *path, size_t max_bytes, size_t budget, bool resume)
{
	SchedMailboxPosition position = {0};
	SchedMailbox *box = sched_mailbox_open(path, &position, max_bytes, RESERVED);
	SchedMailboxItem item;
	SchedMailboxResult result;
	Seen seen = {0};
	int64_t before = -1;

	CHECK(box != NULL && sched_mailbox_error(box, NULL) == 0);
	while ((result = sched_mailbox_next(box, budget, &item)) != SCHED_MAILBOX_END)
	{
		CHECK(result != SCHED_MAILBOX_ERROR);
		CHECK(sched_mailbox_done(box) <= sched_mailbox_total(box));
		/* It goes on, or a mailbox would be read for ever. */
		CHECK(sched_mailbox_done(box) > before);
		before = sched_mailbox_done(box);
		if (result == SCHED_MAILBOX_MORE && !resume)
			continue;
		if (result == SCHED_MAILBOX_MAIL)
			remember(&seen, &item);
		if (resume)
		{
			sched_mailbox_position(box, &position);
			sched_mailbox_close(box);
			box = sched_mailbox_open(path, &position, max_bytes, RESERVED);
			CHECK(box != NULL && sched_mailbox_error(box, NULL) == 0);
		}
	}
	sched_mailbox_close(box);
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	char path[40];
	size_t max_bytes = 1024 * 1024;
	Seen whole;
	Seen parts;
	Seen steps;

	if (size == 0)
		return 0;
	if (data[0] == '!')
	{
		max_bytes = 300;
		data++;
		size--;
	}
	if (file < 0)
		file = memfd_create("mbox", 0);
	CHECK(ftruncate(file, 0) == 0);
	CHECK(pwrite(file, data, size, 0) == (ssize_t) size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	whole = read_box(path, max_bytes, SIZE_MAX, false);
	parts = read_box(path, max_bytes, SIZE_MAX, true);
	CHECK(whole.mails == parts.mails && whole.hash == parts.hash);
	/* Each step copies the file's beginning: few bytes at a time only where there are few. */
	steps = read_box(path, max_bytes, size < 4000 ? 40 : 4000, true);
	CHECK(whole.mails == steps.mails && whole.hash == steps.hash);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
