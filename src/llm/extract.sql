/* llm: what a model is asked to find in a mail, how its answer is judged, and the model that needs no network. */

/*
 * JSON Schema (draft 2020-12) in the part that OpenAI's strict mode takes as well: every property is required, what may
 * be missing is nullable. One text, so that the prompt, the check and the built-in rules cannot drift apart.
 */
CREATE FUNCTION scheduler.extraction_schema() RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN '{
	"type": "object",
	"properties": {
		"classification": {"type": "string",
			"enum": ["important", "followup", "actionable", "informational", "promotional", "spam"]},
		"confidence": {"type": "number", "minimum": 0, "maximum": 1},
		"language": {"type": "string", "maxLength": 16},
		"tasks": {"type": "array", "maxItems": 20, "items": {
			"type": "object",
			"properties": {
				"description": {"type": "string", "minLength": 1, "maxLength": 240},
				"deadline": {"type": ["string", "null"], "maxLength": 40},
				"duration_minutes": {"type": ["integer", "null"], "minimum": 1, "maximum": 100000},
				"priority": {"type": "integer", "minimum": 1, "maximum": 10},
				"location": {"type": ["string", "null"], "maxLength": 500},
				"attendees": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 320}},
				"category": {"type": "string", "enum": ["work", "personal", "health", "other"]},
				"confidence": {"type": "number", "minimum": 0, "maximum": 1}
			},
			"required": ["description", "deadline", "duration_minutes", "priority", "location", "attendees",
				"category", "confidence"],
			"additionalProperties": false}},
		"events": {"type": "array", "maxItems": 20, "items": {
			"type": "object",
			"properties": {
				"summary": {"type": "string", "minLength": 1, "maxLength": 500},
				"starts_at": {"type": "string", "maxLength": 40},
				"ends_at": {"type": ["string", "null"], "maxLength": 40},
				"location": {"type": ["string", "null"], "maxLength": 500}
			},
			"required": ["summary", "starts_at", "ends_at", "location"],
			"additionalProperties": false}}
	},
	"required": ["classification", "confidence", "language", "tasks", "events"],
	"additionalProperties": false}'::jsonb;
END
$body$;
COMMENT ON FUNCTION scheduler.extraction_schema() IS
	'JSON Schema of what extract_facts() returns and every model must answer.';

/* Whether a value is of one of the types a schema names; an integer is a number without a fraction. */
CREATE FUNCTION scheduler.has_json_type(value jsonb, wanted jsonb) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN CASE WHEN jsonb_typeof($2) = 'array'
			THEN EXISTS (SELECT FROM jsonb_array_elements($2) AS w (one) WHERE scheduler.has_json_type($1, w.one))
		WHEN $2 = '"integer"' THEN jsonb_typeof($1) = 'number' AND $1::numeric = trunc($1::numeric)
		ELSE jsonb_typeof($1) = $2 #>> '{}' END;
END
$body$;
COMMENT ON FUNCTION scheduler.has_json_type(jsonb, jsonb) IS 'Whether a JSON value has (one of) the type(s) of a JSON Schema.';

