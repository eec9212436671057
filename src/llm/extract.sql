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

/*
 * Knows type, enum, minimum, maximum, minLength, maxLength, maxItems, items, properties, required and
 * additionalProperties false.
 */
CREATE FUNCTION scheduler.schema_problems(value jsonb, schema jsonb, path text DEFAULT '$') RETURNS text[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_schema_problems';
COMMENT ON FUNCTION scheduler.schema_problems(jsonb, jsonb, text) IS
	'Where a JSON value does not fit a JSON Schema, at most 20 places; an empty array where it fits.';

CREATE FUNCTION scheduler.check_schema(schema jsonb) RETURNS void
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_check_schema';
COMMENT ON FUNCTION scheduler.check_schema(jsonb) IS
	'Refuses what is no JSON Schema, with the place; words that schema_problems() does not know are not looked at.';

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

GRANT EXECUTE ON FUNCTION scheduler.extraction_schema(), scheduler.schema_problems(jsonb, jsonb, text),
	scheduler.check_schema(jsonb),
	scheduler.read_builtin(text, text, text, timestamptz, text, text, jsonb),
	scheduler.extract_facts(text, text, text, timestamptz, text, text, jsonb)
	TO scheduler_viewer;
