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
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_instant';
COMMENT ON FUNCTION scheduler.normal_instant(jsonb, text) IS 'The instant in the form we keep it, or the value unchanged.';

/* A number within its range; text that is a number counts. */
CREATE FUNCTION scheduler.normal_number(value jsonb, low numeric, high numeric, whole boolean) RETURNS jsonb
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_number';
COMMENT ON FUNCTION scheduler.normal_number(jsonb, numeric, numeric, boolean) IS
	'The number within its range, or the value unchanged where it is none.';

/* One line of bounded length; nothing is null. */
CREATE FUNCTION scheduler.normal_text(value jsonb, longest integer) RETURNS jsonb
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_text';
COMMENT ON FUNCTION scheduler.normal_text(jsonb, integer) IS 'The text in one line, cut, or null where it is empty.';

CREATE FUNCTION scheduler.normal_task(task jsonb, timezone text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_task';
COMMENT ON FUNCTION scheduler.normal_task(jsonb, text) IS 'One extracted task in the form we keep.';

CREATE FUNCTION scheduler.normal_event(event jsonb, timezone text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_event';
COMMENT ON FUNCTION scheduler.normal_event(jsonb, text) IS
	'One extracted event in the form we keep; an end that is not after the start goes.';

/* A list of at most `longest` normal elements; what is no list stays as it is. */
CREATE FUNCTION scheduler.normal_facts(facts jsonb, timezone text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_normal_facts';
COMMENT ON FUNCTION scheduler.normal_facts(jsonb, text) IS
	'A model''s facts in the form we keep; what cannot be read is left for the schema to find.';

/* The schema calls an instant a string; that it can be read is checked here. */
CREATE FUNCTION scheduler.instant_problems(facts jsonb, timezone text) RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_instant_problems';
COMMENT ON FUNCTION scheduler.instant_problems(jsonb, text) IS 'The fields of extracted facts that should be times and are none.';
