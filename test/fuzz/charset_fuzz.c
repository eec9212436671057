/*
 * charset_fuzz.c - the name of a charset on the first line, bytes of it behind; then the lines of what
 * came out, flowed and not.
 */
#include "fuzz.h"
#include "mail/mime.h"

#define LIMIT 100000

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
	bool flowed = size > 0 && (data[0] & 1) != 0;
	size_t length;

	sched_mail_buffer_init(&out, LIMIT);
	sched_mail_to_utf8(&out, bytes, size, charset[0] != '\0' ? charset : NULL, &repairs);
	CHECK(!out.failed && out.length <= LIMIT);
	CHECK(out.cut || is_text(out.data, out.length));
	if (out.length > 0)
	{
		length = sched_mail_clip_utf8(out.data, out.length, out.length / 2);
		CHECK(length <= out.length / 2 && out.length / 2 - length < 4);
		CHECK(out.cut || is_text(out.data, length));
		length = sched_mail_unfold_lines(out.data, out.length, flowed, size > 1 && data[1] & 1);
		CHECK(length <= out.length && memchr(out.data, '\r', length) == NULL);
		CHECK(out.cut || is_text(out.data, length));
	}
	sched_mail_buffer_free(&out);
	free(bytes);
	free(charset);
	return 0;
}
