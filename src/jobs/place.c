/*
 * place.c - the clone fence: a file outside the data directory that says which place this is,
 * and why nothing runs.
 *
 * Runs in backends (arm(), the warning of enqueue()) and workers. A copy of the data directory
 * has the same system identifier and database oid but not the file; members of one cluster share
 * it. The file holds one line made of random bytes; it is no secret. Errors of the file system
 * are answers, not exceptions.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "core/settings.h"
#include "core/uuid7.h"
#include "identity/key_file.h"
#include "identity/secret.h"
#include "jobs/place.h"
#include "jobs/shmem.h"
#include "jobs/store.h"

PG_FUNCTION_INFO_V1(sched_sql_place_state);
PG_FUNCTION_INFO_V1(sched_sql_worker_problem);

#define PLACE_LENGTH 64

/*
 * scheduler.place_file, else "place" beside the master key: wherever the key is kept apart from the data, so is the
 * place. palloc'ed.
 */
static char *
find_place_file(void)
{
	char *file;

	if (sched_place_file[0] != '\0')
		return pstrdup(sched_place_file);
	file = sched_identity_find_key_file();
	get_parent_directory(file);
	return psprintf("%s/place", file);
}

/*
 * Reads the one line; false with errno where there is none. An empty file is none: it would equal any other empty one.
 */
static bool
read_place(const char *file, char *place)
{
	int descriptor = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (descriptor < 0)
		return false;
	length = read(descriptor, place, PLACE_LENGTH - 1);
	close(descriptor);
	if (length <= 0)
	{
		errno = EINVAL;
		return false;
	}
	place[length] = '\0';
	place[strcspn(place, "\r\n")] = '\0';
	return place[0] != '\0';
}

/*
 * Makes the folders and the file, readable by the server's OS user alone; false with errno. The content is random, so
 * no two places are alike; O_EXCL, so that of two that make it at once one wins and both read the same.
 */
static bool
make_place(const char *file)
{
	char *folder = pstrdup(file);
	pg_uuid_t name;
	char *line;
	int descriptor;
	bool written;

	get_parent_directory(folder);
	if (pg_mkdir_p(folder, S_IRWXU) != 0 && errno != EEXIST)
		return false;
	descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (descriptor < 0)
		return false;
	sched_core_make_uuid7(&name);
	line = psprintf("%s\n", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&name))));
	written =
		write(descriptor, line, strlen(line)) == (ssize_t) strlen(line) && fsync(descriptor) == 0;
	close(descriptor);
	return written;
}

/*
 * Reads the place file, made where asked; false with what is wrong and what to do. A file in the data directory would
 * travel with every copy and so mark none of them.
 */
static bool
look_at_place(const char *file, bool make, char *place, const char **problem, const char **hint)
{
	if (sched_identity_is_in_directory(file, DataDir))
	{
		*problem = "the place file lies in the data directory";
		*hint = "Name another place in scheduler.place_file: a copy of the data directory would "
				"carry it along.";
		return false;
	}
	if (read_place(file, place) ||
		(errno == ENOENT && make && make_place(file) && read_place(file, place)))
		return true;
	if (make)
	{
		*problem = psprintf("the place file cannot be made: %s", strerror(errno));
		*hint = "Set scheduler.place_file to a path that the server's OS user can write.";
	}
	else
	{
		*problem = psprintf("the place file cannot be read: %s", strerror(errno));
		*hint =
			"SELECT scheduler.arm() makes one; the other servers of one cluster need a copy of it.";
	}
	return false;
}

