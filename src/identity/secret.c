/*
 * secret.c - the secret store: seals what SQL hands in, opens one value for the HTTP layer.
 *
 * Runs in backends (setting secrets) and workers (opening them), inside a transaction. A value is sealed under its
 * owner's data key (data_key.c), with the table, owner, name and hosts bound in: a row that is copied elsewhere, or
 * whose hosts are changed, does not open. Clear text lives in malloc'ed or caller-owned memory that is wiped before
 * anything can throw; SPI and palloc see sealed bytes only.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/settings.h"
#include "identity/binding.h"
#include "identity/current_user.h"
#include "identity/data_key.h"
#include "identity/password.h"
#include "identity/seal.h"
#include "identity/secret.h"

PG_FUNCTION_INFO_V1(sched_sql_seal_secret);
PG_FUNCTION_INFO_V1(sched_sql_seal_secret_file);
PG_FUNCTION_INFO_V1(sched_sql_reseal_secret);
PG_FUNCTION_INFO_V1(sched_sql_hash_password);

/* More than any key, token or private key file needs. */
#define MAX_SECRET_BYTES 65536

/* Bound in before the rest, so that no seal of another table opens as a secret. */
#define SECRET_LABEL "sealed_secrets"

/* What a seal is bound to: table, owner, name, hosts as they stand in the row. Nothing of it is secret. */
static void
bind_row(StringInfo row, const pg_uuid_t *user_id, const char *name, const char *hosts)
{
	initStringInfo(row);
	appendBinaryStringInfo(row, SECRET_LABEL, sizeof(SECRET_LABEL));
	appendBinaryStringInfo(row, (const char *) user_id->data, UUID_LEN);
	appendBinaryStringInfo(row, name, (int) strlen(name) + 1);
	appendStringInfoString(row, hosts);
}

/*
 * (key_id, sealed) of a clear text, which the caller wipes whatever happens here. What can throw comes before the
 * key is in hand.
 */
static Datum
form_sealed(FunctionCallInfo fcinfo, const StringInfo row, const char *plain, size_t length)
{
	TupleDesc row_type;
	bytea *sealed = palloc(VARHDRSZ + length + SCHED_SEAL_OVERHEAD);
	Datum values[2];
	bool nulls[2] = {false, false};
	char key_id[SCHED_KEY_ID_CHARS + 1];
	const SchedKey *key;

	if (length == 0 || length > MAX_SECRET_BYTES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a secret has 1 to %d bytes", MAX_SECRET_BYTES),
						errdetail("This one has %zu.", length)));
	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	key = sched_identity_sealing_key(PG_GETARG_UUID_P(0));
	memcpy(key_id, key->id, sizeof(key_id));
	if (!sched_identity_seal(key, row->data, (size_t) row->len, plain, length,
							 (unsigned char *) VARDATA(sealed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the secret could not be sealed")));
	SET_VARSIZE(sealed, VARHDRSZ + length + SCHED_SEAL_OVERHEAD);
	values[0] = CStringGetTextDatum(key_id);
	values[1] = PointerGetDatum(sealed);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls));
}

/* Arguments 0, 1, 2: owner, name and hosts, as they will stand in the row. */
static void
bind_arguments(FunctionCallInfo fcinfo, StringInfo row)
{
	bind_row(row, PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
			 text_to_cstring(PG_GETARG_TEXT_PP(2)));
}

/*
 * seal_secret(user_id, name, hosts, value) -> (key_id, sealed). The detoasted copy is wiped here; what the protocol
 * or the parser holds of the value goes with their memory contexts.
 */
Datum
sched_sql_seal_secret(PG_FUNCTION_ARGS)
{
	StringInfoData bound;
	text *value = PG_GETARG_TEXT_P_COPY(3);
	char *plain = VARDATA(value);
	size_t length = VARSIZE(value) - VARHDRSZ;
	Datum row = (Datum) 0;

	PG_TRY();
	{
		bind_arguments(fcinfo, &bound);
		if (debug_query_string != NULL && length >= 8 && length <= strlen(debug_query_string) &&
			memmem(debug_query_string, strlen(debug_query_string), plain, length) != NULL)
			ereport(
				WARNING,
				(errmsg("the secret stands in the text of the statement"),
				 errdetail("Logs, statistics and pg_stat_activity may show that text."),
				 errhint("Bind it as a parameter, use scheduler.set_secret_from_file() or \\copy "
						 "scheduler.secret_input.")));
		row = form_sealed(fcinfo, &bound, plain, length);
	}
	PG_FINALLY();
	{
		sched_identity_wipe(plain, length);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(row);
}

/*
 * Reads a whole small file; the length, or -1 with errno. One byte more than allowed is asked for, which tells
 * that it is too long. A FIFO or device does not make the backend wait.
 */
static ssize_t
read_small_file(const char *path, char *buffer, size_t size)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	ssize_t part = -1;

	if (descriptor < 0)
		return -1;
	while (length < size && (part = read(descriptor, buffer + length, size - length)) > 0)
		length += part;
	close(descriptor);
	return part < 0 ? -1 : (ssize_t) length;
}

