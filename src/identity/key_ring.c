/*
 * key_ring.c - the file scheduler.jwt_key_file: made, checked, read; its keys are kept while it stays as it is.
 *
 * Runs in backends. Keys live in malloc'ed memory of the process, for a token must be verified in microseconds: unlike
 * the master key, which is read for each use. Each use looks at the file again (one stat), so that a key that was
 * taken away stops counting at once. Raises 55000 where there is no usable file.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/settings.h"
#include "identity/jwk.h"
#include "identity/key_file.h"
#include "identity/key_ring.h"
#include "identity/secret.h"

PG_FUNCTION_INFO_V1(sched_sql_create_jwt_keys);
PG_FUNCTION_INFO_V1(sched_sql_jwt_key_state);

/* What was read last, and from which file. */
static SchedJwkSet *kept_keys = NULL;
static struct stat kept_identity;
static char *kept_path = NULL;
static uint64 kept_generation = 0;

/* scheduler.jwt_key_file, else a file in the folder of the master key. palloc'ed. */
static char *
find_file(void)
{
	char *master;
	char *slash;

	if (sched_jwt_key_file[0] != '\0')
		return pstrdup(sched_jwt_key_file);
	master = sched_identity_find_key_file();
	slash = strrchr(master, '/');
	return psprintf("%.*s/jwt.jwks", slash != NULL ? (int) (slash - master) : 1,
					slash != NULL ? master : ".");
}

/* What is wrong with the file itself; NULL where nothing is. No default case: the compiler names one that was forgotten. */
static const char *
describe_status(SchedKeyFileStatus status)
{
	switch (status)
	{
		case SCHED_KEY_FILE_OK:
			return NULL;
		case SCHED_KEY_FILE_MISSING:
			return "it is missing";
		case SCHED_KEY_FILE_UNREADABLE:
			return "it cannot be read";
		case SCHED_KEY_FILE_WRONG_OWNER:
			return "it belongs to another user";
		case SCHED_KEY_FILE_WRONG_MODE:
			return "it is open to others";
		case SCHED_KEY_FILE_OPEN_FOLDER:
			return "its folder is writable by others";
		case SCHED_KEY_FILE_IN_DATA:
			return "it lies in the data directory";
		case SCHED_KEY_FILE_NOT_A_KEY:
			return "it is too large";
		case SCHED_KEY_FILE_NOT_WRITABLE:
			return "it cannot be created";
	}
	return "it has an unknown problem";
}

static const char *
advise_status(SchedKeyFileStatus status)
{
	if (status == SCHED_KEY_FILE_MISSING)
		return "scheduler.setup() creates it; servers of one service share one file.";
	if (status == SCHED_KEY_FILE_WRONG_MODE || status == SCHED_KEY_FILE_WRONG_OWNER)
		return "Make it the server's own with mode 0600, or root's, readable by a group.";
	if (status == SCHED_KEY_FILE_OK)
		return "It holds a JSON Web Key Set whose first key signs: oct of 32 bytes, RSA or EC "
			   "P-256.";
	return "Name a file outside the data directory, in a folder that only the server's operating "
		   "system user can write, in scheduler.jwt_key_file.";
}

/* The keys of the file, malloc'ed; else NULL, what is wrong and what helps. The text is wiped. */
static SchedJwkSet *
read_file(const char *path, struct stat *identity, const char **problem, const char **hint)
{
	char *text = palloc(SCHED_JWK_SET_BYTES + 1);
	size_t length = 0;
	SchedJwkSet *keys = NULL;
	SchedKeyFileStatus status = sched_identity_read_private_file(
		path, DataDir, text, SCHED_JWK_SET_BYTES + 1, &length, identity);

	*problem = describe_status(status);
	if (*problem == NULL)
		keys = sched_identity_parse_keys(text, length, SCHED_JWK_OWN, problem);
	*hint = advise_status(status);
	sched_identity_wipe(text, length);
	pfree(text);
	return keys;
}