/* place_state(make) -> (system_identifier, database_oid, file, place, problem, hint) */
Datum
sched_sql_place_state(PG_FUNCTION_ARGS)
{
	char *file = find_place_file();
	char place[PLACE_LENGTH];
	const char *problem = NULL;
	const char *hint = NULL;
	bool found = look_at_place(file, PG_GETARG_BOOL(0), place, &problem, &hint);
	TupleDesc desc;
	Datum values[6] = {0};
	bool nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	values[2] = CStringGetTextDatum(file);
	nulls[3] = !found;
	nulls[4] = nulls[5] = found;
	if (found)
		values[3] = CStringGetTextDatum(place);
	else
	{
		values[4] = CStringGetTextDatum(problem);
		values[5] = CStringGetTextDatum(hint);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * Why this database may not act here, with the line that helps; NULL where it may. All three must agree: server
 * identifier (a restored dump has another), database (CREATE DATABASE ... TEMPLATE copies the row), place (a copied
 * data directory has the first two). Asked by a worker at its start, at each reload and when arm() signals, and by
 * who enqueues where no armed worker is known.
 */
static const char *
find_arming_problem(const char **hint)
{
	static SchedStatement compare = {
		"SELECT system_identifier, database_oid, place FROM scheduler.armed_places",
		0,
		{0},
		false,
		NULL};
	const char *file = find_place_file();
	const char *problem;
	char place[PLACE_LENGTH];
	bool is_null;
	TupleDesc desc;
	HeapTuple row;

	sched_jobs_execute(&compare, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
	{
		*hint = "SELECT scheduler.arm();";
		return "This database is not armed.";
	}
	if (!look_at_place(file, false, place, &problem, hint))
	{
		*hint = psprintf("Put back \"%s\", or, if this database is to act here: SELECT "
						 "scheduler.arm();",
						 file);
		return "This database was armed, but the place file is not there or not readable.";
	}
	desc = SPI_tuptable->tupdesc;
	row = SPI_tuptable->vals[0];
	if (strcmp(SPI_getvalue(row, desc, 1), psprintf(UINT64_FORMAT, GetSystemIdentifier())) == 0 &&
		DatumGetObjectId(SPI_getbinval(row, desc, 2, &is_null)) == MyDatabaseId &&
		strcmp(SPI_getvalue(row, desc, 3), place) == 0)
		return NULL;
	*hint = "If it is this one that is to act: SELECT scheduler.arm();";
	return "This database was armed in another place: it seems to be a copy.";
}

/*
 * For workers, which only want to know whether to claim.
 */
bool
sched_jobs_is_armed(void)
{
	const char *hint;

	return find_arming_problem(&hint) == NULL;
}

/* An unreadable list names nothing. */
bool
sched_jobs_is_listed(const char *database)
{
	char *list = pstrdup(sched_databases);
	List *names = NIL;
	ListCell *cell;

	if (list[strspn(list, " \t")] == '\0')
		return true;
	if (!SplitIdentifierString(list, ',', &names))
		return false;
	foreach (cell, names)
		if (strcmp(lfirst(cell), database) == 0)
			return true;
	return false;
}

/*
 * Has this database a living worker that found it armed? The cheap answer for almost every call: one shared lock, no
 * file and no table.
 */
static bool
has_armed_worker(void)
{
	SchedDatabase *entry;
	bool armed;

	if (sched_jobs_shared == NULL)
		return false;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	entry = sched_jobs_find_database(MyDatabaseId, false);
	armed = entry != NULL && entry->armed && entry->state == SCHED_DATABASE_RUNNING;
	LWLockRelease(sched_jobs_shared->lock);
	return armed;
}

/* find_arming_problem() for a caller without rights on its table; both strings in the caller's memory. */
static const char *
look_up_arming(const char **hint)
{
	MemoryContext memory = CurrentMemoryContext;
	SchedRights before;
	const char *problem;

	sched_jobs_enter_system(&before);
	problem = find_arming_problem(hint);
	if (problem != NULL)
		*hint = MemoryContextStrdup(memory, *hint);
	sched_jobs_leave_system(&before);
	return problem;
}

/*
 * What keeps the launcher from having a worker here, as its last round saw it; NULL where nothing does.
 */
static const char *
find_starting_problem(const char **hint)
{
	bool no_launcher;
	bool no_room;

	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	no_launcher = sched_jobs_shared->launcher_pid == 0 &&
				  GetCurrentTimestamp() > sched_jobs_shared->launcher_due;
	no_room = sched_jobs_shared->no_room;
	LWLockRelease(sched_jobs_shared->lock);
	/* Without a launcher the server could not even register it, or it fails again and again: the log says which. */
	if (!no_room && !no_launcher)
		return NULL;
	*hint = psprintf("ALTER SYSTEM SET max_worker_processes = %d; then restart the server.",
					 max_worker_processes + 1 + sched_workers + sched_runners);
	return psprintf("max_worker_processes (%d) leaves no process for a %s.", max_worker_processes,
					no_launcher ? "launcher" : "worker");
}

/*
 * The cause why nothing runs and the line that helps, or NULL. The order is that of mending: what needs a restart
 * first, arming last. Costs nothing while a worker that knows itself armed is alive. Constant or palloc'ed strings.
 */
static const char *
find_problem(const char **hint)
{
	const char *database = get_database_name(MyDatabaseId);
	const char *problem;

	if (has_armed_worker())
		return NULL;
	if (sched_jobs_shared == NULL)
	{
		*hint = "ALTER SYSTEM SET shared_preload_libraries = 'scheduler'; then restart the server.";
		return "The library is not preloaded.";
	}
	if (RecoveryInProgress())
	{
		*hint = "Jobs run on the primary.";
		return "This server is a standby.";
	}
	if (sched_workers == 0)
	{
		*hint = "ALTER SYSTEM SET scheduler.workers = 1; SELECT pg_reload_conf();";
		return "scheduler.workers is 0.";
	}
	if (!sched_jobs_is_listed(database))
	{
		*hint = psprintf("ALTER SYSTEM SET scheduler.databases = '%s'; SELECT pg_reload_conf();",
						 quote_identifier(database));
		return psprintf("Database \"%s\" is not listed in scheduler.databases.", database);
	}
	problem = look_up_arming(hint);
	return problem != NULL ? problem : find_starting_problem(hint);
}

/* Once a session: a loop that enqueues must not fill the log. */
void
sched_jobs_warn_without_worker(void)
{
	static bool warned = false;
	const char *hint = NULL;
	const char *cause;

	if (warned)
		return;
	cause = find_problem(&hint);
	if (cause == NULL)
		return;
	warned = true;
	ereport(WARNING, (errmsg("job queued, but no worker will run it"),
					  errdetail_internal("%s", cause), errhint("%s", hint)));
}

/* How often in a row a worker of this database ended in an error, by the time of its last end. */
static int
count_failures(void)
{
	SchedDatabase *entry;
	int failures;

	if (sched_jobs_shared == NULL)
		return 0;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	entry = sched_jobs_find_database(MyDatabaseId, false);
	failures = entry != NULL ? entry->failures : 0;
	LWLockRelease(sched_jobs_shared->lock);
	return failures;
}

/* worker_problem() -> (cause, hint, failures); cause and hint are NULL where jobs run. */
Datum
sched_sql_worker_problem(PG_FUNCTION_ARGS)
{
	const char *hint = NULL;
	const char *cause = find_problem(&hint);
	TupleDesc desc;
	Datum values[3] = {0};
	bool nulls[3] = {cause == NULL, cause == NULL, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (cause != NULL)
	{
		values[0] = CStringGetTextDatum(cause);
		values[1] = CStringGetTextDatum(hint);
	}
	values[2] = Int32GetDatum(count_failures());
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
