/*
 * current_user.c - current_user_id(), required_user_id(), caller_has_role().
 *
 * Runs in any backend, worker or runner. The order of identities is fixed: the job's user inside a worker or
 * runner, else the user mapped to GetOuterUserId() - never current_user, which a definer function changes, and
 * never session_user, which SET ROLE leaves behind -, else whom authenticate() or act_as() put into this
 * transaction's slot. A setting that a client can SET is never asked.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "identity/account.h"
#include "identity/current_user.h"
#include "identity/slot.h"

PG_FUNCTION_INFO_V1(sched_sql_current_user_id);
PG_FUNCTION_INFO_V1(sched_sql_required_user_id);
PG_FUNCTION_INFO_V1(sched_sql_caller_has_role);
PG_FUNCTION_INFO_V1(sched_sql_is_timezone);

const pg_uuid_t sched_identity_system_user = {{0}};

void
sched_identity_set_job_user(const pg_uuid_t *user_id)
{
	sched_identity_fill_slot(SCHED_SLOT_JOB, user_id);
}

/*
 * Somebody else's code: an index expression, a default or a materialized view that the server evaluates as the table's
 * owner while a superuser or autovacuum is outside. Its owner would act as whoever maintains the table; so nobody is
 * there, and no role. A job's handler runs restricted too, but its identity is set and the role outside is its own.
 */
static bool
runs_for_another(void)
{
	return sched_identity_slot_user(SCHED_SLOT_JOB) == NULL && InSecurityRestrictedOperation() &&
		   GetUserId() != GetOuterUserId();
}

/* What was found for a role, good while neither the statement nor what it has written is another. */
typedef struct MappedRole
{
	Oid role;
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	CommandId command;
	TimestampTz statement;
	bool is_found;
	SchedAccount account;
} MappedRole;

/*
 * Whether the role outside stands for a user of its own, who may have been disabled: then no token and no act_as() makes
 * somebody else of it. Every policy of a statement asks, so the answer is kept for the statement.
 */
bool
sched_identity_find_mapped(SchedAccount *account)
{
	static MappedRole kept = {InvalidOid};
	Oid role = GetOuterUserId();
	char *role_name;

	if (kept.role != role || kept.transaction != SCHED_MY_LXID ||
		kept.subtransaction != GetCurrentSubTransactionId() ||
		kept.command != GetCurrentCommandId(false) ||
		kept.statement != GetCurrentStatementStartTimestamp())
	{
		kept.role = InvalidOid;
		role_name = GetUserNameFromId(role, true);
		kept.is_found =
			role_name != NULL && sched_identity_find_role_account(role_name, &kept.account);
		kept.transaction = SCHED_MY_LXID;
		kept.subtransaction = GetCurrentSubTransactionId();
		kept.command = GetCurrentCommandId(false);
		kept.statement = GetCurrentStatementStartTimestamp();
		kept.role = role;
	}
	*account = kept.account;
	return kept.is_found;
}

bool
sched_identity_find_current(pg_uuid_t *user_id)
{
	const pg_uuid_t *given = sched_identity_slot_user(SCHED_SLOT_JOB);
	SchedAccount account;

	if (given != NULL)
	{
		*user_id = *given;
		return true;
	}
	if (runs_for_another())
		return false;
	if (sched_identity_find_mapped(&account))
	{
		*user_id = account.user_id;
		return account.is_active;
	}
	given = sched_identity_slot_user(SCHED_SLOT_SESSION);
	if (given != NULL)
		*user_id = *given;
	return given != NULL;
}

bool
sched_identity_caller_has_role(const char *role_name)
{
	Oid caller = GetOuterUserId();
	Oid role = get_role_oid(role_name, true);
	SchedAccount account;

	if (runs_for_another())
		return false;
	if (superuser_arg(caller))
		return true;
	if (!OidIsValid(role) || !has_privs_of_role(caller, role))
		return false;
	/* An administrator who was disabled would otherwise be one without a user: the system user. */
	return !sched_identity_find_mapped(&account) || account.is_active;
}

Datum
sched_sql_current_user_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = palloc(sizeof(pg_uuid_t));

	if (!sched_identity_find_current(user_id))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(user_id);
}

/* required_user_id() -> uuid; 28000 without identity. */
Datum
sched_sql_required_user_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = palloc(sizeof(pg_uuid_t));

	if (!sched_identity_find_current(user_id))
	{
		if (!sched_identity_caller_has_role("scheduler_admin"))
			ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
							errmsg("no current user"),
							errdetail("No row of scheduler.users has role_name \"%s\".",
									  GetUserNameFromId(GetOuterUserId(), false)),
							errhint("SELECT scheduler.setup('you@example.org')")));
		*user_id = sched_identity_system_user;
	}
	PG_RETURN_UUID_P(user_id);
}

Datum
sched_sql_caller_has_role(PG_FUNCTION_ARGS)
{
	char *role_name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(sched_identity_caller_has_role(role_name));
}

/*
 * is_timezone(name) -> boolean. Only names of the zone data: an abbreviation or a POSIX string ("CET-1") names
 * an offset, not a place with rules.
 */
Datum
sched_sql_is_timezone(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pg_tz *zone = strlen(name) < TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	if (zone == NULL || !pg_tz_acceptable(zone))
		PG_RETURN_BOOL(false);
	if (strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(strchr(name, '/') != NULL && strchr(name, ',') == NULL &&
				   strchr(name, '<') == NULL);
}
