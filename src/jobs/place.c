/*
 * place.c - the clone fence: a file outside the data directory that says which place this is,
 * and why nothing runs.
 *
 * Runs in backends (arm(), the warning of enqueue()) and workers. A copy of the data directory
 * has the same system identifier and database oid but not the file; members of one cluster share
 * it by naming it in scheduler.place_file. Where none is named, a copy under the same OS user finds
 * the original's, so there the data directory itself counts too. The file holds one line made of
 * random bytes; it is no secret. Errors of the file system are answers, not exceptions.
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

/*
 * The data directory: its path, and the inode, which a copy has not even where it took the place of the original or
 * lies at the same path of another container. Not the device, whose number may be another after each start of the
 * machine. palloc'ed; never NULL, for arm() keeps it.
 */
static char *
name_data_directory(void)
{
	char real[PATH_MAX];
	struct stat folder;

	if (realpath(DataDir, real) == NULL || stat(real, &folder) != 0)
		return psprintf("%s (%s)", DataDir, strerror(errno));
	return psprintf("%s (inode " UINT64_FORMAT ")", real, (uint64) folder.st_ino);
}

/* One that names a place file takes it upon himself who has it. */
static bool
is_bound_to_directory(void)
{
	return sched_place_file[0] == '\0';
}

/*
 * place_state(make) -> (system_identifier, database_oid, file, place, data_directory, bound, problem, hint)
 */
