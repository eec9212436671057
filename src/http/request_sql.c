/*
 * request_sql.c - a handler's scheduler.http_request becomes a call of the engine.
 *
 * Runs in the worker, in the transaction that claims the job or stores its step. Results are
 * palloc'ed; a secret lives in one header line of the call, which sched_http_scrub_call() wipes.
 * What is wrong with the request is returned as an answer, never thrown: payload is hostile.
 * Internal errors and missing memory throw, after the secret is wiped.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/settings.h"
#include "http/account_auth.h"
#include "http/answer.h"
#include "http/request.h"
#include "http/target.h"
#include "identity/secret.h"

#define PLACEHOLDER "{{auth}}"
#define MAX_TIMEOUT_MS 3600000.0
#define FORM_PLACEHOLDER "{{secret:"
/* A form with room for all its secrets, each percent-encoded, is allocated at once. */
#define MAX_FORM 16384
#define MAX_FORM_SECRET 16384
#define MAX_FORM_SECRETS 4

static const char NO_TLS[] = "a secret is not sent to port 443 without TLS";

/* A request taken apart; strings palloc'ed or NULL. */
typedef struct Request
{
	char *method;
	char *url;
	Jsonb *headers;
	bytea *body;
	char *auth;
	double timeout_ms;
} Request;

/* The lines of a call while they are collected. */
typedef struct Lines
{
	const char **plain;
	const char **templates; /* with the placeholder */
	int n_plain;
	int n_templates;
	bool has_authorization;
} Lines;

