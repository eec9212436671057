/*
 * store.c - statements that are planned once per process.
 *
 * Runs in any process with a transaction. Plans live as long as the process; the server replans
 * them when a table changes, and they are made anew where the extension is another. Throws whatever a statement throws.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "jobs/store.h"

/* Statements that have a plan. */
static List *prepared = NIL;

/* Until AtEOXact_GUC() of this nest level. */
static void
set_locally(const char *name, const char *value)
{
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Statistics of a queue are always wrong: it was empty a second ago, or has a million rows that
 * are gone.
 */
static int
force_indexes(void)
{
	int level = NewGUCNestLevel();

	set_locally("enable_seqscan", "off");
	set_locally("enable_bitmapscan", "off");
	set_locally("enable_sort", "off");
	set_locally("jit", "off");
	return level;
}

/*
 * In a session that lives longer than the extension: its plans and the oids of its row types are of one that was dropped.
 * Its schema's oid tells.
 */
static void
forget_dropped(void)
{
	static Oid known = InvalidOid;
	Oid schema = get_namespace_oid("scheduler", true);
	ListCell *cell;

	if (schema == known)
		return;
	known = schema;
	foreach (cell, prepared)
	{
		SchedStatement *statement = lfirst(cell);

		SPI_freeplan(statement->plan);
		statement->plan = NULL;
	}
	list_free(prepared);
	prepared = NIL;
}

/* Kept until the extension is another; the server replans where tables change. */
static void
prepare_statement(SchedStatement *statement)
{
	SPIPlanPtr plan = SPI_prepare_cursor(statement->sql, statement->n_types, statement->types,
										 CURSOR_OPT_GENERIC_PLAN);
	MemoryContext old;

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", statement->sql,
			 SPI_result_code_string(SPI_result));
	statement->plan = plan;
	old = MemoryContextSwitchTo(TopMemoryContext);
	prepared = lappend(prepared, statement);
	MemoryContextSwitchTo(old);
}

/* The one statement of a plan. */
static CachedPlanSource *
source_of(SchedStatement *statement)
{
	return linitial(SPI_plan_get_plan_sources(statement->plan));
}

/* Will the server execute what it has planned before? */
static bool
is_planned(SchedStatement *statement)
{
	CachedPlanSource *source = statement->plan != NULL ? source_of(statement) : NULL;

	return source != NULL && source->is_valid && source->gplan != NULL && source->gplan->is_valid;
}

/* A plan made with the planner's ordinary settings is not one to keep. */
static void
forget_plan(SchedStatement *statement)
{
	SPI_freeplan(statement->plan);
	statement->plan = NULL;
	prepared = list_delete_ptr(prepared, statement);
}

/*
 * Settings of the planner are changed around the statement only: handlers' own plans are theirs. And only where it
 * plans, as changing them costs more than a small statement does. A table that changes while its lock is waited for is
 * planned for inside: that plan serves once.
 */
void
sched_jobs_execute(SchedStatement *statement, Datum *values, const char *nulls, int expected)
{
	bool planned;
	int generation;
	int level;
	int result;

	forget_dropped();
	planned = !statement->by_index || is_planned(statement);
	generation = planned && statement->by_index ? source_of(statement)->generation : 0;
	level = planned ? 0 : force_indexes();
	if (statement->plan == NULL)
		prepare_statement(statement);
	result = SPI_execute_plan(statement->plan, values, nulls, false, 0);
	if (result != expected)
		elog(ERROR, "\"%s\" gave %s", statement->sql, SPI_result_code_string(result));
	if (!planned)
		AtEOXact_GUC(false, level);
	else if (statement->by_index && source_of(statement)->generation != generation)
		forget_plan(statement);
}

Datum
sched_jobs_form_array(Datum *elements, int n, Oid type)
{
	int16 length = type == TIDOID ? sizeof(ItemPointerData) : UUID_LEN;

	return PointerGetDatum(construct_array(elements, n, type, length, false,
										   type == TIDOID ? TYPALIGN_SHORT : TYPALIGN_CHAR));
}

/*
 * The statements name tables with their schema, but not operators: in a session they would mean
 * what the caller's search_path offers, and would run with more rights than the caller has.
 */
void
sched_jobs_enter_system(SchedRights *before)
{
	GetUserIdAndSecContext(&before->user, &before->context);
	SetUserIdAndSecContext(sched_jobs_system_role(),
						   before->context | SECURITY_LOCAL_USERID_CHANGE);
	before->guc_level = NewGUCNestLevel();
	set_locally("search_path", "pg_catalog, pg_temp");
	SPI_connect();
}

void
sched_jobs_leave_system(const SchedRights *before)
{
	SPI_finish();
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->context);
}

/* Sees every user's rows. */
Oid
sched_jobs_system_role(void)
{
	return get_role_oid("scheduler_system", false);
}

/* Row-level security binds it: a handler sees its job's user's rows. */
Oid
sched_jobs_owner_role(void)
{
	return get_role_oid("scheduler_owner", false);
}
