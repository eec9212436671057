/*
 * split_fuzz.c - what somebody typed, taken apart into things to do. The first byte sets reference, zone
 * and order of dates.
 */
#include "assistant/split.h"
#include "fuzz.h"

#define MAX_ITEMS 50

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static SchedItem items[MAX_ITEMS];
	SchedWhenContext context;
	size_t from = 0;
	char *text;
	bool valid;
	int count;

	if (size == 0)
		return 0;
	context = make_context(data[0]);
	text = copy_bytes(data + 1, --size);
	valid = is_text(text, size);
	count = sched_assistant_split(text, size, &context, items, MAX_ITEMS);
	CHECK(count >= 0 && count <= MAX_ITEMS);
	for (int i = 0; i < count; i++)
	{
		const SchedItem *item = &items[i];

		CHECK(item->start >= from && item->length <= size - item->start);
		from = item->start + item->length;
		CHECK(memchr(item->description, '\0', sizeof(item->description)) != NULL);
		if (valid)
		{
			check_text(item->description);
			CHECK(sched_mail_valid_utf8(text + item->start, item->length));
		}
		CHECK(memchr(item->rrule, '\0', sizeof(item->rrule)) != NULL);
		CHECK(item->minutes >= 0 && item->priority >= 1 && item->priority <= 10);
		CHECK(item->category != NULL);
	}
	free(text);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
