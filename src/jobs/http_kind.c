/*
 * http_kind.c - the kind http: one call as a job.
 *
 * Runs in the worker, in a session that calls run_job_now(), and, for the check of a payload, in any
 * backend. In C because such jobs come in thousands and do nothing but this; asks no table. Results
 * are palloc'ed in the caller's context. The payload is hostile: what is wrong with it is words,
 * never an error, and nothing here reads it without having looked at its type.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "http/request.h"
#include "jobs/flight.h"

PG_FUNCTION_INFO_V1(sched_sql_http_payload_problem);
PG_FUNCTION_INFO_V1(sched_sql_http_payload_request);
PG_FUNCTION_INFO_V1(sched_sql_handle_http);

/* Attributes of the composites, by number. */
#define JOB_ID_ATTRIBUTE 1
#define JOB_PAYLOAD_ATTRIBUTE 4
#define RESPONSE_STATUS_ATTRIBUTE 1
#define RESPONSE_ERROR_ATTRIBUTE 4
#define RESPONSE_SENT_ATTRIBUTE 7
#define N_REQUEST_ATTRIBUTES 6
#define N_STEP_ATTRIBUTES 7

/* ---- reading the payload ---- */

/* A member of the payload; NULL where it is not there. */
static const JsonbValue *
find_member(Jsonb *payload, const char *name, JsonbValue *buffer)
{
	if (payload == NULL || !JB_ROOT_IS_OBJECT(payload))
		return NULL;
	return getKeyJsonValueFromContainer(&payload->root, name, (int) strlen(name), buffer);
}

/* As ->> has it; NULL for null and for what is not there. */
static char *
text_of(const JsonbValue *value)
{
	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary)
		return sched_http_scalar_text(value);
	return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
}

/* The text of a member of the payload. */
static char *
member_text(Jsonb *payload, const char *name)
{
	JsonbValue buffer;

	return text_of(find_member(payload, name, &buffer));
}

/* Is the member missing, null or of this type? */
static bool
is_optional(Jsonb *payload, const char *name, enum jbvType type)
{
	JsonbValue buffer;
	const JsonbValue *value = find_member(payload, name, &buffer);

	return value == NULL || value->type == jbvNull || value->type == type;
}

/* Headers: missing, null or an object. */
static bool
has_header_object(Jsonb *payload)
{
	JsonbValue buffer;
	const JsonbValue *value = find_member(payload, "headers", &buffer);

	return value == NULL || value->type == jbvNull ||
		   (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data));
}

/* Whole groups of four, the last one filled up. */
static bool
is_base64(const char *text)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = strspn(text, alphabet);
	size_t filled = strspn(text + used, "=");

	return text[used + filled] == '\0' && (used + filled) % 4 == 0 && filled <= 2;
}

/* One to `most` digits; 0 where there is none or one more. */
static size_t
count_digits(const char *text, size_t most)
{
	size_t n = strspn(text, "0123456789");

	return n <= most ? n : 0;
}

/* "12", "12.5 s", "200 ms", "2 minutes". */
static bool
is_duration(const char *text)
{
	static const char *const units[] = {"",     "ms",     "millisecond", "milliseconds", "s",
										"sec",  "secs",   "second",      "seconds",      "min",
										"mins", "minute", "minutes"};
	size_t digits = count_digits(text, 6);

	if (digits == 0)
		return false;
	text += digits;
	if (*text == '.')
	{
		digits = count_digits(text + 1, 6);
		if (digits == 0)
			return false;
		text += digits + 1;
	}
	text += strspn(text, " ");
	for (size_t i = 0; i < lengthof(units); i++)
	{
		if (strcmp(text, units[i]) == 0)
			return true;
	}
	return false;
}

/* ":00" to ":59". */
static bool
is_sixtieth(const char *text)
{
	return text[0] == ':' && text[1] >= '0' && text[1] <= '5' && text[2] >= '0' && text[2] <= '9';
}

