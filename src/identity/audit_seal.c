/*
 * audit_seal.c - numbers and seals what was appended to audit_log, and checks seals.
 *
 * Runs in the worker (a duty of one at a time) and in backends, as scheduler_system (the functions' owner). The master key
 * is in memory between reading its file and wiping it, with nothing in between that could throw; nothing in SQL signs a
 * hash that somebody hands in. Memory is the caller's context; what a commit has to note outside the cluster lies in a
 * static buffer until then.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/fault.h"
#include "core/lock.h"
#include "identity/chain.h"
#include "identity/head_file.h"
#include "identity/key_file.h"
#include "identity/secret.h"

PG_FUNCTION_INFO_V1(sched_sql_audit_digest);
PG_FUNCTION_INFO_V1(sched_sql_seal_audit_log);
PG_FUNCTION_INFO_V1(sched_sql_check_audit_seal);
PG_FUNCTION_INFO_V1(sched_sql_noted_audit_head);

#define FENCES 1398362948
#define FENCE_AUDIT 4
/* Rows of one seal: their digests are one value of 32 kB. */
#define SEAL_ROWS 1000
#define N_DIGESTED 9

/* Where the chain ends. */
typedef struct ChainEnd
{
	int64 number;
	int64 last;
	unsigned char hash[SCHED_DIGEST_BYTES];
} ChainEnd;

/* Noted in the file when the transaction has committed, never before: the file must not know more than the table. */
static SchedAuditHead pending_head;
static char pending_path[MAXPGPATH];

/* Beside the master key, and of this database. palloc'ed. */
static char *
find_head_file(void)
{
	char *path = sched_identity_find_key_file();
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		*slash = '\0';
	return psprintf("%s/audit_head.%u", slash != NULL ? path : ".", MyDatabaseId);
}

static bytea *
form_bytes(const void *bytes, size_t length)
{
	bytea *made = palloc(VARHDRSZ + length);

	SET_VARSIZE(made, VARHDRSZ + length);
	memcpy(VARDATA(made), bytes, length);
	return made;
}

/* audit_digest(user_id, audit_id, at, actor_role, action, outcome, subject_user_id, details, address) -> bytea */
Datum
sched_sql_audit_digest(PG_FUNCTION_ARGS)
{
	SchedChainField fields[N_DIGESTED];
	unsigned char digest[SCHED_DIGEST_BYTES];
	int64 at;

	for (int i = 0; i < N_DIGESTED; i++)
	{
		fields[i].bytes = NULL;
		fields[i].length = 0;
		if (PG_ARGISNULL(i))
			continue;
		if (i == 0 || i == 1 || i == 6)
		{
			fields[i].bytes = PG_GETARG_UUID_P(i)->data;
			fields[i].length = UUID_LEN;
		}
		else if (i == 2)
		{
			at = (int64) pg_hton64((uint64) PG_GETARG_TIMESTAMPTZ(i));
			fields[i].bytes = &at;
			fields[i].length = sizeof(at);
		}
		else
		{
			text *value = PG_GETARG_TEXT_PP(i);

			fields[i].bytes = VARDATA_ANY(value);
			fields[i].length = VARSIZE_ANY_EXHDR(value);
		}
	}
	if (!sched_identity_digest_row(fields, N_DIGESTED, digest))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("the audit row could not be hashed")));
	PG_RETURN_BYTEA_P(form_bytes(digest, sizeof(digest)));
}

/* What a subtransaction sealed may be taken back; an older head in the file is still a true one. */
static void
forget_head(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		pending_head.number = 0;
}

static void
note_head(XactEvent event, void *arg)
{
	if (pending_head.number == 0)
		return;
	if (event == XACT_EVENT_COMMIT)
	{
		SCHED_FAULT("sealed");
		if (!sched_identity_write_head(pending_path, &pending_head))
			ereport(WARNING, (errmsg("the head of the audit log could not be noted in \"%s\": %m",
									 pending_path)));
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		pending_head.number = 0;
}

static void
remember_head(int64 number, const unsigned char *hash)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(note_head, NULL);
		RegisterSubXactCallback(forget_head, NULL);
		registered = true;
	}
	strlcpy(pending_path, find_head_file(), sizeof(pending_path));
	memcpy(pending_head.hash, hash, SCHED_DIGEST_BYTES);
	pending_head.number = number;
}

