/*
 * schema_sql.c - schema_problems(): where a JSON value does not fit a JSON Schema; check_schema(): whether that schema is one.
 *
 * Runs in backends and workers, on jsonb that the server has parsed: no bytes from outside are read
 * here. Knows type, enum, minimum, maximum, minLength, maxLength, maxItems, items, properties,
 * required and additionalProperties false; a part of a schema that is malformed says nothing to
 * schema_problems(), and is what check_schema() throws for. Everything is palloc'ed. Throws for a
 * schema that nests deeper than the stack, and for lack of memory.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(sched_sql_schema_problems);
PG_FUNCTION_INFO_V1(sched_sql_check_schema);

#define MAX_PROBLEMS 20
/* Characters of a member that nobody asked for. */
#define MAX_NAME 40

/* What was found so far. */
typedef struct Problems
{
	Datum words[MAX_PROBLEMS];
	int count;
} Problems;

static void check_value(const JsonbValue *value, const JsonbValue *schema, const char *path,
						Problems *problems);

/* "path: what", as long as there is room. */
static void
add_problem(Problems *problems, char *words)
{
	if (problems->count < MAX_PROBLEMS)
		problems->words[problems->count++] = CStringGetTextDatum(words);
}

/* A member of an object; NULL where there is none. */
static JsonbValue *
find_member(const JsonbValue *object, const char *name, int length)
{
	if (object->type != jbvBinary || !JsonContainerIsObject(object->val.binary.data))
		return NULL;
	return getKeyJsonValueFromContainer(object->val.binary.data, name, length, NULL);
}

/* A member of a schema, by a word of ours. */
static JsonbValue *
find_word(const JsonbValue *schema, const char *word)
{
	return find_member(schema, word, strlen(word));
}

static bool
is_array(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary &&
		   JsonContainerIsArray(value->val.binary.data);
}

/* What jsonb_typeof() says. */
static const char *
name_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "string";
		case jbvNumeric:
			return "number";
		case jbvBool:
			return "boolean";
		default:
			return is_array(value) ? "array" : "object";
	}
}

/* A number without a fraction. */
static bool
is_whole(Numeric number)
{
	Datum cut = DirectFunctionCall2(numeric_trunc, NumericGetDatum(number), Int32GetDatum(0));

	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(number), cut));
}

/* Whether a value is of one of the types a schema names. */
static bool
has_type(const JsonbValue *value, const JsonbValue *wanted)
{
	if (wanted->type == jbvString)
	{
		const char *name = name_type(value);
		int length = wanted->val.string.len;

		if (length == 7 && memcmp(wanted->val.string.val, "integer", 7) == 0)
			return value->type == jbvNumeric && is_whole(value->val.numeric);
		return length == (int) strlen(name) && memcmp(wanted->val.string.val, name, length) == 0;
	}
	for (int i = 0; is_array(wanted) && i < (int) JsonContainerSize(wanted->val.binary.data); i++)
		if (has_type(value, getIthJsonbValueFromContainer(wanted->val.binary.data, i)))
			return true;
	return false;
}

/* The text of a value, for people. */
static char *
print_value(const JsonbValue *value)
{
	Jsonb *jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

/* Equal as JSON: 1 and 1.0 are. */
static bool
is_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				   memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		default:
			return compareJsonbContainers(a->val.binary.data, b->val.binary.data) == 0;
	}
}

/* One of the values that are allowed. */
static bool
is_listed(const JsonbValue *value, const JsonbValue *list)
{
	for (int i = 0; i < (int) JsonContainerSize(list->val.binary.data); i++)
		if (is_equal(value, getIthJsonbValueFromContainer(list->val.binary.data, i)))
			return true;
	return false;
}

/* -1, 0 or 1 against a bound of the schema; 0 where it has none. */
static int
compare_bound(Datum number, const JsonbValue *schema, const char *word, char **bound)
{
	JsonbValue *limit = find_word(schema, word);

	if (limit == NULL || limit->type != jbvNumeric)
		return 0;
	*bound = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(limit->val.numeric)));
	return DatumGetInt32(
		DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(limit->val.numeric)));
}

/* A size against its bounds; words say what is too small and what too large, NULL: nothing is. */
static char *
judge_size(int64 size, const JsonbValue *schema, const char *least, const char *most,
		   const char *unit)
{
	Datum number = NumericGetDatum(int64_to_numeric(size));
	char *bound;

	if (least != NULL && compare_bound(number, schema, least, &bound) < 0)
		return psprintf("shorter than %s %s", bound, unit);
	if (compare_bound(number, schema, most, &bound) > 0)
		return psprintf(least != NULL ? "longer than %s %s" : "more than %s %s", bound, unit);
	return NULL;
}

