/*
 * account.c - a row of users by its key or by its role.
 *
 * Runs in any backend, worker or runner, inside a transaction with a snapshot. A direct index scan: the policies of
 * every table ask for the current user, so this must neither plan a query nor be subject to the policy of users itself.
 * Keeps nothing; may throw what opening a table throws.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "identity/account.h"

/* A column by its name; false where it is NULL or not there. */
static bool
read_column(TupleTableSlot *slot, Oid table, const char *column, Datum *value)
{
	AttrNumber number = get_attnum(table, column);
	bool is_null = true;

	if (number != InvalidAttrNumber)
		*value = slot_getattr(slot, number, &is_null);
	return !is_null;
}

static bool
read_account(TupleTableSlot *slot, Oid table, SchedAccount *account)
{
	Datum value;

	memset(account, 0, sizeof(*account));
	if (!read_column(slot, table, "user_id", &value))
		return false;
	account->user_id = *DatumGetUUIDP(value);
	account->is_active = read_column(slot, table, "is_active", &value) && DatumGetBool(value);
	account->is_admin = read_column(slot, table, "is_admin", &value) && DatumGetBool(value);
	account->tokens_valid_from = read_column(slot, table, "tokens_valid_from", &value)
									 ? DatumGetTimestampTz(value)
									 : DT_NOEND;
	return true;
}

/* The one row of users that this unique index has for the key. */
static bool
find_account(const char *index_name, RegProcedure equal, Datum wanted, SchedAccount *account)
{
	Oid schema = get_namespace_oid("scheduler", true);
	Oid table_oid = OidIsValid(schema) ? get_relname_relid("users", schema) : InvalidOid;
	Oid index_oid = OidIsValid(schema) ? get_relname_relid(index_name, schema) : InvalidOid;
	Relation table;
	Relation index;
	ScanKeyData key;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	bool found;

	if (!OidIsValid(table_oid) || !OidIsValid(index_oid))
		return false;
	table = table_open(table_oid, AccessShareLock);
	index = index_open(index_oid, AccessShareLock);
	slot = table_slot_create(table, NULL);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, equal, wanted);
	key.sk_collation = index->rd_indcollation[0];
	scan = SCHED_BEGIN_INDEX_SCAN(table, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot) &&
			read_account(slot, table_oid, account);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return found;
}

bool
sched_identity_find_account(const pg_uuid_t *user_id, SchedAccount *account)
{
	return find_account("users_pkey", F_UUID_EQ, UUIDPGetDatum(user_id), account);
}

bool
sched_identity_find_role_account(const char *role_name, SchedAccount *account)
{
	return find_account("users_role_name_key", F_TEXTEQ, CStringGetTextDatum(role_name), account);
}
