/*
 * token.c - whom a token stands for.
 *
 * Runs in backends inside a transaction; writes nothing. What was verified is kept in a table of the process, keyed by the
 * token's SHA-256 and good only for the keys and issuers it was verified with: the next request with the same
 * token costs a hash. Times, the account and its session are looked at on each use.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "commands/dbcommands.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include <openssl/evp.h>

#include "identity/current_user.h"
#include "identity/issuer.h"
#include "identity/key_ring.h"
#include "identity/lookup.h"
#include "identity/token.h"

/* One place for each hash: a newer token takes the place of an older one. */
#define MEMORY_SLOTS 256

typedef struct Memory
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	uint64 key_generation;
	uint64 issuer_generation;
	SchedToken token;
} Memory;

static Memory *memory = NULL;

int64
sched_identity_unix_seconds(TimestampTz time)
{
	int64 epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	int64 seconds = time / USECS_PER_SEC;

	if (time % USECS_PER_SEC < 0)
		seconds--;
	return seconds + epoch;
}

int64
sched_identity_first_second(const SchedAccount *account)
{
	if (TIMESTAMP_IS_NOBEGIN(account->tokens_valid_from))
		return PG_INT64_MIN;
	if (TIMESTAMP_IS_NOEND(account->tokens_valid_from))
		return PG_INT64_MAX;
	return sched_identity_unix_seconds(account->tokens_valid_from - 1) + 1;
}

/* Only the form that we write: 8-4-4-4-12 digits in lower case. */
static bool
parse_uuid(const char *text, pg_uuid_t *value)
{
	static const char *const digits = "0123456789abcdef";
	int n = 0;

	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		const char *digit;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i] != '-')
				return false;
			continue;
		}
		digit = strchr(digits, text[i]);
		if (digit == NULL)
			return false;
		value->data[n / 2] = (n % 2 == 0 ? 0 : value->data[n / 2]) |
							 (unsigned char) ((digit - digits) << (n % 2 == 0 ? 4 : 0));
		n++;
	}
	return true;
}

static SchedJwtStatus
verify_own(const SchedJwt *parsed, SchedToken *token)
{
	SchedJwtStatus status = sched_identity_verify_jwt(parsed, sched_identity_own_keys(true), "");
	char jti[64];

	if (status != SCHED_JWT_OK)
		return status;
	if (!sched_identity_jwt_is_for(parsed, get_database_name(MyDatabaseId)))
		return SCHED_JWT_WRONG_AUDIENCE;
	if (!parsed->has_issue ||
		!sched_identity_jwt_text(parsed, "sub", token->subject, sizeof(token->subject)) ||
		!parse_uuid(token->subject, &token->user_id))
		return SCHED_JWT_MALFORMED;
	token->is_own = true;
	token->has_session = sched_identity_jwt_text(parsed, "jti", jti, sizeof(jti)) &&
						 parse_uuid(jti, &token->session_id);
	return SCHED_JWT_OK;
}

static SchedJwtStatus
verify_foreign(const SchedJwt *parsed, SchedToken *token)
{
	const SchedIssuer *issuer = sched_identity_find_issuer(parsed->issuer);
	SchedJwtStatus status;

	if (issuer == NULL)
		return SCHED_JWT_WRONG_ISSUER;
	if (issuer->alg != parsed->alg)
		return SCHED_JWT_UNKNOWN_ALG;
	status = issuer->keys != NULL ? sched_identity_verify_jwt(parsed, issuer->keys, "")
								  : SCHED_JWT_UNKNOWN_KEY;
	if (status != SCHED_JWT_OK)
		return status;
	if (!sched_identity_jwt_is_for(parsed, issuer->audience))
		return SCHED_JWT_WRONG_AUDIENCE;
	if (!sched_identity_jwt_text(parsed, issuer->subject_claim, token->subject,
								 sizeof(token->subject)) ||
		token->subject[0] == '\0')
		return SCHED_JWT_MALFORMED;
	return SCHED_JWT_OK;
}

