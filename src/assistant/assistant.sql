/* assistant: one typed sentence becomes tasks and blocks, with the built-in rules, at once. */

CREATE FUNCTION scheduler.split_text(phrase text, reference timestamptz, timezone text, date_order text)
	RETURNS TABLE (item text, description text, start_at timestamptz, earliest_start timestamptz, deadline timestamptz,
		duration_minutes integer, priority integer, category text, rrule text, ambiguous boolean)
	LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3
	AS 'MODULE_PATHNAME', 'sched_sql_split_text';
COMMENT ON FUNCTION scheduler.split_text(text, timestamptz, text, text) IS
	'The things to do in a typed text, each with its time, length and words; reads nothing and writes nothing.';

/* Where an appointment cannot be had: up to three free times around it, in the shape of a conflict's alternatives. */
CREATE FUNCTION scheduler.offer_other_times(start_at timestamptz, minutes integer, category text) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(jsonb_agg(jsonb_build_object('n', n, 'starts_at', s.starts_at, 'ends_at', s.ends_at, 'moves', 0,
		'cost', -s.score, 'reason', 'free') ORDER BY n), '[]')
	FROM (SELECT f.starts_at, f.ends_at, f.score, row_number() OVER (ORDER BY abs(extract(epoch FROM f.starts_at - $1)), f.starts_at) AS n
		FROM scheduler.find_slots(make_interval(mins => $2), category => CASE WHEN $3 = 'work' THEN 'work' ELSE 'personal' END,
			max => 20, from_time => greatest(now(), $1 - interval '1 day'),
			to_time => greatest(now(), $1 - interval '1 day') + interval '8 days') AS f) AS s
	WHERE s.n <= 3
	$body$;
COMMENT ON FUNCTION scheduler.offer_other_times(timestamptz, integer, text) IS
	'Free times of the current user nearest to one that cannot be had, as alternatives of a conflict.';

/*
 * One item onto the calendar: {"task": ...} or {"conflict": ...}. A time that something fixed holds is answered with other
 * times, not with an error, so that the rest of the sentence counts.
 */
CREATE FUNCTION scheduler.schedule_item(item jsonb, session_id uuid) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	starts timestamptz := ($1 ->> 'start_at')::timestamptz;
	minutes integer := coalesce(($1 ->> 'duration_minutes')::integer, CASE WHEN starts IS NOT NULL THEN 60 ELSE 30 END);
	due timestamptz := CASE WHEN starts IS NULL THEN ($1 ->> 'deadline')::timestamptz END;
	earliest timestamptz := CASE WHEN starts IS NULL AND $1 ->> 'earliest_start' IS NOT NULL
		THEN greatest(($1 ->> 'earliest_start')::timestamptz, now()) END;
	kind text := $1 ->> 'category';
	problem text;
	new_id uuid;
BEGIN
	/* Work that is asked for on a day without working hours is done in the other hours of that day. */
	IF kind = 'work' AND earliest IS NOT NULL AND NOT EXISTS (
		SELECT FROM scheduler.open_hours(scheduler.required_user_id(), earliest, due) AS h
		WHERE h.kind = 'work' AND h.starts_at < due AND h.ends_at > earliest) THEN
		kind := 'personal';
	END IF;
	problem := CASE
		WHEN starts < now() THEN 'the time is past'
		WHEN due <= now() THEN 'the deadline is past'
		WHEN due <= earliest THEN 'the deadline is before the day'
		END;
	IF problem IS NULL THEN
		BEGIN
			new_id := scheduler.add_task($1 ->> 'description', minutes, due, ($1 ->> 'priority')::integer,
				kind, earliest, start_at => starts, original_input => $1 ->> 'item',
				task_type => CASE WHEN $1 ->> 'rrule' IS NULL THEN 'user_requested' ELSE 'recurring' END,
				metadata => jsonb_strip_nulls(jsonb_build_object('source', 'schedule_text', 'session_id', $2,
					'rrule', $1 ->> 'rrule', 'ambiguous', nullif(($1 ->> 'ambiguous')::boolean, false))));
		EXCEPTION WHEN SQLSTATE 'PT409' THEN
			problem := 'the time is taken';
		END;
	END IF;
	IF problem IS NOT NULL THEN
		RETURN jsonb_build_object('conflict', jsonb_strip_nulls(jsonb_build_object('description', $1 -> 'description',
			'conflict_type', CASE WHEN problem = 'the time is taken' THEN 'double_booking' ELSE 'deadline_impossible' END,
			'reason', problem, 'starts_at', starts, 'deadline', due, 'duration_minutes', minutes,
			'alternatives', scheduler.offer_other_times(greatest(coalesce(starts, due), now()), minutes, kind))));
	END IF;
	RETURN jsonb_build_object('task', (
		SELECT jsonb_build_object('task_id', t.task_id, 'description', t.description, 'starts_at', b.starts_at,
			'ends_at', b.ends_at, 'deadline', t.deadline, 'duration_minutes', t.duration_minutes, 'priority', t.priority,
			'category', t.category)
			|| jsonb_strip_nulls(jsonb_build_object('rrule', $1 ->> 'rrule', 'ambiguous', nullif(($1 ->> 'ambiguous')::boolean, false)))
		FROM scheduler.tasks AS t
		LEFT JOIN LATERAL (SELECT min(e.start_datetime) AS starts_at, max(e.end_datetime) AS ends_at
			FROM scheduler.calendar_events AS e
			WHERE e.user_id = t.user_id AND e.task_id = t.task_id AND e.status <> 'cancelled') AS b ON true
		WHERE t.user_id = scheduler.required_user_id() AND t.task_id = new_id));
