/*
 * uuid7.h - time-ordered keys for C callers.
 */
#ifndef SCHED_CORE_UUID7_H
#define SCHED_CORE_UUID7_H

#include "utils/uuid.h"

extern void sched_core_make_uuid7(pg_uuid_t *key);

#endif
