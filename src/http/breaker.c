/*
 * breaker.c - when a host is left alone.
 *
 *     closed ── failures in a row, or half of the last calls ──► open ── its pause is over ──► half open
 *        ▲                                                        ▲                              │ one probe
 *        └────────────────────── the probe was answered ──────────┼──────────────────────────────┤
 *                                                                 └── the probe failed: longer ──┘
 *
 * Pure: no server, no memory of its own, nothing throws; unit tests link it alone. Runs in workers,
 * under the lock of the table that the breaker stands in. Each pause is twice the one before, from
 * five seconds to five minutes. What ends well begins anew.
 */
#include "breaker.h"

#define SECOND INT64_C(1000000)
#define FIRST_PAUSE (5 * SECOND)
#define LONGEST_PAUSE (300 * SECOND)
/* How far back the share of failures reaches. */
#define WINDOW (30 * SECOND)
/* How often a call that waits for the probe asks again. */
#define PROBE_LOOK (SECOND / 5)

static void
open_breaker(SchedBreaker *breaker, int64_t now)
{
	int64_t pause = FIRST_PAUSE;

	for (int i = 0; i < breaker->openings && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	breaker->openings++;
	breaker->state = SCHED_BREAKER_OPEN;
	breaker->until = now + (pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE);
	breaker->window_calls = breaker->window_failures = 0;
}

SchedBreakerPass
sched_breaker_ask(SchedBreaker *breaker, int64_t now, int64_t patience, int64_t *wait)
{
	*wait = 0;
	if (breaker->pause_until > now)
	{
		*wait = breaker->pause_until - now;
		return SCHED_BREAKER_WAIT;
	}
	if (breaker->state == SCHED_BREAKER_CLOSED)
		return SCHED_BREAKER_PASS;
	if (breaker->until > now)
	{
		*wait = breaker->until - now;
		if (breaker->state == SCHED_BREAKER_OPEN)
			return SCHED_BREAKER_REFUSE;
		*wait = *wait < PROBE_LOOK ? *wait : PROBE_LOOK;
		return SCHED_BREAKER_WAIT;
	}
	breaker->state = SCHED_BREAKER_HALF_OPEN;
	breaker->until = now + patience;
	return SCHED_BREAKER_PROBE;
}

/* Counts a call among those of the last half minute. */
static void
count_call(SchedBreaker *breaker, int64_t now, bool failed)
{
	if (now - breaker->window_began > WINDOW)
	{
		breaker->window_began = now;
		breaker->window_calls = breaker->window_failures = 0;
	}
	breaker->window_calls++;
	breaker->window_failures += failed;
}

static bool
has_had_enough(const SchedBreaker *breaker, int limit)
{
	if (limit == 0)
		return false;
	return breaker->failures >= limit || (breaker->window_calls >= 2 * limit &&
										  2 * breaker->window_failures >= breaker->window_calls);
}

/*
 * Answers of calls that were in the air when it opened tell nothing that is newer than the reason
 * for opening: only the probe closes it.
 */
void
sched_breaker_tell(SchedBreaker *breaker, int64_t now, SchedBreakerNews news, bool probe, int limit)
{
	if (probe && breaker->state == SCHED_BREAKER_HALF_OPEN)
	{
		if (news == SCHED_BREAKER_GOOD || limit == 0)
			*breaker = (SchedBreaker){.pause_until = breaker->pause_until};
		else if (news == SCHED_BREAKER_BAD)
			open_breaker(breaker, now);
		else
			breaker->until = now; /* the next call is the probe */
		return;
	}
	if (news == SCHED_BREAKER_NOTHING || breaker->state != SCHED_BREAKER_CLOSED)
		return;
	count_call(breaker, now, news == SCHED_BREAKER_BAD);
	breaker->failures = news == SCHED_BREAKER_BAD ? breaker->failures + 1 : 0;
	if (has_had_enough(breaker, limit))
		open_breaker(breaker, now);
}

void
sched_breaker_pause(SchedBreaker *breaker, int64_t now, int64_t pause)
{
	if (breaker->pause_until < now + pause)
		breaker->pause_until = now + pause;
}

bool
sched_breaker_restricts(const SchedBreaker *breaker, int64_t now)
{
	return breaker->state != SCHED_BREAKER_CLOSED || breaker->pause_until > now;
}
