/*
 * zone.h - time zones of the server, for everything that computes with wall-clock times.
 */
#ifndef SCHED_TIME_ZONE_H
#define SCHED_TIME_ZONE_H

#include "time/when.h"

/*
 * A zone of the server's own data by its IANA name; false where there is none. The zone lives as
 * long as the process.
 */
extern bool sched_time_find_zone(const char *name, SchedZone *zone);

/* The same; error 22023 where there is none. */
extern void sched_time_require_zone(const char *name, SchedZone *zone);

#endif
