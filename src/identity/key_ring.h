/*
 * key_ring.h - the keys of this server's tokens, as they stand in their file at this moment.
 */
#ifndef SCHED_IDENTITY_KEY_RING_H
#define SCHED_IDENTITY_KEY_RING_H

#include "identity/jwk.h"

/*
 * The keys of scheduler.jwt_key_file, read again when the file has changed; belongs to the process until the next
 * call. Where the file cannot be used: 55000 if they are required, else NULL.
 */
extern const SchedJwkSet *sched_identity_own_keys(bool required);

/* Another number for other keys, or for none; up to date after sched_identity_own_keys(). */
extern uint64 sched_identity_key_generation(void);

#endif
