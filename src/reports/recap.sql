/* reports: the week in numbers, computed from rows. */

CREATE TABLE scheduler.weekly_recaps
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	recap_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	week_start_date date NOT NULL,
	week_end_date date NOT NULL,
	total_tasks_planned integer NOT NULL,
	total_tasks_completed integer NOT NULL,
	completion_rate float8,
	productivity_score float8,
	work_life_balance_score float8,
	work_tasks_completed integer NOT NULL,
	personal_tasks_completed integer NOT NULL,
	health_tasks_completed integer NOT NULL,
	summary text NOT NULL,
	recommendations text[] NOT NULL,
	highlights jsonb NOT NULL,
	most_productive_day text,
	most_productive_time text,
	common_postponed_tasks text[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT weekly_recaps_pkey PRIMARY KEY (user_id, recap_id),
	CONSTRAINT weekly_recaps_week_key UNIQUE (user_id, week_start_date),
	CONSTRAINT weekly_recaps_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT weekly_recaps_week CHECK (extract(isodow FROM week_start_date) = 1
		AND week_end_date = week_start_date + 6)
);
COMMENT ON TABLE scheduler.weekly_recaps IS
	'One row a week and user, written by recap(): rates are 0 to 1, scores 0 to 100, NULL where nothing was planned.';
SELECT scheduler.install_user_table('weekly_recaps');

/*
 * The tasks that count for a week: with a block, a deadline or their completion in it; cancelled ones never. on_time
 * is NULL without a deadline. One place, so that every number of a recap speaks of the same tasks.
 */
CREATE FUNCTION scheduler.tasks_of_week(starts_at timestamptz, ends_at timestamptz)
	RETURNS TABLE (task_id uuid, description text, category text, priority integer, completed boolean,
		completed_at timestamptz, on_time boolean, postponed_count integer)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT t.task_id, t.description, t.category, t.priority::integer,
		t.status = 'completed' AND t.completed_at >= $1 AND t.completed_at < $2,
		t.completed_at, t.completed_at <= t.deadline, t.postponed_count
	FROM scheduler.tasks t
	WHERE t.user_id = scheduler.current_user_id() AND t.status <> 'cancelled'
		AND (t.deadline > $1 AND t.deadline <= $2
			OR t.completed_at >= $1 AND t.completed_at < $2
			OR EXISTS (SELECT FROM scheduler.calendar_events e
				WHERE e.user_id = t.user_id AND e.task_id = t.task_id AND e.status <> 'cancelled'
					AND e.start_datetime >= $1 AND e.start_datetime < $2))
$body$;
COMMENT ON FUNCTION scheduler.tasks_of_week(timestamptz, timestamptz) IS
	'The current user''s tasks that a recap of this span counts.';

/*
 * Minutes of work blocks outside and inside working hours, and of personal and health blocks. A block counts as
 * outside where it starts outside of the day's work hours in the user's zone.
 */
CREATE FUNCTION scheduler.balance_of_week(starts_at timestamptz, ends_at timestamptz, timezone text)
	RETURNS float8
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE WHEN count(*) > 0 THEN round((100 * (
			0.7 * (1 - coalesce(sum(b.minutes) FILTER (WHERE b.is_work AND b.is_outside)
				/ nullif(sum(b.minutes) FILTER (WHERE b.is_work), 0), 0))
			+ 0.3 * least(1, coalesce(sum(b.minutes) FILTER (WHERE NOT b.is_work), 0)
				/ greatest(0.2 * coalesce(sum(b.minutes) FILTER (WHERE b.is_work), 0), 1))))::numeric, 1)::float8 END
	FROM (SELECT extract(epoch FROM e.end_datetime - e.start_datetime) / 60 AS minutes,
			coalesce(t.category, 'work') IN ('work', 'other') AS is_work,
			NOT EXISTS (SELECT FROM scheduler.availability a
				WHERE a.user_id = e.user_id AND a.kind = 'work'
					AND a.weekday = extract(isodow FROM e.start_datetime AT TIME ZONE $3)
					AND (e.start_datetime AT TIME ZONE $3)::time >= a.starts
					AND (e.start_datetime AT TIME ZONE $3)::time < a.ends) AS is_outside
		FROM scheduler.calendar_events e
		LEFT JOIN scheduler.tasks t ON t.user_id = e.user_id AND t.task_id = e.task_id
		WHERE e.user_id = scheduler.current_user_id() AND e.status <> 'cancelled' AND NOT e.is_all_day
			AND e.transparency = 'opaque' AND e.start_datetime >= $1 AND e.start_datetime < $2) AS b
$body$;
COMMENT ON FUNCTION scheduler.balance_of_week(timestamptz, timestamptz, text) IS
	'Work-life balance 0 to 100: 70 for work inside working hours, 30 for personal time of at least a fifth of it.';

/* What the numbers suggest; at most four sentences, the most pressing first. */
CREATE FUNCTION scheduler.recap_advice(planned integer, completed integer, late integer, postponed text[],
	balance float8) RETURNS text[]
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT array_remove(ARRAY[
		CASE WHEN $3 > 0 THEN format('%s %s late: plan an earlier start or fewer tasks a day.', $3,
			CASE WHEN $3 = 1 THEN 'task was' ELSE 'tasks were' END) END,
		CASE WHEN cardinality($4) > 0 THEN format('Postponed again and again: "%s". Split it or drop it.', $4[1]) END,
		CASE WHEN $1 >= 5 AND $2 < $1 / 2.0 THEN 'Less than half was done: plan less for next week.' END,
		CASE WHEN $5 < 60 THEN 'Much of the work lies outside working hours: protect your evenings.' END], NULL)