/* Plans are kept for the life of the process. */
static void
execute(SPIPlanPtr *plan, const char *sql, int n_types, Oid *types, Datum *values, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(sql, n_types, types);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not prepare a statement of the audit log");
		*plan = fresh;
	}
	if (SPI_execute_plan(*plan, values, NULL, false, 0) != expected)
		elog(ERROR, "unexpected result of a statement of the audit log");
}

/* The column of the one row that a statement gave. */
static Datum
read_column(uint64 row, int column)
{
	bool is_null;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
}

/* Zeroes before the first seal. */
static void
find_end(ChainEnd *end)
{
	static SPIPlanPtr plan = NULL;

	memset(end, 0, sizeof(*end));
	execute(&plan,
			"SELECT s.seal_seq, s.last_seq, s.hash FROM scheduler.audit_seals s ORDER BY "
			"s.seal_seq DESC LIMIT 1",
			0, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	end->number = DatumGetInt64(read_column(0, 1));
	end->last = DatumGetInt64(read_column(0, 2));
	memcpy(end->hash, VARDATA_ANY(DatumGetByteaPP(read_column(0, 3))), SCHED_DIGEST_BYTES);
}

/*
 * The file names a seal that is not in the chain: its end was cut off, or the database is older than the file. Going on
 * would overwrite the only witness, so what it says becomes a row that is sealed itself.
 */
static void
look_for_lost_end(void)
{
	static SPIPlanPtr find = NULL;
	static SPIPlanPtr insert = NULL;
	Oid types[] = {INT8OID, BYTEAOID};
	SchedAuditHead head;
	Datum values[2];

	if (sched_identity_read_head(find_head_file(), &head) != SCHED_HEAD_OK)
		return;
	values[0] = Int64GetDatum(head.number);
	values[1] = PointerGetDatum(form_bytes(head.hash, sizeof(head.hash)));
	execute(&find, "SELECT FROM scheduler.audit_seals s WHERE s.seal_seq = $1 AND s.hash = $2", 2,
			types, values, SPI_OK_SELECT);
	if (SPI_processed > 0)
		return;
	execute(&insert,
			"INSERT INTO scheduler.audit_log (user_id, actor_role, action, outcome, details) VALUES"
			" (scheduler.system_user_id(), 'seal_audit_log()', 'audit.end_lost', 'failed',"
			" pg_catalog.jsonb_build_object('seal', $1, 'hash', pg_catalog.encode($2, 'hex')))",
			2, types, values, SPI_OK_INSERT);
}

/* Numbers up to `limit` rows and collects their digests, palloc'ed; how many there were. */
static int
number_rows(const ChainEnd *end, int64 limit, unsigned char **digests)
{
	static SPIPlanPtr find = NULL;
	static SPIPlanPtr write = NULL;
	Oid limit_type[] = {INT8OID};
	Oid array_types[] = {UUIDARRAYOID, INT8OID};
	Datum values[2] = {Int64GetDatum(limit), 0};
	Datum *ids;
	int n;

	execute(&find,
			"SELECT a.audit_id, scheduler.audit_digest(a.user_id, a.audit_id, a.at, a.actor_role, "
			"a.action, a.outcome,"
			" a.subject_user_id, a.details::text, a.address::text) FROM scheduler.audit_log a"
			" WHERE a.audit_seq IS NULL ORDER BY a.at, a.audit_id LIMIT $1",
			1, limit_type, values, SPI_OK_SELECT);
	n = (int) SPI_processed;
	ids = palloc(Max(n, 1) * sizeof(Datum));
	*digests = palloc(Max(n, 1) * SCHED_DIGEST_BYTES);
	for (int i = 0; i < n; i++)
	{
		ids[i] = read_column(i, 1);
		memcpy(*digests + (size_t) i * SCHED_DIGEST_BYTES,
			   VARDATA_ANY(DatumGetByteaPP(read_column(i, 2))), SCHED_DIGEST_BYTES);
	}
	if (n == 0)
		return 0;
	values[0] = PointerGetDatum(construct_array(ids, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	values[1] = Int64GetDatum(end->last);
	execute(&write,
			"UPDATE scheduler.audit_log a SET audit_seq = $2 + u.n FROM unnest($1) WITH ORDINALITY "
			"AS u (audit_id, n)"
			" WHERE a.audit_id = u.audit_id AND a.audit_seq IS NULL",
			2, array_types, values, SPI_OK_UPDATE);
	if (SPI_processed != (uint64) n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("rows of audit_log cannot be told apart"),
				 errdetail("%d rows to seal have " UINT64_FORMAT " keys.", n, SPI_processed),
				 errhint("SELECT audit_id FROM scheduler.audit_log WHERE audit_seq IS NULL"
						 " GROUP BY 1 HAVING count(*) > 1")));
	return n;
}

/* Hash and signature, with the key's id; false where the key file cannot be used. Nothing in here throws. */
static bool
sign(const char *key_path, const SchedChainSeal *seal, unsigned char *hash,
	 unsigned char *signature, char *key_id)
{
	SchedKey key;
	bool done = sched_identity_read_key_file(key_path, DataDir, &key) == SCHED_KEY_FILE_OK &&
				sched_identity_hash_seal(seal, hash) &&
				sched_identity_sign_seal(&key, hash, signature);

	memcpy(key_id, key.id, SCHED_KEY_ID_CHARS + 1);
	sched_identity_wipe(&key, sizeof(key));
	return done;
}

static void
insert_seal(const SchedChainSeal *seal, const unsigned char *hash, const unsigned char *signature,
			const char *key_id)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {INT8OID,  INT8OID,  INT8OID, TIMESTAMPTZOID, BYTEAOID,
				   BYTEAOID, BYTEAOID, TEXTOID, BYTEAOID};
	size_t length = (size_t) (seal->last - seal->first + 1) * SCHED_DIGEST_BYTES;
	Datum values[] = {Int64GetDatum(seal->number),
					  Int64GetDatum(seal->first),
					  Int64GetDatum(seal->last),
					  TimestampTzGetDatum(seal->sealed_at),
					  PointerGetDatum(form_bytes(seal->previous, SCHED_DIGEST_BYTES)),
					  PointerGetDatum(form_bytes(seal->digests, length)),
					  PointerGetDatum(form_bytes(hash, SCHED_DIGEST_BYTES)),
					  CStringGetTextDatum(key_id),
					  PointerGetDatum(form_bytes(signature, SCHED_DIGEST_BYTES))};

	execute(&plan,
			"INSERT INTO scheduler.audit_seals (seal_seq, first_seq, last_seq, sealed_at, "
			"previous, digests, hash,"
			" key_id, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			9, types, values, SPI_OK_INSERT);
}

/* One seal behind `end`, which moves; how many rows are in it. */
static int
seal_rows(ChainEnd *end, int64 limit)
{
	SchedChainSeal seal;
	unsigned char hash[SCHED_DIGEST_BYTES];
	unsigned char signature[SCHED_DIGEST_BYTES];
	char key_id[SCHED_KEY_ID_CHARS + 1];
	unsigned char *digests;
	int n = number_rows(end, Min(limit, SEAL_ROWS), &digests);

	if (n == 0)
		return 0;
	seal.number = end->number + 1;
	seal.first = end->last + 1;
	seal.last = end->last + n;
	seal.sealed_at = GetCurrentTimestamp();
	seal.previous = end->hash;
	seal.digests = digests;
	if (!sign(sched_identity_find_key_file(), &seal, hash, signature, key_id))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the audit log could not be sealed"),
						errhint("See scheduler.doctor() about the master key.")));
	insert_seal(&seal, hash, signature, key_id);
	end->number = seal.number;
	end->last = seal.last;
	memcpy(end->hash, hash, SCHED_DIGEST_BYTES);
	SCHED_FAULT("sealing");
	return n;
}

