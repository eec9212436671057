/*
 * retry_after.h - how long a server asks us to stay away. Pure.
 */
#ifndef SCHED_HTTP_RETRY_AFTER_H
#define SCHED_HTTP_RETRY_AFTER_H

#include <stdint.h>

/* What a server asks for beyond this is taken as this: nobody means a year. */
#define SCHED_RETRY_AFTER_MAX_MS ((int64_t) 24 * 3600 * 1000)

/*
 * Milliseconds from the values of `retry-after-ms` and `retry-after` (either may be NULL; the first
 * wins), which may be seconds or an HTTP-date; `now` in seconds since 1970 turns a date into a
 * delay. -1 where neither can be read.
 */
extern int64_t sched_retry_after_ms(const char *milliseconds, const char *retry_after, int64_t now);

#endif
