/*
 * response_sql.c - an answer of the engine becomes a scheduler.http_response, and what handlers ask
 * about one.
 *
 * Runs in the worker and, for the SQL functions, in any backend. Results are palloc'ed; answers
 * stay their owner's. What a server sends is hostile: header values that are not UTF-8 are taken as
 * Latin-1, a body stays bytes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "http/answer.h"
#include "http/request.h"
#include "http/retry_after.h"

#define N_RESPONSE_ATTRIBUTES 7
/* As response_result() has it where it is not told. */
#define DEFAULT_RESULT_BYTES 1048576
#define UNIX_EPOCH_IN_POSTGRES ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

PG_FUNCTION_INFO_V1(sched_sql_retry_after);
PG_FUNCTION_INFO_V1(sched_sql_response_retryable);
PG_FUNCTION_INFO_V1(sched_sql_response_result);

/* ---- answer to composite ---- */

/* UTF-8 as it is; anything else read as Latin-1, which every byte string is. */
static void
append_header_text(StringInfo into, const char *value)
{
	if (pg_verify_mbstr(PG_UTF8, value, (int) strlen(value), true))
	{
		appendStringInfoString(into, value);
		return;
	}
	for (const unsigned char *c = (const unsigned char *) value; *c != '\0'; c++)
	{
		if (*c < 0x80)
			appendStringInfoChar(into, (char) *c);
		else
		{
			appendStringInfoChar(into, (char) (0xc0 | (*c >> 6)));
			appendStringInfoChar(into, (char) (0x80 | (*c & 0x3f)));
		}
	}
}

/* Keys, values and elements alike; the text is converted into memory of its own. */
static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	StringInfoData utf8;
	JsonbValue value;

	initStringInfo(&utf8);
	append_header_text(&utf8, text);
	value.type = jbvString;
	value.val.string.val = utf8.data;
	value.val.string.len = utf8.len;
	pushJsonbValue(state, token, &value);
}

/* Is there an equal name before (or, with `after`, behind) this header? */
static bool
is_repeated(const SchedHttpAnswer *answer, int position, bool after)
{
	int from = after ? position + 1 : 0;
	int to = after ? answer->n_headers : position;

	for (int i = from; i < to; i++)
	{
		if (strcmp(answer->headers[i].name, answer->headers[position].name) == 0)
			return true;
	}
	return false;
}

/* {"name": "value", "repeated": ["one", "two"]} */
/* At most 256 headers, so comparing each name with all others is fine. */
static Jsonb *
form_headers(const SchedHttpAnswer *answer)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < answer->n_headers; i++)
	{
		const char *name = answer->headers[i].name;

		if (is_repeated(answer, i, false))
			continue;
		push_text(&state, WJB_KEY, name);
		if (!is_repeated(answer, i, true))
		{
			push_text(&state, WJB_VALUE, answer->headers[i].value);
			continue;
		}
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (int j = i; j < answer->n_headers; j++)
		{
			if (strcmp(answer->headers[j].name, name) == 0)
				push_text(&state, WJB_ELEM, answer->headers[j].value);
		}
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* An answer has at most http_max_answer_bytes, 512 MB: below what a bytea can hold. */
static Datum
form_body(const SchedHttpAnswer *answer)
{
	bytea *body = palloc(VARHDRSZ + answer->body_length);

	SET_VARSIZE(body, VARHDRSZ + answer->body_length);
	if (answer->body_length > 0)
		memcpy(VARDATA(body), answer->body, answer->body_length);
	return PointerGetDatum(body);
}

/* The row type of our own response, found anew: the extension may have been dropped and created. */
static TupleDesc
response_descriptor(void)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("http_response"),
							   ObjectIdGetDatum(get_namespace_oid("scheduler", false)));

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("type \"%s\" does not exist", "scheduler.http_response")));
	return lookup_rowtype_tupdesc(type, -1);
}

/*
 * Attributes that a later version adds stay NULL here. `error` begins with the failure's word, so
 * that a person who only sees the text knows the kind as well.
 */
