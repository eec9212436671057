/*
 * signin.c - what signing in needs of C: one bcrypt for every attempt, where a request comes from, and how many attempts
 * somebody has left.
 *
 * Runs in backends. The rows are signin.sql's and sessions.sql's business; here nothing is read or written but the
 * master key file, which keys the hashes of known addresses, and the buckets of shared memory, which no rollback gives
 * back. Passwords are copied once and wiped. Throws for arguments that cannot be, and for memory.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/uuid.h"

#include "core/bucket.h"
#include "identity/address.h"
#include "identity/key_file.h"
#include "identity/password.h"
#include "identity/seal.h"
#include "identity/secret.h"
#include "identity/signin.h"

PG_FUNCTION_INFO_V1(sched_sql_check_password);
PG_FUNCTION_INFO_V1(sched_sql_client_address);
PG_FUNCTION_INFO_V1(sched_sql_hash_address);
PG_FUNCTION_INFO_V1(sched_sql_take_attempt);
PG_FUNCTION_INFO_V1(sched_sql_return_attempt);

static int signup_mode;
static char *trusted_proxies;
static int token_lifetime;

static const struct config_enum_entry signup_modes[] = {
	{"closed", 0, false}, {"invite", 1, false}, {"open", 2, false}, {NULL, 0, false}};

/* When the server starts a bad list is kept with a warning: refusing it would leave the default, which trusts nobody. */
static bool
check_proxies(char **value, void **extra, GucSource source)
{
	char wrong[64];

	if (sched_identity_check_networks(*value, wrong, sizeof(wrong)))
		return true;
	GUC_check_errdetail("\"%s\" is no address or network.", wrong);
	GUC_check_errhint(
		"List addresses, networks and the word local, as in '10.0.0.0/8, ::1, local'.");
	return false;
}

void
sched_identity_define_signin_settings(void)
{
	DefineCustomEnumVariable("scheduler.signup", "Who may make an account of his own.", NULL,
							 &signup_mode, 0, signup_modes, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"scheduler.trusted_proxies",
		"Addresses that connect on behalf of others and say so in X-Forwarded-For.", NULL,
		&trusted_proxies, "", PGC_SIGHUP, 0, check_proxies, NULL, NULL);
	DefineCustomIntVariable(
		"scheduler.token_lifetime", "How long a token lives that signing in or refreshing gives.",
		NULL, &token_lifetime, 15 * 60, 10, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}

/*
 * check_password(password, hash) -> boolean. Both may be NULL; it takes one bcrypt all the same. No lock is held and no
 * row read while it does.
 */
Datum
sched_sql_check_password(PG_FUNCTION_ARGS)
{
	char *password = PG_ARGISNULL(0) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *hash = PG_ARGISNULL(0) || PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	size_t length = strlen(password);
	bool right = sched_identity_check_password(password, length, hash);

	sched_identity_wipe(password, length);
	PG_RETURN_BOOL(right);
}

/* An inet in the pure code's form. */
static SchedAddress
read_inet(Datum value)
{
	char *text = DatumGetCString(DirectFunctionCall1(inet_out, value));
	SchedAddress address;

	if (!sched_identity_parse_address(text, strlen(text), &address))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this is no single address"), errdetail("\"%s\"", text)));
	return address;
}

/* The other end of the connection; false where that is a local socket, or nobody. */
static bool
find_peer(SchedAddress *peer)
{
	LOCAL_FCINFO(call, 0);
	Datum address;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	if (call->isnull)
		return false;
	*peer = read_inet(address);
	return true;
}

/*
 * client_address(forwarded) -> inet: NULL where nobody trustworthy says. Over HTTP the peer is the server in between, and
 * its address everybody's: none at all, unless it is a trusted proxy.
 */
Datum
sched_sql_client_address(PG_FUNCTION_ARGS)
{
	const char *method = GetConfigOption("request.method", true, false);
	char *forwarded = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char text[SCHED_ADDRESS_CHARS];
	SchedAddress peer;
	SchedAddress client;
	bool has_peer = find_peer(&peer);
	bool direct = !sched_identity_is_in_networks(has_peer ? &peer : NULL, trusted_proxies);

	if (direct && method != NULL && method[0] != '\0')
		PG_RETURN_NULL();
	/* Who connects by himself has no proxy: what he says of one is not asked. */
	if (!direct && (method == NULL || method[0] == '\0'))
		forwarded = NULL;
	if (direct || forwarded == NULL)
	{
		if (!has_peer)
			PG_RETURN_NULL();
		client = peer;
	}
	else if (!sched_identity_find_client(has_peer ? &peer : NULL, forwarded, trusted_proxies,
										 &client))
		PG_RETURN_NULL();
	sched_identity_print_address(&client, text);
	PG_RETURN_DATUM(DirectFunctionCall1(inet_in, CStringGetDatum(text)));
}

/*
 * hash_address(user_id, address) -> bytea: HMAC under the master key, so that a dump does not tell where people live; NULL
 * without address or key, where no address is known then.
 */