/* What is wrong with a value, members not looked at; NULL where nothing is. */
static char *
judge_value(const JsonbValue *value, const JsonbValue *schema)
{
	JsonbValue *type = find_word(schema, "type");
	JsonbValue *list = find_word(schema, "enum");
	char *bound;

	if (type != NULL && !has_type(value, type))
		return psprintf("%s instead of %s", name_type(value), print_value(type));
	if (is_array(list) && !is_listed(value, list))
		return "not one of the values";
	if (value->type == jbvNumeric)
	{
		if (compare_bound(NumericGetDatum(value->val.numeric), schema, "minimum", &bound) < 0)
			return psprintf("less than %s", bound);
		if (compare_bound(NumericGetDatum(value->val.numeric), schema, "maximum", &bound) > 0)
			return psprintf("more than %s", bound);
	}
	if (value->type == jbvString)
		return judge_size(pg_mbstrlen_with_len(value->val.string.val, value->val.string.len),
						  schema, "minLength", "maxLength", "characters");
	if (is_array(value))
		return judge_size(JsonContainerSize(value->val.binary.data), schema, NULL, "maxItems",
						  "items");
	return NULL;
}

/* Members that have to be there, in the order of the list. */
static void
check_required(const JsonbValue *value, const JsonbValue *required, const char *path,
			   Problems *problems)
{
	for (int i = 0; i < (int) JsonContainerSize(required->val.binary.data); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(required->val.binary.data, i);

		if (name->type == jbvString &&
			find_member(value, name->val.string.val, name->val.string.len) == NULL)
			add_problem(problems, psprintf("%s.%.*s: missing", path, name->val.string.len,
										   name->val.string.val));
	}
}

/* Members that the schema does not know. */
static void
check_unknown(const JsonbValue *value, const JsonbValue *known, const char *path,
			  Problems *problems)
{
	JsonbIterator *iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue name;

	while ((token = JsonbIteratorNext(&iterator, &name, true)) != WJB_DONE)
	{
		int length;

		if (token != WJB_KEY ||
			(known != NULL && find_member(known, name.val.string.val, name.val.string.len) != NULL))
			continue;
		length = pg_mbcharcliplen(name.val.string.val, name.val.string.len, MAX_NAME);
		add_problem(problems,
					psprintf("%s: unknown member \"%.*s\"", path, length, name.val.string.val));
	}
}

/* Members that are there, in the order of the schema. */
static void
check_members(const JsonbValue *value, const JsonbValue *known, const char *path,
			  Problems *problems)
{
	JsonbIterator *iterator = JsonbIteratorInit(known->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue name;
	JsonbValue schema;

	while ((token = JsonbIteratorNext(&iterator, &name, true)) != WJB_DONE)
	{
		JsonbValue *member;

		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&iterator, &schema, true);
		member = find_member(value, name.val.string.val, name.val.string.len);
		if (member != NULL)
			check_value(member, &schema,
						psprintf("%s.%.*s", path, name.val.string.len, name.val.string.val),
						problems);
	}
}

/* A value, then what is in it; a value that is wrong itself is not looked into. */
static void
check_value(const JsonbValue *value, const JsonbValue *schema, const char *path, Problems *problems)
{
	char *problem = judge_value(value, schema);
	JsonbValue *known = find_word(schema, "properties");
	JsonbValue *required = find_word(schema, "required");
	JsonbValue *others = find_word(schema, "additionalProperties");
	JsonbValue *items = find_word(schema, "items");

	check_stack_depth();
	if (problems->count >= MAX_PROBLEMS)
		return;
	if (problem != NULL)
		add_problem(problems, psprintf("%s: %s", path, problem));
	else if (is_array(value) && items != NULL)
	{
		for (int i = 0; i < (int) JsonContainerSize(value->val.binary.data); i++)
			check_value(getIthJsonbValueFromContainer(value->val.binary.data, i), items,
						psprintf("%s[%d]", path, i), problems);
	}
	else if (value->type == jbvBinary && !is_array(value))
	{
		if (known != NULL && (known->type != jbvBinary || is_array(known)))
			known = NULL;
		if (is_array(required))
			check_required(value, required, path, problems);
		if (others != NULL && others->type == jbvBool && !others->val.boolean)
			check_unknown(value, known, path, problems);
		if (known != NULL)
			check_members(value, known, path, problems);
	}
}

/* A whole jsonb as a value; one that is no array or object stands in an array of its own. */
static JsonbValue *
open_value(Jsonb *jsonb)
{
	JsonbValue *value;

	if (JB_ROOT_IS_SCALAR(jsonb))
		return getIthJsonbValueFromContainer(&jsonb->root, 0);
	value = palloc(sizeof(JsonbValue));
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	return value;
}

