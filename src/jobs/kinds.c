/*
 * kinds.c - a cache of job_kinds, and finding the function that a handler's name means.
 *
 * Runs in any process that enqueues or runs jobs. Entries are never freed: a kind is a row that
 * somebody wrote, not data that arrives. A change of the table or of any function makes them old
 * at once; they are read again at the next use. Handlers are text because columns that refer to
 * functions block pg_upgrade.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "core/compat.h"
#include "jobs/kinds.h"
#include "jobs/store.h"

PG_FUNCTION_INFO_V1(sched_sql_forget_job_kinds);
PG_FUNCTION_INFO_V1(sched_sql_checked_handler);

static HTAB *kinds = NULL;
static uint64 generation = 1;
static Oid kinds_relation = InvalidOid;

static SchedStatement read_kind = {
	"SELECT owner_id, builtin, shared, coalesce(handler, ''), coalesce(run_as, ''), "
	"coalesce(enqueue_role, ''),"
	" coalesce(worker_role, ''), max_attempts, (extract(epoch FROM timeout) * 1000)::bigint, "
	"priority,"
	" coalesce(per_user_limit, 0), announce, 'scheduler.job_kinds'::regclass::oid,"
	" coalesce(handler_many, '')"
	" FROM scheduler.job_kinds WHERE kind = $1",
	1,
	{TEXTOID},
	true,
	NULL};

/* Invalidation callback; an invalid oid means everything. */
static void
forget_on_relation(Datum arg, Oid relation)
{
	if (relation == kinds_relation || !OidIsValid(relation))
		generation++;
}

/* Invalidation callback: CREATE OR REPLACE, DROP, GRANT, REVOKE, any of which may concern a handler. */
static void
forget_on_function(Datum arg, int cache, uint32 hash)
{
	generation++;
}

/* Once per process: callbacks cannot be taken back. */
static void
make_cache(void)
{
	HASHCTL control = {0};

	control.keysize = SCHED_KIND_LENGTH;
	control.entrysize = sizeof(SchedKind);
	kinds = hash_create("scheduler job kinds", 64, &control, HASH_ELEM | HASH_STRINGS);
	CacheRegisterRelcacheCallback(forget_on_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_on_function, (Datum) 0);
	/* Rights on its schema, and the roles that its role is a member of. */
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_on_function, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_on_function, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_on_function, (Datum) 0);
}

/* Of the one row that read_kind gave; none of its columns is NULL. */
static Datum
read_column(int column)
{
	bool is_null;

	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);
}

/* Cut to fit: the table's checks keep it shorter. */
static void
copy_text(char *target, size_t size, int column)
{
	text_to_cstring_buffer(DatumGetTextPP(read_column(column)), target, size);
}

/*
 * Reads the row as it is now; the generation is taken first, so that a change meanwhile makes it
 * old again.
 */
static void
load_kind(SchedKind *kind)
{
	uint64 read_at = generation;
	Datum values[1] = {CStringGetTextDatum(kind->name)};
	bool shared;

	sched_jobs_execute(&read_kind, values, NULL, SPI_OK_SELECT);
	kind->exists = SPI_processed == 1;
	kind->generation = read_at;
	kind->quick = false;
	if (!kind->exists)
		return;
	kind->owner = *DatumGetUUIDP(read_column(1));
	kind->builtin = DatumGetBool(read_column(2));
	shared = DatumGetBool(read_column(3));
	copy_text(kind->handler, sizeof(kind->handler), 4);
	kind->external = kind->handler[0] == '\0';
	kind->runner = !kind->builtin && !shared && !kind->external;
	copy_text(kind->run_as, sizeof(kind->run_as), 5);
	copy_text(kind->enqueue_role, sizeof(kind->enqueue_role), 6);
	copy_text(kind->worker_role, sizeof(kind->worker_role), 7);
	kind->max_attempts = DatumGetInt32(read_column(8));
	kind->timeout_ms = DatumGetInt64(read_column(9));
	kind->priority = DatumGetInt16(read_column(10));
	kind->per_user_limit = DatumGetInt32(read_column(11));
	kind->announce = DatumGetBool(read_column(12));
	kinds_relation = DatumGetObjectId(read_column(13));
	copy_text(kind->handler_many, sizeof(kind->handler_many), 14);
	SPI_freetuptable(SPI_tuptable);
}

SchedKind *
sched_jobs_recall_kind(const char *name)
{
	SchedKind *kind;

	if (kinds == NULL || strlen(name) >= SCHED_KIND_LENGTH)
		return NULL;
	kind = hash_search(kinds, name, HASH_FIND, NULL);
	return kind != NULL && kind->generation == generation && kind->exists ? kind : NULL;
}

