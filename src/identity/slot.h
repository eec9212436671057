/*
 * slot.h - identities that C keeps for a transaction, where SQL cannot reach them.
 */
#ifndef SCHED_IDENTITY_SLOT_H
#define SCHED_IDENTITY_SLOT_H

#include "utils/uuid.h"

typedef enum SchedSlot
{
	SCHED_SLOT_JOB,     /* the user of the job that a worker or runner is calling */
	SCHED_SLOT_SESSION, /* whom a token or act_as() named for this transaction */
	SCHED_SLOTS
} SchedSlot;

/* NULL empties the slot. Lasts until the end of the transaction; an abort of the subtransaction takes it back. */
extern void sched_identity_fill_slot(SchedSlot slot, const pg_uuid_t *user_id);

/* NULL where the slot is empty. */
extern const pg_uuid_t *sched_identity_slot_user(SchedSlot slot);

#endif
