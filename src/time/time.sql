/* time: dates, times, spans and durations in English text. */

/* What a function takes for "the user's" where nobody is the current user, too: it never raises 28000. */
CREATE FUNCTION scheduler.user_timezone() RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN coalesce((SELECT u.timezone FROM scheduler.users u WHERE u.user_id = scheduler.current_user_id()),
		scheduler.session_timezone());
END
$body$;
COMMENT ON FUNCTION scheduler.user_timezone() IS 'The current user''s time zone, else the session''s.';

CREATE FUNCTION scheduler.user_date_order() RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN coalesce((SELECT upper(u.preferences ->> 'date_order') FROM scheduler.users u
		WHERE u.user_id = scheduler.current_user_id()
			AND upper(u.preferences ->> 'date_order') IN ('DMY', 'MDY', 'YMD')), 'MDY');
END
$body$;
COMMENT ON FUNCTION scheduler.user_date_order() IS 'The current user''s preference date_order, else MDY.';

CREATE FUNCTION scheduler.read_when(phrase text, reference timestamptz, timezone text, date_order text)
	RETURNS TABLE (matched text, start_at integer, starts_at timestamptz, ends_at timestamptz, granularity text,
		kind text, rrule text, ambiguous boolean)
	LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3
	AS 'MODULE_PATHNAME', 'sched_sql_read_when';
COMMENT ON FUNCTION scheduler.read_when(text, timestamptz, text, text) IS
	'parse_when() without defaults and without the range.';

CREATE FUNCTION scheduler.parse_when(phrase text, reference timestamptz DEFAULT now(), timezone text DEFAULT NULL,
	date_order text DEFAULT NULL)
	RETURNS TABLE (matched text, start_at integer, during tstzrange, starts_at timestamptz, ends_at timestamptz,
		granularity text, kind text, rrule text, ambiguous boolean)
	LANGUAGE sql STABLE ROWS 3
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT w.matched, w.start_at,
		tstzrange(w.starts_at, w.ends_at, CASE WHEN w.starts_at = w.ends_at THEN '[]' ELSE '[)' END),
		w.starts_at, w.ends_at, w.granularity, w.kind, w.rrule, w.ambiguous
	FROM scheduler.read_when($1, coalesce($2, now()), coalesce($3, scheduler.user_timezone()),
		coalesce($4, scheduler.user_date_order())) AS w
	$body$;
COMMENT ON FUNCTION scheduler.parse_when(text, timestamptz, text, text) IS
	'Finds dates, times, ranges, deadlines and recurrences in English text; start_at counts characters from 1.';

CREATE FUNCTION scheduler.parse_duration(phrase text) RETURNS interval
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_parse_duration';
COMMENT ON FUNCTION scheduler.parse_duration(text) IS
	'The first length of time in English text ("two and a half hours"); NULL where there is none.';

GRANT EXECUTE ON FUNCTION scheduler.user_timezone(), scheduler.user_date_order(),
	scheduler.read_when(text, timestamptz, text, text), scheduler.parse_when(text, timestamptz, text, text),
	scheduler.parse_duration(text)
	TO scheduler_viewer;
