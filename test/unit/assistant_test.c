/*
 * assistant_test.c - a typed text taken apart: pieces, words, times, lengths.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/fixed_zone.h"
#include "assistant/split.h"
#include "tap.h"

#define DAY_SECS INT64_C(86400)
#define MAX_ITEMS 20
/* Wednesday 2024-06-05 10:15 UTC, in seconds since 2000 */
#define TODAY (INT64_C(8922) * DAY_SECS)
#define NOW (TODAY + 10 * 3600 + 15 * 60)

static int
split(const char *text, size_t length, SchedItem *items)
{
	static int utc = 0;
	SchedWhenContext context = {.reference = NOW * SCHED_USECS_PER_SEC};

	context.zone = (SchedZone){&utc, fixed_to_instant, fixed_to_civil};
	return sched_assistant_split(text, length, &context, items, MAX_ITEMS);
}

/* The descriptions of all items, with a bar between them. */
static void
expect_items(const char *text, const char *descriptions)
{
	SchedItem items[MAX_ITEMS];
	char joined[4000] = "";
	char name[400];
	char *newline;
	int count = split(text, strlen(text), items);
	size_t used = 0;
	int i;

	for (i = 0; i < count; i++)
	{
		used += (size_t) snprintf(joined + used, sizeof(joined) - used, "%s%s", i > 0 ? "|" : "",
								  items[i].description);
	}
	snprintf(name, sizeof(name), "%s", text);
	while ((newline = strchr(name, '\n')) != NULL)
		*newline = '/';
	ok(strcmp(joined, descriptions) == 0, "%s: %s", name, joined);
}

/*
 * Days from today and minutes of the day of the start, or -1; the same for the deadline; minutes.
 */
static void
expect_times(const char *text, int start_day, int start_minute, int due_day, int due_minute,
			 int minutes)
{
	SchedItem items[MAX_ITEMS];
	int count = split(text, strlen(text), items);
	SchedInstant start = (TODAY + start_day * DAY_SECS + start_minute * 60) * SCHED_USECS_PER_SEC;
	SchedInstant due = (TODAY + due_day * DAY_SECS + due_minute * 60) * SCHED_USECS_PER_SEC;

	ok(count == 1 && items[0].has_start == (start_day >= 0) &&
		   (!items[0].has_start || items[0].start_at == start) &&
		   items[0].has_deadline == (due_day >= 0) &&
		   (!items[0].has_deadline || items[0].deadline == due) && items[0].minutes == minutes,
	   "times of: %s", text);
}

static void
test_pieces(void)
{
	expect_items("dentist tomorrow 9, then two hours for the report before Friday noon",
				 "dentist|report");
	expect_items("call Anna and Ben tomorrow", "call Anna and Ben");
	expect_items("dentist tomorrow at 9 and gym Friday at 6pm", "dentist|gym");
	expect_items("buy milk, bread and eggs", "buy milk, bread and eggs");
	expect_items("slides by Thursday, invoice by Friday and taxes by June 30",
				 "slides|invoice|taxes");
	expect_items("- finish slides (2h) by Thursday\n- pay rent on the 1st\n* call mom Sunday",
				 "finish slides|pay rent|call mom");
	expect_items("1. email John\n2) book flights by June 30\n\n\xe2\x80\xa2 sleep",
				 "email John|book flights|sleep");
	expect_items("Call Bob at 3pm. Also write the summary.", "Call Bob|write the summary");
	expect_items("see Dr. Miller on Monday", "see Dr. Miller");
	expect_items("lunch with Anna on Friday at noon, at the Italian place",
				 "lunch with Anna, at the Italian place");
	expect_items("gym at 7pm; then dinner at 9pm", "gym|dinner");
	expect_items("workshop between 2 and 4 tomorrow", "workshop");
	expect_items("I need to water the plants tomorrow, please", "water the plants");
	expect_items("Please remind me to send the invoice to Bob by Friday",
				 "send the invoice to Bob");
	expect_items("schedule a 30 minute call with Eva next Tuesday at 3pm", "call with Eva");
	expect_items("block 2 hours for deep work tomorrow", "deep work");
	expect_items("send it by\nFriday; sleep", "send it|sleep");
	expect_items("tomorrow 9", "");
	expect_items("hello", "");
	expect_items("", "");
	expect_items(" ;;\n\n - ", "");
	expect_items("caf\xc3\xa9 with Zo\xc3\xab tomorrow at 4pm", "caf\xc3\xa9 with Zo\xc3\xab");
}

