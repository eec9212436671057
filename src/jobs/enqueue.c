/*
 * enqueue.c - enqueue(), enqueue_many(): a job comes in.
 *
 * Runs in any backend, and in workers and runners when a handler enqueues. Rights are judged
 * here; the row is written with those of scheduler_system, because an administrator enqueues for
 * others and a superuser for the system user, and every statement names the user itself. An
 * error leaves the role to the (sub)transaction's abort.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/arguments.h"
#include "core/lock.h"
#include "core/uuid7.h"
#include "identity/current_user.h"
#include "jobs/insert.h"
#include "jobs/job.h"
#include "jobs/kinds.h"
#include "jobs/place.h"
#include "jobs/shmem.h"
#include "jobs/quota.h"
#include "jobs/store.h"

extern Datum sched_sql_required_user_id(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sched_sql_enqueue);
PG_FUNCTION_INFO_V1(sched_sql_enqueue_many);
PG_FUNCTION_INFO_V1(sched_sql_enqueue_scheduled);
PG_FUNCTION_INFO_V1(sched_sql_may_enqueue);
PG_FUNCTION_INFO_V1(sched_sql_outer_role);
PG_FUNCTION_INFO_V1(sched_sql_created_here);

typedef enum UniqueMode
{
	UNIQUE_KEEP,
	UNIQUE_REPLACE,
	UNIQUE_RESCHEDULE
} UniqueMode;

/* A job to be; NULL pointers are SQL NULLs. */
typedef struct NewJob
{
	SchedKind *kind;
	pg_uuid_t user_id;
	Datum payload;
	TimestampTz run_at;
	int16 priority;
	text *unique_key;
	text *queue;
	pg_uuid_t *schedule_id;
	UniqueMode mode;
} NewJob;

#define INSERT_COLUMNS                                                                         \
	"INSERT INTO scheduler.live_jobs (user_id, kind, payload, priority, run_at, max_attempts," \
	" queue, parent_id, ready, runner, job_id, unique_key, schedule_id)"
#define INSERT_TYPES                                                                         \
	UUIDOID, TEXTOID, JSONBOID, INT2OID, TIMESTAMPTZOID, INT4OID, TEXTOID, UUIDOID, BOOLOID, \
		BOOLOID, UUIDOID, TEXTOID, UUIDOID

static SchedStatement insert_unique = {
	INSERT_COLUMNS " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
				   " ON CONFLICT DO NOTHING",
	13,
	{INSERT_TYPES},
	false,
	NULL};
#define SAME_KEY                                                                      \
	"SELECT job_id, status FROM scheduler.live_jobs WHERE user_id = $1 AND kind = $2" \
	" AND unique_key = $3 AND status NOT IN ('failed', 'dead')"
/*
 * A key share lock is enough to keep a worker off the job: who only returns it does not wait for
 * others who do.
 */
static SchedStatement lock_to_keep = {
	SAME_KEY " FOR KEY SHARE", 3, {UUIDOID, TEXTOID, TEXTOID}, true, NULL};
static SchedStatement lock_to_change = {
	SAME_KEY " FOR NO KEY UPDATE", 3, {UUIDOID, TEXTOID, TEXTOID}, true, NULL};

static SchedStatement mark_again = {
	"UPDATE scheduler.live_jobs SET again = CASE WHEN $4 THEN $3 ELSE coalesce(again, payload) END"
	" WHERE user_id = $1 AND job_id = $2",
	4,
	{UUIDOID, UUIDOID, JSONBOID, BOOLOID},
	true,
	NULL};
static SchedStatement replace_job = {
	"UPDATE scheduler.live_jobs SET payload = $3, run_at = $4, priority = $5, state = NULL,"
	" request = NULL, response = NULL, status = 'pending', attempts = 0,"
	" ready = $6 AND (queue IS NULL OR holds_queue) WHERE user_id = $1 AND job_id = $2",
	6,
	{UUIDOID, UUIDOID, JSONBOID, TIMESTAMPTZOID, INT2OID, BOOLOID},
	true,
	NULL};
static SchedStatement reschedule_job = {
	"UPDATE scheduler.live_jobs SET run_at = $3, ready = $4 AND (queue IS NULL OR holds_queue)"
	" WHERE user_id = $1 AND job_id = $2",
	4,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, BOOLOID},
	true,
	NULL};

