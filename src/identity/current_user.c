/*
 * current_user.c - current_user_id(), required_user_id(), caller_has_role().
 *
 * Runs in any backend, worker or runner. The order of identities is fixed: the job's user inside a worker or
 * runner, else the user mapped to GetOuterUserId() - never current_user, which a definer function changes, and
 * never session_user, which SET ROLE leaves behind. A setting that a client can SET is never asked.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "identity/account.h"
#include "identity/current_user.h"

PG_FUNCTION_INFO_V1(sched_sql_current_user_id);
PG_FUNCTION_INFO_V1(sched_sql_required_user_id);
PG_FUNCTION_INFO_V1(sched_sql_caller_has_role);
PG_FUNCTION_INFO_V1(sched_sql_is_timezone);

const pg_uuid_t sched_identity_system_user = {{0}};

/* The job's user; what it was before is kept per nesting level of subtransactions, so that an abort restores it. */
typedef struct JobUser
{
	struct JobUser *previous;
	int nest_level;
	bool is_set;
	pg_uuid_t user_id;
} JobUser;

static JobUser *job_user = NULL; /* in TopMemoryContext; NULL: none */

/* Pops what deeper levels than this have set. */
static void
drop_deeper(int nest_level)
{
	while (job_user != NULL && job_user->nest_level > nest_level)
	{
		JobUser *previous = job_user->previous;

		pfree(job_user);
		job_user = previous;
	}
}

/* An identity never outlives the transaction it was given in; one given between transactions stays. */
static void
forget_at_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		drop_deeper(0);
}

static void
follow_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int outer_level = GetCurrentTransactionNestLevel() - 1;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_deeper(outer_level);
	else if (event == SUBXACT_EVENT_COMMIT_SUB && job_user != NULL &&
			 job_user->nest_level > outer_level)
	{
		JobUser *outer = job_user->previous;

		/* What the subtransaction set is now its parent's. */
		job_user->nest_level = outer_level;
		if (outer != NULL && outer->nest_level == outer_level)
		{
			job_user->previous = outer->previous;
			pfree(outer);
		}
	}
}

void
sched_identity_set_job_user(const pg_uuid_t *user_id)
{
	static bool registered = false;
	int nest_level = GetCurrentTransactionNestLevel();

	if (!registered)
	{
		RegisterXactCallback(forget_at_end, NULL);
		RegisterSubXactCallback(follow_subtransaction, NULL);
		registered = true;
	}
	if (job_user == NULL || job_user->nest_level < nest_level)
	{
		JobUser *entry = MemoryContextAllocZero(TopMemoryContext, sizeof(JobUser));

		entry->previous = job_user;
		entry->nest_level = nest_level;
		job_user = entry;
	}
	job_user->is_set = user_id != NULL;
	if (user_id != NULL)
		job_user->user_id = *user_id;
}

/* The user whose role_name is this role, where he may sign in. */
static bool
find_user_of_role(const char *role_name, pg_uuid_t *user_id)
{
	SchedAccount account;

	if (!sched_identity_find_role_account(role_name, &account) || !account.is_active)
		return false;
	*user_id = account.user_id;
	return true;
}

/*
 * Somebody else's code: an index expression, a default or a materialized view that the server evaluates as the table's
 * owner while a superuser or autovacuum is outside. Its owner would act as whoever maintains the table; so nobody is
 * there, and no role. A job's handler runs restricted too, but its identity is set and the role outside is its own.
 */
static bool
runs_for_another(void)
{
	return (job_user == NULL || !job_user->is_set) && InSecurityRestrictedOperation() &&
		   GetUserId() != GetOuterUserId();
}

bool
sched_identity_find_current(pg_uuid_t *user_id)
{
	char *role_name;

	if (job_user != NULL && job_user->is_set)
	{
		*user_id = job_user->user_id;
		return true;
	}
	if (runs_for_another())
		return false;
	role_name = GetUserNameFromId(GetOuterUserId(), true);
	return role_name != NULL && find_user_of_role(role_name, user_id);
}

bool
sched_identity_caller_has_role(const char *role_name)
{
	Oid caller = GetOuterUserId();
	Oid role = get_role_oid(role_name, true);

	if (runs_for_another())
		return false;
	return superuser_arg(caller) || (OidIsValid(role) && has_privs_of_role(caller, role));
}

Datum
sched_sql_current_user_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = palloc(sizeof(pg_uuid_t));

	if (!sched_identity_find_current(user_id))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(user_id);
}

/* required_user_id() -> uuid; 28000 without identity. */
Datum
sched_sql_required_user_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = palloc(sizeof(pg_uuid_t));

	if (!sched_identity_find_current(user_id))
	{
		if (!sched_identity_caller_has_role("scheduler_admin"))
			ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
							errmsg("no current user"),
							errdetail("No row of scheduler.users has role_name \"%s\".",
									  GetUserNameFromId(GetOuterUserId(), false)),
							errhint("SELECT scheduler.setup('you@example.org')")));
		*user_id = sched_identity_system_user;
	}
	PG_RETURN_UUID_P(user_id);
}

Datum
sched_sql_caller_has_role(PG_FUNCTION_ARGS)
{
	char *role_name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(sched_identity_caller_has_role(role_name));
}

/*
 * is_timezone(name) -> boolean. Only names of the zone data: an abbreviation or a POSIX string ("CET-1") names
 * an offset, not a place with rules.
 */
Datum
sched_sql_is_timezone(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pg_tz *zone = strlen(name) < TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	if (zone == NULL || !pg_tz_acceptable(zone))
		PG_RETURN_BOOL(false);
	if (strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(strchr(name, '/') != NULL && strchr(name, ',') == NULL &&
				   strchr(name, '<') == NULL);
}
