/*
 * normal_sql.c - what a model says, brought into the form we keep: instants with the reader's
 * offset, numbers in their range, texts in one line, lists of bounded length.
 *
 * Runs in backends and workers, on jsonb that the server has parsed. What cannot be read stays as
 * it is, so that the schema finds it. Everything is palloc'ed in the caller's context. Throws for a
 * zone that the server does not know, and for lack of memory.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "core/compat.h"
#include "llm/instant.h"

PG_FUNCTION_INFO_V1(sched_sql_normal_instant);
PG_FUNCTION_INFO_V1(sched_sql_normal_number);
PG_FUNCTION_INFO_V1(sched_sql_normal_text);
PG_FUNCTION_INFO_V1(sched_sql_normal_task);
PG_FUNCTION_INFO_V1(sched_sql_normal_event);
PG_FUNCTION_INFO_V1(sched_sql_normal_facts);
PG_FUNCTION_INFO_V1(sched_sql_instant_problems);
PG_FUNCTION_INFO_V1(sched_sql_plain_json);
PG_FUNCTION_INFO_V1(sched_sql_utf8_or_null);

#define LONGEST_TEXT 240
#define MAX_TASKS 20
#define MAX_EVENTS 10
#define MAX_ATTENDEES 50
#define LONGEST_PLAN 10080 /* minutes: a week */

/* JSON beyond these is left to a reader that can be interrupted by its own errors. */
#define PLAIN_DEPTH 100
#define PLAIN_DIGITS 100

static const JsonbValue null_value = {.type = jbvNull};

static JsonbValue
make_string(char *text, int length)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = text;
	value.val.string.len = length;
	return value;
}

static JsonbValue
make_number(Datum number)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(number);
	return value;
}

/* A member of an object; NULL where there is none. */
static const JsonbValue *
find_member(const JsonbValue *object, const char *name)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, name, strlen(name), NULL);
}

static bool
is_object(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary &&
		   JsonContainerIsObject(value->val.binary.data);
}

static bool
is_array(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary &&
		   JsonContainerIsArray(value->val.binary.data);
}

static bool
is_null(const JsonbValue *value)
{
	return value == NULL || value->type == jbvNull;
}

/* Whether a string is this word. */
static bool
is_word(const JsonbValue *value, const char *word)
{
	return value != NULL && value->type == jbvString &&
		   value->val.string.len == (int) strlen(word) &&
		   memcmp(value->val.string.val, word, value->val.string.len) == 0;
}

/*
 * The bytes of a white space character, 0 for anything else. Which of Unicode's are one does not
 * depend on the locale; those that forbid a line break are none.
 */
static int
measure_space(const char *text, int rest)
{
	const unsigned char *b = (const unsigned char *) text;

	if (*b == ' ' || (*b >= '\t' && *b <= '\r'))
		return 1;
	if (rest < 3 || *b < 0xE1 || *b > 0xE3)
		return 0;
	if (b[0] == 0xE1)
		return b[1] == 0x9A && b[2] == 0x80 ? 3 : 0;
	if (b[0] == 0xE3)
		return b[1] == 0x80 && b[2] == 0x80 ? 3 : 0;
	if (b[1] == 0x80)
		return (b[2] >= 0x80 && b[2] <= 0x8A && b[2] != 0x87) || b[2] == 0xA8 || b[2] == 0xA9 ? 3
																							  : 0;
	return b[1] == 0x81 && b[2] == 0x9F ? 3 : 0;
}

/* Without a zone nothing can be read. */
static bool
read_instant(const JsonbValue *value, Datum zone, TimestampTz *instant)
{
	return zone != (Datum) 0 && value != NULL && value->type == jbvString &&
		   sched_llm_read_instant(value->val.string.val, value->val.string.len, zone, instant);
}

/* A field with an instant: read and written again; what is none stays, for the schema to find. */
static JsonbValue
normal_instant(const JsonbValue *value, Datum zone)
{
	TimestampTz instant;
	char *words;

	if (is_null(value) || is_word(value, ""))
		return null_value;
	if (!read_instant(value, zone, &instant))
		return *value;
	words = sched_llm_print_instant(instant, zone);
	return words != NULL ? make_string(words, strlen(words)) : *value;
}

/* Whether a text is a number as anybody would write it: -12.5 */
static bool
is_decimal(const char *text, int length)
{
	int digits = 0;
	int at = length > 0 && text[0] == '-';

	while (at < length && text[at] >= '0' && text[at] <= '9')
	{
		at++;
		digits++;
	}
	if (digits < 1 || digits > 9)
		return false;
	if (at == length)
		return true;
	if (text[at++] != '.')
		return false;
	digits = length - at;
	while (at < length && text[at] >= '0' && text[at] <= '9')
		at++;
	return at == length && digits >= 1 && digits <= 12;
}

