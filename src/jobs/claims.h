/*
 * claims.h - jobs of kinds without handler, which somebody outside works on under a lease.
 */
#ifndef SCHED_JOBS_CLAIMS_H
#define SCHED_JOBS_CLAIMS_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "jobs/kinds.h"

/* Jobs of one call. */
#define SCHED_MAX_CLAIM 1000

/* Who asks, and whose jobs he may have. */
typedef struct SchedClaimCaller
{
	bool has_user;
	pg_uuid_t user_id;
	bool is_admin;
	bool sees_all;
} SchedClaimCaller;

/* About the role outside definer functions, whoever's rights are in force. */
extern void sched_jobs_find_claim_caller(SchedClaimCaller *caller);
extern bool sched_jobs_may_claim(const SchedClaimCaller *caller, const SchedKind *kind);

/* From now on; throws for a lease that is too short or too long. */
extern TimestampTz sched_jobs_read_lease(Interval *lease);

/*
 * Takes jobs back whose lease has lapsed: an attempt that failed. With `all` also those whose end
 * their parents have to be told of, which only a worker may lock. Returns when the next lease
 * ends (DT_NOEND: none). Needs an SPI connection with rights on all rows.
 */
extern TimestampTz sched_jobs_end_lapsed_claims(bool all);

#endif
