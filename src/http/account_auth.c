/*
 * account_auth.c - calls with the credentials of an account, and calls that fetch such credentials.
 *
 * Runs in workers (and in the backend of run_job_now()), in a transaction with a snapshot. Tokens are malloc'ed or in a
 * palloc'ed text that is wiped before anything else happens to it. Reading rows may throw; sealing that fails becomes a
 * failure of the call.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "http/account_auth.h"
#include "http/answer.h"
#include "http/token_scan.h"

/* No answer of a token endpoint comes near to it. */
#define MAX_TOKEN_ANSWER (256 * 1024)
#define UUID_TEXT 36

bool
sched_http_parse_account(const char *auth, pg_uuid_t *account_id, bool *again)
{
	char text[UUID_TEXT + 1];
	const char *rest;

	if (auth == NULL || strncmp(auth, "account:", 8) != 0 || strlen(auth) < 8 + UUID_TEXT)
		return false;
	memcpy(text, auth + 8, UUID_TEXT);
	text[UUID_TEXT] = '\0';
	rest = auth + 8 + UUID_TEXT;
	if (strspn(text, "0123456789abcdefABCDEF-") != UUID_TEXT || text[8] != '-' || text[13] != '-' ||
		text[18] != '-' || text[23] != '-' || strcspn(text + 24, "-") != 12 ||
		strcspn(text, "-") != 8 || strcspn(text + 9, "-") != 4 || strcspn(text + 14, "-") != 4 ||
		strcspn(text + 19, "-") != 4)
		return false;
	*again = strcmp(rest, " again") == 0;
	if (rest[0] != '\0' && !*again)
		return false;
	*account_id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
	return true;
}

/* Plans are kept for the life of the process. */
static void
execute_once(SPIPlanPtr *plan, const char *query, int n, Oid *types, Datum *values)
{
	SPI_connect();
	if (*plan == NULL)
	{
		*plan = SPI_prepare(query, n, types);
		if (*plan == NULL || SPI_keepplan(*plan) != 0)
			elog(ERROR, "could not prepare a query about accounts");
	}
	if (SPI_execute_plan(*plan, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "the accounts could not be read");
}

/* Rights on all rows: the query itself says whose count, every operator by its full name. */
typedef struct Rights
{
	Oid user;
	int context;
} Rights;

static void
enter_system(Rights *rights)
{
	GetUserIdAndSecContext(&rights->user, &rights->context);
	SetUserIdAndSecContext(get_role_oid("scheduler_system", false),
						   rights->context | SECURITY_LOCAL_USERID_CHANGE);
}

static SchedAccountState
read_state(const char *word)
{
	static const char *const words[] = {"ready", "soon", "expired", "reauth"};

	for (size_t i = 0; i < lengthof(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (SchedAccountState) i;
	return SCHED_ACCOUNT_UNKNOWN;
}

/* The account's secret is a grant, whose token is sent, or is sent itself. */
SchedAccountState
sched_http_look_at_account(const pg_uuid_t *user_id, const pg_uuid_t *account_id,
						   char secret[NAMEDATALEN], int64 *number)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, UUIDOID};
	Datum values[2] = {UUIDPGetDatum(user_id), UUIDPGetDatum(account_id)};
	SchedAccountState state = SCHED_ACCOUNT_UNKNOWN;
	Rights rights;
	bool is_null;

	*number = 0;
	enter_system(&rights);
	execute_once(&plan, "SELECT s.state, s.secret, s.number FROM scheduler.account_state($1, $2) s",
				 2, types, values);
	if (SPI_processed == 1 && SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2) != NULL)
	{
		HeapTuple row = SPI_tuptable->vals[0];

		state = read_state(SPI_getvalue(row, SPI_tuptable->tupdesc, 1));
		strlcpy(secret, SPI_getvalue(row, SPI_tuptable->tupdesc, 2), NAMEDATALEN);
		*number = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &is_null));
	}
	SPI_finish();
	SetUserIdAndSecContext(rights.user, rights.context);
	return state;
}

/* ---- sealing what comes ---- */

