/* planner: busy and free time, and slots that are held and booked. */

/* A window somebody gave: from_time and to_time take its place, without any it is the next 14 days. */
CREATE FUNCTION scheduler.check_window(within tstzrange, from_time timestamptz, to_time timestamptz)
	RETURNS tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	starts timestamptz := coalesce($2, lower($1), now());
	ends timestamptz := coalesce($3, CASE WHEN $2 IS NULL THEN upper($1) END);
BEGIN
	IF ends IS NULL AND isfinite(starts) AND NOT coalesce(upper_inf($1) AND $2 IS NULL, false) THEN
		ends := starts + interval '14 days';
	END IF;
	IF isempty($1) OR ($2 IS NULL AND lower_inf($1)) OR ends IS NULL OR NOT isfinite(starts) OR NOT isfinite(ends)
		OR ends <= starts OR ends > starts + interval '400 days' THEN
		RAISE EXCEPTION 'not a window of time'
			USING ERRCODE = '22023', DETAIL = format('It is %s.', CASE WHEN isempty($1) THEN 'empty'
				ELSE coalesce('from ' || starts || ' to ' || ends, $1::text) END),
			HINT = 'Give a start and a later end, at most 400 days apart.';
	END IF;
	RETURN tstzrange(starts, ends, '[)');
END
$body$;
COMMENT ON FUNCTION scheduler.check_window(tstzrange, timestamptz, timestamptz) IS
	'The window that was asked for; error 22023 for one that is reversed, infinite or longer than 400 days.';

/* Two lookups of bounded size instead of one overlap test: see the indexes of the table. */
CREATE FUNCTION scheduler.events_within(user_id uuid, from_time timestamptz, to_time timestamptz)
	RETURNS SETOF scheduler.calendar_events
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	SELECT e.*
	FROM scheduler.calendar_events AS e
	WHERE e.user_id = $1 AND e.start_datetime > $2 - interval '1 day' AND e.start_datetime < $3
		AND e.end_datetime > $2 AND e.end_datetime - e.start_datetime <= interval '1 day'
		AND e.status <> 'cancelled' AND e.transparency = 'opaque'
		AND (e.hold_expires_at IS NULL OR e.hold_expires_at > clock_timestamp())
	UNION ALL
	SELECT e.*
	FROM scheduler.calendar_events AS e
	WHERE e.user_id = $1 AND e.end_datetime > $2 AND e.start_datetime < $3
		AND e.end_datetime - e.start_datetime > interval '1 day'
		AND e.status <> 'cancelled' AND e.transparency = 'opaque'
		AND (e.hold_expires_at IS NULL OR e.hold_expires_at > clock_timestamp());
END
$body$;
COMMENT ON FUNCTION scheduler.events_within(uuid, timestamptz, timestamptz) IS
	'What takes time on a user''s calendar in a span: opaque, not cancelled, no expired hold.';

