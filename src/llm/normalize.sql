/*
 * llm: what a model says, brought into the form we keep: instants with the reader's offset, numbers in their range, lists
 * of bounded length. What cannot be read stays as it is, so that the schema finds it.
 */

/* An instant as text in a zone, with its offset: 2026-07-17T23:59:00+08:00. */
CREATE FUNCTION scheduler.format_instant(instant timestamptz, timezone text) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_format_instant';
COMMENT ON FUNCTION scheduler.format_instant(timestamptz, text) IS 'ISO 8601 with the zone''s offset at that time.';

/*
 * Reads ISO 8601 as models write it: with offset, without (then in the zone), or a day alone (then its last minute, which
 * is what a deadline "on Friday" means). NULL for everything else; never an error.
 */
CREATE FUNCTION scheduler.parse_instant(value text, timezone text) RETURNS timestamptz
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_parse_instant';
COMMENT ON FUNCTION scheduler.parse_instant(text, text) IS
	'An ISO 8601 time or day; without an offset in the zone, a day alone is its last minute. NULL for other text.';

/* A field with an instant: read and written again; what is none stays, for the schema to find. */
CREATE FUNCTION scheduler.normal_instant(value jsonb, timezone text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN $1 IS NULL OR $1 IN ('null', '""') THEN 'null'::jsonb
			ELSE coalesce(to_jsonb(scheduler.format_instant(scheduler.parse_instant($1 #>> '{}', $2), $2)), $1) END);
END
$body$;
COMMENT ON FUNCTION scheduler.normal_instant(jsonb, text) IS 'The instant in the form we keep it, or the value unchanged.';

/* A number within its range; text that is a number counts. */
CREATE FUNCTION scheduler.normal_number(value jsonb, low numeric, high numeric, whole boolean) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN $1 IS NULL OR $1 = 'null' THEN 'null'::jsonb
			WHEN n.clamped IS NOT NULL THEN to_jsonb(CASE WHEN $4 THEN round(n.clamped) ELSE n.clamped END)
			ELSE $1 END
		FROM (SELECT CASE WHEN jsonb_typeof($1) = 'number' OR $1 #>> '{}' ~ '^-?[0-9]{1,9}(\.[0-9]{1,12})?$'
			THEN greatest($2, least($3, ($1 #>> '{}')::numeric)) END) AS n (clamped));
END
$body$;
COMMENT ON FUNCTION scheduler.normal_number(jsonb, numeric, numeric, boolean) IS
	'The number within its range, or the value unchanged where it is none.';

/* One line of bounded length; nothing is null. */
CREATE FUNCTION scheduler.normal_text(value jsonb, longest integer) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN $1 IS NULL OR $1 = 'null' THEN 'null'::jsonb
			WHEN jsonb_typeof($1) <> 'string' THEN $1
			ELSE coalesce(to_jsonb(nullif(left(btrim(regexp_replace($1 #>> '{}', '\s+', ' ', 'g')), $2), '')),
				'null'::jsonb) END);
END
$body$;
COMMENT ON FUNCTION scheduler.normal_text(jsonb, integer) IS 'The text in one line, cut, or null where it is empty.';

CREATE FUNCTION scheduler.normal_task(task jsonb, timezone text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN jsonb_typeof($1) <> 'object' THEN $1 ELSE jsonb_build_object(
			'description', scheduler.normal_text($1->'description', 240),
			'deadline', scheduler.normal_instant($1->'deadline', $2),
			'duration_minutes', scheduler.normal_number($1->'duration_minutes', 1, 10080, true),
			'priority', coalesce(nullif(scheduler.normal_number($1->'priority', 1, 10, true), 'null'), '5'),
			'location', scheduler.normal_text($1->'location', 240),
			'attendees', CASE jsonb_typeof($1->'attendees')
				WHEN 'array' THEN coalesce((SELECT jsonb_agg(scheduler.normal_text(a.value, 240) ORDER BY a.place)
					FROM jsonb_array_elements($1->'attendees') WITH ORDINALITY AS a (value, place)
					WHERE a.place <= 50), '[]')
				WHEN 'string' THEN jsonb_build_array($1->'attendees') ELSE '[]' END,
			'category', CASE WHEN $1->>'category' IN ('work', 'personal', 'health', 'other') THEN $1->'category'
				ELSE '"other"' END,
			'confidence', coalesce(nullif(scheduler.normal_number($1->'confidence', 0, 1, false), 'null'), '0.5')) END);
END
$body$;
COMMENT ON FUNCTION scheduler.normal_task(jsonb, text) IS 'One extracted task in the form we keep.';

CREATE FUNCTION scheduler.normal_event(event jsonb, timezone text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN jsonb_typeof($1) <> 'object' THEN $1 ELSE jsonb_build_object(
			'summary', scheduler.normal_text($1->'summary', 240),
			'starts_at', scheduler.normal_instant($1->'starts_at', $2),
			'ends_at', CASE WHEN scheduler.parse_instant($1->>'ends_at', $2)
				<= scheduler.parse_instant($1->>'starts_at', $2) THEN 'null'
				ELSE scheduler.normal_instant($1->'ends_at', $2) END,
			'location', scheduler.normal_text($1->'location', 240)) END);
END
$body$;
COMMENT ON FUNCTION scheduler.normal_event(jsonb, text) IS
	'One extracted event in the form we keep; an end that is not after the start goes.';

/* A list of at most `longest` normal elements; what is no list stays as it is. */
CREATE FUNCTION scheduler.normal_facts(facts jsonb, timezone text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE WHEN jsonb_typeof($1) IS DISTINCT FROM 'object' THEN $1 ELSE jsonb_build_object(
			'classification', CASE WHEN jsonb_typeof($1->'classification') = 'string'
				THEN to_jsonb(lower(btrim($1->>'classification'))) ELSE $1->'classification' END,
			'confidence', coalesce(nullif(scheduler.normal_number($1->'confidence', 0, 1, false), 'null'), '0.5'),
			'language', coalesce(to_jsonb(lower(substring($1->>'language' FROM '^[A-Za-z]{2,3}'))), '"und"'),
			'tasks', CASE WHEN jsonb_typeof($1->'tasks') = 'array' THEN coalesce(
				(SELECT jsonb_agg(scheduler.normal_task(t.value, $2) ORDER BY t.place)
				FROM jsonb_array_elements($1->'tasks') WITH ORDINALITY AS t (value, place) WHERE t.place <= 20), '[]')
				ELSE coalesce($1->'tasks', '[]') END,
			'events', CASE WHEN jsonb_typeof($1->'events') = 'array' THEN coalesce(
				(SELECT jsonb_agg(scheduler.normal_event(e.value, $2) ORDER BY e.place)
				FROM jsonb_array_elements($1->'events') WITH ORDINALITY AS e (value, place) WHERE e.place <= 10), '[]')
				ELSE coalesce($1->'events', '[]') END) END);
END
$body$;
COMMENT ON FUNCTION scheduler.normal_facts(jsonb, text) IS
	'A model''s facts in the form we keep; what cannot be read is left for the schema to find.';

/* The schema calls an instant a string; that it can be read is checked here. */
CREATE FUNCTION scheduler.instant_problems(facts jsonb, timezone text) RETURNS text[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT coalesce(array_agg(format('$.%s[%s].%s: not a time in ISO 8601', f.list, e.place - 1, f.field)
			ORDER BY f.list DESC, e.place, f.field), '{}')
		FROM (VALUES ('tasks', 'deadline'), ('events', 'starts_at'), ('events', 'ends_at')) AS f (list, field),
			jsonb_array_elements(CASE WHEN jsonb_typeof($1->f.list) = 'array' THEN $1->f.list ELSE '[]' END)
				WITH ORDINALITY AS e (value, place)
		WHERE e.value->>f.field IS NOT NULL AND scheduler.parse_instant(e.value->>f.field, $2) IS NULL);
END
$body$;
COMMENT ON FUNCTION scheduler.instant_problems(jsonb, text) IS 'The fields of extracted facts that should be times and are none.';