/* Without memory for an answer there is nothing to hand over: then it throws like palloc. */
SchedHttpAnswer *
sched_http_make_failure(uint64_t tag, SchedHttpFailure failure, bool sent, const char *words)
{
	SchedHttpAnswer *answer = sched_answer_refuse(tag, failure, words);

	if (answer == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	answer->sent = sent;
	return answer;
}

/* The wait stands where a server would have written it, for whoever asks retry_after(). */
SchedHttpAnswer *
sched_http_make_refusal(uint64_t tag, const char *words, int64 wait_us)
{
	SchedHttpAnswer *answer = sched_http_make_failure(tag, SCHED_HTTP_UNAVAILABLE, false, words);
	char value[32];

	snprintf(value, sizeof(value), INT64_FORMAT, wait_us / 1000 + 1);
	answer->headers = calloc(1, sizeof(SchedHttpHeader));
	if (answer->headers == NULL)
		return answer;
	answer->headers[0].name = strdup("retry-after-ms");
	answer->headers[0].value = strdup(value);
	if (answer->headers[0].name != NULL && answer->headers[0].value != NULL)
		answer->n_headers = 1;
	return answer;
}

/* NULL for SQL NULL, else palloc'ed. */
static char *
text_attribute(HeapTupleHeader row, AttrNumber number)
{
	bool is_null;
	Datum value = GetAttributeByNum(row, number, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

/* The attributes of scheduler.http_request in their order; what it leaves out has a default. */
static void
read_request(Datum composite, Request *request)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(composite);
	bool is_null;
	Datum value;

	memset(request, 0, sizeof(*request));
	request->method = text_attribute(row, 1);
	if (request->method == NULL)
		request->method = pstrdup("GET");
	/* Methods are case-sensitive on the wire; nobody means "get". */
	for (char *c = request->method; *c != '\0'; c++)
		*c = pg_ascii_toupper((unsigned char) *c);
	request->url = text_attribute(row, 2);
	value = GetAttributeByNum(row, 3, &is_null);
	request->headers = is_null ? NULL : DatumGetJsonbP(value);
	value = GetAttributeByNum(row, 4, &is_null);
	request->body = is_null ? NULL : DatumGetByteaPP(value);
	request->auth = text_attribute(row, 5);
	value = GetAttributeByNum(row, 6, &is_null);
	request->timeout_ms = sched_http_timeout;
	if (!is_null)
	{
		/* As a double: days and months of an interval may overflow any integer of milliseconds. */
		const Interval *timeout = DatumGetIntervalP(value);

		request->timeout_ms = (double) timeout->time / 1000.0 + timeout->day * 86400000.0 +
							  timeout->month * 30.0 * 86400000.0;
	}
}

char *
sched_http_scalar_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

/* Adds one line; a value with the placeholder waits for the secret. */
static const char *
add_line(Lines *lines, const char *name, const JsonbValue *value)
{
	char *text;
	char *line;

	if (lines->n_plain + lines->n_templates >= SCHED_ANSWER_MAX_HEADERS)
		return "too many headers";
	text = sched_http_scalar_text(value);
	if (text == NULL)
		return "a header's value is neither a string, a number, a boolean, nor an array of these";
	/*
	 * Line breaks in either are for the engine to refuse: it checks what libcurl will really get,
	 * the secret's own line included.
	 */
	line = psprintf("%s: %s", name, text);
	if (pg_strcasecmp(name, "authorization") == 0)
		lines->has_authorization = true;
	if (strstr(text, PLACEHOLDER) != NULL)
		lines->templates[lines->n_templates++] = line;
	else
		lines->plain[lines->n_plain++] = line;
	return NULL;
}

/* {"name": "value", "other": ["one", "two"]} as lines; a null leaves the header out. */
static const char *
collect_lines(Jsonb *headers, Lines *lines)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	char *name = NULL;
	const char *problem = NULL;
	int depth = 0;

	lines->plain = palloc0(sizeof(char *) * SCHED_ANSWER_MAX_HEADERS);
	lines->templates = palloc0(sizeof(char *) * SCHED_ANSWER_MAX_HEADERS);
	if (headers == NULL)
		return NULL;
	if (!JB_ROOT_IS_OBJECT(headers))
		return "headers are not a JSON object";
	/*
	 * Depth 1 is the object itself, 2 an array of values. An object inside is refused, so what
	 * comes between a key and the next one always belongs to it.
	 */
	iterator = JsonbIteratorInit(&headers->root);
	while (problem == NULL && (token = JsonbIteratorNext(&iterator, &item, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
		{
			depth++;
			if (depth > (token == WJB_BEGIN_ARRAY ? 2 : 1))
				problem = "headers are nested too deep";
		}
		else if (token == WJB_END_ARRAY || token == WJB_END_OBJECT)
			depth--;
		else if (token == WJB_KEY)
			name = pnstrdup(item.val.string.val, item.val.string.len);
		else if (item.type != jbvNull)
			problem = add_line(lines, name, &item);
	}
	return problem;
}

/* "Name: Bearer {{auth}}" with the secret in its place. */
static char *
place_secret(const char *template, const SchedSecretValue *secret)
{
	StringInfoData line;
	const char *found;

	/* Sized first: growing would leave copies of the secret behind. */
	initStringInfo(&line);
	enlargeStringInfo(&line, (int) (strlen(template) * (secret->length + 1)));
	while ((found = strstr(template, PLACEHOLDER)) != NULL)
	{
		appendBinaryStringInfo(&line, template, (int) (found - template));
		appendBinaryStringInfo(&line, secret->bytes, (int) secret->length);
		template = found + strlen(PLACEHOLDER);
	}
	appendStringInfoString(&line, template);
	return line.data;
}

/* Fills the call's secret lines. Longer than 8 kB is no credential. */
static const char *
place_secrets(const Lines *lines, const SchedSecretValue *secret, SchedHttpCall *call)
{
	const char **placed = palloc0(sizeof(char *) * (lines->n_templates + 1));

	/* Servers take headers of 8 kB; what is longer is a file, not a token. */
	if (secret->length == 0 || secret->length > 8192)
		return "the secret is empty or too long for a header";
	/*
	 * A C string would end there and send half of it. Line breaks are refused with the line, by the
	 * engine.
	 */
	if (memchr(secret->bytes, '\0', secret->length) != NULL)
		return "the secret cannot stand in a header";
	call->secret_headers = placed;
	for (int i = 0; i < lines->n_templates; i++)
	{
		if (strlen(lines->templates[i]) > 8192)
			return "a header with {{auth}} is too long";
		placed[call->n_secret_headers++] = place_secret(lines->templates[i], secret);
	}
	if (lines->n_templates == 0)
		placed[call->n_secret_headers++] =
			place_secret("Authorization: Bearer " PLACEHOLDER, secret);
	return NULL;
}

/* The failure's kind and words of a secret that cannot be opened. */
static SchedHttpAnswer *
refuse_secret(uint64_t tag, SchedSecretStatus status, const char *name)
{
	char *words = psprintf("secret \"%s\": %s", name, sched_identity_secret_problem(status));

	return sched_http_make_failure(
		tag, status == SCHED_SECRET_WRONG_HOST ? SCHED_HTTP_FORBIDDEN : SCHED_HTTP_BAD_REQUEST,
		false, words);
}

/*
 * Where the url leads, as the engine will parse it: a binding checked against anything else could be tricked into
 * another host. NULL, or what is wrong.
 */
static const char *
find_target(const char *url, SchedSecretTarget *where)
{
	SchedTarget target;
	const char *problem = sched_target_parse(&target, NULL, url);
	bool in_clear;

	if (problem != NULL)
		return problem;
	/* Copied to where an error frees it. */
	where->host = target.address ? psprintf("[%s]", target.host) : pstrdup(target.host);
	where->path = pstrdup(target.path);
	where->port = target.port;
	in_clear = !target.https && target.port == 443;
	sched_target_clear(&target);
	/* A binding without a port means TLS; the other end would refuse, but only after it was sent. */
	return in_clear ? NO_TLS : NULL;
}

/* The failure's kind and words of a place that gets no secret. */
static SchedHttpAnswer *
refuse_target(uint64_t tag, const char *problem)
{
	return sched_http_make_failure(
		tag, problem == NO_TLS ? SCHED_HTTP_FORBIDDEN : SCHED_HTTP_BAD_REQUEST, false, problem);
}

/* The name of the secret that auth means; NULL where there is none. */
static const char *
find_auth_name(const char *auth, const pg_uuid_t *user_id, const char **problem)
{
	pg_uuid_t account_id;
	bool again;
	int64 number;
	char *name;

	if (strncmp(auth, "secret:", 7) == 0 && auth[7] != '\0')
		return auth + 7;
	*problem = "auth is not of the form secret:name or account:uuid";
	if (!sched_http_parse_account(auth, &account_id, &again))
		return NULL;
	name = palloc(NAMEDATALEN);
	*problem = "there is no such account, or it has no secret";
	return sched_http_look_at_account(user_id, &account_id, name, &number) == SCHED_ACCOUNT_UNKNOWN
			   ? NULL
			   : name;
}

/* Opens the secret that auth names, for this url and no other, and places it. */
static SchedHttpAnswer *
add_auth(const Request *request, const Lines *lines, const pg_uuid_t *user_id, uint64_t tag,
		 SchedHttpCall *call)
{
	SchedSecretTarget target;
	SchedSecretValue secret = {0};
	SchedSecretStatus status;
	const char *problem = NULL;
	const char *name = find_auth_name(request->auth, user_id, &problem);

	/* Sending both would leave it to the server which of the two counts. */
	if (name != NULL && lines->n_templates == 0 && lines->has_authorization)
	{
		name = NULL;
		problem = "both auth and an Authorization header without {{auth}}";
	}
	if (name == NULL)
		return sched_http_make_failure(tag, SCHED_HTTP_BAD_REQUEST, false, problem);
	problem = find_target(request->url, &target);
	if (problem != NULL)
		return refuse_target(tag, problem);
	status = sched_identity_open_secret(user_id, name, &target, &secret);
	if (status != SCHED_SECRET_OK)
		return refuse_secret(tag, status, name);
	/*
	 * Whoever does not own it does not choose the header either: a server that quotes a header it does
	 * not understand would tell him the value.
	 */
	if (secret.shared && lines->n_templates > 0)
	{
		sched_identity_close_secret(&secret);
		return sched_http_make_failure(
			tag, SCHED_HTTP_FORBIDDEN, false,
			"a secret of the installation is sent as Authorization only");
	}
	/*
	 * The value is malloc'ed and lines with it are palloc'ed: an error in between must leave
	 * neither readable.
	 */
	PG_TRY();
	{
		problem = place_secrets(lines, &secret, call);
	}
	PG_CATCH();
	{
		sched_http_scrub_call(call);
		sched_identity_close_secret(&secret);
		PG_RE_THROW();
	}
	PG_END_TRY();
	sched_identity_close_secret(&secret);
	return problem == NULL ? NULL
						   : sched_http_make_failure(tag, SCHED_HTTP_BAD_REQUEST, false, problem);
}

/* ---- secrets in a form ---- */

/* Percent-encoded, as a form has it. The buffer was made large enough: growing would leave copies behind. */
static void
append_encoded(StringInfo form, const SchedSecretValue *secret)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < secret->length; i++)
	{
		unsigned char c = (unsigned char) secret->bytes[i];

		if (isalnum(c) || (c != 0 && strchr("-._~", c) != NULL))
			appendStringInfoCharMacro(form, c);
		else
		{
			appendStringInfoCharMacro(form, '%');
			appendStringInfoCharMacro(form, digits[c >> 4]);
			appendStringInfoCharMacro(form, digits[c & 15]);
		}
	}
}

/* The next {{secret:name}} from `from` on; its name, palloc'ed, or NULL. */
static char *
next_placeholder(const char *from, const char **start, const char **end)
{
	*start = strstr(from, FORM_PLACEHOLDER);
	*end = *start == NULL ? NULL : strstr(*start, "}}");
	if (*end == NULL)
		return NULL;
	*end += 2;
	return pnstrdup(*start + strlen(FORM_PLACEHOLDER),
					*end - 2 - *start - strlen(FORM_PLACEHOLDER));
}

/*
 * Opens one secret and appends it. The installation's own stands where a client's secret stands, and nowhere else: a server
 * that quotes what it does not understand would tell the user its value.
 */
static SchedHttpAnswer *
append_secret(StringInfo form, const char *template, const char *start, const char *name,
			  const pg_uuid_t *user_id, const SchedSecretTarget *target, uint64_t tag)
{
	SchedSecretValue secret = {0};
	SchedSecretStatus status = sched_identity_open_secret(user_id, name, target, &secret);
	bool misplaced;
	bool too_long;

	if (status != SCHED_SECRET_OK)
		return refuse_secret(tag, status, name);
	misplaced = secret.shared &&
				!(start - template >= 14 && strncmp(start - 14, "client_secret=", 14) == 0 &&
				  (start - template == 14 || start[-15] == '&'));
	too_long = secret.length > MAX_FORM_SECRET;
	if (!misplaced && !too_long)
		append_encoded(form, &secret);
	sched_identity_close_secret(&secret);
	if (misplaced)
		return sched_http_make_failure(
			tag, SCHED_HTTP_FORBIDDEN, false,
			"a secret of the installation is sent as client_secret only");
	return too_long ? sched_http_make_failure(tag, SCHED_HTTP_BAD_REQUEST, false,
											  "the secret is too long for a form")
					: NULL;
}

/*
 * auth 'tokens:...': a form with {{secret:name}} in it. What is placed lies in one buffer, the call's body, which
 * sched_http_scrub_call() wipes.
 */
static SchedHttpAnswer *
fill_form(const Request *request, const pg_uuid_t *user_id, uint64_t tag, SchedHttpCall *call)
{
	char *template = request->body == NULL ? pstrdup("") : text_to_cstring((text *) request->body);
	const char *from = template;
	const char *start;
	const char *end;
	SchedSecretTarget target;
	SchedHttpAnswer *refusal = NULL;
	StringInfoData form;
	const char *problem = find_target(request->url, &target);
	char *name;

	if (problem == NULL && strlen(template) > MAX_FORM)
		problem = "the form is too long";
	if (problem != NULL)
		return refuse_target(tag, problem);
	initStringInfo(&form);
	enlargeStringInfo(&form, (int) strlen(template) + MAX_FORM_SECRETS * 3 * MAX_FORM_SECRET);
	call->secret_body = true;
	call->body = form.data;
	for (int n = 0; refusal == NULL && (name = next_placeholder(from, &start, &end)) != NULL; n++)
	{
		if (n == MAX_FORM_SECRETS)
			return sched_http_make_failure(tag, SCHED_HTTP_BAD_REQUEST, false,
										   "too many secrets in a form");
		appendBinaryStringInfo(&form, from, (int) (start - from));
		refusal = append_secret(&form, template, start, name, user_id, &target, tag);
		call->body_length = form.len;
		from = end;
	}
	appendStringInfoString(&form, from);
	call->body_length = form.len;
	return refusal;
}

/* An error while the form is filled must not leave it readable. */
static SchedHttpAnswer *
add_form(const Request *request, const pg_uuid_t *user_id, uint64_t tag, SchedHttpCall *call)
{
	SchedHttpAnswer *refusal;

	PG_TRY();
	{
		refusal = fill_form(request, user_id, tag, call);
	}
	PG_CATCH();
	{
		sched_http_scrub_call(call);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return refusal;
}

/*
 * Cheap checks first; the secret is opened last, when everything else is known to be in order, so
 * that it is in memory for as short as possible.
 */
SchedHttpAnswer *
sched_http_build_call(Datum composite, const pg_uuid_t *user_id, uint64_t tag, SchedHttpCall *call)
{
	Request request;
	Lines lines = {0};
	SchedHttpAnswer *refusal = NULL;
	const char *problem;

	memset(call, 0, sizeof(*call));
	read_request(composite, &request);
	if (request.url == NULL)
		problem = "the request has no url";
	else if (!(request.timeout_ms > 0))
		problem = "the timeout is not positive";
	else
		problem = collect_lines(request.headers, &lines);
	if (problem == NULL && request.auth == NULL && lines.n_templates > 0)
		problem = "a header holds {{auth}}, but the request names no auth";
	if (problem != NULL)
		return sched_http_make_failure(tag, SCHED_HTTP_BAD_REQUEST, false, problem);
	if (request.auth != NULL && strncmp(request.auth, "tokens:", 7) == 0)
		refusal = add_form(&request, user_id, tag, call);
	else if (request.auth != NULL)
		refusal = add_auth(&request, &lines, user_id, tag, call);
	if (refusal != NULL)
	{
		sched_http_scrub_call(call);
		return refusal;
	}
	call->tag = tag;
	call->method = request.method;
	call->url = request.url;
	call->headers = lines.plain;
	call->n_headers = lines.n_plain;
	call->timeout_ms = (long) Max(1.0, Min(request.timeout_ms, MAX_TIMEOUT_MS));
	if (request.body != NULL && !call->secret_body)
	{
		call->body = VARDATA_ANY(request.body);
		call->body_length = VARSIZE_ANY_EXHDR(request.body);
	}
	return NULL;
}

/* After submit the engine has copies of its own, which it wipes when the call is over. */
void
sched_http_scrub_call(SchedHttpCall *call)
{
	for (int i = 0; i < call->n_secret_headers; i++)
	{
		char *line = unconstify(char *, call->secret_headers[i]);

		if (line == NULL)
			continue;
		explicit_bzero(line, strlen(line));
		pfree(line);
	}
	if (call->secret_body)
	{
		char *body = unconstify(void *, call->body);

		explicit_bzero(body, call->body_length);
		pfree(body);
	}
	memset(call, 0, sizeof(*call));
}