/*
 * May `who` enqueue this kind? Functions of the extension enqueue everything; a kind without an
 * enqueue_role is for its owner alone.
 */
static bool
may_enqueue(SchedKind *kind, Oid who)
{
	pg_uuid_t user_id;

	if (superuser_arg(who) || who == sched_jobs_owner_role() || who == sched_jobs_system_role())
		return true;
	if (kind->enqueue_role[0] != '\0')
	{
		Oid role = get_role_oid(kind->enqueue_role, true);

		if (OidIsValid(role) && has_privs_of_role(who, role))
			return true;
	}
	if (kind->builtin)
		return false;
	return sched_identity_find_current(&user_id) && memcmp(&user_id, &kind->owner, UUID_LEN) == 0;
}

/* Whose job it is to be: user_id where the caller may name one, else his own. */
static pg_uuid_t
target_user(const pg_uuid_t *user_id)
{
	Oid who = GetUserId();
	pg_uuid_t mine;

	/* A function of the extension says for whom, also where nobody is signed in. */
	if (user_id != NULL &&
		(superuser_arg(who) || who == sched_jobs_owner_role() || who == sched_jobs_system_role()))
		return *user_id;
	mine = *DatumGetUUIDP(DirectFunctionCall1(sched_sql_required_user_id, (Datum) 0));
	if (user_id == NULL || memcmp(user_id, &mine, UUID_LEN) == 0)
		return mine;
	if (!sched_identity_caller_has_role("scheduler_admin"))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to enqueue jobs of another user")));
	return *user_id;
}

/*
 * The kind of a name, for a caller who may enqueue it; a kind nobody has is not told from one he
 * may not.
 */
static SchedKind *
require_kind(text *name)
{
	char *kind_name = text_to_cstring(name);
	Oid who = GetUserId();
	SchedKind *kind = sched_jobs_recall_kind(kind_name);

	if (kind == NULL)
	{
		SchedRights before;

		sched_jobs_enter_system(&before);
		kind = sched_jobs_find_kind(kind_name);
		sched_jobs_leave_system(&before);
	}
	if (kind == NULL || !may_enqueue(kind, who))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to enqueue jobs of kind \"%s\"", kind_name),
				 errhint("SELECT kind, enqueue_role FROM scheduler.job_kinds shows who may; a "
						 "new kind starts with scheduler.register_job_kind().")));
	/*
	 * An opened kind runs as a role of nobody in particular. Where it runs as a user's own role
	 * all its jobs are that user's, which its owner's identity and the check at registration see
	 * to.
	 */
	return kind;
}

/* The job whose handler enqueues it, which may wait for it; NULL: none. */
static SchedJob *
find_parent(const NewJob *new_job)
{
	SchedJob *parent = sched_jobs_current;

	if (parent == NULL || new_job->schedule_id != NULL ||
		memcmp(&parent->user_id, &new_job->user_id, UUID_LEN) != 0)
		return NULL;
	parent->enqueued = true;
	return parent;
}

/* Due now and without a queue, which gives turns. */
static bool
is_ready(const NewJob *new_job)
{
	return new_job->queue == NULL && new_job->run_at <= GetCurrentTimestamp();
}

/* Without a key there is nothing to look for, and no statement needed; false where one is. */
static bool
insert_directly(const NewJob *new_job, const pg_uuid_t *job_id)
{
	SchedJob *parent = find_parent(new_job);
	SchedNewRow row = {.user_id = &new_job->user_id,
					   .job_id = job_id,
					   .kind = new_job->kind->name,
					   .payload = new_job->payload,
					   .priority = new_job->priority,
					   .run_at = new_job->run_at,
					   .max_attempts = new_job->kind->max_attempts,
					   .queue = new_job->queue,
					   .parent_id = parent != NULL ? &parent->job_id : NULL,
					   .schedule_id = new_job->schedule_id,
					   .ready = is_ready(new_job),
					   .runner = new_job->kind->runner,
					   .external = new_job->kind->external};

	return new_job->unique_key == NULL && sched_jobs_insert_row(&row);
}

