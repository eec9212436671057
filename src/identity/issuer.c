/*
 * issuer.c - the rows of jwt_issuers with their keys, kept in each process that verifies tokens.
 *
 * Runs in backends. Rows live in a memory context of their own, keys in malloc'ed memory of OpenSSL's: both go when
 * a row or the secret of one changes. A shared secret is opened by the secret store for the host
 * jwt-issuer.invalid, a name that leads nowhere: only a secret that an admin bound to it can be one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "identity/current_user.h"
#include "identity/issuer.h"
#include "identity/lookup.h"
#include "identity/secret.h"

#define MAX_ISSUERS 256

static SchedKeptTable kept_table = {.name = "jwt_issuers"};
static MemoryContext context = NULL;
static SchedIssuer issuers[MAX_ISSUERS];
static int n_issuers = 0;
static uint64 generation = 0;
static bool has_keys = false; /* an error while they were loaded makes the next call begin again */

/* A text column in the context at hand; NULL where it is NULL. */
static char *
copy_text(TupleTableSlot *slot, Oid table, const char *column)
{
	Datum value;

	return sched_identity_read_column(slot, table, column, &value) ? TextDatumGetCString(value)
																   : NULL;
}

static bool
read_issuer(TupleTableSlot *slot, Oid table, void *result)
{
	MemoryContext old;
	SchedIssuer *issuer = &issuers[n_issuers];
	Datum value;

	if (n_issuers == MAX_ISSUERS)
		return true;
	old = MemoryContextSwitchTo(context);
	memset(issuer, 0, sizeof(*issuer));
	issuer->name = copy_text(slot, table, "issuer");
	issuer->audience = copy_text(slot, table, "audience");
	issuer->alg = sched_identity_name_alg(copy_text(slot, table, "alg"));
	issuer->secret_name = copy_text(slot, table, "secret_name");
	issuer->subject_claim = copy_text(slot, table, "subject_claim");
	issuer->email_claim = copy_text(slot, table, "email_claim");
	if (sched_identity_read_column(slot, table, "jwks", &value))
	{
		Jsonb *jwks = DatumGetJsonbP(value);

		issuer->jwks = JsonbToCString(NULL, &jwks->root, VARSIZE(jwks));
	}
	n_issuers++;
	MemoryContextSwitchTo(old);
	return true;
}

/* The store notes the use of a secret, but not in a transaction that writes nothing: verifying does not. */
static SchedJwkSet *
open_secret(const char *name)
{
	static const SchedSecretTarget target = {"jwt-issuer.invalid", 443, ""};
	SchedSecretValue value;
	SchedJwkSet *volatile keys = NULL;
	bool was_read_only = XactReadOnly;

	XactReadOnly = true;
	PG_TRY();
	{
		if (sched_identity_open_secret(&sched_identity_system_user, name, &target, &value) ==
			SCHED_SECRET_OK)
			keys = sched_identity_make_secret_set(value.bytes, value.length);
		sched_identity_close_secret(&value);
	}
	PG_FINALLY();
	{
		XactReadOnly = was_read_only;
	}
	PG_END_TRY();
	return keys;
}

/* Without usable keys an issuer's tokens are refused; what is wrong was said when the row was written. */
static void
load_keys(SchedIssuer *issuer)
{
	const char *problem;

	if (issuer->alg == SCHED_JWT_HS256 && issuer->secret_name != NULL)
		issuer->keys = open_secret(issuer->secret_name);
	else if (issuer->alg != SCHED_JWT_HS256 && issuer->jwks != NULL)
		issuer->keys = sched_identity_parse_keys(issuer->jwks, strlen(issuer->jwks),
												 SCHED_JWK_FOREIGN, &problem);
}

static void
load_issuers(void)
{
	for (int i = 0; i < n_issuers; i++)
	{
		sched_identity_free_keys(issuers[i].keys);
		issuers[i].keys = NULL;
	}
	has_keys = false;
	n_issuers = 0;
	generation++;
	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "scheduler issuers", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	sched_identity_read_kept(&kept_table, read_issuer, NULL);
	for (int i = 0; i < n_issuers; i++)
		load_keys(&issuers[i]);
	has_keys = true;
}

const SchedIssuer *
sched_identity_find_issuer(const char *name)
{
	if (sched_identity_kept_is_stale(&kept_table) || !has_keys)
		load_issuers();
	for (int i = 0; i < n_issuers; i++)
	{
		if (strcmp(issuers[i].name, name) == 0)
			return &issuers[i];
	}
	return NULL;
}

uint64
sched_identity_issuer_generation(void)
{
	if (sched_identity_kept_is_stale(&kept_table) || !has_keys)
		load_issuers();
	return generation;
}
