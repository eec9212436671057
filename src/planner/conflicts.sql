/* planner: what cannot be settled without somebody who decides. */

/* Slots as alternatives: what they cost is minus their score, and no other block has to move for them. */
CREATE FUNCTION scheduler.list_alternatives(user_id uuid, from_time timestamptz, to_time timestamptz,
	length interval, kind text, max integer, reason text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $3 - $2 < $4 THEN
		RETURN '[]';
	END IF;
	RETURN (
		SELECT coalesce(jsonb_agg(jsonb_build_object('starts_at', s.starts_at, 'ends_at', s.ends_at, 'moves', 0,
			'cost', round(-s.score::numeric, 3), 'reason', $7) ORDER BY s.score DESC, s.starts_at), '[]')
		FROM scheduler.free_slots($1, $2, $3, (extract(epoch FROM $4) * 1000000)::bigint, $5, 900000000, $6) AS s);
END
$body$;
COMMENT ON FUNCTION scheduler.list_alternatives(uuid, timestamptz, timestamptz, interval, text, integer, text) IS
	'Free slots of a span as alternatives of a conflict.';

CREATE FUNCTION scheduler.number_alternatives(alternatives jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('n', a.n) || a.alternative ORDER BY a.n), '[]')
		FROM jsonb_array_elements($1) WITH ORDINALITY AS a (alternative, n));
END
$body$;
COMMENT ON FUNCTION scheduler.number_alternatives(jsonb) IS 'Adds n, counted from 1, to each alternative.';

/* A task that cannot be done in its hours before its deadline: other hours before it, or its hours after it. */
CREATE FUNCTION scheduler.offer_for_task(task scheduler.tasks) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.find_offers($1.user_id, ARRAY[$1.earliest_start], ARRAY[$1.deadline],
		ARRAY[$1.duration_minutes - $1.worked_minutes], ARRAY[$1.category = 'work']);
END
$body$;
COMMENT ON FUNCTION scheduler.offer_for_task(scheduler.tasks) IS 'Free times for a task that misses its deadline.';

/* Another time for an event, in the hours of its task and before its deadline: later ones first, then any. */
CREATE FUNCTION scheduler.offer_for_event(user_id uuid, event_id uuid) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	found record;
	offers jsonb;
BEGIN
	SELECT e.end_datetime - e.start_datetime AS length, greatest(e.start_datetime, now()) AS starts_at,
		CASE WHEN coalesce(t.category, 'work') = 'work' THEN 'work' ELSE 'personal' END AS kind, t.deadline INTO found
	FROM scheduler.calendar_events AS e
	LEFT JOIN scheduler.tasks AS t ON t.user_id = e.user_id AND t.task_id = e.task_id
	WHERE e.user_id = $1 AND e.event_id = $2;
	offers := scheduler.list_alternatives($1, found.starts_at, least(found.deadline, found.starts_at + interval '14 days'),
		found.length, found.kind, 3, 'later, free in your hours');
	IF offers = '[]' THEN
		offers := scheduler.list_alternatives($1, now(), least(found.starts_at, now() + interval '90 days'), found.length,
			found.kind, 3, 'earlier, free in your hours');
	END IF;
	RETURN scheduler.number_alternatives(offers);
END
$body$;
COMMENT ON FUNCTION scheduler.offer_for_event(uuid, uuid) IS 'Free times an event could move to.';

