/*
 * key_sql.c - keys as SQL functions: made, looked at, changed, destroyed. None of them tells a key.
 *
 * Runs in backends and in the worker. Files are written under the lock of their folder, one at a time, and whatever is
 * written stays written, also where the transaction is rolled back: no file holds anything that a row must match.
 * No key and no lock is held where something can throw.
 */
#include "postgres.h"

#include <dirent.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/fault.h"
#include "identity/current_user.h"
#include "identity/data_key.h"
#include "identity/key_file.h"
#include "identity/secret.h"

PG_FUNCTION_INFO_V1(sched_sql_create_master_key);
PG_FUNCTION_INFO_V1(sched_sql_master_key_state);
PG_FUNCTION_INFO_V1(sched_sql_change_master_key);
PG_FUNCTION_INFO_V1(sched_sql_data_key_problem);
PG_FUNCTION_INFO_V1(sched_sql_current_data_key);
PG_FUNCTION_INFO_V1(sched_sql_renew_data_key);
PG_FUNCTION_INFO_V1(sched_sql_retire_data_keys);
PG_FUNCTION_INFO_V1(sched_sql_drop_data_key);

/*
 * (file, created, problem, hint, key_id, changing); problem and hint NULL where all is well, key_id where not. changing: a
 * change of the master key was begun and not ended.
 */
static Datum
form_key_state(FunctionCallInfo fcinfo, const char *path, bool created, SchedKeyFileStatus status,
			   const char *key_id)
{
	bool fine = status == SCHED_KEY_FILE_OK;
	TupleDesc row_type;
	SchedKeyPlace place = sched_identity_key_place();
	Datum values[6];
	bool nulls[6] = {false, false, fine, fine, !fine, false};

	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(path);
	values[1] = BoolGetDatum(created);
	values[2] = CStringGetTextDatum(sched_identity_key_file_problem(status));
	values[3] = CStringGetTextDatum(sched_identity_key_file_hint(status));
	values[4] = CStringGetTextDatum(key_id);
	values[5] = BoolGetDatum(sched_identity_has_next_master(&place));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls));
}

/* The state of the file as it is now; no key stays in memory. */
static Datum
look_at_key(FunctionCallInfo fcinfo, bool created, SchedKeyFileStatus made)
{
	char *path = sched_identity_find_key_file();
	char key_id[SCHED_KEY_ID_CHARS + 1];
	SchedKey key;
	SchedKeyFileStatus status = sched_identity_read_key_file(path, DataDir, &key);

	memcpy(key_id, key.id, sizeof(key_id));
	sched_identity_wipe(&key, sizeof(key));
	return form_key_state(fcinfo, path, created, made != SCHED_KEY_FILE_OK ? made : status, key_id);
}

/* create_master_key() -> (file, created, problem, hint, key_id, changing) */
Datum
sched_sql_create_master_key(PG_FUNCTION_ARGS)
{
	bool created;
	SchedKeyFileStatus status;

	if (!superuser_arg(GetOuterUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be superuser to create the master key file")));
	/* A standby needs the primary's. */
	PreventCommandDuringRecovery("scheduler.create_master_key()");
	status = sched_identity_create_key_file(sched_identity_find_key_file(), DataDir, &created);
	PG_RETURN_DATUM(look_at_key(fcinfo, created, status));
}

/* master_key_state() -> (file, created, problem, hint, key_id, changing): looks only. */
Datum
sched_sql_master_key_state(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(look_at_key(fcinfo, false, SCHED_KEY_FILE_OK));
}

/* What a change of the master key has met. */
typedef struct MasterChange
{
	int64 files;
	int64 failed; /* could not be sealed anew though the keys for it are here */
	int64
		foreign; /* sealed with a master key that is not here, or damaged: nothing can be done for them */
} MasterChange;

/* One user's file, under the lock. */
static void
rewrap_one(const unsigned char *owner, MasterChange *change)
{
	SchedKeyPlace place = sched_identity_key_place();
	int lock = sched_identity_await_key_lock();
	SchedDataKeyStatus status = sched_identity_rewrap_ring(&place, owner);

	close(lock);
	change->files++;
	if (status == SCHED_DATA_KEY_NOT_WRITABLE || status == SCHED_DATA_KEY_NO_MASTER ||
		status == SCHED_DATA_KEY_REFUSED)
		change->failed++;
	else if (status != SCHED_DATA_KEY_OK && status != SCHED_DATA_KEY_NONE)
		change->foreign++;
}

/* Every file of the folder, as it is when its turn comes; those that come meanwhile are sealed with the new key already. */
static MasterChange
rewrap_all(void)
{
	SchedKeyPlace place = sched_identity_key_place();
	MasterChange change = {0};
	DIR *folder = AllocateDir(place.folder);
	struct dirent *entry;
	unsigned char owner[SCHED_OWNER_BYTES];

	while ((entry = ReadDir(folder, place.folder)) != NULL)
	{
		if (!sched_identity_read_owner(entry->d_name, owner))
			continue;
		rewrap_one(owner, &change);
		SCHED_FAULT("rewrapped");
		CHECK_FOR_INTERRUPTS();
	}
	FreeDir(folder);
	return change;
}

/* (key_id, files, failed, foreign_files, done) */
static Datum
form_change(FunctionCallInfo fcinfo, const MasterChange *change, bool done)
{
	SchedKeyPlace place = sched_identity_key_place();
	SchedKey key;
	TupleDesc row_type;
	Datum values[5];
	bool nulls[5] = {false};
	char key_id[SCHED_KEY_ID_CHARS + 1];

	nulls[0] = sched_identity_read_key_file(place.master_file, DataDir, &key) != SCHED_KEY_FILE_OK;
	memcpy(key_id, key.id, sizeof(key_id));
	sched_identity_wipe(&key, sizeof(key));
	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(key_id);
	values[1] = Int64GetDatum(change->files);
	values[2] = Int64GetDatum(change->failed);
	values[3] = Int64GetDatum(change->foreign);
	values[4] = BoolGetDatum(done);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls));
}

