/*
 * when_fuzz.c - dates, times, spans, recurrences and durations. The first byte sets reference, zone and
 * order of dates.
 */
#include "fuzz.h"
#include "time/when.h"

#define MAX_FOUND 32

static void
check_when(const SchedWhen *when, size_t size, size_t from)
{
	CHECK(when->start >= from && when->length > 0 && when->length <= size - when->start);
	CHECK(when->lower <= when->upper);
	CHECK(when->kind <= SCHED_WHEN_RECURRING && when->granularity <= SCHED_GRAIN_YEAR);
	CHECK(memchr(when->rrule, '\0', sizeof(when->rrule)) != NULL);
	CHECK((when->kind == SCHED_WHEN_RECURRING) == (when->rrule[0] != '\0'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedWhenContext context;
	SchedWhen found[MAX_FOUND];
	SchedDuration durations[MAX_FOUND];
	char *text;
	size_t from = 0;
	int count;

	if (size == 0)
		return 0;
	context = make_context(data[0]);
	text = copy_bytes(data + 1, --size);
	count = sched_time_parse_when(text, size, &context, found, MAX_FOUND);
	CHECK(count >= 0 && count <= MAX_FOUND);
	for (int i = 0; i < count; i++)
	{
		check_when(&found[i], size, from);
		from = found[i].start + found[i].length;
	}
	count = sched_time_parse_durations(text, size, durations, MAX_FOUND);
	CHECK(count >= 0 && count <= MAX_FOUND);
	from = 0;
	for (int i = 0; i < count; i++)
	{
		CHECK(durations[i].start >= from && durations[i].length <= size - durations[i].start);
		CHECK(durations[i].seconds >= 0 && durations[i].months >= 0 && durations[i].days >= 0);
		CHECK(durations[i].seconds > 0 || durations[i].months > 0);
		from = durations[i].start + durations[i].length;
	}
	free(text);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
