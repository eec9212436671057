/* planner: when somebody can be planned: hours of the week, single days, protected time, preferences. */

CREATE FUNCTION scheduler.open_hours(user_id uuid, from_time timestamptz, to_time timestamptz)
	RETURNS TABLE (kind text, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE c STABLE STRICT ROWS 30
	AS 'MODULE_PATHNAME', 'sched_sql_open_hours';
COMMENT ON FUNCTION scheduler.open_hours(uuid, timestamptz, timestamptz) IS
	'Hours of the local days that touch a span: work, personal, and any for the waking day.';

/* One occurrence per day at most: FREQ=DAILY or FREQ=WEEKLY, the latter with BYDAY or on the weekday of dtstart. */
CREATE FUNCTION scheduler.protected_spans(user_id uuid, from_time timestamptz, to_time timestamptz)
	RETURNS TABLE (label text, strict boolean, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	zone text := (SELECT u.timezone FROM scheduler.users AS u WHERE u.user_id = $1);
	first_day date := ($2 AT TIME ZONE zone)::date - 1;
	last_day date := ($3 AT TIME ZONE zone)::date;
BEGIN
	RETURN QUERY
	SELECT p.label, p.strict, lower(p.during), upper(p.during)
	FROM scheduler.protected_time AS p
	WHERE p.user_id = $1 AND p.rrule IS NULL AND lower(p.during) < $3 AND upper(p.during) > $2
	UNION ALL
	SELECT r.label, r.strict, s.local_start AT TIME ZONE zone, (s.local_start + r.duration) AT TIME ZONE zone
	FROM (SELECT p.label, p.strict, p.duration, p.dtstart AT TIME ZONE zone AS local_dtstart,
			CASE WHEN p.rrule ~ 'DAILY' THEN 'MO,TU,WE,TH,FR,SA,SU' ELSE substring(p.rrule FROM 'BYDAY=([A-Z,]+)') END AS days
		FROM scheduler.protected_time AS p
		WHERE p.user_id = $1 AND p.rrule IS NOT NULL) AS r,
		generate_series(0, last_day - first_day) AS n,
		LATERAL (SELECT first_day + n + r.local_dtstart::time) AS s (local_start)
	WHERE s.local_start >= r.local_dtstart
		AND CASE WHEN r.days IS NULL THEN extract(isodow FROM s.local_start) = extract(isodow FROM r.local_dtstart)
			ELSE (ARRAY['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'])[extract(isodow FROM s.local_start)::integer]
				= ANY (string_to_array(r.days, ',')) END
		AND s.local_start AT TIME ZONE zone < $3 AND (s.local_start + r.duration) AT TIME ZONE zone > $2
	ORDER BY 3, 1;
END
$body$;
COMMENT ON FUNCTION scheduler.protected_spans(uuid, timestamptz, timestamptz) IS
	'Protected time of a user that touches a span, rules resolved per local day.';

/* Weekdays as people count them: 1 Monday to 7 Sunday, and 0 is Sunday too. */
CREATE FUNCTION scheduler.set_availability(weekday integer, starts time DEFAULT NULL, ends time DEFAULT NULL,
	kind text DEFAULT 'work', add boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	day smallint := CASE WHEN $1 = 0 THEN 7 ELSE least(greatest($1, 0), 8) END;
BEGIN
	PERFORM scheduler.refuse_old_snapshot(), scheduler.check_hours($2, $3, $4);
	IF day IS NULL OR day NOT BETWEEN 1 AND 7 THEN
		RAISE EXCEPTION 'not a weekday'
			USING ERRCODE = '22023', DETAIL = format('weekday is %s.', coalesce($1::text, 'NULL')),
			HINT = '1 is Monday, 7 (or 0) is Sunday.';
	END IF;
	DELETE FROM scheduler.availability AS a
	WHERE a.user_id = owner_id AND a.weekday = day AND a.kind = $4
		AND ($2 IS NULL OR $5 IS NOT TRUE OR (a.starts < $3 AND a.ends > $2));
	IF $2 IS NOT NULL THEN
		INSERT INTO scheduler.availability (user_id, weekday, starts, ends, kind) VALUES (owner_id, day, $2, $3, $4);
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.set_availability(integer, time, time, text, boolean) IS
	'Sets the hours of a weekday (1 Monday to 7 Sunday); without hours the day is off; add keeps the day''s other hours.';

CREATE FUNCTION scheduler.check_hours(starts time, ends time, kind text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF ($1 IS NULL) <> ($2 IS NULL) OR $2 <= $1 THEN
		RAISE EXCEPTION 'not hours of a day'
			USING ERRCODE = '22023', DETAIL = format('They start at %s and end at %s.',
				coalesce($1::text, 'NULL'), coalesce($2::text, 'NULL')),
			HINT = 'Give a start and a later end of the same day (24:00 is midnight), or neither for a day off.';
	END IF;
	IF $3 IS NULL OR $3 NOT IN ('work', 'personal') THEN
		RAISE EXCEPTION 'unknown kind of hours'
			USING ERRCODE = '22023', DETAIL = format('kind is "%s".', $3), HINT = 'Take work or personal.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_hours(time, time, text) IS 'Error 22023 unless these are hours of one day.';

CREATE FUNCTION scheduler.set_day(day date, starts time DEFAULT NULL, ends time DEFAULT NULL,
	kind text DEFAULT NULL, reset boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
BEGIN
	PERFORM scheduler.refuse_old_snapshot(), scheduler.check_hours($2, $3, coalesce($4, 'work'));
	IF $1 IS NULL OR NOT isfinite($1) THEN
		RAISE EXCEPTION 'not a day'
			USING ERRCODE = '22023', DETAIL = format('day is %s.', coalesce($1::text, 'NULL')),
			HINT = 'Give a date, for example ''2031-05-01''.';
	END IF;
	DELETE FROM scheduler.availability_overrides AS o
	WHERE o.user_id = owner_id AND o.day = $1 AND ($4 IS NULL OR o.kind = $4);
	IF $5 IS NOT TRUE THEN
		INSERT INTO scheduler.availability_overrides (user_id, day, kind, is_off, starts, ends)
		SELECT owner_id, $1, k.kind, $2 IS NULL, $2, $3
		FROM (VALUES ('work'), ('personal')) AS k (kind)
		WHERE $4 IS NULL OR k.kind = $4;
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.set_day(date, time, time, text, boolean) IS
	'Hours of one day in place of the week''s; without hours the day is off; reset takes the week''s again.';

CREATE FUNCTION scheduler.protect_time(label text, starts_at timestamptz DEFAULT NULL, ends_at timestamptz DEFAULT NULL,
	during tstzrange DEFAULT NULL, rrule text DEFAULT NULL, dtstart timestamptz DEFAULT NULL,
	duration interval DEFAULT NULL, strict boolean DEFAULT true) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	first_start timestamptz := coalesce($2, lower($4), $6);
	first_end timestamptz := coalesce($3, upper($4), $6 + $7);
	new_id uuid := scheduler.uuid7();
BEGIN
	PERFORM scheduler.check_span(first_start, first_end);
	IF $1 IS NULL OR $1 !~ '\S' THEN
		RAISE EXCEPTION 'protected time needs a label' USING ERRCODE = '22023', DETAIL = 'label is empty.',
			HINT = 'For example ''lunch''.';
	END IF;
	IF $5 IS NOT NULL AND ($5 !~ '^FREQ=(DAILY|WEEKLY(;BYDAY=(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*)?)$'
		OR first_end - first_start > interval '1 day') THEN
		RAISE EXCEPTION 'protected time cannot be repeated this way'
			USING ERRCODE = '22023', DETAIL = format('rrule is "%s", the span lasts %s.', $5, first_end - first_start),
			HINT = 'Take FREQ=DAILY, FREQ=WEEKLY or FREQ=WEEKLY;BYDAY=MO,TU and at most one day.';
	END IF;
	INSERT INTO scheduler.protected_time (user_id, protected_id, label, rrule, dtstart, duration, during, strict)
	VALUES (owner_id, new_id, $1, $5, CASE WHEN $5 IS NOT NULL THEN first_start END,
		CASE WHEN $5 IS NOT NULL THEN first_end - first_start END,
		CASE WHEN $5 IS NULL THEN tstzrange(first_start, first_end) END, coalesce($8, true));
	RETURN new_id;
END
$body$;
COMMENT ON FUNCTION scheduler.protect_time(text, timestamptz, timestamptz, tstzrange, text, timestamptz, interval,
	boolean) IS 'Keeps tasks out of a span, once or with a daily or weekly rule at the same wall-clock time.';

CREATE FUNCTION scheduler.unprotect_time(protected_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
BEGIN
	DELETE FROM scheduler.protected_time AS p WHERE p.user_id = owner_id AND p.protected_id = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such protected time'
			USING ERRCODE = 'PT404', DETAIL = format('There is no protected time %s.', coalesce($1::text, 'NULL')),
			HINT = 'Take a protected_id from scheduler.protected_time.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.unprotect_time(uuid) IS 'Opens a protected time again.';

/* What can be preferred, and what a value looks like. */
CREATE FUNCTION scheduler.set_preference(key text, value text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	known CONSTANT jsonb := '{"buffer_minutes": "^([0-9]|[1-9][0-9]|1[01][0-9]|120)$",
		"min_notice_minutes": "^([0-9]{1,4}|10000)$", "max_minutes_per_day": "^[1-9][0-9]{0,3}$",
		"date_order": "^(DMY|MDY|YMD)$"}';
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF $1 IS NULL OR NOT known ? $1 THEN
		RAISE EXCEPTION 'unknown preference'
			USING ERRCODE = '22023', DETAIL = format('key is "%s".', $1),
			HINT = format('Known are %s.', (SELECT string_agg(k.name, ', ' ORDER BY k.name)
				FROM jsonb_object_keys(known) AS k (name)));
	END IF;
	IF $2 !~ (known ->> $1) THEN
		RAISE EXCEPTION 'a preference has a value that does not fit'
			USING ERRCODE = '22023', DETAIL = format('%s is "%s".', $1, $2),
			HINT = 'Minutes are whole numbers (buffer up to 120), date_order is DMY, MDY or YMD; NULL takes the default again.';
	END IF;
	UPDATE scheduler.users AS u
	SET preferences = CASE
		WHEN $2 IS NULL THEN u.preferences - $1
		WHEN $1 = 'date_order' THEN u.preferences || jsonb_build_object($1, $2)
		ELSE u.preferences || jsonb_build_object($1, $2::integer) END
	WHERE u.user_id = owner_id;
END
$body$;
COMMENT ON FUNCTION scheduler.set_preference(text, text) IS
	'Sets buffer_minutes, min_notice_minutes, max_minutes_per_day or date_order; NULL takes the default again.';

GRANT EXECUTE ON FUNCTION scheduler.set_availability(integer, time, time, text, boolean),
	scheduler.set_day(date, time, time, text, boolean),
	scheduler.protect_time(text, timestamptz, timestamptz, tstzrange, text, timestamptz, interval, boolean),
	scheduler.unprotect_time(uuid), scheduler.set_preference(text, text)
	TO scheduler_user;
GRANT EXECUTE ON FUNCTION scheduler.open_hours(uuid, timestamptz, timestamptz),
	scheduler.protected_spans(uuid, timestamptz, timestamptz)
	TO scheduler_viewer;