/*
 * change_master_key() -> (key_id, files, failed, foreign_files, done). Two that run at once do the same twice. The
 * old key stays in use as long as a file needs it; not done: said again, it goes on with the same new key.
 */
Datum
sched_sql_change_master_key(PG_FUNCTION_ARGS)
{
	SchedKeyPlace place = sched_identity_key_place();
	SchedKeyFileStatus status;
	MasterChange change;
	bool done = false;
	int lock;

	if (!sched_identity_caller_has_role("scheduler_admin"))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only an admin changes the master key"),
						errhint("This needs membership of scheduler_admin.")));
	/* A standby has a copy of the primary's. */
	PreventCommandDuringRecovery("scheduler.rotate_master_key()");
	lock = sched_identity_await_key_lock();
	status = sched_identity_make_next_master(&place);
	close(lock);
	if (status != SCHED_KEY_FILE_OK)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s", sched_identity_key_file_problem(status)),
						errdetail("File \"%s\", or the one to come beside it.", place.master_file),
						errhint("%s", sched_identity_key_file_hint(status))));
	SCHED_FAULT("next_made");
	change = rewrap_all();
	SCHED_FAULT("all_rewrapped");
	if (change.failed == 0)
	{
		lock = sched_identity_await_key_lock();
		/* Somebody else may have ended it meanwhile. */
		done = !sched_identity_has_next_master(&place) || sched_identity_switch_master(&place);
		close(lock);
	}
	SCHED_FAULT("switched");
	sched_identity_forget_keys();
	PG_RETURN_DATUM(form_change(fcinfo, &change, done));
}

/* data_key_problem(user_id, key_id) -> text: why this key cannot be used, NULL where it can. */
Datum
sched_sql_data_key_problem(PG_FUNCTION_ARGS)
{
	SchedKeyPlace place = sched_identity_key_place();
	const SchedKey *key;
	char *key_id = text_to_cstring(PG_GETARG_TEXT_PP(1));
	SchedDataKeyStatus status =
		sched_identity_find_data_key(&place, PG_GETARG_UUID_P(0), key_id, &key);

	if (status == SCHED_DATA_KEY_OK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(sched_identity_data_key_problem(status)));
}

/* current_data_key(user_id) -> text: the id of the key that seals for this user; NULL where he has none. */
Datum
sched_sql_current_data_key(PG_FUNCTION_ARGS)
{
	SchedKeyPlace place = sched_identity_key_place();
	SchedKeyRing ring;
	char key_id[SCHED_KEY_ID_CHARS + 1];
	SchedDataKeyStatus status = sched_identity_read_ring(&place, PG_GETARG_UUID_P(0)->data, &ring);

	memcpy(key_id, ring.keys[0].id, sizeof(key_id));
	sched_identity_wipe(&ring, sizeof(ring));
	if (status == SCHED_DATA_KEY_NONE)
		PG_RETURN_NULL();
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_throw_data_key(status, &place);
	PG_RETURN_TEXT_P(cstring_to_text(key_id));
}

/*
 * renew_data_key(user_id) -> text: a new key seals from now on, and its id; NULL where the user has no file. Where so
 * many keys are in use that there is no room, the newest stays: it was made by a change that did not end.
 */
Datum
sched_sql_renew_data_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);
	SchedKeyPlace place = sched_identity_key_place();
	SchedKeyRing ring;
	char key_id[SCHED_KEY_ID_CHARS + 1];
	int lock = sched_identity_await_key_lock();
	SchedDataKeyStatus status = sched_identity_read_ring(&place, user_id->data, &ring);

	if (status == SCHED_DATA_KEY_OK && ring.n < SCHED_MAX_RING_KEYS)
		status = sched_identity_add_key(&place, user_id->data, &ring);
	close(lock);
	memcpy(key_id, ring.keys[0].id, sizeof(key_id));
	sched_identity_wipe(&ring, sizeof(ring));
	SCHED_FAULT("key_renewed");
	if (status == SCHED_DATA_KEY_NONE)
		PG_RETURN_NULL();
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_throw_data_key(status, &place);
	PG_RETURN_TEXT_P(cstring_to_text(key_id));
}

/*
 * retire_data_keys(user_id, key_id) -> boolean: all keys but this one, which must be the newest, are destroyed. The
 * caller knows that no row, committed or to come, needs them.
 */
Datum
sched_sql_retire_data_keys(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);
	char *key_id = text_to_cstring(PG_GETARG_TEXT_PP(1));
	SchedKeyPlace place = sched_identity_key_place();
	int lock = sched_identity_await_key_lock();
	SchedDataKeyStatus status = sched_identity_prune_ring(&place, user_id->data, key_id);

	close(lock);
	if (status != SCHED_DATA_KEY_OK && status != SCHED_DATA_KEY_UNKNOWN &&
		status != SCHED_DATA_KEY_NONE)
		sched_identity_throw_data_key(status, &place);
	PG_RETURN_BOOL(status == SCHED_DATA_KEY_OK);
}

/* drop_data_key(user_id) -> boolean: whatever was sealed for this user is unreadable from now on; whether he had a key. */
Datum
sched_sql_drop_data_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);

	PreventCommandDuringRecovery("scheduler.drop_data_key()");
	if (memcmp(user_id, &sched_identity_system_user, UUID_LEN) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the installation's data key is not dropped"),
						errhint("It seals what belongs to everybody, in all databases of this "
								"server.")));
	PG_RETURN_BOOL(sched_identity_drop_data_key(user_id));
}