Datum
sched_sql_hash_address(PG_FUNCTION_ARGS)
{
	SchedAddress address = read_inet(PG_GETARG_DATUM(1));
	bytea *hash = palloc(VARHDRSZ + SCHED_ADDRESS_HASH_BYTES);
	char *path = sched_identity_find_key_file();
	SchedKey key;
	bool done = false;

	SET_VARSIZE(hash, VARHDRSZ + SCHED_ADDRESS_HASH_BYTES);
	if (sched_identity_read_key_file(path, DataDir, &key) == SCHED_KEY_FILE_OK)
		done = sched_identity_hash_address(key.bytes, sizeof(key.bytes), PG_GETARG_UUID_P(0)->data,
										   UUID_LEN, &address, (unsigned char *) VARDATA(hash));
	sched_identity_wipe(&key, sizeof(key));
	if (!done)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hash);
}

/* What an attempt is counted under. README.md has the reasons. */
typedef enum Count
{
	COUNT_ADDRESS,   /* this address, whoever it tries */
	COUNT_PAIR,      /* this account from this address */
	COUNT_PAIR_LONG, /* the same, for who does not give up */
	COUNT_ACCOUNT,   /* this account from all addresses that it does not know */
	N_COUNTS
} Count;

typedef struct Limit
{
	double per_second;
	double burst;
} Limit;

static const Limit limits[N_COUNTS] = {
	[COUNT_ADDRESS] = {1.0 / 10, 30},
	[COUNT_PAIR] = {1.0 / 30, 10},
	[COUNT_PAIR_LONG] = {1.0 / 900, 30},
	[COUNT_ACCOUNT] = {1.0 / 300, 50},
};
/* Of somebody who has signed in from there before, who may have many devices. */
static const Limit known_limits[N_COUNTS] = {
	[COUNT_PAIR] = {1.0 / 10, 30},
	[COUNT_PAIR_LONG] = {1.0 / 300, 60},
};
/* Of all whose address nobody knows together: bounds what guessing costs the server. */
static const Limit everybody = {1.0, 100};

/* The buckets of one attempt; the account's name need not exist, and is treated the same. */
typedef struct Attempt
{
	uint64 keys[N_COUNTS];
	Limit limits[N_COUNTS];
	bool counts[N_COUNTS];
} Attempt;

/* The key of one count of a subject. */
static uint64
count_key(uint64 subject, Count count, bool known)
{
	return sched_core_mix_key(subject, (uint64) count * 2 + (known ? 1 : 0));
}

/* From an address that the account knows neither strangers there nor attacks from elsewhere count. */
static void
prepare_attempt(FunctionCallInfo fcinfo, Attempt *attempt)
{
	text *subject = PG_GETARG_TEXT_PP(0);
	bool known = PG_GETARG_BOOL(2);
	uint64 account = sched_core_name_key(VARDATA_ANY(subject), VARSIZE_ANY_EXHDR(subject));
	uint64 address = 0;
	uint64 pair;

	memcpy(attempt->limits, known ? known_limits : limits, sizeof(limits));
	if (!PG_ARGISNULL(1))
	{
		SchedAddress full = read_inet(PG_GETARG_DATUM(1));
		SchedAddress network = sched_identity_mask_address(&full);

		address = sched_core_name_key((const char *) network.bytes, sizeof(network.bytes));
	}
	else if (!known)
		attempt->limits[COUNT_ADDRESS] = everybody;
	pair = sched_core_mix_key(account, address);
	attempt->keys[COUNT_ADDRESS] = count_key(address, COUNT_ADDRESS, known);
	attempt->keys[COUNT_PAIR] = count_key(pair, COUNT_PAIR, known);
	attempt->keys[COUNT_PAIR_LONG] = count_key(pair, COUNT_PAIR_LONG, known);
	attempt->keys[COUNT_ACCOUNT] = count_key(account, COUNT_ACCOUNT, known);
	for (int i = 0; i < N_COUNTS; i++)
		attempt->counts[i] = attempt->limits[i].burst > 0;
}

/* Of those before `end`. */
static void
give_back(const Attempt *attempt, int end)
{
	for (int i = 0; i < end; i++)
		if (attempt->counts[i])
			sched_core_return_bucket(SCHED_BUCKET_SIGNIN, MyDatabaseId, attempt->keys[i], 1,
									 attempt->limits[i].per_second);
}

/*
 * take_attempt(subject, address, known) -> integer: 0, or the seconds to wait. A refused attempt takes nothing: who hammers
 * at one account does not use up his neighbours' address.
 */
Datum
sched_sql_take_attempt(PG_FUNCTION_ARGS)
{
	Attempt attempt;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	prepare_attempt(fcinfo, &attempt);
	for (int i = 0; i < N_COUNTS; i++)
	{
		int64 wait = 0;

		if (attempt.counts[i])
			wait = sched_core_take_bucket(SCHED_BUCKET_SIGNIN, MyDatabaseId, attempt.keys[i], 1,
										  attempt.limits[i].per_second, attempt.limits[i].burst);
		if (wait == 0)
			continue;
		give_back(&attempt, i);
		PG_RETURN_INT32((int32) ((wait + USECS_PER_SEC - 1) / USECS_PER_SEC));
	}
	PG_RETURN_INT32(0);
}

/* return_attempt(subject, address, known): it was no guess. */
Datum
sched_sql_return_attempt(PG_FUNCTION_ARGS)
{
	Attempt attempt;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_VOID();
	prepare_attempt(fcinfo, &attempt);
	give_back(&attempt, N_COUNTS);
	PG_RETURN_VOID();
}
