/*
 * api_limit.c - the rows of api_limits, kept in each process, and calls counted in shared memory.
 *
 * Runs in backends, in authenticate(). Writes nothing: a bucket holds what is left (core/bucket.h), so a call that
 * fails later has been counted all the same.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/bucket.h"
#include "identity/api_limit.h"
#include "identity/lookup.h"

#define MAX_LIMITS 256
#define MICROSECONDS INT64CONST(1000000)

typedef struct ApiLimit
{
	char function[NAMEDATALEN]; /* "*": every one, counted together */
	char role[NAMEDATALEN];     /* "*": every one */
	int per_minute;
	uint64 key;
} ApiLimit;

static SchedKeptTable kept_table = {.name = "api_limits"};
static ApiLimit limits[MAX_LIMITS];
static int n_limits = 0;

static bool
read_limit(TupleTableSlot *slot, Oid table, void *result)
{
	ApiLimit *limit = &limits[n_limits];
	Datum function;
	Datum role;
	Datum per_minute;

	if (n_limits == MAX_LIMITS || !sched_identity_read_column(slot, table, "function", &function) ||
		!sched_identity_read_column(slot, table, "role", &role) ||
		!sched_identity_read_column(slot, table, "per_minute", &per_minute))
		return true;
	strlcpy(limit->function, TextDatumGetCString(function), NAMEDATALEN);
	strlcpy(limit->role, TextDatumGetCString(role), NAMEDATALEN);
	limit->per_minute = DatumGetInt32(per_minute);
	limit->key = sched_core_mix_key(sched_core_name_key(limit->function, strlen(limit->function)),
									sched_core_name_key(limit->role, strlen(limit->role)));
	n_limits++;
	return true;
}

static bool
applies(const ApiLimit *limit, const char *function, const char *role)
{
	return (strcmp(limit->function, "*") == 0 || strcmp(limit->function, function) == 0) &&
		   (strcmp(limit->role, "*") == 0 || strcmp(limit->role, role) == 0);
}

static int64
take(const ApiLimit *limit, uint64 caller)
{
	/* None a minute: nobody may. */
	if (limit->per_minute == 0)
		return SCHED_BUCKET_NEVER;
	return sched_core_take_bucket(SCHED_BUCKET_API, MyDatabaseId,
								  sched_core_mix_key(limit->key, caller), 1,
								  limit->per_minute / 60.0, limit->per_minute);
}

int
sched_identity_count_call(const char *function, const char *role, const pg_uuid_t *user_id)
{
	uint64 caller =
		user_id != NULL ? sched_core_name_key((const char *) user_id->data, UUID_LEN) : 0;

	if (sched_identity_kept_is_stale(&kept_table))
	{
		n_limits = 0;
		sched_identity_read_kept(&kept_table, read_limit, NULL);
	}
	for (int i = 0; i < n_limits; i++)
	{
		int64 wait = applies(&limits[i], function, role) ? take(&limits[i], caller) : 0;

		if (wait == 0)
			continue;
		/* A call that is not made uses up nothing. */
		for (int taken = 0; taken < i; taken++)
		{
			if (applies(&limits[taken], function, role))
				sched_core_return_bucket(SCHED_BUCKET_API, MyDatabaseId,
										 sched_core_mix_key(limits[taken].key, caller), 1,
										 limits[taken].per_minute / 60.0);
		}
		return (int) ((wait + MICROSECONDS - 1) / MICROSECONDS);
	}
	return 0;
}
