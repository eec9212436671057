/*
 * breaker.h - when a host is left alone. Pure: the caller brings the clock, and keeps others out.
 */
#ifndef SCHED_HTTP_BREAKER_H
#define SCHED_HTTP_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum SchedBreakerState
{
	SCHED_BREAKER_CLOSED,
	SCHED_BREAKER_OPEN,     /* no calls until `until` */
	SCHED_BREAKER_HALF_OPEN /* one call finds out; given up at `until` */
} SchedBreakerState;

/* Of one host; all zeroes is closed. Times in microseconds of a clock that nobody sets. */
typedef struct SchedBreaker
{
	SchedBreakerState state;
	int failures; /* in a row */
	int openings; /* in a row: each pause is longer than the one before */
	int64_t until;
	int64_t pause_until;  /* the host itself asked for it */
	int64_t window_began; /* of the two counters */
	int window_calls;
	int window_failures;
} SchedBreaker;

typedef enum SchedBreakerPass
{
	SCHED_BREAKER_PASS,
	SCHED_BREAKER_PROBE, /* pass, and say how it went: others wait for that */
	SCHED_BREAKER_WAIT,  /* for the probe, or for a pause to end: `wait` tells */
	SCHED_BREAKER_REFUSE /* the host is down; the next probe is in `wait` */
} SchedBreakerPass;

/* What a call's end says about its host. */
typedef enum SchedBreakerNews
{
	SCHED_BREAKER_GOOD,
	SCHED_BREAKER_BAD,
	SCHED_BREAKER_NOTHING /* its end had other reasons */
} SchedBreakerNews;

/*
 * May a call go? A probe that has not ended after `patience` is forgotten, and another call becomes
 * the probe.
 */
extern SchedBreakerPass sched_breaker_ask(SchedBreaker *breaker, int64_t now, int64_t patience,
										  int64_t *wait);

/* A call ended. Opens after `limit` failures in a row, or where half of at least twice that fail; 0: never. */
extern void sched_breaker_tell(SchedBreaker *breaker, int64_t now, SchedBreakerNews news,
							   bool probe, int limit);

/* The host asked to be left alone for so long. */
extern void sched_breaker_pause(SchedBreaker *breaker, int64_t now, int64_t pause);

/* Does it hold any call back? */
extern bool sched_breaker_restricts(const SchedBreaker *breaker, int64_t now);

#endif