CREATE FUNCTION scheduler.busy_ranges(within tstzrange DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS tstzmultirange
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user($2);
	span tstzrange := scheduler.check_window($1, NULL, NULL);
BEGIN
	RETURN coalesce((
		SELECT range_agg(b.during * span)
		FROM (SELECT e.during FROM scheduler.events_within(owner_id, lower(span), upper(span)) AS e
			UNION ALL
			SELECT tstzrange(p.starts_at, p.ends_at)
			FROM scheduler.protected_spans(owner_id, lower(span), upper(span)) AS p
			WHERE p.strict) AS b (during)), '{}');
END
$body$;
COMMENT ON FUNCTION scheduler.busy_ranges(tstzrange, uuid) IS
	'Busy time of a window as one multirange: events, blocks, holds and strictly protected time.';

CREATE FUNCTION scheduler.free_busy(within tstzrange DEFAULT NULL, user_id uuid DEFAULT NULL,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL)
	RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, status text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user($2);
	span tstzrange := scheduler.check_window($1, $3, $4);
	busy tstzmultirange;
	tentative tstzmultirange;
BEGIN
	SELECT coalesce(range_agg(e.during * span) FILTER (WHERE e.status = 'confirmed'), '{}'),
		coalesce(range_agg(e.during * span) FILTER (WHERE e.status = 'tentative'), '{}')
	INTO busy, tentative
	FROM scheduler.events_within(owner_id, lower(span), upper(span)) AS e;
	SELECT busy + coalesce(range_agg(tstzrange(p.starts_at, p.ends_at) * span), '{}') INTO busy
	FROM scheduler.protected_spans(owner_id, lower(span), upper(span)) AS p
	WHERE p.strict;
	RETURN QUERY
	SELECT lower(r.during), upper(r.during), r.word
	FROM (SELECT b.during, 'busy' FROM unnest(busy) AS b (during)
		UNION ALL
		SELECT t.during, 'tentative' FROM unnest(tentative - busy) AS t (during)) AS r (during, word)
	ORDER BY 1;
END
$body$;
COMMENT ON FUNCTION scheduler.free_busy(tstzrange, uuid, timestamptz, timestamptz) IS
	'Busy and tentative spans of a window, merged, without titles; what is not listed is free.';

CREATE FUNCTION scheduler.free_slots(user_id uuid, from_time timestamptz, to_time timestamptz, length bigint,
	kind text, step bigint, max integer)
	RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, score float8)
	LANGUAGE c STABLE STRICT ROWS 10
	AS 'MODULE_PATHNAME', 'sched_sql_free_slots';
COMMENT ON FUNCTION scheduler.free_slots(uuid, timestamptz, timestamptz, bigint, text, bigint, integer) IS
	'The best free starts for a length in microseconds within hours of a kind: work, personal or any.';

CREATE FUNCTION scheduler.find_slots(duration interval, within tstzrange DEFAULT NULL, user_ids uuid[] DEFAULT NULL,
	max integer DEFAULT 10, step interval DEFAULT '15 min', from_time timestamptz DEFAULT NULL,
	to_time timestamptz DEFAULT NULL, category text DEFAULT 'work')
	RETURNS TABLE (during tstzrange, starts_at timestamptz, ends_at timestamptz, score float8)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	span tstzrange := scheduler.check_window($2, $6, $7);
	wanted uuid;
BEGIN
	FOREACH wanted IN ARRAY coalesce($3, '{}') LOOP
		PERFORM scheduler.check_calendar_user(wanted);
	END LOOP;
	IF $1 IS NULL OR $1 < interval '1 min' OR $1 > interval '31 days' OR $5 IS NULL OR $5 < interval '1 min'
		OR $5 > interval '31 days' OR $4 IS NULL OR $4 NOT BETWEEN 1 AND 1000 THEN
		RAISE EXCEPTION 'slots cannot be found this way'
			USING ERRCODE = '22023', DETAIL = format('duration is %s, step %s, max %s.', coalesce($1::text, 'NULL'),
				coalesce($5::text, 'NULL'), coalesce($4::text, 'NULL')),
			HINT = 'Duration and step are one minute to 31 days, max is 1 to 1000.';
	END IF;
	RETURN QUERY
	SELECT tstzrange(s.starts_at, s.ends_at), s.starts_at, s.ends_at, s.score
	FROM scheduler.free_slots(owner_id, lower(span), upper(span), (extract(epoch FROM $1) * 1000000)::bigint,
		CASE WHEN $8 = 'work' THEN 'work' ELSE 'personal' END, (extract(epoch FROM $5) * 1000000)::bigint, $4) AS s;
END
$body$;
COMMENT ON FUNCTION scheduler.find_slots(interval, tstzrange, uuid[], integer, interval, timestamptz, timestamptz, text)
	IS 'Free slots of a duration within the hours of a category, best first, none overlapping another.';

