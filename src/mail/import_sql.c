/*
 * import_sql.c - stores the mails of a mailbox, as many as a call is allowed.
 *
 * Runs in a backend (import_mailbox: all of it in one call) and in the worker (mail.import,
 * mail.poll: a few at a time). The reader's memory is malloc'ed and bounded by one mail; it is
 * closed in PG_FINALLY. A mail goes to store_mail() as it lies in the reader's buffer, without a
 * copy, and each has a memory context of its own.
 *
 * Failures: a file that cannot be read is noted and passed over; a mailbox that cannot be read ends
 * the call with `failed`. Both come back as values, because for a job they are rows, not errors. An
 * error that is thrown (a full disk, a cancel) rolls the whole batch back, position included.
 */
#include "postgres.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/arguments.h"
#include "core/settings.h"
#include "mail/mailbox.h"

PG_FUNCTION_INFO_V1(sched_sql_import_batch);
PG_FUNCTION_INFO_V1(sched_sql_maildir_stamp);
PG_FUNCTION_INFO_V1(sched_sql_explain_path);

/* Bytes of an over-long mail that are skipped between two looks at the clock. */
#define SKIP_BUDGET (64 * 1024 * 1024)

/* Arguments of import_batch(), in order. */
enum
{
	ARG_PATH,
	ARG_USER_ID,
	ARG_ACCOUNT_ID,
	ARG_SINCE,
	ARG_POSITION,
	ARG_SKIPPING,
	ARG_LAST_NAME,
	ARG_MAX_MAILS,
	ARG_MAX_TIME,
	ARG_NOTICES
};

/* Attributes of its result, in order. */
enum
{
	OUT_POSITION,
	OUT_SKIPPING,
	OUT_LAST_NAME,
	OUT_DONE,
	OUT_MAILS,
	OUT_ADDED,
	OUT_PROBLEM,
	OUT_FAILED,
	OUT_ATTRIBUTES
};

/* One call's work. */
typedef struct Import
{
	Datum user_id;
	Datum account_id;
	bool has_account;
	Datum since;
	bool has_since;
	int64 max_mails;
	TimestampTz until;   /* 0 = no limit */
	TimestampTz noticed; /* when the last NOTICE went out; 0 = none wanted */
	int64 mails;
	int64 added;
	bool done;
	char *problem;         /* palloc'ed, first one */
	MemoryContext context; /* of problem */
	MemoryContext per_mail;
} Import;

/*
 * A plan kept for the life of the process. A generic one: planning for the values of one mail would
 * copy its bytes into the plan, several times.
 */
static SPIPlanPtr
keep_plan(SPIPlanPtr *plan, const char *query, int n, Oid *types)
{
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare_cursor(query, n, types, CURSOR_OPT_GENERIC_PLAN);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = fresh;
	}
	return *plan;
}

/*
 * The first problem is kept: it is the one to mend first, and later ones often follow from it.
 */
static void
note_problem(Import *import, const char *problem)
{
	if (import->problem == NULL)
		import->problem = MemoryContextStrdup(import->context, problem);
}