/* Parameters of INSERT_COLUMNS. */
static void
fill_insert(const NewJob *new_job, pg_uuid_t *job_id, Datum *values, char *nulls)
{
	SchedJob *parent = find_parent(new_job);

	memset(nulls, ' ', 13);
	values[0] = UUIDPGetDatum(&new_job->user_id);
	values[1] = CStringGetTextDatum(new_job->kind->name);
	values[2] = new_job->payload;
	values[3] = Int16GetDatum(new_job->priority);
	values[4] = TimestampTzGetDatum(new_job->run_at);
	values[5] = Int32GetDatum(new_job->kind->max_attempts);
	values[6] = PointerGetDatum(new_job->queue);
	nulls[6] = new_job->queue == NULL ? 'n' : ' ';
	values[7] = parent != NULL ? UUIDPGetDatum(&parent->job_id) : (Datum) 0;
	nulls[7] = parent != NULL ? ' ' : 'n';
	values[8] = BoolGetDatum(is_ready(new_job));
	values[9] = BoolGetDatum(new_job->kind->runner);
	nulls[9] = new_job->kind->external ? 'n' : ' ';
	values[10] = UUIDPGetDatum(job_id);
	values[11] = PointerGetDatum(new_job->unique_key);
	nulls[11] = new_job->unique_key == NULL ? 'n' : ' ';
	values[12] = UUIDPGetDatum(new_job->schedule_id);
	nulls[12] = new_job->schedule_id == NULL ? 'n' : ' ';
}

/*
 * Also for a job that is not due: the worker has to know when to wake. Who works from outside asks.
 */
static void
signal_new_job(const NewJob *new_job)
{
	if (new_job->queue != NULL)
		sched_jobs_signal_at_commit(SCHED_SIGNAL_QUEUES);
	if (new_job->kind->external)
		return;
	if (new_job->queue == NULL && !new_job->kind->runner && is_ready(new_job))
	{
		sched_jobs_signal_at_commit(SCHED_SIGNAL_READY);
		return;
	}
	sched_jobs_signal_at_commit(new_job->kind->runner ? SCHED_SIGNAL_RUNNERS : SCHED_SIGNAL_JOBS);
}

/* What the mode asks for, on the live job that has the key and is locked by us. */
static void
change_existing(const NewJob *new_job, pg_uuid_t *job_id, const char *status)
{
	bool due = new_job->run_at <= GetCurrentTimestamp();
	bool running = strcmp(status, "running") == 0;
	bool waiting = strcmp(status, "waiting") == 0;
	Datum values[6] = {UUIDPGetDatum(&new_job->user_id), UUIDPGetDatum(job_id)};

	if (running || (waiting && new_job->mode != UNIQUE_KEEP))
	{
		values[2] = new_job->payload;
		values[3] = BoolGetDatum(new_job->mode != UNIQUE_KEEP);
		sched_jobs_execute(&mark_again, values, NULL, SPI_OK_UPDATE);
	}
	else if (new_job->mode == UNIQUE_REPLACE)
	{
		values[2] = new_job->payload;
		values[3] = TimestampTzGetDatum(new_job->run_at);
		values[4] = Int16GetDatum(new_job->priority);
		values[5] = BoolGetDatum(due);
		sched_jobs_execute(&replace_job, values, NULL, SPI_OK_UPDATE);
	}
	else if (new_job->mode == UNIQUE_RESCHEDULE)
	{
		values[2] = TimestampTzGetDatum(new_job->run_at);
		values[3] = BoolGetDatum(due);
		sched_jobs_execute(&reschedule_job, values, NULL, SPI_OK_UPDATE);
	}
}

