/* The breaker of a host, with a clock of our own. */
#include "tap.h"

#include "http/breaker.h"

#define SECOND INT64_C(1000000)

static SchedBreaker breaker;
static int64_t now = 1000 * SECOND;
static int64_t wait;

static SchedBreakerPass
ask(void)
{
	return sched_breaker_ask(&breaker, now, 30 * SECOND, &wait);
}

static void
fail(int times)
{
	for (int i = 0; i < times; i++)
		sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, false, 3);
}

static void
open_and_close(void)
{
	ok(ask() == SCHED_BREAKER_PASS && !sched_breaker_restricts(&breaker, now), "zeroes are closed");
	fail(2);
	ok(ask() == SCHED_BREAKER_PASS, "two failures of three leave it closed");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_GOOD, false, 3);
	fail(2);
	ok(ask() == SCHED_BREAKER_PASS, "what ends well begins the count anew");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_NOTHING, false, 3);
	fail(1);
	ok(ask() == SCHED_BREAKER_REFUSE && wait == 5 * SECOND,
	   "the third in a row opens it for five seconds");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_GOOD, false, 3);
	ok(ask() == SCHED_BREAKER_REFUSE, "a call from before does not close it");
	now += 5 * SECOND;
	ok(ask() == SCHED_BREAKER_PROBE, "then one call is the probe");
	ok(ask() == SCHED_BREAKER_WAIT && wait > 0 && wait <= SECOND, "others wait for it");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, false, 3);
	ok(ask() == SCHED_BREAKER_WAIT, "... whatever older calls say");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, true, 3);
	ok(ask() == SCHED_BREAKER_REFUSE && wait == 10 * SECOND,
	   "a probe that fails opens it for longer");
	now += 10 * SECOND;
	ok(ask() == SCHED_BREAKER_PROBE, "again one probe");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_NOTHING, true, 3);
	ok(ask() == SCHED_BREAKER_PROBE, "one that says nothing leaves it to the next");
	now += 31 * SECOND;
	ok(ask() == SCHED_BREAKER_PROBE, "so does one that never ends");
	sched_breaker_tell(&breaker, now, SCHED_BREAKER_GOOD, true, 3);
	ok(ask() == SCHED_BREAKER_PASS, "a probe that is answered closes it");
}

static void
share_of_failures(void)
{
	breaker = (SchedBreaker){0};
	now += 100 * SECOND;
	for (int i = 0; i < 3; i++)
	{
		sched_breaker_tell(&breaker, now, SCHED_BREAKER_GOOD, false, 3);
		sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, false, 3);
	}
	ok(ask() == SCHED_BREAKER_REFUSE, "half of the calls failing opens it, too");
	breaker = (SchedBreaker){0};
	for (int i = 0; i < 12; i++)
	{
		sched_breaker_tell(&breaker, now, i % 3 == 0 ? SCHED_BREAKER_BAD : SCHED_BREAKER_GOOD,
						   false, 3);
		now += SECOND;
	}
	ok(ask() == SCHED_BREAKER_PASS, "a third does not");
	for (int i = 0; i < 100; i++)
		sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, false, 0);
	ok(ask() == SCHED_BREAKER_PASS, "without a limit it never opens");
}

static void
longest_pause(void)
{
	breaker = (SchedBreaker){0};
	fail(3);
	for (int i = 0; i < 20; i++)
	{
		(void) ask();
		now += wait;
		(void) ask();
		sched_breaker_tell(&breaker, now, SCHED_BREAKER_BAD, true, 3);
	}
	ok(ask() == SCHED_BREAKER_REFUSE && wait == 300 * SECOND,
	   "no pause is longer than five minutes");
}

static void
pauses(void)
{
	breaker = (SchedBreaker){0};
	sched_breaker_pause(&breaker, now, 60 * SECOND);
	ok(ask() == SCHED_BREAKER_WAIT && wait == 60 * SECOND && sched_breaker_restricts(&breaker, now),
	   "a pause that the host asked for holds calls back");
	sched_breaker_pause(&breaker, now, 10 * SECOND);
	ok(ask() == SCHED_BREAKER_WAIT && wait == 60 * SECOND, "a shorter wish does not shorten it");
	now += 60 * SECOND;
	ok(ask() == SCHED_BREAKER_PASS && !sched_breaker_restricts(&breaker, now), "then they go");
}

int
main(void)
{
	open_and_close();
	share_of_failures();
	longest_pause();
	pauses();
	return done_testing();
}