/* Was this file of the account's Maildir stored before? */
static bool
is_known(const Import *import, const char *name)
{
	static SPIPlanPtr plan;
	Oid types[] = {UUIDOID, UUIDOID, TEXTOID};
	Datum values[] = {import->user_id, import->account_id, CStringGetTextDatum(name)};
	bool isnull;
	bool known;

	keep_plan(&plan, "SELECT scheduler.knows_mail($1, $2, $3)", lengthof(types), types);
	if (SPI_execute_plan(plan, values, NULL, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "knows_mail() gave no answer");
	known = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return known && !isnull;
}

/* Stores the mail in the reader's buffer, whose first VARHDRSZ bytes were left free for this. */
static void
store_item(Import *import, const SchedMailboxItem *item)
{
	static SPIPlanPtr plan;
	Oid types[] = {UUIDOID, BYTEAOID, UUIDOID, TEXTOID, BOOLOID, TIMESTAMPTZOID, TEXTOID};
	Datum values[] = {import->user_id,
					  PointerGetDatum(item->data),
					  import->account_id,
					  CStringGetTextDatum(item->key),
					  BoolGetDatum(item->too_large),
					  import->since,
					  CStringGetTextDatum(item->flags)};
	char nulls[] = {' ',
					' ',
					import->has_account ? ' ' : 'n',
					item->key[0] && import->has_account ? ' ' : 'n',
					' ',
					import->has_since ? ' ' : 'n',
					' '};
	bool isnull;

	SET_VARSIZE(item->data, VARHDRSZ + item->length);
	keep_plan(&plan, "SELECT (scheduler.store_mail($1, $2, $3, $4, $5, $6, $7)).is_new",
			  lengthof(types), types);
	if (SPI_execute_plan(plan, values, nulls, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "store_mail() gave no answer");
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
		import->added++;
	SPI_freetuptable(SPI_tuptable);
	import->mails++;
}

/* At most one NOTICE in three seconds: enough for somebody who watches, too few to fill a log. */
static void
report_progress(Import *import, const SchedMailbox *box)
{
	TimestampTz now;
	double total = (double) sched_mailbox_total(box);

	if (import->noticed == 0)
		return;
	now = GetCurrentTimestamp();
	if (now - import->noticed < 3 * USECS_PER_SEC)
		return;
	import->noticed = now;
	ereport(NOTICE, (errmsg("%lld mails read, %.0f %% of the mailbox", (long long) import->mails,
							total > 0 ? 100.0 * (double) sched_mailbox_done(box) / total : 100.0)));
}

/* Goes past files of an account that were stored before. */
static void
skip_known(const Import *import, SchedMailbox *box)
{
	const char *next;

	while (import->has_account && (next = sched_mailbox_peek(box)) != NULL)
	{
		const char *info = strstr(next, ":2,");
		char *name = pnstrdup(next, info ? (Size) (info - next) : strlen(next));
		bool known = is_known(import, name);

		CHECK_FOR_INTERRUPTS();
		if (!known || (import->until && GetCurrentTimestamp() > import->until))
			return;
		sched_mailbox_skip(box);
	}
}

/*
 * Until a limit is reached or the mailbox ends. Each round has its own memory context: whatever
 * SPI or the look-ups leave behind goes with the mail, so a million mails need no more than one.
 */
static void
read_batch(Import *import, SchedMailbox *box)
{
	while (import->mails < import->max_mails &&
		   !(import->until && GetCurrentTimestamp() > import->until))
	{
		MemoryContext old = MemoryContextSwitchTo(import->per_mail);
		SchedMailboxItem item;
		SchedMailboxResult result;

		skip_known(import, box);
		result = sched_mailbox_next(box, SKIP_BUDGET, &item);
		if (result == SCHED_MAILBOX_MAIL && item.error[0])
			note_problem(import, psprintf("could not read %s", item.error));
		else if (result == SCHED_MAILBOX_MAIL)
			store_item(import, &item);
		report_progress(import, box);
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(old);
		MemoryContextReset(import->per_mail);
		if (result == SCHED_MAILBOX_END)
			import->done = true;
		if (result == SCHED_MAILBOX_END || result == SCHED_MAILBOX_ERROR)
			return;
	}
}

/*
 * "could not read ...: Permission denied" and, where it is about permissions, which folder or file
 * is in the way of which OS user. palloc'ed.
 */
static char *
explain_path(const char *path, int error)
{
	struct passwd *user = getpwuid(geteuid());
	const char *name = user ? user->pw_name : "the server";
	char *part = pstrdup(path);
	struct stat status;

	if (error != EACCES && error != EPERM)
		return psprintf("could not read \"%s\": %s", path, strerror(error));
	for (char *p = part + 1; *p; p++)
	{
		if (*p != '/')
			continue;
		*p = '\0';
		if (access(part, X_OK) != 0 && errno == EACCES)
			return psprintf(
				"could not read \"%s\": OS user \"%s\" lacks permission x on folder \"%s\"", path,
				name, part);
		*p = '/';
	}
	return psprintf("could not read \"%s\": OS user \"%s\" lacks permission %s on it", path, name,
					stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? "r or x" : "r");
}

/*
 * The position is what the caller stores: with the rows of this batch it commits, or not at all.
 */
static Datum
make_result(FunctionCallInfo fcinfo, const Import *import, const SchedMailbox *box)
{
	TupleDesc description;
	SchedMailboxPosition position;
	Datum values[OUT_ATTRIBUTES];
	bool nulls[OUT_ATTRIBUTES] = {false};

	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE ||
		description->natts != OUT_ATTRIBUTES)
		elog(ERROR, "import_batch() has another shape than the library");
	sched_mailbox_position(box, &position);
	values[OUT_POSITION] = Int64GetDatum(position.offset);
	values[OUT_SKIPPING] = BoolGetDatum(position.skipping);
	values[OUT_LAST_NAME] = CStringGetTextDatum(position.name);
	values[OUT_DONE] = BoolGetDatum(import->done);
	values[OUT_MAILS] = Int64GetDatum(import->mails);
	values[OUT_ADDED] = Int64GetDatum(import->added);
	nulls[OUT_PROBLEM] = import->problem == NULL;
	values[OUT_PROBLEM] = import->problem ? CStringGetTextDatum(import->problem) : (Datum) 0;
	values[OUT_FAILED] = BoolGetDatum(sched_mailbox_error(box, NULL) != 0);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

/*
 * Where an earlier call stopped; NULLs mean the beginning. What comes back from a job's state
 * is clamped rather than trusted.
 */
static void
read_position(FunctionCallInfo fcinfo, SchedMailboxPosition *position)
{
	memset(position, 0, sizeof(*position));
	if (!PG_ARGISNULL(ARG_POSITION))
		position->offset = Max(PG_GETARG_INT64(ARG_POSITION), 0);
	position->skipping = !PG_ARGISNULL(ARG_SKIPPING) && PG_GETARG_BOOL(ARG_SKIPPING);
	if (!PG_ARGISNULL(ARG_LAST_NAME))
		strlcpy(position->name, text_to_cstring(PG_GETARG_TEXT_PP(ARG_LAST_NAME)),
				sizeof(position->name));
}

/* The path, once it is sure that nothing is missing which may not be. */
static char *
read_path(FunctionCallInfo fcinfo)
{
	sched_core_require_argument(fcinfo, ARG_PATH, "path");
	sched_core_require_argument(fcinfo, ARG_USER_ID, "user_id");
	sched_core_require_argument(fcinfo, ARG_NOTICES, "notices");
	return text_to_cstring(PG_GETARG_TEXT_PP(ARG_PATH));
}

/* The limits and whose mail it is; NULL limits mean everything. */
static void
read_limits(FunctionCallInfo fcinfo, Import *import)
{
	import->user_id = PG_GETARG_DATUM(ARG_USER_ID);
	import->has_account = !PG_ARGISNULL(ARG_ACCOUNT_ID);
	import->account_id = import->has_account ? PG_GETARG_DATUM(ARG_ACCOUNT_ID) : (Datum) 0;
	import->has_since = !PG_ARGISNULL(ARG_SINCE);
	import->since = import->has_since ? PG_GETARG_DATUM(ARG_SINCE) : (Datum) 0;
	import->max_mails = PG_ARGISNULL(ARG_MAX_MAILS) ? PG_INT64_MAX : PG_GETARG_INT32(ARG_MAX_MAILS);
	if (!PG_ARGISNULL(ARG_MAX_TIME))
		import->until =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PG_GETARG_INT32(ARG_MAX_TIME));
	if (PG_GETARG_BOOL(ARG_NOTICES))
		import->noticed = GetCurrentTimestamp();
}

/*
 * import_batch(path, user_id, account_id, since, position, skipping, last_name, max_mails, max_ms,
 * notices): stores mails from there on. problem: the first thing that could not be read; failed:
 * nothing more can be.
 */
Datum
sched_sql_import_batch(PG_FUNCTION_ARGS)
{
	char *path = read_path(fcinfo);
	Import import = {.context = CurrentMemoryContext};
	SchedMailboxPosition position;
	SchedMailbox *box;
	Datum result = (Datum) 0;

	read_position(fcinfo, &position);
	read_limits(fcinfo, &import);
	import.per_mail =
		AllocSetContextCreate(CurrentMemoryContext, "import of a mail", ALLOCSET_DEFAULT_SIZES);
	box = sched_mailbox_open(path, &position, (size_t) sched_max_mail_bytes, VARHDRSZ);
	if (box == NULL)
		elog(ERROR, "out of memory");
	PG_TRY();
	{
		const char *failed_path;
		int error;

		SPI_connect();
		if (sched_mailbox_error(box, NULL) == 0)
			read_batch(&import, box);
		SPI_finish();
		error = sched_mailbox_error(box, &failed_path);
		if (error != 0)
			note_problem(&import, explain_path(failed_path, error));
		result = make_result(fcinfo, &import, box);
	}
	PG_FINALLY();
	{
		sched_mailbox_close(box);
	}
	PG_END_TRY();
	MemoryContextDelete(import.per_mail);
	PG_RETURN_DATUM(result);
}

/* Modification time of a folder in nanoseconds; 0 where it is not there. */
static int64
read_stamp(const char *path, const char *folder)
{
	char *full = psprintf("%s/%s", path, folder);
	struct stat status;

	if (stat(full, &status) != 0)
		return 0;
	return (int64) status.st_mtim.tv_sec * INT64CONST(1000000000) + status.st_mtim.tv_nsec;
}

/*
 * maildir_stamp(path) -> text: changes whenever a file comes or goes. NULL while the last change is
 * younger than two seconds: another one within the same tick of the file system's clock would not
 * show.
 */
Datum
sched_sql_maildir_stamp(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64 fresh = read_stamp(path, "new");
	int64 seen = read_stamp(path, "cur");
	int64 now = (int64) time(NULL) * INT64CONST(1000000000);

	if ((fresh == 0 && seen == 0) || Max(fresh, seen) > now - INT64CONST(2000000000))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%lld.%lld", (long long) fresh, (long long) seen)));
}

/* explain_path(path) -> text: why the server cannot read it, or NULL where it can. */
Datum
sched_sql_explain_path(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	struct stat status;

	if (stat(path, &status) == 0 && access(path, S_ISDIR(status.st_mode) ? R_OK | X_OK : R_OK) == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(explain_path(path, errno)));
}