/* A number within its range; text that is a number counts. */
static JsonbValue
normal_number(const JsonbValue *value, Datum low, Datum high, bool whole)
{
	Datum number;

	if (is_null(value))
		return null_value;
	if (value->type == jbvNumeric)
		number = NumericGetDatum(value->val.numeric);
	else if (value->type == jbvString && is_decimal(value->val.string.val, value->val.string.len))
		number = DirectFunctionCall3(
			numeric_in, CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)),
			ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	else
		return *value;
	if (!DatumGetBool(DirectFunctionCall2(numeric_lt, number, high)))
		number = high;
	if (!DatumGetBool(DirectFunctionCall2(numeric_gt, number, low)))
		number = low;
	if (whole)
		number = DirectFunctionCall2(numeric_round, number, Int32GetDatum(0));
	return make_number(number);
}

/* The same between whole numbers; what is missing is `otherwise`. */
static JsonbValue
normal_choice(const JsonbValue *value, int64 low, int64 high, bool whole, const char *otherwise)
{
	JsonbValue made = normal_number(value, NumericGetDatum(int64_to_numeric(low)),
									NumericGetDatum(int64_to_numeric(high)), whole);

	if (made.type != jbvNull || otherwise == NULL)
		return made;
	return make_number(DirectFunctionCall3(numeric_in, CStringGetDatum(otherwise),
										   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* One line of bounded length; nothing is null. */
static JsonbValue
normal_text(const JsonbValue *value, int longest)
{
	char *made;
	int length = 0;
	const char *from;
	const char *end;

	if (is_null(value))
		return null_value;
	if (value->type != jbvString)
		return *value;
	from = value->val.string.val;
	end = from + value->val.string.len;
	made = palloc(value->val.string.len + 1);
	while (from < end)
	{
		int space = measure_space(from, (int) (end - from));

		if (space == 0)
			made[length++] = *from++;
		else
		{
			if (length > 0 && made[length - 1] != ' ')
				made[length++] = ' ';
			from += space;
		}
	}
	if (length > 0 && made[length - 1] == ' ')
		length--;
	length = pg_mbcharcliplen(made, length, longest);
	return length > 0 ? make_string(made, length) : null_value;
}

/* Values inside of what is being built are written out, whatever they are. */
static void
push_value(JsonbParseState **state, JsonbIteratorToken token, JsonbValue value)
{
	pushJsonbValue(state, token, &value);
}

static void
push_field(JsonbParseState **state, const char *name, JsonbValue value)
{
	push_value(state, WJB_KEY, make_string(unconstify(char *, name), strlen(name)));
	push_value(state, WJB_VALUE, value);
}

/* Names in an array; one that stands alone is a list of one. */
static void
push_attendees(JsonbParseState **state, const JsonbValue *value)
{
	push_value(state, WJB_KEY, make_string("attendees", 9));
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	if (is_array(value))
	{
		int count = Min(MAX_ATTENDEES, (int) JsonContainerSize(value->val.binary.data));

		for (int i = 0; i < count; i++)
			push_value(state, WJB_ELEM,
					   normal_text(getIthJsonbValueFromContainer(value->val.binary.data, i),
								   LONGEST_TEXT));
	}
	else if (value != NULL && value->type == jbvString)
		push_value(state, WJB_ELEM, *value);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* One extracted task in the form we keep. */
static JsonbValue *
push_task(JsonbParseState **state, const JsonbValue *task, Datum zone)
{
	static const char *const categories[] = {"work", "personal", "health", "other"};
	const JsonbValue *category = find_member(task, "category");
	bool known = false;

	for (size_t i = 0; i < lengthof(categories); i++)
		known |= is_word(category, categories[i]);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_field(state, "description", normal_text(find_member(task, "description"), LONGEST_TEXT));
	push_field(state, "deadline", normal_instant(find_member(task, "deadline"), zone));
	push_field(state, "duration_minutes",
			   normal_choice(find_member(task, "duration_minutes"), 1, LONGEST_PLAN, true, NULL));
	push_field(state, "priority", normal_choice(find_member(task, "priority"), 1, 10, true, "5"));
	push_field(state, "location", normal_text(find_member(task, "location"), LONGEST_TEXT));
	push_attendees(state, find_member(task, "attendees"));
	push_field(state, "category", known ? *category : make_string("other", 5));
	push_field(state, "confidence",
			   normal_choice(find_member(task, "confidence"), 0, 1, false, "0.5"));
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* An end that is not after the start goes. */
static bool
ends_too_early(const JsonbValue *starts, const JsonbValue *ends, Datum zone)
{
	TimestampTz first;
	TimestampTz last;

	return read_instant(ends, zone, &last) && read_instant(starts, zone, &first) && last <= first;
}

/* One extracted event in the form we keep. */
static JsonbValue *
push_event(JsonbParseState **state, const JsonbValue *event, Datum zone)
{
	const JsonbValue *starts = find_member(event, "starts_at");
	const JsonbValue *ends = find_member(event, "ends_at");

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_field(state, "summary", normal_text(find_member(event, "summary"), LONGEST_TEXT));
	push_field(state, "starts_at", normal_instant(starts, zone));
	push_field(state, "ends_at",
			   ends_too_early(starts, ends, zone) ? null_value : normal_instant(ends, zone));
	push_field(state, "location", normal_text(find_member(event, "location"), LONGEST_TEXT));
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

typedef JsonbValue *(*PushElement)(JsonbParseState **state, const JsonbValue *element, Datum zone);

/* A list of at most `most` elements; what is no list stays as it is, nothing is an empty one. */
static void
push_list(JsonbParseState **state, const JsonbValue *facts, const char *name, int most,
		  PushElement push, Datum zone)
{
	const JsonbValue *list = find_member(facts, name);
	int count;

	if (list != NULL && !is_array(list))
	{
		push_field(state, name, *list);
		return;
	}
	push_value(state, WJB_KEY, make_string(unconstify(char *, name), strlen(name)));
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	count = list == NULL ? 0 : Min(most, (int) JsonContainerSize(list->val.binary.data));
	for (int i = 0; i < count; i++)
	{
		const JsonbValue *element = getIthJsonbValueFromContainer(list->val.binary.data, i);

		if (is_object(element))
			push(state, element, zone);
		else
			push_value(state, WJB_ELEM, *element);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* The class in lower case, without blanks around it. */
static JsonbValue
normal_class(const JsonbValue *value)
{
	const char *from;
	int length;
	char *words;

	if (value == NULL || value->type != jbvString)
		return value == NULL ? null_value : *value;
	from = value->val.string.val;
	length = value->val.string.len;
	while (length > 0 && from[length - 1] == ' ')
		length--;
	while (length > 0 && *from == ' ')
	{
		from++;
		length--;
	}
	words = str_tolower(from, length, DEFAULT_COLLATION_OID);
	return make_string(words, strlen(words));
}

/* The two or three letters that a language's name begins with. */
static JsonbValue
normal_language(const JsonbValue *value)
{
	char *code = palloc(3);
	int length = 0;

	if (value == NULL || value->type != jbvString)
		return make_string("und", 3);
	while (length < 3 && length < value->val.string.len)
	{
		char c = value->val.string.val[length];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			break;
		code[length++] = c >= 'a' ? c : (char) (c + 32);
	}
	return length >= 2 ? make_string(code, length) : make_string("und", 3);
}

/* Everything that was read out of one mail. */
static JsonbValue *
push_facts(JsonbParseState **state, const JsonbValue *facts, Datum zone)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_field(state, "classification", normal_class(find_member(facts, "classification")));
	push_field(state, "confidence",
			   normal_choice(find_member(facts, "confidence"), 0, 1, false, "0.5"));
	push_field(state, "language", normal_language(find_member(facts, "language")));
	push_list(state, facts, "tasks", MAX_TASKS, push_task, zone);
	push_list(state, facts, "events", MAX_EVENTS, push_event, zone);
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* An argument as a value: a scalar is what stands in the root. */
static JsonbValue
read_argument(Jsonb *argument)
{
	JsonbValue value = {.type = jbvBinary};

	if (JB_ROOT_IS_SCALAR(argument))
		return *getIthJsonbValueFromContainer(&argument->root, 0);
	value.val.binary.data = &argument->root;
	value.val.binary.len = VARSIZE(argument) - VARHDRSZ;
	return value;
}

/* The argument `timezone`, 0 where it is NULL. */
static Datum
read_zone(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
}

static Datum
return_value(JsonbValue value)
{
	return JsonbPGetDatum(JsonbValueToJsonb(&value));
}

/* What is an object in its normal form, everything else unchanged. */
static Datum
normalize_object(FunctionCallInfo fcinfo, PushElement push)
{
	JsonbParseState *state = NULL;
	JsonbValue value;

	if (PG_ARGISNULL(0))
	{
		fcinfo->isnull = true;
		return (Datum) 0;
	}
	value = read_argument(PG_GETARG_JSONB_P(0));
	if (!is_object(&value))
		return PG_GETARG_DATUM(0);
	return JsonbPGetDatum(JsonbValueToJsonb(push(&state, &value, read_zone(fcinfo))));
}

/* normal_task(task, timezone) -> jsonb */
Datum
sched_sql_normal_task(PG_FUNCTION_ARGS)
{
	return normalize_object(fcinfo, push_task);
}

/* normal_event(event, timezone) -> jsonb */
Datum
sched_sql_normal_event(PG_FUNCTION_ARGS)
{
	return normalize_object(fcinfo, push_event);
}

/* normal_facts(facts, timezone) -> jsonb */
Datum
sched_sql_normal_facts(PG_FUNCTION_ARGS)
{
	return normalize_object(fcinfo, push_facts);
}

/* normal_instant(value, timezone) -> jsonb; NULL is null */
Datum
sched_sql_normal_instant(PG_FUNCTION_ARGS)
{
	JsonbValue value = null_value;

	if (!PG_ARGISNULL(0))
		value = read_argument(PG_GETARG_JSONB_P(0));
	return return_value(normal_instant(&value, read_zone(fcinfo)));
}

/* normal_number(value, low, high, whole) -> jsonb; NULL is null */
Datum
sched_sql_normal_number(PG_FUNCTION_ARGS)
{
	JsonbValue value = null_value;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0))
		value = read_argument(PG_GETARG_JSONB_P(0));
	return return_value(
		normal_number(&value, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_BOOL(3)));
}

/* normal_text(value, longest) -> jsonb; NULL is null */
Datum
sched_sql_normal_text(PG_FUNCTION_ARGS)
{
	JsonbValue value = null_value;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0))
		value = read_argument(PG_GETARG_JSONB_P(0));
	return return_value(normal_text(&value, PG_GETARG_INT32(1)));
}

/* What is wrong with one field of each element of a list. */
static void
find_problems(const JsonbValue *element, const char *list, int place, const char *field, Datum zone,
			  ArrayBuildState **problems)
{
	const JsonbValue *value = is_object(element) ? find_member(element, field) : NULL;
	TimestampTz instant;

	if (is_null(value) || read_instant(value, zone, &instant))
		return;
	*problems = accumArrayResult(
		*problems,
		CStringGetTextDatum(psprintf("$.%s[%d].%s: not a time in ISO 8601", list, place, field)),
		false, TEXTOID, CurrentMemoryContext);
}

/* instant_problems(facts, timezone) -> text[]: the schema calls an instant a string; that it can be read is checked here. */
Datum
sched_sql_instant_problems(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *list;
		const char *fields[2];
	} lists[] = {{"tasks", {"deadline", NULL}}, {"events", {"ends_at", "starts_at"}}};
	ArrayBuildState *problems = NULL;
	JsonbValue facts = null_value;

	if (!PG_ARGISNULL(0))
		facts = read_argument(PG_GETARG_JSONB_P(0));
	for (size_t l = 0; is_object(&facts) && l < lengthof(lists); l++)
	{
		const JsonbValue *list = find_member(&facts, lists[l].list);
		int count = is_array(list) ? (int) JsonContainerSize(list->val.binary.data) : 0;

		for (int i = 0; i < count; i++)
			for (int f = 0; f < 2 && lists[l].fields[f] != NULL; f++)
				find_problems(getIthJsonbValueFromContainer(list->val.binary.data, i),
							  lists[l].list, i, lists[l].fields[f], read_zone(fcinfo), &problems);
	}
	if (problems == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	PG_RETURN_DATUM(makeArrayResult(problems, CurrentMemoryContext));
}

/*
 * Nothing in it that the server's reader could raise an error about besides its syntax: it does not
 * nest deeply, and no number is large.
 */
static bool
is_harmless(const char *text, int length)
{
	int depth = 0;
	int digits = 0;
	bool quoted = false;

	for (int i = 0; i < length; i++)
	{
		char c = text[i];

		if (quoted)
		{
			if (c == '\\')
				i++;
			quoted = c != '"';
			continue;
		}
		quoted = c == '"';
		if ((c == '[' || c == '{') && ++depth > PLAIN_DEPTH)
			return false;
		if (c == ']' || c == '}')
			depth--;
		if ((c == 'e' || c == 'E') && digits > 0)
			return false;
		digits = c >= '0' && c <= '9' ? digits + 1 : 0;
		if (digits > PLAIN_DIGITS)
			return false;
	}
	return true;
}

/* plain_json(content text) -> jsonb: NULL for what is none, or might be but should be read with care */
Datum
sched_sql_plain_json(PG_FUNCTION_ARGS)
{
	text *content = PG_GETARG_TEXT_PP(0);
	const char *words = text_to_cstring(content);
	int length = VARSIZE_ANY_EXHDR(content);

	if (!is_harmless(words, length) ||
		pg_parse_json(SCHED_LEX_JSON(words, length), &nullSemAction) != JSON_SUCCESS)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(words)));
}

/* utf8_or_null(content bytea) -> text */
Datum
sched_sql_utf8_or_null(PG_FUNCTION_ARGS)
{
	bytea *content = PG_GETARG_BYTEA_PP(0);

	if (!pg_verify_mbstr(PG_UTF8, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), true))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content)));
}