/* seal_secret_file(user_id, name, hosts, path) -> (key_id, sealed), for those who may read the server's files. */
Datum
sched_sql_seal_secret_file(PG_FUNCTION_ARGS)
{
	StringInfoData bound;
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *plain;
	ssize_t length = 0;
	Datum row = (Datum) 0;

	if (!sched_identity_caller_has_role("pg_read_server_files"))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to read files of the server"),
						errhint("This needs membership of pg_read_server_files.")));
	bind_arguments(fcinfo, &bound);
	plain = palloc(MAX_SECRET_BYTES + 1);
	PG_TRY();
	{
		length = read_small_file(path, plain, MAX_SECRET_BYTES + 1);
		if (length < 0)
			ereport(ERROR,
					(errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path),
					 errhint("The server's operating system user must be able to read it.")));
		/* Editors and echo end a file with a line feed that is no part of the secret. */
		while (length > 0 && (plain[length - 1] == '\n' || plain[length - 1] == '\r'))
			length--;
		row = form_sealed(fcinfo, &bound, plain, (size_t) length);
	}
	PG_FINALLY();
	{
		sched_identity_wipe(plain, MAX_SECRET_BYTES + 1);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(row);
}

/* hash_password(password) -> text: bcrypt. */
Datum
sched_sql_hash_password(PG_FUNCTION_ARGS)
{
	char *password = text_to_cstring(PG_GETARG_TEXT_PP(0));
	size_t length = strlen(password);
	char hash[SCHED_PASSWORD_HASH_BYTES];
	bool hashed = false;
	bool fits = length >= SCHED_PASSWORD_MIN_BYTES && length <= SCHED_PASSWORD_MAX_BYTES;

	if (fits)
		hashed = sched_identity_hash_password(password, hash);
	sched_identity_wipe(password, length);
	if (!fits)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a password has %d to %d bytes", SCHED_PASSWORD_MIN_BYTES,
							   SCHED_PASSWORD_MAX_BYTES),
						errdetail("This one has %zu.", length)));
	if (!hashed)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("the password could not be hashed")));
	PG_RETURN_TEXT_P(cstring_to_text(hash));
}

/*
 * reseal_secret(user_id, name, hosts, key_id, sealed) -> (key_id, sealed): the same value under the owner's newest key. NULLs
 * where it cannot be opened: such a row stays as it is, and doctor() tells of it.
 */
Datum
sched_sql_reseal_secret(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);
	char *key_id = text_to_cstring(PG_GETARG_TEXT_PP(3));
	bytea *sealed = PG_GETARG_BYTEA_PP(4);
	size_t length = VARSIZE_ANY_EXHDR(sealed);
	SchedKeyPlace place = sched_identity_key_place();
	StringInfoData bound;
	const SchedKey *key;
	unsigned char *plain;
	Datum row = (Datum) 0;
	SchedDataKeyStatus status;

	bind_arguments(fcinfo, &bound);
	if (length <= SCHED_SEAL_OVERHEAD)
		PG_RETURN_NULL();
	plain = palloc(length - SCHED_SEAL_OVERHEAD);
	status = sched_identity_find_data_key(&place, user_id, key_id, &key);
	/* A key or value that is lost stays so; trouble that may pass must not look like it. */
	if (status != SCHED_DATA_KEY_OK && status != SCHED_DATA_KEY_NONE &&
		status != SCHED_DATA_KEY_UNKNOWN)
		sched_identity_throw_data_key(status, &place);
	if (status != SCHED_DATA_KEY_OK ||
		!sched_identity_unseal(key, bound.data, (size_t) bound.len,
							   (const unsigned char *) VARDATA_ANY(sealed), length, plain))
		PG_RETURN_NULL();
	PG_TRY();
	{
		row = form_sealed(fcinfo, &bound, (const char *) plain, length - SCHED_SEAL_OVERHEAD);
	}
	PG_FINALLY();
	{
		sched_identity_wipe(plain, length - SCHED_SEAL_OVERHEAD);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(row);
}

/* A sealed secret as found in the table; palloc'ed. */
typedef struct FoundSecret
{
	pg_uuid_t owner_id;
	char *key_id;
	bytea *sealed;
	char *hosts; /* separated by blanks */
	bool used_long_ago;
} FoundSecret;