/* schema_problems(value, schema, path) -> text[] */
Datum
sched_sql_schema_problems(PG_FUNCTION_ARGS)
{
	Problems problems = {.count = 0};
	char *path;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	path = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (PG_ARGISNULL(0))
		add_problem(&problems, psprintf("%s: there is no value", path));
	else
		check_value(open_value(PG_GETARG_JSONB_P(0)), open_value(PG_GETARG_JSONB_P(1)), path,
					&problems);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(problems.words, problems.count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void require_schema(const JsonbValue *schema, const char *path);

/* Never returns. */
static void
refuse_schema(const char *path, const char *word, const JsonbValue *value, const char *wanted)
{
	char *shown = value == NULL ? "" : print_value(value);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("this is no JSON Schema"),
					errdetail("%s%s%s is %.*s.", path, word[0] != '\0' ? "." : "", word,
							  pg_mbcharcliplen(shown, strlen(shown), MAX_NAME), shown),
					errhint("It has to be %s.", wanted)));
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && !is_array(value);
}

/* The name of a type of JSON. */
static bool
is_type_name(const JsonbValue *value)
{
	static const char *const names[] = {"null",   "boolean", "number", "integer",
										"string", "array",   "object"};

	for (size_t i = 0; value->type == jbvString && i < lengthof(names); i++)
		if (value->val.string.len == (int) strlen(names[i]) &&
			memcmp(value->val.string.val, names[i], value->val.string.len) == 0)
			return true;
	return false;
}

/* An array of strings, or of type names; an empty one where it may be. */
static bool
is_list(const JsonbValue *value, bool of_types)
{
	int n = is_array(value) ? (int) JsonContainerSize(value->val.binary.data) : -1;

	for (int i = 0; i < n; i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(value->val.binary.data, i);

		if (of_types ? !is_type_name(item) : item->type != jbvString)
			return false;
	}
	return of_types ? n > 0 : n >= 0;
}

/* A size: a whole number that is not negative. */
static bool
is_size(const JsonbValue *value)
{
	Datum zero = NumericGetDatum(int64_to_numeric(0));

	return value->type == jbvNumeric && is_whole(value->val.numeric) &&
		   DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(value->val.numeric), zero));
}

/* Each member of "properties". */
static void
require_schemas(const JsonbValue *members, const char *path)
{
	JsonbIterator *iterator = JsonbIteratorInit(members->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue name;
	JsonbValue schema;

	while ((token = JsonbIteratorNext(&iterator, &name, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&iterator, &schema, true);
		require_schema(
			&schema, psprintf("%s.properties.%.*s", path,
							  pg_mbcharcliplen(name.val.string.val, name.val.string.len, MAX_NAME),
							  name.val.string.val));
	}
}

/* The words that bound a value; those that schema_problems() does not know are for the model alone. */
static void
require_bounds(const JsonbValue *schema, const char *path)
{
	static const char *const numbers[] = {"minimum", "maximum"};
	static const char *const sizes[] = {"minLength", "maxLength", "maxItems"};
	JsonbValue *value;

	for (size_t i = 0; i < lengthof(numbers); i++)
		if ((value = find_word(schema, numbers[i])) != NULL && value->type != jbvNumeric)
			refuse_schema(path, numbers[i], value, "a number");
	for (size_t i = 0; i < lengthof(sizes); i++)
		if ((value = find_word(schema, sizes[i])) != NULL && !is_size(value))
			refuse_schema(path, sizes[i], value, "a whole number that is not negative");
}

/* A schema and those inside it. true and false are schemas, too. */
static void
require_schema(const JsonbValue *schema, const char *path)
{
	JsonbValue *value;

	check_stack_depth();
	if (schema->type == jbvBool)
		return;
	if (!is_object(schema))
		refuse_schema(path, "", schema, "an object");
	if ((value = find_word(schema, "type")) != NULL && !is_type_name(value) &&
		!is_list(value, true))
		refuse_schema(path, "type", value,
					  "null, boolean, number, integer, string, array, object, or a list of these");
	if ((value = find_word(schema, "enum")) != NULL && !is_array(value))
		refuse_schema(path, "enum", value, "an array of the values that are allowed");
	if ((value = find_word(schema, "required")) != NULL && !is_list(value, false))
		refuse_schema(path, "required", value, "an array of names");
	require_bounds(schema, path);
	if ((value = find_word(schema, "items")) != NULL)
		require_schema(value, psprintf("%s.items", path));
	if ((value = find_word(schema, "additionalProperties")) != NULL)
		require_schema(value, psprintf("%s.additionalProperties", path));
	if ((value = find_word(schema, "properties")) == NULL)
		return;
	if (!is_object(value))
		refuse_schema(path, "properties", value, "an object of schemas");
	require_schemas(value, path);
}

/* check_schema(schema): throws 22023 with the place where it is none. */
Datum
sched_sql_check_schema(PG_FUNCTION_ARGS)
{
	JsonbValue *schema = open_value(PG_GETARG_JSONB_P(0));

	if (!is_object(schema))
		refuse_schema("$", "", schema, "an object");
	require_schema(schema, "$");
	PG_RETURN_VOID();
}
