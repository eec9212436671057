/*
 * slot.c - identities of the transaction, in memory of the process that no setting and no statement writes.
 *
 * Runs in any backend, worker or runner. Entries live in TopMemoryContext, one per nesting level of subtransactions
 * that has set something, so that an abort brings back what was before; the end of the transaction, also by PREPARE,
 * removes them all. Throws only for memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "identity/slot.h"

typedef struct Entry
{
	struct Entry *previous;
	int nest_level;
	bool is_set;
	pg_uuid_t user_id;
} Entry;

static Entry *slots[SCHED_SLOTS]; /* NULL: none */

/* Pops what deeper levels than this have set. */
static void
drop_deeper(SchedSlot slot, int nest_level)
{
	while (slots[slot] != NULL && slots[slot]->nest_level > nest_level)
	{
		Entry *previous = slots[slot]->previous;

		pfree(slots[slot]);
		slots[slot] = previous;
	}
}

/* An identity never outlives the transaction it was given in; one given between transactions stays. */
static void
forget_at_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	for (SchedSlot slot = 0; slot < SCHED_SLOTS; slot++)
		drop_deeper(slot, 0);
}

/* What the subtransaction set is now its parent's. */
static void
hand_up(SchedSlot slot, int outer_level)
{
	Entry *entry = slots[slot];
	Entry *outer;

	if (entry == NULL || entry->nest_level <= outer_level)
		return;
	entry->nest_level = outer_level;
	outer = entry->previous;
	if (outer != NULL && outer->nest_level == outer_level)
	{
		entry->previous = outer->previous;
		pfree(outer);
	}
}

static void
follow_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int outer_level = GetCurrentTransactionNestLevel() - 1;

	for (SchedSlot slot = 0; slot < SCHED_SLOTS; slot++)
	{
		if (event == SUBXACT_EVENT_ABORT_SUB)
			drop_deeper(slot, outer_level);
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			hand_up(slot, outer_level);
	}
}

void
sched_identity_fill_slot(SchedSlot slot, const pg_uuid_t *user_id)
{
	static bool registered = false;
	int nest_level = GetCurrentTransactionNestLevel();

	if (!registered)
	{
		RegisterXactCallback(forget_at_end, NULL);
		RegisterSubXactCallback(follow_subtransaction, NULL);
		registered = true;
	}
	if (slots[slot] == NULL || slots[slot]->nest_level < nest_level)
	{
		Entry *entry = MemoryContextAllocZero(TopMemoryContext, sizeof(Entry));

		entry->previous = slots[slot];
		entry->nest_level = nest_level;
		slots[slot] = entry;
	}
	slots[slot]->is_set = user_id != NULL;
	if (user_id != NULL)
		slots[slot]->user_id = *user_id;
}

const pg_uuid_t *
sched_identity_slot_user(SchedSlot slot)
{
	return slots[slot] != NULL && slots[slot]->is_set ? &slots[slot]->user_id : NULL;
}