/*
 * Plans are kept for the life of the process; the worker opens a secret for every call.
 */
static SPIPlanPtr
prepare_once(SPIPlanPtr *plan, const char *query, int n_types, Oid *types)
{
	if (*plan == NULL)
	{
		*plan = SPI_prepare(query, n_types, types);
		if (*plan == NULL || SPI_keepplan(*plan) != 0)
			elog(ERROR, "could not prepare a query of the secret store");
	}
	return *plan;
}

/* Copies the one row of SPI's result into `context`. */
static void
copy_found(FoundSecret *found, MemoryContext context)
{
	HeapTuple row = SPI_tuptable->vals[0];
	TupleDesc type = SPI_tuptable->tupdesc;
	bool is_null;
	MemoryContext old = MemoryContextSwitchTo(context);

	found->owner_id = *DatumGetUUIDP(SPI_getbinval(row, type, 1, &is_null));
	found->key_id = TextDatumGetCString(SPI_getbinval(row, type, 2, &is_null));
	found->sealed = DatumGetByteaPCopy(SPI_getbinval(row, type, 3, &is_null));
	found->hosts = TextDatumGetCString(SPI_getbinval(row, type, 4, &is_null));
	found->used_long_ago = DatumGetBool(SPI_getbinval(row, type, 5, &is_null));
	MemoryContextSwitchTo(old);
}

/*
 * The user's own secret, else the installation's where exactly this endpoint was registered by an admin: otherwise any
 * user could send the house's key to a server of his choice. Runs as scheduler_system, hence every operator by
 * its full name.
 */
static bool
find_secret(const pg_uuid_t *user_id, const char *name, const SchedSecretTarget *target,
			FoundSecret *found)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext context = CurrentMemoryContext;
	Oid types[] = {UUIDOID, TEXTOID, TEXTOID};
	Datum values[3];
	bool has_row;

	values[0] = UUIDPGetDatum(user_id);
	values[1] = CStringGetTextDatum(name);
	values[2] = CStringGetTextDatum(
		psprintf("%s:%d%s", target->host, target->port, target->path != NULL ? target->path : ""));
	SPI_connect();
	prepare_once(
		&plan,
		"SELECT s.user_id, s.key_id, s.sealed, pg_catalog.array_to_string(s.hosts, ' '),"
		" s.last_used_at IS NULL"
		" OR s.last_used_at OPERATOR(pg_catalog.<)"
		" (pg_catalog.now() OPERATOR(pg_catalog.-) '1 min'::pg_catalog.interval)"
		" FROM scheduler.sealed_secrets s"
		" WHERE s.name OPERATOR(pg_catalog.=) $2"
		" AND (s.user_id OPERATOR(pg_catalog.=) $1"
		" OR s.user_id OPERATOR(pg_catalog.=) scheduler.system_user_id()"
		" AND EXISTS (SELECT FROM scheduler.secret_endpoints e"
		" WHERE e.user_id OPERATOR(pg_catalog.=) s.user_id AND e.name OPERATOR(pg_catalog.=) s.name"
		" AND e.endpoint OPERATOR(pg_catalog.=) pg_catalog.lower($3)))"
		" ORDER BY (s.user_id OPERATOR(pg_catalog.=) $1) DESC LIMIT 1",
		3, types);
	if (SPI_execute_plan(plan, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "the secret store could not be read");
	has_row = SPI_processed == 1;
	if (has_row)
		copy_found(found, context);
	SPI_finish();
	return has_row;
}

/* Notes the use at most once a minute, and never waits for a row: it is a courtesy. Role: scheduler_system. */
static void
note_use(const FoundSecret *found, const char *name)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {UUIDOID, TEXTOID};
	Datum values[2];

	if (!found->used_long_ago || XactReadOnly)
		return;
	values[0] = UUIDPGetDatum(&found->owner_id);
	values[1] = CStringGetTextDatum(name);
	SPI_connect();
	prepare_once(
		&plan,
		"UPDATE scheduler.sealed_secrets SET last_used_at = pg_catalog.now()"
		" WHERE (user_id, name) IN (SELECT s.user_id, s.name FROM scheduler.sealed_secrets s"
		" WHERE s.user_id OPERATOR(pg_catalog.=) $1 AND s.name OPERATOR(pg_catalog.=) $2"
		" FOR UPDATE SKIP LOCKED)",
		2, types);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "the use of a secret could not be noted");
	SPI_finish();
}