/* "word": {"key_id": .., "sealed": base64}: seals one token for the hosts that its grant says. */
static void
append_sealed(StringInfo json, const char *word, const char *token, const pg_uuid_t *user_id,
			  const char *grant)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID};
	text *value;
	Datum values[4];
	HeapTuple row;

	if (token == NULL)
		return;
	value = cstring_to_text(token);
	values[0] = UUIDPGetDatum(user_id);
	values[1] = CStringGetTextDatum(grant);
	values[2] = CStringGetTextDatum(word);
	values[3] = PointerGetDatum(value);
	PG_TRY();
	{
		execute_once(
			&plan,
			"SELECT s.key_id, pg_catalog.translate(pg_catalog.encode(s.sealed, 'base64'),"
			" E'\\n', '') FROM scheduler.seal_grant_token($1, $2::pg_catalog.uuid, $3, $4) s"
			" WHERE s.sealed IS NOT NULL",
			4, types, values);
	}
	PG_FINALLY();
	{
		explicit_bzero(VARDATA(value), VARSIZE(value) - VARHDRSZ);
	}
	PG_END_TRY();
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no such grant")));
	row = SPI_tuptable->vals[0];
	appendStringInfo(json, "%s\"%s\": {\"key_id\": \"%s\", \"sealed\": \"%s\"}",
					 json->data[json->len - 1] == '{' ? "" : ", ", word,
					 SPI_getvalue(row, SPI_tuptable->tupdesc, 1),
					 SPI_getvalue(row, SPI_tuptable->tupdesc, 2));
	SPI_finish();
}

/* {"sealed": {..}, "answer": what else the server said}; palloc'ed in the current context. */
static char *
form_sealed(const SchedTokens *tokens, const char *redacted, const pg_uuid_t *user_id,
			const char *grant)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"sealed\": {");
	append_sealed(&json, "access", tokens->access, user_id, grant);
	append_sealed(&json, "refresh", tokens->refresh, user_id, grant);
	appendStringInfo(&json, "}, \"answer\": %s}", redacted);
	return json.data;
}

/* In a subtransaction: a missing key file is this call's failure, not the worker's. NULL where it fails. */
static char *
try_sealing(const SchedTokens *tokens, const char *redacted, const pg_uuid_t *user_id,
			const char *grant)
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Rights rights;
	char *volatile json = NULL;

	GetUserIdAndSecContext(&rights.user, &rights.context);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		Rights unused;

		enter_system(&unused);
		json = form_sealed(tokens, redacted, user_id, grant);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		json = NULL;
		MemoryContextSwitchTo(memory);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	SetUserIdAndSecContext(rights.user, rights.context);
	return json;
}

/* The answer's body is wiped, whatever replaces it. */
static void
replace_body(SchedHttpAnswer *answer, const char *text)
{
	unsigned char *body = (unsigned char *) strdup(text);

	explicit_bzero(answer->body, answer->body_length);
	if (body == NULL)
	{
		sched_answer_fail(answer, SCHED_HTTP_LOST, "no memory for the answer");
		return;
	}
	free(answer->body);
	answer->body = body;
	answer->body_length = strlen(text);
}

void
sched_http_seal_tokens(const char *auth, const pg_uuid_t *user_id, SchedHttpAnswer *answer)
{
	SchedTokens tokens;
	char *redacted;
	char *json = NULL;

	if (auth == NULL || strncmp(auth, "tokens:", 7) != 0 || answer->sealed ||
		answer->failure != SCHED_HTTP_OK)
		return;
	answer->sealed = true;
	if (answer->body_length == 0)
		return;
	if (answer->body_length > MAX_TOKEN_ANSWER ||
		!pg_verify_mbstr(PG_UTF8, (char *) answer->body, (int) answer->body_length, true) ||
		!sched_token_take((char *) answer->body, answer->body_length, &tokens))
	{
		replace_body(answer, "{}");
		return;
	}
	redacted = pnstrdup((char *) answer->body, answer->body_length);
	json = try_sealing(&tokens, redacted, user_id, auth + 7);
	sched_token_clear(&tokens);
	if (json != NULL)
		replace_body(answer, json);
	else
	{
		explicit_bzero(answer->body, answer->body_length);
		sched_answer_fail(answer, SCHED_HTTP_LOST, "the tokens of the answer could not be sealed");
	}
}
