/*
 * account.c - a row of users by its key or by its role.
 *
 * Runs in any backend, worker or runner, inside a transaction with a snapshot: the policies of every table ask for
 * the current user, so this reads the row directly. Keeps nothing.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "identity/account.h"
#include "identity/lookup.h"

static bool
read_account(TupleTableSlot *slot, Oid table, void *result)
{
	SchedAccount *account = result;
	Datum value;

	memset(account, 0, sizeof(*account));
	if (!sched_identity_read_column(slot, table, "user_id", &value))
		return false;
	account->user_id = *DatumGetUUIDP(value);
	account->is_active =
		sched_identity_read_column(slot, table, "is_active", &value) && DatumGetBool(value);
	account->is_admin =
		sched_identity_read_column(slot, table, "is_admin", &value) && DatumGetBool(value);
	account->tokens_valid_from =
		sched_identity_read_column(slot, table, "tokens_valid_from", &value)
			? DatumGetTimestampTz(value)
			: DT_NOEND;
	return true;
}

bool
sched_identity_find_account(const pg_uuid_t *user_id, SchedAccount *account)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(user_id));
	return sched_identity_look_up("users", "users_pkey", &key, 1, read_account, account);
}

bool
sched_identity_find_role_account(const char *role_name, SchedAccount *account)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(role_name));
	return sched_identity_look_up("users", "users_role_name_key", &key, 1, read_account, account);
}
