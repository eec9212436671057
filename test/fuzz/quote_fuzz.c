/*
 * quote_fuzz.c - new text, quoted text and signature: every line lands in one of them.
 */
#include "fuzz.h"
#include "mail/quote.h"

/* Bytes that are neither blank nor line end: no part may lose or double one. */
static size_t
count_ink(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0';
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedMailSplit split;
	char *text = copy_bytes(data, size);
	bool valid = is_text(text, size);
	const SchedMailBuffer *const parts[] = {&split.fresh, &split.quoted, &split.signature};
	size_t ink = 0;

	sched_mail_split_quotes(text, size, &split);
	for (int i = 0; i < 3; i++)
	{
		CHECK(!parts[i]->failed && !parts[i]->cut);
		CHECK(!valid || is_text(parts[i]->data, parts[i]->length));
		ink += count_ink(parts[i]->data, parts[i]->length);
	}
	CHECK(ink == count_ink(text, size));
	sched_mail_split_free(&split);
	free(text);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
