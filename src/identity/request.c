/*
 * request.c - what PostgREST says of the request it is carrying out, and errors in the form it understands.
 *
 * Runs in backends. The settings request.* can be set by anybody who has SQL: the headers are a stranger's text that is
 * parsed by json.c, and a token in them proves itself. Raises what it is asked to raise.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"

#include "identity/json.h"
#include "identity/request.h"

/* More than a web server takes. */
#define MAX_HEADERS_BYTES 262144

static const char *
read_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value != NULL ? value : "";
}

bool
sched_identity_is_request(void)
{
	return read_setting("request.method")[0] != '\0';
}

SchedBearer
sched_identity_find_bearer(char *token, size_t size)
{
	static const char scheme[] = "bearer ";
	const char *headers = read_setting("request.headers");
	size_t length = strlen(headers);
	char *start;
	SchedJson json;
	SchedJson value;

	token[0] = '\0';
	if (length == 0)
		return SCHED_BEARER_NONE;
	if (length > MAX_HEADERS_BYTES)
		return SCHED_BEARER_TOO_LONG;
	if (!sched_identity_read_json(headers, length, &json) || json.type != SCHED_JSON_OBJECT)
		return SCHED_BEARER_UNREADABLE;
	if (!sched_identity_find_json(&json, "authorization", &value))
		return SCHED_BEARER_NONE;
	if (value.type != SCHED_JSON_STRING)
		return SCHED_BEARER_UNREADABLE;
	if (value.length >= size)
		return SCHED_BEARER_TOO_LONG;
	sched_identity_copy_json(&value, token, size);
	/* Another scheme is somebody else's business. */
	if (pg_strncasecmp(token, scheme, sizeof(scheme) - 1) != 0)
		return SCHED_BEARER_NONE;
	start = token + sizeof(scheme) - 1;
	start += strspn(start, " ");
	memmove(token, start, strlen(start) + 1);
	return SCHED_BEARER_FOUND;
}

void
sched_identity_find_called(char *name, size_t size)
{
	const char *path = read_setting("request.path");

	if (path[0] == '/')
		path++;
	if (strncmp(path, "rpc/", 4) == 0)
		path += 4;
	strlcpy(name, path, size);
}

static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\":", json->len > 1 ? "," : "", name);
	if (value != NULL)
		escape_json(json, value);
	else
		appendStringInfoString(json, "null");
}

void
sched_identity_refuse(const SchedRefusal *refusal)
{
	StringInfoData body;
	StringInfoData answer;

	if (!sched_identity_is_request())
		ereport(ERROR, (errcode(refusal->sqlstate), errmsg("%s", refusal->message),
						refusal->detail != NULL ? errdetail("%s", refusal->detail) : 0,
						refusal->hint != NULL ? errhint("%s", refusal->hint) : 0));
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	append_member(&body, "code", refusal->code);
	append_member(&body, "message", refusal->message);
	append_member(&body, "details", refusal->detail);
	append_member(&body, "hint", refusal->hint);
	appendStringInfoChar(&body, '}');
	initStringInfo(&answer);
	appendStringInfo(&answer, "{\"status\":%d,\"headers\":{", refusal->status);
	if (refusal->header != NULL)
	{
		escape_json(&answer, refusal->header);
		appendStringInfoChar(&answer, ':');
		escape_json(&answer, refusal->value);
	}
	appendStringInfoString(&answer, "}}");
	ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')), errmsg("%s", body.data),
					errdetail("%s", answer.data)));
}
