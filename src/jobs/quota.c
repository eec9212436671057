/*
 * quota.c - what one user may pile up: jobs, and bytes in each.
 *
 * Runs in whoever enqueues. Fair shares keep a crowd of jobs from delaying others; this keeps it
 * from filling the disk. Counting takes time in proportion to what is counted, so a session does
 * it at its first and then at each 64th job, and before many at once: a user can be over the
 * limit by a few jobs for each of his sessions. Both functions throw; no memory is kept.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

#include "core/settings.h"
#include "identity/current_user.h"
#include "jobs/quota.h"
#include "jobs/store.h"

#define CHECK_EVERY 64
/* As stored: a handler gets it whole, and so does every copy of the row. */
#define MAX_PAYLOAD_BYTES (16 * 1024 * 1024)

static SchedStatement count_jobs = {
	"SELECT count(*) FROM (SELECT FROM scheduler.live_jobs l WHERE l.user_id = $1 LIMIT $2) AS j",
	2,
	{UUIDOID, INT8OID},
	true,
	NULL};

/* 54000 for one that is too large. */
void
sched_jobs_check_payload(Datum payload)
{
	Size size = toast_raw_datum_size(payload);

	if (size > MAX_PAYLOAD_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("payload is too large"),
				 errdetail("It has %zu bytes, at most %d are possible.", size, MAX_PAYLOAD_BYTES),
				 errhint("Store the data in a table and enqueue its key.")));
}

/* The same for each element; how many there are. */
int64
sched_jobs_check_payloads(ArrayType *payloads)
{
	ArrayIterator iterator = array_create_iterator(payloads, 0, NULL);
	Datum payload;
	bool is_null;
	int64 count = 0;

	while (array_iterate(iterator, &payload, &is_null))
	{
		if (is_null)
			continue;
		sched_jobs_check_payload(payload);
		count++;
	}
	array_free_iterator(iterator);
	return count;
}

/*
 * PT429 where the user would have more live jobs than scheduler.max_user_jobs; failed and dead
 * ones count until retention takes them. The system user, whose jobs an administrator makes, has
 * no limit.
 */
void
sched_jobs_check_quota(const pg_uuid_t *user_id, int64 wanted)
{
	static uint32 calls = 0;
	Datum values[2] = {UUIDPGetDatum(user_id), Int64GetDatum((int64) sched_max_user_jobs + 1)};
	SchedRights before;
	bool is_null;
	int64 count;

	if (memcmp(user_id, &sched_identity_system_user, UUID_LEN) == 0 ||
		(wanted == 1 && calls++ % CHECK_EVERY != 0))
		return;
	sched_jobs_enter_system(&before);
	sched_jobs_execute(&count_jobs, values, NULL, SPI_OK_SELECT);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	sched_jobs_leave_system(&before);
	if (count + wanted > sched_max_user_jobs)
		ereport(ERROR,
				(errcode(MAKE_SQLSTATE('P', 'T', '4', '2', '9')), errmsg("too many jobs"),
				 errdetail("The user has " INT64_FORMAT " live jobs and asks for " INT64_FORMAT
						   " more; at most %d are possible.",
						   count, wanted, sched_max_user_jobs),
				 errhint("Wait until some are done, or cancel them with scheduler.cancel_job(); "
						 "scheduler.max_user_jobs is the limit.")));
}
