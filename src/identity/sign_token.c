/*
 * sign_token.c - our own tokens: sign_token().
 *
 * Runs in backends, in functions of the extension that have found out who somebody is; nobody else may call it. The claims
 * are palloc'ed, the key stays in the key ring. Raises 28000 for a user who may not sign in, 22023 for a lifetime
 * that is none, 55000 without keys.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "identity/account.h"
#include "identity/current_user.h"
#include "identity/jwt.h"
#include "identity/key_ring.h"
#include "identity/token.h"

PG_FUNCTION_INFO_V1(sched_sql_sign_token);

#define MAX_LIFETIME_SECONDS (366 * 86400)

static int64
read_lifetime(const Interval *lifetime)
{
	double seconds = (double) lifetime->time / USECS_PER_SEC +
					 ((double) lifetime->month * DAYS_PER_MONTH + lifetime->day) * SECS_PER_DAY;

	if (!(seconds >= 1 && seconds <= MAX_LIFETIME_SECONDS))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a token lives for one second to 366 days"),
						errdetail("The lifetime is %.0f s.", seconds)));
	return (int64) seconds;
}

static char *
print_uuid(const pg_uuid_t *value)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(value)));
}

/*
 * role is for whoever reads it; scheduler_role is the role that PostgREST begins with (doc/postgrest.md), from which
 * authenticate() goes on. iat is in whole seconds and revoking makes tokens invalid that were issued before: one signed in the same second
 * right after it says the next one.
 */
static char *
print_claims(const SchedAccount *account, int64 lifetime, const pg_uuid_t *jti)
{
	int64 now = sched_identity_unix_seconds(GetCurrentTimestamp());
	int64 issued = Max(now, sched_identity_first_second(account));
	StringInfoData claims;

	initStringInfo(&claims);
	appendStringInfoString(&claims, "{\"iss\":\"" SCHED_TOKEN_ISSUER "\",\"aud\":");
	escape_json(&claims, get_database_name(MyDatabaseId));
	appendStringInfo(&claims,
					 ",\"sub\":\"%s\",\"role\":\"%s\",\"scheduler_role\":\"scheduler_user\","
					 "\"iat\":" INT64_FORMAT ",\"exp\":" INT64_FORMAT ",\"jti\":\"%s\"}",
					 print_uuid(&account->user_id),
					 account->is_admin ? "scheduler_admin" : "scheduler_user", issued,
					 now + lifetime, print_uuid(jti));
	return claims.data;
}

/* sign_token(user_id, lifetime, jti) -> text */
Datum
sched_sql_sign_token(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);
	int64 lifetime = read_lifetime(PG_GETARG_INTERVAL_P(1));
	SchedAccount account;
	char *claims;
	char *token = palloc(SCHED_JWT_BYTES + 1);

	if (!sched_identity_find_account(user_id, &account) || !account.is_active ||
		memcmp(user_id, &sched_identity_system_user, UUID_LEN) == 0 ||
		TIMESTAMP_IS_NOEND(account.tokens_valid_from))
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("this user cannot sign in"),
						errhint("The account is unknown or was disabled.")));
	claims = print_claims(&account, lifetime, PG_GETARG_UUID_P(2));
	if (sched_identity_sign_jwt(&sched_identity_own_keys(true)->keys[0], claims, strlen(claims),
								token, SCHED_JWT_BYTES + 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the token could not be signed")));
	PG_RETURN_TEXT_P(cstring_to_text(token));
}
