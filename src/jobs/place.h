/*
 * place.h - is this database armed here, and will anything run its jobs?
 */
#ifndef SCHED_JOBS_PLACE_H
#define SCHED_JOBS_PLACE_H

#include "datatype/timestamp.h"

/*
 * Asks the table and the place file. Needs a transaction and an SPI connection with rights on
 * armed_places.
 */
extern bool sched_jobs_is_armed(void);

/*
 * The same for a worker's look round, with the one statement that an idle database costs: is there
 * any job or change to look after, and when is the next schedule due (DT_NOEND: never)?
 */
extern bool sched_jobs_look_round(bool *work, bool *unsealed, TimestampTz *next_schedule);

/* Is this database one that scheduler.databases names (or does that name none)? */
extern bool sched_jobs_is_listed(const char *database);

/* Once per session: a WARNING where no worker will run what is enqueued. */
extern void sched_jobs_warn_without_worker(void);

#endif