/* What the HTTP layer is told of a key that is not to be had. */
static SchedSecretStatus
judge_key(SchedDataKeyStatus status)
{
	switch (status)
	{
		case SCHED_DATA_KEY_OK:
			return SCHED_SECRET_OK;
		case SCHED_DATA_KEY_NO_MASTER:
			return SCHED_SECRET_NO_KEY;
		case SCHED_DATA_KEY_NONE:
		case SCHED_DATA_KEY_REFUSED:
		case SCHED_DATA_KEY_IN_DATA:
			return SCHED_SECRET_NO_DATA_KEY;
		default:
			return SCHED_SECRET_WRONG_KEY;
	}
}

/* Opens sealed bytes into malloc'ed memory. Nothing in here throws. */
static SchedSecretStatus
unseal_found(const FoundSecret *found, const StringInfo row, SchedSecretValue *value)
{
	SchedKeyPlace place = sched_identity_key_place();
	size_t length = VARSIZE_ANY_EXHDR(found->sealed);
	const SchedKey *key;
	SchedSecretStatus status;

	if (length < SCHED_SEAL_OVERHEAD)
		return SCHED_SECRET_DAMAGED;
	status = judge_key(sched_identity_find_data_key(&place, &found->owner_id, found->key_id, &key));
	if (status != SCHED_SECRET_OK)
		return status;
	value->length = length - SCHED_SEAL_OVERHEAD;
	value->bytes = calloc(1, value->length + 1);
	if (value->bytes == NULL)
		status = SCHED_SECRET_NO_MEMORY;
	else if (!sched_identity_unseal(key, row->data, (size_t) row->len,
									(const unsigned char *) VARDATA_ANY(found->sealed), length,
									(unsigned char *) value->bytes))
		status = SCHED_SECRET_DAMAGED;
	if (status != SCHED_SECRET_OK)
		sched_identity_close_secret(value);
	return status;
}

/*
 * Runs in workers, in the short transaction before a call, and answers with a status: a wrong host or a missing
 * key is the job's failure, not the process's. The value is malloc'ed, because it is handed to the HTTP engine; the
 * caller closes it at once after that. Use is noted only where the host may have it.
 */
SchedSecretStatus
sched_identity_open_secret(const pg_uuid_t *user_id, const char *name,
						   const SchedSecretTarget *target, SchedSecretValue *value)
{
	Oid saved_user;
	int saved_context;
	StringInfoData row;
	FoundSecret found;
	bool exists;

	memset(value, 0, sizeof(*value));
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		return SCHED_SECRET_UNKNOWN;
	/* The store is read past row-level security: the query itself says whose rows count. */
	GetUserIdAndSecContext(&saved_user, &saved_context);
	SetUserIdAndSecContext(get_role_oid("scheduler_system", false),
						   saved_context | SECURITY_LOCAL_USERID_CHANGE);
	exists = find_secret(user_id, name, target, &found);
	if (exists && sched_identity_bindings_allow(found.hosts, target->host, target->port))
		note_use(&found, name);
	SetUserIdAndSecContext(saved_user, saved_context);
	if (!exists)
		return SCHED_SECRET_UNKNOWN;
	if (!sched_identity_bindings_allow(found.hosts, target->host, target->port))
		return SCHED_SECRET_WRONG_HOST;
	bind_row(&row, &found.owner_id, name, found.hosts);
	value->shared = memcmp(&found.owner_id, user_id, UUID_LEN) != 0;
	return unseal_found(&found, &row, value);
}

/*
 * Safe to call twice and on a value that was never opened.
 */
void
sched_identity_close_secret(SchedSecretValue *value)
{
	sched_identity_wipe(value->bytes, value->length);
	free(value->bytes);
	memset(value, 0, sizeof(*value));
}

/*
 * Words for jobs.error and doctor(); never the value, nor anything made of it.
 */
const char *
sched_identity_secret_problem(SchedSecretStatus status)
{
	switch (status)
	{
		case SCHED_SECRET_OK:
			return "the secret is in order";
		case SCHED_SECRET_UNKNOWN:
			return "no such secret, or none that may be used for this address";
		case SCHED_SECRET_WRONG_HOST:
			return "the secret is not bound to this host and port";
		case SCHED_SECRET_NO_KEY:
			return "the master key file is missing or refused; see scheduler.doctor()";
		case SCHED_SECRET_NO_DATA_KEY:
			return "the owner's data key is missing or refused; see scheduler.doctor()";
		case SCHED_SECRET_WRONG_KEY:
			return "the secret was sealed with a key that is not here; see scheduler.doctor()";
		case SCHED_SECRET_DAMAGED:
			return "the sealed secret is damaged; set it again";
		case SCHED_SECRET_NO_MEMORY:
			return "out of memory";
	}
	return "unknown problem";
}
