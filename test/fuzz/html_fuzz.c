/*
 * html_fuzz.c - HTML to text. Its input is UTF-8 already: bytes that are not are repaired first, as the
 * reader of mails does.
 */
#include "fuzz.h"
#include "mail/html.h"
#include "mail/mime.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	sched_mail_start();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedMailRepairs repairs = {0};
	SchedMailBuffer utf8;
	SchedMailBuffer out;
	char *bytes = copy_bytes(data, size);
	char name[40];

	if (sched_mail_html_charset(bytes, size, name, sizeof(name)))
		CHECK(strlen(name) < sizeof(name));
	sched_mail_buffer_init(&utf8, 4 * 1024 * 1024);
	sched_mail_repair_utf8(&utf8, bytes, size, &repairs);
	/* A limit cuts between characters, not inside. */
	sched_mail_buffer_init(&out, size % 2 == 0 ? 2 * 1024 * 1024 : 61);
	sched_mail_html_to_text(utf8.data != NULL ? utf8.data : "", utf8.length, &out);
	CHECK(!out.failed);
	sched_mail_drop_partial(&out);
	CHECK(is_text(out.data, out.length));
	sched_mail_buffer_free(&out);
	sched_mail_buffer_free(&utf8);
	free(bytes);
	return 0;
}
