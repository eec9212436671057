/*
 * read_token.c - what another issuer's token says: read_token(), jwks_problem().
 *
 * Runs in backends, in functions that admit a subject. Keeps nothing of its own; the claims are handed to SQL only once
 * the signature, the times, the issuer and the audience are what they should be. Throws for memory.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "identity/jwk.h"
#include "identity/token.h"

PG_FUNCTION_INFO_V1(sched_sql_read_token);
PG_FUNCTION_INFO_V1(sched_sql_jwks_problem);

/* The claims as jsonb; of a token that was verified. */
static Datum
form_claims(const char *text, size_t length)
{
	char room[SCHED_JWT_BYTES];
	SchedJwt parsed;
	char *claims;

	if (sched_identity_parse_jwt(text, length, room, &parsed) != SCHED_JWT_OK)
		elog(ERROR, "a verified token cannot be read");
	claims = pnstrdup(parsed.claims.text, parsed.claims.length);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(claims));
}

/* The issuer that a token names, for who fetches its keys: a stranger's word. */
static char *
claimed_issuer(const char *text, size_t length)
{
	char room[SCHED_JWT_BYTES];
	SchedJwt parsed;

	return sched_identity_parse_jwt(text, length, room, &parsed) == SCHED_JWT_OK
			   ? pstrdup(parsed.issuer)
			   : NULL;
}

/* read_token(token) -> (problem, unknown_key, issuer, subject, claims) */
Datum
sched_sql_read_token(PG_FUNCTION_ARGS)
{
	text *argument = PG_GETARG_TEXT_PP(0);
	char *text = VARDATA_ANY(argument);
	size_t length = VARSIZE_ANY_EXHDR(argument);
	SchedToken token;
	SchedJwtStatus status = sched_identity_read_token(text, length, &token);
	const char *problem = status == SCHED_JWT_OK && token.is_own
							  ? "it is one of ours, which needs no admission"
							  : sched_identity_jwt_problem(status);
	bool fine = status == SCHED_JWT_OK && !token.is_own;
	TupleDesc row_type;
	Datum values[5];
	bool nulls[5] = {fine, false, !fine, !fine, !fine};

	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(problem);
	values[1] = BoolGetDatum(status == SCHED_JWT_UNKNOWN_KEY);
	if (fine)
	{
		values[2] = CStringGetTextDatum(token.issuer);
		values[3] = CStringGetTextDatum(token.subject);
		values[4] = form_claims(text, length);
	}
	else if (status == SCHED_JWT_UNKNOWN_KEY)
	{
		values[2] = CStringGetTextDatum(claimed_issuer(text, length));
		nulls[2] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls)));
}

/* jwks_problem(jwks) -> text */
Datum
sched_sql_jwks_problem(PG_FUNCTION_ARGS)
{
	text *jwks = PG_GETARG_TEXT_PP(0);
	const char *problem;

	sched_identity_free_keys(sched_identity_parse_keys(VARDATA_ANY(jwks), VARSIZE_ANY_EXHDR(jwks),
													   SCHED_JWK_FOREIGN, &problem));
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
