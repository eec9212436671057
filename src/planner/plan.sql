/* planner: placing tasks. The C core computes, these functions write. */

CREATE TYPE scheduler.placement AS
(
	task_id uuid,
	event_id uuid,
	starts_at timestamptz,
	ends_at timestamptz,
	status text,
	why text,
	reason text
);
COMMENT ON TYPE scheduler.placement IS
	'What a plan says of one block: event_id is the row of the calendar it takes over, dropped ones are to go.';

CREATE FUNCTION scheduler.place_tasks(user_id uuid, from_time timestamptz, to_time timestamptz, task_ids uuid[])
	RETURNS SETOF scheduler.placement
	LANGUAGE c STABLE ROWS 100
	AS 'MODULE_PATHNAME', 'sched_sql_place_tasks';
COMMENT ON FUNCTION scheduler.place_tasks(uuid, timestamptz, timestamptz, uuid[]) IS
	'Computes a plan for open tasks, all or only some, and writes nothing.';

CREATE FUNCTION scheduler.place_new_tasks(user_id uuid, from_time timestamptz, to_time timestamptz, task_ids uuid[],
	minutes integer[], deadlines timestamptz[], priorities integer[], work boolean[]) RETURNS SETOF scheduler.placement
	LANGUAGE c STABLE STRICT ROWS 10
	AS 'MODULE_PATHNAME', 'sched_sql_place_new_tasks';
COMMENT ON FUNCTION scheduler.place_new_tasks(uuid, timestamptz, timestamptz, uuid[], integer[], timestamptz[], integer[],
	boolean[]) IS
	'Places tasks that are not stored yet: a row for each, "unwanted" where minutes is NULL, then those of tasks that make room.';

CREATE FUNCTION scheduler.find_offers(user_id uuid, earliest timestamptz[], deadlines timestamptz[], minutes integer[],
	work boolean[]) RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT ROWS 10
	AS 'MODULE_PATHNAME', 'sched_sql_find_offers';
COMMENT ON FUNCTION scheduler.find_offers(uuid, timestamptz[], timestamptz[], integer[], boolean[]) IS
	'Free times for tasks that miss their deadlines, as alternatives of a conflict: a row for each.';

CREATE FUNCTION scheduler.placement_factors() RETURNS TABLE (n integer, name text, weight float8)
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 6
	AS 'MODULE_PATHNAME', 'sched_sql_placement_factors';
COMMENT ON FUNCTION scheduler.placement_factors() IS 'What makes a free start better or worse, and by how much.';

CREATE FUNCTION scheduler.judge_starts(user_id uuid, task_id uuid, from_time timestamptz, to_time timestamptz,
	length bigint, starts timestamptz[])
	RETURNS TABLE (starts_at timestamptz, rejected text, score float8, factor_values float8[])
	LANGUAGE c STABLE STRICT ROWS 500
	AS 'MODULE_PATHNAME', 'sched_sql_judge_starts';
COMMENT ON FUNCTION scheduler.judge_starts(uuid, uuid, timestamptz, timestamptz, bigint, timestamptz[]) IS
	'What the planner thinks of starts of a task, as if only its own blocks were not on the calendar.';

/*
 * Writes a plan: rows that are no longer needed go, all that move do so in one statement (blocks may change places),
 * new ones come last. Blocks of a pinned task are fixed once they stand.
 */
