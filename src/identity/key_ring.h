/*
 * key_ring.h - the keys of this server's tokens, as they stand in their file at this moment.
 */
#ifndef SCHED_IDENTITY_KEY_RING_H
#define SCHED_IDENTITY_KEY_RING_H

#include "identity/jwk.h"

/*
 * The keys of scheduler.jwt_key_file, read again when the file has changed; belongs to the process until the next
 * call. Raises 55000 where it cannot be used. *generation, where not NULL, is another number for other keys.
 */
extern const SchedJwkSet *sched_identity_own_keys(uint64 *generation);

#endif