/* "1:30", "00:00:01.5". */
static bool
is_clock(const char *text)
{
	size_t digits = count_digits(text, 2);

	if (digits == 0 || !is_sixtieth(text + digits))
		return false;
	text += digits + 3;
	if (*text == '\0')
		return true;
	if (!is_sixtieth(text))
		return false;
	text += 3;
	if (*text != '.')
		return *text == '\0';
	digits = count_digits(text + 1, 6);
	return digits > 0 && text[digits + 1] == '\0';
}

/* Base64 needs a string that is one. */
static const char *
find_encoding_problem(Jsonb *payload)
{
	char *encoding = member_text(payload, "encoding");
	JsonbValue buffer;
	const JsonbValue *body;

	if (encoding == NULL || strcmp(encoding, "text") == 0)
		return NULL;
	if (strcmp(encoding, "base64") != 0)
		return "encoding is neither text nor base64";
	body = find_member(payload, "body", &buffer);
	if (body == NULL || body->type != jbvString || !is_base64(text_of(body)))
		return "body is not base64";
	return NULL;
}

/* What is wrong with a payload; NULL where nothing is. */
static const char *
find_problem(Jsonb *payload)
{
	JsonbValue buffer;
	const JsonbValue *url;
	const char *problem;
	char *timeout;

	if (payload == NULL || !JB_ROOT_IS_OBJECT(payload))
		return "the payload is not an object";
	url = find_member(payload, "url", &buffer);
	if (url == NULL || url->type != jbvString)
		return "url is missing or no string";
	if (!is_optional(payload, "method", jbvString))
		return "method is no string";
	if (!has_header_object(payload))
		return "headers are no object";
	if (!is_optional(payload, "auth", jbvString))
		return "auth is no string";
	if (!is_optional(payload, "repeat_unsafe", jbvBool))
		return "repeat_unsafe is no boolean";
	problem = find_encoding_problem(payload);
	if (problem != NULL)
		return problem;
	timeout = member_text(payload, "timeout");
	if (timeout != NULL && !is_duration(timeout) && !is_clock(timeout))
		return "timeout is neither seconds nor an interval such as 30 seconds";
	return NULL;
}

/* ---- composites ---- */

/* The row type of this name in our schema; the caller releases it. */
static TupleDesc
look_up_row(const char *type_name)
{
	Oid schema = get_namespace_oid("scheduler", false);
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type_name),
							   ObjectIdGetDatum(schema));

	return lookup_rowtype_tupdesc(type, -1);
}

/* One row of our type; attributes behind the given ones stay NULL. */
static Datum
form_row(const char *type_name, const Datum *values, const bool *nulls, int n)
{
	TupleDesc desc = look_up_row(type_name);
	Datum *all_values = palloc0(desc->natts * sizeof(Datum));
	bool *all_nulls = palloc(desc->natts * sizeof(bool));
	HeapTuple tuple;

	Assert(desc->natts >= n);
	memset(all_nulls, true, desc->natts * sizeof(bool));
	memcpy(all_values, values, n * sizeof(Datum));
	memcpy(all_nulls, nulls, n * sizeof(bool));
	tuple = heap_form_tuple(desc, all_values, all_nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(tuple);
}

/* A step with at most one thing beside its action: attribute `number`. */
static Datum
form_step(const char *action, int number, Datum value)
{
	Datum values[N_STEP_ATTRIBUTES] = {0};
	bool nulls[N_STEP_ATTRIBUTES];

	memset(nulls, true, sizeof(nulls));
	values[0] = CStringGetTextDatum(action);
	nulls[0] = false;
	values[number - 1] = value;
	nulls[number - 1] = false;
	return form_row("step", values, nulls, N_STEP_ATTRIBUTES);
}

/* The steps that this handler takes, with the attribute that each one fills. */
#define STEP_DONE(result) form_step("done", 2, result)
#define STEP_REQUEST(request) form_step("request", 4, request)
#define STEP_RETRY(reason) form_step("retry", 6, CStringGetTextDatum(reason))
#define STEP_FAIL(reason) form_step("fail", 6, CStringGetTextDatum(reason))

/* ---- the call ---- */

/* One member of an object under construction. */
static void
push_text_member(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, name);
	value.val.string.len = (int) strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = (int) strlen(text);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* Takes the payload's headers over; tells which of ours are among them. */
static void
push_given_headers(JsonbParseState **state, JsonbContainer *given, bool *has_key, bool *has_type)
{
	JsonbIterator *iterator = JsonbIteratorInit(given);
	JsonbIteratorToken token;
	JsonbValue item;

	/* Values are taken over whole, whatever they are: the HTTP layer judges them. */
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *name = pnstrdup(item.val.string.val, item.val.string.len);

			*has_key |= pg_strcasecmp(name, "idempotency-key") == 0;
			*has_type |= pg_strcasecmp(name, "content-type") == 0;
		}
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(state, token, &item);
	}
}