Datum
sched_http_form_response(const SchedHttpAnswer *answer)
{
	TupleDesc descriptor = response_descriptor();
	Datum *values = palloc0(sizeof(Datum) * descriptor->natts);
	bool *nulls = palloc(sizeof(bool) * descriptor->natts);
	Interval *elapsed = palloc0(sizeof(Interval));
	HeapTuple tuple;

	Assert(descriptor->natts >= N_RESPONSE_ATTRIBUTES);
	memset(nulls, true, sizeof(bool) * descriptor->natts);
	if (answer->failure == SCHED_HTTP_OK)
	{
		values[0] = Int32GetDatum(answer->status);
		values[1] = JsonbPGetDatum(form_headers(answer));
		values[2] = form_body(answer);
		nulls[0] = nulls[1] = nulls[2] = false;
	}
	else
	{
		const char *word = sched_http_failure_word(answer->failure);

		values[3] = PointerGetDatum(cstring_to_text(
			psprintf("%s: %s", word, answer->error != NULL ? answer->error : "no details")));
		values[5] = PointerGetDatum(cstring_to_text(word));
		nulls[3] = nulls[5] = false;
		/* Ours, for a call that was not made: when to come again. */
		values[1] = answer->n_headers > 0 ? JsonbPGetDatum(form_headers(answer)) : (Datum) 0;
		nulls[1] = answer->n_headers == 0;
	}
	elapsed->time = answer->elapsed_us;
	values[4] = IntervalPGetDatum(elapsed);
	values[6] = BoolGetDatum(answer->sent);
	nulls[4] = nulls[6] = false;
	tuple = heap_form_tuple(descriptor, values, nulls);
	ReleaseTupleDesc(descriptor);
	return HeapTupleGetDatum(tuple);
}

/* For the worker, which has the answer at hand; handlers ask retry_after(). */
int64_t
sched_http_asked_delay_ms(const SchedHttpAnswer *answer)
{
	if (answer->failure != SCHED_HTTP_OK && answer->failure != SCHED_HTTP_UNAVAILABLE)
		return -1;
	return sched_retry_after_ms(sched_answer_header(answer, "retry-after-ms"),
								sched_answer_header(answer, "retry-after"),
								GetCurrentTimestamp() / USECS_PER_SEC + UNIX_EPOCH_IN_POSTGRES);
}

/* ---- what handlers ask ---- */

/* A header's value as C string, the first one of several; NULL where there is none. */
static char *
header_text(Jsonb *headers, const char *name)
{
	JsonbValue buffer;
	JsonbValue *value =
		getKeyJsonValueFromContainer(&headers->root, name, (int) strlen(name), &buffer);

	/*
	 * Servers behind proxies send some headers twice; the first came from nearest to the source.
	 */
	if (value != NULL && value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
		value = getIthJsonbValueFromContainer(value->val.binary.data, 0);
	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Headers of a response; NULL where it has none. */
static Jsonb *
response_headers(HeapTupleHeader response)
{
	bool is_null;
	Datum value = GetAttributeByNum(response, 2, &is_null);
	Jsonb *headers = is_null ? NULL : DatumGetJsonbP(value);

	return headers != NULL && JB_ROOT_IS_OBJECT(headers) ? headers : NULL;
}

int64_t
sched_http_response_delay_ms(HeapTupleHeader response)
{
	Jsonb *headers = response_headers(response);

	if (headers == NULL)
		return -1;
	/* An HTTP-date is compared with the server's clock: a skewed one is why delays are clamped. */
	return sched_retry_after_ms(header_text(headers, "retry-after-ms"),
								header_text(headers, "retry-after"),
								GetCurrentTimestamp() / USECS_PER_SEC + UNIX_EPOCH_IN_POSTGRES);
}

/* retry_after(http_response) -> interval */
Datum
sched_sql_retry_after(PG_FUNCTION_ARGS)
{
	int64_t delay_ms = sched_http_response_delay_ms(PG_GETARG_HEAPTUPLEHEADER(0));
	Interval *result;

	if (delay_ms < 0)
		PG_RETURN_NULL();
	result = palloc0(sizeof(Interval));
	result->time = delay_ms * 1000;
	PG_RETURN_INTERVAL_P(result);
}

/* The line failed, or time ran out: whether the server has acted is another question (sent). */
static bool
is_retryable_failure(HeapTupleHeader response)
{
	static const char *const words[] = {"resolve", "connect", "tls", "unavailable",
										"timeout", "broken",  "lost"};
	bool is_null;
	Datum value = GetAttributeByNum(response, 6, &is_null);
	char *failure;

	if (is_null)
		return false;
	failure = TextDatumGetCString(value);
	for (size_t i = 0; i < lengthof(words); i++)
	{
		if (strcmp(failure, words[i]) == 0)
			return true;
	}
	return false;
}

/* What x-should-retry says: 1, 0, or -1 where it says nothing. */
static int
asked_to_retry(HeapTupleHeader response)
{
	Jsonb *headers = response_headers(response);
	JsonbValue buffer;
	JsonbValue *value =
		headers == NULL
			? NULL
			: getKeyJsonValueFromContainer(&headers->root, "x-should-retry", 14, &buffer);

	if (value != NULL && value->type == jbvBool)
		return value->val.boolean;
	if (value == NULL || value->type != jbvString)
		return -1;
	if (value->val.string.len == 4 && memcmp(value->val.string.val, "true", 4) == 0)
		return 1;
	return value->val.string.len == 5 && memcmp(value->val.string.val, "false", 5) == 0 ? 0 : -1;
}

/* Where the server does not say so itself, the codes that mean "later" count. */
bool
sched_http_response_retryable(HeapTupleHeader response)
{
	bool is_null;
	int status = DatumGetInt32(GetAttributeByNum(response, 1, &is_null));
	int asked;

	if (is_null)
		return is_retryable_failure(response);
	if (status < 400)
		return false;
	asked = asked_to_retry(response);
	if (asked >= 0)
		return asked == 1;
	if (status >= 500)
		return status != 501 && status != 505 && status != 511;
	return status == 408 || status == 409 || status == 425 || status == 429;
}

/* response_retryable(http_response) -> boolean; not STRICT, so that nothing is no */
Datum
sched_sql_response_retryable(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(sched_http_response_retryable(PG_GETARG_HEAPTUPLEHEADER(0)));
}

/* One key of an object under construction. */
static void
push_pair(JsonbParseState **state, const char *name, JsonbValue *value)
{
	JsonbValue key = {.type = jbvString};

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = (int) strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, value);
}

/* Points into the caller's memory, which lives until the JSON is built. */
static JsonbValue
string_value(const char *text, int length)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = length;
	return value;
}

