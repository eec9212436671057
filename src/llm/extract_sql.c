/*
 * extract_sql.c - read_builtin(): the built-in rules behind an SQL function.
 *
 * Runs in backends and workers. The rules are pure and malloc their result; it is copied into
 * jsonb under PG_TRY, so that an error while the JSON is read cannot leak it. May throw.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/arguments.h"
#include "llm/builtin.h"
#include "time/zone.h"

PG_FUNCTION_INFO_V1(sched_sql_read_builtin);

/* More headers than any real mail has are not looked at. */
#define MAX_HEADERS 500

/*
 * Collects name/value pairs of {"name": "value", "name": ["value", ...]}; other shapes are passed
 * over.
 */
static int
collect_headers(Jsonb *object, SchedMailHeader *headers)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;
	const char *name = NULL;
	int depth = 0;
	int count = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE && count < MAX_HEADERS)
	{
		if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY)
			depth++;
		else if (token == WJB_END_OBJECT || token == WJB_END_ARRAY)
			depth--;
		else if (token == WJB_KEY && depth == 1)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvString &&
				 depth <= 2 && name != NULL)
		{
			headers[count].name = name;
			headers[count].value = pnstrdup(value.val.string.val, value.val.string.len);
			count++;
		}
	}
	return count;
}

/* The JSON text of what the rules found; malloc'ed, NULL when memory is short. Does not throw. */
static char *
extract_to_json(const SchedMailText *mail, const SchedWhenContext *context)
{
	SchedFacts *facts = sched_llm_extract(mail, context);
	char *json = facts != NULL ? sched_llm_print_facts(facts, &context->zone) : NULL;

	if (facts != NULL)
		sched_llm_free_facts(facts);
	return json;
}

static SchedDateOrder
read_date_order(text *word)
{
	const char *order = text_to_cstring(word);

	if (strcmp(order, "DMY") == 0)
		return SCHED_ORDER_DMY;
	return strcmp(order, "YMD") == 0 ? SCHED_ORDER_YMD : SCHED_ORDER_MDY;
}

/*
 * read_builtin(body, subject, sender, received_at, timezone, date_order, headers) -> jsonb in the
 * form of extraction_schema(). 22023 for an unknown zone or an infinite received_at.
 */
Datum
sched_sql_read_builtin(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"body",     "subject",    "sender", "received_at",
										   "timezone", "date_order", "headers"};
	text *body;
	text *subject;
	text *sender;
	SchedMailHeader *headers = palloc(sizeof(SchedMailHeader) * MAX_HEADERS);
	SchedMailText mail = {0};
	SchedWhenContext context = {0};
	Datum result;
	char *json;

	for (int i = 0; i < (int) lengthof(required); i++)
		sched_core_require_argument(fcinfo, i, required[i]);
	body = PG_GETARG_TEXT_PP(0);
	subject = PG_GETARG_TEXT_PP(1);
	sender = PG_GETARG_TEXT_PP(2);
	context.reference = PG_GETARG_TIMESTAMPTZ(3);
	if (TIMESTAMP_NOT_FINITE(context.reference))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("received_at is infinite"),
						errhint("Give the time at which the mail arrived.")));
	sched_time_require_zone(text_to_cstring(PG_GETARG_TEXT_PP(4)), &context.zone);
	context.find_zone = sched_time_find_zone;
	context.date_order = read_date_order(PG_GETARG_TEXT_PP(5));
	mail.body = VARDATA_ANY(body);
	mail.body_length = VARSIZE_ANY_EXHDR(body);
	mail.subject = VARDATA_ANY(subject);
	mail.subject_length = VARSIZE_ANY_EXHDR(subject);
	mail.sender = VARDATA_ANY(sender);
	mail.sender_length = VARSIZE_ANY_EXHDR(sender);
	mail.headers = headers;
	mail.header_count = collect_headers(PG_GETARG_JSONB_P(6), headers);

	json = extract_to_json(&mail, &context);
	if (json == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	PG_TRY();
	{
		result = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	}
	PG_FINALLY();
	{
		free(json);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(result);
}