/*
 * Without a key nothing is sealed: the worker leaves the rows for later, a human is told. At levels above READ COMMITTED the
 * chain's end may be an old one.
 */
static bool
may_seal(bool by_worker)
{
	char *path = sched_identity_find_key_file();
	SchedKey key;
	SchedKeyFileStatus status = sched_identity_read_key_file(path, DataDir, &key);

	sched_identity_wipe(&key, sizeof(key));
	if (status != SCHED_KEY_FILE_OK && by_worker)
		return false;
	if (status != SCHED_KEY_FILE_OK)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s", sched_identity_key_file_problem(status)),
						errdetail("File \"%s\".", path),
						errhint("%s", sched_identity_key_file_hint(status))));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the audit log is sealed at isolation level READ COMMITTED only")));
	return true;
}

/* seal_audit_log(max_rows, patient) -> bigint: how many rows were sealed. Not patient: 0 where somebody is at it. */
Datum
sched_sql_seal_audit_log(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	int64 limit = PG_ARGISNULL(0) ? PG_INT64_MAX : PG_GETARG_INT64(0);
	bool patient = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);
	ChainEnd end;
	int64 sealed = 0;
	int level = NewGUCNestLevel();

	set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
					  GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	execute(&plan, "SELECT FROM scheduler.audit_log a WHERE a.audit_seq IS NULL LIMIT 1", 0, NULL,
			NULL, SPI_OK_SELECT);
	if (SPI_processed > 0 && may_seal(!patient) &&
		sched_core_take_lock(FENCES, FENCE_AUDIT, patient))
	{
		look_for_lost_end();
		find_end(&end);
		while (sealed < limit)
		{
			int n = seal_rows(&end, limit - sealed);

			if (n == 0)
				break;
			sealed += n;
		}
		if (sealed > 0)
			remember_head(end.number, end.hash);
	}
	SPI_finish();
	AtEOXact_GUC(true, level);
	PG_RETURN_INT64(sealed);
}

