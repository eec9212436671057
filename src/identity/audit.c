/*
 * audit.c - record_audit(): one row of audit_log.
 *
 * Runs in any backend, worker or runner, as scheduler_system (the function's owner). One insert by a plan that the
 * process keeps: no number, no lock, nothing another writer could wait for. Memory is the caller's context. Throws what
 * the insert throws: what cannot be recorded does not happen.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/uuid.h"

#include "core/arguments.h"
#include "identity/current_user.h"

PG_FUNCTION_INFO_V1(sched_sql_record_audit);

#define N_COLUMNS 7

/*
 * The role outside definer functions. A worker is the bootstrap superuser there, which nobody has to answer for: it is
 * called by its own name.
 */
static char *
actor_role(void)
{
	char *name;

	if (MyBgworkerEntry != NULL)
		return pstrdup(MyBgworkerEntry->bgw_type);
	name = GetUserNameFromId(GetOuterUserId(), true);
	return name != NULL ? name : pstrdup("a dropped role");
}

/* Where the client is; NULL for a Unix socket, and where there is none. */
static Datum
client_address(char *null_mark)
{
	LOCAL_FCINFO(call, 0);
	Datum address;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	*null_mark = call->isnull ? 'n' : ' ';
	return address;
}

static void
insert_row(Datum *values, const char *nulls)
{
	static SPIPlanPtr plan = NULL;
	Oid types[N_COLUMNS] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, JSONBOID, INETOID};

	SPI_connect();
	if (plan == NULL)
	{
		SPIPlanPtr fresh =
			SPI_prepare("INSERT INTO scheduler.audit_log (user_id, actor_role, action, outcome,"
						" subject_user_id, details, address) VALUES ($1, $2, $3, $4, $5, $6, $7)",
						N_COLUMNS, types);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not prepare the insert into audit_log");
		plan = fresh;
	}
	if (SPI_execute_plan(plan, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert into audit_log");
	SPI_finish();
}

/* Two words of small letters and underscores with a dot between them. */
static bool
is_action(text *action)
{
	const char *bytes = VARDATA_ANY(action);
	int length = VARSIZE_ANY_EXHDR(action);
	int dot = -1;

	for (int i = 0; i < length; i++)
	{
		if (bytes[i] == '.' && dot < 0)
			dot = i;
		else if (bytes[i] != '_' && (bytes[i] < 'a' || bytes[i] > 'z'))
			return false;
	}
	return dot > 0 && dot < length - 1 && length <= 100;
}

static bool
is_outcome(text *outcome)
{
	static const char *const known[] = {"ok", "refused", "failed"};
	int length = VARSIZE_ANY_EXHDR(outcome);

	for (size_t i = 0; i < lengthof(known); i++)
		if (length == (int) strlen(known[i]) && memcmp(VARDATA_ANY(outcome), known[i], length) == 0)
			return true;
	return false;
}

/* record_audit(action, outcome, user_id, details) */
Datum
sched_sql_record_audit(PG_FUNCTION_ARGS)
{
	Datum values[N_COLUMNS];
	char nulls[N_COLUMNS] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};
	pg_uuid_t user_id;

	sched_core_require_argument(fcinfo, 0, "action");
	sched_core_require_argument(fcinfo, 1, "outcome");
	sched_core_require_argument(fcinfo, 3, "details");
	if (!is_action(PG_GETARG_TEXT_PP(0)) || !is_outcome(PG_GETARG_TEXT_PP(1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("this is no action to record"),
				 errdetail("The action is \"%.100s\", its outcome \"%.100s\".",
						   text_to_cstring(PG_GETARG_TEXT_PP(0)),
						   text_to_cstring(PG_GETARG_TEXT_PP(1))),
				 errhint("An action is \"room.verb\", an outcome ok, refused or failed.")));
	if (!sched_identity_find_current(&user_id))
		user_id = sched_identity_system_user;
	values[0] = UUIDPGetDatum(&user_id);
	values[1] = CStringGetTextDatum(actor_role());
	values[2] = PG_GETARG_DATUM(0);
	values[3] = PG_GETARG_DATUM(1);
	values[4] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	nulls[4] = PG_ARGISNULL(2) ? 'n' : ' ';
	values[5] = PG_GETARG_DATUM(3);
	values[6] = client_address(&nulls[6]);
	insert_row(values, nulls);
	PG_RETURN_VOID();
}