/* The job's id is the default Idempotency-Key: the same at each attempt. */
static Datum
form_headers(Jsonb *payload, const pg_uuid_t *job_id, bool body_is_json)
{
	JsonbParseState *state = NULL;
	JsonbValue buffer;
	const JsonbValue *given = find_member(payload, "headers", &buffer);
	bool has_key = false;
	bool has_type = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (given != NULL && given->type == jbvBinary)
		push_given_headers(&state, given->val.binary.data, &has_key, &has_type);
	if (!has_key)
		push_text_member(&state, "Idempotency-Key",
						 DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(job_id))));
	if (!has_type && body_is_json)
		push_text_member(&state, "Content-Type", "application/json");
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* Bytes as they are to be sent: text in UTF-8, whatever the database has. */
static Datum
form_body(const char *text, bool is_base64)
{
	int length = (int) strlen(text);
	char *utf8 = is_base64 ? NULL : pg_server_to_any(text, length, PG_UTF8);
	int room = is_base64 ? pg_b64_dec_len(length) : (int) strlen(utf8);
	bytea *body = palloc(VARHDRSZ + room);

	if (is_base64)
		room = pg_b64_decode(text, length, SCHED_BASE64_ROOM(VARDATA(body)), room);
	else
		memcpy(VARDATA(body), utf8, room);
	SET_VARSIZE(body, VARHDRSZ + room);
	return PointerGetDatum(body);
}

/* The method as the wire has it. */
static char *
find_method(Jsonb *payload)
{
	char *method = member_text(payload, "method");

	if (method == NULL)
		return pstrdup("GET");
	for (char *c = method; *c != '\0'; c++)
		*c = pg_ascii_toupper((unsigned char) *c);
	return method;
}