END
$body$;
COMMENT ON FUNCTION scheduler.schedule_item(jsonb, uuid) IS
	'Puts one item of split_text() on the calendar; returns the task or the conflict with other times.';

CREATE FUNCTION scheduler.schedule_text(phrase text, session_id uuid DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	outcome jsonb;
	item record;
	tasks jsonb := '[]';
	conflicts jsonb := '[]';
	unparsed jsonb := '[]';
BEGIN
	IF $1 IS NULL OR $1 !~ '\S' THEN
		RAISE EXCEPTION 'nothing to schedule'
			USING ERRCODE = '22023', DETAIL = 'The text is empty.', HINT = 'For example ''dentist tomorrow 9''.';
	END IF;
	/* Fixed times first: what may be anywhere finds its place around them. */
	FOR item IN
		SELECT s.*, row_number() OVER () AS n
		FROM scheduler.split_text($1, now(), scheduler.user_timezone(), scheduler.user_date_order()) AS s
		ORDER BY s.start_at IS NULL, n
	LOOP
		IF item.description !~ '\w' THEN
			unparsed := unparsed || to_jsonb(item.item);
			CONTINUE;
		END IF;
		outcome := scheduler.schedule_item(to_jsonb(item), $2);
		IF outcome ? 'task' THEN
			tasks := tasks || jsonb_build_array(outcome -> 'task' || jsonb_build_object('n', item.n));
		ELSE
			conflicts := conflicts || jsonb_build_array(outcome -> 'conflict');
		END IF;
	END LOOP;
	/* What could not be placed in time has its conflict already; and placing the last may have moved the first. */
	SELECT coalesce(jsonb_agg((t.value - 'n') || jsonb_build_object('starts_at', b.starts_at, 'ends_at', b.ends_at)
		ORDER BY (t.value ->> 'n')::integer), '[]')
	INTO tasks
	FROM jsonb_array_elements(tasks) AS t
	LEFT JOIN LATERAL (SELECT min(e.start_datetime) AS starts_at, max(e.end_datetime) AS ends_at
		FROM scheduler.calendar_events AS e
		WHERE e.user_id = owner_id AND e.task_id = (t.value ->> 'task_id')::uuid AND e.status <> 'cancelled') AS b ON true;
	SELECT conflicts || coalesce(jsonb_agg(jsonb_build_object('conflict_id', c.conflict_id, 'conflict_type', c.conflict_type,
		'task_id', c.task_id, 'reason', c.detail, 'alternatives', c.alternatives_offered) ORDER BY c.conflict_id), '[]')
	INTO conflicts
	FROM scheduler.scheduling_conflicts AS c
	WHERE c.user_id = owner_id AND c.resolution_status = 'pending' AND c.task_id IN (
		SELECT (t.value ->> 'task_id')::uuid FROM jsonb_array_elements(tasks) AS t);
	RETURN jsonb_build_object('tasks', tasks, 'conflicts', conflicts, 'unparsed', unparsed);
END
$body$;
COMMENT ON FUNCTION scheduler.schedule_text(text, uuid) IS
	'Reads things to do from a typed English text and puts them on the calendar; returns tasks, conflicts and what was not understood.';

GRANT EXECUTE ON FUNCTION scheduler.schedule_text(text, uuid),
	scheduler.split_text(text, timestamptz, text, text),
	scheduler.offer_other_times(timestamptz, integer, text), scheduler.schedule_item(jsonb, uuid)
	TO scheduler_user;
