/*
 * secrets_place.c - what placing a secret costs, measured inside a backend: a library beside the extension's that calls
 * its functions in a loop. For benchmarks only; it hands out times, never a value.
 */
#include "postgres.h"

#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "identity/data_key.h"
#include "identity/secret.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(time_placing);
PG_FUNCTION_INFO_V1(time_opening);

/* time_placing(user_id, name, host, port, n) -> microseconds for each opening of a secret as the HTTP layer does it */
Datum
time_placing(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	SchedSecretTarget target = {.host = text_to_cstring(PG_GETARG_TEXT_PP(2)),
								.port = PG_GETARG_INT32(3),
								.path = "/"};
	int n = PG_GETARG_INT32(4);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "placing", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	instr_time start;
	instr_time end;

	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
	{
		SchedSecretValue value;

		if (sched_identity_open_secret(PG_GETARG_UUID_P(0), name, &target, &value) !=
			SCHED_SECRET_OK)
			elog(ERROR, "the secret does not open");
		sched_identity_close_secret(&value);
		MemoryContextReset(context);
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	MemoryContextSwitchTo(old);
	PG_RETURN_FLOAT8(INSTR_TIME_GET_DOUBLE(end) * 1e6 / n);
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
	instr_time start;
	instr_time end;

	if (!sched_identity_seal(&key, "x", 1, plain, length, sealed))
		elog(ERROR, "could not seal");
	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
	{
		if (!sched_identity_unseal(&key, "x", 1, sealed, length + SCHED_SEAL_OVERHEAD, plain))
			elog(ERROR, "could not open");
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	PG_RETURN_FLOAT8(INSTR_TIME_GET_DOUBLE(end) * 1e6 / n);
}