/*
 * The body as JSON can hold it: text where it is UTF-8 without NUL, else base64; at most max_bytes
 * of it, text cut at a character.
 */
static void
push_body(JsonbParseState **state, bytea *body, int max_bytes)
{
	const char *bytes = VARDATA_ANY(body);
	int length = VARSIZE_ANY_EXHDR(body);
	bool truncated = length > max_bytes;
	/* The verification refuses NUL as well, which neither text nor jsonb can hold. */
	bool text = pg_verify_mbstr(PG_UTF8, bytes, length, true);
	JsonbValue value;
	JsonbValue encoding;
	JsonbValue flag = {.type = jbvBool};

	flag.val.boolean = truncated;
	if (truncated)
		length = text ? pg_encoding_mbcliplen(PG_UTF8, bytes, length, max_bytes) : max_bytes;
	if (text)
	{
		value = string_value(bytes, length);
		encoding = string_value("text", 4);
	}
	else
	{
		/* Base64 of what is kept; the length says how much that was. */
		int room = pg_b64_enc_len(length);
		char *encoded = palloc(room + 1);

		value =
			string_value(encoded, pg_b64_encode(SCHED_BASE64_BYTES(bytes), length, encoded, room));
		encoding = string_value("base64", 6);
	}
	push_pair(state, "body", &value);
	push_pair(state, "encoding", &encoding);
	push_pair(state, "truncated", &flag);
}

/* {status, headers, body, encoding, truncated}; NULL without a status. */
static Jsonb *
form_result(HeapTupleHeader row, int max_bytes)
{
	JsonbParseState *state = NULL;
	JsonbValue value;
	bool no_status;
	bool no_headers;
	bool no_body;
	Datum status = GetAttributeByNum(row, 1, &no_status);
	Datum headers = GetAttributeByNum(row, 2, &no_headers);
	Datum body = GetAttributeByNum(row, 3, &no_body);

	if (no_status)
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(DatumGetInt32(status));
	push_pair(&state, "status", &value);
	if (!no_headers)
	{
		/* Taken over whole, not walked: the container is already in jsonb's own form. */
		Jsonb *object = DatumGetJsonbP(headers);

		value.type = jbvBinary;
		value.val.binary.data = &object->root;
		value.val.binary.len = VARSIZE_ANY_EXHDR(object);
		push_pair(&state, "headers", &value);
	}
	if (!no_body)
		push_body(&state, DatumGetByteaPP(body), max_bytes);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

Datum
sched_http_response_result(HeapTupleHeader response)
{
	return JsonbPGetDatum(form_result(response, DEFAULT_RESULT_BYTES));
}

/* response_result(http_response, max_bytes) -> jsonb */
Datum
sched_sql_response_result(PG_FUNCTION_ARGS)
{
	Jsonb *result = form_result(PG_GETARG_HEAPTUPLEHEADER(0), Max(0, PG_GETARG_INT32(1)));

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}
