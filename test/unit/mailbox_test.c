/*
 * mailbox_test.c - mbox, Maildir and folders, read once and in pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/mailbox.h"
#include "tap.h"

static char root[64] = "/tmp/mailbox_test.XXXXXX";

/* A path below the test's folder; valid until the fourth call after. */
static const char *
below(const char *name)
{
	static char paths[4][512];
	static int at;

	at = (at + 1) % 4;
	snprintf(paths[at], sizeof(paths[at]), "%s/%s", root, name);
	return paths[at];
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(below(name), "w");

	fwrite(text, 1, strlen(text), file);
	fclose(file);
}

/* The mails of a mailbox joined by "|", a new reader for each where `pieces`. */
static void
join_mails(const char *path, size_t limit, bool pieces, char *out, size_t size)
{
	SchedMailboxPosition position = {0};
	SchedMailbox *box = sched_mailbox_open(path, &position, limit, 4);
	SchedMailboxItem item;
	SchedMailboxResult result;
	size_t n = 0;

	out[0] = '\0';
	while ((result = sched_mailbox_next(box, 1000, &item)) != SCHED_MAILBOX_END && n < size - 600)
	{
		if (result == SCHED_MAILBOX_ERROR)
		{
			n += (size_t) snprintf(out + n, size - n, "error %d", sched_mailbox_error(box, NULL));
			break;
		}
		if (result == SCHED_MAILBOX_MAIL && item.error[0])
			n += (size_t) snprintf(out + n, size - n, "(%s)|", item.error);
		else if (result == SCHED_MAILBOX_MAIL)
			n += (size_t) snprintf(out + n, size - n, "%.*s%s|", (int) item.length, item.data + 4,
								   item.too_large ? "..." : "");
		if (pieces)
		{
			sched_mailbox_position(box, &position);
			sched_mailbox_close(box);
			box = sched_mailbox_open(path, &position, limit, 4);
		}
	}
	sched_mailbox_close(box);
}

static void
check(const char *name, size_t limit, const char *should, const char *what)
{
	char whole[8192];
	char pieces[8192];

	join_mails(below(name), limit, false, whole, sizeof(whole));
	join_mails(below(name), limit, true, pieces, sizeof(pieces));
	if (!ok(strcmp(whole, should) == 0, "%s", what))
		printf("# is     [%s]\n# should [%s]\n", whole, should);
	if (!ok(strcmp(pieces, should) == 0, "%s, a reader for each", what))
		printf("# is     [%s]\n# should [%s]\n", pieces, should);
}

#define FROM "From a@example.org Tue Mar  3 09:59:00 2026\n"

