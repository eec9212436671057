/*
 * host_stats.h - the table of hosts in shared memory: statistics, and each host's breaker.
 */
#ifndef SCHED_HTTP_HOST_STATS_H
#define SCHED_HTTP_HOST_STATS_H

#include "postgres.h"

#include "http/breaker.h"

/* As breaker.h has it, for this database's host; without shared memory every call passes. */
extern SchedBreakerPass sched_http_ask_host(const char *host, int64 patience, int64 *wait,
											int *failures);
extern void sched_http_tell_host(const char *host, SchedBreakerNews news, bool probe,
								 int64 pause_us);

/* A database is gone, or the extension from it. */
extern void sched_http_forget_hosts(Oid database);

#endif