/* The whole of a token that is not known from before. */
static SchedJwtStatus
verify_token(const char *text, size_t length, SchedToken *token)
{
	char room[SCHED_JWT_BYTES];
	SchedJwt parsed;
	SchedJwtStatus status = sched_identity_parse_jwt(text, length, room, &parsed);

	memset(token, 0, sizeof(*token));
	if (status != SCHED_JWT_OK)
		return status;
	/* Google writes its name in two ways. */
	if (strcmp(parsed.issuer, "accounts.google.com") == 0)
		strlcpy(parsed.issuer, "https://accounts.google.com", sizeof(parsed.issuer));
	strlcpy(token->issuer, parsed.issuer, sizeof(token->issuer));
	status = strcmp(parsed.issuer, SCHED_TOKEN_ISSUER) == 0 ? verify_own(&parsed, token)
															: verify_foreign(&parsed, token);
	token->times = (SchedJwt){.has_expiry = parsed.has_expiry,
							  .has_issue = parsed.has_issue,
							  .expires_at = parsed.expires_at,
							  .not_before = parsed.not_before,
							  .issued_at = parsed.issued_at};
	return status;
}

/* The place of this token, which may hold another one. */
static Memory *
find_place(const uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
	uint32 hash;

	if (memory == NULL)
		memory = MemoryContextAllocZero(TopMemoryContext, MEMORY_SLOTS * sizeof(Memory));
	memcpy(&hash, digest, sizeof(hash));
	return &memory[hash % MEMORY_SLOTS];
}

SchedJwtStatus
sched_identity_read_token(const char *text, size_t length, SchedToken *token)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	uint64 key_generation;
	uint64 issuer_generation;
	Memory *place;
	SchedJwtStatus status;

	if (length > SCHED_JWT_BYTES)
		return SCHED_JWT_TOO_LONG;
	sched_identity_own_keys(false);
	key_generation = sched_identity_key_generation();
	issuer_generation = sched_identity_issuer_generation();
	if (EVP_Digest(text, length, digest, NULL, EVP_sha256(), NULL) != 1)
		return SCHED_JWT_MALFORMED;
	place = find_place(digest);
	if (place->key_generation == key_generation && place->issuer_generation == issuer_generation &&
		memcmp(place->digest, digest, sizeof(digest)) == 0)
		*token = place->token;
	else
	{
		status = verify_token(text, length, token);
		if (status != SCHED_JWT_OK)
			return status;
		memcpy(place->digest, digest, sizeof(digest));
		place->key_generation = key_generation;
		place->issuer_generation = issuer_generation;
		place->token = *token;
	}
	return sched_identity_check_jwt_times(
		&token->times, sched_identity_unix_seconds(GetCurrentTimestamp()), SCHED_TOKEN_LEEWAY);
}

static bool
read_user_id(TupleTableSlot *slot, Oid table, void *result)
{
	Datum value;

	if (!sched_identity_read_column(slot, table, "user_id", &value))
		return false;
	*(pg_uuid_t *) result = *DatumGetUUIDP(value);
	return true;
}

static bool
has_ended(TupleTableSlot *slot, Oid table, void *result)
{
	Datum value;

	return sched_identity_read_column(slot, table, "ended_at", &value);
}

static bool
find_identity(const SchedToken *token, pg_uuid_t *user_id)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(token->issuer));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(token->subject));
	return sched_identity_look_up("external_identities", "external_identities_subject_key", keys, 2,
								  read_user_id, user_id);
}

/* A session that was ended takes its tokens with it; one that left no row, or never had one, does not. */
static bool
session_is_over(const SchedToken *token)
{
	ScanKeyData keys[2];

	if (!token->has_session)
		return false;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&token->user_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&token->session_id));
	return sched_identity_look_up("sign_in_sessions", "sign_in_sessions_pkey", keys, 2, has_ended,
								  NULL);
}

const char *
sched_identity_find_token_account(const SchedToken *token, SchedAccount *account)
{
	pg_uuid_t user_id = token->user_id;
	int64 issued_at = token->times.has_issue ? token->times.issued_at : PG_INT64_MIN;

	if (!token->is_own && !find_identity(token, &user_id))
		return "the subject stands for no user here";
	if (memcmp(&user_id, &sched_identity_system_user, UUID_LEN) == 0 ||
		!sched_identity_find_account(&user_id, account) || !account->is_active)
		return "the account is unknown or was disabled";
	if (issued_at < sched_identity_first_second(account) || session_is_over(token))
		return "the token was revoked";
	return NULL;
}