CREATE FUNCTION scheduler.density(within tstzrange DEFAULT NULL, from_time timestamptz DEFAULT NULL,
	to_time timestamptz DEFAULT NULL) RETURNS float8
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	span tstzrange := scheduler.check_window($1, $2, $3);
	hours tstzmultirange;
	share float8;
BEGIN
	SELECT coalesce(range_agg(tstzrange(h.starts_at, h.ends_at) * span), '{}') INTO hours
	FROM scheduler.open_hours(owner_id, lower(span), upper(span)) AS h
	WHERE h.kind = 'work';
	SELECT sum(extract(epoch FROM upper(b.during) - lower(b.during)))
		/ nullif((SELECT sum(extract(epoch FROM upper(h.during) - lower(h.during))) FROM unnest(hours) AS h (during)), 0)
	INTO share
	FROM unnest(hours * scheduler.busy_ranges(span)) AS b (during);
	RETURN coalesce(share, 0);
END
$body$;
COMMENT ON FUNCTION scheduler.density(tstzrange, timestamptz, timestamptz) IS
	'Share of the working hours of a window that is busy: 0 empty, 1 full.';

/* One answer for everybody who comes second, whatever took the time. */
CREATE FUNCTION scheduler.refuse_slot(starts_at timestamptz, ends_at timestamptz, taken_by text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RAISE EXCEPTION 'slot taken'
		USING ERRCODE = 'PT409', DETAIL = format('%s to %s overlaps %s.', $1, $2, $3),
		HINT = 'Ask find_slots() for a free one.';
END
$body$;
COMMENT ON FUNCTION scheduler.refuse_slot(timestamptz, timestamptz, text) IS 'Raises PT409, slot taken.';

/*
 * Makes sure that a span can be written; the calendar lock is held. What is fixed refuses it. With yields, blocks
 * that the planner may move make room, and the answer is the tasks they belonged to; without, nothing that
 * is busy may be there at all.
 */
CREATE FUNCTION scheduler.claim_span(user_id uuid, starts_at timestamptz, ends_at timestamptz,
	except_event uuid DEFAULT NULL, yields boolean DEFAULT false) RETURNS uuid[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	obstacle text;
	displaced uuid[];
BEGIN
	SELECT format('protected time "%s"', p.label) INTO obstacle
	FROM scheduler.protected_spans($1, $2, $3) AS p
	WHERE p.strict
	LIMIT 1;
	IF obstacle IS NULL THEN
		SELECT format('"%s"', e.summary) INTO obstacle
		FROM scheduler.events_within($1, $2, $3) AS e
		WHERE e.event_id IS DISTINCT FROM $4
			AND (NOT $5 OR e.blocks AND NOT (e.task_id IS NOT NULL AND e.is_movable AND e.start_datetime > now()))
		ORDER BY e.start_datetime
		LIMIT 1;
	END IF;
	IF obstacle IS NOT NULL THEN
		PERFORM scheduler.refuse_slot($2, $3, obstacle);
	END IF;
	WITH gone AS (
		DELETE FROM scheduler.calendar_events AS e
		WHERE e.user_id = $1 AND e.blocks AND e.start_datetime < $3 AND e.end_datetime > $2
			AND e.start_datetime > now() AND e.event_id IS DISTINCT FROM $4
		RETURNING e.task_id)
	SELECT array_agg(DISTINCT g.task_id) INTO displaced FROM gone AS g;
	RETURN coalesce(displaced, '{}');
END
$body$;
COMMENT ON FUNCTION scheduler.claim_span(uuid, timestamptz, timestamptz, uuid, boolean) IS
	'Refuses a span that is taken (PT409), else makes room; returns the tasks whose blocks gave way.';

CREATE FUNCTION scheduler.hold_slot(starts_at timestamptz, ends_at timestamptz, ttl interval DEFAULT '5 min')
	RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	hold_id uuid := scheduler.uuid7();
BEGIN
	PERFORM scheduler.check_span($1, $2);
	IF $1 < now() OR $2 - $1 > interval '31 days' OR $3 IS NULL OR $3 <= interval '0' OR $3 > interval '1 day' THEN
		RAISE EXCEPTION 'a slot cannot be held this way'
			USING ERRCODE = '22023', DETAIL = format('%s to %s for %s.', $1, $2, coalesce($3::text, 'NULL')),
			HINT = 'A slot lies in the future and lasts at most 31 days; a hold lives at most a day.';
	END IF;
	BEGIN
		PERFORM scheduler.claim_span(owner_id, $1, $2);
		INSERT INTO scheduler.calendar_events (user_id, event_id, summary, start_datetime, end_datetime, status,
			hold_expires_at)
		VALUES (owner_id, hold_id, 'held', $1, $2, 'tentative', clock_timestamp() + $3);
	EXCEPTION WHEN exclusion_violation OR serialization_failure THEN
		/* Only where the caller's transaction cannot see what others have committed since it began. */
		PERFORM scheduler.refuse_slot($1, $2, 'what was booked meanwhile');
	END;
	RETURN hold_id;
END
$body$;
COMMENT ON FUNCTION scheduler.hold_slot(timestamptz, timestamptz, interval) IS
	'Keeps a free slot for a short time; error PT409 where anything is there. Returns what book_slot() takes.';

CREATE FUNCTION scheduler.refuse_hold(hold_id uuid) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RAISE EXCEPTION 'no such hold'
		USING ERRCODE = 'PT404', DETAIL = format('There is no hold %s.', coalesce($1::text, 'NULL')),
		HINT = 'It may have expired: hold the slot again.';
END
$body$;
COMMENT ON FUNCTION scheduler.refuse_hold(uuid) IS 'Raises PT404, no such hold.';

CREATE FUNCTION scheduler.book_slot(hold_id uuid, summary text DEFAULT 'booked') RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
BEGIN
	UPDATE scheduler.calendar_events AS e
	SET hold_expires_at = NULL, status = 'confirmed', summary = coalesce($2, 'booked')
	WHERE e.user_id = owner_id AND e.event_id = $1 AND e.hold_expires_at IS NOT NULL;
	IF NOT FOUND THEN
		PERFORM scheduler.refuse_hold($1);
	END IF;
	RETURN $1;
END
$body$;
COMMENT ON FUNCTION scheduler.book_slot(uuid, text) IS
	'Turns a hold into an event of the same id; error PT404 where it has expired.';

CREATE FUNCTION scheduler.release_slot(hold_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
BEGIN
	DELETE FROM scheduler.calendar_events AS e
	WHERE e.user_id = owner_id AND e.event_id = $1 AND e.hold_expires_at IS NOT NULL;
	IF NOT FOUND THEN
		PERFORM scheduler.refuse_hold($1);
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.release_slot(uuid) IS 'Gives a held slot back.';

GRANT EXECUTE ON FUNCTION scheduler.hold_slot(timestamptz, timestamptz, interval), scheduler.book_slot(uuid, text),
	scheduler.release_slot(uuid)
	TO scheduler_user;
GRANT EXECUTE ON FUNCTION scheduler.busy_ranges(tstzrange, uuid),
	scheduler.free_busy(tstzrange, uuid, timestamptz, timestamptz),
	scheduler.find_slots(interval, tstzrange, uuid[], integer, interval, timestamptz, timestamptz, text),
	scheduler.density(tstzrange, timestamptz, timestamptz),
	scheduler.check_calendar_user(uuid), scheduler.check_window(tstzrange, timestamptz, timestamptz),
	scheduler.events_within(uuid, timestamptz, timestamptz),
	scheduler.free_slots(uuid, timestamptz, timestamptz, bigint, text, bigint, integer)
	TO scheduler_viewer;