static bool
is_kept(const char *path)
{
	struct stat now;

	return kept_keys != NULL && kept_path != NULL && strcmp(path, kept_path) == 0 &&
		   stat(path, &now) == 0 && now.st_dev == kept_identity.st_dev &&
		   now.st_ino == kept_identity.st_ino && now.st_size == kept_identity.st_size &&
		   now.st_mode == kept_identity.st_mode && now.st_uid == kept_identity.st_uid &&
		   now.st_mtim.tv_sec == kept_identity.st_mtim.tv_sec &&
		   now.st_mtim.tv_nsec == kept_identity.st_mtim.tv_nsec &&
		   now.st_ctim.tv_sec == kept_identity.st_ctim.tv_sec &&
		   now.st_ctim.tv_nsec == kept_identity.st_ctim.tv_nsec;
}

const SchedJwkSet *
sched_identity_own_keys(bool required)
{
	char *path = find_file();

	if (!is_kept(path))
	{
		const char *problem;
		const char *hint;

		/* What no longer stands in the file must not verify, whatever the file says now. */
		sched_identity_free_keys(kept_keys);
		kept_keys = NULL;
		kept_generation++;
		if (kept_path != NULL)
			pfree(kept_path);
		kept_path = NULL;
		kept_path = MemoryContextStrdup(TopMemoryContext, path);
		memset(&kept_identity, 0, sizeof(kept_identity));
		kept_keys = read_file(path, &kept_identity, &problem, &hint);
		if (kept_keys == NULL && required)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("the file with the keys of tokens cannot be used"),
							errdetail("File \"%s\": %s.", path, problem), errhint("%s", hint)));
	}
	pfree(path);
	return kept_keys;
}

uint64
sched_identity_key_generation(void)
{
	return kept_generation;
}

/* (file, created, problem, hint); problem and hint NULL where all is well. */
static Datum
form_state(FunctionCallInfo fcinfo, const char *path, bool created, const char *problem,
		   const char *hint)
{
	TupleDesc row_type;
	Datum values[4];
	bool nulls[4] = {false, false, problem == NULL, problem == NULL};

	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(path);
	values[1] = BoolGetDatum(created);
	values[2] = problem != NULL ? CStringGetTextDatum(problem) : (Datum) 0;
	values[3] = problem != NULL ? CStringGetTextDatum(hint) : (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls));
}

static Datum
look_at_file(FunctionCallInfo fcinfo, const char *path, bool created)
{
	struct stat identity;
	const char *problem;
	const char *hint;

	sched_identity_free_keys(read_file(path, &identity, &problem, &hint));
	return form_state(fcinfo, path, created, problem, hint);
}

/* create_jwt_keys() -> (file, created, problem, hint). A file that lies there is never touched. */
Datum
sched_sql_create_jwt_keys(PG_FUNCTION_ARGS)
{
	char *path = find_file();
	char text[SCHED_JWK_FILE_BYTES];
	bool created = false;
	struct stat identity;

	if (!superuser_arg(GetOuterUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be superuser to create the file with the keys of tokens")));
	/* A standby needs the primary's. */
	PreventCommandDuringRecovery("scheduler.create_jwt_keys()");
	if (!sched_identity_is_in_directory(path, DataDir) && lstat(path, &identity) != 0 &&
		errno == ENOENT)
	{
		created = sched_identity_make_key_set(text) &&
				  sched_identity_write_private_file(path, text, strlen(text));
		sched_identity_wipe(text, sizeof(text));
		if (!created)
			PG_RETURN_DATUM(form_state(fcinfo, path, false,
									   describe_status(SCHED_KEY_FILE_NOT_WRITABLE),
									   advise_status(SCHED_KEY_FILE_NOT_WRITABLE)));
	}
	PG_RETURN_DATUM(look_at_file(fcinfo, path, created));
}

/* jwt_key_state() -> (file, created, problem, hint): looks only. */
Datum
sched_sql_jwt_key_state(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(look_at_file(fcinfo, find_file(), false));
}