/*
 * check_audit_seal(seal_seq, first_seq, last_seq, sealed_at, previous, digests, hash, key_id, signature) -> text: NULL where
 * all is well; 'key' where it cannot be told, as the master key is another one or missing.
 */
Datum
sched_sql_check_audit_seal(PG_FUNCTION_ARGS)
{
	bytea *previous = PG_GETARG_BYTEA_PP(4);
	bytea *digests = PG_GETARG_BYTEA_PP(5);
	bytea *hash = PG_GETARG_BYTEA_PP(6);
	char *key_id = text_to_cstring(PG_GETARG_TEXT_PP(7));
	bytea *signature = PG_GETARG_BYTEA_PP(8);
	SchedChainSeal seal;
	unsigned char right_hash[SCHED_DIGEST_BYTES];
	unsigned char right_signature[SCHED_DIGEST_BYTES];
	char right_key[SCHED_KEY_ID_CHARS + 1];

	seal.number = PG_GETARG_INT64(0);
	seal.first = PG_GETARG_INT64(1);
	seal.last = PG_GETARG_INT64(2);
	seal.sealed_at = PG_GETARG_TIMESTAMPTZ(3);
	seal.previous = (unsigned char *) VARDATA_ANY(previous);
	seal.digests = (unsigned char *) VARDATA_ANY(digests);
	if (VARSIZE_ANY_EXHDR(previous) != SCHED_DIGEST_BYTES ||
		VARSIZE_ANY_EXHDR(hash) != SCHED_DIGEST_BYTES ||
		VARSIZE_ANY_EXHDR(signature) != SCHED_DIGEST_BYTES || seal.first > seal.last ||
		VARSIZE_ANY_EXHDR(digests) % SCHED_DIGEST_BYTES != 0 ||
		(int64) (VARSIZE_ANY_EXHDR(digests) / SCHED_DIGEST_BYTES) != seal.last - seal.first + 1 ||
		!sched_identity_hash_seal(&seal, right_hash) ||
		!sched_identity_same_digest(right_hash, (unsigned char *) VARDATA_ANY(hash)))
		PG_RETURN_TEXT_P(cstring_to_text("changed"));
	if (!sign(sched_identity_find_key_file(), &seal, right_hash, right_signature, right_key) ||
		strcmp(right_key, key_id) != 0)
		PG_RETURN_TEXT_P(cstring_to_text("key"));
	if (!sched_identity_same_digest(right_signature, (unsigned char *) VARDATA_ANY(signature)))
		PG_RETURN_TEXT_P(cstring_to_text("forged"));
	PG_RETURN_NULL();
}

/* noted_audit_head() -> (file, seal_seq, hash): what the file beside the master key says. */
Datum
sched_sql_noted_audit_head(PG_FUNCTION_ARGS)
{
	char *path = find_head_file();
	SchedAuditHead head;
	SchedHeadStatus status = sched_identity_read_head(path, &head);
	bool known = status == SCHED_HEAD_OK;
	TupleDesc row_type;
	Datum values[3];
	bool nulls[3] = {false, status == SCHED_HEAD_ABSENT, !known};

	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(path);
	values[1] = Int64GetDatum(head.number);
	values[2] = PointerGetDatum(form_bytes(head.hash, sizeof(head.hash)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls)));
}