/* Unplaced tasks whose deadline lies in the window; what is known is not written down again. */
CREATE FUNCTION scheduler.note_impossible(user_id uuid, horizon timestamptz, placements scheduler.placement[])
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	lost record;
BEGIN
	IF NOT EXISTS (SELECT FROM unnest($3) AS p WHERE p.status = 'unplaced') THEN
		RETURN;
	END IF;
	SELECT array_agg(t.task_id ORDER BY t.deadline, t.task_id) AS ids,
		array_agg(p.reason ORDER BY t.deadline, t.task_id) AS reasons,
		array_agg(t.earliest_start ORDER BY t.deadline, t.task_id) AS earliest,
		array_agg(t.deadline ORDER BY t.deadline, t.task_id) AS deadlines,
		array_agg(t.duration_minutes - t.worked_minutes ORDER BY t.deadline, t.task_id) AS minutes,
		array_agg(t.category = 'work' ORDER BY t.deadline, t.task_id) AS work
	INTO lost
	FROM (
		SELECT n.task_id FROM unnest($3) AS n WHERE n.status = 'unplaced'
		EXCEPT
		SELECT c.task_id FROM scheduler.scheduling_conflicts AS c
		WHERE c.user_id = $1 AND c.conflict_type = 'deadline_impossible' AND c.resolution_status IN ('pending', 'ignored')) AS u
	JOIN unnest($3) AS p ON p.task_id = u.task_id AND p.status = 'unplaced'
	JOIN scheduler.tasks AS t ON t.user_id = $1 AND t.task_id = u.task_id
	WHERE t.deadline <= $2;
	IF lost.ids IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO scheduler.scheduling_conflicts (user_id, conflict_type, task_id, detail, alternatives_offered)
	SELECT $1, 'deadline_impossible', o.task_id, o.reason, o.alternatives
	FROM ROWS FROM (unnest(lost.ids), unnest(lost.reasons),
		scheduler.find_offers($1, lost.earliest, lost.deadlines, lost.minutes, lost.work)) AS o (task_id, reason, alternatives)
	ON CONFLICT DO NOTHING;
END
$body$;
COMMENT ON FUNCTION scheduler.note_impossible(uuid, timestamptz, scheduler.placement[]) IS
	'Writes down tasks of a plan that miss their deadline.';

/*
 * Pairs of events that overlap in a span. Two blocks never do, so one of each pair came from outside: over a block
 * of ours it is a time_overlap, over another of its kind a double_booking. Days as a whole count as background.
 */