/* The live job with the same key, if one is there: locked, and changed as the mode says. */
static bool
take_existing(const NewJob *new_job, pg_uuid_t *job_id)
{
	Datum values[3] = {UUIDPGetDatum(&new_job->user_id), CStringGetTextDatum(new_job->kind->name),
					   PointerGetDatum(new_job->unique_key)};
	bool is_null;
	char *status;
	SchedJob *current = sched_jobs_current;

	sched_jobs_execute(new_job->mode == UNIQUE_KEEP ? &lock_to_keep : &lock_to_change, values, NULL,
					   SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	*job_id =
		*DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	status = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	/*
	 * A handler that enqueues its own key means: run me again. Its row is written when its call
	 * is over.
	 */
	if (current != NULL && memcmp(job_id, &current->job_id, UUID_LEN) == 0)
	{
		current->runs_again = true;
		if (new_job->mode != UNIQUE_KEEP)
		{
			MemoryContext old = MemoryContextSwitchTo(current->memory);

			current->again = PointerGetDatum(PG_DETOAST_DATUM_COPY(new_job->payload));
			current->has_again = true;
			MemoryContextSwitchTo(old);
		}
		return true;
	}
	change_existing(new_job, job_id, status);
	return true;
}

/* Inserts, or takes the job that has the key, with the rights that needs. Between the two it may end, so this goes round. */
static void
insert_or_take(const NewJob *new_job, pg_uuid_t *job_id)
{
	Datum values[13];
	char nulls[13];
	SchedRights before;

	sched_core_make_uuid7(job_id);
	if (insert_directly(new_job, job_id))
		return;
	sched_jobs_enter_system(&before);
	for (int round = 0; round < 100; round++)
	{
		fill_insert(new_job, job_id, values, nulls);
		sched_jobs_execute(&insert_unique, values, nulls, SPI_OK_INSERT);
		if (SPI_processed == 1 || (new_job->unique_key != NULL && take_existing(new_job, job_id)))
		{
			sched_jobs_leave_system(&before);
			return;
		}
		CHECK_FOR_INTERRUPTS();
		sched_core_make_uuid7(job_id);
	}
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
					errmsg("a job with the same unique key keeps coming and going"),
					errdetail("Kind \"%s\".", new_job->kind->name)));
}

/* An unknown word is refused, not taken for keep. */
static UniqueMode
read_mode(text *mode)
{
	char *word = text_to_cstring(mode);

	if (strcmp(word, "keep") == 0)
		return UNIQUE_KEEP;
	if (strcmp(word, "replace") == 0)
		return UNIQUE_REPLACE;
	if (strcmp(word, "reschedule") == 0)
		return UNIQUE_RESCHEDULE;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown unique_mode"),
					errdetail("\"%s\"", word), errhint("keep, replace or reschedule")));
}

/* NULL means the kind's own. */
static int16
read_priority(bool is_null, int priority, const SchedKind *kind)
{
	if (is_null)
		return kind->priority;
	if (priority < 0 || priority > 99)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("priority must be between 0 and 99"), errdetail("%d", priority)));
	return (int16) priority;
}

/* NULL for SQL's NULL. */
static text *
optional_text(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_TEXT_PP(argument);
}

/* NULL means now. */
static TimestampTz
optional_run_at(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? GetCurrentTransactionStartTimestamp()
								  : PG_GETARG_TIMESTAMPTZ(argument);
}

/* enqueue(kind, payload, run_at, priority, unique_key, queue, unique_mode, user_id) -> job_id */
Datum
sched_sql_enqueue(PG_FUNCTION_ARGS)
{
	NewJob new_job = {0};
	pg_uuid_t *job_id = palloc(sizeof(pg_uuid_t));

	sched_core_require_argument(fcinfo, 0, "kind");
	sched_core_require_argument(fcinfo, 1, "payload");
	sched_core_require_argument(fcinfo, 6, "unique_mode");
	new_job.kind = require_kind(PG_GETARG_TEXT_PP(0));
	new_job.payload = PG_GETARG_DATUM(1);
	new_job.run_at = optional_run_at(fcinfo, 2);
	new_job.priority =
		read_priority(PG_ARGISNULL(3), PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3), new_job.kind);
	new_job.unique_key = optional_text(fcinfo, 4);
	if (new_job.unique_key != NULL)
		sched_core_refuse_old_snapshot();
	new_job.queue = optional_text(fcinfo, 5);
	new_job.mode = read_mode(PG_GETARG_TEXT_PP(6));
	new_job.user_id = target_user(PG_ARGISNULL(7) ? NULL : PG_GETARG_UUID_P(7));
	if (!new_job.kind->external)
		sched_jobs_warn_without_worker();
	sched_jobs_check_payload(new_job.payload);
	sched_jobs_check_quota(&new_job.user_id, 1);
	insert_or_take(&new_job, job_id);
	signal_new_job(&new_job);
	PG_RETURN_UUID_P(job_id);
}

/* Each payload as a job of its own, in their order; what a row needs of memory goes with it. */
static int64
insert_each(NewJob *new_job, ArrayType *payloads)
{
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "scheduler new job", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = CurrentMemoryContext;
	ArrayIterator iterator;
	int64 inserted = 0;
	bool is_null;

	iterator = array_create_iterator(payloads, 0, NULL);
	while (array_iterate(iterator, &new_job->payload, &is_null))
	{
		pg_uuid_t job_id;

		if (is_null)
			continue;
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(row);
		insert_or_take(new_job, &job_id);
		MemoryContextSwitchTo(before);
		MemoryContextReset(row);
		inserted++;
	}
	array_free_iterator(iterator);
	MemoryContextDelete(row);
	return inserted;
}

