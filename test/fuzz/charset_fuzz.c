/*
 * charset_fuzz.c - the name of a charset on the first line, bytes of it behind; then the lines of what
 * came out: the last byte says whether they flow.
 */
#include "fuzz.h"
#include "mail/mime.h"

#define LIMIT 100000
#define SMALL_LIMIT 61

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
	SchedMailBuffer out;
	char *charset = cut_string(&data, &size, '\n');
	char *bytes = copy_bytes(data, size);
	int how = size > 0 ? data[size - 1] : 0;
	size_t length;

	/* A limit cuts between characters, not inside. */
	sched_mail_buffer_init(&out, size % 2 == 0 ? LIMIT : SMALL_LIMIT);
	sched_mail_to_utf8(&out, bytes, size, charset[0] != '\0' ? charset : NULL, &repairs);
	CHECK(!out.failed && out.length <= LIMIT);
	CHECK(is_text(out.data, out.length));
	if (out.length > 0)
	{
		length = sched_mail_clip_utf8(out.data, out.length, out.length / 2);
		CHECK(length <= out.length / 2 && out.length / 2 - length < 4);
		CHECK(is_text(out.data, length));
		length = sched_mail_unfold_lines(out.data, out.length, (how & 1) != 0, (how & 2) != 0);
		CHECK(length <= out.length && memchr(out.data, '\r', length) == NULL);
		CHECK(is_text(out.data, length));
	}
	sched_mail_buffer_free(&out);
	free(bytes);
	free(charset);
	return 0;
}