static void
test_mbox(void)
{
	FILE *file;

	write_file("plain", FROM "A: 1\n\none\n\n" FROM "A: 2\n\n>From here\n>>From there\nFrom me\n"
							 "\nFrom us all\n\n" FROM "A: 3\n\nthree");
	check("plain", 1000,
		  "A: 1\n\none\n|A: 2\n\nFrom here\n>From there\nFrom me\n\nFrom us all\n|A: 3\n\nthree|",
		  "three mails of an mbox");
	write_file("crlf", "From - x\r\nA: 1\r\n\r\none\r\n\r\nFrom - y\r\nA: 2\r\n\r\ntwo\r\n");
	check("crlf", 1000, "A: 1\r\n\r\none\r\n|A: 2\r\n\r\ntwo\r\n|",
		  "CRLF, From_ lines without dates");
	write_file("single", "Subject: x\n\nFrom the start\n\n" FROM "no\n");
	check("single", 1000, "Subject: x\n\nFrom the start\n\n" FROM "no\n|",
		  "a file without From_ line is one mail");
	write_file("empty", "");
	check("empty", 1000, "", "an empty file has none");
	file = fopen(below("large"), "w");
	fputs(FROM "A: 1\n\nx\n\n" FROM "A: 2\n\n", file);
	for (int i = 0; i < 100000; i++)
		fputs("From the depth of a large mail, line by line\n", file);
	fputs("\n" FROM "A: 3\n\nthree\n", file);
	fclose(file);
	check("large", 2000, "A: 1\n\nx\n|A: 2\n\n...|A: 3\n\nthree\n|",
		  "a mail over the limit is skipped, its headers kept");
	file = fopen(below("quoting"), "w");
	fputs(FROM "A: 1\n\nThey wrote:\n", file);
	for (int i = 0; i < 10000; i++)
		fputs(FROM, file);
	fputs("\n" FROM "A: 2\n\ntwo\n", file);
	fclose(file);
	check("quoting", 2000, "A: 1\n\n...|A: 2\n\ntwo\n|",
		  "From_ lines inside a mail over the limit");
	file = fopen(below("long"), "w");
	fputs(FROM "A: 1\n\n", file);
	for (int i = 0; i < 1000000; i++)
		fputc('x', file);
	fputs("\n\n" FROM "A: 2\n\ntwo\n", file);
	fclose(file);
	check("long", 2000, "A: 1\n\n...|A: 2\n\ntwo\n|", "a line of a megabyte");
	file = fopen(below("step"), "w");
	fprintf(file, FROM "A: 1\n\n%02500d\n%0999d\n\n" FROM "A: 2\n\ntwo\n", 0, 0);
	fclose(file);
	check("step", 2000, "A: 1\n\n...|A: 2\n\ntwo\n|", "a step that ends in front of a From_ line");
	file = fopen(below("first"), "w");
	fprintf(file, "%03000d\n", 0);
	fclose(file);
	check("first", 2000, "...|", "a first line over the limit");
	check("nowhere", 1000, "error 2", "a path that does not exist");
}

static void
test_directories(void)
{
	SchedMailboxPosition position = {0};
	SchedMailbox *box;
	SchedMailboxItem item;

	mkdir(below("dir"), 0700);
	mkdir(below("dir/cur"), 0700);
	mkdir(below("dir/new"), 0700);
	mkdir(below("dir/tmp"), 0700);
	write_file("dir/cur/100.a.host:2,FS", "A: 1\n\n");
	write_file("dir/new/200.b.host", "A: 2\n\n");
	write_file("dir/cur/300.c.host:2,", "A: 3\n\nlong enough to be dropped");
	write_file("dir/tmp/400.d.host", "not yet delivered");
	check("dir", 20, "A: 1\n\n|A: 2\n\n|A: 3\n\n...|", "a Maildir in the order of its names");
	box = sched_mailbox_open(below("dir"), &position, 1000, 0);
	ok(sched_mailbox_kind(box) == SCHED_MAILBOX_MAILDIR && sched_mailbox_total(box) == 3,
	   "it is known as one");
	sched_mailbox_next(box, 1000, &item);
	ok(strcmp(item.key, "100.a.host") == 0 && strcmp(item.flags, "FS") == 0, "key and flags");
	rename(below("dir/new/200.b.host"), below("dir/cur/200.b.host:2,"));
	ok(sched_mailbox_next(box, 1000, &item) == SCHED_MAILBOX_MAIL && item.length == 6,
	   "a file that moved from new to cur meanwhile");
	ok(strncmp(sched_mailbox_peek(box), "300.c.host", 10) == 0, "what comes next");
	sched_mailbox_skip(box);
	ok(sched_mailbox_next(box, 1000, &item) == SCHED_MAILBOX_END, "and is skipped");
	sched_mailbox_close(box);

	mkdir(below("folder"), 0700);
	write_file("folder/b.eml", "B: 1\n\n");
	write_file("folder/a.EML", "A: 1\n\n");
	write_file("folder/c.txt", "no");
	mkfifo(below("folder/d.eml"), 0600);
	check("folder", 1000, "A: 1\n\n|B: 1\n\n|(d.eml: Invalid argument)|",
		  "a folder of .eml files; a FIFO holds nobody up");
}

int
main(void)
{
	char command[128];

	if (mkdtemp(root) == NULL)
		return 1;
	test_mbox();
	test_directories();
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command) == 0 ? done_testing() : 1;
}