/* What is wrong with one value apart from its members. */
CREATE FUNCTION scheduler.value_problem(value jsonb, schema jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE
			WHEN $2 ? 'type' AND NOT scheduler.has_json_type($1, $2->'type')
				THEN format('%s instead of %s', jsonb_typeof($1), $2->'type')
			WHEN $2 ? 'enum' AND NOT $2->'enum' @> jsonb_build_array($1) THEN 'not one of the values'
			WHEN jsonb_typeof($1) = 'number' AND $1::numeric < ($2->>'minimum')::numeric
				THEN format('less than %s', $2->>'minimum')
			WHEN jsonb_typeof($1) = 'number' AND $1::numeric > ($2->>'maximum')::numeric
				THEN format('more than %s', $2->>'maximum')
			WHEN jsonb_typeof($1) = 'string' AND length($1 #>> '{}') < ($2->>'minLength')::integer
				THEN format('shorter than %s characters', $2->>'minLength')
			WHEN jsonb_typeof($1) = 'string' AND length($1 #>> '{}') > ($2->>'maxLength')::integer
				THEN format('longer than %s characters', $2->>'maxLength')
			WHEN jsonb_typeof($1) = 'array' AND jsonb_array_length($1) > ($2->>'maxItems')::integer
				THEN format('more than %s items', $2->>'maxItems')
			END);
END
$body$;
COMMENT ON FUNCTION scheduler.value_problem(jsonb, jsonb) IS
	'What is wrong with a JSON value by its schema, members not looked at; NULL where nothing is.';

/*
 * schema_problems(value, schema, path): every place where a JSON value does not fit, at most 20, in the order of the schema.
 * Knows type, enum, minimum, maximum, minLength, maxLength, maxItems, items, properties, required and
 * additionalProperties false. The depth of recursion is that of the schema, not of the value.
 */
CREATE FUNCTION scheduler.schema_problems(value jsonb, schema jsonb, path text DEFAULT '$') RETURNS text[]
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	problems text[] := '{}';
	problem text := scheduler.value_problem($1, $2);
	member record;
BEGIN
	IF $1 IS NULL OR problem IS NOT NULL THEN
		RETURN ARRAY[$3 || ': ' || coalesce(problem, 'there is no value')];
	END IF;
	IF jsonb_typeof($1) = 'object' THEN
		FOR member IN SELECT r.name FROM jsonb_array_elements_text($2->'required') AS r (name) WHERE NOT $1 ? r.name
		LOOP
			problems := problems || format('%s.%s: missing', $3, member.name);
		END LOOP;
		IF $2->'additionalProperties' = 'false' THEN
			FOR member IN SELECT k.name FROM jsonb_object_keys($1) AS k (name)
				WHERE NOT coalesce($2->'properties', '{}') ? k.name LIMIT 20
			LOOP
				problems := problems || format('%s: unknown member "%s"', $3, left(member.name, 40));
			END LOOP;
		END IF;
		FOR member IN SELECT p.key, p.value FROM jsonb_each($2->'properties') AS p WHERE $1 ? p.key
		LOOP
			problems := problems || scheduler.schema_problems($1->member.key, member.value, $3 || '.' || member.key);
		END LOOP;
	ELSIF jsonb_typeof($1) = 'array' AND $2 ? 'items' THEN
		FOR member IN SELECT i.value, i.position FROM jsonb_array_elements($1) WITH ORDINALITY AS i (value, position)
		LOOP
			problems := problems || scheduler.schema_problems(member.value, $2->'items',
				format('%s[%s]', $3, member.position - 1));
			EXIT WHEN cardinality(problems) >= 20;
		END LOOP;
	END IF;
	RETURN problems[1:20];
END
$body$;
COMMENT ON FUNCTION scheduler.schema_problems(jsonb, jsonb, text) IS
	'Where a JSON value does not fit a JSON Schema, at most 20 places; an empty array where it fits.';

CREATE FUNCTION scheduler.read_builtin(body text, subject text, sender text, received_at timestamptz, timezone text,
	date_order text, headers jsonb) RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_read_builtin';
COMMENT ON FUNCTION scheduler.read_builtin(text, text, text, timestamptz, text, text, jsonb) IS
	'The built-in rules on one mail; see extract_facts().';

CREATE FUNCTION scheduler.extract_facts(body text, subject text DEFAULT '', sender text DEFAULT '',
	received_at timestamptz DEFAULT now(), timezone text DEFAULT NULL, model text DEFAULT 'builtin',
	headers jsonb DEFAULT '{}') RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $6 IS DISTINCT FROM 'builtin' THEN
		RAISE EXCEPTION 'a model behind a network cannot answer inside a session'
			USING ERRCODE = '22023', DETAIL = format('The model is "%s".', $6),
			HINT = 'extract_later() returns a job that asks it.';
	END IF;
	RETURN scheduler.read_builtin(coalesce($1, ''), coalesce($2, ''), coalesce($3, ''), coalesce($4, now()),
		coalesce($5, scheduler.user_timezone()), scheduler.user_date_order(), coalesce($7, '{}'));
END
$body$;
COMMENT ON FUNCTION scheduler.extract_facts(text, text, text, timestamptz, text, text, jsonb) IS
	'Class, tasks and events of one mail in the form of extraction_schema(), by the built-in rules; received_at is what "tomorrow" starts from, timezone the reader''s.';

GRANT EXECUTE ON FUNCTION scheduler.extraction_schema(), scheduler.has_json_type(jsonb, jsonb),
	scheduler.value_problem(jsonb, jsonb), scheduler.schema_problems(jsonb, jsonb, text),
	scheduler.read_builtin(text, text, text, timestamptz, text, text, jsonb),
	scheduler.extract_facts(text, text, text, timestamptz, text, text, jsonb)
	TO scheduler_viewer;