/* enqueue_many(kind, payloads, run_at, priority, queue, user_id) -> how many */
Datum
sched_sql_enqueue_many(PG_FUNCTION_ARGS)
{
	NewJob new_job = {0};
	int64 inserted;

	sched_core_require_argument(fcinfo, 0, "kind");
	sched_core_require_argument(fcinfo, 1, "payloads");
	/* Also where there is nothing to insert. */
	PreventCommandIfReadOnly("enqueue_many()");
	new_job.kind = require_kind(PG_GETARG_TEXT_PP(0));
	new_job.run_at = optional_run_at(fcinfo, 2);
	new_job.priority =
		read_priority(PG_ARGISNULL(3), PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3), new_job.kind);
	new_job.queue = optional_text(fcinfo, 4);
	new_job.user_id = target_user(PG_ARGISNULL(5) ? NULL : PG_GETARG_UUID_P(5));
	if (!new_job.kind->external)
		sched_jobs_warn_without_worker();
	sched_jobs_check_quota(&new_job.user_id, sched_jobs_check_payloads(PG_GETARG_ARRAYTYPE_P(1)));
	inserted = insert_each(&new_job, PG_GETARG_ARRAYTYPE_P(1));
	if (inserted > 0)
		signal_new_job(&new_job);
	PG_RETURN_INT64(inserted);
}

/*
 * enqueue_scheduled(kind, payload, user_id, schedule_id, queue): called by the worker, whose
 * rights it needs.
 */
Datum
sched_sql_enqueue_scheduled(PG_FUNCTION_ARGS)
{
	NewJob new_job = {0};
	pg_uuid_t *job_id = palloc(sizeof(pg_uuid_t));

	sched_core_require_argument(fcinfo, 0, "kind");
	sched_core_require_argument(fcinfo, 1, "payload");
	sched_core_require_argument(fcinfo, 2, "user_id");
	sched_core_require_argument(fcinfo, 3, "schedule_id");
	SPI_connect();
	new_job.kind = sched_jobs_find_kind(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (new_job.kind == NULL)
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	new_job.payload = PG_GETARG_DATUM(1);
	new_job.user_id = *PG_GETARG_UUID_P(2);
	new_job.schedule_id = PG_GETARG_UUID_P(3);
	new_job.queue = optional_text(fcinfo, 4);
	new_job.run_at = GetCurrentTransactionStartTimestamp();
	new_job.priority = new_job.kind->priority;
	insert_or_take(&new_job, job_id);
	SPI_finish();
	signal_new_job(&new_job);
	PG_RETURN_UUID_P(job_id);
}

/* may_enqueue(kind): asks about the role outside definer functions, which call this. */
Datum
sched_sql_may_enqueue(PG_FUNCTION_ARGS)
{
	SchedRights before;
	SchedKind *kind;

	sched_jobs_enter_system(&before);
	kind = sched_jobs_find_kind(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	sched_jobs_leave_system(&before);
	PG_RETURN_BOOL(kind != NULL && may_enqueue(kind, GetOuterUserId()));
}

/* outer_role() -> text */
Datum
sched_sql_outer_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(GetUserNameFromId(GetOuterUserId(), false)));
}

/* created_here(job_id): is the row's inserting transaction this one? */
Datum
sched_sql_created_here(PG_FUNCTION_ARGS)
{
	static SchedStatement find_creator = {
		"SELECT l.xmin FROM scheduler.live_jobs l WHERE l.user_id = $1 AND l.job_id = $2 "
		"AND l.attempts = 0",
		2,
		{UUIDOID, UUIDOID},
		true,
		NULL};
	Datum values[2];
	SchedRights before;
	bool here = false;
	pg_uuid_t mine = target_user(NULL);

	values[0] = UUIDPGetDatum(&mine);
	values[1] = PG_GETARG_DATUM(0);
	sched_jobs_enter_system(&before);
	sched_jobs_execute(&find_creator, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 1)
	{
		bool is_null;
		Datum creator = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);

		here = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(creator));
	}
	sched_jobs_leave_system(&before);
	PG_RETURN_BOOL(here);
}