/* The entry stays at its address, so callers may hold it while its contents change. */
SchedKind *
sched_jobs_find_kind(const char *name)
{
	SchedKind *kind;
	bool found;

	if (strlen(name) >= SCHED_KIND_LENGTH)
		return NULL;
	if (kinds == NULL)
		make_cache();
	kind = hash_search(kinds, name, HASH_FIND, &found);
	if (kind == NULL)
	{
		kind = hash_search(kinds, name, HASH_ENTER, &found);
		memset((char *) kind + SCHED_KIND_LENGTH, 0, sizeof(SchedKind) - SCHED_KIND_LENGTH);
	}
	if (kind->generation != generation)
		load_kind(kind);
	/*
	 * Names that are no kind come from callers and would fill memory; one in use as a handler
	 * stays.
	 */
	if (!kind->exists && kind->resolved == 0)
		hash_search(kinds, name, HASH_REMOVE, &found);
	return kind->exists ? kind : NULL;
}

/* A row type of ours, or the array of it. */
static Oid
look_up_type(const char *name, bool array)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(get_namespace_oid("scheduler", false)));

	return array ? get_array_type(type) : type;
}

/*
 * The function with this qualified name and the arguments of a handler, or of one for many jobs,
 * or InvalidOid. With the eyes of the role that will run it: others may not see into its schema.
 */
static Oid
look_up_handler(const char *name, Oid role, bool many)
{
	Oid function;
	Oid user;
	int context;
	Oid types[2] = {look_up_type("job", many), look_up_type("http_response", many)};
	List *names = SCHED_SPLIT_NAME(name);

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(role, context | SECURITY_LOCAL_USERID_CHANGE);
	function = LookupFuncName(names, 2, types, true);
	SetUserIdAndSecContext(user, context);
	return function;
}

/*
 * What makes a function unfit, or NULL; `plain` tells a C function, which needs no
 * subtransaction.
 */
static const char *
judge_function(Oid function, bool builtin, bool *plain)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool fits = form->prorettype == look_up_type("step", false) && !form->proretset &&
				!form->proisstrict && form->prokind == PROKIND_FUNCTION;

	*plain = builtin && form->prolang == ClanguageId;
	ReleaseSysCache(tuple);
	return fits ? NULL : "the handler does not return one scheduler.step, or is STRICT";
}

/* Looking the function up would throw; a schema that is not there means no such function. */
static bool
may_use_schema(const char *name, Oid role)
{
	List *names = SCHED_SPLIT_NAME(name);
	Oid schema =
		list_length(names) == 2 ? get_namespace_oid(strVal(linitial(names)), true) : InvalidOid;

	return !OidIsValid(schema) || SCHED_MAY_USE_SCHEMA(schema, role);
}

/* Only again when something has changed; the answer is words, as the job's error. */
const char *
sched_jobs_resolve_handler(SchedKind *kind, Oid role)
{
	Oid function;
	const char *problem;
	bool plain;

	if (kind->resolved == kind->generation)
		return NULL;
	if (!may_use_schema(kind->handler, role))
		return "permission denied for the schema of the handler's function";
	function = look_up_handler(kind->handler, role, false);
	if (!OidIsValid(function))
		return "the handler's function does not exist";
	problem = judge_function(function, kind->builtin, &plain);
	if (problem != NULL)
		return problem;
	if (!SCHED_MAY_EXECUTE(function, role))
		return "permission denied for the handler's function";
	if (kind->function_context == NULL)
		kind->function_context =
			AllocSetContextCreate(TopMemoryContext, "scheduler job handler", ALLOCSET_SMALL_SIZES);
	kind->resolved = 0;
	MemoryContextReset(kind->function_context);
	fmgr_info_cxt(function, &kind->function, kind->function_context);
	/* The extension's own, so it is there and fits. */
	if (kind->handler_many[0] != '\0')
		fmgr_info_cxt(look_up_handler(kind->handler_many, role, true), &kind->function_many,
					  kind->function_context);
	kind->plain = plain;
	kind->resolved = kind->generation;
	return NULL;
}

/* Trigger of job_kinds: an invalidation reaches every process when the change commits. */
Datum
sched_sql_forget_job_kinds(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called by a trigger");
	CacheInvalidateRelcache(data->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/*
 * checked_handler(handler, role_name): the qualified name of a function that this role may use
 * as a handler.
 */
Datum
sched_sql_checked_handler(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid role = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(1)), false);
	List *names = SCHED_SPLIT_NAME(name);
	const char *problem;
	bool plain;
	Oid function;

	if (list_length(names) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a handler is named with its schema"), errdetail("\"%s\"", name)));
	function = look_up_handler(name, role, false);
	if (!OidIsValid(function))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("no such handler"),
						errdetail("%s(scheduler.job, scheduler.http_response)", name)));
	problem = judge_function(function, false, &plain);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("this function cannot be a handler"), errdetail("%s.", problem),
				 errhint("A handler is a function, not STRICT, that returns one scheduler.step.")));
	if (!SCHED_MAY_EXECUTE(function, role))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for function %s", name)));
	PG_RETURN_TEXT_P(cstring_to_text(
		quote_qualified_identifier(strVal(linitial(names)), strVal(lsecond(names)))));
}