CREATE FUNCTION scheduler.find_overlaps(user_id uuid, from_time timestamptz, to_time timestamptz)
	RETURNS TABLE (conflict_type text, task_id uuid, event_id uuid, conflicting_event_id uuid, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	WITH sorted AS (
		SELECT e.*, max(e.end_datetime) OVER (ORDER BY e.start_datetime, e.event_id
			ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest_end
		FROM scheduler.events_within($1, $2, $3) AS e
		WHERE NOT e.is_all_day AND e.end_datetime > now())
	SELECT CASE WHEN a.is_external AND b.is_external THEN 'double_booking' ELSE 'time_overlap' END,
		CASE WHEN a.is_external THEN b.task_id ELSE a.task_id END,
		CASE WHEN a.is_external AND (NOT b.is_external OR b.event_id > a.event_id) THEN b.event_id ELSE a.event_id END,
		CASE WHEN a.is_external AND (NOT b.is_external OR b.event_id > a.event_id) THEN a.event_id ELSE b.event_id END,
		format('"%s" and "%s" overlap from %s to %s', a.summary, b.summary, b.start_datetime,
			least(a.end_datetime, b.end_datetime))
	FROM sorted AS b
	JOIN sorted AS a ON a.end_datetime > b.start_datetime
		AND (a.start_datetime, a.event_id) < (b.start_datetime, b.event_id)
	WHERE b.latest_end > b.start_datetime AND (a.is_external OR b.is_external);
END
$body$;
COMMENT ON FUNCTION scheduler.find_overlaps(uuid, timestamptz, timestamptz) IS
	'Pairs of events that overlap in a span and are not over.';

CREATE FUNCTION scheduler.note_overlaps(user_id uuid, from_time timestamptz, to_time timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	INSERT INTO scheduler.scheduling_conflicts (user_id, conflict_type, task_id, event_id, conflicting_event_id, detail,
		alternatives_offered)
	SELECT $1, o.conflict_type, o.task_id, o.event_id, o.conflicting_event_id, o.detail,
		scheduler.offer_for_event($1, o.event_id)
	FROM scheduler.find_overlaps($1, $2, $3) AS o
	WHERE NOT EXISTS (SELECT FROM scheduler.scheduling_conflicts AS c
		WHERE c.user_id = $1 AND c.conflict_type = o.conflict_type AND c.event_id = o.event_id
			AND c.conflicting_event_id = o.conflicting_event_id AND c.resolution_status IN ('pending', 'ignored'))
	ON CONFLICT DO NOTHING;
END
$body$;
COMMENT ON FUNCTION scheduler.note_overlaps(uuid, timestamptz, timestamptz) IS 'Writes down overlaps of a span.';

/* Whether two events that were written down still overlap. */
CREATE FUNCTION scheduler.is_overlap_live(conflict scheduler.scheduling_conflicts) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN EXISTS (
		SELECT FROM scheduler.calendar_events AS a, scheduler.calendar_events AS b
		WHERE a.user_id = $1.user_id AND a.event_id = $1.event_id
			AND b.user_id = $1.user_id AND b.event_id = $1.conflicting_event_id
			AND a.start_datetime < b.end_datetime AND b.start_datetime < a.end_datetime
			AND 'cancelled' NOT IN (a.status, b.status) AND 'transparent' NOT IN (a.transparency, b.transparency)
			AND NOT a.is_all_day AND NOT b.is_all_day);
END
$body$;
COMMENT ON FUNCTION scheduler.is_overlap_live(scheduler.scheduling_conflicts) IS
	'Whether the events of a conflict still overlap.';


/*
 * Pending conflicts that have gone away by themselves: the task is over or has a place, or the events have been moved. A
 * pending task has no block (follow_tasks() sees to that), so only of others the calendar is asked.
 */
CREATE FUNCTION scheduler.settle_conflicts() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
BEGIN
	UPDATE scheduler.scheduling_conflicts AS c
	SET resolution_status = 'auto_resolved', resolved_at = now()
	WHERE c.user_id = owner_id AND c.resolution_status = 'pending'
		AND CASE WHEN c.conflict_type <> 'deadline_impossible' THEN NOT scheduler.is_overlap_live(c)
			ELSE NOT EXISTS (
				SELECT FROM scheduler.tasks AS t
				WHERE t.user_id = owner_id AND t.task_id = c.task_id
					AND t.status NOT IN ('completed', 'cancelled', 'blocked')
					AND (t.status = 'pending' OR NOT EXISTS (
						SELECT FROM scheduler.calendar_events AS e
						WHERE e.user_id = owner_id AND e.task_id = t.task_id AND e.status <> 'cancelled'
							AND e.end_datetime > now()))) END;
END
$body$;
COMMENT ON FUNCTION scheduler.settle_conflicts() IS 'Marks pending conflicts that no longer exist auto_resolved.';

/* Alternatives of pending conflicts are looked up again, so that what is offered is free. */
CREATE FUNCTION scheduler.detect_conflicts(within tstzrange DEFAULT NULL, user_id uuid DEFAULT NULL,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL) RETURNS SETOF scheduler.scheduling_conflicts
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user($2);
	span tstzrange := scheduler.check_window($1, $3, $4);
BEGIN
	PERFORM scheduler.open_calendar();
	PERFORM scheduler.note_overlaps(owner_id, lower(span), upper(span));
	IF upper(span) > now() THEN
		PERFORM scheduler.note_impossible(owner_id, upper(span),
			ARRAY(SELECT p FROM scheduler.place_tasks(owner_id, lower(span), upper(span), NULL) AS p));
	END IF;
	PERFORM scheduler.settle_conflicts();
	UPDATE scheduler.scheduling_conflicts AS c
	SET alternatives_offered = f.alternatives
	FROM (SELECT o.conflict_id, CASE WHEN o.conflict_type = 'deadline_impossible' THEN scheduler.offer_for_task(t)
			ELSE scheduler.offer_for_event(owner_id, o.event_id) END AS alternatives
		FROM scheduler.scheduling_conflicts AS o
		LEFT JOIN scheduler.tasks AS t ON t.user_id = o.user_id AND t.task_id = o.task_id
		WHERE o.user_id = owner_id AND o.resolution_status = 'pending') AS f
	WHERE c.user_id = owner_id AND c.conflict_id = f.conflict_id
		AND c.alternatives_offered IS DISTINCT FROM f.alternatives;
	RETURN QUERY
	SELECT c.*
	FROM scheduler.scheduling_conflicts AS c
	LEFT JOIN scheduler.calendar_events AS e ON e.user_id = c.user_id AND e.event_id = c.event_id
	WHERE c.user_id = owner_id AND c.resolution_status = 'pending'
		AND (e.event_id IS NULL OR (e.start_datetime < upper(span) AND e.end_datetime > lower(span)))
	ORDER BY c.created_at, c.conflict_id;
END
$body$;
COMMENT ON FUNCTION scheduler.detect_conflicts(tstzrange, uuid, timestamptz, timestamptz) IS
	'Looks for overlaps and missed deadlines in a window and returns what is pending, with alternatives that are free.';

CREATE FUNCTION scheduler.lock_conflict(conflict_id uuid) RETURNS scheduler.scheduling_conflicts
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	conflict scheduler.scheduling_conflicts;
BEGIN
	SELECT c.* INTO conflict
	FROM scheduler.scheduling_conflicts AS c
	WHERE c.user_id = owner_id AND c.conflict_id = $1
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such conflict'
			USING ERRCODE = 'PT404', DETAIL = format('There is no conflict %s.', coalesce($1::text, 'NULL')),
			HINT = 'Take a conflict_id from scheduler.scheduling_conflicts.';
	END IF;
	RETURN conflict;
END
$body$;
COMMENT ON FUNCTION scheduler.lock_conflict(uuid) IS 'The caller''s conflict, locked; error PT404 where there is none.';

CREATE FUNCTION scheduler.resolve_conflict(conflict_id uuid, choice integer DEFAULT 1)
	RETURNS scheduler.scheduling_conflicts
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	conflict scheduler.scheduling_conflicts := scheduler.lock_conflict($1);
	chosen jsonb := conflict.alternatives_offered -> ($2 - 1);
BEGIN
	IF conflict.resolution_status <> 'pending' THEN
		RETURN conflict;
	END IF;
	IF $2 IS NULL OR $2 < 1 OR chosen IS NULL THEN
		RAISE EXCEPTION 'no such alternative'
			USING ERRCODE = '22023', DETAIL = format('The conflict offers %s, choice is %s.',
				jsonb_array_length(conflict.alternatives_offered), coalesce($2::text, 'NULL')),
			HINT = 'Alternatives count from 1; detect_conflicts() looks for new ones.';
	END IF;
	IF conflict.conflict_type = 'deadline_impossible' THEN
		PERFORM scheduler.fix_task(conflict.task_id, (chosen ->> 'starts_at')::timestamptz);
	ELSE
		PERFORM scheduler.move_event(conflict.event_id, (chosen ->> 'starts_at')::timestamptz);
	END IF;
	UPDATE scheduler.scheduling_conflicts AS c
	SET resolution_status = 'resolved', resolution_chosen = chosen, resolved_at = now()
	WHERE c.user_id = conflict.user_id AND c.conflict_id = $1
	RETURNING c.* INTO conflict;
	RETURN conflict;
END
$body$;
COMMENT ON FUNCTION scheduler.resolve_conflict(uuid, integer) IS
	'Carries an alternative out, counted from 1; a conflict that is decided already is returned as it is.';

CREATE FUNCTION scheduler.ignore_conflict(conflict_id uuid, reason text DEFAULT NULL)
	RETURNS scheduler.scheduling_conflicts
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	conflict scheduler.scheduling_conflicts := scheduler.lock_conflict($1);
BEGIN
	IF conflict.resolution_status = 'pending' THEN
		UPDATE scheduler.scheduling_conflicts AS c
		SET resolution_status = 'ignored', resolution_chosen = jsonb_build_object('reason', $2), resolved_at = now()
		WHERE c.user_id = conflict.user_id AND c.conflict_id = $1
		RETURNING c.* INTO conflict;
	END IF;
	RETURN conflict;
END
$body$;
COMMENT ON FUNCTION scheduler.ignore_conflict(uuid, text) IS
	'Leaves a conflict as it is; the same one is not reported again.';

GRANT EXECUTE ON FUNCTION scheduler.detect_conflicts(tstzrange, uuid, timestamptz, timestamptz),
	scheduler.resolve_conflict(uuid, integer), scheduler.ignore_conflict(uuid, text)
	TO scheduler_user;
