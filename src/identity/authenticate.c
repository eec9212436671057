/*
 * authenticate.c - authenticate() and act_as(): who this transaction is for.
 *
 * Runs in backends. The identity goes into the slot of the transaction (slot.c), which no statement reaches. A
 * role that is a user of its own keeps that: neither a token nor act_as() makes another one of it. Nothing is written, so
 * both work in read-only transactions. Raises 28000 or 42501, over HTTP PT401 and PT429.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "identity/api_limit.h"
#include "identity/current_user.h"
#include "identity/request.h"
#include "identity/slot.h"
#include "identity/token.h"

PG_FUNCTION_INFO_V1(sched_sql_authenticate);
PG_FUNCTION_INFO_V1(sched_sql_act_as);

static SCHED_NORETURN void
refuse_token(const char *problem)
{
	SchedRefusal refusal = {.status = 401,
							.code = "PT401",
							.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
							.message = "the token is refused",
							.detail = problem,
							.hint = "Sign in again.",
							.header = "WWW-Authenticate",
							.value = "Bearer error=\"invalid_token\""};

	sched_identity_refuse(&refusal);
}

static SCHED_NORETURN void
refuse_call(int seconds)
{
	char value[16];
	SchedRefusal refusal = {.status = 429,
							.code = "PT429",
							.sqlstate = MAKE_SQLSTATE('P', 'T', '4', '2', '9'),
							.message = "too many calls",
							.detail = psprintf("The next one can be made in %d s.", seconds),
							.hint = "Limits are in scheduler.api_limits.",
							.header = "Retry-After",
							.value = value};

	snprintf(value, sizeof(value), "%d", seconds);
	sched_identity_refuse(&refusal);
}

/* Neither a job's handler nor a login that is a user of its own becomes somebody else. */
static void
check_unmapped(void)
{
	SchedAccount account;

	if (sched_identity_slot_user(SCHED_SLOT_JOB) != NULL || sched_identity_find_mapped(&account))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this role keeps its own identity"),
				 errdetail("Role \"%s\" is a user, or this is a job.",
						   GetUserNameFromId(GetOuterUserId(), false)),
				 errhint("Tokens and act_as() are for roles that are no row of scheduler.users.")));
}

/*
 * The role that the user's rights say, not the one a token claims: PostgREST believes the claim of any issuer it has the
 * key of. Only what the session may become anyway.
 */
static void
set_role(const SchedAccount *account)
{
	const char *wanted = "scheduler_user";

	if (account->is_admin &&
		is_member_of_role(GetSessionUserId(), get_role_oid("scheduler_admin", false)))
		wanted = "scheduler_admin";
	if (strcmp(wanted, GetUserNameFromId(GetOuterUserId(), false)) == 0)
		return;
	(void) set_config_option("role", wanted, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
							 false);
}

/* The account of the bearer's token; raises where it is refused. */
static void
verify_bearer(const char *text, SchedAccount *account)
{
	SchedToken token;
	SchedJwtStatus status = sched_identity_read_token(text, strlen(text), &token);
	const char *problem;

	if (status != SCHED_JWT_OK)
		refuse_token(sched_identity_jwt_problem(status));
	problem = sched_identity_find_token_account(&token, account);
	if (problem != NULL)
		refuse_token(problem);
}

static void
count_call(const pg_uuid_t *user_id)
{
	char called[NAMEDATALEN];
	int seconds;

	sched_identity_find_called(called, sizeof(called));
	seconds =
		sched_identity_count_call(called, GetUserNameFromId(GetOuterUserId(), false), user_id);
	if (seconds > 0)
		refuse_call(seconds);
}

/* authenticate() -> uuid: the user of the request's bearer token; NULL where it has none. */
Datum
sched_sql_authenticate(PG_FUNCTION_ARGS)
{
	char text[SCHED_JWT_BYTES + 16];
	pg_uuid_t *user_id = NULL;
	SchedAccount account;

	sched_identity_fill_slot(SCHED_SLOT_SESSION, NULL);
	switch (sched_identity_find_bearer(text, sizeof(text)))
	{
		case SCHED_BEARER_TOO_LONG:
			refuse_token(sched_identity_jwt_problem(SCHED_JWT_TOO_LONG));
		case SCHED_BEARER_UNREADABLE:
			refuse_token("the headers of the request cannot be read");
		case SCHED_BEARER_FOUND:
			check_unmapped();
			verify_bearer(text, &account);
			user_id = palloc(sizeof(pg_uuid_t));
			*user_id = account.user_id;
			if (sched_identity_is_request())
				set_role(&account);
			break;
		case SCHED_BEARER_NONE:
			break;
	}
	if (sched_identity_is_request())
		count_call(user_id);
	if (user_id == NULL)
		PG_RETURN_NULL();
	sched_identity_fill_slot(SCHED_SLOT_SESSION, user_id);
	PG_RETURN_UUID_P(user_id);
}

/* act_as(user_id): NULL ends it. An unknown user and a disabled one are the same error. */
Datum
sched_sql_act_as(PG_FUNCTION_ARGS)
{
	SchedAccount account;

	if (!sched_identity_caller_has_role("scheduler_service"))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to act as a user"),
						errhint("This needs membership of scheduler_service.")));
	check_unmapped();
	if (PG_ARGISNULL(0))
	{
		sched_identity_fill_slot(SCHED_SLOT_SESSION, NULL);
		PG_RETURN_VOID();
	}
	if (memcmp(PG_GETARG_UUID_P(0), &sched_identity_system_user, UUID_LEN) == 0 ||
		!sched_identity_find_account(PG_GETARG_UUID_P(0), &account) || !account.is_active)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("there is no such user to act as"),
				 errhint("The account is unknown or was disabled.")));
	sched_identity_fill_slot(SCHED_SLOT_SESSION, &account.user_id);
	PG_RETURN_VOID();
}