$body$;
COMMENT ON FUNCTION scheduler.recap_advice(integer, integer, integer, text[], float8) IS
	'Recommendations of a recap, from its numbers alone.';

/*
 * recap(week, user_id): computes and stores the recap of the week that contains the day, in the user's zone.
 * productivity_score: completed tasks weighted by priority, a late one counting half.
 * 42501 for another's recap.
 */
CREATE FUNCTION scheduler.recap(week date DEFAULT NULL, user_id uuid DEFAULT scheduler.required_user_id())
	RETURNS scheduler.weekly_recaps
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	zone text;
	monday date;
	lower_bound timestamptz;
	upper_bound timestamptz;
	counts record;
	best record;
	answer scheduler.weekly_recaps;
BEGIN
	IF $2 IS DISTINCT FROM scheduler.required_user_id() THEN
		RAISE EXCEPTION 'not allowed to read this user''s recap' USING ERRCODE = '42501';
	END IF;
	SELECT u.timezone INTO zone FROM scheduler.users u WHERE u.user_id = $2;
	zone := coalesce(zone, 'UTC');
	monday := date_trunc('week', coalesce($1, (now() AT TIME ZONE zone)::date)::timestamp)::date;
	lower_bound := monday::timestamp AT TIME ZONE zone;
	upper_bound := (monday + 7)::timestamp AT TIME ZONE zone;

	SELECT count(*)::integer AS planned,
		count(*) FILTER (WHERE w.completed)::integer AS completed,
		count(*) FILTER (WHERE w.completed AND w.on_time IS FALSE)::integer AS late,
		count(*) FILTER (WHERE w.completed AND w.category = 'work')::integer AS work,
		count(*) FILTER (WHERE w.completed AND w.category = 'personal')::integer AS personal,
		count(*) FILTER (WHERE w.completed AND w.category = 'health')::integer AS health,
		100.0 * sum(w.priority * CASE WHEN NOT w.completed THEN 0 WHEN w.on_time IS FALSE THEN 0.5 ELSE 1 END)
			/ nullif(sum(w.priority), 0) AS score,
		coalesce((array_agg(w.description ORDER BY w.postponed_count DESC, w.task_id)
			FILTER (WHERE w.postponed_count >= 2))[1:3], '{}') AS postponed,
		coalesce(jsonb_agg(jsonb_build_object('task_id', w.task_id, 'description', w.description,
			'completed_at', w.completed_at) ORDER BY w.priority DESC, w.completed_at)
			FILTER (WHERE w.completed AND w.priority >= 7), '[]') AS highlights
	INTO counts
	FROM scheduler.tasks_of_week(lower_bound, upper_bound) w;

	SELECT (SELECT trim(to_char(w.completed_at AT TIME ZONE zone, 'Day'))
			FROM scheduler.tasks_of_week(lower_bound, upper_bound) w WHERE w.completed
			GROUP BY 1 ORDER BY count(*) DESC, min(w.completed_at) LIMIT 1) AS day,
		(SELECT CASE WHEN d.hour < 6 THEN 'night' WHEN d.hour < 12 THEN 'morning' WHEN d.hour < 18 THEN 'afternoon'
				ELSE 'evening' END
			FROM (SELECT extract(hour FROM w.completed_at AT TIME ZONE zone) AS hour
				FROM scheduler.tasks_of_week(lower_bound, upper_bound) w WHERE w.completed) AS d
			GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1) AS part
	INTO best;

	PERFORM scheduler.refuse_old_snapshot();
	DELETE FROM scheduler.weekly_recaps r WHERE r.user_id = $2 AND r.week_start_date = monday;
	INSERT INTO scheduler.weekly_recaps AS r (user_id, week_start_date, week_end_date, total_tasks_planned,
		total_tasks_completed, completion_rate, productivity_score, work_life_balance_score, work_tasks_completed,
		personal_tasks_completed, health_tasks_completed, summary, recommendations, highlights, most_productive_day,
		most_productive_time, common_postponed_tasks)
	SELECT $2, monday, monday + 6, counts.planned, counts.completed,
		round(counts.completed::numeric / nullif(counts.planned, 0), 3), round(counts.score, 1), b.balance,
		counts.work, counts.personal, counts.health,
		CASE WHEN counts.planned = 0 THEN 'Nothing was planned this week.'
			ELSE format('%s of %s planned tasks done, %s of them late.', counts.completed, counts.planned, counts.late) END,
		scheduler.recap_advice(counts.planned, counts.completed, counts.late, counts.postponed, b.balance),
		counts.highlights, best.day, best.part, counts.postponed
	FROM (SELECT scheduler.balance_of_week(lower_bound, upper_bound, zone) AS balance) AS b
	RETURNING r.* INTO answer;
	RETURN answer;
END
$body$;
COMMENT ON FUNCTION scheduler.recap(date, uuid) IS
	'Computes and keeps the recap of the week (Monday to Sunday, in the user''s zone) that contains this day; NULL: this week.';
GRANT EXECUTE ON FUNCTION scheduler.recap(date, uuid) TO scheduler_user;