CREATE FUNCTION scheduler.apply_placements(user_id uuid, placements scheduler.placement[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	words text[] := ARRAY(SELECT p.status FROM unnest($2) AS p);
BEGIN
	/* A statement that finds no row still runs the table's triggers. */
	IF 'dropped' = ANY (words) THEN
		DELETE FROM scheduler.calendar_events AS e
		USING unnest($2) AS p
		WHERE p.status = 'dropped' AND e.user_id = $1 AND e.event_id = p.event_id;
	END IF;
	IF 'moved' = ANY (words) THEN
		UPDATE scheduler.calendar_events AS e
		SET start_datetime = p.starts_at, end_datetime = p.ends_at, sync_status = 'pending'
		FROM unnest($2) AS p
		WHERE p.status = 'moved' AND e.user_id = $1 AND e.event_id = p.event_id
			AND (e.start_datetime, e.end_datetime) IS DISTINCT FROM (p.starts_at, p.ends_at);
	END IF;
	IF NOT words && '{placed,moved}' THEN
		RETURN;
	END IF;
	INSERT INTO scheduler.calendar_events (user_id, task_id, summary, location, start_datetime, end_datetime, is_movable)
	SELECT $1, p.task_id, t.description, t.location, p.starts_at, p.ends_at, NOT t.pinned
	FROM unnest($2) AS p
	JOIN scheduler.tasks AS t ON t.user_id = $1 AND t.task_id = p.task_id
	WHERE p.status IN ('placed', 'moved') AND p.event_id IS NULL
	ORDER BY p.starts_at;
END
$body$;
COMMENT ON FUNCTION scheduler.apply_placements(uuid, scheduler.placement[]) IS
	'Writes a computed plan onto the calendar; the calendar lock is held.';

/*
 * Places some tasks, and what waits for them, around everything that stands: in the 14 days from where they may
 * start, else in 90. Only where one of them would miss its deadline are all others looked at again. crowded: it is known
 * that they have no place in the first 14 days where nobody moves.
 */
CREATE FUNCTION scheduler.replan_tasks(task_ids uuid[], crowded boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	wanted uuid[];
	first_start timestamptz;
	horizon timestamptz;
	placements scheduler.placement[];
	late boolean;
BEGIN
	wanted := ARRAY(
		WITH RECURSIVE behind (id) AS (
			SELECT unnest($1)
			UNION
			SELECT d.task_id
			FROM behind JOIN scheduler.task_dependencies AS d ON d.user_id = owner_id AND d.depends_on_id = behind.id)
		SELECT behind.id FROM behind);
	SELECT greatest(least(min(coalesce(t.earliest_start, now())), min(b.first_start)), now()),
		greatest(max(t.earliest_start) + interval '14 days', now() + interval '14 days', max(b.last_end))
	INTO first_start, horizon
	FROM scheduler.tasks AS t
	CROSS JOIN LATERAL (
		SELECT min(e.start_datetime) AS first_start, max(e.end_datetime) AS last_end
		FROM scheduler.calendar_events AS e
		WHERE e.user_id = owner_id AND e.task_id = t.task_id AND e.is_movable AND e.start_datetime > now()) AS b
	WHERE t.user_id = owner_id AND t.task_id = ANY (wanted);
	horizon := least(horizon, first_start + interval '400 days');
	IF NOT $2 THEN
		placements := ARRAY(SELECT p FROM scheduler.place_tasks(owner_id, first_start, horizon, wanted) AS p);
	END IF;
	late := $2 OR EXISTS (SELECT FROM unnest(placements) AS p WHERE p.why = 'no_gap');
	/* Weeks behind the first two are of no use to what has to be done within these. */
	IF late AND EXISTS (SELECT FROM scheduler.tasks AS t
		WHERE t.user_id = owner_id AND t.task_id = ANY (wanted) AND (t.deadline > horizon) IS NOT FALSE) THEN
		horizon := greatest(horizon, first_start + interval '90 days');
		placements := ARRAY(SELECT p FROM scheduler.place_tasks(owner_id, first_start, horizon, wanted) AS p);
		late := EXISTS (SELECT FROM unnest(placements) AS p
			JOIN scheduler.tasks AS t ON t.user_id = owner_id AND t.task_id = p.task_id
			WHERE p.why = 'no_gap' AND t.deadline <= horizon);
	END IF;
	IF late THEN
		placements := ARRAY(SELECT p FROM scheduler.place_tasks(owner_id, first_start, horizon, NULL) AS p);
	END IF;
	PERFORM scheduler.apply_placements(owner_id, placements);
	PERFORM scheduler.note_impossible(owner_id, horizon, placements);
	PERFORM scheduler.settle_conflicts();
END
$body$;
COMMENT ON FUNCTION scheduler.replan_tasks(uuid[], boolean) IS
	'Places these tasks and what waits for them; others move only where a deadline would be missed.';

CREATE FUNCTION scheduler.plan(within tstzrange DEFAULT NULL, apply boolean DEFAULT true, user_id uuid DEFAULT NULL,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL)
	RETURNS TABLE (task_id uuid, during tstzrange, starts_at timestamptz, ends_at timestamptz, status text, reason text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user($3);
	span tstzrange := scheduler.check_window($1, $4, $5);
	placements scheduler.placement[];
BEGIN
	IF upper(span) <= now() THEN
		RAISE EXCEPTION 'nothing can be planned in the past'
			USING ERRCODE = '22023', DETAIL = format('The window ends at %s.', upper(span)),
			HINT = 'Give a window that ends later than now.';
	END IF;
	IF $2 THEN
		PERFORM scheduler.open_calendar();
	END IF;
	placements := ARRAY(SELECT p FROM scheduler.place_tasks(owner_id, lower(span), upper(span), NULL) AS p);
	IF $2 THEN
		PERFORM scheduler.apply_placements(owner_id, placements);
		PERFORM scheduler.note_impossible(owner_id, upper(span), placements);
		PERFORM scheduler.note_overlaps(owner_id, greatest(lower(span), now()), upper(span));
		PERFORM scheduler.settle_conflicts();
	END IF;
	RETURN QUERY
	SELECT p.task_id, CASE WHEN p.starts_at IS NOT NULL THEN tstzrange(p.starts_at, p.ends_at) END, p.starts_at,
		p.ends_at, p.status, p.reason
	FROM unnest(placements) AS p
	WHERE p.status <> 'dropped'
	ORDER BY p.starts_at, p.task_id;
END
$body$;
COMMENT ON FUNCTION scheduler.plan(tstzrange, boolean, uuid, timestamptz, timestamptz) IS
	'Places every open task of a window: placed, kept, moved or unplaced, with the reason. apply => false only shows.';

/*
 * The 500 grid starts from now on, and where the task stands. rejected_by names the first hard rule in the way,
 * score is minus the sum of value x weight over the factors.
 */
CREATE FUNCTION scheduler.explain_placement(task_id uuid)
	RETURNS TABLE (candidate tstzrange, chosen boolean, score float8, factors jsonb, rejected_by text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	grid timestamptz := date_bin('15 min', now() + interval '15 min' - interval '1 microsecond', '2000-01-01 00:00Z');
	task scheduler.tasks;
	block scheduler.calendar_events;
	length interval;
	horizon timestamptz;
BEGIN
	SELECT t.* INTO task FROM scheduler.tasks AS t WHERE t.user_id = owner_id AND t.task_id = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such task'
			USING ERRCODE = 'PT404', DETAIL = format('There is no task %s.', coalesce($1::text, 'NULL')),
			HINT = 'Take a task_id from scheduler.tasks.';
	END IF;
	SELECT e.* INTO block
	FROM scheduler.calendar_events AS e
	WHERE e.user_id = owner_id AND e.task_id = $1 AND e.status <> 'cancelled' AND e.start_datetime > now()
	ORDER BY e.start_datetime
	LIMIT 1;
	length := coalesce(block.end_datetime - block.start_datetime,
		make_interval(mins => greatest(task.duration_minutes - task.worked_minutes, 1)));
	horizon := greatest(now() + interval '14 days', block.end_datetime);
	RETURN QUERY
	WITH obstacles AS MATERIALIZED (
		SELECT e.start_datetime AS starts_at, e.end_datetime AS ends_at, 'busy: ' || e.summary AS label
		FROM scheduler.events_within(owner_id, now(), horizon + length) AS e
		WHERE e.task_id IS DISTINCT FROM $1
		UNION ALL
		SELECT p.starts_at, p.ends_at, 'protected: ' || p.label
		FROM scheduler.protected_spans(owner_id, now(), horizon + length) AS p
		WHERE p.strict)
	SELECT tstzrange(j.starts_at, j.starts_at + length), j.starts_at IS NOT DISTINCT FROM block.start_datetime,
		j.score, f.factors, coalesce(o.label, CASE WHEN j.rejected = 'busy' THEN 'buffer' ELSE j.rejected END)
	FROM scheduler.judge_starts(owner_id, $1, now(), horizon, (extract(epoch FROM length) * 1000000)::bigint,
			ARRAY(SELECT grid + n * interval '15 min' FROM generate_series(0, 499) AS s (n)
				UNION SELECT block.start_datetime WHERE block.event_id IS NOT NULL ORDER BY 1)) AS j
	CROSS JOIN LATERAL (
		SELECT jsonb_object_agg(p.name, jsonb_build_object('value', j.factor_values[p.n], 'weight', p.weight)) AS factors
		FROM scheduler.placement_factors() AS p) AS f
	LEFT JOIN LATERAL (
		SELECT b.label
		FROM obstacles AS b
		WHERE b.starts_at < j.starts_at + length AND b.ends_at > j.starts_at
		ORDER BY b.starts_at, b.label
		LIMIT 1) AS o ON j.rejected = 'busy'
	ORDER BY j.starts_at;
END
$body$;
COMMENT ON FUNCTION scheduler.explain_placement(uuid) IS
	'Why a task stands where it does: starts that were possible with their scores, and what ruled the others out.';

GRANT EXECUTE ON FUNCTION scheduler.plan(tstzrange, boolean, uuid, timestamptz, timestamptz) TO scheduler_user;
GRANT EXECUTE ON FUNCTION scheduler.explain_placement(uuid), scheduler.placement_factors(),
	scheduler.judge_starts(uuid, uuid, timestamptz, timestamptz, bigint, timestamptz[])
	TO scheduler_viewer;