Datum
sched_sql_place_state(PG_FUNCTION_ARGS)
{
	char *file = find_place_file();
	char place[PLACE_LENGTH];
	const char *problem = NULL;
	const char *hint = NULL;
	bool found;
	Datum values[8] = {0};
	bool nulls[8] = {false};
	TupleDesc desc;

	/* A file made there would be another than the primary's. */
	if (PG_GETARG_BOOL(0))
		PreventCommandDuringRecovery("scheduler.arm()");
	found = look_at_place(file, PG_GETARG_BOOL(0), place, &problem, &hint);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	values[2] = CStringGetTextDatum(file);
	nulls[3] = !found;
	values[4] = CStringGetTextDatum(name_data_directory());
	values[5] = BoolGetDatum(is_bound_to_directory());
	nulls[6] = nulls[7] = found;
	if (found)
		values[3] = CStringGetTextDatum(place);
	else
	{
		values[6] = CStringGetTextDatum(problem);
		values[7] = CStringGetTextDatum(hint);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* What arm() wrote. */
typedef struct ArmedPlace
{
	char *system_identifier;
	Oid database;
	char *place;
	char *data_directory;
} ArmedPlace;

static SchedStatement read_armed = {
	"SELECT system_identifier, database_oid, place, data_directory FROM scheduler.armed_places",
	0,
	{0},
	false,
	NULL};
/* Each EXISTS has an index of its own, so that jobs kept for reading are passed over. */
static SchedStatement look_round = {
	"SELECT p.system_identifier, p.database_oid, p.place, p.data_directory,"
	" EXISTS (SELECT FROM scheduler.new_changes)"
	" OR EXISTS (SELECT FROM scheduler.live_jobs l WHERE l.ready AND NOT l.runner)"
	" OR EXISTS (SELECT FROM scheduler.live_jobs l WHERE l.ready AND l.runner)"
	" OR EXISTS (SELECT FROM scheduler.live_jobs l WHERE NOT l.ready AND l.status IN ('pending',"
	" 'sleeping') AND (l.queue IS NULL OR l.holds_queue))"
	" OR EXISTS (SELECT FROM scheduler.live_jobs l WHERE l.queue IS NOT NULL"
	" AND l.status = 'pending' AND NOT l.holds_queue)"
	" OR EXISTS (SELECT FROM scheduler.live_jobs l WHERE l.lease IS NOT NULL),"
	" (SELECT min(s.next_run_at) FROM scheduler.schedules s WHERE s.enabled),"
	" EXISTS (SELECT FROM scheduler.audit_log a WHERE a.audit_seq IS NULL)"
	" FROM (SELECT) AS one LEFT JOIN scheduler.armed_places p ON true",
	0,
	{0},
	true,
	NULL};

/*
 * With read_armed or look_round, whose first columns are the same. False where nobody armed this
 * database. The strings live as long as the SPI connection.
 */
static bool
read_armed_place(SchedStatement *statement, ArmedPlace *armed)
{
	bool is_null;
	TupleDesc desc;
	HeapTuple row;

	sched_jobs_execute(statement, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
		return false;
	desc = SPI_tuptable->tupdesc;
	row = SPI_tuptable->vals[0];
	armed->system_identifier = SPI_getvalue(row, desc, 1);
	if (armed->system_identifier == NULL)
		return false;
	armed->database = DatumGetObjectId(SPI_getbinval(row, desc, 2, &is_null));
	armed->place = SPI_getvalue(row, desc, 3);
	armed->data_directory = SPI_getvalue(row, desc, 4);
	return true;
}

/*
 * The way on for a server that was moved, by pg_upgrade or by copying the tables: it is somebody who must know that
 * the other one will not start again. The key's default path names the server, so the key has to move too.
 */
static char *
hint_for_moved(const char *old_identifier)
{
	if (sched_master_key_file[0] != '\0')
		return "After pg_upgrade, once the old server is gone for good: SELECT scheduler.arm();";
	return psprintf(
		"After pg_upgrade, once the old server is gone for good: copy the folder \"%s\" of the "
		"old server's key to \"" UINT64_FORMAT "\" beside it, then SELECT scheduler.arm();",
		old_identifier, GetSystemIdentifier());
}

/*
 * Why this database may not act here, with the line that helps; NULL where it may. All must agree: server identifier
 * (a restored dump has another, and so has what pg_upgrade made: its original may still start), database (CREATE
 * DATABASE ... TEMPLATE copies the row), place (a copied data directory has the first two), and the data directory
 * unless a place file is named. Asked by a worker at its start, at each reload and when arm() signals, and by who
 * enqueues where no armed worker is known.
 */
static const char *
find_arming_problem(SchedStatement *statement, const char **hint)
{
	const char *file = find_place_file();
	const char *problem;
	char place[PLACE_LENGTH];
	ArmedPlace armed;

	if (!read_armed_place(statement, &armed))
	{
		*hint = "SELECT scheduler.arm();";
		return "This database is not armed.";
	}
	if (strcmp(armed.system_identifier, psprintf(UINT64_FORMAT, GetSystemIdentifier())) != 0)
	{
		*hint = hint_for_moved(armed.system_identifier);
		return "This database was armed on a server with another system identifier.";
	}
	if (!look_at_place(file, false, place, &problem, hint))
	{
		*hint = psprintf("Put back \"%s\", or, if this database is to act here: SELECT "
						 "scheduler.arm();",
						 file);
		return "This database was armed, but the place file is not there or not readable.";
	}
	*hint = "If it is this one that is to act: SELECT scheduler.arm();";
	if (armed.database != MyDatabaseId || strcmp(armed.place, place) != 0)
		return "This database was armed in another place: it seems to be a copy.";
	if (!is_bound_to_directory() || strcmp(armed.data_directory, name_data_directory()) == 0)
		return NULL;
	*hint = "If the other one is gone for good: SELECT scheduler.arm(); servers that take over "
			"from each other share a file named in scheduler.place_file.";
	return psprintf("This database was armed in another data directory, %s: it seems to be a copy.",
					armed.data_directory);
}

/*
 * For workers, which only want to know whether to claim.
 */
bool
sched_jobs_is_armed(void)
{
	const char *hint;

	return find_arming_problem(&read_armed, &hint) == NULL;
}

bool
sched_jobs_look_round(bool *work, bool *unsealed, TimestampTz *next_schedule)
{
	const char *hint;
	bool armed = find_arming_problem(&look_round, &hint) == NULL;
	HeapTuple row = SPI_tuptable->vals[0];
	TupleDesc desc = SPI_tuptable->tupdesc;
	bool never;
	Datum next = SPI_getbinval(row, desc, 6, &never);

	*next_schedule = never ? DT_NOEND : DatumGetTimestampTz(next);
	*work = DatumGetBool(SPI_getbinval(row, desc, 5, &never));
	*unsealed = DatumGetBool(SPI_getbinval(row, desc, 7, &never));
	return armed;
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
	problem = find_arming_problem(&read_armed, hint);
	if (problem != NULL)
	{
		problem = MemoryContextStrdup(memory, problem);
		*hint = MemoryContextStrdup(memory, *hint);
	}
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

	/* On a standby nothing is queued: the INSERT to come says why. */
	if (warned || RecoveryInProgress())
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

/* Whether the workers of this database find no process for a runner that they need. */
static bool
lacks_runner(void)
{
	SchedDatabase *entry;
	bool lacks;

	if (sched_jobs_shared == NULL)
		return false;
	LWLockAcquire(sched_jobs_shared->lock, LW_SHARED);
	entry = sched_jobs_find_database(MyDatabaseId, false);
	lacks = entry != NULL && entry->no_runner;
	LWLockRelease(sched_jobs_shared->lock);
	return lacks;
}

/* worker_problem() -> (cause, hint, failures, no_runner); cause and hint are NULL where jobs run. */
Datum
sched_sql_worker_problem(PG_FUNCTION_ARGS)
{
	const char *hint = NULL;
	const char *cause = find_problem(&hint);
	TupleDesc desc;
	Datum values[4] = {0};
	bool nulls[4] = {cause == NULL, cause == NULL, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (cause != NULL)
	{
		values[0] = CStringGetTextDatum(cause);
		values[1] = CStringGetTextDatum(hint);
	}
	values[2] = Int32GetDatum(count_failures());
	values[3] = BoolGetDatum(lacks_runner());
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