/* The call that a payload without problem describes. */
static Datum
form_request(Jsonb *payload, const pg_uuid_t *job_id)
{
	Datum values[N_REQUEST_ATTRIBUTES] = {0};
	bool nulls[N_REQUEST_ATTRIBUTES] = {false};
	JsonbValue buffer;
	const JsonbValue *body = find_member(payload, "body", &buffer);
	char *body_text = text_of(body);
	char *encoding = member_text(payload, "encoding");
	char *auth = member_text(payload, "auth");
	char *timeout = member_text(payload, "timeout");

	values[0] = CStringGetTextDatum(find_method(payload));
	values[1] = CStringGetTextDatum(member_text(payload, "url"));
	values[2] = form_headers(payload, job_id, body_text != NULL && body->type != jbvString);
	nulls[3] = body_text == NULL;
	if (!nulls[3])
		values[3] = form_body(body_text, encoding != NULL && strcmp(encoding, "base64") == 0);
	nulls[4] = auth == NULL;
	if (!nulls[4])
		values[4] = CStringGetTextDatum(auth);
	nulls[5] = timeout == NULL;
	if (!nulls[5])
		values[5] = DirectFunctionCall3(interval_in, CStringGetDatum(timeout),
										ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return form_row("http_request", values, nulls, N_REQUEST_ATTRIBUTES);
}

/* http_payload_problem(payload) -> text */
Datum
sched_sql_http_payload_problem(PG_FUNCTION_ARGS)
{
	const char *problem = find_problem(PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* http_payload_request(payload, job_id) -> http_request */
Datum
sched_sql_http_payload_request(PG_FUNCTION_ARGS)
{
	Jsonb *payload = PG_GETARG_JSONB_P(0);
	const char *problem = find_problem(payload);

	if (problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this call cannot be made"), errdetail("%s.", problem)));
	PG_RETURN_DATUM(form_request(payload, PG_GETARG_UUID_P(1)));
}

/* ---- the handler ---- */

/*
 * A call whose answer was lost may have done its work. It is made again where doing so twice is
 * harmless or where the payload says so.
 */
static bool
may_be_repeated(Jsonb *payload)
{
	JsonbValue buffer;
	const JsonbValue *wanted = find_member(payload, "repeat_unsafe", &buffer);

	if (sched_jobs_is_repeatable(find_method(payload)))
		return true;
	return wanted != NULL && wanted->type == jbvBool && wanted->val.boolean;
}

/* No good answer: again where that is safe; else the job fails and says why. */
static Datum
judge_failure(Jsonb *payload, HeapTupleHeader response, bool has_status, int status)
{
	bool is_null;
	Datum error = GetAttributeByNum(response, RESPONSE_ERROR_ATTRIBUTE, &is_null);
	char *reason = is_null ? psprintf("HTTP %d", status) : TextDatumGetCString(error);
	bool sent;

	if (!sched_http_response_retryable(response))
		return STEP_FAIL(reason);
	sent = DatumGetBool(GetAttributeByNum(response, RESPONSE_SENT_ATTRIBUTE, &is_null));
	if (!has_status && !is_null && sent && !may_be_repeated(payload))
		return STEP_FAIL(psprintf(
			"%s; the server may have acted, so the call is not repeated (repeat_unsafe)", reason));
	return STEP_RETRY(reason);
}

/* The payload of a job is never NULL; a row made by hand may have anything. */
static Jsonb *
payload_of(HeapTupleHeader job)
{
	bool is_null;
	Datum value = GetAttributeByNum(job, JOB_PAYLOAD_ATTRIBUTE, &is_null);

	return is_null ? NULL : DatumGetJsonbP(value);
}

/* Nothing asked yet. */
static Datum
ask(HeapTupleHeader job)
{
	Jsonb *payload = payload_of(job);
	const char *problem = find_problem(payload);
	bool is_null;
	Datum id = GetAttributeByNum(job, JOB_ID_ATTRIBUTE, &is_null);

	if (problem == NULL && is_null)
		problem = "the job has no id";
	if (problem != NULL)
		return STEP_FAIL(psprintf("bad payload: %s", problem));
	return STEP_REQUEST(form_request(payload, DatumGetUUIDP(id)));
}

/* The payload is looked at only where the answer is not good. */
static Datum
judge(HeapTupleHeader job, HeapTupleHeader response)
{
	bool is_null;
	int status = DatumGetInt32(GetAttributeByNum(response, RESPONSE_STATUS_ATTRIBUTE, &is_null));

	if (!is_null && status < 400)
		return STEP_DONE(sched_http_response_result(response));
	return judge_failure(payload_of(job), response, !is_null, status);
}

/* handle_http(job, response) -> step */
Datum
sched_sql_handle_http(PG_FUNCTION_ARGS)
{
	HeapTupleHeader job;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("job must not be NULL")));
	job = PG_GETARG_HEAPTUPLEHEADER(0);
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(ask(job));
	PG_RETURN_DATUM(judge(job, PG_GETARG_HEAPTUPLEHEADER(1)));
}
