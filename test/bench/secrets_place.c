/*
 * secrets_place.c - what placing a secret costs, measured inside a backend: a library beside the extension's that calls
 * its functions in a loop. For benchmarks only; it hands out times, never a value. Processor time, so that what else runs
 * on the machine does not count.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "identity/data_key.h"
#include "identity/secret.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(time_placing);
PG_FUNCTION_INFO_V1(time_opening);
PG_FUNCTION_INFO_V1(time_mail);

extern Datum sched_sql_body_key(PG_FUNCTION_ARGS);
extern Datum sched_sql_seal_body(PG_FUNCTION_ARGS);
extern Datum sched_sql_open_body(PG_FUNCTION_ARGS);

static double
used_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* time_placing(user_id, name, host, port, n) -> microseconds for each opening of a secret as the HTTP layer does it */
Datum
time_placing(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	SchedSecretTarget target = {
		.host = text_to_cstring(PG_GETARG_TEXT_PP(2)), .port = PG_GETARG_INT32(3), .path = "/"};
	int n = PG_GETARG_INT32(4);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "placing", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	double start;

	start = used_seconds();
	for (int i = 0; i < n; i++)
	{
		SchedSecretValue value;

		if (sched_identity_open_secret(PG_GETARG_UUID_P(0), name, &target, &value) !=
			SCHED_SECRET_OK)
			elog(ERROR, "the secret does not open");
		sched_identity_close_secret(&value);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_FLOAT8((used_seconds() - start) * 1e6 / n);
}

/* time_opening(length, n) -> microseconds for each bare AES-256-GCM opening of a value of this length */
Datum
time_opening(PG_FUNCTION_ARGS)
{
	int length = PG_GETARG_INT32(0);
	int n = PG_GETARG_INT32(1);
	unsigned char *plain = palloc0(length);
	unsigned char *sealed = palloc(length + SCHED_SEAL_OVERHEAD);
	SchedKey key = {{0}};
	double start;

	if (!sched_identity_seal(&key, "x", 1, plain, length, sealed))
		elog(ERROR, "could not seal");
	start = used_seconds();
	for (int i = 0; i < n; i++)
	{
		if (!sched_identity_unseal(&key, "x", 1, sealed, length + SCHED_SEAL_OVERHEAD, plain))
			elog(ERROR, "could not open");
	}
	PG_RETURN_FLOAT8((used_seconds() - start) * 1e6 / n);
}

/* time_mail(user_id, length, n, seals) -> microseconds for each mail, key looked up each time, as SQL does it */
Datum
time_mail(PG_FUNCTION_ARGS)
{
	Datum user_id = PG_GETARG_DATUM(0);
	int length = PG_GETARG_INT32(1);
	int n = PG_GETARG_INT32(2);
	Datum raw = PointerGetDatum(palloc0(VARHDRSZ + length));
	Datum key = DirectFunctionCall1(sched_sql_body_key, user_id);
	Datum sealed;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mails", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	double start;

	SET_VARSIZE(raw, VARHDRSZ + length);
	sealed = DirectFunctionCall4(sched_sql_seal_body, user_id, user_id, key, raw);
	old = MemoryContextSwitchTo(context);
	start = used_seconds();
	for (int i = 0; i < n; i++)
	{
		if (PG_GETARG_BOOL(3))
			DirectFunctionCall4(sched_sql_seal_body, user_id, user_id,
								DirectFunctionCall1(sched_sql_body_key, user_id), raw);
		else
			DirectFunctionCall4(sched_sql_open_body, user_id, user_id, key, sealed);
		MemoryContextReset(context);
	}
	start = used_seconds() - start;
	MemoryContextSwitchTo(old);
	PG_RETURN_FLOAT8(start * 1e6 / n);
}
