/*
 * instant.h - instants as models write them, and as we write them, for the C files of this room.
 *
 * Server-side; needs postgres.h. Throws only for a zone that the server does not know.
 */
#ifndef SCHED_LLM_INSTANT_H
#define SCHED_LLM_INSTANT_H

#include "datatype/timestamp.h"

/* ISO 8601, or a day alone, which is its last minute; without an offset in `zone` (text). False for other text. */
extern bool sched_llm_read_instant(const char *value, int length, Datum zone, TimestampTz *instant);

/* With the zone's offset at that time, palloc'ed; NULL for what no calendar has. */
extern char *sched_llm_print_instant(TimestampTz instant, Datum zone);

#endif
