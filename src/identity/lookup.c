/*
 * lookup.c - rows that must be known before anybody is somebody: read without a plan and past row-level security.
 *
 * Runs in any backend, worker or runner, inside a transaction with a snapshot. A table that is kept is read as a whole
 * with the newest snapshot; its statement trigger sends the invalidation that the server sends for a changed
 * table, so every process reads it again after the change has committed. Throws what opening a table throws.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "identity/lookup.h"

PG_FUNCTION_INFO_V1(sched_sql_forget_kept_rows);

#define MAX_KEPT_TABLES 4

static SchedKeptTable *kept_tables[MAX_KEPT_TABLES];
static int n_kept_tables = 0;

static Oid
find_relation(const char *name)
{
	Oid schema = get_namespace_oid("scheduler", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

bool
sched_identity_read_column(TupleTableSlot *slot, Oid table, const char *column, Datum *value)
{
	AttrNumber number = get_attnum(table, column);
	bool is_null = true;

	if (number != InvalidAttrNumber)
		*value = slot_getattr(slot, number, &is_null);
	return !is_null;
}

bool
sched_identity_look_up(const char *table_name, const char *index_name, ScanKey keys, int n_keys,
					   SchedReadRow read, void *result)
{
	Oid table_oid = find_relation(table_name);
	Oid index_oid = find_relation(index_name);
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	bool found;

	if (!OidIsValid(table_oid) || !OidIsValid(index_oid))
		return false;
	table = table_open(table_oid, AccessShareLock);
	index = index_open(index_oid, AccessShareLock);
	slot = table_slot_create(table, NULL);
	for (int i = 0; i < n_keys; i++)
		keys[i].sk_collation = index->rd_indcollation[i];
	scan = SCHED_BEGIN_INDEX_SCAN(table, index, GetActiveSnapshot(), n_keys);
	index_rescan(scan, keys, n_keys, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot) && read(slot, table_oid, result);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return found;
}

/* InvalidOid: all of them. */
static void
note_change(Datum arg, Oid relation)
{
	for (int i = 0; i < n_kept_tables; i++)
	{
		if (relation == InvalidOid || relation == kept_tables[i]->oid)
			kept_tables[i]->is_fresh = false;
	}
}

bool
sched_identity_kept_is_stale(SchedKeptTable *table)
{
	if (!table->is_known)
	{
		if (n_kept_tables == 0)
			CacheRegisterRelcacheCallback(note_change, (Datum) 0);
		Assert(n_kept_tables < MAX_KEPT_TABLES);
		kept_tables[n_kept_tables++] = table;
		table->is_known = true;
	}
	return !table->is_fresh;
}

void
sched_identity_read_kept(SchedKeptTable *kept, SchedReadRow read, void *result)
{
	Relation table;
	Snapshot snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;

	kept->oid = find_relation(kept->name);
	if (!OidIsValid(kept->oid))
		return;
	table = table_open(kept->oid, AccessShareLock);
	/* What changes from here on is told, and makes it stale again. */
	kept->is_fresh = true;
	/* The transaction's own snapshot may be older than the change that was told. */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(table, NULL);
	scan = table_beginscan(table, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		if (!read(slot, kept->oid, result))
			kept->is_fresh = false;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(table, AccessShareLock);
}

/* Trigger: forget_kept_rows(table): all processes read that table of ours again, once this has committed. */
Datum
sched_sql_forget_kept_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid relation;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		elog(ERROR, "forget_kept_rows: not called as a trigger with the name of a table");
	relation = find_relation(trigger->tg_trigger->tgargs[0]);
	if (OidIsValid(relation))
		CacheInvalidateRelcacheByRelid(relation);
	PG_RETURN_POINTER(NULL);
}