static void
test_times(void)
{
	expect_times("dentist tomorrow 9", 1, 540, -1, 0, 0);
	expect_times("two hours for the report before Friday noon", -1, 0, 2, 720, 120);
	expect_times("team meeting Monday 10-11:30", 5, 600, -1, 0, 90);
	expect_times("45 min prep on Friday at 8am", 2, 480, -1, 0, 45);
	expect_times("write report by Friday", -1, 0, 3, 0, 0);
	expect_times("walk tomorrow", -1, 0, 2, 0, 0);
	expect_times("walk tomorrow morning", -1, 0, 1, 720, 0);
	expect_times("on Friday coffee with Anna at 16:00", 2, 960, -1, 0, 0);
	expect_times("coffee at 16:00 with Anna on Friday", 2, 960, -1, 0, 0);
	expect_times("call for 20 minutes at 3pm", 0, 900, -1, 0, 20);
	expect_times("buy milk", -1, 0, -1, 0, 0);
	expect_times("half a day for the taxes", -1, 0, -1, 0, 720);
}

static void
test_words(void)
{
	SchedItem items[MAX_ITEMS];
	char text[3000];
	int count;

	split("urgent: fix the login", 21, items);
	ok(items[0].priority == 9, "urgent is 9");
	split("read the paper, no rush", 23, items);
	ok(items[0].priority == 2, "no rush is 2");
	split("read the important paper", 24, items);
	ok(items[0].priority == 8 && strcmp(items[0].category, "work") == 0, "important is 8");
	split("dentist", 7, items);
	ok(items[0].priority == 5 && strcmp(items[0].category, "health") == 0, "a dentist is health");
	split("groceries", 9, items);
	ok(strcmp(items[0].category, "personal") == 0, "groceries are personal");
	count = split("gym every Tuesday at 7pm", 24, items);
	ok(count == 1 && strcmp(items[0].rrule, "FREQ=WEEKLY;BYDAY=TU;BYHOUR=19") == 0 &&
		   items[0].has_start,
	   "a recurrence keeps its rule");
	memset(text, 'x', sizeof(text));
	ok(split(text, sizeof(text), items) == 1 && strlen(items[0].description) < SCHED_ITEM_TEXT,
	   "a long word is cut");
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	split(text, sizeof(text), items);
	ok(strlen(items[0].description) % 2 == 0, "between characters");
	text[0] = text[1] = 'x';
	split(text + 1, sizeof(text) - 1, items);
	ok(strlen(items[0].description) % 2 == 1, "wherever they begin");
	for (size_t i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "a, ", 3);
	ok(split(text, sizeof(text), items) == 1, "a thousand commas");
	for (size_t i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "a;\n", 3);
	ok(split(text, sizeof(text), items) == MAX_ITEMS, "no more than asked for");
	memset(text, '\0', sizeof(text));
	ok(split(text, sizeof(text), items) <= 1, "NUL bytes");
}

/* Pieces lie inside of the text, in order. */
static void
test_random(void)
{
	static const char *const pieces[] = {
		"tomorrow ", "9",   ", ",        "then ", "and ", "call ", "2h ",  ";",
		"\n",        ". A", "by Friday", "-",     "1. ",  "noon ", "\xff", "for "};
	unsigned state = 11;
	bool sane = true;
	int round;

	for (round = 0; round < 1500 && sane; round++)
	{
		SchedItem items[MAX_ITEMS];
		char text[300] = "";
		size_t end = 0;
		size_t used = 0;
		int count;
		int i;

		while (used < 200)
		{
			state = state * 1103515245U + 12345U;
			used += (size_t) snprintf(text + used, sizeof(text) - used, "%s",
									  pieces[(state >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		count = split(text, strlen(text), items);
		for (i = 0; i < count; i++)
		{
			sane = sane && items[i].start >= end &&
				   items[i].start + items[i].length <= strlen(text) && items[i].minutes >= 0;
			end = items[i].start + items[i].length;
		}
	}
	ok(sane, "random sentences");
}

int
main(void)
{
	test_pieces();
	test_times();
	test_words();
	test_random();
	return done_testing();
}
